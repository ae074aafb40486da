/*
 * otlp.h -- OpenTelemetry metrics: what a request holds, and what of it may leave.
 *
 * A request is the body of a POST to /v1/metrics (opentelemetry-specification, protocol/otlp), as
 * protobuf or as OTLP JSON. It is somebody else's: what is not removed is never changed.
 *
 * Taken is what the specification has, narrowed where two readers could see two things in it: a
 * field that may stand once stands once, of a oneof one member, text is UTF-8, a field that the
 * schema knows has its type. Unknown fields are no error, and redaction takes them out. A value may
 * be nested OTLP_DEPTH_MAX deep. Errors are GF_E_RECORD with the path of the field in words, or
 * GF_E_LIMIT for a body beyond OTLP_MAX, or GF_E_SYSTEM for want of memory.
 */
#ifndef COMMON_OTLP_H
#define COMMON_OTLP_H

#include <stddef.h>
#include <stdint.h>

#include "gapferry/buf.h"
#include "gapferry/err.h"

/* Bytes of a request: what the specification recommends to servers. */
#define OTLP_MAX (64 << 20)

/* Values within values, the outermost counted; real ones have one or two. */
#define OTLP_DEPTH_MAX 16

/* Bytes of a message, or of a value in it; borrowed from the request. */
struct otlp_span {
    const uint8_t *at, *end;
};

/* What stands beside a stored request. Nanoseconds since 1970; a point that names no time is
 * counted, and has no part in earliest and latest, which are 0 where no point names one. */
struct otlp_facts {
    uint64_t points;
    uint64_t earliest, latest;
    int delta; /* 1: a sum or histogram counts from report to report */
};

/* Check a request in protobuf; *out may be NULL. */
GF_MUST_CHECK int otlp_check(const void *data, size_t len, struct otlp_facts *out,
                             struct gf_err *e);

#endif
