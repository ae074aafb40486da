/*
 * carry.h -- one round of the HTTPS courier with a relay that has just proved itself: what lies in
 * outbox/ for it goes there, what waits there for this site comes into inbox/.
 *
 * A bundle that the relay has is noted in link.sent; one that it refuses for what it is (400, 413)
 * in link.refused, if the refusal is a relay's own error, and is sent again a day later, or where
 * the file, the relay's card, or the way to it in agent.conf is another; another 400 or 413 is of
 * something on the way, is told, and the bundle tried again at the next visit. An answer that is
 * not about this bundle ends the round: not known there (401, 403, 404, 421) waits for a person and
 * is tried again at the next visit; patience (429, 503, other 5xx) sets `hold`. Where nothing new
 * went out the newest stored request is posted again, to learn which responses wait; a large one is
 * passed over where a small one is among the newest.
 *
 * No file gets its name in inbox/ before it has exactly the size that was told, bears the id in its
 * shell and is flushed. It is not verified: that is the agent's.
 */
#ifndef LINK_CARRY_H
#define LINK_CARRY_H

#include "agent/link/probe.h"

struct carry {
    int64_t sent;      /* bundles the relay has taken, or had */
    int64_t fetched;   /* responses that are new in inbox/ */
    int awaited;       /* 1: it has taken something new, or not everything could be fetched yet */
    int64_t hold;      /* seconds of patience that were asked for; 0: none */
    const char *stage; /* static: the way broke at this stage; NULL: it did not */
    char evidence[LINK_WORDS]; /* what happened beyond the usual; "" */
    char person[LINK_WORDS];   /* what waits for a person; "" */
};

/* Errors: GF_E_SYSTEM, GF_E_CREATE (a disk of ours), GF_E_CONFIG. *out is set on success only. */
GF_MUST_CHECK int carry_round(const struct probe_client *client, const struct peers *p,
                              const struct peer *peer, const struct gf_card *relay,
                              struct carry *out, struct gf_err *e);

/* Remove what a killed fetch has left in inbox/; best effort, by whoever holds the lock. */
void carry_tidy(const char *state);

#endif
