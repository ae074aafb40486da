/*
 * frame.h -- independent zstd frames (RFC 8878) of at most GF_FRAME_MAX bytes of content each.
 *
 * Every frame states its content size, has no dictionary and a window of at most GF_FRAME_MAX, so
 * that frames can be made and opened in parallel in bounded memory. Skippable frames are refused.
 */
#ifndef FORMAT_FRAME_H
#define FORMAT_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "gapferry/err.h"
#include "gapferry/limits.h"

/* Bytes that a frame of GF_FRAME_MAX bytes may take when compressed. */
#define GF_FRAME_BOUND (GF_FRAME_MAX + (GF_FRAME_MAX >> 8) + 64)

struct gf_frame; /* working memory for one thread: compress or expand */

GF_MUST_CHECK int gf_frame_new(struct gf_frame **out, struct gf_err *e);
void gf_frame_free(struct gf_frame *f);

/* Compress 1 to GF_FRAME_MAX bytes into one frame; out has GF_FRAME_BOUND bytes. What does not
 * shrink is stored at memory speed. Errors: GF_E_SYSTEM (memory). */
GF_MUST_CHECK int gf_frame_compress(struct gf_frame *f, int level, const void *in, size_t len,
                                    void *out, size_t *out_len, struct gf_err *e);

/*
 * Look at the frame that begins at in[0]. 1: whole, *size and *content (1 to GF_FRAME_MAX) are its
 * lengths in bytes. 0: more than len bytes are needed. -1: GF_E_FRAME.
 */
GF_MUST_CHECK int gf_frame_look(const void *in, size_t len, size_t *size, size_t *content,
                                struct gf_err *e);

/* Expand one whole frame to exactly `content` bytes; GF_E_FRAME. */
GF_MUST_CHECK int gf_frame_expand(struct gf_frame *f, const void *in, size_t size, void *out,
                                  size_t content, struct gf_err *e);

#endif
