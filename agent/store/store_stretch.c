/*
 * store_stretch.c -- records without receipt, in stretches (store_schema_queue.c): one is cut where
 * a part of it changes, and neighbours that have become alike are joined again.
 */
#include "agent/store/store_internal.h"

#include <stdlib.h>

/* ---- cutting and joining ---- */

/* A stretch as far as cutting asks about it. */
struct piece {
    struct store_range rows;
    int64_t bytes;
    enum store_state state;
};

/* The stretch with a row: 1 found, 0 there is none. */
static int find_piece(struct store *s, int64_t row, struct piece *out, struct gf_err *e) {
    struct db_query q;

    if (db_query(&s->db, &q, e,
                 "SELECT first, last, bytes, state FROM stretch"
                 " WHERE first = (SELECT max(first) FROM stretch WHERE first <= ?1) AND last >= ?1",
                 "i", row) == -1)
        return -1;
    int rc = db_next(&q, e);
    if (rc == 1)
        *out = (struct piece){
            {db_int(&q, 0), db_int(&q, 1)}, db_int(&q, 2), (enum store_state)db_int(&q, 3)};
    db_done(&q);
    return rc;
}

/* Let a stretch begin with this row, if one reaches across. The shorter part is measured. */
static int cut_at(struct store *s, int64_t row, struct gf_err *e) {
    struct piece p;
    int64_t bytes;

    int rc = find_piece(s, row, &p, e);
    if (rc != 1 || p.rows.first == row)
        return rc == -1 ? -1 : 0;
    int left = row - p.rows.first < p.rows.last - row;
    if (db_number(&s->db, &bytes, 0, e, "SELECT sum(size) FROM record WHERE n BETWEEN ? AND ?",
                  "ii", left ? p.rows.first : row, left ? row - 1 : p.rows.last) == -1)
        return -1;
    if (left)
        bytes = p.bytes - bytes;
    if (db_run(&s->db, e,
               "INSERT INTO stretch SELECT ?1, last, ?2, channel, state, since, relay, refused,"
               " most FROM stretch WHERE first = ?3",
               "iii", row, bytes, p.rows.first) == -1)
        return -1;
    return db_run(&s->db, e, "UPDATE stretch SET last = ?, bytes = bytes - ? WHERE first = ?",
                  "iii", row - 1, bytes, p.rows.first);
}

int store_cut(struct store *s, const struct store_range *r, size_t n, struct gf_err *e) {
    for (size_t i = 0; i < n; i++)
        if (cut_at(s, r[i].first, e) == -1 || cut_at(s, r[i].last + 1, e) == -1)
            return -1;
    return 0;
}

/* Stretch b goes on where a ends. */
struct seam {
    int64_t a, b;
};

static int find_seams(struct store *s, int64_t first, int64_t last, struct seam **out, size_t *n,
                      struct gf_err *e) {
    struct db_query q;
    int rc;

    if (db_query(&s->db, &q, e,
                 "SELECT a.first, b.first FROM stretch AS b JOIN stretch AS a ON a.first ="
                 " (SELECT max(first) FROM stretch WHERE first < b.first)"
                 " WHERE b.first BETWEEN ? AND ? AND a.last = b.first - 1 AND a.state = b.state"
                 " AND a.since = b.since AND a.relay IS b.relay AND a.refused = b.refused"
                 " AND a.most = b.most AND a.channel = b.channel ORDER BY b.first",
                 "ii", first, last) == -1)
        return -1;
    while ((rc = db_next(&q, e)) == 1) {
        if ((rc = db_list_grow(out, *n, sizeof **out, e)) == -1)
            break;
        (*out)[(*n)++] = (struct seam){db_int(&q, 0), db_int(&q, 1)};
    }
    db_done(&q);
    return rc;
}

int store_join(struct store *s, int64_t first, int64_t last, struct gf_err *e) {
    struct seam *list = NULL;
    size_t n = 0;

    /* From the end, so that each takes over all that has come together behind it. */
    int rc = find_seams(s, first, last < INT64_MAX ? last + 1 : last, &list, &n, e);
    for (size_t i = n; i-- > 0 && rc == 0;) {
        rc = db_run(&s->db, e,
                    "UPDATE stretch SET (last, bytes) = (SELECT last, stretch.bytes + b.bytes"
                    " FROM stretch AS b WHERE first = ?2) WHERE first = ?1",
                    "ii", list[i].a, list[i].b);
        if (rc == 0)
            rc = db_run(&s->db, e, "DELETE FROM stretch WHERE first = ?", "i", list[i].b);
    }
    free(list);
    return rc;
}

/* ---- what comes, moves and goes, and is counted ---- */

int store_tally(struct store *s, const char *channel, int state, int64_t n, int64_t bytes,
                struct gf_err *e) {
    return db_run(&s->db, e,
                  "INSERT INTO tally (channel, state, n, bytes) VALUES (?, ?, ?, ?)"
                  " ON CONFLICT DO UPDATE SET n = n + excluded.n, bytes = bytes + excluded.bytes",
                  "tiii", channel, (int64_t)state, n, bytes);
}

