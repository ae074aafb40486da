/* copy.c -- reading, step 1, second half: the payload's digest, while the bundle is copied to where
 * only we can write. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/pool.h"
#include "format/shell.h"
#include "gapferry/bundle.h"
#include "gapferry/digest.h"
#include "gapferry/file.h"

#define BLOCK_SIZE (512 * 1024)
#define SLOTS      3

/* A piece of the bundle: read and digested by the owner, written by a job meanwhile. */
struct slot {
    struct gf_job job;
    int fd;
    int64_t offset;
    size_t len;
    int write_errno;
    char data[BLOCK_SIZE];
};

struct copy {
    int from;
    int to; /* -1: check only */
    struct gf_pool *pool;
    struct slot *slots[SLOTS];
    size_t n;
};

static void write_slot(struct gf_job *job) {
    struct slot *s = (struct slot *)job;
    if (gf_file_write_at(s->fd, s->data, s->len, s->offset) == -1)
        s->write_errno = errno;
}

/* A slot whose last content has been written. */
static int next_slot(struct copy *c, struct slot **out, struct gf_err *e) {
    struct slot **s = &c->slots[c->n++ % SLOTS];

    if (*s == NULL) {
        *s = calloc(1, sizeof **s);
        if (*s == NULL)
            return gf_err_errno(e, "no memory to copy a bundle");
        (*s)->job.run = write_slot;
        (*s)->fd = c->to;
    }
    gf_pool_wait(c->pool, &(*s)->job);
    if ((*s)->write_errno != 0) {
        errno = (*s)->write_errno;
        return gf_err_errno(e, "cannot copy the bundle");
    }
    *out = *s;
    return 0;
}

/* Read what lies at an offset, all of it. */
static int read_slot(const struct copy *c, struct slot *s, int64_t offset, size_t len,
                     struct gf_err *e) {
    ssize_t n = gf_file_read_at(c->from, s->data, len, offset);
    if (n == -1)
        return gf_err_errno(e, "cannot read the bundle");
    if ((size_t)n < len)
        return gf_err_set(e, GF_E_SHELL,
                          "became shorter while it was read; is the drive still there?");
    s->offset = offset;
    s->len = len;
    return 0;
}

/* The payload, piece by piece, into the digest and the copy. */
static int copy_payload(struct copy *c, const struct gf_head *h, gf_progress *progress, void *arg,
                        struct gf_err *e) {
    struct gf_digest digest;
    struct gf_hash64 found;
    int64_t size = h->header.payload_size;

    gf_digest_begin(&digest);
    for (int64_t done = 0; done < size;) {
        struct slot *s = NULL;
        size_t want = size - done < BLOCK_SIZE ? (size_t)(size - done) : BLOCK_SIZE;
        if (next_slot(c, &s, e) == -1 || read_slot(c, s, h->payload_offset + done, want, e) == -1)
            return -1;
        done += (int64_t)want;
        if (c->to != -1) {
            if (size > BLOCK_SIZE)
                gf_pool_submit(c->pool, &s->job);
            else
                s->job.run(&s->job);
        }
        gf_digest_add(&digest, s->data, s->len);
        if (progress != NULL)
            progress(arg, done);
    }
    gf_digest_end(&digest, &found);
    if (!gf_digest_equal(found.b, h->header.payload_digest.b, sizeof found.b))
        return gf_err_set(e, GF_E_DIGEST,
                          "the payload is not the one that was signed: damaged in "
                          "transfer, or forged; copy it again");
    return 0;
}

/* Padding and end blocks: zeros. */
static int copy_end(struct copy *c, const struct gf_head *h, struct gf_err *e) {
    struct slot *s = NULL;
    int64_t at = h->payload_offset + h->header.payload_size;

    if (next_slot(c, &s, e) == -1 || read_slot(c, s, at, (size_t)(h->bundle_size - at), e) == -1)
        return -1;
    if (!gf_shell_is_zero((const uint8_t *)s->data, s->len))
        return gf_err_set(e, GF_E_SHELL, "what follows the payload is not zeros");
    if (c->to != -1)
        write_slot(&s->job);
    return 0;
}

int gf_bundle_copy(int fd, const struct gf_head *h, int copy, gf_progress *progress, void *arg,
                   struct gf_err *e) {
    struct copy c = {.from = fd, .to = copy};
    int rc = -1;

    if (gf_pool_new(2, &c.pool, e) == -1)
        return -1;
    /* The head goes out as it was verified, not as it may read by now. */
    if (copy != -1 && gf_file_write_at(copy, h->bytes, (size_t)h->payload_offset, 0) == -1) {
        (void)gf_err_errno(e, "cannot copy the bundle");
        goto out;
    }
    if (copy_payload(&c, h, progress, arg, e) == -1 || copy_end(&c, h, e) == -1)
        goto out;
    for (size_t i = 0; i < SLOTS; i++) {
        struct slot *s = NULL;
        if (next_slot(&c, &s, e) == -1)
            goto out;
    }
    rc = 0;
out:
    gf_pool_free(c.pool);
    for (size_t i = 0; i < SLOTS; i++)
        free(c.slots[i]);
    return rc;
}
