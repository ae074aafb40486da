/*
 * err.c -- fills struct gf_err, and knows the name and exit status of each code.
 */
#include "gapferry/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

/* Copy text to out, which has GF_ERR_TEXT bytes, so that it is one harmless line: names from
 * hostile input must not steer a terminal or forge a line of a log. A text that is too long is
 * cut between two characters. */
static void put_text(char *out, const char *text) {
    const uint8_t *s = (const uint8_t *)text;
    size_t n = strlen(text), at = 0;

    while (n > 0) {
        uint32_t c;
        size_t len = utf8_next(s, n, &c);
        int keep = len != 0 && utf8_printable(c);
        size_t put = keep ? len : 1;

        if (at + put >= GF_ERR_TEXT)
            break;
        if (keep)
            memcpy(out + at, s, len);
        else
            out[at] = '?';
        at += put;
        len += len == 0;
        s += len;
        n -= len;
    }
    out[at] = '\0';
}

/* Format into out, GF_ERR_TEXT bytes with some to spare for what put_text() shortens. */
#define RAW_TEXT (2 * GF_ERR_TEXT)

static void format(char out[RAW_TEXT], const char *fmt, va_list ap) GF_PRINTF(2, 0);
static void format(char out[RAW_TEXT], const char *fmt, va_list ap) {
    if (vsnprintf(out, RAW_TEXT, fmt, ap) < 0)
        out[0] = '\0';
}

static void append(char out[RAW_TEXT], const char *text) {
    size_t len = strlen(out);
    (void)snprintf(out + len, RAW_TEXT - len, ": %s", text);
}

int gf_err_set(struct gf_err *e, enum gf_code code, const char *fmt, ...) {
    char raw[RAW_TEXT];
    va_list ap;

    if (e == NULL)
        return -1;
    va_start(ap, fmt);
    format(raw, fmt, ap);
    va_end(ap);
    put_text(e->text, raw);
    e->code = code;
    return -1;
}

/* Which code an errno stands for. */
static enum gf_code code_of(int number) {
    switch (number) {
    case ENOSPC:
    case EDQUOT:
    case EROFS:
    case EEXIST:
    case EACCES:
    case EFBIG:
        return GF_E_CREATE;
    case ENOENT:
        return GF_E_NOINPUT;
    default:
        return GF_E_SYSTEM;
    }
}

int gf_err_errno(struct gf_err *e, const char *fmt, ...) {
    int number = errno;
    char raw[RAW_TEXT];
    va_list ap;

    if (e == NULL)
        return -1;
    va_start(ap, fmt);
    format(raw, fmt, ap);
    va_end(ap);
    /* The reason must survive a long name in front of it. */
    raw[GF_ERR_TEXT - 64] = '\0';
    const char *why = strerrordesc_np(number);
    append(raw, why != NULL ? why : "unknown error");
    put_text(e->text, raw);
    e->code = code_of(number);
    errno = number; /* callers may look at it once more */
    return -1;
}

int gf_err_prefix(struct gf_err *e, const char *fmt, ...) {
    char raw[RAW_TEXT];
    va_list ap;

    if (e == NULL)
        return -1;
    va_start(ap, fmt);
    format(raw, fmt, ap);
    va_end(ap);
    append(raw, e->text);
    put_text(e->text, raw);
    return -1;
}

const char *gf_err_name(enum gf_code code) {
    static const char *const names[] = {
#define NAME(constant, name, status) [constant] = name,
        GF_CODES(NAME) GF_PROGRAM_CODES(NAME)
#undef NAME
    };
    return (size_t)code < GF_CODE_COUNT ? names[code] : names[GF_E_BUG];
}

enum gf_exit gf_err_exit(enum gf_code code) {
    static const enum gf_exit statuses[] = {
#define STATUS(constant, name, status) [constant] = status,
        GF_CODES(STATUS) GF_PROGRAM_CODES(STATUS)
#undef STATUS
    };
    return (size_t)code < GF_CODE_COUNT ? statuses[code] : GF_EXIT_BUG;
}
