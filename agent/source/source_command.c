/*
 * source_command.c -- a program of the site: started with nothing of ours, bounded in time and
 * output, and gone with all that it has started when we are done with it.
 */
#include "agent/source/source.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent/run_wait.h"
#include "common/child.h"
#include "common/mono.h"

/* Milliseconds between looks at whether the command has ended while others hold its output open. */
#define TICK_MS 20

/* Bytes kept of its standard error; the rest is read and dropped. */
#define ERR_MAX 1024

/* Processes of ours that were there before, and are none of the command's. */
#define BEFORE_MAX 64

/* Milliseconds that those who were killed get to be gone: one that hangs in the kernel shall not
 * hang us. */
#define DYING_MS 2000

/* ---- those whom it leaves behind ---- */

/* Wait for one that was killed, not for ever. */
static void reap(pid_t pid, int64_t until) {
    static const struct timespec pause = {.tv_nsec = 2000000};

    while (waitpid(pid, NULL, WNOHANG) == 0 && mono_ms() < until)
        (void)nanosleep(&pause, NULL);
}

/* The processes that are children of this one; where the kernel does not tell: none. */
static size_t children(pid_t out[BEFORE_MAX]) {
    char path[64], line[BEFORE_MAX * 12];
    size_t n = 0;

    (void)snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd == -1)
        return 0;
    ssize_t len = read(fd, line, sizeof line - 1);
    (void)close(fd);
    line[len > 0 ? len : 0] = '\0';
    char *at = line;
    while (n < BEFORE_MAX && *at) {
        char *end;
        long pid = strtol(at, &end, 10);
        if (end == at || *end != ' ')
            break;
        out[n++] = (pid_t)pid;
        at = end + 1;
    }
    return n;
}

struct before {
    pid_t pids[BEFORE_MAX];
    size_t n;
    int was; /* whether orphans came to us before */
};

/* From here on orphans of our children become our children. */
static void adopt(struct before *b) {
    b->was = 0;
    (void)prctl(PR_GET_CHILD_SUBREAPER, &b->was);
    b->n = children(b->pids);
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
}

static int is_before(const struct before *b, pid_t pid) {
    for (size_t i = 0; i < b->n; i++) {
        if (b->pids[i] == pid)
            return 1;
    }
    return 0;
}

/* End all that has come to us since; the death of one may bring us its children. */
static void sweep(const struct before *b) {
    int64_t until = mono_ms() + DYING_MS;
    pid_t now[BEFORE_MAX];
    int found;

    do {
        size_t n = children(now);
        found = 0;
        for (size_t i = 0; i < n; i++) {
            if (is_before(b, now[i]))
                continue;
            found = 1;
            (void)kill(now[i], SIGKILL);
            reap(now[i], until);
        }
    } while (found && mono_ms() < until);
    (void)prctl(PR_SET_CHILD_SUBREAPER, b->was);
}

/* ---- what it prints ---- */

/* Take what is there; *fd is closed at its end. 0, or -1 where it is more than `max` and `strict`.
 */
static int drain(int *fd, struct gf_buf *b, size_t max, int strict) {
    char piece[16384];
    ssize_t n;

    while (*fd != -1 && (n = read(*fd, piece, sizeof piece)) != -1) {
        if (n == 0) {
            (void)close(*fd);
            *fd = -1;
            return 0;
        }
        size_t room = max - b->len;
        if (strict && (size_t)n > room)
            return -1;
        gf_buf_add(b, piece, (size_t)n < room ? (size_t)n : room);
        if (!strict && room == 0)
            return 0; /* whoever shouts without end shall not keep us here */
    }
    return 0;
}

struct run {
    const char *program;
    struct child child;
    int64_t deadline, timeout; /* milliseconds; seconds */
    size_t max;
    struct gf_buf *out;
    struct gf_buf err;
};

/* Wait for something to happen; `ended`: the process is gone, and only what lies in the pipes is
 * still wanted. */
static void wait_a_moment(const struct run *r) {
    struct pollfd fds[2] = {{.fd = r->child.out, .events = POLLIN},
                            {.fd = r->child.err, .events = POLLIN}};
    int64_t left = r->deadline - mono_ms();

    (void)poll(fds, 2, left < TICK_MS ? (left > 0 ? (int)left : 0) : TICK_MS);
}

