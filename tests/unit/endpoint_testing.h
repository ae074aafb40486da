/*
 * endpoint_testing.h -- configurations of endpoints, written and read as the relay does it.
 */
#ifndef ENDPOINT_TESTING_H
#define ENDPOINT_TESTING_H

#include "http_server.h"

#include "common/config.h"
#include "gapferry/digest.h"
#include "relay/endpoints/endpoint.h"

/* The configuration that this text says, in a file of this directory. */
static inline struct config *endpoint_config(const char *dir, const char *text) {
    char path[256];
    struct config *c = NULL;
    struct gf_err e;

    (void)snprintf(path, sizeof path, "%s/relay.conf", dir);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
    if (config_load(path, relay_keys, &c, &e) == -1)
        fail_msg("%s", e.text);
    return c;
}

/* One endpoint "e" for channel "c" at this port, with these lines more. */
static inline struct config *endpoint_at(const char *dir, int port, const char *more) {
    char text[1024];
    (void)snprintf(text, sizeof text,
                   "[endpoint \"e\"]\nchannel = c\nurl = http://127.0.0.1:%d/in\n%s", port, more);
    return endpoint_config(dir, text);
}

/* One delivery, as the engine makes it, but one request after another; -1: what is wrong on our
 * side. */
static inline int endpoint_deliver(struct https *client, struct relay *relay, const char *name,
                                   const struct gf_id *agent, const struct gf_record *rec,
                                   int64_t wait_ms, struct endpoint_result *out, struct gf_err *e) {
    const struct ledger_record row = {.agent = *agent, .id = rec->id};
    struct endpoint p;
    struct endpoint_job j = {.endpoint = &p, .row = &row, .record = rec, .now = relay->now};
    struct endpoint_result r = {.verdict = ENDPOINT_MORE};
    struct endpoint_request q;
    int rc = 0;

    if (endpoint_open(&p, relay, name, e) == -1)
        return -1;
    for (; rc == 0 && r.verdict == ENDPOINT_MORE; j.step++) {
        struct https_answer answer = {0};
        endpoint_result_free(&r);
        r = (struct endpoint_result){.verdict = ENDPOINT_MORE};
        rc = endpoint_request(&j, &q, e);
        if (rc == 0 && wait_ms > 0)
            q.http.total_ms = wait_ms;
        if (rc == 0 && !q.local)
            rc = https_request(client, &q.http, &answer, e);
        if (rc == 0)
            rc = endpoint_judge(&j, q.local ? NULL : &answer, &r, e);
    }
    if (rc == 0 && r.verdict == ENDPOINT_DELIVERED)
        rc = endpoint_note(&j, e);
    endpoint_end(&j);
    endpoint_close(&p);
    if (rc == 0)
        *out = r;
    return rc;
}

#endif
