/*
 * https.h -- one HTTP request to one configured place; the only user of libcurl.
 *
 * https only; plain http only to loopback addresses that are literally in the URL, and for who asks
 * for it to addresses of private networks and to unix sockets. TLS checks cannot be turned off.
 * Redirects, cookies, .netrc, content decoding and every other protocol are off.
 */
#ifndef COMMON_HTTPS_H
#define COMMON_HTTPS_H

#include <stddef.h>
#include <stdint.h>

#include "gapferry/buf.h"

/* Where an attempt ended. What `gapferry-link` calls the stage. */
enum https_stage {
    HTTPS_OK,        /* an answer came, of whatever status */
    HTTPS_NO_ROUTE,  /* the network is unreachable */
    HTTPS_NO_DNS,    /* the name has no address */
    HTTPS_REFUSED,   /* nobody listens */
    HTTPS_TIMED_OUT, /* no answer in time */
    HTTPS_PROXY,     /* the proxy refused, or wants credentials */
    HTTPS_TLS,       /* the certificate is not trusted, or TLS broke */
    HTTPS_BROKEN,    /* the connection broke, or the answer was not HTTP or too large */
};
/* "ok" "no route" "no DNS" "refused" "timed out" "proxy" "TLS untrusted" "broken", NULL */
extern const char *const https_stages[];

/* Headers of a request that a caller may add. */
#define HTTPS_HEADERS_MAX 32

struct https_options {
    const char *url;
    const char *method;         /* GET, POST, PUT */
    const char *const *headers; /* "Name: value", NULL at the end, at most HTTPS_HEADERS_MAX; NULL:
                                   none */
    const void *body;           /* sent as it is */
    size_t body_len;
    const int *source;   /* the body is read from the beginning of this file, in place of `body` */
    const char *ca_file; /* NULL: the system's */
    const char *cert_file; /* client certificate and key, NULL: none */
    const char *key_file;
    const char *proxy; /* http://HOST:PORT; NULL: none; the environment is not asked */
    int site;          /* 1: http also to an address of a private network that is literally in
                          the URL */
    const char
        *local;         /* the path of a unix socket where the server listens; the URL, which is
                           http and of a loopback address, says what is asked for there; NULL: none */
    int once;           /* 1: on a new connection, which is not kept: see https_request() */
    int connect_only;   /* 1: connection, proxy and TLS, and nothing is asked: HTTPS_OK with status
                           0. For https_request(); the connection is not kept */
    int64_t connect_ms; /* 0: 10000 */
    int64_t total_ms;   /* 0: 60000 */
    int64_t pace; /* bytes a second, either way: total_ms grows by what those take that have moved,
                     so that a large body has its time, and one that only drips has not; 0: it does
                     not grow */
    size_t answer_max; /* bytes of the body, of which some may be in the sink already; more is
                          HTTPS_BROKEN */
    const int *sink;   /* the body of a 200 is written to this descriptor as it comes, not kept;
                          other bodies are kept up to 64 KiB. NULL: all are kept */
    int64_t resume;    /* the sink holds so many bytes of the body already, and stands behind them:
                          the rest is asked for (Range). A 206 from there on goes behind them, a
                          200 in their place; another 206 is HTTPS_BROKEN. 0: all of it */
    int (*stop)(
        void *arg); /* asked at most once a second: 1 ends the request (HTTPS_BROKEN); NULL */
    void *stop_arg;
};

/* Seconds; who asks for more patience is not believed. */
#define HTTPS_RETRY_AFTER_MAX (30LL * 86400)

struct https_answer {
    enum https_stage stage;
    long status;           /* HTTPS_OK: 100 to 599; HTTPS_BROKEN: that of an answer that had
                              begun, else 0; HTTPS_PROXY: what the proxy said, else 0 */
    int cut;               /* 1: HTTPS_BROKEN, because the body is longer than answer_max; its
                              beginning may be in `body` */
    int sent;              /* 1: the request may have reached the other side */
    int64_t retry_after_s; /* -1: not given; at most HTTPS_RETRY_AFTER_MAX */
    int64_t sunk;          /* bytes in the sink, once something came for it */
    struct gf_buf headers; /* "name: value\n" lines, names in lower case */
    struct gf_buf body;
    char text[256]; /* for people: what went wrong */
};

struct https; /* a client: keeps connections; one thread */

GF_MUST_CHECK int https_new(struct https **out, struct gf_err *e);
void https_free(struct https *h);

/* 0 if the URL is one that we would ever use; GF_E_CONFIG says which rule it breaks. The second is
 * for those that are used with `site`. */
GF_MUST_CHECK int https_check_url(const char *url, struct gf_err *e);
GF_MUST_CHECK int https_check_site_url(const char *url, struct gf_err *e);

/* The same for a proxy: http://HOST:PORT or https://HOST:PORT. */
GF_MUST_CHECK int https_check_proxy(const char *url, struct gf_err *e);

/*
 * One request; 0 whenever *out says what happened, -1 for misuse (GF_E_CONFIG, GF_E_SYSTEM) and for
 * a sink that takes no more (GF_E_CREATE, GF_E_SYSTEM). A name
 * that leads to this machine, to the link or to nowhere is HTTPS_NO_DNS: sinkholes say so. http://
 * is never sent through a proxy (GF_E_CONFIG). Where a kept connection ends before an answer has
 * begun the request goes out once more on a new one, though it may have arrived: what must not be
 * doubled needs an idempotency key, or `once`.
 */
GF_MUST_CHECK int https_request(struct https *h, const struct https_options *o,
                                struct https_answer *out, struct gf_err *e);
void https_answer_free(struct https_answer *a);

/* The value of a header of the answer (name in lower case), or NULL; borrowed. */
const char *https_header(const struct https_answer *a, const char *name, size_t *len);

#endif
