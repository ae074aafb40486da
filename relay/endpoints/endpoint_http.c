/*
 * endpoint_http.c -- profile http: exactly the record's body, and what the answers mean.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/endpoints/endpoint.h"
#include "relay/endpoints/endpoint_template.h"

#define KEY_TEXT   32         /* characters of endpoint_key() */
#define FILLED_MAX (16 << 20) /* bytes of a body that was made from a template */

enum endpoint_verdict endpoint_http_verdict(long status) {
    switch (status) {
    case 400: /* the endpoint has understood it and does not want it */
    case 409:
    case 410:
    case 413:
    case 415:
    case 422:
        return ENDPOINT_REJECTED;
    case 401: /* it is ours to mend: credentials, address, method */
    case 403:
    case 404:
    case 405:
    case 407:
        return ENDPOINT_HELD;
    default:
        if (status >= 200 && status <= 299)
            return ENDPOINT_DELIVERED;
        return status >= 300 && status <= 399 ? ENDPOINT_HELD : ENDPOINT_LATER;
    }
}

/* ---- the reason, in the endpoint's own words ---- */

/* Foreign bytes as one line of printable UTF-8; runs of white space become one blank. */
static void add_words(struct gf_buf *out, const char *text, size_t len) {
    size_t i = 0;

    if (len > GF_REASON_MAX)
        len = GF_REASON_MAX;
    while (i < len) {
        size_t n = 0;
        while (i < len && strchr(" \t\r\n", text[i]) != NULL && text[i] != '\0')
            i++;
        while (i + n < len && (text[i + n] == '\0' || strchr(" \t\r\n", text[i + n]) == NULL))
            n++;
        if (n == 0)
            break;
        gf_buf_byte(out, ' ');
        gf_text_safe(out, text + i, n);
        i += n;
    }
}

/* Copy text, cut between characters to what a receipt can carry. */
static void set_reason(struct endpoint_result *r, const char *text) {
    size_t len = gf_text_fit(text, strlen(text), GF_REASON_MAX);

    memcpy(r->reason, text, len);
    r->reason[len] = '\0';
}

int endpoint_http_words(struct endpoint_result *r, const char *begin, const char *words, size_t len,
                        struct gf_err *e) {
    struct gf_buf b;

    gf_buf_init(&b, 8 * (size_t)GF_REASON_MAX);
    gf_buf_text(&b, begin);
    size_t before = b.len;
    if (len > 0)
        add_words(&b, words, len);
    if (b.len == before)
        gf_buf_text(&b,
                    r->status / 100 == 3 ? " a redirect, which is not followed" : " without words");
    int rc = gf_buf_check(&b, "reason", e);
    if (rc == 0)
        set_reason(r, b.data);
    gf_buf_free(&b);
    return rc;
}

int endpoint_http_explain(struct endpoint_result *r, struct gf_err *e) {
    char begin[GF_REASON_MAX];

    if (r->status == 0 || r->answer.stage == HTTPS_PROXY) {
        (void)snprintf(begin, sizeof begin, "%s: %s", https_stages[r->answer.stage],
                       r->answer.text);
        set_reason(r, begin);
        return 0;
    }
    (void)snprintf(begin, sizeof begin, "HTTP %lld:", (long long)r->status);
    return endpoint_http_words(r, begin, r->answer.body.data, r->answer.body.len, e);
}

/* ---- the verdict ---- */

static int lacks_text(const struct endpoint *p, const struct https_answer *a) {
    return p->success_text != NULL &&
           (a->body.len == 0 ||
            memmem(a->body.data, a->body.len, p->success_text, strlen(p->success_text)) == NULL);
}

int endpoint_http_judge(struct endpoint_job *j, struct endpoint_result *r, struct gf_err *e) {
    const struct https_answer *a = &r->answer;

    r->verdict = ENDPOINT_LATER;
    if (a->stage == HTTPS_OK || a->cut)
        r->verdict = endpoint_http_verdict(a->status);
    else if (a->stage == HTTPS_PROXY && endpoint_http_verdict(a->status) == ENDPOINT_HELD)
        r->verdict = ENDPOINT_HELD;
    else if (a->stage != HTTPS_PROXY)
        r->status = 0; /* the answer broke: its status is not the endpoint's last word */

    if (r->verdict == ENDPOINT_DELIVERED && lacks_text(j->endpoint, a)) {
        char begin[200];
        r->verdict = ENDPOINT_LATER;
        r->guarantee = GF_GUARANTEE_NONE;
        r->unknown = 1;
        (void)snprintf(begin, sizeof begin,
                       "HTTP %ld, but without \"%.100s\" (success_text):", a->status,
                       j->endpoint->success_text);
        return endpoint_http_words(r, begin, a->body.data, a->body.len, e);
    }
    if (r->verdict == ENDPOINT_DELIVERED && a->cut && j->record->answer) {
        r->verdict = ENDPOINT_HELD;
        r->guarantee = GF_GUARANTEE_NONE;
        r->unknown = 1;
        r->alone = 1;
        (void)snprintf(r->reason, sizeof r->reason,
                       "HTTP %ld: the answer is longer than %d bytes and cannot travel back",
                       a->status, ENDPOINT_ANSWER_MAX);
        return 0;
    }
    if (r->verdict != ENDPOINT_DELIVERED) {
        r->guarantee = GF_GUARANTEE_NONE;
        return endpoint_http_explain(r, e);
    }
    return 0;
}

