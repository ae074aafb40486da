/*
 * handed.c -- where the manager's agent leaves artifacts for its nodes.
 */
#include "relay/updates/handed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "common/grid.h"
#include "relay/endpoints/endpoint.h"

#define PATH 700

static void path_of(const struct relay *r, const char *section, const struct update_artifact *a,
                    char out[PATH]) {
    char state[512], hex[GRID_FILE];

    endpoint_agent_state(r, section, state);
    gf_text_hex(a->blake2b.b, sizeof a->blake2b.b, hex);
    (void)snprintf(out, PATH, "%s/" GRID_RETURNS "/%s", state, hex);
}

int handed_open(const struct relay *r, const char *section, const struct update_artifact *a,
                int *fd, struct gf_err *e) {
    char path[PATH];

    path_of(r, section, a, path);
    *fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (*fd != -1)
        return 1;
    return errno == ENOENT ? 0 : gf_err_errno(e, "%s", path);
}

void handed_remove(const struct relay *r, const char *section, const struct update_artifact *a) {
    char path[PATH];

    path_of(r, section, a, path);
    (void)unlink(path);
}
