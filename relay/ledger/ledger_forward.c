/*
 * ledger_forward.c -- records on their way to an endpoint: one function and one transaction for
 * each transition. What is delivered, rejected or expired stays so.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/ledger/ledger_internal.h"

const char *const ledger_states[] = {"received",  "sending",  "later",   "held",
                                     "delivered", "rejected", "expired", NULL};

/* ---- looking ---- */

#define COLUMNS                                                                                    \
    "SELECT row, agent, id, digest, channel, product, state, attempts, due, received, reason, "    \
    "endpoint, line, file, asked FROM record "

/* A record with memory of its own, so that it outlives the query. */
struct copy {
    struct ledger_record r;
    struct gf_buf texts;
};

/* Append a column's text; its offset, or SIZE_MAX for NULL. */
static size_t keep(struct gf_buf *b, const struct db_query *q, int column) {
    size_t len = 0;
    size_t at = b->len;
    const char *text = db_blob(q, column, &len);

    if (text == NULL)
        return SIZE_MAX;
    gf_buf_add(b, text, len);
    gf_buf_byte(b, '\0');
    return at;
}

static const char *kept(const struct gf_buf *b, size_t at) {
    return at == SIZE_MAX ? NULL : b->data + at;
}

static int read_row(const struct ledger *l, const struct db_query *q, struct copy *out,
                    struct gf_err *e) {
    struct gf_buf *b = &out->texts;
    struct ledger_record *r = &out->r;

    gf_buf_clear(b);
    *r = (struct ledger_record){.row = db_int(q, 0),
                                .state = (enum ledger_state)db_int(q, 6),
                                .attempts = db_int(q, 7),
                                .due = db_int(q, 8),
                                .received = db_int(q, 9),
                                .asked = db_int(q, 14)};
    if (db_fixed(q, 1, &r->agent, sizeof r->agent) == -1 ||
        db_fixed(q, 2, &r->id, sizeof r->id) == -1 ||
        db_fixed(q, 3, &r->digest, sizeof r->digest) == -1)
        return gf_err_set(e, GF_E_DAMAGED, "%s: record %lld has no identity", l->db.path,
                          (long long)r->row);
    size_t channel = keep(b, q, 4);
    size_t product = keep(b, q, 5);
    size_t reason = keep(b, q, 10);
    size_t endpoint = keep(b, q, 11);
    size_t line = keep(b, q, 12);
    (void)db_blob(q, 12, &r->line_len);
    size_t file = keep(b, q, 13);
    if (gf_buf_check(b, "a record", e) == -1)
        return -1;
    r->channel = kept(b, channel);
    r->product = kept(b, product);
    r->reason = kept(b, reason);
    r->endpoint = kept(b, endpoint);
    r->line = kept(b, line);
    r->file = kept(b, file);
    return 0;
}

int ledger_walk(struct ledger *l, int state, ledger_each *fn, void *arg, struct gf_err *e) {
    struct copy c;
    struct db_query q;

    gf_buf_init(&c.texts, (size_t)4 * GF_LINE_MAX);
    int rc = state == -1 ? db_query(&l->db, &q, e, COLUMNS "ORDER BY row", "")
                         : db_query(&l->db, &q, e, COLUMNS "WHERE state = ? ORDER BY row", "i",
                                    (int64_t)state);
    while (rc == 0 && (rc = db_next(&q, e)) == 1) {
        rc = read_row(l, &q, &c, e);
        if (rc == 0)
            rc = fn(arg, &c.r, e);
    }
    db_done(&q);
    gf_buf_free(&c.texts);
    return rc == -1 ? -1 : 0;
}

int ledger_next_due(struct ledger *l, int64_t now, int64_t after, ledger_each *fn, void *arg,
                    struct gf_err *e) {
    struct copy c;
    struct db_query q;

    /* The query is over before fn runs, which moves the record. */
    gf_buf_init(&c.texts, (size_t)4 * GF_LINE_MAX);
    int rc = db_query(&l->db, &q, e,
                      COLUMNS "WHERE row > ? AND (state IN (?, ?) OR (state = ? AND due <= ?)) "
                              "ORDER BY row LIMIT 1",
                      "iiiii", after, (int64_t)LEDGER_RECEIVED, (int64_t)LEDGER_SENDING,
                      (int64_t)LEDGER_LATER, now);
    if (rc == 0)
        rc = db_next(&q, e);
    if (rc == 1 && read_row(l, &q, &c, e) == -1)
        rc = -1;
    db_done(&q);
    if (rc == 1 && fn(arg, &c.r, e) == -1)
        rc = -1;
    gf_buf_free(&c.texts);
    return rc;
}

int ledger_counts(struct ledger *l, struct ledger_count **out, size_t *n, struct gf_err *e) {
    struct ledger_count *list = NULL;
    struct db_query q;
    size_t found = 0;

    int rc = db_query(&l->db, &q, e,
                      "SELECT channel, state, count(*) FROM record GROUP BY channel, state "
                      "ORDER BY channel, state",
                      "");
    while (rc == 0 && (rc = db_next(&q, e)) == 1) {
        const char *channel = db_text(&q, 0);
        int64_t state = db_int(&q, 1);
        rc = 0;
        if (found == 0 || strcmp(list[found - 1].channel, channel) != 0) {
            struct ledger_count *more = ledger_grow(list, found, sizeof *list, e);
            if (more == NULL) {
                rc = -1;
                break;
            }
            list = more;
            list[found] = (struct ledger_count){{0}, {0}};
            (void)snprintf(list[found].channel, sizeof list->channel, "%s", channel);
            found++;
        }
        if (state >= LEDGER_RECEIVED && state <= LEDGER_EXPIRED)
            list[found - 1].n[state] = db_int(&q, 2);
    }
    db_done(&q);
    if (rc == -1) {
        free(list);
        return -1;
    }
    *out = list;
    *n = found;
    return 0;
}

