/*
 * otlp_put.h -- protobuf written into a gf_buf: canonical varints, failures remembered by the
 * buffer.
 */
#ifndef COMMON_OTLP_PUT_H
#define COMMON_OTLP_PUT_H

#include <stddef.h>
#include <stdint.h>

#include "common/otlp_schema.h"
#include "gapferry/buf.h"

/* A canonical varint at out, of up to 10 bytes; how many. */
static inline size_t otlp_put_encode(uint64_t v, uint8_t *out) {
    size_t n = 0;
    for (; v >= 0x80; v >>= 7)
        out[n++] = (uint8_t)(v | 0x80);
    out[n++] = (uint8_t)v;
    return n;
}

void otlp_put_varint(struct gf_buf *b, uint64_t v);
void otlp_put_tag(struct gf_buf *b, uint32_t number, enum otlp_wire wire);
void otlp_put_eight_bytes(struct gf_buf *b, uint64_t bits);

/* Whole fields. */
void otlp_put_uint(struct gf_buf *b, uint32_t number, uint64_t v);
void otlp_put_eight(struct gf_buf *b, uint32_t number, uint64_t bits);
void otlp_put_bytes(struct gf_buf *b, uint32_t number, const void *data, size_t len);

/* A length-delimited field whose length comes out at the end: what is put between opening and
 * closing is its content. The mark is for the closing; fields close in reverse order. */
size_t otlp_put_open(struct gf_buf *b, uint32_t number);
void otlp_put_close(struct gf_buf *b, size_t mark);

#endif
