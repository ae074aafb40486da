/*
 * ledger_rotate.h -- the relay's own identities over time, and which of them each agent knows
 * (design section 8). Its lineage is its first identity.
 *
 * An agent shows what it knows by what it addresses. Until it addresses the newest identity, its
 * responses are signed by the one it does, and carry a notice `card` for each that came since.
 */
#ifndef RELAY_LEDGER_ROTATE_H
#define RELAY_LEDGER_ROTATE_H

#include "relay/ledger/ledger_grid.h"

/* Whose ledger this is: 1 and its identity, 0 nobody's yet. */
GF_MUST_CHECK int ledger_identity(struct ledger *l, struct gf_hash *out, struct gf_err *e);

/* It is this one's from now on, whose card replaces the one before. Seen before: only that. One
 * transaction. */
GF_MUST_CHECK int ledger_rotated(struct ledger *l, const struct gf_identity *next, const char *user,
                                 int64_t now, struct gf_err *e);

/* Within the transaction that takes a bundle, once its acknowledgements are taken: its sender knows
 * the identity that it is addressed to. One that was shown before is forgotten only by a bundle of
 * a new stream (the agent was restored): others may merely be late. Where that changes who signs,
 * what was told and not acknowledged is news again, in a new stream of responses. */
GF_MUST_CHECK int ledger_addressed(struct ledger *l, const struct gf_header *h,
                                   const struct gf_id *agent, int64_t now, struct gf_err *e);

/* The identity of ours that an agent has shown to know: 1; 0 none, or there was never but one. */
GF_MUST_CHECK int ledger_known_as(struct ledger *l, const struct gf_id *agent, struct gf_hash *out,
                                  struct gf_err *e);

/* Cards that came since, as notices that no response has told this agent yet, the oldest first; as
 * ledger_notices(). */
#define LEDGER_NEW_CARD "card" /* type of the notice */
GF_MUST_CHECK int ledger_new_cards(struct ledger *l, const struct gf_id *agent,
                                   ledger_each_notice *fn, void *arg, struct gf_err *e);

/* How many enrolled agents know no identity that is newer than the one so many rotations ago. */
GF_MUST_CHECK int ledger_outdated(struct ledger *l, int64_t rotations, int64_t *n,
                                  struct gf_err *e);

#endif
