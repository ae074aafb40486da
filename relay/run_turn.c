/*
 * run_turn.c -- one part of a turn of the daemon, in a process of its own: what came in, or what
 * goes out. The lock is held for the steps that need it, so that `sync` comes between.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "gapferry/digest.h"
#include "gapferry/file.h"
#include "relay/files.h"
#include "relay/page/look.h"
#include "relay/run.h"

/* Seconds after which forwarding makes a pause for the responses. */
#define FORWARD_S 600

static int has_line(const struct gf_buf *lines, const char *line) {
    const char *at = lines->data != NULL ? lines->data : "";
    char other[TURN_LINE];

    while (turn_line(&at, other)) {
        if (strcmp(line, other) == 0)
            return 1;
    }
    return 0;
}

/* Lines for people; those of `before` stand in the log already. How many are new. */
static int tell_people(const struct turn *t, const struct gf_buf *before) {
    const char *at = t->people.data != NULL ? t->people.data : "";
    char line[TURN_LINE];
    int fresh = 0;

    while (turn_line(&at, line)) {
        if (!has_line(before, line)) {
            log_write(LOG_LEVEL_WARNING, "needs-you", {"text", line, 0});
            fresh++;
        }
    }
    return fresh;
}

static void tell_waits(const struct turn *t) {
    const char *at = t->waits.data != NULL ? t->waits.data : "";
    char line[TURN_LINE];

    while (turn_line(&at, line))
        log_write(LOG_LEVEL_INFO, "waits", {"text", line, 0});
}

/* Strangers wait for days, and each turn finds them again: what the last one said of them is kept
 * in STATE/told. Where it cannot be kept, all is said again. How many lines are new. */
static int tell_changes(const struct relay *r, const struct turn *t) {
    struct gf_buf before;
    struct gf_err e;

    int had = gf_file_load(r->state_fd, RUN_TOLD, t->people.max, &before, &e) == 0;
    int fresh = tell_people(t, &before);
    int same = had && before.len == t->people.len &&
               (before.len == 0 || memcmp(before.data, t->people.data, before.len) == 0);
    gf_buf_free(&before);
    if (same || (!had && t->people.len == 0))
        return fresh;
    int fd =
        openat(r->state_fd, RUN_TOLD, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd == -1)
        return fresh;
    if (gf_file_write(fd, t->people.data, t->people.len) == -1)
        (void)unlinkat(r->state_fd, RUN_TOLD, 0);
    (void)close(fd);
    return fresh;
}

/* strangers: bundles that wait, where something about them is new. */
static void tell(const struct turn *t, int64_t strangers) {
    if (t->taken + t->replays + strangers + t->refused > 0)
        log_write(LOG_LEVEL_INFO, "came-in", {"bundles", NULL, t->taken},
                  {"records", NULL, t->records}, {"seen_before", NULL, t->replays},
                  {"strangers", NULL, strangers}, {"refused", NULL, t->refused});
    if (t->delivered + t->rejected + t->expired + t->later + t->held + t->onward > 0)
        log_write(LOG_LEVEL_INFO, "forwarded", {"delivered", NULL, t->delivered},
                  {"rejected", NULL, t->rejected}, {"expired", NULL, t->expired},
                  {"later", NULL, t->later}, {"held", NULL, t->held}, {"onward", NULL, t->onward});
    if (t->responses > 0)
        log_write(LOG_LEVEL_INFO, "went-out", {"responses", NULL, t->responses},
                  {"receipts", NULL, t->receipts});
}

static int come_in(struct relay *r, struct turn *t, struct gf_err *e) {
    if (ledger_lock(r->ledger, "run", e) == -1)
        return -1;
    int rc = files_tidy(r, e);
    if (rc == 0)
        rc = files_trim(r, e);
    if (rc == 0)
        rc = relay_verify(r, t, e);
    if (rc == 0)
        rc = turn_count(r, t, e);
    if (rc == 0) {
        relay_returns(r, t);
        relay_prune(r, t);
    }
    if (rc == 0)
        rc = ledger_seal(r->ledger, e);
    ledger_unlock(r->ledger);
    return rc;
}

static int go_out(struct relay *r, struct turn *t, struct gf_err *e) {
    struct gf_err why;

    /* Whatever keeps records from leaving, the receipts for what has left go back. */
    if (relay_forward(r, FORWARD_S, t, &why) == -1)
        turn_fault(t, "forwarding", &why, "nothing is lost: the next turn goes on");
    if (ledger_lock(r->ledger, "run", e) == -1)
        return -1;
    int rc = relay_respond(r, t, e);
    if (rc == 0)
        rc = ledger_seal(r->ledger, e);
    ledger_unlock(r->ledger);
    return rc;
}

int run_look(const char *root) {
    struct gf_err e = {.text = ""};
    struct relay r;
    sigset_t none;

    /* It may be ended at any moment, and looks again. */
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)signal(SIGINT, SIG_IGN);
    (void)signal(SIGPIPE, SIG_IGN);
    int rc = gf_digest_start(&e) == 0 ? relay_open(&r, root, &e) : -1;
    if (rc == 0) {
        rc = look_turn(&r, &e);
        relay_close(&r);
    }
    if (rc == -1)
        log_write(LOG_LEVEL_ERROR, "turn-failed", {"part", "look", 0}, {"why", e.text, 0});
    return rc == -1 ? (int)gf_err_exit(e.code) : 0;
}

int run_turn(const char *root, int out) {
    struct gf_err e = {.text = ""};
    const struct gf_buf none = {0};
    struct relay r;
    sigset_t mask;
    struct turn t;

    /* SIGTERM waits for a good moment (forward.c); a turn is short otherwise. */
    (void)sigemptyset(&mask);
    (void)sigaddset(&mask, SIGTERM);
    (void)sigprocmask(SIG_SETMASK, &mask, NULL);
    (void)signal(SIGINT, SIG_IGN);
    (void)signal(SIGPIPE, SIG_IGN);
    turn_begin(&t);
    int rc = gf_digest_start(&e) == 0 ? relay_open(&r, root, &e) : -1;
    if (rc == 0) {
        rc = out ? go_out(&r, &t, &e) : come_in(&r, &t, &e);
        tell_waits(&t);
        int fresh = out ? tell_people(&t, &none) : tell_changes(&r, &t);
        tell(&t, fresh > 0 ? t.strangers : 0);
        relay_close(&r);
    }
    turn_free(&t);
    if (rc == -1)
        log_write(LOG_LEVEL_ERROR, "turn-failed", {"part", out ? "out" : "in", 0},
                  {"why", e.text, 0});
    return rc == -1 ? (int)gf_err_exit(e.code) : 0;
}
