/*
 * cmd_run.c -- `run`: the agent as a service. It sleeps until something is due, was put into its
 * folders, or is mounted; does one turn; and sleeps again. It survives what fails, says so once,
 * and tries again later.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agent/command.h"
#include "agent/drives.h"
#include "agent/run_wait.h"
#include "agent/services.h"
#include "agent/sync.h"
#include "agent/turn.h"
#include "common/log.h"

#define SETTLE_MS  500 /* what comes in a row is one turn */
#define RETRY_MIN  60  /* seconds after which a failure is tried again: first, and at most */
#define RETRY_MAX  3600
#define BUSY_RETRY 5 /* while another command holds the lock */
#define MOUNTS_MAX 1024

static const struct option_spec specs[] = {
    {"once", 0, NULL, "do one turn and end"},
    COMMAND_OPTION_ROOT,
    COMMAND_OPTION_HELP,
    COMMAND_OPTION_END,
};

static const struct option_page page = {
    COMMAND_PROGRAM " run",
    "[OPTION]...",
    "Work as a service: run the sources that are due, take in what gapferry-collect has accepted "
    "and what gapferry-link has fetched, write bundles when they are due, and visit the drives of "
    "`auto_drives` as soon as they are mounted. SIGHUP: read the configuration anew. SIGTERM: end "
    "after the turn; a source's program is stopped, and runs after the next start.",
    specs,
    "The unit gapferry-agent.service runs it. What it does is told on standard error, one line for "
    "each event.\n",
};

#define FAILURES_MAX (TURN_STEPS + 8) /* of one turn that are told: its steps, and drives */

struct failures {
    struct turn_failure list[FAILURES_MAX];
    size_t n;
};

struct running {
    const char *root;
    struct run_wait wait;
    int64_t mounts[MOUNTS_MAX]; /* that were seen, by their ids */
    size_t nmounts;
    int drives;           /* 1: mounts are still to be looked at */
    struct failures told; /* of the last turn: each is said once */
    int64_t retry;        /* seconds */
};

/* ---- what failed ---- */

static void add(struct failures *f, const char *step, const struct gf_err *why) {
    if (f->n < FAILURES_MAX)
        f->list[f->n++] = (struct turn_failure){step, *why};
}

static int is_among(const struct failures *f, const struct turn_failure *x) {
    for (size_t i = 0; i < f->n; i++)
        if (strcmp(f->list[i].step, x->step) == 0 && strcmp(f->list[i].why.text, x->why.text) == 0)
            return 1;
    return 0;
}

static int is_busy(const struct turn_failure *x) {
    return x->why.code == GF_E_BUSY;
}

/* The first of those that another command stands in the way of; NULL: there is none. */
static const struct turn_failure *find_busy(const struct failures *f) {
    for (size_t i = 0; i < f->n; i++)
        if (is_busy(&f->list[i]))
            return &f->list[i];
    return NULL;
}

/* Say what is new and what has passed. The next try is a while away, and further each time while
 * nothing new fails. INT64_MAX: nothing failed. Where a person is at it, that is no failure, and
 * soon over; but of what was not even tried nothing has passed. */
static int64_t tell(struct running *r, const struct failures *now) {
    const int64_t busy = find_busy(now) ? (int64_t)time(NULL) + BUSY_RETRY : 0;
    int64_t retry = r->retry * 2 < RETRY_MAX ? r->retry * 2 : RETRY_MAX;

    for (size_t i = 0; i < now->n; i++) {
        const struct turn_failure *x = &now->list[i];
        if (is_busy(x) || is_among(&r->told, x))
            continue;
        log_write(LOG_LEVEL_ERROR, "turn-failed", {"step", x->step, 0}, {"why", x->why.text, 0},
                  {"code", gf_err_name(x->why.code), 0});
        retry = RETRY_MIN;
        if (busy)
            add(&r->told, x->step, &x->why);
    }
    if (busy)
        return busy;
    for (size_t i = 0; i < r->told.n; i++)
        if (!is_among(now, &r->told.list[i]))
            log_write(LOG_LEVEL_NOTICE, "turn-mended", {"step", r->told.list[i].step, 0},
                      {"was", r->told.list[i].why.text, 0});
    r->told = *now;
    r->retry = now->n > 0 ? retry : RETRY_MIN;
    return now->n > 0 ? (int64_t)time(NULL) + r->retry : INT64_MAX;
}

/* ---- drives ---- */

struct visiting {
    struct running *r;
    struct agent *a;
    int64_t now[MOUNTS_MAX];
    size_t n;
    struct failures *failed;
};

static int was_seen(const struct running *r, int64_t id) {
    for (size_t i = 0; i < r->nmounts; i++)
        if (r->mounts[i] == id)
            return 1;
    return 0;
}

/* 0, or -1 where the visit could not even begin: it is tried again. */
static int visit(struct agent *a, const char *dir, struct gf_err *e) {
    const struct sync_options o = {.dir = dir};
    struct sync_result result;

    if (sync_drive(a, &o, &result, e) == -1)
        return -1;
    log_write(result.people.len > 0 ? LOG_LEVEL_WARNING : LOG_LEVEL_NOTICE, "drive-synced",
              {"drive", dir, 0}, {"responses", NULL, result.responses},
              {"written", NULL, result.written}, {"records", NULL, result.records},
              {"safe_to_remove", result.safe ? "yes" : "no", 0},
              {"notes", result.notes.len > 0 ? result.notes.data : "", 0},
              {"needs_a_person", result.people.len > 0 ? result.people.data : "", 0});
    sync_free(&result);
    return 0;
}

