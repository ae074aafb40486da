/*
 * put.c -- write the fields of our JSON objects.
 */
#include "format/put.h"

#include <string.h>

#include "gapferry/json.h"

void gf_put_comma(struct gf_buf *b) {
    char last = b->len > 0 ? b->data[b->len - 1] : '{';

    if (last != '{' && last != '[')
        gf_buf_byte(b, ',');
}

/* "TEXT" and what stands behind it, in one go: a line has a dozen of them. */
static void put_quoted(struct gf_buf *b, const char *text, const char *behind) {
    size_t n = strlen(text), more = strlen(behind);
    char *at = gf_buf_grow(b, n + more + 2);

    if (at == NULL)
        return;
    at[0] = '"';
    memcpy(at + 1, text, n);
    at[n + 1] = '"';
    memcpy(at + n + 2, behind, more);
    b->len += n + more + 2;
}

void gf_put_name(struct gf_buf *b, const char *name) {
    gf_put_comma(b);
    put_quoted(b, name, ":");
}

void gf_put_str(struct gf_buf *b, const char *name, const char *text) {
    gf_put_name(b, name);
    if (text != NULL)
        gf_json_put_str(b, text, strlen(text));
    else
        gf_buf_text(b, "null");
}

void gf_put_int(struct gf_buf *b, const char *name, int64_t value) {
    gf_put_name(b, name);
    gf_buf_printf(b, "%lld", (long long)value);
}

/* Text that needs no escapes. */
static void put_plain(struct gf_buf *b, const char *name, const char *text) {
    gf_put_name(b, name);
    put_quoted(b, text, "");
}

void gf_put_hex(struct gf_buf *b, const char *name, const uint8_t *bytes, size_t len) {
    char text[GF_HASH64_TEXT];

    gf_text_hex(bytes, len, text);
    put_plain(b, name, text);
}

void gf_put_uuid(struct gf_buf *b, const char *name, const struct gf_id *id) {
    char text[GF_UUID_TEXT];

    gf_text_uuid(id, text);
    put_plain(b, name, text);
}

void gf_put_time(struct gf_buf *b, const char *name, int has, int64_t t) {
    char text[GF_TIME_TEXT];

    if (!has) {
        gf_put_str(b, name, NULL);
        return;
    }
    gf_text_time(t, text);
    put_plain(b, name, text);
}

void gf_put_ints(struct gf_buf *b, const char *name, const int64_t *values, size_t n) {
    gf_put_name(b, name);
    gf_buf_byte(b, '[');
    for (size_t i = 0; i < n; i++)
        gf_buf_printf(b, "%s%lld", i == 0 ? "" : ",", (long long)values[i]);
    gf_buf_byte(b, ']');
}
