/*
 * services.c -- lock files, held with flock(2), which ends with the process.
 */
#include "agent/services.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

int services_is_running(const char *state, const char *lock) {
    char path[600];

    (void)snprintf(path, sizeof path, "%s/%s", state, lock);
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd == -1)
        return 0;
    int held = flock(fd, LOCK_SH | LOCK_NB) == -1 && errno == EWOULDBLOCK;
    (void)close(fd);
    return held;
}

int services_claim(const char *state, const char *lock, int *fd, struct gf_err *e) {
    char path[600];

    (void)snprintf(path, sizeof path, "%s/%s", state, lock);
    int held = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (held == -1)
        return gf_err_errno(e, "%s", path);
    if (flock(held, LOCK_EX | LOCK_NB) == -1) {
        int busy = errno == EWOULDBLOCK;
        if (!busy)
            (void)gf_err_errno(e, "%s", path);
        else
            (void)gf_err_set(e, GF_E_BUSY, "%s: another %s is at work on this state", path,
                             strcmp(lock, SERVICES_LINK) == 0      ? "gapferry-link"
                             : strcmp(lock, SERVICES_COLLECT) == 0 ? "gapferry-collect run"
                                                                   : "gapferry-agent run");
        (void)close(held);
        return -1;
    }
    *fd = held;
    return 0;
}
