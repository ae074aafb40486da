/*
 * influx_line.c -- lines of the Influx line protocol, and what stands in them.
 */
#include <string.h>

#include "common/influx_scan.h"
#include "gapferry/text.h"

/* A time beyond this is none to InfluxDB. */
#define TIME_MAX ((uint64_t)INT64_MAX - 1)

static int too_many(const struct influx_scan *s, const char *what, unsigned max) {
    return gf_err_set(s->e, GF_E_LIMIT, "more than %u %s", max, what);
}

static void skip_blanks(struct influx_scan *s) {
    while (influx_scan_next_is(s, ' '))
        s->at++;
}

/* ---- lines ---- */

/* 1 if one of the keys is the same, as they stand: a backslash that means nothing is a character.
 */
static int has(const struct otlp_span *keys, size_t n, struct otlp_span key) {
    const size_t len = influx_scan_length(key);

    for (size_t i = 0; i < n; i++) {
        if (influx_scan_length(keys[i]) == len && memcmp(keys[i].at, key.at, len) == 0)
            return 1;
    }
    return 0;
}

static int scan_tags(struct influx_scan *s, struct influx_line *line) {
    struct otlp_span keys[INFLUX_TAGS_MAX];
    struct influx_tag tag;
    unsigned n = 0;

    const uint8_t *from = s->at + influx_scan_next_is(s, ',');
    while (influx_scan_next_is(s, ',')) {
        s->at++;
        if (n == INFLUX_TAGS_MAX)
            return too_many(s, "tags", INFLUX_TAGS_MAX);
        if (influx_scan_tag(s, &tag) == -1)
            return -1;
        if (has(keys, n, tag.key))
            return influx_scan_bad(s, "duplicate tags");
        keys[n++] = tag.key;
    }
    line->tags = (struct otlp_span){from, s->at};
    line->ntags = n;
    return 0;
}

static int scan_fields(struct influx_scan *s, struct influx_line *line) {
    struct influx_field field;

    s->in_fields = 1;
    line->fields.at = s->at;
    for (;;) {
        if (influx_scan_field(s, &field) == -1)
            return -1;
        line->nfields++;
        line->nstrings += field.kind == INFLUX_STRING;
        line->fields.end = s->at;
        if (!influx_scan_next_is(s, ','))
            return 0;
        if (line->nfields == INFLUX_FIELDS_MAX)
            return too_many(s, "fields", INFLUX_FIELDS_MAX);
        s->at++;
    }
}

static int scan_stamp(struct influx_scan *s, uint64_t unit, struct influx_line *line) {
    const uint8_t *from = s->at;
    uint64_t units;

    if (influx_scan_next_is(s, '-'))
        return influx_scan_bad(s, "a time before 1970");
    (void)influx_scan_digits(&s->at, s->end);
    if (!influx_scan_at_end(s) && *s->at != ' ')
        return influx_scan_bad(s, "bad timestamp");
    line->stamp = (struct otlp_span){from, s->at};
    if (!influx_scan_read_digits(line->stamp, TIME_MAX / unit, &units))
        return influx_scan_bad(s, "a time beyond its range");
    line->time = units * unit;
    return 0;
}

static int scan_line(struct influx_scan *s, uint64_t unit, struct influx_line *line) {
    const uint8_t *from = s->at;

    if (influx_scan_measurement(s, &line->measurement) == -1)
        return -1;
    if (influx_scan_length(line->measurement) == 0)
        return influx_scan_bad(s, "missing measurement");
    if (scan_tags(s, line) == -1)
        return -1;
    line->series = (struct otlp_span){from, s->at};
    skip_blanks(s);
    if (influx_scan_at_end(s))
        return influx_scan_bad(s, "missing fields");
    if (scan_fields(s, line) == -1)
        return -1;
    skip_blanks(s);
    if (scan_stamp(s, unit, line) == -1)
        return -1;
    skip_blanks(s);
    if (!influx_scan_at_end(s))
        return influx_scan_bad(s, "something behind the timestamp");
    if (s->at - from > INFLUX_LINE_MAX)
        return gf_err_set(s->e, GF_E_LIMIT, "a line of more than %d bytes", INFLUX_LINE_MAX);
    return gf_text_is_utf8((const char *)from, (size_t)(s->at - from))
               ? 0
               : influx_scan_bad(s, "text that is not UTF-8");
}

/* To the end of a line that is not well-formed. An LF within what may be a string is passed, so
 * that nobody's text is taken for a line. */
static void skip_line(struct influx_scan *s) {
    struct otlp_span string;

    while (s->at < s->end && *s->at != '\n') {
        uint8_t c = *s->at++;
        if (c == '\\' && s->at < s->end && *s->at != '\n')
            s->at++;
        else if (c == ' ')
            s->in_fields = 1;
        else if (c == '=' && s->in_fields && influx_scan_next_is(s, '"') &&
                 influx_scan_string(s, &string) == -1)
            s->at = s->end;
    }
}

static uint64_t count_lines(const uint8_t *at, const uint8_t *end) {
    uint64_t n = 0;

    for (; at < end && (at = memchr(at, '\n', (size_t)(end - at))) != NULL; at++)
        n++;
    return n;
}

/* Past blank lines and comments, to the first byte of a line that is neither. */
static void skip_empty(struct influx_scan *s, uint64_t *number) {
    for (;;) {
        while (s->at < s->end && memchr(" \t\r\n", *s->at, 4) != NULL)
            *number += *s->at++ == '\n';
        if (!influx_scan_next_is(s, '#'))
            return;
        const uint8_t *lf = memchr(s->at, '\n', (size_t)(s->end - s->at));
        s->at = lf != NULL ? lf : s->end;
    }
}

