/*
 * otlp_schema.c -- the messages of OpenTelemetry metrics, as one table.
 */
#include "common/otlp_schema.h"

/* One value; several; one of the message's oneof. */
#define ONE(n, s, k)       [n] = {.name = (s), .kind = (k)}
#define MANY(n, s, k)      [n] = {.name = (s), .kind = (k), .repeated = 1}
#define EITHER(n, s, k)    [n] = {.name = (s), .kind = (k), .one_of = 1}
#define ONE_OF(n, s, t)    [n] = {.name = (s), .kind = OTLP_MESSAGE, .type = (t)}
#define MANY_OF(n, s, t)   [n] = {.name = (s), .kind = OTLP_MESSAGE, .type = (t), .repeated = 1}
#define EITHER_OF(n, s, t) [n] = {.name = (s), .kind = OTLP_MESSAGE, .type = (t), .one_of = 1}
#define ATTRIBUTES(n, s)   MANY_OF(n, s, OTLP_KEY_VALUE)
#define TIMES(start, time) ONE(2, start, OTLP_FIXED64), ONE(3, time, OTLP_FIXED64)
#define POINT_TIMES        TIMES("startTimeUnixNano", "timeUnixNano")
#define POINTS(t)          MANY_OF(OTLP_POINTS, "dataPoints", t)
#define AGGREGATION        ONE(OTLP_TEMPORALITY, "aggregationTemporality", OTLP_ENUM)

