/* decrypt.c -- reading, step 2: the only part of reading that holds a secret key. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/pool.h"
#include "crypto/age.h"
#include "gapferry/bundle.h"
#include "gapferry/digest.h"
#include "gapferry/file.h"

#define CHUNKS       8
#define CHUNK_SEALED (GF_AGE_CHUNK + GF_AGE_TAG)
#define SLOTS_MAX    6

/* Some chunks: decrypted in place by a job. */
struct slot {
    struct gf_job job;
    const struct gf_age_stream *stream;
    uint64_t counter; /* of the first chunk */
    int last;         /* the payload ends in here */
    size_t len;       /* bytes of ciphertext */
    int failed;
    struct gf_err err;
    uint8_t data[CHUNKS * CHUNK_SEALED];
};

struct decrypt {
    int in;
    int64_t at;   /* next byte to read */
    int64_t left; /* ciphertext bytes to read */
    int out;
    struct gf_pool *pool;
    const struct gf_age_stream *stream;
    size_t nslots;
    struct slot *slots[SLOTS_MAX];
    size_t head;
    size_t tail;
    uint64_t counter;
};

static void open_chunks(struct gf_job *job) {
    struct slot *s = (struct slot *)job;
    uint64_t counter = s->counter;

    for (size_t at = 0; at < s->len; at += CHUNK_SEALED, counter++) {
        size_t len = s->len - at < CHUNK_SEALED ? s->len - at : CHUNK_SEALED;
        int last = s->last && at + len == s->len;
        if (gf_age_chunk_open(s->stream, counter, last, s->data + at, len, &s->err) == -1) {
            s->failed = 1;
            return;
        }
    }
}

/* Wait for the oldest chunks and hand them on: each is authentic by now. */
static int take(struct decrypt *d, struct gf_err *e) {
    struct slot *s = d->slots[d->tail++ % d->nslots];

    gf_pool_wait(d->pool, &s->job);
    if (s->failed) {
        if (e != NULL)
            *e = s->err;
        return -1;
    }
    for (size_t at = 0; at < s->len; at += CHUNK_SEALED) {
        size_t len = (s->len - at < CHUNK_SEALED ? s->len - at : CHUNK_SEALED) - GF_AGE_TAG;
        if (gf_file_write(d->out, s->data + at, len) == -1)
            return gf_err_errno(e, "cannot hand on the plaintext");
    }
    return 0;
}

/* Read the next chunks and queue them. */
static int give(struct decrypt *d, struct gf_err *e) {
    struct slot **slot = &d->slots[d->head % d->nslots];

    if (*slot == NULL) {
        *slot = calloc(1, sizeof **slot);
        if (*slot == NULL)
            return gf_err_errno(e, "no memory to decrypt");
        (*slot)->job.run = open_chunks;
        (*slot)->stream = d->stream;
    }
    struct slot *s = *slot;
    s->len = d->left < (int64_t)sizeof s->data ? (size_t)d->left : sizeof s->data;
    ssize_t n = gf_file_read_at(d->in, s->data, s->len, d->at);
    if (n != (ssize_t)s->len)
        return n == -1 ? gf_err_errno(e, "cannot read the payload")
                       : gf_err_set(e, GF_E_SYSTEM, "the copy became shorter while it was read");
    d->at += n;
    d->left -= n;
    s->last = d->left == 0;
    s->counter = d->counter;
    d->counter += CHUNKS;
    d->head++;
    if (s->last && d->head == d->tail + 1)
        s->job.run(&s->job); /* small: no thread for it */
    else
        gf_pool_submit(d->pool, &s->job);
    return 0;
}

static int run(struct decrypt *d, struct gf_err *e) {
    if (d->left < GF_AGE_TAG)
        return gf_err_set(e, GF_E_CHUNK, "the payload is cut: it has no chunk");
    while (d->left > 0) {
        if (d->head - d->tail == d->nslots && take(d, e) == -1)
            return -1;
        if (give(d, e) == -1)
            return -1;
    }
    while (d->tail < d->head) {
        if (take(d, e) == -1)
            return -1;
    }
    return 0;
}

/* The age header, from the payload's first bytes; *size is its length. */
static int open_header(int copy, const struct gf_head *h, const struct gf_seal_key *const *keys,
                       size_t nkeys, struct gf_age_stream **stream, size_t *size,
                       struct gf_err *e) {
    struct gf_age_info info = {0};
    size_t stanzas = 1 + h->header.nreaders;
    size_t max = GF_AGE_HEADER_MAX; /* so that too many stanzas are counted, not cut */
    int rc = -1;
    uint8_t *head = malloc(max);

    if (head == NULL)
        return gf_err_errno(e, "no memory to decrypt");
    if ((int64_t)max > h->header.payload_size)
        max = (size_t)h->header.payload_size;
    ssize_t n = gf_file_read_at(copy, head, max, h->payload_offset);
    if (n == -1) {
        (void)gf_err_errno(e, "cannot read the payload");
        goto out;
    }

    /* A bundle's header has one length: that of its stanzas, all of one type. Looking at it needs
     * no key, so a wrong number is refused before a key is touched. */
    if (gf_age_scan(head, (size_t)n, &info, e) == -1)
        goto out;
    if (info.x25519 != stanzas || info.others != 0) {
        (void)gf_err_set(
            e, GF_E_AGE,
            "the payload is encrypted to %zu X25519 keys and %zu others; bundle.json names "
            "%zu",
            info.x25519, info.others, stanzas);
        goto out;
    }
    if (gf_age_decrypt(head, (size_t)n, keys, nkeys, &info, stream, e) == -1)
        goto out;
    *size = info.head_size;
    rc = 0;
out:
    free(head);
    return rc;
}

int gf_bundle_decrypt(int copy, const struct gf_head *h, const struct gf_seal_key *const *keys,
                      size_t nkeys, int out_fd, struct gf_err *e) {
    struct decrypt d = {.in = copy, .out = out_fd};
    struct gf_age_stream *stream = NULL;
    size_t head_size = 0;
    int rc = -1;

    if (open_header(copy, h, keys, nkeys, &stream, &head_size, e) == -1)
        return -1;
    d.stream = stream;
    d.at = h->payload_offset + (int64_t)head_size;
    d.left = h->header.payload_size - (int64_t)head_size;
    if (gf_pool_new(0, &d.pool, e) == 0) {
        d.nslots = (size_t)gf_pool_threads(d.pool) + 1;
        rc = run(&d, e);
    }
    gf_pool_free(d.pool);
    for (size_t i = 0; i < SLOTS_MAX; i++) {
        if (d.slots[i] != NULL)
            gf_digest_wipe(d.slots[i]->data, sizeof d.slots[i]->data);
        free(d.slots[i]);
    }
    gf_age_stream_free(stream);
    return rc;
}
