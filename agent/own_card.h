/*
 * own_card.h -- the MAC of a relay's token in this agent's own card.
 */
#ifndef AGENT_OWN_CARD_H
#define AGENT_OWN_CARD_H

#include "agent/agent.h"

/* Make the card anew with the MAC of the token that the file holds, "-": standard input. Signatures
 * of others do not fit it any more and go. The agent's card is the new one from then on. GF_E_USAGE
 * if it is no token; its text is never repeated. GF_E_USAGE also if the card replaces another:
 * without the signature by those keys, which would go, no relay that knows them would take it. */
GF_MUST_CHECK int own_card_take_token(struct agent *a, const char *path, struct gf_err *e);

/* The token in a file, for `init`, which asks before it makes anything. */
GF_MUST_CHECK int own_card_read_token(const char *path, uint8_t token[16], struct gf_err *e);
/* The same as own_card_take_token() with a token that was read, for a card just made. */
GF_MUST_CHECK int own_card_use_token(struct agent *a, const uint8_t token[16], struct gf_err *e);

#endif