const struct otlp_message otlp_schema[OTLP_TYPES] = {
    [OTLP_REQUEST] = {.field = {MANY_OF(1, "resourceMetrics", OTLP_RESOURCE_METRICS)}},
    [OTLP_RESOURCE_METRICS] = {.field = {ONE_OF(OTLP_CONTEXT, "resource", OTLP_RESOURCE),
                                         MANY_OF(OTLP_CHILDREN, "scopeMetrics", OTLP_SCOPE_METRICS),
                                         ONE(3, "schemaUrl", OTLP_STRING)}},
    [OTLP_RESOURCE] = {.field = {ATTRIBUTES(1, "attributes"),
                                 ONE(2, "droppedAttributesCount", OTLP_UINT32),
                                 MANY_OF(3, "entityRefs", OTLP_ENTITY_REF)},
                       .attributes = 1},
    [OTLP_ENTITY_REF] = {.field = {ONE(1, "schemaUrl", OTLP_STRING), ONE(2, "type", OTLP_STRING),
                                   MANY(3, "idKeys", OTLP_STRING),
                                   MANY(4, "descriptionKeys", OTLP_STRING)}},
    [OTLP_SCOPE_METRICS] = {.field = {ONE_OF(OTLP_CONTEXT, "scope", OTLP_SCOPE),
                                      MANY_OF(OTLP_CHILDREN, "metrics", OTLP_METRIC),
                                      ONE(3, "schemaUrl", OTLP_STRING)}},
    [OTLP_SCOPE] = {.field = {ONE(1, "name", OTLP_STRING), ONE(2, "version", OTLP_STRING),
                              ATTRIBUTES(3, "attributes"),
                              ONE(4, "droppedAttributesCount", OTLP_UINT32)},
                    .attributes = 3},
    [OTLP_METRIC] = {.field = {ONE(OTLP_METRIC_NAME, "name", OTLP_STRING),
                               ONE(2, "description", OTLP_STRING),
                               ONE(OTLP_METRIC_UNIT, "unit", OTLP_STRING),
                               EITHER_OF(OTLP_METRIC_GAUGE, "gauge", OTLP_GAUGE),
                               EITHER_OF(OTLP_METRIC_SUM, "sum", OTLP_SUM),
                               EITHER_OF(OTLP_METRIC_HISTOGRAM, "histogram", OTLP_HISTOGRAM),
                               EITHER_OF(OTLP_METRIC_EXPONENTIAL, "exponentialHistogram",
                                         OTLP_EXPONENTIAL),
                               EITHER_OF(OTLP_METRIC_SUMMARY, "summary", OTLP_SUMMARY),
                               ATTRIBUTES(12, "metadata")},
                     .attributes = 12},
    [OTLP_GAUGE] = {.field = {POINTS(OTLP_NUMBER_POINT)}},
    [OTLP_SUM] = {.field = {POINTS(OTLP_NUMBER_POINT), AGGREGATION,
                            ONE(OTLP_MONOTONIC, "isMonotonic", OTLP_BOOL)},
                  .has_temporality = 1},
    [OTLP_HISTOGRAM] = {.field = {POINTS(OTLP_HISTOGRAM_POINT), AGGREGATION}, .has_temporality = 1},
    [OTLP_EXPONENTIAL] = {.field = {POINTS(OTLP_EXPONENTIAL_POINT), AGGREGATION},
                          .has_temporality = 1},
    [OTLP_SUMMARY] = {.field = {POINTS(OTLP_SUMMARY_POINT)}},
    [OTLP_NUMBER_POINT] = {.field = {POINT_TIMES,
                                     EITHER(OTLP_POINT_DOUBLE, "asDouble", OTLP_DOUBLE),
                                     MANY_OF(5, "exemplars", OTLP_EXEMPLAR),
                                     EITHER(OTLP_POINT_INT, "asInt", OTLP_SFIXED64),
                                     ATTRIBUTES(7, "attributes"), ONE(8, "flags", OTLP_UINT32)},
                           .is_point = 1,
                           .attributes = 7},
    [OTLP_HISTOGRAM_POINT] = {.field = {POINT_TIMES, ONE(4, "count", OTLP_FIXED64),
                                        ONE(5, "sum", OTLP_DOUBLE),
                                        MANY(6, "bucketCounts", OTLP_FIXED64),
                                        MANY(7, "explicitBounds", OTLP_DOUBLE),
                                        MANY_OF(8, "exemplars", OTLP_EXEMPLAR),
                                        ATTRIBUTES(9, "attributes"), ONE(10, "flags", OTLP_UINT32),
                                        ONE(11, "min", OTLP_DOUBLE), ONE(12, "max", OTLP_DOUBLE)},
                              .is_point = 1,
                              .attributes = 9},
    [OTLP_EXPONENTIAL_POINT] =
        {.field = {ATTRIBUTES(1, "attributes"), POINT_TIMES, ONE(4, "count", OTLP_FIXED64),
                   ONE(5, "sum", OTLP_DOUBLE), ONE(6, "scale", OTLP_SINT32),
                   ONE(7, "zeroCount", OTLP_FIXED64), ONE_OF(8, "positive", OTLP_BUCKETS),
                   ONE_OF(9, "negative", OTLP_BUCKETS), ONE(10, "flags", OTLP_UINT32),
                   MANY_OF(11, "exemplars", OTLP_EXEMPLAR), ONE(12, "min", OTLP_DOUBLE),
                   ONE(13, "max", OTLP_DOUBLE), ONE(14, "zeroThreshold", OTLP_DOUBLE)},
         .is_point = 1,
         .attributes = 1},
    [OTLP_BUCKETS] = {.field = {ONE(1, "offset", OTLP_SINT32),
                                MANY(2, "bucketCounts", OTLP_UINT64)}},
    [OTLP_SUMMARY_POINT] = {.field = {POINT_TIMES, ONE(4, "count", OTLP_FIXED64),
                                      ONE(5, "sum", OTLP_DOUBLE),
                                      MANY_OF(6, "quantileValues", OTLP_QUANTILE),
                                      ATTRIBUTES(7, "attributes"), ONE(8, "flags", OTLP_UINT32)},
                            .is_point = 1,
                            .attributes = 7},
    [OTLP_QUANTILE] = {.field = {ONE(1, "quantile", OTLP_DOUBLE), ONE(2, "value", OTLP_DOUBLE)}},
    [OTLP_EXEMPLAR] = {.field = {ONE(2, "timeUnixNano", OTLP_FIXED64),
                                 EITHER(3, "asDouble", OTLP_DOUBLE), ONE(4, "spanId", OTLP_HEX),
                                 ONE(5, "traceId", OTLP_HEX), EITHER(6, "asInt", OTLP_SFIXED64),
                                 ATTRIBUTES(7, "filteredAttributes")},
                       .attributes = 7},
    [OTLP_KEY_VALUE] = {.field = {ONE(OTLP_KEY, "key", OTLP_STRING),
                                  ONE_OF(OTLP_VALUE, "value", OTLP_ANY_VALUE)}},
    [OTLP_ANY_VALUE] =
        {.field = {EITHER(1, "stringValue", OTLP_STRING), EITHER(2, "boolValue", OTLP_BOOL),
                   EITHER(3, "intValue", OTLP_INT64), EITHER(4, "doubleValue", OTLP_DOUBLE),
                   EITHER_OF(5, "arrayValue", OTLP_ARRAY), EITHER_OF(6, "kvlistValue", OTLP_KVLIST),
                   EITHER(7, "bytesValue", OTLP_BYTES)}},
    [OTLP_ARRAY] = {.field = {MANY_OF(1, "values", OTLP_ANY_VALUE)}},
    [OTLP_KVLIST] = {.field = {ATTRIBUTES(1, "values")}, .attributes = 1},
};

const uint8_t otlp_schema_wire[OTLP_KINDS] = {
    [OTLP_MESSAGE] = OTLP_LENGTH, [OTLP_STRING] = OTLP_LENGTH, [OTLP_BYTES] = OTLP_LENGTH,
    [OTLP_HEX] = OTLP_LENGTH,     [OTLP_BOOL] = OTLP_VARINT,   [OTLP_ENUM] = OTLP_VARINT,
    [OTLP_UINT32] = OTLP_VARINT,  [OTLP_SINT32] = OTLP_VARINT, [OTLP_INT64] = OTLP_VARINT,
    [OTLP_UINT64] = OTLP_VARINT,  [OTLP_FIXED64] = OTLP_EIGHT, [OTLP_SFIXED64] = OTLP_EIGHT,
    [OTLP_DOUBLE] = OTLP_EIGHT,
};
