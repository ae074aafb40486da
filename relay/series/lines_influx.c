/*
 * lines_influx.c -- lines as they came, with the relay's own tags.
 */
#include "common/influx_line.h"
#include "relay/series/lines.h"

#define KEY_MAX (2 * INFLUX_LINE_MAX) /* bytes of a tag's key */

static void put_span(struct otlp_span s, struct gf_buf *out) {
    gf_buf_add(out, s.at, (size_t)(s.end - s.at));
}

static void put_line(const struct influx_line *line, const struct metrics_labels *added,
                     struct gf_buf *key, struct gf_buf *out) {
    struct otlp_span left = line->tags;
    struct influx_tag tag;

    put_span(line->measurement, out);
    while (influx_line_tag(&left, &tag)) {
        gf_buf_clear(key);
        influx_line_text(tag.key, INFLUX_NAME, key);
        if (key->data != NULL && lines_put_is_own(key->data, key->len))
            continue;
        gf_buf_byte(out, ',');
        put_span(tag.all, out);
    }
    lines_put_added(added, out);
    gf_buf_byte(out, ' ');
    put_span(line->fields, out);
    gf_buf_byte(out, ' ');
    put_span(line->stamp, out);
    gf_buf_byte(out, '\n');
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
        } else {
            put_line(&line, added, &key, &out->bytes);
            pieces_add(out, line.time, NULL);
        }
    }
    gf_buf_free(&key);
    return pieces_check(out, e);
}
