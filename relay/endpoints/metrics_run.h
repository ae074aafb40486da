/*
 * metrics_run.h -- one record of metrics on its way to a sink: from its body to pieces, from these
 * to requests, to its verdict.
 */
#ifndef RELAY_METRICS_RUN_H
#define RELAY_METRICS_RUN_H

#include "relay/endpoints/metrics.h"
#include "relay/endpoints/pieces.h"

/* What a record's body is. */
enum metrics_run_type {
    METRICS_RUN_OTHER,
    METRICS_RUN_OTLP, /* a request of OpenTelemetry in protobuf; JSON is turned into that */
    METRICS_RUN_LINES /* Influx lines */
};

struct metrics_run {
    struct pieces pieces;
    struct batches *batches; /* NULL: the record cannot be sent */
    struct metrics_early early;
    struct metrics_probe probe;
    struct gf_buf body; /* of the request at hand */
};

/* Make pieces of a body of this type. GF_E_RECORD and GF_E_LIMIT: it is rejected for that;
 * GF_E_NOT_FOR_US: its type is none that the profile takes; others: it is held. */
typedef int metrics_run_read(void *arg, enum metrics_run_type type, const void *data, size_t len,
                             const struct metrics_labels *added, struct pieces *out,
                             struct gf_err *e);

/* Begin with a record. A record that cannot be sent is one, too, and its first request local.
 * Free with metrics_run_free(), which accepts NULL. */
GF_MUST_CHECK int metrics_run_new(const struct endpoint_job *j, struct metrics *m,
                                  metrics_run_read *read, void *arg, struct metrics_run **out,
                                  struct gf_err *e);
void metrics_run_free(struct metrics_run *run);

/* Put the next batch into run->body, or nothing for the probe: 1; 0: there is none, and its request
 * is local; -1. */
GF_MUST_CHECK int metrics_run_next(struct metrics_run *run, struct gf_err *e);

/* For progress(): what is over; run may be NULL. */
void metrics_run_progress(const struct metrics_run *run, struct gf_buf *out);

/* The verdict where metrics_run_next() had none. */
void metrics_run_end(const struct endpoint_job *j, const struct metrics_run *run,
                     struct endpoint_result *r);

#endif
