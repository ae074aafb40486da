/*
 * httpd.c -- an HTTP/1.1 server over libmicrohttpd.
 *
 * libmicrohttpd limits inactivity only, so a caller who sends a byte now and then would keep a
 * connection for ever; the deadlines of httpd.h are kept here, once a second.
 */
#include "common/httpd_internal.h"
#include "common/mono.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* Bytes of a body that are read and thrown away behind an early reply; beyond that the connection
 * is closed. */
#define DRAIN_MAX (1 << 20)

/* The same for a chunked body: a reply can only be given at its end. */
#define DRAIN_CHUNKED_MAX (64 << 20)

/* Bytes of memory for one connection: buffers both ways, and the head. */
#define MEMORY       32768
#define MEMORY_SHORT 8192

/* Only these versions, and only ciphers with forward secrecy. */
#define TLS "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA:%SERVER_PRECEDENCE"

static void enter(struct httpd_connection *c, enum httpd_phase phase) {
    c->phase = phase;
    c->since = mono_ms();
    c->moved = 0;
}

/* ---- connections ---- */

static void drop(struct httpd_connection *c) {
    if (c == NULL)
        return;
    *c->at = c->next;
    if (c->next != NULL)
        c->next->at = c->at;
    free(c);
}

static void on_connection(void *arg, struct MHD_Connection *mhd, void **context,
                          enum MHD_ConnectionNotificationCode code) {
    struct httpd_connection *c = *context;
    struct httpd *h = arg;
    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        h->again = 1;
        drop(c);
        *context = NULL;
        return;
    }
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
    c = calloc(1, sizeof *c);
    if (c == NULL || info == NULL) {
        free(c);
        return;
    }
    c->h = h;
    c->fd = info->connect_fd;
    enter(c, PHASE_HEAD);
    c->next = h->connections;
    c->at = &h->connections;
    if (c->next != NULL)
        c->next->at = &c->next;
    h->connections = c;
    *context = c;
}

/* libmicrohttpd then meets the end of the stream, and closes it. */
static void keep_deadlines(struct httpd *h, int64_t now) {
    for (struct httpd_connection *c = h->connections; c != NULL; c = c->next) {
        int64_t allowed = h->head_ms + c->moved / h->rate_min * 1000;
        if (c->phase == PHASE_HELD || c->broken || now - c->since < allowed)
            continue;
        (void)shutdown(c->fd, SHUT_RDWR);
        c->broken = 1;
    }
}

/* ---- refusals ---- */

static void refuse(struct httpd_request *r, unsigned status, const char *text) {
    const struct httpd_reply a = {.status = status,
                                  .type = "text/plain; charset=utf-8",
                                  .allow = status == 405 ? "GET, HEAD, POST" : NULL};
    httpd_reply(r, &a, text, strlen(text));
}

/* ---- requests ---- */

static enum MHD_Result add_field(void *arg, enum MHD_ValueKind kind, const char *name,
                                 const char *value) {
    (void)kind;
    httpd_head_field(arg, name, value);
    return MHD_YES;
}

/* The target before it is decoded: behind a decoded %00 nothing of it would be seen. */
static void *on_target(void *arg, const char *target, struct MHD_Connection *mhd) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct httpd_connection *c = info != NULL ? info->socket_context : NULL;
    (void)arg;

    if (c != NULL)
        httpd_head_begin(&c->head, &c->h->rules, target);
    return NULL;
}

static void check_head(struct httpd_request *r, const char *version) {
    (void)MHD_get_connection_values(r->mhd, MHD_HEADER_KIND, add_field, &r->c->head);
    struct httpd_head_refusal no = httpd_head_judge(&r->c->head, r->method, version);
    r->body_size = r->c->head.encoded ? -1 : r->c->head.length;
    r->last = no.close;
    if (no.status != 0)
        refuse(r, no.status, no.text);
}

static struct httpd_request *new_request(struct httpd *h, struct MHD_Connection *mhd,
                                         const char *url, const char *method) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct httpd_request *r = calloc(1, sizeof *r);

    if (r == NULL || info == NULL || info->socket_context == NULL ||
        (r->path = strdup(url != NULL ? url : "")) == NULL) {
        free(r);
        return NULL;
    }
    r->h = h;
    r->c = info->socket_context;
    r->mhd = mhd;
    r->method = method;
    r->c->request = r;
    h->requests++;
    return r;
}

