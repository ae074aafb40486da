/*
 * https_testing.h -- what the tests of common/https share: a client, and requests to the loopback.
 */
#ifndef HTTPS_TESTING_H
#define HTTPS_TESTING_H

#include "http_server.h"

#include "common/https.h"

static struct https *client;
static char home[64];

static inline int https_begin(void **state) {
    struct gf_err e;
    (void)state;
    (void)snprintf(home, sizeof home, "/tmp/gapferry-https-XXXXXX");
    /* A proxy that the environment names is not ours: were it asked, every test would fail. */
    (void)setenv("http_proxy", "http://127.0.0.1:1", 1);
    (void)setenv("https_proxy", "http://127.0.0.1:1", 1);
    (void)setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
    return mkdtemp(home) == NULL || https_new(&client, &e) != 0;
}

static inline int https_end(void **state) {
    char command[128];
    (void)state;
    https_free(client);
    (void)snprintf(command, sizeof command, "rm -rf %s", home);
    return system(command) != 0;
}

/* The request of a test: POST of a few bytes; all else as given. */
static inline void ask(int port, struct https_options o, struct https_answer *a) {
    char url[64];
    struct gf_err e;

    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d/x?y=z", port);
    if (o.url == NULL)
        o.url = url;
    if (o.method == NULL)
        o.method = "POST";
    if (o.body == NULL && o.source == NULL && strcmp(o.method, "GET") != 0) {
        o.body = "{\"a\":1}";
        o.body_len = 7;
    }
    if (o.answer_max == 0)
        o.answer_max = 1000;
    if (o.total_ms == 0)
        o.total_ms = 20000;
    if (https_request(client, &o, a, &e) != 0)
        fail_msg("%s", e.text);
}

static inline void assert_stage(const struct https_answer *a, enum https_stage stage, int sent) {
    if (a->stage != stage || a->sent != sent)
        fail_msg("%s, sent %d: %s", https_stages[a->stage], a->sent, a->text);
    assert_int_equal(a->text[0] == '\0', stage == HTTPS_OK);
}

#endif
