/*
 * httpd_reply.c -- what a program asks of a request, and its replies.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/httpd_internal.h"
#include "gapferry/file.h"

/* Bytes of a file in one go, if there is room. */
#define BLOCK 16384

/* ---- a request ---- */

const char *httpd_method(const struct httpd_request *r) {
    return r->method;
}

const char *httpd_path(const struct httpd_request *r) {
    return r->path;
}

const char *httpd_query(const struct httpd_request *r, const char *name) {
    return MHD_lookup_connection_value(r->mhd, MHD_GET_ARGUMENT_KIND, name);
}

const char *httpd_header(const struct httpd_request *r, const char *name) {
    return MHD_lookup_connection_value(r->mhd, MHD_HEADER_KIND, name);
}

int64_t httpd_body_size(const struct httpd_request *r) {
    return r->body_size;
}

void httpd_set(struct httpd_request *r, void *mine) {
    r->mine = mine;
}

void *httpd_get(const struct httpd_request *r) {
    return r->mine;
}

int httpd_is_local(const struct httpd_request *r) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(r->mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *from = info != NULL ? info->client_addr : NULL;

    if (from == NULL)
        return 0;
    if (from->sa_family == AF_UNIX)
        return 1;
    if (from->sa_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, from, sizeof v4);
        return ntohl(v4.sin_addr.s_addr) >> 24 == 127;
    }
    struct sockaddr_in6 v6;
    if (from->sa_family != AF_INET6)
        return 0;
    memcpy(&v6, from, sizeof v6);
    return IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr) ||
           (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr) && v6.sin6_addr.s6_addr[12] == 127);
}

void httpd_address(const struct httpd_request *r, char *out, size_t room) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(r->mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *from = info != NULL ? info->client_addr : NULL;
    struct sockaddr_in6 v6;
    struct sockaddr_in v4;
    const char *text = NULL;

    out[0] = '\0';
    if (from != NULL && from->sa_family == AF_INET) {
        memcpy(&v4, from, sizeof v4);
        text = inet_ntop(AF_INET, &v4.sin_addr, out, (socklen_t)room);
    } else if (from != NULL && from->sa_family == AF_INET6) {
        memcpy(&v6, from, sizeof v6);
        if (!IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr))
            memset(v6.sin6_addr.s6_addr + 8, 0, 8);
        text = inet_ntop(AF_INET6, &v6.sin6_addr, out, (socklen_t)room);
    } else if (from != NULL && from->sa_family == AF_UNIX) {
        (void)snprintf(out, room, "unix");
        return;
    }
    if (text == NULL)
        out[0] = '\0';
}

/* ---- replies ---- */

static void set_reply(struct httpd_request *r, const struct httpd_reply *a,
                      struct MHD_Response *m) {
    char text[16];

    r->deferred = 0; /* also where there is no memory for it */
    if (r->reply != NULL && m != NULL)
        MHD_destroy_response(m);
    if (r->reply != NULL || m == NULL)
        return;
    (void)MHD_add_response_header(m, "Content-Type", a->type);
    (void)MHD_add_response_header(m, "Cache-Control", "no-store");
    (void)MHD_add_response_header(m, "X-Content-Type-Options", "nosniff");
    if (r->last)
        (void)MHD_add_response_header(m, "Connection", "close");
    if (a->allow != NULL)
        (void)MHD_add_response_header(m, "Allow", a->allow);
    if (a->retry_after_s > 0) {
        (void)snprintf(text, sizeof text, "%u", a->retry_after_s);
        (void)MHD_add_response_header(m, "Retry-After", text);
    }
    for (const struct httpd_field *f = a->fields; f != NULL && f->name != NULL; f++)
        (void)MHD_add_response_header(m, f->name, f->value);
    r->reply = m;
    r->status = a->status;
}

void httpd_reply(struct httpd_request *r, const struct httpd_reply *a, const void *body,
                 size_t len) {
    union {
        const void *in;
        void *out;
    } bytes = {.in = body};
    set_reply(r, a, MHD_create_response_from_buffer(len, bytes.out, MHD_RESPMEM_MUST_COPY));
}

/* A file on its way out. */
struct file {
    int fd;
    struct httpd_connection *c;
};

static ssize_t read_file(void *arg, uint64_t at, char *buf, size_t max) {
    struct file *f = arg;
    ssize_t n = gf_file_read_at(f->fd, buf, max, (int64_t)at);

    if (f->c != NULL)
        f->c->moved = (int64_t)at;
    return n > 0 ? n : MHD_CONTENT_READER_END_WITH_ERROR;
}

static void close_file(void *arg) {
    struct file *f = arg;

    (void)close(f->fd);
    free(f);
}

void httpd_reply_file(struct httpd_request *r, const struct httpd_reply *a, int fd, int64_t size) {
    struct file *f = calloc(1, sizeof *f);

    if (f == NULL) {
        (void)close(fd);
        return;
    }
    f->fd = fd;
    f->c = r->c;
    struct MHD_Response *m =
        MHD_create_response_from_callback((uint64_t)size, BLOCK, read_file, f, close_file);
    if (m == NULL)
        close_file(f);
    set_reply(r, a, m);
}
