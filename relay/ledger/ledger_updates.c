/*
 * ledger_updates.c -- what vendors' repositories hold: manifests that were verified, and the
 * artifacts that they name.
 */
#include "relay/ledger/ledger_updates.h"

#include <stdio.h>
#include <string.h>

#include "relay/ledger/ledger_internal.h"

/* The fact: the artifact at which a turn was cut off. */
#define CUT "artifact-cut"

/*
 * update_source    the newest verified manifest of a place; text NULL: none yet
 * update_artifact  `here`: since when its file is, verified; etag: of a part of it
 * update_named     what the manifest of a source names
 * update_given     agents that were given a manifest of a source
 * update_assigned  an artifact goes to an agent, in `parts` parts of `part` bytes
 * update_part      told_by: the response that brought it last; NULL: it is due
 */
const char ledger_updates_schema[] =
    "CREATE TABLE update_source ("
    " row INTEGER PRIMARY KEY, endpoint TEXT NOT NULL, product TEXT NOT NULL,"
    " channel TEXT NOT NULL, platform TEXT NOT NULL, serial INTEGER NOT NULL DEFAULT 0,"
    " expires INTEGER NOT NULL DEFAULT 0, text BLOB, etag TEXT NOT NULL DEFAULT '',"
    " modified TEXT NOT NULL DEFAULT '', asked INTEGER NOT NULL, absent INTEGER NOT NULL,"
    " UNIQUE (endpoint, product, channel, platform)) STRICT;"

    "CREATE TABLE update_artifact ("
    " row INTEGER PRIMARY KEY, endpoint TEXT NOT NULL, digest BLOB NOT NULL, sha256 BLOB NOT NULL,"
    " size INTEGER NOT NULL, place TEXT NOT NULL, name TEXT NOT NULL, here INTEGER,"
    " etag TEXT NOT NULL DEFAULT '', attempts INTEGER NOT NULL DEFAULT 0,"
    " due INTEGER NOT NULL DEFAULT 0, asked INTEGER NOT NULL DEFAULT 0, reason TEXT,"
    " UNIQUE (endpoint, digest)) STRICT;"
    "CREATE INDEX update_artifact_digest ON update_artifact (digest);"
    "CREATE INDEX update_artifact_away ON update_artifact (due) WHERE here IS NULL;"

    "CREATE TABLE update_named ("
    " source INTEGER NOT NULL REFERENCES update_source (row),"
    " artifact INTEGER NOT NULL REFERENCES update_artifact (row),"
    " PRIMARY KEY (source, artifact)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX update_named_artifact ON update_named (artifact);"

    "CREATE TABLE update_given ("
    " agent BLOB NOT NULL, source INTEGER NOT NULL REFERENCES update_source (row),"
    " at INTEGER NOT NULL, PRIMARY KEY (agent, source)) STRICT, WITHOUT ROWID;"

    "CREATE TABLE update_assigned ("
    " agent BLOB NOT NULL, artifact INTEGER NOT NULL REFERENCES update_artifact (row),"
    " part INTEGER NOT NULL, parts INTEGER NOT NULL, at INTEGER NOT NULL,"
    " PRIMARY KEY (agent, artifact)) STRICT, WITHOUT ROWID;"

    "CREATE TABLE update_part ("
    " agent BLOB NOT NULL, artifact INTEGER NOT NULL REFERENCES update_artifact (row),"
    " idx INTEGER NOT NULL, told_by INTEGER REFERENCES response (row),"
    " PRIMARY KEY (agent, artifact, idx)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX update_part_due ON update_part (agent, artifact) WHERE told_by IS NULL;"
    "CREATE INDEX update_part_awaited ON update_part (artifact) WHERE told_by IS NULL;"
    "CREATE INDEX update_part_artifact ON update_part (artifact);"
    "CREATE INDEX update_part_told_by ON update_part (told_by);";

/* ---- sources ---- */

static void keep_text(const struct db_query *q, int column, char *out, size_t size) {
    const char *text = db_text(q, column);

    (void)snprintf(out, size, "%s", text != NULL ? text : "");
}