static int look_at(void *arg, const struct drives_mount *m, struct gf_err *e) {
    struct visiting *v = arg;
    struct gf_err why;
    int unknown = 0;

    if (v->n == MOUNTS_MAX)
        return 0;
    if (was_seen(v->r, m->id)) {
        v->now[v->n++] = m->id;
        return 0;
    }
    int mine = drives_is_auto(v->a, m, &unknown, e);
    if (mine == -1)
        return -1;
    if (unknown)
        log_write(LOG_LEVEL_WARNING, "drive-unknown", {"drive", m->path, 0},
                  {"why", "auto_drives lists it, but nobody has synced it here yet", 0},
                  {"remedy", "gapferry-agent sync it once by hand", 0});
    /* A drive that could not be visited is not done with. */
    if (mine && visit(v->a, m->path, &why) == -1)
        add(v->failed, "drive", &why);
    else
        v->now[v->n++] = m->id;
    return 0;
}

static void visit_drives(struct running *r, struct agent *a, struct failures *failed) {
    struct visiting v = {.r = r, .a = a, .failed = failed};
    const size_t before = failed->n;
    struct gf_err e;

    if (drives_walk(look_at, &v, &e) == -1) {
        add(failed, "drives", &e);
        return;
    }
    memcpy(r->mounts, v.now, v.n * sizeof *v.now);
    r->nmounts = v.n;
    r->drives = failed->n > before;
}

/* ---- one turn, and the next ---- */

/* Everything is opened for a turn and closed after it: a configuration that was changed, or a
 * database that was restored, counts from the next turn on. When to wake up again. */
static int64_t turn_once(struct running *r, struct failures *failed) {
    struct agent a;
    struct turn t;
    struct gf_err e;

    *failed = (struct failures){.n = 0};
    if (agent_open(&a, r->root, &e) == -1) {
        add(failed, "open", &e);
        return tell(r, failed);
    }
    if (agent_turn(&a, &t, &e) == -1)
        add(failed, "lock", &e);
    else
        for (size_t i = 0; i < t.failed; i++)
            add(failed, t.failures[i].step, &t.failures[i].why);
    /* A drive would take long; it is visited after the next start. */
    if (r->drives && !run_wait_is_over())
        visit_drives(r, &a, failed);
    int64_t next = agent_turn_next(&a);
    agent_close(&a);
    int64_t again = tell(r, failed);
    /* What is due stays due while somebody else is at work. */
    return find_busy(failed) || again < next ? again : next;
}

/* The folders are there before they are watched. */
static int prepare(const char *root, char state[512], struct gf_err *e) {
    static const char *const folders[] = {"inbox", "intake", "outbox"};
    struct agent a;

    if (agent_open(&a, root, e) == -1)
        return -1;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < sizeof folders / sizeof *folders; i++) {
        int fd = agent_folder(&a, folders[i], e);
        rc = fd == -1 ? -1 : close(fd);
    }
    (void)snprintf(state, 512, "%s", a.state);
    agent_close(&a);
    return rc;
}

static int loop(struct running *r, struct gf_err *e) {
    struct failures told;

    r->drives = 1;
    for (;;) {
        int64_t next = turn_once(r, &told);
        int woke = run_wait(&r->wait, next, e);
        if (woke == -1)
            return -1;
        if (woke & RUN_STOP)
            return 0;
        if (woke & RUN_MOUNTS)
            r->drives = 1;
        if (woke & RUN_RELOAD) {
            /* Other drives may be listed now. */
            log_write(LOG_LEVEL_NOTICE, "reload", {"why", "SIGHUP", 0});
            r->drives = 1;
            r->nmounts = 0;
        }
        run_wait_settle(&r->wait, SETTLE_MS);
    }
}

static int run(const char *root, const struct options *o, int *status, struct gf_err *e) {
    struct running *r;
    struct failures failed;
    char state[512];

    if (command_args(o, 0, 0, "nothing", e) == -1 || prepare(root, state, e) == -1)
        return -1;
    if (command_reach_drop() == -1)
        return gf_err_errno(e, "cannot give up rights");
    r = calloc(1, sizeof *r);
    if (!r)
        return gf_err_errno(e, "run");
    *r = (struct running){.root = root, .retry = RETRY_MIN};
    if (options_count(o, "once") > 0) {
        (void)turn_once(r, &failed);
        free(r);
        *status = failed.n > 0 ? GF_EXIT_IO : GF_EXIT_DONE;
        const struct turn_failure *busy = find_busy(&failed);
        if (busy)
            *e = busy->why;
        return busy ? -1 : 0;
    }
    int lock = -1;
    int rc = services_claim(state, SERVICES_AGENT, &lock, e);
    if (rc == 0)
        rc = run_wait_open(&r->wait, state, e);
    if (rc == 0) {
        log_write(LOG_LEVEL_NOTICE, "started", {"state", state, 0});
        rc = loop(r, e);
        run_wait_close(&r->wait);
        log_write(LOG_LEVEL_NOTICE, "ended", {"why", rc == 0 ? "a signal" : e->text, 0});
    }
    if (lock != -1)
        (void)close(lock);
    free(r);
    return rc;
}

int cmd_run(const char *root, int argc, char **argv) {
    return command_run(&page, root, argc, argv, run);
}
