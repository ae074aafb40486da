/*
 * store_queue.c -- the queue: walking its records and counting them.
 */
#include "agent/store/store_internal.h"

#include <stdlib.h>
#include <string.h>

#include "common/grid.h"

const char *const store_states[] = {"queued",   "exported", "relayed", "delivered",
                                    "rejected", "expired",  NULL};

/* A record as a row, whatever the order in which its tables are read. */
#define COLUMNS                                                                                    \
    "SELECT id, digest, record.channel, product, created,"                                         \
    " CASE record.state WHEN 0 THEN stretch.state ELSE record.state END,"                          \
    " CASE record.state WHEN 0 THEN coalesce(nullif(stretch.since, 0), accepted)"                  \
    " ELSE record.since END,"                                                                      \
    " wants_answer, answered, reason, guarantee, record.n, text "
#define RECORDS                                                                                    \
    COLUMNS "FROM record JOIN line ON line.n = record.n LEFT JOIN stretch ON record.state = 0"     \
            " AND " STORE_STRETCH_OF
/* Stretches first, for they are few. */
#define WITHOUT_RECEIPT                                                                            \
    COLUMNS "FROM stretch CROSS JOIN record ON record.n BETWEEN stretch.first AND stretch.last"    \
            " CROSS JOIN line ON line.n = record.n"

static int read_record(const struct db_query *q, struct store_record *r, struct gf_err *e) {
    *r = (struct store_record){
        .channel = db_text(q, 2),
        .product = db_text(q, 3),
        .created = db_int(q, 4),
        .state = (enum store_state)db_int(q, 5),
        .state_since = db_int(q, 6),
        .wants_answer = db_int(q, 7) != 0,
        .answered = db_int(q, 8) != 0,
        .reason = db_text(q, 9),
        .guarantee = db_text(q, 10),
        .row = db_int(q, 11),
    };
    r->line = db_blob(q, 12, &r->line_len);
    if (STORE_FIXED(q, 0, &r->id, "record", e) == -1)
        return -1;
    return STORE_FIXED(q, 1, &r->digest, "record", e);
}

/* Hand out the rows of a query until fn stops: 1 if there was any, 0 if none, -1. */
static int hand_out(struct db_query *q, store_each *fn, void *arg, struct gf_err *e) {
    struct store_record r;
    int any = 0;
    int rc;

    while ((rc = db_next(q, e)) == 1) {
        any = 1;
        rc = read_record(q, &r, e) == 0 ? fn(arg, &r, e) : -1;
        if (rc != 0)
            break;
    }
    db_done(q);
    return rc == -1 ? -1 : any;
}

/* ---- walking ---- */

int store_walk(struct store *s, int which, const char *channel, store_each *fn, void *arg,
               struct gf_err *e) {
    int own = channel && grid_is_own_consent(channel);
    struct db_query q;
    int rc;

    if (which == STORE_QUEUED || which == STORE_EXPORTED)
        rc = db_query(&s->db, &q, e,
                      WITHOUT_RECEIPT " WHERE stretch.state = ?"
                                      " AND stretch.channel = coalesce(?, stretch.channel)"
                                      " ORDER BY stretch.first, record.n",
                      "it", (int64_t)which, channel);
    else if (own) /* found by an index that has these channels only */
        rc = db_query(&s->db, &q, e,
                      RECORDS " WHERE record.channel IN ('license', 'updates')"
                              " AND record.channel = ?1 AND (?2 = -1 OR record.state = ?2)"
                              " ORDER BY record.n",
                      "ti", channel, (int64_t)which);
    else if (which == -1)
        rc = db_query(&s->db, &q, e,
                      RECORDS " WHERE record.channel = coalesce(?, record.channel)"
                              " ORDER BY record.n",
                      "t", channel);
    else
        rc = db_query(&s->db, &q, e,
                      RECORDS " WHERE record.n IN (SELECT n FROM record WHERE state = ?"
                              " AND state > 0) AND record.channel = coalesce(?, record.channel)"
                              " ORDER BY record.n",
                      "it", (int64_t)which, channel);
    return rc == -1 || hand_out(&q, fn, arg, e) == -1 ? -1 : 0;
}

int store_stuck(struct store *s, int64_t *n, struct gf_err *e) {
    return db_number(&s->db, n, 0, e,
                     "SELECT sum(last - first + 1) FROM stretch WHERE most = -1 AND state = 0", "");
}

int store_walk_stuck(struct store *s, store_each *fn, void *arg, struct gf_err *e) {
    struct db_query q;

    if (db_query(&s->db, &q, e,
                 WITHOUT_RECEIPT " WHERE stretch.most = -1 AND stretch.state = 0"
                                 " ORDER BY stretch.first, record.n",
                 "") == -1)
        return -1;
    return hand_out(&q, fn, arg, e) == -1 ? -1 : 0;
}

int store_partly(struct store *s, int left_out, int64_t *n, struct gf_err *e) {
    return db_number(&s->db, n, 0, e,
                     left_out ? "SELECT count(*) FROM record WHERE " STORE_LEFT_OUT
                              : "SELECT count(*) FROM record WHERE " STORE_PARTLY,
                     "");
}

