/*
 * https.c -- one HTTP request by libcurl, with everything off that we do not need.
 */
#include "common/https.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/https_attempt.h"
#include "common/https_header.h"
#include "common/mono.h"
#include "gapferry/file.h"

#define HEADERS_MAX  32768 /* bytes of an answer's headers that we keep */
#define HEADER_MAX   8192  /* bytes of one header that we send */
#define SLOW_SECONDS 60L   /* without a byte: the connection is dead */
#define KEPT         8L    /* connections */
#define STOP_MS      1000  /* between two questions whether to go on */
#define BESIDE_SINK  65536 /* bytes of an answer that does not go into the sink */

struct https {
    CURL *easy;
};

int https_new(struct https **out, struct gf_err *e) {
    struct https *h = calloc(1, sizeof *h);

    if (h == NULL)
        return gf_err_errno(e, "HTTPS client");
    /* Counted by libcurl: each client takes its share and gives it back. */
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        free(h);
        return gf_err_set(e, GF_E_SYSTEM, "libcurl does not start");
    }
    h->easy = curl_easy_init();
    if (h->easy == NULL) {
        https_free(h);
        return gf_err_set(e, GF_E_SYSTEM, "libcurl: out of memory");
    }
    *out = h;
    return 0;
}

void https_free(struct https *h) {
    if (h == NULL)
        return;
    curl_easy_cleanup(h->easy);
    curl_global_cleanup();
    free(h);
}

/* ---- callbacks ---- */

/* A name must not lead to where no name may lead. Who wrote the address into the URL meant it. */
static int is_unfit(const struct https_options *o, const struct https_url *to,
                    const struct sockaddr *address) {
    if (o->local != NULL)
        return address->sa_family != AF_UNIX;
    if (to->plain && o->proxy == NULL)
        return !(o->site ? https_url_is_site(address) : https_url_is_loopback(address));
    return !to->literal && !https_url_fit(address);
}

