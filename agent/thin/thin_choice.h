/*
 * thin_choice.h -- which points of metrics stay when they are thinned: of each series the last one
 * of each window of time.
 *
 * Windows are whole multiples of `every` since 1970; of two points of one time the later one in the
 * text is the last. A point without a time stays. What stays is a subset: nothing is computed.
 */
#ifndef AGENT_THIN_CHOICE_H
#define AGENT_THIN_CHOICE_H

#include "common/otlp.h"
#include "gapferry/text.h"

struct thin_choice {
    uint8_t *bits;          /* item i stays if bits[i / 8] >> i % 8 & 1 */
    uint64_t n;             /* items */
    uint64_t points;        /* in all items */
    uint64_t left;          /* points in items that go, */
    uint64_t first, last;   /* and their times: nanoseconds since 1970; 0 where none goes */
    struct thin_slot *slot; /* the last one of each series and window, by its digest */
    size_t room, used;
};

/* every: nanoseconds, at least 1. Release with thin_choice_free() in any case. Errors: GF_E_RECORD,
 * GF_E_LIMIT where the text is not what it should be; GF_E_SYSTEM. */

/* OpenTelemetry metrics in protobuf: items are points, in the order of otlp_points_next(), and
 * those of gauges, summaries and cumulative sums and histograms may go. A counter that began anew
 * is another series: its last point before that stays. So does a point that says that there is no
 * value. What counts from report to report (delta) always stays: leaving out is losing there. */
GF_MUST_CHECK int thin_choice_otlp(const void *data, size_t len, uint64_t every,
                                   struct thin_choice *out, struct gf_err *e);

/* Influx lines with times in nanoseconds: items are lines, points are values of fields. A line
 * stays if one of its fields is the last one of its series and name in the window. */
GF_MUST_CHECK int thin_choice_lines(const void *data, size_t len, uint64_t every,
                                    struct thin_choice *out, struct gf_err *e);

static inline int thin_choice_stays(const struct thin_choice *c, uint64_t i) {
    return c->bits[i / 8] >> i % 8 & 1;
}

void thin_choice_free(struct thin_choice *c);

#endif
