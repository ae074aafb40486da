/*
 * https_verdict.c -- what became of a request: stage, status, and a sentence for people.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/https_attempt.h"

const char *const https_stages[] = {"ok",    "no route",      "no DNS", "refused", "timed out",
                                    "proxy", "TLS untrusted", "broken", NULL};

/* Retry-After in seconds or as a date (RFC 9110, section 10.2.3). */
static int64_t retry_after(const struct https_answer *a) {
    size_t len;
    char text[64];
    const char *value = https_header(a, "retry-after", &len);
    int64_t s = 0;

    if (value == NULL || len == 0 || len >= sizeof text)
        return -1;
    memcpy(text, value, len);
    text[len] = '\0';
    if (strspn(text, "0123456789") == len) {
        for (size_t i = 0; i < len && s <= HTTPS_RETRY_AFTER_MAX; i++)
            s = s * 10 + (text[i] - '0');
    } else {
        time_t date = curl_getdate(text, NULL);
        if (date == -1)
            return -1;
        s = (int64_t)date - (int64_t)time(NULL);
    }
    return s < 0 ? 0 : s > HTTPS_RETRY_AFTER_MAX ? HTTPS_RETRY_AFTER_MAX : s;
}

static enum https_stage stage_of_connect(const struct https_attempt *at, long os) {
    if (at->unfit)
        return HTTPS_NO_DNS;
    if (at->o->proxy != NULL)
        return HTTPS_PROXY;
    if (at->o->local != NULL)
        return HTTPS_REFUSED;
    if (os == ETIMEDOUT)
        return HTTPS_TIMED_OUT;
    return os == ECONNREFUSED ? HTTPS_REFUSED : HTTPS_NO_ROUTE;
}

/* What answered speaks no TLS at all: the words of OpenSSL and GnuTLS for it. Nobody reads along.
 */
static int is_no_tls(const struct https_attempt *at, CURLcode rc) {
    return rc == CURLE_SSL_CONNECT_ERROR &&
           (strstr(at->words, "wrong version number") || strstr(at->words, "unknown protocol") ||
            strstr(at->words, "packet length too long") ||
            strstr(at->words, "unexpected TLS packet"));
}

static enum https_stage stage_of(const struct https_attempt *at, CURLcode rc, long os) {
    if (is_no_tls(at, rc))
        return HTTPS_BROKEN;
    if (at->slow)
        return HTTPS_TIMED_OUT;
    switch ((int)rc) {
    case CURLE_OK:
        return HTTPS_OK;
    case CURLE_COULDNT_RESOLVE_HOST:
        return HTTPS_NO_DNS;
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_PROXY:
        return HTTPS_PROXY;
    case CURLE_COULDNT_CONNECT:
        return stage_of_connect(at, os);
    case CURLE_OPERATION_TIMEDOUT:
        return HTTPS_TIMED_OUT;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_ENGINE_NOTFOUND:
    case CURLE_SSL_ENGINE_SETFAILED:
    case CURLE_SSL_CIPHER:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_CLIENTCERT:
        return HTTPS_TLS;
    default:
        return HTTPS_BROKEN;
    }
}

static const char *words_of(const struct https_attempt *at, CURLcode rc) {
    if (at->answer.cut)
        return "the answer is larger than we take";
    if (at->astray)
        return "the answer is another range than the one asked for";
    if (at->flood)
        return "the answer has too many headers";
    if (at->halted)
        return "stopped underway, as was asked";
    if (is_no_tls(at, rc))
        return "no TLS there: is the url http, or the port another one?";
    return at->words[0] != '\0' ? at->words : curl_easy_strerror(rc);
}

