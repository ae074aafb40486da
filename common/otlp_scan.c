/*
 * otlp_scan.c -- strict JSON, token by token over bytes that stay where they are.
 */
#include "common/otlp_scan.h"

#include <stdint.h>
#include <string.h>

static int bad(struct otlp_scan *s, const char *why) {
    s->why = why;
    return -1;
}

/* Four hex digits; -1 if they are not there. */
static int32_t hex4(const char *at, const char *end) {
    int32_t v = 0;
    if (end - at < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        char c = at[i], lower = (char)(c | 0x20);
        if (c >= '0' && c <= '9')
            v = v << 4 | (c - '0');
        else if (lower >= 'a' && lower <= 'f')
            v = v << 4 | (lower - 'a' + 10);
        else
            return -1;
    }
    return v;
}

/* The character of the escape at *at, which is stepped over; -1: it is none. */
static int32_t escape(const char **at, const char *end) {
    static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    const char *p = *at + 1;

    if (p == end)
        return -1;
    if (*p != 'u') {
        const char *letter = memchr(letters, *p, sizeof letters - 1);
        *at = p + 1;
        return letter != NULL ? meanings[letter - letters] : -1;
    }
    int32_t c = hex4(p + 1, end);
    p += 5;
    if (c >= 0xD800 && c <= 0xDFFF) {
        int pair = c < 0xDC00 && end - p >= 6 && p[0] == '\\' && p[1] == 'u';
        int32_t low = pair ? hex4(p + 2, end) : -1;
        if (low < 0xDC00 || low > 0xDFFF)
            return -1;
        c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
        p += 6;
    }
    *at = p;
    return c;
}

/* Past bytes that need no look in a string: eight at once while none of them is a quote, a
 * backslash or a control character (a byte may be blamed for its neighbour, and is looked at then).
 */
static const char *skip_plain(const char *at, const char *end) {
    const uint64_t each = 0x0101010101010101U, high = each << 7;

    for (; end - at >= 8; at += 8) {
        uint64_t w;
        memcpy(&w, at, sizeof w);
        uint64_t quote = w ^ each * '"', slash = w ^ each * '\\';
        if (((((w - each * 0x20) & ~w) | (quote - each) | (slash - each)) & high) != 0)
            break;
    }
    while (at < end && (uint8_t)*at >= 0x20 && *at != '"' && *at != '\\')
        at++;
    return at;
}

int otlp_scan_string(struct otlp_scan *s, struct otlp_token *out) {
    if (otlp_scan_peek(s) != '"')
        return bad(s, "a string was expected");
    const char *at = s->at + 1;
    *out = (struct otlp_token){.at = at};

    for (;;) {
        at = skip_plain(at, s->end);
        if (at == s->end)
            return bad(s, "a string that does not end");
        if (*at == '"')
            break;
        s->at = at; /* where it is wrong, if it is */
        if (*at != '\\')
            return bad(s, "a control character in a string");
        out->has_escape = 1;
        if (escape(&at, s->end) == -1)
            return bad(s, "an escape that JSON does not have");
    }
    out->len = (size_t)(at - out->at);
    s->at = at + 1;
    return 0;
}

static const char *digits(const char *at, const char *end) {
    while (at < end && *at >= '0' && *at <= '9')
        at++;
    return at;
}

int otlp_scan_number(struct otlp_scan *s, struct otlp_token *out) {
    (void)otlp_scan_peek(s);
    const char *p = s->at, *end = s->end, *from;

    if (p < end && *p == '-')
        p++;
    from = p;
    p = digits(p, end);
    if (p == from || (*from == '0' && p > from + 1))
        return bad(s, "a number was expected");
    if (p < end && *p == '.') {
        from = ++p;
        if ((p = digits(p, end)) == from)
            return bad(s, "a number without digits behind its point");
    }
    if (p < end && (*p | 0x20) == 'e') {
        p++;
        if (p < end && (*p == '+' || *p == '-'))
            p++;
        from = p;
        if ((p = digits(p, end)) == from)
            return bad(s, "a number without digits in its exponent");
    }
    *out = (struct otlp_token){.at = s->at, .len = (size_t)(p - s->at)};
    s->at = p;
    return 0;
}

int otlp_scan_word(struct otlp_scan *s, const char *word) {
    size_t n = strlen(word);

    (void)otlp_scan_peek(s);
    if ((size_t)(s->end - s->at) < n || memcmp(s->at, word, n) != 0)
        return bad(s, "a value of another type was expected");
    s->at += n;
    return 0;
}

static int skip_scalar(struct otlp_scan *s, char next) {
    struct otlp_token token;

    switch (next) {
    case '"':
        return otlp_scan_string(s, &token);
    case 't':
        return otlp_scan_word(s, "true");
    case 'f':
        return otlp_scan_word(s, "false");
    case 'n':
        return otlp_scan_word(s, "null");
    default:
        return otlp_scan_number(s, &token);
    }
}

static int skip_name(struct otlp_scan *s) {
    struct otlp_token name;
    if (otlp_scan_string(s, &name) == -1)
        return -1;
    return otlp_scan_take(s, ':') ? 0 : bad(s, "a colon was expected");
}

/* The open objects and arrays are bits of a word, so that hostile nesting costs no stack. */
int otlp_scan_skip(struct otlp_scan *s) {
    uint64_t objects = 0; /* the lowest bit is the innermost: 1 for an object */
    unsigned depth = 0;

    for (;;) {
        char next = otlp_scan_peek(s);
        if (next == '{' || next == '[') {
            if (depth++ == OTLP_SCAN_DEPTH)
                return bad(s, "nested too deeply");
            s->at++;
            objects = objects << 1 | (next == '{');
            if (!otlp_scan_take(s, next == '{' ? '}' : ']')) {
                if (next == '{' && skip_name(s) == -1)
                    return -1;
                continue;
            }
            depth--;
            objects >>= 1;
        } else if (skip_scalar(s, next) == -1) {
            return -1;
        }
        /* Behind a value: the next one of what is open, or the end of it. */
        while (depth > 0 && !otlp_scan_take(s, ',')) {
            if (!otlp_scan_take(s, objects & 1 ? '}' : ']'))
                return bad(s, "a comma or the end was expected");
            depth--;
            objects >>= 1;
        }
        if (depth == 0)
            return 0;
        if ((objects & 1) != 0 && skip_name(s) == -1)
            return -1;
    }
}

static size_t put_utf8(uint32_t c, char *out) {
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    size_t more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    static const uint32_t lead[] = {0, 0xC0, 0xE0, 0xF0};
    out[0] = (char)(lead[more] | c >> (6 * more));
    for (size_t i = 1; i <= more; i++)
        out[i] = (char)(0x80 | (c >> (6 * (more - i)) & 0x3F));
    return more + 1;
}

size_t otlp_scan_meaning(const struct otlp_token *token, char *out) {
    const char *at = token->at, *end = token->at + token->len;
    size_t n = 0;

    if (!token->has_escape) {
        memcpy(out, at, token->len);
        return token->len;
    }
    while (at < end) {
        if (*at == '\\')
            n += put_utf8((uint32_t)escape(&at, end), out + n);
        else
            out[n++] = *at++;
    }
    return n;
}

int32_t otlp_scan_char(const char **at, const char *end) {
    return **at == '\\' ? escape(at, end) : (uint8_t) * (*at)++;
}

int otlp_scan_means(const struct otlp_token *token, const char *text) {
    const char *at = token->at, *end = token->at + token->len;

    while (at < end && *text != '\0')
        if (otlp_scan_char(&at, end) != (uint8_t)*text++)
            return 0;
    return at == end && *text == '\0';
}
