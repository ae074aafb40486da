/*
 * series_buckets.h -- what a point of a histogram or summary holds, as buckets with upper bounds.
 */
#ifndef RELAY_SERIES_BUCKETS_H
#define RELAY_SERIES_BUCKETS_H

#include "common/otlp_points.h"
#include "relay/series/series.h"

struct series_buckets {
    struct {
        double bound;   /* upper, included; of a summary the quantile */
        uint64_t count; /* in this bucket alone */
        double value;   /* of a summary */
    } bucket[SERIES_BUCKETS_MAX];
    size_t n;       /* those with a finite bound, ascending */
    uint64_t count; /* of all */
    int has_sum;
    double sum;
    int has_nan; /* 1: a sum or value is no number */
};

/* Read a point of any kind but a number's; NULL, or why it cannot be: static. A point without a
 * value has the buckets that it names, mostly none. */
const char *series_buckets_read(struct series_buckets *b, const struct otlp_point *p);

#define SERIES_BUCKETS_BOUND 32 /* bytes of a bound as text, with its NUL */
void series_buckets_bound(double bound, char out[SERIES_BUCKETS_BOUND]);

#endif
