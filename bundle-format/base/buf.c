/*
 * buf.c -- growable bytes with a ceiling.
 */
#include "gapferry/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUF_FIRST 64 /* bytes of the first allocation */

enum { BUF_FINE = 0, BUF_NO_MEMORY = 1, BUF_TOO_LONG = 2 };

void gf_buf_init(struct gf_buf *b, size_t max) {
    *b = (struct gf_buf){.max = max < SIZE_MAX ? max : SIZE_MAX - 1};
}

/* Move to a larger allocation. Not realloc(): it would leave a copy of the bytes, which may be
 * secret, in freed memory. */
static int enlarge(struct gf_buf *b, size_t need) {
    size_t room = b->room < BUF_FIRST / 2 ? BUF_FIRST : b->room * 2;
    if (b->room > b->max / 2 || room > b->max)
        room = b->max;
    if (room < need)
        room = need;

    char *data = malloc(room + 1);
    if (data == NULL) {
        b->failed = BUF_NO_MEMORY;
        return -1;
    }
    if (b->data != NULL) {
        memcpy(data, b->data, b->len);
        explicit_bzero(b->data, b->len);
        free(b->data);
    }
    data[b->len] = '\0';
    b->data = data;
    b->room = room;
    return 0;
}

char *gf_buf_grow(struct gf_buf *b, size_t len) {
    if (b->failed != BUF_FINE)
        return NULL;
    if (len > b->max - b->len) {
        b->failed = BUF_TOO_LONG;
        return NULL;
    }
    if ((b->data == NULL || len > b->room - b->len) && enlarge(b, b->len + len) == -1)
        return NULL;
    b->data[b->len + len] = '\0';
    return b->data + b->len;
}

void gf_buf_add(struct gf_buf *b, const void *data, size_t len) {
    if (len == 0)
        return;
    char *at = gf_buf_grow(b, len);
    if (at == NULL)
        return;
    memcpy(at, data, len);
    b->len += len;
}

void gf_buf_text(struct gf_buf *b, const char *text) {
    gf_buf_add(b, text, strlen(text));
}

void gf_buf_byte(struct gf_buf *b, char c) {
    gf_buf_add(b, &c, 1);
}

void gf_buf_printf(struct gf_buf *b, const char *fmt, ...) {
    char small[256];
    va_list ap;

    va_start(ap, fmt);
    int n = vsnprintf(small, sizeof small, fmt, ap);
    va_end(ap);
    if (n < 0) {
        b->failed = b->failed != BUF_FINE ? b->failed : BUF_NO_MEMORY;
        return;
    }
    size_t len = (size_t)n;
    if (len < sizeof small) {
        gf_buf_add(b, small, len);
        return;
    }
    char *at = gf_buf_grow(b, len);
    if (at == NULL)
        return;
    va_start(ap, fmt);
    (void)vsnprintf(at, len + 1, fmt, ap);
    va_end(ap);
    b->len += len;
}

int gf_buf_check(const struct gf_buf *b, const char *what, struct gf_err *e) {
    if (b->failed == BUF_FINE)
        return 0;
    if (b->failed == BUF_TOO_LONG)
        return gf_err_set(e, GF_E_LIMIT, "%s: longer than %zu bytes", what, b->max);
    return gf_err_set(e, GF_E_SYSTEM, "%s: out of memory", what);
}

void gf_buf_clear(struct gf_buf *b) {
    b->len = 0;
    b->failed = BUF_FINE;
    if (b->data != NULL)
        b->data[0] = '\0';
}

void gf_buf_free(struct gf_buf *b) {
    if (b->data != NULL) {
        explicit_bzero(b->data, b->room);
        free(b->data);
    }
    gf_buf_init(b, b->max);
}
