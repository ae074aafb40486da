/*
 * store_receipt.c -- what became of records: receipts and answers.
 */
#include "agent/store/store_internal.h"

#include <stdio.h>
#include <string.h>

/* A record as far as a receipt asks about it. */
struct target {
    int64_t row, size;
    char channel[GF_WORD_MAX + 1];
    struct gf_hash digest;
    enum store_state state; /* without a receipt: as if queued */
};

static const enum store_state states[] = {
    [GF_STATE_RELAYED] = STORE_RELAYED,
    [GF_STATE_DELIVERED] = STORE_DELIVERED,
    [GF_STATE_REJECTED] = STORE_REJECTED,
    [GF_STATE_EXPIRED] = STORE_EXPIRED,
};

static const char *const guarantees[] = {
    [GF_GUARANTEE_NONE] = NULL,
    [GF_GUARANTEE_ONCE] = "effectively-once",
    [GF_GUARANTEE_LEAST] = "at-least-once",
};

/* 1 found, 0 not. */
static int find(struct store *s, const struct gf_id *id, struct target *t, struct gf_err *e) {
    struct db_query q;

    if (db_query(&s->db, &q, e, "SELECT n, digest, state, size, channel FROM record WHERE id = ?",
                 "b", STORE_BYTES(id)) == -1)
        return -1;
    int rc = db_next(&q, e);
    if (rc == 1) {
        t->row = db_int(&q, 0);
        t->state = (enum store_state)db_int(&q, 2);
        t->size = db_int(&q, 3);
        (void)snprintf(t->channel, sizeof t->channel, "%s", db_text(&q, 4));
        if (STORE_FIXED(&q, 1, &t->digest, "record", e) == -1)
            rc = -1;
    }
    db_done(&q);
    return rc;
}

/* Was the record ever in a bundle, and in one to this relay? A record that went back to the queue
 * may have reached the relay all the same, so its present state does not say. */
static int went_to(struct store *s, int64_t row, const struct gf_hash *relay, const char **odd,
                   struct gf_err *e) {
    struct db_query q;

    if (db_query(&s->db, &q, e,
                 "SELECT count(*), sum(bundle.relay = ?) FROM " STORE_HELD
                 " JOIN bundle ON bundle.n = held.bundle WHERE held.record = ?",
                 "bi", STORE_BYTES(relay), row) == -1)
        return -1;
    int rc = db_next(&q, e);
    if (rc == 1 && db_int(&q, 1) == 0)
        *odd = db_int(&q, 0) > 0 ? "other relay" : "never exported";
    db_done(&q);
    return rc == -1 ? -1 : 0;
}

static int move(struct store *s, const struct target *t, enum store_state to,
                const struct gf_receipt *r, int64_t now, struct gf_err *e) {
    if (db_run(&s->db, e,
               "UPDATE record SET state = ?, since = ?, reason = ?, guarantee = ? WHERE n = ?",
               "iitti", (int64_t)to, now, to == STORE_RELAYED ? NULL : r->reason,
               guarantees[r->guarantee], t->row) == -1)
        return -1;
    if (store_tally(s, t->channel, (int)to, 1, t->size, e) == -1)
        return -1;
    if (t->state > STORE_EXPORTED)
        return store_tally(s, t->channel, (int)t->state, -1, -t->size, e);

    /* Its first receipt: each bundle that carries it waits for one record less. */
    if (store_take_out(s, t->row, t->channel, t->size, e) == -1)
        return -1;
    return db_run(&s->db, e,
                  "UPDATE bundle SET open = max(open - 1, 0), settled = settled OR open <= 1"
                  " WHERE n IN (SELECT bundle FROM " STORE_HELD " WHERE record = ?)",
                  "i", t->row);
}

/* 1 moved, 0 not. */
static int take(struct store *s, const struct gf_hash *relay, const struct gf_receipt *r,
                int64_t now, const char **odd, struct gf_err *e) {
    enum store_state to = states[r->state];
    struct target t = {0};

    int rc = find(s, &r->record, &t, e);
    if (rc == -1)
        return -1;
    if (rc == 0) {
        int64_t denied = 0;
        if (db_number(&s->db, &denied, 0, e, "SELECT count(*) FROM denied WHERE id = ?", "b",
                      STORE_BYTES(&r->record)) == -1)
            return -1;
        *odd = denied ? STORE_ODD_DENIED : "unknown record";
        return 0;
    }
    if (memcmp(t.digest.b, r->digest.b, sizeof t.digest.b) != 0) {
        *odd = "other digest";
        return 0;
    }
    if (went_to(s, t.row, relay, odd, e) == -1)
        return -1;
    if (*odd || t.state == to)
        return 0;

    /* What is final stays as it is. A `relayed` that comes late is merely behind. */
    if (t.state >= STORE_DELIVERED) {
        if (to >= STORE_DELIVERED)
            *odd = "already final";
        return 0;
    }
    return move(s, &t, to, r, now, e) == -1 ? -1 : 1;
}

int store_receipt(struct store *s, const struct gf_hash *relay, const struct gf_receipt *r,
                  int64_t now, const char **odd, struct gf_err *e) {
    const char *why = NULL;

    if (db_begin(&s->db, e) == -1)
        return -1;
    int moved = take(s, relay, r, now, &why, e);
    if (db_end(&s->db, moved == -1 ? -1 : 0, e) == -1)
        return -1;
    *odd = why;
    return moved;
}

int store_answered(struct store *s, const struct gf_id *record, const char *reason, int64_t now,
                   struct gf_err *e) {
    /* An answer that was applied is not made worse by one that comes after it; what the receipt of
     * a refused record says is not covered up by what is wrong with an answer. */
    return db_run(&s->db, e,
                  "UPDATE record SET answered = ?, answered_at = ?,"
                  " reason = CASE WHEN state IN (4, 5) THEN reason ELSE ? END"
                  " WHERE id = ? AND answered = 0",
                  "iitb", (int64_t)(reason == NULL), now, reason, STORE_BYTES(record));
}

int store_expects(struct store *s, const struct gf_hash *relay, const struct gf_id *record,
                  char channel[GF_WORD_MAX + 1], struct gf_err *e) {
    struct db_query q;

    if (db_query(&s->db, &q, e,
                 "SELECT channel FROM record WHERE id = ? AND wants_answer AND NOT answered"
                 " AND EXISTS (SELECT 1 FROM " STORE_HELD " JOIN bundle ON bundle.n = held.bundle"
                 " WHERE held.record = record.n AND bundle.relay = ?)",
                 "bb", STORE_BYTES(record), STORE_BYTES(relay)) == -1)
        return -1;
    int rc = db_next(&q, e);
    if (rc == 1)
        (void)snprintf(channel, GF_WORD_MAX + 1, "%s", db_text(&q, 0));
    db_done(&q);
    return rc;
}

int store_answers_awaited(struct store *s, int64_t *n, struct gf_err *e) {
    return db_number(&s->db, n, 0, e,
                     "SELECT count(*) FROM record WHERE wants_answer AND NOT answered"
                     " AND reason IS NULL"
                     " AND " STORE_STATE " BETWEEN 1 AND 3",
                     "");
}
