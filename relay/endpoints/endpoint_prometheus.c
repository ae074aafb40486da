/*
 * endpoint_prometheus.c -- profile prometheus: data points as Prometheus text to VictoriaMetrics
 * (/api/v1/import/prometheus), or as remote write 1.0 to anything that takes that.
 *
 *   format    text: lines with times in milliseconds. remote-write: a snappy block of protobuf
 *   readback  for text: VictoriaMetrics' /api/v1/export. Its 204 says nothing: what is older than
 *             its retention is dropped all the same. So it is told to make what came searchable
 *             (/internal/force_flush, beside that), and then asked for what was sent
 *
 * Verdicts are those of profile http, but that Prometheus' 500 "too old sample" is for good.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/endpoints/metrics_run.h"
#include "relay/series/series_back.h"

#define MAX_AGE_S (30 * 86400)
#define IMPORT    "/api/v1/import/prometheus"
#define EXPORT    "/api/v1/export"
#define FLUSH     "/internal/force_flush"
#define TEXT_TYPE "text/plain; version=0.0.4"
#define NOT_THERE "the sink answered 204 and does not have it"

static const char *const formats[] = {"text", "remote-write", NULL};
enum { TEXT, REMOTE };

/* A section. */
struct prometheus {
    struct metrics metrics;
    int format;
    const char *readback;
    char *flush; /* URL; NULL: nothing is read back */
};

/* Where a record is. */
enum stage { SENDING, FLUSHING, ASKING };

struct job {
    struct metrics_run *run;
    enum stage stage;
    unsigned char *sent;      /* for each point: 1: it was taken */
    struct series_back *back; /* when asking */
    struct gf_buf wrapped;    /* the body of a remote write, or a question */
};

/* ---- a section ---- */

/* Its readback without the path that it must end in; -1: it does not. */
static int base_of(const char *readback) {
    size_t len = strlen(readback), end = strlen(EXPORT);

    return len > end && strcmp(readback + len - end, EXPORT) == 0 ? (int)(len - end) : -1;
}

static int check(const struct config *c, const char *name, struct gf_err *e) {
    const char *readback = endpoint_value(c, name, "readback");
    int format = TEXT;

    if (metrics_check(c, name, e) == -1 ||
        config_enum(c, "endpoint", name, "format", formats, &format, e) == -1)
        return -1;
    /* A sink that gets the other form says 204 or 400, and has nothing in either case. */
    if (metrics_url_ends(c, name, IMPORT) != (format == TEXT))
        return endpoint_wrong(c, name, "url",
                              format == TEXT
                                  ? "ends in " IMPORT " (VictoriaMetrics); for what takes remote "
                                    "write, as Prometheus, say format = remote-write"
                                  : "is for format = text; remote write goes to /api/v1/write or "
                                    "the like",
                              e);
    if (readback == NULL)
        return 0;
    if (format != TEXT)
        return endpoint_wrong(c, name, "readback",
                              "is for format = text; what remote write answers can be believed", e);
    if (endpoint_check_url(c, name, "readback", readback, e) == -1)
        return -1;
    return base_of(readback) == -1
               ? endpoint_wrong(c, name, "readback", "ends in " EXPORT " (VictoriaMetrics)", e)
               : 0;
}

static void close_section(struct endpoint *p) {
    struct prometheus *own = p->own;

    if (own != NULL)
        free(own->flush);
    free(own);
    p->own = NULL;
}

static int open_section(struct endpoint *p, struct gf_err *e) {
    const struct config *c = p->relay->config;
    struct prometheus *own = calloc(1, sizeof *own);

    if (own == NULL)
        return gf_err_set(e, GF_E_SYSTEM, "no memory for an endpoint");
    p->own = own;
    own->readback = endpoint_value(c, p->name, "readback");
    int base = own->readback != NULL ? base_of(own->readback) : -1;
    if (base != -1 && asprintf(&own->flush, "%.*s" FLUSH, base, own->readback) == -1) {
        own->flush = NULL;
        close_section(p);
        return gf_err_set(e, GF_E_SYSTEM, "no memory for an endpoint");
    }
    if (metrics_open(p, MAX_AGE_S, &own->metrics, e) == -1 ||
        config_enum(c, "endpoint", p->name, "format", formats, &own->format, e) == -1) {
        close_section(p);
        return -1;
    }
    return 0;
}

/* ---- one record: requests ---- */