int ledger_source(struct ledger *l, const struct ledger_place *p, struct ledger_source *out,
                  struct gf_err *e) {
    struct db_query q;
    size_t len = 0;

    *out = (struct ledger_source){0};
    gf_buf_init(&out->text, UPDATE_FILE_MAX);
    int rc = db_query(&l->db, &q, e,
                      "SELECT row, serial, expires, asked, absent, text, etag, modified FROM "
                      "update_source WHERE endpoint = ? AND product = ? AND channel = ? AND "
                      "platform = ?",
                      "tttt", p->endpoint, p->product, p->channel, p->platform);
    if (rc == 0 && (rc = db_next(&q, e)) == 1) {
        out->row = db_int(&q, 0);
        out->serial = db_int(&q, 1);
        out->expires = db_int(&q, 2);
        out->asked = db_int(&q, 3);
        out->absent = db_int(&q, 4) != 0;
        const void *text = db_blob(&q, 5, &len);
        gf_buf_add(&out->text, text != NULL ? text : "", len);
        keep_text(&q, 6, out->etag, sizeof out->etag);
        keep_text(&q, 7, out->modified, sizeof out->modified);
        rc = gf_buf_check(&out->text, "a manifest", e);
    }
    db_done(&q);
    return rc;
}

void ledger_source_free(struct ledger_source *s) {
    gf_buf_free(&s->text);
}

int ledger_source_asked(struct ledger *l, const struct ledger_place *p, int absent, int64_t now,
                        struct gf_err *e) {
    return db_run(&l->db, e,
                  "INSERT INTO update_source (endpoint, product, channel, platform, asked, absent) "
                  "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET asked = excluded.asked, "
                  "absent = excluded.absent",
                  "ttttii", p->endpoint, p->product, p->channel, p->platform, now,
                  (int64_t)(absent != 0));
}

/* The row of an artifact, made where there is none. */
static int put_artifact(struct ledger *l, const struct ledger_place *p,
                        const struct update_artifact *a, int64_t *row, struct gf_err *e) {
    char place[2 * (GF_WORD_MAX + 1) + 1];

    (void)snprintf(place, sizeof place, "%s/%s", p->product, p->channel);
    if (db_run(&l->db, e,
               "INSERT INTO update_artifact (endpoint, digest, sha256, size, place, name) VALUES "
               "(?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET place = excluded.place, name = "
               "excluded.name",
               "tbbitt", p->endpoint, a->blake2b.b, sizeof a->blake2b.b, a->sha256.b,
               sizeof a->sha256.b, a->size, place, a->name) == -1 ||
        db_number(&l->db, row, 0, e,
                  "SELECT row FROM update_artifact WHERE endpoint = ? AND digest = ? AND sha256 = "
                  "? AND size = ?",
                  "tbbi", p->endpoint, a->blake2b.b, sizeof a->blake2b.b, a->sha256.b,
                  sizeof a->sha256.b, a->size) == -1)
        return -1;
    if (*row > 0)
        return 0;
    return gf_err_set(e, GF_E_UPDATE,
                      "manifest: its artifact %s has the BLAKE2b of another one, and another size "
                      "or SHA-256",
                      a->name);
}

static int put(struct ledger *l, const struct ledger_place *p, const struct update *u,
               const struct ledger_source *s, int64_t now, struct gf_err *e) {
    int64_t source = 0, row = 0;

    if (db_run(&l->db, e,
               "INSERT INTO update_source (endpoint, product, channel, platform, serial, expires, "
               "text, etag, modified, asked, absent) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0) ON "
               "CONFLICT DO UPDATE SET serial = excluded.serial, expires = excluded.expires, text "
               "= excluded.text, etag = excluded.etag, modified = excluded.modified, asked = "
               "excluded.asked, absent = 0",
               "ttttiibtti", p->endpoint, p->product, p->channel, p->platform, u->serial,
               u->expires, s->text.data, s->text.len, s->etag, s->modified, now) == -1 ||
        db_number(&l->db, &source, 0, e,
                  "SELECT row FROM update_source WHERE endpoint = ? AND product = ? AND channel = "
                  "? AND platform = ?",
                  "tttt", p->endpoint, p->product, p->channel, p->platform) == -1 ||
        db_run(&l->db, e, "DELETE FROM update_named WHERE source = ?", "i", source) == -1)
        return -1;
    for (size_t i = 0; i < u->nartifacts; i++) {
        /* Two names of one file are one artifact. */
        if (put_artifact(l, p, &u->artifacts[i], &row, e) == -1 ||
            db_run(&l->db, e,
                   "INSERT INTO update_named (source, artifact) VALUES (?, ?) ON CONFLICT DO "
                   "NOTHING",
                   "ii", source, row) == -1)
            return -1;
    }
    return 0;
}

int ledger_source_put(struct ledger *l, const struct ledger_place *p, const struct update *u,
                      const struct ledger_source *s, int64_t now, struct gf_err *e) {
    if (db_begin(&l->db, e) == -1)
        return -1;
    return db_end(&l->db, put(l, p, u, s, now, e), e);
}

