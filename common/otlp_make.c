/*
 * otlp_make.c -- a request of OpenTelemetry metrics, built point by point.
 */
#include "common/otlp_make.h"

#include <string.h>

#include "common/otlp_put.h"

#define RESOURCE_METRICS 1 /* of a request */
#define ATTRIBUTES       1 /* of a resource */
#define POINT_ATTRIBUTES 7 /* of a number point */
#define STRING           1 /* of a value */

static void put_attribute(struct gf_buf *b, uint32_t number, const char *key, size_t key_len,
                          const char *value, size_t len) {
    size_t pair = otlp_put_open(b, number);

    otlp_put_bytes(b, OTLP_KEY, key, key_len);
    size_t any = otlp_put_open(b, OTLP_VALUE);
    otlp_put_bytes(b, STRING, value, len);
    otlp_put_close(b, any);
    otlp_put_close(b, pair);
}

/* Nothing for one that is not open. */
static void end(struct otlp_make *m, size_t *mark) {
    if (*mark != 0)
        otlp_put_close(m->out, *mark);
    *mark = 0;
}

static void end_metric(struct otlp_make *m) {
    end(m, &m->point);
    if (m->kind != 0 && m->is == OTLP_MAKE_COUNTER) {
        otlp_put_uint(m->out, OTLP_TEMPORALITY, OTLP_CUMULATIVE);
        otlp_put_uint(m->out, OTLP_MONOTONIC, 1);
    }
    end(m, &m->kind);
    end(m, &m->metric);
}

void otlp_make_open(struct otlp_make *m, struct gf_buf *out) {
    *m = (struct otlp_make){.out = out};
    m->request = otlp_put_open(out, RESOURCE_METRICS);
    m->resource = otlp_put_open(out, OTLP_CONTEXT);
}

void otlp_make_resource(struct otlp_make *m, const char *key, const char *value) {
    put_attribute(m->out, ATTRIBUTES, key, strlen(key), value, strlen(value));
}

void otlp_make_metric(struct otlp_make *m, const char *name, size_t len, enum otlp_make_kind kind) {
    end(m, &m->resource);
    end_metric(m);
    if (m->scope == 0)
        m->scope = otlp_put_open(m->out, OTLP_CHILDREN);
    m->metric = otlp_put_open(m->out, OTLP_CHILDREN);
    otlp_put_bytes(m->out, OTLP_METRIC_NAME, name, len);
    m->kind =
        otlp_put_open(m->out, kind == OTLP_MAKE_COUNTER ? OTLP_METRIC_SUM : OTLP_METRIC_GAUGE);
    m->is = kind;
}

void otlp_make_point(struct otlp_make *m, uint64_t time, double value) {
    uint64_t bits;

    memcpy(&bits, &value, sizeof bits);
    end(m, &m->point);
    m->point = otlp_put_open(m->out, OTLP_POINTS);
    otlp_put_eight(m->out, OTLP_POINT_TIME, time);
    otlp_put_eight(m->out, OTLP_POINT_DOUBLE, bits);
}

void otlp_make_attribute(struct otlp_make *m, const char *key, size_t key_len, const char *value,
                         size_t len) {
    put_attribute(m->out, POINT_ATTRIBUTES, key, key_len, value, len);
}

void otlp_make_close(struct otlp_make *m) {
    end_metric(m);
    end(m, &m->scope);
    end(m, &m->resource);
    end(m, &m->request);
}
