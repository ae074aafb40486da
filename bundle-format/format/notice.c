/*
 * notice.c -- the lines of notices.jsonl: what a relay has to tell an agent.
 */
#include "gapferry/record.h"

#include <stdlib.h>
#include <string.h>

#include "format/line.h"
#include "format/put.h"

/* The rules of the fields, whether they were parsed or are to be written. An unknown type is no
 * error: it is shown and ignored. */
static int check(const struct gf_notice *n, struct gf_err *e) {
    if (gf_line_is_word(n->type, "notice: type", e) == -1 ||
        gf_line_is_text(n->data, 0, GF_LINE_MAX, "notice: data", e) == -1)
        return -1;
    return gf_line_is_time(n->at, "notice: at", e);
}

int gf_notice_parse(const char *line, size_t len, struct gf_notice *out, struct gf_err *e) {
    struct gf_notice n;
    struct gf_line l;

    memset(&n, 0, sizeof n);
    memset(out, 0, sizeof *out);
    if (gf_line_open(line, len, "notice", &l, e) == -1)
        return -1;

    gf_line_str(&l, "type", 1, GF_WORD_MAX, &n.type);
    gf_line_time(&l, "at", &n.at);
    gf_line_str(&l, "data", 0, GF_LINE_MAX, &n.data);

    if (gf_line_close(&l, &n.owned, e) == -1)
        return -1;
    if (check(&n, e) == -1) {
        gf_notice_free(&n);
        return -1;
    }
    *out = n;
    return 0;
}

int gf_notice_write(const struct gf_notice *n, struct gf_buf *out, struct gf_err *e) {
    size_t start = out->len;

    if (check(n, e) == -1)
        return -1;
    gf_buf_byte(out, '{');
    gf_put_str(out, "type", n->type);
    gf_put_time(out, "at", 1, n->at);
    gf_put_str(out, "data", n->data);
    gf_buf_text(out, "}\n");
    return gf_line_check(out, start, "notice", e);
}

void gf_notice_free(struct gf_notice *n) {
    if (n == NULL)
        return;
    free(n->owned);
    memset(n, 0, sizeof *n);
}
