/*
 * when.h -- points in time: one on a command line, and what may be believed of a clock.
 */
#ifndef COMMON_WHEN_H
#define COMMON_WHEN_H

#include <stdint.h>

#include "gapferry/err.h"

/* RFC 3339 (YYYY-MM-DDThh:mm:ssZ), a date (its beginning, UTC), or with span 1 also from `now` on,
 * with span -1 back from it: 90s 15m 12h 30d 4w 1y. *out and now are seconds since 1970; `option`
 * names it in GF_E_USAGE. */
GF_MUST_CHECK int when_read(const char *text, const char *option, int64_t now, int span,
                            int64_t *out, struct gf_err *e);

/* "20260131T120000Z", for names of files; UTC. */
#define WHEN_STAMP 32
void when_stamp(int64_t at, char out[WHEN_STAMP]);

/* It is at least this late, whatever the clock says: when this program was built. */
int64_t when_built(void);

/* 2025: there was no Gapferry yet. What bears an earlier date is of unknown age. */
#define WHEN_FIRST 1735689600LL

/* Seconds (ten years) beyond the newest time that is proven, after which a clock is in doubt: 1.
 * Nothing is removed for its age then: it could not be brought back when the clock is right
 * again. */
#define WHEN_LEAP (10LL * 365 * 86400)
int when_is_ahead(int64_t now, int64_t proven);

#endif
