/*
 * collect_room.h -- how much of each channel lies in intake/ and was not yet taken by the agent: it
 * counts against the room that policy.json names.
 */
#ifndef COLLECT_COLLECT_ROOM_H
#define COLLECT_COLLECT_ROOM_H

#include <stdint.h>

#include "gapferry/err.h"

struct collect_room;

struct collect_use {
    int64_t records, bytes; /* bytes of lines, as the agent counts them */
};

/* dir: of the spool, borrowed. NULL: no memory. */
struct collect_room *collect_room_new(int dir);
void collect_room_free(struct collect_room *r); /* NULL is fine */

/* Look at the files again: what is new in each is read, and what is gone counts no more. Entries
 * count whole, since how far the agent has come in a file stands in its queue. What
 * collect_room_add() has said counts as read. Errors: GF_E_SYSTEM. */
GF_MUST_CHECK int collect_room_scan(struct collect_room *r, struct gf_err *e);

/* Entries of ours that the next scan will find. GF_E_SYSTEM. */
GF_MUST_CHECK int collect_room_add(struct collect_room *r, const char *channel,
                                   struct collect_use use, struct gf_err *e);

struct collect_use collect_room_used(const struct collect_room *r, const char *channel);

#endif
