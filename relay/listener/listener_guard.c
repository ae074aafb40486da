/*
 * listener_guard.c -- judging Host, Origin and Authorization.
 */
#include "relay/listener/listener_guard.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "gapferry/digest.h"

#define HOST_MAX 256

/* Host without its port and brackets. 0, or -1 if it has no such form. */
static int strip(const char *host, char out[HOST_MAX], int *is_v6) {
    const char *end = NULL;

    *is_v6 = host[0] == '[';
    host += *is_v6;
    end = *is_v6 ? strchr(host, ']') : host + strcspn(host, ":");
    if (end == NULL || end == host || end - host >= HOST_MAX)
        return -1;
    const char *rest = *is_v6 ? end + 1 : end;
    if (*rest != '\0' && (*rest != ':' || rest[1 + strspn(rest + 1, "0123456789")] != '\0'))
        return -1;
    memcpy(out, host, (size_t)(end - host));
    out[end - host] = '\0';
    return 0;
}

static int is_listed(const char *name, const char *names) {
    static const char between[] = ", \t";
    size_t len = strlen(name);

    for (const char *at = names; at != NULL && *at != '\0';) {
        size_t n = strcspn(at, between);
        if (n == len && strncasecmp(at, name, n) == 0)
            return 1;
        at += n;
        at += strspn(at, between);
    }
    return 0;
}

int listener_guard_host(const char *host, const char *names) {
    unsigned char address[16];
    char name[HOST_MAX];
    int is_v6 = 0;

    if (host == NULL || strip(host, name, &is_v6) == -1)
        return 0;
    if (inet_pton(is_v6 ? AF_INET6 : AF_INET, name, address) == 1)
        return 1;
    return !is_v6 && (strcasecmp(name, "localhost") == 0 || is_listed(name, names));
}

int listener_guard_form(const char *origin, const char *fetch_site, const char *host, int tls) {
    char ours[HOST_MAX + 16];

    if (fetch_site != NULL && strcmp(fetch_site, "same-origin") != 0)
        return 0;
    if (origin == NULL)
        return 1;
    if (strcmp(origin, "null") == 0)
        return fetch_site != NULL;
    if (host == NULL)
        return 0;
    int n = snprintf(ours, sizeof ours, "%s://%s", tls ? "https" : "http", host);
    return n > 0 && (size_t)n < sizeof ours && strcasecmp(origin, ours) == 0;
}

int listener_guard_bearer(const char *authorization, const char *token) {
    static const char scheme[] = "Bearer ";
    struct gf_hash is, must;

    if (authorization == NULL || strncasecmp(authorization, scheme, sizeof scheme - 1) != 0)
        return 0;
    const char *given = authorization + sizeof scheme - 1;
    gf_digest_256(given, strlen(given), &is);
    gf_digest_256(token, strlen(token), &must);
    return gf_digest_equal(&is, &must, sizeof is);
}
