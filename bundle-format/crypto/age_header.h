/*
 * age_header.h -- the textual header of an age v1 file: stanzas, MAC, and the file key in them.
 */
#ifndef CRYPTO_AGE_HEADER_H
#define CRYPTO_AGE_HEADER_H

#include "age.h"

#define GF_AGE_FILE_KEY 16
#define GF_AGE_NONCE    16
#define GF_AGE_WRAPPED  (GF_AGE_FILE_KEY + GF_AGE_TAG)

struct gf_age_stanza {
    uint8_t share[32];            /* the sender's ephemeral X25519 point */
    uint8_t body[GF_AGE_WRAPPED]; /* the file key, sealed with what both sides derive */
};

/* A header that follows the grammar; nothing of it is authenticated yet. */
struct gf_age_header {
    struct gf_age_stanza stanzas[GF_AGE_STANZAS_MAX]; /* of type X25519 */
    size_t x25519;
    size_t others;
    size_t maced; /* bytes from the start that the MAC covers, up to and with "---" */
    size_t size;  /* bytes up to and with the last LF */
    uint8_t mac[32];
};

/* Errors: GF_E_AGE, GF_E_LIMIT. *out is undefined on failure. */
GF_MUST_CHECK int gf_age_header_parse(const uint8_t *data, size_t len, struct gf_age_header *out,
                                      struct gf_err *e);

/* The file key out of the first stanza that opens with one of the keys. Errors: GF_E_AGE (a share
 * of low order), GF_E_UNWRAP. */
GF_MUST_CHECK int gf_age_header_unwrap(const struct gf_age_header *h,
                                       const struct gf_seal_key *const *keys, size_t nkeys,
                                       uint8_t file_key[GF_AGE_FILE_KEY], struct gf_err *e);

/* The MAC over the first h->maced bytes of data. Errors: GF_E_HMAC. */
GF_MUST_CHECK int gf_age_header_check(const struct gf_age_header *h, const uint8_t *data,
                                      const uint8_t file_key[GF_AGE_FILE_KEY], struct gf_err *e);

/* Append a header for these recipients. Errors: GF_E_KEY. Whether out had room is the caller's to
 * check. */
GF_MUST_CHECK int gf_age_header_write(const struct gf_seal_public *to, size_t n,
                                      const uint8_t file_key[GF_AGE_FILE_KEY], struct gf_buf *out,
                                      struct gf_err *e);

/* Bytes of a header with n X25519 stanzas. */
size_t gf_age_header_size(size_t n);

/* HKDF-SHA-256 (RFC 5869) with 32 bytes of output, which libsodium 1.0.18 does not have. */
void gf_age_header_hkdf(const uint8_t *ikm, size_t ikm_len, const uint8_t *salt, size_t salt_len,
                        const char *info, uint8_t out[32]);

#endif
