/*
 * watch.h -- what wakes gapferry-link between visits: signals, routes that change, bundles in the
 * outbox, cards. Nothing of it is asked in intervals.
 */
#ifndef LINK_WATCH_H
#define LINK_WATCH_H

#include <stdint.h>

#include "gapferry/err.h"

enum watch_event {
    WATCH_END = 1,    /* SIGTERM, SIGINT */
    WATCH_RELOAD = 2, /* SIGHUP, or other cards */
    WATCH_ROUTES = 4,
    WATCH_OUTBOX = 8, /* there is something new in it */
};

struct watch {
    int signals; /* signalfd(2) */
    int files;   /* inotify(7) */
    int routes;  /* rtnetlink(7); -1 where it may not be used: then only the back-off counts */
    int outbox, cards; /* watches of `files` */
    int pending;       /* events that watch_ending() has taken */
};

/* Block the signals and begin. The folders outbox and cards of the state directory are made where
 * they are missing. Errors: GF_E_SYSTEM, GF_E_CREATE. On failure *w is closed. */
GF_MUST_CHECK int watch_open(struct watch *w, const char *state, struct gf_err *e);
void watch_close(struct watch *w);

/* Wait for events, at most so many seconds (below 0: for ever); a set of enum watch_event, 0 when
 * the time is over. */
int watch_wait(struct watch *w, int64_t seconds);

/* 1 if the end was asked for; does not wait. Fits https_options.stop. */
int watch_ending(void *watch);

#endif
