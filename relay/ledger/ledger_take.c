/*
 * ledger_take.c -- the records of a bundle: each takes effect once, in whatever bundle it comes.
 *
 * All that a bundle brings is taken in one transaction, so that its new records are neighbours in
 * their table: bundle.first to bundle.last, in place of an index.
 */
#include <string.h>

#include "relay/ledger/ledger_internal.h"

/* Rows for one INSERT. To begin one costs more than a row does. */
#define ROWS    LEDGER_TAKE_MOST
#define SHARED  3 /* values that all rows of it have in common */
#define COLUMNS 7 /* values of each row of `record` beside them */

#define TWICE(x) x "," x
#define MANY(x)  TWICE(TWICE(TWICE(TWICE(TWICE(x)))))
#define RECORD   "(?1, ?2, ?3, ?3, 0, 0, ?, ?, ?, ?, ?, ?, ?)"
#define RECORDS(rows)                                                                              \
    "INSERT INTO record (agent, bundle, received, since, state, receipt, row, id, digest, "        \
    "channel, product, wants_answer, file) VALUES " rows " ON CONFLICT (agent, id) DO NOTHING"
#define LINES(rows) "INSERT INTO line (record, text) VALUES " rows

_Static_assert(ROWS == 1 << 5 && LEDGER_RECEIVED == 0 && GF_STATE_RELAYED == 0,
               "what the statements say");

int ledger_take_begin(struct ledger *l, const struct gf_hash *digest, struct gf_err *e) {
    struct ledger_taking *t = &l->taking;

    if (db_number(&l->db, &t->bundle, 0, e, "SELECT row FROM bundle WHERE digest = ?", "b", digest,
                  sizeof *digest) == -1 ||
        db_number(&l->db, &t->next, 0, e, "SELECT max(row) FROM record", "") == -1)
        return -1;
    t->next++;
    return 0;
}

int ledger_files(struct ledger *l, const struct gf_hash *digest, ledger_each_file *fn, void *arg,
                 struct gf_err *e) {
    struct db_query q;
    int rc = db_query(&l->db, &q, e,
                      "SELECT DISTINCT r.file FROM bundle AS b JOIN record AS r ON r.row BETWEEN "
                      "b.first AND b.last WHERE b.digest = ? AND r.file IS NOT NULL",
                      "b", digest, sizeof *digest);

    while (rc == 0 && (rc = db_next(&q, e)) == 1)
        rc = fn(arg, db_text(&q, 0), e);
    db_done(&q);
    return rc;
}

/* ---- what was known ---- */

struct known {
    int64_t row;
    int same; /* 1: with this digest */
};

static int find_record(struct ledger *l, const struct gf_id *agent, const struct gf_id *id,
                       const struct gf_hash *digest, struct known *out, struct gf_err *e) {
    struct gf_hash had;
    struct db_query q;
    int rc = db_query(&l->db, &q, e, "SELECT row, digest FROM record WHERE agent = ? AND id = ?",
                      "bb", agent, sizeof *agent, id, sizeof *id);

    *out = (struct known){0};
    if (rc == 0 && (rc = db_next(&q, e)) == 1) {
        out->row = db_int(&q, 0);
        out->same = db_fixed(&q, 1, &had, sizeof had) == 0 && memcmp(&had, digest, sizeof had) == 0;
        rc = 0;
    }
    db_done(&q);
    return rc;
}

/* The same record in another bundle: its sender asks again, so what was told and acknowledged is
 * told again. What is told and not acknowledged is carried still; whether that will do is seen from
 * the acknowledgement. */
static int ask_again(struct ledger *l, int64_t row, int64_t bundle, struct gf_err *e) {
    if (db_run(&l->db, e,
               "UPDATE record SET told = NULL, told_by = NULL WHERE row = ? AND told_by "
               "IN " LEDGER_HAS_IT,
               "i", row) == -1)
        return -1;
    return db_run(&l->db, e,
                  "UPDATE record SET again = (SELECT stream FROM bundle WHERE row = ?) WHERE row = "
                  "? AND told_by IS NOT NULL",
                  "ii", bundle, row);
}

static int note_conflict(struct ledger *l, const struct gf_id *agent, const struct gf_id *id,
                         const struct gf_hash *digest, int64_t bundle, int64_t now,
                         struct gf_err *e) {
    return db_run(&l->db, e,
                  "INSERT INTO conflict (agent, id, digest, bundle, at) VALUES (?, ?, ?, ?, ?) "
                  "ON CONFLICT (agent, id, digest) DO UPDATE SET told_by = NULL WHERE told_by "
                  "IN " LEDGER_HAS_IT,
                  "bbbii", agent, sizeof *agent, id, sizeof *id, digest, sizeof *digest, bundle,
                  now);
}

/* ---- all of them ---- */

static int add_lines(struct ledger *l, const struct ledger_arrival *a, size_t n, int64_t row,
                     struct gf_err *e) {
    struct db_value v[2 * ROWS];

    for (size_t i = 0; i < n; i++) {
        v[2 * i] = db_value_int(row + (int64_t)i);
        v[2 * i + 1] = db_value_blob(a[i].line, a[i].len);
    }
    return db_run_values(&l->db, e, n == ROWS ? LINES(MANY("(?, ?)")) : LINES("(?, ?)"), v, 2 * n);
}

