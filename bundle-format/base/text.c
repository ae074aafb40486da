/*
 * text.c -- hex, times, identifiers, and what counts as text. Base64 stands in base64.c.
 */
#include "gapferry/text.h"

#include <string.h>

#include "base/utf8.h"

static const char hex_digits[] = "0123456789abcdef";

void gf_text_hex(const uint8_t *b, size_t len, char *out) {
    for (size_t i = 0; i < len; i++) {
        *out++ = hex_digits[b[i] >> 4];
        *out++ = hex_digits[b[i] & 15];
    }
    *out = '\0';
}

/* One more than the value of a lower-case hex digit; 0: it is none. */
static const uint8_t hex_values[256] = {
    ['0'] = 1, ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
    ['8'] = 9, ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
};

int gf_text_unhex(const char *text, size_t n, uint8_t *out, size_t len) {
    const uint8_t *digit = (const uint8_t *)text;
    if (n / 2 != len || n % 2 != 0)
        return -1;
    /* Looked through first: the output stays untouched unless all of it is good. */
    int bad = 0;
    for (size_t i = 0; i < n; i++)
        bad |= hex_values[digit[i]] == 0;
    if (bad)
        return -1;
    for (size_t i = 0; i < len; i++, digit += 2)
        out[i] = (uint8_t)((hex_values[digit[0]] - 1) << 4 | (hex_values[digit[1]] - 1));
    return 0;
}

/*
 * Civil dates. Years are counted from March, so that the leap day is the last of its year and the
 * days before each month follow one formula; 400 years have 146,097 days.
 */
static int64_t days_of(int64_t year, int64_t month, int64_t day) {
    int64_t y = month > 2 ? year : year - 1;
    int64_t m = month > 2 ? month - 3 : month + 9;
    return 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
}

static int64_t month_length(int64_t year, int64_t month) {
    static const int8_t lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return lengths[month - 1] + (month == 2 && leap);
}

static void put_digits(char *out, int64_t value, size_t n) {
    while (n-- > 0) {
        out[n] = (char)('0' + value % 10);
        value /= 10;
    }
}

#define TIME_MAX 253402300799 /* 9999-12-31T23:59:59Z */

void gf_text_time(int64_t t, char out[GF_TIME_TEXT]) {
    t = t < 0 ? 0 : t > TIME_MAX ? TIME_MAX : t;
    int64_t days = t / 86400, second = t % 86400;

    /* The first guess at the year is never too late, and at most 17 too early (in 9999). */
    int64_t year = 1970 + days / 366, month = 1;
    while (days_of(year + 1, 1, 1) <= days)
        year++;
    days -= days_of(year, 1, 1);
    for (; days >= month_length(year, month); month++)
        days -= month_length(year, month);

    memcpy(out, "yyyy-mm-ddThh:mm:ssZ", GF_TIME_TEXT);
    put_digits(out, year, 4);
    put_digits(out + 5, month, 2);
    put_digits(out + 8, days + 1, 2);
    put_digits(out + 11, second / 3600, 2);
    put_digits(out + 14, second / 60 % 60, 2);
    put_digits(out + 17, second % 60, 2);
}

static int64_t take_digits(const char *text, size_t n) {
    int64_t value = 0;
    for (size_t i = 0; i < n; i++)
        value = value * 10 + (text[i] - '0');
    return value;
}

