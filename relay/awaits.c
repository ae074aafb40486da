/*
 * awaits.c -- what waits for another try, and whether that needs a person.
 */
#include "relay/awaits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/endpoints/endpoint.h"

/* Bytes of a reason in a line for people. */
#define REASON_MAX 400

int awaits_person(const char *reason, int64_t since, int64_t now) {
    return now - since > AWAITS_LONG || !endpoint_passes(reason);
}

/* ---- the whole of it ---- */

static int count_records(struct relay *r, struct awaits *a, struct gf_err *e) {
    struct ledger_count *counts = NULL;
    size_t n = 0;

    if (ledger_counts(r->ledger, &counts, &n, e) == -1)
        return -1;
    for (size_t i = 0; i < n; i++) {
        a->held += counts[i].n[LEDGER_HELD];
        a->later += counts[i].n[LEDGER_LATER];
        a->untried += counts[i].n[LEDGER_RECEIVED] + counts[i].n[LEDGER_SENDING];
    }
    free(counts);
    return 0;
}

static int count_artifacts(struct relay *r, struct awaits *a, struct gf_err *e) {
    struct ledger_artifact x = {.row = 0};
    int rc;

    while ((rc = ledger_artifact_due(r->ledger, INT64_MAX, x.row, &x, e)) == 1) {
        a->artifacts++;
        if (x.reason[0] == '\0')
            a->unfetched++;
        else
            a->persons += awaits_person(x.reason, x.since, r->now);
    }
    return rc;
}

int awaits_load(struct relay *r, struct awaits *out, struct gf_err *e) {
    struct awaits a = {.running = ledger_is_held(r->ledger, LEDGER_RUNNING)};

    if (count_records(r, &a, e) == -1 || count_artifacts(r, &a, e) == -1 ||
        (a.later > 0 && ledger_stuck(r->ledger, endpoint_passes, &a.stuck, &a.n, e) == -1))
        return -1;
    for (size_t i = 0; i < a.n; i++)
        a.persons += awaits_person(a.stuck[i].reason, a.stuck[i].since, r->now);
    *out = a;
    return 0;
}

void awaits_free(struct awaits *a) {
    free(a->stuck);
    *a = (struct awaits){0};
}

int awaits_anybody(const struct awaits *a) {
    return a->held > 0 || a->persons > 0 || (!a->running && a->untried + a->unfetched > 0);
}

/* ---- in words ---- */

/* What helps, or that nothing need be done. */
static void advise(const struct relay *r, const struct ledger_stuck *x, int64_t now, int person,
                   char out[COMMAND_SELF + 512]) {
    const size_t size = COMMAND_SELF + 512;
    char self[COMMAND_SELF], at[GF_TIME_TEXT];

    gf_text_time(x->asked > now ? x->asked : x->due, at);
    if (x->asked > now)
        (void)snprintf(out, size,
                       "it asks to be left alone until %s; to try all the same: %s records retry",
                       at, relay_self(r, self));
    else if (!person)
        (void)snprintf(out, size,
                       "nothing need be done: `run` tries again%s%s, and the next sync at once",
                       x->due > now ? " from " : "", x->due > now ? at : "");
    else if (endpoint_passes(x->reason))
        (void)snprintf(out, size, "it goes on being tried; ask whoever runs that endpoint");
    else
        (void)snprintf(out, size,
                       "the next sync tries; if it stays so, see url in its section in %s, and "
                       "whether this machine may reach it",
                       r->config_path);
}

int awaits_line(const struct relay *r, const struct ledger_stuck *x, int64_t now,
                char out[AWAITS_LINE]) {
    char advice[COMMAND_SELF + 512], since[GF_TIME_TEXT], where[100] = "";
    int person = awaits_person(x->reason, x->since, now);
    /* The reason of what rests begins with the words that this is: not tried. */
    int rests = strncmp(x->reason, ENDPOINT_RESTS, sizeof ENDPOINT_RESTS - 1) == 0;

    if (x->endpoint[0] != '\0')
        (void)snprintf(where, sizeof where, "endpoint \"%s\": ", x->endpoint);
    gf_text_time(x->since, since);
    advise(r, x, now, person, advice);
    (void)snprintf(out, AWAITS_LINE, "%s%lld %s%.*s; here since %s; %s", where,
                   (long long)x->records, rests ? "" : "to be tried again: ",
                   (int)gf_text_fit(x->reason, strlen(x->reason), REASON_MAX), x->reason, since,
                   advice);
    return person;
}

void awaits_put(struct out *t, const struct relay *r, const struct awaits *a) {
    out_open(t, "waiting", '[');
    for (size_t i = 0; i < a->n; i++) {
        const struct ledger_stuck *x = &a->stuck[i];
        out_open(t, NULL, '{');
        out_str(t, "endpoint", x->endpoint[0] != '\0' ? x->endpoint : NULL);
        out_int(t, "records", x->records);
        out_time(t, "since", 1, x->since);
        out_time(t, "due", 1, x->due);
        out_time(t, "asked", x->asked > r->now, x->asked);
        out_str(t, "reason", x->reason);
        out_bool(t, "person", awaits_person(x->reason, x->since, r->now));
        out_close(t, '}');
    }
    out_close(t, ']');
}

void awaits_tell_artifact(const struct ledger_artifact *a, const char *reason, int64_t now,
                          struct turn *t) {
    void (*tell)(struct turn *, const char *, ...) =
        awaits_person(reason, a->since, now) ? turn_person : turn_wait;

    tell(t, "artifact \"%s\" of %s, endpoint \"%s\": %.*s; it is tried again", a->is.name, a->place,
         a->endpoint, (int)gf_text_fit(reason, strlen(reason), REASON_MAX), reason);
}

/* ---- the report of a turn ---- */

static int tell_artifacts(struct relay *r, struct turn *t, struct gf_err *e) {
    struct ledger_artifact x = {.row = 0};
    int rc;

    while ((rc = ledger_artifact_due(r->ledger, INT64_MAX, x.row, &x, e)) == 1) {
        if (x.reason[0] != '\0')
            awaits_tell_artifact(&x, x.reason, r->now, t);
    }
    return rc;
}

int awaits_tell(struct relay *r, struct turn *t, struct awaits *out, struct gf_err *e) {
    char line[AWAITS_LINE];

    if (awaits_load(r, out, e) == -1)
        return -1;
    for (size_t i = 0; i < out->n; i++) {
        if (awaits_line(r, &out->stuck[i], r->now, line))
            turn_person(t, "%s", line);
        else
            turn_wait(t, "%s", line);
    }
    t->later = out->later + out->untried;
    t->held = out->held;
    t->artifacts = out->artifacts;
    t->awaits = awaits_anybody(out);
    return tell_artifacts(r, t, e);
}
