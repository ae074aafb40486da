/*
 * ledger_grid.h -- the ledger of a grid's manager: records of nodes that were given onward to the
 * manager's own agent, and what comes back for them.
 */
#ifndef RELAY_LEDGER_GRID_H
#define RELAY_LEDGER_GRID_H

#include "common/grid.h"
#include "relay/ledger/ledger.h"

/* What is being sent is with the next hop now: it is neither tried again nor held until it comes
 * back from there. What came back already (the next hop may be quick) stays. Its receipt is
 * `relayed` still. */
GF_MUST_CHECK int ledger_onward(struct ledger *l, int64_t row, int64_t now, struct gf_err *e);

/* ---- what comes back; each within a transaction of the caller ---- */

/* A receipt for a record of a node: 1 it is at an end now, 0 it was, or there is no such record. */
GF_MUST_CHECK int ledger_returned(struct ledger *l, const struct gf_id *node,
                                  const struct gf_receipt *receipt, int64_t now, struct gf_err *e);
/* It was not taken there, for this reason: 1 it is held now, 0 it is at an end, or unknown. */
GF_MUST_CHECK int ledger_returned_hold(struct ledger *l, const struct gf_id *node,
                                       const struct gf_id *record, const char *reason, int64_t now,
                                       struct gf_err *e);
/* Its answer, kept until its receipt comes: 1, or 0 where none is wanted (any more). */
GF_MUST_CHECK int ledger_returned_answer(struct ledger *l, const struct gf_id *node,
                                         const struct gf_answer *a, struct gf_err *e);

/* How far a file of the returns was read; 0 where it was not. */
GF_MUST_CHECK int ledger_return_cursor(struct ledger *l, const char *file, int64_t *at,
                                       struct gf_err *e);
GF_MUST_CHECK int ledger_return_read(struct ledger *l, const char *file, int64_t at,
                                     struct gf_err *e);
/* The file is gone: its name never comes again. */
GF_MUST_CHECK int ledger_return_forget(struct ledger *l, const char *file, struct gf_err *e);

/* ---- what is asked of nodes (ledger_notice.c) ---- */

enum ledger_whose {
    LEDGER_OURS,      /* the operator here */
    LEDGER_FROM_ABOVE /* the manager of this manager */
};
/* Ask this of every node, from now on and in the place of what was asked for the channel before.
 * What holds, and is told, is the stricter of ours and what comes from above. 1 that has changed
 * (user stands in the audit log, NULL: from above), 0 not. */
GF_MUST_CHECK int ledger_policy(struct ledger *l, enum ledger_whose whose,
                                const struct grid_policy *p, const char *user, int64_t now,
                                struct gf_err *e);
/* What no response has told an agent yet; fn as that of ledger_news(). n: for ledger_told. */
typedef int ledger_each_notice(void *arg, int64_t n, const struct gf_notice *notice,
                               struct gf_err *e);
GF_MUST_CHECK int ledger_notices(struct ledger *l, const struct gf_id *agent,
                                 ledger_each_notice *fn, void *arg, struct gf_err *e);
/* All that holds, and how many nodes have acknowledged it. free(). */
struct ledger_asked {
    struct grid_policy policy;
    int64_t at;
    int64_t nodes; /* enrolled */
    int64_t have;  /* of these */
};
GF_MUST_CHECK int ledger_policies(struct ledger *l, struct ledger_asked **out, size_t *n,
                                  struct gf_err *e);

#endif
