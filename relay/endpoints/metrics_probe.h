/*
 * metrics_probe.h -- is it the points that a sink refuses, or every request?
 *
 * A url with a wrong database, a header too many, the wrong encoding: a sink says 400 to that as
 * well, and a week of records must not be rejected for it. So the first refusal of a record of
 * which nothing is there yet is followed by a request of the same form without a point. What a sink
 * has against that it has against every request (InfluxDB: "database is required", VictoriaMetrics:
 * "unsupported path", measured); against points it has other words, or takes the empty request.
 * Refused in the same words the record is held for the operator.
 */
#ifndef RELAY_METRICS_PROBE_H
#define RELAY_METRICS_PROBE_H

#include "relay/endpoints/batches.h"
#include "relay/endpoints/endpoint.h"

/* Of one record; all zero at its beginning. */
struct metrics_probe {
    enum { METRICS_PROBE_NONE, METRICS_PROBE_DUE, METRICS_PROBE_OVER } at;
    int whole; /* 1: the refused batch is given up as a whole, 0: it is halved */
    int64_t status;
    char words[GF_REASON_MAX + 1];
};

/* The batch at hand was refused for good, r says so. With at = METRICS_PROBE_DUE behind it the next
 * request is the one without a point; else the batch is judged. */
void metrics_probe_refused(struct metrics_probe *p, struct batches *b,
                           const struct endpoint_result *r, int whole);

/* The answer to the request without a point; r->reason says what it was, as with any other. 1: the
 * batch is judged, and the record goes on; 0: every request is refused, it is held, and *r says so;
 * or nobody has answered, and *r stays as it was. */
int metrics_probe_answer(struct metrics_probe *p, struct batches *b, struct endpoint_result *r);

/* Pure: 1 if two reasons differ in nothing but words with a digit, which are of one request. */
int metrics_probe_is_same(const char *a, const char *b);

#endif