int store_stretch_add(struct store *s, const char *channel, const struct store_range *rows,
                      int64_t bytes, struct gf_err *e) {
    if (db_run(&s->db, e,
               "UPDATE stretch SET last = ?2, bytes = bytes + ?3 WHERE first ="
               " (SELECT max(first) FROM stretch) AND last = ?1 - 1 AND channel = ?4"
               " AND state = 0 AND since = 0 AND relay IS NULL AND refused = 0 AND most = 0",
               "iiit", rows->first, rows->last, bytes, channel) == -1)
        return -1;
    if (db_changes(&s->db) == 0 &&
        db_run(&s->db, e, "INSERT INTO stretch VALUES (?, ?, ?, ?, 0, 0, NULL, 0, 0)", "iiit",
               rows->first, rows->last, bytes, channel) == -1)
        return -1;
    return store_tally(s, channel, STORE_QUEUED, rows->last - rows->first + 1, bytes, e);
}

/* Take whole stretches of a range out of the tally in one state, and put them into another (-1:
 * none); *n is the number of records. */
static int recount(struct store *s, const struct store_range *r, int from, int to, int64_t *n,
                   struct gf_err *e) {
    struct db_query q;
    int rc;

    if (db_query(&s->db, &q, e,
                 "SELECT channel, sum(last - first + 1), sum(bytes) FROM stretch"
                 " WHERE first BETWEEN ? AND ? AND state = ? GROUP BY channel",
                 "iii", r->first, r->last, (int64_t)from) == -1)
        return -1;
    while ((rc = db_next(&q, e)) == 1) {
        int64_t records = db_int(&q, 1), bytes = db_int(&q, 2);

        if (store_tally(s, db_text(&q, 0), from, -records, -bytes, e) == -1 ||
            (to != -1 && store_tally(s, db_text(&q, 0), to, records, bytes, e) == -1)) {
            rc = -1;
            break;
        }
        *n += records;
    }
    db_done(&q);
    return rc;
}

int store_move(struct store *s, const struct store_range *r, size_t n, const struct store_move *m,
               int64_t *moved, struct gf_err *e) {
    int64_t records = 0;

    *moved = 0;
    if (n == 0)
        return 0;
    if (store_cut(s, r, n, e) == -1)
        return -1;
    for (size_t i = 0; i < n; i++)
        if (recount(s, &r[i], (int)m->from, (int)m->to, &records, e) == -1 ||
            db_run(&s->db, e,
                   "UPDATE stretch SET state = ?, since = ?, relay = coalesce(nullif(?, 0), relay)"
                   " WHERE first BETWEEN ? AND ? AND state = ?",
                   "iiiiii", (int64_t)m->to, m->since, m->relay, r[i].first, r[i].last,
                   (int64_t)m->from) == -1)
            return -1;
    *moved = records;
    return store_join(s, r[0].first, r[n - 1].last, e);
}

int store_erase(struct store *s, const struct store_range *r, struct gf_err *e) {
    int64_t n = 0;

    if (store_cut(s, r, 1, e) == -1 || recount(s, r, STORE_QUEUED, -1, &n, e) == -1 ||
        recount(s, r, STORE_EXPORTED, -1, &n, e) == -1 ||
        db_run(&s->db, e, "DELETE FROM stretch WHERE first BETWEEN ? AND ?", "ii", r->first,
               r->last) == -1)
        return -1;
    return db_run(&s->db, e, "DELETE FROM record WHERE n BETWEEN ? AND ?", "ii", r->first, r->last);
}

/* Make a stretch shorter by its first or last row. */
static int shorten(struct store *s, const struct piece *p, int64_t row, int64_t size,
                   struct gf_err *e) {
    if (p->rows.first == p->rows.last)
        return db_run(&s->db, e, "DELETE FROM stretch WHERE first = ?", "i", row);
    return db_run(&s->db, e,
                  "UPDATE stretch SET first = ?, last = ?, bytes = bytes - ? WHERE first = ?",
                  "iiii", row == p->rows.first ? row + 1 : p->rows.first,
                  row == p->rows.first ? p->rows.last : row - 1, size, p->rows.first);
}

int store_take_out(struct store *s, int64_t row, const char *channel, int64_t size,
                   struct gf_err *e) {
    struct piece p = {.state = STORE_QUEUED};

    int rc = find_piece(s, row, &p, e);
    if (rc == -1)
        return -1;
    if (rc == 0)
        return gf_err_set(e, GF_E_DAMAGED,
                          "%s: a record without receipt is in no stretch; restore the state "
                          "directory from a backup",
                          s->path);
    if (row > p.rows.first && row < p.rows.last) {
        if (cut_at(s, row + 1, e) == -1)
            return -1;
        p.rows.last = row;
    }
    if (store_tally(s, channel, (int)p.state, -1, -size, e) == -1)
        return -1;
    return shorten(s, &p, row, size, e);
}

/* ---- lists of ranges ---- */

void store_ranges_free(struct store_ranges *r) {
    free(r->list);
    *r = (struct store_ranges){0};
}

int store_ranges(struct db_query *q, struct store_ranges *out, struct gf_err *e) {
    struct store_ranges r = {0};
    int rc;

    while ((rc = db_next(q, e)) == 1) {
        int64_t first = db_int(q, 0), last = db_int(q, 1);

        if (r.n > 0 && r.list[r.n - 1].last == first - 1) {
            r.list[r.n - 1].last = last;
            continue;
        }
        if ((rc = db_list_grow(&r.list, r.n, sizeof *r.list, e)) == -1)
            break;
        r.list[r.n++] = (struct store_range){first, last};
    }
    db_done(q);
    if (rc == -1) {
        store_ranges_free(&r);
        return -1;
    }
    *out = r;
    return 0;
}
