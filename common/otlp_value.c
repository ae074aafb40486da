/*
 * otlp_value.c -- scalars of OTLP JSON as the bits that protobuf has for them, and doubles as
 * digits.
 */
#include "common/otlp_value.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_MAX 400 /* bytes of a number: a double written out without an exponent has fewer */

static int bad(struct otlp_scan *s, const char *why) {
    s->why = why;
    return -1;
}

/* What a kind of integer may be, as sign and magnitude. */
static int in_range(enum otlp_kind kind, int negative, uint64_t magnitude) {
    switch ((int)kind) {
    case OTLP_ENUM:
    case OTLP_SINT32:
        return magnitude <= (uint64_t)INT32_MAX + (negative ? 1 : 0);
    case OTLP_UINT32:
        return magnitude <= (negative ? 0 : UINT32_MAX);
    case OTLP_INT64:
    case OTLP_SFIXED64:
        return magnitude <= (uint64_t)INT64_MAX + (negative ? 1 : 0);
    default:
        return !negative || magnitude == 0;
    }
}

/* A number's text is in text[], NUL-ended and of JSON's form. */
static int read_integer(struct otlp_scan *s, enum otlp_kind kind, const char *text,
                        uint64_t *bits) {
    int negative = *text == '-';
    uint64_t v = 0;
    const char *p = text + negative;

    for (; *p >= '0' && *p <= '9'; p++) {
        uint64_t digit = (uint64_t)(*p - '0');
        if (v > (UINT64_MAX - digit) / 10)
            return bad(s, "an integer beyond its range");
        v = v * 10 + digit;
    }
    if (*p != '\0') {
        /* Some write 5 as 5.0 or 5e0: exact as long as a double is. */
        double d = fabs(strtod(text, NULL));
        if (!(d <= 9007199254740992.0) || d != floor(d))
            return bad(s, "an integer was expected");
        v = (uint64_t)d;
    }
    if (!in_range(kind, negative, v))
        return bad(s, "an integer beyond its range");
    v = negative ? 0 - v : v;
    if (kind == OTLP_SINT32) /* zigzag */
        v = (uint32_t)(v << 1) ^ (negative ? UINT32_MAX : 0);
    *bits = v;
    return 0;
}

static int read_double(struct otlp_scan *s, const char *text, uint64_t *bits) {
    double d = strtod(text, NULL);
    if (isinf(d))
        return bad(s, "a number beyond what a double holds");
    memcpy(bits, &d, sizeof d);
    return 0;
}

/* The words for what JSON's numbers cannot say. 1 if it is one. */
static int read_special(const struct otlp_token *token, uint64_t *bits) {
    double d;

    if (otlp_scan_means(token, "NaN"))
        d = NAN;
    else if (otlp_scan_means(token, "Infinity"))
        d = INFINITY;
    else if (otlp_scan_means(token, "-Infinity"))
        d = -INFINITY;
    else
        return 0;
    memcpy(bits, &d, sizeof d);
    return 1;
}

int otlp_value_number(struct otlp_scan *s, enum otlp_kind kind, uint64_t *bits) {
    char text[NUMBER_MAX + 1];
    struct otlp_token token;

    if (kind == OTLP_BOOL) {
        *bits = otlp_scan_peek(s) == 't';
        return otlp_scan_word(s, *bits ? "true" : "false");
    }
    if (otlp_scan_peek(s) != '"') {
        if (otlp_scan_number(s, &token) == -1)
            return -1;
    } else {
        if (kind == OTLP_ENUM)
            return bad(s, "OTLP JSON has integers for names of this kind");
        if (otlp_scan_string(s, &token) == -1)
            return -1;
        if (kind == OTLP_DOUBLE && read_special(&token, bits))
            return 0;
        /* What is within the quotes is a number, and all of it. */
        struct otlp_scan within = {.at = token.at, .end = token.at + token.len};
        if (token.len == 0 || strchr("-0123456789", *token.at) == NULL ||
            otlp_scan_number(&within, &token) == -1 || within.at != within.end)
            return bad(s, "a string that is no number");
    }
    if (token.len > NUMBER_MAX)
        return bad(s, "a number of too many digits");
    memcpy(text, token.at, token.len);
    text[token.len] = '\0';
    return kind == OTLP_DOUBLE ? read_double(s, text, bits) : read_integer(s, kind, text, bits);
}