#define NEWEST(which)                                                                              \
    RECORDS " WHERE record.n IN (SELECT n FROM record WHERE " which                                \
            " ORDER BY since DESC, n DESC LIMIT ?) ORDER BY record.since DESC, record.n DESC"

int store_walk_partly(struct store *s, int left_out, int64_t most, store_each *fn, void *arg,
                      struct gf_err *e) {
    struct db_query q;

    if (db_query(&s->db, &q, e, left_out ? NEWEST(STORE_LEFT_OUT) : NEWEST(STORE_PARTLY), "i",
                 most) == -1)
        return -1;
    return hand_out(&q, fn, arg, e) == -1 ? -1 : 0;
}

int store_walk_queued(struct store *s, store_each_stretch *fn, void *arg, struct gf_err *e) {
    struct db_query q;
    int rc;

    if (db_query(&s->db, &q, e,
                 "SELECT first, last, channel, (SELECT d.relay FROM destination AS d"
                 " WHERE d.n = stretch.relay), most, bytes FROM stretch WHERE state = 0"
                 " ORDER BY first",
                 "") == -1)
        return -1;
    while ((rc = db_next(&q, e)) == 1) {
        struct store_stretch x = {.rows = {db_int(&q, 0), db_int(&q, 1)},
                                  .bytes = db_int(&q, 5),
                                  .channel = db_text(&q, 2),
                                  .has_relay = !db_is_null(&q, 3),
                                  .most = db_int(&q, 4)};

        rc = x.has_relay ? STORE_FIXED(&q, 3, &x.relay, "destination", e) : 0;
        if (rc == 0)
            rc = fn(arg, &x, e);
        if (rc != 0)
            break;
    }
    db_done(&q);
    return rc == -1 ? -1 : 0;
}

int store_fit(struct store *s, const struct store_stretch *x, int64_t max_records,
              int64_t max_bytes, int64_t *n, int64_t *bytes, struct gf_err *e) {
    int64_t records = x->rows.last - x->rows.first + 1, sum = 0, fit = 0;
    struct db_query q;
    int rc = 1;

    if (records <= max_records && x->bytes <= max_bytes) {
        *n = records;
        *bytes = x->bytes;
        return 0;
    }
    if (db_query(&s->db, &q, e, "SELECT size FROM record WHERE n BETWEEN ? AND ? ORDER BY n", "ii",
                 x->rows.first, x->rows.last) == -1)
        return -1;
    while (fit < max_records && (rc = db_next(&q, e)) == 1 && sum + db_int(&q, 0) <= max_bytes) {
        sum += db_int(&q, 0);
        fit++;
    }
    db_done(&q);
    if (rc == -1)
        return -1;
    *n = fit;
    *bytes = sum;
    return 0;
}

int store_lines(struct store *s, const struct store_range *rows, store_each_line *fn, void *arg,
                struct gf_err *e) {
    struct db_query q;
    int rc;

    if (db_query(&s->db, &q, e, "SELECT text FROM line WHERE n BETWEEN ? AND ? ORDER BY n", "ii",
                 rows->first, rows->last) == -1)
        return -1;
    while ((rc = db_next(&q, e)) == 1) {
        size_t len;
        const char *line = db_blob(&q, 0, &len);

        if ((rc = fn(arg, line, len, e)) != 0)
            break;
    }
    db_done(&q);
    return rc == -1 ? -1 : 0;
}

int store_find(struct store *s, const struct gf_id *id, store_each *fn, void *arg,
               struct gf_err *e) {
    struct db_query q;

    if (db_query(&s->db, &q, e, RECORDS " WHERE id = ?", "b", STORE_BYTES(id)) == -1)
        return -1;
    return hand_out(&q, fn, arg, e);
}

/* ---- counting ---- */

int store_counts(struct store *s, struct store_count **counts, size_t *n, struct gf_err *e) {
    struct store_count *list = NULL;
    struct db_query q;
    size_t len = 0;
    int rc;

    if (db_query(&s->db, &q, e,
                 "SELECT channel, state, n, bytes, CASE WHEN state = 0 THEN (SELECT created"
                 " FROM record WHERE n = (SELECT first FROM stretch WHERE channel = tally.channel"
                 " AND state = 0 ORDER BY first LIMIT 1)) END"
                 " FROM tally WHERE n > 0 ORDER BY channel, state",
                 "") == -1)
        return -1;
    while ((rc = db_next(&q, e)) == 1) {
        const char *channel = db_text(&q, 0);
        int64_t state = db_int(&q, 1);

        if (len == 0 || strcmp(list[len - 1].channel, channel) != 0) {
            if ((rc = db_list_grow(&list, len, sizeof *list, e)) == -1)
                break;
            list[len] = (struct store_count){0};
            (void)strncpy(list[len].channel, channel, sizeof list[len].channel - 1);
            len++;
        }
        list[len - 1].n[state] = db_int(&q, 2);
        list[len - 1].bytes[state] = db_int(&q, 3);
        if (state == STORE_QUEUED)
            list[len - 1].oldest = db_int(&q, 4);
    }
    db_done(&q);
    if (rc == -1) {
        free(list);
        return -1;
    }
    *counts = list;
    *n = len;
    return 0;
}
