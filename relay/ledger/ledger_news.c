/*
 * ledger_news.c -- what an agent does not know yet: where the state of a record means something
 * else than what the last response said.
 */
#include <stdlib.h>
#include <string.h>

#include "gapferry/file.h"
#include "relay/ledger/ledger_internal.h"

/* Columns of the news query, in its order. */
enum {
    ID,
    DIGEST,
    RECEIPT,
    REASON,
    GUARANTEE,
    SINCE,
    RECEIVED,
    STATUS,
    HEADERS,
    BODY,
    FILE_PATH,
    ROW
};

static int damaged(const struct ledger *l, struct gf_err *e) {
    return gf_err_set(e, GF_E_DAMAGED, "%s: a record has no identity", l->db.path);
}

/* "name\0value\0..." as pointers into it. */
static int unpack_headers(const struct db_query *q, struct gf_answer *a, struct gf_err *e) {
    size_t len = 0;
    size_t n = 0;
    const char *blob = db_blob(q, HEADERS, &len);

    for (size_t at = 0; at < len; at++)
        n += blob[at] == '\0';
    a->headers = calloc(n + 1, sizeof *a->headers);
    if (a->headers == NULL)
        return gf_err_set(e, GF_E_SYSTEM, "no memory for an answer");
    for (size_t i = 0, at = 0; i < n; i++) {
        a->headers[i] = blob + at;
        at += strlen(blob + at) + 1;
    }
    a->nheaders = n / 2;
    return 0;
}

/* The answer of the current row; body holds its bytes. */
static int read_answer(struct ledger *l, const struct db_query *q, struct gf_answer *a,
                       struct gf_buf *body, struct gf_err *e) {
    size_t len = 0;
    const char *path = db_text(q, FILE_PATH);

    a->status = db_int(q, STATUS);
    if (path != NULL) {
        if (gf_file_load(l->dir_fd, path, GF_BUNDLE_MAX, body, e) == -1)
            return -1;
    } else {
        const void *bytes = db_blob(q, BODY, &len);
        gf_buf_init(body, len + 1);
        gf_buf_add(body, bytes != NULL ? bytes : "", len);
        if (gf_buf_check(body, "an answer", e) == -1)
            return -1;
    }
    a->body = (struct gf_body){
        .form = GF_BODY_TEXT, .data = body->data != NULL ? body->data : "", .len = body->len};
    return unpack_headers(q, a, e);
}

static int each(struct ledger *l, const struct db_query *q, ledger_each_news *fn, void *arg,
                struct gf_err *e) {
    struct gf_receipt r = {.state = (enum gf_state)db_int(q, RECEIPT),
                           .reason = db_text(q, REASON),
                           .guarantee = (enum gf_guarantee)db_int(q, GUARANTEE)};
    struct gf_answer a = {0};
    struct gf_buf body;
    const int64_t row = db_int(q, ROW);
    int rc = 0;

    r.at = db_int(q, r.state == GF_STATE_RELAYED ? RECEIVED : SINCE);
    if (db_fixed(q, ID, &r.record, sizeof r.record) == -1 ||
        db_fixed(q, DIGEST, &r.digest, sizeof r.digest) == -1)
        return damaged(l, e);
    if (r.state != GF_STATE_DELIVERED || db_is_null(q, STATUS))
        return fn(arg, row, &r, NULL, e);
    gf_buf_init(&body, 0);
    a.record = r.record;
    rc = read_answer(l, q, &a, &body, e);
    if (rc == 0)
        rc = fn(arg, row, &r, &a, e);
    free(a.headers);
    gf_buf_free(&body);
    return rc;
}

static int each_conflict(struct ledger *l, const struct gf_id *agent, ledger_each_news *fn,
                         void *arg, struct gf_err *e) {
    struct db_query q;
    int rc = db_query(&l->db, &q, e,
                      "SELECT id, digest, at FROM conflict WHERE agent = ? AND told_by IS NULL "
                      "ORDER BY row",
                      "b", agent, sizeof *agent);

    while (rc == 0 && (rc = db_next(&q, e)) == 1) {
        struct gf_receipt r = {.state = GF_STATE_REJECTED,
                               .at = db_int(&q, 2),
                               .reason = "conflict: another record of this id came before; send it "
                                         "again under an id of its own"};
        if (db_fixed(&q, 0, &r.record, sizeof r.record) == -1 ||
            db_fixed(&q, 1, &r.digest, sizeof r.digest) == -1)
            rc = damaged(l, e);
        else
            rc = fn(arg, 0, &r, NULL, e);
    }
    db_done(&q);
    return rc == -1 ? -1 : 0;
}

int ledger_news(struct ledger *l, const struct gf_id *agent, ledger_each_news *fn, void *arg,
                struct gf_err *e) {
    struct db_query q;
    int rc = db_query(&l->db, &q, e,
                      "SELECT r.id, r.digest, r.receipt, r.reason, r.guarantee, r.since, "
                      "r.received, a.status, a.headers, a.body, a.file, r.row "
                      "FROM record AS r LEFT JOIN answer AS a ON a.record = r.row "
                      "WHERE r.agent = ? AND r.told IS NOT r.receipt ORDER BY r.row",
                      "b", agent, sizeof *agent);

    while (rc == 0 && (rc = db_next(&q, e)) == 1)
        rc = each(l, &q, fn, arg, e);
    int stopped = rc == 1;
    db_done(&q);
    if (rc == -1 || stopped)
        return rc == -1 ? -1 : 0;
    return each_conflict(l, agent, fn, arg, e);
}

int ledger_refusals(struct ledger *l, const struct gf_id *agent, ledger_each_refusal *fn, void *arg,
                    struct gf_err *e) {
    struct db_query q;
    int rc = db_query(&l->db, &q, e,
                      "SELECT id, refused, reason, taken, NULL FROM bundle WHERE agent = ?1 AND "
                      "refused IS NOT NULL AND told_by IS NULL UNION ALL SELECT id, 'fork', "
                      "reason, at, stream FROM fork WHERE agent = ?1 AND told_by IS NULL",
                      "b", agent, sizeof *agent);

    while (rc == 0 && (rc = db_next(&q, e)) == 1) {
        struct gf_refusal r = {
            .code = db_text(&q, 1), .reason = db_text(&q, 2), .at = db_int(&q, 3)};
        struct gf_id stream;
        const struct gf_id *forked = db_fixed(&q, 4, &stream, sizeof stream) == 0 ? &stream : NULL;
        rc = db_fixed(&q, 0, &r.bundle, sizeof r.bundle) == -1 ? damaged(l, e)
                                                               : fn(arg, &r, forked, e);
    }
    db_done(&q);
    return rc == -1 ? -1 : 0;
}
