/*
 * https_url.c -- the rules of URLs and addresses, without libcurl.
 */
#include "common/https_url.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include "common/https.h"

static int is_digit(char c) {
    return c >= '0' && c <= '9';
}

static int is_hex(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static int is_name_char(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '_' || c == '.';
}

static int is_loopback4(uint32_t a) { /* host order */
    return a >> 24 == 127;
}

static int is_fit4(uint32_t a) {
    /* 0/8 this network, 127/8 loopback, 169.254/16 the link (and clouds' metadata), 224/3
     * multicast, reserved, broadcast. */
    return a >> 24 != 0 && !is_loopback4(a) && a >> 16 != 0xa9fe && a >> 29 != 7;
}

/* 10/8, 172.16/12, 192.168/16 (RFC 1918). */
static int is_private4(uint32_t a) {
    return a >> 24 == 10 || a >> 20 == 0xac1 || a >> 16 == 0xc0a8;
}

/* An IPv4 address that travels in an IPv6 one. */
static int is_mapped(const struct in6_addr *a, uint32_t *v4) {
    if (!IN6_IS_ADDR_V4MAPPED(a))
        return 0;
    memcpy(v4, a->s6_addr + 12, 4);
    *v4 = ntohl(*v4);
    return 1;
}

int https_url_is_loopback(const struct sockaddr *address) {
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;

    if (address->sa_family == AF_INET) {
        memcpy(&v4, address, sizeof v4);
        return is_loopback4(ntohl(v4.sin_addr.s_addr));
    }
    if (address->sa_family == AF_INET6) {
        memcpy(&v6, address, sizeof v6);
        return IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr);
    }
    return 0;
}

int https_url_is_site(const struct sockaddr *address) {
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;

    if (https_url_is_loopback(address))
        return 1;
    if (address->sa_family == AF_INET) {
        memcpy(&v4, address, sizeof v4);
        return is_private4(ntohl(v4.sin_addr.s_addr));
    }
    if (address->sa_family != AF_INET6)
        return 0;
    memcpy(&v6, address, sizeof v6);
    return (v6.sin6_addr.s6_addr[0] & 0xfe) == 0xfc; /* fc00::/7 (RFC 4193) */
}

int https_url_fit(const struct sockaddr *address) {
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    uint32_t mapped;

    if (address->sa_family == AF_INET) {
        memcpy(&v4, address, sizeof v4);
        return is_fit4(ntohl(v4.sin_addr.s_addr));
    }
    if (address->sa_family != AF_INET6)
        return 0;
    memcpy(&v6, address, sizeof v6);
    if (is_mapped(&v6.sin6_addr, &mapped))
        return is_fit4(mapped);
    return !IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr) && !IN6_IS_ADDR_UNSPECIFIED(&v6.sin6_addr) &&
           !IN6_IS_ADDR_LINKLOCAL(&v6.sin6_addr) && !IN6_IS_ADDR_MULTICAST(&v6.sin6_addr);
}

/* [IPv6]; *used is the length with brackets. */
static int parse_v6(const char *at, size_t len, struct https_url *out, size_t *used) {
    struct in6_addr a;
    const char *end = memchr(at, ']', len);

    if (end == NULL || (size_t)(end - at) >= sizeof out->host)
        return -1;
    memcpy(out->host, at + 1, (size_t)(end - at) - 1);
    if (inet_pton(AF_INET6, out->host, &a) != 1)
        return -1;
    out->literal = 1;
    out->loopback = strcmp(out->host, "::1") == 0;
    out->site = out->loopback || (a.s6_addr[0] & 0xfe) == 0xfc;
    *used = (size_t)(end - at) + 1;
    return 0;
}

/* A name or an IPv4 address. What ends in a number is an address to some and a name to others, so
 * it must be the one spelling that all agree on. */
static int parse_name(const char *at, size_t len, struct https_url *out, size_t *used) {
    struct in_addr a;
    size_t n = 0;

    while (n < len && is_name_char(at[n]))
        n++;
    if (n == 0 || n > HTTPS_HOST_MAX || at[0] == '.' || at[0] == '-')
        return -1;
    memcpy(out->host, at, n);
    if (strstr(out->host, "..") != NULL)
        return -1;
    *used = n;

    const char *label = strrchr(out->host, '.');
    if (label != NULL && label[1] == '\0') /* the root's dot: one name, two spellings */
        return -1;
    label = label == NULL ? out->host : label + 1;
    if (is_digit(label[0])) {
        if (inet_pton(AF_INET, out->host, &a) != 1)
            return -1;
        out->literal = 1;
        out->loopback = is_loopback4(ntohl(a.s_addr));
        out->site = out->loopback || is_private4(ntohl(a.s_addr));
    } else {
        out->literal = strcmp(out->host, "localhost") == 0;
    }
    return 0;
}

