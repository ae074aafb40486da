/*
 * redact.c -- what of a JSON body may leave: an allow-list of its top-level fields.
 *
 * The body is somebody else's: numbers of any spelling, names that come twice and white space are
 * kept as they are. It must be well-formed all the same, because only then is it certain where a
 * field ends.
 */
#include <string.h>

#include "agent/agent.h"
#include "gapferry/json.h"

/* Nesting of a body: far beyond what metrics have, and safe for the stack. */
#define DEPTH_MAX 128

/* Names told one by one; the rest is counted. */
#define TOLD_MAX 32

struct scan {
    const char *begin;
    const char *at;
    const char *end;
    struct gf_err *e;
    const char *names; /* of members at the top, to be looked for; NULL: of none */
    int has;           /* 1: one was met */
};

static int bad(const struct scan *s, const char *why) {
    return gf_err_set(
        s->e, GF_E_JSON,
        "the body is no JSON at byte %zu: %s; lines of --jsonl, and bodies on a channel with a "
        "rule (allow), must be JSON",
        (size_t)(s->at - s->begin), why);
}

static void skip_space(struct scan *s) {
    while (s->at < s->end && memchr(" \t\r\n", *s->at, 4))
        s->at++;
}

/* 1 and past it if c comes next. */
static int skip(struct scan *s, char c) {
    if (s->at == s->end || *s->at != c)
        return 0;
    s->at++;
    return 1;
}

static size_t skip_digits(struct scan *s) {
    const char *from = s->at;

    while (s->at < s->end && *s->at >= '0' && *s->at <= '9')
        s->at++;
    return (size_t)(s->at - from);
}

static int scan_number(struct scan *s) {
    (void)skip(s, '-');
    int zero = s->at < s->end && *s->at == '0';
    size_t digits = skip_digits(s);
    if (digits == 0 || (zero && digits > 1))
        return bad(s, "a value was expected");
    if (skip(s, '.') && skip_digits(s) == 0)
        return bad(s, "a digit was expected");
    if (skip(s, 'e') || skip(s, 'E')) {
        if (!skip(s, '+'))
            (void)skip(s, '-');
        if (skip_digits(s) == 0)
            return bad(s, "a digit was expected");
    }
    return 0;
}

/* Four hex digits after \u; -1 if they are not there. */
static int hex4(const char *at, const char *end, unsigned *out) {
    static const char digits[] = "0123456789abcdef";

    *out = 0;
    for (int i = 0; i < 4; i++, at++) {
        const char *d = at < end && *at ? strchr(digits, *at | 0x20) : NULL;
        if (!d || (*at < '0'))
            return -1;
        *out = *out * 16 + (unsigned)(d - digits);
    }
    return 0;
}

/* A string, quotes included. */
static int scan_string(struct scan *s) {
    unsigned unit;

    if (!skip(s, '"'))
        return bad(s, "a quote was expected");
    for (;;) {
        /* Most of a body is within its texts: what needs no look is passed in one go. */
        s->at += gf_json_plain(s->at, (size_t)(s->end - s->at));
        if (s->at == s->end || *s->at == '"')
            break;
        if (*s->at++ != '\\') {
            s->at--;
            return bad(s, "a control character in a text");
        }
        if (s->at == s->end || !memchr("\"\\/bfnrtu", *s->at, 9))
            return bad(s, "an unknown escape");
        if (*s->at++ != 'u')
            continue;
        if (hex4(s->at, s->end, &unit) == -1)
            return bad(s, "four hex digits were expected");
        s->at += 4;
    }
    return skip(s, '"') ? 0 : bad(s, "a text does not end");
}

static int scan_value(struct scan *s, int depth);
static int is_named(const char *names, const char *name, const char *end);

/* The name of a member, which is *name up to *end with its quotes, and its colon. */
static int scan_name(struct scan *s, const char **name, const char **end) {
    skip_space(s);
    *name = s->at;
    if (scan_string(s) == -1)
        return -1;
    *end = s->at;
    skip_space(s);
    return skip(s, ':') ? 0 : bad(s, "a colon was expected");
}

