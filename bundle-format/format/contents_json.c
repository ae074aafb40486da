/*
 * contents_json.c -- contents.json: parse and write.
 */
#include "gapferry/contents.h"

#include <stdlib.h>
#include <string.h>

#include "format/put.h"
#include "gapferry/json.h"

/* n zeroed elements; NULL for none, and on failure, which is then noted in o. */
static void *list_new(struct gf_json_obj *o, size_t n, size_t size) {
    void *list = n > 0 ? calloc(n, size) : NULL;

    if (n > 0 && list == NULL)
        gf_json_fail(o, GF_E_SYSTEM, "out of memory");
    return list;
}

/* An array of numbers, each above the one before it, the first at least min. */
static int64_t *read_rising(struct gf_json_obj *o, const char *name, int64_t min, size_t max,
                            size_t *count) {
    int64_t *list = NULL;
    size_t n = 0;

    *count = 0;
    if (gf_json_array(o, name, max, &n) != 1 || (list = list_new(o, n, sizeof *list)) == NULL)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        if (gf_json_item_int(o, name, i, min, GF_JSON_INT_MAX, &list[i]) != 1)
            break;
        min = list[i] + 1;
    }
    *count = n;
    return list;
}

/* A part lies within its file, and the first and the last one lie at its ends. */
static void read_part(struct gf_json_obj *member, struct gf_contents_member *m,
                      struct gf_json_obj *o) {
    struct gf_part *p = &m->part;
    int first, last, at_start, at_end;

    if (gf_json_obj(member, "part", o) != 1)
        return;
    m->is_part = 1;
    gf_json_int(o, "index", 0, GF_JSON_INT_MAX, &p->index);
    gf_json_int(o, "count", 2, GF_JSON_INT_MAX, &p->count);
    gf_json_int(o, "offset", 0, GF_JSON_INT_MAX, &p->offset);
    gf_json_int(o, "whole", 1, GF_JSON_INT_MAX, &p->whole);
    gf_json_hex(o, "digest", p->digest.b, sizeof p->digest.b);

    first = p->index == 0;
    last = p->index == p->count - 1;
    at_start = p->offset == 0;
    at_end = p->offset + m->size == p->whole;
    if (p->index >= p->count || p->count > p->whole || m->size < 1 ||
        p->offset + m->size > p->whole || first != at_start || last != at_end)
        gf_json_fail(o, GF_E_CONTENTS,
                     "index, count, offset, whole and size contradict each other");
}

/* What one entry of `members` says, by itself. */
static int read_member(struct gf_json_obj *o, enum gf_kind kind, struct gf_contents_member *m,
                       struct gf_err *e) {
    struct gf_json_obj part;
    const char *path = "";
    const char *name = NULL;
    int has_part;
    int is = -1;

    gf_json_str(o, "member", 1, sizeof m->member - 1, &path);
    gf_json_str_opt(o, "name", 1, GF_NAME_MAX, &name);
    if (o->err.code == GF_OK)
        is = gf_contents_member_of(path);
    if (is == -1 || is == GF_MEMBER_CONTENTS)
        gf_json_fail(o, GF_E_CONTENTS, "'%s' cannot be a member", path);
    else if (is != GF_MEMBER_FILE && (is == GF_MEMBER_RECORDS) != (kind == GF_KIND_REQUEST))
        gf_json_fail(o, GF_E_CONTENTS, "a %s has no %s", gf_header_kinds[kind], path);
    else if ((is == GF_MEMBER_FILE) != (name != NULL))
        gf_json_fail(o, GF_E_CONTENTS, "%s: files have a name and other members have null", path);

    /* Lines are left out when there are none; an empty file is a file. */
    gf_json_int(o, "size", is == GF_MEMBER_FILE ? 0 : 1, GF_ARCHIVE_MAX, &m->size);
    if (o->err.code == GF_OK) {
        memcpy(m->member, path, strlen(path) + 1);
        if (name != NULL && (m->name = strdup(name)) == NULL)
            gf_json_fail(o, GF_E_SYSTEM, "out of memory");
    }
    has_part = is == GF_MEMBER_FILE && gf_json_has(o, "part");
    if (has_part)
        read_part(o, m, &part);
    if (gf_json_end(o, e) == -1)
        return -1;
    return has_part ? gf_json_end(&part, e) : 0;
}

/* 1 if an earlier entry has the path of entry i. */
static int is_listed(const struct gf_contents *c, size_t i) {
    for (size_t k = 0; k < i; k++)
        if (strcmp(c->members[k].member, c->members[i].member) == 0)
            return 1;
    return 0;
}

