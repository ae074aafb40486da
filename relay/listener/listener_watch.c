/*
 * listener_watch.c -- what those ask who watch a relay: is it alive, is it ready, and its numbers.
 */
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "gapferry/file.h"
#include "relay/listener/listener.h"
#include "relay/listener/listener_guard.h"

#define METRICS_MAX  ((size_t)16 << 20)
#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

void listener_watch_text(struct listener_call *c, unsigned status, const char *text) {
    const struct httpd_reply a = {.status = status, .type = "text/plain; charset=utf-8"};

    httpd_reply(c->r, &a, text, strlen(text));
}

/* ---- ready ---- */

static void on_ready(struct listener_call *c, const struct wire_say *s, const char *data, int fd) {
    char text[300] = "ok\n";
    size_t n = 0;
    (void)fd;

    if (s->answer != WIRE_YES) {
        while (n < sizeof text - 2 && data[n] != '\0' && data[n] != '\n') {
            text[n] = data[n];
            n++;
        }
        memcpy(text + n, "\n", 2);
    }
    listener_watch_text(c, s->answer == WIRE_YES ? 200 : 503, text);
}

void listener_watch_ready(struct listener_call *c) {
    struct wire_ask a = {.kind = WIRE_READY};

    listener_ask(c, &a, on_ready);
}

/* ---- metrics ---- */

/* What only this process knows, behind what the worker has said. */
static void put_own(const struct listener *l, struct gf_buf *b) {
    gf_buf_text(b, "# HELP gapferry_relay_http_refused_total Requests that were refused, by "
                   "reason, since the listener was started.\n"
                   "# TYPE gapferry_relay_http_refused_total counter\n");
    for (int i = 0; i < (int)GF_CODE_COUNT; i++)
        if (l->refused[i].n > 0)
            gf_buf_printf(b, "gapferry_relay_http_refused_total{code=\"%s\"} %" PRIu64 "\n",
                          gf_err_name((enum gf_code)i), l->refused[i].n);
}

int listener_watch_read(int fd, int64_t size, struct gf_buf *out) {
    char *room = fd != -1 && size >= 0 ? gf_buf_grow(out, (size_t)size + 1) : NULL;
    ssize_t n = room != NULL ? gf_file_read_at(fd, room, (size_t)size, 0) : -1;

    if (fd != -1)
        (void)close(fd);
    if (n == -1)
        return -1;
    out->len += (size_t)n;
    out->data[out->len] = '\0';
    return 0;
}

static void on_metrics(struct listener_call *c, const struct wire_say *s, const char *data,
                       int fd) {
    const struct httpd_reply ok = {.status = 200, .type = METRICS_TYPE};
    struct gf_buf b;

    if (s->answer != WIRE_YES || fd == -1) {
        listener_fail(c, 503, GF_E_SYSTEM, data, 30);
        return;
    }
    gf_buf_init(&b, METRICS_MAX);
    int rc = listener_watch_read(fd, s->size, &b);
    if (rc == 0)
        put_own(c->l, &b);
    if (rc == 0 && b.failed == 0)
        httpd_reply(c->r, &ok, b.data, b.len);
    else
        listener_fail(c, 503, GF_E_SYSTEM, "no memory for the metrics", 30);
    gf_buf_free(&b);
}

/* Whoever has the token; without one, this machine, unless a page has been made to ask. */
static int may_read(const struct listener_call *c) {
    if (c->l->config.metrics_token[0] != '\0')
        return listener_guard_bearer(httpd_header(c->r, "Authorization"),
                                     c->l->config.metrics_token);
    return httpd_is_local(c->r) &&
           listener_guard_host(httpd_header(c->r, "Host"), c->l->config.names);
}

void listener_watch_metrics(struct listener_call *c) {
    struct wire_ask a = {.kind = WIRE_METRICS};

    if (may_read(c))
        listener_ask(c, &a, on_metrics);
    else
        listener_fail(c, c->l->config.metrics_token[0] != '\0' ? 401 : 403, GF_E_USER,
                      "metrics are for callers on this machine, or who have the token of "
                      "metrics_token_file",
                      0);
}
