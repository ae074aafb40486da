/*
 * store_drop.c -- what declared policy drops is counted, and told by the next bundle; what is final
 * is forgotten in time.
 */
#include "agent/store/store_internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/when.h"
#include "gapferry/digest.h"

#define OLDEST "drop-oldest"

int store_loss_note(struct store *s, const char *channel, const char *policy,
                    const struct store_dropped *gone, int64_t now, struct gf_err *e) {
    struct gf_id id;

    if (db_run(&s->db, e,
               "UPDATE loss SET records = records + ?, first = min(first, ?), last = max(last, ?),"
               " at = ? WHERE n = (SELECT max(n) FROM loss WHERE channel = ? AND policy = ?"
               " AND told IS NULL)",
               "iiiitt", gone->records, gone->first, gone->last, now, channel, policy) == -1)
        return -1;
    if (db_changes(&s->db) > 0)
        return 0;
    gf_digest_random(id.b, sizeof id.b);
    return db_run(&s->db, e,
                  "INSERT INTO loss (id, channel, policy, records, first, last, at)"
                  " VALUES (?, ?, ?, ?, ?, ?, ?)",
                  "bttiiii", STORE_BYTES(&id), channel, policy, gone->records, gone->first,
                  gone->last, now);
}

int store_drop_oldest(struct store *s, const char *channel, int64_t now, int64_t *bytes,
                      struct gf_err *e) {
    int64_t row = 0, created = 0, size = 0;
    struct db_query q;

    /* Only what never left: of all else somebody may have a copy, or a receipt is on its way. */
    if (db_query(&s->db, &q, e,
                 "SELECT n, created, size FROM record WHERE n = (SELECT first FROM stretch"
                 " WHERE channel = ? AND state = 0 AND relay IS NULL ORDER BY first LIMIT 1)",
                 "t", channel) == -1)
        return -1;
    int rc = db_next(&q, e);
    if (rc == 1) {
        row = db_int(&q, 0);
        created = db_int(&q, 1);
        size = db_int(&q, 2);
    }
    db_done(&q);
    if (rc != 1)
        return rc;
    if (store_take_out(s, row, channel, size, e) == -1 ||
        db_run(&s->db, e, "DELETE FROM record WHERE n = ?", "i", row) == -1 ||
        store_loss_note(s, channel, OLDEST, &(struct store_dropped){1, created, created}, now, e) ==
            -1)
        return -1;
    *bytes = size;
    return 1;
}

/* Times of acceptance: from <= t < before. */
struct span {
    int64_t from, before;
};

/* The next rows of a stretch, one behind the other, that were accepted in a span: 1, and the
 * stretch goes on behind them; 0 none. */
static int next_old(struct store *s, struct store_range *rest, const struct span *accepted,
                    struct store_range *out, struct gf_err *e) {
    int64_t first, end;

    if (db_number(&s->db, &first, 0, e,
                  "SELECT n FROM record WHERE n BETWEEN ? AND ? AND accepted >= ? AND accepted < ?"
                  " ORDER BY n LIMIT 1",
                  "iiii", rest->first, rest->last, accepted->from, accepted->before) == -1)
        return -1;
    if (first == 0)
        return 0;
    if (db_number(
            &s->db, &end, rest->last + 1, e,
            "SELECT n FROM record WHERE n BETWEEN ? AND ? AND NOT (accepted >= ? AND accepted < ?)"
            " ORDER BY n LIMIT 1",
            "iiii", first, rest->last, accepted->from, accepted->before) == -1)
        return -1;
    *out = (struct store_range){first, end - 1};
    rest->first = end;
    return 1;
}

static int drop_range(struct store *s, const struct store_range *r, struct store_dropped *d,
                      struct gf_err *e) {
    int64_t first, last;

    if (db_number(&s->db, &first, 0, e, "SELECT min(created) FROM record WHERE n BETWEEN ? AND ?",
                  "ii", r->first, r->last) == -1 ||
        db_number(&s->db, &last, 0, e, "SELECT max(created) FROM record WHERE n BETWEEN ? AND ?",
                  "ii", r->first, r->last) == -1)
        return -1;
    if (d->records == 0 || first < d->first)
        d->first = first;
    if (d->records == 0 || last > d->last)
        d->last = last;
    d->records += r->last - r->first + 1;
    return store_erase(s, r, e);
}

