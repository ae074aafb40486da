/*
 * endpoint_http.c -- profile http: exactly the record's body, and what the answers mean.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gapferry/file.h"
#include "relay/endpoints/endpoint.h"

#define HEADER_FILE_MAX 8192 /* bytes */
#define HEADERS         6    /* at most, and NULL */

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

void endpoint_result_free(struct endpoint_result *r) {
    https_answer_free(&r->answer);
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
    size_t len = strlen(text);

    if (len > GF_REASON_MAX) {
        len = GF_REASON_MAX;
        while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
            len--;
    }
    memcpy(r->reason, text, len);
    r->reason[len] = '\0';
}

static int explain(struct endpoint_result *r, struct gf_err *e) {
    struct gf_buf b;

    gf_buf_init(&b, 8 * (size_t)GF_REASON_MAX);
    if (r->status == 0 || r->answer.stage == HTTPS_PROXY) {
        gf_buf_printf(&b, "%s: ", https_stages[r->answer.stage]);
        gf_buf_text(&b, r->answer.text);
    } else {
        gf_buf_printf(&b, "HTTP %lld:", (long long)r->status);
        size_t before = b.len;
        add_words(&b, r->answer.body.data, r->answer.body.len);
        if (b.len == before)
            gf_buf_text(&b, r->status / 100 == 3 ? " a redirect, which is not followed"
                                                 : " without words");
    }
    int rc = gf_buf_check(&b, "reason", e);
    if (rc == 0)
        set_reason(r, b.data);
    gf_buf_free(&b);
    return rc;
}

/* ---- the verdict ---- */

static enum gf_guarantee guarantee_of(const struct config *c, const char *name) {
    const char *word = config_get(c, "endpoint", name, "idempotency");

    /* The one word that promises nothing; no word is `key`. */
    return word != NULL && strcmp(word, "none") == 0 ? GF_GUARANTEE_LEAST : GF_GUARANTEE_ONCE;
}

static int judge(struct endpoint_result *r, int wants_answer, struct gf_err *e) {
    const struct https_answer *a = &r->answer;

    r->verdict = ENDPOINT_LATER;
    r->retry_after_s = a->retry_after_s;
    r->status = a->status;
    if (a->stage == HTTPS_OK || a->cut)
        r->verdict = endpoint_http_verdict(a->status);
    else if (a->stage == HTTPS_PROXY && endpoint_http_verdict(a->status) == ENDPOINT_HELD)
        r->verdict = ENDPOINT_HELD;
    else if (a->stage != HTTPS_PROXY)
        r->status = 0; /* the answer broke: its status is not the endpoint's last word */

    if (r->verdict == ENDPOINT_DELIVERED && a->cut && wants_answer) {
        r->verdict = ENDPOINT_HELD;
        (void)snprintf(r->reason, sizeof r->reason,
                       "HTTP %ld: the answer is longer than %d bytes and cannot travel back",
                       a->status, ENDPOINT_ANSWER_MAX);
        return 0;
    }
    if (r->verdict != ENDPOINT_DELIVERED) {
        r->guarantee = GF_GUARANTEE_NONE;
        return explain(r, e);
    }
    return 0;
}

/* ---- the request ---- */

/* What a request needs, and what has to be released after it. */
struct request {
    struct https_options o;
    char type[GF_TYPE_MAX + 32];
    char key[64];
    char agent[64];
    char record[64];
    struct gf_buf secret;
    const char *headers[HEADERS + 1];
};

/* The one line of header_file, without its line end. */
static int load_secret(struct request *q, const char *path, struct gf_err *e) {
    if (gf_file_load(AT_FDCWD, path, HEADER_FILE_MAX, &q->secret, e) == -1)
        return gf_err_set(e, GF_E_CONFIG, "header_file %s: cannot be read", path);
    while (q->secret.len > 0 && strchr("\r\n", q->secret.data[q->secret.len - 1]) != NULL)
        q->secret.data[--q->secret.len] = '\0';
    if (q->secret.len == 0 || strlen(q->secret.data) != q->secret.len)
        return gf_err_set(e, GF_E_CONFIG, "header_file %s: holds no line \"Name: value\"", path);
    return 0;
}