/* The value of a digit, or -1. */
static int hex_digit(int32_t c) {
    int32_t lower = c | 0x20;
    return c >= '0' && c <= '9' ? c - '0' : lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

static int base64_digit(int32_t c) {
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

/* Digits of so many bits each, most significant first, to bytes; those of base64 may end in padding
 * to a multiple of four. -1 if they are none, or do not end with a byte. */
static int decode(const struct otlp_token *token, unsigned width, struct gf_buf *out) {
    const char *at = token->at, *end = at + token->len;
    uint32_t acc = 0;
    unsigned nbits = 0, count = 0, pads = 0;

    while (at < end) {
        int32_t c = otlp_scan_char(&at, end);
        int digit = width == 4 ? hex_digit(c) : base64_digit(c);
        count = (count + 1) & 3;
        if (width == 6 && c == '=' && pads < 2) {
            pads++;
            continue;
        }
        if (digit == -1 || pads > 0)
            return -1;
        acc = acc << width | (uint32_t)digit;
        nbits += width;
        if (nbits >= 8) {
            nbits -= 8;
            if (out != NULL)
                gf_buf_byte(out, (char)(acc >> nbits));
        }
    }
    return nbits < width && (pads == 0 || count == 0) ? 0 : -1;
}

int otlp_value_bytes(struct otlp_scan *s, enum otlp_kind kind, struct gf_buf *out) {
    struct otlp_token token;

    if (otlp_scan_string(s, &token) == -1)
        return -1;
    if (kind == OTLP_HEX)
        return decode(&token, 4, out) == 0 ? 0 : bad(s, "digits of hex were expected, two a byte");
    if (kind == OTLP_BYTES)
        return decode(&token, 6, out) == 0 ? 0 : bad(s, "base64 was expected");
    if (out != NULL && token.len > 0) {
        char *to = gf_buf_grow(out, token.len);
        if (to != NULL) {
            size_t n = otlp_scan_meaning(&token, to);
            out->len += n;
            out->data[out->len] = '\0';
        }
    }
    return 0;
}

#define PLACES 4

/* Most numbers have few decimal places and at most 15 digits: then the quotient of two whole
 * numbers is the double, and no conversion is needed to know it. 1, or 0: it has more. */
static int put_short(double d, char out[OTLP_VALUE_DOUBLE]) {
    static const double tens[] = {1, 10, 100, 1000, 10000};
    double a = fabs(d);
    char text[OTLP_VALUE_DOUBLE];
    char *at = text + sizeof text;

    if (!(a >= 0.0001 && a < 1e15))
        return 0;
    for (int places = 0; places <= PLACES && a * tens[places] < 1e15; places++) {
        uint64_t n = (uint64_t)(a * tens[places] + 0.5);
        if ((double)n / tens[places] != a)
            continue;
        *--at = '\0';
        for (int i = 0; i < places; i++, n /= 10)
            *--at = (char)('0' + n % 10);
        if (places > 0)
            *--at = '.';
        do
            *--at = (char)('0' + n % 10);
        while ((n /= 10) > 0);
        if (d < 0)
            *--at = '-';
        memcpy(out, at, (size_t)(text + sizeof text - at));
        return 1;
    }
    return 0;
}

/* Whatever has up to 15 digits comes back from a double; only the smallest doubles have fewer. */
void otlp_value_double(double d, char out[OTLP_VALUE_DOUBLE]) {
    int digits = fabs(d) < DBL_MIN ? 1 : 15;

    if (put_short(d, out))
        return;
    do
        (void)snprintf(out, OTLP_VALUE_DOUBLE, "%.*g", digits, d);
    while (digits++ < 17 && strtod(out, NULL) != d);
}
