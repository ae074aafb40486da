/*
 * endpoint_otlp.c -- profile otlp: metrics to an OpenTelemetry receiver (OTLP/HTTP), in requests
 * that hold as many points as it is to get at once.
 *
 * A record that goes whole, and gets no attribute, goes as the bytes that it is. Else it is cut in
 * protobuf; one in JSON comes from there and goes back, since both forms say the same.
 *
 * What a receiver answers is final but for 429, 502, 503 and 504, so says the specification. Of a
 * request that it takes in part it does not say which points it has refused: none is sent again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/otlp_json.h"
#include "common/otlp_points.h"
#include "common/otlp_select.h"
#include "common/otlp_wire.h"
#include "relay/endpoints/endpoint_otlp_reply.h"
#include "relay/endpoints/metrics.h"
#include "relay/updates/check.h"

#define PROTOBUF "application/x-protobuf"
#define JSON     "application/json"
/* Bytes of a reply: what the specification has clients take. */
#define REPLY_MAX (4 << 20)
/* Bytes of a request, attributes and all. */
#define REQUEST_MAX (2 * OTLP_MAX)
/* Bytes of all requests of a record, beyond sixteen times its own: what is around its points, which
 * may be nearly all of it, stands in each of them. */
#define SPENT_MAX (64 << 20)
#define BEYOND    "beyond the bytes that one record may cost"
/* Points of a record: OTLP_MAX bytes of them with a time and a value are fewer. */
#define POINTS_MAX 4000000

static const char *const encodings[] = {"as-is", "protobuf", NULL};
enum { AS_IS, TO_PROTOBUF };

/* ---- the section ---- */

struct section {
    struct metrics metrics;
    int encoding;
};

static int check(const struct config *c, const char *name, struct gf_err *e) {
    const char *idempotency = endpoint_value(c, name, "idempotency");
    int which;

    if (idempotency != NULL && strcmp(idempotency, "key") == 0)
        return endpoint_wrong(c, name, "idempotency",
                              "profile otlp sends no key; none (the default), or natural where the "
                              "receiver knows doubles by themselves",
                              e);
    if (config_enum(c, "endpoint", name, "encoding", encodings, &which, e) == -1)
        return -1;
    if (!metrics_url_ends(c, name, "") || metrics_url_ends(c, name, "/v1/traces") ||
        metrics_url_ends(c, name, "/v1/logs"))
        return endpoint_wrong(c, name, "url",
                              "is taken as it stands: with its path, mostly /v1/metrics", e);
    return metrics_check(c, name, e);
}

static int open_section(struct endpoint *p, struct gf_err *e) {
    struct section *s = calloc(1, sizeof *s);

    if (s == NULL)
        return gf_err_set(e, GF_E_SYSTEM, "no memory for an endpoint");
    if (config_enum(p->relay->config, "endpoint", p->name, "encoding", encodings, &s->encoding,
                    e) == -1 ||
        metrics_open(p, 0, &s->metrics, e) == -1) {
        free(s);
        return -1;
    }
    p->own = s;
    return 0;
}

static void close_section(struct endpoint *p) {
    free(p->own);
    p->own = NULL;
}

/* ---- one record ---- */

struct own {
    struct metrics_early early;
    int json;                 /* 1: requests are JSON */
    int delta;                /* 1: a point that is counted twice would be wrong */
    struct gf_buf converted;  /* a record in JSON, as protobuf */
    struct otlp_span request; /* the record in protobuf: borrowed */
    struct batches_point *points;
    size_t n;
    struct batches *batches;
    struct metrics_probe probe;
    size_t spent;  /* bytes of requests */
    uint8_t *bits; /* of the points of the batch at hand */
    struct metrics_labels labels;
    struct otlp_select_attribute attributes[METRICS_LABELS];
    char keys[METRICS_LABELS][32];
    struct gf_buf selected, text; /* of the request at hand: in protobuf; in JSON */
};

static int is_json(const struct gf_record *r) {
    return check_is_type(r->type, JSON);
}

static int is_otlp(const struct gf_record *r) {
    return is_json(r) ? metrics_is_otlp_json(&r->body) : check_is_type(r->type, PROTOBUF);
}

