/* frames.c -- zstd frames from a descriptor, expanded in parallel, lent in order. */
#include "reader/frames.h"

#include <stdlib.h>
#include <string.h>

#include "base/pool.h"
#include "format/frame.h"
#include "gapferry/file.h"

/* Bytes read in one go: what a pipe holds. What stands behind a frame's end is moved to the next
 * slot, so this also bounds the bytes that are moved. */
#define READ_SIZE (64 * 1024)
#define SLOTS_MAX 8

/* One frame: as it came, and expanded. */
struct slot {
    struct gf_job job;
    struct gf_frame *zstd;
    uint8_t *in;  /* GF_FRAME_BOUND + READ_SIZE bytes */
    size_t have;  /* bytes in it: the frame, and perhaps the beginning of the next */
    size_t size;  /* of the frame */
    uint8_t *out; /* GF_FRAME_MAX bytes */
    size_t content;
    int failed;
    struct gf_err err;
};

struct gf_frames {
    int fd;
    int64_t left; /* content bytes still allowed */
    int eof;
    size_t count; /* frames so far */
    struct gf_pool *pool;
    size_t nslots;
    struct slot *slots[SLOTS_MAX];
    size_t head; /* being filled */
    size_t tail; /* oldest submitted */
    int lent;    /* the slot before tail is with the caller */
};

static void expand(struct gf_job *job) {
    struct slot *s = (struct slot *)job;
    if (gf_frame_expand(s->zstd, s->in, s->size, s->out, s->content, &s->err) == -1)
        s->failed = 1;
}

int gf_frames_new(int fd, int64_t max, int threads, struct gf_frames **out, struct gf_err *e) {
    struct gf_frames *f = calloc(1, sizeof *f);
    if (f == NULL)
        return gf_err_errno(e, "no memory to expand frames");
    f->fd = fd;
    f->left = max;
    if (gf_pool_new(threads, &f->pool, e) == -1) {
        free(f);
        return -1;
    }
    f->nslots = (size_t)gf_pool_threads(f->pool) + 4;
    *out = f;
    return 0;
}

static void free_slot(struct slot *s) {
    if (s == NULL)
        return;
    gf_frame_free(s->zstd);
    free(s->in);
    free(s->out);
    free(s);
}

static struct slot *new_slot(struct gf_err *e) {
    struct slot *s = calloc(1, sizeof *s);
    if (s != NULL) {
        s->job.run = expand;
        s->in = malloc(GF_FRAME_BOUND + READ_SIZE);
        s->out = malloc(GF_FRAME_MAX);
    }
    if (s == NULL || s->in == NULL || s->out == NULL)
        (void)gf_err_errno(e, "no memory to expand frames");
    else if (gf_frame_new(&s->zstd, e) == 0)
        return s;
    free_slot(s);
    return NULL;
}

/* Hand the frame in slot s to the pool; what follows it begins the next slot. */
static int submit(struct gf_frames *f, struct slot *s, struct gf_err *e) {
    struct slot **next = &f->slots[(f->head + 1) % f->nslots];

    if (++f->count > GF_FRAMES_MAX)
        return gf_err_set(e, GF_E_LIMIT, "the payload has more than %d frames", GF_FRAMES_MAX);
    if ((int64_t)s->content > f->left)
        return gf_err_set(e, GF_E_LIMIT, "the payload expands to more than is allowed here");
    f->left -= (int64_t)s->content;
    if (*next == NULL && (*next = new_slot(e)) == NULL)
        return -1;
    (*next)->have = s->have - s->size;
    memcpy((*next)->in, s->in + s->size, (*next)->have);
    f->head++;

    /* A payload of one frame needs no thread. */
    if (f->eof && (*next)->have == 0 && f->head == f->tail + 1)
        s->job.run(&s->job);
    else
        gf_pool_submit(f->pool, &s->job);
    return 0;
}

/* Fill the head slot until it holds a frame. 1: submitted; 0: the input is at its end. */
static int fill(struct gf_frames *f, struct gf_err *e) {
    struct slot **slot = &f->slots[f->head % f->nslots];

    if (*slot == NULL && (*slot = new_slot(e)) == NULL)
        return -1;
    struct slot *s = *slot;
    for (;;) {
        int whole = 0;
        if (s->have > 0 && (whole = gf_frame_look(s->in, s->have, &s->size, &s->content, e)) == -1)
            return -1;
        if (whole == 1)
            return submit(f, s, e) == -1 ? -1 : 1;
        if (f->eof)
            break;
        ssize_t n = gf_file_read(f->fd, s->in + s->have, READ_SIZE);
        if (n == -1)
            return gf_err_errno(e, "cannot read the plaintext");
        f->eof = n < READ_SIZE;
        s->have += (size_t)n;
    }
    if (s->have > 0)
        return gf_err_set(e, GF_E_FRAME, "the payload ends within a zstd frame");
    return 0;
}

int gf_frames_next(struct gf_frames *f, const void **data, size_t *len, struct gf_err *e) {
    /* Keep every slot busy but the one that fills next and the one that is lent. */
    while (f->head - f->tail < f->nslots - 2) {
        int rc = fill(f, e);
        if (rc == -1)
            return -1;
        if (rc == 0)
            break;
    }
    if (f->head == f->tail) {
        *data = NULL;
        *len = 0;
        return 0;
    }
    struct slot *s = f->slots[f->tail++ % f->nslots];
    gf_pool_wait(f->pool, &s->job);
    if (s->failed) {
        if (e != NULL)
            *e = s->err;
        return -1;
    }
    *data = s->out;
    *len = s->content;
    return 0;
}

void gf_frames_free(struct gf_frames *f) {
    if (f == NULL)
        return;
    gf_pool_free(f->pool);
    for (size_t i = 0; i < SLOTS_MAX; i++)
        free_slot(f->slots[i]);
    free(f);
}
