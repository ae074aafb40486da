/*
 * store_drop.c -- what declared policy drops is counted, and told by the next bundle; what is final
 * is forgotten in time.
 */
#include "agent/store/store_internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "gapferry/digest.h"

#define OLDEST "drop-oldest"

/* Add records of these times to the loss of the channel that no bundle has told yet. */
static int note(struct store *s, const char *channel, const char *policy, int64_t records,
                int64_t first, int64_t last, int64_t now, struct gf_err *e) {
    struct gf_id id;

    if (db_run(&s->db, e,
               "UPDATE loss SET records = records + ?, first = min(first, ?), last = max(last, ?),"
               " at = ? WHERE n = (SELECT max(n) FROM loss WHERE channel = ? AND policy = ?"
               " AND told IS NULL)",
               "iiiitt", records, first, last, now, channel, policy) == -1)
        return -1;
    if (db_changes(&s->db) > 0)
        return 0;
    gf_digest_random(id.b, sizeof id.b);
    return db_run(&s->db, e,
                  "INSERT INTO loss (id, channel, policy, records, first, last, at)"
                  " VALUES (?, ?, ?, ?, ?, ?, ?)",
                  "bttiiii", STORE_BYTES(&id), channel, policy, records, first, last, now);
}

int store_drop_oldest(struct store *s, const char *channel, int64_t now, int64_t *bytes,
                      struct gf_err *e) {
    int64_t row = 0, created = 0, size = 0;
    struct db_query q;

    /* Only what never left: of all else somebody may have a copy, or a receipt is on its way. */
    if (db_query(&s->db, &q, e,
                 "SELECT n, created, size FROM record WHERE state = 0 AND channel = ?"
                 " AND relay IS NULL ORDER BY n LIMIT 1",
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
    if (db_run(&s->db, e, "DELETE FROM record WHERE n = ?", "i", row) == -1 ||
        note(s, channel, OLDEST, 1, created, created, now, e) == -1)
        return -1;
    *bytes = size;
    return 1;
}

#define OLD " FROM record WHERE state = 0 AND channel = ? AND relay IS NULL AND accepted < ?"

static int drop_before(struct store *s, const char *channel, const char *policy, int64_t accepted,
                       int64_t now, int64_t *records, struct gf_err *e) {
    int64_t n = 0, first = 0, last = 0;
    struct db_query q;

    if (db_query(&s->db, &q, e, "SELECT count(*), min(created), max(created)" OLD, "ti", channel,
                 accepted) == -1)
        return -1;
    int rc = db_next(&q, e);
    if (rc == 1) {
        n = db_int(&q, 0);
        first = db_int(&q, 1);
        last = db_int(&q, 2);
    }
    db_done(&q);
    if (rc != 1)
        return -1;
    *records = n;
    if (n == 0)
        return 0;
    if (db_run(&s->db, e, "DELETE" OLD, "ti", channel, accepted) == -1)
        return -1;
    return note(s, channel, policy, n, first, last, now, e);
}

static int drop(struct store *s, const char *channel, const char *policy, int64_t accepted,
                int64_t now, int64_t *records, struct gf_err *e) {
    int64_t n = 0;

    if (db_begin(&s->db, e) == -1)
        return -1;
    if (db_end(&s->db, drop_before(s, channel, policy, accepted, now, &n, e), e) == -1)
        return -1;
    *records = n;
    return 0;
}

int store_drop_before(struct store *s, const char *channel, int64_t accepted, int64_t now,
                      int64_t *records, struct gf_err *e) {
    return drop(s, channel, OLDEST, accepted, now, records, e);
}

int store_discard(struct store *s, const char *channel, int64_t now, int64_t *records,
                  struct gf_err *e) {
    return drop(s, channel, "airgap-discard", INT64_MAX, now, records, e);
}

#define FINAL                                                                                      \
    " state IN (3, 4, 5) AND since < ? AND NOT (wants_answer AND NOT answered AND state = 3)"

int store_forget(struct store *s, int64_t before, int64_t *records, struct gf_err *e) {
    int64_t n = 0;

    if (db_begin(&s->db, e) == -1)
        return -1;
    int rc = db_run(&s->db, e, "DELETE FROM record WHERE" FINAL, "i", before);
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

int store_losses(struct store *s, int untold, struct store_loss **out, size_t *n,
                 struct gf_err *e) {
    struct store_loss *list = NULL;
    struct db_query q;
    size_t len = 0;
    int rc;

    if (db_query(&s->db, &q, e,
                 "SELECT id, channel, policy, records, first, last, told IS NOT NULL FROM loss"
                 " WHERE ? = 0 OR told IS NULL ORDER BY n",
                 "i", (int64_t)untold) == -1)
        return -1;
    while ((rc = db_next(&q, e)) == 1) {
        if (store_grow(&list, len, sizeof *list, e) == -1 ||
            STORE_FIXED(&q, 0, &list[len].id, "loss", e) == -1) {
            rc = -1;
            break;
        }
        struct store_loss *x = &list[len++];
        (void)snprintf(x->channel, sizeof x->channel, "%s", db_text(&q, 1));
        (void)snprintf(x->policy, sizeof x->policy, "%s", db_text(&q, 2));
        x->records = db_int(&q, 3);
        x->first = db_int(&q, 4);
        x->last = db_int(&q, 5);
        x->told = (int)db_int(&q, 6);
    }
    db_done(&q);
    if (rc == -1) {
        free(list);
        return -1;
    }
    *out = list;
    *n = len;
    return 0;
}
