/*
 * ledger_fact.c -- facts about the ledger as a whole, by name.
 */
#include "relay/ledger/ledger_internal.h"

int ledger_fact(struct ledger *l, const char *name, void *out, size_t size, struct gf_err *e) {
    struct db_query q;
    int rc = db_query(&l->db, &q, e, "SELECT data FROM fact WHERE name = ?", "t", name);

    if (rc == 0 && (rc = db_next(&q, e)) == 1)
        rc = db_fixed(&q, 0, out, size) == 0;
    db_done(&q);
    return rc;
}

int ledger_set_fact(struct ledger *l, const char *name, const void *data, size_t size,
                    struct gf_err *e) {
    return db_run(&l->db, e,
                  "INSERT INTO fact (name, data) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET "
                  "data = excluded.data",
                  "tb", name, data, size);
}
