/*
 * cmd_run.c -- `run`: the loop around the two servers and the group.
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "agent/collect/collect_sockets.h"
#include "agent/collect/command.h"
#include "agent/services.h"
#include "common/command.h"
#include "common/log.h"
#include "common/mono.h"

/* Seconds for a head, and for a byte; bytes a second of a body at least. The largest body has
 * BODY_S seconds beyond HEAD_S, however slowly a smaller one may come. */
#define HEAD_S   15
#define IDLE_S   60
#define BODY_S   15
#define RATE_MIN 65536

/* Bytes: what is larger goes back to the system when it is released. By itself glibc would keep
 * more with each large body that it has seen. */
#define KEEP_MAX (256 << 10)

/* ms between two writings of collect.state, and for requests under way at the end. */
#define STATE_MS 2000
#define GRACE_MS 5000

static const struct option_spec specs[] = {
    COMMAND_OPTION_ROOT,
    COMMAND_OPTION_HELP,
    COMMAND_OPTION_END,
};

static const struct option_page page = {
    COLLECT_PROGRAM " run",
    "[OPTION]...",
    "Take records from programs of this host, at the address and the unix socket that [collect] of "
    "agent.conf names, or at those that the service manager hands over. What the site has "
    "consented to, under which rule, and how much of it, is the agent's to say (policy.json), and "
    "is looked at again before each group. The endpoints of [scrape] are asked for their metrics. "
    "SIGTERM ends after the group at hand.",
    specs,
    "Exit status: 0 ended; 73 another one is running; 78 configuration is wrong, or there is\n"
    "no agent yet.\n",
};

/* Steps in which a group gathers, at most. */
#define GATHER 8

/* The two places where requests come from. */
enum { PORT, LOCAL, DOORS };

struct daemon {
    struct collect c;
    struct collect_sockets sockets;
    struct httpd *doors[DOORS];
    struct collect_scraper *scraper; /* NULL: no endpoint is asked */
    struct collect_state state;
    struct collect_counts saved; /* what collect.state says */
    int64_t saved_at;            /* ms */
    int signals;
};

/* ---- the beginning ---- */

/* sd_listen_fds(3): descriptors that were handed over to this process. */
static int passed(void) {
    const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");

    if (pid == NULL || fds == NULL || strtol(pid, NULL, 10) != (long)getpid())
        return 0;
    long n = strtol(fds, NULL, 10);
    return n > 0 && n <= 16 ? (int)n : 0;
}

static int open_door(struct daemon *d, int which, int fd, struct gf_err *e) {
    /* A page that has rebound its own name to this host's address names itself in Host. */
    static const char *const names[] = {"localhost", "127.0.0.1", "[::1]", NULL};
    const int64_t whole = d->c.settings.body_max / BODY_S;
    const struct httpd_options o = {.listen_fd = fd,
                                    .connections = (unsigned)d->c.settings.clients,
                                    .head_s = HEAD_S,
                                    .idle_s = IDLE_S,
                                    .rate_min = whole > RATE_MIN ? whole : RATE_MIN,
                                    .body_max = d->c.settings.body_max,
                                    .chunked = 1,
                                    .short_heads = 1,
                                    .hosts = which == PORT ? names : NULL,
                                    .calls = collect_server_calls,
                                    .arg = &d->c};

    return fd == -1 ? 0 : httpd_new(&o, &d->doors[which], e);
}

static int open_intake(struct daemon *d, const struct agent *a, struct gf_err *e) {
    struct collect *c = &d->c;

    (void)snprintf(c->intake_path, sizeof c->intake_path, "%s/intake", a->state);
    if (mkdirat(c->state, "intake", 0700) == -1 && errno != EEXIST)
        return gf_err_errno(e, "%s: cannot make it", c->intake_path);
    c->intake = openat(c->state, "intake", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (c->intake == -1)
        return gf_err_errno(e, "%s", c->intake_path);
    c->room = collect_room_new(c->intake);
    return c->room != NULL ? 0 : gf_err_set(e, GF_E_SYSTEM, "no memory");
}

static int open_signals(struct daemon *d, struct gf_err *e) {
    sigset_t set;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    if (sigprocmask(SIG_BLOCK, &set, NULL) == -1 ||
        (d->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)) == -1)
        return gf_err_errno(e, "signals");
    return 0;
}

