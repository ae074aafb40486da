/*
 * otlp_points.h -- the data points of a request in protobuf, one after the other, each with all
 * that a line of text about it needs.
 *
 *   struct otlp_points it;
 *   struct otlp_point p;
 *   if (otlp_points_open(&it, data, len, e) == -1) ...
 *   while (otlp_points_next(&it, &p))
 *       ...
 *
 * Nothing is allocated; all spans are borrowed from the request. Text is UTF-8, may hold NUL, and
 * is foreign.
 */
#ifndef COMMON_OTLP_POINTS_H
#define COMMON_OTLP_POINTS_H

#include "common/otlp.h"
#include "common/otlp_schema.h"

struct otlp_point {
    struct otlp_span resource; /* for otlp_points_attributes(); empty if there is none, */
    struct otlp_span scope;    /* and so is all that follows */
    struct otlp_span scope_name, scope_version;
    struct otlp_span name, unit; /* of the metric */
    uint32_t kind;               /* of the metric: OTLP_METRIC_GAUGE, ... OTLP_METRIC_SUMMARY */
    int temporality;             /* 0, OTLP_DELTA or OTLP_CUMULATIVE */
    int monotonic;               /* of a sum */

    struct otlp_span span; /* the point's message: what else it has is read with otlp_wire.h */
    enum otlp_type type;   /* of that message */
    uint64_t start, time;  /* nanoseconds since 1970; 0: unknown */
    int no_value;          /* its flags say that nothing was recorded at this time */
    enum otlp_kind value;  /* of a number point: OTLP_DOUBLE, OTLP_SFIXED64; else OTLP_NONE */
    double as_double;      /* each where `value` says so */
    int64_t as_int;

    /* Where it stands, for who copies: the point with its tag; the messages around it, outermost
     * first: resource metrics, scope metrics, metric, and the data of its kind. */
    struct otlp_span field;
    struct otlp_span around[4];
};

/* On the caller's stack. */
struct otlp_points {
    struct otlp_span left[4]; /* of the request, and of the outer three of `around` */
    struct otlp_span data;    /* left of the metric's data */
    struct otlp_point now;
};

/* Begin; checks the request as otlp_check() does. */
GF_MUST_CHECK int otlp_points_open(struct otlp_points *it, const void *data, size_t len,
                                   struct gf_err *e);

/* 1 and the next point, in the order of the request; 0 at the end. */
int otlp_points_next(struct otlp_points *it, struct otlp_point *out);

/* The attributes of a message that has some. */
struct otlp_attributes {
    struct otlp_span left;
    uint32_t number;
};

struct otlp_attribute {
    struct otlp_span key;
    enum otlp_kind kind;    /* OTLP_STRING, OTLP_BOOL, OTLP_INT64, OTLP_DOUBLE, OTLP_BYTES;
                             * OTLP_MESSAGE: an array or a list; OTLP_NONE: there is no value */
    struct otlp_span bytes; /* of a string, of bytes, of the array or list */
    uint64_t bits;          /* of a bool, an integer, a double */
    struct otlp_span value; /* the whole AnyValue */
};

/* Begin with those of a message of this type; 1 and the next one; 0 at the end. */
void otlp_points_attributes(struct otlp_attributes *it, enum otlp_type type,
                            struct otlp_span message);
int otlp_points_attribute(struct otlp_attributes *it, struct otlp_attribute *out);

/* Append a value as one word of text: a string as it is, numbers in digits (NaN, Infinity,
 * -Infinity), true or false, bytes in base64, nothing for none; arrays and lists as JSON, as the
 * specification has it for systems without them (common/mapping to non-OTLP formats). */
void otlp_points_text(const struct otlp_attribute *a, struct gf_buf *out);

#endif
