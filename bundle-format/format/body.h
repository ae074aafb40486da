/*
 * body.h -- the body of a record or an answer: `body`, `body64` or `file` of its line.
 */
#ifndef FORMAT_BODY_H
#define FORMAT_BODY_H

#include "format/line.h"
#include "gapferry/record.h"

/* Read whichever of the three the line has; failures are noted in l->o. */
void gf_body_parse(struct gf_line *l, struct gf_body *out);

/* GF_E_RECORD unless it can be written, GF_E_LIMIT if it cannot fit a line. */
GF_MUST_CHECK int gf_body_check(const struct gf_body *b, const char *what, struct gf_err *e);

/* Append its member to a line. */
void gf_body_write(const struct gf_body *b, struct gf_buf *out);

#endif
