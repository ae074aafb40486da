/*
 * thin_choice.c -- which points of metrics stay when they are thinned.
 */
#include "agent/thin/thin_choice.h"

#include <stdlib.h>
#include <string.h>

#include "agent/thin/thin_key.h"
#include "common/influx_line.h"
#include "common/otlp_points.h"

#define SLOTS_MIN 256

struct thin_slot {
    struct gf_id key; /* of series and window */
    uint64_t time, item;
    int used;
};

static int no_memory(struct gf_err *e) {
    return gf_err_set(e, GF_E_SYSTEM, "thinning metrics: out of memory");
}

/* ---- the last one of each series and window ---- */

/* Where a key stands, or where it belongs. The digest is its own hash. */
static struct thin_slot *find(struct thin_slot *slots, size_t room, const struct gf_id *key) {
    size_t at;

    memcpy(&at, key->b, sizeof at);
    for (at &= room - 1; slots[at].used; at = (at + 1) & (room - 1)) {
        if (memcmp(slots[at].key.b, key->b, sizeof key->b) == 0)
            break;
    }
    return &slots[at];
}

static int grow(struct thin_choice *c, struct gf_err *e) {
    const size_t room = c->room > 0 ? 2 * c->room : SLOTS_MIN;
    struct thin_slot *slots = calloc(room, sizeof *slots);

    if (slots == NULL)
        return no_memory(e);
    for (size_t i = 0; i < c->room; i++) {
        if (c->slot[i].used)
            *find(slots, room, &c->slot[i].key) = c->slot[i];
    }
    free(c->slot);
    c->slot = slots;
    c->room = room;
    return 0;
}

static int put(struct thin_choice *c, struct thin_key *k, uint64_t time, uint64_t item,
               struct gf_err *e) {
    struct gf_id key;

    if (gf_buf_check(&k->text, "thinning metrics", e) == -1)
        return -1;
    if (4 * (c->used + 1) > 3 * c->room && grow(c, e) == -1)
        return -1;
    thin_key_digest(k, &key);
    struct thin_slot *s = find(c->slot, c->room, &key);
    c->used += !s->used;
    if (!s->used || time >= s->time)
        *s = (struct thin_slot){key, time, item, 1};
    return 0;
}

/* ---- items ---- */

static void stay(struct thin_choice *c, uint64_t item) {
    c->bits[item / 8] = (uint8_t)(c->bits[item / 8] | 1U << item % 8);
}

/* An item that may go: at most that many are in a text of these bytes. */
static int begin(struct thin_choice *c, size_t items_max, struct gf_err *e) {
    *c = (struct thin_choice){.bits = calloc(items_max / 8 + 1, 1)};
    return c->bits == NULL ? no_memory(e) : 0;
}

static void end(struct thin_choice *c) {
    for (size_t i = 0; i < c->room; i++) {
        if (c->slot[i].used)
            stay(c, c->slot[i].item);
    }
    free(c->slot);
    c->slot = NULL;
    c->room = 0;
}

static void count_left(struct thin_choice *c, uint64_t points, uint64_t time) {
    if (c->left == 0 || time < c->first)
        c->first = time;
    if (c->left == 0 || time > c->last)
        c->last = time;
    c->left += points;
}

void thin_choice_free(struct thin_choice *c) {
    free(c->bits);
    free(c->slot);
    *c = (struct thin_choice){.bits = NULL};
}

/* ---- OpenTelemetry ---- */

static void put_attributes(struct thin_key *k, enum otlp_type type, struct otlp_span message) {
    struct otlp_attributes it;
    struct otlp_attribute a;

    for (otlp_points_attributes(&it, type, message); otlp_points_attribute(&it, &a);)
        thin_key_part(k, a.key, a.value);
    thin_key_sorted(k);
    thin_key_number(k, UINT64_MAX); /* no length: here they end */
}

/* What all points of a metric have in common. */
static void put_metric(struct thin_key *k, const struct otlp_point *p, struct gf_id *out) {
    thin_key_clear(k);
    put_attributes(k, OTLP_RESOURCE, p->resource);
    thin_key_bytes(k, p->scope_name);
    thin_key_bytes(k, p->scope_version);
    put_attributes(k, OTLP_SCOPE, p->scope);
    thin_key_bytes(k, p->name);
    thin_key_bytes(k, p->unit);
    thin_key_number(k, p->kind);
    thin_key_number(k, (uint64_t)p->temporality);
    thin_key_number(k, (uint64_t)p->monotonic);
    thin_key_digest(k, out);
}

