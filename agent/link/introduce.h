/*
 * introduce.h -- show a relay who we are: this agent's card, which may prove itself or be approved.
 */
#ifndef LINK_INTRODUCE_H
#define LINK_INTRODUCE_H

#include "agent/link/round.h"

/* The relay does not know the sender of a bundle: post the cards of STATE/cards/ that are ours, the
 * oldest first, since a successor needs its predecessor. 1 the newest is enrolled now; 0 it is not:
 * *words says why, as the relay did, "" where it said nothing or nothing was posted. Once a round.
 * -1 as https_request(). */
GF_MUST_CHECK int introduce(struct round *x, char words[256], struct gf_err *e);

#endif
