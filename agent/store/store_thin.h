/*
 * store_thin.h -- the store as far as metrics are thinned at the cap of their channel (thin.h):
 * which records come next, putting new ones in their place, and what was thinned so far. As store.h
 * in everything.
 *
 * Thinning goes through a channel from its oldest record on, once for each step (`every`): what was
 * looked at for a step is not looked at again for it, nor for a shorter one.
 */
#ifndef AGENT_STORE_THIN_H
#define AGENT_STORE_THIN_H

#include "agent/store/store.h"

/* The next records of a channel that never left. */
struct store_thin_run {
    int64_t after, last;            /* they lie behind the one row, and go up to the other */
    int64_t records, bytes;         /* of lines */
    int more;                       /* 1: the limits have cut it off */
    int64_t all_records, all_bytes; /* of the channel, of all that never left */
};
/* Those that come next for a step of `every` seconds: at most max_records, and of at most
 * max_bytes, but one at least. records 0: there are none. */
GF_MUST_CHECK int store_thin_next(struct store *s, const char *channel, int64_t every,
                                  int64_t max_records, int64_t max_bytes,
                                  struct store_thin_run *out, struct gf_err *e);
/* Their lines, but for records of nodes and those that want an answer; as store_walk(). */
typedef int store_each_row(void *arg, int64_t row, const char *line, size_t len, struct gf_err *e);
GF_MUST_CHECK int store_thin_walk(struct store *s, const char *channel,
                                  const struct store_thin_run *run, store_each_row *fn, void *arg,
                                  struct gf_err *e);
/* They have been looked at for this step. */
GF_MUST_CHECK int store_thin_done(struct store *s, const char *channel, int64_t every,
                                  const struct store_thin_run *run, struct gf_err *e);

/* Records that give way to others. */
struct store_thinning {
    const int64_t *rows; /* of one channel, rising; none ever left */
    size_t n;
    const struct store_batch *batch; /* what takes their place: as many at most */
    int64_t every;                   /* the step, in seconds */
    const char *policy;              /* as which it is told (store_loss) */
    int64_t points;                  /* left out; 0: nothing is lost, nor told */
    int64_t first, last;             /* their times, in seconds since 1970 */
};
/* Put them there, in the same place of the order; what is left out is counted, and told by the next
 * bundle. A bundle that is being made of the old ones comes to nothing (store_carried.thinned). */
GF_MUST_CHECK int store_thin_put(struct store *s, const char *channel,
                                 const struct store_thinning *t, int64_t now, struct gf_err *e);

/* What was thinned so far. */
struct store_thinned {
    char channel[GF_WORD_MAX + 1];
    int64_t every;
    int64_t records;     /* that gave way */
    int64_t points;      /* that were left out */
    int64_t first, last; /* their times, in seconds since 1970 */
};
/* By channel and step, sorted; free(). */
GF_MUST_CHECK int store_thinned(struct store *s, struct store_thinned **out, size_t *n,
                                struct gf_err *e);

/* How often records have given way, ever: for store_carried.thinned. */
GF_MUST_CHECK int store_thin_count(struct store *s, int64_t *n, struct gf_err *e);

#endif
