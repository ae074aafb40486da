/*
 * lines.h -- lines from a descriptor, bounded, memory flat.
 */
#ifndef GAPFERRY_LINES_H
#define GAPFERRY_LINES_H

#include "gapferry/err.h"
#include <stddef.h>
#include <stdint.h>

struct gf_lines {
    int fd; /* borrowed */
    size_t max;
    char *buf;
    size_t start, end, room;
    int eof;
    uint64_t number; /* of the line last returned, from 1 */
    /* Where not NULL: called before each read, which may wait for ever; 0 to read, -1 and *e to end
     * gf_lines_next() with that. Set after gf_lines_init(). */
    int (*before_read)(void *arg, struct gf_err *e);
    void *arg;
};

/* Read lines of at most max bytes (with LF) from fd, from where it stands. */
void gf_lines_init(struct gf_lines *l, int fd, size_t max);

/* 1 and a line without its LF (borrowed until the next call), 0 at the end, -1 on failure:
 * GF_E_LIMIT for a longer line, GF_E_SYSTEM. A last line without LF is a line: *ended is 0 then. */
GF_MUST_CHECK int gf_lines_next(struct gf_lines *l, const char **line, size_t *len, int *ended,
                                struct gf_err *e);
void gf_lines_free(struct gf_lines *l);

#endif
