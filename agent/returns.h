/*
 * returns.h -- what the agent of a grid's manager tells its nodes, by way of the relay on the same
 * host: STATE/returns, a spool of entries of common/grid.h.
 */
#ifndef AGENT_RETURNS_H
#define AGENT_RETURNS_H

#include "agent/agent.h"
#include "agent/store/store_grid.h"
#include "common/spool.h"
#include "gapferry/record.h"

/* A node's record that the intake refuses, in the transaction that does so. may_come 1: somebody
 * may decide otherwise; its relay holds it. */
GF_MUST_CHECK int returns_refuse(struct agent *a, const struct gf_record *r,
                                 const struct gf_id *there, const char *why, int may_come,
                                 struct gf_err *e);

/* The answer to a node's record, in the transaction that applies it: kept until its receipt is
 * told; a body that no line can hold lies in STATE/returns from now on. That of a check for updates
 * is also remembered, so that its artifacts are collected for the node. relay: that it comes from;
 * dir: where the members of its bundle lie. */
GF_MUST_CHECK int returns_answer(struct agent *a, const struct store_node *node,
                                 const char *channel, const struct gf_hash *relay,
                                 const struct gf_answer *answer, int dir, struct gf_err *e);

/* A notice for every node, in the transaction that takes it. Nothing where this host is no grid's
 * manager: no channel is taken from nodes. */
GF_MUST_CHECK int returns_notice(struct agent *a, const struct gf_notice *n, struct gf_err *e);

/* Write what was not told yet to STATE/returns; *told is how many entries. What is written is
 * durable before it counts as told, so that a crash tells it twice and never not at all. */
GF_MUST_CHECK int agent_returns(struct agent *a, int64_t *told, struct gf_err *e);

/* ---- returns_update.c: updates of nodes; parts of the above ---- */

/* A manifest has come for a node. */
GF_MUST_CHECK int returns_update_came(struct agent *a, const struct gf_id *node,
                                      const struct gf_hash *relay, const char *text, size_t len,
                                      struct gf_err *e);
/* Put what nodes are to be told of manifests, and hand over the artifacts that are here: links in
 * dir, which is STATE/returns. */
GF_MUST_CHECK int returns_update_tell(struct agent *a, struct spool *spool, int dir, int64_t *told,
                                      struct gf_err *e);

#endif
