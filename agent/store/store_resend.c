/*
 * store_resend.c -- records that have left without an answer, into the queue again.
 */
#include "agent/store/store_internal.h"

#include <stdlib.h>

/* Withdraw the bundles that a query of rows names; rows are collected first, since what the query
 * reads is what changes. */
static int withdraw(struct store *s, struct db_query *q, int64_t now, struct store_resent *out,
                    struct gf_err *e) {
    int64_t *rows = NULL;
    size_t n = 0;
    int rc;

    while ((rc = db_next(q, e)) == 1) {
        if ((rc = db_list_grow(&rows, n, sizeof *rows, e)) == -1)
            break;
        rows[n++] = db_int(q, 0);
    }
    db_done(q);
    for (size_t i = 0; i < n && rc != -1; i++) {
        rc = store_withdraw_row(s, rows[i], now, e) == -1 ? -1 : 0;
        out->bundles++;
    }
    free(rows);
    return rc;
}

/* Nothing holds back the queued records of these rows any more; `to` is the destination they get,
 * 0: the one they have. With `left` 1 only those that have one. */
static int release(struct store *s, const struct store_range *r, size_t n, int64_t to, int left,
                   struct store_resent *out, struct gf_err *e) {
    int64_t records;

    if (store_cut(s, r, n, e) == -1)
        return -1;
    for (size_t i = 0; i < n; i++) {
        if (db_number(&s->db, &records, 0, e,
                      "SELECT sum(last - first + 1) FROM stretch WHERE state = 0"
                      " AND first BETWEEN ? AND ? AND (? = 0 OR relay IS NOT NULL)",
                      "iii", r[i].first, r[i].last, (int64_t)left) == -1 ||
            db_run(&s->db, e,
                   "UPDATE stretch SET refused = 0, most = 0, relay = coalesce(nullif(?, 0), relay)"
                   " WHERE state = 0 AND first BETWEEN ? AND ? AND (? = 0 OR relay IS NOT NULL)",
                   "iiii", to, r[i].first, r[i].last, (int64_t)left) == -1)
            return -1;
        out->records += records;
    }
    return n > 0 ? store_join(s, r[0].first, r[n - 1].last, e) : 0;
}

static int resend_record(struct store *s, const struct store_resend *what, int64_t to, int64_t now,
                         struct store_resent *out, struct gf_err *e) {
    int64_t row = 0;
    struct db_query q;

    if (db_query(&s->db, &q, e, "SELECT n, " STORE_STATE " FROM record WHERE id = ?", "b",
                 STORE_BYTES(what->record)) == -1)
        return -1;
    int rc = db_next(&q, e);
    if (rc == 1) {
        out->known = 1;
        row = db_int(&q, 0);
        out->state = (enum store_state)db_int(&q, 1);
    }
    db_done(&q);
    if (rc == -1 || !out->known || out->state > STORE_EXPORTED)
        return rc == -1 ? -1 : 0;
    if (db_query(&s->db, &q, e,
                 "SELECT bundle FROM " STORE_HELD " JOIN bundle ON bundle.n = held.bundle"
                 " WHERE record = ? AND settled = 0",
                 "i", row) == -1 ||
        withdraw(s, &q, now, out, e) == -1)
        return -1;
    return release(s, &(struct store_range){row, row}, 1, to, 0, out, e);
}

static int resend_bundle(struct store *s, const struct store_resend *what, int64_t to, int64_t now,
                         struct store_resent *out, struct gf_err *e) {
    struct store_ranges held = {0};
    struct db_query q;
    int64_t row;

    if (db_number(&s->db, &row, 0, e, "SELECT n FROM bundle WHERE id = ?", "b",
                  STORE_BYTES(what->bundle)) == -1)
        return -1;
    out->known = row != 0;
    if (!out->known)
        return 0;
    if (db_query(&s->db, &q, e, "SELECT n FROM bundle WHERE n = ? AND settled = 0", "i", row) ==
            -1 ||
        withdraw(s, &q, now, out, e) == -1)
        return -1;
    int rc = store_held(s, row, &held, e);
    if (rc == 0)
        rc = release(s, held.list, held.n, to, 0, out, e);
    store_ranges_free(&held);
    return rc;
}

/* All that has left; what has not belongs to no relay yet, and stays so. */
static int resend_all(struct store *s, int64_t to, int64_t now, struct store_resent *out,
                      struct gf_err *e) {
    struct db_query q;

    out->known = 1;
    if (db_query(&s->db, &q, e, "SELECT n FROM bundle WHERE settled = 0 AND records > 0", "") ==
            -1 ||
        withdraw(s, &q, now, out, e) == -1)
        return -1;
    return release(s, &(struct store_range){0, INT64_MAX - 1}, 1, to, 1, out, e);
}

int store_resend(struct store *s, const struct store_resend *what, int64_t now,
                 struct store_resent *out, struct gf_err *e) {
    struct store_resent r = {0};
    int64_t to = 0;

    if (db_begin(&s->db, e) == -1)
        return -1;
    int rc = what->to ? store_destination(s, what->to, &to, e) : 0;
    if (rc == 0 && what->record)
        rc = resend_record(s, what, to, now, &r, e);
    else if (rc == 0 && what->bundle)
        rc = resend_bundle(s, what, to, now, &r, e);
    else if (rc == 0)
        rc = resend_all(s, to, now, &r, e);
    if (db_end(&s->db, rc, e) == -1)
        return -1;
    *out = r;
    return 0;
}
