/*
 * command.h -- the commands of gapferry-collect.
 */
#ifndef COLLECT_COMMAND_H
#define COLLECT_COMMAND_H

#include "agent/agent.h"
#include "agent/collect/collect.h"

int cmd_collect_run(const char *root, int argc, char **argv);
int cmd_collect_check(const char *root, int argc, char **argv);
int cmd_collect_status(const char *root, int argc, char **argv);

/* ---- command.c ---- */

/* What each command begins with: paths of an agent that is there, its [collect], and its state
 * directory opened (at *state, for the caller to close; -1 on failure). No key and no store is
 * opened. GF_E_CONFIG with the remedy. */
GF_MUST_CHECK int command_collect(const char *root, struct agent *a, struct collect_settings *s,
                                  int *state, struct gf_err *e);

#endif
