/*
 * ledger_over.c -- bundles that are beyond their sender's quota, from the first time they were
 * shown until they are taken.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/ledger/ledger_internal.h"

/* Seconds after which one that was not shown again is taken for one that never will be; seconds
 * within which showing it again changes nothing, since senders may ask often; and of one sender so
 * many are remembered. */
#define KEEP  (30LL * 86400)
#define FRESH 600
#define MOST  1000

const char ledger_over_schema[] =
    "CREATE TABLE turned_away ("
    " digest BLOB PRIMARY KEY, sender BLOB NOT NULL, size INTEGER NOT NULL, rule TEXT NOT NULL,"
    " since INTEGER NOT NULL, last INTEGER NOT NULL) STRICT, WITHOUT ROWID;";

int ledger_turn_away(struct ledger *l, const struct gf_hash *sender, const struct gf_hash *digest,
                     int64_t size, const char *rule, int64_t now, struct gf_err *e) {
    int64_t known = 0;

    if (db_number(&l->db, &known, 0, e,
                  "SELECT count(*) FROM turned_away WHERE digest = ? AND rule = ? AND last BETWEEN "
                  "? AND ?",
                  "btii", digest, sizeof *digest, rule, now - FRESH, now) == -1)
        return -1;
    if (known > 0)
        return 0;
    if (db_begin(&l->db, e) == -1)
        return -1;
    int rc = db_run(&l->db, e, "DELETE FROM turned_away WHERE last < ?", "i", now - KEEP);
    if (rc == 0)
        rc = db_run(&l->db, e,
                    "INSERT INTO turned_away (digest, sender, size, rule, since, last) SELECT ?1, "
                    "?2, ?3, ?4, ?5, ?5 WHERE (SELECT count(*) FROM turned_away WHERE sender = ?2 "
                    "AND digest <> ?1) < ?6 ON CONFLICT (digest) DO UPDATE SET rule = "
                    "excluded.rule, last = excluded.last",
                    "bbitii", digest, sizeof *digest, sender, sizeof *sender, size, rule, now,
                    (int64_t)MOST);
    return db_end(&l->db, rc, e);
}

static int read_over(const struct db_query *q, void *element, struct gf_err *e) {
    struct ledger_over *o = element;

    (void)snprintf(o->fingerprint, sizeof o->fingerprint, "%s", db_text(q, 0));
    o->bundles = db_int(q, 1);
    o->bytes = db_int(q, 2);
    o->since = db_int(q, 3);
    o->last = db_int(q, 4);
    (void)snprintf(o->rule, sizeof o->rule, "%s", db_text(q, 5));
    (void)e;
    return 0;
}

/* The rule is that of the bundle which was shown last. */
int ledger_over(struct ledger *l, int64_t now, struct ledger_over **out, size_t *n,
                struct gf_err *e) {
    struct db_query q;

    return db_list(&q,
                   db_query(&l->db, &q, e,
                            "SELECT a.fingerprint, count(*), sum(t.size), min(t.since), "
                            "max(t.last), t.rule FROM turned_away AS t JOIN agent AS a ON "
                            "a.identity = t.sender WHERE t.last >= ? AND a.enrolled IS NOT NULL "
                            "GROUP BY t.sender ORDER BY 4",
                            "i", now - KEEP),
                   sizeof **out, read_over, out, n, e);
}

static int read_fingerprint(const struct db_query *q, void *element, struct gf_err *e) {
    (void)e;
    (void)snprintf(element, GF_FINGERPRINT_TEXT, "%s", db_text(q, 0));
    return 0;
}

int ledger_fingerprints(struct ledger *l, const struct gf_hash *sender,
                        char (**out)[GF_FINGERPRINT_TEXT], size_t *n, struct gf_err *e) {
    struct db_query q;

    return db_list(&q,
                   db_query(&l->db, &q, e,
                            "SELECT fingerprint FROM agent WHERE (?1 IS NULL OR agent = (SELECT "
                            "agent FROM agent WHERE identity = ?1)) AND (enrolled IS NOT NULL OR "
                            "ended IS NOT NULL)",
                            sender != NULL ? "b" : "n", sender, sizeof *sender),
                   sizeof **out, read_fingerprint, out, n, e);
}
