/*
 * ledger_metrics.c -- what the delivery of metrics asks of the ledger, and tells it.
 */
#include "relay/ledger/ledger_metrics.h"

#include "relay/ledger/ledger_internal.h"

const char ledger_metrics_schema[] =
    "CREATE TABLE progress (record INTEGER PRIMARY KEY, text BLOB NOT NULL) STRICT;";

int ledger_progress_save(struct ledger *l, int64_t row, const void *data, size_t len,
                         struct gf_err *e) {
    if (len == 0)
        return db_run(&l->db, e, "DELETE FROM progress WHERE record = ?", "i", row);
    return db_run(&l->db, e, "INSERT OR REPLACE INTO progress (record, text) VALUES (?, ?)", "ib",
                  row, data, len);
}

int ledger_progress_load(struct ledger *l, int64_t row, struct gf_buf *out, struct gf_err *e) {
    struct db_query q;
    size_t len;

    int rc = db_query(&l->db, &q, e, "SELECT text FROM progress WHERE record = ?", "i", row);
    if (rc == 0 && (rc = db_next(&q, e)) == 1) {
        const void *text = db_blob(&q, 0, &len);
        gf_buf_add(out, text, len);
    }
    db_done(&q);
    return rc == -1 ? -1 : gf_buf_check(out, "what is known of a record's points", e);
}

int ledger_carried(struct ledger *l, int64_t row, struct gf_id *bundle, struct gf_hash *sender,
                   struct gf_err *e) {
    struct db_query q;
    int rc = db_query(&l->db, &q, e,
                      "SELECT b.id, b.sender FROM record r JOIN bundle b ON b.row = r.bundle "
                      "WHERE r.row = ?",
                      "i", row);

    if (rc == 0 && (rc = db_next(&q, e)) == 1 &&
        (db_fixed(&q, 0, bundle, sizeof *bundle) == -1 ||
         db_fixed(&q, 1, sender, sizeof *sender) == -1))
        rc = gf_err_set(e, GF_E_DAMAGED, "%s: the bundle of record %lld has no identity",
                        l->db.path, (long long)row);
    db_done(&q);
    return rc;
}

int ledger_delivered_but(struct ledger *l, int64_t row, enum gf_guarantee g, const char *reason,
                         int64_t now, struct gf_err *e) {
    char safe[GF_REASON_MAX + 1];

    ledger_reason(reason, safe);
    if (db_begin_step(&l->db, e) == -1)
        return -1;
    int rc = ledger_delivered(l, &row, 1, g, now, e);
    if (rc == 0)
        rc = db_run(&l->db, e, "UPDATE record SET reason = ? WHERE row = ?", "ti", safe, row);
    return db_end_step(&l->db, rc, e);
}