/* One sentence for people: the place, what happened, and where it helps, the remedy. */
static void explain(struct https_attempt *at, CURLcode rc, long os) {
    const struct https_url *to = &at->to;
    char place[HTTPS_HOST_MAX + 16];
    struct gf_err e = {0};
    int64_t connect_ms = at->o->connect_ms > 0 ? at->o->connect_ms : HTTPS_CONNECT_MS;
    int64_t ms = at->o->total_ms > 0 ? at->o->total_ms : HTTPS_TOTAL_MS;

    if (at->o->local != NULL)
        (void)snprintf(place, sizeof place, "%.*s", HTTPS_HOST_MAX, at->o->local);
    else
        (void)snprintf(place, sizeof place, "%s port %d", to->host, to->port);
    switch (at->answer.stage) {
    case HTTPS_OK:
        return;
    case HTTPS_NO_ROUTE:
        (void)gf_err_set(&e, GF_E_SYSTEM, "%s: the network does not lead there", place);
        break;
    case HTTPS_NO_DNS:
        (void)gf_err_set(&e, GF_E_SYSTEM,
                         at->unfit ? "%s: the name leads to this machine or to no real host; "
                                     "perhaps a sinkhole answers"
                                   : "%s: the name has no address",
                         to->host);
        break;
    case HTTPS_REFUSED:
        (void)gf_err_set(&e, GF_E_SYSTEM, "%s: %s", place,
                         at->o->local != NULL && os == EACCES ? "this user may not connect there"
                                                              : "nobody listens there");
        break;
    case HTTPS_TIMED_OUT:
        if (at->slow && at->answer.sent) {
            (void)gf_err_set(&e, GF_E_SYSTEM, "%s: slower than %lld bytes a second", place,
                             (long long)at->o->pace);
            break;
        }
        if (!at->answer.sent && connect_ms < ms)
            ms = connect_ms;
        (void)gf_err_set(&e, GF_E_SYSTEM, "%s: no %s within %lld s", place,
                         at->answer.sent ? "answer" : "connection", (long long)(ms + 999) / 1000);
        break;
    case HTTPS_PROXY:
        if (at->answer.status > 0)
            (void)gf_err_set(&e, GF_E_SYSTEM, "proxy %s port %d: answered %ld%s", at->via.host,
                             at->via.port, at->answer.status,
                             at->answer.status == 407 ? ", it wants credentials" : "");
        else
            (void)gf_err_set(&e, GF_E_SYSTEM, "proxy %s port %d: not reached", at->via.host,
                             at->via.port);
        break;
    case HTTPS_TLS:
    case HTTPS_BROKEN:
        (void)gf_err_set(&e, GF_E_SYSTEM, "%s: %s", place, words_of(at, rc));
        break;
    }
    (void)snprintf(at->answer.text, sizeof at->answer.text, "%.*s", (int)sizeof at->answer.text - 1,
                   e.text);
}

/* libcurl calls a header line beyond its own limit want of memory. It is the other side's doing if
 * an answer had begun to come, and nothing of ours failed. */
static int is_endless_line(const struct https_attempt *at, CURLcode rc) {
    curl_off_t begun = 0;

    return rc == CURLE_OUT_OF_MEMORY && at->answer.body.failed != 1 &&
           at->answer.headers.failed != 1 &&
           curl_easy_getinfo(at->easy, CURLINFO_STARTTRANSFER_TIME_T, &begun) == CURLE_OK &&
           begun > 0 && !at->body;
}

int https_verdict(struct https_attempt *at, CURLcode rc, struct gf_err *e) {
    struct https_answer *a = &at->answer;
    long os = 0, status = 0, proxy = 0;

    if (is_endless_line(at, rc)) {
        at->flood = 1;
        rc = CURLE_WEIRD_SERVER_REPLY;
    }
    if (rc == CURLE_OUT_OF_MEMORY || a->body.failed == 1 || a->headers.failed == 1)
        return gf_err_set(e, GF_E_SYSTEM, "libcurl: out of memory");
    if (at->sink != 0) {
        errno = at->sink;
        return gf_err_errno(e, "%s: cannot keep what comes", at->o->url);
    }
    if (rc == CURLE_SSL_CACERT_BADFILE || rc == CURLE_SSL_CERTPROBLEM)
        return gf_err_set(e, GF_E_CONFIG, "%s: %s", at->o->url,
                          at->words[0] != '\0' ? at->words : curl_easy_strerror(rc));

    (void)curl_easy_getinfo(at->easy, CURLINFO_OS_ERRNO, &os);
    (void)curl_easy_getinfo(at->easy, CURLINFO_RESPONSE_CODE, &status);
    (void)curl_easy_getinfo(at->easy, CURLINFO_HTTP_CONNECTCODE, &proxy);
    a->cut |= rc == CURLE_FILESIZE_EXCEEDED;
    a->stage = stage_of(at, rc, os);
    if (at->o->proxy != NULL && proxy >= 100 && proxy / 100 != 2 && !a->sent) {
        a->stage = HTTPS_PROXY;
        a->status = proxy;
    } else if (a->stage == HTTPS_OK || (a->stage == HTTPS_BROKEN && at->status && a->sent)) {
        a->status = status;
    }
    if (a->stage == HTTPS_OK && !at->o->connect_only && (status < 100 || status > 599)) {
        /* To libcurl all is well, so that its words would be "No error". */
        (void)snprintf(at->words, sizeof at->words,
                       "answered with status %ld, which HTTP does not have; is it a web server?",
                       status);
        a->stage = HTTPS_BROKEN;
        a->status = 0;
    }
    a->retry_after_s = retry_after(a);
    explain(at, rc, os);
    return 0;
}
