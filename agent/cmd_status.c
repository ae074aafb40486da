/*
 * cmd_status.c -- `status`: how this agent stands, in about ten lines.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/airgap.h"
#include "agent/channels.h"
#include "agent/cmd_status.h"
#include "agent/cmd_trust.h"
#include "agent/cmd_updates.h"
#include "agent/command.h"
#include "agent/forked.h"
#include "agent/history.h"
#include "agent/license/installed.h"
#include "agent/thin/thin_show.h"
#include "agent/thin/thin_steps.h"

#define REJECTED_MAX 5 /* lines about rejected records; the number of all is said */

static const struct option_spec specs[] = {
    COMMAND_OPTION_JSON,
    COMMAND_OPTION_ROOT,
    COMMAND_OPTION_HELP,
    COMMAND_OPTION_END,
};

static const struct option_page page = {
    COMMAND_PROGRAM " status",
    "[OPTION]...",
    "Show who this agent is, whom it trusts, what may leave, what waits, what left and what became "
    "of it, which licences hold, and what to do next.",
    specs,
    NULL,
};

struct status {
    struct agent *a;
    struct out t;
    struct store_count *counts;
    size_t ncounts;
    int64_t n[6]; /* records by enum store_state */
    int64_t oldest_queued;
    int64_t held; /* queued records that do not go by drive while their relay is out of reach */
    int relay;    /* 1: one is trusted */
    int64_t told;
    char unusable[GF_WORD_MAX + 1]; /* channel of the last answer that cannot be used; "": none */
    int64_t unwritten;              /* bundles that nobody has carried yet */
    char rejected[GF_WORD_MAX + 1]; /* channel of the last record rejected of late; "": none */
    struct cmd_status_reach network;
};

/* ---- who, and whom ---- */

static int show_agent(struct status *s) {
    const char *name = config_get(s->a->config, "agent", NULL, "name");
    const struct gf_card *c = &s->a->id.card;
    char fingerprint[GF_FINGERPRINT_TEXT];

    if (!name)
        name = c->name;
    gf_card_fingerprint(c, fingerprint);
    out_open(&s->t, "agent", '{');
    out_str(&s->t, "name", name[0] ? name : NULL);
    out_str(&s->t, "fingerprint", fingerprint);
    out_close(&s->t, '}');
    out_text(&s->t, "agent      ");
    out_safe(&s->t, name);
    out_text(&s->t, "%s%s\n", name[0] ? " " : "", fingerprint);
    return 0;
}

static int show_relay(struct status *s, struct gf_err *e) {
    struct gf_card relay;

    s->relay = command_relay(s->a, &relay, e);
    if (s->relay == -1)
        return -1;
    out_text(&s->t, "relay      ");
    if (s->relay) {
        command_card(&s->t, "relay", &relay);
        out_text(&s->t, "\n");
    } else {
        out_str(&s->t, "relay", NULL);
        out_text(&s->t, "none is trusted yet\n");
    }
    return 0;
}

/* ---- consent ---- */

static int show_one_consent(struct status *s, const char *channel, int *shown, struct gf_err *e) {
    struct command_consent c;
    char since[GF_TIME_TEXT];

    if (command_consent(s->a, channel, &c, e) == -1)
        return -1;
    if (c.own)
        return 0;
    out_str(&s->t, channel, store_consents[c.is]);
    out_text(&s->t, "%s%s %s", (*shown)++ ? "; " : "", channel,
             c.is == STORE_ASK ? "not asked yet" : store_consents[c.is]);
    if (c.forced) {
        out_text(&s->t, " (by %s)", c.forced);
    } else if (c.since) {
        gf_text_time(c.since, since);
        out_text(&s->t, " (%.10s, ", since);
        out_safe(&s->t, c.user);
        out_text(&s->t, ")");
    }
    return 0;
}

static int show_consent(struct status *s, struct gf_err *e) {
    char(*list)[GF_WORD_MAX + 1] = NULL;
    int shown = 0, rc = 0;
    size_t n = 0;

    if (channels_all(s->a, &list, &n, e) == -1)
        return -1;
    out_open(&s->t, "consent", '{');
    out_text(&s->t, "consent    ");
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = show_one_consent(s, list[i], &shown, e);
    free(list);
    out_close(&s->t, '}');
    out_text(&s->t, "\n");
    return rc;
}

