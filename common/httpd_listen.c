/*
 * httpd_listen.c -- the socket that a server listens at.
 */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/httpd.h"

#define BACKLOG 128
#define UNIX    "unix:"

static const char *path_of(const char *address) {
    return strncmp(address, UNIX, sizeof UNIX - 1) == 0 ? address + sizeof UNIX - 1 : NULL;
}

/* The address that was asked for, numeric only: names may mean another machine tomorrow. */
static int resolve(const char *address, uint16_t port, struct sockaddr_storage *out,
                   socklen_t *len) {
    const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
                                   .ai_family = AF_UNSPEC,
                                   .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    char service[8];

    (void)snprintf(service, sizeof service, "%u", (unsigned)port);
    if (getaddrinfo(address, service, &hints, &found) != 0)
        return -1;
    memcpy(out, found->ai_addr, found->ai_addrlen);
    *len = found->ai_addrlen;
    freeaddrinfo(found);
    return 0;
}

static int fail(int fd, const char *address, uint16_t port, struct gf_err *e) {
    int in_use = errno == EADDRINUSE;

    if (path_of(address) != NULL)
        (void)gf_err_errno(e, "cannot listen at %s", address);
    else
        (void)gf_err_errno(e, "cannot listen at %s port %u", address, (unsigned)port);
    if (e != NULL)
        e->code = in_use ? GF_E_BUSY : GF_E_CONFIG;
    if (fd != -1)
        (void)close(fd);
    return -1;
}

/* What lies there may be the socket of a server that died; a living one is not disturbed. */
static void remove_dead(const struct sockaddr_un *a) {
    struct stat st;

    if (lstat(a->sun_path, &st) == -1 || !S_ISSOCK(st.st_mode))
        return;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd == -1)
        return;
    if (connect(fd, (const struct sockaddr *)a, sizeof *a) == -1 && errno == ECONNREFUSED)
        (void)unlink(a->sun_path);
    (void)close(fd);
}

int httpd_listen_check(const char *address, struct gf_err *e) {
    const char *path = path_of(address);
    struct sockaddr_storage a;
    socklen_t len = 0;

    if (path != NULL) {
        if (path[0] == '/' && strlen(path) < sizeof((struct sockaddr_un *)0)->sun_path)
            return 0;
        return gf_err_set(e, GF_E_CONFIG,
                          "%.120s: must be unix: and an absolute path of at most "
                          "107 bytes",
                          address);
    }
    if (resolve(address, 0, &a, &len) == 0)
        return 0;
    return gf_err_set(e, GF_E_CONFIG,
                      "%.100s: is no numeric address; use 127.0.0.1, ::1, 0.0.0.0, :: or that "
                      "of an interface, or unix:/PATH",
                      address);
}

static int listen_unix(const char *address, int *out, struct gf_err *e) {
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    const char *path = path_of(address);

    memcpy(a.sun_path, path, strlen(path) + 1);
    remove_dead(&a);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd == -1 || bind(fd, (const struct sockaddr *)&a, sizeof a) == -1)
        return fail(fd, address, 0, e);
    if (chmod(path, 0660) == -1 || listen(fd, BACKLOG) == -1) {
        (void)unlink(path);
        return fail(fd, address, 0, e);
    }
    *out = fd;
    return 0;
}

int httpd_listen_open(const char *address, uint16_t port, int *out, struct gf_err *e) {
    struct sockaddr_storage a;
    socklen_t len = 0;
    const int on = 1;

    if (httpd_listen_check(address, e) == -1)
        return -1;
    if (path_of(address) != NULL)
        return listen_unix(address, out, e);
    if (resolve(address, port, &a, &len) == -1)
        return gf_err_set(e, GF_E_SYSTEM, "%.100s: no memory", address);
    int fd = socket(a.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd == -1 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == -1 ||
        bind(fd, (const struct sockaddr *)&a, len) == -1 || listen(fd, BACKLOG) == -1)
        return fail(fd, address, port, e);
    *out = fd;
    return 0;
}

uint16_t httpd_listen_port(int fd) {
    struct sockaddr_storage a = {0};
    socklen_t len = sizeof a;

    if (getsockname(fd, (struct sockaddr *)&a, &len) == -1)
        return 0;
    if (a.ss_family == AF_INET)
        return ntohs(((const struct sockaddr_in *)(const void *)&a)->sin_port);
    if (a.ss_family == AF_INET6)
        return ntohs(((const struct sockaddr_in6 *)(const void *)&a)->sin6_port);
    return 0;
}

int httpd_listen_is_local(const char *address) {
    struct sockaddr_storage a;
    socklen_t len = 0;

    if (path_of(address) != NULL)
        return 1;
    if (resolve(address, 0, &a, &len) == -1)
        return 0;
    if (a.ss_family == AF_INET)
        return (ntohl(((const struct sockaddr_in *)(const void *)&a)->sin_addr.s_addr) >> 24) ==
               127;
    return a.ss_family == AF_INET6 &&
           IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)(const void *)&a)->sin6_addr);
}

void httpd_listen_remove(const char *address) {
    if (path_of(address) != NULL)
        (void)unlink(path_of(address));
}
