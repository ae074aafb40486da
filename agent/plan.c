/*
 * plan.c -- what an export has to do, decided anew each time from consent, configuration,
 * trust and age.
 */
#include "agent/plan.h"
#include "agent/floor.h"

#include <stdlib.h>
#include <string.h>

#include "agent/airgap.h"
#include "agent/command.h"
#include "agent/updates/updates.h"
#include "common/log.h"
#include "gapferry/lost.h"

#define DAY       86400LL
#define RETENTION (400 * DAY) /* what never left, and what is final, is kept for so long */

/* Unless configured otherwise. */
#define EXPORT_INTERVAL 3600
#define RESEND_AFTER    (14 * DAY)

/* ---- channels and targets ---- */

static int add_channel(struct plan *p, const char *name, struct gf_err *e) {
    struct plan_channel *c = &p->channels[p->nchannels];
    struct command_consent consent;
    struct gf_card relay;
    int64_t dropped = 0;

    if (command_consent(p->a, name, &consent, e) == -1)
        return -1;
    if (consent.is != STORE_GRANTED)
        return 0;
    int leaves = airgap_lets_leave(p->a, name, &dropped, e);
    if (leaves != 1)
        return leaves;
    int found = agent_relay_of(p->a, name, &relay, e);
    if (found == -1)
        return -1;
    *c = (struct plan_channel){.has_relay = found};
    (void)strncpy(c->name, name, sizeof c->name - 1);
    if (found)
        c->relay = relay.identity;
    else
        p->no_relay = 1;
    p->nchannels++;
    return 0;
}

static int find_channels(struct plan *p, struct gf_err *e) {
    struct store_count *counts = NULL;
    size_t n = 0;

    if (store_counts(p->a->store, &counts, &n, e) == -1)
        return -1;
    p->channels = calloc(n ? n : 1, sizeof *p->channels);
    int rc = p->channels ? 0 : gf_err_errno(e, "no memory for %zu channels", n);
    for (size_t i = 0; i < n && rc == 0; i++)
        if (counts[i].n[STORE_QUEUED] > 0)
            rc = add_channel(p, counts[i].channel, e);
    free(counts);
    return rc;
}

/* All relays that were ever trusted: a record belongs to the one it was exported to, and stays
 * with it. */
static int find_targets(struct plan *p, struct gf_err *e) {
    struct gf_card *cards = NULL;
    size_t n = 0;

    if (store_cards(p->a->store, GF_ROLE_RELAY, &cards, &n, e) == -1)
        return -1;
    p->targets = calloc(n ? n : 1, sizeof *p->targets);
    int rc = p->targets ? 0 : gf_err_errno(e, "no memory for %zu relays", n);
    for (size_t i = 0; i < n && rc == 0; i++)
        p->targets[p->ntargets++].card = cards[i];
    free(cards);
    return rc;
}

int plan_make(struct agent *a, struct plan *out, struct gf_err *e) {
    *out = (struct plan){.a = a};
    if (find_channels(out, e) == 0 && find_targets(out, e) == 0)
        return 0;
    plan_free(out);
    return -1;
}

void plan_free(struct plan *p) {
    free(p->channels);
    free(p->targets);
    *p = (struct plan){0};
}

int plan_is_for(const struct plan *p, const struct plan_target *t, const struct store_stretch *x) {
    const struct gf_hash *relay = x->has_relay ? &x->relay : NULL;
    size_t i = 0;

    while (i < p->nchannels && strcmp(p->channels[i].name, x->channel) != 0)
        i++;
    if (i == p->nchannels)
        return 0;
    if (!relay && p->channels[i].has_relay)
        relay = &p->channels[i].relay;
    return relay && memcmp(relay->b, t->card.identity.b, sizeof relay->b) == 0;
}

struct seeking {
    const struct plan *plan;
    const struct plan_target *target;
    int found;
};

static int seek(void *arg, const struct store_stretch *x, struct gf_err *e) {
    struct seeking *s = arg;

    (void)e;
    s->found = plan_is_for(s->plan, s->target, x) && x->most != -1;
    return s->found;
}

