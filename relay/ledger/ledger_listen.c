/*
 * ledger_listen.c -- short questions, asked on behalf of those who call by HTTP.
 */
#include <string.h>

#include "relay/ledger/ledger_internal.h"

int ledger_enrolled(struct ledger *l, const struct gf_hash *identity, struct gf_buf *out,
                    struct gf_err *e) {
    struct db_query q;
    size_t len = 0;
    int rc = db_query(&l->db, &q, e,
                      "SELECT card FROM agent WHERE identity = ? AND enrolled IS NOT NULL", "b",
                      identity, sizeof *identity);

    if (rc == 0 && (rc = db_next(&q, e)) == 1) {
        const void *card = db_blob(&q, 0, &len);
        gf_buf_add(out, card, len);
        if (gf_buf_check(out, "a card", e) == -1)
            rc = -1;
    }
    db_done(&q);
    return rc;
}

/* The code of its name; GF_E_HEADER for one that a newer version has noted. */
static enum gf_code code_of(const char *name) {
    for (int i = 0; i < (int)GF_CODE_COUNT; i++)
        if (strcmp(gf_err_name((enum gf_code)i), name) == 0)
            return (enum gf_code)i;
    return GF_E_HEADER;
}

int ledger_fate(struct ledger *l, const struct gf_hash *digest, struct gf_id *agent,
                struct gf_err *why, struct gf_err *e) {
    struct db_query q;
    int rc = db_query(&l->db, &q, e, "SELECT agent, refused, reason FROM bundle WHERE digest = ?",
                      "b", digest, sizeof *digest);

    if (rc == 0 && (rc = db_next(&q, e)) == 1) {
        const char *refused = db_text(&q, 1);
        const char *reason = db_text(&q, 2);
        if (db_fixed(&q, 0, agent, sizeof *agent) == -1)
            rc = gf_err_set(e, GF_E_DAMAGED, "%s: a bundle has no agent", l->db.path);
        else if (refused != NULL)
            (void)gf_err_set(why, code_of(refused), "%s", reason != NULL ? reason : "refused");
        if (rc == 1 && refused != NULL)
            rc = 2;
    }
    db_done(&q);
    return rc;
}

int ledger_has_news(struct ledger *l, const struct gf_id *agent, struct gf_err *e) {
    int64_t n = 0;

    if (db_number(&l->db, &n, 0, e,
                  "SELECT EXISTS (SELECT 1 FROM record WHERE agent = ?1 AND told IS NOT receipt)"
                  " OR EXISTS (SELECT 1 FROM conflict WHERE agent = ?1 AND told_by IS NULL)"
                  " OR EXISTS (SELECT 1 FROM fork WHERE agent = ?1 AND told_by IS NULL)"
                  " OR EXISTS (SELECT 1 FROM bundle WHERE agent = ?1 AND refused IS NOT NULL"
                  " AND told_by IS NULL)"
                  " OR EXISTS (SELECT 1 FROM notice WHERE NOT EXISTS (SELECT 1 FROM notice_told"
                  " WHERE notice = notice.n AND agent = ?1))"
                  " OR EXISTS (SELECT 1 FROM rotation WHERE n > (SELECT max(knows) FROM agent"
                  " WHERE agent = ?1) AND NOT EXISTS (SELECT 1 FROM notice_told WHERE notice ="
                  " -rotation.n AND agent = ?1))"
                  " OR EXISTS (SELECT 1 FROM update_part AS p JOIN update_artifact AS a ON a.row ="
                  " p.artifact WHERE p.agent = ?1 AND p.told_by IS NULL AND a.here IS NOT NULL)",
                  "b", agent, sizeof *agent) == -1)
        return -1;
    return n != 0;
}

/* The earliest of all channels: each is one look at the index, however long the queue is. */
struct first_due {
    struct ledger *l;
    int64_t at;
};

static int first_due(void *arg, const char *channel, struct gf_err *e) {
    struct first_due *first = arg;
    int64_t at = INT64_MAX;

    if (db_number(&first->l->db, &at, INT64_MAX, e,
                  "SELECT min(due) FROM record WHERE channel = ? AND due IS NOT NULL", "t",
                  channel) == -1)
        return -1;
    if (at < first->at)
        first->at = at;
    return 0;
}

int ledger_next_time(struct ledger *l, int64_t *out, struct gf_err *e) {
    struct first_due first = {l, INT64_MAX};
    int64_t artifact = INT64_MAX;

    if (db_number(&l->db, &artifact, INT64_MAX, e,
                  "SELECT min(due) FROM update_artifact AS a WHERE here IS NULL AND EXISTS (SELECT "
                  "1 FROM update_part WHERE artifact = a.row AND told_by IS NULL)",
                  "") == -1 ||
        ledger_channels(l, first_due, &first, e) == -1)
        return -1;
    *out = first.at;
    if (artifact < *out)
        *out = artifact;
    return 0;
}
