/*
 * json_plain.h -- which bytes stand for themselves in a JSON string, eight at once.
 */
#ifndef BASE_JSON_PLAIN_H
#define BASE_JSON_PLAIN_H

#include "base/utf8.h"

#define JSON_EACH_BYTE 0x0101010101010101U

/* Nonzero if one of eight bytes is a quote, a backslash or a control character: the high bit of
 * each such byte. A byte above one of them may be blamed too, never one in a word without any. */
static inline uint64_t json_special(uint64_t w) {
    uint64_t quote = w ^ (JSON_EACH_BYTE * '"'), slash = w ^ (JSON_EACH_BYTE * '\\');
    return ((w - JSON_EACH_BYTE * 0x20) | (quote - JSON_EACH_BYTE) | (slash - JSON_EACH_BYTE)) &
           ~w & UTF8_HIGH_BITS;
}

/* How many of the eight bytes stand before the first that is blamed in `found`, which is not zero;
 * 0 where the machine's order does not tell. The first has no neighbour to be blamed for. */
static inline size_t json_before(uint64_t found) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return (size_t)__builtin_ctzll(found) / 8;
#else
    (void)found;
    return 0;
#endif
}

#endif