/* What is not metrics at all takes no effect, however often. */
static int harmless(const struct endpoint_job *j) {
    const struct own *own = j->own;
    const struct gf_body *body = &j->record->body;
    struct otlp_facts facts;
    struct gf_err ignored;

    if (own != NULL)
        return !own->delta;
    if (!is_otlp(j->record))
        return 1;
    int rc = is_json(j->record) ? otlp_json_check(body->data, body->len, &facts, &ignored)
                                : otlp_check(body->data, body->len, &facts, &ignored);
    return rc == -1 || !facts.delta;
}

/* The record in protobuf. GF_E_RECORD, GF_E_LIMIT: it is none. */
static int read_request(const struct endpoint_job *j, struct own *own, struct otlp_facts *facts,
                        struct gf_err *e) {
    const struct gf_body *body = &j->record->body;

    own->request = otlp_wire_span(body->data, body->len);
    if (is_json(j->record)) {
        if (otlp_json_to_protobuf(body->data, body->len, &own->converted, e) == -1)
            return -1;
        own->request = otlp_wire_span(own->converted.data, own->converted.len);
    }
    if (otlp_check(own->request.at, (size_t)(own->request.end - own->request.at), facts, e) == -1)
        return -1;
    if (facts->points > POINTS_MAX)
        return gf_err_set(e, GF_E_LIMIT, "more than %d data points", POINTS_MAX);
    return 0;
}

/* What each point adds to a request: its own bytes, and its share of what is around them. */
static int read_points(struct own *own, uint64_t n, struct gf_err *e) {
    size_t len = (size_t)(own->request.end - own->request.at), within = 0, i = 0;
    struct otlp_points it;
    struct otlp_point p;

    own->points = calloc(n > 0 ? n : 1, sizeof *own->points);
    own->bits = calloc(n / 8 + 1, 1);
    if (own->points == NULL || own->bits == NULL)
        return gf_err_set(e, GF_E_SYSTEM, "no memory for the points of a record");
    if (otlp_points_open(&it, own->request.at, len, e) == -1)
        return -1;
    for (; i < n && otlp_points_next(&it, &p); i++) {
        own->points[i] =
            (struct batches_point){.time = p.time, .size = (size_t)(p.field.end - p.field.at)};
        within += own->points[i].size;
    }
    own->n = i;
    for (i = 0; i < own->n; i++)
        own->points[i].size += (len - within) / own->n;
    return 0;
}

static int read_attributes(struct endpoint_job *j, struct own *own, struct gf_err *e) {
    struct section *s = j->endpoint->own;

    if (metrics_labels(&s->metrics, j, &own->labels, e) == -1)
        return -1;
    for (size_t i = 0; i < own->labels.n; i++) {
        struct otlp_select_attribute *a = &own->attributes[i];
        (void)snprintf(own->keys[i], sizeof own->keys[i], "gapferry.%s", own->labels.label[i].name);
        a->key = own->keys[i];
        if (strcmp(own->labels.label[i].name, "delay_s") == 0)
            a->number = strtoll(own->labels.label[i].value, NULL, 10);
        else
            a->text = own->labels.label[i].value;
    }
    return 0;
}

static int begin(struct endpoint_job *j, struct gf_err *e) {
    const struct section *s = j->endpoint->own;
    struct own *own = calloc(1, sizeof *own);
    struct otlp_facts facts;
    struct gf_err why;

    if (own == NULL)
        return gf_err_set(e, GF_E_SYSTEM, "no memory for a record");
    j->own = own;
    gf_buf_init(&own->converted, OTLP_MAX);
    gf_buf_init(&own->selected, REQUEST_MAX);
    gf_buf_init(&own->text, (size_t)8 * REQUEST_MAX);
    if (!is_otlp(j->record)) {
        metrics_foreign(&own->early, j, "it takes OpenTelemetry metrics");
        return 0;
    }
    own->json = is_json(j->record) && s->encoding == AS_IS;
    if (read_request(j, own, &facts, &why) == -1) {
        if (why.code != GF_E_SYSTEM) {
            metrics_unfit(&own->early, why.text);
            return 0;
        }
        *e = why;
        return -1;
    }
    own->delta = facts.delta;
    if (read_points(own, facts.points, e) == -1 || read_attributes(j, own, e) == -1)
        return -1;
    return batches_new(&s->metrics.limits, own->points, own->n, j->now, &own->batches, e) == -1
               ? -1
               : metrics_resume(j, own->batches, e);
}

