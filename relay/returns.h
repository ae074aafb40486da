/*
 * returns.h -- what the manager's agent says of updates, and the files that it hands over with its
 * returns (common/grid.h); parts of returns.c, which has the walk.
 */
#ifndef RELAY_RETURNS_H
#define RELAY_RETURNS_H

#include "common/grid.h"
#include "relay/relay.h"

/* Where the returns of one agent lie. */
struct returns_place {
    int dir;                       /* STATE/returns, open */
    char section[GF_WORD_MAX + 1]; /* of the endpoint that its artifacts come from */
};

/* What the node's update consists of: its artifacts are assigned to it, and awaited. Within a
 * transaction. GF_E_UPDATE where it contradicts what is known: nothing has changed then. */
GF_MUST_CHECK int returns_files_update(struct relay *r, const struct returns_place *p,
                                       const struct gf_id *node, const struct update *u,
                                       struct gf_err *e);

/* The body of an answer that names a file, into *out (initialised by the caller), compared with its
 * name, which is left in `name`. GF_E_NOINPUT, GF_E_DAMAGED; GF_E_SYSTEM. */
GF_MUST_CHECK int returns_files_body(const struct returns_place *p, const struct gf_id *node,
                                     const struct gf_answer *a, struct gf_buf *out,
                                     char name[GRID_FILE], struct gf_err *e);

/* Remove files that were taken over already, or that nobody has asked for in a long time. */
void returns_files_sweep(struct relay *r, const struct returns_place *p);

#endif
