/*
 * command.h -- the commands of gapferry-collect.
 */
#ifndef COLLECT_COMMAND_H
#define COLLECT_COMMAND_H

#include "agent/agent.h"
#include "agent/collect/collect_scrape.h"

int cmd_collect_run(const char *root, int argc, char **argv);
int cmd_collect_check(const char *root, int argc, char **argv);
int cmd_collect_status(const char *root, int argc, char **argv);

/* ---- command.c ---- */

/* What each command begins with: paths of an agent that is there, its [collect] and [scrape], and
 * its state directory opened. No key and no store is opened. GF_E_CONFIG with the remedy. _end
 * releases it. */
struct collect_command {
    struct agent a;
    struct collect_settings settings;
    struct collect_scrapes scrapes;
    int state;
};
GF_MUST_CHECK int command_collect(const char *root, struct collect_command *out, struct gf_err *e);
void command_end(struct collect_command *c);

#endif