/* ---- the loop ---- */

/* Now and then while something happens, and at the end. */
static void save_state(struct daemon *d, int whatever) {
    int64_t now = mono_ms();
    struct gf_err e;

    int changed = memcmp(&d->c.counts, &d->saved, sizeof d->saved) != 0;
    if (!whatever && (!changed || now - d->saved_at < STATE_MS))
        return;
    d->state.counts = d->c.counts;
    d->state.refusal = d->c.refusal;
    if (d->scraper != NULL)
        d->state.scrapes = collect_scrape_states(d->scraper, &d->state.nscrapes);
    d->state.written = (int64_t)time(NULL);
    if (collect_state_save(d->c.state, &d->state, &e) == -1)
        log_write(LOG_LEVEL_WARNING, "state-not-written", {"why", e.text, 0});
    d->saved = d->c.counts;
    d->saved_at = now;
}

static void look_at_policy(struct daemon *d) {
    struct collect *c = &d->c;

    c->now = (int64_t)time(NULL);
    if (collect_policy_refresh(&c->policy, c->state) == 0)
        return;
    c->room_stale = 1;
    if (c->policy.there)
        log_write(LOG_LEVEL_INFO, "policy", {"channels", NULL, (int64_t)c->policy.policy.n});
    else
        log_write(LOG_LEVEL_WARNING, "no-policy", {"why", c->policy.why.text, 0});
}

static int next_wait(const struct daemon *d, int64_t stopping) {
    int wait = stopping > 0 ? 100 : -1;

    for (int i = 0; i < DOORS; i++) {
        int ms = d->doors[i] != NULL ? httpd_wait_ms(d->doors[i]) : -1;
        if (ms != -1 && (wait == -1 || ms < wait))
            wait = ms;
    }
    if (memcmp(&d->c.counts, &d->saved, sizeof d->saved) != 0 && (wait == -1 || wait > STATE_MS))
        wait = STATE_MS;
    return wait;
}

/* How many requests are under way. */
static size_t serve(const struct daemon *d, int quiesce) {
    size_t n = 0;

    for (int i = 0; i < DOORS; i++) {
        if (d->doors[i] == NULL)
            continue;
        if (quiesce)
            httpd_quiesce(d->doors[i]);
        httpd_step(d->doors[i]);
        n += httpd_requests(d->doors[i]);
    }
    return n;
}

/* Steps of the servers until one of them adds nothing to the group. The first sends the replies of
 * the group before, and who gets one asks again while others are served: a flush then serves most
 * of all clients, instead of a third of them. How many requests are under way. */
static size_t gather(struct daemon *d, int quiesce) {
    struct collect_call *const *end;
    size_t under_way;
    int steps = 0;

    do {
        end = d->c.last;
        look_at_policy(d);
        under_way = serve(d, quiesce && steps == 0);
    } while (d->c.last != end && ++steps < GATHER);
    return under_way;
}

/* Wait until there is something to do. 1: there may be a signal. */
static int wait_for_work(const struct daemon *d, int64_t stopping) {
    const int ms = next_wait(d, stopping);
    struct pollfd p[DOORS + 1];
    int fds[DOORS + 1];

    for (int i = 0; i < DOORS; i++)
        fds[i] = d->doors[i] != NULL ? httpd_fd(d->doors[i]) : -1;
    fds[DOORS] = stopping > 0 ? -1 : d->signals;
    if (d->scraper != NULL && stopping == 0 &&
        collect_scrape_poll(d->scraper, fds, DOORS + 1, ms) == 0)
        return 1;
    for (int i = 0; i <= DOORS; i++)
        p[i] = (struct pollfd){fds[i], POLLIN, 0};
    (void)poll(p, DOORS + 1, d->scraper != NULL && (ms == -1 || ms > STATE_MS) ? STATE_MS : ms);
    return p[DOORS].revents != 0;
}

