/*
 * endpoint_testing.h -- configurations of endpoints, written and read as the relay does it.
 */
#ifndef ENDPOINT_TESTING_H
#define ENDPOINT_TESTING_H

#include "http_server.h"

#include "common/config.h"
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

#endif
