/*
 * command.h -- the commands of gapferry-link.
 */
#ifndef LINK_COMMAND_H
#define LINK_COMMAND_H

#include "agent/link/visit.h"
#include "common/options.h"

#define LINK_PROGRAM "gapferry-link"

/* ---- cmd_once.c, cmd_run.c ---- */

int cmd_probe(const char *root, int argc, char **argv);
int cmd_carry(const char *root, int argc, char **argv);
int cmd_link_run(const char *root, int argc, char **argv);

/* ---- command.c ---- */

/* Paths of an agent that is there; GF_E_CONFIG with the remedy. No key and no store is opened. */
GF_MUST_CHECK int command_agent(struct agent *a, const char *root, struct gf_err *e);

/* Seconds of a clock that only goes forward. */
int64_t command_mono(void);

#endif
