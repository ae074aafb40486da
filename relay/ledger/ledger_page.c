/*
 * ledger_page.c -- couriers who use the page, and what they brought by it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/ledger/ledger_internal.h"

/* token is a hash. A row is never given out twice, for pages that are still open name it. digest,
 * file, facts and enrolled (whether the sender was then) are set when somebody has looked into the
 * bundle. */
const char ledger_page_schema[] =
    "CREATE TABLE courier ("
    " name TEXT PRIMARY KEY, token BLOB NOT NULL UNIQUE, made INTEGER NOT NULL) STRICT;"

    "CREATE TABLE brought ("
    " row INTEGER PRIMARY KEY AUTOINCREMENT, courier TEXT NOT NULL, at INTEGER NOT NULL, size "
    "INTEGER NOT NULL,"
    " sender BLOB NOT NULL, digest BLOB, facts TEXT, enrolled INTEGER, file TEXT, confirmed INTEGER"
    ") STRICT;"
    "CREATE INDEX brought_courier ON brought (courier, row);";

/* ---- couriers ---- */

int ledger_courier_add(struct ledger *l, const char *name, const struct gf_hash *token, int64_t now,
                       struct gf_err *e) {
    char members[128];

    (void)snprintf(members, sizeof members, "\"courier\":\"%s\"", name);
    if (db_begin(&l->db, e) == -1)
        return -1;
    int rc = db_run(&l->db, e,
                    "INSERT INTO courier (name, token, made) VALUES (?, ?, ?) ON CONFLICT (name) "
                    "DO UPDATE SET token = excluded.token, made = excluded.made",
                    "tbi", name, token, sizeof *token, now);
    if (rc == 0)
        rc = ledger_audit(l, now, "courier", members, e);
    return db_end(&l->db, rc, e);
}

int ledger_courier_remove(struct ledger *l, const char *name, int64_t now, struct gf_err *e) {
    char members[128];
    int gone = 0;

    (void)snprintf(members, sizeof members, "\"courier\":\"%s\",\"removed\":true", name);
    if (db_begin(&l->db, e) == -1)
        return -1;
    int rc = db_run(&l->db, e, "DELETE FROM courier WHERE name = ?", "t", name);
    gone = rc == 0 && db_changes(&l->db) > 0;
    if (gone)
        rc = ledger_audit(l, now, "courier", members, e);
    return db_end(&l->db, rc, e) == -1 ? -1 : gone;
}

int ledger_couriers(struct ledger *l, struct ledger_courier **out, size_t *n, struct gf_err *e) {
    struct ledger_courier *list = NULL;
    struct db_query q;
    size_t found = 0;

    int rc = db_query(&l->db, &q, e, "SELECT name, made, token FROM courier ORDER BY name", "");
    while (rc == 0 && (rc = db_next(&q, e)) == 1) {
        rc = db_list_grow(&list, found, sizeof *list, e);
        if (rc == -1)
            break;
        list[found] = (struct ledger_courier){.made = db_int(&q, 1)};
        (void)snprintf(list[found].name, sizeof list->name, "%s", db_text(&q, 0));
        if (db_fixed(&q, 2, &list[found].token, sizeof list->token) == 0)
            found++;
    }
    db_done(&q);
    if (rc == -1) {
        free(list);
        return -1;
    }
    *out = list;
    *n = found;
    return 0;
}

/* ---- what they brought ---- */

/* Facts rest on what their sender was: once it was let in, or is not any more, they are none, until
 * somebody looks again. */
#define GOOD                                                                                       \
    "(confirmed IS NOT NULL OR enrolled = EXISTS (SELECT 1 FROM agent "                            \
    "WHERE agent.identity = brought.sender AND agent.enrolled IS NOT NULL))"
#define COLUMNS                                                                                    \
    "SELECT row, courier, at, size, sender, digest, iif(" GOOD ", facts, NULL), file, confirmed "  \
    "FROM brought "

static int read_row(const struct db_query *q, struct ledger_brought *b) {
    const char *facts = db_text(q, 6), *file = db_text(q, 7);

    *b = (struct ledger_brought){
        .row = db_int(q, 0), .at = db_int(q, 2), .size = db_int(q, 3), .confirmed = db_int(q, 8)};
    (void)snprintf(b->courier, sizeof b->courier, "%s", db_text(q, 1));
    (void)snprintf(b->file, sizeof b->file, "%s", file != NULL ? file : "");
    b->has_digest = db_fixed(q, 5, &b->digest, sizeof b->digest) == 0;
    b->facts = facts != NULL ? strdup(facts) : NULL;
    return db_fixed(q, 4, &b->sender, sizeof b->sender) == 0 && (facts == NULL || b->facts != NULL)
               ? 0
               : -1;
}

static int read_rows(struct db_query *q, int rc, struct ledger_brought **out, size_t *n,
                     struct gf_err *e) {
    struct ledger_brought *list = NULL;
    size_t found = 0;

    while (rc == 0 && (rc = db_next(q, e)) == 1) {
        rc = db_list_grow(&list, found, sizeof *list, e);
        if (rc == -1)
            break;
        if (read_row(q, &list[found++]) == -1)
            rc = gf_err_set(e, GF_E_SYSTEM, "what a courier brought cannot be read");
    }
    db_done(q);
    if (rc == -1) {
        ledger_brought_free(list, found);
        return -1;
    }
    *out = list;
    *n = found;
    return 0;
}

void ledger_brought_free(struct ledger_brought *list, size_t n) {
    for (size_t i = 0; i < n; i++)
        free(list[i].facts);
    free(list);
}

