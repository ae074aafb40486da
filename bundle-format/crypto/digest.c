/*
 * digest.c -- BLAKE2b, SHA-256, random bytes, and memory that must not leak.
 */
#include "gapferry/digest.h"

#include <sodium.h>

/* The header reserves memory so that callers need no sodium.h. */
_Static_assert(sizeof(crypto_generichash_blake2b_state) <= sizeof(struct gf_digest),
               "struct gf_digest holds the BLAKE2b state");
_Static_assert(_Alignof(struct gf_digest) >= 64, "libsodium wants the state 64-byte aligned");

_Static_assert(sizeof(crypto_hash_sha256_state) <= sizeof(struct gf_digest_sha256),
               "struct gf_digest_sha256 holds the SHA-256 state");

static crypto_generichash_blake2b_state *state_of(struct gf_digest *d) {
    return (crypto_generichash_blake2b_state *)(void *)d->state;
}

int gf_digest_start(struct gf_err *e) {
    if (sodium_init() < 0) {
        return gf_err_set(e, GF_E_SYSTEM,
                          "this machine offers no randomness: getrandom() and /dev/urandom failed");
    }
    return 0;
}

void gf_digest_random(void *out, size_t len) {
    randombytes_buf(out, len);
}

void gf_digest_256(const void *data, size_t len, struct gf_hash *out) {
    /* It fails only for output lengths that BLAKE2b does not have. */
    (void)crypto_generichash_blake2b(out->b, sizeof(out->b), data, len, NULL, 0);
}

void gf_digest_128(const void *data, size_t len, struct gf_id *out) {
    (void)crypto_generichash_blake2b(out->b, sizeof(out->b), data, len, NULL, 0);
}

void gf_digest_keyed_256(const void *key, size_t keylen, const void *data, size_t len,
                         struct gf_hash *out) {
    (void)crypto_generichash_blake2b(out->b, sizeof(out->b), data, len, key, keylen);
}

void gf_digest_begin(struct gf_digest *d) {
    (void)crypto_generichash_blake2b_init(state_of(d), NULL, 0, sizeof(struct gf_hash64));
}

void gf_digest_add(struct gf_digest *d, const void *data, size_t len) {
    (void)crypto_generichash_blake2b_update(state_of(d), data, len);
}

void gf_digest_end(struct gf_digest *d, struct gf_hash64 *out) {
    (void)crypto_generichash_blake2b_final(state_of(d), out->b, sizeof(out->b));
}

void gf_digest_begin_256(struct gf_digest *d) {
    (void)crypto_generichash_blake2b_init(state_of(d), NULL, 0, sizeof(struct gf_hash));
}

void gf_digest_end_256(struct gf_digest *d, struct gf_hash *out) {
    (void)crypto_generichash_blake2b_final(state_of(d), out->b, sizeof(out->b));
}

static crypto_hash_sha256_state *sha256_of(struct gf_digest_sha256 *d) {
    return (crypto_hash_sha256_state *)(void *)d->state;
}

void gf_digest_sha256_begin(struct gf_digest_sha256 *d) {
    (void)crypto_hash_sha256_init(sha256_of(d));
}

void gf_digest_sha256_add(struct gf_digest_sha256 *d, const void *data, size_t len) {
    (void)crypto_hash_sha256_update(sha256_of(d), data, len);
}

void gf_digest_sha256_end(struct gf_digest_sha256 *d, struct gf_hash *out) {
    (void)crypto_hash_sha256_final(sha256_of(d), out->b);
}

void gf_digest_wipe(void *p, size_t len) {
    if (len > 0)
        sodium_memzero(p, len);
}

int gf_digest_equal(const void *a, const void *b, size_t len) {
    return sodium_memcmp(a, b, len) == 0;
}
