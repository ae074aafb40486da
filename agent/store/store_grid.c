/*
 * store_grid.c -- records of nodes, and what their nodes are to be told.
 */
#include "agent/store/store_grid.h"

#include "agent/store/store_internal.h"

/*
 * node    records that come from nodes. told: 1: what became of it lies in the returns; answer: a
 *         line; why: the reason that there is none
 * saying  lines for the returns that no row of `node` stands for
 */
const char store_schema_grid[] =
    "CREATE TABLE node (record BLOB PRIMARY KEY NOT NULL CHECK (length(record) = 16),"
    " node BLOB NOT NULL, there BLOB NOT NULL, told INTEGER NOT NULL DEFAULT 0, answer BLOB,"
    " why TEXT) STRICT;"
    "CREATE INDEX node_untold ON node (record) WHERE told = 0;"
    "CREATE TABLE saying (n INTEGER PRIMARY KEY AUTOINCREMENT, line BLOB NOT NULL) STRICT;";

int store_node_add(struct store *s, const struct store_node *n, struct gf_err *e) {
    return db_run(&s->db, e,
                  "INSERT INTO node (record, node, there) VALUES (?, ?, ?)"
                  " ON CONFLICT (record) DO UPDATE SET told = 0",
                  "bbb", STORE_BYTES(&n->record), STORE_BYTES(&n->node), STORE_BYTES(&n->there));
}

int store_node(struct store *s, const struct gf_id *record, struct store_node *out,
               struct gf_err *e) {
    struct store_node node = {.record = *record};
    struct db_query q;

    if (db_query(&s->db, &q, e, "SELECT node, there FROM node WHERE record = ?", "b",
                 STORE_BYTES(record)) == -1)
        return -1;
    int rc = db_next(&q, e);
    if (rc == 1 && (STORE_FIXED(&q, 0, &node.node, "node", e) == -1 ||
                    STORE_FIXED(&q, 1, &node.there, "node", e) == -1))
        rc = -1;
    db_done(&q);
    if (rc == 1)
        *out = node;
    return rc;
}

int store_node_answer(struct store *s, const struct gf_id *record, const char *line, size_t len,
                      const char *why, struct gf_err *e) {
    return db_run(&s->db, e, "UPDATE node SET answer = ?, why = ?, told = 0 WHERE record = ?",
                  "btb", line, len, why, STORE_BYTES(record));
}

static int read_return(const struct db_query *q, struct store_return *r, struct gf_err *e) {
    *r = (struct store_return){.gone = db_is_null(q, 3)};
    if (STORE_FIXED(q, 0, &r->node.record, "node", e) == -1 ||
        STORE_FIXED(q, 1, &r->node.node, "node", e) == -1 ||
        STORE_FIXED(q, 2, &r->node.there, "node", e) == -1 ||
        (!r->gone && STORE_FIXED(q, 4, &r->digest, "record", e) == -1))
        return -1;
    r->state = (enum store_state)db_int(q, 3);
    r->reason = db_text(q, 5);
    r->guarantee = db_text(q, 6);
    r->at = db_int(q, 7);
    r->answer = db_blob(q, 8, &r->answer_len);
    r->unusable = db_text(q, 9);
    return 0;
}

int store_returns(struct store *s, store_each_return *fn, void *arg, struct gf_err *e) {
    struct store_return r;
    struct db_query q;

    if (db_query(&s->db, &q, e,
                 "SELECT node.record, node.node, node.there, record.state, record.digest,"
                 " record.reason, record.guarantee, record.since, node.answer, node.why"
                 " FROM node LEFT JOIN record ON record.id = node.record"
                 " WHERE node.told = 0 AND ifnull(record.state, 3) >= 3",
                 "") == -1)
        return -1;
    int rc;
    while ((rc = db_next(&q, e)) == 1) {
        rc = read_return(&q, &r, e);
        if (rc == 0)
            rc = fn(arg, &r, e);
        if (rc != 0)
            break;
    }
    db_done(&q);
    return rc == -1 ? -1 : 0;
}

int store_returns_told(struct store *s, const struct gf_id *records, size_t n, struct gf_err *e) {
    if (db_begin(&s->db, e) == -1)
        return -1;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = db_run(&s->db, e, "UPDATE node SET told = 1, answer = NULL WHERE record = ?", "b",
                    STORE_BYTES(&records[i]));
    return db_end(&s->db, rc, e);
}

int store_say(struct store *s, const char *line, size_t len, struct gf_err *e) {
    return db_run(&s->db, e, "INSERT INTO saying (line) VALUES (?)", "b", line, len);
}

int store_sayings(struct store *s, store_each_saying *fn, void *arg, struct gf_err *e) {
    struct db_query q;
    int rc;

    if (db_query(&s->db, &q, e, "SELECT n, line FROM saying ORDER BY n", "") == -1)
        return -1;
    while ((rc = db_next(&q, e)) == 1) {
        size_t len = 0;
        const char *line = db_blob(&q, 1, &len);

        rc = fn(arg, db_int(&q, 0), line, len, e);
        if (rc != 0)
            break;
    }
    db_done(&q);
    return rc == -1 ? -1 : 0;
}

int store_said(struct store *s, int64_t n, struct gf_err *e) {
    return db_run(&s->db, e, "DELETE FROM saying WHERE n <= ?", "i", n);
}
