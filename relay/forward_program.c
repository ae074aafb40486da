/*
 * forward_program.c -- programs that deliver records: many beside each other and beside requests,
 * bounded in time and output.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/child.h"
#include "common/mono.h"
#include "relay/forward.h"

struct forward_program {
    struct child child;
    int pidfd;
    int64_t deadline; /* ms */
    int late;
    int cut;
    struct gf_buf out, err;
};

static void close_fd(int *fd) {
    if (*fd != -1)
        (void)close(*fd);
    *fd = -1;
}

void forward_program_free(struct forward_program *p) {
    if (p == NULL)
        return;
    close_fd(&p->child.out);
    close_fd(&p->child.err);
    close_fd(&p->pidfd);
    gf_buf_free(&p->out);
    gf_buf_free(&p->err);
    free(p);
}

int forward_program_begin(struct forward_job *j, int64_t left_ms, struct gf_err *e) {
    const struct child_options o = {
        .words = j->request.program, .environment = j->request.environment, .in = j->request.in};
    struct forward_program *p = calloc(1, sizeof *p);
    int64_t ms = j->request.http.total_ms < left_ms ? j->request.http.total_ms : left_ms;
    int rc = -1;

    if (p == NULL)
        (void)gf_err_set(e, GF_E_SYSTEM, "no memory for a program");
    else
        rc = child_start(&o, &p->child, e);
    close_fd(&j->request.in);
    if (rc == -1) {
        free(p);
        return -1;
    }
    p->pidfd = (int)syscall(SYS_pidfd_open, p->child.pid, 0U);
    p->deadline = mono_ms() + ms;
    gf_buf_init(&p->out, ENDPOINT_ANSWER_MAX);
    gf_buf_init(&p->err, ENDPOINT_SAID_MAX);
    j->program = p;
    return 0;
}

/* ---- what it prints ---- */

/* Take what is there, and keep what fits. 1 if something did not. */
static int drain(int *fd, struct gf_buf *b) {
    char piece[16384];
    int cut = 0;
    ssize_t n;

    /* Whoever shouts without end shall not keep us here. */
    for (int i = 0; i < 64 && *fd != -1 && (n = read(*fd, piece, sizeof piece)) != -1; i++) {
        if (n == 0)
            close_fd(fd);
        size_t room = b->max - b->len;
        cut |= (size_t)n > room;
        gf_buf_add(b, piece, (size_t)n < room ? (size_t)n : room);
    }
    return cut;
}

size_t forward_program_fds(const struct forward_walk *w, int *fds, size_t max) {
    size_t n = 0;

    for (const struct forward_job *j = w->flying.first; j != NULL; j = j->next) {
        if (j->program == NULL || n + 3 > max)
            continue;
        const int own[] = {j->program->pidfd, j->program->child.out, j->program->child.err};
        for (size_t i = 0; i < 3; i++) {
            if (own[i] != -1)
                fds[n++] = own[i];
        }
    }
    return n;
}

/* ---- its end ---- */

/* It, and what it has started in its group. */
static void kill_group(const struct forward_program *p) {
    (void)kill(-p->child.pid, SIGKILL);
}

/* 1 once it has ended. */
static int follow(struct forward_program *p, int *wstatus) {
    pid_t ended = waitpid(p->child.pid, wstatus, WNOHANG);

    p->cut |= drain(&p->child.out, &p->out);
    (void)drain(&p->child.err, &p->err);
    if (ended == p->child.pid)
        return 1;
    if (!p->late && mono_ms() >= p->deadline) {
        p->late = 1;
        kill_group(p);
    }
    return 0;
}

int forward_program_ended(struct forward_job *j, struct endpoint_ending *ending,
                          struct https_answer *answer) {
    struct forward_program *p = j->program;
    int wstatus = 0;

    if (!follow(p, &wstatus))
        return 0;
    kill_group(p);
    *ending = (struct endpoint_ending){.status = WIFEXITED(wstatus) ? WEXITSTATUS(wstatus) : -1,
                                       .signal = WIFSIGNALED(wstatus) ? WTERMSIG(wstatus) : 0,
                                       .late = p->late,
                                       .said = p->err.data,
                                       .said_len = p->err.len};
    if (p->late)
        ending->status = -1;
    *answer = (struct https_answer){
        .stage = HTTPS_OK, .sent = 1, .cut = p->cut, .retry_after_s = -1, .body = p->out};
    gf_buf_init(&p->out, 0);
    return 1;
}

void forward_program_cut(struct forward_job *j) {
    if (j->program == NULL)
        return;
    kill_group(j->program);
    (void)waitpid(j->program->child.pid, NULL, 0);
    forward_program_free(j->program);
    j->program = NULL;
}
