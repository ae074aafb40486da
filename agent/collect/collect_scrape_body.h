/*
 * collect_scrape_body.h -- what an endpoint of Prometheus said becomes a request of OpenTelemetry
 * metrics, as if it had been posted.
 *
 * Each sample is a point of the metric that has the whole of its name, so that it turns back into
 * the same series: the samples of a counter, and buckets, count and sum of a histogram or summary,
 * are cumulative sums; all others are gauges. Labels are attributes; an empty one is none. Units
 * and help texts stay here. The resource says which endpoint it was by the names that the
 * configuration has for it, and never by an address.
 */
#ifndef COLLECT_COLLECT_SCRAPE_BODY_H
#define COLLECT_COLLECT_SCRAPE_BODY_H

#include <stddef.h>
#include <stdint.h>

#include "gapferry/buf.h"

struct collect_scraped {
    const char *job, *name; /* service.name and service.instance.id */
    const char *text;       /* NULL: there was no answer, and the body says only up = 0 */
    size_t len;
    int openmetrics; /* 1: it came as application/openmetrics-text */
    uint64_t began;  /* nanoseconds since 1970: the time of samples that name none */
    double seconds;  /* how long the endpoint took */
};

/* Append the request to out, which ends with the gauges up and scrape_duration_seconds; *samples is
 * the number of the endpoint's own. Errors: those of prom_text_next(), and GF_E_LIMIT if out is too
 * small; then what is in out is of no use. */
GF_MUST_CHECK int collect_scrape_body(const struct collect_scraped *s, struct gf_buf *out,
                                      int64_t *samples, struct gf_err *e);

#endif
