/*
 * enrol.h -- an agent's card came, by a drive or by HTTP: let it in if it proves itself
 * (ledger_enrol.h), with the vendors' keys of the configuration.
 */
#ifndef RELAY_ENROL_H
#define RELAY_ENROL_H

#include "relay/ledger/ledger_enrol.h"
#include "relay/relay.h"

/* Show a parsed card, with its file's bytes, to the ledger: its results. keep 1: a stranger's is
 * remembered. now: seconds. */
GF_MUST_CHECK int enrol_card(struct relay *r, const struct gf_card *c, const char *text, size_t len,
                             int keep, int64_t now, struct gf_err *why, struct gf_err *e);

/* 1 if the card brings something that may prove it, or is approved ahead, so that it is worth
 * showing also where nothing of its agent came. */
GF_MUST_CHECK int enrol_is_hopeful(struct relay *r, const struct gf_card *c, struct gf_err *e);

/* Whose bundles can be verified. Zeroed: nobody. */
struct enrol_cards {
    struct gf_card *cards;
    const struct gf_card **refs; /* sorted by identity; for struct gf_check */
    size_t n;
};
/* The enrolled agents; ended 1: and those who were, to find again what was taken from them. *out is
 * empty or loaded before, and released first. */
GF_MUST_CHECK int enrol_cards_load(struct relay *r, int ended, struct enrol_cards *out,
                                   struct gf_err *e);
int enrol_cards_has(const struct enrol_cards *c, const struct gf_hash *identity);
/* Let a check trust the card of this identity alone, or nobody where there is none: whoever knows
 * from whom a bundle says it comes need not compare it with every card. Borrows from c. */
void enrol_cards_trust(const struct enrol_cards *c, const struct gf_hash *identity,
                       struct gf_check *check);
void enrol_cards_free(struct enrol_cards *c);

#endif