static int read_record(void *arg, enum metrics_run_type type, const void *data, size_t len,
                       const struct metrics_labels *added, struct pieces *out, struct gf_err *e) {
    const struct prometheus *own = arg;
    const struct series_form *form = own->format == REMOTE ? &series_remote : &series_text;

    if (type == METRICS_RUN_OTLP)
        return series_otlp(data, len, form, added, out, e);
    if (type == METRICS_RUN_LINES)
        return series_influx(data, len, form, added, out, e);
    return gf_err_set(e, GF_E_NOT_FOR_US, "it takes OpenTelemetry metrics and Influx lines");
}

static int begin(struct endpoint_job *j, struct gf_err *e) {
    struct prometheus *own = j->endpoint->own;
    struct job *x = calloc(1, sizeof *x);

    if (x == NULL)
        return gf_err_set(e, GF_E_SYSTEM, "no memory for a record's points");
    j->own = x;
    gf_buf_init(&x->wrapped, 4 * (size_t)PIECES_MAX);
    if (metrics_run_new(j, &own->metrics, read_record, own, &x->run, e) == -1)
        return -1;
    if (own->flush != NULL && (x->sent = calloc(x->run->pieces.n + 1, 1)) == NULL)
        return gf_err_set(e, GF_E_SYSTEM, "no memory for a record's points");
    for (size_t i = 0; x->sent != NULL && x->run->batches != NULL && i < x->run->pieces.n; i++)
        x->sent[i] = batches_has(x->run->batches, i) != 0;
    return 0;
}

static int send(struct endpoint_job *j, struct endpoint_request *q, struct gf_err *e) {
    const struct prometheus *own = j->endpoint->own;
    struct job *x = j->own;

    int rc = metrics_run_next(x->run, e);
    if (rc != 1) {
        q->local = 1;
        return rc;
    }
    q->http.method = "POST";
    if (own->format == TEXT) {
        endpoint_headers(q, j, TEXT_TYPE);
        q->http.body = x->run->body.data;
        q->http.body_len = x->run->body.len;
        return 0;
    }
    gf_buf_clear(&x->wrapped);
    series_snappy(x->run->body.data, x->run->body.len, &x->wrapped);
    endpoint_headers(q, j, "application/x-protobuf");
    endpoint_header(q, "Content-Encoding: snappy");
    endpoint_header(q, "X-Prometheus-Remote-Write-Version: 0.1.0");
    q->http.body = x->wrapped.data;
    q->http.body_len = x->wrapped.len;
    return gf_buf_check(&x->wrapped, "a request", e);
}

/* There is always a question: a record of which nothing was taken is over before. */
static int ask(struct endpoint_job *j, struct endpoint_request *q, struct gf_err *e) {
    const struct prometheus *own = j->endpoint->own;
    struct job *x = j->own;

    if (x->back == NULL && series_back_new(&x->run->pieces, x->sent, &x->back, e) == -1)
        return -1;
    int rc = series_back_next(x->back, &x->wrapped, e);
    if (rc != 1) {
        q->local = 1;
        return rc;
    }
    endpoint_headers(q, j, "application/x-www-form-urlencoded");
    q->http.url = own->readback;
    q->http.method = "POST";
    q->http.body = x->wrapped.data;
    q->http.body_len = x->wrapped.len;
    q->http.answer_max = SERIES_BACK_ANSWER;
    return 0;
}

static int next(struct endpoint_job *j, struct endpoint_request *q, struct gf_err *e) {
    const struct prometheus *own = j->endpoint->own;

    if (j->own == NULL && begin(j, e) == -1)
        return -1;
    const struct job *x = j->own;
    if (x->stage == SENDING)
        return send(j, q, e);
    if (x->stage == ASKING)
        return ask(j, q, e);
    endpoint_headers_own(q, j->endpoint);
    q->http.url = own->flush;
    q->http.method = "GET";
    return 0;
}

/* ---- one record: verdicts ---- */

/* Prometheus says 500 to what it will never take. */
static int is_too_old(const struct endpoint_result *r) {
    static const char words[] = "too old sample";
    const struct gf_buf *body = &r->answer.body;

    return r->answer.stage == HTTPS_OK && r->status == 500 && body->len > 0 &&
           memmem(body->data, body->len, words, sizeof words - 1) != NULL;
}

static void note_sent(struct job *x) {
    struct batches_range range;

    if (x->sent == NULL || !batches_next(x->run->batches, &range))
        return;
    for (size_t i = 0; i < range.n; i++)
        x->sent[range.point[i]] = 1;
}

