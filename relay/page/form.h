/*
 * form.h -- what browsers send when a form is submitted, read as a stream: multipart/form-data
 * (RFC 7578, over RFC 2046) and application/x-www-form-urlencoded (WHATWG URL, 5).
 *
 * Pure functions on bytes of strangers: nothing is allocated, nothing is kept beyond struct form.
 * Stricter than the standards where every browser is: no preamble, no white space behind a
 * boundary, no transfer encoding.
 */
#ifndef RELAY_PAGE_FORM_H
#define RELAY_PAGE_FORM_H

#include <stddef.h>
#include <stdint.h>

#include "gapferry/err.h"

#define FORM_NAME     64   /* bytes of a field's name, with the NUL */
#define FORM_FILE     256  /* of a file's name; a longer one is cut */
#define FORM_LINE     1024 /* of a line of a part's head; a longer one is refused */
#define FORM_BOUNDARY 70   /* of a boundary */

enum form_state { FORM_AT_START, FORM_AT_DELIMITER, FORM_IN_HEAD, FORM_IN_DATA, FORM_AT_END };

struct form {
    char name[FORM_NAME];
    char file[FORM_FILE]; /* as the browser says it: foreign text of any bytes but NUL */
    int is_file;          /* 1: the part is a file */
    enum form_state state;
    /* within */
    char delimiter[FORM_BOUNDARY + 5]; /* CR LF "--" and the boundary */
    size_t delimiter_len, matched;
    char line[FORM_LINE];
    size_t line_len, lines;
};

enum form_event {
    FORM_MORE,     /* all bytes are used up */
    FORM_PART,     /* a part begins: name, file, is_file */
    FORM_DATA,     /* bytes of it */
    FORM_PART_END, /* it is complete */
    FORM_DONE,     /* the form is complete; what follows is of no account */
    FORM_BAD,      /* *e says what is wrong with it */
};

/* By the Content-Type of the request. GF_E_USAGE. */
GF_MUST_CHECK int form_begin(struct form *f, const char *content_type, struct gf_err *e);

/* The next event in data[0 .. len-1], of which *used were taken; call again with the rest, until
 * FORM_MORE. FORM_DATA sets *bytes, which are borrowed until the next call, and *n, which is not 0.
 */
enum form_event form_next(struct form *f, const char *data, size_t len, size_t *used,
                          const char **bytes, size_t *n, struct gf_err *e);

/* The value of a field of an urlencoded body, decoded, NUL-ended. 0, or -1 where it is missing,
 * there twice, longer than room - 1, or holds a NUL or a bad escape. */
GF_MUST_CHECK int form_field(const char *body, size_t len, const char *name, char *out,
                             size_t room);

/* The value of a cookie (RFC 6265, 4.2.1) that is 64 lower-case hex digits, as 32 bytes: the first
 * one of this name and form. 0, or -1: there is none. cookies may be NULL. */
GF_MUST_CHECK int form_cookie(const char *cookies, const char *name, uint8_t out[32]);

#endif