void influx_line_open(struct influx_lines *it, const void *data, size_t len, uint64_t unit) {
    const uint8_t *at = data;

    *it = (struct influx_lines){.at = at, .end = at + len, .next = 1, .unit = unit};
}

int influx_line_next(struct influx_lines *it, struct influx_line *out, struct gf_err *e) {
    struct gf_err ignored;
    struct influx_scan skip = {it->at, it->end, 0, &ignored};

    skip_empty(&skip, &it->next);
    const uint8_t *from = it->at = skip.at;
    if (from == it->end)
        return 0;

    struct influx_line line = {.number = it->next};
    struct influx_scan s = {from, it->end, 0, e};
    int rc = scan_line(&s, it->unit, &line);
    skip.at = s.at;
    skip.in_fields = s.in_fields;
    skip_line(&skip);
    if (skip.at < it->end)
        skip.at++;
    it->number = it->next;
    it->next += count_lines(from, skip.at);
    it->at = skip.at;
    if (rc == -1)
        return -1;
    line.all = (struct otlp_span){from, skip.at};
    *out = line;
    return 1;
}

uint64_t influx_line_unit(const char *precision) {
    static const struct {
        const char *name;
        uint64_t ns;
    } units[] = {
        {"n", 1},        {"ns", 1},         {"u", 1000},        {"us", 1000},
        {"ms", 1000000}, {"s", 1000000000}, {"m", 60000000000}, {"h", 3600000000000},
    };

    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (strcmp(units[i].name, precision) == 0)
            return units[i].ns;
    }
    return 0;
}

/* ---- the parts of a line ---- */

/* Past the comma between two. */
static void take(struct otlp_span *left, const struct influx_scan *s) {
    left->at = s->at < s->end ? s->at + 1 : s->at;
}

int influx_line_tag(struct otlp_span *left, struct influx_tag *out) {
    struct gf_err ignored;
    struct influx_scan s = {left->at, left->end, 0, &ignored};

    if (left->at == left->end || influx_scan_tag(&s, out) == -1)
        return 0;
    take(left, &s);
    return 1;
}

int influx_line_field(struct otlp_span *left, struct influx_field *out) {
    struct gf_err ignored;
    struct influx_scan s = {left->at, left->end, 1, &ignored};

    if (left->at == left->end || influx_scan_field(&s, out) == -1)
        return 0;
    take(left, &s);
    return 1;
}

double influx_line_double(const struct influx_field *f) {
    if (f->kind == INFLUX_BOOLEAN)
        return *f->value.at == 't' || *f->value.at == 'T';
    return f->kind == INFLUX_STRING ? 0 : influx_scan_read_double(f->value);
}

void influx_line_text(struct otlp_span span, enum influx_text what, struct gf_buf *out) {
    static const char *const escaped[] = {[INFLUX_NAME] = ",= ", [INFLUX_QUOTED] = "\"\\"};

    while (span.at < span.end) {
        const uint8_t *stop = memchr(span.at, '\\', influx_scan_length(span));
        size_t n = stop != NULL ? (size_t)(stop - span.at) : influx_scan_length(span);
        gf_buf_add(out, span.at, n);
        span.at += n;
        if (stop == NULL)
            break;
        int escape = influx_scan_length(span) > 1 && span.at[1] != '\0' &&
                     strchr(escaped[what], span.at[1]) != NULL;
        gf_buf_byte(out, (char)span.at[escape]);
        span.at += 1 + escape;
    }
}

/* ---- a whole text ---- */

void influx_line_count(const struct influx_line *line, struct otlp_facts *facts) {
    facts->points += line->nfields;
    if (line->time == 0)
        return;
    if (facts->earliest == 0 || line->time < facts->earliest)
        facts->earliest = line->time;
    if (line->time > facts->latest)
        facts->latest = line->time;
}

int influx_line_check(const void *data, size_t len, uint64_t unit, struct otlp_facts *out,
                      struct gf_err *e) {
    struct otlp_facts facts = {.points = 0};
    struct influx_lines it;
    struct influx_line line;
    struct gf_err why;
    int rc;

    influx_line_open(&it, data, len, unit);
    while ((rc = influx_line_next(&it, &line, &why)) == 1)
        influx_line_count(&line, &facts);
    if (rc == -1)
        return gf_err_set(e, why.code, "line %llu: %s", (unsigned long long)it.number, why.text);
    if (out != NULL)
        *out = facts;
    return 0;
}

/* Bytes of a string in JSON, at most (gf_json_put_str()). */
static size_t json_size(struct otlp_span span) {
    size_t n = influx_scan_length(span);

    for (; span.at < span.end; span.at++) {
        if (*span.at < 0x20)
            n += *span.at == '\n' ? 1 : 5;
        else
            n += *span.at == '"' || *span.at == '\\';
    }
    return n;
}

size_t influx_line_cut(const void *data, size_t len, size_t room) {
    const uint8_t *begin = data, *last = begin;
    struct influx_lines it;
    struct influx_line line;
    struct gf_err ignored;
    size_t used = 0;

    /* No byte takes more than six. */
    if (len <= room / 6)
        return len;
    influx_line_open(&it, data, len, INFLUX_LINE_NS);
    while (influx_line_next(&it, &line, &ignored) != 0) {
        used += json_size((struct otlp_span){last, it.at});
        if (used > room && last > begin)
            return (size_t)(last - begin);
        last = it.at;
    }
    return len;
}
