/*
 * cmd_trust.h -- between the files of `trust`, and for `status`.
 */
#ifndef AGENT_CMD_TRUST_H
#define AGENT_CMD_TRUST_H

#include "agent/command.h"

/* ---- cmd_trust_end.c ---- */

/* `trust --end FINGERPRINT`: a relay's or reader's card counts no more. */
GF_MUST_CHECK int cmd_trust_end(struct agent *a, const struct options *o, struct gf_err *e);

/* ---- cmd_trust_list.c ---- */

/* `trust --list`: everybody who is trusted, with what and since when. */
GF_MUST_CHECK int cmd_trust_list(struct agent *a, const struct options *o, struct gf_err *e);

/* The member "vendors": each key with its duties and where it comes from. In text all of them, or
 * with `faults` only those whose file is no key. */
GF_MUST_CHECK int cmd_trust_list_vendors(struct agent *a, int faults, struct out *t,
                                         struct gf_err *e);

#endif