/* ---- records ---- */

static int count(struct status *s, struct gf_err *e) {
    if (store_counts(s->a->store, &s->counts, &s->ncounts, e) == -1)
        return -1;
    for (size_t i = 0; i < s->ncounts; i++) {
        const struct store_count *c = &s->counts[i];
        for (int k = 0; k < 6; k++)
            s->n[k] += c->n[k];
        if (c->n[STORE_QUEUED] && (!s->oldest_queued || c->oldest < s->oldest_queued))
            s->oldest_queued = c->oldest;
        enum airgap airgap = AIRGAP_CARRY;
        if (c->n[STORE_QUEUED] && airgap_now(s->a, c->channel, &airgap, e) == -1)
            return -1;
        s->held += airgap == AIRGAP_CARRY ? 0 : c->n[STORE_QUEUED];
    }
    return 0;
}

/* "3 records (license 1, metrics 2)" of one state. */
static void put_count(struct status *s, enum store_state state) {
    int parts = 0;

    out_text(&s->t, "%lld record%s", (long long)s->n[state], s->n[state] == 1 ? "" : "s");
    for (size_t i = 0; i < s->ncounts; i++) {
        if (s->counts[i].n[state])
            out_text(&s->t, "%s%s %lld", parts++ ? ", " : " (", s->counts[i].channel,
                     (long long)s->counts[i].n[state]);
    }
    out_text(&s->t, parts ? ")" : "");
}

static int show_bundles(struct status *s, struct gf_err *e) {
    struct store_bundle *bundles = NULL;
    char written[GF_TIME_TEXT];
    int64_t last = 0, unwritten = 0;
    size_t n = 0;

    if (store_unsettled(s->a->store, &bundles, &n, e) == -1)
        return -1;
    for (size_t i = 0; i < n; i++) {
        unwritten += bundles[i].written == 0;
        last = bundles[i].written > last ? bundles[i].written : last;
    }
    free(bundles);
    s->unwritten = unwritten;
    gf_text_time(last, written);
    out_int(&s->t, "bundles_unsettled", (int64_t)n);
    out_time(&s->t, "last_written", last != 0, last);
    out_text(&s->t, "left       ");
    put_count(s, STORE_EXPORTED);
    out_text(&s->t, " without receipt, in %zu bundle%s", n, n == 1 ? "" : "s");
    if (unwritten)
        out_text(&s->t,
                 s->network.online ? ", %lld for gapferry-link to carry"
                                   : ", %lld not on a drive yet",
                 (long long)unwritten);
    if (last)
        out_text(&s->t, "; last written to a drive %s", written);
    out_text(&s->t, "\n");
    return 0;
}

static int show_records(struct status *s, struct gf_err *e) {
    char oldest[GF_TIME_TEXT];

    out_open(&s->t, "records", '{');
    for (int k = 0; k < 6; k++)
        out_int(&s->t, store_states[k], s->n[k]);
    out_close(&s->t, '}');
    out_int(&s->t, "not_by_drive", s->held);
    out_time(&s->t, "oldest_queued", s->oldest_queued != 0, s->oldest_queued);
    out_text(&s->t, "waiting    ");
    put_count(s, STORE_QUEUED);
    gf_text_time(s->oldest_queued, oldest);
    if (s->oldest_queued)
        out_text(&s->t, ", the oldest of %s", oldest);
    if (s->held)
        out_text(&s->t, "; %lld not by drive (airgap)", (long long)s->held);
    out_text(&s->t, "\n");
    if (show_bundles(s, e) == -1)
        return -1;
    out_text(&s->t, "answered   ");
    put_count(s, STORE_DELIVERED);
    out_text(&s->t, " delivered");
    if (s->n[STORE_RELAYED])
        out_text(&s->t, ", %lld at the relay", (long long)s->n[STORE_RELAYED]);
    if (s->n[STORE_EXPIRED])
        out_text(&s->t, ", %lld expired", (long long)s->n[STORE_EXPIRED]);
    out_text(&s->t, ", %lld rejected\n", (long long)s->n[STORE_REJECTED]);
    return 0;
}

