/*
 * run_turn.c -- one part of a turn of the daemon, in a process of its own: what came in, or what
 * goes out. The lock is held for the steps that need it, so that `sync` comes between.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "gapferry/digest.h"
#include "relay/files.h"
#include "relay/run.h"

/* Seconds after which forwarding makes a pause for the responses. */
#define FORWARD_S 600

static void tell_people(const struct turn *t) {
    const char *at = t->people.data != NULL ? t->people.data : "";

    while (*at != '\0') {
        char line[2048];
        size_t len = strcspn(at, "\n");
        (void)snprintf(line, sizeof line, "%.*s", (int)len, at);
        log_write(LOG_LEVEL_WARNING, "needs-you", {"text", line, 0});
        at += len + (at[len] == '\n');
    }
}

static void tell(const struct turn *t) {
    if (t->taken + t->replays + t->strangers + t->refused > 0)
        log_write(LOG_LEVEL_INFO, "came-in", {"bundles", NULL, t->taken},
                  {"records", NULL, t->records}, {"seen_before", NULL, t->replays},
                  {"strangers", NULL, t->strangers}, {"refused", NULL, t->refused});
    if (t->delivered + t->rejected + t->expired + t->later + t->held > 0)
        log_write(LOG_LEVEL_INFO, "forwarded", {"delivered", NULL, t->delivered},
                  {"rejected", NULL, t->rejected}, {"expired", NULL, t->expired},
                  {"later", NULL, t->later}, {"held", NULL, t->held});
    if (t->responses > 0)
        log_write(LOG_LEVEL_INFO, "went-out", {"responses", NULL, t->responses},
                  {"receipts", NULL, t->receipts});
    tell_people(t);
}

static int come_in(struct relay *r, struct turn *t, struct gf_err *e) {
    if (ledger_lock(r->ledger, "run", e) == -1)
        return -1;
    int rc = files_tidy(r, e);
    if (rc == 0)
        rc = relay_verify(r, t, e);
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

int run_turn(const char *root, int out) {
    struct gf_err e = {.text = ""};
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
        relay_close(&r);
    }
    tell(&t);
    turn_free(&t);
    if (rc == -1)
        log_write(LOG_LEVEL_ERROR, "turn-failed", {"part", out ? "out" : "in", 0},
                  {"why", e.text, 0});
    return rc == -1 ? (int)gf_err_exit(e.code) : 0;
}
