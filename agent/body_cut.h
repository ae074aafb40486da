/*
 * body_cut.h -- metrics that no line can hold, as several requests that lines can hold.
 */
#ifndef AGENT_BODY_CUT_H
#define AGENT_BODY_CUT_H

#include "agent/body.h"
#include "gapferry/limits.h"

/* Bytes of a line beside its body: more than it may have, `ext` of metrics included. */
#define BODY_CUT_HEAD 4096

/* How large a part becomes: bytes as base64, which nearly all metrics are in a line; or bytes that
 * happen to be text, of which each may become an escape of six. */
#define BODY_CUT_BYTES ((GF_LINE_MAX - BODY_CUT_HEAD) / 4 * 3)
#define BODY_CUT_TEXT  ((GF_LINE_MAX - BODY_CUT_HEAD) / 6)

/* Bytes of all parts: no group of records takes more. What is common to points stands in each. */
#define BODY_CUT_MAX (8 << 20)

/*
 * Cut what body_take() has left of an OpenTelemetry request of this media type between its data
 * points, into requests in protobuf of at most `most` bytes; body_part() gives them. May be done
 * again with less. Points that are larger by themselves are left out, counted in `refused` and told
 * in `partial`; where none stays the body is empty. GF_E_LIMIT, GF_E_SYSTEM: then the body is as it
 * was, uncut.
 */
GF_MUST_CHECK int body_cut(struct body_kept *k, const char *type, size_t most, struct gf_err *e);

#endif