static int set_headers(struct request *q, const struct config *c, const char *name,
                       const struct gf_id *agent, const struct gf_record *r, struct gf_err *e) {
    char key[33], id[GF_ID_TEXT], uuid[GF_UUID_TEXT];
    const char *more = config_get(c, "endpoint", name, "header");
    const char *file = config_get(c, "endpoint", name, "header_file");
    size_t n = 0;

    endpoint_key(agent, &r->id, key);
    gf_text_hex(agent->b, sizeof agent->b, id);
    gf_text_uuid(&r->id, uuid);
    (void)snprintf(q->type, sizeof q->type, "Content-Type: %s", r->type);
    (void)snprintf(q->key, sizeof q->key, "Idempotency-Key: %s", key);
    (void)snprintf(q->agent, sizeof q->agent, "Gapferry-Agent: %s", id);
    (void)snprintf(q->record, sizeof q->record, "Gapferry-Record: %s", uuid);
    q->headers[n++] = q->type;
    q->headers[n++] = q->key;
    q->headers[n++] = q->agent;
    q->headers[n++] = q->record;
    if (more != NULL)
        q->headers[n++] = more;
    if (file != NULL) {
        if (load_secret(q, file, e) == -1)
            return -1;
        q->headers[n++] = q->secret.data;
    }
    q->o.headers = q->headers;
    return 0;
}

static int set_options(struct request *q, const struct config *c, const char *name,
                       const struct gf_record *r, const struct endpoint_until *until,
                       struct gf_err *e) {
    struct https_options *o = &q->o;
    int64_t timeout_s = 60;

    if (config_span(c, "endpoint", name, "timeout", &timeout_s, e) == -1)
        return -1;
    o->url = config_get(c, "endpoint", name, "url");
    o->method = config_get(c, "endpoint", name, "method");
    o->ca_file = config_get(c, "endpoint", name, "ca_file");
    o->cert_file = config_get(c, "endpoint", name, "cert_file");
    o->key_file = config_get(c, "endpoint", name, "key_file");
    o->proxy = config_get(c, "endpoint", name, "proxy");
    if (o->url == NULL)
        return gf_err_set(e, GF_E_CONFIG, "[endpoint \"%s\"] has no url", name);
    if (o->method == NULL)
        o->method = "POST";
    o->body = r->body.data;
    o->body_len = r->body.len;
    o->total_ms = timeout_s * 1000;
    if (until->wait_ms > 0 && until->wait_ms < o->total_ms)
        o->total_ms = until->wait_ms;
    o->stop = until->stop;
    o->answer_max = ENDPOINT_ANSWER_MAX;
    return 0;
}

int endpoint_http(struct https *client, const struct config *c, const char *name,
                  const struct gf_id *agent, const struct gf_record *r,
                  const struct endpoint_until *until, struct endpoint_result *out,
                  struct gf_err *e) {
    struct endpoint_result result = {.guarantee = guarantee_of(c, name), .retry_after_s = -1};
    struct request q = {0};

    if (r->body.form != GF_BODY_TEXT)
        return gf_err_set(e, GF_E_BUG, "a body that is not in memory cannot be sent");
    gf_buf_init(&q.secret, HEADER_FILE_MAX);
    int rc = set_headers(&q, c, name, agent, r, e);
    if (rc == 0)
        rc = set_options(&q, c, name, r, until, e);
    if (rc == 0)
        rc = https_request(client, &q.o, &result.answer, e);
    gf_buf_free(&q.secret);
    if (rc == -1)
        return -1;
    if (judge(&result, r->answer, e) == -1) {
        endpoint_result_free(&result);
        return -1;
    }
    *out = result;
    return 0;
}
