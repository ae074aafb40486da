/*
 * otlp_scan.h -- strict JSON (RFC 8259), token by token over bytes that stay where they are.
 *
 * For requests of any size: nothing is built and nothing counted. The text must be UTF-8 without
 * NUL (gf_text_is_utf8()). Refused besides: control characters and half surrogate pairs in strings,
 * numbers of another form, nesting beyond OTLP_SCAN_DEPTH.
 */
#ifndef COMMON_OTLP_SCAN_H
#define COMMON_OTLP_SCAN_H

#include <stddef.h>
#include <stdint.h>

#define OTLP_SCAN_DEPTH 60 /* objects and arrays in a value that is skipped */

struct otlp_scan {
    const char *at, *end;
    const char *why; /* the rule that was broken, where a function returned -1 */
};

/* A string or number as it stands. */
struct otlp_token {
    const char *at; /* of a string: behind the opening quote */
    size_t len;     /* without the quotes */
    int has_escape;
};

/* The byte that comes next behind white space, which is passed; 0 at the end. */
static inline char otlp_scan_peek(struct otlp_scan *s) {
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\n' || *s->at == '\t' || *s->at == '\r'))
        s->at++;
    return s->at < s->end ? *s->at : '\0';
}

/* 1 and past c, and white space before it, if it comes next; else 0. */
static inline int otlp_scan_take(struct otlp_scan *s, char c) {
    if (otlp_scan_peek(s) != c || s->at == s->end)
        return 0;
    s->at++;
    return 1;
}

/* A string, a number, one of true, false, null: past it, white space before it too; or -1. */
int otlp_scan_string(struct otlp_scan *s, struct otlp_token *out);
int otlp_scan_number(struct otlp_scan *s, struct otlp_token *out);
int otlp_scan_word(struct otlp_scan *s, const char *word);

/* Past any value; -1: it is none. */
int otlp_scan_skip(struct otlp_scan *s);

/* Write what a scanned string means, of at most token->len bytes. \u0000 becomes NUL. */
size_t otlp_scan_meaning(const struct otlp_token *token, char *out);

/* The next character within a scanned string that ends at end, as a code point where it is escaped,
 * else a byte of UTF-8; steps over it. */
int32_t otlp_scan_char(const char **at, const char *end);

/* 1 if it means this text, which is ASCII without NUL. */
int otlp_scan_means(const struct otlp_token *token, const char *text);

#endif
