/*
 * unpack.c -- a bundle's payload: decrypted by us, parsed by a child that has nothing to lose.
 */
#include "relay/unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/sandbox.h"
#include "gapferry/file.h"
#include "relay/keys.h"

/* The child's limits: address space in bytes, and processor time in seconds, which is ten times
 * what the largest bundle takes on a slow machine. */
#define CHILD_MEMORY  ((size_t)1 << 30)
#define CHILD_SECONDS 900

/* What the child says before it ends. */
struct verdict {
    int rc;
    struct gf_err err;
};

struct pipes {
    int plain[2];   /* plaintext to the child */
    int verdict[2]; /* its verdict back */
};

static void close_pair(int fds[2]) {
    for (int i = 0; i < 2; i++) {
        if (fds[i] != -1)
            (void)close(fds[i]);
        fds[i] = -1;
    }
}

/* ---- the child ---- */

/* Close everything but standard error and these three. */
static void close_others(int a, int b, int c) {
    int keep[3] = {a, b, c};

    for (int i = 0; i < 2; i++) {
        for (int k = i + 1; k < 3; k++) {
            if (keep[k] < keep[i]) {
                int swap = keep[i];
                keep[i] = keep[k];
                keep[k] = swap;
            }
        }
    }
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null != -1) {
        (void)dup2(null, 0);
        (void)dup2(null, 1);
    }
    unsigned from = 3;
    for (int i = 0; i < 3; i++) {
        if ((unsigned)keep[i] > from)
            (void)close_range(from, (unsigned)keep[i] - 1, 0);
        from = (unsigned)keep[i] + 1;
    }
    (void)close_range(from, ~0U, 0);
}

/*
 * The relay's keys are in memory when the child is made: the parent needs them for decryption. So
 * the child wipes its copy of them before it looks at a single byte of the payload; the content key
 * is made by the parent later and never here. Then it gives up network, exec and everything else.
 */
static void run_child(struct relay *r, const struct pipes *p, const struct gf_header *h,
                      const struct gf_items_options *o, int work) {
    struct verdict v = {.rc = -1};
    struct gf_contents c = {0};

    keys_forget(r);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    close_others(p->plain[0], p->verdict[1], work);
    if (sandbox_parser(CHILD_MEMORY, CHILD_SECONDS, &v.err) == 0)
        v.rc = gf_bundle_items(p->plain[0], h, o, work, &c, &v.err);
    ssize_t n = write(p->verdict[1], &v, sizeof v);
    _exit(n == (ssize_t)sizeof v ? 0 : 1);
}

/* ---- the parent ---- */

/* A child that ended without a verdict: what killed it says whose fault it was. */
static int fail_dead(int status, struct gf_err *e) {
    int sig = WIFSIGNALED(status) ? WTERMSIG(status) : 0;

    if (sig == SIGXCPU)
        return gf_err_set(e, GF_E_LIMIT, "the payload takes too long to read");
    if (sig == SIGKILL || sig == SIGTERM || sig == SIGINT || sig == SIGHUP || sig == 0)
        return gf_err_set(e, GF_E_SYSTEM, "the process that reads payloads was ended by signal %d",
                          sig);
    return gf_err_set(e, GF_E_ARCHIVE, "the process that reads payloads crashed on it (signal %d)",
                      sig);
}

/* The child has read what a stranger wrote; believe of its words only their form. */
static int read_verdict(int fd, int status, struct gf_err *e) {
    struct verdict v;

    if (gf_file_read(fd, &v, sizeof v) != (ssize_t)sizeof v)
        return fail_dead(status, e);
    if (v.rc == 0)
        return 0;
    v.err.text[sizeof v.err.text - 1] = '\0';
    if ((int)v.err.code <= (int)GF_OK || (int)v.err.code >= (int)GF_CODE_COUNT)
        v.err.code = GF_E_ARCHIVE;
    return gf_err_set(e, v.err.code, "%s", v.err.text);
}

static int wait_for(pid_t pid, int *status) {
    while (waitpid(pid, status, 0) == -1) {
        if (errno != EINTR)
            return -1;
    }
    return 0;
}

/* Decrypt into the pipe, then hear the child. */
static int run_parent(struct relay *r, struct pipes *p, int copy, const struct gf_head *h,
                      pid_t pid, struct gf_err *e) {
    struct own_keys_all own;
    struct pollfd end = {.fd = p->plain[1]};
    struct gf_err items_err = {.code = GF_OK};
    int status = 0;

    (void)close(p->plain[0]);
    (void)close(p->verdict[1]);
    p->plain[0] = p->verdict[1] = -1;
    own_keys_all(&r->id, &r->former, &own);
    int rc = gf_bundle_decrypt(copy, h, own.seal, own.n, p->plain[1], e);
    int broken = poll(&end, 1, 0) == 1 && (end.revents & POLLERR) != 0;
    (void)close(p->plain[1]);
    p->plain[1] = -1;
    if (wait_for(pid, &status) == -1)
        return gf_err_errno(e, "cannot wait for the process that reads payloads");
    int items_rc = read_verdict(p->verdict[0], status, &items_err);

    /* If both failed, the cause is what decryption says, unless it only lost its reader. */
    if (rc == -1 && !broken)
        return -1;
    if (items_rc == -1)
        *e = items_err;
    return items_rc;
}

int unpack_bundle(struct relay *r, int copy, const struct gf_head *h, int64_t room, int work,
                  struct gf_err *e) {
    struct gf_items_options o = {.check_lines = 1, .threads = 1};
    struct pipes p = {{-1, -1}, {-1, -1}};
    int rc = -1;

    o.room = room >= GF_ARCHIVE_MAX ? 0 : room > 0 ? room : 1;
    if (pipe2(p.plain, O_CLOEXEC) == -1 || pipe2(p.verdict, O_CLOEXEC) == -1) {
        (void)gf_err_errno(e, "cannot make a pipe");
        goto out;
    }
    pid_t pid = fork();
    if (pid == -1) {
        (void)gf_err_errno(e, "cannot start a process that reads payloads");
        goto out;
    }
    if (pid == 0)
        run_child(r, &p, &h->header, &o, work);
    rc = run_parent(r, &p, copy, h, pid, e);

    if (rc == -1 && e->code == GF_E_CREATE) {
        const struct gf_err was = *e;
        (void)gf_err_set(e, GF_E_CREATE, "%s: %s; make room on this disk and run sync again",
                         r->state, was.text);
    }
out:
    close_pair(p.plain);
    close_pair(p.verdict);
    return rc;
}
