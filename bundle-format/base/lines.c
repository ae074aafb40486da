/*
 * lines.c -- lines from a descriptor, bounded, memory flat.
 */
#include "gapferry/lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINES_FIRST 65536 /* bytes of the first buffer, and fewer if no line may be as long */

void gf_lines_init(struct gf_lines *l, int fd, size_t max) {
    *l = (struct gf_lines){.fd = fd, .max = max};
}

/* Make room behind what is there: move it to the front, or double the buffer. */
static int make_room(struct gf_lines *l) {
    if (l->start > 0) {
        memmove(l->buf, l->buf + l->start, l->end - l->start);
        l->end -= l->start;
        l->start = 0;
    }
    if (l->end < l->room)
        return 0;
    size_t room = l->room == 0 ? LINES_FIRST : l->room * 2;
    room = room < l->max ? room : l->max;
    char *buf = realloc(l->buf, room);
    if (buf == NULL)
        return -1;
    l->buf = buf;
    l->room = room;
    return 0;
}

/* Read once more. */
static int fill(struct gf_lines *l, struct gf_err *e) {
    if (l->end == l->room && make_room(l) == -1)
        return gf_err_set(e, GF_E_SYSTEM, "line %llu: out of memory",
                          (unsigned long long)l->number + 1);
    if (l->before_read != NULL && l->before_read(l->arg, e) == -1)
        return -1;
    ssize_t n;
    do {
        n = read(l->fd, l->buf + l->end, l->room - l->end);
    } while (n == -1 && errno == EINTR);
    if (n == -1)
        return gf_err_errno(e, "line %llu: cannot read it", (unsigned long long)l->number + 1);
    l->eof = n == 0;
    l->end += (size_t)n;
    return 0;
}

int gf_lines_next(struct gf_lines *l, const char **line, size_t *len, int *ended,
                  struct gf_err *e) {
    size_t seen = 0; /* bytes from start that hold no LF */
    for (;;) {
        size_t have = l->end - l->start;
        char *lf = have > seen ? memchr(l->buf + l->start + seen, '\n', have - seen) : NULL;
        size_t whole = lf != NULL ? (size_t)(lf - l->buf) - l->start + 1 : have;

        /* Of a line whose end has not been seen, max bytes are already too many: the LF counts. */
        if (whole > l->max || (lf == NULL && !l->eof && whole >= l->max))
            return gf_err_set(e, GF_E_LIMIT, "line %llu: longer than the %zu bytes allowed",
                              (unsigned long long)l->number + 1, l->max);
        if (lf == NULL && !l->eof) {
            seen = have;
            if (fill(l, e) == -1)
                return -1;
            continue;
        }
        if (whole == 0)
            return 0;
        *line = l->buf + l->start;
        *len = lf != NULL ? whole - 1 : whole;
        *ended = lf != NULL;
        l->start += whole;
        l->number++;
        return 1;
    }
}

void gf_lines_free(struct gf_lines *l) {
    free(l->buf);
    gf_lines_init(l, l->fd, l->max);
}
