/*
 * otlp_wire.h -- protobuf's wire format, one field at a time: for the files of otlp*.c, and for
 * who reads a span that they give.
 *
 * Encoding: https://protobuf.dev/programming-guides/encoding/. Groups, which OTLP does not have and
 * proto3 gave up, are refused.
 */
#ifndef COMMON_OTLP_WIRE_H
#define COMMON_OTLP_WIRE_H

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/otlp.h"
#include "common/otlp_schema.h"

#define OTLP_VARINT_MAX 10 /* bytes of the longest varint */

/* An empty request may come without an address. */
static inline struct otlp_span otlp_wire_span(const void *data, size_t len) {
    const uint8_t *at = len > 0 ? data : (const uint8_t *)"";
    return (struct otlp_span){at, at + len};
}

/* One field as it stands. */
struct otlp_item {
    uint64_t bits;         /* a varint's or fixed value; 0 for a length-delimited one */
    struct otlp_span span; /* the content behind the tag and, if there is one, the length */
    const uint8_t *length; /* where the length begins, of a length-delimited one */
    uint32_t number;
    enum otlp_wire wire;
};

/* A varint of several bytes; NULL, or why it is none. */
static inline const char *otlp_wire_long(const uint8_t **at, const uint8_t *end, uint64_t *out) {
    const uint8_t *p = *at;
    uint64_t v = 0;
    for (unsigned shift = 0; p < end && shift < 70; shift += 7) {
        uint64_t byte = *p++;
        if (shift == 63 && byte > 1)
            return "a varint of more than 64 bits";
        v |= (byte & 0x7F) << shift;
        if (byte < 0x80) {
            *at = p;
            *out = v;
            return NULL;
        }
    }
    return "a varint that is cut off";
}

static inline const char *otlp_wire_varint(const uint8_t **at, const uint8_t *end, uint64_t *out) {
    if (*at < end && **at < 0x80) {
        *out = *(*at)++;
        return NULL;
    }
    return otlp_wire_long(at, end, out);
}

static inline uint64_t otlp_wire_eight(const uint8_t *at) {
    uint64_t v;
    memcpy(&v, at, sizeof v);
    return le64toh(v);
}

/* The double that a fixed value's bits are. */
static inline double otlp_wire_double(uint64_t bits) {
    double d;
    memcpy(&d, &bits, sizeof d);
    return d;
}

/* What zigzag means: 0, -1, 1, -2, ... */
static inline int32_t otlp_wire_zigzag(uint64_t bits) {
    uint32_t v = (uint32_t)bits;
    return (int32_t)(v >> 1 ^ (0U - (v & 1)));
}

/* Read the field at *at, which must be before end, and step over it. NULL, or why it is none; then
 * nothing is set. */
static inline const char *otlp_wire_next(const uint8_t **at, const uint8_t *end,
                                         struct otlp_item *out) {
    const uint8_t *p = *at;
    uint64_t tag, v = 0;
    const char *why = otlp_wire_varint(&p, end, &tag);
    if (why != NULL)
        return why;
    if (tag >> 32 != 0 || tag >> 3 == 0)
        return "a field number that protobuf does not have";

    out->span.at = out->length = p;
    switch (tag & 7) {
    case OTLP_VARINT:
        if ((why = otlp_wire_varint(&p, end, &v)) != NULL)
            return why;
        break;
    case OTLP_EIGHT:
        if (end - p < 8)
            return "a field that is cut off";
        v = otlp_wire_eight(p);
        p += 8;
        break;
    case OTLP_FOUR:
        if (end - p < 4)
            return "a field that is cut off";
        p += 4; /* OTLP has none: its value is nobody's */
        break;
    case OTLP_LENGTH:
        if ((why = otlp_wire_varint(&p, end, &v)) != NULL)
            return why;
        if (v > (uint64_t)(end - p))
            return "a length beyond the end";
        out->span.at = p;
        p += v;
        v = 0;
        break;
    case 3:
    case 4:
        return "a group, which OTLP does not have";
    default:
        return "a wire type that protobuf does not have";
    }
    out->number = (uint32_t)(tag >> 3);
    out->wire = (enum otlp_wire)(tag & 7);
    out->bits = v;
    out->span.end = p;
    *at = p;
    return NULL;
}

/* What the schema knows of a number; NULL: nothing. */
static inline const struct otlp_field *otlp_wire_field(const struct otlp_message *m,
                                                       uint32_t number) {
    return number < OTLP_NUMBERS && m->field[number].kind != OTLP_NONE ? &m->field[number] : NULL;
}

#endif