/* Before a connection is made. */
static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *a) {
    struct https_attempt *at = arg;

    (void)purpose;
    if (is_unfit(at->o, at->o->proxy != NULL ? &at->via : &at->to, &a->addr)) {
        at->unfit = 1;
        return CURL_SOCKET_BAD;
    }
    return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

/* The connection stands, TLS and tunnel too; from here on bytes of the request may arrive. */
static int about_to_send(void *arg, char *ip, char *local_ip, int port, int local_port) {
    struct https_attempt *at = arg;

    (void)ip;
    (void)local_ip;
    (void)port;
    (void)local_port;
    at->answer.sent = !at->o->connect_only;
    return CURL_PREREQFUNC_OK;
}

static size_t take_header(char *line, size_t size, size_t n, void *arg) {
    struct https_attempt *at = arg;

    size *= n;
    if (size >= 5 && memcmp(line, "HTTP/", 5) == 0) { /* "100 Continue" had headers of its own */
        gf_buf_clear(&at->answer.headers);
        at->status = 1;
    } else if (!at->body) {
        https_header_keep(&at->answer.headers, line, size);
    }
    at->flood = at->answer.headers.failed != 0;
    return at->flood ? 0 : size;
}

static long status_of(const struct https_attempt *at) {
    long status = 0;

    (void)curl_easy_getinfo(at->easy, CURLINFO_RESPONSE_CODE, &status);
    return status;
}

/* 1 if the body of this answer belongs into the sink. */
static int is_for_sink(const struct https_attempt *at) {
    long status = status_of(at);

    return at->o->sink != NULL && (status == 200 || (status == 206 && at->o->resume > 0));
}

/* Before its first byte: does it go on where the sink ends, or begin anew? */
static int begin_sink(struct https_attempt *at) {
    char rest[48];
    size_t len;

    if (at->o->resume == 0)
        return 0;
    if (status_of(at) == 200)
        return ftruncate(*at->o->sink, 0) == -1 || lseek(*at->o->sink, 0, SEEK_SET) == -1 ? -1 : 0;
    (void)snprintf(rest, sizeof rest, "bytes %lld-", (long long)at->o->resume);
    const char *range = https_header(&at->answer, "content-range", &len);
    at->astray = range == NULL || len < strlen(rest) || strncasecmp(range, rest, strlen(rest)) != 0;
    at->answer.sunk = at->o->resume;
    return 0;
}

static size_t into_sink(struct https_attempt *at, const char *data, size_t size) {
    if (!at->begun && begin_sink(at) == -1) {
        at->sink = errno;
        return 0;
    }
    at->begun = 1;
    if (at->astray)
        return 0;
    at->answer.cut = (int64_t)size > (int64_t)at->o->answer_max - at->answer.sunk;
    if (at->answer.cut)
        return 0;
    if (gf_file_write(*at->o->sink, data, size) == -1) {
        at->sink = errno;
        return 0;
    }
    at->answer.sunk += (int64_t)size;
    return size;
}

/* A source that is shorter than was told cannot be mended underway. */
static size_t from_source(char *out, size_t size, size_t n, void *arg) {
    struct https_attempt *at = arg;
    int64_t left = (int64_t)at->o->body_len - at->at;

    size *= n;
    if ((int64_t)size > left)
        size = (size_t)left;
    ssize_t got = gf_file_read_at(*at->o->source, out, size, at->at);
    if (got == -1 || (size_t)got != size)
        return CURL_READFUNC_ABORT;
    at->at += got;
    return size;
}

/* The request goes out once more: a kept connection was dead. */
static int seek_source(void *arg, curl_off_t offset, int origin) {
    struct https_attempt *at = arg;

    if (origin != SEEK_SET)
        return CURL_SEEKFUNC_CANTSEEK;
    at->at = offset;
    return CURL_SEEKFUNC_OK;
}

static int64_t total_of(const struct https_options *o) {
    return o->total_ms > 0 ? o->total_ms : HTTPS_TOTAL_MS;
}

static int look_up(void *arg, curl_off_t down, curl_off_t downed, curl_off_t up, curl_off_t upped) {
    struct https_attempt *at = arg;
    const struct https_options *o = at->o;
    curl_off_t us = 0;

    (void)down;
    (void)up;
    (void)curl_easy_getinfo(at->easy, CURLINFO_TOTAL_TIME_T, &us);
    at->slow = o->pace > 0 && us / 1000 - total_of(o) > (downed + upped) * 1000 / o->pace;
    /* libcurl comes with every piece of data; the question may be a dear one. */
    int64_t now = mono_ms();
    if (o->stop != NULL && !at->halted && now - at->asked >= STOP_MS) {
        at->asked = now;
        at->halted = o->stop(o->stop_arg);
    }
    return at->slow || at->halted;
}

/* Our own count: libcurl's limit does nothing where the length is not told in advance. */
static size_t take_body(char *data, size_t size, size_t n, void *arg) {
    struct https_attempt *at = arg;
    struct gf_buf *b = &at->answer.body;

    size *= n;
    at->body = 1;
    if (is_for_sink(at))
        return into_sink(at, data, size);
    size_t fits = size < b->max - b->len ? size : b->max - b->len;
    gf_buf_add(b, data, fits);
    at->answer.cut = fits < size;
    return at->answer.cut || b->failed ? 0 : size;
}

/* ---- settings ---- */

/* One more, which stays where it is: libcurl only reads the list. */
static void add_header(struct https_attempt *at, const char *line) {
    struct curl_slist *x = &at->headers[at->nheaders++];

    x->data = (char *)(uintptr_t)line;
    if (x > at->headers)
        x[-1].next = x;
}

/* The caller's headers; and none of those that libcurl adds by itself: a wait for "100 Continue",
 * and a media type that nobody stated. */
static int make_headers(struct https_attempt *at, struct gf_err *e) {
    int typed = 0;

    for (const char *const *h = at->o->headers; h != NULL && *h != NULL; h++) {
        if (at->nheaders == HTTPS_HEADERS_MAX)
            return gf_err_set(e, GF_E_CONFIG, "%s: more than %d headers", at->o->url,
                              HTTPS_HEADERS_MAX);
        if (https_header_check(*h, e) == -1)
            return -1;
        add_header(at, *h);
        typed |= strncasecmp(*h, "Content-Type:", 13) == 0;
    }
    if (at->o->sink != NULL && at->o->resume > 0) {
        (void)snprintf(at->range, sizeof at->range, "Range: bytes=%lld-", (long long)at->o->resume);
        add_header(at, at->range);
    }
    add_header(at, "Expect:");
    if (!typed)
        add_header(at, "Content-Type:");
    return 0;
}

/* After the first failure the others do nothing. */
#define SET(option, value)                                                                         \
    rc = rc != CURLE_OK ? rc : curl_easy_setopt(at->easy, CURLOPT_##option, value)

/* Off with what we do not use, so that no answer can make use of it. */
static CURLcode set_narrow(const struct https_attempt *at) {
    static const struct {
        CURLoption option;
        long value;
    } fixed[] = {
        {CURLOPT_FOLLOWLOCATION, 0},
        {CURLOPT_MAXREDIRS, 0},
        {CURLOPT_POSTREDIR, 0},
        {CURLOPT_UNRESTRICTED_AUTH, 0},
        {CURLOPT_AUTOREFERER, 0},
        {CURLOPT_NETRC, CURL_NETRC_IGNORED},
        {CURLOPT_DISALLOW_USERNAME_IN_URL, 1},
        {CURLOPT_PATH_AS_IS, 1},
        {CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1},
        {CURLOPT_HTTP09_ALLOWED, 0},
        {CURLOPT_HTTP_CONTENT_DECODING, 0},
        {CURLOPT_SUPPRESS_CONNECT_HEADERS, 1},
        {CURLOPT_NOSIGNAL, 1},
        {CURLOPT_NOPROGRESS, 1},
        {CURLOPT_MAXCONNECTS, KEPT},
        {CURLOPT_LOW_SPEED_LIMIT, 1},
        {CURLOPT_LOW_SPEED_TIME, SLOW_SECONDS},
    };
    CURLcode rc = CURLE_OK;

    for (size_t i = 0; rc == CURLE_OK && i < sizeof fixed / sizeof *fixed; i++)
        rc = curl_easy_setopt(at->easy, fixed[i].option, fixed[i].value);
    SET(PROTOCOLS_STR, at->to.plain ? "http" : "https");
    SET(REDIR_PROTOCOLS_STR, "https");
    SET(ACCEPT_ENCODING, NULL);
    SET(USERAGENT, "gapferry");
    return rc;
}

static CURLcode set_tls_and_proxy(const struct https_attempt *at) {
    const struct https_options *o = at->o;
    CURLcode rc = CURLE_OK;

    SET(SSL_VERIFYPEER, 1L);
    SET(SSL_VERIFYHOST, 2L);
    SET(SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (o->ca_file != NULL) { /* then nobody else's word counts */
        SET(CAINFO, o->ca_file);
        SET(CAPATH, NULL);
        SET(PROXY_CAINFO, o->ca_file);
        SET(PROXY_CAPATH, NULL);
    }
    if (o->cert_file != NULL) {
        SET(SSLCERT, o->cert_file);
        SET(SSLKEY, o->key_file);
    }
    SET(PROXY_SSL_VERIFYPEER, 1L);
    SET(PROXY_SSL_VERIFYHOST, 2L);
    /* An empty proxy and an explicit list of exceptions, so that the environment is not asked. */
    SET(PROXY, o->proxy != NULL ? o->proxy : "");
    SET(NOPROXY, o->proxy != NULL ? "" : "*");
    return rc;
}

/* What differs between requests that are otherwise alike. */
static CURLcode set_changing(struct https_attempt *at) {
    const struct https_options *o = at->o;
    CURLcode rc = CURLE_OK;

    if (strcmp(o->method, "GET") != 0) {
        SET(POSTFIELDSIZE_LARGE, (curl_off_t)o->body_len);
        if (o->source == NULL)
            SET(POSTFIELDS, o->body_len > 0 ? o->body : "");
    }
    SET(HTTPHEADER, at->headers);
    SET(TIMEOUT_MS, o->pace > 0 ? 0L : (long)total_of(o));
    return rc;
}

static CURLcode set_request(struct https_attempt *at) {
    const struct https_options *o = at->o;
    CURLcode rc = CURLE_OK;

    SET(URL, o->url);
    if (strcmp(o->method, "GET") == 0) {
        SET(HTTPGET, 1L);
    } else {
        SET(POST, 1L);
        if (o->source != NULL) {
            SET(READFUNCTION, from_source);
            SET(READDATA, at);
            SET(SEEKFUNCTION, seek_source);
            SET(SEEKDATA, at);
        }
        if (strcmp(o->method, "PUT") == 0)
            SET(CUSTOMREQUEST, "PUT");
    }
    if (o->connect_only)
        SET(CONNECT_ONLY, 1L);
    if (o->local != NULL)
        SET(UNIX_SOCKET_PATH, o->local);
    if (o->once) { /* libcurl sends again by itself what went out on a kept connection */
        SET(FRESH_CONNECT, 1L);
        SET(FORBID_REUSE, 1L);
    }
    SET(CONNECTTIMEOUT_MS, (long)(o->connect_ms > 0 ? o->connect_ms : HTTPS_CONNECT_MS));
    SET(MAXFILESIZE_LARGE, (curl_off_t)o->answer_max);
    SET(OPENSOCKETFUNCTION, open_socket);
    SET(OPENSOCKETDATA, at);
    SET(PREREQFUNCTION, about_to_send);
    SET(PREREQDATA, at);
    SET(HEADERFUNCTION, take_header);
    SET(HEADERDATA, at);
    SET(WRITEFUNCTION, take_body);
    SET(WRITEDATA, at);
    SET(ERRORBUFFER, at->words);
    if (o->stop != NULL || o->pace > 0) {
        SET(NOPROGRESS, 0L);
        SET(XFERINFOFUNCTION, look_up);
        SET(XFERINFODATA, at);
    }
    return rc == CURLE_OK ? set_changing(at) : rc;
}

/* What cannot be right, before anything is opened. */
static int check(const struct https_options *o, struct https_attempt *at, struct gf_err *e) {
    const char *const files[] = {o->ca_file, o->cert_file, o->key_file};

    if ((o->site ? https_url_parse_site(o->url, &at->to, e)
                 : https_url_parse(o->url, &at->to, e)) == -1)
        return -1;
    if (o->local != NULL && (!at->to.plain || !at->to.loopback))
        return gf_err_set(e, GF_E_CONFIG,
                          "%s: at a unix socket only http://127.0.0.1/ is asked for", o->url);
    if (o->proxy != NULL && https_url_proxy(o->proxy, &at->via, e) == -1)
        return -1;
    if (o->proxy != NULL && at->to.plain)
        return gf_err_set(e, GF_E_CONFIG, "%s: http:// goes to no proxy; take the proxy out",
                          o->url);
    if (strcmp(o->method, "GET") != 0 && strcmp(o->method, "POST") != 0 &&
        strcmp(o->method, "PUT") != 0)
        return gf_err_set(e, GF_E_CONFIG, "%.20s: the method is GET, POST or PUT", o->method);
    if (strcmp(o->method, "GET") == 0 && o->body_len > 0)
        return gf_err_set(e, GF_E_CONFIG, "%s: GET has no body", o->url);
    if ((o->cert_file == NULL) != (o->key_file == NULL))
        return gf_err_set(e, GF_E_CONFIG,
                          "%s: a client certificate needs its key, and a key its "
                          "certificate",
                          o->url);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        if (files[i] != NULL && access(files[i], R_OK) == -1)
            return gf_err_set(e, GF_E_CONFIG, "%s: %s", files[i], strerror(errno));
    }
    return 0;
}

int https_attempt_begin(struct https_attempt *at, const struct https_options *o, CURL *easy,
                        struct gf_err *e) {
    size_t keep = o->answer_max;

    *at = (struct https_attempt){.o = o, .easy = easy, .answer = {.retry_after_s = -1}};
    gf_buf_init(&at->answer.headers, HEADERS_MAX);
    if (o->sink != NULL && keep > BESIDE_SINK)
        keep = BESIDE_SINK;
    gf_buf_init(&at->answer.body, keep);
    if (check(o, at, e) == -1 || make_headers(at, e) == -1)
        goto fail;
    CURLcode rc = set_narrow(at);
    if (rc == CURLE_OK)
        rc = set_tls_and_proxy(at);
    if (rc == CURLE_OK)
        rc = set_request(at);
    if (rc == CURLE_OK)
        return 0;
    (void)gf_err_set(e, GF_E_BUG, "libcurl takes a setting not: %s", curl_easy_strerror(rc));
fail:
    https_attempt_end(at, 0);
    https_answer_free(&at->answer);
    return -1;
}

int https_attempt_again(struct https_attempt *at, const struct https_options *o, struct gf_err *e) {
    const struct https_url to = at->to, via = at->via;
    CURLcode rc = CURLE_OK;

    *at = (struct https_attempt){
        .o = o, .easy = at->easy, .to = to, .via = via, .answer = {.retry_after_s = -1}};
    gf_buf_init(&at->answer.headers, HEADERS_MAX);
    gf_buf_init(&at->answer.body, o->answer_max);
    if (make_headers(at, e) == 0) {
        rc = set_changing(at);
        if (rc == CURLE_OK)
            return 0;
        (void)gf_err_set(e, GF_E_BUG, "libcurl takes a setting not: %s", curl_easy_strerror(rc));
    }
    https_attempt_end(at, 1);
    https_answer_free(&at->answer);
    return -1;
}

void https_attempt_end(struct https_attempt *at, int keep) {
    if (!keep)
        curl_easy_reset(at->easy); /* it points into *at; connections stay */
}

int https_request(struct https *h, const struct https_options *o, struct https_answer *out,
                  struct gf_err *e) {
    /* A connection that was only made stays until its handle goes. */
    CURL *own = o->connect_only ? curl_easy_init() : NULL;
    CURL *easy = o->connect_only ? own : h->easy;
    struct https_attempt at;

    if (easy == NULL)
        return gf_err_set(e, GF_E_SYSTEM, "libcurl: out of memory");
    if (https_attempt_begin(&at, o, easy, e) == -1) {
        curl_easy_cleanup(own);
        return -1;
    }
    int result = https_verdict(&at, curl_easy_perform(easy), e);
    https_attempt_end(&at, 0);
    curl_easy_cleanup(own);
    if (result == -1)
        https_answer_free(&at.answer);
    else
        *out = at.answer;
    return result;
}