/* ---- the request ---- */

void endpoint_header(struct endpoint_request *q, const char *line) {
    if (q->nheaders < ENDPOINT_HEADERS)
        q->headers[q->nheaders++] = line;
}

void endpoint_headers_own(struct endpoint_request *q, const struct endpoint *p) {

    if (p->header != NULL)
        endpoint_header(q, p->header);
    if (p->secret.len > 0)
        endpoint_header(q, p->secret.data);
}

void endpoint_headers(struct endpoint_request *q, const struct endpoint_job *j, const char *type) {
    char *key = stpcpy(q->key, "Idempotency-Key: ");

    /* For every record: each is written where it stays. */
    endpoint_key(&j->row->agent, &j->record->id, key);
    if (j->step > 0) /* another request is not the first one again */
        (void)snprintf(key + KEY_TEXT, sizeof q->key - (size_t)(key + KEY_TEXT - q->key), "-%d",
                       j->step + 1);
    gf_text_hex(j->row->agent.b, sizeof j->row->agent.b, stpcpy(q->agent, "Gapferry-Agent: "));
    gf_text_uuid(&j->record->id, stpcpy(q->id, "Gapferry-Record: "));
    if (type != NULL)
        (void)snprintf(q->type, sizeof q->type, "Content-Type: %s", type);
    if (type != NULL)
        endpoint_header(q, q->type);
    endpoint_header(q, q->key);
    endpoint_header(q, q->agent);
    endpoint_header(q, q->id);
    endpoint_headers_own(q, j->endpoint);
}

/* ---- the profile ---- */

static int check(const struct config *c, const char *name, struct gf_err *e) {
    static const char *const methods[] = {"POST", "PUT", NULL};
    const char *path = endpoint_value(c, name, "template");
    struct endpoint_template *t = NULL;
    struct gf_err why;
    int which;

    if (config_enum(c, "endpoint", name, "method", methods, &which, e) == -1)
        return -1;
    if (path == NULL)
        return 0;
    if (path[0] != '/')
        return endpoint_wrong(c, name, "template", "a path begins with /", e);
    if (endpoint_template_load(path, &t, &why) == -1)
        return endpoint_wrong(c, name, "template", why.text, e);
    endpoint_template_free(t);
    return 0;
}

static int open_section(struct endpoint *p, struct gf_err *e) {
    const char *path = endpoint_value(p->relay->config, p->name, "template");
    struct endpoint_template *t = NULL;

    if (path != NULL && endpoint_template_load(path, &t, e) == -1)
        return -1;
    p->own = t;
    return 0;
}

static void close_section(struct endpoint *p) {
    endpoint_template_free(p->own);
    p->own = NULL;
}

/* The body from the template. */
static int fill(struct endpoint_job *j, struct endpoint_request *q, struct gf_err *e) {
    struct gf_buf *b = calloc(1, sizeof *b);

    if (b == NULL)
        return gf_err_set(e, GF_E_SYSTEM, "no memory for a body");
    j->own = b;
    gf_buf_init(b, FILLED_MAX);
    if (endpoint_template_fill(j->endpoint->own, j, b, e) == -1)
        return -1;
    endpoint_headers(q, j, "application/json");
    q->http.body = b->data;
    q->http.body_len = b->len;
    return 0;
}

static int next(struct endpoint_job *j, struct endpoint_request *q, struct gf_err *e) {
    if (j->endpoint->own != NULL)
        return fill(j, q, e);
    endpoint_headers(q, j, j->record->type);
    q->http.body = j->record->body.data;
    q->http.body_len = j->record->body.len;
    return 0;
}

static void end(struct endpoint_job *j) {
    if (j->own != NULL)
        gf_buf_free(j->own);
    free(j->own);
    j->own = NULL;
}

static const char *const keys[] = {ENDPOINT_KEYS_COMMON, ENDPOINT_KEYS_HTTP, "method",
                                   "template",           "success_text",     NULL};

const struct endpoint_profile endpoint_http = {.name = "http",
                                               .keys = keys,
                                               .check = check,
                                               .open = open_section,
                                               .close = close_section,
                                               .next = next,
                                               .judge = endpoint_http_judge,
                                               .end = end};
