/*
 * ledger_wake.c -- a word from a command to the daemon, by way of the lock that it holds.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "relay/ledger/ledger_internal.h"

/* The lock's file, if somebody holds it; -1: nobody does. */
static int open_held(const struct ledger *l, enum ledger_purpose p) {
    int fd = openat(l->dir_fd, ledger_purposes[p], O_RDWR | O_NOFOLLOW | O_CLOEXEC);

    /* Whoever may lock it is alone here. */
    if (fd != -1 && flock(fd, LOCK_SH | LOCK_NB) == 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

int ledger_is_held(const struct ledger *l, enum ledger_purpose p) {
    int fd = open_held(l, p);

    if (fd != -1)
        (void)close(fd);
    return fd != -1;
}

int ledger_wake(struct ledger *l, enum ledger_purpose p) {
    int fd = open_held(l, p);

    if (fd == -1)
        return 0;
    /* What changes is nothing, and is told all the same. */
    int heard = fchmod(fd, 0600) == 0;
    (void)close(fd);
    return heard;
}

int ledger_wake_open(const struct ledger *l, enum ledger_purpose p, int *out, struct gf_err *e) {
    char path[40];
    int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", l->held[p]);
    if (fd == -1 || inotify_add_watch(fd, path, IN_ATTRIB) == -1) {
        (void)gf_err_errno(e, "%s/%s: cannot be watched", l->dir, ledger_purposes[p]);
        if (fd != -1)
            (void)close(fd);
        return -1;
    }
    *out = fd;
    return 0;
}

int ledger_wake_heard(int fd) {
    char events[1024];
    int heard = 0;

    while (read(fd, events, sizeof events) > 0)
        heard = 1;
    return heard;
}