static int is_told_to_end(const struct daemon *d) {
    struct signalfd_siginfo signal;

    return read(d->signals, &signal, sizeof signal) == (ssize_t)sizeof signal;
}

static void loop(struct daemon *d) {
    int64_t stopping = 0; /* ms: since when */

    for (;;) {
        int ending = wait_for_work(d, stopping) && stopping == 0 && is_told_to_end(d);
        if (ending)
            stopping = mono_ms();
        size_t under_way = gather(d, ending);
        if (d->scraper != NULL && stopping == 0)
            collect_scrape_step(d->scraper);
        collect_group_commit(&d->c);
        save_state(d, 0);
        if (stopping > 0 && (under_way == 0 || mono_ms() - stopping > GRACE_MS))
            return;
    }
}

static void close_all(struct daemon *d) {
    for (int i = 0; i < DOORS; i++)
        httpd_free(d->doors[i]);
    collect_scrape_free(d->scraper);
    collect_sockets_close(&d->sockets);
    collect_group_close(&d->c);
    collect_room_free(d->c.room);
    collect_policy_close(&d->c.policy);
    gf_buf_free(&d->c.line);
    gf_buf_free(&d->c.ext);
    if (d->c.intake != -1)
        (void)close(d->c.intake);
    if (d->signals != -1)
        (void)close(d->signals);
}

static int serve_until_end(struct daemon *d, const struct collect_command *command,
                           struct gf_err *e) {
    if (open_signals(d, e) == -1 || open_intake(d, &command->a, e) == -1 ||
        collect_sockets_open(&d->c.settings, passed(), &d->sockets, e) == -1 ||
        open_door(d, PORT, d->sockets.tcp, e) == -1 ||
        open_door(d, LOCAL, d->sockets.local, e) == -1 ||
        (command->scrapes.n > 0 &&
         collect_scrape_new(&d->c, &command->scrapes, &d->scraper, e) == -1))
        return -1;
    d->state.since = (int64_t)time(NULL);
    (void)snprintf(d->state.listen, sizeof d->state.listen, "%s", d->sockets.listen);
    (void)snprintf(d->state.socket, sizeof d->state.socket, "%s", d->sockets.socket);
    look_at_policy(d);
    save_state(d, 1);
    log_write(LOG_LEVEL_INFO, "listening", {"address", d->sockets.listen, 0},
              {"socket", d->sockets.socket, 0}, {"scrapes", NULL, (int64_t)command->scrapes.n});
    loop(d);
    save_state(d, 1);
    log_write(LOG_LEVEL_INFO, "ended", {"records", NULL, d->c.counts.records},
              {"refused", NULL, d->c.counts.refused});
    return 0;
}

static int work(void *context, const struct options *o, int *status, struct gf_err *e) {
    struct daemon d = {.signals = -1, .sockets = {.tcp = -1, .local = -1}};
    const char *const *root = context;
    struct collect_command command;
    int lock = -1, rc = -1;

    (void)status;
    d.c.intake = -1;
    d.c.last = &d.c.first;
    gf_buf_init(&d.c.line, GF_LINE_MAX);
    gf_buf_init(&d.c.ext, GF_EXT_MAX);
    if (command_args(o, 0, 0, "nothing", e) == -1 || command_collect(*root, &command, e) == -1)
        return -1;
    d.c.settings = command.settings;
    d.c.state = command.state;
    if (command_reach_drop() == -1)
        (void)gf_err_errno(e, "a right cannot be given up");
    else if (services_claim(command.a.state, SERVICES_COLLECT, &lock, e) == 0)
        rc = serve_until_end(&d, &command, e);
    close_all(&d);
    if (lock != -1)
        (void)close(lock);
    command_end(&command);
    return rc;
}

int cmd_collect_run(const char *root, int argc, char **argv) {
    (void)mallopt(M_MMAP_THRESHOLD, KEEP_MAX);
    return command_do(COLLECT_PROGRAM, &page, argc, argv, work, &root);
}
