/*
 * otlp_points.c -- the data points of a request in protobuf, one after the other.
 *
 * Reads only what otlp_check() has taken: no field is cut off, none has the wrong wire type.
 */
#include "common/otlp_points.h"

#include "common/otlp_wire.h"

/* The next field of this number; 0: there is none left. */
static int next_of(struct otlp_span *left, uint32_t number, struct otlp_item *out) {
    while (left->at < left->end && otlp_wire_next(&left->at, left->end, out) == NULL)
        if (out->number == number)
            return 1;
    left->at = left->end;
    return 0;
}

/* The span of a field that stands once; empty if it does not. */
static struct otlp_span span_of(struct otlp_span in, uint32_t number) {
    struct otlp_item item;
    return next_of(&in, number, &item) ? item.span : (struct otlp_span){in.end, in.end};
}

static uint64_t bits_of(struct otlp_span in, uint32_t number) {
    struct otlp_item item;
    return next_of(&in, number, &item) ? item.bits : 0;
}

int otlp_points_open(struct otlp_points *it, const void *data, size_t len, struct gf_err *e) {
    if (otlp_check(data, len, NULL, e) == -1)
        return -1;
    *it = (struct otlp_points){.left = {otlp_wire_span(data, len)}};
    return 0;
}

/* A metric, as far as a point needs it; 0: it has no data. */
static int enter_metric(struct otlp_points *it, struct otlp_span metric) {
    static const uint32_t kinds[] = {OTLP_METRIC_GAUGE, OTLP_METRIC_SUM, OTLP_METRIC_HISTOGRAM,
                                     OTLP_METRIC_EXPONENTIAL, OTLP_METRIC_SUMMARY};
    struct otlp_point *p = &it->now;

    p->name = span_of(metric, OTLP_METRIC_NAME);
    p->unit = span_of(metric, OTLP_METRIC_UNIT);
    p->around[2] = metric;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct otlp_span data = span_of(metric, kinds[i]);
        if (data.at == data.end)
            continue;
        const struct otlp_field *field = &otlp_schema[OTLP_METRIC].field[kinds[i]];
        const struct otlp_message *m = &otlp_schema[field->type];
        p->kind = kinds[i];
        p->type = (enum otlp_type)m->field[OTLP_POINTS].type;
        p->temporality = m->has_temporality ? (int)(int32_t)bits_of(data, OTLP_TEMPORALITY) : 0;
        p->monotonic = kinds[i] == OTLP_METRIC_SUM && bits_of(data, OTLP_MONOTONIC) != 0;
        p->around[3] = it->data = data;
        return 1;
    }
    return 0;
}

/* The next metric that has data; 0 at the end of the request. Context is looked for before it is
 * needed: fields may stand in any order. */
static int next_metric(struct otlp_points *it) {
    struct otlp_point *p = &it->now;
    struct otlp_item item;

    for (;;) {
        if (next_of(&it->left[2], OTLP_CHILDREN, &item)) {
            if (enter_metric(it, item.span))
                return 1;
        } else if (next_of(&it->left[1], OTLP_CHILDREN, &item)) {
            p->around[1] = it->left[2] = item.span;
            p->scope = span_of(item.span, OTLP_CONTEXT);
            p->scope_name = span_of(p->scope, 1);
            p->scope_version = span_of(p->scope, 2);
        } else if (next_of(&it->left[0], 1, &item)) {
            p->around[0] = it->left[1] = item.span;
            p->resource = span_of(item.span, OTLP_CONTEXT);
        } else {
            return 0;
        }
    }
}

static void read_point(struct otlp_point *p) {
    const struct otlp_message *m = &otlp_schema[p->type];
    uint32_t flags = p->type == OTLP_NUMBER_POINT || p->type == OTLP_SUMMARY_POINT ? 8 : 10;
    struct otlp_item item;

    p->start = p->time = 0;
    p->no_value = 0;
    p->value = OTLP_NONE;
    for (struct otlp_span s = p->span;
         s.at < s.end && otlp_wire_next(&s.at, s.end, &item) == NULL;) {
        const struct otlp_field *field = otlp_wire_field(m, item.number);
        if (field == NULL)
            continue;
        if (item.number == OTLP_POINT_START) {
            p->start = item.bits;
        } else if (item.number == OTLP_POINT_TIME) {
            p->time = item.bits;
        } else if (item.number == flags) {
            p->no_value = (item.bits & 1) != 0;
        } else if (field->one_of) {
            p->value = (enum otlp_kind)field->kind;
            p->as_double = otlp_wire_double(item.bits);
            p->as_int = (int64_t)item.bits;
        }
    }
}

int otlp_points_next(struct otlp_points *it, struct otlp_point *out) {
    struct otlp_item item;

    for (;;) {
        /* A field's tag is what stands before it: all others are passed one by one. */
        while (it->data.at < it->data.end) {
            const uint8_t *from = it->data.at;
            if (otlp_wire_next(&it->data.at, it->data.end, &item) != NULL)
                return 0;
            if (item.number != OTLP_POINTS)
                continue;
            it->now.field = (struct otlp_span){from, item.span.end};
            it->now.span = item.span;
            read_point(&it->now);
            *out = it->now;
            return 1;
        }
        if (!next_metric(it))
            return 0;
    }
}

void otlp_points_attributes(struct otlp_attributes *it, enum otlp_type type,
                            struct otlp_span message) {
    it->left = message;
    it->number = otlp_schema[type].attributes;
    if (it->number == 0)
        it->left.at = message.end;
}

int otlp_points_attribute(struct otlp_attributes *it, struct otlp_attribute *out) {
    struct otlp_item item;

    if (!next_of(&it->left, it->number, &item))
        return 0;
    *out = (struct otlp_attribute){.key = span_of(item.span, OTLP_KEY),
                                   .value = span_of(item.span, OTLP_VALUE)};
    for (struct otlp_span s = out->value;
         s.at < s.end && otlp_wire_next(&s.at, s.end, &item) == NULL;) {
        const struct otlp_field *field = otlp_wire_field(&otlp_schema[OTLP_ANY_VALUE], item.number);
        if (field == NULL)
            continue;
        out->kind = (enum otlp_kind)field->kind;
        out->bytes = item.span;
        out->bits = item.bits;
    }
    return 1;
}
