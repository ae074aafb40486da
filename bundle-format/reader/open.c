/* open.c -- reading, steps 2 and 3 at the same time in one process: a thread decrypts into a pipe,
 * the caller reads items from it. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "gapferry/bundle.h"

/* What the pipe holds, so that both sides run on; the kernel's default is a sixteenth. */
#define PIPE_SIZE (1 << 20)

/* A payload that fits any pipe as it is needs no thread: it is decrypted first, then read. */
#define SMALL_SIZE 16384

struct half {
    int copy;
    const struct gf_head *head;
    const struct gf_seal_key *const *keys;
    size_t nkeys;
    int out;
    int rc;
    int pipe_broken; /* it failed only because the other side had stopped reading */
    struct gf_err err;
};

static void *decrypt_half(void *arg) {
    struct half *d = arg;
    struct pollfd end = {.fd = d->out};
    d->rc = gf_bundle_decrypt(d->copy, d->head, d->keys, d->nkeys, d->out, &d->err);
    d->pipe_broken = poll(&end, 1, 0) == 1 && (end.revents & POLLERR) != 0;
    (void)close(d->out);
    return NULL;
}

/* The thread takes no signals, SIGPIPE among them: it sees EPIPE when items have failed. */
static int start(struct half *d, pthread_t *thread, struct gf_err *e) {
    sigset_t all;
    sigset_t before;

    (void)fcntl(d->out, F_SETPIPE_SZ, PIPE_SIZE);
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(thread, NULL, decrypt_half, d);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc == 0)
        return 0;
    errno = rc;
    return gf_err_errno(e, "cannot start a thread");
}

int gf_bundle_open(int copy, const struct gf_head *h, const struct gf_seal_key *const *keys,
                   size_t nkeys, const struct gf_items_options *o, int dir, struct gf_contents *out,
                   struct gf_err *e) {
    struct half d = {.copy = copy, .head = h, .keys = keys, .nkeys = nkeys};
    struct gf_contents c = {0};
    struct gf_err items_err;
    pthread_t thread;
    int fds[2];

    if (pipe2(fds, O_CLOEXEC) == -1)
        return gf_err_errno(e, "cannot make a pipe");
    d.out = fds[1];
    int small = h->header.payload_size <= SMALL_SIZE;
    if (small) {
        (void)decrypt_half(&d);
    } else if (start(&d, &thread, e) == -1) {
        (void)close(fds[0]);
        (void)close(fds[1]);
        return -1;
    }
    int rc = gf_bundle_items(fds[0], &h->header, o, dir, &c, &items_err);
    (void)close(fds[0]);
    if (!small)
        (void)pthread_join(thread, NULL);

    /* If both failed, the cause is what decryption says, unless it only lost its reader. */
    if (d.rc == -1 && !d.pipe_broken) {
        if (rc == 0) {
            gf_contents_free(&c);
            gf_bundle_items_remove(dir);
        }
        if (e != NULL)
            *e = d.err;
        return -1;
    }
    if (rc == -1) {
        if (e != NULL)
            *e = items_err;
        return -1;
    }
    *out = c;
    return 0;
}