/* n is 1 or ROWS. How many are new, whose lines are there, too; or -1. */
static int add(struct ledger *l, const struct ledger_arrival *a, size_t n, int64_t now,
               struct gf_err *e) {
    const struct ledger_taking *t = &l->taking;
    struct db_value v[SHARED + COLUMNS * ROWS];
    struct db_value *to = v;

    *to++ = db_value_blob(&t->agent, sizeof t->agent);
    *to++ = db_value_int(t->bundle);
    *to++ = db_value_int(now);
    for (size_t i = 0; i < n; i++) {
        *to++ = db_value_int(t->next + (int64_t)i);
        *to++ = db_value_blob(&a[i].id, sizeof a[i].id);
        *to++ = db_value_blob(&a[i].digest, sizeof a[i].digest);
        *to++ = db_value_text(a[i].channel);
        *to++ = db_value_text(a[i].product);
        *to++ = db_value_int(a[i].answer != 0);
        *to++ = db_value_text(a[i].file);
    }
    if (db_run_values(&l->db, e, n == ROWS ? RECORDS(MANY(RECORD)) : RECORDS(RECORD), v,
                      (size_t)(to - v)) == -1)
        return -1;
    int64_t added = db_changes(&l->db);
    if (added == (int64_t)n && add_lines(l, a, n, t->next, e) == -1)
        return -1;
    return (int)added;
}

/* One of those that were not all new; its row is its own if it was. 1 new, 0, -1. */
static int settle(struct ledger *l, const struct ledger_arrival *a, int64_t row, int64_t now,
                  struct gf_err *e) {
    const struct ledger_taking *t = &l->taking;
    struct known known;

    if (find_record(l, &t->agent, &a->id, &a->digest, &known, e) == -1)
        return -1;
    if (known.row == row)
        return add_lines(l, a, 1, row, e) == -1 ? -1 : 1;
    return known.same ? ask_again(l, known.row, t->bundle, e)
                      : note_conflict(l, &t->agent, &a->id, &a->digest, t->bundle, now, e);
}

/* The bundle's own records so far. Its last one is the newest of all, not the last row that was
 * tried: that of a record which was known is still free, and goes to the next bundle. */
static int note_rows(struct ledger *l, int64_t first, struct gf_err *e) {
    return db_run(&l->db, e,
                  "UPDATE bundle SET first = ifnull(first, ?), last = (SELECT max(row) FROM "
                  "record) WHERE row = ?",
                  "ii", first, l->taking.bundle);
}

/* n is 1 or ROWS. */
static int take(struct ledger *l, const struct ledger_arrival *a, size_t n, int64_t now,
                struct gf_err *e) {
    struct ledger_taking *t = &l->taking;
    int64_t first = t->next;
    int added = add(l, a, n, now, e);

    if (added == -1)
        return -1;
    t->next += (int64_t)n;
    for (size_t i = 0; added < (int)n && i < n; i++) {
        if (settle(l, &a[i], first + (int64_t)i, now, e) == -1)
            return -1;
    }
    if (added > 0 && note_rows(l, first, e) == -1)
        return -1;
    return added;
}

int ledger_take_records(struct ledger *l, const struct ledger_arrival *a, size_t n, int64_t now,
                        struct gf_err *e) {
    int added = 0;

    for (size_t i = 0, step; i < n; i += step) {
        step = n - i >= ROWS ? ROWS : 1;
        int rc = take(l, &a[i], step, now, e);
        if (rc == -1)
            return -1;
        added += rc;
    }
    return added;
}

/* ---- what is told of them again, and what was rejected ---- */

int ledger_retell(struct ledger *l, const struct gf_hash *digest, struct gf_err *e) {
    if (db_begin(&l->db, e) == -1)
        return -1;
    int rc =
        db_run(&l->db, e,
               "UPDATE record SET told = NULL, told_by = NULL FROM bundle AS b WHERE b.digest "
               "= ? AND record.row BETWEEN b.first AND b.last AND record.told_by IN " LEDGER_HAS_IT,
               "b", digest, sizeof *digest);
    if (rc == 0)
        rc = db_run(&l->db, e,
                    "UPDATE conflict SET told_by = NULL WHERE bundle = "
                    "(SELECT row FROM bundle WHERE digest = ?) AND told_by IN " LEDGER_HAS_IT,
                    "b", digest, sizeof *digest);
    if (rc == 0)
        rc = db_run(
            &l->db, e,
            "UPDATE bundle SET told_by = NULL WHERE digest = ? AND told_by IN " LEDGER_HAS_IT, "b",
            digest, sizeof *digest);
    return db_end(&l->db, rc, e);
}

static int read_conflict(const struct db_query *q, void *element, struct gf_err *e) {
    struct ledger_conflict *c = element;

    c->at = db_int(q, 3);
    if (db_fixed(q, 0, &c->agent, sizeof c->agent) == -1 ||
        db_fixed(q, 1, &c->id, sizeof c->id) == -1 ||
        db_fixed(q, 2, &c->digest, sizeof c->digest) == -1)
        return gf_err_set(e, GF_E_DAMAGED, "%s: a conflict without ids", q->d->path);
    return 0;
}

int ledger_conflicts(struct ledger *l, int64_t max, struct ledger_conflict **out, size_t *n,
                     struct gf_err *e) {
    struct db_query q;

    return db_list(&q,
                   db_query(&l->db, &q, e,
                            "SELECT agent, id, digest, at FROM conflict ORDER BY row LIMIT ?", "i",
                            max > 0 ? max : (int64_t)-1),
                   sizeof **out, read_conflict, out, n, e);
}

int ledger_conflict_count(struct ledger *l, int64_t *n, struct gf_err *e) {
    return db_number(&l->db, n, 0, e, "SELECT count(*) FROM conflict", "");
}
