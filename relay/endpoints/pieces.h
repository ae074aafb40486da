/*
 * pieces.h -- the points of a record, each as the bytes that a request has for it.
 *
 *   append to p->bytes what the point needs; pieces_add(p, time, NULL); and so on
 *   if (pieces_check(p, e) == -1) ...
 *   batches_new(limits, p->point, p->n, ...)
 */
#ifndef RELAY_PIECES_H
#define RELAY_PIECES_H

#include "gapferry/buf.h"
#include "relay/endpoints/batches.h"

/* Bytes of all of them: what stands once in a request may be repeated in each. */
#define PIECES_MAX (64 << 20)

struct pieces {
    struct gf_buf bytes;
    struct batches_point *point; /* n of them, for batches_new() */
    size_t *at;                  /* where in bytes each begins */
    size_t n, room;
    size_t begin; /* of the next one's bytes */
    int failed;   /* 1: no memory */
};

void pieces_init(struct pieces *p);
void pieces_free(struct pieces *p);

/* One more point: the bytes that were appended since the one before. Unfit: see batches.h; then
 * they are taken back. */
void pieces_add(struct pieces *p, uint64_t time, const char *unfit);

/* One more, which the sink has no form for, and the same is done with its bytes. */
void pieces_leave(struct pieces *p, uint64_t time, const char *form);

/* GF_E_LIMIT beyond PIECES_MAX, GF_E_SYSTEM. */
GF_MUST_CHECK int pieces_check(const struct pieces *p, struct gf_err *e);

/* Append those of a batch to out, the oldest first; failures are out's. */
void pieces_put(const struct pieces *p, const struct batches_range *r, struct gf_buf *out);

#endif
