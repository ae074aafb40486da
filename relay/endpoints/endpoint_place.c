/*
 * endpoint_place.c -- where connections of an endpoint go: host and port, for allow-lists and
 * probes.
 */
#include <stdio.h>
#include <string.h>

#include "common/https_url.h"
#include "relay/endpoints/endpoint.h"

static int tell(const char *url, const struct https_url *u, const char *endpoint, int proxy,
                endpoint_each_place *fn, void *arg, struct gf_err *e) {
    const struct endpoint_place p = {.endpoint = endpoint,
                                     .url = url,
                                     .host = u->host,
                                     .port = u->port,
                                     .proxy = proxy,
                                     .loopback = u->loopback};
    return fn(arg, &p, e);
}

/* Those of a list that is parted by blanks; NULL: none. */
static int tell_each(const char *at, const char *endpoint, endpoint_each_place *fn, void *arg,
                     struct gf_err *e) {
    char one[HTTPS_URL_MAX + 1];
    struct https_url u;
    int rc = 0;

    while (rc == 0 && at != NULL && *at != '\0') {
        size_t n = strcspn(at, " \t");
        (void)snprintf(one, sizeof one, "%.*s", (int)(n < sizeof one ? n : sizeof one - 1), at);
        rc = https_url_parse(one, &u, e);
        if (rc == 0)
            rc = tell(one, &u, endpoint, 0, fn, arg, e);
        at += n;
        at += strspn(at, " \t");
    }
    return rc;
}

/* Whether a connection to the one is a connection to the other. */
static int is_one_place(const char *url, const char *other) {
    struct https_url a, b;
    struct gf_err e;

    return url != NULL && other != NULL && https_url_parse(url, &a, &e) == 0 &&
           https_url_parse(other, &b, &e) == 0 && strcmp(a.host, b.host) == 0 && a.port == b.port;
}

int endpoint_places(const struct config *c, const char *name, int through, endpoint_each_place *fn,
                    void *arg, struct gf_err *e) {
    const char *proxy = endpoint_value(c, name, "proxy");
    const char *at = endpoint_value(c, name, "url");
    const char *back = endpoint_value(c, name, "readback");
    struct https_url u;
    int rc;

    /* With a proxy the relay itself connects to nothing else. */
    if (at != NULL && proxy != NULL && !through) {
        rc = https_url_proxy(proxy, &u, e);
        return rc == 0 ? tell(proxy, &u, name, 1, fn, arg, e) : -1;
    }
    rc = tell_each(at, name, fn, arg, e);
    return rc == 0 && !is_one_place(at, back) ? tell_each(back, name, fn, arg, e) : rc;
}
