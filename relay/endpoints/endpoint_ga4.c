/*
 * endpoint_ga4.c -- profile ga4: events to Google Analytics 4 by its Measurement Protocol.
 *
 * Google answers 2xx whatever it does with an event, and gives one that is older than 72 hours
 * another date unless it is told not to. So what breaks its limits never leaves, and the receipt
 * says at least once: it knows no doubles.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/endpoints/endpoint_ga4_read.h"
#include "relay/endpoints/metrics.h"
#include "relay/updates/check.h"

#define JSON "application/json"

/* ---- the section ---- */

struct section {
    struct batches_limits limits;
    struct gf_buf secret; /* as it stands in secret_file, */
    struct gf_buf url;    /* and encoded, behind that of the section */
    size_t encoded;       /* where in url it begins */
};

/* How far back an event may lie. */
static int read_age(const struct config *c, const char *name, int64_t *out, struct gf_err *e) {
    *out = ENDPOINT_GA4_AGE_S;
    if (endpoint_value(c, name, "max_age") == NULL)
        return 0;
    if (config_span(c, "endpoint", name, "max_age", out, e) == -1)
        return -1;
    return *out > 0 && *out <= ENDPOINT_GA4_AGE_S
               ? 0
               : endpoint_wrong(c, name, "max_age", "72h at most: Google dates older events anew",
                                e);
}

static int check(const struct config *c, const char *name, struct gf_err *e) {
    const char *url = endpoint_value(c, name, "url");
    int64_t age;

    if (strstr(url, "api_secret=") != NULL)
        return endpoint_wrong(c, name, "url",
                              "a secret does not stand here, where everybody reads it; put it into "
                              "a file of mode 0600 and name that with secret_file",
                              e);
    if (strstr(url, "?measurement_id=") == NULL && strstr(url, "?firebase_app_id=") == NULL)
        return endpoint_wrong(c, name, "url",
                              "it ends with ?measurement_id=G-... or ?firebase_app_id=...", e);
    if (endpoint_value(c, name, "secret_file") == NULL)
        return endpoint_missing(name, "secret_file", e);
    return read_age(c, name, &age, e);
}

static void close_section(struct endpoint *p) {
    struct section *s = p->own;

    if (s != NULL) {
        gf_buf_free(&s->secret);
        gf_buf_free(&s->url);
    }
    free(s);
    p->own = NULL;
}

/* Only letters, digits, "-" and "_" as they are. */
static void put_encoded(struct gf_buf *out, const char *text) {
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if ((c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '-' ||
            c == '_')
            gf_buf_byte(out, (char)c);
        else
            gf_buf_printf(out, "%%%02X", c);
    }
}

static int open_section(struct endpoint *p, struct gf_err *e) {
    const struct config *c = p->relay->config;
    struct section *s = calloc(1, sizeof *s);

    if (s == NULL)
        return gf_err_set(e, GF_E_SYSTEM, "no memory for an endpoint");
    p->own = s;
    gf_buf_init(&s->secret, ENDPOINT_SECRET_MAX);
    gf_buf_init(&s->url, (size_t)4 * ENDPOINT_SECRET_MAX);
    s->limits.points = ENDPOINT_GA4_EVENTS;
    s->limits.requests = METRICS_REQUESTS;
    if (read_age(c, p->name, &s->limits.max_age_s, e) == -1 ||
        config_span(c, "endpoint", p->name, "max_future", &s->limits.max_future_s, e) == -1 ||
        endpoint_load_secret(c, p->name, "secret_file", &s->secret, e) == -1)
        goto fail;
    gf_buf_printf(&s->url, "%s&api_secret=", p->http.url);
    s->encoded = s->url.len;
    put_encoded(&s->url, s->secret.data);
    if (gf_buf_check(&s->url, "url", e) == 0)
        return 0;
fail:
    close_section(p);
    return -1;
}

/* ---- one record ---- */

struct own {
    struct metrics_early early;
    struct endpoint_ga4 record;
    struct batches *batches;
    struct metrics_probe probe;
    struct gf_buf body; /* of the request at hand */
};

