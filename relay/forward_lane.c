/*
 * forward_lane.c -- a lane for each endpoint: what is due for it, and how much of it at once.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/awaits.h"
#include "relay/forward.h"

#define CHUNK 64 /* records that are read at once */
#define AT_ONCE                                                                                    \
    1000 /* records that a lane passes over or settles unsent, before others have a turn */
#define TOLD_LANES 32 /* lanes without endpoint that are told by name */

/* ---- which lanes there are ---- */

static struct forward_lane *add_lane(struct forward_walk *w, const char *name, const char *channel,
                                     struct gf_err *e) {
    struct forward_lane *more = realloc(w->lanes, (w->nlanes + 1) * sizeof *more);

    if (more == NULL) {
        (void)gf_err_set(e, GF_E_SYSTEM, "no memory for endpoints");
        return NULL;
    }
    w->lanes = more;
    struct forward_lane *lane = &w->lanes[w->nlanes++];
    *lane = (struct forward_lane){.name = name, .credit = 1, .credit_max = 1};
    (void)snprintf(lane->channel, sizeof lane->channel, "%s", channel);
    return lane;
}

/* A channel that has records: one lane for each of its endpoints, and one for what none of them
 * takes. */
static int add_channel(void *arg, const char *channel, struct gf_err *e) {
    struct forward_walk *w = arg;
    const struct config *c = w->r->config;
    const char *name;
    int takes_all = 0, endpoints = 0;

    for (size_t i = 0; (name = config_name(c, "endpoint", i)) != NULL; i++) {
        if (strcmp(endpoint_value(c, name, "channel"), channel) != 0)
            continue;
        if (add_lane(w, name, channel, e) == NULL)
            return -1;
        endpoints++;
        takes_all |= endpoint_value(c, name, "product") == NULL &&
                     endpoint_value(c, name, "sender") == NULL &&
                     endpoint_value(c, name, "type") == NULL;
    }
    if (takes_all && endpoints == 1)
        w->lanes[w->nlanes - 1].takes_all = 1;
    return takes_all || add_lane(w, NULL, channel, e) != NULL ? 0 : -1;
}

int forward_lanes(struct forward_walk *w, struct gf_err *e) {
    return ledger_channels(w->r->ledger, add_channel, w, e);
}

void forward_lanes_free(struct forward_walk *w) {
    for (size_t i = 0; i < w->nlanes; i++) {
        forward_list_free(&w->lanes[i].ready);
        forward_list_free(&w->lanes[i].marked);
        if (w->lanes[i].opened && w->lanes[i].unusable.code == GF_OK)
            endpoint_close(&w->lanes[i].endpoint);
    }
    free(w->lanes);
    w->lanes = NULL;
    w->nlanes = 0;
}

/* The section is read when the first of its records is at hand. */
static void open_lane(struct forward_walk *w, struct forward_lane *lane) {
    if (lane->opened || lane->name == NULL)
        return;
    lane->opened = 1;
    if (endpoint_open(&lane->endpoint, w->r, lane->name, &lane->unusable) == -1)
        return;
    lane->unusable.code = GF_OK;
    size_t n = (size_t)lane->endpoint.connections;
    lane->breaker.share = (n + 1) / 2;
    /* What is marked and then cut off by a crash is held where doubles do harm: as little as can
     * be. */
    lane->credit_max = lane->endpoint.retention_s == 0 ? n : n + FORWARD_AHEAD;
}

/* ---- what is due ---- */

struct gather {
    struct forward_walk *w;
    struct forward_lane *lane;
    struct forward_list found;
};

static int gather(void *arg, const struct ledger_record *row, struct gf_err *e) {
    struct gather *g = arg;
    struct forward_job *j;
    const char *name = g->lane->takes_all ? g->lane->name : endpoint_match(g->w->r->config, row);
    int is_ours = name == NULL || g->lane->name == NULL ? name == g->lane->name
                                                        : strcmp(name, g->lane->name) == 0;

    if (!is_ours)
        return 0;
    open_lane(g->w, g->lane);
    if (forward_job_new(g->w, g->lane, row, &j, e) == -1)
        return -1;
    forward_put(&g->found, j);
    return 0;
}

/* How many more jobs the lane may have. */
static size_t room(const struct forward_lane *lane) {
    if (lane->name == NULL || lane->unusable.code != GF_OK || lane->breaker.open)
        return CHUNK; /* nothing stays */
    size_t has = lane->marked.n + lane->ready.n + lane->under_way;
    if (has >= lane->credit || lane->marked.weight + lane->ready.weight >= FORWARD_AHEAD_BYTES)
        return 0;
    return lane->credit - has;
}

