/*
 * thin_show.h -- what was thinned so far, for `status` and `preview`.
 */
#ifndef AGENT_THIN_SHOW_H
#define AGENT_THIN_SHOW_H

#include "agent/agent.h"
#include "common/out.h"

/* A line for each channel and step, behind a label; in JSON the member "thinned", an array of
 * {channel, every_s, records, points, from, to}. channel NULL: all of them. */
GF_MUST_CHECK int thin_show(struct agent *a, const char *channel, struct out *t, const char *label,
                            struct gf_err *e);

#endif
