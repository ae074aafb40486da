/*
 * store_queue.c -- the queue: walking its records and counting them.
 */
#include "agent/store/store_internal.h"

#include <stdlib.h>
#include <string.h>

const char *const store_states[] = {"queued",   "exported", "relayed", "delivered",
                                    "rejected", "expired",  NULL};

#define HEAD                                                                                       \
    "id, digest, channel, product, created, state, since, wants_answer, answered, reason, "        \
    "guarantee, record.n, "                                                                        \
    "(SELECT d.relay FROM destination AS d WHERE d.n = record.relay), refused, most, size"
#define COLUMNS     HEAD ", text FROM record JOIN line ON line.n = record.n"
#define COLUMN_ROW  11
#define COLUMN_LINE 16

static int read_record(const struct db_query *q, int heads, struct store_record *r,
                       struct gf_err *e) {
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
        .row = db_int(q, COLUMN_ROW),
        .has_relay = !db_is_null(q, 12),
        .refused = db_int(q, 13),
        .most = db_int(q, 14),
        .line_len = (size_t)db_int(q, 15),
    };
    if (!heads)
        r->line = db_blob(q, COLUMN_LINE, &r->line_len);
    if (r->has_relay && STORE_FIXED(q, 12, &r->relay, "record", e) == -1)
        return -1;
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
        rc = read_record(q, 0, &r, e) == 0 ? fn(arg, &r, e) : -1;
        if (rc != 0)
            break;
    }
    return rc == -1 ? -1 : any;
}

/* ---- walking ---- */

/* One channel's records in a state, in order: the index has them so, and nothing is sorted. */
#define OF_CHANNEL       "SELECT " COLUMNS " WHERE state = ? AND channel = ? ORDER BY record.n"
#define HEADS_OF_CHANNEL "SELECT " HEAD " FROM record WHERE state = ? AND channel = ? ORDER BY n"

/* Channels side by side: the next row of each lies ready, and the lowest is the next of all. */
struct lane {
    struct db_query q;
    int64_t row; /* INT64_MAX: at its end */
};

static int lane_next(struct lane *l, struct gf_err *e) {
    int rc = db_next(&l->q, e);

    l->row = rc == 1 ? db_int(&l->q, COLUMN_ROW) : INT64_MAX;
    return rc == -1 ? -1 : 0;
}

static int merge(struct lane *lanes, size_t n, int heads, store_each *fn, void *arg,
                 struct gf_err *e) {
    struct store_record r;

    for (;;) {
        struct lane *first = NULL;
        for (size_t i = 0; i < n; i++)
            if (lanes[i].row != INT64_MAX && (!first || lanes[i].row < first->row))
                first = &lanes[i];
        if (!first)
            return 0;
        if (read_record(&first->q, heads, &r, e) == -1)
            return -1;
        int rc = fn(arg, &r, e);
        if (rc != 0)
            return rc;
        if (lane_next(first, e) == -1)
            return -1;
    }
}

static int walk_state(struct store *s, int state, int heads, store_each *fn, void *arg,
                      struct gf_err *e) {
    struct store_count *counts = NULL;
    struct lane *lanes = NULL;
    size_t n = 0;
    size_t open = 0;
    int rc = -1;

    if (store_counts(s, &counts, &n, e) == -1)
        return -1;
    lanes = calloc(n ? n : 1, sizeof *lanes);
    if (!lanes) {
        (void)gf_err_errno(e, "no memory for a walk of %zu channels", n);
        goto out;
    }
    for (size_t i = 0; i < n; i++) {
        if (counts[i].n[state] == 0)
            continue;
        if (db_query(&s->db, &lanes[open].q, e, heads ? HEADS_OF_CHANNEL : OF_CHANNEL, "it",
                     (int64_t)state, counts[i].channel) == -1)
            goto out;
        if (lane_next(&lanes[open++], e) == -1)
            goto out;
    }
    rc = merge(lanes, open, heads, fn, arg, e);
out:
    for (size_t i = 0; i < open; i++)
        db_done(&lanes[i].q);
    free(lanes);
    free(counts);
    return rc;
}

int store_walk(struct store *s, int which, const char *channel, store_each *fn, void *arg,
               struct gf_err *e) {
    struct db_query q;
    int rc;

    if (which != -1 && !channel)
        return walk_state(s, which, 0, fn, arg, e) == -1 ? -1 : 0;
    if (which == -1)
        rc = db_query(&s->db, &q, e,
                      "SELECT " COLUMNS " WHERE channel = coalesce(?, channel) ORDER BY record.n",
                      "t", channel);
    else
        rc = db_query(&s->db, &q, e, OF_CHANNEL, "it", (int64_t)which, channel);
    if (rc == -1)
        return -1;
    rc = hand_out(&q, fn, arg, e);
    db_done(&q);
    return rc == -1 ? -1 : 0;
}

int store_walk_heads(struct store *s, enum store_state state, store_each *fn, void *arg,
                     struct gf_err *e) {
    return walk_state(s, (int)state, 1, fn, arg, e) == -1 ? -1 : 0;
}

int store_find(struct store *s, const struct gf_id *id, store_each *fn, void *arg,
               struct gf_err *e) {
    struct db_query q;

    if (db_query(&s->db, &q, e, "SELECT " COLUMNS " WHERE id = ?", "b", STORE_BYTES(id)) == -1)
        return -1;
    int rc = hand_out(&q, fn, arg, e);
    db_done(&q);
    return rc;
}

/* ---- counting ---- */

int store_counts(struct store *s, struct store_count **counts, size_t *n, struct gf_err *e) {
    struct store_count *list = NULL;
    struct db_query q;
    size_t len = 0;
    int rc;

    if (db_query(&s->db, &q, e,
                 "SELECT channel, state, n, bytes, CASE WHEN state = 0 THEN (SELECT created"
                 " FROM record WHERE state = 0 AND channel = tally.channel ORDER BY n LIMIT 1) END"
                 " FROM tally WHERE n > 0 ORDER BY channel, state",
                 "") == -1)
        return -1;
    while ((rc = db_next(&q, e)) == 1) {
        const char *channel = db_text(&q, 0);
        int64_t state = db_int(&q, 1);

        if (len == 0 || strcmp(list[len - 1].channel, channel) != 0) {
            if ((rc = store_grow(&list, len, sizeof *list, e)) == -1)
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