/* Those that can be sent will be marked, all at once. */
static int choose(struct forward_walk *w, struct forward_lane *lane, struct forward_list *found,
                  size_t *settled, struct gf_err *e) {
    struct forward_job *j;
    int early = 0;

    while (early != -1 && (j = forward_take(found)) != NULL) {
        early = forward_settle_early(w, j, e);
        if (early == 0) {
            forward_put(&lane->marked, j);
            continue;
        }
        forward_job_free(j);
        ++*settled;
    }
    return early == -1 ? -1 : 0;
}

int forward_lane_fill(struct forward_walk *w, struct forward_lane *lane, struct gf_err *e) {
    size_t settled = 0, n;

    while (!lane->over && (n = room(lane)) > 0 && settled < AT_ONCE) {
        struct gather g = {.w = w, .lane = lane};
        if (n > CHUNK)
            n = CHUNK;
        int got = ledger_due(w->r->ledger, lane->channel, w->r->now, n, &lane->at, gather, &g, e);
        lane->over = got != -1 && (size_t)got < n;
        /* Those that are another lane's have cost a look, too. */
        if (got != -1)
            settled += (size_t)got - g.found.n;
        if (got == -1 || choose(w, lane, &g.found, &settled, e) == -1) {
            forward_list_free(&g.found);
            return -1;
        }
    }
    return 0;
}

void forward_lane_trust(struct forward_lane *lane) {
    lane->credit = 2 * lane->credit < lane->credit_max ? 2 * lane->credit : lane->credit_max;
}

int forward_lane_hungry(const struct forward_lane *lane) {
    /* The other half goes on while this one is written down. */
    return !lane->over &&
           (lane->name == NULL || lane->unusable.code != GF_OK || lane->breaker.open ||
            lane->ready.n + lane->under_way <= lane->credit / 2);
}

int forward_lane_idle(const struct forward_lane *lane) {
    return lane->over && lane->ready.n == 0 && lane->under_way == 0;
}

/* ---- telling ---- */

void forward_lane_waits(struct forward_lane *lane, const struct ledger_record *row, int64_t due) {
    if (lane->later == 0 || row->received < lane->since)
        lane->since = row->received;
    if (lane->later == 0 || due < lane->due)
        lane->due = due;
    lane->later++;
}

static void tell_homeless(struct forward_walk *w, const struct forward_lane *lane, int64_t n,
                          const char *others) {
    char self[COMMAND_SELF];

    turn_person(w->t,
                "%lld held: no endpoint takes channel %s%s; add an [endpoint \"%s\"] with "
                "channel = %s and url = ... to %s, then run: %s records release",
                (long long)n, lane->channel, others, lane->channel, lane->channel,
                w->r->config_path, relay_self(w->r, self));
}

/* What waits for no person stands among what waits (awaits.h). */
static void tell_waiting(struct forward_walk *w, const struct forward_lane *lane) {
    struct ledger_stuck x = {.records = lane->later,
                             .since = lane->since,
                             .due = lane->due,
                             .asked = lane->breaker.asked};
    char line[AWAITS_LINE];

    (void)snprintf(x.endpoint, sizeof x.endpoint, "%s", lane->name);
    (void)snprintf(x.reason, sizeof x.reason, "%s", lane->reason);
    if (awaits_line(w->r, &x, forward_now(w), line))
        turn_person(w->t, "%s", line);
    else
        turn_wait(w->t, "%s", line);
}

static void tell_endpoint(struct forward_walk *w, const struct forward_lane *lane) {
    const char *advice = endpoint_advice_of(lane->reason);
    char self[COMMAND_SELF], option[ENDPOINT_OPTION];

    if (lane->held > 0)
        turn_person(w->t,
                    "endpoint \"%s\": %lld held: %.300s; %s%smend it in %s, then run: %s"
                    " records release%s",
                    lane->name, (long long)lane->held, lane->reason, advice != NULL ? advice : "",
                    advice != NULL ? "; " : "", w->r->config_path, relay_self(w->r, self),
                    endpoint_option(lane->name, option));
    else if (lane->later > 0 && !w->t->by_hand)
        tell_waiting(w, lane);
}

void forward_lanes_tell(struct forward_walk *w) {
    const struct forward_lane *last = NULL;
    size_t told = 0;
    int64_t others = 0;

    for (size_t i = 0; i < w->nlanes; i++) {
        const struct forward_lane *lane = &w->lanes[i];
        if (lane->name != NULL) {
            tell_endpoint(w, lane);
            if (lane->endpoint.warning[0] != '\0')
                turn_wait(w->t, "endpoint \"%s\" takes what comes, and warns: %.600s", lane->name,
                          lane->endpoint.warning);
        } else if (lane->held > 0 && ++told < TOLD_LANES) {
            tell_homeless(w, lane, lane->held, "");
        } else if (lane->held > 0) {
            others += lane->held;
            last = lane;
        }
    }
    if (last != NULL)
        tell_homeless(w, last, others, " (and others)");
}