/* The rest of an object or array. */
static int scan_members(struct scan *s, char close, int depth) {
    const char *name, *end;

    skip_space(s);
    if (skip(s, close))
        return 0;
    do {
        if (close == '}' && scan_name(s, &name, &end) == -1)
            return -1;
        if (close == '}' && depth == 1 && s->names != NULL && !s->has)
            s->has = is_named(s->names, name, end);
        if (scan_value(s, depth) == -1)
            return -1;
        skip_space(s);
    } while (skip(s, ','));
    return skip(s, close) ? 0 : bad(s, "a comma or the end was expected");
}

static int scan_value(struct scan *s, int depth) {
    static const char *const words[] = {"true", "false", "null"};

    if (depth > DEPTH_MAX)
        return bad(s, "nested too deeply");
    skip_space(s);
    if (s->at == s->end)
        return bad(s, "it ends too early");
    if (*s->at == '"')
        return scan_string(s);
    if (skip(s, '{'))
        return scan_members(s, '}', depth + 1);
    if (skip(s, '['))
        return scan_members(s, ']', depth + 1);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t n = strlen(words[i]);
        if ((size_t)(s->end - s->at) >= n && memcmp(s->at, words[i], n) == 0) {
            s->at += n;
            return 0;
        }
    }
    return scan_number(s);
}

static void put_utf8(struct gf_buf *out, unsigned c) {
    if (c < 0x80) {
        gf_buf_byte(out, (char)c);
        return;
    }
    int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    static const unsigned lead[] = {0, 0xc0, 0xe0, 0xf0};
    gf_buf_byte(out, (char)(lead[more] | c >> (6 * more)));
    while (more-- > 0)
        gf_buf_byte(out, (char)(0x80 | (c >> (6 * more) & 0x3f)));
}

/* One \uXXXX or a pair of them, behind the u. Half a pair stands for nothing: it becomes U+FFFD,
 * which no rule names. */
static const char *put_unit(struct gf_buf *out, const char *at, const char *end) {
    unsigned c, low;

    if (hex4(at, end, &c) == -1)
        return end;
    at += 4;
    if (c >= 0xd800 && c < 0xdc00 && end - at >= 6 && at[0] == '\\' && at[1] == 'u' &&
        hex4(at + 2, end, &low) == 0 && low >= 0xdc00 && low < 0xe000) {
        put_utf8(out, 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00));
        return at + 6;
    }
    put_utf8(out, c == 0 || (c >= 0xd800 && c < 0xe000) ? 0xfffd : c);
    return at;
}

/* What a scanned name (with its quotes) means: a rule must not be passed by another spelling. */
static void read_name(const char *at, const char *end, struct gf_buf *out) {
    static const char letters[] = "bfnrt", meanings[] = "\b\f\n\r\t";

    gf_buf_clear(out);
    for (at++, end--; at < end;) {
        if (*at != '\\') {
            gf_buf_byte(out, *at++);
            continue;
        }
        char c = at[1];
        at += 2;
        const char *letter = strchr(letters, c);
        if (c == 'u')
            at = put_unit(out, at, end);
        else
            gf_buf_byte(out, letter ? meanings[letter - letters] : c);
    }
}

const char *redact_next(const char **allow, size_t *len) {
    const char *item = *allow + strspn(*allow, ", \t");
    size_t n = strcspn(item, ",");

    *allow = item + n;
    while (n > 0 && (item[n - 1] == ' ' || item[n - 1] == '\t'))
        n--;
    *len = n;
    return n > 0 ? item : NULL;
}

/* 1 if the rule names it. */
static int is_allowed(const char *allow, const char *name, size_t len) {
    const char *item;
    size_t n;

    while ((item = redact_next(&allow, &n))) {
        if (n == len && memcmp(item, name, n) == 0)
            return 1;
    }
    return 0;
}

/* 1 if a scanned name (with its quotes) means one of these; and where there is no memory to tell.
 */
static int is_named(const char *names, const char *name, const char *end) {
    size_t len = (size_t)(end - name);
    struct gf_buf means;

    if (memchr(name, '\\', len) == NULL)
        return is_allowed(names, name + 1, len - 2);
    gf_buf_init(&means, len);
    read_name(name, end, &means);
    int named = means.failed || (means.len > 0 && is_allowed(names, means.data, means.len));
    gf_buf_free(&means);
    return named;
}

