/*
 * series_remote.c -- a sample as a time series of remote write 1.0 (prometheus/prompb/remote.proto,
 * types.proto): WriteRequest { 1 TimeSeries { 1 Label { 1 name, 2 value }, 2 Sample { 1 value, 2 ms
 * } } }, labels ascending by name.
 */
#include <string.h>

#include "common/otlp_put.h"
#include "relay/series/series.h"

#define SERIES    1 /* of the request */
#define LABEL     1 /* of a series */
#define SAMPLE    2
#define NAME      1 /* of a label */
#define VALUE     2
#define NUMBER    1 /* of a sample */
#define TIMESTAMP 2

/* The NaN that says "nothing was recorded" (prometheus/model/value, StaleNaN). */
#define STALE 0x7ff0000000000002ULL

static const char metric[] = "__name__";

static void put_label(const struct series_label *l, struct gf_buf *out) {
    size_t mark = otlp_put_open(out, LABEL);

    otlp_put_bytes(out, NAME, l->name, l->name_len);
    otlp_put_bytes(out, VALUE, l->value, l->value_len);
    otlp_put_close(out, mark);
}

static void put_metric(const struct series_sample *s, struct gf_buf *out) {
    size_t mark = otlp_put_open(out, LABEL);

    otlp_put_bytes(out, NAME, metric, sizeof metric - 1);
    size_t value = otlp_put_open(out, VALUE);
    gf_buf_text(out, s->name);
    gf_buf_text(out, s->suffix);
    otlp_put_close(out, value);
    otlp_put_close(out, mark);
}

/* All labels, among them the name and the extra one, each in its place. */
static void put_labels(const struct series_sample *s, struct gf_buf *out) {
    struct series_label extra = {.name = s->extra, .value = s->extra_value};
    int left = s->extra != NULL, named = 0;

    if (left) {
        extra.name_len = strlen(extra.name);
        extra.value_len = strlen(extra.value);
    }
    for (size_t i = 0; i <= s->nlabels; i++) {
        const struct series_label *l = i < s->nlabels ? &s->label[i] : NULL;
        if (!named && (l == NULL || series_is_behind(l, metric))) {
            put_metric(s, out); /* no extra label stands before it */
            named = 1;
        }
        if (left && (l == NULL || series_is_behind(l, s->extra))) {
            put_label(&extra, out);
            left = 0;
        }
        if (l != NULL)
            put_label(l, out);
    }
}

static uint64_t bits_of(const struct series_sample *s) {
    uint64_t bits;
    double d = s->d;

    if (s->kind == SERIES_STALE)
        return STALE;
    if (s->kind == SERIES_INT)
        d = (double)s->i;
    else if (s->kind == SERIES_UINT)
        d = (double)s->u;
    memcpy(&bits, &d, sizeof bits);
    return bits;
}

static void put(const struct series_sample *s, struct gf_buf *out) {
    size_t series = otlp_put_open(out, SERIES);

    put_labels(s, out);
    size_t sample = otlp_put_open(out, SAMPLE);
    otlp_put_eight(out, NUMBER, bits_of(s));
    otlp_put_uint(out, TIMESTAMP, (uint64_t)s->ms);
    otlp_put_close(out, sample);
    otlp_put_close(out, series);
}

const struct series_form series_remote = {.put = put, .only_numbers = 0};
