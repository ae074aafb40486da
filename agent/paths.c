/*
 * paths.c -- where an agent's things are: for the agent itself, and for gapferry-link, which opens
 * nothing but the configuration.
 */
#include <time.h>

#include "agent/agent.h"
#include "common/command.h"

int agent_paths(struct agent *a, const char *root, struct gf_err *e) {
    *a = (struct agent){.now = (int64_t)time(NULL)};
    /* The longest path in the state directory is an outbox file under its temporary name. */
    return command_paths("agent", root, 128, a->config_path, a->state, e);
}
