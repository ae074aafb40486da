/*
 * base64.c -- RFC 4648: base64 with and without padding, base32 in groups; declared in text.h.
 */
#include "gapferry/text.h"

#include <string.h>

static const char digits64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Three bytes to four digits; a shorter tail to as many digits as it needs. */
static size_t encode(const uint8_t *b, size_t len, char out[4]) {
    uint32_t v =
        (uint32_t)b[0] << 16 | (len > 1 ? (uint32_t)b[1] << 8 : 0U) | (len > 2 ? b[2] : 0U);
    for (unsigned i = 0; i < 4; i++)
        out[i] = digits64[v >> (18 - 6 * i) & 63];
    return len < 3 ? len + 1 : 4;
}

void gf_text_base64(struct gf_buf *out, const uint8_t *b, size_t len, int pad) {
    size_t tail = len % 3;
    if (len > SIZE_MAX / 2) { /* four digits for three bytes would not fit size_t */
        out->failed = 2;
        return;
    }
    size_t need = len / 3 * 4 + (tail == 0 ? 0 : pad ? 4 : tail + 1);
    char *at = gf_buf_grow(out, need);
    if (at == NULL)
        return;

    for (; len >= 3; b += 3, len -= 3)
        at += encode(b, 3, at);
    if (tail != 0) {
        char last[4];
        size_t n = encode(b, tail, last);
        for (size_t i = 0; i < (pad ? 4 : n); i++)
            *at++ = i < n ? last[i] : '=';
    }
    out->len += need;
}

/* The value of a digit, or 64. Table driven: keys and bodies of records pass here. */
static uint8_t value_of(char c) {
    static const uint8_t values[256] = {
#define ROW(c, v)  [c] = (v) + 1
#define ROW2(c, v) ROW(c, v), ROW((c) + 1, (v) + 1)
#define ROW13(c, v)                                                                                \
    ROW2(c, v), ROW2((c) + 2, (v) + 2), ROW2((c) + 4, (v) + 4), ROW2((c) + 6, (v) + 6),            \
        ROW2((c) + 8, (v) + 8), ROW2((c) + 10, (v) + 10), ROW((c) + 12, (v) + 12)
        ROW13('A', 0), ROW13('N', 13), ROW13('a', 26), ROW13('n', 39), ROW2('0', 52), ROW2('2', 54),
        ROW2('4', 56), ROW2('6', 58),  ROW2('8', 60),  ROW('+', 62),   ROW('/', 63)
#undef ROW13
#undef ROW2
#undef ROW
    };
    return (uint8_t)(values[(uint8_t)c] - 1);
}

/* n digits (2 to 4) to n - 1 bytes; -1 for a foreign digit or unused bits that are not zero. */
static int decode(const char *text, size_t n, uint8_t *out) {
    uint32_t v = 0;
    for (size_t i = 0; i < 4; i++) {
        uint8_t d = i < n ? value_of(text[i]) : 0;
        if (d > 63)
            return -1;
        v = v << 6 | d;
    }
    if ((n == 2 && (v & 0xFFFF) != 0) || (n == 3 && (v & 0xFF) != 0))
        return -1;
    for (size_t i = 0; i + 1 < n; i++)
        out[i] = (uint8_t)(v >> (16 - 8 * i));
    return 0;
}

int gf_text_unbase64(const char *text, size_t n, int pad, uint8_t *out, size_t max, size_t *len) {
    if (pad) {
        if (n % 4 != 0)
            return -1;
        for (int i = 0; i < 2 && n > 0 && text[n - 1] == '='; i++)
            n--;
    }
    size_t tail = n % 4;
    if (tail == 1)
        return -1;
    size_t bytes = n / 4 * 3 + (tail == 0 ? 0 : tail - 1);
    if (bytes > max)
        return -1;

    for (; n >= 4; text += 4, n -= 4, out += 3)
        if (decode(text, 4, out) == -1)
            return -1;
    if (tail != 0 && decode(text, tail, out) == -1)
        return -1;
    *len = bytes;
    return 0;
}

/* ---- base32 ---- */

static const char digits32[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

void gf_text_base32(const uint8_t *b, size_t digits, size_t group, char *out) {
    const size_t last = (5 * digits - 1) / 8; /* byte of the last bit */

    for (size_t i = 0; i < digits; i++) {
        size_t bit = 5 * i;
        unsigned two = (unsigned)b[bit / 8] << 8 | (bit / 8 < last ? b[bit / 8 + 1] : 0U);

        if (i > 0 && i % group == 0)
            *out++ = '-';
        *out++ = digits32[two >> (11 - bit % 8) & 31];
    }
    *out = '\0';
}

/* The value of a digit as people type it; -1: it is none. */
static int typed_value(char c) {
    if (c >= 'a' && c <= 'z')
        c = (char)(c - 'a' + 'A');
    c = c == '0' ? 'O' : c == '1' ? 'I' : c == '8' ? 'B' : c;
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    return c >= '2' && c <= '7' ? c - '2' + 26 : -1;
}

int gf_text_unbase32(const char *typed, size_t digits, uint8_t *out) {
    size_t n = 0;

    /* Looked through first: the output stays untouched unless all of it is good. */
    for (const char *p = typed; *p != '\0'; p++) {
        if (*p == '-' || *p == ' ')
            continue;
        if (typed_value(*p) == -1 || n++ == digits)
            return -1;
    }
    if (n != digits)
        return -1;
    memset(out, 0, (5 * digits + 7) / 8);
    size_t bit = 0;
    for (; *typed != '\0'; typed++) {
        if (*typed == '-' || *typed == ' ')
            continue;
        unsigned two = (unsigned)typed_value(*typed) << (11 - bit % 8);
        out[bit / 8] |= (uint8_t)(two >> 8);
        if (bit % 8 > 3)
            out[bit / 8 + 1] |= (uint8_t)two;
        bit += 5;
    }
    return 0;
}
