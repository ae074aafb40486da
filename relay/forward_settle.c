/*
 * forward_settle.c -- verdicts become states of the ledger; within a transaction of the caller.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/forward.h"
#include "relay/ledger/ledger_grid.h"
#include "relay/ledger/ledger_metrics.h"

/* ---- what was sent ---- */

static int compare_rows(const void *a, const void *b) {
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

int forward_settle_plain(struct forward_walk *w, int64_t now, struct gf_err *e) {
    for (size_t g = 0; g < sizeof w->plain / sizeof *w->plain; g++) {
        struct forward_plain *p = &w->plain[g];
        size_t n = p->n;

        p->n = 0;
        qsort(p->rows, n, sizeof *p->rows, compare_rows);
        if (n > 0 && ledger_delivered(w->r->ledger, p->rows, n, (enum gf_guarantee)g, now, e) == -1)
            return -1;
    }
    return 0;
}

/* What of the answer travels back: its body, and the headers that say what it is. */
static int deliver(struct forward_walk *w, const struct forward_job *j, struct gf_err *e) {
    static const char *const kept[] = {"content-type", "content-language", "etag", "last-modified",
                                       "date"};
    enum { KEPT = sizeof kept / sizeof *kept };
    const struct endpoint_result *res = &j->result;
    const char *headers[2 * KEPT];
    size_t at[KEPT], n = 0;
    struct gf_buf values;
    /* Whoever released it in doubt has taken a second effect into the bargain. */
    enum gf_guarantee g = j->row.released ? GF_GUARANTEE_LEAST : res->guarantee;

    if (!j->record.answer && res->reason[0] != '\0')
        return ledger_delivered_but(w->r->ledger, j->row.row, g, res->reason, forward_now(w), e);
    if (!j->record.answer) {
        w->plain[g].rows[w->plain[g].n++] = j->row.row;
        return w->plain[g].n < FORWARD_PLAIN ? 0 : forward_settle_plain(w, forward_now(w), e);
    }
    gf_buf_init(&values, 65536);
    for (size_t i = 0; i < KEPT; i++) {
        size_t len;
        const char *value = https_header(&res->answer, kept[i], &len);
        if (value == NULL)
            continue;
        headers[2 * n] = kept[i];
        at[n++] = values.len;
        gf_buf_add(&values, value, len);
        gf_buf_byte(&values, '\0');
    }
    int rc = gf_buf_check(&values, "the headers of an answer", e);
    for (size_t i = 0; rc == 0 && i < n; i++)
        headers[2 * i + 1] = values.data + at[i];
    const struct ledger_answer answer = {
        .status = res->status,
        .headers = headers,
        .nheaders = n,
        .body = res->answer.body.data != NULL ? res->answer.body.data : "",
        .len = res->answer.body.len};
    if (rc == 0)
        rc = ledger_answered(w->r->ledger, j->row.row, g, &answer, forward_now(w), e);
    gf_buf_free(&values);
    return rc;
}

/* What a crash has left in doubt stays so. */
static int hold(struct forward_walk *w, struct forward_job *j, const char *reason,
                struct gf_err *e) {
    w->t->held++;
    j->lane->held++;
    (void)snprintf(j->lane->reason, sizeof j->lane->reason, "%s", reason);
    if (j->doubt > 0 && ledger_doubt(w->r->ledger, j->row.row, e) == -1)
        return -1;
    return ledger_held(w->r->ledger, j->row.row, reason, forward_now(w), e);
}

/* What of it is over needs not be sent again. */
static int keep_progress(struct forward_walk *w, struct forward_job *j, struct gf_err *e) {
    struct gf_buf now;
    int rc = 0;

    if (!j->asked)
        return 0;
    gf_buf_init(&now, j->progress.max);
    if (endpoint_progress(&j->job, &now, e) == -1 ||
        (now.len > 0 && ledger_progress_save(w->r->ledger, j->row.row, now.data, now.len, e) == -1))
        rc = -1;
    if (rc == 0 && now.len > 0) {
        gf_buf_free(&j->progress);
        j->progress = now;
        return 0;
    }
    gf_buf_free(&now);
    return rc;
}

static int drop_progress(struct forward_walk *w, const struct forward_job *j, struct gf_err *e) {
    return j->progress.len > 0 ? ledger_progress_save(w->r->ledger, j->row.row, NULL, 0, e) : 0;
}

/* It may have taken effect, and a second time would do harm: that is for a person to decide. */
static int hold_doubtful(struct forward_walk *w, struct forward_job *j, const char *why,
                         struct gf_err *e) {
    char reason[GF_REASON_MAX + 1], uuid[GF_UUID_TEXT];

    gf_text_uuid(&j->row.id, uuid);
    (void)snprintf(reason, sizeof reason,
                   "%.400s: see at the endpoint whether it has record %s; "
                   "records release sends %s again, and the receipt will say at-least-once",
                   why, uuid, j->progress.len > 0 ? "what is not known to be there" : "it");
    if (ledger_doubt(w->r->ledger, j->row.row, e) == -1)
        return -1;
    return hold(w, j, reason, e);
}

/* Something has to be mended, and it is sent from its beginning again once it is released. */
static int hold_tried(struct forward_walk *w, struct forward_job *j, struct gf_err *e) {
    const struct endpoint_result *res = &j->result;
    char why[GF_REASON_MAX + 1];

    if (keep_progress(w, j, e) == -1)
        return -1;
    if (!res->unknown || endpoint_retention(&j->job) == INT64_MAX)
        return hold(w, j, res->reason, e);
    if (j->job.step == 0 || endpoint_resumes(&j->job))
        return hold_doubtful(w, j, res->reason, e);
    (void)snprintf(why, sizeof why,
                   "request %d failed (%.300s), and what came before it took effect",
                   j->job.step + 1, res->reason);
    return hold_doubtful(w, j, why, e);
}

static int wait(struct forward_walk *w, struct forward_job *j, struct gf_err *e) {
    struct endpoint_result *res = &j->result;
    char why[GF_REASON_MAX + 1];

    w->t->failed++;
    (void)snprintf(w->t->failure, sizeof w->t->failure, "%s", res->reason);
    if (keep_progress(w, j, e) == -1)
        return -1;
    if (res->unknown && endpoint_retention(&j->job) == 0) {
        (void)snprintf(why, sizeof why,
                       "it may have arrived (%.200s), and this endpoint takes it "
                       "twice (idempotency = none)",
                       res->reason);
        return hold_doubtful(w, j, why, e);
    }
    /* Where nothing can take effect twice nothing is in doubt. */
    if (res->unknown && !j->lane->endpoint.profile->natural &&
        ledger_doubt(w->r->ledger, j->row.row, e) == -1)
        return -1;
    w->t->later++;
    forward_lane_waits(j->lane, &j->row, j->due);
    return ledger_later(w->r->ledger, j->row.row, res->reason, j->due, j->asked_until,
                        forward_now(w), e);
}

int forward_settle(struct forward_walk *w, struct forward_job *j, struct gf_err *e) {
    const struct endpoint_result *res = &j->result;

    if (j->unsent)
        return forward_settle_unsent(w, j, e);
    if (j->failed)
        return hold_tried(w, j, e);
    switch (res->verdict) {
    case ENDPOINT_DELIVERED:
        w->t->delivered++;
        return drop_progress(w, j, e) == -1 || endpoint_note(&j->job, e) == -1 ? -1
                                                                               : deliver(w, j, e);
    case ENDPOINT_REJECTED:
        w->t->rejected++;
        return drop_progress(w, j, e) == -1
                   ? -1
                   : ledger_rejected(w->r->ledger, j->row.row, res->reason, forward_now(w), e);
    case ENDPOINT_HELD:
        w->t->failed++;
        (void)snprintf(w->t->failure, sizeof w->t->failure, "%s", res->reason);
        return hold_tried(w, j, e);
    case ENDPOINT_ONWARD:
        w->t->onward++;
        return ledger_onward(w->r->ledger, j->row.row, forward_now(w), e);
    case ENDPOINT_LATER:
    case ENDPOINT_MORE: /* which no job ends with */
        break;
    }
    return wait(w, j, e);
}

/* ---- what is not sent ---- */

/* It is not tried. It is told why in words that nothing of another record is in: that may be
 * another sender's. */
static int rest(struct forward_walk *w, struct forward_job *j, const struct endpoint_rest *why,
                struct gf_err *e) {
    char reason[512];

    (void)snprintf(reason, sizeof reason, ENDPOINT_RESTS "%.200s\" %s", j->lane->name, why->why);
    w->t->later++;
    forward_lane_waits(j->lane, &j->row, why->due);
    return ledger_later(w->r->ledger, j->row.row, reason, why->due, why->asked, forward_now(w), e);
}

int forward_settle_unsent(struct forward_walk *w, struct forward_job *j, struct gf_err *e) {
    struct endpoint_rest why;

    if (ledger_unsent(w->r->ledger, j->row.row, j->row.state, e) == -1)
        return -1;
    /* One that may have arrived keeps that in its state. */
    if (j->row.state == LEDGER_SENDING ||
        !endpoint_breaker_rests(&j->lane->breaker, &j->row.agent, &why))
        return 0;
    return rest(w, j, &why, e);
}

/* Attempts are told: one that got no answer may have taken effect all the same. */
static int expire(struct forward_walk *w, const struct forward_job *j, struct gf_err *e) {
    char reason[160], at[GF_TIME_TEXT];

    gf_text_time(j->record.expires, at);
    if (j->row.attempts == 0)
        (void)snprintf(reason, sizeof reason, "expired at %s, before it was sent", at);
    else
        (void)snprintf(reason, sizeof reason, "expired at %s, not accepted in %lld attempt%s", at,
                       (long long)j->row.attempts, j->row.attempts == 1 ? "" : "s");
    w->t->expired++;
    return ledger_expired(w->r->ledger, j->row.row, reason, forward_now(w), e);
}

/* Nobody in the configuration wants it. A section may just have been forgotten, so it is held: the
 * operator adds one and releases it, or rejects it for good. */
static int hold_homeless(struct forward_walk *w, struct forward_job *j, struct gf_err *e) {
    char reason[3 * GF_WORD_MAX];
    const struct gf_record *r = &j->record;

    (void)snprintf(reason, sizeof reason, "no endpoint for channel %s%s%s", r->channel,
                   r->product != NULL ? ", product " : "", r->product != NULL ? r->product : "");
    return hold(w, j, reason, e);
}

/* In doubt, and the endpoint cannot tell any more whether it has it already. */
static int hold_forgotten(struct forward_walk *w, struct forward_job *j, struct gf_err *e) {
    char why[256], at[GF_TIME_TEXT];

    gf_text_time(j->doubt, at);
    (void)snprintf(why, sizeof why,
                   "it was being sent at %s and may have arrived, and this endpoint "
                   "%s",
                   at,
                   endpoint_retention(&j->job) == 0
                       ? "takes it twice (idempotency = none)"
                       : "remembers its key no longer (idempotency_retention)");
    return hold_doubtful(w, j, why, e);
}

int forward_settle_early(struct forward_walk *w, struct forward_job *j, struct gf_err *e) {
    struct forward_lane *lane = j->lane;
    struct endpoint_rest why;
    int64_t now = forward_now(w);
    int rc;

    if (j->failed) {
        rc = hold(w, j, j->result.reason, e);
    } else if (j->record.has_expires && j->record.expires < now && j->doubt == 0 &&
               !j->row.released) {
        rc = expire(w, j, e); /* its own time is over; in doubt its key tells */
    } else if (lane->name == NULL) {
        rc = hold_homeless(w, j, e);
    } else if (lane->unusable.code != GF_OK) {
        rc = hold(w, j, lane->unusable.text, e);
    } else if (j->doubt > 0 && now - j->doubt >= endpoint_retention(&j->job)) {
        rc = hold_forgotten(w, j, e);
    } else if (endpoint_breaker_rests(&lane->breaker, &j->row.agent, &why)) {
        if (j->row.state == LEDGER_SENDING)
            return 1; /* as it is */
        rc = rest(w, j, &why, e);
    } else {
        return 0;
    }
    return rc == -1 ? -1 : 1;
}
