/*
 * returns.h -- what the agent of a grid's manager tells its nodes, by way of the relay on the same
 * host: STATE/returns, a spool of entries of common/grid.h.
 */
#ifndef AGENT_RETURNS_H
#define AGENT_RETURNS_H

#include "agent/agent.h"
#include "gapferry/record.h"

/* A node's record that the intake refuses, in the transaction that does so. may_come 1: somebody
 * may decide otherwise; its relay holds it. */
GF_MUST_CHECK int returns_refuse(struct agent *a, const struct gf_record *r,
                                 const struct gf_id *there, const char *why, int may_come,
                                 struct gf_err *e);

/* The answer to a node's record, in the transaction that applies it: kept until its receipt is
 * told. dir: where the members of its bundle lie. */
GF_MUST_CHECK int returns_answer(struct agent *a, const struct gf_id *there,
                                 const struct gf_answer *answer, int dir, struct gf_err *e);

/* A notice for every node, in the transaction that takes it. Nothing where this host is no grid's
 * manager: no channel is taken from nodes. */
GF_MUST_CHECK int returns_notice(struct agent *a, const struct gf_notice *n, struct gf_err *e);

/* Write what was not told yet to STATE/returns; *told is how many entries. What is written is
 * durable before it counts as told, so that a crash tells it twice and never not at all. */
GF_MUST_CHECK int agent_returns(struct agent *a, int64_t *told, struct gf_err *e);

#endif
