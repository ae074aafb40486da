/*
 * otlp_select.h -- some of the data points of a request in protobuf, and what is said of where they
 * come from.
 */
#ifndef COMMON_OTLP_SELECT_H
#define COMMON_OTLP_SELECT_H

#include "common/otlp.h"

/* An attribute that every resource gets. It takes the place of one that has this key, and points
 * lose theirs of this key: many stores make one set of labels of both. Keys that differ only in
 * what is no ASCII letter or digit count as one, since many stores have "_" for all of that. */
struct otlp_select_attribute {
    const char *key;  /* UTF-8 */
    const char *text; /* UTF-8; NULL: it is a number */
    int64_t number;
};

/* Which points, counted from 0 in the order of otlp_points_next(). */
struct otlp_select {
    uint64_t from, to; /* those before `to`, from this one on; */
    const uint8_t
        *bits; /* of these the ones whose bit (bits[i / 8] >> i % 8 & 1) is set; NULL: all */
    const struct otlp_select_attribute *attributes;
    size_t nattributes;
};

/* Append to out a request that holds these points and no others. All else stays as it is, byte for
 * byte and in its order, but for the lengths of what is around; resources, scopes and metrics
 * without a point are left out; a resource that is missing is made where it gets an attribute.
 * `data` is a request that otlp_check() has taken. -1: no room in out, which then is as it was. */
GF_MUST_CHECK int otlp_select(const void *data, size_t len, const struct otlp_select *what,
                              struct gf_buf *out, struct gf_err *e);

#endif
