/* decrypt_pipe.c -- reading, step 2 at the same time as step 3: a thread decrypts into a pipe. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "gapferry/bundle.h"

/* What the pipe holds, so that both sides run on; the kernel's default is a sixteenth. */
#define PIPE_SIZE (1 << 20)
/* A payload that fits any pipe as it is needs no thread: it is decrypted first, then read. */
#define SMALL_SIZE 16384

struct gf_bundle_decrypting {
    int copy;
    const struct gf_head *head;
    const struct gf_seal_key *const *keys;
    size_t nkeys;
    int out; /* closed at the end */
    int threaded;
    pthread_t thread;
    int rc;
    int lost_reader; /* it failed only because the other side had stopped reading */
    struct gf_err err;
};

static void *decrypt(void *arg) {
    struct gf_bundle_decrypting *d = arg;
    struct pollfd end = {.fd = d->out};

    d->rc = gf_bundle_decrypt(d->copy, d->head, d->keys, d->nkeys, d->out, &d->err);
    d->lost_reader = poll(&end, 1, 0) == 1 && (end.revents & POLLERR) != 0;
    (void)close(d->out);
    return NULL;
}

/* The thread takes no signals: they are for who waits for it. */
static int start(struct gf_bundle_decrypting *d, struct gf_err *e) {
    sigset_t all, before;

    /* Best effort: what an ordinary user may have in pipes is limited. */
    (void)fcntl(d->out, F_SETPIPE_SZ, PIPE_SIZE);
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&d->thread, NULL, decrypt, d);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc == 0)
        return 0;
    errno = rc;
    return gf_err_errno(e, "cannot start a thread that decrypts");
}

int gf_bundle_decrypt_begin(int copy, const struct gf_head *h,
                            const struct gf_seal_key *const *keys, size_t nkeys, int pipe_fd,
                            struct gf_bundle_decrypting **out, struct gf_err *e) {
    struct gf_bundle_decrypting *d = malloc(sizeof *d);

    if (d == NULL) {
        (void)close(pipe_fd);
        return gf_err_set(e, GF_E_SYSTEM, "no memory for decryption");
    }
    *d = (struct gf_bundle_decrypting){
        .copy = copy, .head = h, .keys = keys, .nkeys = nkeys, .out = pipe_fd};
    d->threaded = h->header.payload_size > SMALL_SIZE;
    if (!d->threaded) {
        (void)decrypt(d);
    } else if (start(d, e) == -1) {
        (void)close(pipe_fd);
        free(d);
        return -1;
    }
    *out = d;
    return 0;
}

int gf_bundle_decrypt_end(struct gf_bundle_decrypting *d, int rc, struct gf_err *e) {
    if (d->threaded)
        (void)pthread_join(d->thread, NULL);
    if (d->rc == -1 && (rc != -1 || !d->lost_reader)) {
        rc = -1;
        if (e != NULL)
            *e = d->err;
    }
    free(d);
    return rc;
}