/* The batch at hand: 1 the record goes on, 0 it waits, -1. */
static int judge_batch(struct endpoint_job *j, struct endpoint_result *r, struct gf_err *e) {
    struct job *x = j->own;

    if (x->run->probe.at == METRICS_PROBE_DUE)
        return metrics_judge(j, x->run->batches, &x->run->probe, r, e);
    if (is_too_old(r)) {
        if (endpoint_http_explain(r, e) == -1)
            return -1;
        batches_refused(x->run->batches, r->reason);
        return 1;
    }
    if (endpoint_http_verdict(r->status) == ENDPOINT_DELIVERED && r->answer.stage == HTTPS_OK)
        note_sent(x);
    return metrics_judge(j, x->run->batches, &x->run->probe, r, e);
}

static int judge_sending(struct endpoint_job *j, struct endpoint_result *r, struct gf_err *e) {
    const struct prometheus *own = j->endpoint->own;
    struct job *x = j->own;
    struct batches_range ignored;

    if (x->run->batches != NULL && batches_next(x->run->batches, &ignored)) {
        int rc = judge_batch(j, r, e);
        if (rc != 1)
            return rc;
    }
    metrics_run_end(j, x->run, r);
    if (r->verdict == ENDPOINT_DELIVERED && own->flush != NULL &&
        batches_there(x->run->batches) > 0) {
        r->verdict = ENDPOINT_MORE;
        x->stage = FLUSHING;
    }
    return 0;
}

/* The end of asking. */
static void settle(struct endpoint_job *j, struct endpoint_result *r) {
    struct job *x = j->own;

    batches_missing(x->run->batches, series_back_missing(x->back), NOT_THERE);
    metrics_run_end(j, x->run, r);
}

/* The reason is not what the sink says of the record. */
static int say_readback(struct endpoint_result *r, struct gf_err *e) {
    char said[GF_REASON_MAX + 1];

    memcpy(said, r->reason, sizeof said);
    return endpoint_http_words(r, "readback:", said, strlen(said), e);
}

static int judge_asking(struct endpoint_job *j, struct endpoint_result *r, struct gf_err *e) {
    struct job *x = j->own;
    struct gf_err why;

    if (x->stage == ASKING && r->status == 0 && r->answer.stage == HTTPS_OK) { /* local */
        settle(j, r);
        return 0;
    }
    if (x->stage == ASKING && r->answer.cut && r->status == 200) {
        series_back_too_long(x->back);
        r->verdict = ENDPOINT_MORE;
        return 0;
    }
    if (endpoint_http_judge(j, r, e) == -1)
        return -1;
    if (r->verdict != ENDPOINT_DELIVERED) {
        /* What was sent is there or not; that it cannot be seen is no verdict on it. */
        if (r->verdict == ENDPOINT_REJECTED)
            r->verdict = ENDPOINT_HELD;
        return say_readback(r, e);
    }
    if (x->stage == ASKING &&
        series_back_answer(x->back, r->answer.body.data, r->answer.body.len, &why) == -1) {
        r->verdict = ENDPOINT_LATER;
        r->guarantee = GF_GUARANTEE_NONE;
        return endpoint_http_words(r, "readback:", why.text, strlen(why.text), e);
    }
    x->stage = ASKING;
    r->verdict = ENDPOINT_MORE;
    return 0;
}

static int judge(struct endpoint_job *j, struct endpoint_result *r, struct gf_err *e) {
    const struct job *x = j->own;

    return x->stage == SENDING ? judge_sending(j, r, e) : judge_asking(j, r, e);
}

static void progress(const struct endpoint_job *j, struct gf_buf *out) {
    const struct job *x = j->own;

    if (x != NULL)
        metrics_run_progress(x->run, out);
}

static void end(struct endpoint_job *j) {
    struct job *x = j->own;

    if (x != NULL) {
        metrics_run_free(x->run);
        series_back_free(x->back);
        gf_buf_free(&x->wrapped);
        free(x->sent);
    }
    free(x);
    j->own = NULL;
}

static const char *const keys[] = {
    ENDPOINT_KEYS_COMMON, ENDPOINT_KEYS_HTTP, ENDPOINT_KEYS_METRICS, "format", "readback", NULL};

const struct endpoint_profile endpoint_prometheus = {.name = "prometheus",
                                                     .keys = keys,
                                                     .asks = 1,
                                                     .idempotency = "natural",
                                                     .check = check,
                                                     .open = open_section,
                                                     .close = close_section,
                                                     .next = next,
                                                     .judge = judge,
                                                     .progress = progress,
                                                     .end = end};
