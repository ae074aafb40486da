/*
 * series.h -- data points as samples of Prometheus' data model: a name, labels, a time in
 * milliseconds, a number; and the forms in which a sink takes them.
 *
 * From OpenTelemetry by its specification (compatibility/prometheus_and_openmetrics), as follows:
 *   name     what a name cannot hold becomes _; the unit is added as a word where it is not there
 *            yet (s: _seconds, By: _bytes, 1 of a gauge: _ratio, x/y: _x_per_y), and _total to
 *            monotonic sums
 *   labels   attributes of point, scope and resource, all of them, and otel_scope_name and
 *            otel_scope_version; of the resource service.namespace/service.name is job and
 *            service.instance.id is instance. There is no target_info. Attributes that come to one
 *            name have their values joined by ";", equal ones once; without a value there is none
 *   points   gauge and sum: one sample; histogram: _bucket, _sum, _count; exponential histogram:
 *            the same, with the bounds of its own buckets; summary: one for each quantile, _sum,
 *            _count. What counts from report to report has no form here
 * From Influx lines as VictoriaMetrics does: MEASUREMENT_FIELD, tags as labels; booleans are 1 and
 * 0, texts have no form.
 *
 * What the relay adds has the names gapferry_site, gapferry_bundle, gapferry_delay_s, which nobody
 * else's labels have: those are left out.
 */
#ifndef RELAY_SERIES_H
#define RELAY_SERIES_H

#include <string.h>

#include "relay/endpoints/metrics.h"
#include "relay/endpoints/pieces.h"

/* Labels of one series; buckets or quantiles of one point. What has more is unfit. */
#define SERIES_LABELS_MAX  128
#define SERIES_BUCKETS_MAX 1000

struct series_label {
    const char *name, *value; /* a valid name; UTF-8; no NUL follows */
    size_t name_len, value_len;
};

enum series_kind { SERIES_DOUBLE, SERIES_INT, SERIES_UINT, SERIES_STALE };

struct series_sample {
    const char *name;                 /* a valid name; */
    const char *suffix;               /* and what stands behind it: "", "_bucket" */
    const struct series_label *label; /* ascending by name, each once */
    size_t nlabels;
    const char *extra; /* one more label, of another name, or NULL */
    const char *extra_value;
    enum series_kind kind; /* SERIES_STALE: nothing was recorded at this time */
    double d;
    int64_t i;
    uint64_t u;
    int64_t ms; /* since 1970 */
};

/* 1 if a label stands behind this name. */
static inline int series_is_behind(const struct series_label *l, const char *name) {
    size_t n = strlen(name);
    int rc = memcmp(l->name, name, l->name_len < n ? l->name_len : n);

    return rc > 0 || (rc == 0 && l->name_len > n);
}

/* How a sample is written; failures are out's. */
struct series_form {
    void (*put)(const struct series_sample *s, struct gf_buf *out);
    int only_numbers; /* 1: it has neither NaN nor "nothing was recorded" */
};

/* Prometheus text, one line (exposition format 0.0.4): numbers in the shortest digits that read
 * back. A receiver of such lines drops NaN without a word (VictoriaMetrics, measured). */
extern const struct series_form series_text;
/* What its line begins with, "name{labels}": names the series, and selects it in PromQL. */
void series_text_key(const struct series_sample *s, struct gf_buf *out);

/* A TimeSeries in a WriteRequest of remote write 1.0. A request's body is its pieces, one behind
 * the other, in series_snappy(). */
extern const struct series_form series_remote;

/* Append bytes as a block of snappy (format_description.txt), all of it literal: the same a few
 * bytes longer. */
void series_snappy(const void *data, size_t len, struct gf_buf *out);

/* The points of a record, each a piece: data points of a request in protobuf that was not checked
 * yet, fields of lines. GF_E_RECORD, GF_E_LIMIT: it is damaged or too large for good;
 * GF_E_SYSTEM. */
GF_MUST_CHECK int series_otlp(const void *data, size_t len, const struct series_form *form,
                              const struct metrics_labels *added, struct pieces *out,
                              struct gf_err *e);
GF_MUST_CHECK int series_influx(const void *data, size_t len, const struct series_form *form,
                                const struct metrics_labels *added, struct pieces *out,
                                struct gf_err *e);

#endif
