/*
 * series_snappy.c -- a block of snappy (google/snappy, format_description.txt) that is all literal.
 */
#include "common/otlp_put.h"
#include "relay/series/series.h"

#define LITERAL_MAX 65536 /* bytes that a tag with two bytes of length names */
#define TAG_TWO     (61 << 2)

void series_snappy(const void *data, size_t len, struct gf_buf *out) {
    const char *at = data;

    otlp_put_varint(out, len);
    while (len > 0) {
        size_t n = len < LITERAL_MAX ? len : LITERAL_MAX;
        gf_buf_byte(out, (char)TAG_TWO);
        gf_buf_byte(out, (char)((n - 1) & 0xFF));
        gf_buf_byte(out, (char)((n - 1) >> 8));
        gf_buf_add(out, at, n);
        at += n;
        len -= n;
    }
}
