/*
 * collect_scrape_body.c -- samples of Prometheus as points of OpenTelemetry.
 */
#include "agent/collect/collect_scrape_body.h"

#include <string.h>

#include "common/otlp_make.h"
#include "common/prom_text.h"

#define LABEL_MAX PROM_LINE_MAX /* bytes of a label's value: those of a line */

static size_t length(struct prom_span s) {
    return (size_t)(s.end - s.at);
}

/* Buckets, counts and sums of a histogram only ever grow, as a counter does; OpenMetrics leaves the
 * sum out where it could not. */
static enum otlp_make_kind kind_of(const struct prom_sample *s) {
    int counts = s->type == PROM_COUNTER ? s->part == PROM_VALUE
                                         : (s->type == PROM_HISTOGRAM || s->type == PROM_SUMMARY) &&
                                               s->part != PROM_VALUE && s->part != PROM_CREATED;

    return counts ? OTLP_MAKE_COUNTER : OTLP_MAKE_GAUGE;
}

static void put_labels(struct otlp_make *m, struct prom_span labels, struct gf_buf *plain) {
    struct prom_span name, value;

    while (prom_text_label(&labels, &name, &value)) {
        if (length(value) == 0)
            continue;
        gf_buf_clear(plain);
        prom_text_plain(plain, value);
        if (plain->failed)
            m->out->failed = plain->failed;
        else
            otlp_make_attribute(m, name.at, length(name), plain->data, plain->len);
    }
}

/* Those samples of one metric that are of one part, from where its first sample stands. They were
 * read once already. */
static void put_part(const struct collect_scraped *s, struct otlp_make *m, struct prom_text it,
                     int64_t metric, enum prom_part part, struct gf_buf *plain) {
    struct prom_span open = {it.at, it.at};
    struct prom_sample p;

    while (prom_text_next(&it, &p, NULL) == 1 && p.metric == metric) {
        if (p.part != part)
            continue;
        if (length(open) != length(p.name) || memcmp(open.at, p.name.at, length(open)) != 0) {
            otlp_make_metric(m, p.name.at, length(p.name), kind_of(&p));
            open = p.name;
        }
        otlp_make_point(m, p.has_time ? (uint64_t)p.time_ms * 1000000 : s->began, p.value);
        put_labels(m, p.labels, plain);
    }
}

/* Metric by metric: the parts of a histogram come mixed, and stand in one metric each. */
static int put_samples(const struct collect_scraped *s, struct otlp_make *m, struct gf_buf *plain,
                       int64_t *samples, struct gf_err *e) {
    struct prom_text it, from;
    struct prom_sample p;
    int64_t metric = -1;
    unsigned parts = 0;
    int rc;

    prom_text_open(&it, s->text, s->len, s->openmetrics);
    from = it;
    for (;;) {
        const struct prom_text before = it;
        rc = prom_text_next(&it, &p, e);
        if (rc == 1)
            ++*samples;
        if (rc != 1 || p.metric != metric) {
            for (unsigned i = 0; i < PROM_PARTS; i++) {
                if (parts & 1U << i)
                    put_part(s, m, from, metric, (enum prom_part)i, plain);
            }
            parts = 0;
            from = before;
        }
        if (rc != 1)
            return rc;
        metric = p.metric;
        parts |= 1U << p.part;
    }
}

static void put_gauge(const struct collect_scraped *s, struct otlp_make *m, const char *name,
                      double value) {
    otlp_make_metric(m, name, strlen(name), OTLP_MAKE_GAUGE);
    otlp_make_point(m, s->began, value);
}

int collect_scrape_body(const struct collect_scraped *s, struct gf_buf *out, int64_t *samples,
                        struct gf_err *e) {
    struct gf_buf plain;
    struct otlp_make m;
    int64_t n = 0;
    int rc = 0;

    gf_buf_init(&plain, LABEL_MAX);
    otlp_make_open(&m, out);
    otlp_make_resource(&m, "service.name", s->job);
    otlp_make_resource(&m, "service.instance.id", s->name);
    if (s->text != NULL)
        rc = put_samples(s, &m, &plain, &n, e);
    put_gauge(s, &m, "up", s->text != NULL);
    put_gauge(s, &m, "scrape_duration_seconds", s->seconds);
    otlp_make_close(&m);
    gf_buf_free(&plain);
    if (rc == 0)
        rc = gf_buf_check(out, "the metrics", e);
    if (rc == 0)
        *samples = n;
    return rc;
}
