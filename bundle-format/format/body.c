/*
 * body.c -- bodies, byte for byte: as text where they are text, else in base64, else in a file.
 */
#include "format/body.h"

#include <string.h>

#include "format/put.h"
#include "gapferry/contents.h"
#include "gapferry/json.h"

static int is_text(const char *data, size_t len) {
    return gf_text_is_utf8(data, len);
}

/* base64, in the line's own memory: what it stands for takes the place of its digits. */
static void parse_base64(struct gf_line *l, struct gf_body *out) {
    const char *text = NULL;

    if (gf_line_str(l, "body64", 0, GF_LINE_MAX, &text) != 1)
        return;
    char *data = l->owned + (text - l->owned);
    size_t len = strlen(text);
    if (gf_text_unbase64(text, len, 1, (uint8_t *)data, len, &out->len) == -1) {
        gf_line_fail(l, GF_E_RECORD, "body64 must be base64 with padding");
        return;
    }
    /* One body has one encoding, so that a line says the same to everybody who compares lines. */
    if (is_text(data, out->len)) {
        gf_line_fail(l, GF_E_RECORD, "body64 holds text, which must be sent as body");
        return;
    }
    data[out->len] = '\0';
    out->data = data;
}

void gf_body_parse(struct gf_line *l, struct gf_body *out) {
    int text = gf_line_has(l, "body");
    int base64 = gf_line_has(l, "body64");
    int file = gf_line_has(l, "file");

    out->form = GF_BODY_TEXT;
    if (text + base64 + file != 1) {
        gf_line_fail(l, GF_E_RECORD, "must have exactly one of body, body64 and file");
        return;
    }
    if (base64) {
        parse_base64(l, out);
        return;
    }
    if (file)
        out->form = GF_BODY_FILE;
    if (gf_line_str(l, file ? "file" : "body", 0, GF_LINE_MAX, &out->data) == 1)
        out->len = (size_t)(l->at - out->data) - 1;
}

int gf_body_check(const struct gf_body *b, const char *what, struct gf_err *e) {
    if (b->data == NULL)
        return gf_err_set(e, GF_E_RECORD, "%s: has no body", what);
    if (b->form == GF_BODY_FILE) {
        if (strlen(b->data) != b->len || gf_contents_member_of(b->data) != GF_MEMBER_FILE)
            return gf_err_set(e, GF_E_RECORD, "%s: file must be the path of a member files/...",
                              what);
        return 0;
    }
    if (b->form != GF_BODY_TEXT)
        return gf_err_set(e, GF_E_RECORD, "%s: its body has no known form", what);
    if (b->len > GF_LINE_MAX)
        return gf_err_set(e, GF_E_LIMIT,
                          "%s: a body of %zu bytes is too long for a line; send it as "
                          "a file",
                          what, b->len);
    return 0;
}

void gf_body_write(const struct gf_body *b, struct gf_buf *out) {
    if (b->form == GF_BODY_FILE) {
        gf_put_str(out, "file", b->data);
        return;
    }
    if (is_text(b->data, b->len)) {
        gf_put_name(out, "body");
        gf_json_put_str(out, b->data, b->len);
        return;
    }
    gf_put_name(out, "body64");
    gf_buf_byte(out, '"');
    gf_text_base64(out, (const uint8_t *)b->data, b->len, 1);
    gf_buf_byte(out, '"');
}
