/*
 * http_server.h -- a scripted HTTP server on 127.0.0.1 for tests of clients: it reads a request,
 * says what the script says, and remembers what it was sent.
 */
#ifndef UNIT_HTTP_SERVER_H
#define UNIT_HTTP_SERVER_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* What comes behind a reply; DRIP: its body comes 10 bytes at a time, ten times a second. */
enum { KEEP, CLOSE, RESET, SILENCE, DRIP };

struct reply {
    const char *bytes;
    int then;
};

struct server {
    int fd, stop[2];
    int port;
    const struct reply *replies; /* one for each request; ends with NULL bytes */
    int requests, connections;
    char got[65536]; /* the last request */
    pthread_t thread;
};

/* A socket of the loopback with a port of its own; nobody listens there yet. */
static inline int server_socket(int *port) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_not_equal(fd, -1);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    *port = ntohs(a.sin_port);
    return fd;
}

/* 1 when there is something to read, 0 when the test is over. */
static inline int server_wait(const struct server *s, int fd) {
    struct pollfd p[2] = {{fd, POLLIN, 0}, {s->stop[0], POLLIN, 0}};
    return poll(p, 2, 30000) > 0 && p[1].revents == 0;
}

/* Read one request with its body. */
static inline int server_read(struct server *s, int fd) {
    char in[sizeof s->got];
    size_t len = 0;

    for (;;) {
        in[len] = '\0';
        const char *ends = strstr(in, "\r\n\r\n");
        const char *length = strstr(in, "Content-Length: ");
        size_t body = length != NULL ? strtoul(length + 16, NULL, 10) : 0;
        if (ends != NULL && len >= (size_t)(ends + 4 - in) + body) {
            memcpy(s->got, in, len + 1);
            return 1;
        }
        if (!server_wait(s, fd))
            return 0;
        ssize_t n = read(fd, in + len, sizeof in - 1 - len);
        if (n <= 0)
            return 0;
        len += (size_t)n;
    }
}

static inline void server_drip(const struct server *s, int fd, const char *bytes) {
    const char *body = strstr(bytes, "\r\n\r\n") + 4;
    struct pollfd p = {s->stop[0], POLLIN, 0};

    (void)send(fd, bytes, (size_t)(body - bytes), MSG_NOSIGNAL);
    for (size_t left = strlen(body); left > 0 && poll(&p, 1, 100) == 0;) {
        size_t n = left < 10 ? left : 10;
        if (send(fd, body, n, MSG_NOSIGNAL) == -1)
            return;
        body += n;
        left -= n;
    }
}

/* 1 if the connection stays. */
static inline int server_reply(struct server *s, int fd) {
    const struct reply *r = &s->replies[s->requests++];
    const struct linger now = {1, 0};

    if (r->bytes == NULL) {
        s->requests--;
        return 0;
    }
    if (r->then == DRIP)
        server_drip(s, fd, r->bytes);
    else
        (void)send(fd, r->bytes, strlen(r->bytes), MSG_NOSIGNAL);
    if (r->then == SILENCE)
        (void)server_wait(s, s->stop[0]);
    if (r->then == RESET)
        (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    return r->then == KEEP;
}

static inline void *server_run(void *arg) {
    struct server *s = arg;

    while (server_wait(s, s->fd)) {
        int fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd == -1)
            break;
        s->connections++;
        while (server_read(s, fd) && server_reply(s, fd))
            continue;
        (void)close(fd);
    }
    return NULL;
}

/* At a socket that has its address; port is told to who asks. */
static inline struct server *server_start_at(int fd, int port, const struct reply *replies) {
    struct server *s = calloc(1, sizeof *s);

    assert_non_null(s);
    s->replies = replies;
    s->fd = fd;
    s->port = port;
    assert_int_equal(listen(s->fd, 8), 0);
    assert_int_equal(pipe(s->stop), 0);
    assert_int_equal(pthread_create(&s->thread, NULL, server_run, s), 0);
    return s;
}

static inline struct server *server_start(const struct reply *replies) {
    int port, fd = server_socket(&port);

    return server_start_at(fd, port, replies);
}

/* End the server; what it saw can be looked at until free(). */
static inline void server_stop(struct server *s) {
    assert_int_equal(write(s->stop[1], "x", 1), 1);
    assert_int_equal(pthread_join(s->thread, NULL), 0);
    (void)close(s->fd);
    (void)close(s->stop[0]);
    (void)close(s->stop[1]);
}

#endif
