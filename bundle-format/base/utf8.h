/*
 * utf8.h -- one character of UTF-8, for the files of base/.
 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define UTF8_HIGH_BITS 0x8080808080808080U

/* Bytes of the well-formed character at s[0 .. n-1] (The Unicode Standard, table 3-7), and the
 * character in *c; 0 if there is none: cut, overlong, a surrogate, beyond U+10FFFF. */
static inline size_t utf8_next(const uint8_t *s, size_t n, uint32_t *c) {
    if (n == 0)
        return 0;
    if (s[0] < 0x80) {
        *c = s[0];
        return 1;
    }
    if (n < 2 || s[0] < 0xC2 || s[0] > 0xF4 || (s[1] & 0xC0) != 0x80)
        return 0;
    if (s[0] < 0xE0) {
        *c = (uint32_t)(s[0] & 0x1F) << 6 | (s[1] & 0x3F);
        return 2;
    }
    if (n < 3 || (s[2] & 0xC0) != 0x80)
        return 0;
    if (s[0] < 0xF0) {
        *c = (uint32_t)(s[0] & 0x0F) << 12 | (uint32_t)(s[1] & 0x3F) << 6 | (s[2] & 0x3F);
        return *c < 0x800 || (*c >= 0xD800 && *c <= 0xDFFF) ? 0 : 3;
    }
    if (n < 4 || (s[3] & 0xC0) != 0x80)
        return 0;
    *c = (uint32_t)(s[0] & 0x07) << 18 | (uint32_t)(s[1] & 0x3F) << 12 |
         (uint32_t)(s[2] & 0x3F) << 6 | (s[3] & 0x3F);
    return *c < 0x10000 || *c > 0x10FFFF ? 0 : 4;
}

/* 1 if a terminal shows the character and nothing else happens: no control character, no line or
 * paragraph separator, nothing invisible that turns or hides the text around it. */
static inline int utf8_printable(uint32_t c) {
    if (c < 0x80)
        return c >= 0x20 && c != 0x7F;
    return c >= 0xA0 && c != 0xAD && c != 0x61C && c != 0x180E && !(c >= 0x200B && c <= 0x200F) &&
           !(c >= 0x2028 && c <= 0x202E) && !(c >= 0x2060 && c <= 0x206F) && c != 0xFEFF &&
           !(c >= 0xFFF9 && c <= 0xFFFB) && !(c >= 0x1BCA0 && c <= 0x1BCA3) &&
           !(c >= 0x1D173 && c <= 0x1D17A) && !(c >= 0xE0000 && c <= 0xE0FFF);
}

/* Eight bytes at once, in the machine's order. */
static inline uint64_t utf8_word(const uint8_t *s) {
    uint64_t w;
    memcpy(&w, s, sizeof w);
    return w;
}

#endif