/* The list of members, in archive order and without doubles; files may be in any order. */
static int read_members(struct gf_json_obj *o, struct gf_contents *c, struct gf_err *e) {
    struct gf_json_obj item;
    int64_t sum = 0;
    int before = -1;

    if (gf_json_array(o, "members", GF_MEMBERS_MAX, &c->nmembers) != 1)
        return gf_json_end(o, e);
    c->members = list_new(o, c->nmembers, sizeof *c->members);
    for (size_t i = 0; c->members != NULL && i < c->nmembers; i++) {
        struct gf_contents_member *m = &c->members[i];
        int is;

        if (gf_json_item_obj(o, "members", i, &item) != 1)
            return gf_json_end(o, e);
        if (read_member(&item, c->kind, m, e) == -1)
            return -1;
        is = gf_contents_member_of(m->member);
        if (is < before || (is == before && is != GF_MEMBER_FILE) || is_listed(c, i))
            return gf_err_set(e, GF_E_CONTENTS, "contents.json: %s is listed twice or out of order",
                              m->member);
        before = is;
        sum += m->size;
        if (sum > GF_ARCHIVE_MAX)
            return gf_err_set(e, GF_E_LIMIT, "contents.json: members of more than %lld bytes",
                              (long long)GF_ARCHIVE_MAX);
    }
    return 0;
}

/* What the writer has applied of the addressee's streams. */
static int read_have(struct gf_json_obj *o, struct gf_contents *c, struct gf_err *e) {
    struct gf_json_obj item;

    if (gf_json_array(o, "have", GF_HAVE_MAX, &c->nhave) != 1)
        return gf_json_end(o, e);
    c->have = list_new(o, c->nhave, sizeof *c->have);
    for (size_t i = 0; c->have != NULL && i < c->nhave; i++) {
        struct gf_have *h = &c->have[i];

        if (gf_json_item_obj(o, "have", i, &item) != 1)
            return gf_json_end(o, e);
        gf_json_hex(&item, "stream", h->stream.b, sizeof h->stream.b);
        gf_json_int(&item, "upto", 0, GF_JSON_INT_MAX, &h->upto);
        h->also = read_rising(&item, "also", h->upto + 1, GF_ALSO_MAX, &h->nalso);
        for (size_t k = 0; k < i; k++)
            if (memcmp(&c->have[k].stream, &h->stream, sizeof h->stream) == 0)
                gf_json_fail(&item, GF_E_CONTENTS, "have[%zu] repeats have[%zu]", i, k);
        if (gf_json_end(&item, e) == -1)
            return -1;
    }
    return 0;
}

/* Parts the writer still misses. */
static int read_want(struct gf_json_obj *o, struct gf_contents *c, struct gf_err *e) {
    struct gf_json_obj item;

    if (gf_json_array(o, "want", GF_WANT_MAX, &c->nwant) != 1)
        return gf_json_end(o, e);
    c->want = list_new(o, c->nwant, sizeof *c->want);
    for (size_t i = 0; c->want != NULL && i < c->nwant; i++) {
        struct gf_want *w = &c->want[i];

        if (gf_json_item_obj(o, "want", i, &item) != 1)
            return gf_json_end(o, e);
        gf_json_hex(&item, "digest", w->digest.b, sizeof w->digest.b);
        w->parts = read_rising(&item, "parts", 0, GF_JSON_ELEMENTS_MAX, &w->nparts);
        for (size_t k = 0; k < i; k++)
            if (memcmp(&c->want[k].digest, &w->digest, sizeof w->digest) == 0)
                gf_json_fail(&item, GF_E_CONTENTS, "want[%zu] repeats want[%zu]", i, k);
        if (gf_json_end(&item, e) == -1)
            return -1;
    }
    return 0;
}

static int read_object(const struct gf_json *j, struct gf_contents *c, struct gf_err *e) {
    struct gf_json_obj o;
    int kind = 0;

    gf_json_root(j, &o);
    gf_json_hex(&o, "id", c->id.b, sizeof c->id.b);
    gf_json_enum(&o, "kind", gf_header_kinds, &kind);
    c->kind = (enum gf_kind)kind;
    gf_json_hex(&o, "from", c->from.b, sizeof c->from.b);
    gf_json_hex(&o, "to", c->to.b, sizeof c->to.b);
    gf_json_hex(&o, "stream", c->stream.b, sizeof c->stream.b);
    gf_json_int(&o, "seq", 1, GF_JSON_INT_MAX, &c->seq);
    gf_json_any_obj(&o, "ext");
    c->voids = read_rising(&o, "void", 1, GF_VOID_MAX, &c->nvoids);
    if (o.err.code != GF_OK)
        return gf_json_end(&o, e);

    if (read_members(&o, c, e) == -1)
        return -1;
    /* In a response the two would be left over, which gf_json_end() refuses. */
    if (c->kind == GF_KIND_REQUEST && (read_have(&o, c, e) == -1 || read_want(&o, c, e) == -1))
        return -1;
    return gf_json_end(&o, e);
}

