/*
 * endpoint_influx.c -- profile influx: lines with their own times to InfluxDB 1.x, or whatever
 * takes its /write.
 *
 * Of points that its retention policy does not keep it drops those alone and answers 400 "partial
 * write": the batch is halved until they stand alone, since the same line again overwrites itself.
 * A database that is not there is a 404, and its records are held.
 */
#include <stdlib.h>
#include <string.h>

#include "relay/endpoints/metrics_run.h"
#include "relay/series/lines.h"

static int check(const struct config *c, const char *name, struct gf_err *e) {
    const char *url = endpoint_value(c, name, "url");
    const char *query = strchr(url, '?');

    if (metrics_check(c, name, e) == -1)
        return -1;
    if (query != NULL && strstr(query, "precision=") != NULL &&
        strstr(query, "precision=n") == NULL)
        return endpoint_wrong(c, name, "url", "lines go in nanoseconds: take precision out of it",
                              e);
    if (!metrics_url_ends(c, name, "/write") || query == NULL ||
        (strstr(query, "db=") == NULL && strstr(query, "bucket=") == NULL))
        return endpoint_wrong(c, name, "url",
                              "ends in /write?db=DATABASE (or, for its newer interface, in "
                              "/api/v2/write?org=...&bucket=...)",
                              e);
    return 0;
}

static int open_section(struct endpoint *p, struct gf_err *e) {
    struct metrics *own = calloc(1, sizeof *own);

    if (own == NULL)
        return gf_err_set(e, GF_E_SYSTEM, "no memory for an endpoint");
    if (metrics_open(p, 0, own, e) == -1) {
        free(own);
        return -1;
    }
    p->own = own;
    return 0;
}

static void close_section(struct endpoint *p) {
    free(p->own);
    p->own = NULL;
}

static int read_record(void *arg, enum metrics_run_type type, const void *data, size_t len,
                       const struct metrics_labels *added, struct pieces *out, struct gf_err *e) {
    (void)arg;
    if (type == METRICS_RUN_OTLP)
        return lines_otlp(data, len, added, out, e);
    if (type == METRICS_RUN_LINES)
        return lines_influx(data, len, added, out, e);
    return gf_err_set(e, GF_E_NOT_FOR_US, "it takes Influx lines and OpenTelemetry metrics");
}

static int next(struct endpoint_job *j, struct endpoint_request *q, struct gf_err *e) {
    struct metrics_run *run = j->own;

    if (run == NULL) {
        if (metrics_run_new(j, j->endpoint->own, read_record, NULL, &run, e) == -1)
            return -1;
        j->own = run;
    }
    int rc = metrics_run_next(run, e);
    if (rc != 1) {
        q->local = 1;
        return rc;
    }
    endpoint_headers(q, j, "text/plain; charset=utf-8");
    q->http.method = "POST";
    q->http.body = run->body.data;
    q->http.body_len = run->body.len;
    return 0;
}

static int judge(struct endpoint_job *j, struct endpoint_result *r, struct gf_err *e) {
    struct metrics_run *run = j->own;
    struct batches_range ignored;

    if (run->batches != NULL && batches_next(run->batches, &ignored)) {
        int rc = metrics_judge(j, run->batches, &run->probe, r, e);
        if (rc != 1)
            return rc;
    }
    metrics_run_end(j, run, r);
    return 0;
}

static void progress(const struct endpoint_job *j, struct gf_buf *out) {
    metrics_run_progress(j->own, out);
}

static void end(struct endpoint_job *j) {
    metrics_run_free(j->own);
    j->own = NULL;
}

static const char *const keys[] = {ENDPOINT_KEYS_COMMON, ENDPOINT_KEYS_HTTP, ENDPOINT_KEYS_METRICS,
                                   NULL};

const struct endpoint_profile endpoint_influx = {.name = "influx",
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
