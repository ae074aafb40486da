/*
 * command.c -- what the commands of gapferry-link share.
 */
#include "agent/link/command.h"
#include "common/mono.h"

#include <sys/stat.h>

int64_t command_mono(void) {
    return mono_ms() / 1000;
}

int command_agent(struct agent *a, const char *root, struct gf_err *e) {
    struct stat st;

    if (agent_paths(a, root, e) == -1)
        return -1;
    if (stat(a->state, &st) == -1)
        return gf_err_set(e, GF_E_CONFIG,
                          "%s: there is no agent yet; make one: gapferry-agent%s%s init", a->state,
                          root != NULL ? " --root " : "", root != NULL ? root : "");
    return 0;
}
