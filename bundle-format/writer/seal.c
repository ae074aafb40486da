/* seal.c -- the writer's pipeline: frames, chunks, digest. */
#include "writer/seal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "format/frame.h"
#include "gapferry/file.h"

/* Chunks that are encrypted and written in one go: half a MiB, within a core's cache. */
#define CHUNKS       8
#define CHUNK_SEALED (GF_AGE_CHUNK + GF_AGE_TAG)

/* Buffers of each kind at most: one being filled, one being taken, one for each of 4 threads. */
#define SLOTS_MAX 6

/* One frame: content in, compressed out. */
struct frame_slot {
    struct gf_job job; /* first: the job is the slot */
    struct gf_frame *zstd;
    int level;
    uint8_t *in; /* GF_FRAME_MAX bytes */
    size_t in_len;
    uint8_t *out; /* GF_FRAME_BOUND bytes */
    size_t out_len;
    int failed;
    struct gf_err err;
};

/* One block of chunks: plaintext of chunk i at i * CHUNK_SEALED, encrypted in place. */
struct block_slot {
    struct gf_job job;
    const struct gf_age_stream *stream;
    int fd;
    int64_t offset;   /* in the file */
    uint64_t counter; /* of its first chunk */
    int last;         /* the payload's last chunk is in here */
    size_t chunks;    /* complete or begun */
    size_t fill;      /* plaintext bytes in the last of them */
    size_t sealed;    /* bytes, once encrypted */
    int write_errno;
    uint8_t data[CHUNKS * CHUNK_SEALED];
};

struct gf_seal {
    struct gf_pool *pool;
    size_t nslots;
    struct frame_slot *frames[SLOTS_MAX]; /* a ring: made when first needed */
    size_t frame_head;                    /* being filled */
    size_t frame_tail;                    /* oldest submitted */
    struct block_slot *blocks[SLOTS_MAX];
    size_t block_head;
    size_t block_tail;
    struct gf_seal_options o;
    int64_t written;  /* payload bytes handed to blocks so far */
    uint64_t counter; /* next block's first chunk */
    struct gf_digest digest;
};

/* ---- jobs: run by any thread ---- */

static void compress_frame(struct gf_job *job) {
    struct frame_slot *f = (struct frame_slot *)job;
    if (gf_frame_compress(f->zstd, f->level, f->in, f->in_len, f->out, &f->out_len, &f->err) == -1)
        f->failed = 1;
}

static void seal_block(struct gf_job *job) {
    struct block_slot *b = (struct block_slot *)job;

    b->sealed = 0;
    for (size_t i = 0; i < b->chunks; i++) {
        int last = b->last && i == b->chunks - 1;
        size_t len = i == b->chunks - 1 ? b->fill : GF_AGE_CHUNK;
        gf_age_chunk_seal(b->stream, b->counter + i, last, b->data + i * CHUNK_SEALED, len);
        b->sealed += len + GF_AGE_TAG;
    }
    if (gf_file_write_at(b->fd, b->data, b->sealed, b->offset) == -1)
        b->write_errno = errno;
}

/* ---- the owner's side ---- */

int gf_seal_new(const struct gf_seal_options *o, struct gf_seal **out, struct gf_err *e) {
    struct gf_seal *s = calloc(1, sizeof *s);
    if (s == NULL)
        return gf_err_errno(e, "no memory for a bundle");
    s->o = *o;
    if (gf_pool_new(o->threads, &s->pool, e) == -1)
        goto fail;
    s->nslots = (size_t)gf_pool_threads(s->pool) + 2;

    /* The age header is part of the payload: written and digested first. */
    gf_digest_begin(&s->digest);
    gf_digest_add(&s->digest, o->head->data, o->head->len);
    if (gf_file_write_at(o->fd, o->head->data, o->head->len, o->offset) == -1) {
        (void)gf_err_errno(e, "cannot write the bundle");
        goto fail;
    }
    s->written = (int64_t)o->head->len;
    *out = s;
    return 0;

fail:
    gf_seal_free(s);
    return -1;
}

/* Wait for the oldest block and take it into the digest. */
static int digest_block(struct gf_seal *s, struct gf_err *e) {
    struct block_slot *b = s->blocks[s->block_tail % s->nslots];

    gf_pool_wait(s->pool, &b->job);
    s->block_tail++;
    if (b->write_errno != 0) {
        errno = b->write_errno;
        return gf_err_errno(e, "cannot write the bundle");
    }
    gf_digest_add(&s->digest, b->data, b->sealed);
    return 0;
}

/* The block being filled, ready to take at least one byte. */
static int current_block(struct gf_seal *s, struct block_slot **out, struct gf_err *e) {
    struct block_slot **slot = &s->blocks[s->block_head % s->nslots];

    if (s->block_head - s->block_tail == s->nslots && digest_block(s, e) == -1)
        return -1;
    if (*slot == NULL) {
        *slot = calloc(1, sizeof **slot);
        if (*slot == NULL)
            return gf_err_errno(e, "no memory for a bundle");
        (*slot)->job.run = seal_block;
        (*slot)->stream = s->o.stream;
        (*slot)->fd = s->o.fd;
    }
    *out = *slot;
    return 0;
}

