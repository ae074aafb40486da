/*
 * bech32.h -- Bech32 (BIP 173) without its 90-character limit, as age spells its keys.
 *
 * The prefix decides the case: a prefix in capitals makes and accepts capitals only, any other
 * small letters only, so that each value has one spelling.
 */
#ifndef CRYPTO_BECH32_H
#define CRYPTO_BECH32_H

#include <stddef.h>
#include <stdint.h>

#include "gapferry/err.h"

/* Characters for len bytes under a prefix of p characters, without NUL. */
#define GF_BECH32_SIZE(p, len) ((p) + 1 + ((len)*8 + 4) / 5 + 6)

/* Write GF_BECH32_SIZE characters and NUL. Nothing secret is left on the stack. */
void gf_bech32_encode(const char *prefix, const uint8_t *data, size_t len, char *out);

/* Exactly len bytes under this prefix, checksum right, unused bits zero. 0 or -1; out may have been
 * written on -1. */
GF_MUST_CHECK int gf_bech32_decode(const char *prefix, const char *text, size_t n, uint8_t *out,
                                   size_t len);

#endif
