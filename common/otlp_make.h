/*
 * otlp_make.h -- a request of OpenTelemetry metrics in protobuf, built from number points in order:
 * one resource, one scope without a name, gauges and counters.
 *
 *   otlp_make_open(&m, &out);
 *   otlp_make_resource(&m, "service.name", "node");
 *   otlp_make_metric(&m, "requests_total", 14, OTLP_MAKE_COUNTER);
 *   otlp_make_point(&m, time, 12);
 *   otlp_make_attribute(&m, "code", 4, "200", 3);
 *   ...
 *   otlp_make_close(&m);
 *
 * Text is UTF-8: the caller has seen to it; then otlp_check() takes what was made. Failures are
 * remembered by the buffer.
 */
#ifndef COMMON_OTLP_MAKE_H
#define COMMON_OTLP_MAKE_H

#include <stddef.h>
#include <stdint.h>

#include "gapferry/buf.h"

enum otlp_make_kind {
    OTLP_MAKE_GAUGE,
    OTLP_MAKE_COUNTER /* a sum, cumulative and monotonic; when it began is not said */
};

/* On the caller's stack; its members are the builder's own. */
struct otlp_make {
    struct gf_buf *out;
    size_t request, resource, scope, metric, kind, point; /* marks; 0: not open */
    enum otlp_make_kind is;
};

/* Begin; appended to out, which is borrowed until the end. */
void otlp_make_open(struct otlp_make *m, struct gf_buf *out);

/* An attribute of the resource: before the first metric. */
void otlp_make_resource(struct otlp_make *m, const char *key, const char *value);

/* The points that follow are of this metric. */
void otlp_make_metric(struct otlp_make *m, const char *name, size_t len, enum otlp_make_kind kind);

/* A point; time in nanoseconds since 1970. Its attributes follow it. */
void otlp_make_point(struct otlp_make *m, uint64_t time, double value);
void otlp_make_attribute(struct otlp_make *m, const char *key, size_t key_len, const char *value,
                         size_t len);

void otlp_make_close(struct otlp_make *m);

#endif
