/*
 * forked.h -- whether a relay holds two bundles of one number by this agent: it was cloned, or its
 * state was put back. Known of the stream of now only, so that `restore`, which begins another,
 * ends it.
 */
#ifndef AGENT_FORKED_H
#define AGENT_FORKED_H

#include "agent/command.h"

#define FORKED_CODE "fork" /* of a refusal, and the type of a notice, as the relay writes them */

/* A relay has refused a bundle of this stream as a fork; of another than that of now nothing is
 * noted. Told by the refusal of a bundle that is known here, and by the notice `fork`. */
GF_MUST_CHECK int forked_note(struct agent *a, const struct gf_id *stream, struct gf_err *e);

/* What that is, in words; and room for what a person is to do about it. */
#define FORKED_WHAT   "this agent was cloned, or its state was put back"
#define FORKED_REMEDY (COMMAND_SELF + 96)

/* 1 it is forked, and the remedy is set; 0 not that we know, or -1. */
GF_MUST_CHECK int forked_is(struct agent *a, char remedy[FORKED_REMEDY], struct gf_err *e);
/* The same, told: member `forked`, and a line with this label where it is. */
GF_MUST_CHECK int forked_show(struct agent *a, struct out *t, const char *label, struct gf_err *e);

#endif
