/*
 * marks.h -- what link remembers of bundles, in small files of its own: lines `ID WORDS`, appended
 * and flushed one by one.
 *
 *   link.sent     ID TIME                  a relay has this bundle of ours (read by the agent)
 *   link.fetched  ID TIME                  this response was put into inbox/
 *   link.refused  ID SIZE MTIME WAY TIME WORDS
 *                                          at this time (seconds) a relay would not have this file;
 *                                          WAY is a digest of the relay and of the way to it
 *
 * A line is written after what it tells has happened, so that one torn by a crash either has no
 * whole id, and does not count, or is true. Beyond MARKS_MAX lines the older
 * half goes: what is forgotten is sent, or fetched, once more, which has no effect on either side.
 */
#ifndef LINK_MARKS_H
#define LINK_MARKS_H

#include "gapferry/text.h"

#define MARKS_SENT    "link.sent"
#define MARKS_FETCHED "link.fetched"
#define MARKS_REFUSED "link.refused"

#define MARKS_MAX   8192
#define MARKS_WORDS 256 /* bytes behind the id, with NUL */

struct mark {
    struct gf_id id;
    char words[MARKS_WORDS];
};

struct marks {
    char path[600];
    struct mark *list; /* oldest first */
    size_t n;
};

/* Read DIR/NAME; where it is missing or odd there are no marks. Errors: GF_E_SYSTEM. */
GF_MUST_CHECK int marks_load(struct marks *m, const char *dir, const char *name, struct gf_err *e);
void marks_free(struct marks *m);

/* What was last noted of this id; NULL: nothing. Borrowed until the next change. */
const char *marks_find(const struct marks *m, const struct gf_id *id);

/* Note it, durably. Words are one line; longer ones are cut. */
GF_MUST_CHECK int marks_add(struct marks *m, const struct gf_id *id, const char *words,
                            struct gf_err *e);

/* The lines of a text; marks beyond MARKS_MAX are the oldest, and left out. */
GF_MUST_CHECK int marks_parse(struct marks *m, const char *text, size_t len, struct gf_err *e);

#endif
