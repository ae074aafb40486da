/*
 * json_check.c -- the strict scanner that stands before whatever reads JSON: gf_json_check().
 *
 * One pass over the text, nothing built. Names are noted as they pass, and compared as they are
 * meant, escapes resolved, when their object ends.
 */
#include "gapferry/json.h"

#include <string.h>

#include "base/json_members.h"
#include "base/json_names.h"
#include "base/json_plain.h"
#include "gapferry/limits.h"

#define NAMES_MAX (GF_JSON_DEPTH_MAX * GF_JSON_MEMBERS_MAX)

struct scan {
    const uint8_t *text, *at, *end;
    const char *why;       /* the rule that was broken */
    const uint8_t *why_at; /* and where */
    unsigned depth;        /* of open objects and arrays */
    unsigned values;       /* so far */
    int foreign;           /* 1: any number of RFC 8259 will do */
    size_t saved;          /* bytes by which escapes make the last string longer than its meaning */
    struct gf_json_members *members; /* of the outermost object, to be noted; NULL: nobody asks */
    size_t names;                    /* of all open objects, a stack */
    struct gf_json_name name[NAMES_MAX]; /* of open objects */
};

static int bad_at(struct scan *s, const uint8_t *at, const char *why) {
    s->why = why;
    s->why_at = at;
    return -1;
}

static int bad(struct scan *s, const char *why) {
    return bad_at(s, s->at, why);
}

/* What ends a run of plain bytes in a string: the quote, an escape, a control character, and
 * everything beyond ASCII. */
static const uint8_t special[256] = {
#define ROW(c)  [c] = 1, [(c) + 1] = 1, [(c) + 2] = 1, [(c) + 3] = 1
#define ROWS(c) ROW(c), ROW((c) + 4), ROW((c) + 8), ROW((c) + 12)
    ROWS(0x00), ROWS(0x10), ROWS(0x80), ROWS(0x90), ROWS(0xA0), ROWS(0xB0),
    ROWS(0xC0), ROWS(0xD0), ROWS(0xE0), ROWS(0xF0), ['"'] = 1,  ['\\'] = 1,
#undef ROWS
#undef ROW
};

static const uint8_t *skip_plain(const uint8_t *at, const uint8_t *end) {
    while (end - at >= 8) {
        uint64_t w = utf8_word(at), found = json_special(w) | (w & UTF8_HIGH_BITS);
        if (found != 0) {
            at += json_before(found);
            break;
        }
        at += 8;
    }
    while (at < end && !special[*at])
        at++;
    return at;
}

/* Four hex digits, either case, or -1. */
static int32_t hex4(const uint8_t *at, const uint8_t *end) {
    int32_t v = 0;
    if (end - at < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        uint8_t c = at[i], lower = c | 0x20;
        if (c >= '0' && c <= '9')
            v = v << 4 | (c - '0');
        else if (lower >= 'a' && lower <= 'f')
            v = v << 4 | (lower - 'a' + 10);
        else
            return -1;
    }
    return v;
}

/* What the letter of a short escape means; 0 if there is no such escape. */
static const uint8_t short_escapes[256] = {
    ['"'] = '"',  ['\\'] = '\\', ['/'] = '/',  ['b'] = '\b',
    ['f'] = '\f', ['n'] = '\n',  ['r'] = '\r', ['t'] = '\t',
};

/* Step over the \\u at *at and set the character it stands for. NULL, or the rule it breaks. */
static const char *long_escape(const uint8_t **at, const uint8_t *end, uint32_t *c) {
    const uint8_t *p = *at + 1;
    int32_t unit = hex4(p + 1, end);
    if (unit < 0)
        return "\\u without four hex digits";
    if (unit == 0)
        return "\\u0000 in a string";
    p += 5;
    *c = (uint32_t)unit;
    if (unit >= 0xD800 && unit <= 0xDFFF) {
        int pair = unit <= 0xDBFF && end - p >= 6 && p[0] == '\\' && p[1] == 'u';
        int32_t low = pair ? hex4(p + 2, end) : -1;
        if (low < 0xDC00 || low > 0xDFFF)
            return "half a surrogate pair";
        p += 6;
        *c = 0x10000 + ((uint32_t)(unit - 0xD800) << 10) + (uint32_t)(low - 0xDC00);
    }
    *at = p;
    return NULL;
}

