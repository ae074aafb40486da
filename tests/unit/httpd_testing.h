/*
 * httpd_testing.h -- a server of common/httpd in a thread of its own, and callers that speak to it
 * byte by byte.
 */
#ifndef UNIT_HTTPD_TESTING_H
#define UNIT_HTTPD_TESTING_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
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
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/httpd.h"

#define BODY_MAX (8 << 20)

/* What the program under the server remembers; read by the test when the server has stopped, or
 * where the thread cannot be writing. */
struct app {
    struct httpd *h;
    int listen_fd, stop[2];
    uint16_t port;
    pthread_t thread;
    struct httpd_request *held; /* resumed with the next turn of the loop */
    _Atomic int begun, ended, gone;
    _Atomic long long bytes;
    char method[16], path[64], query[64], header[64];
    int file; /* served as /file */
    long long file_size;
};

static inline void app_begin(void *arg, struct httpd_request *r) {
    const struct httpd_reply no = {.status = 403, .type = "text/plain"};
    struct app *a = arg;

    a->begun++;
    a->bytes = 0;
    (void)snprintf(a->method, sizeof a->method, "%s", httpd_method(r));
    (void)snprintf(a->path, sizeof a->path, "%s", httpd_path(r));
    const char *q = httpd_query(r, "q");
    const char *h = httpd_header(r, "X-Test");
    (void)snprintf(a->query, sizeof a->query, "%s", q != NULL ? q : "-");
    (void)snprintf(a->header, sizeof a->header, "%s", h != NULL ? h : "-");
    if (strcmp(a->path, "/early") == 0)
        httpd_reply(r, &no, "no\n", 3);
    if (strcmp(a->path, "/gate") == 0) {
        httpd_hold(r);
        a->held = r;
    }
}

static inline size_t app_body(void *arg, struct httpd_request *r, const void *data, size_t len) {
    const struct httpd_reply no = {.status = 403, .type = "text/plain"};
    struct app *a = arg;
    (void)data;

    /* The first 1000 bytes, then a pause, as if somebody was asked about them. */
    if (strcmp(httpd_path(r), "/pause") == 0 && a->bytes < 1000) {
        size_t take = 1000 - (size_t)a->bytes < len ? 1000 - (size_t)a->bytes : len;
        a->bytes += (long long)take;
        if (a->bytes == 1000) {
            httpd_hold(r);
            a->held = r;
        }
        return take;
    }
    a->bytes += (long long)len;
    if (strcmp(httpd_path(r), "/middle") == 0)
        httpd_reply(r, &no, "no\n", 3);
    return len;
}

static inline void app_end(void *arg, struct httpd_request *r) {
    struct httpd_reply ok = {.status = 200, .type = "text/plain"};
    struct app *a = arg;
    char text[64];

    a->ended++;
    if (strcmp(httpd_path(r), "/file") == 0) {
        httpd_reply_file(r, &ok, dup(a->file), a->file_size);
        return;
    }
    if (strcmp(httpd_path(r), "/held") == 0) {
        httpd_hold(r);
        a->held = r;
        return;
    }
    if (strcmp(httpd_path(r), "/for-ever") == 0) {
        httpd_hold(r);
        return;
    }
    if (strcmp(httpd_path(r), "/busy") == 0) {
        ok.status = 503;
        ok.retry_after_s = 7;
    }
    int n = snprintf(text, sizeof text, "%lld bytes\n", (long long)a->bytes);
    httpd_reply(r, &ok, text, (size_t)n);
}

static inline void app_gone(void *arg, struct httpd_request *r) {
    struct app *a = arg;

    a->gone++;
    if (a->held == r)
        a->held = NULL;
}

static inline void *app_run(void *arg) {
    struct app *a = arg;

    for (;;) {
        struct pollfd p[2] = {{httpd_fd(a->h), POLLIN, 0}, {a->stop[0], POLLIN, 0}};
        (void)poll(p, 2, a->held != NULL ? 50 : httpd_wait_ms(a->h));
        if (p[1].revents != 0)
            return NULL;
        struct httpd_request *held = a->held;
        if (held != NULL) {
            a->held = NULL;
            if (strcmp(httpd_path(held), "/held") == 0) {
                const struct httpd_reply ok = {.status = 200, .type = "text/plain"};
                httpd_reply(held, &ok, "late\n", 5);
            }
            httpd_resume(held);
        }
        httpd_step(a->h);
    }
}

static inline void app_start(struct app *a, struct httpd_options o) {
    struct gf_err e = {.text = ""};

    *a = (struct app){.file = -1};
    assert_int_equal(pipe(a->stop), 0);
    if (httpd_listen_open("127.0.0.1", 0, &a->listen_fd, &e) != 0)
        fail_msg("%s", e.text);
    a->port = httpd_listen_port(a->listen_fd);
    o.listen_fd = a->listen_fd;
    o.connections = o.connections != 0 ? o.connections : 16;
    o.head_s = o.head_s != 0 ? o.head_s : 20;
    o.idle_s = o.idle_s != 0 ? o.idle_s : 20;
    o.rate_min = o.rate_min != 0 ? o.rate_min : 1024;
    o.body_max = BODY_MAX;
    o.calls = (struct httpd_calls){app_begin, app_body, app_end, app_gone};
    o.arg = a;
    if (httpd_new(&o, &a->h, &e) != 0)
        fail_msg("%s", e.text);
    assert_int_equal(pthread_create(&a->thread, NULL, app_run, a), 0);
}

static inline void app_stop(struct app *a) {
    assert_int_equal(write(a->stop[1], "x", 1), 1);
    assert_int_equal(pthread_join(a->thread, NULL), 0);
    httpd_free(a->h);
    (void)close(a->listen_fd);
    (void)close(a->stop[0]);
    (void)close(a->stop[1]);
}

/* ---- callers ---- */

static inline int call(const struct app *a) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    const struct timeval t = {.tv_sec = 30};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    to.sin_port = htons(a->port);
    assert_int_not_equal(fd, -1);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
    assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

/* Say it all, as far as the other side listens. */
static inline void say(int fd, const void *text, size_t len) {
    const char *at = text;

    while (len > 0) {
        ssize_t n = send(fd, at, len, MSG_NOSIGNAL);
        if (n <= 0)
            return;
        at += n;
        len -= (size_t)n;
    }
}

/* All that comes until the end, or `enough` stands in it. */
static inline void hear(int fd, const char *enough, char *out, size_t room) {
    size_t n = 0;

    out[0] = '\0';
    while (n + 1 < room && (enough == NULL || strstr(out, enough) == NULL)) {
        ssize_t got = recv(fd, out + n, room - n - 1, 0);
        if (got <= 0)
            return;
        n += (size_t)got;
        out[n] = '\0';
    }
}

/* One request on a connection of its own; the reply, up to its end. */
static inline int exchange(const struct app *a, const char *request, char *out, size_t room) {
    int fd = call(a);
    static const char begin[] = "HTTP/1.1 ";

    say(fd, request, strlen(request));
    (void)shutdown(fd, SHUT_WR);
    hear(fd, NULL, out, room);
    (void)close(fd);
    return strncmp(out, begin, sizeof begin - 1) == 0
               ? (int)strtol(out + sizeof begin - 1, NULL, 10)
               : 0;
}

#endif