static int drop_span(struct store *s, const char *channel, const char *policy,
                     const struct span *accepted, int64_t now, int64_t *records, struct gf_err *e) {
    struct store_ranges never_left = {0};
    struct store_dropped d = {0};
    struct store_range old;
    struct db_query q;

    if (db_query(&s->db, &q, e,
                 "SELECT first, last FROM stretch WHERE channel = ? AND state = 0"
                 " AND relay IS NULL ORDER BY first",
                 "t", channel) == -1 ||
        store_ranges(&q, &never_left, e) == -1)
        return -1;
    int rc = 0;
    for (size_t i = 0; i < never_left.n && rc != -1; i++)
        while ((rc = next_old(s, &never_left.list[i], accepted, &old, e)) == 1)
            if ((rc = drop_range(s, &old, &d, e)) == -1)
                break;
    store_ranges_free(&never_left);
    *records = d.records;
    if (rc == -1 || d.records == 0)
        return rc;
    return store_loss_note(s, channel, policy, &d, now, e);
}

static int drop(struct store *s, const char *channel, const char *policy,
                const struct span *accepted, int64_t now, int64_t *records, struct gf_err *e) {
    int64_t n = 0;

    if (db_begin(&s->db, e) == -1)
        return -1;
    if (db_end(&s->db, drop_span(s, channel, policy, accepted, now, &n, e), e) == -1)
        return -1;
    *records = n;
    return 0;
}

int store_drop_before(struct store *s, const char *channel, int64_t accepted, int64_t now,
                      int64_t *records, struct gf_err *e) {
    return drop(s, channel, OLDEST, &(struct span){WHEN_FIRST, accepted}, now, records, e);
}

int store_discard(struct store *s, const char *channel, int64_t now, int64_t *records,
                  struct gf_err *e) {
    return drop(s, channel, "airgap-discard", &(struct span){INT64_MIN, INT64_MAX}, now, records,
                e);
}

#define FINAL                                                                                      \
    " state IN (3, 4, 5) AND state > 0 AND since >= ? AND since < ? AND NOT (wants_answer AND "    \
    "NOT answered AND "                                                                            \
    "state = 3) AND NOT EXISTS (SELECT 1 FROM node WHERE node.record = record.id AND told = 0)"

int store_forget(struct store *s, int64_t before, int64_t *records, struct gf_err *e) {
    int64_t n = 0;

    if (db_begin(&s->db, e) == -1)
        return -1;
    int rc =
        db_run(&s->db, e, "DELETE FROM node WHERE record IN (SELECT id FROM record WHERE" FINAL ")",
               "ii", WHEN_FIRST, before);
    if (rc == 0)
        rc = db_run(&s->db, e, "DELETE FROM record WHERE" FINAL, "ii", WHEN_FIRST, before);
    if (rc == 0)
        n = db_changes(&s->db);
    if (n > 0)
        rc = db_run(&s->db, e,
                    "DELETE FROM span WHERE NOT EXISTS"
                    " (SELECT 1 FROM record WHERE record.n BETWEEN first AND last)",
                    "");
    if (db_end(&s->db, rc, e) == -1)
        return -1;
    *records = n;
    return 0;
}

static int read_loss(const struct db_query *q, void *element, struct gf_err *e) {
    struct store_loss *x = element;

    if (STORE_FIXED(q, 0, &x->id, "loss", e) == -1)
        return -1;
    (void)snprintf(x->channel, sizeof x->channel, "%s", db_text(q, 1));
    (void)snprintf(x->policy, sizeof x->policy, "%s", db_text(q, 2));
    x->records = db_int(q, 3);
    x->first = db_int(q, 4);
    x->last = db_int(q, 5);
    x->told = (int)db_int(q, 6);
    return 0;
}

int store_losses(struct store *s, int untold, struct store_loss **out, size_t *n,
                 struct gf_err *e) {
    struct db_query q;

    return db_list(
        &q,
        db_query(&s->db, &q, e,
                 "SELECT id, channel, policy, records, first, last, told IS NOT NULL FROM loss"
                 " WHERE ? = 0 OR told IS NULL ORDER BY n",
                 "i", (int64_t)untold),
        sizeof **out, read_loss, out, n, e);
}