static int begin(struct endpoint_job *j, struct gf_err *e) {
    const struct section *s = j->endpoint->own;
    const struct gf_body *body = &j->record->body;
    struct own *own = calloc(1, sizeof *own);
    struct gf_err why;

    if (own == NULL)
        return gf_err_set(e, GF_E_SYSTEM, "no memory for a record");
    j->own = own;
    gf_buf_init(&own->body, ENDPOINT_GA4_BYTES);
    if (!check_is_type(j->record->type, JSON)) {
        metrics_foreign(&own->early, j, "it takes events in " JSON);
        return 0;
    }
    if (endpoint_ga4_read(body->data, body->len, j->record->created, &own->record, &why) == -1) {
        if (why.code != GF_E_SYSTEM) {
            metrics_unfit(&own->early, why.text);
            return 0;
        }
        *e = why;
        return -1;
    }
    struct batches_limits limits = s->limits;
    limits.bytes = ENDPOINT_GA4_BYTES - own->record.head.len - 2;
    return batches_new(&limits, own->record.points, own->record.n, j->now, &own->batches, e) == -1
               ? -1
               : metrics_resume(j, own->batches, e);
}

static int next(struct endpoint_job *j, struct endpoint_request *q, struct gf_err *e) {
    const struct section *s = j->endpoint->own;
    struct batches_range range;

    if (j->own == NULL && begin(j, e) == -1)
        return -1;
    struct own *own = j->own;
    q->local = own->early.is || !batches_next(own->batches, &range);
    if (q->local)
        return 0;
    if (own->probe.at == METRICS_PROBE_DUE)
        range.n = 0;
    gf_buf_clear(&own->body);
    endpoint_ga4_put(&own->record, &range, &own->body);
    if (gf_buf_check(&own->body, "a request to Google Analytics", e) == -1)
        return -1;
    (void)snprintf(q->type, sizeof q->type, "Content-Type: " JSON);
    endpoint_header(q, q->type);
    endpoint_headers_own(q, j->endpoint);
    q->http.url = s->url.data;
    q->http.method = "POST";
    q->http.body = own->body.data;
    q->http.body_len = own->body.len;
    return 0;
}

/* A page that says what was asked for says the secret, too, and a reason travels far. */
static void hide(const struct section *s, struct gf_buf *answer) {
    if (answer->len > 0 &&
        (memmem(answer->data, answer->len, s->secret.data, s->secret.len) != NULL ||
         memmem(answer->data, answer->len, s->url.data + s->encoded, s->url.len - s->encoded) !=
             NULL))
        gf_buf_clear(answer);
}

static int judge(struct endpoint_job *j, struct endpoint_result *r, struct gf_err *e) {
    struct own *own = j->own;

    if (metrics_settled(&own->early, r))
        return 0;
    if (r->answer.status != 0 || r->answer.stage != HTTPS_OK) {
        hide(j->endpoint->own, &r->answer.body);
        int rc = metrics_judge(j, own->batches, &own->probe, r, e);
        if (rc != 1)
            return rc;
    }
    metrics_go_on(j, own->batches, r);
    return 0;
}

static void progress(const struct endpoint_job *j, struct gf_buf *out) {
    const struct own *own = j->own;

    if (own != NULL && own->batches != NULL)
        batches_progress(own->batches, out);
}

static void end(struct endpoint_job *j) {
    struct own *own = j->own;

    if (own != NULL) {
        endpoint_ga4_free(&own->record);
        batches_free(own->batches);
        gf_buf_free(&own->body);
    }
    free(own);
    j->own = NULL;
}

static const char *const keys[] = {"channel",     "product",     "sender",     "type",
                                   "profile",     "connections", "timeout",    ENDPOINT_KEYS_HTTP,
                                   "secret_file", "max_age",     "max_future", NULL};

const struct endpoint_profile endpoint_ga4 = {.name = "ga4",
                                              .keys = keys,
                                              .asks = 1,
                                              .idempotency = "none",
                                              .check = check,
                                              .open = open_section,
                                              .close = close_section,
                                              .next = next,
                                              .judge = judge,
                                              .progress = progress,
                                              .end = end};
