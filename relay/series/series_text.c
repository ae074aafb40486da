/*
 * series_text.c -- a sample as a line of Prometheus text.
 */
#include <math.h>
#include <string.h>

#include "common/otlp_value.h"
#include "relay/series/series.h"

static void put_value(const char *text, size_t len, struct gf_buf *out) {
    size_t from = 0;

    for (size_t i = 0; i < len; i++) {
        if (text[i] != '\\' && text[i] != '"' && text[i] != '\n')
            continue;
        gf_buf_add(out, text + from, i - from);
        gf_buf_byte(out, '\\');
        gf_buf_byte(out, text[i] == '\n' ? 'n' : text[i]);
        from = i + 1;
    }
    gf_buf_add(out, text + from, len - from);
}

static void put_label(char before, const char *name, size_t name_len, const char *value,
                      size_t value_len, struct gf_buf *out) {
    gf_buf_byte(out, before);
    gf_buf_add(out, name, name_len);
    gf_buf_text(out, "=\"");
    put_value(value, value_len, out);
    gf_buf_byte(out, '"');
}

static void put_integer(uint64_t u, int negative, struct gf_buf *out) {
    char digits[24];
    size_t at = sizeof digits;

    do
        digits[--at] = (char)('0' + u % 10);
    while ((u /= 10) > 0);
    if (negative)
        digits[--at] = '-';
    gf_buf_add(out, digits + at, sizeof digits - at);
}

static void put_number(const struct series_sample *s, struct gf_buf *out) {
    char text[OTLP_VALUE_DOUBLE];

    if (s->kind == SERIES_INT) {
        put_integer(s->i < 0 ? 0 - (uint64_t)s->i : (uint64_t)s->i, s->i < 0, out);
    } else if (s->kind == SERIES_UINT) {
        put_integer(s->u, 0, out);
    } else if (s->kind == SERIES_STALE || isnan(s->d)) {
        gf_buf_text(out, "NaN");
    } else if (isinf(s->d)) {
        gf_buf_text(out, s->d > 0 ? "+Inf" : "-Inf");
    } else {
        otlp_value_double(s->d, text);
        gf_buf_text(out, text);
    }
}

void series_text_key(const struct series_sample *s, struct gf_buf *out) {
    const char *extra = s->extra;
    char before = '{';

    gf_buf_text(out, s->name);
    gf_buf_text(out, s->suffix);
    for (size_t i = 0; i <= s->nlabels; i++) {
        const struct series_label *l = i < s->nlabels ? &s->label[i] : NULL;
        if (extra != NULL && (l == NULL || series_is_behind(l, extra))) {
            put_label(before, extra, strlen(extra), s->extra_value, strlen(s->extra_value), out);
            before = ',';
            extra = NULL;
        }
        if (l != NULL) {
            put_label(before, l->name, l->name_len, l->value, l->value_len, out);
            before = ',';
        }
    }
    if (before == ',')
        gf_buf_byte(out, '}');
}

static void put(const struct series_sample *s, struct gf_buf *out) {
    series_text_key(s, out);
    gf_buf_byte(out, ' ');
    put_number(s, out);
    gf_buf_byte(out, ' ');
    put_integer(s->ms < 0 ? 0 - (uint64_t)s->ms : (uint64_t)s->ms, s->ms < 0, out);
    gf_buf_byte(out, '\n');
}

const struct series_form series_text = {.put = put, .only_numbers = 1};