int gf_text_untime(const char *text, size_t n, int64_t *out) {
    static const char shape[] = "0000-00-00T00:00:00Z";
    if (n != sizeof shape - 1)
        return -1;
    for (size_t i = 0; i < n; i++)
        if (shape[i] == '0' ? text[i] < '0' || text[i] > '9' : text[i] != shape[i])
            return -1;

    int64_t year = take_digits(text, 4), month = take_digits(text + 5, 2);
    int64_t day = take_digits(text + 8, 2), hour = take_digits(text + 11, 2);
    int64_t minute = take_digits(text + 14, 2), second = take_digits(text + 17, 2);
    if (year < 1970 || month < 1 || month > 12 || day < 1 || day > month_length(year, month) ||
        hour > 23 || minute > 59 || second > 59)
        return -1;
    *out = days_of(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
    return 0;
}

/* Bytes in each group of a UUID. */
static const uint8_t uuid_groups[] = {4, 2, 2, 2, 6};

void gf_text_uuid(const struct gf_id *id, char out[GF_UUID_TEXT]) {
    const uint8_t *b = id->b;
    for (size_t g = 0; g < sizeof uuid_groups; g++) {
        gf_text_hex(b, uuid_groups[g], out);
        b += uuid_groups[g];
        out += 2 * uuid_groups[g];
        *out++ = '-';
    }
    out[-1] = '\0';
}

int gf_text_unuuid(const char *text, size_t n, struct gf_id *out) {
    struct gf_id id;
    uint8_t *b = id.b;
    if (n != GF_UUID_TEXT - 1)
        return -1;
    for (size_t g = 0; g < sizeof uuid_groups; g++) {
        size_t len = uuid_groups[g];
        if (gf_text_unhex(text, 2 * len, b, len) == -1)
            return -1;
        b += len;
        text += 2 * len;
        if (g + 1 < sizeof uuid_groups && *text++ != '-')
            return -1;
    }
    *out = id;
    return 0;
}

void gf_text_uuid7(int64_t ms, const uint8_t random[10], struct gf_id *out) {
    uint64_t t = ms < 0 ? 0 : (uint64_t)ms;
    for (size_t i = 0; i < 6; i++)
        out->b[i] = (uint8_t)(t >> (40 - 8 * i));
    memcpy(out->b + 6, random, 10);
    out->b[6] = (uint8_t)((out->b[6] & 0x0F) | 0x70); /* version 7 */
    out->b[8] = (uint8_t)((out->b[8] & 0x3F) | 0x80); /* variant of RFC 9562 */
}

int gf_text_is_utf8(const char *text, size_t n) {
    const uint8_t *s = (const uint8_t *)text;
    while (n > 0) {
        /* Eight bytes of ASCII without NUL at once: the common case by far. A byte of zero
         * borrows from its high bit; one above it may be blamed too, and is looked at below. */
        while (n >= 8) {
            uint64_t w = utf8_word(s);
            if (((w | (w - 0x0101010101010101U)) & UTF8_HIGH_BITS) != 0)
                break;
            s += 8;
            n -= 8;
        }
        uint32_t c;
        size_t len = utf8_next(s, n, &c);
        if (len == 0)
            return n == 0;
        if (c == 0)
            return 0;
        s += len;
        n -= len;
    }
    return 1;
}

/* A bit for each character, of 64 in a row each. */
static const uint64_t token_chars[4] = {0x03FF6CFA00000000U, 0x57FFFFFFC7FFFFFEU, 0, 0};

size_t gf_text_token(const char *text, size_t n) {
    size_t i = 0;
    while (i < n && (token_chars[(uint8_t)text[i] / 64] >> (uint8_t)text[i] % 64 & 1) != 0)
        i++;
    return i;
}

int gf_text_is_word(const char *text, size_t n, size_t max) {
    if (n == 0 || n > max)
        return 0;
    for (size_t i = 0; i < n; i++) {
        char c = text[i];
        int alnum = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!alnum && (i == 0 || (c != '.' && c != '-')))
            return 0;
    }
    return 1;
}

size_t gf_text_fit(const char *text, size_t n, size_t max) {
    if (n <= max)
        return n;
    while (max > 0 && ((unsigned char)text[max] & 0xc0) == 0x80)
        max--;
    return max;
}

void gf_text_safe(struct gf_buf *out, const char *text, size_t n) {
    const uint8_t *s = (const uint8_t *)text;
    while (n > 0) {
        uint32_t c = 0;
        size_t len = utf8_next(s, n, &c);
        if (len != 0 && utf8_printable(c)) {
            gf_buf_add(out, s, len);
        } else {
            len += len == 0;
            for (size_t i = 0; i < len; i++) {
                char escape[4] = {'\\', 'x', hex_digits[s[i] >> 4], hex_digits[s[i] & 15]};
                gf_buf_add(out, escape, sizeof escape);
            }
        }
        s += len;
        n -= len;
    }
}
