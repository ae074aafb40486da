/*
 * series_buckets.c -- what a point of a histogram or summary holds, as buckets with upper bounds.
 *
 * Numbers of fields are those of opentelemetry-proto, metrics/v1: HistogramDataPoint,
 * ExponentialHistogramDataPoint, SummaryDataPoint.
 */
#include "relay/series/series_buckets.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/otlp_value.h"
#include "common/otlp_wire.h"

/* Of points of both kinds of histogram and of summaries. */
#define COUNT 4
#define SUM   5

/* Of an exponential histogram the values within two to the power of this are told apart by two
 * bounds at least and at most. */
#define SCALE_MIN (-10)
#define SCALE_MAX 20

static const char *const too_many = "with more than 1000 buckets";
static const char *const bad_fit = "a histogram whose buckets do not fit its bounds";

/* ---- histogram ---- */

/* What is packed in fields of eight bytes; each element as its bits. */
static const char *each_eight(struct otlp_span span, uint32_t number, uint64_t *out, size_t max,
                              size_t *n) {
    struct otlp_item item;

    *n = 0;
    while (span.at < span.end && otlp_wire_next(&span.at, span.end, &item) == NULL) {
        if (item.number != number)
            continue;
        if (item.wire == OTLP_EIGHT) {
            if (*n == max)
                return too_many;
            out[(*n)++] = item.bits;
            continue;
        }
        for (const uint8_t *at = item.span.at; item.span.end - at >= 8; at += 8) {
            if (*n == max)
                return too_many;
            out[(*n)++] = otlp_wire_eight(at);
        }
    }
    return NULL;
}

static const char *read_histogram(struct series_buckets *b, const struct otlp_point *p) {
    uint64_t counts[SERIES_BUCKETS_MAX + 1] = {0}, bounds[SERIES_BUCKETS_MAX] = {0};
    size_t ncounts, nbounds;

    const char *why = each_eight(p->span, 6, counts, SERIES_BUCKETS_MAX + 1, &ncounts);
    if (why == NULL)
        why = each_eight(p->span, 7, bounds, SERIES_BUCKETS_MAX, &nbounds);
    if (why != NULL)
        return why;
    /* Without buckets there is a count alone. */
    if (ncounts != nbounds + 1)
        return ncounts + nbounds == 0 ? NULL : bad_fit;
    for (size_t i = 0; i < nbounds; i++) {
        b->bucket[i].bound = otlp_wire_double(bounds[i]);
        b->bucket[i].count = counts[i];
        if (isnan(b->bucket[i].bound) || isinf(b->bucket[i].bound) ||
            (i > 0 && b->bucket[i].bound <= b->bucket[i - 1].bound))
            return bad_fit;
    }
    b->n = nbounds;
    return NULL;
}

/* ---- exponential histogram ---- */

struct side {
    int32_t offset;
    uint64_t count[SERIES_BUCKETS_MAX];
    size_t n;
};

static const char *add_count(struct side *s, uint64_t count) {
    if (s->n == SERIES_BUCKETS_MAX)
        return too_many;
    s->count[s->n++] = count;
    return NULL;
}

/* One of the two sides: 1 offset, 2 counts, packed or not. */
static const char *read_side(struct otlp_span span, struct side *s) {
    struct otlp_item item;
    const char *why = NULL;

    while (why == NULL && span.at < span.end && otlp_wire_next(&span.at, span.end, &item) == NULL) {
        if (item.number == 1) {
            s->offset = otlp_wire_zigzag(item.bits);
        } else if (item.number == 2 && item.wire == OTLP_VARINT) {
            why = add_count(s, item.bits);
        } else if (item.number == 2) {
            uint64_t count;
            for (const uint8_t *at = item.span.at; why == NULL && at < item.span.end;) {
                if (otlp_wire_varint(&at, item.span.end, &count) != NULL)
                    break;
                why = add_count(s, count);
            }
        }
    }
    return why;
}

/* The bound below which bucket `index` begins: base to the power of it, where base is two to the
 * power of two to the power of -scale. */
static double bound_of(int64_t index, int32_t scale) {
    return exp2(ldexp((double)index, -scale));
}

