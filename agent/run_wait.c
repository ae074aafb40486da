/*
 * run_wait.c -- one poll(2) over a signalfd, an inotify watch, mountinfo and a timer.
 */
#include "agent/run_wait.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

/* Closing the database is no change of it; a file that was put into the inbox is there when it is
 * closed, or moved there. */
#define APPENDED (IN_MOVED_TO | IN_MODIFY)
#define PUT      (IN_MOVED_TO | IN_CLOSE_WRITE)

static int watch(struct run_wait *w, const char *state, const char *folder, uint32_t events,
                 struct gf_err *e) {
    char path[1024];

    (void)snprintf(path, sizeof path, "%s%s%s", state, *folder ? "/" : "", folder);
    if (inotify_add_watch(w->files, path, events | IN_ONLYDIR) == -1)
        return gf_err_errno(e, "%s: cannot be watched", path);
    return 0;
}

int run_wait_open(struct run_wait *w, const char *state, struct gf_err *e) {
    sigset_t set;

    *w = (struct run_wait){.signals = -1, .files = -1, .mounts = -1, .clock = -1};
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGHUP);
    if (sigprocmask(SIG_BLOCK, &set, NULL) == -1 ||
        (w->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)) == -1)
        (void)gf_err_errno(e, "signals");
    else if ((w->files = inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) == -1)
        (void)gf_err_errno(e, "inotify");
    else if ((w->mounts = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC)) == -1)
        (void)gf_err_errno(e, "/proc/self/mountinfo");
    else if ((w->clock = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK)) == -1)
        (void)gf_err_errno(e, "timerfd");
    else if (watch(w, state, "", APPENDED, e) == 0 && watch(w, state, "inbox", PUT, e) == 0 &&
             watch(w, state, "intake", APPENDED, e) == 0)
        return 0;
    run_wait_close(w);
    return -1;
}

void run_wait_close(struct run_wait *w) {
    int *const fds[] = {&w->signals, &w->files, &w->mounts, &w->clock};

    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++) {
        if (*fds[i] != -1)
            (void)close(*fds[i]);
        *fds[i] = -1;
    }
}

/* Names that mean work: the rest is the database's own housekeeping, locks, and temporary files. */
static int means_work(const char *name) {
    static const char *const exact[] = {"agent.db", "link.state", "link.sent", NULL};
    size_t len = strlen(name);

    for (size_t i = 0; exact[i]; i++)
        if (strcmp(name, exact[i]) == 0)
            return 1;
    return name[0] != '.' && ((len > 4 && strcmp(name + len - 4, ".gfb") == 0) ||
                              (len > 6 && strcmp(name + len - 6, ".spool") == 0));
}

static int read_files(struct run_wait *w) {
    union {
        struct inotify_event event;
        char bytes[16 * (sizeof(struct inotify_event) + NAME_MAX + 1)];
    } buf;
    int woke = 0;
    ssize_t n;

    while ((n = read(w->files, buf.bytes, sizeof buf.bytes)) > 0) {
        for (ssize_t at = 0; at < n;) {
            struct inotify_event event;
            memcpy(&event, buf.bytes + at, sizeof event);
            const char *name = buf.bytes + at + sizeof event;
            if ((event.mask & IN_Q_OVERFLOW) || (event.len > 0 && means_work(name)))
                woke = RUN_FILES;
            at += (ssize_t)(sizeof event + event.len);
        }
    }
    return woke;
}

static int read_signals(struct run_wait *w) {
    struct signalfd_siginfo info;
    int woke = 0;

    while (read(w->signals, &info, sizeof info) == (ssize_t)sizeof info)
        woke |= info.ssi_signo == SIGHUP ? RUN_RELOAD : RUN_STOP;
    return woke;
}

static int read_clock(struct run_wait *w) {
    uint64_t times;

    if (read(w->clock, &times, sizeof times) == (ssize_t)sizeof times)
        return RUN_TIME;
    return errno == ECANCELED ? RUN_CLOCK : 0;
}

int run_wait(struct run_wait *w, int64_t at, struct gf_err *e) {
    /* A time that is never reached still lets a clock that is set wake us. */
    const struct itimerspec when = {.it_value = {.tv_sec = at > (int64_t)INT32_MAX * 1000
                                                               ? (time_t)INT32_MAX * 1000
                                                           : at > 0 ? at
                                                                    : 1}};
    struct pollfd fds[] = {{.fd = w->signals, .events = POLLIN},
                           {.fd = w->files, .events = POLLIN},
                           {.fd = w->mounts, .events = POLLPRI},
                           {.fd = w->clock, .events = POLLIN}};
    int woke = 0;

    if (timerfd_settime(w->clock, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &when, NULL) == -1)
        return gf_err_errno(e, "timerfd");
    while (woke == 0) {
        if (poll(fds, sizeof fds / sizeof *fds, -1) == -1) {
            if (errno == EINTR)
                continue;
            return gf_err_errno(e, "poll");
        }
        if (fds[0].revents)
            woke |= read_signals(w);
        if (fds[1].revents)
            woke |= read_files(w);
        if (fds[2].revents & (POLLPRI | POLLERR))
            woke |= RUN_MOUNTS;
        if (fds[3].revents)
            woke |= read_clock(w);
    }
    return woke;
}

int run_wait_is_over(void) {
    sigset_t waits;

    return sigpending(&waits) == 0 &&
           (sigismember(&waits, SIGTERM) == 1 || sigismember(&waits, SIGINT) == 1);
}

void run_wait_settle(struct run_wait *w, int ms) {
    const struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

    (void)nanosleep(&pause, NULL);
    (void)read_files(w);
}
