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

/* The same from a file that somebody else has signed, too, a vendor; GF_E_CARD if nobody has. That
 * the keys before have signed a successor's card does not count, and must not be gone. */
GF_MUST_CHECK int own_keys_install(const char *state, struct gf_identity *id, const char *path,
                                   struct gf_err *e);

/* Write the card as it goes to a drive into a new file. */
GF_MUST_CHECK int own_keys_write(const struct gf_identity *id, const char *path, struct gf_err *e);

/* 1 if this card, which lies somewhere, is ours in another form than own_keys_card() gives: with or
 * without name, MAC or signatures. */
int own_keys_differs(const struct gf_identity *id, int with_name, const struct gf_card *there);

/* ---- a new key in the place of an old one (own_keys_rotate.c) ----
 *
 *   STATE/keys/               the identity of now
 *   STATE/keys.next/          its successor, complete, before it takes that place; then, for a
 *                             moment, the old one
 *   STATE/keys.old/IDENTITY/  earlier ones, the newest OWN_KEYS_FORMER_MAX of them: what is on its
 *                             way may still be addressed to them
 *
 * The two change places at once (RENAME_EXCHANGE), so that there are keys at any time. All three
 * functions hold a lock on STATE itself while they look and change, and may be called by any number
 * of processes at a time.
 */
#define OWN_KEYS_FORMER_MAX 3

/* Make STATE/keys.next, whose card replaces `before` and is signed by both keys. One that was left
 * there by a rotation that never took effect is replaced; one of before `before` is put away first.
 * GF_E_CREATE where the file system cannot exchange two directories: the switch would fail. */
GF_MUST_CHECK int own_keys_next(const char *state, const struct gf_identity *before, int64_t now,
                                struct gf_card *out, struct gf_err *e);

/* STATE/keys.next takes the place of STATE/keys, which goes to keys.old. Durable; to be called
 * again after a crash, with the identity that is to be in force. GF_E_NOINPUT if neither keys nor
 * keys.next is it. */
GF_MUST_CHECK int own_keys_switch(const char *state, const struct gf_hash *to, struct gf_err *e);

/* A switch that was cut off behind the exchange, when keys already are those that are expected:
 * what they replace goes from keys.next to keys.old, without which nobody could open what is
 * addressed to it. A successor that waits there stays; mostly there is nothing. */
GF_MUST_CHECK int own_keys_tidy(const char *state, struct gf_err *e);

struct own_keys_former {
    struct gf_identity list[OWN_KEYS_FORMER_MAX]; /* the newest first */
    size_t n;
};
/* Load STATE/keys.old. *out is empty or loaded before, and released first. */
GF_MUST_CHECK int own_keys_former_load(const char *state, struct own_keys_former *out,
                                       struct gf_err *e);
void own_keys_former_free(struct own_keys_former *f);

/* All of them, the one of now first: what is on its way, or kept, was written by or for any.
 * Borrowed from both. */
#define OWN_KEYS_MAX (1 + OWN_KEYS_FORMER_MAX)
struct own_keys_all {
    const struct gf_identity *ids[OWN_KEYS_MAX];
    const struct gf_seal_key *seal[OWN_KEYS_MAX];
    const struct gf_card *cards[OWN_KEYS_MAX];
    struct gf_hash us[OWN_KEYS_MAX];
    size_t n;
};
void own_keys_all(const struct gf_identity *now, const struct own_keys_former *former,
                  struct own_keys_all *out);

#endif
