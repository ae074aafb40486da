/*
 * thin_body.c -- the bodies of several records of metrics as the bodies of a few new ones.
 */
#include "agent/thin/thin_body.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "agent/thin/thin_choice.h"
#include "common/influx_line.h"
#include "common/otlp_json.h"
#include "common/otlp_select.h"
#include "common/otlp_split.h"

#define JSON     "application/json"
#define PROTOBUF "application/x-protobuf"
#define SECOND   1000000000U /* nanoseconds */

const char *const thin_body_types[] = {PROTOBUF, INFLUX_LINE_TYPE};

static int is(const char *type, const char *what) {
    const size_t n = strcspn(type, "; \t");

    return strlen(what) == n && strncasecmp(type, what, n) == 0;
}

int thin_body_form(const char *type, enum thin_form *out) {
    const int lines = is(type, INFLUX_LINE_TYPE);

    if (!lines && !is(type, JSON) && !is(type, PROTOBUF))
        return 0;
    *out = lines ? THIN_LINES : THIN_OTLP;
    return 1;
}

/* ---- together ---- */

void thin_body_open(struct thin_body *b, enum thin_form form, size_t max) {
    b->form = form;
    gf_buf_init(&b->text, max);
}

void thin_body_close(struct thin_body *b) {
    gf_buf_free(&b->text);
}

/* Append what may be read together with what is there. */
static int append(struct thin_body *b, const char *type, const char *data, size_t len,
                  struct gf_err *e) {
    if (b->form == THIN_OTLP && is(type, JSON)) {
        if (otlp_json_to_protobuf(data, len, &b->text, e) == -1)
            return -1;
        return gf_buf_check(&b->text, "metrics to be thinned", e);
    }
    if (b->form == THIN_OTLP ? otlp_check(data, len, NULL, e) == -1
                             : influx_line_check(data, len, INFLUX_LINE_NS, NULL, e) == -1)
        return -1;
    gf_buf_add(&b->text, data, len);
    if (b->form == THIN_LINES && len > 0 && data[len - 1] != '\n')
        gf_buf_byte(&b->text, '\n');
    return gf_buf_check(&b->text, "metrics to be thinned", e);
}

int thin_body_add(struct thin_body *b, const char *type, const char *data, size_t len,
                  struct gf_err *e) {
    const size_t before = b->text.len;

    if (append(b, type, data, len, e) == 0)
        return 1;
    if (e->code == GF_E_SYSTEM)
        return -1;
    b->text.len = before;
    b->text.failed = 0;
    if (b->text.data != NULL)
        b->text.data[before] = '\0';
    return 0;
}

/* ---- in pieces ---- */

static int too_many(struct gf_err *e) {
    return gf_err_set(e, GF_E_LIMIT, "metrics that do not fit into records when they are thinned");
}

/* The next piece is what stands in p->text from `at` on; data is set once the text stays where it
 * is. */
static int add_piece(struct thin_pieces *p, size_t at, const struct otlp_facts *facts,
                     struct gf_err *e) {
    if (p->n == THIN_BODY_PIECES)
        return too_many(e);
    p->list[p->n++] = (struct thin_piece){.len = p->text.len - at, .facts = *facts};
    return 0;
}

static int cut_otlp(const struct gf_buf *all, size_t room, struct thin_pieces *out,
                    struct gf_err *e) {
    struct otlp_split *split = NULL;
    struct otlp_facts facts;
    struct otlp_span name;
    uint64_t points;
    int rc;

    if (otlp_split_new(all->data, all->len, room / 4 * 3, UINT64_MAX, &split, e) == -1)
        return -1;
    for (size_t at = 0; (rc = otlp_split_next(split, &out->text, &points, e)) == 1;
         at = out->text.len) {
        if (otlp_check(out->text.data + at, out->text.len - at, &facts, e) == -1 ||
            add_piece(out, at, &facts, e) == -1) {
            rc = -1;
            break;
        }
    }
    if (rc == 0 && otlp_split_too_large(split, &name) > 0)
        rc = too_many(e);
    otlp_split_free(split);
    return rc;
}

