/*
 * ledger_select.c -- what an operator decides about records, and what else is known of one.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "relay/ledger/ledger_internal.h"

int ledger_release(struct ledger *l, const struct ledger_filter *f, int64_t now, int64_t *n,
                   struct gf_err *e) {
    /* Who names one record has seen at the endpoint what became of it, also where it only waits. */
    if (db_run(&l->db, e,
               "UPDATE record SET released = released OR (doubt > 0 AND (state = ?9 OR (state = "
               "?10 AND ?6 IS NOT NULL))), doubt = iif(state = ?9 OR (state = ?10 AND ?6 IS NOT "
               "NULL), 0, doubt), state = ?10, due = ?11, since = ?11, asked = 0 "
               "WHERE state IN (?9, ?10, ?12) AND state > 1 AND state < 5 AND " LEDGER_MATCH,
               LEDGER_MATCH_TYPES "iiii", LEDGER_MATCH_ARGS(f), (int64_t)LEDGER_HELD,
               (int64_t)LEDGER_LATER, now, (int64_t)LEDGER_ONWARD) == -1)
        return -1;
    *n = db_changes(&l->db);
    return 0;
}

int ledger_give_up(struct ledger *l, const struct ledger_filter *f, const char *reason, int64_t now,
                   int64_t *n, struct gf_err *e) {
    char safe[GF_REASON_MAX + 1];

    if (reason != NULL)
        ledger_reason(reason, safe);
    if (db_run(&l->db, e,
               "UPDATE record SET state = ?9, receipt = ?10, since = ?11, due = NULL, "
               "reason = ifnull(ifnull(?12, reason), 'given up by the relay''s operator') "
               "WHERE state < ?13 AND " LEDGER_MATCH,
               LEDGER_MATCH_TYPES "iiiti", LEDGER_MATCH_ARGS(f), (int64_t)LEDGER_REJECTED,
               (int64_t)GF_STATE_REJECTED, now, reason != NULL ? safe : NULL,
               (int64_t)LEDGER_DELIVERED) == -1)
        return -1;
    *n = db_changes(&l->db);
    return 0;
}

int ledger_decided(struct ledger *l, const char *verb, const struct ledger_filter *f,
                   const struct ledger_changed *n, const char *reason, const char *user,
                   int64_t now, struct gf_err *e) {
    char record[GF_UUID_TEXT], agent[GF_ID_TEXT], safe[GF_REASON_MAX + 1];
    struct gf_buf b;

    if (f->record != NULL)
        gf_text_uuid(f->record, record);
    if (f->agent != NULL)
        gf_text_hex(f->agent->b, sizeof f->agent->b, agent);
    if (reason != NULL)
        ledger_reason(reason, safe);
    gf_buf_init(&b, LEDGER_LINK_MAX);
    gf_buf_printf(&b, "\"records\":%" PRId64, n->records);
    if (n->artifacts > 0)
        gf_buf_printf(&b, ",\"artifacts\":%" PRId64, n->artifacts);
    ledger_audit_put(&b, "user", user);
    ledger_audit_put(&b, "record", f->record != NULL ? record : NULL);
    ledger_audit_put(&b, "agent", f->agent != NULL ? agent : NULL);
    ledger_audit_put(&b, "channel", f->channel);
    ledger_audit_put(&b, "endpoint", f->endpoint);
    ledger_audit_put(&b, "reason", reason != NULL ? safe : NULL);
    int rc = gf_buf_check(&b, "a line of the audit log", e);
    if (rc == 0)
        rc = ledger_audit(l, now, verb, b.data, e);
    gf_buf_free(&b);
    return rc;
}

int ledger_story(struct ledger *l, int64_t row, struct ledger_story *out, struct gf_err *e) {
    struct ledger_story s = {.guarantee = 0};
    struct db_query q;

    int rc = db_query(&l->db, &q, e,
                      "SELECT b.id, r.guarantee, ifnull(a.status, -1), p.id, p.acknowledged "
                      "FROM record r JOIN bundle b ON b.row = r.bundle "
                      "LEFT JOIN answer a ON a.record = r.row "
                      "LEFT JOIN response p ON p.row = r.told_by AND r.told IS r.receipt "
                      "WHERE r.row = ?",
                      "i", row);
    if (rc == 0 && (rc = db_next(&q, e)) == 1) {
        (void)db_fixed(&q, 0, &s.bundle, sizeof s.bundle);
        s.guarantee = db_int(&q, 1);
        s.answer = db_int(&q, 2);
        s.has_told = db_fixed(&q, 3, &s.told, sizeof s.told) == 0;
        s.acknowledged = db_int(&q, 4);
        *out = s;
    } else if (rc == 0) {
        rc = gf_err_set(e, GF_E_DAMAGED, "%s: record %" PRId64 " has no bundle", l->db.path, row);
    }
    db_done(&q);
    return rc == -1 ? -1 : 0;
}

int ledger_attempts(struct ledger *l, int64_t row, ledger_each_attempt *fn, void *arg,
                    struct gf_err *e) {
    struct db_query q;

    int rc = db_query(&l->db, &q, e,
                      "SELECT n, endpoint, at FROM attempt WHERE record = ?1 UNION ALL "
                      "SELECT attempts, endpoint, sent FROM record WHERE row = ?1 AND attempts > 0 "
                      "ORDER BY 1",
                      "i", row);
    while (rc == 0 && (rc = db_next(&q, e)) == 1)
        rc = fn(arg, db_int(&q, 0), db_text(&q, 1), db_int(&q, 2), e);
    db_done(&q);
    return rc;
}
