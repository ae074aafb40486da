/*
 * pool.h -- a few threads that run jobs while their owner goes on.
 *
 * Threads start when the first job is submitted, so that small work costs none. The owner helps:
 * waiting for a job that has not begun runs queued jobs in the owner's thread. With no threads at
 * all (threads = 1) every job is run by gf_pool_wait().
 */
#ifndef BASE_POOL_H
#define BASE_POOL_H

#include "gapferry/err.h"

struct gf_pool;

struct gf_job {
    void (*run)(struct gf_job *job); /* set by the owner; may not touch the pool */
    struct gf_job *next;             /* the pool's */
    int state;                       /* the pool's: 0 idle, 1 queued, 2 running, 3 done */
};

/* threads: how many work at once, the owner included; 0: one for each core, at most 4. */
GF_MUST_CHECK int gf_pool_new(int threads, struct gf_pool **out, struct gf_err *e);

int gf_pool_threads(const struct gf_pool *p);

/* Queue an idle or done job; it stays the caller's and must live until it was waited for. */
void gf_pool_submit(struct gf_pool *p, struct gf_job *job);

/* Wait until it is done; then it is idle. An idle job is done already. */
void gf_pool_wait(struct gf_pool *p, struct gf_job *job);

/* Wait for what runs, drop what is queued, end the threads; accepts NULL. */
void gf_pool_free(struct gf_pool *p);

#endif
