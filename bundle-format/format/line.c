/*
 * line.c -- what the lines of all .jsonl members have in common.
 */
#include "format/line.h"

#include <stdlib.h>
#include <string.h>

/* 9999-12-31T23:59:59Z, the last time that RFC 3339 can write. */
#define TIME_MAX 253402300799LL

int gf_line_open(const char *line, size_t len, const char *what, struct gf_line *l,
                 struct gf_err *e) {
    if (len > 0 && line[len - 1] == '\n')
        len--;
    if (len + 1 > GF_LINE_MAX)
        return gf_err_set(e, GF_E_LIMIT,
                          "%s: line longer than %d bytes; a long body is sent as a file", what,
                          GF_LINE_MAX);
    if (len < 2 || line[0] != '{' || line[len - 1] != '}' || memchr(line, '\n', len) != NULL)
        return gf_err_set(e, GF_E_RECORD, "%s: a line must be one JSON object and LF", what);

    if (gf_json_parse(line, len, what, GF_E_RECORD, &l->json, e) == -1)
        return -1;
    /* A text in JSON has two quotes, in memory one NUL, and an escape is longer than what it stands
     * for: the line's own length is room for all of its texts. */
    l->owned = l->at = malloc(len);
    l->len = len;
    if (l->owned == NULL) {
        gf_json_free(l->json);
        return gf_err_set(e, GF_E_SYSTEM, "%s: out of memory", what);
    }
    gf_json_root(l->json, &l->o);
    return 0;
}

const char *gf_line_keep(struct gf_line *l, const char *text) {
    size_t n;
    char *copy = l->at;

    if (text == NULL)
        return NULL;
    n = strlen(text) + 1;
    memcpy(copy, text, n);
    l->at += n;
    return copy;
}

const char **gf_line_pointers(struct gf_line *l, size_t n) {
    size_t size = n * sizeof(char *);
    char *larger = realloc(l->owned, size + l->len);

    if (larger == NULL) {
        gf_json_fail(&l->o, GF_E_SYSTEM, "out of memory");
        return NULL;
    }
    l->owned = larger;
    l->at = larger + size;
    return (const char **)(void *)larger;
}

void gf_line_uuid(struct gf_line *l, const char *name, struct gf_id *out) {
    const char *text = NULL;

    if (gf_json_str(&l->o, name, GF_UUID_TEXT - 1, GF_UUID_TEXT - 1, &text) == 1 &&
        gf_text_unuuid(text, GF_UUID_TEXT - 1, out) == -1)
        gf_json_fail(&l->o, GF_E_RECORD, "%s must be a UUID in lower case", name);
}

int gf_line_close(struct gf_line *l, char **owned, struct gf_err *e) {
    int rc = gf_json_end(&l->o, e);

    gf_json_free(l->json);
    if (rc == -1) {
        free(l->owned);
        l->owned = NULL;
    }
    *owned = l->owned;
    return rc;
}

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

size_t gf_line_token(const char *text) {
    size_t n = 0;

    for (; text[n] != '\0'; n++) {
        char c = text[n];

        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
            strchr("!#$%&'*+-.^_`|~", c) == NULL)
            break;
    }
    return n;
}

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
