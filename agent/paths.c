/*
 * paths.c -- where an agent's things are: for the agent itself, and for gapferry-link, which opens
 * nothing but the configuration.
 */
#include <stdio.h>
#include <time.h>

#include "agent/agent.h"

int agent_paths(struct agent *a, const char *root, struct gf_err *e) {
    *a = (struct agent){.now = (int64_t)time(NULL)};
    if (!root)
        root = "";

    /* The longest path in the state directory, an outbox file under its temporary name, must fit
     * the buffers of those who use it. */
    int config =
        snprintf(a->config_path, sizeof a->config_path, "%s/etc/gapferry/agent.conf", root);
    int state = snprintf(a->state, sizeof a->state, "%s/var/lib/gapferry/agent", root);
    if (config < 0 || state < 0 || (size_t)config >= sizeof a->config_path ||
        (size_t)state + 128 >= sizeof a->state)
        return gf_err_set(e, GF_E_USAGE, "--root %.100s...: this path is too long", root);
    return 0;
}
