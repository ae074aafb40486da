/*
 * sink.c -- an HTTP server that takes every POST and says 200: as little work as can be, so that it
 * is not what a benchmark of clients measures.
 *
 *   sink PORT     prints one line when it is ready
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
#include <unistd.h>

enum { CLIENTS = 1024, ROOM = 65536 };

struct client {
    char in[ROOM];
    size_t len;
};

/* Answer every whole request; 0 when the connection is over. */
static int serve(int fd, struct client *c) {
    static const char ok[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    ssize_t n = read(fd, c->in + c->len, ROOM - 1 - c->len);

    if (n <= 0)
        return 0;
    c->len += (size_t)n;
    for (;;) {
        c->in[c->len] = '\0';
        const char *ends = strstr(c->in, "\r\n\r\n");
        const char *length = strstr(c->in, "Content-Length: ");
        if (ends == NULL)
            return 1;
        size_t whole = (size_t)(ends + 4 - c->in) +
                       (length != NULL && length < ends ? strtoul(length + 16, NULL, 10) : 0);
        if (c->len < whole)
            return 1;
        if (send(fd, ok, sizeof ok - 1, MSG_NOSIGNAL) != (ssize_t)sizeof ok - 1)
            return 0;
        memmove(c->in, c->in + whole, c->len - whole);
        c->len -= whole;
    }
}

int main(int argc, char **argv) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct client **clients = calloc(CLIENTS, sizeof *clients);
    struct epoll_event events[64];
    int one = 1;

    if (argc != 2 || clients == NULL)
        return 64;
    a.sin_port = htons((uint16_t)atoi(argv[1]));
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&a, sizeof a) == -1 || listen(fd, 128) == -1) {
        perror("sink");
        return 74;
    }
    int ep = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event add = {.events = EPOLLIN, .data.fd = fd};
    (void)epoll_ctl(ep, EPOLL_CTL_ADD, fd, &add);
    (void)printf("sink: ready\n");
    (void)fflush(stdout);
    for (;;) {
        int n = epoll_wait(ep, events, 64, -1);
        for (int i = 0; i < n; i++) {
            int at = events[i].data.fd;
            if (at == fd) {
                int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
                if (client < 0 || client >= CLIENTS) {
                    if (client >= 0)
                        (void)close(client);
                    continue;
                }
                (void)setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
                if (clients[client] == NULL)
                    clients[client] = calloc(1, sizeof **clients);
                if (clients[client] != NULL)
                    clients[client]->len = 0;
                add.data.fd = client;
                (void)epoll_ctl(ep, EPOLL_CTL_ADD, client, &add);
            } else if (clients[at] == NULL || !serve(at, clients[at])) {
                (void)close(at);
            }
        }
    }
}
