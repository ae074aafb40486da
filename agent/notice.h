/*
 * notice.h -- what a relay wants an agent to know. Each is logged, stands in the history, and the
 * last ones are kept for `status`.
 *
 *   policy    {"channel": C, "consent": "denied" | null, "airgap": "carry" | "hold" | "discard"}
 *             from a relay within the site (reach = site), a grid manager's: the channel is held to
 *             it where that is stricter than what the site has decided; null and carry take it back
 *   next-due  a time, RFC 3339: the relay expects the next bundle by then
 *   time      a time, RFC 3339: the relay's clock when it wrote this; evidence for people
 *   fork      a stream, 32 hex digits: the relay holds two bundles of one number of it, and the
 *             refused one may be a twin's, so that its refusal says nothing here (forked.h)
 *   others    shown, and otherwise ignored
 */
#ifndef AGENT_NOTICE_H
#define AGENT_NOTICE_H

#include "agent/agent.h"
#include "gapferry/record.h"

/* Take one notice of the relay `from`; within store_begin(). What cannot be understood has no
 * effect but to be shown. -1 only where the store fails. */
GF_MUST_CHECK int agent_notice(struct agent *a, const struct gf_hash *from,
                               const struct gf_notice *n, struct gf_err *e);

/* 1 if the last `next-due` or `time` is known; *out is set. name: of these words. */
GF_MUST_CHECK int agent_notice_time(struct agent *a, const char *name, int64_t *out,
                                    struct gf_err *e);

#endif
