/*
 * sync.c -- one visit of a drive, step by step; a step that fails does not hold back the others.
 */
#include "agent/sync.h"
#include "agent/forked.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/command.h"
#include "agent/history.h"
#include "agent/license/refused.h"
#include "agent/returns.h"
#include "agent/thin/thin.h"
#include "agent/updates/updates.h"

#define PEOPLE_MAX (1 << 20) /* bytes of what is told; more helps nobody */

/* The status of a failure that sync reports. A file that vanished is the drive's failure; a fork is
 * input that cannot be used. */
static enum gf_exit status_of(enum gf_code code) {
    switch ((int)code) {
    case GF_E_NOINPUT:
        return GF_EXIT_IO;
    case GF_E_REPLAY:
        return GF_EXIT_DAMAGED;
    default:
        return gf_err_exit(code);
    }
}

void sync_trouble(struct sync *x, const char *where, const struct gf_err *e) {
    struct gf_buf *b = &x->r.people;

    if (where) {
        gf_text_safe(b, where, strlen(where));
        gf_buf_text(b, ": ");
    }
    gf_text_safe(b, e->text, strlen(e->text));
    gf_buf_printf(b, " (%s)\n", gf_err_name(e->code));
    x->r.status = command_graver(x->r.status, status_of(e->code));
}

void sync_drive_trouble(struct sync *x, const char *where, const struct gf_err *e) {
    sync_trouble(x, where, e);
    if (e->code != GF_E_CREATE)
        x->r.safe = 0;
}

static void count_waiting(struct sync *x) {
    struct store_count *counts = NULL;
    struct gf_err e;
    size_t n = 0;

    if (store_counts(x->a->store, &counts, &n, &e) == -1 ||
        store_answers_awaited(x->a->store, &x->r.answers, &e) == -1)
        sync_trouble(x, NULL, &e);
    for (size_t i = 0; i < n; i++) {
        x->r.queued += counts[i].n[STORE_QUEUED];
        x->r.exported += counts[i].n[STORE_EXPORTED];
        x->r.relayed += counts[i].n[STORE_RELAYED];
    }
    free(counts);
}

/* 1 if what lies in the outbox may leave: not where the database proves to be older than that. */
static int export_due(struct sync *x) {
    struct export_result exported;
    struct gf_err e;

    if (agent_export(x->a, &exported, &e) == -1) {
        sync_trouble(x, NULL, &e);
        return e.code != GF_E_DAMAGED;
    }
    if (exported.again > 0)
        gf_buf_printf(
            &x->r.people,
            "%s/outbox: bundles were gone; what they held is bundled anew (records: %" PRId64 ")\n",
            x->a->state, exported.again);
    if (exported.no_relay) {
        gf_buf_printf(&x->r.people, "records are queued, but no relay is trusted yet%s\n",
                      x->relays_shown ? ""
                                      : ": take the drive to the relay, whose `sync` puts its card "
                                        "on it, and trust that card here");
        x->r.status = command_graver(x->r.status, GF_EXIT_NOPERM);
    }
    return 1;
}

/* What others on this host have accepted goes with this drive, too; what an earlier visit could not
 * complete is completed; and nodes of a grid are told what this drive has brought. */
static void serve_others(struct sync *x) {
    struct intake_result taken;
    int64_t told;
    struct gf_err e;

    if (agent_intake(x->a, &taken, &e) == -1)
        sync_trouble(x, "intake", &e);
    if (thin_ahead(x->a, &e) == -1)
        sync_trouble(x, "thin", &e);
    if (updates_resume(x->a, &e) == -1)
        sync_trouble(x, "updates", &e);
    if (agent_returns(x->a, &told, &e) == -1)
        sync_trouble(x, "returns", &e);
}

/* Answers that a key in agent.conf has made usable since. */
static void take_refused(struct sync *x) {
    int64_t installed = 0;
    struct gf_err e;

    if (refused_retry_configured(x->a, &installed, &e) == -1)
        sync_trouble(x, NULL, &e);
    if (installed > 0)
        gf_buf_printf(&x->r.notes,
                      "answers that had been refused can be used now, and are installed: %" PRId64
                      "\n",
                      installed);
}

/* A relay has taken another bundle of one of our numbers: it goes on until somebody ends it. */
static void tell_forked(struct sync *x) {
    char remedy[FORKED_REMEDY];
    struct gf_err e;

    int is = forked_is(x->a, remedy, &e);
    if (is == -1)
        sync_trouble(x, NULL, &e);
    if (is != 1)
        return;
    gf_buf_printf(&x->r.people, FORKED_WHAT ": %s\n", remedy);
    x->r.status = command_graver(x->r.status, GF_EXIT_AWAITED);
}

int sync_drive(struct agent *a, const struct sync_options *o, struct sync_result *out,
               struct gf_err *e) {
    struct sync x = {.a = a, .o = o, .r = {.safe = 1}};
    char self[COMMAND_SELF];

    if (agent_lock(a, "gapferry-agent sync", e) == -1)
        return -1;
    if (COMMAND_REACH(gf_drive_open(o->dir, 1, &x.drive, e)) == -1) {
        store_unlock(a->store);
        return -1;
    }
    gf_buf_init(&x.r.people, PEOPLE_MAX);
    gf_buf_init(&x.r.notes, PEOPLE_MAX);
    x.r.read_only = gf_drive_read_only(x.drive);

    sync_cards(&x);
    take_refused(&x);
    sync_in(&x);
    serve_others(&x);
    if (export_due(&x))
        sync_out(&x);
    tell_forked(&x);
    count_waiting(&x);
    agent_apply_rejected(a, &x.r.in, &x.r.notes);
    if (x.r.in.unusable > 0) {
        gf_buf_printf(&x.r.people, "%s cannot be used; `%s status` says why\n",
                      x.r.in.unusable == 1 ? "an answer" : "answers", command_self(a, self));
        x.r.status = command_graver(x.r.status, GF_EXIT_AWAITED);
    }

    struct gf_err why;
    if (history_seal(a, &why) == -1)
        sync_trouble(&x, NULL, &why);
    /* What may be taken on this host has changed with all that. */
    if (agent_policy_publish(a, &why) == -1)
        sync_trouble(&x, "policy", &why);
    free(x.cards);
    gf_drive_close(x.drive);
    store_unlock(a->store);
    *out = x.r;
    return 0;
}

void sync_free(struct sync_result *r) {
    gf_buf_free(&r->people);
    gf_buf_free(&r->notes);
}
