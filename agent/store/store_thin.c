/*
 * store_thin.c -- metrics that are thinned: records that never left give way to fewer new ones.
 */
#include "agent/store/store_thin.h"

#include <stdio.h>
#include <stdlib.h>

#include "agent/store/store_internal.h"

/*
 * thin    how far thinning has come in a channel for a step, and what it has left out; upto: the
 *         last row that was looked at
 * thinned rows that have another record now than before; n rises, and is never used again
 */
const char store_schema_thin[] =
    "CREATE TABLE thin (channel TEXT NOT NULL, every INTEGER NOT NULL,"
    " upto INTEGER NOT NULL DEFAULT 0, records INTEGER NOT NULL DEFAULT 0,"
    " points INTEGER NOT NULL DEFAULT 0, first INTEGER NOT NULL DEFAULT 0,"
    " last INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (channel, every)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE thinned (n INTEGER PRIMARY KEY AUTOINCREMENT,"
    " row INTEGER NOT NULL UNIQUE) STRICT;";

/* ---- what comes next ---- */

/* Rows that never left, behind ?2, in order: stretches first, for they are few. */
#define NEVER_LEFT                                                                                 \
    " FROM stretch CROSS JOIN record ON record.n BETWEEN max(stretch.first, ?2 + 1)"               \
    " AND stretch.last WHERE stretch.channel = ?1 AND stretch.state = 0"                           \
    " AND stretch.relay IS NULL AND stretch.last > ?2"

static int sum_all(struct store *s, const char *channel, struct store_thin_run *x,
                   struct gf_err *e) {
    struct db_query q;

    if (db_query(&s->db, &q, e,
                 "SELECT coalesce(sum(last - first + 1), 0), coalesce(sum(bytes), 0) FROM stretch"
                 " WHERE channel = ? AND state = 0 AND relay IS NULL",
                 "t", channel) == -1)
        return -1;
    int rc = db_next(&q, e);
    if (rc == 1) {
        x->all_records = db_int(&q, 0);
        x->all_bytes = db_int(&q, 1);
    }
    db_done(&q);
    return rc == 1 ? 0 : -1;
}

int store_thin_next(struct store *s, const char *channel, int64_t every, int64_t max_records,
                    int64_t max_bytes, struct store_thin_run *out, struct gf_err *e) {
    struct store_thin_run x = {.last = 0};
    struct db_query q;
    int rc;

    if (sum_all(s, channel, &x, e) == -1 ||
        db_number(&s->db, &x.after, 0, e,
                  "SELECT max(upto) FROM thin WHERE channel = ? AND every >= ?", "ti", channel,
                  every) == -1 ||
        db_query(&s->db, &q, e,
                 "SELECT record.n, size" NEVER_LEFT " ORDER BY stretch.first, record.n", "ti",
                 channel, x.after) == -1)
        return -1;
    while ((rc = db_next(&q, e)) == 1) {
        const int64_t size = db_int(&q, 1);

        x.more = x.records > 0 && (x.records == max_records || x.bytes + size > max_bytes);
        if (x.more)
            break;
        x.records++;
        x.bytes += size;
        x.last = db_int(&q, 0);
    }
    db_done(&q);
    if (rc == -1)
        return -1;
    *out = x;
    return 0;
}

int store_thin_walk(struct store *s, const char *channel, const struct store_thin_run *run,
                    store_each_row *fn, void *arg, struct gf_err *e) {
    struct db_query q;
    int rc;

    if (db_query(&s->db, &q, e,
                 "SELECT record.n, (SELECT text FROM line WHERE line.n = record.n)" NEVER_LEFT
                 " AND record.n <= ?3 AND NOT wants_answer AND NOT EXISTS"
                 " (SELECT 1 FROM node WHERE node.record = record.id)"
                 " ORDER BY stretch.first, record.n",
                 "tii", channel, run->after, run->last) == -1)
        return -1;
    while ((rc = db_next(&q, e)) == 1) {
        size_t len;
        const char *line = db_blob(&q, 1, &len);

        if ((rc = fn(arg, db_int(&q, 0), line, len, e)) != 0)
            break;
    }
    db_done(&q);
    return rc == -1 ? -1 : 0;
}

