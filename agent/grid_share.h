/*
 * grid_share.h -- on the manager of a grid: can its relay, which may be another user, do its part
 * in the two spools that it shares with this agent?
 */
#ifndef AGENT_GRID_SHARE_H
#define AGENT_GRID_SHARE_H

#include "agent/agent.h"

/* 1 where some channel is taken from nodes. */
int grid_share_is_manager(const struct agent *a);

#define GRID_SHARE_WORDS 2048
/* 1 if something is wrong: what, and what to do; 0 if not, or where no relay lies beside this
 * agent. The relay's user is the one whom the directory `relay` beside our own belongs to. */
int grid_share_doubt(const struct agent *a, char text[GRID_SHARE_WORDS],
                     char remedy[GRID_SHARE_WORDS]);

#endif
