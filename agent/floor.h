/*
 * floor.h -- the time floor: it is at least this late, whatever the clock says.
 *
 * Only two things raise it: times that a pinned vendor has signed (`issued` of a verified licence
 * or update manifest) and the time at which this program was built. What a relay says of the time
 * is evidence for people and raises nothing. A clock below the floor is reported; it costs nobody
 * anything by itself, and it does not bring back what had ended before the floor.
 */
#ifndef AGENT_FLOOR_H
#define AGENT_FLOOR_H

#include "agent/agent.h"
#include "common/when.h"

/* Seconds by which clocks differ without anybody being wrong: less than this is not reported. */
#define FLOOR_SLACK 86400

/* The floor, in seconds since 1970. Errors: the store's. */
GF_MUST_CHECK int floor_get(struct agent *a, int64_t *out, struct gf_err *e);

/* A vendor whose signature was verified says that it was this late once. May be called within a
 * transaction. */
GF_MUST_CHECK int floor_raise(struct agent *a, int64_t to, struct gf_err *e);

/* 1 if a clock that says `now` stands below the floor by more than FLOOR_SLACK. */
int floor_is_behind(int64_t now, int64_t floor);

/* What people should know of a clock that says `now`, as one sentence; 0 if there is nothing to
 * say of it, and out is empty. */
#define FLOOR_WORDS 256
int floor_words(int64_t now, int64_t floor, char out[FLOOR_WORDS]);

#endif
