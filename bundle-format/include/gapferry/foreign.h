/*
 * foreign.h -- what other vendors' licence files need and no format of ours does: plain Ed25519
 * signatures over bytes, and AES-256-GCM under the SHA-256 of a secret text.
 *
 * Reading only: nothing here signs or encrypts.
 */
#ifndef GAPFERRY_FOREIGN_H
#define GAPFERRY_FOREIGN_H

#include <stddef.h>
#include <stdint.h>

#include "gapferry/err.h"

#define GF_FOREIGN_KEY 32 /* bytes of an Ed25519 public key */
#define GF_FOREIGN_SIG 64
#define GF_FOREIGN_IV  12
#define GF_FOREIGN_TAG 16

/* 0 if it is this key's Ed25519 signature (RFC 8032) over msg[0 .. len-1]; else GF_E_SIGNATURE. */
GF_MUST_CHECK int gf_foreign_verify(const uint8_t key[GF_FOREIGN_KEY], const void *msg, size_t len,
                                    const uint8_t sig[GF_FOREIGN_SIG], struct gf_err *e);

/* What AES-256-GCM makes of a text. */
struct gf_foreign_sealed {
    const uint8_t *data; /* len bytes; borrowed */
    size_t len;
    uint8_t iv[GF_FOREIGN_IV];
    uint8_t tag[GF_FOREIGN_TAG];
};

/*
 * Decrypt to out (len bytes, may be `data`): AES-256-GCM (NIST SP 800-38D) without associated data,
 * the key being the SHA-256 of secret[0 .. n-1]. Errors: GF_E_CHUNK where the tag does not match
 * (another secret, or changed bytes; out is then zeros), GF_E_UNABLE where this processor has no
 * AES instructions, which libsodium needs for it.
 */
GF_MUST_CHECK int gf_foreign_decrypt(const void *secret, size_t n,
                                     const struct gf_foreign_sealed *sealed, uint8_t *out,
                                     struct gf_err *e);

#endif