int gf_contents_parse(const char *text, size_t len, struct gf_contents *out, struct gf_err *e) {
    struct gf_json *j = NULL;
    int rc;

    memset(out, 0, sizeof *out);
    if (len > GF_CONTENTS_MAX)
        return gf_err_set(e, GF_E_LIMIT, "contents.json: larger than %d bytes", GF_CONTENTS_MAX);
    if (len < 3 || text[0] != '{' || text[len - 2] != '}' || text[len - 1] != '\n')
        return gf_err_set(e, GF_E_CONTENTS, "contents.json: must be one JSON object and LF");

    if (gf_json_parse(text, len - 1, "contents.json", GF_E_CONTENTS, &j, e) == -1)
        return -1;
    rc = read_object(j, out, e);
    gf_json_free(j);
    if (rc == -1)
        gf_contents_free(out);
    return rc;
}

/* ---- writing ---- */

static void put_member(struct gf_buf *b, const struct gf_contents_member *m) {
    gf_put_comma(b);
    gf_buf_byte(b, '{');
    gf_put_str(b, "member", m->member);
    gf_put_str(b, "name", m->name);
    gf_put_int(b, "size", m->size);
    if (m->is_part) {
        gf_put_name(b, "part");
        gf_buf_byte(b, '{');
        gf_put_int(b, "index", m->part.index);
        gf_put_int(b, "count", m->part.count);
        gf_put_int(b, "offset", m->part.offset);
        gf_put_int(b, "whole", m->part.whole);
        gf_put_hex(b, "digest", m->part.digest.b, sizeof m->part.digest.b);
        gf_buf_byte(b, '}');
    }
    gf_buf_byte(b, '}');
}

static void put_have_and_want(struct gf_buf *b, const struct gf_contents *c) {
    gf_put_name(b, "have");
    gf_buf_byte(b, '[');
    for (size_t i = 0; i < c->nhave; i++) {
        gf_put_comma(b);
        gf_buf_byte(b, '{');
        gf_put_hex(b, "stream", c->have[i].stream.b, sizeof c->have[i].stream.b);
        gf_put_int(b, "upto", c->have[i].upto);
        gf_put_ints(b, "also", c->have[i].also, c->have[i].nalso);
        gf_buf_byte(b, '}');
    }
    gf_buf_byte(b, ']');

    gf_put_name(b, "want");
    gf_buf_byte(b, '[');
    for (size_t i = 0; i < c->nwant; i++) {
        gf_put_comma(b);
        gf_buf_byte(b, '{');
        gf_put_hex(b, "digest", c->want[i].digest.b, sizeof c->want[i].digest.b);
        gf_put_ints(b, "parts", c->want[i].parts, c->want[i].nparts);
        gf_buf_byte(b, '}');
    }
    gf_buf_byte(b, ']');
}

void gf_contents_write(const struct gf_contents *c, struct gf_buf *out) {
    /* The buffer may hold other text, so the first comma is decided by the brace. */
    gf_buf_byte(out, '{');
    gf_put_hex(out, "id", c->id.b, sizeof c->id.b);
    gf_put_str(out, "kind", gf_header_kinds[c->kind]);
    gf_put_hex(out, "from", c->from.b, sizeof c->from.b);
    gf_put_hex(out, "to", c->to.b, sizeof c->to.b);
    gf_put_hex(out, "stream", c->stream.b, sizeof c->stream.b);
    gf_put_int(out, "seq", c->seq);
    gf_put_name(out, "members");
    gf_buf_byte(out, '[');
    for (size_t i = 0; i < c->nmembers; i++)
        put_member(out, &c->members[i]);
    gf_buf_byte(out, ']');
    gf_put_ints(out, "void", c->voids, c->nvoids);
    if (c->kind == GF_KIND_REQUEST)
        put_have_and_want(out, c);
    gf_put_name(out, "ext");
    gf_buf_text(out, c->ext != NULL ? c->ext : "{}");
    gf_buf_text(out, "}\n");
}
