/*
 * otlp_make.h -- requests for the tests of common/otlp*.
 */
#ifndef SUPPORT_OTLP_MAKE_H
#define SUPPORT_OTLP_MAKE_H

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/otlp.h"
#include "common/otlp_put.h"
#include "gapferry/file.h"

/* A seed of a fuzz target, "otlp/NAME"; 0 or -1. */
static inline int make_load(const char *seed, struct gf_buf *b) {
    char path[1024];
    struct gf_err e;
    const char *top = getenv("GAPFERRY_SOURCE");
    (void)snprintf(path, sizeof path, "%s/tests/fuzz/corpus/%s", top ? top : ".", seed);
    gf_buf_clear(b);
    return gf_file_load(AT_FDCWD, path, 1 << 20, b, &e);
}

static inline void make_text(struct gf_buf *b, uint32_t number, const char *text) {
    otlp_put_bytes(b, number, text, strlen(text));
}

static inline int make_same_facts(const struct otlp_facts *x, const struct otlp_facts *y) {
    return x->points == y->points && x->earliest == y->earliest && x->latest == y->latest &&
           x->delta == y->delta;
}

/* A key-value with a string. */
static inline void make_attribute(struct gf_buf *b, uint32_t number, const char *key,
                                  const char *value) {
    size_t kv = otlp_put_open(b, number);
    make_text(b, OTLP_KEY, key);
    size_t any = otlp_put_open(b, OTLP_VALUE);
    make_text(b, 1, value);
    otlp_put_close(b, any);
    otlp_put_close(b, kv);
}

/* Open a request down to the points of one metric of a kind (its number); what is put between is in
 * the message of that kind. */
struct make_open {
    size_t resource, scope, metric, kind;
};

static inline struct make_open make_begin(struct gf_buf *b, uint32_t kind) {
    struct make_open o;
    o.resource = otlp_put_open(b, 1);
    o.scope = otlp_put_open(b, OTLP_CHILDREN);
    o.metric = otlp_put_open(b, OTLP_CHILDREN);
    make_text(b, OTLP_METRIC_NAME, "m");
    o.kind = otlp_put_open(b, kind);
    return o;
}

static inline void make_end(struct gf_buf *b, struct make_open o) {
    otlp_put_close(b, o.kind);
    otlp_put_close(b, o.metric);
    otlp_put_close(b, o.scope);
    otlp_put_close(b, o.resource);
}

/* A number point with a time, a value and, where a key is given, one attribute. */
static inline void make_point(struct gf_buf *b, uint64_t time, double value, const char *key) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    size_t point = otlp_put_open(b, OTLP_POINTS);
    otlp_put_eight(b, OTLP_POINT_TIME, time);
    otlp_put_eight(b, OTLP_POINT_DOUBLE, bits);
    if (key != NULL)
        make_attribute(b, 7, key, "v");
    otlp_put_close(b, point);
}

#endif