int ledger_brought_add(struct ledger *l, const struct ledger_brought *b, int64_t *row,
                       struct gf_err *e) {
    int rc = db_run(&l->db, e,
                    "INSERT INTO brought (courier, at, size, sender, digest, file, confirmed) "
                    "VALUES (?, ?, ?, ?, ?, ?, nullif(?, 0))",
                    "tiibbti", b->courier, b->at, b->size, &b->sender, sizeof b->sender,
                    b->has_digest ? &b->digest : NULL, sizeof b->digest,
                    b->file[0] != '\0' ? b->file : NULL, b->confirmed);

    return rc == 0 ? db_number(&l->db, row, 0, e, "SELECT last_insert_rowid()", "") : -1;
}

int ledger_brought_list(struct ledger *l, const char *courier, int64_t max,
                        struct ledger_brought **out, size_t *n, struct gf_err *e) {
    struct db_query q;
    int rc = db_query(&l->db, &q, e, COLUMNS "WHERE courier = ? ORDER BY row DESC LIMIT ?", "ti",
                      courier, max);

    return read_rows(&q, rc, out, n, e);
}

int ledger_brought_unseen(struct ledger *l, struct ledger_brought **out, size_t *n,
                          struct gf_err *e) {
    struct db_query q;
    int rc = db_query(
        &l->db, &q, e,
        COLUMNS "WHERE facts IS NULL AND confirmed IS NULL OR NOT " GOOD " ORDER BY row", "");

    return read_rows(&q, rc, out, n, e);
}

int ledger_brought_old(struct ledger *l, int64_t open_since, int64_t done_since,
                       struct ledger_brought **out, size_t *n, struct gf_err *e) {
    struct db_query q;
    int rc =
        db_query(&l->db, &q, e, COLUMNS "WHERE at < CASE WHEN confirmed IS NULL THEN ? ELSE ? END",
                 "ii", open_since, done_since);

    return read_rows(&q, rc, out, n, e);
}

int ledger_brought_get(struct ledger *l, const char *courier, int64_t row,
                       struct ledger_brought *out, struct gf_err *e) {
    struct ledger_brought *list = NULL;
    struct db_query q;
    size_t n = 0;
    int rc = db_query(&l->db, &q, e, COLUMNS "WHERE courier = ? AND row = ?", "ti", courier, row);

    if (read_rows(&q, rc, &list, &n, e) == -1)
        return -1;
    if (n == 1)
        *out = list[0];
    free(list);
    return n == 1;
}

int ledger_brought_looked(struct ledger *l, const struct ledger_brought *b, int enrolled,
                          struct gf_err *e) {
    return db_run(&l->db, e,
                  "UPDATE brought SET digest = ?, file = ?, facts = ?, enrolled = ? WHERE row = ?",
                  "bttii", b->has_digest ? &b->digest : NULL, sizeof b->digest,
                  b->file[0] != '\0' ? b->file : NULL, b->facts, (int64_t)enrolled, b->row);
}

int ledger_brought_confirm(struct ledger *l, const struct ledger_brought *b, int64_t now,
                           struct gf_err *e) {
    char members[160], hex[GF_HASH_TEXT] = "";

    if (b->has_digest)
        gf_text_hex(b->digest.b, sizeof b->digest.b, hex);
    (void)snprintf(members, sizeof members, "\"courier\":\"%s\",\"header\":\"%s\"", b->courier,
                   hex);
    if (db_begin(&l->db, e) == -1)
        return -1;
    int rc = db_run(&l->db, e, "UPDATE brought SET confirmed = ? WHERE row = ?", "ii", now, b->row);
    if (rc == 0)
        rc = ledger_audit(l, now, "brought", members, e);
    return db_end(&l->db, rc, e);
}

int ledger_brought_remove(struct ledger *l, int64_t row, struct gf_err *e) {
    return db_run(&l->db, e, "DELETE FROM brought WHERE row = ?", "i", row);
}

/* ---- where its records are ---- */

static int read_delivery(const struct db_query *q, void *element, struct gf_err *e) {
    struct ledger_delivery *d = element;
    const char *reason = db_text(q, 4);
    int64_t state = db_int(q, 2);
    (void)e;

    d->records = db_int(q, 3);
    d->due = db_int(q, 5);
    d->state = state >= LEDGER_RECEIVED && state <= LEDGER_EXPIRED ? (enum ledger_state)state
                                                                   : LEDGER_HELD;
    (void)snprintf(d->endpoint, sizeof d->endpoint, "%s", db_text(q, 0));
    (void)snprintf(d->channel, sizeof d->channel, "%s", db_text(q, 1));
    (void)snprintf(d->reason, sizeof d->reason, "%s", reason != NULL ? reason : "");
    return 0;
}

int ledger_deliveries(struct ledger *l, const struct gf_hash *digest, struct ledger_delivery **out,
                      size_t *n, struct gf_err *e) {
    struct db_query q;

    return db_list(&q,
                   db_query(&l->db, &q, e,
                            "SELECT ifnull(endpoint, ''), channel, state, count(*), max(r.reason), "
                            "min(due) FROM bundle AS b JOIN record AS r ON r.row BETWEEN b.first "
                            "AND b.last WHERE b.digest = ? "
                            "GROUP BY 1, 2, 3 ORDER BY 2, 1, 3 LIMIT 100",
                            "b", digest, sizeof *digest),
                   sizeof **out, read_delivery, out, n, e);
}
