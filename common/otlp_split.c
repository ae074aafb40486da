/*
 * otlp_split.c -- a request in protobuf as several smaller ones.
 */
#include "common/otlp_split.h"

#include <stdlib.h>

#include "common/otlp_put.h"
#include "common/otlp_wire.h"

#define LEVELS 4 /* resource metrics, scope metrics, metric, data */

/* Bytes of a level's tag and length at most: its number is below 16, the request below 2^28 bytes.
 */
#define LEVEL_HEAD 5

struct level {
    const uint8_t *at;   /* which message `rest` is of */
    struct gf_buf rest;  /* its fields but for those that lead to points */
    uint32_t number;     /* its own, where it stands */
    const uint8_t *open; /* which message is open in the piece */
    size_t mark;         /* for closing it */
};

struct otlp_split {
    struct otlp_points points;
    struct otlp_point next;
    int pending; /* next is a point that no piece has yet */
    size_t max_bytes;
    uint64_t max_points;
    struct level level[LEVELS];
    uint64_t too_large;
    struct otlp_span too_large_name;
};

int otlp_split_new(const void *data, size_t len, size_t max_bytes, uint64_t max_points,
                   struct otlp_split **out, struct gf_err *e) {
    struct otlp_split *s = calloc(1, sizeof *s);

    if (s == NULL)
        return gf_err_set(e, GF_E_SYSTEM, "splitting a request: out of memory");
    for (size_t i = 0; i < LEVELS; i++)
        gf_buf_init(&s->level[i].rest, OTLP_MAX);
    s->max_bytes = max_bytes;
    s->max_points = max_points;
    if (otlp_points_open(&s->points, data, len, e) == -1) {
        otlp_split_free(s);
        return -1;
    }
    *out = s;
    return 0;
}

void otlp_split_free(struct otlp_split *s) {
    if (s == NULL)
        return;
    for (size_t i = 0; i < LEVELS; i++)
        gf_buf_free(&s->level[i].rest);
    free(s);
}

/* Know a message by heart, so that each piece can repeat it without a walk over all its points. */
static void load_level(struct level *l, struct otlp_span message, uint32_t number, uint32_t skip) {
    struct otlp_item item;

    if (l->at == message.at)
        return;
    l->at = message.at;
    l->number = number;
    gf_buf_clear(&l->rest);
    for (const uint8_t *at = message.at, *from = at; at < message.end; from = at) {
        if (otlp_wire_next(&at, message.end, &item) != NULL)
            return;
        if (item.number != skip)
            gf_buf_add(&l->rest, from, (size_t)(at - from));
    }
}

/* Load what is around the next point; how many levels of it are open in the piece. */
static size_t load_levels(struct otlp_split *s, size_t open) {
    const struct otlp_point *p = &s->next;
    const uint32_t number[LEVELS] = {1, OTLP_CHILDREN, OTLP_CHILDREN, p->kind};
    const uint32_t skip[LEVELS] = {OTLP_CHILDREN, OTLP_CHILDREN, p->kind, OTLP_POINTS};
    size_t same = 0;

    for (size_t i = 0; i < LEVELS; i++)
        load_level(&s->level[i], p->around[i], number[i], skip[i]);
    while (same < open && s->level[same].open == p->around[same].at)
        same++;
    return same;
}

/* Bytes that the next point adds to a piece in which `same` levels are those around it. */
static size_t cost(const struct otlp_split *s, size_t same) {
    size_t n = (size_t)(s->next.field.end - s->next.field.at);
    for (size_t i = same; i < LEVELS; i++)
        n += LEVEL_HEAD + s->level[i].rest.len;
    return n;
}

static void close_levels(struct otlp_split *s, struct gf_buf *out, size_t open, size_t upto) {
    while (open > upto) {
        otlp_put_close(out, s->level[--open].mark);
        s->level[open].open = NULL;
    }
}

static void put_point(struct otlp_split *s, struct gf_buf *out, size_t open, size_t same) {
    close_levels(s, out, open, same);
    for (size_t i = same; i < LEVELS; i++) {
        struct level *l = &s->level[i];
        l->mark = otlp_put_open(out, l->number);
        l->open = l->at;
        gf_buf_add(out, l->rest.data, l->rest.len);
    }
    gf_buf_add(out, s->next.field.at, (size_t)(s->next.field.end - s->next.field.at));
}

int otlp_split_next(struct otlp_split *s, struct gf_buf *out, uint64_t *points, struct gf_err *e) {
    size_t before = out->len, open = 0;
    uint64_t n = 0;

    while (n < s->max_points) {
        if (!s->pending && !(s->pending = otlp_points_next(&s->points, &s->next)))
            break;
        size_t same = load_levels(s, open);
        /* What is open may still get three bytes more of length each. */
        size_t size = out->len - before + open * (LEVEL_HEAD - 2) + cost(s, same);
        if (size > s->max_bytes && n > 0)
            break;
        s->pending = 0;
        if (size > s->max_bytes) {
            if (s->too_large++ == 0)
                s->too_large_name = s->next.name;
            continue;
        }
        put_point(s, out, open, same);
        open = LEVELS;
        n++;
    }
    close_levels(s, out, open, 0);

    int rc = gf_buf_check(out, "a part of a request", e);
    for (size_t i = 0; i < LEVELS && rc == 0; i++)
        rc = gf_buf_check(&s->level[i].rest, "splitting a request", e);
    if (rc == -1) {
        out->len = before;
        return -1;
    }
    *points = n;
    return n > 0;
}

uint64_t otlp_split_too_large(const struct otlp_split *s, struct otlp_span *name) {
    *name = s->too_large_name;
    return s->too_large;
}