/* ---- requests ---- */

/* The points of a batch, as the receiver is to get them. */
static int write_body(const struct endpoint_job *j, struct own *own,
                      const struct batches_range *range, struct endpoint_request *q,
                      struct gf_err *e) {
    const struct gf_body *body = &j->record->body;
    size_t len = (size_t)(own->request.end - own->request.at);

    if (range->n == own->n && own->labels.n == 0) {
        q->http.body = own->json ? (const void *)body->data : own->request.at;
        q->http.body_len = own->json ? body->len : len;
        own->spent += q->http.body_len;
        return 0;
    }
    memset(own->bits, 0, own->n / 8 + 1);
    for (size_t i = 0; i < range->n; i++)
        own->bits[range->point[i] / 8] |= (uint8_t)(1U << range->point[i] % 8);
    const struct otlp_select what = {.from = range->point[0],
                                     .to = range->point[range->n - 1] + 1,
                                     .bits = own->bits,
                                     .attributes = own->attributes,
                                     .nattributes = own->labels.n};
    struct gf_buf *out = &own->selected;
    gf_buf_clear(out);
    gf_buf_clear(&own->text);
    if (otlp_select(own->request.at, len, &what, out, e) == -1)
        return -1;
    if (own->json) {
        if (otlp_json_from_protobuf(out->data, out->len, 0, &own->text, e) == -1)
            return -1;
        out = &own->text;
    }
    q->http.body = out->data;
    q->http.body_len = out->len;
    own->spent += out->len;
    return 0;
}

/* A request without a point. */
static void write_probe(const struct own *own, struct endpoint_request *q) {
    q->http.body = own->json ? "{}" : "";
    q->http.body_len = own->json ? 2 : 0;
}

static int has_spent(const struct own *own) {
    return own->spent > SPENT_MAX + 16 * (size_t)(own->request.end - own->request.at);
}

static int next(struct endpoint_job *j, struct endpoint_request *q, struct gf_err *e) {
    struct batches_range range;

    if (j->own == NULL && begin(j, e) == -1)
        return -1;
    struct own *own = j->own;
    if (!own->early.is && has_spent(own))
        batches_end(own->batches, BEYOND);
    q->local = own->early.is || !batches_next(own->batches, &range);
    if (q->local)
        return 0;
    (void)snprintf(q->type, sizeof q->type, "Content-Type: %s", own->json ? JSON : PROTOBUF);
    endpoint_header(q, q->type);
    endpoint_headers_own(q, j->endpoint);
    q->http.method = "POST";
    q->http.answer_max = REPLY_MAX;
    q->http.once = q->http.once && own->delta;
    if (own->probe.at == METRICS_PROBE_DUE) {
        write_probe(own, q);
        return 0;
    }
    return write_body(j, own, &range, q, e);
}

/* ---- answers ---- */

static const char *type_of(const struct https_answer *a, size_t *len) {
    *len = 0;
    return https_header(a, "content-type", len);
}

/* Somebody has answered, and it may have taken effect; but this is not the receiver's word. */
static int doubt(struct endpoint_result *r, const char *what, struct gf_err *e) {
    char words[96];

    r->verdict = ENDPOINT_LATER;
    r->unknown = 1;
    (void)snprintf(words, sizeof words, "HTTP %lld, but %.60s:", (long long)r->status, what);
    return endpoint_http_words(r, words, r->answer.body.data, r->answer.body.len, e);
}

