/*
 * fuzz_influx_line.c -- influx_line: whatever comes, the parts of a line add up to it, a line reads
 * the same when it stands alone, and reading ends.
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/influx_line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int fact) {
    if (!fact)
        abort();
}

static size_t length(struct otlp_span s) {
    return (size_t)(s.end - s.at);
}

static void look_at_parts(const struct influx_line *line, struct gf_buf *text) {
    struct otlp_span tags = line->tags, fields = line->fields;
    struct influx_field field;
    struct influx_tag tag;
    unsigned n = 0;
    size_t bytes = 0;

    while (influx_line_tag(&tags, &tag)) {
        require(length(tag.key) > 0 && length(tag.value) > 0);
        require(length(tag.all) == length(tag.key) + 1 + length(tag.value));
        bytes += length(tag.all) + 1;
        gf_buf_clear(text);
        influx_line_text(tag.value, INFLUX_NAME, text);
        require(text->len > 0 && text->len <= length(tag.value));
        n++;
    }
    require(n == line->ntags && tags.at == tags.end);
    require(length(line->series) == length(line->measurement) + bytes);

    for (n = 0, bytes = 0; influx_line_field(&fields, &field); n++) {
        require(length(field.key) > 0);
        bytes += length(field.all) + 1;
        gf_buf_clear(text);
        if (field.kind == INFLUX_STRING)
            influx_line_text(field.value, INFLUX_QUOTED, text);
        else
            require(isfinite(influx_line_double(&field)) && length(field.value) > 0);
        require(text->len <= length(field.value));
    }
    require(n == line->nfields && fields.at == fields.end && n > 0);
    require(bytes == length(line->fields) + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const uint64_t units[] = {1, 1000, 3600000000000ULL};
    struct gf_err e = {.text = ""};
    struct otlp_facts facts;
    struct influx_lines it, alone;
    struct influx_line line, again;
    struct gf_buf text;
    uint64_t points = 0;
    int bad = 0, rc;

    if (size == 0)
        return 0;
    const uint64_t unit = units[data[0] % 3];
    data++;
    size--;
    gf_buf_init(&text, 1 << 20);
    influx_line_open(&it, data, size, unit);
    const uint8_t *before = it.at;
    while ((rc = influx_line_next(&it, &line, &e)) != 0) {
        require(it.at > before && it.at <= data + size);
        before = it.at;
        bad += rc == -1;
        if (rc == -1) {
            require(e.text[0] != '\0');
            continue;
        }
        require(line.all.end == it.at);
        require(length(line.all) <= INFLUX_LINE_MAX + 2 && line.number == it.number);
        points += line.nfields;
        look_at_parts(&line, &text);
        influx_line_open(&alone, line.all.at, length(line.all), unit);
        require(influx_line_next(&alone, &again, &e) == 1);
        require(again.all.end == line.all.end && again.time == line.time);
        require(again.series.end == line.series.end && again.fields.end == line.fields.end);
        require(influx_line_next(&alone, &again, &e) == 0);
    }
    rc = influx_line_check(data, size, unit, &facts, &e);
    require(rc == (bad > 0 ? -1 : 0));
    require(rc == -1 || (facts.points == points && facts.earliest <= facts.latest));
    gf_buf_free(&text);
    return 0;
}
