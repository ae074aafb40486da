/*
 * progress.h -- a progress bar on standard error, where that is a terminal; else nothing at all.
 *
 * It is redrawn at most ten times a second and wiped at the end. TERM=dumb shows nothing, NO_COLOR
 * leaves colour out. It reads the clock itself: this is a part of programs, not of the contract.
 */
#ifndef COMMON_PROGRESS_H
#define COMMON_PROGRESS_H

#include <stdint.h>

#define PROGRESS_BYTES_TEXT 16

struct progress;

/* Begin a bar for `total` bytes (0: not known) under this label (borrowed). NULL where there is
 * nothing to show it on; the other functions accept that. */
struct progress *progress_new(const char *label, int64_t total);

/* The bytes done so far. Fits gf_progress (bundle.h), with the bar as its argument. */
void progress_at(void *bar, int64_t done);

/* Further bytes count on top of this base: for several inputs under one bar. */
void progress_base(struct progress *p, int64_t base);

/* Wipe the bar from the terminal and release it. */
void progress_free(struct progress *p);

/* A size for people: "812 bytes", "1.4 MiB". */
void progress_bytes(int64_t bytes, char out[PROGRESS_BYTES_TEXT]);

#endif
