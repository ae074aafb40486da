/*
 * run.c -- the daemon's loop: when turns are due, and that a listener is there.
 *
 * Every process may be killed at any moment: what it had not finished is found again in the ledger
 * and in the folders, and done again.
 */
#include "relay/run.h"
#include "common/https.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"
#include "common/mono.h"
#include "relay/listener/listener.h"
#include "relay/listener/worker.h"

#define LISTENER_NAME "gapferry-relay: listener"
#define TURN_NAME     "gapferry-relay: turn"

/* Seconds between starts of a listener that keeps ending: 1, 2, 4 ... this. */
#define BACKOFF_MAX 60

/* Milliseconds: after a turn that failed; after one that went out, if nothing new comes in, since
 * what it left due will not go any better at once; for all to end; for the port to become free,
 * since the listener of a daemon that was killed ends a moment after it. */
#define AGAIN_MS 2000
#define LOOK_MS  20000
#define REST_MS  60000
#define STOP_MS  75000
#define BIND_MS  2000

/* Milliseconds: for a command to let go that looked whether we run. */
#define HOLD_MS 1000

static const char *const kinds[] = {"verify", "forward", "look"};

struct run {
    struct relay *r;
    const char *root;
    struct listener_config config, page;
    struct worker worker;
    int listen_fd, page_fd, sock, signals;
    int wake; /* polls readable when a command has changed the ledger */
    int64_t every_ms;
    pid_t listener;                /* 0: none */
    int64_t listener_at;           /* ms: it was started, or is to be started */
    int64_t backoff;               /* seconds */
    pid_t turn[WORKER_TURNS];      /* 0: none */
    int64_t turn_at[WORKER_TURNS]; /* ms: not before */
    int64_t rest;                  /* ms: until then records that are due do not count */
    int64_t look_at;               /* ms: when everything is looked through */
    int64_t stopping;              /* ms: since when; 0: not */
};

/* ---- processes ---- */

/* In the child: only what it is meant to have, under the numbers that it knows. */
_Noreturn static void become(const struct run *d, const char *name, const char *kind, int sock) {
    char words[3][600];
    char *argv[] = {words[0], words[1], kind != NULL ? words[2] : NULL, NULL};

    (void)snprintf(words[0], sizeof words[0], "%s", name);
    (void)snprintf(words[1], sizeof words[1], "%s", d->root != NULL ? d->root : "");
    (void)snprintf(words[2], sizeof words[2], "%s", kind != NULL ? kind : "");
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (sock != -1) {
        /* First out of the way of the numbers that they get. */
        int none = open("/dev/null", O_RDWR | O_CLOEXEC);
        int a = fcntl(sock, F_DUPFD_CLOEXEC, 10);
        int b = fcntl(d->listen_fd != -1 ? d->listen_fd : none, F_DUPFD_CLOEXEC, 10);
        int p = fcntl(d->page_fd != -1 ? d->page_fd : none, F_DUPFD_CLOEXEC, 10);
        if (a == -1 || b == -1 || p == -1 || dup2(a, LISTENER_FD_WORKER) == -1 ||
            dup2(b, LISTENER_FD_LISTEN) == -1 || dup2(p, LISTENER_FD_PAGE) == -1)
            _exit(GF_EXIT_IO);
    }
    /* Nor what whoever started us has left open. */
    (void)close_range(sock != -1 ? LISTENER_FD_PAGE + 1 : STDERR_FILENO + 1, ~0U,
                      CLOSE_RANGE_CLOEXEC);
    (void)execv("/proc/self/exe", argv);
    _exit(GF_EXIT_IO);
}

static pid_t spawn(const struct run *d, const char *name, const char *kind, int sock) {
    pid_t pid = fork();

    if (pid == 0)
        become(d, name, kind, sock);
    if (pid == -1)
        log_write(LOG_LEVEL_ERROR, "no-process", {"name", name, 0}, {"why", strerror(errno), 0});
    return pid == -1 ? 0 : pid;
}

static void close_sock(struct run *d) {
    worker_part(&d->worker);
    if (d->sock != -1)
        (void)close(d->sock);
    d->sock = -1;
}

static void start_listener(struct run *d) {
    int pair[2] = {-1, -1};
    struct gf_err why;

    d->listener_at = mono_ms();
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1)
        return;
    d->sock = pair[0];
    if (worker_meet(&d->worker, d->sock, &why) == 0)
        d->listener = spawn(d, LISTENER_NAME, NULL, pair[1]);
    (void)close(pair[1]);
    if (d->listener == 0)
        close_sock(d);
}

