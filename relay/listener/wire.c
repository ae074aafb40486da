/*
 * wire.c -- messages between listener and worker.
 */
#include "relay/listener/wire.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* How long the other side may leave its messages unread. */
#define PATIENCE_MS 5000

/* Room for one descriptor on its way. */
union ancillary {
    char bytes[CMSG_SPACE(sizeof(int))];
    struct cmsghdr align;
};

static int fail_gone(struct gf_err *e) {
    return gf_err_set(e, GF_E_SYSTEM, "the process at the other end is gone");
}

static int send_all(int sock, const struct msghdr *m, struct gf_err *e) {
    for (;;) {
        struct pollfd p = {.fd = sock, .events = POLLOUT};
        if (sendmsg(sock, m, MSG_NOSIGNAL | MSG_DONTWAIT) != -1)
            return 0;
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN && errno != ENOBUFS)
            return fail_gone(e);
        int n = poll(&p, 1, PATIENCE_MS);
        if (n == 0 || (n == -1 && errno != EINTR))
            return gf_err_set(e, GF_E_SYSTEM, "the process at the other end does not listen");
    }
}

int wire_ask_send_with(int sock, const struct wire_ask *a, const void *data, struct gf_err *e) {
    union {
        const void *in;
        void *out;
    } head = {.in = a}, body = {.in = data};
    struct iovec parts[2] = {{head.out, sizeof *a}, {body.out, a->len}};
    const struct msghdr m = {.msg_iov = parts, .msg_iovlen = a->len > 0 ? 2 : 1};

    return send_all(sock, &m, e);
}

int wire_ask_send(int sock, const struct wire_ask *a, struct gf_err *e) {
    return wire_ask_send_with(sock, a, NULL, e);
}

int wire_say_send(int sock, const struct wire_say *s, const void *data, int fd, struct gf_err *e) {
    union {
        const void *in;
        void *out;
    } head = {.in = s}, body = {.in = data};
    struct iovec parts[2] = {{head.out, sizeof *s}, {body.out, s->len}};
    struct msghdr m = {.msg_iov = parts, .msg_iovlen = s->len > 0 ? 2 : 1};
    union ancillary extra;

    if (fd != -1) {
        memset(&extra, 0, sizeof extra);
        m.msg_control = extra.bytes;
        m.msg_controllen = sizeof extra.bytes;
        struct cmsghdr *c = CMSG_FIRSTHDR(&m);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof fd);
        memcpy(CMSG_DATA(c), &fd, sizeof fd);
    }
    return send_all(sock, &m, e);
}

/* What came: its length, 0 for none now, -1. */
static ssize_t receive(int sock, struct msghdr *m, struct gf_err *e) {
    ssize_t n = recvmsg(sock, m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

    if (n == -1 && (errno == EAGAIN || errno == EINTR))
        return 0;
    return n <= 0 ? fail_gone(e) : n;
}

/* It is of this form: no bundle is larger, and a size below 0 would make room for others. */
static int is_ask(const struct wire_ask *a, const struct msghdr *m, ssize_t n) {
    return n >= (ssize_t)sizeof *a && (size_t)n == sizeof *a + a->len &&
           (m->msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0 && a->kind >= WIRE_HELLO &&
           a->kind <= WIRE_OWN_CARD && (a->kind == WIRE_ENROL || a->len == 0) && a->size >= 0 &&
           a->size <= GF_BUNDLE_MAX;
}

int wire_ask_next(int sock, struct wire_ask *a, char data[WIRE_ASK_MAX], struct gf_err *e) {
    struct iovec parts[2] = {{a, sizeof *a}, {data, WIRE_ASK_MAX}};
    struct msghdr m = {.msg_iov = parts, .msg_iovlen = 2};
    ssize_t n = receive(sock, &m, e);

    if (n <= 0)
        return (int)n;
    if (!is_ask(a, &m, n))
        return gf_err_set(e, GF_E_SYSTEM, "the listener asks what nobody understands");
    return 1;
}

/* The one descriptor that came along, or -1. */
static int take_fd(struct msghdr *m) {
    struct cmsghdr *c = CMSG_FIRSTHDR(m);
    int fd = -1;

    if (c != NULL && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
        c->cmsg_len == CMSG_LEN(sizeof fd))
        memcpy(&fd, CMSG_DATA(c), sizeof fd);
    return fd;
}

int wire_say_next(int sock, struct wire_say *s, char *data, int *fd, struct gf_err *e) {
    struct iovec parts[2] = {{s, sizeof *s}, {data, WIRE_DATA_MAX}};
    union ancillary extra;
    struct msghdr m = {.msg_iov = parts,
                       .msg_iovlen = 2,
                       .msg_control = extra.bytes,
                       .msg_controllen = sizeof extra.bytes};
    ssize_t n = receive(sock, &m, e);

    if (n <= 0)
        return (int)n;
    *fd = take_fd(&m);
    if (n < (ssize_t)sizeof *s || (size_t)n != sizeof *s + s->len) {
        if (*fd != -1)
            (void)close(*fd);
        return gf_err_set(e, GF_E_SYSTEM, "the worker answers what nobody understands");
    }
    data[s->len] = '\0';
    return 1;
}