int plan_check(const struct plan *p, const struct plan_target *t, struct gf_err *e) {
    struct seeking s = {p, t, 0};
    char fingerprint[GF_FINGERPRINT_TEXT];
    char ended[GF_TIME_TEXT];
    char self[COMMAND_SELF];

    if (!t->card.has_expires || t->card.expires > p->a->now)
        return 0;
    if (store_walk_queued(p->a->store, seek, &s, e) == -1)
        return -1;
    int due = store_have_is_due(p->a->store, &t->card.identity, e);
    if (due == -1)
        return -1;
    if (!s.found && !due)
        return 0;
    gf_card_fingerprint(&t->card, fingerprint);
    gf_text_time(t->card.expires, ended);
    return gf_err_set(e, GF_E_EXPIRED,
                      "the relay's card %s: ended on %s; let the relay make a new one and trust "
                      "it: %s trust CARD; what has left for the old one already goes to another "
                      "by: %s resend --to RELAY",
                      fingerprint, ended, command_self(p->a, self), self);
}

/* ---- what a bundle says beside its records ---- */

/* Losses of channels that go to this relay. */
static int say_losses(const struct plan *p, const struct plan_target *t, struct plan_saying *out,
                      struct gf_err *e) {
    struct gf_lost lost[GF_LOST_MAX];
    struct store_loss *list = NULL;
    struct gf_card relay;
    size_t n = 0;

    if (store_losses(p->a->store, 1, &list, &n, e) == -1)
        return -1;
    out->losses = calloc(n ? n : 1, sizeof *out->losses);
    int rc = out->losses ? 0 : gf_err_errno(e, "no memory for %zu losses", n);
    for (size_t i = 0; i < n && rc == 0 && out->nlosses < GF_LOST_MAX; i++) {
        int found = agent_relay_of(p->a, list[i].channel, &relay, e);
        if (found == -1)
            rc = -1;
        if (found != 1 ||
            memcmp(relay.identity.b, t->card.identity.b, sizeof relay.identity.b) != 0)
            continue;
        struct gf_lost *x = &lost[out->nlosses];
        *x = (struct gf_lost){list[i].id, "", "", list[i].records, list[i].first, list[i].last};
        memcpy(x->channel, list[i].channel, sizeof x->channel);
        memcpy(x->policy, list[i].policy, sizeof x->policy);
        out->losses[out->nlosses++] = list[i].id;
    }
    free(list);
    if (rc == 0 && out->nlosses > 0) {
        gf_lost_write(lost, out->nlosses, &out->ext);
        rc = gf_buf_check(&out->ext, "what was lost", e);
    }
    return rc;
}

int plan_say(const struct plan *p, const struct plan_target *t, struct plan_saying *out,
             struct gf_err *e) {
    gf_buf_init(&out->ext, GF_CONTENTS_MAX / 4);
    if (store_have(p->a->store, &t->card.identity, &out->have, &out->nhave, e) == -1 ||
        updates_want(p->a, &t->card.identity, &out->want, &out->nwant, e) == -1)
        return -1;
    return say_losses(p, t, out, e);
}

void plan_saying_free(struct plan_saying *s) {
    store_have_free(s->have, s->nhave);
    updates_want_free(s->want, s->nwant);
    free(s->losses);
    gf_buf_free(&s->ext);
}

/* ---- age ---- */

/* What never left and is too old goes where the channel's policy says so; else it stays. */
static int drop_old(struct agent *a, struct gf_err *e) {
    struct store_count *counts = NULL;
    int64_t records = 0;
    size_t n = 0;
    int rc = store_counts(a->store, &counts, &n, e);

    for (size_t i = 0; i < n && rc == 0; i++) {
        struct store_cap cap;

        if (counts[i].n[STORE_QUEUED] == 0)
            continue;
        rc = agent_cap(a, counts[i].channel, &cap, e);
        if (rc == 0 && cap.drop)
            rc = store_drop_before(a->store, counts[i].channel, a->now - RETENTION, a->now,
                                   &records, e);
        if (rc == 0 && cap.drop && records > 0)
            log_write(LOG_LEVEL_WARNING, "records-dropped", {"channel", counts[i].channel, 0},
                      {"why", "older than 400 days, and the channel says full = drop-oldest", 0},
                      {"records", NULL, records});
    }
    free(counts);
    return rc;
}

