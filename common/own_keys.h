/*
 * own_keys.h -- the keys and card of an agent or relay below its state directory, STATE/keys, and
 * what becomes of them over time.
 */
#ifndef COMMON_OWN_KEYS_H
#define COMMON_OWN_KEYS_H

#include "gapferry/card.h"

/* Append the card's file as it goes to a drive, or with_name 1. One that others have signed, too,
 * is what they have signed: its bytes do not depend on with_name. */
GF_MUST_CHECK int own_keys_card(const struct gf_identity *id, int with_name, struct gf_buf *out,
                                struct gf_err *e);

/* Another card file of the same keys takes the place of STATE/keys/card, and of what *id holds.
 * GF_E_KEY if it is another identity's. */
GF_MUST_CHECK int own_keys_replace_card(const char *state, struct gf_identity *id, const char *text,
                                        size_t len, struct gf_err *e);

/* The same from a file that somebody else has signed, too, a vendor; GF_E_CARD if nobody has. */
GF_MUST_CHECK int own_keys_install(const char *state, struct gf_identity *id, const char *path,
                                   struct gf_err *e);

/* Write the card as it goes to a drive into a new file. */
GF_MUST_CHECK int own_keys_write(const struct gf_identity *id, const char *path, struct gf_err *e);

/* 1 if this card, which lies somewhere, is ours in another form than own_keys_card() gives: with or
 * without name, MAC or signatures. */
int own_keys_differs(const struct gf_identity *id, int with_name, const struct gf_card *there);

#endif