int store_thin_done(struct store *s, const char *channel, int64_t every,
                    const struct store_thin_run *run, struct gf_err *e) {
    return db_run(&s->db, e,
                  "INSERT INTO thin (channel, every, upto) VALUES (?, ?, ?)"
                  " ON CONFLICT DO UPDATE SET upto = excluded.upto",
                  "tii", channel, every, run->last);
}

/* ---- others in their place ---- */

static int give_way(struct store *s, const struct store_thinning *t, struct gf_err *e) {
    for (size_t i = 0, next; i < t->n; i = next) {
        struct store_range r = {t->rows[i], t->rows[i]};

        for (next = i + 1; next < t->n && t->rows[next] == r.last + 1; next++)
            r.last++;
        if (store_erase(s, &r, e) == -1)
            return -1;
    }
    return 0;
}

/* One new record in a row that is free now, accepted when the old one was. */
static int take_place(struct store *s, const char *channel, const struct store_thinning *t,
                      size_t i, int64_t row, int64_t accepted, struct gf_err *e) {
    const struct store_range rows = {row, row};

    s->offer = (struct store_offer){.batch = t->batch, .from = i, .to = i + 1};
    if (store_batch_insert(s, channel, row, accepted, e) == -1 ||
        store_stretch_add(s, channel, &rows, (int64_t)t->batch->entries[i].len, e) == -1 ||
        db_run(&s->db, e, "INSERT OR REPLACE INTO thinned (row) VALUES (?)", "i", row) == -1)
        return -1;
    return store_join(s, row, row, e);
}

/* The newest rows of those that give way, so that what comes behind joins on. */
static int put(struct store *s, const char *channel, const struct store_thinning *t, int64_t now,
               struct gf_err *e) {
    const size_t k = t->batch->n;
    int64_t accepted = 0;

    if (k > t->n)
        return gf_err_set(e, GF_E_BUG, "%zu records in the place of %zu", k, t->n);
    if (db_number(&s->db, &accepted, now, e, "SELECT accepted FROM record WHERE n = ?", "i",
                  t->rows[0]) == -1 ||
        give_way(s, t, e) == -1 ||
        db_run(&s->db, e, "DELETE FROM thinned WHERE row NOT IN (SELECT n FROM record)", "") == -1)
        return -1;
    for (size_t i = 0; i < k; i++) {
        if (take_place(s, channel, t, i, t->rows[t->n - k + i], accepted, e) == -1)
            return -1;
    }
    if (t->points == 0)
        return 0;
    if (store_loss_note(s, channel, t->policy,
                        &(struct store_dropped){(int64_t)t->n, t->first, t->last}, now, e) == -1)
        return -1;
    return db_run(&s->db, e,
                  "INSERT INTO thin (channel, every, records, points, first, last)"
                  " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
                  " first = CASE records WHEN 0 THEN excluded.first ELSE min(first, excluded.first)"
                  " END, last = max(last, excluded.last), records = records + excluded.records,"
                  " points = points + excluded.points",
                  "tiiiii", channel, t->every, (int64_t)t->n, t->points, t->first, t->last);
}

int store_thin_put(struct store *s, const char *channel, const struct store_thinning *t,
                   int64_t now, struct gf_err *e) {
    if (db_begin(&s->db, e) == -1)
        return -1;
    return db_end(&s->db, put(s, channel, t, now, e), e);
}

/* ---- looking ---- */

static int read_thinned(const struct db_query *q, void *element, struct gf_err *e) {
    struct store_thinned *x = element;

    (void)e;
    (void)snprintf(x->channel, sizeof x->channel, "%s", db_text(q, 0));
    x->every = db_int(q, 1);
    x->records = db_int(q, 2);
    x->points = db_int(q, 3);
    x->first = db_int(q, 4);
    x->last = db_int(q, 5);
    return 0;
}

int store_thinned(struct store *s, struct store_thinned **out, size_t *n, struct gf_err *e) {
    struct db_query q;
    int opened = db_query(&s->db, &q, e,
                          "SELECT channel, every, records, points, first, last FROM thin"
                          " WHERE records > 0 ORDER BY channel, every",
                          "");

    return db_list(&q, opened, sizeof **out, read_thinned, out, n, e);
}

int store_thin_count(struct store *s, int64_t *n, struct gf_err *e) {
    return db_number(&s->db, n, 0, e, "SELECT seq FROM sqlite_sequence WHERE name = 'thinned'", "");
}
