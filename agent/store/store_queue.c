/*
 * store_queue.c -- the queue: accepting records, walking and counting them.
 */
#include "agent/store/store_internal.h"

#include <stdlib.h>
#include <string.h>

#include "gapferry/digest.h"

const char *const store_states[] = {"queued",   "exported", "relayed", "delivered",
                                    "rejected", "expired",  NULL};

#define COLUMNS                                                                                    \
    "id, digest, channel, product, created, state, since, wants_answer, answered, reason, "        \
    "guarantee, line"

static int has(struct store *s, const struct gf_id *id, struct gf_err *e) {
    int64_t n;

    if (db_number(&s->db, &n, 0, e, "SELECT 1 FROM record WHERE id = ?", "b", STORE_BYTES(id)) ==
        -1)
        return -1;
    return n == 1;
}

static int add(struct store *s, const struct gf_record *r, const struct gf_buf *line, int64_t now,
               struct gf_err *e) {
    char uuid[GF_UUID_TEXT];
    struct gf_hash digest;

    int there = has(s, &r->id, e);
    if (there == -1)
        return -1;
    if (there) {
        gf_text_uuid(&r->id, uuid);
        return gf_err_set(e, GF_E_REPLAY, "record %s: is in the queue already", uuid);
    }
    gf_digest_256(r->body.data, r->body.len, &digest);
    return db_run(&s->db, e,
                  "INSERT INTO record (id, digest, channel, product, created, accepted, since,"
                  " wants_answer, line) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                  "bbttiiiib", STORE_BYTES(&r->id), STORE_BYTES(&digest), r->channel, r->product,
                  r->created, now, now, (int64_t)(r->answer != 0), (const void *)line->data,
                  line->len);
}

int store_add(struct store *s, const struct gf_record *r, int64_t now, struct gf_err *e) {
    struct gf_buf line;

    if (r->body.form != GF_BODY_TEXT)
        return gf_err_set(e, GF_E_USAGE,
                          "record on %s: a body that is a file cannot be queued; give its bytes",
                          r->channel);
    gf_buf_init(&line, GF_LINE_MAX);
    int rc = gf_record_write(r, &line, e);
    if (rc == 0)
        rc = db_begin(&s->db, e);
    if (rc == 0)
        rc = db_end(&s->db, add(s, r, &line, now, e), e);
    gf_buf_free(&line);
    return rc;
}

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
    };
    r->line = db_blob(q, 11, &r->line_len);
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
    return rc == -1 ? -1 : any;
}

int store_walk(struct store *s, int which, const char *channel, store_each *fn, void *arg,
               struct gf_err *e) {
    struct db_query q;
    int rc;

    /* Rows in order: without the "+" an index would have them sorted in memory, lines and all. */
    if (which == -1)
        rc = db_query(&s->db, &q, e,
                      "SELECT " COLUMNS " FROM record WHERE channel = coalesce(?, channel)"
                      " ORDER BY n",
                      "t", channel);
    else
        rc = db_query(&s->db, &q, e,
                      "SELECT " COLUMNS " FROM record WHERE +state = ?"
                      " AND +channel = coalesce(?, channel) ORDER BY n",
                      "it", (int64_t)which, channel);
    if (rc == -1)
        return -1;
    rc = hand_out(&q, fn, arg, e);
    db_done(&q);
    return rc == -1 ? -1 : 0;
}

int store_find(struct store *s, const struct gf_id *id, store_each *fn, void *arg,
               struct gf_err *e) {
    struct db_query q;

    if (db_query(&s->db, &q, e, "SELECT " COLUMNS " FROM record WHERE id = ?", "b",
                 STORE_BYTES(id)) == -1)
        return -1;
    int rc = hand_out(&q, fn, arg, e);
    db_done(&q);
    return rc;
}

int store_counts(struct store *s, struct store_count **counts, size_t *n, struct gf_err *e) {
    struct store_count *list = NULL;
    struct db_query q;
    size_t len = 0;
    int rc;

    if (db_query(&s->db, &q, e,
                 "SELECT channel, state, count(*), min(created) FROM record"
                 " GROUP BY channel, state ORDER BY channel, state",
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
        list[len - 1].oldest[state] = db_int(&q, 3);
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
