/*
 * httpd.h -- an HTTP/1.1 server on one socket; the only user of libmicrohttpd (LGPL-2.1 or later,
 * linked dynamically; its TLS is GnuTLS, likewise).
 *
 * One thread, no loop of its own: the program waits for httpd_fd() together with whatever else it
 * waits for, at most httpd_wait_ms(), and then calls httpd_step(). A request can be held while its
 * answer is fetched from elsewhere; others go on.
 *
 * Whoever connects is a stranger: the number of connections, the size of heads and bodies, and the
 * time for each are bounded. A head must be complete within head_s of connecting, or of the last
 * reply; a body must arrive, and a reply be fetched, within head_s and a second for each rate_min
 * bytes; a connection without a byte for idle_s is closed. At most `connections` descriptors are
 * used beyond the listening one; further callers wait in its backlog. A head has at most about
 * 32 KiB (else 431).
 *
 * Requests with Transfer-Encoding (unless the program takes chunked bodies), with a body but no
 * Content-Length, with a Host that is not the server's (where it has names), with an Origin (a
 * browser's page; unless the program serves pages), with a method other than GET, HEAD and POST,
 * GET and HEAD with a body, with %00 in the target or with a head that two readers could understand
 * differently are answered here and never shown (httpd_head.h).
 */
#ifndef COMMON_HTTPD_H
#define COMMON_HTTPD_H

#include <stddef.h>
#include <stdint.h>

#include "gapferry/err.h"

struct httpd;
struct httpd_request; /* from begin() to gone() */

/* What the program does; all but `end` may be NULL. Within each call it may reply to or hold the
 * request at hand, and resume others. */
struct httpd_calls {
    /* Its head is there. */
    void (*begin)(void *arg, struct httpd_request *r);
    /* Bytes of its body, at least one. Returns how many were taken; fewer only if the request is
     * held now, and then the rest comes again. Not called once there is a reply. */
    size_t (*body)(void *arg, struct httpd_request *r, const void *data, size_t len);
    /* It is complete: reply, or hold and reply later. */
    void (*end)(void *arg, struct httpd_request *r);
    /* It is over, replied or broken; what belongs to it can go. */
    void (*gone)(void *arg, struct httpd_request *r);
};

struct httpd_options {
    int listen_fd;            /* borrowed; listening, non-blocking */
    const char *cert, *key;   /* PEM texts, borrowed for the call; NULL: plain HTTP */
    unsigned connections;     /* at most, 1 to 4096 */
    unsigned per_address;     /* of these from one address; 0: no such limit */
    unsigned head_s, idle_s;  /* seconds; 1 to 3600 */
    int64_t rate_min;         /* bytes per second */
    int64_t body_max;         /* bytes of a body: more is answered 413 */
    int pages;                /* 1: an Origin is let through; the program judges it */
    int chunked;              /* 1: a body may be chunked; such a request is not held in begin() */
    int short_heads;          /* 1: a head has at most about 8 KiB, and each request costs less: all
                                 of that memory is cleared for it */
    const char *const *hosts; /* names that a Host may have, any port; NULL-ended, borrowed. NULL:
                                 any */
    struct httpd_calls calls;
    void *arg;
};

/* Errors: GF_E_CONFIG (certificate or key), GF_E_SYSTEM. */
GF_MUST_CHECK int httpd_new(const struct httpd_options *o, struct httpd **out, struct gf_err *e);

/* Readable when there is something to do. */
int httpd_fd(const struct httpd *h);
/* Milliseconds to wait at most; -1: as long as you like. */
int httpd_wait_ms(const struct httpd *h);
void httpd_step(struct httpd *h);

/* No more connections from now on; those that are there go on. */
void httpd_quiesce(struct httpd *h);
/* Requests under way. */
size_t httpd_requests(const struct httpd *h);
/* Break all connections (gone() is called for each request) and release; accepts NULL. */
void httpd_free(struct httpd *h);

/* ---- a request ---- */

const char *httpd_method(const struct httpd_request *r);
const char *httpd_path(const struct httpd_request *r); /* decoded, without the query */
/* The value of a query argument or header; NULL: none. Borrowed until gone(). */
const char *httpd_query(const struct httpd_request *r, const char *name);
const char *httpd_header(const struct httpd_request *r, const char *name);
/* Content-Length; 0 without a body, -1: it is chunked, and its size not known. */
int64_t httpd_body_size(const struct httpd_request *r);
/* 1 if it comes from this machine: by a loopback address or a unix socket. */
int httpd_is_local(const struct httpd_request *r);
/* The caller's address, for telling callers apart: of IPv6 the first 64 bits, "unix" for a unix
 * socket, "" where it is not known. */
void httpd_address(const struct httpd_request *r, char *out, size_t room);
/* Something of the program's own. */
void httpd_set(struct httpd_request *r, void *mine);
void *httpd_get(const struct httpd_request *r);

void httpd_hold(struct httpd_request *r);
void httpd_resume(struct httpd_request *r);
/* In end() only: the reply comes before the program waits again, though perhaps some steps later.
 * Cheaper than holding, after which the connection has to be watched anew: until the reply is there
 * each step asks for it, and httpd_wait_ms() is 0. gone() may come first. */
void httpd_defer(struct httpd_request *r);

/* The reply; the first one counts. Bytes are copied; a descriptor is taken over (closed in any
 * case), its first `size` bytes are sent. retry_after_s 0: no such header. `allow`: the header of
 * that name for 405, or NULL. What is left of the body is read and thrown away, so that the caller
 * hears the reply; where it is long and none of it was read, or a chunked one does not end, the
 * connection is closed instead. */
struct httpd_field {
    const char *name, *value;
};
struct httpd_reply {
    unsigned status;
    const char *type; /* Content-Type */
    unsigned retry_after_s;
    const char *allow;
    const struct httpd_field *fields; /* others; the last has no name; NULL: none. Copied */
};
void httpd_reply(struct httpd_request *r, const struct httpd_reply *a, const void *body,
                 size_t len);
void httpd_reply_file(struct httpd_request *r, const struct httpd_reply *a, int fd, int64_t size);

/* ---- the socket (httpd_listen.c) ---- */

/* Whether an address is one to listen at, without doing so: numeric or "unix:/PATH". Errors:
 * GF_E_CONFIG. */
GF_MUST_CHECK int httpd_listen_check(const char *address, struct gf_err *e);

/* Listen at a numeric address ("127.0.0.1", "::1", "0.0.0.0"; port 0: any) or at "unix:/PATH"
 * (mode 0660; what a dead process left there is replaced). Errors: GF_E_BUSY (another
 * process listens there), GF_E_CONFIG (no such address, not permitted). */
GF_MUST_CHECK int httpd_listen_open(const char *address, uint16_t port, int *fd, struct gf_err *e);
/* The port of the socket; 0 for a path. */
uint16_t httpd_listen_port(int fd);
/* 1 if nobody outside this machine can reach such an address. */
int httpd_listen_is_local(const char *address);
/* Remove the path of a unix socket; nothing for other addresses. */
void httpd_listen_remove(const char *address);

#endif
