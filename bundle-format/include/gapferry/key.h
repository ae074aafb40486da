/*
 * key.h -- keys and the files they live in. The files are the tools' own: a signing pair as
 * minisign 0.11 writes it with -W, a sealing pair as age 1.1 writes it.
 *
 * Secret keys live in guarded, locked memory (sodium_malloc) behind opaque types and are wiped by
 * their _free, which accepts NULL.
 */
#ifndef GAPFERRY_KEY_H
#define GAPFERRY_KEY_H

#include <stdint.h>

#include "gapferry/text.h"

struct gf_sign_public {
    uint8_t keynum[8]; /* minisign's key id: chosen by whoever made the key, so only a hint */
    uint8_t pk[32];    /* Ed25519 */
};

struct gf_seal_public {
    uint8_t pk[32]; /* X25519, an age recipient */
};

struct gf_sign_key; /* Ed25519 secret and its public half */
struct gf_seal_key; /* X25519 secret, an age identity, and its public half */

#define GF_SIGN_PUBLIC_TEXT 57 /* the second line of a minisign .pub: 56 base64 characters, NUL */
#define GF_SEAL_PUBLIC_TEXT 63 /* age1...: 62 characters, NUL */

/* Identity: BLAKE2b-256 of the 19 bytes "gapferry-identity/1", the Ed25519 and the X25519 public
 * key (docs/bundle-format.md). It names a holder of both keys; keynum has no part in it. */
void gf_key_identity(const struct gf_sign_public *sign, const struct gf_seal_public *seal,
                     struct gf_hash *out);

/* New pairs. */
GF_MUST_CHECK int gf_key_sign_new(struct gf_sign_key **out, struct gf_err *e);
GF_MUST_CHECK int gf_key_seal_new(struct gf_seal_key **out, struct gf_err *e);
void gf_key_sign_free(struct gf_sign_key *k);
void gf_key_seal_free(struct gf_seal_key *k);

const struct gf_sign_public *gf_key_sign_public(const struct gf_sign_key *k);
const struct gf_seal_public *gf_key_seal_public(const struct gf_seal_key *k);

/*
 * Texts of whole files. Parsing refuses whatever the tool would not have written: another
 * algorithm, a wrong checksum (zeros are right: minisign 0.11 leaves them), a public half that does
 * not belong to the secret one, a sealing key of low order or beside its only spelling, a
 * password-protected minisign key (the message says how to take the password off). Errors:
 * GF_E_KEY. `what` names the file in messages. Buffers that received secrets are the caller's to
 * gf_buf_free(), which wipes.
 *
 *   sign.key  two lines      seal.key  '#' comment lines, AGE-SECRET-KEY-1...
 *   sign.pub  two lines      seal.pub  age1...
 */
GF_MUST_CHECK int gf_key_sign_parse(const char *text, size_t len, const char *what,
                                    struct gf_sign_key **out, struct gf_err *e);
GF_MUST_CHECK int gf_key_seal_parse(const char *text, size_t len, const char *what,
                                    struct gf_seal_key **out, struct gf_err *e);
void gf_key_sign_text(const struct gf_sign_key *k, struct gf_buf *out);
/* created: seconds, for the "# created:" line that age-keygen writes too. */
void gf_key_seal_text(const struct gf_seal_key *k, int64_t created, struct gf_buf *out);

GF_MUST_CHECK int gf_key_sign_public_parse(const char *text, size_t len, const char *what,
                                           struct gf_sign_public *out, struct gf_err *e);
GF_MUST_CHECK int gf_key_seal_public_parse(const char *text, size_t len, const char *what,
                                           struct gf_seal_public *out, struct gf_err *e);
void gf_key_sign_public_text(const struct gf_sign_public *k, struct gf_buf *out);
void gf_key_seal_public_text(const struct gf_seal_public *k, struct gf_buf *out);

/* The one-line forms that cards carry: base64 of "Ed", keynum, key; and age1... */
void gf_key_sign_public_line(const struct gf_sign_public *k, char out[GF_SIGN_PUBLIC_TEXT]);
GF_MUST_CHECK int gf_key_sign_public_unline(const char *text, size_t len,
                                            struct gf_sign_public *out);
void gf_key_seal_public_line(const struct gf_seal_public *k, char out[GF_SEAL_PUBLIC_TEXT]);
GF_MUST_CHECK int gf_key_seal_public_unline(const char *text, size_t len,
                                            struct gf_seal_public *out);

#endif
