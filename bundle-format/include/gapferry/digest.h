/*
 * digest.h -- BLAKE2b (RFC 7693), SHA-256 (FIPS 180-4) and random bytes, from libsodium.
 */
#ifndef GAPFERRY_DIGEST_H
#define GAPFERRY_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "gapferry/text.h"

/* Call once before anything else of crypto/; GF_E_SYSTEM if the machine offers no randomness. */
GF_MUST_CHECK int gf_digest_start(struct gf_err *e);

void gf_digest_random(void *out, size_t len);

/* BLAKE2b-256 of bytes. */
void gf_digest_256(const void *data, size_t len, struct gf_hash *out);

/* BLAKE2b-128 of bytes: ids that are derived. */
void gf_digest_128(const void *data, size_t len, struct gf_id *out);

/* Keyed BLAKE2b-256 of bytes: a MAC. The key has 16 to 64 bytes. */
void gf_digest_keyed_256(const void *key, size_t keylen, const void *data, size_t len,
                         struct gf_hash *out);

/* BLAKE2b-512 in steps. The state is 64-byte aligned memory of the caller. */
struct gf_digest {
    _Alignas(64) unsigned char state[512];
};
void gf_digest_begin(struct gf_digest *d);
void gf_digest_add(struct gf_digest *d, const void *data, size_t len);
void gf_digest_end(struct gf_digest *d, struct gf_hash64 *out);

/* BLAKE2b-256 in steps; gf_digest_add() between them. */
void gf_digest_begin_256(struct gf_digest *d);
void gf_digest_end_256(struct gf_digest *d, struct gf_hash *out);

/* SHA-256 in steps: what others publish beside their files. */
struct gf_digest_sha256 {
    _Alignas(64) unsigned char state[128];
};
void gf_digest_sha256_begin(struct gf_digest_sha256 *d);
void gf_digest_sha256_add(struct gf_digest_sha256 *d, const void *data, size_t len);
void gf_digest_sha256_end(struct gf_digest_sha256 *d, struct gf_hash *out);

/* Overwrite memory that held a secret. */
void gf_digest_wipe(void *p, size_t len);

/* 1 if equal; the time taken does not depend on where they differ. */
int gf_digest_equal(const void *a, const void *b, size_t len);

#endif
