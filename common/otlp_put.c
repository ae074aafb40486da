/*
 * otlp_put.c -- protobuf written into a gf_buf.
 */
#include "common/otlp_put.h"

#include <endian.h>
#include <string.h>

#include "common/otlp_wire.h"

void otlp_put_varint(struct gf_buf *b, uint64_t v) {
    uint8_t bytes[OTLP_VARINT_MAX];
    gf_buf_add(b, bytes, otlp_put_encode(v, bytes));
}

void otlp_put_tag(struct gf_buf *b, uint32_t number, enum otlp_wire wire) {
    otlp_put_varint(b, (uint64_t)number << 3 | wire);
}

void otlp_put_uint(struct gf_buf *b, uint32_t number, uint64_t v) {
    otlp_put_tag(b, number, OTLP_VARINT);
    otlp_put_varint(b, v);
}

void otlp_put_eight_bytes(struct gf_buf *b, uint64_t bits) {
    uint64_t little = htole64(bits);
    gf_buf_add(b, &little, sizeof little);
}

void otlp_put_eight(struct gf_buf *b, uint32_t number, uint64_t bits) {
    otlp_put_tag(b, number, OTLP_EIGHT);
    otlp_put_eight_bytes(b, bits);
}

void otlp_put_bytes(struct gf_buf *b, uint32_t number, const void *data, size_t len) {
    otlp_put_tag(b, number, OTLP_LENGTH);
    otlp_put_varint(b, len);
    gf_buf_add(b, data, len);
}

size_t otlp_put_open(struct gf_buf *b, uint32_t number) {
    otlp_put_tag(b, number, OTLP_LENGTH);
    gf_buf_byte(b, 0); /* most lengths fit */
    return b->len;
}

void otlp_put_close(struct gf_buf *b, size_t mark) {
    uint8_t length[OTLP_VARINT_MAX];
    size_t len = b->len - mark, n = otlp_put_encode(len, length);

    /* A longer length moves the content: once for each level, which costs less than to measure
     * everything first. */
    if (n > 1 && gf_buf_grow(b, n - 1) != NULL) {
        memmove(b->data + mark + n - 1, b->data + mark, len);
        b->len += n - 1;
    }
    if (!b->failed)
        memcpy(b->data + mark - 1, length, n);
}
