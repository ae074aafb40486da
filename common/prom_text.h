/*
 * prom_text.h -- the samples of a Prometheus endpoint's text, one after the other.
 *
 * Text exposition format 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats), and of
 * OpenMetrics 1.0 what may come in its place: `# EOF`, `# UNIT`, its types, times in seconds, and
 * exemplars, which are passed over.
 *
 *   struct prom_text it;
 *   struct prom_sample s;
 *   prom_text_open(&it, text, len, 0);
 *   while ((rc = prom_text_next(&it, &s, e)) == 1)
 *       ...
 *
 * The text is somebody else's, and a line that breaks the format ends the reading: what stands
 * beside a mistake is not to be guessed at. Refused besides: a label that stands twice or is named
 * __name__ (a second name), NUL, text that is not UTF-8, a text whose last line has no LF or, in
 * OpenMetrics, that has no `# EOF` (it was cut off), and what is longer or more than the limits
 * below. That a series comes twice is not seen here.
 *
 * Nothing is allocated; what comes out is borrowed from the text. An iterator may be copied, to
 * read from the same place again.
 */
#ifndef COMMON_PROM_TEXT_H
#define COMMON_PROM_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "gapferry/buf.h"

#define PROM_LINE_MAX   65536         /* bytes of a line with its LF */
#define PROM_NAME_MAX   1024          /* bytes of the name of a metric or label */
#define PROM_LABELS_MAX 128           /* of one sample */
#define PROM_TIME_MAX   9223372036854 /* ms since 1970: what nanoseconds can say, too */

struct prom_span {
    const char *at, *end;
};

enum prom_type {
    PROM_UNTYPED, /* also OpenMetrics' unknown */
    PROM_COUNTER,
    PROM_GAUGE,
    PROM_HISTOGRAM,
    PROM_SUMMARY,
    PROM_GAUGE_HISTOGRAM, /* this and those below: OpenMetrics */
    PROM_INFO,
    PROM_STATE_SET
};

/* What a sample is within its metric, by the end of its name. */
enum prom_part {
    PROM_VALUE,   /* the name is the metric's, or the total of a counter, or an info */
    PROM_BUCKET,  /* NAME_bucket */
    PROM_SUM,     /* NAME_sum, NAME_gsum */
    PROM_COUNT,   /* NAME_count, NAME_gcount */
    PROM_CREATED, /* NAME_created: when counting began */
    PROM_PARTS
};

struct prom_sample {
    struct prom_span name; /* the whole of it */
    enum prom_type type;   /* of the metric that the name belongs to */
    enum prom_part part;
    int64_t metric;          /* numbers the metrics of the text: samples of one stand together */
    struct prom_span labels; /* for prom_text_label(); what stands between { and } */
    double value;
    int has_time;
    int64_t time_ms; /* since 1970 */
};

/* On the caller's stack; its members are the reader's own. */
struct prom_text {
    const char *at, *end;
    int64_t line, metric;
    int openmetrics, ended;
    enum prom_type type;
    struct prom_span name;   /* that the type belongs to; empty: none */
    struct prom_span sample; /* name of the last one */
};

/* Begin. openmetrics 1: it calls itself application/openmetrics-text. */
void prom_text_open(struct prom_text *it, const char *text, size_t len, int openmetrics);

/* 1 and the next sample; 0 at the end; -1: GF_E_RECORD or GF_E_LIMIT with the number of the line.
 */
GF_MUST_CHECK int prom_text_next(struct prom_text *it, struct prom_sample *out, struct gf_err *e);

/* The next label of a sample: 1, and *labels is what is left; 0: that was all. */
int prom_text_label(struct prom_span *labels, struct prom_span *name, struct prom_span *value);

/* Append the value of a label with its escapes (\\ \" \n) undone. */
void prom_text_plain(struct gf_buf *out, struct prom_span value);

#endif
