/*
 * turn.c -- one turn of the agent, step by step; a step that fails does not hold back the others.
 */
#include "agent/turn.h"

#include <stdio.h>
#include <string.h>

#include "agent/history.h"
#include "agent/license/refused.h"
#include "agent/returns.h"
#include "agent/thin/thin.h"
#include "agent/updates/updates.h"
#include "common/log.h"

#define RETRY 300 /* seconds after a turn in which something failed */

/* A step has failed: note it, go on. */
static void fail(struct turn *t, const char *step, const struct gf_err *e) {
    if (t->failed < TURN_STEPS)
        t->failures[t->failed++] = (struct turn_failure){step, *e};
}

/* What needs no lock: records are accepted, each in a transaction of its own. */
static void accept_records(struct agent *a, struct turn *t) {
    struct gf_err e;

    if (agent_intake(a, &t->intake, &e) == -1)
        fail(t, "intake", &e);
    if (thin_ahead(a, &e) == -1)
        fail(t, "thin", &e);
    if (agent_sources_run(a, NULL, 0, 0, &t->sources, &e) == -1)
        fail(t, "sources", &e);
}

static void log_response(void *arg, const struct inbox_file *f) {
    (void)arg;
    if (f->why)
        log_write(LOG_LEVEL_WARNING, "response-refused", {"file", f->name, 0},
                  {"why", f->why->text, 0}, {"code", gf_err_name(f->why->code), 0},
                  {"kept_in", "quarantine", 0});
    else
        log_write(LOG_LEVEL_INFO, f->seen_before ? "response-seen-before" : "response-applied",
                  {"file", f->name, 0});
}

static void exchange(struct agent *a, struct turn *t) {
    int64_t due = INT64_MAX, installed = 0;
    struct gf_err e;

    if (refused_retry_configured(a, &installed, &e) == -1)
        fail(t, "refused", &e);
    if (agent_inbox(a, t, log_response, NULL, &e) == -1)
        fail(t, "inbox", &e);
    if (updates_resume(a, &e) == -1)
        fail(t, "updates", &e);
    if (agent_returns(a, &t->returned, &e) == -1)
        fail(t, "returns", &e);
    if (agent_sent(a, &t->sent, &e) == -1)
        fail(t, "link.sent", &e);
    if (agent_export_next(a, &due, &e) == -1 ||
        (due <= a->now && agent_export(a, &t->out, &e) == -1))
        fail(t, "export", &e);
    if (t->out.bundles > 0)
        log_write(LOG_LEVEL_INFO, "bundled", {"bundles", NULL, t->out.bundles},
                  {"records", NULL, t->out.records});
    if (history_note_forced(a, &e) == -1 || history_seal(a, &e) == -1)
        fail(t, "history", &e);
    if (agent_policy_publish(a, &e) == -1)
        fail(t, "policy", &e);
}

int agent_turn(struct agent *a, struct turn *out, struct gf_err *e) {
    struct turn t = {0};
    struct gf_err why;

    if (agent_lock(a, "gapferry-agent run", e) == -1)
        return -1;
    store_unlock(a->store);
    accept_records(a, &t);
    if (agent_lock(a, "gapferry-agent run", &why) == 0) {
        exchange(a, &t);
        store_unlock(a->store);
    } else {
        fail(&t, "lock", &why);
    }
    *out = t;
    return 0;
}

int64_t agent_turn_next(struct agent *a) {
    int64_t at = INT64_MAX, sources = agent_sources_next(a);
    struct gf_err e;

    /* A failure here has been told by the turn. */
    if (agent_export_next(a, &at, &e) == -1)
        at = a->now + RETRY;
    /* What is due and still there could not be done now: no relay, no consent, no room. */
    if (at <= a->now)
        at = a->now + RETRY;
    if (sources < at)
        at = sources;
    return at > a->now ? at : a->now + 1;
}
