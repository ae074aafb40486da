/*
 * store_policy.c -- what a grid manager's relay asks for, channel by channel.
 */
#include "agent/store/store_internal.h"

/* One that asks for nothing stays as well: what was asked before it may still come. */
int store_put_policy(struct store *s, const char *channel, const struct store_policy *p,
                     struct gf_err *e) {
    if (db_run(&s->db, e,
               "INSERT INTO policy (channel, denied, airgap, relay, since, said)"
               " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (channel) DO UPDATE SET"
               " denied = excluded.denied, airgap = excluded.airgap, relay = excluded.relay,"
               " since = excluded.since, said = excluded.said"
               " WHERE relay <> excluded.relay OR said <= excluded.said",
               "tiibii", channel, (int64_t)p->denied, (int64_t)p->airgap, STORE_BYTES(&p->relay),
               p->since, p->said) == -1)
        return -1;
    return db_changes(&s->db) > 0;
}

int store_get_policy(struct store *s, const char *channel, struct store_policy *out,
                     struct gf_err *e) {
    struct store_policy p = {0};
    struct db_query q;

    if (db_query(&s->db, &q, e,
                 "SELECT denied, airgap, relay, since FROM policy WHERE channel = ?"
                 " AND (denied <> 0 OR airgap <> 0)",
                 "t", channel) == -1)
        return -1;
    int rc = db_next(&q, e);
    if (rc == 1) {
        p.denied = db_int(&q, 0) != 0;
        p.airgap = (int)db_int(&q, 1);
        p.since = db_int(&q, 3);
        if (STORE_FIXED(&q, 2, &p.relay, "policy", e) == -1)
            rc = -1;
    }
    db_done(&q);
    if (rc == 1)
        *out = p;
    return rc;
}