int ledger_source_proven(struct ledger *l, const char *endpoint, struct gf_err *e) {
    int64_t n = 0;

    if (db_number(&l->db, &n, 0, e,
                  "SELECT EXISTS (SELECT 1 FROM update_source WHERE endpoint = ? AND serial > 0)",
                  "t", endpoint) == -1)
        return -1;
    return n != 0;
}

/* ---- artifacts ---- */

int ledger_artifact_due(struct ledger *l, int64_t now, int64_t after, struct ledger_artifact *out,
                        struct gf_err *e) {
    struct db_query q;
    int rc =
        db_query(&l->db, &q, e,
                 "SELECT row, endpoint, place, name, size, sha256, digest, attempts, etag, "
                 "reason, due, ifnull((SELECT min(at) FROM update_assigned WHERE artifact = "
                 "a.row), 0) FROM update_artifact AS a WHERE here IS NULL AND due <= ? AND row > "
                 "? AND EXISTS (SELECT 1 FROM update_part WHERE artifact = a.row AND told_by "
                 "IS NULL) ORDER BY row LIMIT 1",
                 "ii", now, after);

    if (rc == 0 && (rc = db_next(&q, e)) == 1) {
        *out = (struct ledger_artifact){.row = db_int(&q, 0),
                                        .is.size = db_int(&q, 4),
                                        .attempts = db_int(&q, 7),
                                        .due = db_int(&q, 10),
                                        .since = db_int(&q, 11)};
        keep_text(&q, 1, out->endpoint, sizeof out->endpoint);
        keep_text(&q, 2, out->place, sizeof out->place);
        keep_text(&q, 3, out->is.name, sizeof out->is.name);
        keep_text(&q, 8, out->etag, sizeof out->etag);
        keep_text(&q, 9, out->reason, sizeof out->reason);
        if (db_fixed(&q, 5, out->is.sha256.b, sizeof out->is.sha256.b) == -1 ||
            db_fixed(&q, 6, out->is.blake2b.b, sizeof out->is.blake2b.b) == -1)
            rc = gf_err_set(e, GF_E_DAMAGED, "%s: an artifact without digest", l->db.path);
    }
    db_done(&q);
    return rc;
}

int ledger_artifacts_release(struct ledger *l, const char *endpoint, int64_t now, int64_t *n,
                             struct gf_err *e) {
    if (db_run(
            &l->db, e,
            "UPDATE update_artifact AS a SET due = ?1, asked = 0 WHERE here IS NULL AND due > ?1 "
            "AND (?2 IS NULL OR endpoint = ?2) AND EXISTS (SELECT 1 FROM update_part WHERE "
            "artifact = a.row AND told_by IS NULL)",
            "it", now, endpoint) == -1)
        return -1;
    *n = db_changes(&l->db);
    return 0;
}

int ledger_artifact_cut(struct ledger *l, int64_t *row, struct gf_err *e) {
    *row = 0;
    return ledger_fact(l, CUT, row, sizeof *row, e) == -1 ? -1 : 0;
}

int ledger_artifact_set_cut(struct ledger *l, int64_t row, struct gf_err *e) {
    return ledger_set_fact(l, CUT, &row, sizeof row, e);
}

int ledger_artifact_is_here(struct ledger *l, const char *endpoint, const struct gf_hash *digest,
                            struct gf_err *e) {
    int64_t n = 0;

    if (db_number(&l->db, &n, 0, e,
                  "SELECT EXISTS (SELECT 1 FROM update_artifact WHERE endpoint = ? AND digest = ? "
                  "AND here IS NOT NULL)",
                  "tb", endpoint, digest->b, sizeof digest->b) == -1)
        return -1;
    return n != 0;
}

int ledger_artifact_here(struct ledger *l, int64_t row, int64_t now, struct gf_err *e) {
    return db_run(&l->db, e,
                  "UPDATE update_artifact SET here = ?, attempts = 0, etag = '', reason = NULL "
                  "WHERE row = ?",
                  "ii", now, row);
}

int ledger_artifact_gone(struct ledger *l, int64_t row, struct gf_err *e) {
    return db_run(&l->db, e, "UPDATE update_artifact SET here = NULL, due = 0 WHERE row = ?", "i",
                  row);
}

int ledger_artifact_begun(struct ledger *l, int64_t row, const char *etag, struct gf_err *e) {
    return db_run(&l->db, e,
                  "UPDATE update_artifact SET etag = ?, attempts = 0, reason = NULL "
                  "WHERE row = ?",
                  "ti", etag, row);
}

