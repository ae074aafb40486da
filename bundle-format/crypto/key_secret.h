/*
 * key_secret.h -- what the files of crypto/ share about keys and nobody else may see.
 */
#ifndef CRYPTO_KEY_SECRET_H
#define CRYPTO_KEY_SECRET_H

#include <stddef.h>
#include <stdint.h>

#include "gapferry/key.h"

/* Both live in sodium_malloc memory that is read-only once it is filled. */
struct gf_sign_key {
    struct gf_sign_public public;
    uint8_t secret[64]; /* libsodium's form: seed, then the public half */
};

struct gf_seal_key {
    struct gf_seal_public public;
    uint8_t secret[32];
};

/* The longest first line that minisign 0.11 reads: prefix, text and LF. */
#define GF_KEY_COMMENT_LINE 1023
#define GF_KEY_COMMENT      "untrusted comment: "

/* Take the next line, which must end in LF, off the front of the text; -1 if there is none. *n is
 * its length without the LF. */
GF_MUST_CHECK int gf_key_line(const char **text, size_t *len, const char **line, size_t *n);

/* 1 if the line begins with the prefix and the rest is UTF-8 without control characters except
 * TAB, which minisign writes into its own comments. */
int gf_key_comment(const char *line, size_t n, const char *prefix);

/* minisign's way to show a key id: 16 capital hex digits, as a little-endian number. */
unsigned long long gf_key_number(const uint8_t keynum[8]);

/* 1 if it is the one spelling of an X25519 point: below 2^255 - 19. */
int gf_key_seal_canonical(const struct gf_seal_public *k);

#endif
