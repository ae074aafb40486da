/*
 * when.h -- a point in time on a command line.
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

#endif