static int resend_overdue(struct agent *a, struct export_result *r, struct gf_err *e) {
    struct store_bundle *list = NULL;
    int64_t after = RESEND_AFTER;
    size_t n = 0;

    if (config_span(a->config, "agent", NULL, "resend_after", &after, e) == -1 ||
        store_unsettled(a->store, &list, &n, e) == -1)
        return -1;
    int rc = 0;
    for (size_t i = 0; i < n && rc == 0; i++) {
        int64_t records = 0;

        if (after == 0 || list[i].records == 0 || list[i].left == 0 ||
            list[i].left + after > a->now)
            continue;
        rc = store_withdraw(a->store, &list[i].id, a->now, &records, e);
        if (rc == 0)
            log_write(LOG_LEVEL_NOTICE, "bundle-overdue", {"file", list[i].file, 0},
                      {"why", "no receipt came in time (resend_after)", 0},
                      {"queued_again", NULL, records});
        r->overdue += rc == 0;
    }
    free(list);
    return rc;
}

int plan_keep_house(struct agent *a, struct export_result *r, struct gf_err *e) {
    int64_t forgotten, floor;

    if (store_finish_denials(a->store, a->now, e) == -1 || floor_get(a, &floor, e) == -1)
        return -1;
    if (!when_is_ahead(a->now, floor) &&
        (drop_old(a, e) == -1 || store_forget(a->store, a->now - RETENTION, &forgotten, e) == -1))
        return -1;
    return resend_overdue(a, r, e);
}

/* ---- when ---- */

/* 1 if a response is to be acknowledged to a relay whose card holds; 0, or -1. */
static int owes_have(struct agent *a, struct gf_err *e) {
    struct gf_card *cards = NULL;
    size_t n = 0;
    int due = 0;

    if (store_cards(a->store, GF_ROLE_RELAY, &cards, &n, e) == -1)
        return -1;
    for (size_t i = 0; i < n && due == 0; i++)
        if (!cards[i].has_expires || cards[i].expires > a->now)
            due = store_have_is_due(a->store, &cards[i].identity, e);
    free(cards);
    return due;
}

/* When the first bundle that left becomes overdue, as resend_overdue() counts. */
static int next_overdue(struct agent *a, int64_t *at, struct gf_err *e) {
    struct store_bundle *list = NULL;
    int64_t after = RESEND_AFTER;
    size_t n = 0;

    *at = INT64_MAX;
    if (config_span(a->config, "agent", NULL, "resend_after", &after, e) == -1)
        return -1;
    if (after == 0)
        return 0;
    if (store_unsettled(a->store, &list, &n, e) == -1)
        return -1;
    for (size_t i = 0; i < n; i++)
        if (list[i].records > 0 && list[i].left != 0 && list[i].left + after < *at)
            *at = list[i].left + after;
    free(list);
    return 0;
}

int agent_export_next(struct agent *a, int64_t *at, struct gf_err *e) {
    int64_t interval = EXPORT_INTERVAL, accepted = INT64_MAX, overdue = INT64_MAX;
    int urgent = 0;

    if (config_span(a->config, "agent", NULL, "export_interval", &interval, e) == -1 ||
        store_oldest_queued(a->store, &accepted, &urgent, e) == -1 ||
        next_overdue(a, &overdue, e) == -1)
        return -1;
    int have = urgent ? 0 : owes_have(a, e);
    if (have == -1)
        return -1;
    int64_t next = accepted == INT64_MAX ? INT64_MAX : accepted + interval;
    if (urgent || have)
        next = a->now;
    *at = overdue < next ? overdue : next;
    return 0;
}