static int parse_port(const char *at, size_t len, struct https_url *out) {
    int port = 0;

    if (len == 0) {
        out->port = out->plain ? 80 : 443;
        return 0;
    }
    if (at[0] != ':' || len < 2 || len > 6 || at[1] == '0')
        return -1;
    for (size_t i = 1; i < len; i++) {
        if (!is_digit(at[i]))
            return -1;
        port = port * 10 + (at[i] - '0');
    }
    out->port = port;
    return port <= 65535 ? 0 : -1;
}

/* Scheme, host and port; what follows them is at *rest. */
static int parse_origin(const char *url, struct https_url *out, int *has_port, const char **rest,
                        struct gf_err *e) {
    size_t used;

    *out = (struct https_url){0};
    if (strlen(url) > HTTPS_URL_MAX)
        return gf_err_set(e, GF_E_CONFIG, "a URL has at most %d bytes", HTTPS_URL_MAX);
    for (const char *p = url; *p != '\0'; p++) {
        if (*p <= ' ' || *p > '~' || strchr("\"<>\\^`{|}", *p) != NULL)
            return gf_err_set(e, GF_E_CONFIG,
                              "%s: a URL has no blanks, quotes, \\ or letters beyond ASCII; "
                              "write them as %%XX",
                              url);
    }
    out->plain = strncmp(url, "http://", 7) == 0;
    if (!out->plain && strncmp(url, "https://", 8) != 0)
        return gf_err_set(e, GF_E_CONFIG, "%s: a URL begins with https://", url);

    const char *at = url + (out->plain ? 7 : 8);
    size_t len = strcspn(at, "/?#");
    if (memchr(at, '@', len) != NULL)
        return gf_err_set(e, GF_E_CONFIG, "a URL carries no user or password (the part before @)");
    if ((at[0] == '[' ? parse_v6(at, len, out, &used) : parse_name(at, len, out, &used)) == -1)
        return gf_err_set(e, GF_E_CONFIG,
                          "%s: no host name, IPv4 address or [IPv6 address] behind ://", url);
    if (parse_port(at + used, len - used, out) == -1)
        return gf_err_set(e, GF_E_CONFIG, "%s: the port is a number from 1 to 65535", url);
    *has_port = len > used;
    *rest = at + len;
    return 0;
}

/* All but where http may lead. */
static int parse_url(const char *url, struct https_url *out, struct gf_err *e) {
    const char *rest;
    int has_port;

    if (parse_origin(url, out, &has_port, &rest, e) == -1)
        return -1;
    if (strchr(rest, '#') != NULL)
        return gf_err_set(e, GF_E_CONFIG, "%s: a fragment (#...) is never sent; leave it out", url);
    for (const char *p = rest; *p != '\0'; p++) {
        if (*p == '%' && !(is_hex(p[1]) && is_hex(p[2])))
            return gf_err_set(e, GF_E_CONFIG, "%s: %% is followed by two hex digits", url);
    }
    return 0;
}

int https_url_parse(const char *url, struct https_url *out, struct gf_err *e) {
    if (parse_url(url, out, e) == -1)
        return -1;
    if (out->plain && !out->loopback)
        return gf_err_set(e, GF_E_CONFIG,
                          "%s: http:// is allowed only to a loopback address (127.0.0.1, [::1]); "
                          "write https://",
                          url);
    return 0;
}

int https_url_parse_site(const char *url, struct https_url *out, struct gf_err *e) {
    if (parse_url(url, out, e) == -1)
        return -1;
    if (out->plain && !out->site)
        return gf_err_set(e, GF_E_CONFIG,
                          "%s: http:// is allowed only to an address of this host or of a private "
                          "network (10.x, 172.16.x to 172.31.x, 192.168.x, [fc00::/7])",
                          url);
    return 0;
}

int https_url_proxy(const char *url, struct https_url *out, struct gf_err *e) {
    const char *rest;
    int has_port;

    if (parse_origin(url, out, &has_port, &rest, e) == -1)
        return gf_err_prefix(e, "proxy");
    if (*rest != '\0' || !has_port)
        return gf_err_set(e, GF_E_CONFIG, "%s: a proxy is http://HOST:PORT or https://HOST:PORT",
                          url);
    return 0;
}

int https_check_url(const char *url, struct gf_err *e) {
    struct https_url parsed;
    return https_url_parse(url, &parsed, e);
}

int https_check_site_url(const char *url, struct gf_err *e) {
    struct https_url parsed;
    return https_url_parse_site(url, &parsed, e);
}

int https_check_proxy(const char *url, struct gf_err *e) {
    struct https_url parsed;
    return https_url_proxy(url, &parsed, e);
}
