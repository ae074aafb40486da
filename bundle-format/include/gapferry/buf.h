/*
 * buf.h -- growable bytes with a ceiling.
 *
 * A failed append is remembered in `failed` and makes all later ones do nothing, so that a text
 * can be built in a row of calls and checked once with gf_buf_check().
 */
#ifndef GAPFERRY_BUF_H
#define GAPFERRY_BUF_H

#include <stddef.h>
#include <stdint.h>

#include "gapferry/err.h"

struct gf_buf {
    char *data; /* NUL follows data[len - 1] whenever data is not NULL */
    size_t len;
    size_t room;
    size_t max; /* bytes; appends beyond fail */
    int failed; /* 0, or 1: out of memory, or 2: beyond max */
};

/* Begin empty, holding at most max bytes. Nothing is allocated yet. */
void gf_buf_init(struct gf_buf *b, size_t max);

/* Append bytes, a NUL-ended text, one byte, formatted text. */
void gf_buf_add(struct gf_buf *b, const void *data, size_t len);
void gf_buf_text(struct gf_buf *b, const char *text);
void gf_buf_byte(struct gf_buf *b, char c);
void gf_buf_printf(struct gf_buf *b, const char *fmt, ...) GF_PRINTF(2, 3);

/* Make room for len more bytes and return where they go; NULL on failure. The caller adds to b->len
 * what it has written and, where that is fewer than len bytes, puts the NUL after them. */
char *gf_buf_grow(struct gf_buf *b, size_t len);

/* 0 if every append succeeded; else GF_E_SYSTEM or GF_E_LIMIT, naming `what`. */
GF_MUST_CHECK int gf_buf_check(const struct gf_buf *b, const char *what, struct gf_err *e);

/* Forget the content, keep the memory. */
void gf_buf_clear(struct gf_buf *b);

/* Overwrite and release; the buffer is empty and usable again. NULL data is fine. */
void gf_buf_free(struct gf_buf *b);

#endif
