/*
 * endpoint_otlp_testing.h -- records that profile otlp delivers to a scripted receiver.
 */
#ifndef ENDPOINT_OTLP_TESTING_H
#define ENDPOINT_OTLP_TESTING_H

#include "forward_testing.h"

#include "common/otlp_json.h"

#define HTTP(status, type, body)                                                                   \
    "HTTP/1.1 " status "\r\nContent-Type: " type "\r\nConnection: close\r\n\r\n" body
#define OK         HTTP("200 OK", "application/x-protobuf", "")
#define SAYS(body) HTTP("200 OK", "application/json", body)
#define WARNING    "{\"partialSuccess\":{\"errorMessage\":\"use gzip\"}}"
#define BAD        HTTP("400 Bad", "application/json", "{\"code\":3,\"message\":\"bad point\"}")

#define POINT(time) "{\"timeUnixNano\":\"" time "\",\"asInt\":\"1\"}"
#define GAUGE(points)                                                                              \
    "{\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":[{\"name\":\"m\",\"gauge\":"            \
    "{\"dataPoints\":[" points "]}}]}]}]}"
#define DELTA(points)                                                                              \
    "{\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":[{\"name\":\"m\",\"sum\":"              \
    "{\"dataPoints\":[" points "],\"aggregationTemporality\":1}}]}]}]}"
#define LABEL "{\"key\":\"gapferry.delay_s\",\"value\":{\"intValue\":\"30\"}}"

#define AT   1700000000 /* the relay's clock */
#define T1   "1699999001000000000"
#define T2   "1699999002000000000"
#define T3   "1699999003000000000"
#define T4   "1699999004000000000"
#define JSON "application/json"

static char home[64];
static struct https *client;
static const struct gf_id agent = {{1}};

static inline int begin(void **state) {
    struct gf_err e;

    (void)snprintf(home, sizeof home, "/tmp/gapferry-otlp-XXXXXX");
    return mkdtemp(home) == NULL || kit_setup(state) != 0 || https_new(&client, &e) != 0;
}

static inline int end(void **state) {
    char command[128];

    https_free(client);
    (void)snprintf(command, sizeof command, "rm -rf %s", home);
    return system(command) != 0 || kit_teardown(state) != 0;
}

static struct endpoint_result r;
static struct server *server;

/* Deliver this body to a server that says `replies`; nothing is added unless `more` says so. */
static inline void deliver(const struct reply *replies, const char *more, const char *type,
                           const void *body, size_t len) {
    const struct gf_record record = {.id = {{2}},
                                     .channel = "c",
                                     .type = type,
                                     .created = AT - 100,
                                     .body = {GF_BODY_TEXT, body, len}};
    char lines[512];
    struct gf_err e;

    endpoint_result_free(&r);
    if (server != NULL) {
        free(server);
        server = NULL;
    }
    server = server_start(replies);
    (void)snprintf(lines, sizeof lines, "profile = otlp\n%s%s",
                   strstr(more, "attributes") == NULL ? "attributes = none\n" : "", more);
    struct relay relay = {.config = endpoint_at(home, server->port, lines), .now = AT};
    if (endpoint_check(relay.config, &e) == -1)
        fail_msg("%s", e.text);
    r = (struct endpoint_result){0};
    if (endpoint_deliver(client, &relay, "e", &agent, &record, 0, &r, &e) == -1)
        fail_msg("%s", e.text);
    config_free(relay.config);
    server_stop(server);
}

static inline void deliver_json(const struct reply *replies, const char *more, const char *body) {
    deliver(replies, more, JSON, body, strlen(body));
}

/* The body of the last request. */
static inline const char *got(size_t *len) {
    const char *length = strstr(server->got, "Content-Length: ");

    assert_non_null(length);
    *len = strtoul(length + 16, NULL, 10);
    return strstr(server->got, "\r\n\r\n") + 4;
}

static inline void got_json(const char *json) {
    size_t len;

    assert_string_equal(got(&len), json);
    assert_non_null(strstr(server->got, "Content-Type: application/json\r\n"));
}

static inline void got_protobuf(const char *json) {
    struct gf_buf text;
    struct gf_err e;
    size_t len;
    const char *body = got(&len);

    gf_buf_init(&text, 1 << 20);
    assert_non_null(strstr(server->got, "Content-Type: application/x-protobuf\r\n"));
    assert_int_equal(otlp_json_from_protobuf(body, len, 0, &text, &e), 0);
    assert_string_equal(text.data, json);
    gf_buf_free(&text);
}

#endif
