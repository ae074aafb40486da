/*
 * series_influx.c -- fields of Influx lines as samples.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/influx_line.h"
#include "relay/series/series_labels.h"
#include "relay/series/series_name.h"

#define TEXT_MAX (2 * INFLUX_LINE_MAX) /* bytes of a part of a line */
#define NS_OF_MS 1000000
#define DIGITS   40 /* bytes of an integer's digits, with a NUL; more are no integer of 64 bits */

struct walk {
    const struct series_form *form;
    const struct metrics_labels *added;
    struct pieces *out;
    struct series_labels labels;
    struct gf_buf measurement, name, key, value; /* without their escapes */
};

static const char *text(struct gf_buf *b, struct otlp_span span, enum influx_text what) {
    gf_buf_clear(b);
    influx_line_text(span, what, b);
    return b->data != NULL ? b->data : "";
}

static void add_tags(struct walk *w, const struct influx_line *line) {
    struct otlp_span left = line->tags;
    struct influx_tag tag;

    while (influx_line_tag(&left, &tag)) {
        const char *key = text(&w->key, tag.key, INFLUX_NAME);
        const char *value = text(&w->value, tag.value, INFLUX_NAME);
        series_labels_add(&w->labels, key, w->key.len, value, w->value.len);
    }
}

/* Integers keep their digits; -1: they are none. */
static int read_integer(const struct influx_field *f, struct series_sample *s) {
    size_t n = (size_t)(f->value.end - f->value.at);
    char digits[DIGITS], *end;

    if (n == 0 || n >= sizeof digits)
        return -1;
    memcpy(digits, f->value.at, n);
    digits[n] = '\0';
    s->kind = f->kind == INFLUX_INTEGER ? SERIES_INT : SERIES_UINT;
    if (f->kind == INFLUX_INTEGER)
        s->i = strtoll(digits, &end, 10);
    else
        s->u = strtoull(digits, &end, 10);
    return *end == '\0' ? 0 : -1;
}

static void add_field(struct walk *w, const struct influx_line *line, int nlabels,
                      const struct influx_field *f) {
    struct series_sample s = {.suffix = "",
                              .label = w->labels.made,
                              .nlabels = nlabels > 0 ? (size_t)nlabels : 0,
                              .ms = (int64_t)(line->time / NS_OF_MS)};
    const char *why = NULL;

    if (line->time != 0 && f->kind == INFLUX_STRING) {
        pieces_leave(w->out, line->time, "a text, which Prometheus has no form for");
        return;
    }
    if (line->time == 0)
        why = "without a time";
    else if (nlabels == -1)
        why = SERIES_LABELS_UNFIT;
    else if ((f->kind == INFLUX_INTEGER || f->kind == INFLUX_UNSIGNED) && read_integer(f, &s) == -1)
        why = "not a number";
    if (why == NULL) {
        if (f->kind == INFLUX_FLOAT || f->kind == INFLUX_BOOLEAN)
            s.d = influx_line_double(f);
        gf_buf_clear(&w->key);
        gf_buf_add(&w->key, w->measurement.data, w->measurement.len);
        gf_buf_byte(&w->key, '_');
        influx_line_text(f->key, INFLUX_NAME, &w->key);
        gf_buf_clear(&w->name);
        series_name_metric(w->key.data, w->key.len, &w->name);
        s.name = w->name.data;
        if (w->key.failed || w->name.failed)
            why = "not a number";
        else
            w->form->put(&s, &w->out->bytes);
    }
    pieces_add(w->out, line->time, why);
}

static void add_line(struct walk *w, const struct influx_line *line) {
    struct otlp_span left = line->fields;
    struct influx_field field;

    (void)text(&w->measurement, line->measurement, INFLUX_NAME);
    add_tags(w, line);
    int nlabels = series_labels_end(&w->labels, NULL);
    while (influx_line_field(&left, &field))
        add_field(w, line, nlabels, &field);
    series_labels_back(&w->labels);
}

int series_influx(const void *data, size_t len, const struct series_form *form,
                  const struct metrics_labels *added, struct pieces *out, struct gf_err *e) {
    struct walk *w = calloc(1, sizeof *w);
    struct influx_lines it;
    struct influx_line line;
    struct gf_err ignored;
    int rc;

    if (w == NULL)
        return gf_err_set(e, GF_E_SYSTEM, "no memory for lines");
    w->form = form;
    w->added = added;
    w->out = out;
    series_labels_init(&w->labels);
    gf_buf_init(&w->measurement, TEXT_MAX);
    gf_buf_init(&w->name, TEXT_MAX);
    gf_buf_init(&w->key, TEXT_MAX);
    gf_buf_init(&w->value, TEXT_MAX);
    series_labels_begin(&w->labels, added);
    influx_line_open(&it, data, len, INFLUX_LINE_NS);
    while (!out->failed && !out->bytes.failed &&
           (rc = influx_line_next(&it, &line, &ignored)) != 0) {
        if (rc == 1)
            add_line(w, &line);
        else
            pieces_add(out, 0, "a line that is not well-formed");
    }
    rc = pieces_check(out, e);
    series_labels_free(&w->labels);
    gf_buf_free(&w->measurement);
    gf_buf_free(&w->name);
    gf_buf_free(&w->key);
    gf_buf_free(&w->value);
    free(w);
    return rc;
}
