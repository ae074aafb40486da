/*
 * otlp_split.h -- a request in protobuf as several smaller ones, cut between data points: for
 * receivers that take so many bytes or points at once, and for finding a point that one refuses.
 *
 * Each piece is a whole request: what its points have in common (resource, scope, metric) stands in
 * each of them, unknown fields too, so that the pieces together say what the request said.
 * Resources, scopes and metrics without a point are left out.
 */
#ifndef COMMON_OTLP_SPLIT_H
#define COMMON_OTLP_SPLIT_H

#include "common/otlp_points.h"

struct otlp_split;

/* Begin; checks the request as otlp_check() does, and borrows it until the end. A piece has at most
 * max_bytes and max_points, each at least 1; up to 16 bytes of max_bytes may stay unused. Free with
 * otlp_split_free(), which accepts NULL. */
GF_MUST_CHECK int otlp_split_new(const void *data, size_t len, size_t max_bytes,
                                 uint64_t max_points, struct otlp_split **out, struct gf_err *e);
void otlp_split_free(struct otlp_split *s);

/* Append the next piece to out and set the number of its points: 1; 0 when nothing is left; -1: for
 * want of memory or room in out, which then is as it was: no more than free is possible. */
GF_MUST_CHECK int otlp_split_next(struct otlp_split *s, struct gf_buf *out, uint64_t *points,
                                  struct gf_err *e);

/* How many points were left out so far because one alone, with what it needs around it, is larger
 * than max_bytes; *name is the metric's of the first of them. */
uint64_t otlp_split_too_large(const struct otlp_split *s, struct otlp_span *name);

#endif
