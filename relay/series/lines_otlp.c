/*
 * lines_otlp.c -- data points of OpenTelemetry as lines.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/otlp_points.h"
#include "common/otlp_value.h"
#include "relay/series/lines.h"
#include "relay/series/series_buckets.h"

#define TAGS_MAX       128
#define WORD_MAX_BYTES (4 << 20) /* an attribute's value as text */

static const char *const cannot_hold =
    "with a name or attribute that lines cannot hold: empty, a line break, or a backslash before a "
    "separator";

struct walk {
    const struct metrics_labels *added;
    struct pieces *out;
    struct series_buckets buckets;
    struct gf_buf word;
    struct otlp_span key[TAGS_MAX]; /* of the tags of the line at hand */
    size_t nkeys;
};

static size_t length(struct otlp_span s) {
    return (size_t)(s.end - s.at);
}

static int is_known(const struct walk *w, struct otlp_span key) {
    for (size_t i = 0; i < w->nkeys; i++) {
        if (length(w->key[i]) == length(key) && memcmp(w->key[i].at, key.at, length(key)) == 0)
            return 1;
    }
    return 0;
}

/* A tag that is not there yet. 0, or why the point cannot be sent. */
static const char *put_tag(struct walk *w, struct otlp_span key, struct otlp_span value) {
    struct gf_buf *out = &w->out->bytes;

    if (length(value) == 0 || is_known(w, key) ||
        lines_put_is_own((const char *)key.at, length(key)))
        return NULL;
    if (w->nkeys == TAGS_MAX)
        return "with more than 128 attributes";
    w->key[w->nkeys++] = key;
    gf_buf_byte(out, ',');
    if (lines_put_name((const char *)key.at, length(key), 0, out) == -1)
        return cannot_hold;
    gf_buf_byte(out, '=');
    return lines_put_name((const char *)value.at, length(value), 0, out) == -1 ? cannot_hold : NULL;
}

static struct otlp_span span_of(const char *text) {
    const uint8_t *at = (const uint8_t *)text;
    return (struct otlp_span){at, at + strlen(text)};
}

static const char *put_attributes(struct walk *w, enum otlp_type type, struct otlp_span message) {
    struct otlp_attributes it;
    struct otlp_attribute a;
    const char *why = NULL;

    otlp_points_attributes(&it, type, message);
    while (why == NULL && otlp_points_attribute(&it, &a)) {
        struct otlp_span value = a.bytes;
        if (a.kind != OTLP_STRING) {
            gf_buf_clear(&w->word);
            otlp_points_text(&a, &w->word);
            value = span_of(w->word.data != NULL ? w->word.data : "");
        }
        why = put_tag(w, a.key, value);
    }
    return why;
}

static const char *put_series(struct walk *w, const struct otlp_point *p) {
    const char *why = NULL;

    w->nkeys = 0;
    if (lines_put_name((const char *)p->name.at, length(p->name), 1, &w->out->bytes) == -1)
        return cannot_hold;
    if (p->temporality == OTLP_DELTA)
        why = put_tag(w, span_of("otel.temporality"), span_of("delta"));
    if (why == NULL)
        why = put_attributes(w, p->type, p->span);
    if (why == NULL)
        why = put_tag(w, span_of("otel.scope.name"), p->scope_name);
    if (why == NULL)
        why = put_tag(w, span_of("otel.scope.version"), p->scope_version);
    if (why == NULL)
        why = put_attributes(w, OTLP_SCOPE, p->scope);
    if (why == NULL)
        why = put_attributes(w, OTLP_RESOURCE, p->resource);
    lines_put_added(w->added, &w->out->bytes);
    return why;
}

/* ---- fields ---- */

static void put_double(const char *before, const char *name, double d, struct gf_buf *out) {
    char digits[OTLP_VALUE_DOUBLE];

    otlp_value_double(d, digits);
    gf_buf_printf(out, "%s%s=%s", before, name, digits);
}

