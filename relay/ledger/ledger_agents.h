/*
 * ledger_agents.h -- senders: who is approved, enrolled, waiting or declined. A part of ledger.h,
 * which includes it; how a card proves itself is in ledger_enrol.h.
 */
#ifndef RELAY_LEDGER_AGENTS_H
#define RELAY_LEDGER_AGENTS_H

#include "gapferry/card.h"

struct ledger;

/* Approve a fingerprint, perhaps ahead of the first contact; a card of this fingerprint that was
 * seen already is enrolled at once. Case, dashes and spaces do not matter; GF_E_USAGE if it is no
 * fingerprint, GF_E_SENDER if its lineage was revoked. */
GF_MUST_CHECK int ledger_approve(struct ledger *l, const char *fingerprint, const char *user,
                                 int64_t now, struct gf_err *e);
/* Take back an approval ahead of the first contact: 1 done, 0 there is none. GF_E_USAGE if it is no
 * fingerprint, or its agent is enrolled already. */
GF_MUST_CHECK int ledger_unapprove(struct ledger *l, const char *fingerprint, const char *user,
                                   int64_t now, struct gf_err *e);
/* Fingerprints that were approved and whose agent is not enrolled yet; one allocation, free(). */
struct ledger_approval {
    char fingerprint[GF_FINGERPRINT_TEXT];
    int64_t at;
};
GF_MUST_CHECK int ledger_approvals(struct ledger *l, struct ledger_approval **out, size_t *n,
                                   struct gf_err *e);
/* 1 if this card's fingerprint was approved (enrolled or not yet), 0 if not. */
GF_MUST_CHECK int ledger_is_approved(struct ledger *l, const struct gf_card *c, struct gf_err *e);
/* Who is not let in: 1 and its identity, of a sender that is not enrolled and whose card was seen;
 * 0 none. GF_E_USAGE if it is no fingerprint. */
GF_MUST_CHECK int ledger_stranger(struct ledger *l, const char *fingerprint, struct gf_hash *out,
                                  struct gf_err *e);
/* Decline a sender for as long as it is not approved; GF_E_USAGE if it is enrolled. */
GF_MUST_CHECK int ledger_decline(struct ledger *l, const struct gf_hash *identity, const char *user,
                                 int64_t now, struct gf_err *e);
/* 1 it was declined, 0 it was not. */
GF_MUST_CHECK int ledger_is_declined(struct ledger *l, const struct gf_hash *identity,
                                     struct gf_err *e);
/* 1 if an identity of this agent id is enrolled, 0 if none is. */
GF_MUST_CHECK int ledger_has_agent(struct ledger *l, const struct gf_id *agent, struct gf_err *e);
/* The card of this identity, if it is enrolled, or, ended 1, was: 1, 0 there is none, -1. */
GF_MUST_CHECK int ledger_card(struct ledger *l, const struct gf_hash *identity, int ended,
                              struct gf_card *out, struct gf_err *e);
/* Who is enrolled, without their cards, each of which costs the check of a signature; one
 * allocation, free(). */
struct ledger_sender {
    struct gf_hash identity;
    struct gf_id agent;
};
GF_MUST_CHECK int ledger_senders(struct ledger *l, struct ledger_sender **out, size_t *n,
                                 struct gf_err *e);
/* Enrolled cards; one allocation, free(). */
GF_MUST_CHECK int ledger_agents(struct ledger *l, struct gf_card **out, size_t *n,
                                struct gf_err *e);
/* Cards that were seen and wait for approval, and were not declined; likewise. */
GF_MUST_CHECK int ledger_strangers(struct ledger *l, struct gf_card **out, size_t *n,
                                   struct gf_err *e);
/* Cards that were seen and claim the agent id of one that is enrolled; likewise. */
GF_MUST_CHECK int ledger_claims(struct ledger *l, struct gf_card **out, size_t *n,
                                struct gf_err *e);

#endif
