/*
 * card.h -- cards: public identity files, and the directories that hold one's own keys.
 *
 * A card is a signed document of format gapferry-card/1, signed by its own key (which proves that
 * the holder had it), perhaps also by a predecessor or a vendor. Reading one believes nothing: a
 * card becomes trusted by its fingerprint, a pinned vendor's signature or its predecessor.
 */
#ifndef GAPFERRY_CARD_H
#define GAPFERRY_CARD_H

#include "gapferry/document.h"

enum gf_role { GF_ROLE_AGENT, GF_ROLE_RELAY, GF_ROLE_VENDOR, GF_ROLE_READER };

/* "agent" "relay" "vendor" "reader", NULL at the end; indexed by enum gf_role. */
extern const char *const gf_card_roles[];

#define GF_FINGERPRINT_TEXT 25 /* ABCD-EFGH-IJKL-MNOP-QRST and NUL: 100 bits in base32 */

struct gf_card {
    enum gf_role role;
    char name[GF_WORD_MAX + 1]; /* "" where the card carries none; any UTF-8 without control
                                   characters: show it with gf_text_safe() */
    int has_agent;
    struct gf_id agent; /* role agent only: the lineage */
    struct gf_sign_public sign;
    struct gf_seal_public seal;
    int64_t created;
    int has_expires;
    int64_t expires;
    int has_replaces;
    struct gf_hash replaces; /* identity of the predecessor */
    int has_token_mac;
    struct gf_hash token_mac; /* proves nothing before it was compared: gf_card_token_mac() */
    struct gf_hash identity;  /* derived, not in the file */
    int cosigned;             /* derived: signatures beside its own, by whomever */
};

/*
 * Parse a card file and check its own signature. The one parser that meets bytes from strangers:
 * at most GF_CARD_FILE_MAX bytes, strict JSON of at most GF_CARD_MAX. Errors: GF_E_CARD, GF_E_JSON,
 * GF_E_VERSION, GF_E_DOCUMENT, GF_E_MINISIG, GF_E_SIGNATURE, GF_E_LIMIT.
 */
GF_MUST_CHECK int gf_card_parse(const char *text, size_t len, const char *what, struct gf_card *out,
                                struct gf_err *e);

/* Load and parse a card file. */
GF_MUST_CHECK int gf_card_load(int dir, const char *path, struct gf_card *out, struct gf_err *e);

/* Append the card's file: its JSON (without the name unless with_name) and a signature by `key`,
 * which must be the card's own; GF_E_BUG if not. */
GF_MUST_CHECK int gf_card_write(const struct gf_card *c, int with_name,
                                const struct gf_sign_key *key, struct gf_buf *out,
                                struct gf_err *e);

/* 1 if one of the signatures of a card's file is by this key, a predecessor's or vendor's. */
int gf_card_signed_by(const char *text, size_t len, const struct gf_sign_public *key);

/* Append the card's file text[0 .. len-1] with one more signature, by `key`: of a predecessor or a
 * vendor. Errors: gf_card_parse()'s; GF_E_LIMIT if it has all that it may have. */
GF_MUST_CHECK int gf_card_cosign(const char *text, size_t len, const struct gf_sign_key *key,
                                 struct gf_buf *out, struct gf_err *e);

/* What people compare, aloud or by eye: covers role, agent id and both keys (bundle-format.md). */
void gf_card_fingerprint(const struct gf_card *c, char out[GF_FINGERPRINT_TEXT]);

/* 1 if a person typed this card's fingerprint: case, dashes and spaces do not matter; 0 and 1 and 8
 * are read as O, I (or L's look-alike stays L) and B, since base32 has none of them. */
int gf_card_fingerprint_is(const struct gf_card *c, const char *typed);

/* A typed fingerprint as gf_card_fingerprint() writes it; -1 if it is none. */
GF_MUST_CHECK int gf_card_fingerprint_spell(const char *typed, char out[GF_FINGERPRINT_TEXT]);

/* The MAC by which an enrolment token vouches for a card: keyed BLAKE2b-256 under the token over
 * what the fingerprint covers. It travels as 64 hex digits in ext.token_mac. */
void gf_card_token_mac(const struct gf_card *c, const uint8_t token[16], struct gf_hash *out);

/*
 * One's own keys and card: a directory with sign.key, sign.pub, seal.key, seal.pub, card.
 */
struct gf_identity {
    struct gf_sign_key *sign;
    struct gf_seal_key *seal;
    struct gf_card card;
    char *card_text; /* the card file's bytes */
    size_t card_len;
};

/* Load a directory; secret files must be regular and not readable by group or others (GF_E_KEY
 * says how to mend that); the card must belong to the keys. On failure *id is empty. */
GF_MUST_CHECK int gf_identity_load(int dir, const char *path, struct gf_identity *id,
                                   struct gf_err *e);

/* Make new keys and a card from c's role, name, agent, created, expires, replaces (its keys are
 * set here) and write the five files into the new directory `path` (0700, files 0600 and 0644),
 * all or nothing: GF_E_CREATE if it exists. They are made in ".identity-" and 16 hex digits beside
 * it; what a maker that was killed has left there is removed. */
GF_MUST_CHECK int gf_identity_make(int dir, const char *path, struct gf_card *c, struct gf_err *e);

/* The same for the successor of `before`: role and agent id are its own, `replaces` is its
 * identity, and the card is signed by both keys. It carries no name, so that these very bytes may
 * go to a drive. Of *c only created and expires are read. */
GF_MUST_CHECK int gf_identity_succeed(int dir, const char *path, const struct gf_identity *before,
                                      struct gf_card *c, struct gf_err *e);

/* Put another card of the same keys in the place of the one in the directory, whole or not at all:
 * with a token MAC, or a vendor's signature. GF_E_KEY if it is another identity's. */
GF_MUST_CHECK int gf_identity_save_card(int dir, const char *path, const char *text, size_t len,
                                        struct gf_err *e);

/* Wipe and release; an empty one is fine. */
void gf_identity_free(struct gf_identity *id);

#endif
