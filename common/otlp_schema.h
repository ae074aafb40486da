/*
 * otlp_schema.h -- the messages of OpenTelemetry metrics, as one table that everything else walks
 * by.
 *
 * From opentelemetry-proto 1.x: ExportMetricsServiceRequest (collector/metrics/v1), metrics/v1,
 * common/v1, resource/v1. A request has the same form as MetricsData, the line of an OTLP file.
 */
#ifndef COMMON_OTLP_SCHEMA_H
#define COMMON_OTLP_SCHEMA_H

#include <stdint.h>

/* What a field holds, on the wire and in OTLP JSON. */
enum otlp_kind {
    OTLP_NONE,    /* no such field */
    OTLP_MESSAGE, /* length-delimited; object */
    OTLP_STRING,  /* length-delimited UTF-8; string */
    OTLP_BYTES,   /* length-delimited; base64 */
    OTLP_HEX,     /* length-delimited; hex, where the rules of protobuf would want base64 */
    OTLP_BOOL,    /* varint; true, false */
    OTLP_ENUM,    /* varint; integer, never a name */
    OTLP_UINT32,  /* varint; number */
    OTLP_SINT32,  /* varint, zigzag; number */
    OTLP_INT64,   /* varint; digits in a string */
    OTLP_UINT64,  /* varint; digits in a string */
    OTLP_FIXED64, /* eight bytes; digits in a string */
    OTLP_SFIXED64,
    OTLP_DOUBLE, /* eight bytes; number, or "NaN", "Infinity", "-Infinity" */
    OTLP_KINDS
};

/* The wire types of protobuf. */
enum otlp_wire { OTLP_VARINT = 0, OTLP_EIGHT = 1, OTLP_LENGTH = 2, OTLP_FOUR = 5 };

enum otlp_type {
    OTLP_REQUEST,
    OTLP_RESOURCE_METRICS,
    OTLP_RESOURCE,
    OTLP_ENTITY_REF,
    OTLP_SCOPE_METRICS,
    OTLP_SCOPE,
    OTLP_METRIC,
    OTLP_GAUGE,
    OTLP_SUM,
    OTLP_HISTOGRAM,
    OTLP_EXPONENTIAL,
    OTLP_SUMMARY,
    OTLP_NUMBER_POINT,
    OTLP_HISTOGRAM_POINT,
    OTLP_EXPONENTIAL_POINT,
    OTLP_BUCKETS,
    OTLP_SUMMARY_POINT,
    OTLP_QUANTILE,
    OTLP_EXEMPLAR,
    OTLP_KEY_VALUE,
    OTLP_ANY_VALUE,
    OTLP_ARRAY,
    OTLP_KVLIST,
    OTLP_TYPES
};

/* Field numbers are below this; larger ones are unknown. */
#define OTLP_NUMBERS 15

/* Numbers that several messages share, or that are asked for by name. */
enum {
    OTLP_KEY = 1,        /* of a key-value */
    OTLP_VALUE = 2,      /* of a key-value */
    OTLP_ANY_STRING = 1, /* of a value, and the next one */
    OTLP_ANY_INT = 3,
    OTLP_POINTS = 1,       /* of gauge, sum, histogram, exponential histogram, summary */
    OTLP_TEMPORALITY = 2,  /* of sum, histogram, exponential histogram */
    OTLP_MONOTONIC = 3,    /* of sum */
    OTLP_POINT_START = 2,  /* of every kind of point */
    OTLP_POINT_TIME = 3,   /* of every kind of point */
    OTLP_POINT_DOUBLE = 4, /* of a number point */
    OTLP_POINT_INT = 6,    /* of a number point */
    OTLP_CONTEXT = 1,      /* of resource metrics: the resource; of scope metrics: the scope */
    OTLP_CHILDREN = 2,     /* of resource metrics: scope metrics; of scope metrics: metrics */
    OTLP_METRIC_NAME = 1,  /* of a metric, as are these */
    OTLP_METRIC_UNIT = 3,
    OTLP_METRIC_GAUGE = 5,
    OTLP_METRIC_SUM = 7,
    OTLP_METRIC_HISTOGRAM = 9,
    OTLP_METRIC_EXPONENTIAL = 10,
    OTLP_METRIC_SUMMARY = 11
};

#define OTLP_DELTA      1 /* values of OTLP_TEMPORALITY */
#define OTLP_CUMULATIVE 2

struct otlp_field {
    const char *name; /* in JSON: lowerCamelCase */
    uint8_t kind;     /* enum otlp_kind; OTLP_NONE: the number is unknown */
    uint8_t type;     /* enum otlp_type of a submessage */
    uint8_t repeated; /* scalars may be packed or not, as the writer likes */
    uint8_t one_of;   /* a member of the message's only oneof */
};

struct otlp_message {
    struct otlp_field field[OTLP_NUMBERS]; /* by number */
    uint8_t is_point;                      /* a data point of any kind */
    uint8_t has_temporality;
    uint8_t attributes; /* the number of its repeated key-values; 0: none */
};

/* By enum otlp_type. */
extern const struct otlp_message otlp_schema[OTLP_TYPES];

/* By enum otlp_kind: the wire type of a value that stands alone. */
extern const uint8_t otlp_schema_wire[OTLP_KINDS];

#endif