/* It ended, whatever the reason: another one takes its place, the later the sooner it ended. */
static void listener_ended(struct run *d, int status) {
    int64_t now = mono_ms();

    d->listener = 0;
    close_sock(d);
    if (d->stopping > 0)
        return;
    if (now - d->listener_at > (int64_t)BACKOFF_MAX * 1000)
        d->backoff = 0;
    d->backoff = d->backoff == 0 ? 1 : d->backoff * 2 < BACKOFF_MAX ? d->backoff * 2 : BACKOFF_MAX;
    d->listener_at = now + d->backoff * 1000;
    log_write(LOG_LEVEL_WARNING, "listener-ended",
              {"status", NULL, WIFEXITED(status) ? WEXITSTATUS(status) : 0},
              {"signal", NULL, WIFSIGNALED(status) ? WTERMSIG(status) : 0},
              {"again_in_s", NULL, d->backoff});
}

static void start_turn(struct run *d, enum worker_turn t) {
    d->turn[t] = spawn(d, TURN_NAME, kinds[t], -1);
    if (d->turn[t] != 0)
        worker_started(&d->worker, t);
    else
        d->turn_at[t] = mono_ms() + AGAIN_MS;
}

static void turn_ended(struct run *d, enum worker_turn t, int status) {
    int failed = !WIFEXITED(status) || WEXITSTATUS(status) != 0;

    if (WIFSIGNALED(status) && d->stopping == 0)
        log_write(LOG_LEVEL_ERROR, "turn-died", {"part", kinds[t], 0},
                  {"signal", NULL, WTERMSIG(status)});
    d->turn[t] = 0;
    d->turn_at[t] = failed ? mono_ms() + AGAIN_MS : 0;
    /* Whatever it was, it may be mended soon. */
    if (failed && d->look_at > mono_ms() + REST_MS)
        d->look_at = mono_ms() + REST_MS;
    if (t == WORKER_LOOK && failed) {
        d->turn_at[t] = mono_ms() + LOOK_MS;
        d->worker.want[t] = 1;
    }
    if (t == WORKER_FORWARD)
        d->rest = mono_ms() + REST_MS;
    worker_ended(&d->worker, t, failed);
    /* What came in is to go out. */
    if (t == WORKER_VERIFY && !failed)
        d->worker.want[WORKER_FORWARD] = 1;
}

static void reap(struct run *d) {
    int status = 0;

    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
        if (pid == d->listener)
            listener_ended(d, status);
        for (int t = 0; t < WORKER_TURNS; t++)
            if (pid == d->turn[t])
                turn_ended(d, (enum worker_turn)t, status);
    }
}

/* ---- what is due ---- */

static void hear_signals(struct run *d) {
    struct signalfd_siginfo s;

    while (read(d->signals, &s, sizeof s) == (ssize_t)sizeof s) {
        if (s.ssi_signo == SIGCHLD)
            reap(d);
        else if (s.ssi_signo == SIGHUP)
            d->look_at = 0;
        else if (d->stopping == 0) {
            d->stopping = mono_ms();
            log_write(LOG_LEVEL_NOTICE, "stopping", {"signal", NULL, (int64_t)s.ssi_signo});
            if (d->listener != 0)
                (void)kill(d->listener, SIGTERM);
            for (int t = 0; t < WORKER_TURNS; t++)
                if (d->turn[t] != 0)
                    (void)kill(d->turn[t], SIGTERM);
        }
    }
}

/* Milliseconds until a record is due; one that is due already waits until the rest is over. -1:
 * there is none. */
static int64_t next_record(struct run *d, int64_t now) {
    struct gf_err why;
    int64_t at = INT64_MAX;

    if (ledger_next_time(d->r->ledger, &at, &why) == -1 || at == INT64_MAX)
        return -1;
    int64_t left = (at - (int64_t)time(NULL)) * 1000;
    /* What the clock has put off while it was ahead is settled by the next turn. */
    if (left <= 0 || left > HTTPS_RETRY_AFTER_MAX * 1000)
        left = d->rest - now;
    return left > 0 ? left : 0;
}

/* An operator has let an agent in, or has released, rejected or dropped records, and waits for what
 * comes of it. */
