/* frame.c -- independent zstd frames: the only user of libzstd. */
#include "format/frame.h"

#include <stdlib.h>
#include <string.h>
#include <zstd.h>
#include <zstd_errors.h>

/* Content that is compressed first to learn whether the rest is worth the effort, and the level
 * at which zstd only stores. */
#define PROBE       (64 * 1024)
#define STORE_LEVEL (-100)

/* Bytes of the longest frame header: RFC 8878 3.1.1.1. */
#define HEADER_MAX 18

struct gf_frame {
    ZSTD_CCtx *c; /* made when first used */
    ZSTD_DCtx *d;
};

int gf_frame_new(struct gf_frame **out, struct gf_err *e) {
    struct gf_frame *f = calloc(1, sizeof *f);
    if (f == NULL)
        return gf_err_errno(e, "no memory for zstd");
    *out = f;
    return 0;
}

void gf_frame_free(struct gf_frame *f) {
    if (f == NULL)
        return;
    (void)ZSTD_freeCCtx(f->c);
    (void)ZSTD_freeDCtx(f->d);
    free(f);
}

/* One frame at one level; zstd writes content size and checksum. */
static size_t compress(struct gf_frame *f, int level, const void *in, size_t len, void *out) {
    size_t rc = ZSTD_CCtx_reset(f->c, ZSTD_reset_session_and_parameters);
    if (!ZSTD_isError(rc))
        rc = ZSTD_CCtx_setParameter(f->c, ZSTD_c_compressionLevel, level);
    if (!ZSTD_isError(rc))
        rc = ZSTD_CCtx_setParameter(f->c, ZSTD_c_checksumFlag, 1);
    if (!ZSTD_isError(rc))
        rc = ZSTD_compress2(f->c, out, GF_FRAME_BOUND, in, len);
    return rc;
}

int gf_frame_compress(struct gf_frame *f, int level, const void *in, size_t len, void *out,
                      size_t *out_len, struct gf_err *e) {
    size_t rc = 0;

    if (f->c == NULL && (f->c = ZSTD_createCCtx()) == NULL)
        return gf_err_errno(e, "no memory for zstd");

    /* Encrypted or compressed input costs a third of the time when one look settles that it will
     * not shrink. The look is at the middle, where a file's own headers are not. */
    if (len >= 4 * PROBE) {
        rc = compress(f, 1, (const char *)in + (len - PROBE) / 2, PROBE, out);
        if (!ZSTD_isError(rc) && rc > PROBE - PROBE / 32)
            level = STORE_LEVEL;
    }
    rc = compress(f, level == 0 ? 1 : level, in, len, out);
    if (ZSTD_isError(rc))
        return gf_err_set(e, GF_E_SYSTEM, "zstd: %s", ZSTD_getErrorName(rc));
    *out_len = rc;
    return 0;
}

/* The window a frame header asks for, in bytes: RFC 8878 3.1.1.1.2. 0 for a single segment, whose
 * window is its content. len is at least 6. */
static uint64_t window(const uint8_t *in) {
    if ((in[4] & 0x20) != 0)
        return 0;
    uint64_t base = UINT64_C(1) << (10 + (in[5] >> 3));
    return base + base / 8 * (in[5] & 7);
}

/* The rules of a frame's header; len is enough to hold one. */
static int check_header(const uint8_t *b, size_t len, size_t *content, struct gf_err *e) {
    unsigned long long n = ZSTD_getFrameContentSize(b, len);

    if (n == ZSTD_CONTENTSIZE_ERROR)
        return gf_err_set(e, GF_E_FRAME, "a zstd frame has a malformed header");
    if (n == ZSTD_CONTENTSIZE_UNKNOWN)
        return gf_err_set(e, GF_E_FRAME, "a zstd frame does not state its content size");
    if (n == 0 || n > GF_FRAME_MAX)
        return gf_err_set(e, GF_E_FRAME,
                          "a zstd frame states %llu bytes of content; 1 to %d may be", n,
                          GF_FRAME_MAX);
    if (window(b) > GF_FRAME_MAX)
        return gf_err_set(e, GF_E_FRAME, "a zstd frame asks for a window beyond %d bytes",
                          GF_FRAME_MAX);
    if ((b[4] & 3) != 0)
        return gf_err_set(e, GF_E_FRAME, "a zstd frame asks for a dictionary");
    *content = (size_t)n;
    return 0;
}

int gf_frame_look(const void *in, size_t len, size_t *size, size_t *content, struct gf_err *e) {
    static const uint8_t magic[4] = {0x28, 0xB5, 0x2F, 0xFD};
    size_t n = 0;

    if (memcmp(in, magic, len < 4 ? len : 4) != 0)
        return gf_err_set(e, GF_E_FRAME, "the payload holds something that is not a zstd frame");

    /* Judge the header as soon as there is one, so that a frame that promises too much is refused
     * before it is collected. */
    size_t whole = ZSTD_findFrameCompressedSize(in, len);
    if (ZSTD_isError(whole) && len < HEADER_MAX)
        return 0;
    if (check_header(in, len, &n, e) == -1)
        return -1;
    if (ZSTD_isError(whole) ? len > GF_FRAME_BOUND : whole > GF_FRAME_BOUND)
        return gf_err_set(e, GF_E_FRAME, "a zstd frame is malformed, or longer than it may be");
    if (ZSTD_isError(whole)) {
        /* More bytes mend nothing but a frame that is short of them. */
        if (ZSTD_getErrorCode(whole) == ZSTD_error_srcSize_wrong)
            return 0;
        return gf_err_set(e, GF_E_FRAME, "a block of a zstd frame is malformed");
    }
    *size = whole;
    *content = n;
    return 1;
}

int gf_frame_expand(struct gf_frame *f, const void *in, size_t size, void *out, size_t content,
                    struct gf_err *e) {
    if (f->d == NULL && (f->d = ZSTD_createDCtx()) == NULL)
        return gf_err_errno(e, "no memory for zstd");
    size_t rc = ZSTD_decompressDCtx(f->d, out, content, in, size);
    if (ZSTD_isError(rc))
        return gf_err_set(e, GF_E_FRAME, "a zstd frame does not expand: %s", ZSTD_getErrorName(rc));
    if (rc != content)
        return gf_err_set(e, GF_E_FRAME, "a zstd frame holds %zu bytes, but states %zu", rc,
                          content);
    return 0;
}
