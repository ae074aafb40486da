/*
 * store_local.h -- the store's part for what the site's own programs make: spool files on their way
 * into the queue, and sources. As store.h in everything.
 */
#ifndef AGENT_STORE_LOCAL_H
#define AGENT_STORE_LOCAL_H

#include "agent/store/store.h"

/* ---- spool files on their way into the queue (store_intake.c) ---- */

/* How far a file was read; 0 where it was not. */
GF_MUST_CHECK int store_cursor(struct store *s, const char *file, int64_t *at, struct gf_err *e);
/* In the transaction that accepts what lies before it. */
GF_MUST_CHECK int store_set_cursor(struct store *s, const char *file, int64_t at, struct gf_err *e);
/* Forget the cursors of all files but these (sorted): names of files never come twice. */
GF_MUST_CHECK int store_keep_cursors(struct store *s, const char *const *files, size_t n,
                                     struct gf_err *e);

/* What was refused at the intake: a number of entries of a channel ("" where it is not known) for
 * one reason. */
struct store_refused {
    char channel[GF_WORD_MAX + 1];
    char reason[128];
    int64_t records; /* so far */
    int64_t last;
};
/* Add to the number. */
GF_MUST_CHECK int store_add_refused(struct store *s, const char *channel, const char *reason,
                                    int64_t records, int64_t now, struct gf_err *e);
/* All of them, sorted by channel; free(). */
GF_MUST_CHECK int store_all_refused(struct store *s, struct store_refused **out, size_t *n,
                                    struct gf_err *e);

/* ---- sources and when they are due (store_source.c) ---- */

struct store_source {
    char name[GF_WORD_MAX + 1];
    int64_t due;      /* when it runs next */
    int64_t ran;      /* when it ran last; 0: never */
    int64_t good;     /* when it last made a record; 0: never */
    int64_t runs;     /* so far; changes with each store_put_source() */
    int64_t failures; /* in a row */
    char reason[256]; /* of the last failure, or why there is no record; "" where there is one */
};
/* 1 found, 0 not: then *out is zeroed but for its name. */
GF_MUST_CHECK int store_get_source(struct store *s, const char *name, struct store_source *out,
                                   struct gf_err *e);
/* Keep it; its runs are one more afterwards. 1 done, 0 if another process has put it since it was
 * got (runs differ). */
GF_MUST_CHECK int store_put_source(struct store *s, const struct store_source *source,
                                   struct gf_err *e);

/* The channels that somebody has decided about, sorted: *names[n]; one allocation, free(). */
GF_MUST_CHECK int store_decided(struct store *s, char (**names)[GF_WORD_MAX + 1], size_t *n,
                                struct gf_err *e);

#endif
