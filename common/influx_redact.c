/*
 * influx_redact.c -- lines through a rule: what stays in a row is copied at once.
 */
#include "common/influx_redact.h"

#include <string.h>

struct work {
    const struct influx_rule *rule;
    struct gf_buf *out;
    struct influx_redacted *redacted;
    struct gf_buf key;   /* one with its escapes resolved */
    const uint8_t *from; /* from here to the end of the last line nothing changes */
    int changed;
};

static void put(struct work *w, struct otlp_span span) {
    gf_buf_add(w->out, span.at, (size_t)(span.end - span.at));
}

/* What a name means: itself, but where it has escapes. */
static struct otlp_span meaning(struct work *w, struct otlp_span key) {
    if (memchr(key.at, '\\', (size_t)(key.end - key.at)) == NULL)
        return key;
    gf_buf_clear(&w->key);
    influx_line_text(key, INFLUX_NAME, &w->key);
    const uint8_t *text = (const uint8_t *)w->key.data;
    return (struct otlp_span){text, text + w->key.len};
}

/* 1 if the list names it. */
static int is_denied(struct work *w, struct otlp_span key) {
    struct otlp_span name = meaning(w, key);

    return otlp_deny_has(w->rule->deny, name.at, (size_t)(name.end - name.at));
}

/* The same, and it is told. */
static unsigned deny(struct work *w, struct otlp_span key) {
    struct otlp_span name = meaning(w, key);

    if (!otlp_deny_has(w->rule->deny, name.at, (size_t)(name.end - name.at)))
        return 0;
    otlp_redacted_note(&w->redacted->gone, name.at, (size_t)(name.end - name.at));
    return 1;
}

/* How many tags and fields of a line go, and of these how many fields; each is told. */
static unsigned deny_all(struct work *w, const struct influx_line *line, unsigned *fields) {
    struct otlp_span left = line->tags;
    struct influx_field field;
    struct influx_tag tag;
    unsigned tags = 0;

    while (influx_line_tag(&left, &tag))
        tags += deny(w, tag.key);
    *fields = 0;
    left = line->fields;
    while (line->nstrings > 0 && influx_line_field(&left, &field)) {
        if (field.kind == INFLUX_STRING)
            *fields += deny(w, field.key);
    }
    return tags + *fields;
}

/* Measurement, tags and fields without those that go. */
static void put_rest(struct work *w, const struct influx_line *line) {
    struct otlp_span left = line->tags;
    struct influx_field field;
    struct influx_tag tag;
    char between = ' ';

    put(w, line->measurement);
    while (influx_line_tag(&left, &tag)) {
        if (is_denied(w, tag.key))
            continue;
        gf_buf_byte(w->out, ',');
        put(w, tag.all);
    }
    left = line->fields;
    while (influx_line_field(&left, &field)) {
        if (field.kind == INFLUX_STRING && is_denied(w, field.key))
            continue;
        gf_buf_byte(w->out, between);
        put(w, field.all);
        between = ',';
    }
}

static void put_time(struct work *w, const struct influx_line *line) {
    gf_buf_byte(w->out, ' ');
    if (w->rule->unit == INFLUX_LINE_NS && line->stamp.at < line->stamp.end)
        put(w, line->stamp);
    else
        gf_buf_printf(w->out, "%llu", (unsigned long long)line->time);
    if (line->all.end[-1] == '\n')
        gf_buf_byte(w->out, '\n');
}

/* What is unchanged so far goes out; from `next` on the same is looked for anew. */
static void cut(struct work *w, const uint8_t *upto, const uint8_t *next) {
    put(w, (struct otlp_span){w->from, upto});
    w->from = next;
    w->changed = 1;
}

static void take_line(struct work *w, struct influx_line *line) {
    const int has_stamp = line->stamp.at < line->stamp.end;
    const uint8_t *end = line->all.end;
    unsigned fields;

    unsigned denied = deny_all(w, line, &fields);
    if (fields == line->nfields) {
        w->redacted->emptied++;
        cut(w, line->all.at, end);
        return;
    }
    if (!has_stamp)
        line->time = w->rule->arrived;
    w->redacted->lines++;
    line->nfields -= fields;
    influx_line_count(line, &w->redacted->facts);

    /* Behind the time may be nothing but LF. */
    const uint8_t *tail = line->stamp.end;
    int plain = tail == end || (*tail == '\n' && tail + 1 == end);
    if (denied == 0 && has_stamp && plain && w->rule->unit == INFLUX_LINE_NS)
        return;
    cut(w, line->all.at, end);
    if (denied > 0)
        put_rest(w, line);
    else
        put(w, (struct otlp_span){line->all.at, line->fields.end});
    put_time(w, line);
}

int influx_redact(const void *data, size_t len, const struct influx_rule *rule, struct gf_buf *out,
                  struct influx_redacted *redacted, struct gf_err *e) {
    const uint8_t *begin = data, *end = begin + len;
    struct work w = {.rule = rule, .out = out, .redacted = redacted, .from = begin};
    const size_t before = out->len;
    struct influx_lines it;
    struct influx_line line;
    struct gf_err why;
    int rc;

    gf_buf_init(&w.key, INFLUX_LINE_MAX);
    influx_line_open(&it, data, len, rule->unit);
    const uint8_t *last = begin;
    for (; (rc = influx_line_next(&it, &line, &why)) != 0; last = it.at) {
        if (rc == -1) {
            if (redacted->broken++ == 0) {
                redacted->first = it.number;
                redacted->why = why;
            }
            cut(&w, last, it.at);
            continue;
        }
        if (line.all.at > last)
            cut(&w, last, line.all.at);
        take_line(&w, &line);
    }
    if (last < end)
        cut(&w, last, end);
    if (w.changed)
        put(&w, (struct otlp_span){w.from, end});
    rc = w.changed;
    if (gf_buf_check(&w.key, "a name in a line", e) == -1 || gf_buf_check(out, "lines", e) == -1) {
        out->len = before;
        rc = -1;
    }
    gf_buf_free(&w.key);
    return rc;
}
