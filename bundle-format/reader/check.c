/* check.c -- the lines of a .jsonl member, checked as they pass. */
#include "reader/check.h"

#include <stdlib.h>
#include <string.h>

#include "gapferry/record.h"

void gf_check_begin(struct gf_check_lines *c, enum gf_member kind, struct gf_refs *refs,
                    const struct gf_items_options *o) {
    memset(c, 0, sizeof *c);
    c->kind = kind;
    c->refs = refs;
    c->o = o;
    gf_buf_init(&c->carry, GF_LINE_MAX);
}

/* Remember the file that a body lies in. */
static int add_ref(struct gf_refs *r, const struct gf_body *body, struct gf_err *e) {
    if (body->form != GF_BODY_FILE)
        return 0;
    if (r->n == GF_MEMBERS_MAX)
        return gf_err_set(e, GF_E_RECORD, "more than %d lines refer to files", GF_MEMBERS_MAX);
    if (r->n == r->room) {
        size_t room = r->room == 0 ? 16 : 2 * r->room;
        void *more = realloc(r->paths, room * sizeof r->paths[0]);
        if (more == NULL)
            return gf_err_errno(e, "no memory for a member's lines");
        r->paths = more;
        r->room = room;
    }
    if (body->len >= sizeof r->paths[0])
        return gf_err_set(e, GF_E_RECORD, "it refers to a file of no possible name");
    memcpy(r->paths[r->n++], body->data, body->len + 1);
    return 0;
}

static int check_record(struct gf_check_lines *c, const char *line, size_t len, struct gf_err *e) {
    struct gf_record r = {0};
    int rc = gf_record_parse(line, len, &r, e);
    if (rc == 0)
        rc = add_ref(c->refs, &r.body, e);
    if (rc == 0 && c->o->record != NULL)
        rc = c->o->record(c->o->record_arg, &r, line, len, e);
    gf_record_free(&r);
    return rc;
}

static int check_answer(struct gf_refs *refs, const char *line, size_t len, struct gf_err *e) {
    struct gf_answer a = {0};
    int rc = gf_answer_parse(line, len, &a, e);
    if (rc == 0)
        rc = add_ref(refs, &a.body, e);
    gf_answer_free(&a);
    return rc;
}

static int check_receipt(const char *line, size_t len, struct gf_err *e) {
    struct gf_receipt r = {0};
    int rc = gf_receipt_parse(line, len, &r, e);
    gf_receipt_free(&r);
    return rc;
}

static int check_refusal(const char *line, size_t len, struct gf_err *e) {
    struct gf_refusal r = {0};
    int rc = gf_refusal_parse(line, len, &r, e);
    gf_refusal_free(&r);
    return rc;
}

static int check_notice(const char *line, size_t len, struct gf_err *e) {
    struct gf_notice n = {0};
    int rc = gf_notice_parse(line, len, &n, e);
    gf_notice_free(&n);
    return rc;
}

/* One whole line, with its LF. */
static int check_line(struct gf_check_lines *c, const char *line, size_t len, struct gf_err *e) {
    int rc = -1;

    c->number++;
    switch (c->kind) {
    case GF_MEMBER_RECORDS:
        rc = check_record(c, line, len, e);
        break;
    case GF_MEMBER_RECEIPTS:
        rc = check_receipt(line, len, e);
        break;
    case GF_MEMBER_ANSWERS:
        rc = check_answer(c->refs, line, len, e);
        break;
    case GF_MEMBER_REFUSALS:
        rc = check_refusal(line, len, e);
        break;
    case GF_MEMBER_NOTICES:
        rc = check_notice(line, len, e);
        break;
    case GF_MEMBER_FILE:
    case GF_MEMBER_CONTENTS:
        return gf_err_set(e, GF_E_BUG, "%s has no lines", gf_contents_names[c->kind]);
    }
    if (rc == -1)
        return gf_err_prefix(e, "%s line %lld", gf_contents_names[c->kind], (long long)c->number);
    return 0;
}

static int too_long(const struct gf_check_lines *c, struct gf_err *e) {
    return gf_err_set(e, GF_E_LIMIT, "%s line %lld is longer than %d bytes",
                      gf_contents_names[c->kind], (long long)c->number + 1, GF_LINE_MAX);
}

int gf_check_data(struct gf_check_lines *c, const char *data, size_t len, struct gf_err *e) {
    while (len > 0) {
        const char *lf = memchr(data, '\n', len);
        size_t n = lf == NULL ? len : (size_t)(lf - data) + 1;
        if (c->carry.len + n > GF_LINE_MAX)
            return too_long(c, e);

        /* Most lines lie whole in what came; only those across a border are put together. */
        if (lf != NULL && c->carry.len == 0) {
            if (check_line(c, data, n, e) == -1)
                return -1;
        } else {
            gf_buf_add(&c->carry, data, n);
            if (gf_buf_check(&c->carry, gf_contents_names[c->kind], e) == -1)
                return -1;
            if (lf != NULL) {
                if (check_line(c, c->carry.data, c->carry.len, e) == -1)
                    return -1;
                gf_buf_clear(&c->carry);
            }
        }
        data += n;
        len -= n;
    }
    return 0;
}

int gf_check_end(struct gf_check_lines *c, struct gf_err *e) {
    if (c->carry.len > 0)
        return gf_err_set(e, GF_E_RECORD, "%s: the last line has no end",
                          gf_contents_names[c->kind]);
    return 0;
}

void gf_check_free(struct gf_check_lines *c) {
    gf_buf_free(&c->carry);
}
