/*
 * points.c -- many data points on their way into a server by POST, from a few connections that each
 * have one request under way; they are made as they go.
 *
 *   points otlp|text PORT PATH REQUESTS POINTS CONNECTIONS
 *
 * Request i holds one point of each of POINTS series ("m", label "n" from 0), i seconds after the
 * first: as OTLP in protobuf, or as lines of the Prometheus text format. The newest are an hour
 * old, since a sink may keep what is newer out of its answers for a while. Prints seconds, and the
 * bytes of all bodies.
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/otlp_make.h"

enum { CONNECTIONS = 256, BODY = 16 << 20 };

static struct {
    int otlp, port;
    const char *path;
    long requests, points;
    int64_t first; /* seconds since 1970 */
    atomic_long next, bytes;
} job;

static double now(void) {
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void die(const char *why) {
    perror(why);
    exit(1);
}

/* Some digits that differ from series to series and from time to time. */
static double value_of(long request, long point) {
    return (double)((request * 31 + point * 17) % 10000) / 8;
}

static void make_otlp(struct gf_buf *b, long request) {
    uint64_t time = ((uint64_t)job.first + (uint64_t)request) * 1000000000;
    struct otlp_make m;
    char n[24];

    otlp_make_open(&m, b);
    otlp_make_resource(&m, "service.name", "bench");
    otlp_make_metric(&m, "m", 1, OTLP_MAKE_GAUGE);
    for (long i = 0; i < job.points; i++) {
        (void)snprintf(n, sizeof n, "%ld", i);
        otlp_make_point(&m, time, value_of(request, i));
        otlp_make_attribute(&m, "n", 1, n, strlen(n));
    }
    otlp_make_close(&m);
}

static void make_text(struct gf_buf *b, long request) {
    for (long i = 0; i < job.points; i++)
        gf_buf_printf(b, "m{n=\"%ld\",service_name=\"bench\"} %.17g %" PRId64 "\n", i,
                      value_of(request, i), (job.first + request) * 1000);
}

static void put_all(int fd, const void *data, size_t len) {
    for (const char *at = data; len > 0;) {
        ssize_t n = send(fd, at, len, MSG_NOSIGNAL);
        if (n <= 0)
            die("send");
        at += n;
        len -= (size_t)n;
    }
}

/* A reply with Content-Length, or without a body; its status has to be 2xx. */
static void hear(int fd) {
    char in[8192];
    size_t len = 0;

    for (;;) {
        ssize_t n = recv(fd, in + len, sizeof in - 1 - len, 0);
        if (n <= 0)
            die("recv");
        len += (size_t)n;
        in[len] = '\0';
        const char *end = strstr(in, "\r\n\r\n");
        if (end == NULL)
            continue;
        const char *size = strcasestr(in, "\r\ncontent-length:");
        size_t body = size != NULL && size < end ? strtoul(size + 17, NULL, 10) : 0;
        if (strncmp(in, "HTTP/1.1 2", 10) != 0) {
            (void)fprintf(stderr, "points: %s\n", in);
            exit(1);
        }
        if (len >= (size_t)(end + 4 - in) + body)
            return;
    }
}

static void *send_some(void *arg) {
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)job.port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int on = 1;
    struct gf_buf b, head;
    long i;

    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd == -1 || connect(fd, (struct sockaddr *)&to, sizeof to) == -1)
        die("connect");
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    gf_buf_init(&b, BODY);
    gf_buf_init(&head, 512);
    while ((i = atomic_fetch_add(&job.next, 1)) < job.requests) {
        gf_buf_clear(&b);
        gf_buf_clear(&head);
        if (job.otlp)
            make_otlp(&b, i);
        else
            make_text(&b, i);
        gf_buf_printf(&head,
                      "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: %s\r\n"
                      "Content-Length: %zu\r\n\r\n",
                      job.path, job.port, job.otlp ? "application/x-protobuf" : "text/plain",
                      b.len);
        if (b.failed || head.failed)
            die("no room for a body");
        put_all(fd, head.data, head.len);
        put_all(fd, b.data, b.len);
        hear(fd);
        atomic_fetch_add(&job.bytes, (long)b.len);
    }
    gf_buf_free(&b);
    gf_buf_free(&head);
    (void)close(fd);
    return arg;
}

int main(int argc, char **argv) {
    pthread_t threads[CONNECTIONS];

    if (argc != 7) {
        (void)fprintf(stderr, "points otlp|text PORT PATH REQUESTS POINTS CONNECTIONS\n");
        return 64;
    }
    job.otlp = strcmp(argv[1], "otlp") == 0;
    job.port = (int)strtol(argv[2], NULL, 10);
    job.path = argv[3];
    job.requests = strtol(argv[4], NULL, 10);
    job.points = strtol(argv[5], NULL, 10);
    job.first = (int64_t)time(NULL) - 3600 - job.requests;
    long connections = strtol(argv[6], NULL, 10);
    if (connections < 1 || connections > CONNECTIONS)
        return 64;
    double began = now();
    for (long i = 0; i < connections; i++) {
        if (pthread_create(&threads[i], NULL, send_some, NULL) != 0)
            die("thread");
    }
    for (long i = 0; i < connections; i++)
        (void)pthread_join(threads[i], NULL);
    (void)printf("%.3f %ld\n", now() - began, atomic_load(&job.bytes));
    return 0;
}