struct keeping {
    const char *allow;
    struct gf_buf *out;
    struct gf_buf *dropped;
    struct gf_buf name; /* of the member being looked at */
    size_t kept;
    size_t ndropped;
};

/* One member: its name, and the bytes that name, colon and value are. */
static void keep_or_drop(struct keeping *k, const char *from, const char *name_end,
                         const char *value_end) {
    read_name(from, name_end, &k->name);
    if (is_allowed(k->allow, k->name.data, k->name.len)) {
        gf_buf_text(k->out, k->kept++ ? "," : "{");
        gf_buf_add(k->out, from, (size_t)(value_end - from));
        return;
    }
    if (k->ndropped++ < TOLD_MAX) {
        gf_buf_text(k->dropped, k->dropped->len ? ", " : "");
        gf_buf_add(k->dropped, k->name.data, k->name.len);
    }
}

static int walk(struct scan *s, struct keeping *k) {
    const char *from, *name_end;

    skip_space(s);
    if (!skip(s, '{'))
        return gf_err_set(s->e, GF_E_JSON,
                          "the body is no JSON object; on a channel with a rule (allow) it must be "
                          "one, since the rule names its fields");
    skip_space(s);
    if (!skip(s, '}')) {
        do {
            if (scan_name(s, &from, &name_end) == -1 || scan_value(s, 1) == -1)
                return -1;
            keep_or_drop(k, from, name_end, s->at);
            skip_space(s);
        } while (skip(s, ','));
        if (!skip(s, '}'))
            return bad(s, "a comma or the end was expected");
    }
    skip_space(s);
    return s->at == s->end ? 0 : bad(s, "something follows the object");
}

int redact_names_some(const char *allow) {
    return strspn(allow, ", \t") < strlen(allow);
}

int redact_passes_all(const char *allow) {
    return strcmp(allow, "*") == 0;
}

int redact_json(const char *body, size_t len, const char *allow, struct gf_buf *out,
                struct gf_buf *dropped, struct gf_err *e) {
    struct scan s = {.begin = body, .at = body, .end = body + len, .e = e};
    struct keeping k = {.allow = allow, .out = out, .dropped = dropped};
    size_t out_len = out->len, dropped_len = dropped->len;
    int rc = -1;

    if (!allow || redact_passes_all(allow)) {
        gf_buf_add(out, body, len);
        return gf_buf_check(out, "the body", e);
    }
    if (!redact_names_some(allow))
        return gf_err_set(e, GF_E_CONFIG, "the rule (allow) names no field, so nothing is taken");
    gf_buf_init(&k.name, len + 1);
    if (!gf_text_is_utf8(body, len)) {
        (void)gf_err_set(e, GF_E_JSON,
                         "the body is not UTF-8; a channel with a rule (allow) takes only JSON "
                         "objects");
        goto out;
    }
    if (walk(&s, &k) == -1)
        goto out;
    if (k.ndropped == 0) {
        out->len = out_len; /* nothing to take out: not a byte changes */
        gf_buf_add(out, body, len);
    } else {
        gf_buf_text(out, k.kept ? "}" : "{}");
    }
    if (k.ndropped > TOLD_MAX)
        gf_buf_printf(dropped, " and %zu more", k.ndropped - TOLD_MAX);
    if (gf_buf_check(&k.name, "a name in the body", e) == 0 &&
        gf_buf_check(out, "the body", e) == 0 && gf_buf_check(dropped, "what was dropped", e) == 0)
        rc = 0;

out:
    if (rc == -1) {
        out->len = out_len;
        dropped->len = dropped_len;
    }
    gf_buf_free(&k.name);
    return rc;
}

int redact_look(const char *body, size_t len, const char *names, int *has, struct gf_err *e) {
    struct scan s = {.begin = body, .at = body, .end = body + len, .e = e, .names = names};

    if (!gf_text_is_utf8(body, len))
        return gf_err_set(e, GF_E_JSON, "it is not UTF-8");
    if (scan_value(&s, 0) == -1)
        return -1;
    skip_space(&s);
    if (s.at != s.end)
        return bad(&s, "something follows the value");
    *has = s.has;
    return 0;
}

int redact_check(const char *body, size_t len, struct gf_err *e) {
    int has;

    return redact_look(body, len, NULL, &has, e);
}
