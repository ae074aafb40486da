/*
 * post.c -- many clients that POST the same body again and again, each on a connection of its own
 * and one request at a time: as little work as can be, so that it is not what a benchmark of a
 * server measures.
 *
 *   post PORT PATH BODY-FILE CONNECTIONS REQUESTS     prints requests a second, and the median and
 *                                                     99th percentile of milliseconds for one
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CLIENTS = 1024, ROOM = 4096, BODY = 1 << 20 };

struct client {
    int fd;
    double sent; /* seconds */
    size_t len;
    char in[ROOM];
};

static struct client clients[CLIENTS];
static char request[BODY + 512];
static size_t request_len;
static long left, open_requests, done;
static float *took; /* ms */

static double now(void) {
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void die(const char *why) {
    perror(why);
    exit(1);
}

static void ask(struct client *c) {
    if (left == 0)
        return;
    left--;
    open_requests++;
    c->len = 0;
    c->sent = now();
    if (write(c->fd, request, request_len) != (ssize_t)request_len)
        die("write");
}

static void hear(struct client *c) {
    ssize_t n = read(c->fd, c->in + c->len, ROOM - 1 - c->len);

    if (n <= 0)
        die("a connection was closed");
    c->len += (size_t)n;
    c->in[c->len] = '\0';
    const char *ends = strstr(c->in, "\r\n\r\n"), *length = strstr(c->in, "Content-Length: ");
    if (ends == NULL || length == NULL ||
        c->len < (size_t)(ends + 4 - c->in) + strtoul(length + 16, NULL, 10))
        return;
    if (strncmp(c->in, "HTTP/1.1 200 ", 13) != 0) {
        (void)fprintf(stderr, "%s\n", c->in);
        exit(1);
    }
    took[done++] = (float)((now() - c->sent) * 1e3);
    open_requests--;
    ask(c);
}

static int by_time(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;

    return (x > y) - (x < y);
}

int main(int argc, char **argv) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    static char body[BODY];
    struct epoll_event events[256];
    int on = 1;

    if (argc != 6)
        return 64;
    a.sin_port = htons((uint16_t)atoi(argv[1]));
    FILE *f = fopen(argv[3], "r");
    size_t size = f != NULL ? fread(body, 1, sizeof body, f) : 0;
    int n = snprintf(request, 512,
                     "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                     "Content-Length: %zu\r\n\r\n",
                     argv[2], size);
    memcpy(request + n, body, size);
    request_len = (size_t)n + size;
    int connections = atoi(argv[4]);
    long all = left = atol(argv[5]);
    took = calloc((size_t)all, sizeof *took);
    int epoll = epoll_create1(0);
    if (f == NULL || took == NULL || connections < 1 || connections > CLIENTS)
        return 64;
    for (int i = 0; i < connections; i++) {
        clients[i].fd = socket(AF_INET, SOCK_STREAM, 0);
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = &clients[i]};
        if (connect(clients[i].fd, (const struct sockaddr *)&a, sizeof a) == -1)
            die("connect");
        (void)setsockopt(clients[i].fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, clients[i].fd, &e) == -1)
            die("epoll");
    }
    double begin = now();
    for (int i = 0; i < connections; i++)
        ask(&clients[i]);
    while (open_requests > 0) {
        int ready = epoll_wait(epoll, events, 256, -1);
        for (int i = 0; i < ready; i++)
            hear(events[i].data.ptr);
    }
    double s = now() - begin;
    qsort(took, (size_t)all, sizeof *took, by_time);
    (void)printf("%.0f %.2f %.2f\n", (double)all / s, took[all / 2], took[all * 99 / 100]);
    return 0;
}
