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
    "after the turn.",
    specs,
    "The unit gapferry-agent.service runs it. What it does is told on standard error, one line for "
    "each event.\n",
};

struct running {
    const char *root;
    struct run_wait wait;
    int64_t mounts[MOUNTS_MAX]; /* that were seen, by their ids */
    size_t nmounts;
    int drives;                                  /* 1: mounts are still to be looked at */
    char told[sizeof((struct gf_err *)0)->text]; /* the last failure, said once */
    int64_t retry;                               /* seconds */
};

/* A failure is said when it is new; the next try is a while away, and further each time. */
static int64_t failed(struct running *r, const struct gf_err *e) {
    if (strcmp(r->told, e->text) != 0) {
        log_write(LOG_LEVEL_ERROR, "turn-failed", {"why", e->text, 0},
                  {"code", gf_err_name(e->code), 0});
        (void)snprintf(r->told, sizeof r->told, "%s", e->text);
        r->retry = RETRY_MIN;
    } else {
        r->retry = r->retry * 2 < RETRY_MAX ? r->retry * 2 : RETRY_MAX;
    }
    return (int64_t)time(NULL) + r->retry;
}

static void went_well(struct running *r) {
    if (r->told[0] != '\0')
        log_write(LOG_LEVEL_NOTICE, "turn-mended", {"was", r->told, 0});
    r->told[0] = '\0';
    r->retry = RETRY_MIN;
}

/* ---- drives ---- */

struct visiting {
    struct running *r;
    struct agent *a;
    int64_t now[MOUNTS_MAX];
    size_t n;
    int failed;
    struct gf_err why; /* of the last that failed */
};

static int was_seen(const struct running *r, int64_t id) {
    for (size_t i = 0; i < r->nmounts; i++)
        if (r->mounts[i] == id)
            return 1;
    return 0;
}

/* 0, or -1 where the visit could not even begin: it is tried again. */
static int visit(struct agent *a, const char *dir, struct gf_err *failure) {
    const struct sync_options o = {.dir = dir};
    struct sync_result result;
    struct gf_err e;

    if (sync_drive(a, &o, &result, &e) == -1) {
        log_write(LOG_LEVEL_ERROR, "drive-failed", {"drive", dir, 0}, {"why", e.text, 0});
        *failure = e;
        return -1;
    }
    log_write(result.people.len > 0 ? LOG_LEVEL_WARNING : LOG_LEVEL_NOTICE, "drive-synced",
              {"drive", dir, 0}, {"responses", NULL, result.responses},
              {"written", NULL, result.written}, {"records", NULL, result.records},
              {"safe_to_remove", result.safe ? "yes" : "no", 0},
              {"needs_a_person", result.people.len > 0 ? result.people.data : "", 0});
    sync_free(&result);
    return 0;
}

static int look_at(void *arg, const struct drives_mount *m, struct gf_err *e) {
    struct visiting *v = arg;
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
    if (mine && visit(v->a, m->path, &v->why) == -1)
        v->failed++;
    else
        v->now[v->n++] = m->id;
    return 0;
}

static int visit_drives(struct running *r, struct agent *a, struct gf_err *e) {
    struct visiting v = {.r = r, .a = a};

    if (drives_walk(look_at, &v, e) == -1)
        return -1;
    memcpy(r->mounts, v.now, v.n * sizeof *v.now);
    r->nmounts = v.n;
    r->drives = 0;
    if (v.failed == 0)
        return 0;
    r->drives = 1;
    *e = v.why;
    return -1;
}

/* ---- one turn, and the next ---- */

/* Everything is opened for a turn and closed after it: a configuration that was changed, or a
 * database that was restored, counts from the next turn on. When to wake up again. */
static int64_t turn_once(struct running *r, int *failures) {
    struct agent a;
    struct turn t;
    struct gf_err e;

    if (agent_open(&a, r->root, &e) == -1) {
        ++*failures;
        return failed(r, &e);
    }
    int rc = agent_turn(&a, &t, &e);
    if (rc == 0 && t.failed > 0) {
        e = t.gravest;
        rc = -1;
    }
    if (r->drives) {
        struct gf_err why;
        if (visit_drives(r, &a, &why) == -1 && rc == 0) {
            e = why;
            rc = -1;
        }
    }
    int64_t next = agent_turn_next(&a);
    agent_close(&a);
    if (rc == 0) {
        went_well(r);
        return next;
    }
    if (e.code == GF_E_BUSY) /* a person is at it: soon again */
        return (int64_t)time(NULL) + 5;
    ++*failures;
    int64_t again = failed(r, &e);
    return next < again ? next : again;
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
    int ignored = 0;

    r->drives = 1;
    for (;;) {
        int64_t next = turn_once(r, &ignored);
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
    char state[512];
    int failures = 0;

    if (command_args(o, 0, 0, "nothing", e) == -1 || prepare(root, state, e) == -1)
        return -1;
    r = calloc(1, sizeof *r);
    if (!r)
        return gf_err_errno(e, "run");
    *r = (struct running){.root = root, .retry = RETRY_MIN};
    if (options_count(o, "once") > 0) {
        (void)turn_once(r, &failures);
        *status = failures > 0 ? GF_EXIT_IO : GF_EXIT_DONE;
        free(r);
        return 0;
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
