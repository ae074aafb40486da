/*
 * store_accept.c -- records into the queue: one, or many in one transaction, under a cap.
 */
#include "agent/store/store_internal.h"

#include <string.h>

/* What is being accepted, and how much of the channel has no receipt yet. */
struct accepting {
    struct store *s;
    const char *channel;
    const struct store_batch *batch;
    const struct store_cap *cap;
    int64_t now;
    int64_t records, bytes;
    size_t done;
};

/* 1 if so much more fits below the cap. */
static int fits(const struct accepting *x, int64_t records, int64_t bytes) {
    return (x->cap->records == 0 || x->records + records <= x->cap->records) &&
           (x->cap->bytes == 0 || x->bytes + bytes <= x->cap->bytes);
}

/* The records and bytes that a query sums up. */
static int measure(struct accepting *x, const char *sql, struct gf_err *e) {
    struct db_query q;

    if (db_query(&x->s->db, &q, e, sql, "t", x->channel) == -1)
        return -1;
    int rc = db_next(&q, e);
    if (rc == 1) {
        x->records = db_int(&q, 0);
        x->bytes = db_int(&q, 1);
    }
    db_done(&q);
    return rc == 1 ? 0 : -1;
}

/* Say which id is there already: the constraint names none. */
static int doubled(struct accepting *x, size_t to, struct gf_err *e) {
    char uuid[GF_UUID_TEXT];
    int64_t there = 0;
    size_t i;

    for (i = x->done; i < to && !there; i++)
        if (db_number(&x->s->db, &there, 0, e, "SELECT 1 FROM record WHERE id = ?", "b",
                      STORE_BYTES(&x->batch->entries[i].id)) == -1)
            return -1;
    gf_text_uuid(&x->batch->entries[i - 1].id, uuid);
    return gf_err_set(e, GF_E_REPLAY, "record %s: is in the queue already", uuid);
}

/* Entries x->done to `to`, which fit. */
static int insert(struct accepting *x, size_t to, int64_t bytes, struct gf_err *e) {
    int64_t n = (int64_t)(to - x->done);
    int64_t top;

    x->s->offer = (struct store_offer){.batch = x->batch, .from = x->done, .to = to};
    if (db_number(&x->s->db, &top, 0, e, "SELECT seq FROM sqlite_sequence WHERE name = 'record'",
                  "") == -1)
        return -1;
    if (store_batch_insert(x->s, x->channel, top + 1, x->now, e) == -1)
        return e->code == GF_E_REPLAY ? doubled(x, to, e) : -1;
    if (store_stretch_add(x->s, x->channel, &(struct store_range){top + 1, top + n}, bytes, e) ==
        -1)
        return -1;
    x->records += n;
    x->bytes += bytes;
    x->done = to;
    return 0;
}

/* Entries from x->done on that fit beside `records` and `bytes`, and their bytes. */
static size_t upto(const struct accepting *x, const struct accepting *beside, int64_t *bytes) {
    size_t to = x->done;

    *bytes = 0;
    while (to < x->batch->n) {
        int64_t more = *bytes + (int64_t)x->batch->entries[to].len;
        if (!fits(beside, (int64_t)(to - x->done) + 1, more))
            break;
        *bytes = more;
        to++;
    }
    return to;
}

/* The oldest that never left make room for what fits beside all that has left. Where nothing does,
 * nothing is dropped: it would be lost for no gain. */
static int make_room(struct accepting *x, struct gf_err *e) {
    struct accepting left = *x;
    int64_t bytes;

    left.records = left.bytes = 0;
    size_t to = upto(x, &left, &bytes);
    if (fits(x, (int64_t)(to - x->done), bytes))
        return 0;
    if (measure(&left,
                "SELECT coalesce(sum(last - first + 1), 0), coalesce(sum(bytes), 0) FROM stretch"
                " WHERE channel = ? AND (state = 1 OR relay IS NOT NULL)",
                e) == -1)
        return -1;
    to = upto(x, &left, &bytes);
    while (to > x->done && !fits(x, (int64_t)(to - x->done), bytes)) {
        int64_t gone;
        int rc = store_drop_oldest(x->s, x->channel, x->now, &gone, e);
        if (rc != 1)
            return rc;
        x->records--;
        x->bytes -= gone;
    }
    return 0;
}

static int measure_all(struct accepting *x, struct gf_err *e) {
    return measure(x,
                   "SELECT coalesce(sum(n), 0), coalesce(sum(bytes), 0) FROM tally"
                   " WHERE channel = ? AND state IN (0, 1)",
                   e);
}

/* What never left is thinned as long as that makes room, and what would fit into an empty channel
 * does not. */
static int thin(struct accepting *x, struct gf_err *e) {
    struct accepting empty = *x;
    int64_t bytes;

    empty.records = empty.bytes = 0;
    size_t to = upto(x, &empty, &bytes);
    while (!fits(x, (int64_t)(to - x->done), bytes)) {
        int rc = x->cap->thin(x->cap->arg, x->channel, x->cap, e);
        if (rc == -1 || measure_all(x, e) == -1)
            return -1;
        if (rc == 0)
            return 0;
    }
    return 0;
}

static int accept_all(struct accepting *x, struct gf_err *e) {
    if (measure_all(x, e) == -1)
        return -1;
    while (x->done < x->batch->n) {
        int64_t bytes;

        if (x->cap->thin && thin(x, e) == -1)
            return -1;
        if (x->cap->drop && make_room(x, e) == -1)
            return -1;
        size_t to = upto(x, x, &bytes);
        if (to == x->done)
            return 0;
        if (insert(x, to, bytes, e) == -1)
            return -1;
    }
    return 0;
}

int store_accept(struct store *s, const char *channel, const struct store_batch *b,
                 const struct store_cap *cap, int64_t now, size_t *accepted, struct gf_err *e) {
    static const struct store_cap none = {0};
    struct accepting x = {s, channel, b, cap ? cap : &none, now, 0, 0, 0};

    if (db_begin(&s->db, e) == -1)
        return -1;
    if (db_end(&s->db, accept_all(&x, e), e) == -1)
        return -1;
    *accepted = x.done;
    return 0;
}

int store_add(struct store *s, const struct gf_record *r, int64_t now, struct gf_err *e) {
    struct store_batch b = {0};
    size_t n;

    int rc = store_batch_add(&b, r, e);
    if (rc == 0)
        rc = store_accept(s, r->channel, &b, NULL, now, &n, e);
    store_batch_free(&b);
    return rc;
}
