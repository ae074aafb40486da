/*
 * unpack.c -- a bundle's payload: decrypted by us, parsed by a child that has nothing to lose.
 */
#include "relay/unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
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
    int records[2]; /* records from it */
    int verdict[2]; /* its verdict */
    int late;       /* an unnamed file: records whose bodies are files, which come behind them */
};

/* What the pipe of records holds, so that both sides run on. */
#define PIPE_SIZE (1 << 20)

static void close_pair(int fds[2]) {
    for (int i = 0; i < 2; i++) {
        if (fds[i] != -1)
            (void)close(fds[i]);
        fds[i] = -1;
    }
}

/* ---- the child ---- */

static int by_number(const void *a, const void *b) {
    const int x = *(const int *)a, y = *(const int *)b;
    return (x > y) - (x < y);
}

/* Close everything but standard error and these n. */
static void close_others(int *keep, size_t n) {
    unsigned from = 3;

    qsort(keep, n, sizeof *keep, by_number);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null != -1) {
        (void)dup2(null, 0);
        (void)dup2(null, 1);
    }
    for (size_t i = 0; i < n; i++) {
        if ((unsigned)keep[i] > from)
            (void)close_range(from, (unsigned)keep[i] - 1, 0);
        from = (unsigned)keep[i] + 1;
    }
    (void)close_range(from, ~0U, 0);
}

/* Where the child's records go. */
struct outs {
    struct handover_out now, late;
};

static int hand_over(void *arg, const struct gf_record *r, const char *line, size_t len,
                     struct gf_err *e) {
    struct outs *o = arg;
    return handover_put(r->body.form == GF_BODY_FILE ? &o->late : &o->now, r, line, len, e);
}

static int read_items(const struct pipes *p, const struct gf_header *h,
                      const struct gf_items_options *o, int work, struct gf_err *e) {
    struct gf_items_options with = *o;
    struct gf_contents c = {0};
    struct outs outs;

    handover_out_init(&outs.now, p->records[1]);
    handover_out_init(&outs.late, p->late);
    with.record = hand_over;
    with.record_arg = &outs;
    int rc = gf_bundle_items(p->plain[0], h, &with, work, &c, e);
    if (rc == 0)
        rc = handover_flush(&outs.now, e);
    if (rc == 0)
        rc = handover_flush(&outs.late, e);
    return rc; /* the process ends: nothing is freed */
}

/*
 * The relay's keys are in memory when the child is made: the parent needs them for decryption. So
 * the child wipes its copy of them before it looks at a single byte of the payload; the content key
 * is made by the parent later and never here. Then it gives up network, exec and everything else.
 */
static void run_child(struct relay *r, const struct pipes *p, const struct gf_header *h,
                      const struct gf_items_options *o, int work) {
    int keep[] = {p->plain[0], p->records[1], p->verdict[1], p->late, work};
    struct verdict v = {.rc = -1};

    keys_forget(r);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    close_others(keep, sizeof keep / sizeof *keep);
    if (sandbox_parser(CHILD_MEMORY, CHILD_SECONDS, &v.err) == 0)
        v.rc = read_items(p, h, o, work, &v.err);
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

static int wait_for(pid_t pid, int *status, struct gf_err *e) {
    while (waitpid(pid, status, 0) == -1) {
        if (errno != EINTR)
            return gf_err_errno(e, "cannot wait for the process that reads payloads");
    }
    return 0;
}

/* Who gets the records. */
struct taker {
    unpack_record *fn;
    void *arg;
    int failed; /* 1: it was fn that failed */
};

static int read_records(int fd, struct taker *t, struct gf_err *e) {
    struct handover_record record;
    struct handover_in in;
    int rc = 0;

    handover_in_init(&in, fd);
    while ((rc = handover_next(&in, &record, e)) == 1) {
        t->failed = t->fn(t->arg, &record, e) == -1;
        if (t->failed) {
            rc = -1;
            break;
        }
    }
    handover_in_free(&in);
    return rc;
}

/* The bundle that is unpacked. */
struct source {
    const struct relay *r; /* its keys open it */
    int copy;
    const struct gf_head *head;
};

/* Decrypt into the pipe, and take the records from the child meanwhile. */
static int run_parent(const struct source *from, struct pipes *p, pid_t pid, struct taker *t,
                      struct gf_err *e) {
    struct gf_bundle_decrypting *d = NULL;
    struct gf_err items_err, ignored;
    struct own_keys_all own;
    int status = 0;

    (void)close(p->plain[0]);
    (void)close(p->records[1]);
    (void)close(p->verdict[1]);
    own_keys_all(&from->r->id, &from->r->former, &own);
    int begun =
        gf_bundle_decrypt_begin(from->copy, from->head, own.seal, own.n, p->plain[1], &d, e);
    int rc = begun == 0 ? read_records(p->records[0], t, e) : -1;
    /* Who still writes is told that nobody listens. */
    (void)close(p->records[0]);
    p->plain[0] = p->plain[1] = p->records[0] = p->records[1] = p->verdict[1] = -1;
    int items_rc = wait_for(pid, &status, &items_err);
    if (items_rc == 0)
        items_rc = read_verdict(p->verdict[0], status, &items_err);
    if (begun == -1)
        return -1;
    /* What the taker has to say is the cause of all the rest. */
    if (t->failed)
        return gf_bundle_decrypt_end(d, -1, &ignored);
    if (items_rc == -1) {
        rc = -1;
        *e = items_err;
    }
    return gf_bundle_decrypt_end(d, rc, e);
}

static int open_pipes(struct pipes *p, int work, struct gf_err *e) {
    if (pipe2(p->plain, O_CLOEXEC) == -1 || pipe2(p->records, O_CLOEXEC) == -1 ||
        pipe2(p->verdict, O_CLOEXEC) == -1)
        return gf_err_errno(e, "cannot make a pipe");
    /* Best effort: what an ordinary user may have in pipes is limited. */
    (void)fcntl(p->records[0], F_SETPIPE_SZ, PIPE_SIZE);
    p->late = gf_file_unnamed(work, e);
    return p->late == -1 ? -1 : 0;
}

int unpack_bundle(struct relay *r, int copy, const struct gf_head *h, int64_t room, int work,
                  unpack_record *fn, void *arg, struct gf_err *e) {
    struct gf_items_options o = {.check_lines = 1, .threads = 1};
    struct pipes p = {{-1, -1}, {-1, -1}, {-1, -1}, -1};
    const struct source from = {r, copy, h};
    struct taker t = {.fn = fn, .arg = arg};
    int rc = -1;

    o.room = room >= GF_ARCHIVE_MAX ? 0 : room > 0 ? room : 1;
    if (open_pipes(&p, work, e) == -1)
        goto out;
    pid_t pid = fork();
    if (pid == -1) {
        (void)gf_err_errno(e, "cannot start a process that reads payloads");
        goto out;
    }
    if (pid == 0)
        run_child(r, &p, &h->header, &o, work);
    rc = run_parent(&from, &p, pid, &t, e);
    if (rc == 0 && lseek(p.late, 0, SEEK_SET) == -1)
        rc = gf_err_errno(e, "cannot read records");
    if (rc == 0)
        rc = read_records(p.late, &t, e);

    if (rc == -1 && !t.failed && e->code == GF_E_CREATE) {
        const struct gf_err was = *e;
        (void)gf_err_set(e, GF_E_CREATE, "%s: %s; make room on this disk and run sync again",
                         r->state, was.text);
    }
out:
    close_pair(p.plain);
    close_pair(p.records);
    close_pair(p.verdict);
    if (p.late != -1)
        (void)close(p.late);
    return rc;
}