/* Counts that no integer of theirs holds are floats. */
static void put_count(const char *before, const char *name, uint64_t n, struct gf_buf *out) {
    if (n > INT64_MAX)
        put_double(before, name, (double)n, out);
    else
        gf_buf_printf(out, "%s%s=%" PRIu64 "i", before, name, n);
}

static void put_histogram(const struct series_buckets *b, struct gf_buf *out) {
    char bound[SERIES_BUCKETS_BOUND];
    uint64_t count = 0;

    put_count(" ", "count", b->count, out);
    if (b->has_sum)
        put_double(",", "sum", b->sum, out);
    for (size_t i = 0; i < b->n; i++) {
        count += b->bucket[i].count;
        series_buckets_bound(b->bucket[i].bound, bound);
        put_count(",", bound, count, out);
    }
    if (b->n > 0)
        put_count(",", "+Inf", b->count, out);
}

static void put_summary(const struct series_buckets *b, struct gf_buf *out) {
    char quantile[SERIES_BUCKETS_BOUND];

    put_count(" ", "count", b->count, out);
    put_double(",", "sum", b->sum, out);
    for (size_t i = 0; i < b->n; i++) {
        series_buckets_bound(b->bucket[i].bound, quantile);
        put_double(",", quantile, b->bucket[i].value, out);
    }
}

static int is_finite(const struct series_buckets *b, int summary) {
    if (b->has_sum && !isfinite(b->sum))
        return 0;
    for (size_t i = 0; summary && i < b->n; i++) {
        if (!isfinite(b->bucket[i].value))
            return 0;
    }
    return 1;
}

static void put_fields(struct walk *w, const struct otlp_point *p) {
    struct gf_buf *out = &w->out->bytes;
    const char *name = p->kind == OTLP_METRIC_SUM && p->monotonic ? "counter" : "gauge";

    if (p->type == OTLP_NUMBER_POINT) {
        if (p->value == OTLP_DOUBLE)
            put_double(" ", name, p->as_double, out);
        else
            gf_buf_printf(out, " %s=%" PRId64 "i", name, p->as_int);
    } else if (p->type == OTLP_SUMMARY_POINT) {
        put_summary(&w->buckets, out);
    } else {
        put_histogram(&w->buckets, out);
    }
}

/* Why a point has no form here; NULL: it has. */
static const char *unfit(struct walk *w, const struct otlp_point *p) {
    static const char no_number[] = "without a number, which lines cannot carry";
    int summary = p->type == OTLP_SUMMARY_POINT;

    if (p->time == 0)
        return "without a time";
    if (p->time > INT64_MAX)
        return "with a time beyond what lines can hold";
    if (p->no_value)
        return no_number;
    if (p->type == OTLP_NUMBER_POINT) {
        if (p->value == OTLP_NONE)
            return "without a value";
        return p->value == OTLP_DOUBLE && !isfinite(p->as_double) ? no_number : NULL;
    }
    const char *why = series_buckets_read(&w->buckets, p);
    return why == NULL && !is_finite(&w->buckets, summary) ? no_number : why;
}

static void add_point(struct walk *w, const struct otlp_point *p) {
    const char *why = unfit(w, p);

    if (why == NULL)
        why = put_series(w, p);
    if (why == NULL)
        put_fields(w, p);
    gf_buf_printf(&w->out->bytes, " %" PRIu64 "\n", p->time);
    pieces_add(w->out, p->time, why);
}

int lines_otlp(const void *data, size_t len, const struct metrics_labels *added, struct pieces *out,
               struct gf_err *e) {
    struct walk *w = calloc(1, sizeof *w);
    struct otlp_points it;
    struct otlp_point p;

    if (w == NULL)
        return gf_err_set(e, GF_E_SYSTEM, "no memory for data points");
    w->added = added;
    w->out = out;
    gf_buf_init(&w->word, WORD_MAX_BYTES);
    int rc = otlp_points_open(&it, data, len, e);
    while (rc == 0 && !out->failed && !out->bytes.failed && otlp_points_next(&it, &p))
        add_point(w, &p);
    if (rc == 0)
        rc = pieces_check(out, e);
    gf_buf_free(&w->word);
    free(w);
    return rc;
}
