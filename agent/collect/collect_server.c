/*
 * collect_server.c -- requests from their first byte to their last: where they go, and their
 * bodies.
 */
#include "agent/collect/collect.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Bytes of bodies that are held in memory at once, in bodies of the largest size. Who wants more
 * takes it from the oldest body that is not complete: a caller that does not finish shuts nobody
 * out. */
#define BODIES 4

#define RECORDS "/v1/records/"
#define METRICS "/v1/metrics"

static void reply_text(struct httpd_request *r, unsigned status, const char *allow,
                       const char *text) {
    const struct httpd_reply a = {
        .status = status, .type = "text/plain; charset=utf-8", .allow = allow};

    httpd_reply(r, &a, text, strlen(text));
}

/* Which of the paths it is for; -1: none of those that something can be sent to. */
static int find_path(struct collect_call *call, const char *path) {
    const char *channel = call->c->settings.channel;

    if (strcmp(path, METRICS) == 0) {
        call->path = BODY_METRICS;
    } else if (strncmp(path, RECORDS, sizeof RECORDS - 1) == 0) {
        call->path = BODY_RECORDS;
        channel = path + sizeof RECORDS - 1;
    } else if (collect_influx_find(call, path) == -1) {
        return -1;
    }
    if (!gf_text_is_word(channel, strlen(channel), GF_WORD_MAX))
        return -1;
    memcpy(call->channel, channel, strlen(channel) + 1);
    return 0;
}

static int take_encoding(struct collect_call *call) {
    const char *encoding = httpd_header(call->r, "Content-Encoding");

    if (encoding == NULL || encoding[0] == '\0' || strcasecmp(encoding, "identity") == 0)
        return 0;
    call->gzip = strcasecmp(encoding, "gzip") == 0;
    return call->gzip ? 0 : -1;
}

/* ---- bodies that are not complete ---- */

static void join(struct collect_call *call) {
    struct collect *c = call->c;

    call->older = c->newest;
    *(c->newest != NULL ? &c->newest->newer : &c->oldest) = call;
    c->newest = call;
}

/* Nothing for one that has left already. */
static void leave(struct collect_call *call) {
    struct collect *c = call->c;

    if (call->older == NULL && c->oldest != call)
        return;
    *(call->older != NULL ? &call->older->newer : &c->oldest) = call->newer;
    *(call->newer != NULL ? &call->newer->older : &c->newest) = call->older;
    call->older = call->newer = NULL;
}

static void release(struct collect_call *call) {
    call->c->in_memory -= (int64_t)call->body.len;
    gf_buf_free(&call->body);
}

/* It is not complete, and never will be. */
static void give_up(struct collect_call *call, unsigned status, unsigned retry_after_s,
                    const char *why) {
    leave(call);
    release(call);
    collect_reply_no(call, status, retry_after_s, why);
}

/* -1: the call has none, since none is older. */
static int make_room(struct collect_call *call, size_t len) {
    struct collect *c = call->c;

    while (c->in_memory + (int64_t)len > BODIES * c->settings.body_max) {
        struct collect_call *last = c->oldest != NULL ? c->oldest : call;
        give_up(last, 503, 1, "too many bodies at once, and this one took longest");
        if (last == call)
            return -1;
    }
    return 0;
}

/* 1 if a body of this size is longer than a line, whatever else the line holds. */
static int is_too_long(const struct collect_call *call, int64_t size) {
    return call->path == BODY_RECORDS && !call->gzip && size > GF_LINE_MAX;
}

static const char too_long[] = "the body is larger than a record, which has at most 1 MiB";

/* ---- requests ---- */

static void begin_call(struct collect_call *call) {
    call->type = httpd_header(call->r, "Content-Type");
    call->protobuf = call->path == BODY_METRICS && call->type != NULL &&
                     body_is(call->type, "application/x-protobuf");
    if (call->path == BODY_LINES && collect_influx_begin(call) == -1)
        return;
    if (take_encoding(call) == -1)
        collect_reply_no(call, 415, 0, "a body comes as it is, or with Content-Encoding: gzip");
    else if (is_too_long(call, httpd_body_size(call->r)))
        collect_reply_no(call, 413, 0, too_long);
    else
        join(call);
}

static void on_begin(void *arg, struct httpd_request *r) {
    struct collect_call *call = calloc(1, sizeof *call);
    int post = strcmp(httpd_method(r), "POST") == 0;

    if (call == NULL) {
        reply_text(r, 503, NULL, "no memory\n");
        return;
    }
    call->c = arg;
    call->r = r;
    gf_buf_init(&call->body, (size_t)call->c->settings.body_max);
    if (find_path(call, httpd_path(r)) == 0 && post) {
        httpd_set(r, call);
        begin_call(call);
        return;
    }
    if (call->channel[0] != '\0')
        reply_text(r, 405, "POST", "something is sent here with POST\n");
    else if (strcmp(httpd_path(r), "/healthz") == 0 && !post)
        reply_text(r, 200, NULL, "ok\n");
    else if (strcmp(httpd_path(r), "/ping") == 0 && !post)
        collect_influx_ping(r);
    else if (strcmp(httpd_path(r), "/v1/traces") == 0 || strcmp(httpd_path(r), "/v1/logs") == 0)
        reply_text(r, 404, NULL,
                   "only metrics are taken here: say OTEL_TRACES_EXPORTER=none and "
                   "OTEL_LOGS_EXPORTER=none to who sends this\n");
    else
        reply_text(r, 404, NULL,
                   "there is nothing at this path; POST goes to " METRICS ", /write, /api/v2/write "
                   "or " RECORDS "CHANNEL\n");
    free(call);
}

static size_t on_body(void *arg, struct httpd_request *r, const void *data, size_t len) {
    struct collect_call *call = httpd_get(r);
    struct collect *c = arg;

    if (call == NULL)
        return len;
    if (is_too_long(call, (int64_t)(call->body.len + len))) {
        give_up(call, 413, 0, too_long);
    } else if (make_room(call, len) == 0) {
        size_t before = call->body.len;
        gf_buf_add(&call->body, data, len);
        c->in_memory += (int64_t)(call->body.len - before);
    }
    return len;
}

static void on_end(void *arg, struct httpd_request *r) {
    struct collect_call *call = httpd_get(r);
    (void)arg;

    if (call == NULL)
        return;
    leave(call);
    if (call->body.failed != 0)
        collect_reply_no(call, 503, 1, "no memory for the body");
    else if (call->query)
        collect_influx_query(call);
    else
        collect_take(call);
    release(call); /* its record is in the group, or there is none */
}

static void on_gone(void *arg, struct httpd_request *r) {
    struct collect_call *call = httpd_get(r);
    (void)arg;

    if (call == NULL)
        return;
    leave(call);
    collect_group_leave(call);
    release(call);
    free(call->dropped);
    free(call->partial);
    free(call);
}

const struct httpd_calls collect_server_calls = {on_begin, on_body, on_end, on_gone};