/* ---- moving ---- */

/* The update that was just run must have moved its record. */
static int check_moved(struct ledger *l, int64_t row, enum ledger_state to, struct gf_err *e) {
    int64_t state = -1;

    if (db_changes(&l->db) == 1)
        return 0;
    if (db_number(&l->db, &state, -1, e, "SELECT state FROM record WHERE row = ?", "i", row) == -1)
        return -1;
    return gf_err_set(e, GF_E_BUG, "record %lld is %s and cannot become %s", (long long)row,
                      state == -1 ? "unknown" : ledger_states[state], ledger_states[to]);
}

int ledger_sending(struct ledger *l, int64_t row, const char *endpoint, int64_t now,
                   struct gf_err *e) {
    if (db_begin(&l->db, e) == -1)
        return -1;
    int rc = db_run(&l->db, e,
                    "UPDATE record SET state = ?, attempts = attempts + 1, endpoint = ?, since = ? "
                    "WHERE row = ? AND state IN (?, ?, ?)",
                    "itiiiii", (int64_t)LEDGER_SENDING, endpoint, now, row,
                    (int64_t)LEDGER_RECEIVED, (int64_t)LEDGER_LATER, (int64_t)LEDGER_SENDING);
    if (rc == 0)
        rc = check_moved(l, row, LEDGER_SENDING, e);
    if (rc == 0)
        rc = db_run(&l->db, e,
                    "INSERT INTO attempt (record, n, endpoint, at) "
                    "SELECT row, attempts, endpoint, since FROM record WHERE row = ?",
                    "i", row);
    return db_end(&l->db, rc, e);
}

/* To an end from any state that is none. */
static int end(struct ledger *l, int64_t row, enum ledger_state to, enum gf_state receipt,
               const char *reason, int64_t now, struct gf_err *e) {
    char safe[GF_REASON_MAX + 1];

    ledger_reason(reason, safe);
    if (db_begin(&l->db, e) == -1)
        return -1;
    int rc =
        db_run(&l->db, e,
               "UPDATE record SET state = ?, receipt = ?, reason = ?, since = ? "
               "WHERE row = ? AND state < ?",
               "iitiii", (int64_t)to, (int64_t)receipt, safe, now, row, (int64_t)LEDGER_DELIVERED);
    if (rc == 0)
        rc = check_moved(l, row, to, e);
    return db_end(&l->db, rc, e);
}

int ledger_rejected(struct ledger *l, int64_t row, const char *reason, int64_t now,
                    struct gf_err *e) {
    return end(l, row, LEDGER_REJECTED, GF_STATE_REJECTED, reason, now, e);
}

int ledger_expired(struct ledger *l, int64_t row, const char *reason, int64_t now,
                   struct gf_err *e) {
    return end(l, row, LEDGER_EXPIRED, GF_STATE_EXPIRED, reason, now, e);
}

/* Not at an end: the receipt stays `relayed`. */
static int wait(struct ledger *l, int64_t row, enum ledger_state to, const char *reason,
                int64_t due, int64_t asked, struct gf_err *e) {
    char safe[GF_REASON_MAX + 1];

    ledger_reason(reason, safe);
    if (db_begin(&l->db, e) == -1)
        return -1;
    int rc = db_run(&l->db, e,
                    "UPDATE record SET state = ?, reason = ?, due = ?, asked = ? "
                    "WHERE row = ? AND state < ?",
                    "itiiii", (int64_t)to, safe, due, asked, row, (int64_t)LEDGER_DELIVERED);
    if (rc == 0)
        rc = check_moved(l, row, to, e);
    return db_end(&l->db, rc, e);
}

int ledger_later(struct ledger *l, int64_t row, const char *reason, int64_t due, int64_t asked,
                 struct gf_err *e) {
    return wait(l, row, LEDGER_LATER, reason, due, asked, e);
}

int ledger_held(struct ledger *l, int64_t row, const char *reason, struct gf_err *e) {
    return wait(l, row, LEDGER_HELD, reason, 0, 0, e);
}

int ledger_given_up(struct ledger *l, int64_t row, int64_t now, struct gf_err *e) {
    if (db_begin(&l->db, e) == -1)
        return -1;
    int rc = db_run(
        &l->db, e,
        "UPDATE record SET state = ?, receipt = ?, since = ? WHERE row = ? AND state = ?", "iiiii",
        (int64_t)LEDGER_REJECTED, (int64_t)GF_STATE_REJECTED, now, row, (int64_t)LEDGER_HELD);
    if (rc == 0)
        rc = check_moved(l, row, LEDGER_REJECTED, e);
    return db_end(&l->db, rc, e);
}

int ledger_retry(struct ledger *l, int64_t now, struct gf_err *e) {
    return db_run(&l->db, e,
                  "UPDATE record SET due = ?1 WHERE state = ?2 AND due > ?1 AND asked <= ?1", "ii",
                  now, (int64_t)LEDGER_LATER);
}

int ledger_release(struct ledger *l, const char *channel, int64_t now, int64_t *n,
                   struct gf_err *e) {
    if (db_run(&l->db, e,
               "UPDATE record SET state = ?, due = ?, asked = 0 WHERE state IN (?, ?) AND channel "
               "= ifnull(?, "
               "channel)",
               "iiiit", (int64_t)LEDGER_LATER, now, (int64_t)LEDGER_HELD, (int64_t)LEDGER_LATER,
               channel) == -1)
        return -1;
    *n = db_changes(&l->db);
    return 0;
}
