/*
 * points.c -- an OpenTelemetry receiver: which data points came, and how often each.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/otlp_json.h"
#include "common/otlp_points.h"
#include "common/otlp_put.h"
#include "gapferry/json.h"
#include "vendor.h"

/* A metric of this name is refused, and with it the request that holds it. */
#define POISON "poison"

/* ---- what a point is called ---- */

/* Attributes as {k=v,...}; with `own` only the relay's, else all but these. */
static void put_attributes(struct gf_buf *out, enum otlp_type type, struct otlp_span in, int own) {
    static const char ours[] = "gapferry.";
    struct otlp_attributes it;
    struct otlp_attribute a;
    int n = 0;

    gf_buf_byte(out, '{');
    otlp_points_attributes(&it, type, in);
    while (otlp_points_attribute(&it, &a)) {
        size_t len = (size_t)(a.key.end - a.key.at);
        if ((len >= sizeof ours - 1 && memcmp(a.key.at, ours, sizeof ours - 1) == 0) != own)
            continue;
        gf_buf_text(out, n++ > 0 ? "," : "");
        gf_buf_add(out, a.key.at, len);
        gf_buf_byte(out, '=');
        otlp_points_text(&a, out);
    }
    gf_buf_byte(out, '}');
}

static char *taken(struct gf_buf *b) {
    char *text = b->failed || b->data == NULL ? NULL : strndup(b->data, b->len);
    gf_buf_free(b);
    return text;
}

/* NAME{resource}{point}: what the relay adds makes no other series. */
static char *series_of(const struct otlp_point *p) {
    struct gf_buf b;

    gf_buf_init(&b, 65536);
    gf_buf_add(&b, p->name.at, (size_t)(p->name.end - p->name.at));
    put_attributes(&b, OTLP_RESOURCE, p->resource, 0);
    put_attributes(&b, p->type, p->span, 0);
    return taken(&b);
}

static char *added_to(const struct otlp_point *p) {
    struct gf_buf b;

    gf_buf_init(&b, 65536);
    put_attributes(&b, OTLP_RESOURCE, p->resource, 1);
    return taken(&b);
}

/* ---- the tally ---- */

static int add_point(struct points *t, const struct otlp_point *p) {
    char *series = series_of(p);
    size_t i = 0;

    if (series == NULL || (t->n == t->room && t->n == POINTS_MAX)) {
        free(series);
        return -1;
    }
    while (i < t->n && (t->point[i].time != p->time || strcmp(t->point[i].series, series) != 0))
        i++;
    if (i < t->n) {
        free(series);
        t->point[i].count++;
        return 0;
    }
    if (t->n == t->room) {
        size_t room = t->room == 0 ? 256 : 2 * t->room;
        struct points_point *more = reallocarray(t->point, room, sizeof *more);
        if (more == NULL) {
            free(series);
            return -1;
        }
        t->point = more;
        t->room = room;
    }
    t->point[t->n++] =
        (struct points_point){.series = series,
                              .added = added_to(p),
                              .time = p->time,
                              .value = p->value == OTLP_SFIXED64 ? (double)p->as_int : p->as_double,
                              .count = 1};
    return 0;
}

/* ---- one request ---- */

/* google.rpc.Status */
static int fail(struct gf_buf *out, int json, int status, const char *words) {
    if (json) {
        gf_buf_text(out, "{\"code\":3,\"message\":");
        gf_json_put_str(out, words, strlen(words));
        gf_buf_byte(out, '}');
    } else {
        otlp_put_uint(out, 1, 3);
        otlp_put_bytes(out, 2, words, strlen(words));
    }
    return status;
}

static void put_partial(struct gf_buf *out, int json, uint64_t refused) {
    static const char words[] = "no room for these";

    if (json) {
        gf_buf_printf(out,
                      "{\"partialSuccess\":{\"rejectedDataPoints\":\"%llu\","
                      "\"errorMessage\":\"%s\"}}",
                      (unsigned long long)refused, words);
        return;
    }
    size_t mark = otlp_put_open(out, 1);
    otlp_put_uint(out, 1, refused);
    otlp_put_bytes(out, 2, words, sizeof words - 1);
    otlp_put_close(out, mark);
}

static int is_poison(const struct otlp_span name) {
    return (size_t)(name.end - name.at) == sizeof POISON - 1 &&
           memcmp(name.at, POISON, sizeof POISON - 1) == 0;
}

/* How many there are; -1: one of them cannot be taken. */
static int64_t look_at(const struct gf_buf *b) {
    struct otlp_points it;
    struct otlp_point p;
    struct gf_err e;
    int64_t n = 0;

    if (otlp_points_open(&it, b->data, b->len, &e) == -1)
        return -1;
    for (; otlp_points_next(&it, &p); n++) {
        if (is_poison(p.name))
            return -1;
    }
    return n;
}

int points_take(struct points *t, const char *type, const char *body, size_t len, int partial,
                const char **answer_type, struct gf_buf *out) {
    int json = type != NULL && strcasecmp(type, "application/json") == 0;
    struct otlp_points it;
    struct otlp_point p;
    struct gf_buf b;
    struct gf_err e;
    int status = 200;

    *answer_type = json ? "application/json" : "application/x-protobuf";
    if (!json && (type == NULL || strcasecmp(type, "application/x-protobuf") != 0))
        return fail(out, json, 415, "neither JSON nor protobuf");
    gf_buf_init(&b, OTLP_MAX);
    if (json && otlp_json_to_protobuf(body, len, &b, &e) == -1)
        status = fail(out, json, 400, e.text);
    else if (!json)
        gf_buf_add(&b, body, len);
    int64_t n = status == 200 ? look_at(&b) : 0;
    if (n == -1)
        status = fail(out, json, 400, "a metric " POISON ", or none at all");
    int64_t left = partial < n ? n - partial : 0;
    if (status == 200 && otlp_points_open(&it, b.data, b.len, &e) == 0) {
        for (int64_t i = 0; i < left && otlp_points_next(&it, &p); i++) {
            if (add_point(t, &p) == -1)
                status = 507;
        }
    }
    if (status == 200 && partial > 0)
        put_partial(out, json, (uint64_t)(n - left));
    else if (status == 200 && json)
        gf_buf_text(out, "{}");
    gf_buf_free(&b);
    return status;
}

void points_show(const struct points *t, struct gf_buf *out) {
    gf_buf_text(out, "{\"points\": [");
    for (size_t i = 0; i < t->n; i++) {
        const struct points_point *p = &t->point[i];
        gf_buf_text(out, i > 0 ? ",\n  {\"series\": " : "\n  {\"series\": ");
        gf_json_put_str(out, p->series, strlen(p->series));
        gf_buf_text(out, ", \"added\": ");
        gf_json_put_str(out, p->added != NULL ? p->added : "",
                        p->added != NULL ? strlen(p->added) : 0);
        gf_buf_printf(out, ", \"time\": \"%llu\", \"value\": %.17g, \"count\": %lld}",
                      (unsigned long long)p->time, p->value, (long long)p->count);
    }
    gf_buf_text(out, "]}\n");
}

void points_free(struct points *t) {
    for (size_t i = 0; i < t->n; i++) {
        free(t->point[i].series);
        free(t->point[i].added);
    }
    free(t->point);
    *t = (struct points){0};
}
