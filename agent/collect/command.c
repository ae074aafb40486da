/*
 * command.c -- what the commands of gapferry-collect share.
 */
#include "agent/collect/command.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/command.h"

static int open_state(struct agent *a, const char *root, int *state, struct gf_err *e) {
    *state = open(a->state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*state != -1)
        return 0;
    return gf_err_set(e, GF_E_CONFIG,
                      "%s: there is no agent yet, or it is not this user's; make one: "
                      "gapferry-agent%s%s init",
                      a->state, root != NULL ? " --root " : "", root != NULL ? root : "");
}

int command_collect(const char *root, struct agent *a, struct collect_settings *s, int *state,
                    struct gf_err *e) {
    struct config *c = NULL;
    char *absolute = NULL;

    *state = -1;
    if (agent_paths(a, root, e) == -1 || command_check_user(COLLECT_PROGRAM, a->state, e) == -1 ||
        open_state(a, root, state, e) == -1)
        return -1;
    /* The path of a socket is absolute. */
    int rc = config_load(a->config_path, agent_keys, &c, e);
    if (rc == 0 && root != NULL && (absolute = realpath(root, NULL)) == NULL)
        rc = gf_err_errno(e, "%s", root);
    if (rc == 0)
        rc = collect_settings_read(c, absolute, s, e);
    free(absolute);
    config_free(c);
    if (rc == -1) {
        (void)close(*state);
        *state = -1;
    }
    return rc;
}
