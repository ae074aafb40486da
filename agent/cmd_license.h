/*
 * cmd_license.h -- the parts of `gapferry-agent license`.
 */
#ifndef AGENT_CMD_LICENSE_H
#define AGENT_CMD_LICENSE_H

#include "agent/command.h"

/* `license status`: every licence, and what became of every request. */
GF_MUST_CHECK int cmd_license_status(struct agent *a, const struct options *o, struct gf_err *e);

/* `license check`: one product; *status is 0 if it may run, else the status of the fact. */
GF_MUST_CHECK int cmd_license_check(struct agent *a, const struct options *o, int *status,
                                    struct gf_err *e);

#endif
