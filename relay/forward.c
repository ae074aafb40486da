/*
 * forward.c -- what is due, to its endpoint: `sending` is durable before a request leaves, and the
 * answer's verdict after it. A crash between the two leaves `sending`: see forward_settle_early().
 */
#include <signal.h>
#include <string.h>
#include <time.h>

#include "common/mono.h"
#include "relay/forward.h"
#include "relay/updates/fetch.h"

/* How often is looked for SIGTERM; and what requests have, once it came, whose endpoint would take
 * them twice. */
#define LOOK_MS  500
#define GRACE_MS 5000

int64_t forward_now(const struct forward_walk *w) {
    return w->r->now + (mono_ms() - w->began_ms) / 1000;
}

int64_t forward_left_ms(const struct forward_walk *w) {
    return w->wait_ms - (mono_ms() - w->began_ms);
}

/* `run` blocks SIGTERM in the process that forwards, so that it ends at a good moment: once it is
 * pending, requests that are under way are given up, and none begins. */
static int is_stopping(void *arg) {
    sigset_t pending;

    (void)arg;
    return sigpending(&pending) == 0 && sigismember(&pending, SIGTERM) == 1;
}

static void look_for_stop(struct forward_walk *w) {
    if (w->stopping == 0 && is_stopping(NULL))
        w->stopping = mono_ms();
    if (w->stopping > 0)
        forward_job_cut(w, mono_ms() - w->stopping >= GRACE_MS);
}

int forward_is_ending(const struct forward_walk *w) {
    return w->stopping > 0 || w->t->time_over;
}

int forward_goes_on(const struct forward_walk *w) {
    size_t n = w->flying.n;

    for (size_t i = 0; i < w->nlanes && !forward_is_ending(w); i++)
        n += w->lanes[i].breaker.open ? 0 : w->lanes[i].ready.n;
    return n > 0;
}

/* ---- when the ledger is written to ---- */

static int wants_commit(const struct forward_walk *w) {
    size_t ready = 0;
    int hungry = 0;

    if (forward_commit_pending(w) || (mono_ms() < w->commit_at && forward_goes_on(w)))
        return 0;
    for (size_t i = 0; i < w->nlanes; i++) {
        ready += w->lanes[i].ready.n;
        hungry |= forward_lane_hungry(&w->lanes[i]);
    }
    if (forward_is_ending(w) ? ready > 0 || (w->done.n > 0 && w->flying.n == 0) : hungry)
        return 1;
    return w->done.n > 0 && (w->done.n >= FORWARD_RESULTS || w->flying.n + ready == 0 ||
                             mono_ms() - w->done_since >= FORWARD_RESULTS_MS);
}

/* ---- the walk ---- */

static void begin_ready(struct forward_walk *w) {
    for (size_t i = 0; i < w->nlanes; i++) {
        struct forward_lane *lane = &w->lanes[i];
        while (lane->ready.n > 0 && !lane->breaker.open && w->flying.n < FORWARD_FLIGHTS &&
               lane->under_way < (size_t)lane->endpoint.connections)
            forward_job_begin(w, forward_take(&lane->ready));
    }
}

static int is_over(const struct forward_walk *w) {
    if (w->flying.n + w->done.n > 0 || forward_commit_pending(w))
        return 0;
    for (size_t i = 0; i < w->nlanes; i++) {
        if (w->lanes[i].ready.n > 0 || (!forward_is_ending(w) && !forward_lane_idle(&w->lanes[i])))
            return 0;
    }
    return 1;
}

/* Go on with what is under way, until something happens to it, or something else is to be done. */
static int go_on(struct forward_walk *w, struct gf_err *e) {
    int fds[3 * FORWARD_FLIGHTS + 1];
    int64_t ms = LOOK_MS;

    /* While one transaction is under way no other begins, however long results have waited. */
    if (w->done.n > 0 && !forward_commit_pending(w)) {
        int64_t due = w->done_since + FORWARD_RESULTS_MS;
        ms = (due > w->commit_at ? due : w->commit_at) - mono_ms();
    }
    size_t n = forward_program_fds(w, fds, 3 * FORWARD_FLIGHTS);
    fds[n] = forward_commit_fd(w);
    n += fds[n] != -1;
    return https_pool_go(w->pool, fds, n, ms > 0 ? (int)ms : 0, e);
}

static int go_round(struct forward_walk *w, struct gf_err *e) {
    look_for_stop(w);
    w->t->time_over = forward_left_ms(w) <= 0;
    if (forward_commit_reap(w, 0, e) == -1 || (wants_commit(w) && forward_commit(w, e) == -1))
        return -1;
    if (!forward_is_ending(w))
        begin_ready(w);
    if (w->flying.n == 0)
        return forward_commit_reap(w, 1, e);
    if (go_on(w, e) == -1)
        return -1;
    while (forward_job_collect(w))
        continue;
    return 0;
}

static int walk_all(struct forward_walk *w, struct gf_err *e) {
    int rc = https_pool_new(&w->pool, e);

    if (rc == 0)
        rc = forward_commit_new(w, e);
    if (rc == 0)
        rc = forward_lanes(w, e);
    while (rc == 0 && !is_over(w))
        rc = go_round(w, e);
    forward_commit_free(w);
    forward_lanes_tell(w);
    forward_job_cut(w, 1);
    forward_list_free(&w->done);
    forward_lanes_free(w);
    https_pool_free(w->pool);
    return rc;
}

int relay_forward(struct relay *r, int64_t wait_s, struct turn *t, struct gf_err *e) {
    struct forward_walk w = {.r = r, .t = t, .began_ms = mono_ms(), .wait_ms = wait_s * 1000};
    struct gf_err why;

    /* A wrong line must not let anything go where nobody wanted it; the rest of the turn goes on.
     */
    if (endpoint_check(r->config, &why) == -1) {
        turn_fault(t, "nothing was forwarded", &why, NULL);
        return 0;
    }
    /* What one process is sending must not be sent by another at the same time. */
    int rc = ledger_hold(r->ledger, LEDGER_FORWARDING, "forwarding", wait_s * 1000, &why);
    if (rc == 0) {
        turn_person(t, "another process is forwarding; what it delivers is told by the next turn");
        return 0;
    }
    if (rc == -1) {
        *e = why;
        return -1;
    }
    rc = ledger_settle(r->ledger, r->now, e);
    if (rc == -1 && e->code == GF_E_BUSY)
        rc = 0; /* a long bundle is being taken: the next turn settles it */
    if (rc == 0)
        rc = walk_all(&w, e);
    if (rc == 0)
        rc = fetch_artifacts(r, wait_s, is_stopping, t, e);
    ledger_leave(r->ledger, LEDGER_FORWARDING);
    return rc;
}
