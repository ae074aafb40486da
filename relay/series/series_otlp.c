/*
 * series_otlp.c -- data points of OpenTelemetry as samples.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/otlp_points.h"
#include "relay/series/series_buckets.h"
#include "relay/series/series_labels.h"
#include "relay/series/series_name.h"

#define NAME_MAX_BYTES (1 << 20)
#define WORD_MAX_BYTES (4 << 20) /* an attribute's value as text */

#define NS_OF_MS 1000000

struct walk {
    const struct series_form *form;
    const struct metrics_labels *added;
    struct pieces *out;
    struct series_labels labels;
    struct series_buckets buckets;
    struct gf_buf name; /* of the metric, with its unit */
    struct gf_buf word;
    const uint8_t *scope, *metric; /* whose labels and name stand there: around[1], around[2] */
};

static size_t length(struct otlp_span s) {
    return (size_t)(s.end - s.at);
}

static int is(struct otlp_span s, const char *text) {
    return length(s) == strlen(text) && memcmp(s.at, text, length(s)) == 0;
}

/* ---- labels ---- */

/* An attribute's value as text: of a string in place, else in `word`. */
static struct otlp_span text_of(struct walk *w, const struct otlp_attribute *a) {
    if (a->kind == OTLP_STRING)
        return a->bytes;
    gf_buf_clear(&w->word);
    otlp_points_text(a, &w->word);
    const uint8_t *at = (const uint8_t *)(w->word.data != NULL ? w->word.data : "");
    return (struct otlp_span){at, at + w->word.len};
}

static void add(struct walk *w, const char *key, size_t key_len, struct otlp_span value) {
    series_labels_add(&w->labels, key, key_len, (const char *)value.at, length(value));
}

static void add_attributes(struct walk *w, enum otlp_type type, struct otlp_span message) {
    struct otlp_attributes it;
    struct otlp_attribute a;

    otlp_points_attributes(&it, type, message);
    while (otlp_points_attribute(&it, &a))
        add(w, (const char *)a.key.at, length(a.key), text_of(w, &a));
}

/* What a resource says of who it is stands in job and instance, all else under its own name. */
static void add_resource(struct walk *w, struct otlp_span resource) {
    struct otlp_span none = {resource.end, resource.end}, space = none, service = none;
    struct otlp_attributes it;
    struct otlp_attribute a;
    struct gf_buf job;

    otlp_points_attributes(&it, OTLP_RESOURCE, resource);
    while (otlp_points_attribute(&it, &a)) {
        if (is(a.key, "service.namespace") && a.kind == OTLP_STRING)
            space = a.bytes;
        else if (is(a.key, "service.name") && a.kind == OTLP_STRING)
            service = a.bytes;
        else if (is(a.key, "service.instance.id"))
            add(w, "instance", 8, text_of(w, &a));
        else
            add(w, (const char *)a.key.at, length(a.key), text_of(w, &a));
    }
    if (length(space) == 0 || length(service) == 0) {
        add(w, "job", 3, length(service) > 0 ? service : space);
        return;
    }
    gf_buf_init(&job, WORD_MAX_BYTES);
    gf_buf_add(&job, space.at, length(space));
    gf_buf_byte(&job, '/');
    gf_buf_add(&job, service.at, length(service));
    series_labels_add(&w->labels, "job", 3, job.data != NULL ? job.data : "", job.len);
    gf_buf_free(&job);
}

/* What all points of a scope have in common. */
static void load_scope(struct walk *w, const struct otlp_point *p) {
    if (w->scope == p->around[1].at)
        return;
    w->scope = p->around[1].at;
    series_labels_begin(&w->labels, w->added);
    add_resource(w, p->resource);
    add(w, "otel_scope_name", 15, p->scope_name);
    add(w, "otel_scope_version", 18, p->scope_version);
    add_attributes(w, OTLP_SCOPE, p->scope);
    series_labels_keep(&w->labels);
}

static void load_metric(struct walk *w, const struct otlp_point *p) {
    if (w->metric == p->around[2].at)
        return;
    w->metric = p->around[2].at;
    int counter = p->kind == OTLP_METRIC_SUM && p->monotonic;
    int gauge = p->kind == OTLP_METRIC_GAUGE || (p->kind == OTLP_METRIC_SUM && !p->monotonic);
    gf_buf_clear(&w->name);
    series_name_metric((const char *)p->name.at, length(p->name), &w->name);
    series_name_unit((const char *)p->unit.at, length(p->unit), gauge, counter, 0, &w->name);
}

/* ---- samples ---- */

static void put(struct walk *w, struct series_sample *s, const char *suffix) {
    s->suffix = suffix;
    w->form->put(s, &w->out->bytes);
}

static void put_count(struct walk *w, struct series_sample *s, uint64_t count) {
    s->extra = NULL;
    if (s->kind != SERIES_STALE)
        s->kind = SERIES_UINT;
    s->u = count;
    put(w, s, "_count");
}

static void put_sum(struct walk *w, struct series_sample *s, double sum) {
    s->extra = NULL;
    if (s->kind != SERIES_STALE)
        s->kind = SERIES_DOUBLE;
    s->d = sum;
    put(w, s, "_sum");
}

