/*
 * ledger_loss.c -- what senders say that their own policy has dropped: kept, so that a gap in
 * somebody's numbers has its explanation.
 */
#include <stdio.h>
#include <stdlib.h>

#include "relay/ledger/ledger_internal.h"

const char ledger_loss_schema[] =
    "CREATE TABLE loss ("
    " row INTEGER PRIMARY KEY, agent BLOB NOT NULL, id BLOB NOT NULL, channel TEXT NOT NULL,"
    " policy TEXT NOT NULL, records INTEGER NOT NULL, first INTEGER NOT NULL,"
    " last INTEGER NOT NULL, told INTEGER NOT NULL, UNIQUE (agent, id)) STRICT;";

int ledger_take_loss(struct ledger *l, const struct gf_id *agent, const struct gf_lost *x,
                     int64_t now, struct gf_err *e) {
    int64_t before = 0;

    /* Told again, it counts once: what was untold may have grown meanwhile. */
    if (db_number(&l->db, &before, 0, e, "SELECT records FROM loss WHERE agent = ? AND id = ?",
                  "bb", agent->b, sizeof agent->b, x->id.b, sizeof x->id.b) == -1 ||
        db_run(&l->db, e,
               "INSERT INTO loss (agent, id, channel, policy, records, first, last, told)"
               " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (agent, id) DO UPDATE SET"
               " records = max(records, excluded.records), first = min(first, excluded.first),"
               " last = max(last, excluded.last)",
               "bbttiiii", agent->b, sizeof agent->b, x->id.b, sizeof x->id.b, x->channel,
               x->policy, x->records, x->from, x->to, now) == -1)
        return -1;
    return x->records > before;
}

static int read_loss(const struct db_query *q, void *element, struct gf_err *e) {
    struct ledger_loss *x = element;

    *x = (struct ledger_loss){.records = db_int(q, 3), .first = db_int(q, 4), .last = db_int(q, 5)};
    if (db_fixed(q, 0, x->agent.b, sizeof x->agent.b) == -1)
        return gf_err_set(e, GF_E_DAMAGED, "%s: a row of its table loss is damaged", q->d->path);
    (void)snprintf(x->channel, sizeof x->channel, "%s", db_text(q, 1));
    (void)snprintf(x->policy, sizeof x->policy, "%s", db_text(q, 2));
    return 0;
}

int ledger_losses(struct ledger *l, struct ledger_loss **out, size_t *n, struct gf_err *e) {
    struct db_query q;

    return db_list(
        &q,
        db_query(&l->db, &q, e,
                 "SELECT agent, channel, policy, sum(records), min(first), max(last) FROM loss"
                 " GROUP BY agent, channel, policy ORDER BY max(told) DESC",
                 ""),
        sizeof **out, read_loss, out, n, e);
}
