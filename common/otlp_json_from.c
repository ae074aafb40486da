/*
 * otlp_json_from.c -- a request in protobuf as OTLP JSON.
 */
#include <inttypes.h>
#include <math.h>

#include "common/otlp_json.h"
#include "common/otlp_value.h"
#include "common/otlp_wire.h"
#include "gapferry/json.h"
#include "gapferry/text.h"

struct writer {
    struct gf_buf *out;
    int pretty;
    unsigned depth; /* of what is open */
};

/* The next line at this depth, where lines are wanted. */
static void put_line(const struct writer *w) {
    if (w->pretty) {
        char *at = gf_buf_grow(w->out, 1 + (size_t)w->depth * 2);
        if (at == NULL)
            return;
        *at = '\n';
        memset(at + 1, ' ', (size_t)w->depth * 2);
        w->out->len += 1 + (size_t)w->depth * 2;
    }
}

static void put_double(struct gf_buf *out, double d) {
    char text[OTLP_VALUE_DOUBLE];

    if (isnan(d) || isinf(d)) {
        gf_buf_text(out, isnan(d) ? "\"NaN\"" : d > 0 ? "\"Infinity\"" : "\"-Infinity\"");
        return;
    }
    otlp_value_double(d, text);
    gf_buf_text(out, text);
}

static void put_number(struct gf_buf *out, enum otlp_kind kind, uint64_t bits) {
    switch ((int)kind) {
    case OTLP_BOOL:
        gf_buf_text(out, bits != 0 ? "true" : "false");
        break;
    case OTLP_ENUM:
        gf_buf_printf(out, "%" PRId32, (int32_t)bits);
        break;
    case OTLP_UINT32:
        gf_buf_printf(out, "%" PRIu32, (uint32_t)bits);
        break;
    case OTLP_SINT32:
        gf_buf_printf(out, "%" PRId32, otlp_wire_zigzag(bits));
        break;
    case OTLP_INT64:
    case OTLP_SFIXED64:
        gf_buf_printf(out, "\"%" PRId64 "\"", (int64_t)bits);
        break;
    case OTLP_DOUBLE:
        put_double(out, otlp_wire_double(bits));
        break;
    default:
        gf_buf_printf(out, "\"%" PRIu64 "\"", bits);
    }
}

static void put_bytes(struct gf_buf *out, enum otlp_kind kind, struct otlp_span s) {
    size_t len = (size_t)(s.end - s.at);

    if (kind == OTLP_STRING) {
        gf_json_put_shown(out, (const char *)s.at, len);
        return;
    }
    gf_buf_byte(out, '"');
    if (kind == OTLP_BYTES) {
        gf_text_base64(out, s.at, len, 1);
    } else {
        char *to = gf_buf_grow(out, len * 2);
        if (to != NULL) {
            gf_text_hex(s.at, len, to);
            out->len += len * 2;
        }
    }
    gf_buf_byte(out, '"');
}

static void put_message(struct writer *w, enum otlp_type type, struct otlp_span in);

static void put_value(struct writer *w, const struct otlp_field *field,
                      const struct otlp_item *item) {
    if (field->kind == OTLP_MESSAGE)
        put_message(w, (enum otlp_type)field->type, item->span);
    else if (otlp_schema_wire[field->kind] == OTLP_LENGTH)
        put_bytes(w->out, (enum otlp_kind)field->kind, item->span);
    else
        put_number(w->out, (enum otlp_kind)field->kind, item->bits);
}

static void put_separator(const struct writer *w, size_t *n, int lines) {
    if ((*n)++ > 0)
        gf_buf_text(w->out, w->pretty && !lines ? ", " : ",");
    if (lines)
        put_line(w);
}

/* Scalars of a list that stand in one packed value. */
static void put_packed(struct writer *w, const struct otlp_field *field, struct otlp_span in,
                       size_t *n) {
    int eight = otlp_schema_wire[field->kind] == OTLP_EIGHT;

    while (in.at < in.end) {
        uint64_t bits = 0;
        if (eight) {
            bits = otlp_wire_eight(in.at);
            in.at += 8;
        } else if (otlp_wire_varint(&in.at, in.end, &bits) != NULL) {
            return;
        }
        put_separator(w, n, 0);
        put_number(w->out, (enum otlp_kind)field->kind, bits);
    }
}

/* All occurrences of a repeated field: wherever they stand, JSON has one array for them. */
static void put_array(struct writer *w, const struct otlp_field *field, uint32_t number,
                      struct otlp_span in) {
    int lines = field->kind == OTLP_MESSAGE;
    struct otlp_item item;
    size_t n = 0;

    gf_buf_byte(w->out, '[');
    w->depth++;
    while (in.at < in.end && otlp_wire_next(&in.at, in.end, &item) == NULL) {
        if (item.number != number)
            continue;
        if (item.wire != otlp_schema_wire[field->kind]) {
            put_packed(w, field, item.span, &n);
            continue;
        }
        put_separator(w, &n, lines);
        put_value(w, field, &item);
    }
    w->depth--;
    if (lines && n > 0)
        put_line(w);
    gf_buf_byte(w->out, ']');
}

static void put_message(struct writer *w, enum otlp_type type, struct otlp_span in) {
    const struct otlp_message *m = &otlp_schema[type];
    struct otlp_item item, one[OTLP_NUMBERS];
    uint32_t present = 0;
    size_t n = 0;

    for (struct otlp_span s = in; s.at < s.end && otlp_wire_next(&s.at, s.end, &item) == NULL;) {
        if (otlp_wire_field(m, item.number) != NULL) {
            present |= 1U << item.number;
            one[item.number] = item;
        }
    }
    gf_buf_byte(w->out, '{');
    w->depth++;
    for (uint32_t number = 1; number < OTLP_NUMBERS; number++) {
        const struct otlp_field *field = &m->field[number];
        if ((present & 1U << number) == 0)
            continue;
        put_separator(w, &n, 1);
        gf_buf_byte(w->out, '"');
        gf_buf_text(w->out, field->name);
        gf_buf_text(w->out, w->pretty ? "\": " : "\":");
        if (field->repeated)
            put_array(w, field, number, in);
        else
            put_value(w, field, &one[number]);
    }
    w->depth--;
    if (n > 0)
        put_line(w);
    gf_buf_byte(w->out, '}');
}

int otlp_json_from_protobuf(const void *data, size_t len, int pretty, struct gf_buf *out,
                            struct gf_err *e) {
    struct writer w = {.out = out, .pretty = pretty};
    struct otlp_span in = otlp_wire_span(data, len);
    size_t before = out->len;

    /* What has passed the check can be written without a look at its form: each wire type is right,
     * and what may stand once stands once. */
    if (otlp_check(data, len, NULL, e) == -1)
        return -1;
    put_message(&w, OTLP_REQUEST, in);
    if (gf_buf_check(out, "the request as JSON", e) == -1) {
        out->len = before;
        return -1;
    }
    return 0;
}
