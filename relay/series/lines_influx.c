/*
 * lines_influx.c -- lines as they came, with the relay's own tags.
 */
#include "common/influx_line.h"
#include "relay/series/lines.h"

#define KEY_MAX (2 * INFLUX_LINE_MAX) /* bytes of a tag's key */

static void put_span(struct otlp_span s, struct gf_buf *out) {
    gf_buf_add(out, s.at, (size_t)(s.end - s.at));
}

/* A name that is the relay's to give. */
static int is_own(struct otlp_span name, struct gf_buf *key) {
    gf_buf_clear(key);
    influx_line_text(name, INFLUX_NAME, key);
    return key->data != NULL && lines_put_is_own(key->data, key->len);
}

/* The fields but for those of such names, which a sink could not tell from the tags; how many. */
static size_t put_fields(const struct influx_line *line, struct gf_buf *key, struct gf_buf *out) {
    struct otlp_span left = line->fields;
    struct influx_field field;
    size_t n = 0;

    while (influx_line_field(&left, &field)) {
        if (is_own(field.key, key))
            continue;
        if (n++ > 0)
            gf_buf_byte(out, ',');
        put_span(field.all, out);
    }
    return n;
}

/* 0, or -1 if it has no field of its own; then nothing is appended. */
static int put_line(const struct influx_line *line, const struct metrics_labels *added,
                    struct gf_buf *key, struct gf_buf *out) {
    struct otlp_span left = line->tags;
    size_t before = out->len;
    struct influx_tag tag;

    put_span(line->measurement, out);
    while (influx_line_tag(&left, &tag)) {
        if (is_own(tag.key, key))
            continue;
        gf_buf_byte(out, ',');
        put_span(tag.all, out);
    }
    lines_put_added(added, out);
    gf_buf_byte(out, ' ');
    if (put_fields(line, key, out) == 0) {
        out->len = before;
        return -1;
    }
    gf_buf_byte(out, ' ');
    put_span(line->stamp, out);
    gf_buf_byte(out, '\n');
    return 0;
}

int lines_influx(const void *data, size_t len, const struct metrics_labels *added,
                 struct pieces *out, struct gf_err *e) {
    struct influx_lines it;
    struct influx_line line;
    struct gf_err ignored;
    struct gf_buf key;
    int rc;

    gf_buf_init(&key, KEY_MAX);
    influx_line_open(&it, data, len, INFLUX_LINE_NS);
    while (!out->failed && !out->bytes.failed &&
           (rc = influx_line_next(&it, &line, &ignored)) != 0) {
        if (rc == -1) {
            pieces_add(out, 0, "a line that is not well-formed");
        } else if (line.time == 0) {
            pieces_add(out, 0, "without a time");
        } else if (put_line(&line, added, &key, &out->bytes) == -1) {
            pieces_add(out, 0, "without a field but those named like the relay's tags");
        } else {
            pieces_add(out, line.time, NULL);
        }
    }
    gf_buf_free(&key);
    return pieces_check(out, e);
}