/* The same for any escape; bodies that are JSON themselves are full of short ones. */
static inline const char *escape(const uint8_t **at, const uint8_t *end, uint32_t *c) {
    const uint8_t *p = *at + 1;
    if (p == end)
        return "an escape that is cut";
    if (*p == 'u')
        return long_escape(at, end, c);
    if (short_escapes[*p] == 0)
        return "an escape that JSON does not have";
    *c = short_escapes[*p];
    *at = p + 1;
    return NULL;
}

/* Bytes of a character in UTF-8. */
static inline size_t utf8_length(uint32_t c) {
    return c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
}

/* Pass a string, from its opening to behind its closing quote, and set s->saved. */
static int scan_string(struct scan *s) {
    const uint8_t *at = s->at + 1, *end = s->end;
    uint32_t c;

    s->saved = 0;
    for (;;) {
        at = skip_plain(at, end);
        if (at == end)
            return bad_at(s, s->at, "a string that does not end");
        if (*at == '"') {
            s->at = at + 1;
            return 0;
        }
        if (*at == '\\') {
            const uint8_t *from = at;
            const char *why = escape(&at, end, &c);
            if (why != NULL)
                return bad_at(s, at, why);
            s->saved += (size_t)(at - from) - utf8_length(c);
            continue;
        }
        if (*at < 0x80)
            return bad_at(s, at, "a control character in a string (it must be escaped)");
        do {
            size_t len = utf8_next(at, (size_t)(end - at), &c);
            if (len == 0)
                return bad_at(s, at, "a byte that is not UTF-8");
            at += len;
        } while (at < end && *at >= 0x80);
    }
}

/* Copy what stands before the next backslash, or all of it: how many bytes that is. */
static size_t copy_plain(const uint8_t *at, const uint8_t *end, char *out) {
    const uint8_t *from = at;

    while (end - at >= 8) {
        uint64_t slash = utf8_word(at) ^ (JSON_EACH_BYTE * '\\');
        if (((slash - JSON_EACH_BYTE) & ~slash & UTF8_HIGH_BITS) != 0)
            break;
        memcpy(out, at, 8);
        at += 8;
        out += 8;
    }
    while (at < end && *at != '\\')
        *out++ = (char)*at++;
    return (size_t)(at - from);
}

size_t gf_json_unescape(const char *text, size_t len, char *out) {
    const uint8_t *at = (const uint8_t *)text, *end = at + len;
    char *to = out;

    for (;;) {
        size_t plain = copy_plain(at, end, to);
        uint32_t c = 0;
        at += plain;
        to += plain;
        if (at == end || escape(&at, end, &c) != NULL)
            return (size_t)(to - out);
        size_t n = utf8_length(c);
        /* The first byte of n > 1 says so with n leading ones; six bits stand in each other. */
        for (size_t i = n; --i > 0; c >>= 6)
            to[i] = (char)(0x80 | (c & 0x3F));
        to[0] = (char)(n == 1 ? c : (0xF0U << (4 - n) & 0xFF) | c);
        to += n;
    }
}

/*
 * Names.
 */

/* Refuse a name that the object which ends has twice. */
static int check_names(struct scan *s, size_t first) {
    const struct gf_json_name *twice = gf_json_names_twice(s->name + first, s->names - first);

    return twice == NULL ? 0 : bad_at(s, twice->raw - 1, "a name that its object has already");
}