/* Queued records that the relay refused even alone; the first ones are named. */
struct stuck {
    struct out *t;
    char self[COMMAND_SELF];
    int64_t n;
};

static int show_one_stuck(void *arg, const struct store_record *r, struct gf_err *e) {
    struct stuck *x = arg;
    char id[GF_UUID_TEXT];

    (void)e;
    if (++x->n > REJECTED_MAX)
        return 0;
    gf_text_uuid(&r->id, id);
    out_str(x->t, NULL, id);
    out_text(x->t,
             "stuck      %s %s: its bundle was refused, even alone; to try again: %s resend %s\n",
             r->channel, id, x->self, id);
    return 0;
}

static int show_stuck(struct status *s, struct gf_err *e) {
    struct stuck x = {.t = &s->t};

    (void)command_self(s->a, x.self);
    out_open(&s->t, "stuck", '[');
    if (store_walk_stuck(s->a->store, show_one_stuck, &x, e) == -1)
        return -1;
    out_close(&s->t, ']');
    if (x.n > REJECTED_MAX)
        out_text(&s->t, "           and %lld more\n", (long long)(x.n - REJECTED_MAX));
    return 0;
}

/* What policy has dropped, and whether a bundle has said so; what it has thinned. */
static int show_losses(struct status *s, struct gf_err *e) {
    struct store_loss *list = NULL;
    int64_t records = 0, untold = 0;
    const char *last = NULL;
    int several = 0;
    size_t n = 0;

    if (store_losses(s->a->store, 0, &list, &n, e) == -1)
        return -1;
    for (size_t i = 0; i < n; i++) {
        if (thin_steps_is_policy(list[i].policy))
            continue;
        records += list[i].records;
        untold += list[i].told ? 0 : list[i].records;
        if (last && strcmp(last, list[i].channel) != 0)
            several = 1;
        last = list[i].channel;
    }
    out_int(&s->t, "lost", records);
    out_int(&s->t, "lost_untold", untold);
    if (records > 0)
        out_text(&s->t, "lost       %lld record%s dropped by the policy of %s%s (full, airgap)%s\n",
                 (long long)records, records == 1 ? "" : "s", last, several ? " and others" : "",
                 untold ? "; the relay is told with the next bundle" : "; the relay was told");
    free(list);
    return thin_show(s->a, NULL, &s->t, "thinned    ", e);
}

/* Of what was delivered a sink may have refused a part. */
static int show_one_partly(void *arg, const struct store_record *r, struct gf_err *e) {
    struct out *t = arg;
    char id[GF_UUID_TEXT];

    (void)e;
    gf_text_uuid(&r->id, id);
    out_open(t, NULL, '{');
    out_str(t, "record", id);
    out_str(t, "channel", r->channel);
    out_str(t, "reason", r->reason);
    out_close(t, '}');
    out_text(t, "partly     %s %s: ", r->channel, id);
    out_safe(t, r->reason);
    out_text(t, "\n");
    return 0;
}

static int show_partly(struct status *s, struct gf_err *e) {
    int64_t n = 0;

    out_open(&s->t, "partly_delivered", '[');
    if (store_walk_partly(s->a->store, 0, REJECTED_MAX, show_one_partly, &s->t, e) == -1 ||
        store_partly(s->a->store, 0, &n, e) == -1)
        return -1;
    out_close(&s->t, ']');
    out_int(&s->t, "records_partly_delivered", n);
    if (n > REJECTED_MAX)
        out_text(&s->t, "           and %lld more, delivered but for a part\n",
                 (long long)(n - REJECTED_MAX));
    return 0;
}

/* What an endpoint has no form for is left out each time, and nobody needs to see to it: the newest
 * stands for all. */
