/*
 * pieces.c -- the points of a record, each as the bytes that a request has for it.
 */
#include "relay/endpoints/pieces.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_ROOM 64

void pieces_init(struct pieces *p) {
    *p = (struct pieces){.n = 0};
    gf_buf_init(&p->bytes, PIECES_MAX);
}

void pieces_free(struct pieces *p) {
    gf_buf_free(&p->bytes);
    free(p->point);
    free(p->at);
    pieces_init(p);
}

static int grow(struct pieces *p) {
    size_t room = p->room > 0 ? 2 * p->room : FIRST_ROOM;
    struct batches_point *point = reallocarray(p->point, room, sizeof *point);

    if (point == NULL)
        return -1;
    p->point = point;
    size_t *at = reallocarray(p->at, room, sizeof *at);
    if (at == NULL)
        return -1;
    p->at = at;
    p->room = room;
    return 0;
}

void pieces_add(struct pieces *p, uint64_t time, const char *unfit) {
    if (p->n == p->room && grow(p) == -1)
        p->failed = 1;
    if (p->failed || p->bytes.failed)
        return;
    if (unfit != NULL)
        p->bytes.len = p->begin;
    p->at[p->n] = p->begin;
    p->point[p->n++] =
        (struct batches_point){.time = time, .size = p->bytes.len - p->begin, .unfit = unfit};
    p->begin = p->bytes.len;
}

void pieces_leave(struct pieces *p, uint64_t time, const char *form) {
    const size_t before = p->n;

    pieces_add(p, time, form);
    if (p->n > before)
        p->point[before].formless = 1;
}

int pieces_check(const struct pieces *p, struct gf_err *e) {
    if (p->failed)
        return gf_err_set(e, GF_E_SYSTEM, "no memory for the points of a record");
    return gf_buf_check(&p->bytes, "its points, each written out,", e);
}

static int compare_times(const void *x, const void *y, void *arg) {
    const struct pieces *p = arg;
    const size_t a = *(const size_t *)x, b = *(const size_t *)y;

    if (p->point[a].time != p->point[b].time)
        return p->point[a].time < p->point[b].time ? -1 : 1;
    return (a > b) - (a < b);
}

void pieces_put(const struct pieces *p, const struct batches_range *r, struct gf_buf *out) {
    size_t *order = reallocarray(NULL, r->n + 1, sizeof *order);
    size_t size = 0;

    if (order == NULL) {
        out->failed = 1;
        return;
    }
    memcpy(order, r->point, r->n * sizeof *order);
    qsort_r(order, r->n, sizeof *order, compare_times, (void *)(uintptr_t)p);
    for (size_t i = 0; i < r->n; i++)
        size += p->point[order[i]].size;
    char *to = gf_buf_grow(out, size);
    for (size_t i = 0; to != NULL && i < r->n; i++) {
        size_t n = p->point[order[i]].size;
        memcpy(to, p->bytes.data + p->at[order[i]], n);
        to += n;
    }
    if (to != NULL) {
        out->len += size;
        *to = '\0';
    }
    free(order);
}