/* Pass a name and note it. */
static int scan_name(struct scan *s) {
    const uint8_t *from = s->at;

    if (s->at == s->end || *s->at != '"')
        return bad(s, "a name in quotes is missing");
    if (scan_string(s) == -1)
        return -1;
    size_t raw_len = (size_t)(s->at - from) - 2;
    if (raw_len - s->saved > GF_JSON_NAME_MAX)
        return bad_at(s, from, "a name that is too long");
    /* An escape has at most six times the bytes of what it means. */
    struct gf_json_name *n = &s->name[s->names++];
    n->raw = from + 1;
    n->raw_len = (uint16_t)raw_len;
    n->len = (uint16_t)(raw_len - s->saved);
    gf_json_names_hash(n);
    return 0;
}

/*
 * Values.
 */
static void skip_space(struct scan *s) {
    const uint8_t *at = s->at;
    while (at < s->end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t'))
        at++;
    s->at = at;
}

/* Pass white space and, if it follows, the byte c. */
static int skip_byte(struct scan *s, uint8_t c) {
    skip_space(s);
    if (s->at == s->end || *s->at != c)
        return 0;
    s->at++;
    return 1;
}

static int scan_literal(struct scan *s, const char *word) {
    size_t len = strlen(word);
    if ((size_t)(s->end - s->at) < len || memcmp(s->at, word, len) != 0)
        return bad(s, "not a value");
    s->at += len;
    return 0;
}

/* Pass one or more digits. */
static int scan_digits(struct scan *s) {
    const uint8_t *first = s->at;
    while (s->at < s->end && *s->at >= '0' && *s->at <= '9')
        s->at++;
    return s->at > first ? 0 : bad(s, "a number without digits where some must be");
}

/* The rest of a number that is not ours: digits without limit, fraction, exponent. */
static int scan_rest(struct scan *s) {
    while (s->at < s->end && *s->at >= '0' && *s->at <= '9')
        s->at++;
    if (s->at < s->end && *s->at == '.') {
        s->at++;
        if (scan_digits(s) == -1)
            return -1;
    }
    if (s->at < s->end && (*s->at == 'e' || *s->at == 'E')) {
        s->at++;
        if (s->at < s->end && (*s->at == '+' || *s->at == '-'))
            s->at++;
        return scan_digits(s);
    }
    return 0;
}

static int scan_number(struct scan *s) {
    const uint8_t *at = s->at;
    int64_t value = 0;

    int minus = *at == '-';
    at += minus;
    const uint8_t *first = at;
    /* 17 digits are more than any number we take has, and still fit. */
    for (; at < s->end && *at >= '0' && *at <= '9' && at - first < 17; at++)
        value = value * 10 + (*at - '0');
    if (at == first)
        return bad(s, "not a value");
    if (*first == '0' && (at - first > 1 || (minus && !s->foreign)))
        return bad(s, "a number with a leading zero or -0");
    if (s->foreign) {
        s->at = at;
        return scan_rest(s);
    }
    if (at < s->end && (*at == '.' || *at == 'e' || *at == 'E'))
        return bad(s, "a number that is not a plain integer");
    if (value > GF_JSON_INT_MAX)
        return bad(s, "a number beyond 2^53 - 1");
    s->at = at;
    return 0;
}

static int scan_value(struct scan *s);

static enum gf_json_type type_of(uint8_t first) {
    switch (first) {
    case '"':
        return GF_JSON_TEXT;
    case '{':
        return GF_JSON_OBJECT;
    case '[':
        return GF_JSON_ARRAY;
    case 't':
        return GF_JSON_TRUE;
    case 'f':
        return GF_JSON_FALSE;
    case 'n':
        return GF_JSON_NULL;
    default:
        return GF_JSON_NUMBER;
    }
}

/* Note the member whose name is the last one, and whose value has just passed. */
static void note_member(struct scan *s, const uint8_t *value) {
    const struct gf_json_name *name = &s->name[s->names - 1];
    struct gf_json_member *m = &s->members->member[s->members->n++];
    size_t quote = *value == '"';

    m->name = (const char *)name->raw;
    m->name_len = name->raw_len;
    m->name_means = name->len;
    m->type = type_of(*value);
    m->text = (const char *)value + quote;
    m->len = (size_t)(s->at - value) - 2 * quote;
    m->means = quote ? m->len - s->saved : m->len;
}

static int scan_object(struct scan *s) {
    size_t first = s->names;

    if (skip_byte(s, '}'))
        return 0;
    do {
        skip_space(s);
        if (s->names - first == GF_JSON_MEMBERS_MAX)
            return bad(s, "too many members in an object");
        if (scan_name(s) == -1)
            return -1;
        if (!skip_byte(s, ':'))
            return bad(s, "a colon is missing");
        skip_space(s);
        const uint8_t *value = s->at;
        if (scan_value(s) == -1)
            return -1;
        if (s->depth == 1 && s->members != NULL)
            note_member(s, value);
    } while (skip_byte(s, ','));
    if (!skip_byte(s, '}'))
        return bad(s, "a comma or } is missing");
    if (check_names(s, first) == -1)
        return -1;
    s->names = first;
    return 0;
}

static int scan_array(struct scan *s) {
    size_t n = 0;

    if (skip_byte(s, ']'))
        return 0;
    do {
        if (n++ == GF_JSON_ELEMENTS_MAX)
            return bad(s, "too many elements in an array");
        if (scan_value(s) == -1)
            return -1;
    } while (skip_byte(s, ','));
    return skip_byte(s, ']') ? 0 : bad(s, "a comma or ] is missing");
}

static int scan_value(struct scan *s) {
    int rc;

    skip_space(s);
    if (s->at == s->end)
        return bad(s, "a value is missing");
    if (++s->values > GF_JSON_VALUES_MAX)
        return bad(s, "too many values");
    switch (*s->at) {
    case '"':
        return scan_string(s);
    case '{':
    case '[':
        if (s->depth == GF_JSON_DEPTH_MAX)
            return bad(s, "nested too deeply");
        s->depth++;
        rc = *s->at++ == '{' ? scan_object(s) : scan_array(s);
        s->depth--;
        return rc;
    case 't':
        return scan_literal(s, "true");
    case 'f':
        return scan_literal(s, "false");
    case 'n':
        return scan_literal(s, "null");
    default:
        return scan_number(s);
    }
}

static int check(const char *text, size_t len, int foreign, const char *what,
                 struct gf_json_members *members, struct gf_err *e) {
    struct scan s; /* not cleared: the names are many, and used only once noted */
    s.text = s.at = (const uint8_t *)(len > 0 ? text : "");
    s.end = s.text + len;
    s.depth = 0;
    s.values = 0;
    s.foreign = foreign;
    s.names = 0;
    s.members = members;

    int rc;
    if (len >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0)
        rc = bad(&s, "a byte order mark");
    else
        rc = scan_value(&s);
    if (rc == 0) {
        skip_space(&s);
        if (s.at != s.end)
            rc = bad(&s, "something after the value");
    }
    if (rc == 0)
        return 0;
    return gf_err_set(e, GF_E_JSON, "%s: not strict JSON at offset %zu: %s", what,
                      (size_t)(s.why_at - s.text), s.why);
}

int gf_json_check(const char *text, size_t len, const char *what, struct gf_err *e) {
    return check(text, len, 0, what, NULL, e);
}

int gf_json_check_foreign(const char *text, size_t len, const char *what, struct gf_err *e) {
    return check(text, len, 1, what, NULL, e);
}

int gf_json_check_members(const char *text, size_t len, const char *what,
                          struct gf_json_members *out, struct gf_err *e) {
    out->n = 0;
    return check(text, len, 0, what, out, e);
}
