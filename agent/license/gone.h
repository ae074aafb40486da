/*
 * gone.h -- licences that were given up on this machine, also where the database was put back from
 * a backup and knows nothing of it.
 *
 *   STATE/license.gone   a line for each: BLAKE2b-256 in hex, LF, of "gapferry-gone/1" LF, the
 * bytes of the product in decimal, LF, the product, the licence's id; both as the licence itself
 * says them
 */
#ifndef AGENT_LICENSE_GONE_H
#define AGENT_LICENSE_GONE_H

#include "agent/agent.h"

/* Bytes of the file at most. */
#define GONE_MAX (1 << 20)

/* Add what the store says to the file, which is replaced as a whole, durably; best done when a
 * licence has been given up. A crash before it costs nothing while the database stays. */
GF_MUST_CHECK int gone_save(struct agent *a, struct gf_err *e);

/* The whole file, for gone_has(); empty where there is none. Free with gf_buf_free(). */
GF_MUST_CHECK int gone_load(const struct agent *a, struct gf_buf *out, struct gf_err *e);

/* 1 if this licence stands in it, 0 if not. */
int gone_has(const struct gf_buf *gone, const char *id, const char *product);

#endif
