/*
 * line.c -- the limit and the rules of the lines of all .jsonl members; line_read.c reads them.
 */
#include "format/line.h"

#include <string.h>

/* 9999-12-31T23:59:59Z, the last time that RFC 3339 can write. */
#define TIME_MAX 253402300799LL

int gf_line_check(struct gf_buf *out, size_t start, const char *what, struct gf_err *e) {
    if (gf_buf_check(out, what, e) == 0 && out->len - start <= GF_LINE_MAX)
        return 0;
    if (out->failed == 0)
        gf_err_set(e, GF_E_LIMIT, "%s: line longer than %d bytes; send the body as a file", what,
                   GF_LINE_MAX);
    out->len = start;
    if (out->data != NULL)
        out->data[start] = '\0';
    return -1;
}

/* ---- rules ---- */

int gf_line_is_uuid(const struct gf_id *id, const char *what, struct gf_err *e) {
    int version = id->b[6] >> 4;
    int variant = id->b[8] >> 6;

    if ((version == 7 || version == 8) && variant == 2)
        return 0;
    return gf_err_set(e, GF_E_RECORD, "%s must be a UUID of version 7 or 8 (RFC 9562)", what);
}

int gf_line_is_time(int64_t t, const char *what, struct gf_err *e) {
    if (t >= 0 && t <= TIME_MAX)
        return 0;
    return gf_err_set(e, GF_E_RECORD, "%s must be a time of the years 1970 to 9999", what);
}

int gf_line_is_word(const char *text, const char *what, struct gf_err *e) {
    if (text != NULL && gf_text_is_word(text, strlen(text), GF_WORD_MAX))
        return 0;
    return gf_err_set(e, GF_E_RECORD, "%s must be a word of 1 to %d bytes of [a-z0-9.-]", what,
                      GF_WORD_MAX);
}

int gf_line_is_text(const char *text, size_t min, size_t max, const char *what, struct gf_err *e) {
    size_t n = text != NULL ? strlen(text) : 0;

    if (text != NULL && n >= min && n <= max && gf_text_is_utf8(text, n))
        return 0;
    return gf_err_set(e, GF_E_RECORD, "%s must be %zu to %zu bytes of UTF-8", what, min, max);
}

int gf_line_is_plain(const char *text, size_t min, size_t max, const char *what, struct gf_err *e) {
    const unsigned char *p = (const unsigned char *)text;

    if (gf_line_is_text(text, min, max, what, e) == -1)
        return -1;
    /* Unicode's control characters: below space, DEL, and U+0080 to U+009F, which are C2 80 to
     * C2 9F. */
    for (; *p != '\0'; p++)
        if (*p < 0x20 || *p == 0x7f || (*p == 0xc2 && p[1] <= 0x9f))
            return gf_err_set(e, GF_E_RECORD, "%s must have no control characters", what);
    return 0;
}
