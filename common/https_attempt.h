/*
 * https_attempt.h -- one request while it is under way: what https.c, https_pool.c and
 * https_verdict.c share.
 */
#ifndef COMMON_HTTPS_ATTEMPT_H
#define COMMON_HTTPS_ATTEMPT_H

#include <curl/curl.h>

#include "common/https.h"
#include "common/https_url.h"

#define HTTPS_CONNECT_MS 10000
#define HTTPS_TOTAL_MS   60000
#define HTTPS_HEADERS    (HTTPS_HEADERS_MAX + 3) /* of a request, with those of our own */

/* What the callbacks know of the request that is under way. */
struct https_attempt {
    const struct https_options *o;
    CURL *easy;
    struct https_url to;  /* where the request goes */
    struct https_url via; /* the proxy, where there is one */
    struct https_answer answer;
    struct curl_slist headers[HTTPS_HEADERS]; /* a list of the caller's lines */
    size_t nheaders;
    char range[48]; /* one of our own */
    char words[CURL_ERROR_SIZE];
    int unfit;     /* the name led to an address that no name may lead to */
    int status;    /* a status line was seen */
    int body;      /* the body has begun: further headers are trailers */
    int flood;     /* too many headers */
    int sink;      /* errno of a sink that took no more, or 0 */
    int begun;     /* bytes have gone into the sink */
    int astray;    /* an answer that is not the rest that was asked for */
    int halted;    /* the caller wanted an end */
    int slow;      /* slower than its pace */
    int64_t asked; /* ms: it was asked whether it wants one; 0: not yet */
    int64_t at;    /* bytes read from the source */
};

/* Make the handle ready for a request; *at and *o stay where they are until the end. -1 and *e as
 * https_request(), and nothing is to be ended. */
GF_MUST_CHECK int https_attempt_begin(struct https_attempt *at, const struct https_options *o,
                                      CURL *easy, struct gf_err *e);
/* The same for a request that differs from the one before on this handle, which was ended with
 * keep, in its body, headers and total_ms only, and in its pace where both have one. */
GF_MUST_CHECK int https_attempt_again(struct https_attempt *at, const struct https_options *o,
                                      struct gf_err *e);
/* Release what it holds, but for the answer; keep 0: and let the handle forget it. */
void https_attempt_end(struct https_attempt *at, int keep);

/* What libcurl said, as stage, status and text of the answer; -1 and *e as https_request(). */
GF_MUST_CHECK int https_verdict(struct https_attempt *at, CURLcode rc, struct gf_err *e);

#endif
