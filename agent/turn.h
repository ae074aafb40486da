/*
 * turn.h -- everything that an agent does by itself, once: what came in is applied, what others
 * have accepted is queued, what is due is recorded and bundled. `run` repeats it; `import` and
 * `export` are parts of it by hand.
 *
 *   inbox/ID.gfb (fetched by gapferry-link) ─► apply ─► removed, or quarantine/ with NAME.why
 *   link.sent                               ─► noted as carried
 *   intake/ID.spool                         ─► queue
 *   sources that are due                    ─► queue
 *   what became of nodes' records           ─► returns/ID.spool
 *   queue, where something is due           ─► outbox/
 */
#ifndef AGENT_TURN_H
#define AGENT_TURN_H

#include "agent/agent.h"

/* A step that failed, and why; each is there once. */
#define TURN_STEPS 11
struct turn_failure {
    const char *step; /* static */
    struct gf_err why;
};

struct turn {
    struct apply_result in; /* of all responses together */
    int64_t responses;      /* applied */
    int64_t seen;           /* had been applied before */
    int64_t quarantined;
    int64_t sent;     /* bundles that link has brought to a relay */
    int64_t returned; /* entries for the nodes of a grid */
    struct intake_result intake;
    struct sources_result sources;
    struct export_result out;
    size_t
        failed; /* steps that failed; that does not keep others back, and telling is the caller's */
    struct turn_failure failures[TURN_STEPS];
};

/* One turn. GF_E_BUSY if another command holds the store's lock: nothing was done. Where one took
 * it while the sources ran, what they made is queued, and GF_E_BUSY is the failure of the step
 * "lock".
 */
GF_MUST_CHECK int agent_turn(struct agent *a, struct turn *out, struct gf_err *e);

/* When the next turn has something to do without being called: seconds since 1970, INT64_MAX:
 * never. At least now + 1. */
int64_t agent_turn_next(struct agent *a);

/* ---- its steps; the caller holds store_lock() ---- */

/* What became of one file of the inbox; borrowed. */
struct inbox_file {
    const char *name;
    int seen_before; /* it had been applied before, and is removed now */
    const struct gf_err
        *why; /* NULL: it is applied and removed; else why it is in quarantine now */
};
typedef void inbox_tell(void *arg, const struct inbox_file *f);

/* inbox.c: apply every response in STATE/inbox, and tell of each as it is done with. One that
 * cannot be applied goes to STATE/quarantine with its reason beside it; where disk or memory failed
 * it stays, and the first such failure is *e once the others were served. */
GF_MUST_CHECK int agent_inbox(struct agent *a, struct turn *t, inbox_tell *tell, void *arg,
                              struct gf_err *e);

/* sent.c: what gapferry-link says that a relay has, from STATE/link.sent. */
GF_MUST_CHECK int agent_sent(struct agent *a, int64_t *sent, struct gf_err *e);

#endif
