/*
 * body_lines.h -- a body of lines of the Influx line protocol: without what the deny-list of the
 * channel names, each with a time in nanoseconds.
 */
#ifndef BODY_LINES_H
#define BODY_LINES_H

#include "agent/body.h"

/*
 * As InfluxDB does it, lines that are well-formed come in though others are not; `partial` then
 * says so in its words ("partial write: ... dropped=N"). So it does where the list leaves no field
 * of a line. Where none is left it is a refusal. On other ways than BODY_LINES all lines have to be
 * well-formed, their times count nanoseconds, and all of it is one record.
 */
GF_MUST_CHECK int body_lines_take(const struct body *b, struct body_kept *k, enum body_no *no,
                                  struct gf_err *e);

#endif
