/*
 * endpoint_otlp_reply.h -- what an OpenTelemetry receiver answers to metrics.
 *
 * From opentelemetry-proto: ExportMetricsServiceResponse (collector/metrics/v1) for a success, and
 * google.rpc.Status for a failure; each in protobuf or in its JSON form. Both are foreign.
 */
#ifndef RELAY_ENDPOINT_OTLP_REPLY_H
#define RELAY_ENDPOINT_OTLP_REPLY_H

#include <stddef.h>
#include <stdint.h>

#include "gapferry/err.h"
#include "gapferry/limits.h"

struct endpoint_otlp_reply {
    uint64_t rejected; /* data points that it has refused, and that are not to be sent again */
    /* The receiver's words, of which the beginning is kept; UTF-8, foreign, perhaps none; may hold
     * NUL. Of a failure without a Status its whole body, which may be any bytes. */
    char words[GF_REASON_MAX + 1];
    size_t len;
};

/* The body of a 2xx; no body is success. It is read as protobuf where its Content-Type (of type_len
 * bytes; NULL: there is none, and the body tells) says so, else as JSON. GF_E_DAMAGED: it is no
 * such response: some other program has answered. */
GF_MUST_CHECK int endpoint_otlp_reply_success(const char *type, size_t type_len, const void *body,
                                              size_t len, struct endpoint_otlp_reply *out,
                                              struct gf_err *e);

/* The body of any other status: a Status, or whatever it is. `rejected` is 0. */
void endpoint_otlp_reply_failure(const char *type, size_t type_len, const void *body, size_t len,
                                 struct endpoint_otlp_reply *out);

#endif