/* `run` has been told to end, and does not wait for programs. */
static int stopped(const char *program, struct gf_err *e) {
    return gf_err_set(e, GF_E_BUSY, "%s: stopped, for this process ends; it runs again", program);
}

/* Read until it has ended; *wstatus. -1: it must be killed, *e says why. */
static int follow(struct run *r, int *wstatus, struct gf_err *e) {
    for (;;) {
        pid_t ended = waitpid(r->child.pid, wstatus, WNOHANG);
        if (drain(&r->child.out, r->out, r->max, 1) == -1)
            return gf_err_set(e, GF_E_LIMIT, "%s: printed more than %zu bytes (max_bytes)",
                              r->program, r->max);
        (void)drain(&r->child.err, &r->err, ERR_MAX, 0);
        if (ended == r->child.pid) {
            r->child.pid = -1;
            return gf_buf_check(r->out, r->program, e);
        }
        if (run_wait_is_over())
            return stopped(r->program, e);
        if (mono_ms() >= r->deadline)
            return gf_err_set(e, GF_E_LIMIT, "%s: took longer than %lld s (timeout)", r->program,
                              (long long)r->timeout);
        wait_a_moment(r);
    }
}

/* The first line that it said, fit to be shown. */
static void first_line(const struct gf_buf *err, char said[SOURCE_SAID_MAX]) {
    struct gf_buf safe;
    size_t n = err->len ? strcspn(err->data, "\n") : 0;

    gf_buf_init(&safe, ERR_MAX * 8);
    gf_text_safe(&safe, err->len ? err->data : "", n);
    (void)snprintf(said, SOURCE_SAID_MAX, "%.*s", (int)(safe.len < 160 ? safe.len : 160),
                   safe.data ? safe.data : "");
    gf_buf_free(&safe);
}

static int run_words(char **words, struct run *r, int *status, char said[SOURCE_SAID_MAX],
                     struct gf_err *e) {
    struct before before;
    int wstatus = 0;

    adopt(&before);
    const struct child_options o = {.words = words, .in = -1};
    int rc = child_start(&o, &r->child, e);
    if (rc == 0) {
        pid_t group = r->child.pid;
        rc = follow(r, &wstatus, e);
        (void)kill(-group, SIGKILL);
        if (r->child.pid != -1)
            reap(group, mono_ms() + DYING_MS);
        first_line(&r->err, said);
    }
    sweep(&before);
    if (r->child.out != -1)
        (void)close(r->child.out);
    if (r->child.err != -1)
        (void)close(r->child.err);
    if (rc == 0 && !WIFEXITED(wstatus))
        rc = gf_err_set(e, GF_E_SYSTEM, "%s: was ended by signal %d", words[0], WTERMSIG(wstatus));
    if (rc == 0)
        *status = WEXITSTATUS(wstatus);
    return rc;
}

int source_command(const char *command, int64_t timeout, size_t max, struct gf_buf *out,
                   int *status, char said[SOURCE_SAID_MAX], struct gf_err *e) {
    char *words[CHILD_WORDS_MAX + 1];

    gf_buf_init(out, max + 1);
    said[0] = '\0';
    char *copy = strdup(command);
    if (!copy)
        return gf_err_errno(e, "%s", command);
    struct run r = {.child = {-1, -1, -1},
                    .timeout = timeout,
                    .deadline = mono_ms() + timeout * 1000,
                    .max = max,
                    .out = out};
    int ended = 0;
    gf_buf_init(&r.err, ERR_MAX + 1);
    int rc = child_words(copy, words, e);
    if (rc == 0) {
        r.program = words[0];
        rc = run_wait_is_over() ? stopped(words[0], e) : 0;
    }
    if (rc == 0)
        rc = run_words(words, &r, &ended, said, e);
    /* The signal may have gone to the command, too: what came of that is no failure of its own. */
    if (r.program && (rc == -1 || ended != 0) && run_wait_is_over())
        rc = stopped(r.program, e);
    if (rc == 0)
        *status = ended;
    gf_buf_free(&r.err);
    free(copy);
    return rc;
}
