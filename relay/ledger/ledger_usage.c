/*
 * ledger_usage.c -- how much a sender has brought.
 */
#include "relay/ledger/ledger_internal.h"

const char ledger_usage_schema[] = "ALTER TABLE bundle ADD COLUMN size INTEGER NOT NULL DEFAULT 0;"
                                   "ALTER TABLE bundle ADD COLUMN bare INTEGER NOT NULL DEFAULT 0;"
                                   "CREATE INDEX bundle_taken ON bundle (agent, taken);";

int ledger_usage(struct ledger *l, const struct gf_hash *sender, int64_t now, int64_t most,
                 struct ledger_usage *out, struct gf_err *e) {
    struct ledger_usage u = {0};
    struct db_query q;

    int rc = db_query(&l->db, &q, e,
                      "SELECT count(*) - ifnull(sum(bare), 0), ifnull(sum(iif(bare, 0, size)), 0), "
                      "ifnull(min(iif(bare, NULL, taken)), 0), ifnull(sum(bare), 0) FROM bundle "
                      "WHERE agent = (SELECT agent FROM agent WHERE identity = ?) AND taken > ? "
                      "AND taken <= ?",
                      "bii", sender, sizeof *sender, now - LEDGER_USAGE_SPAN, now);
    if (rc == 0 && (rc = db_next(&q, e)) == 1) {
        u.bundles = db_int(&q, 0);
        u.bytes = db_int(&q, 1);
        u.oldest = db_int(&q, 2);
        u.bare = db_int(&q, 3);
    }
    db_done(&q);
    if (rc == -1 ||
        db_number(&l->db, &u.open, 0, e,
                  "SELECT count(*) FROM (SELECT 1 FROM record WHERE agent = (SELECT agent FROM "
                  "agent WHERE identity = ?) AND state < ? LIMIT ?)",
                  "bii", sender, sizeof *sender, (int64_t)LEDGER_DELIVERED, most) == -1)
        return -1;
    *out = u;
    return 0;
}
