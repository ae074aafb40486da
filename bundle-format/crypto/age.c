/*
 * age.c -- age v1 files: their sizes, their beginning, their chunks.
 */
#include "age.h"

#include <sodium.h>
#include <string.h>

#include "age_header.h"
#include "gapferry/digest.h"

struct gf_age_stream {
    uint8_t key[32];
};

_Static_assert(GF_AGE_TAG == crypto_aead_chacha20poly1305_IETF_ABYTES, "age's tag is Poly1305's");

size_t gf_age_head_size(size_t n) {
    return gf_age_header_size(n) + GF_AGE_NONCE;
}

int64_t gf_age_body_size(int64_t plain) {
    int64_t chunks = plain / GF_AGE_CHUNK + (plain % GF_AGE_CHUNK != 0);

    return plain + GF_AGE_TAG * (chunks > 0 ? chunks : 1);
}

/* The payload's key: the file key alone would be the same for two nonces. */
static int stream_new(const uint8_t file_key[GF_AGE_FILE_KEY], const uint8_t nonce[GF_AGE_NONCE],
                      struct gf_age_stream **out, struct gf_err *e) {
    struct gf_age_stream *s = sodium_malloc(sizeof(*s));

    if (s == NULL)
        return gf_err_errno(e, "no memory for a payload key");
    gf_age_header_hkdf(file_key, GF_AGE_FILE_KEY, nonce, GF_AGE_NONCE, "payload", s->key);
    if (sodium_mprotect_readonly(s) != 0) {
        (void)gf_err_errno(e, "cannot protect the memory of a payload key");
        sodium_free(s);
        return -1;
    }
    *out = s;
    return 0;
}

void gf_age_stream_free(struct gf_age_stream *s) {
    sodium_free(s);
}

int gf_age_encrypt(const struct gf_seal_public *to, size_t n, struct gf_buf *head,
                   struct gf_age_stream **out, struct gf_err *e) {
    uint8_t file_key[GF_AGE_FILE_KEY], nonce[GF_AGE_NONCE];
    size_t before = head->len;
    int rc = -1;

    if (n == 0 || n > GF_READERS_MAX + 1)
        return gf_err_set(e, GF_E_USAGE, "a file is sealed for 1 to %d keys, not for %zu",
                          GF_READERS_MAX + 1, n);
    randombytes_buf(file_key, sizeof(file_key));
    randombytes_buf(nonce, sizeof(nonce));
    if (gf_age_header_write(to, n, file_key, head, e) != 0)
        goto out;
    gf_buf_add(head, nonce, sizeof(nonce));
    if (gf_buf_check(head, "the age header", e) != 0 || stream_new(file_key, nonce, out, e) != 0)
        goto out;
    rc = 0;
out:
    if (rc != 0)
        head->len = before;
    sodium_memzero(file_key, sizeof(file_key));
    return rc;
}

int gf_age_decrypt(const uint8_t *data, size_t len, const struct gf_seal_key *const *keys,
                   size_t nkeys, struct gf_age_info *info, struct gf_age_stream **out,
                   struct gf_err *e) {
    struct gf_age_header h;
    uint8_t file_key[GF_AGE_FILE_KEY];
    int rc = -1;

    if (gf_age_header_parse(data, len, &h, e) != 0)
        return -1;
    *info = (struct gf_age_info){h.size + GF_AGE_NONCE, h.x25519, h.others};
    if (gf_age_header_unwrap(&h, keys, nkeys, file_key, e) != 0)
        goto out;

    /* The MAC's key comes from the file key, so this also commits to it: a stanza that opens to
     * another key for another reader stops here. */
    if (gf_age_header_check(&h, data, file_key, e) != 0)
        goto out;
    if (len - h.size < GF_AGE_NONCE) {
        (void)gf_err_set(e, GF_E_AGE, "the age file is cut within its nonce");
        goto out;
    }
    rc = stream_new(file_key, data + h.size, out, e);
out:
    sodium_memzero(file_key, sizeof(file_key));
    return rc;
}

int gf_age_scan(const uint8_t *data, size_t len, struct gf_age_info *info, struct gf_err *e) {
    struct gf_age_header h;

    if (gf_age_header_parse(data, len, &h, e) != 0)
        return -1;
    *info = (struct gf_age_info){h.size + GF_AGE_NONCE, h.x25519, h.others};
    return 0;
}

/* 11 bytes of counter, big-endian, and one that marks the last chunk. */
static void chunk_nonce(uint64_t counter, int last, uint8_t out[12]) {
    memset(out, 0, 12);
    for (int i = 10; i >= 3; i--, counter >>= 8)
        out[i] = (uint8_t)counter;
    out[11] = last ? 1 : 0;
}

void gf_age_chunk_seal(const struct gf_age_stream *s, uint64_t counter, int last, uint8_t *buf,
                       size_t len) {
    uint8_t nonce[12];

    chunk_nonce(counter, last, nonce);
    (void)crypto_aead_chacha20poly1305_ietf_encrypt(buf, NULL, buf, len, NULL, 0, NULL, nonce,
                                                    s->key);
}

int gf_age_chunk_open(const struct gf_age_stream *s, uint64_t counter, int last, uint8_t *buf,
                      size_t len, struct gf_err *e) {
    uint8_t nonce[12];

    /* Every chunk but the last is full, and only a file's only chunk may be empty. */
    if (len < GF_AGE_TAG || len > GF_AGE_CHUNK + GF_AGE_TAG ||
        (!last && len != GF_AGE_CHUNK + GF_AGE_TAG) || (last && len == GF_AGE_TAG && counter > 0)) {
        return gf_err_set(e, GF_E_CHUNK,
                          "chunk %llu of the payload has an impossible size: the "
                          "file is cut or has something behind it",
                          (unsigned long long)counter);
    }
    chunk_nonce(counter, last, nonce);
    if (crypto_aead_chacha20poly1305_ietf_decrypt(buf, NULL, NULL, buf, len, NULL, 0, nonce,
                                                  s->key) != 0) {
        return gf_err_set(e, GF_E_CHUNK, "chunk %llu of the payload is damaged, cut or moved",
                          (unsigned long long)counter);
    }
    return 0;
}