int ledger_artifact_later(struct ledger *l, int64_t row, const char *reason, int64_t due,
                          int64_t asked, struct gf_err *e) {
    char safe[GF_REASON_MAX + 1];

    ledger_reason(reason, safe);
    return db_run(
        &l->db, e,
        "UPDATE update_artifact SET attempts = attempts + 1, reason = ?, due = ?, asked = "
        "? WHERE row = ?",
        "tiii", safe, due, asked, row);
}

int ledger_artifacts_awaited(struct ledger *l, int64_t *n, struct gf_err *e) {
    return db_number(&l->db, n, 0, e,
                     "SELECT count(*) FROM update_artifact AS a WHERE here IS NULL AND EXISTS "
                     "(SELECT 1 FROM update_part WHERE artifact = a.row AND told_by IS NULL)",
                     "");
}

int ledger_has_untried(struct ledger *l, struct gf_err *e) {
    int64_t n = 0;

    if (db_number(&l->db, &n, 0, e,
                  "SELECT EXISTS (SELECT 1 FROM record WHERE due IS NOT NULL AND state = ?)", "i",
                  (int64_t)LEDGER_RECEIVED) == -1)
        return -1;
    return n != 0;
}

/* ---- what is over ---- */

/* Of artifact `a`: a manifest that has not ended names it; a part is due; one travels still. */
#define IS_NAMED                                                                                   \
    "EXISTS (SELECT 1 FROM update_named AS n JOIN update_source AS s ON s.row = n.source WHERE "   \
    "n.artifact = a.row AND s.expires > ?1)"
#define IS_WAITED_FOR                                                                              \
    "EXISTS (SELECT 1 FROM update_part AS p LEFT JOIN response AS r ON r.row = p.told_by WHERE "   \
    "p.artifact = a.row AND (p.told_by IS NULL OR r.acknowledged IS NULL))"

int ledger_artifact_is_needed(struct ledger *l, const struct gf_hash *digest, int64_t now,
                              struct gf_err *e) {
    int64_t n = 0;

    if (db_number(&l->db, &n, 0, e,
                  "SELECT EXISTS (SELECT 1 FROM update_artifact AS a WHERE digest = ?2 AND "
                  "(" IS_NAMED " OR " IS_WAITED_FOR "))",
                  "ib", now, digest->b, sizeof digest->b) == -1)
        return -1;
    return n != 0;
}

#define IS_NAMED_AT_ALL "EXISTS (SELECT 1 FROM update_named WHERE artifact = a.row)"

int ledger_artifact_drop(struct ledger *l, int64_t row, struct gf_err *e) {
    if (db_run(&l->db, e,
               "DELETE FROM update_part WHERE told_by IS NULL AND artifact IN (SELECT row FROM "
               "update_artifact AS a WHERE row = ? AND NOT " IS_NAMED_AT_ALL ")",
               "i", row) == -1)
        return -1;
    return db_changes(&l->db) > 0;
}

static int forget(struct ledger *l, int64_t now, struct gf_err *e) {
    if (db_run(&l->db, e,
               "DELETE FROM update_part WHERE agent IN (SELECT agent FROM agent WHERE ending = "
               "'revoked')",
               "") == -1 ||
        db_run(&l->db, e,
               "UPDATE update_artifact AS a SET here = NULL WHERE here IS NOT NULL AND "
               "NOT " IS_NAMED " AND NOT " IS_WAITED_FOR,
               "i", now) == -1 ||
        db_run(&l->db, e,
               "DELETE FROM update_part WHERE artifact IN (SELECT row FROM update_artifact AS a "
               "WHERE NOT " IS_NAMED_AT_ALL " AND NOT " IS_WAITED_FOR ")",
               "") == -1 ||
        db_run(&l->db, e,
               "DELETE FROM update_assigned WHERE NOT EXISTS (SELECT 1 FROM update_part AS p WHERE "
               "p.agent = update_assigned.agent AND p.artifact = update_assigned.artifact)",
               "") == -1)
        return -1;
    return db_run(&l->db, e,
                  "DELETE FROM update_artifact AS a WHERE NOT " IS_NAMED_AT_ALL " AND NOT EXISTS "
                  "(SELECT 1 FROM update_assigned WHERE artifact = a.row)",
                  "");
}

int ledger_artifacts_forget(struct ledger *l, int64_t now, struct gf_err *e) {
    if (db_begin(&l->db, e) == -1)
        return -1;
    return db_end(&l->db, forget(l, now, e), e);
}