static int may_go(const struct otlp_point *p) {
    return p->time != 0 && (p->kind == OTLP_METRIC_GAUGE || p->kind == OTLP_METRIC_SUMMARY ||
                            p->temporality == OTLP_CUMULATIVE);
}

static int put_point(struct thin_choice *c, struct thin_key *k, const struct gf_id *metric,
                     const struct otlp_point *p, uint64_t every, struct gf_err *e) {
    thin_key_clear(k);
    gf_buf_add(&k->text, metric->b, sizeof metric->b);
    thin_key_number(k, p->kind == OTLP_METRIC_GAUGE ? 0 : p->start);
    thin_key_number(k, (uint64_t)p->no_value);
    thin_key_number(k, p->time / every);
    put_attributes(k, p->type, p->span);
    return put(c, k, p->time, c->n, e);
}

static int walk_otlp(struct thin_choice *c, struct otlp_points it, struct thin_key *k,
                     uint64_t every, struct gf_err *e) {
    const uint8_t *of = NULL; /* which metric the digest is of */
    struct otlp_point p;
    struct gf_id metric = {{0}};

    for (; otlp_points_next(&it, &p); c->n++) {
        if (!may_go(&p)) {
            stay(c, c->n);
            continue;
        }
        if (p.around[2].at != of)
            put_metric(k, &p, &metric);
        of = p.around[2].at;
        if (put_point(c, k, &metric, &p, every, e) == -1)
            return -1;
    }
    c->points = c->n;
    return 0;
}

int thin_choice_otlp(const void *data, size_t len, uint64_t every, struct thin_choice *out,
                     struct gf_err *e) {
    struct otlp_points it;
    struct otlp_point p;
    struct thin_key k;

    /* A point has a tag and a length at least. */
    if (begin(out, len / 2, e) == -1 || otlp_points_open(&it, data, len, e) == -1)
        return -1;
    thin_key_open(&k);
    int rc = walk_otlp(out, it, &k, every, e);
    thin_key_close(&k);
    if (rc == -1)
        return -1;
    end(out);
    for (uint64_t i = 0; otlp_points_next(&it, &p); i++) {
        if (!thin_choice_stays(out, i))
            count_left(out, 1, p.time);
    }
    return 0;
}

/* ---- Influx ---- */

static int put_line(struct thin_choice *c, struct thin_key *k, const struct influx_line *line,
                    uint64_t every, struct gf_err *e) {
    struct otlp_span tags = line->tags, fields = line->fields;
    struct influx_field field;
    struct influx_tag tag;
    struct gf_id series;

    thin_key_clear(k);
    thin_key_bytes(k, line->measurement);
    while (influx_line_tag(&tags, &tag))
        thin_key_part(k, tag.key, tag.value);
    thin_key_sorted(k);
    thin_key_digest(k, &series);
    while (influx_line_field(&fields, &field)) {
        thin_key_clear(k);
        gf_buf_add(&k->text, series.b, sizeof series.b);
        thin_key_number(k, line->time / every);
        thin_key_bytes(k, field.key);
        if (put(c, k, line->time, c->n, e) == -1)
            return -1;
    }
    return 0;
}

static int walk_lines(struct thin_choice *c, struct influx_lines it, struct thin_key *k,
                      uint64_t every, struct gf_err *e) {
    struct influx_line line;
    int rc;

    for (; (rc = influx_line_next(&it, &line, e)) == 1; c->n++) {
        c->points += line.nfields;
        if (line.time == 0)
            stay(c, c->n);
        else if (put_line(c, k, &line, every, e) == -1)
            return -1;
    }
    return rc;
}

int thin_choice_lines(const void *data, size_t len, uint64_t every, struct thin_choice *out,
                      struct gf_err *e) {
    struct influx_lines it;
    struct influx_line line;
    struct thin_key k;

    /* "m f=1" and an LF at least. */
    if (begin(out, len / 4, e) == -1)
        return -1;
    influx_line_open(&it, data, len, INFLUX_LINE_NS);
    thin_key_open(&k);
    int rc = walk_lines(out, it, &k, every, e);
    thin_key_close(&k);
    if (rc == -1)
        return -1;
    end(out);
    for (uint64_t i = 0; influx_line_next(&it, &line, e) == 1; i++) {
        if (!thin_choice_stays(out, i))
            count_left(out, line.nfields, line.time);
    }
    return 0;
}
