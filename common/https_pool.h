/*
 * https_pool.h -- many HTTP requests at once, by the rules of https.h; kept HTTP/1.1 connections.
 */
#ifndef COMMON_HTTPS_POOL_H
#define COMMON_HTTPS_POOL_H

#include "common/https.h"

struct https_pool; /* one thread */

GF_MUST_CHECK int https_pool_new(struct https_pool **out, struct gf_err *e);
/* What is under way is given up: whether it arrived is not known. */
void https_pool_free(struct https_pool *p);

/* Begin a request. *o and all that it points to stay until it is over, its method, files, proxy
 * and socket as long as the pool; `stop` is not asked. tag names it. -1 as https_request(): nothing
 * was begun.
 */
GF_MUST_CHECK int https_pool_begin(struct https_pool *p, const struct https_options *o, void *tag,
                                   struct gf_err *e);

/* Go on with all of them, and wait, at most ms, until something happens: to one of them, or one of
 * these n descriptors can be read or has ended. -1: GF_E_SYSTEM; the pool is of no use any more. */
GF_MUST_CHECK int https_pool_go(struct https_pool *p, const int *fds, size_t n, int ms,
                                struct gf_err *e);

/* Take one that is over: 1 and *out is its answer; 0 and *tag NULL: none is; -1: it failed as
 * https_request() says. */
GF_MUST_CHECK int https_pool_next(struct https_pool *p, void **tag, struct https_answer *out,
                                  struct gf_err *e);

/* Give up the request of this tag. */
void https_pool_drop(struct https_pool *p, const void *tag);

/* Requests under way. */
size_t https_pool_count(const struct https_pool *p);

#endif
