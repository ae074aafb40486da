/*
 * refusal.c -- the lines of refusals.jsonl: why a whole bundle had no effect.
 */
#include "gapferry/record.h"

#include <stdlib.h>
#include <string.h>

#include "format/line.h"
#include "format/put.h"

/* The rules of the fields, whether they were parsed or are to be written. */
static int check(const struct gf_refusal *r, struct gf_err *e) {
    if (gf_line_is_word(r->code, "refusal: code", e) == -1 ||
        gf_line_is_plain(r->reason, 1, GF_REASON_MAX, "refusal: reason", e) == -1)
        return -1;
    return gf_line_is_time(r->at, "refusal: at", e);
}

int gf_refusal_parse(const char *line, size_t len, struct gf_refusal *out, struct gf_err *e) {
    struct gf_refusal r;
    struct gf_line l;

    memset(&r, 0, sizeof r);
    memset(out, 0, sizeof *out);
    if (gf_line_open(line, len, "refusal", &l, e) == -1)
        return -1;

    gf_line_hex(&l, "bundle", r.bundle.b, sizeof r.bundle.b);
    gf_line_str(&l, "code", 1, GF_WORD_MAX, &r.code);
    gf_line_str(&l, "reason", 1, GF_REASON_MAX, &r.reason);
    gf_line_time(&l, "at", &r.at);

    if (gf_line_close(&l, &r.owned, e) == -1)
        return -1;
    if (check(&r, e) == -1) {
        gf_refusal_free(&r);
        return -1;
    }
    *out = r;
    return 0;
}

int gf_refusal_write(const struct gf_refusal *r, struct gf_buf *out, struct gf_err *e) {
    size_t start = out->len;

    if (check(r, e) == -1)
        return -1;
    gf_buf_byte(out, '{');
    gf_put_hex(out, "bundle", r->bundle.b, sizeof r->bundle.b);
    gf_put_str(out, "code", r->code);
    gf_put_str(out, "reason", r->reason);
    gf_put_time(out, "at", 1, r->at);
    gf_buf_text(out, "}\n");
    return gf_line_check(out, start, "refusal", e);
}

void gf_refusal_free(struct gf_refusal *r) {
    if (r == NULL)
        return;
    free(r->owned);
    memset(r, 0, sizeof *r);
}
