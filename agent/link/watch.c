/*
 * watch.c -- signals, inotify and rtnetlink as one set of events.
 */
#include "agent/link/watch.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int add_folder(struct watch *w, const char *state, const char *name, int *out,
                      struct gf_err *e) {
    char path[600];

    (void)snprintf(path, sizeof path, "%s/%s", state, name);
    if (mkdir(path, 0700) == -1 && errno != EEXIST)
        return gf_err_errno(e, "%s: cannot make it", path);
    *out = inotify_add_watch(w->files, path, IN_CREATE | IN_MOVED_TO | IN_DELETE | IN_ONLYDIR);
    return *out == -1 ? gf_err_errno(e, "%s: cannot watch it", path) : 0;
}

/* Without it link works too, only later. */
static int open_routes(void) {
    const struct sockaddr_nl a = {.nl_family = AF_NETLINK,
                                  .nl_groups = RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

    if (fd != -1 && bind(fd, (const struct sockaddr *)&a, sizeof a) == -1) {
        (void)close(fd);
        fd = -1;
    }
    return fd;
}

int watch_open(struct watch *w, const char *state, struct gf_err *e) {
    sigset_t set;

    *w = (struct watch){.signals = -1, .files = -1, .routes = -1};
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGHUP);
    if (sigprocmask(SIG_BLOCK, &set, NULL) == -1 ||
        (w->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)) == -1 ||
        (w->files = inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) == -1) {
        (void)gf_err_errno(e, "signals and files");
        watch_close(w);
        return -1;
    }
    if (add_folder(w, state, "outbox", &w->outbox, e) == -1 ||
        add_folder(w, state, "cards", &w->cards, e) == -1) {
        watch_close(w);
        return -1;
    }
    w->routes = open_routes();
    return 0;
}

void watch_close(struct watch *w) {
    const int fds[] = {w->signals, w->files, w->routes};

    for (size_t i = 0; i < 3; i++) {
        if (fds[i] != -1)
            (void)close(fds[i]);
    }
    *w = (struct watch){.signals = -1, .files = -1, .routes = -1};
}

static int read_signals(const struct watch *w) {
    struct signalfd_siginfo s;
    int events = 0;

    while (read(w->signals, &s, sizeof s) == (ssize_t)sizeof s)
        events |= s.ssi_signo == SIGHUP ? WATCH_RELOAD : WATCH_END;
    return events;
}

/* Files that are being written have a name that begins with a dot. */
static int read_files(const struct watch *w) {
    _Alignas(struct inotify_event) char buf[4096];
    int events = 0;
    ssize_t n;

    while ((n = read(w->files, buf, sizeof buf)) > 0) {
        for (ssize_t at = 0; at + (ssize_t)sizeof(struct inotify_event) <= n;) {
            struct inotify_event x;
            memcpy(&x, buf + at, sizeof x);
            const char *name = buf + at + sizeof x;
            int visible = x.len > 0 && name[0] != '.';
            if (x.mask & IN_Q_OVERFLOW)
                events |= WATCH_OUTBOX | WATCH_RELOAD;
            else if (visible && x.wd == w->cards)
                events |= WATCH_RELOAD;
            else if (visible && x.wd == w->outbox && !(x.mask & IN_DELETE))
                events |= WATCH_OUTBOX;
            at += (ssize_t)(sizeof x + x.len);
        }
    }
    return events;
}

/* What has changed does not matter: the next try shows it. Too much of it (ENOBUFS) is a change. */
static int read_routes(const struct watch *w) {
    char buf[8192];
    int events = 0;

    for (;;) {
        ssize_t n = recv(w->routes, buf, sizeof buf, MSG_DONTWAIT);
        if (n == -1 && errno != ENOBUFS && errno != EINTR)
            return events;
        if (n == 0)
            return events;
        events = WATCH_ROUTES;
    }
}

int watch_wait(struct watch *w, int64_t seconds) {
    struct pollfd p[3] = {{.fd = w->signals, .events = POLLIN},
                          {.fd = w->files, .events = POLLIN},
                          {.fd = w->routes, .events = POLLIN}};
    const struct timespec t = {.tv_sec = seconds};
    int events = w->pending;

    w->pending = 0;
    if (events != 0)
        return events;
    int n = ppoll(p, 3, seconds < 0 ? NULL : &t, NULL);
    if (n <= 0)
        return 0;
    if (p[0].revents != 0)
        events |= read_signals(w);
    if (p[1].revents != 0)
        events |= read_files(w);
    if (p[2].revents != 0)
        events |= read_routes(w);
    return events;
}

int watch_ending(void *watch) {
    struct watch *w = watch;

    w->pending |= read_signals(w);
    return (w->pending & WATCH_END) != 0;
}
