/*
 * batches.h -- which data points of one record go to a sink, in which requests, and what became of
 * them.
 *
 * Pure state: no request is made here. Points that are too old or too far ahead never leave. The
 * others go in batches whose points lie at most a day apart, since a sink that refuses one age
 * often refuses all that comes with it; twice as far with each that is taken, the oldest first, so
 * that points of years cost few requests. A batch that is refused for good is halved until the
 * points that are at fault stand alone, so that each of them loses only itself.
 *
 *   while (batches_next(b, &r))         r.point[0] ... r.point[r.n - 1] are sent, and then one of
 *       batches_taken(b);               batches_taken(), _partial(), _refused() is called
 *   batches_missing(b, ...);            what the sink turns out not to have
 *   batches_progress(b, &out);          what of it is over; a later try begins with
 *   batches_resume(b, out.data, ...);   that, and sends only the rest
 *   batches_verdict(b, reason);
 */
#ifndef RELAY_BATCHES_H
#define RELAY_BATCHES_H

#include <stddef.h>
#include <stdint.h>

#include "gapferry/buf.h"
#include "gapferry/err.h"
#include "gapferry/limits.h"

struct batches_limits {
    int64_t max_age_s;    /* older points are not sent; 0: any age goes */
    int64_t max_future_s; /* nor those further ahead of the relay's clock; 0: any time goes */
    size_t points;        /* of one request; at least 1 */
    size_t bytes;         /* of one request; a larger point goes alone */
    size_t requests;      /* once a record has had so many nothing is halved any more: what is
                             refused together is given up together; after twice as many the rest
                             of the record does not go */
};

struct batches_point {
    uint64_t time;     /* nanoseconds since 1970; 0: unknown, which is neither old nor ahead */
    size_t size;       /* bytes that it adds to a request */
    const char *unfit; /* why it cannot be sent at all, borrowed; NULL: it can */
    int formless;      /* 1: it is at no fault; the sink has no form for what it is (unfit) */
};

/* Different reasons that are told; what has another one is only counted. Bytes of one, with its
 * NUL. */
#define BATCHES_REASONS 6
#define BATCHES_WORDS   256

struct batches;

/* Begin with the n points of a record, borrowed until the end; now in seconds. GF_E_SYSTEM. Free
 * with batches_free(), which accepts NULL. */
GF_MUST_CHECK int batches_new(const struct batches_limits *limits,
                              const struct batches_point *points, size_t n, int64_t now,
                              struct batches **out, struct gf_err *e);
void batches_free(struct batches *b);

/* Indices of points, ascending; valid until the batch is judged. */
struct batches_range {
    const size_t *point;
    size_t n;
};

/* The batch that is to be sent: 1, the same one until it is judged; 0: none is left. The first is
 * that of the oldest points. */
int batches_next(struct batches *b, struct batches_range *out);

/* What became of it. Words are one safe line of UTF-8, the sink's own; they are cut to
 * BATCHES_WORDS.
 *   taken    all its points are there
 *   partial  all but so many, and which is not known: none of them is sent again
 *   refused  for good; it is halved, or, if it is one point, that is refused */
void batches_taken(struct batches *b);
void batches_partial(struct batches *b, uint64_t refused, const char *words);
void batches_refused(struct batches *b, const char *words);

/* Of the points that were taken, so many are not there. */
void batches_missing(struct batches *b, uint64_t points, const char *words);

/* What is over so far, as bytes for batches_resume(), about two bits for each point; nothing if
 * nothing is. A batch at hand is not over. Failures are out's. */
void batches_progress(const struct batches *b, struct gf_buf *out);
/* Go on from there, before the first batch, with the same points. GF_E_DAMAGED: that does not fit
 * them, and nothing has changed. */
GF_MUST_CHECK int batches_resume(struct batches *b, const void *data, size_t len, struct gf_err *e);
/* 1 if this point was taken, now or before. */
int batches_has(const struct batches *b, size_t point);

/* What is left of the record does not go, for this rule of ours. Not while a batch is at hand that
 * was sent. */
void batches_end(struct batches *b, const char *rule);

/* At the end: 1 the record is delivered: at least one point is there, or it had none; the reason is
 * "" or says which were refused and why, or, where that is all, how many are formless
 * (GF_REASON_LEFT_OUT); 0: it is rejected for the reason. */
int batches_verdict(const struct batches *b, char reason[GF_REASON_MAX + 1]);

/* Points that are there, as far as is known. */
uint64_t batches_there(const struct batches *b);

#endif