/* Buckets count what lies up to their bound. */
static void put_histogram(struct walk *w, struct series_sample *s) {
    const struct series_buckets *b = &w->buckets;
    uint64_t count = 0;

    for (size_t i = 0; i <= b->n; i++) {
        char bound[SERIES_BUCKETS_BOUND];
        count = i < b->n ? count + b->bucket[i].count : b->count;
        series_buckets_bound(i < b->n ? b->bucket[i].bound : (double)INFINITY, bound);
        s->extra = "le";
        s->extra_value = bound;
        s->kind = s->kind == SERIES_STALE ? SERIES_STALE : SERIES_UINT;
        s->u = count;
        put(w, s, "_bucket");
    }
    if (b->has_sum)
        put_sum(w, s, b->sum);
    put_count(w, s, b->count);
}

static void put_summary(struct walk *w, struct series_sample *s) {
    const struct series_buckets *b = &w->buckets;

    for (size_t i = 0; i < b->n; i++) {
        char quantile[SERIES_BUCKETS_BOUND];
        series_buckets_bound(b->bucket[i].bound, quantile);
        s->extra = "quantile";
        s->extra_value = quantile;
        s->kind = s->kind == SERIES_STALE ? SERIES_STALE : SERIES_DOUBLE;
        s->d = b->bucket[i].value;
        put(w, s, "");
    }
    put_sum(w, s, b->sum);
    put_count(w, s, b->count);
}

/* ---- points ---- */

static const char *const no_number = "without a number, which this form of metrics cannot carry";

/* Why a number point cannot be sent; NULL: it can. */
static const char *number_unfit(const struct walk *w, const struct otlp_point *p) {
    if (p->no_value)
        return w->form->only_numbers ? no_number : NULL;
    if (p->value == OTLP_NONE)
        return "without a value";
    return p->value == OTLP_DOUBLE && isnan(p->as_double) && w->form->only_numbers ? no_number
                                                                                   : NULL;
}

/* The same of any point. */
static const char *unfit(struct walk *w, const struct otlp_point *p) {
    if (p->time == 0)
        return "without a time";
    if (p->temporality == OTLP_DELTA)
        return "counted from report to report (delta), which Prometheus has no form for";
    if (p->type == OTLP_NUMBER_POINT)
        return number_unfit(w, p);
    const char *why = series_buckets_read(&w->buckets, p);
    if (why == NULL && w->form->only_numbers && (p->no_value || w->buckets.has_nan))
        why = no_number;
    return why;
}

static const char *const extras[] = {[OTLP_HISTOGRAM_POINT] = "le",
                                     [OTLP_EXPONENTIAL_POINT] = "le",
                                     [OTLP_SUMMARY_POINT] = "quantile",
                                     [OTLP_TYPES - 1] = NULL};

static void put_point(struct walk *w, const struct otlp_point *p, size_t nlabels) {
    struct series_sample s = {.name = w->name.data,
                              .label = w->labels.made,
                              .nlabels = nlabels,
                              .ms = (int64_t)(p->time / NS_OF_MS)};

    if (p->no_value)
        s.kind = SERIES_STALE;
    if (p->type == OTLP_SUMMARY_POINT) {
        put_summary(w, &s);
    } else if (p->type != OTLP_NUMBER_POINT) {
        put_histogram(w, &s);
    } else {
        if (!p->no_value)
            s.kind = p->value == OTLP_DOUBLE ? SERIES_DOUBLE : SERIES_INT;
        s.d = p->as_double;
        s.i = p->as_int;
        put(w, &s, "");
    }
}

static void add_point(struct walk *w, const struct otlp_point *p) {
    const char *why = unfit(w, p);

    if (why == NULL) {
        load_metric(w, p);
        load_scope(w, p);
        add_attributes(w, p->type, p->span);
        int n = series_labels_end(&w->labels, extras[p->type]);
        if (n == -1 || w->name.failed)
            why = SERIES_LABELS_UNFIT;
        else
            put_point(w, p, (size_t)n);
        series_labels_back(&w->labels);
    }
    pieces_add(w->out, p->time, why);
}

int series_otlp(const void *data, size_t len, const struct series_form *form,
                const struct metrics_labels *added, struct pieces *out, struct gf_err *e) {
    struct walk *w = calloc(1, sizeof *w);
    struct otlp_points it;
    struct otlp_point p;

    if (w == NULL)
        return gf_err_set(e, GF_E_SYSTEM, "no memory for data points");
    w->form = form;
    w->added = added;
    w->out = out;
    series_labels_init(&w->labels);
    gf_buf_init(&w->name, NAME_MAX_BYTES);
    gf_buf_init(&w->word, WORD_MAX_BYTES);
    int rc = otlp_points_open(&it, data, len, e);
    while (rc == 0 && !out->failed && !out->bytes.failed && otlp_points_next(&it, &p))
        add_point(w, &p);
    if (rc == 0)
        rc = pieces_check(out, e);
    series_labels_free(&w->labels);
    gf_buf_free(&w->name);
    gf_buf_free(&w->word);
    free(w);
    return rc;
}