static void hear_commands(struct run *d) {
    if (ledger_wake_heard(d->wake)) {
        d->turn_at[WORKER_VERIFY] = 0;
        d->worker.want[WORKER_VERIFY] = 1;
        d->turn_at[WORKER_FORWARD] = 0;
        d->worker.want[WORKER_FORWARD] = 1;
    }
}

static int is_listening(const struct run *d) {
    return d->listen_fd != -1 || d->page_fd != -1;
}

static void start_what_is_due(struct run *d, int64_t now) {
    if (d->look_at <= now) {
        d->worker.want[WORKER_VERIFY] = 1;
        worker_page_tidy(&d->worker);
        d->look_at = now + d->every_ms;
    }
    if (d->turn[WORKER_FORWARD] == 0 && next_record(d, now) == 0)
        d->worker.want[WORKER_FORWARD] = 1;
    for (int t = 0; t < WORKER_TURNS; t++)
        if (d->worker.want[t] && d->turn[t] == 0 && d->turn_at[t] <= now) {
            /* Records that are still due after a turn (the breaker is open) wait a little. */
            d->turn_at[t] = 0;
            start_turn(d, (enum worker_turn)t);
        }
    if (is_listening(d) && d->listener == 0 && d->listener_at <= now)
        start_listener(d);
}

static void sooner(int64_t *wait, int64_t ms) {
    if (ms >= 0 && (*wait < 0 || ms < *wait))
        *wait = ms;
}

static int64_t next_wait(struct run *d, int64_t now) {
    int64_t wait = d->stopping > 0 ? 500 : d->look_at - now;

    sooner(&wait, worker_patience(&d->worker));
    if (d->turn[WORKER_FORWARD] == 0)
        sooner(&wait, next_record(d, now));
    for (int t = 0; t < WORKER_TURNS; t++)
        if (d->worker.want[t] && d->turn[t] == 0)
            sooner(&wait, d->turn_at[t] > now ? d->turn_at[t] - now : 0);
    if (is_listening(d) && d->listener == 0)
        sooner(&wait, d->listener_at > now ? d->listener_at - now : 0);
    return wait < 0 ? 0 : wait;
}

/* All children have ended, or had their time. */
static int is_over(const struct run *d, int64_t now) {
    if (d->stopping == 0)
        return 0;
    int alive = d->listener != 0;
    for (int t = 0; t < WORKER_TURNS; t++)
        alive |= d->turn[t] != 0;
    if (!alive)
        return 1;
    if (now - d->stopping < STOP_MS)
        return 0;
    if (d->listener != 0)
        (void)kill(d->listener, SIGKILL);
    for (int t = 0; t < WORKER_TURNS; t++)
        if (d->turn[t] != 0)
            (void)kill(d->turn[t], SIGKILL);
    return 1;
}

static void loop(struct run *d) {
    struct gf_err why;

    while (!is_over(d, mono_ms())) {
        if (d->stopping == 0)
            start_what_is_due(d, mono_ms());
        struct pollfd p[] = {{d->signals, POLLIN, 0}, {d->wake, POLLIN, 0}, {d->sock, POLLIN, 0}};
        (void)poll(p, d->sock != -1 ? 3 : 2, (int)next_wait(d, mono_ms()));
        hear_commands(d);
        if (d->sock != -1 && p[2].revents != 0 && worker_hear(&d->worker, &why) == -1) {
            /* What it says is nonsense, or it is ending anyway. */
            if (d->listener != 0)
                (void)kill(d->listener, SIGKILL);
            close_sock(d);
        }
        hear_signals(d);
    }
}

/* ---- beginning and end ---- */

static int open_socket(const struct run *d, const struct listener_config *o, const char *section,
                       int *fd, struct gf_err *e) {
    int64_t began = mono_ms();
    struct gf_err why;

    if (o->address == NULL)
        return 0;
    while (httpd_listen_open(o->address, (uint16_t)o->port, fd, &why) == -1) {
        if (why.code == GF_E_BUSY && mono_ms() - began < BIND_MS) {
            (void)usleep(100000);
            continue;
        }
        return gf_err_set(e, GF_E_CONFIG, "%s: [%s] %.250s; %s",
                          config_origin(d->r->config, section, NULL, "address"), section, why.text,
                          why.code == GF_E_BUSY
                              ? "end what listens there (ss -lntp shows it), or give another port"
                              : "give an address and a port that this machine has and we may use");
    }
    return 0;
}

