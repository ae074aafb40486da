/*
 * cmd_records_change.c -- `records release | retry | reject | drop`: another try at once, or the
 * end of what nobody will ever take.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "relay/cmd_records.h"
#include "relay/ledger/ledger_updates.h"

/* How long a forwarding `run` may take to let go. */
#define FORWARDING_MS 30000

struct change {
    const char *verb;
    enum ledger_state first, last;     /* of what it takes */
    int ends;                          /* 1: for good, so it has to be said of which records */
    const char *none;                  /* what is said where there are none */
    const char *one, *many;            /* else, */
    const char *running, *not_running; /* and what comes next, where `run` works and elsewhere */
};

static const struct change changes[] = {
    {"release", LEDGER_LATER, LEDGER_ONWARD, 0, "nothing was held or waited",
     "that was held or waited is due", "that were held or waited are due", "`run` tries now",
     "the next sync tries again"},
    {"retry", LEDGER_LATER, LEDGER_LATER, 0, "nothing waited for another try", "that waited is due",
     "that waited are due", "`run` tries now", "the next sync tries again"},
    {"reject", LEDGER_HELD, LEDGER_HELD, 1,
     "nothing of it is held; what waits for another try is given up with `records drop`",
     "rejected for good", "rejected for good", "the site is told by its next response",
     "the next sync tells the site"},
    {"drop", LEDGER_RECEIVED, LEDGER_HELD, 1, "nothing of it waits or is held",
     "dropped: rejected for good", "dropped: rejected for good",
     "the site is told by its next response", "the next sync tells the site"},
};

/* Artifacts belong to an endpoint, and to no one record, agent or channel. */
static int release_artifacts(struct relay *r, const struct ledger_filter *f, int64_t *n,
                             struct gf_err *e) {
    if (f->record != NULL || f->agent != NULL || f->channel != NULL)
        return 0;
    return ledger_artifacts_release(r->ledger, f->endpoint, r->now, n, e);
}

/* One transaction, with its line in the audit log. */
static int apply(struct relay *r, const struct change *c, const struct ledger_filter *f,
                 const char *reason, struct ledger_changed *n, struct gf_err *e) {
    char user[65];

    command_user(user);
    if (ledger_begin(r->ledger, e) == -1)
        return -1;
    int rc = c->ends ? ledger_give_up(r->ledger, f, reason, r->now, &n->records, e)
                     : ledger_release(r->ledger, f, r->now, &n->records, e);
    if (rc == 0 && !c->ends)
        rc = release_artifacts(r, f, &n->artifacts, e);
    if (rc == 0 && n->records + n->artifacts > 0)
        rc = ledger_decided(r->ledger, c->verb, f, n, reason, user, r->now, e);
    return ledger_end(r->ledger, rc, e);
}

/* What is about to leave is not given up under the hands of whoever forwards it. */
static int apply_alone(struct relay *r, const struct change *c, const struct ledger_filter *f,
                       const char *reason, struct ledger_changed *n, struct gf_err *e) {
    int alone = c->ends && c->first != LEDGER_HELD;

    if (alone) {
        int rc = ledger_hold(r->ledger, LEDGER_FORWARDING, "records", FORWARDING_MS, e);
        if (rc != 1)
            return -1;
    }
    int rc = ledger_lock(r->ledger, "records", e);
    if (rc == 0)
        rc = apply(r, c, f, reason, n, e);
    ledger_unlock(r->ledger);
    if (alone)
        ledger_leave(r->ledger, LEDGER_FORWARDING);
    return rc;
}

static int check(const struct change *c, const struct options *o, const struct ledger_filter *f,
                 struct gf_err *e) {
    if (options_value(o, "state") != NULL)
        return gf_err_set(e, GF_E_USAGE, "records %s: takes no --state; it takes records that %s",
                          c->verb,
                          c->first == LEDGER_HELD    ? "are held, no others"
                          : c->last == LEDGER_LATER  ? "wait for another try"
                          : c->first == LEDGER_LATER ? "are held or wait for another try"
                                                     : "are not at an end");
    if (c->ends && f->record == NULL && f->channel == NULL && f->endpoint == NULL &&
        f->agent == NULL)
        return gf_err_set(e, GF_E_USAGE,
                          "records %s: give either the ID of a record, or --channel, --agent or "
                          "--endpoint for all of these",
                          c->verb);
    if (strcmp(c->verb, "drop") == 0 && options_value(o, "reason") == NULL)
        return gf_err_set(e, GF_E_USAGE,
                          "records drop: say why with --reason TEXT; the site gets it in the "
                          "receipt");
    return 0;
}

static int note_state(void *arg, const struct ledger_record *r, struct gf_err *e) {
    const char **state = arg;
    (void)e;

    *state = ledger_states[r->state];
    return 0;
}

/* Where one record was named and nothing could be done: in which state it is. "" for several. */
static int tell_state(struct relay *r, const struct ledger_filter *f, char out[40],
                      struct gf_err *e) {
    struct ledger_filter one = {LEDGER_ANY};
    const char *state = NULL;

    one.record = f->record;
    one.agent = f->agent;
    if (f->record != NULL && ledger_select(r->ledger, &one, note_state, &state, e) == -1)
        return -1;
    (void)snprintf(out, 40, "%s%s%s", state != NULL ? "it is " : "", state != NULL ? state : "",
                   state != NULL ? "; " : "");
    return 0;
}

int cmd_records_change(struct relay *r, const struct options *o, const char *verb,
                       struct gf_err *e) {
    const struct change *c = NULL;
    struct cmd_records_pick p;
    struct ledger_changed did = {0};
    char is[40] = "";
    struct out t;

    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        if (strcmp(changes[i].verb, verb) == 0)
            c = &changes[i];
    }
    if (c == NULL)
        return 0;
    if (cmd_records_pick(r, o, &p, e) == -1 || check(c, o, &p.f, e) == -1)
        return -1;
    p.f.first = c->first;
    p.f.last = c->last;
    if (apply_alone(r, c, &p.f, options_value(o, "reason"), &did, e) == -1)
        return -1;
    const int64_t n = did.records;
    if (n == 0 && tell_state(r, &p.f, is, e) == -1)
        return -1;
    if (n == 0 && c->ends)
        return gf_err_set(e, GF_E_NOINPUT, "records %s: %s%s", verb, is, c->none);
    /* Else `run` learns of it when it looks through everything. */
    int running = n + did.artifacts > 0 && ledger_wake(r->ledger, LEDGER_RUNNING);
    out_begin(&t, o);
    out_int(&t, c->ends ? "rejected" : "released", n);
    if (!c->ends)
        out_int(&t, "artifacts", did.artifacts);
    if (n == 0 && did.artifacts == 0)
        out_text(&t, "0 records: %s%s\n", is, c->none);
    if (n > 0)
        out_text(&t, "%" PRId64 " record%s %s; %s\n", n, n == 1 ? "" : "s",
                 n == 1 ? c->one : c->many, running ? c->running : c->not_running);
    if (did.artifacts > 0)
        out_text(&t, "%" PRId64 " artifact%s due; %s\n", did.artifacts,
                 did.artifacts == 1 ? " is" : "s are", running ? c->running : c->not_running);
    return command_end(&t, e) == -1 ? -1 : 1;
}
