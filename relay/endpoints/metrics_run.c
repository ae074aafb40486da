/*
 * metrics_run.c -- one record of metrics on its way to a sink.
 */
#include "relay/endpoints/metrics_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/influx_line.h"
#include "common/otlp_json.h"
#include "relay/updates/check.h"

#define BODY_MAX (2 * PIECES_MAX)

/* ---- the body ---- */

static int read_body(const struct gf_record *r, metrics_run_read *read, void *arg,
                     const struct metrics_labels *added, struct pieces *out, struct gf_err *e) {
    struct gf_buf protobuf;

    if (check_is_type(r->type, "application/x-protobuf"))
        return read(arg, METRICS_RUN_OTLP, r->body.data, r->body.len, added, out, e);
    if (check_is_type(r->type, INFLUX_LINE_TYPE))
        return read(arg, METRICS_RUN_LINES, r->body.data, r->body.len, added, out, e);
    if (!check_is_type(r->type, "application/json"))
        return read(arg, METRICS_RUN_OTHER, r->body.data, r->body.len, added, out, e);
    if (!metrics_is_otlp_json(&r->body))
        return gf_err_set(e, GF_E_NOT_FOR_US, "JSON, but no OpenTelemetry metrics");
    gf_buf_init(&protobuf, OTLP_MAX);
    int rc = otlp_json_to_protobuf(r->body.data, r->body.len, &protobuf, e);
    if (rc == 0)
        rc = read(arg, METRICS_RUN_OTLP, protobuf.data, protobuf.len, added, out, e);
    gf_buf_free(&protobuf);
    return rc;
}

/* What a body that cannot be read means. */
static int refuse(const struct endpoint_job *j, struct metrics_run *run, const struct gf_err *why) {
    switch ((int)why->code) {
    case GF_E_RECORD:
    case GF_E_LIMIT:
        metrics_unfit(&run->early, why->text);
        return 0;
    case GF_E_NOT_FOR_US:
        metrics_foreign(&run->early, j, why->text);
        return 0;
    default:
        return -1;
    }
}

int metrics_run_new(const struct endpoint_job *j, struct metrics *m, metrics_run_read *read,
                    void *arg, struct metrics_run **out, struct gf_err *e) {
    struct metrics_labels added;
    struct gf_err why;

    if (metrics_labels(m, j, &added, e) == -1)
        return -1;
    struct metrics_run *run = calloc(1, sizeof *run);
    if (run == NULL)
        return gf_err_set(e, GF_E_SYSTEM, "no memory for a record's points");
    pieces_init(&run->pieces);
    gf_buf_init(&run->body, BODY_MAX);
    int rc = read_body(j->record, read, arg, &added, &run->pieces, &why);
    if (rc == 0)
        rc = batches_new(&m->limits, run->pieces.point, run->pieces.n, j->now, &run->batches, &why);
    if (rc == 0)
        rc = metrics_resume(j, run->batches, &why);
    if (rc == -1 && refuse(j, run, &why) == -1) {
        metrics_run_free(run);
        *e = why;
        return -1;
    }
    *out = run;
    return 0;
}

void metrics_run_free(struct metrics_run *run) {
    if (run == NULL)
        return;
    batches_free(run->batches);
    pieces_free(&run->pieces);
    gf_buf_free(&run->body);
    free(run);
}

/* ---- requests ---- */

int metrics_run_next(struct metrics_run *run, struct gf_err *e) {
    struct batches_range range;

    if (run->batches == NULL || !batches_next(run->batches, &range))
        return 0;
    gf_buf_clear(&run->body);
    if (run->probe.at == METRICS_PROBE_DUE)
        return 1;
    pieces_put(&run->pieces, &range, &run->body);
    return gf_buf_check(&run->body, "a request", e) == -1 ? -1 : 1;
}

void metrics_run_progress(const struct metrics_run *run, struct gf_buf *out) {
    if (run != NULL && run->batches != NULL)
        batches_progress(run->batches, out);
}

void metrics_run_end(const struct endpoint_job *j, const struct metrics_run *run,
                     struct endpoint_result *r) {
    if (!metrics_settled(&run->early, r))
        metrics_go_on(j, run->batches, r);
}
