/*
 * collect_server.c -- requests from their first byte to their last: where they go, and their
 * bodies.
 */
#include "agent/collect/collect.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Bytes of bodies that are held in memory at once, in bodies of the largest size. */
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
        call->path = COLLECT_METRICS;
    } else if (strncmp(path, RECORDS, sizeof RECORDS - 1) == 0) {
        call->path = COLLECT_RECORDS;
        channel = path + sizeof RECORDS - 1;
    } else {
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

static void begin_call(struct collect_call *call) {
    call->type = httpd_header(call->r, "Content-Type");
    call->protobuf = call->path == COLLECT_METRICS && call->type != NULL &&
                     collect_body_is(call->type, "application/x-protobuf");
    if (take_encoding(call) == -1)
        collect_reply_no(call, 415, 0, "a body comes as it is, or with Content-Encoding: gzip");
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
    else
        reply_text(r, 404, NULL,
                   "there is nothing at this path; POST goes to " METRICS " or " RECORDS
                   "CHANNEL\n");
    free(call);
}

static size_t on_body(void *arg, struct httpd_request *r, const void *data, size_t len) {
    struct collect_call *call = httpd_get(r);
    struct collect *c = arg;

    if (call == NULL)
        return len;
    if (c->in_memory + (int64_t)len > BODIES * c->settings.body_max) {
        collect_reply_no(call, 503, 1, "too many bodies at once");
    } else {
        gf_buf_add(&call->body, data, len);
        c->in_memory += (int64_t)len;
    }
    return len;
}

static void on_end(void *arg, struct httpd_request *r) {
    struct collect_call *call = httpd_get(r);
    (void)arg;

    if (call == NULL)
        return;
    if (call->body.failed != 0)
        collect_reply_no(call, 503, 1, "no memory for the body");
    else
        collect_take(call);
}

static void on_gone(void *arg, struct httpd_request *r) {
    struct collect_call *call = httpd_get(r);
    struct collect *c = arg;

    if (call == NULL)
        return;
    c->in_memory -= (int64_t)call->body.len;
    gf_buf_free(&call->body);
    free(call->dropped);
    free(call);
}

const struct httpd_calls collect_server_calls = {on_begin, on_body, on_end, on_gone};