static void announce(const struct listener_config *o, const char *event, int fd) {
    log_write(LOG_LEVEL_NOTICE, event, {"address", o->address, 0},
              {"port", NULL, (int64_t)httpd_listen_port(fd)},
              {"tls", o->cert_file != NULL ? "yes" : "no", 0});
}

/* All sockets or none; nothing is announced before all are there. */
static int listen_at(struct run *d, struct gf_err *e) {
    if (open_socket(d, &d->page, "page", &d->page_fd, e) == -1 ||
        open_socket(d, &d->config, "listen", &d->listen_fd, e) == -1)
        return -1;
    if (d->page_fd != -1)
        announce(&d->page, "showing-page", d->page_fd);
    if (d->listen_fd != -1)
        announce(&d->config, "listening", d->listen_fd);
    else
        log_write(LOG_LEVEL_NOTICE, "not-listening", {"why", "[listen] has no address", 0});
    return 0;
}

static int block_signals(struct run *d, struct gf_err *e) {
    sigset_t all;

    (void)sigemptyset(&all);
    (void)sigaddset(&all, SIGTERM);
    (void)sigaddset(&all, SIGINT);
    (void)sigaddset(&all, SIGHUP);
    (void)sigaddset(&all, SIGCHLD);
    (void)sigprocmask(SIG_BLOCK, &all, NULL);
    d->signals = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
    return d->signals == -1 ? gf_err_errno(e, "signalfd") : 0;
}

int run_every(const struct config *c, int64_t *out, struct gf_err *e) {
    int64_t every = 0;

    if (config_span(c, "relay", NULL, "every", &every, e) == -1)
        return -1;
    if (every < 10 || every > 86400)
        return gf_err_set(e, GF_E_CONFIG, "%s: [relay] every = %s: must be from 10s to 1d",
                          config_origin(c, "relay", NULL, "every"),
                          config_get(c, "relay", NULL, "every"));
    *out = every;
    return 0;
}

static int read_config(struct run *d, struct gf_err *e) {
    int64_t every = 0;

    if (listener_configure(d->r->config, &d->config, e) == -1 ||
        listener_configure_page(d->r->config, &d->page, e) == -1 ||
        run_every(d->r->config, &every, e) == -1)
        return -1;
    d->every_ms = every * 1000;
    return 0;
}

int run_daemon(struct relay *r, const char *root, struct gf_err *e) {
    struct run *d = calloc(1, sizeof *d);
    int rc = -1;

    if (d == NULL)
        return gf_err_set(e, GF_E_SYSTEM, "no memory");
    *d = (struct run){.r = r,
                      .root = root,
                      .listen_fd = -1,
                      .page_fd = -1,
                      .sock = -1,
                      .signals = -1,
                      .wake = -1};
    int held = ledger_hold(r->ledger, LEDGER_RUNNING, "run", HOLD_MS, e);
    if (held == 1)
        (void)unlinkat(r->state_fd, RUN_TOLD, 0);
    if (held == 1 && ledger_wake_open(r->ledger, LEDGER_RUNNING, &d->wake, e) == 0 &&
        read_config(d, e) == 0 && worker_begin(&d->worker, r, e) == 0 && block_signals(d, e) == 0 &&
        listen_at(d, e) == 0) {
        loop(d);
        rc = 0;
    }
    if (d->listen_fd != -1) {
        (void)close(d->listen_fd);
        httpd_listen_remove(d->config.address);
    }
    if (d->page_fd != -1) {
        (void)close(d->page_fd);
        httpd_listen_remove(d->page.address);
    }
    close_sock(d);
    if (d->signals != -1)
        (void)close(d->signals);
    if (d->wake != -1)
        (void)close(d->wake);
    ledger_leave(r->ledger, LEDGER_RUNNING);
    free(d);
    return rc;
}

int run_is_child(int argc, char **argv, int *status) {
    if (argc < 2)
        return 0;
    const char *root = argv[1][0] != '\0' ? argv[1] : NULL;
    if (argc == 2 && strcmp(argv[0], LISTENER_NAME) == 0) {
        *status = listener_main(root);
        return 1;
    }
    if (argc == 3 && strcmp(argv[0], TURN_NAME) == 0) {
        *status = strcmp(argv[2], kinds[WORKER_LOOK]) == 0
                      ? run_look(root)
                      : run_turn(root, strcmp(argv[2], kinds[WORKER_FORWARD]) == 0);
        return 1;
    }
    return 0;
}