static int thin_otlp(const struct thin_body *b, const struct thin_choice *c, size_t room,
                     struct thin_pieces *out, struct gf_err *e) {
    const struct otlp_select what = {.to = UINT64_MAX, .bits = c->bits};
    struct gf_buf all;

    gf_buf_init(&all, 2 * b->text.len + 1024);
    int rc = otlp_select(b->text.data, b->text.len, &what, &all, e);
    if (rc == 0 && all.len > 0)
        rc = cut_otlp(&all, room, out, e);
    gf_buf_free(&all);
    return rc;
}

static int cut_lines(const struct gf_buf *all, size_t room, struct thin_pieces *out,
                     struct gf_err *e) {
    size_t len;

    for (size_t at = 0; (len = influx_line_cut(all->data + at, all->len - at, room)) > 0;
         at += len) {
        const size_t before = out->text.len;
        struct otlp_facts facts;

        if (influx_line_check(all->data + at, len, INFLUX_LINE_NS, &facts, e) == -1)
            return -1;
        gf_buf_add(&out->text, all->data + at, len);
        if (add_piece(out, before, &facts, e) == -1)
            return -1;
    }
    return 0;
}

static int thin_lines(const struct thin_body *b, const struct thin_choice *c, size_t room,
                      struct thin_pieces *out, struct gf_err *e) {
    struct influx_lines it;
    struct influx_line line;
    struct gf_buf all;

    gf_buf_init(&all, b->text.len);
    influx_line_open(&it, b->text.data, b->text.len, INFLUX_LINE_NS);
    for (uint64_t i = 0; influx_line_next(&it, &line, e) == 1; i++) {
        if (thin_choice_stays(c, i))
            gf_buf_add(&all, line.all.at, (size_t)(line.all.end - line.all.at));
    }
    int rc = gf_buf_check(&all, "thinned lines", e);
    if (rc == 0 && all.len > 0)
        rc = cut_lines(&all, room, out, e);
    gf_buf_free(&all);
    return rc;
}

static int choose(const struct thin_body *b, int64_t every, struct thin_choice *c,
                  struct gf_err *e) {
    const uint64_t ns = (uint64_t)every * SECOND;

    return b->form == THIN_OTLP ? thin_choice_otlp(b->text.data, b->text.len, ns, c, e)
                                : thin_choice_lines(b->text.data, b->text.len, ns, c, e);
}

int thin_body_thin(const struct thin_body *b, int64_t every, size_t room, struct thin_pieces *out,
                   struct gf_err *e) {
    struct thin_choice c = {.bits = NULL};

    *out = (struct thin_pieces){.list = calloc(THIN_BODY_PIECES, sizeof *out->list)};
    /* What is around points stands in each piece again. */
    gf_buf_init(&out->text, 4 * b->text.len + 1024);
    if (out->list == NULL)
        return gf_err_set(e, GF_E_SYSTEM, "thinning metrics: out of memory");
    if (b->text.len == 0)
        return 0;
    int rc = choose(b, every, &c, e);
    if (rc == 0)
        rc =
            b->form == THIN_OTLP ? thin_otlp(b, &c, room, out, e) : thin_lines(b, &c, room, out, e);
    if (rc == 0)
        rc = gf_buf_check(&out->text, "thinned metrics", e);
    const char *at = out->text.data;
    for (size_t i = 0; i < out->n; at += out->list[i++].len)
        out->list[i].data = at;
    out->left = c.left;
    out->first = c.first;
    out->last = c.last;
    thin_choice_free(&c);
    return rc;
}

void thin_body_free(struct thin_pieces *p) {
    gf_buf_free(&p->text);
    free(p->list);
    *p = (struct thin_pieces){.list = NULL};
}
