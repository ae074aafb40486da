/*
 * json_put.c -- JSON strings as they are written: for a bundle, and for people to look at.
 */
#include <string.h>

#include "base/json_plain.h"
#include "gapferry/json.h"

static const char hex_digits[] = "0123456789abcdef";

/* \uxxxx, of one UTF-16 code unit. */
static void put_unit(struct gf_buf *b, uint32_t unit) {
    const char escape[6] = {'\\',
                            'u',
                            hex_digits[unit >> 12],
                            hex_digits[unit >> 8 & 15],
                            hex_digits[unit >> 4 & 15],
                            hex_digits[unit & 15]};
    gf_buf_add(b, escape, sizeof escape);
}

static void put_escape(struct gf_buf *b, uint32_t c) {
    static const char letters[] = "\b\t\n\f\r\"\\", escapes[] = "btnfr\"\\";
    const char *letter = c > 0 && c < 0x80 ? strchr(letters, (int)c) : NULL;

    if (letter != NULL) {
        gf_buf_byte(b, '\\');
        gf_buf_byte(b, escapes[letter - letters]);
    } else if (c < 0x10000) {
        put_unit(b, c);
    } else {
        put_unit(b, 0xD800 + ((c - 0x10000) >> 10));
        put_unit(b, 0xDC00 + ((c - 0x10000) & 0x3FF));
    }
}

size_t gf_json_plain(const char *text, size_t n) {
    const uint8_t *s = (const uint8_t *)text;
    size_t i = 0;

    for (; n - i >= 8; i += 8) {
        uint64_t found = json_special(utf8_word(s + i));
        if (found != 0) {
            i += json_before(found);
            break;
        }
    }
    while (i < n && s[i] >= 0x20 && s[i] != '"' && s[i] != '\\')
        i++;
    return i;
}

void gf_json_put_str(struct gf_buf *b, const char *text, size_t n) {
    gf_buf_byte(b, '"');
    for (;;) {
        size_t plain = gf_json_plain(text, n);
        gf_buf_add(b, text, plain);
        if (plain == n)
            break;
        put_escape(b, (uint8_t)text[plain]);
        text += plain + 1;
        n -= plain + 1;
    }
    gf_buf_byte(b, '"');
}

void gf_json_put_text(struct gf_buf *b, const char *name, const char *text) {
    gf_buf_printf(b, ", \"%s\": ", name);
    if (text)
        gf_json_put_str(b, text, strlen(text));
    else
        gf_buf_text(b, "null");
}

void gf_json_put_safe(struct gf_buf *b, const char *json, size_t n) {
    const uint8_t *s = (const uint8_t *)json;

    while (n > 0) {
        uint32_t c = 0;
        size_t len = utf8_next(s, n, &c);
        len = len > 0 ? len : 1;
        if (c < 0x20)
            gf_buf_byte(b, ' '); /* white space between tokens: within a string it is escaped */
        else if (utf8_printable(c))
            gf_buf_add(b, s, len);
        else
            put_escape(b, c);
        s += len;
        n -= len;
    }
}

void gf_json_put_shown(struct gf_buf *b, const char *text, size_t n) {
    const uint8_t *s = (const uint8_t *)text;

    gf_buf_byte(b, '"');
    while (n > 0) {
        uint32_t c = 0;
        size_t len = utf8_next(s, n, &c);
        if (len == 0) {
            const char escape[5] = {'\\', '\\', 'x', hex_digits[*s >> 4], hex_digits[*s & 15]};
            gf_buf_add(b, escape, sizeof escape);
            len = 1;
        } else if (utf8_printable(c) && c != '"' && c != '\\') {
            gf_buf_add(b, s, len);
        } else {
            put_escape(b, c);
        }
        s += len;
        n -= len;
    }
    gf_buf_byte(b, '"');
}