static enum MHD_Result queue(struct httpd_request *r) {
    if (r->queued)
        return MHD_YES;
    if (r->reply == NULL)
        refuse(r, 500, "no reply was made\n");
    if (r->reply == NULL)
        return MHD_NO;
    r->queued = 1;
    enter(r->c, PHASE_REPLY);
    return MHD_queue_response(r->mhd, r->status, r->reply);
}

/* Suspended at the end of a call of libmicrohttpd's, where it may be. */
static enum MHD_Result settle(struct httpd_request *r) {
    if (r->held) {
        enter(r->c, PHASE_HELD);
        MHD_suspend_connection(r->mhd);
    }
    return MHD_YES;
}

/* Nothing is done: libmicrohttpd asks for the reply again in each step. */
static enum MHD_Result defer(struct httpd_request *r) {
    enter(r->c, PHASE_HELD);
    return MHD_YES;
}

static enum MHD_Result begin_request(struct httpd_request *r, const char *version) {
    check_head(r, version);
    if (r->reply == NULL && r->h->calls.begin != NULL)
        r->h->calls.begin(r->h->arg, r);
    enter(r->c, PHASE_BODY);
    /* A caller that waits for 100 Continue sends nothing after an early reply; one that sends
     * without waiting may not hear it unless its body is read. */
    if (r->reply != NULL &&
        (r->body_size > DRAIN_MAX || r->last || httpd_header(r, "Expect") != NULL))
        return queue(r);
    return settle(r);
}

/* Only a chunked one can come to more than its head has said. */
static enum MHD_Result bound_body(struct httpd_request *r) {
    if (r->body_got > r->h->rules.body_max && r->reply == NULL)
        refuse(r, 413, "the body is larger than this server takes\n");
    return r->body_size == -1 && r->reply != NULL && r->body_got > DRAIN_CHUNKED_MAX ? MHD_NO
                                                                                     : MHD_YES;
}

static enum MHD_Result take_body(struct httpd_request *r, const char *data, size_t *len) {
    size_t taken = *len;

    r->body_got += (int64_t)*len;
    r->c->moved = r->body_got;
    if (bound_body(r) == MHD_NO)
        return MHD_NO;
    if (r->reply == NULL && r->h->calls.body != NULL)
        taken = r->h->calls.body(r->h->arg, r, data, *len);
    if (taken > *len || (taken < *len && !r->held))
        taken = *len;
    r->body_got -= (int64_t)(*len - taken);
    *len -= taken;
    return settle(r);
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *mhd, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *len, void **context) {
    struct httpd_request *r = *context;

    if (r == NULL) {
        r = new_request(arg, mhd, url, method);
        *context = r;
        return r == NULL ? MHD_NO : begin_request(r, version);
    }
    if (r->deferred)
        return MHD_YES;
    if (r->c->phase == PHASE_HELD) {
        enter(r->c, PHASE_BODY);
        r->h->again |= r->reply != NULL;
    }
    if (*len > 0)
        return take_body(r, data, len);
    /* One that was held at its head comes here again before its body does. */
    if (r->reply == NULL && r->body_got < r->body_size)
        return settle(r);
    if (r->reply == NULL && !r->ended) {
        r->ended = 1;
        r->h->calls.end(r->h->arg, r);
        if (r->held)
            return settle(r);
    }
    if (r->deferred)
        return defer(r);
    return queue(r);
}

static void on_completed(void *arg, struct MHD_Connection *mhd, void **context,
                         enum MHD_RequestTerminationCode code) {
    struct httpd_request *r = *context;
    struct httpd *h = arg;
    (void)mhd;
    (void)code;

    *context = NULL;
    if (r == NULL)
        return;
    if (h->calls.gone != NULL)
        h->calls.gone(h->arg, r);
    enter(r->c, PHASE_HEAD);
    r->c->request = NULL;
    if (r->reply != NULL)
        MHD_destroy_response(r->reply);
    h->requests--;
    free(r->path);
    free(r);
}

