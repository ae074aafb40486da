/*
 * thin.h -- metrics at the cap of their channel: before anything is refused or dropped, the oldest
 * that never left are thinned (thin_choice.h) to the first step of `[channel "NAME"] thin`, and
 * when that is not enough to the next one.
 *
 * Records give way to fewer new ones in the same place of the queue; `created` is that of the
 * newest, and `ext` says what was left out:
 *
 *   {"metrics":{...},"thinned":{"every_s":900,"records":60,"points":840}}
 *
 * Of a record that had been thinned before it counts the ones that had come into it. Taken are
 * records of OpenTelemetry metrics (those whose `ext` has the member `metrics`) and of Influx lines
 * that this agent has made, that do not end by a time of their own; others stay as they are.
 *
 * One pass looks at up to THIN_RECORDS records and THIN_BYTES of their lines, and needs some times
 * that of memory. It is made only where what comes next is a good part of all that never left
 * (THIN_SHARE): so work stays in proportion to what came in, and what came last is left alone; and
 * it changes something only where at least a quarter is gained.
 */
#ifndef AGENT_THIN_H
#define AGENT_THIN_H

#include "agent/agent.h"

#define THIN_RECORDS 4096
#define THIN_BYTES   (4 << 20)
#define THIN_SHARE   16 /* one part in so many */

/* For store_cap.thin: one pass, or as many as there are without gain, up to a few. arg: the agent.
 * Within the store's transaction. */
int thin_make_room(void *arg, const char *channel, const struct store_cap *cap, struct gf_err *e);

/* Thin every channel that is nearly full, so that gapferry-collect, which refuses where there is no
 * room, finds some. */
GF_MUST_CHECK int thin_ahead(struct agent *a, struct gf_err *e);

#endif
