/*
 * age.h -- age v1 files (https://age-encryption.org/v1) with X25519 recipients, on libsodium.
 *
 * The header and the 16-byte nonce come first; then chunks of GF_AGE_CHUNK bytes of plaintext, each
 * with a tag of GF_AGE_TAG bytes; the last one may be shorter, and is empty only if it is the only
 * one. A stream is immutable once made, so several threads may use it at once.
 */
#ifndef CRYPTO_AGE_H
#define CRYPTO_AGE_H

#include "gapferry/key.h"
#include "gapferry/limits.h"

#define GF_AGE_CHUNK 65536
#define GF_AGE_TAG   16

struct gf_age_stream; /* the payload key of one file, in guarded memory */

/* Bytes of header and nonce for n X25519 stanzas, as we write them. */
size_t gf_age_head_size(size_t n);

/* Bytes of ciphertext chunks for this much plaintext. */
int64_t gf_age_body_size(int64_t plain);

/* Begin a file for 1 to GF_READERS_MAX + 1 recipients: append header and nonce to head, make the
 * stream. Errors: GF_E_USAGE, GF_E_KEY (a recipient of low order, or not below 2^255 - 19: nobody
 * could open its stanza), GF_E_SYSTEM, and what gf_buf_check() says of head. On failure head has
 * its old length. */
GF_MUST_CHECK int gf_age_encrypt(const struct gf_seal_public *to, size_t n, struct gf_buf *head,
                                 struct gf_age_stream **out, struct gf_err *e);

/* What an age header holds, beside the key. */
struct gf_age_info {
    size_t head_size; /* bytes of header and nonce */
    size_t x25519;    /* stanzas of this type */
    size_t others;    /* stanzas of any other type */
};

/*
 * Begin to read a file whose first len bytes are data (enough to hold header and nonce, or the
 * whole file). Grammar, encodings and the order of checks are those of the specification and of its
 * test vectors: stanzas of other types are passed over, each X25519 stanza must be well formed, its
 * body's length is checked before it is opened, an all-zero shared secret is refused, the header's
 * MAC is checked before anything is decrypted with the file key. Errors: GF_E_AGE (malformed, or
 * cut within header or nonce), GF_E_UNWRAP (no stanza opens with these keys), GF_E_HMAC,
 * GF_E_LIMIT, GF_E_SYSTEM. *info is set as soon as the grammar
 * holds, whatever is found later.
 */
GF_MUST_CHECK int gf_age_decrypt(const uint8_t *data, size_t len,
                                 const struct gf_seal_key *const *keys, size_t nkeys,
                                 struct gf_age_info *info, struct gf_age_stream **out,
                                 struct gf_err *e);

/* Count stanzas without any key: the same grammar, no MAC. The nonce may be missing. */
GF_MUST_CHECK int gf_age_scan(const uint8_t *data, size_t len, struct gf_age_info *info,
                              struct gf_err *e);

/* Encrypt chunk number `counter` (from 0) in place: buf holds len bytes of plaintext and has room
 * for the tag. `last` marks the final chunk. */
void gf_age_chunk_seal(const struct gf_age_stream *s, uint64_t counter, int last, uint8_t *buf,
                       size_t len);

/* Decrypt one in place: buf holds len bytes including the tag. GF_E_CHUNK; also for a last chunk
 * that is empty while counter > 0. */
GF_MUST_CHECK int gf_age_chunk_open(const struct gf_age_stream *s, uint64_t counter, int last,
                                    uint8_t *buf, size_t len, struct gf_err *e);

/* Wipe; accepts NULL. */
void gf_age_stream_free(struct gf_age_stream *s);

#endif