static const char *add_bucket(struct series_buckets *b, double bound, uint64_t count) {
    if (isinf(bound) && bound > 0) /* that is what stands behind the last one anyway */
        return NULL;
    if (b->n == SERIES_BUCKETS_MAX)
        return too_many;
    if (b->n > 0 && bound <= b->bucket[b->n - 1].bound) { /* doubles end before the scale does */
        b->bucket[b->n - 1].count += count;
        return NULL;
    }
    b->bucket[b->n].bound = bound;
    b->bucket[b->n++].count = count;
    return NULL;
}

static const char *join_sides(struct series_buckets *b, const struct side *negative, uint64_t zeros,
                              double threshold, const struct side *positive, int32_t scale) {
    const char *why = NULL;

    for (size_t i = negative->n; why == NULL && i-- > 0;)
        why = add_bucket(b, -bound_of((int64_t)negative->offset + (int64_t)i, scale),
                         negative->count[i]);
    if (why == NULL && (zeros > 0 || positive->n > 0 || negative->n > 0))
        why = add_bucket(b, threshold > 0 && !isinf(threshold) ? threshold : 0, zeros);
    for (size_t i = 0; why == NULL && i < positive->n; i++)
        why = add_bucket(b, bound_of((int64_t)positive->offset + (int64_t)i + 1, scale),
                         positive->count[i]);
    return why;
}

static const char *read_exponential(struct series_buckets *b, const struct otlp_point *p) {
    struct side negative = {.n = 0}, positive = {.n = 0};
    double threshold = 0;
    uint64_t zeros = 0;
    int32_t scale = 0;
    struct otlp_item item;
    const char *why = NULL;

    for (struct otlp_span s = p->span;
         why == NULL && s.at < s.end && otlp_wire_next(&s.at, s.end, &item) == NULL;) {
        if (item.number == 6)
            scale = otlp_wire_zigzag(item.bits);
        else if (item.number == 7)
            zeros = item.bits;
        else if (item.number == 8)
            why = read_side(item.span, &positive);
        else if (item.number == 9)
            why = read_side(item.span, &negative);
        else if (item.number == 14)
            threshold = otlp_wire_double(item.bits);
    }
    if (why != NULL)
        return why;
    if (scale < SCALE_MIN || scale > SCALE_MAX)
        return "an exponential histogram of a scale that OpenTelemetry does not have";
    return join_sides(b, &negative, zeros, threshold, &positive, scale);
}

/* ---- summary ---- */

static const char *read_summary(struct series_buckets *b, const struct otlp_point *p) {
    struct otlp_item item, part;

    for (struct otlp_span s = p->span;
         s.at < s.end && otlp_wire_next(&s.at, s.end, &item) == NULL;) {
        if (item.number != 6)
            continue;
        if (b->n == SERIES_BUCKETS_MAX)
            return "with more than 1000 quantiles";
        double q = 0, value = 0;
        for (struct otlp_span v = item.span;
             v.at < v.end && otlp_wire_next(&v.at, v.end, &part) == NULL;) {
            if (part.number == 1)
                q = otlp_wire_double(part.bits);
            else if (part.number == 2)
                value = otlp_wire_double(part.bits);
        }
        b->has_nan |= isnan(value);
        b->bucket[b->n].bound = q;
        b->bucket[b->n++].value = value;
    }
    return NULL;
}

const char *series_buckets_read(struct series_buckets *b, const struct otlp_point *p) {
    struct otlp_item item;

    b->n = 0;
    b->count = 0;
    b->has_sum = p->type == OTLP_SUMMARY_POINT;
    b->sum = 0;
    for (struct otlp_span s = p->span;
         s.at < s.end && otlp_wire_next(&s.at, s.end, &item) == NULL;) {
        if (item.number == COUNT) {
            b->count = item.bits;
        } else if (item.number == SUM) {
            b->sum = otlp_wire_double(item.bits);
            b->has_sum = 1;
        }
    }
    b->has_nan = isnan(b->sum);
    if (p->type == OTLP_SUMMARY_POINT)
        return read_summary(b, p);
    return p->type == OTLP_HISTOGRAM_POINT ? read_histogram(b, p) : read_exponential(b, p);
}

void series_buckets_bound(double bound, char out[SERIES_BUCKETS_BOUND]) {
    char digits[OTLP_VALUE_DOUBLE];

    if (isnan(bound) || isinf(bound)) {
        (void)snprintf(out, SERIES_BUCKETS_BOUND, "%s",
                       isnan(bound) ? "NaN"
                       : bound > 0  ? "+Inf"
                                    : "-Inf");
        return;
    }
    otlp_value_double(bound, digits);
    memcpy(out, digits, sizeof digits);
}