void httpd_hold(struct httpd_request *r) {
    r->held = 1;
}

void httpd_resume(struct httpd_request *r) {
    if (!r->held)
        return;
    r->held = 0;
    if (r->c->phase == PHASE_HELD)
        MHD_resume_connection(r->mhd);
}

void httpd_defer(struct httpd_request *r) {
    r->deferred = r->reply == NULL;
}

/* ---- the server ---- */

static int start(struct httpd *h, const struct httpd_options *o) {
    unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | (o->cert != NULL ? MHD_USE_TLS : 0);
    struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)o->cert},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)o->key},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)TLS},
        {MHD_OPTION_END, 0, NULL},
    };

    h->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, on_request, h, MHD_OPTION_LISTEN_SOCKET, o->listen_fd,
        MHD_OPTION_CONNECTION_LIMIT, o->connections, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
        o->per_address, MHD_OPTION_CONNECTION_TIMEOUT, o->idle_s,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)(o->short_heads ? MEMORY_SHORT : MEMORY),
        MHD_OPTION_CONNECTION_MEMORY_INCREMENT, (size_t)4096, MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, h, MHD_OPTION_NOTIFY_CONNECTION, on_connection,
        h, MHD_OPTION_URI_LOG_CALLBACK, on_target, h, MHD_OPTION_ARRAY,
        o->cert != NULL ? tls : tls + 3, MHD_OPTION_END);
    if (h->daemon == NULL)
        return -1;
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    if (info == NULL)
        return -1;
    h->epoll = info->epoll_fd;
    return 0;
}

int httpd_new(const struct httpd_options *o, struct httpd **out, struct gf_err *e) {
    struct httpd *h = calloc(1, sizeof *h);

    if (h == NULL)
        return gf_err_set(e, GF_E_SYSTEM, "no memory for the server");
    h->calls = o->calls;
    h->arg = o->arg;
    h->head_ms = (int64_t)o->head_s * 1000;
    h->rate_min = o->rate_min > 0 ? o->rate_min : 1;
    h->rules = (struct httpd_head_rules){
        .body_max = o->body_max, .chunked = o->chunked, .pages = o->pages, .hosts = o->hosts};
    if (start(h, o) == -1) {
        httpd_free(h);
        if (o->cert != NULL)
            return gf_err_set(e, GF_E_CONFIG,
                              "the server cannot start: certificate and key must "
                              "be PEM, and belong together");
        return gf_err_set(e, GF_E_SYSTEM, "the server cannot start");
    }
    *out = h;
    return 0;
}

int httpd_fd(const struct httpd *h) {
    return h->epoll;
}

int httpd_wait_ms(const struct httpd *h) {
    MHD_UNSIGNED_LONG_LONG ms = 0;
    int wait = -1;

    if (MHD_get_timeout(h->daemon, &ms) == MHD_YES)
        wait = ms < 1000 ? (int)ms : 1000;
    if (wait == -1 && h->connections != NULL)
        wait = 1000;
    return wait;
}

void httpd_step(struct httpd *h) {
    int64_t now = mono_ms();

    if (now - h->looked >= 1000) {
        keep_deadlines(h, now);
        h->looked = now;
    }
    h->again = 0;
    (void)MHD_run(h->daemon);
    /* A daemon that was full takes its socket up again only when it runs after the end of a
     * connection; nothing else would wake it. A reply that came late leaves when it runs after it
     * has heard of it: now, and not behind whatever the program does next. */
    if (h->again)
        (void)MHD_run(h->daemon);
}

void httpd_quiesce(struct httpd *h) {
    (void)MHD_quiesce_daemon(h->daemon);
}

size_t httpd_requests(const struct httpd *h) {
    return h->requests;
}

void httpd_free(struct httpd *h) {
    if (h == NULL)
        return;
    /* libmicrohttpd ends the process over a connection that is still suspended. */
    for (struct httpd_connection *c = h->connections; c != NULL; c = c->next)
        if (c->request != NULL)
            httpd_resume(c->request);
    if (h->daemon != NULL)
        MHD_stop_daemon(h->daemon);
    free(h);
}
