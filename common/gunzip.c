/*
 * gunzip.c -- gzip in memory.
 */
#include "common/gunzip.h"

#include <limits.h>
#include <zlib.h>

/* Bytes decoded in one go. */
#define STEP 65536

/* Windows of 32 KiB and a gzip head, no other. */
#define BITS (15 + 16)

static int wrong(struct gf_err *e) {
    return gf_err_set(e, GF_E_RECORD, "the body is no whole gzip text, though it says that it is");
}

/* Some more of it: 1 there is still more, 0 it is at its end. */
static int step(z_stream *z, struct gf_buf *out, struct gf_err *e) {
    /* One byte beyond what fits shows that there is more. */
    size_t room = out->max - out->len < STEP ? out->max - out->len : STEP;
    char spare, *at = room > 0 ? gf_buf_grow(out, room) : &spare;

    if (at == NULL)
        return gf_err_set(e, GF_E_SYSTEM, "no memory for a body");
    z->next_out = (Bytef *)at;
    z->avail_out = room > 0 ? (uInt)room : 1;
    uInt had = z->avail_in;
    int rc = inflate(z, Z_NO_FLUSH);
    size_t got = (room > 0 ? room : 1) - z->avail_out;
    if (room == 0 && got > 0)
        return gf_err_set(e, GF_E_LIMIT, "the body decodes to more than %zu bytes", out->max);
    if (room > 0) {
        out->len += got;
        if (got < room)
            at[got] = '\0';
    }
    if (rc == Z_MEM_ERROR)
        return gf_err_set(e, GF_E_SYSTEM, "no memory for a body");
    if (rc == Z_STREAM_END)
        return z->avail_in == 0 ? 0 : inflateReset(z) == Z_OK ? 1 : wrong(e);
    if ((rc != Z_OK && rc != Z_BUF_ERROR) || (got == 0 && had == z->avail_in))
        return wrong(e);
    return 1;
}

int gunzip(const void *data, size_t len, struct gf_buf *out, struct gf_err *e) {
    union {
        const void *in;
        Bytef *out;
    } bytes = {.in = data};
    z_stream z = {.next_in = bytes.out};
    size_t begin = out->len;
    int more = 1;

    if (len == 0 || len > UINT_MAX)
        return wrong(e);
    z.avail_in = (uInt)len;
    if (inflateInit2(&z, BITS) != Z_OK)
        return gf_err_set(e, GF_E_SYSTEM, "no memory for a body");
    while (more == 1)
        more = step(&z, out, e);
    (void)inflateEnd(&z);
    if (more == -1 && out->data != NULL)
        out->data[out->len = begin] = '\0';
    return more;
}
