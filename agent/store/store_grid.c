/*
 * store_grid.c -- records of nodes, and what their nodes are to be told.
 */
#include "agent/store/store_grid.h"

#include <stdio.h>

#include "agent/store/store_internal.h"

/*
 * node    records that come from nodes, and are still known here or to be told of. told: 1: what
 *         became of it lies in the returns; answer: a line; why: the reason that there is none
 * saying  lines for the returns that no row of `node` stands for
 * node_update  which manifest a node's last check of its product, channel and platform was answered
 *              with
 * node_file    artifacts of such manifests that were handed over
 */
const char store_schema_grid[] =
    "CREATE TABLE node (record BLOB PRIMARY KEY NOT NULL CHECK (length(record) = 16),"
    " node BLOB NOT NULL, there BLOB NOT NULL, told INTEGER NOT NULL DEFAULT 0, answer BLOB,"
    " why TEXT) STRICT;"
    "CREATE INDEX node_untold ON node (record) WHERE told = 0;"
    "CREATE TABLE saying (n INTEGER PRIMARY KEY AUTOINCREMENT, line BLOB NOT NULL) STRICT;"
    "CREATE TABLE node_update (node BLOB NOT NULL, manifest INTEGER NOT NULL, told INTEGER NOT NULL"
    " DEFAULT 0, PRIMARY KEY (node, manifest)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE node_file (manifest INTEGER NOT NULL, name TEXT NOT NULL,"
    " PRIMARY KEY (manifest, name)) STRICT, WITHOUT ROWID;";

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

/* Of a record that is gone there is nothing more to say. */
static int tell(struct store *s, const struct gf_id *record, struct gf_err *e) {
    if (db_run(&s->db, e, "UPDATE node SET told = 1, answer = NULL WHERE record = ?", "b",
               STORE_BYTES(record)) == -1)
        return -1;
    return db_run(&s->db, e,
                  "DELETE FROM node WHERE record = ?1"
                  " AND NOT EXISTS (SELECT 1 FROM record WHERE id = ?1)",
                  "b", STORE_BYTES(record));
}

int store_returns_told(struct store *s, const struct gf_id *records, size_t n, struct gf_err *e) {
    if (db_begin(&s->db, e) == -1)
        return -1;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = tell(s, &records[i], e);
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

/* ---- updates ---- */

int store_node_update(struct store *s, const struct gf_id *node, int64_t manifest,
                      struct gf_err *e) {
    if (db_run(&s->db, e,
               "INSERT INTO node_update (node, manifest) VALUES (?, ?)"
               " ON CONFLICT (node, manifest) DO UPDATE SET told = 0",
               "bi", STORE_BYTES(node), manifest) == -1 ||
        db_run(&s->db, e,
               "DELETE FROM node_update WHERE node = ? AND manifest IN (SELECT old.n"
               " FROM update_manifest AS new JOIN update_manifest AS old ON old.product ="
               " new.product AND old.channel = new.channel AND old.platform = new.platform AND"
               " old.n <> new.n WHERE new.n = ?)",
               "bi", STORE_BYTES(node), manifest) == -1)
        return -1;
    return db_run(&s->db, e, "DELETE FROM node_file WHERE manifest = ?", "i", manifest);
}

int store_node_manifests(struct store *s, store_each_node_manifest *fn, void *arg,
                         struct gf_err *e) {
    struct db_query q;
    int rc;

    if (db_query(&s->db, &q, e,
                 "SELECT u.node, u.manifest, m.text FROM node_update AS u JOIN update_manifest AS m"
                 " ON m.n = u.manifest WHERE u.told = 0",
                 "") == -1)
        return -1;
    while ((rc = db_next(&q, e)) == 1) {
        struct store_node_manifest m = {.manifest = db_int(&q, 1)};

        m.text = db_blob(&q, 2, &m.len);
        rc = STORE_FIXED(&q, 0, &m.node, "node_update", e);
        if (rc == 0)
            rc = fn(arg, &m, e);
        if (rc != 0)
            break;
    }
    db_done(&q);
    return rc == -1 ? -1 : 0;
}

int store_node_manifest_told(struct store *s, const struct gf_id *node, int64_t manifest,
                             struct gf_err *e) {
    return db_run(&s->db, e, "UPDATE node_update SET told = 1 WHERE node = ? AND manifest = ?",
                  "bi", STORE_BYTES(node), manifest);
}

static int read_file(const struct db_query *q, void *element, struct gf_err *e) {
    struct store_node_file *f = element;
    (void)e;

    f->manifest = db_int(q, 0);
    (void)snprintf(f->name, sizeof f->name, "%s", db_text(q, 1));
    return 0;
}

int store_node_files(struct store *s, struct store_node_file **out, size_t *n, struct gf_err *e) {
    struct db_query q;

    return db_list(&q,
                   db_query(&s->db, &q, e,
                            "SELECT manifest, name FROM update_here AS h WHERE manifest IN"
                            " (SELECT manifest FROM node_update) AND NOT EXISTS (SELECT 1 FROM"
                            " node_file AS f WHERE f.manifest = h.manifest AND f.name = h.name)",
                            ""),
                   sizeof **out, read_file, out, n, e);
}

int store_node_file_handed(struct store *s, const struct store_node_file *f, struct gf_err *e) {
    return db_run(&s->db, e,
                  "INSERT INTO node_file (manifest, name) VALUES (?, ?) ON CONFLICT DO NOTHING",
                  "it", f->manifest, f->name);
}
