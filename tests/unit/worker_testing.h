/*
 * worker_testing.h -- what the tests of the worker share: a listener's end of its socket, and a
 * bundle to speak of.
 */
#ifndef WORKER_TESTING_H
#define WORKER_TESTING_H

#include "relay_testing.h"

#include <sys/socket.h>

#include "relay/listener/worker.h"

/* A worker, and the listener's end of the socket. */
struct pair {
    struct worker w;
    int ours, theirs;
    uint64_t tag; /* of the last question, where they are counted */
};

static char data[WIRE_DATA_MAX + 1];
static int handed; /* the descriptor that came with the last answer; -1: none */

static inline struct pair *meet(struct site *s) {
    struct pair *p = calloc(1, sizeof *p);
    struct wire_say first;
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
    p->ours = fds[0];
    p->theirs = fds[1];
    assert_ok(worker_begin(&p->w, &s->r, &s->e), s->e);
    assert_ok(worker_meet(&p->w, p->ours, &s->e), s->e);
    assert_int_equal(wire_say_next(p->theirs, &first, data, &handed, &s->e), 1);
    assert_int_equal(first.len, 32);
    assert_memory_equal(data, &kit_relay.card.identity, 32);
    return p;
}

static inline void part(struct pair *p) {
    worker_part(&p->w);
    (void)close(p->ours);
    (void)close(p->theirs);
    free(p);
}

/* A bundle of kit_site with one record, and what a question says of it. */
static inline int make_bundle(struct site *s, int64_t seq, struct wire_ask *a) {
    char *line = testing_record(s, "metrics", "{}", 0);
    const struct testing_request q = {.seq = seq, .lines = line};
    struct gf_header h;
    struct stat st;

    *a = (struct wire_ask){.identity = kit_site.card.identity};
    int fd = testing_pack(s, &q, &h, &a->digest);
    assert_int_equal(fstat(fd, &st), 0);
    a->size = (int64_t)st.st_size;
    free(line);
    return fd;
}

static inline void copy_to(int from, int to) {
    char block[4096];
    int64_t at = 0;

    for (ssize_t n = 0; (n = pread(from, block, sizeof block, at)) > 0; at += n)
        assert_int_equal(write(to, block, (size_t)n), n);
}

#endif
