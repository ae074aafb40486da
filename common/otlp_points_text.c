/*
 * otlp_points_text.c -- the value of an attribute as one word of text.
 */
#include <inttypes.h>
#include <math.h>

#include "common/otlp_points.h"
#include "common/otlp_value.h"
#include "common/otlp_wire.h"
#include "gapferry/json.h"
#include "gapferry/text.h"

static void put_double(double d, struct gf_buf *out) {
    char text[OTLP_VALUE_DOUBLE];

    if (isnan(d) || isinf(d)) {
        gf_buf_text(out, isnan(d) ? "NaN" : d > 0 ? "Infinity" : "-Infinity");
    } else {
        otlp_value_double(d, text);
        gf_buf_text(out, text);
    }
}

static void put_json(struct otlp_span any, struct gf_buf *out);

/* Elements of an array, or members of a list (type OTLP_KVLIST). */
static void put_elements(enum otlp_type type, struct otlp_span in, struct gf_buf *out) {
    int list = type == OTLP_KVLIST;
    struct otlp_item item, part;
    size_t n = 0;

    gf_buf_byte(out, list ? '{' : '[');
    while (in.at < in.end && otlp_wire_next(&in.at, in.end, &item) == NULL) {
        if (item.number != 1)
            continue;
        gf_buf_text(out, n++ > 0 ? "," : "");
        if (!list) {
            put_json(item.span, out);
            continue;
        }
        struct otlp_span key = {item.span.end, item.span.end}, value = key;
        for (struct otlp_span s = item.span;
             s.at < s.end && otlp_wire_next(&s.at, s.end, &part) == NULL;) {
            if (part.number == OTLP_KEY)
                key = part.span;
            else if (part.number == OTLP_VALUE)
                value = part.span;
        }
        gf_json_put_str(out, (const char *)key.at, (size_t)(key.end - key.at));
        gf_buf_byte(out, ':');
        put_json(value, out);
    }
    gf_buf_byte(out, list ? '}' : ']');
}

/* A scalar, or what is within. Where it is JSON, text is quoted, and so is what JSON has no number
 * for. */
static void put_any(enum otlp_kind kind, const struct otlp_item *item, int json,
                    struct gf_buf *out) {
    size_t len = (size_t)(item->span.end - item->span.at);
    double d = otlp_wire_double(item->bits);
    int quoted = json && (kind == OTLP_BYTES || (kind == OTLP_DOUBLE && !isfinite(d)));

    gf_buf_text(out, quoted ? "\"" : "");
    switch ((int)kind) {
    case OTLP_STRING:
        if (json)
            gf_json_put_str(out, (const char *)item->span.at, len);
        else
            gf_buf_add(out, item->span.at, len);
        break;
    case OTLP_BOOL:
        gf_buf_text(out, item->bits != 0 ? "true" : "false");
        break;
    case OTLP_INT64:
        gf_buf_printf(out, "%" PRId64, (int64_t)item->bits);
        break;
    case OTLP_DOUBLE:
        put_double(d, out);
        break;
    case OTLP_BYTES:
        gf_text_base64(out, item->span.at, len, 1);
        break;
    default:
        put_elements((enum otlp_type)otlp_schema[OTLP_ANY_VALUE].field[item->number].type,
                     item->span, out);
    }
    gf_buf_text(out, quoted ? "\"" : "");
}

/* The member of a value that is there; 0: there is none. */
static int value_in(struct otlp_span any, struct otlp_item *out) {
    while (any.at < any.end && otlp_wire_next(&any.at, any.end, out) == NULL)
        if (otlp_wire_field(&otlp_schema[OTLP_ANY_VALUE], out->number) != NULL)
            return 1;
    return 0;
}

static void put_json(struct otlp_span any, struct gf_buf *out) {
    struct otlp_item item;

    if (value_in(any, &item))
        put_any((enum otlp_kind)otlp_schema[OTLP_ANY_VALUE].field[item.number].kind, &item, 1, out);
    else
        gf_buf_text(out, "null");
}

void otlp_points_text(const struct otlp_attribute *a, struct gf_buf *out) {
    struct otlp_item item;

    if (value_in(a->value, &item))
        put_any(a->kind, &item, 0, out);
}
