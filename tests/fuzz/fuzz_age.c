/*
 * fuzz_age.c -- age headers with a fixed key and a whole file behind them; then the input as the
 * plaintext and as the ciphertext of a chunk.
 */
#include <stdlib.h>
#include <string.h>

#include "crypto/age.h"
#include "gapferry/digest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(int ok) {
    if (!ok)
        abort();
}

/* The key that the seeds are sealed for. It guards nothing. */
static const char identity[] =
    "AGE-SECRET-KEY-1HCYY9UZKM2TS67YRVE72EQK0T0FG5MAYJA0CMRCMHUQACZZWHDYS9PFK7C\n";

static uint8_t work[GF_AGE_CHUNK + GF_AGE_TAG];

/* Header, then chunks to the end, as the bundle reader opens them. */
static void whole_file(const uint8_t *data, size_t size, const struct gf_seal_key *key) {
    struct gf_age_stream *s = NULL;
    struct gf_age_info scanned = {0}, info = {0};
    struct gf_err e = {.code = GF_OK};
    int scan = gf_age_scan(data, size, &scanned, &e);
    int last = 0;

    if (gf_age_decrypt(data, size, &key, 1, &info, &s, &e) != 0) {
        demand(s == NULL);
        demand(scan == 0 || e.code == GF_E_AGE || e.code == GF_E_LIMIT);
        return;
    }
    demand(scan == 0 && info.head_size == scanned.head_size && info.x25519 == scanned.x25519 &&
           info.others == scanned.others && info.head_size <= size && info.x25519 > 0);
    data += info.head_size;
    size -= info.head_size;
    for (uint64_t counter = 0; !last; counter++) {
        size_t part = size < sizeof(work) ? size : sizeof(work);
        last = part == size;
        if (part > 0)
            memcpy(work, data, part);
        if (gf_age_chunk_open(s, counter, last, work, part, &e) != 0)
            break;
        data += part;
        size -= part;
    }
    gf_age_stream_free(s);
}

/* What is sealed opens to the same bytes, and not in another place or with a bit changed. */
static void one_chunk(const uint8_t *data, size_t size, const struct gf_seal_key *key) {
    struct gf_age_stream *s = NULL;
    struct gf_buf head;
    struct gf_err e;

    if (size > GF_AGE_CHUNK)
        return;
    gf_buf_init(&head, 65536);
    demand(gf_age_encrypt(gf_key_seal_public(key), 1, &head, &s, &e) == 0);
    if (size > 0)
        memcpy(work, data, size);
    demand(gf_age_chunk_open(s, 0, 1, work, size, &e) != 0);
    if (size > 0)
        memcpy(work, data, size);
    gf_age_chunk_seal(s, 0, 1, work, size);
    demand(gf_age_chunk_open(s, 0, 1, work, size + GF_AGE_TAG, &e) == 0);
    demand(size == 0 || memcmp(work, data, size) == 0);
    gf_age_chunk_seal(s, 0, 1, work, size);
    work[size] ^= 1;
    demand(gf_age_chunk_open(s, 0, 1, work, size + GF_AGE_TAG, &e) != 0);
    gf_age_stream_free(s);
    gf_buf_free(&head);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct gf_seal_key *key = NULL;
    struct gf_err e;

    demand(gf_digest_start(&e) == 0);
    demand(gf_key_seal_parse(identity, strlen(identity), "identity", &key, &e) == 0);
    whole_file(data, size, key);
    one_chunk(data, size, key);
    gf_key_seal_free(key);
    return 0;
}
