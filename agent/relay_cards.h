/*
 * relay_cards.h -- cards of relays that prove themselves, so that nobody has to compare a
 * fingerprint: by the signature of a vendor whom this agent trusts with duty card.
 */
#ifndef AGENT_RELAY_CARDS_H
#define AGENT_RELAY_CARDS_H

#include "agent/agent.h"

/* 1 if such a vendor has signed the card's file, and its name; 0 if none has. */
GF_MUST_CHECK int relay_cards_vouched(struct agent *a, const char *text, size_t len,
                                      char vendor[GF_WORD_MAX + 1], struct gf_err *e);

/* Trust a card for that; history keeps it. GF_E_REPLAY if it is trusted already. */
GF_MUST_CHECK int relay_cards_trust(struct agent *a, const struct gf_card *c, const char *text,
                                    size_t len, const char *vendor, struct gf_err *e);

#endif
