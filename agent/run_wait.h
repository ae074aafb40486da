/*
 * run_wait.h -- what `run` sleeps on: signals, files of the state directory, mounts, the clock.
 *
 * Nothing here wakes up by itself: an agent with nothing to do uses no CPU.
 */
#ifndef AGENT_RUN_WAIT_H
#define AGENT_RUN_WAIT_H

#include <stdint.h>

#include "gapferry/err.h"

enum run_woke {
    RUN_STOP = 1,   /* SIGTERM or SIGINT */
    RUN_RELOAD = 2, /* SIGHUP */
    RUN_FILES = 4,  /* the queue, inbox/, intake/, or what link writes has changed */
    RUN_MOUNTS = 8, /* something was mounted or unmounted */
    RUN_TIME = 16,  /* the time has come */
    RUN_CLOCK = 32, /* the clock was set */
};

struct run_wait {
    int signals, files, mounts, clock;
};

/* Begin; the three signals are blocked from here on. `state`: the state directory, whose inbox/ and
 * intake/ are there. Errors: GF_E_SYSTEM. */
GF_MUST_CHECK int run_wait_open(struct run_wait *w, const char *state, struct gf_err *e);
void run_wait_close(struct run_wait *w);

/* Sleep until something happens, or until `at` (seconds since 1970; INT64_MAX: no time). The
 * reasons, or-ed; -1 and *e. */
GF_MUST_CHECK int run_wait(struct run_wait *w, int64_t at, struct gf_err *e);

/* 1 if this process blocks SIGTERM or SIGINT, as after run_wait_open(), and one has come: what
 * would take long is to end. The next run_wait() still tells of it. */
int run_wait_is_over(void);

/* Give what comes in a row a moment to end: forget what has happened to files within `ms`. Signals
 * and mounts stay for the next run_wait(). */
void run_wait_settle(struct run_wait *w, int ms);

#endif