static int show_one_left_out(void *arg, const struct store_record *r, struct gf_err *e) {
    struct status *s = arg;
    char id[GF_UUID_TEXT];

    (void)e;
    gf_text_uuid(&r->id, id);
    out_str(&s->t, "record", id);
    out_str(&s->t, "channel", r->channel);
    out_str(&s->t, "reason", r->reason);
    out_text(&s->t, "; the newest, %s %s: ", r->channel, id);
    out_safe(&s->t, r->reason + strlen(GF_REASON_LEFT_OUT));
    return 0;
}

static int show_left_out(struct status *s, struct gf_err *e) {
    int64_t n = 0;

    if (store_partly(s->a->store, 1, &n, e) == -1)
        return -1;
    if (n == 0) {
        out_raw(&s->t, "left_out", "null", 4);
        return 0;
    }
    out_open(&s->t, "left_out", '{');
    out_int(&s->t, "records", n);
    out_text(&s->t, "left out   of %lld record%s what their endpoint has no form for", (long long)n,
             n == 1 ? "" : "s");
    if (store_walk_partly(s->a->store, 1, 1, show_one_left_out, s, e) == -1)
        return -1;
    out_close(&s->t, '}');
    out_text(&s->t, "\n");
    return 0;
}

/* ---- licences, and what next ---- */

static int show_licenses(struct status *s, struct gf_err *e) {
    struct installed *list = NULL;
    char words[INSTALLED_WORDS];
    size_t n = 0;

    if (installed_all(s->a, &list, &n, e) == -1)
        return -1;
    out_open(&s->t, "licences", '[');
    if (n == 0)
        out_text(&s->t, "licence    none\n");
    for (size_t i = 0; i < n; i++) {
        installed_words(&list[i], words);
        out_open(&s->t, NULL, '{');
        out_str(&s->t, "product", list[i].product);
        out_str(&s->t, "fact", list[i].valid ? license_facts[list[i].verdict.fact] : "invalid");
        out_bool(&s->t, "may_run", list[i].valid && list[i].verdict.may_run);
        out_close(&s->t, '}');
        out_text(&s->t, "licence    %s: %s\n", list[i].product, words);
    }
    out_close(&s->t, ']');
    free(list);
    return 0;
}

static int run(struct agent *a, const struct options *o, int *status, struct gf_err *e) {
    struct status s = {.a = a};

    (void)status;
    if (command_args(o, 0, 0, "nothing", e) == -1)
        return -1;
    out_begin(&s.t, o);
    int rc = count(&s, e);
    if (rc == 0)
        rc = show_agent(&s);
    if (rc == 0 &&
        (show_relay(&s, e) == -1 || cmd_status_network(a, &s.t, &s.network, e) == -1 ||
         forked_show(s.a, &s.t, "forked     ", e) == -1 || show_consent(&s, e) == -1 ||
         show_records(&s, e) == -1 || show_stuck(&s, e) == -1 || show_losses(&s, e) == -1 ||
         cmd_status_trouble(s.a, &s.t, s.unusable, s.rejected, e) == -1 ||
         show_partly(&s, e) == -1 || show_left_out(&s, e) == -1 || show_licenses(&s, e) == -1 ||
         cmd_trust_list_vendors(a, 1, &s.t, e) == -1 || cmd_updates_status(a, &s.t, e) == -1 ||
         cmd_status_health(a, &s.t, e) == -1))
        rc = -1;
    if (rc == 0) {
        struct gf_err why;
        const struct cmd_status_next next = {.older = history_check_head(a, &why) == -1,
                                             .relay = s.relay,
                                             .queued = s.n[STORE_QUEUED],
                                             .held = s.held,
                                             .exported = s.n[STORE_EXPORTED],
                                             .relayed = s.n[STORE_RELAYED],
                                             .unwritten = s.unwritten,
                                             .network = s.network,
                                             .unusable = s.unusable,
                                             .rejected = s.rejected};
        cmd_status_next(a, &next, &s.t);
        rc = out_end(&s.t, e);
    }
    out_free(&s.t);
    free(s.counts);
    return rc;
}

int cmd_status(const char *root, int argc, char **argv) {
    return command_run_agent(&page, root, argc, argv, run);
}
