/*
 * otlp_select.c -- some of the data points of a request in protobuf, and what is said of where they
 * come from.
 *
 * Reads only what otlp_check() has taken: no field is cut off, none has the wrong wire type.
 */
#include "common/otlp_select.h"

#include <string.h>

#include "common/otlp_put.h"
#include "common/otlp_wire.h"

/* From the request down to the message that holds points. */
enum level { REQUEST, RESOURCE_METRICS, SCOPE_METRICS, METRIC, DATA };

struct selection {
    const struct otlp_select *what;
    struct gf_buf *out;
    uint64_t index; /* of the next point */
    uint64_t taken;
    uint32_t attributes; /* the number of a point's, in the metric at hand */
};

static int is_child(enum level level, uint32_t number) {
    switch (level) {
    case REQUEST:
        return number == 1;
    case RESOURCE_METRICS:
    case SCOPE_METRICS:
        return number == OTLP_CHILDREN;
    case METRIC:
        return number == OTLP_METRIC_GAUGE || number == OTLP_METRIC_SUM ||
               number == OTLP_METRIC_HISTOGRAM || number == OTLP_METRIC_EXPONENTIAL ||
               number == OTLP_METRIC_SUMMARY;
    case DATA:
        return number == OTLP_POINTS;
    }
    return 0;
}

/* Is the next point one of them? Steps over it. */
static int take(struct selection *s) {
    const struct otlp_select *what = s->what;
    uint64_t i = s->index++;

    return i >= what->from && i < what->to &&
           (what->bits == NULL || (what->bits[i / 8] >> i % 8 & 1) != 0);
}

/* Forget what was written behind this place. */
static void cut_back(struct gf_buf *out, size_t len) {
    out->len = len;
    if (out->data != NULL)
        out->data[len] = '\0';
}

/* ---- the resource ---- */

static int is_alnum(uint8_t c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* Names that receivers make one label of: "." and "-" become "_" at many. */
static int is_same_label(struct otlp_span name, const char *key) {
    size_t i = 0;

    for (; key[i] != '\0' && name.at + i < name.end; i++) {
        uint8_t c = name.at[i], k = (uint8_t)key[i];
        if (c != k && (is_alnum(c) || is_alnum(k)))
            return 0;
    }
    return key[i] == '\0' && name.at + i == name.end;
}

static int has_key(struct otlp_span attribute, const char *key) {
    struct otlp_item item;

    while (attribute.at < attribute.end &&
           otlp_wire_next(&attribute.at, attribute.end, &item) == NULL) {
        if (item.number == OTLP_KEY)
            return is_same_label(item.span, key);
    }
    return 0;
}

static int is_replaced(const struct otlp_select *what, struct otlp_span attribute) {
    for (size_t i = 0; i < what->nattributes; i++) {
        if (has_key(attribute, what->attributes[i].key))
            return 1;
    }
    return 0;
}

/* The fields of a message but for attributes (their number) that are replaced. */
static void put_others(struct selection *s, struct otlp_span in, uint32_t number) {
    struct otlp_item item;

    for (const uint8_t *at = in.at, *from = at;
         at < in.end && otlp_wire_next(&at, in.end, &item) == NULL; from = at) {
        if (item.number != number || !is_replaced(s->what, item.span))
            gf_buf_add(s->out, from, (size_t)(at - from));
    }
}

/* A resource, which may be empty, with the attributes that are wanted. */
static void put_resource(struct selection *s, struct otlp_span resource) {
    const struct otlp_select *what = s->what;
    const uint32_t number = otlp_schema[OTLP_RESOURCE].attributes;
    size_t mark = otlp_put_open(s->out, OTLP_CONTEXT);

    put_others(s, resource, number);
    for (size_t i = 0; i < what->nattributes; i++) {
        const struct otlp_select_attribute *a = &what->attributes[i];
        size_t attribute = otlp_put_open(s->out, number);
        otlp_put_bytes(s->out, OTLP_KEY, a->key, strlen(a->key));
        size_t value = otlp_put_open(s->out, OTLP_VALUE);
        if (a->text != NULL)
            otlp_put_bytes(s->out, OTLP_ANY_STRING, a->text, strlen(a->text));
        else
            otlp_put_uint(s->out, OTLP_ANY_INT, (uint64_t)a->number);
        otlp_put_close(s->out, value);
        otlp_put_close(s->out, attribute);
    }
    otlp_put_close(s->out, mark);
}

/* A point, which mostly stays as it is; `from` is where its tag stands. */
static void put_point(struct selection *s, const uint8_t *from, struct otlp_span point) {
    struct otlp_item item;
    int same = 1;

    for (const uint8_t *at = point.at; same && s->what->nattributes > 0 && at < point.end &&
                                       otlp_wire_next(&at, point.end, &item) == NULL;)
        same = item.number != s->attributes || !is_replaced(s->what, item.span);
    if (same) {
        gf_buf_add(s->out, from, (size_t)(point.end - from));
        return;
    }
    size_t mark = otlp_put_open(s->out, OTLP_POINTS);
    put_others(s, point, s->attributes);
    otlp_put_close(s->out, mark);
}

/* Fields may stand in any order: is there a resource at all? */
static int has_resource(struct otlp_span in) {
    struct otlp_item item;

    while (in.at < in.end && otlp_wire_next(&in.at, in.end, &item) == NULL) {
        if (item.number == OTLP_CONTEXT)
            return 1;
    }
    return 0;
}

/* ---- what is around points ---- */

static void put_message(struct selection *s, enum level level, struct otlp_span in);

static void put_child(struct selection *s, enum level level, const struct otlp_item *item) {
    uint64_t taken = s->taken;
    size_t before = s->out->len;

    /* Behind the last point there is nothing to look for. */
    if (s->index >= s->what->to)
        return;
    if (level == METRIC) {
        const struct otlp_field *data = &otlp_schema[OTLP_METRIC].field[item->number];
        s->attributes = otlp_schema[otlp_schema[data->type].field[OTLP_POINTS].type].attributes;
    }
    size_t mark = otlp_put_open(s->out, item->number);
    put_message(s, level + 1, item->span);
    if (s->taken > taken)
        otlp_put_close(s->out, mark);
    else
        cut_back(s->out, before);
}

/* The recursion is as deep as there are levels. */
static void put_message(struct selection *s, enum level level, struct otlp_span in) {
    int gets = level == RESOURCE_METRICS && s->what->nattributes > 0;
    struct otlp_item item;

    if (gets && !has_resource(in))
        put_resource(s, (struct otlp_span){in.end, in.end});
    for (const uint8_t *at = in.at, *from = at;
         at < in.end && otlp_wire_next(&at, in.end, &item) == NULL; from = at) {
        if (is_child(level, item.number) && level != DATA) {
            put_child(s, level, &item);
        } else if (gets && item.number == OTLP_CONTEXT) {
            put_resource(s, item.span);
        } else if (!is_child(level, item.number)) {
            gf_buf_add(s->out, from, (size_t)(at - from));
        } else if (take(s)) {
            put_point(s, from, item.span);
            s->taken++;
        }
    }
}

int otlp_select(const void *data, size_t len, const struct otlp_select *what, struct gf_buf *out,
                struct gf_err *e) {
    struct selection s = {.what = what, .out = out};
    size_t before = out->len;

    put_message(&s, REQUEST, otlp_wire_span(data, len));
    if (gf_buf_check(out, "a part of a request", e) == -1) {
        cut_back(out, before);
        return -1;
    }
    return 0;
}
