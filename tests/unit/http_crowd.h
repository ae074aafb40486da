/*
 * http_crowd.h -- an HTTP server on 127.0.0.1 for tests of clients that send much at once: one
 * thread, many connections, every answer after the same delay; it counts.
 */
#ifndef UNIT_HTTP_CROWD_H
#define UNIT_HTTP_CROWD_H

#include "http_server.h"

#include <time.h>

enum { CROWD_MAX = 80 };

struct crowd {
    int fd, stop[2], port;
    int delay_ms;
    const char *reply; /* to each request; "" closes the connection instead */
    int good;          /* requests that get "200" before `reply` begins; -1: all */
    int requests;      /* whole ones */
    int connections;   /* in all */
    int at_once;       /* requests that were waiting for their answer, at most */
    char (*keys)[33];  /* idempotency keys in the order of arrival, room for 1000 */
    pthread_t thread;
};

struct crowd_client {
    char in[4096];
    size_t len;
    int64_t due; /* ms; of the answer; 0: no whole request is here */
};

static inline int64_t crowd_ms(void) {
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Read; 0 when the connection is over. */
static inline int crowd_read(struct crowd *s, int fd, struct crowd_client *c) {
    ssize_t n = read(fd, c->in + c->len, sizeof c->in - 1 - c->len);

    if (n <= 0)
        return 0;
    c->len += (size_t)n;
    c->in[c->len] = '\0';
    const char *ends = strstr(c->in, "\r\n\r\n");
    const char *length = strstr(c->in, "Content-Length: ");
    size_t body = length != NULL ? strtoul(length + 16, NULL, 10) : 0;
    if (ends == NULL || c->len < (size_t)(ends + 4 - c->in) + body)
        return 1;
    const char *key = strstr(c->in, "Idempotency-Key: ");
    if (key != NULL && s->requests < 1000)
        (void)snprintf(s->keys[s->requests], sizeof *s->keys, "%.32s", key + 17);
    s->requests++;
    c->len = 0;
    c->due = crowd_ms() + s->delay_ms;
    return 1;
}

/* Answer; 0 when the connection is over. */
static inline int crowd_answer(struct crowd *s, int fd, struct crowd_client *c, int *answered) {
    static const char ok[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    const char *reply = s->good < 0 || *answered < s->good ? ok : s->reply;

    c->due = 0;
    ++*answered;
    return *reply != '\0' && send(fd, reply, strlen(reply), MSG_NOSIGNAL) > 0;
}

static inline void *crowd_run(void *arg) {
    struct crowd *s = arg;
    struct pollfd p[CROWD_MAX + 2] = {{s->stop[0], POLLIN, 0}, {s->fd, POLLIN, 0}};
    struct crowd_client *c = calloc(CROWD_MAX + 2, sizeof *c);
    int answered = 0;
    nfds_t n = 2;

    while (poll(p, n, 2) >= 0 && p[0].revents == 0) {
        int waiting = 0;
        if (p[1].revents != 0 && n < CROWD_MAX + 2) {
            int fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC);
            s->connections++;
            c[n] = (struct crowd_client){.len = 0};
            p[n++] = (struct pollfd){fd, POLLIN, 0};
        }
        for (nfds_t i = 2; i < n; i++)
            waiting += c[i].due != 0;
        for (nfds_t i = 2; i < n; i++) {
            int had = c[i].due != 0;
            int on = p[i].revents == 0 || crowd_read(s, p[i].fd, &c[i]);
            waiting += c[i].due != 0 && !had;
            if (waiting > s->at_once)
                s->at_once = waiting;
            if (on && c[i].due != 0 && c[i].due <= crowd_ms())
                on = crowd_answer(s, p[i].fd, &c[i], &answered);
            if (!on) {
                (void)close(p[i].fd);
                n--;
                p[i] = p[n];
                c[i] = c[n];
                i--;
            }
        }
    }
    while (n > 2)
        (void)close(p[--n].fd);
    free(c);
    return NULL;
}

static inline struct crowd *crowd_start(int delay_ms, int good, const char *reply) {
    struct crowd *s = calloc(1, sizeof *s);

    assert_non_null(s);
    *s = (struct crowd){.delay_ms = delay_ms, .good = good, .reply = reply};
    s->keys = calloc(1000, sizeof *s->keys);
    assert_non_null(s->keys);
    s->fd = server_socket(&s->port);
    assert_int_equal(listen(s->fd, CROWD_MAX), 0);
    assert_int_equal(pipe(s->stop), 0);
    assert_int_equal(pthread_create(&s->thread, NULL, crowd_run, s), 0);
    return s;
}

/* End the server; what it counted can be looked at until crowd_free(). */
static inline void crowd_stop(struct crowd *s) {
    assert_int_equal(write(s->stop[1], "x", 1), 1);
    assert_int_equal(pthread_join(s->thread, NULL), 0);
    (void)close(s->fd);
    (void)close(s->stop[0]);
    (void)close(s->stop[1]);
}

static inline void crowd_free(struct crowd *s) {
    free(s->keys);
    free(s);
}

#endif
