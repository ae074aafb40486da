/*
 * forward_commit.c -- one transaction for the results of many and the beginnings of many. Its last
 * part, which is most of its time (the plain changes of state, and the disk), is a thread's, so
 * that meanwhile what is durable already goes on; what it marks leaves only behind it.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/mono.h"
#include "relay/forward.h"

/* How often the ledger may be busy in a row, each time for as long as a transaction waits to begin.
 */
#define BUSY_TRIES    6
#define BUSY_PAUSE_MS 20  /* until it is asked again, while there is something to go on with */
#define CHUNK         256 /* rows that are marked at once */

/* One transaction, from forward_commit() until forward_commit_reap() has told how it ended. */
struct forward_commit {
    int pending;
    int running; /* 1: the thread has the ledger, and of the walk what its part names */
    pthread_t thread;
    atomic_int over; /* 1: it has done its part */
    int ended;       /* the same as an event, for whoever waits */
    int64_t now;
    int rc;
    struct gf_err e;
};

int forward_commit_new(struct forward_walk *w, struct gf_err *e) {
    w->commit = calloc(1, sizeof *w->commit);
    if (w->commit == NULL)
        return gf_err_set(e, GF_E_SYSTEM, "no memory for a transaction");
    w->commit->ended = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return w->commit->ended == -1 ? gf_err_errno(e, "eventfd") : 0;
}

void forward_commit_free(struct forward_walk *w) {
    if (w->commit == NULL)
        return;
    forward_commit_wait(w);
    if (w->commit->ended != -1)
        (void)close(w->commit->ended);
    free(w->commit);
    w->commit = NULL;
}

/* ---- the walk's part ---- */

static void trust(struct forward_lane *lane, const struct forward_job *j) {
    if (j->failed || j->unsent || j->result.verdict == ENDPOINT_LATER ||
        j->result.verdict == ENDPOINT_HELD)
        return;
    forward_lane_trust(lane);
}

static int unsend(struct forward_walk *w, struct forward_lane *lane, struct gf_err *e) {
    struct forward_job *j;
    int rc = 0;

    while (rc == 0 && (j = forward_take(&lane->ready)) != NULL) {
        rc = forward_settle_unsent(w, j, e);
        forward_job_free(j);
    }
    return rc;
}

static int note_all(struct forward_walk *w, struct gf_err *e) {
    struct forward_job *j;
    int rc = 0;

    while (rc == 0 && (j = forward_take(&w->done)) != NULL) {
        rc = forward_settle(w, j, e);
        trust(j->lane, j);
        forward_job_free(j);
    }
    for (size_t i = 0; rc == 0 && i < w->nlanes; i++) {
        struct forward_lane *lane = &w->lanes[i];
        if (forward_is_ending(w) || lane->breaker.open)
            rc = unsend(w, lane, e);
        if (rc == 0 && !forward_is_ending(w))
            rc = forward_lane_fill(w, lane, e);
    }
    return rc;
}

/* What the ledger will say is with the next hop is durable there. */
static void flush_all(struct forward_walk *w) {
    struct gf_err why;

    for (size_t i = 0; i < w->nlanes; i++) {
        struct forward_lane *lane = &w->lanes[i];
        if (lane->opened && lane->unusable.code == GF_OK &&
            endpoint_flush(&lane->endpoint, &why) == -1)
            forward_job_lost(w, lane, &why);
    }
}

/* ---- the thread's part: `plain` and `marked`, which nobody else looks at meanwhile ---- */

static int mark(struct forward_walk *w, const struct forward_lane *lane, struct gf_err *e) {
    int64_t rows[CHUNK];
    size_t n = 0;

    for (const struct forward_job *j = lane->marked.first; j != NULL; j = j->next) {
        rows[n++] = j->row.row;
        if (n < CHUNK && j->next != NULL)
            continue;
        if (ledger_sending(w->r->ledger, rows, n, lane->name, w->commit->now, e) == -1)
            return -1;
        n = 0;
    }
    return 0;
}

static void write_down(struct forward_walk *w) {
    struct forward_commit *c = w->commit;
    int rc = forward_settle_plain(w, c->now, &c->e);

    for (size_t i = 0; rc == 0 && i < w->nlanes; i++)
        rc = mark(w, &w->lanes[i], &c->e);
    c->rc = ledger_end(w->r->ledger, rc, &c->e);
}

static void *run(void *arg) {
    struct forward_walk *w = arg;
    const uint64_t one = 1;

    write_down(w);
    atomic_store(&w->commit->over, 1);
    (void)!write(w->commit->ended, &one, sizeof one);
    return NULL;
}

/* ---- both ---- */

static int start(struct forward_walk *w) {
    atomic_store(&w->commit->over, 0);
    return pthread_create(&w->commit->thread, NULL, run, w);
}

/* 1 if it was begun, 0: the ledger is another process's now. It is waited for where there is
 * nothing to go on with meanwhile. */
static int begin(struct forward_walk *w, struct gf_err *e) {
    int more = forward_goes_on(w);

    if ((more ? ledger_begin_now(w->r->ledger, e) : ledger_begin(w->r->ledger, e)) == 0)
        return 1;
    if (e->code != GF_E_BUSY || (!more && w->busy++ >= BUSY_TRIES))
        return -1;
    w->commit_at = more ? mono_ms() + BUSY_PAUSE_MS : 0;
    return 0;
}

int forward_commit(struct forward_walk *w, struct gf_err *e) {
    struct forward_commit *c = w->commit;
    struct ledger *l = w->r->ledger;

    flush_all(w);
    int begun = begin(w, e);
    if (begun != 1)
        return begun;
    w->busy = 0;
    c->pending = 1;
    c->now = forward_now(w);
    c->rc = note_all(w, &c->e);
    if (c->rc == -1)
        c->rc = ledger_end(l, -1, &c->e);
    else if (forward_goes_on(w) && start(w) == 0)
        c->running = 1;
    else
        write_down(w);
    return c->running ? 0 : forward_commit_reap(w, 0, e);
}

void forward_commit_wait(struct forward_walk *w) {
    struct forward_commit *c = w->commit;
    uint64_t one;

    if (!c->running)
        return;
    (void)pthread_join(c->thread, NULL);
    (void)!read(c->ended, &one, sizeof one);
    c->running = 0;
}

int forward_commit_fd(const struct forward_walk *w) {
    return w->commit->running ? w->commit->ended : -1;
}

int forward_commit_reap(struct forward_walk *w, int wait, struct gf_err *e) {
    struct forward_commit *c = w->commit;

    if (!c->pending || (c->running && !wait && !atomic_load(&c->over)))
        return 0;
    forward_commit_wait(w);
    c->pending = 0;
    if (c->rc == -1) {
        *e = c->e;
        return -1;
    }
    for (size_t i = 0; i < w->nlanes; i++)
        forward_move(&w->lanes[i].ready, &w->lanes[i].marked);
    return 0;
}

int forward_commit_pending(const struct forward_walk *w) {
    return w->commit->pending;
}
