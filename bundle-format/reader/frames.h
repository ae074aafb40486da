/*
 * frames.h -- reading, step 3: zstd frames from a descriptor, expanded in parallel, lent in order.
 */
#ifndef READER_FRAMES_H
#define READER_FRAMES_H

#include <stddef.h>
#include <stdint.h>

#include "gapferry/err.h"

struct gf_frames;

/* Read frames from fd (borrowed), from where it stands to its end. At most max bytes of content in
 * all. threads: 0 for as many as useful. */
GF_MUST_CHECK int gf_frames_new(int fd, int64_t max, int threads, struct gf_frames **out,
                                struct gf_err *e);

/* Lend the next frame's content until the next call; *len 0 is the end. Errors: GF_E_FRAME,
 * GF_E_LIMIT, GF_E_SYSTEM. */
GF_MUST_CHECK int gf_frames_next(struct gf_frames *f, const void **data, size_t *len,
                                 struct gf_err *e);

void gf_frames_free(struct gf_frames *f);

#endif
