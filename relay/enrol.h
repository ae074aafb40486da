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

/* Whose bundles can be verified: the enrolled agents; ended 1: and those who were, to find again
 * what was taken from them. Their cards are read from the ledger when they are asked for, and some
 * are kept, so that what a turn costs does not grow with the number of agents. */
struct enrol_cards {
    struct relay *r;
    int ended;
    struct enrol_card *kept;
    const struct gf_card *found; /* the last one */
};
/* The card of this identity: 1, 0 there is none, -1. Borrowed from c until it is asked again. */
GF_MUST_CHECK int enrol_cards_find(struct enrol_cards *c, const struct gf_hash *identity,
                                   const struct gf_card **out, struct gf_err *e);
/* Let a check trust that card alone, or nobody where there is none; the same results. */
GF_MUST_CHECK int enrol_cards_trust(struct enrol_cards *c, const struct gf_hash *identity,
                                    struct gf_check *check, struct gf_err *e);
/* Forget what is kept: it can be asked again, and knows who was let in since. */
void enrol_cards_free(struct enrol_cards *c);

#endif