/* Hand the current block to the pool and begin the next. */
static void submit_block(struct gf_seal *s, struct block_slot *b, int last) {
    b->last = last;
    b->counter = s->counter;
    b->offset = s->o.offset + s->written;
    s->counter += b->chunks;
    s->written += (int64_t)((b->chunks - 1) * CHUNK_SEALED + b->fill + GF_AGE_TAG);
    /* A payload of one block needs no thread. */
    if (last && s->block_head == s->block_tail)
        b->job.run(&b->job);
    else
        gf_pool_submit(s->pool, &b->job);
    s->block_head++;
}

/* Append compressed bytes to the chunks. A full block is submitted only when more bytes come, since
 * the last chunk of all has to be marked. */
static int put(struct gf_seal *s, const uint8_t *data, size_t len, struct gf_err *e) {
    while (len > 0) {
        struct block_slot *b = NULL;
        if (current_block(s, &b, e) == -1)
            return -1;
        if (b->chunks == CHUNKS && b->fill == GF_AGE_CHUNK) {
            submit_block(s, b, 0);
            if (current_block(s, &b, e) == -1)
                return -1;
            b->chunks = 0;
        }
        if (b->chunks == 0 || b->fill == GF_AGE_CHUNK) {
            b->chunks++;
            b->fill = 0;
        }
        size_t n = GF_AGE_CHUNK - b->fill < len ? GF_AGE_CHUNK - b->fill : len;
        memcpy(b->data + (b->chunks - 1) * CHUNK_SEALED + b->fill, data, n);
        b->fill += n;
        data += n;
        len -= n;
    }
    return 0;
}

/* Wait for the oldest frame and append it. */
static int take_frame(struct gf_seal *s, struct gf_err *e) {
    struct frame_slot *f = s->frames[s->frame_tail % s->nslots];

    gf_pool_wait(s->pool, &f->job);
    s->frame_tail++;
    if (f->failed) {
        if (e != NULL)
            *e = f->err;
        return -1;
    }
    int rc = put(s, f->out, f->out_len, e);
    f->in_len = 0;
    return rc;
}

static struct frame_slot *new_frame(int level, struct gf_err *e) {
    struct frame_slot *f = calloc(1, sizeof *f);
    if (f != NULL) {
        f->job.run = compress_frame;
        f->level = level;
        f->in = malloc(GF_FRAME_MAX);
        f->out = malloc(GF_FRAME_BOUND);
    }
    if (f == NULL || f->in == NULL || f->out == NULL) {
        (void)gf_err_errno(e, "no memory for a bundle");
    } else if (gf_frame_new(&f->zstd, e) == 0) {
        return f;
    }
    if (f != NULL) {
        free(f->in);
        free(f->out);
        free(f);
    }
    return NULL;
}

int gf_seal_add(struct gf_seal *s, const void *data, size_t len, struct gf_err *e) {
    const uint8_t *from = data;

    while (len > 0) {
        if (s->frame_head - s->frame_tail == s->nslots && take_frame(s, e) == -1)
            return -1;
        struct frame_slot **slot = &s->frames[s->frame_head % s->nslots];
        if (*slot == NULL && (*slot = new_frame(s->o.level, e)) == NULL)
            return -1;
        struct frame_slot *f = *slot;
        size_t n = GF_FRAME_MAX - f->in_len < len ? GF_FRAME_MAX - f->in_len : len;
        memcpy(f->in + f->in_len, from, n);
        f->in_len += n;
        from += n;
        len -= n;
        if (f->in_len == GF_FRAME_MAX) {
            s->frame_head++;
            gf_pool_submit(s->pool, &f->job);
        }
    }
    return 0;
}

int gf_seal_finish(struct gf_seal *s, int64_t *size, struct gf_hash64 *digest, struct gf_err *e) {
    /* The last frame, which may be short. Alone, it needs no thread. */
    struct frame_slot *f = s->frames[s->frame_head % s->nslots];
    if (s->frame_head - s->frame_tail < s->nslots && f != NULL && f->in_len > 0) {
        s->frame_head++;
        if (s->frame_tail + 1 == s->frame_head)
            f->job.run(&f->job);
        else
            gf_pool_submit(s->pool, &f->job);
    }
    while (s->frame_tail < s->frame_head) {
        if (take_frame(s, e) == -1)
            return -1;
    }

    /* The last block, whose last chunk is marked. */
    struct block_slot *b = NULL;
    if (current_block(s, &b, e) == -1)
        return -1;
    if (b->chunks == 0)
        return gf_err_set(e, GF_E_BUG, "a bundle without an archive");
    submit_block(s, b, 1);
    while (s->block_tail < s->block_head) {
        if (digest_block(s, e) == -1)
            return -1;
    }
    gf_digest_end(&s->digest, digest);
    *size = s->written;
    return 0;
}

void gf_seal_free(struct gf_seal *s) {
    if (s == NULL)
        return;
    gf_pool_free(s->pool);
    for (size_t i = 0; i < SLOTS_MAX; i++) {
        if (s->frames[i] != NULL) {
            gf_frame_free(s->frames[i]->zstd);
            free(s->frames[i]->in);
            free(s->frames[i]->out);
            free(s->frames[i]);
        }
        if (s->blocks[i] != NULL) {
            gf_digest_wipe(s->blocks[i]->data, sizeof s->blocks[i]->data);
            free(s->blocks[i]);
        }
    }
    free(s);
}
