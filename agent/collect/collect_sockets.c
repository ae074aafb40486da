/*
 * collect_sockets.c -- listening sockets, made or handed over.
 */
#include "agent/collect/collect_sockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/httpd.h"

/* The first descriptor that systemd hands over. */
#define FIRST 3

static void name_port(struct collect_sockets *s, const char *address) {
    int six = strchr(address, ':') != NULL;

    (void)snprintf(s->listen, sizeof s->listen, "%s%s%s:%u", six ? "[" : "", address,
                   six ? "]" : "", (unsigned)httpd_listen_port(s->tcp));
}

static int take_port(struct collect_sockets *s, int fd, const struct sockaddr_storage *a,
                     struct gf_err *e) {
    char text[INET6_ADDRSTRLEN] = "";
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;

    memcpy(&v4, a, sizeof v4);
    memcpy(&v6, a, sizeof v6);
    if (a->ss_family == AF_INET)
        (void)inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
    else if (a->ss_family == AF_INET6)
        (void)inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
    if (text[0] == '\0' || !httpd_listen_is_local(text) || s->tcp != -1)
        return gf_err_set(e, GF_E_CONFIG,
                          "the service manager hands over a socket at %s: one at 127.0.0.1 or "
                          "::1, and one path, are taken",
                          text[0] != '\0' ? text : "no address");
    s->tcp = fd;
    name_port(s, text);
    return 0;
}

static int take(struct collect_sockets *s, int fd, struct gf_err *e) {
    struct sockaddr_storage a = {0};
    struct sockaddr_un path;
    socklen_t len = sizeof a;
    int listening = 0;
    socklen_t size = sizeof listening;

    if (getsockname(fd, (struct sockaddr *)&a, &len) == -1 ||
        getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) == -1 || !listening ||
        fcntl(fd, F_SETFD, FD_CLOEXEC) == -1 ||
        fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) == -1)
        return gf_err_set(e, GF_E_CONFIG, "the service manager hands over no listening socket");
    if (a.ss_family != AF_UNIX || s->local != -1)
        return take_port(s, fd, &a, e);
    memcpy(&path, &a, sizeof path);
    path.sun_path[sizeof path.sun_path - 1] = '\0';
    (void)snprintf(s->socket, sizeof s->socket, "%s", path.sun_path);
    s->local = fd;
    return 0;
}

/* The directory of the socket, where it is missing: one below /run belongs to nobody else. */
static int make_parents(const char *path, struct gf_err *e) {
    char part[108];

    for (const char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        (void)snprintf(part, sizeof part, "%.*s", (int)(slash - path), path);
        if (mkdir(part, 0755) == -1 && errno != EEXIST)
            return gf_err_set(e, GF_E_CONFIG,
                              "%s: %s; name another path with [collect] socket, or none: \"\"",
                              part, strerror(errno));
    }
    return 0;
}

static int make(struct collect_sockets *s, const struct collect_settings *set, struct gf_err *e) {
    char address[128];

    if (set->address[0] != '\0') {
        if (httpd_listen_open(set->address, set->port, &s->tcp, e) == -1)
            return -1;
        name_port(s, set->address);
    }
    if (set->socket[0] == '\0')
        return 0;
    (void)snprintf(address, sizeof address, "unix:%s", set->socket);
    if (make_parents(set->socket, e) == -1 || httpd_listen_open(address, 0, &s->local, e) == -1)
        return -1;
    (void)snprintf(s->socket, sizeof s->socket, "%s", set->socket);
    s->ours = 1;
    return 0;
}

int collect_sockets_open(const struct collect_settings *set, int passed,
                         struct collect_sockets *out, struct gf_err *e) {
    struct collect_sockets s = {.tcp = -1, .local = -1};
    int rc = passed == 0 ? make(&s, set, e) : 0;

    for (int i = 0; i < passed && rc == 0; i++)
        rc = take(&s, FIRST + i, e);
    if (rc == -1)
        collect_sockets_close(&s);
    *out = s;
    return rc;
}

void collect_sockets_close(struct collect_sockets *s) {
    if (s->ours && s->socket[0] != '\0')
        (void)unlink(s->socket);
    if (s->tcp != -1)
        (void)close(s->tcp);
    if (s->local != -1)
        (void)close(s->local);
    *s = (struct collect_sockets){.tcp = -1, .local = -1};
}