/* A 2xx: 1 the batch is judged; 0 it has to wait; -1. */
static int judge_success(struct endpoint_job *j, struct endpoint_result *r, struct gf_err *e) {
    struct own *own = j->own;
    const struct https_answer *a = &r->answer;
    struct endpoint_otlp_reply reply;
    struct gf_err why;
    size_t len;
    const char *type = type_of(a, &len);

    if (own->probe.at == METRICS_PROBE_DUE)
        return metrics_probe_answer(&own->probe, own->batches, r);
    if (a->cut)
        return doubt(r, "its body is longer than 4 MiB", e);
    if (endpoint_otlp_reply_success(type, len, a->body.data, a->body.len, &reply, &why) == -1)
        return doubt(r, why.text, e);
    if (endpoint_http_words(r, "the receiver:", reply.words, reply.len, e) == -1)
        return -1;
    if (reply.rejected > 0) {
        batches_partial(own->batches, reply.rejected, r->reason);
        return 1;
    }
    if (reply.len > 0)
        memcpy(j->endpoint->warning, r->reason, sizeof r->reason);
    batches_taken(own->batches);
    return 1;
}

/* Any other status: 1 the batch is judged; 0 it has to wait, or somebody has to mend something; -1.
 */
static int judge_failure(struct own *own, struct endpoint_result *r, struct gf_err *e) {
    const struct https_answer *a = &r->answer;
    struct endpoint_otlp_reply reply;
    char status[32];
    size_t len;
    const char *type = type_of(a, &len);

    endpoint_otlp_reply_failure(type, len, a->body.data, a->body.len, &reply);
    (void)snprintf(status, sizeof status, "HTTP %lld:", (long long)r->status);
    if (endpoint_http_words(r, status, reply.words, reply.len, e) == -1)
        return -1;
    if (endpoint_http_verdict(r->status) == ENDPOINT_HELD) {
        r->verdict = ENDPOINT_HELD;
        return 0;
    }
    if (r->status < 200) { /* it speaks another protocol */
        r->verdict = ENDPOINT_LATER;
        return 0;
    }
    if (own->probe.at == METRICS_PROBE_DUE)
        return metrics_probe_answer(&own->probe, own->batches, r);
    switch (r->status) {
    case 408: /* it did not get the request, or not yet, whatever the specification says */
    case 425:
    case 429:
    case 502:
    case 503:
    case 504:
        r->verdict = ENDPOINT_LATER;
        return 0;
    case 400: /* perhaps for one of its points */
    case 413:
    case 422:
        metrics_probe_refused(&own->probe, own->batches, r, 0);
        return 1;
    default:
        metrics_probe_refused(&own->probe, own->batches, r, 1);
        return 1;
    }
}

static int judge(struct endpoint_job *j, struct endpoint_result *r, struct gf_err *e) {
    struct own *own = j->own;
    const struct https_answer *a = &r->answer;
    int rc = 1;

    if (metrics_settled(&own->early, r))
        return 0;
    if (a->status == 0 && a->stage == HTTPS_OK) /* there was nothing to send */
        rc = 1;
    else if (a->stage != HTTPS_OK && !a->cut)
        return endpoint_http_judge(j, r, e); /* the same of a probe */
    else
        rc = a->status / 100 == 2 ? judge_success(j, r, e) : judge_failure(own, r, e);
    if (rc == -1)
        return -1;
    if (rc == 0) {
        r->guarantee = GF_GUARANTEE_NONE;
        return 0;
    }
    metrics_go_on(j, own->batches, r);
    if (r->verdict == ENDPOINT_DELIVERED && !own->delta)
        r->guarantee = GF_GUARANTEE_ONCE;
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
        gf_buf_free(&own->converted);
        gf_buf_free(&own->selected);
        gf_buf_free(&own->text);
        batches_free(own->batches);
        free(own->points);
        free(own->bits);
    }
    free(own);
    j->own = NULL;
}

static const char *const keys[] = {ENDPOINT_KEYS_COMMON, ENDPOINT_KEYS_HTTP, ENDPOINT_KEYS_METRICS,
                                   "encoding", NULL};

const struct endpoint_profile endpoint_otlp = {.name = "otlp",
                                               .keys = keys,
                                               .asks = 1,
                                               .idempotency = "none",
                                               .check = check,
                                               .open = open_section,
                                               .close = close_section,
                                               .next = next,
                                               .judge = judge,
                                               .progress = progress,
                                               .end = end,
                                               .harmless = harmless};
