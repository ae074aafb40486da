/*
 * https_url.h -- which places we ever talk to; what https.c and its URL rules share.
 *
 *   https://HOST[:PORT][/PATH][?QUERY]
 *   http://...   only where HOST is a loopback address, literally: 127.x.y.z or [::1]
 *
 * HOST is a DNS name (in ASCII), an IPv4 address as four decimal numbers, or an IPv6 address in
 * brackets. No user, no password, no fragment, nothing that a second reader of URLs could take for
 * another host.
 */
#ifndef COMMON_HTTPS_URL_H
#define COMMON_HTTPS_URL_H

#include "gapferry/err.h"

struct sockaddr;

#define HTTPS_URL_MAX  2048 /* bytes of a URL */
#define HTTPS_HOST_MAX 253  /* bytes of a name: RFC 1035 */

struct https_url {
    char host[HTTPS_HOST_MAX + 1]; /* without brackets */
    int port;
    int plain;   /* http */
    int literal; /* the host is an address, or "localhost": it says itself where it leads */
    int loopback;
    int site; /* loopback, or literally an address of a private network */
};

/* GF_E_CONFIG says which rule is broken. */
GF_MUST_CHECK int https_url_parse(const char *url, struct https_url *out, struct gf_err *e);

/* The same for a place within the site: http:// may lead to an address of a private network, too,
 * which is literally in the URL (10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, fc00::/7). */
GF_MUST_CHECK int https_url_parse_site(const char *url, struct https_url *out, struct gf_err *e);

/* A proxy: http://HOST:PORT or https://HOST:PORT, nothing behind. */
GF_MUST_CHECK int https_url_proxy(const char *url, struct https_url *out, struct gf_err *e);

/* 1 if a name may lead to this address: not this machine, not the link, nothing that is no host.
 * Such answers come from sinkholes and from those who want to reach what only we can reach. */
int https_url_fit(const struct sockaddr *address);

/* 1 if it is a loopback address. */
int https_url_is_loopback(const struct sockaddr *address);

/* 1 if it is a loopback address, or one of a private network. */
int https_url_is_site(const struct sockaddr *address);

#endif
