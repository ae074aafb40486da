/*
 * ledger_forward.c -- records on their way to an endpoint: one function and one transaction for
 * each transition. What is delivered, rejected or expired stays so.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/https.h"
#include "relay/ledger/ledger_internal.h"

const char *const ledger_states[] = {"received",  "sending",  "later",   "held", "onward",
                                     "delivered", "rejected", "expired", NULL};

/* ---- looking ---- */

#define COLUMNS                                                                                    \
    "SELECT row, agent, id, digest, channel, product, state, attempts, due, received, reason, "    \
    "endpoint, text, file, asked, since, doubt, released FROM record JOIN line ON line.record = "  \
    "record.row "

/* The record of the current row: its texts are borrowed until the next one. */
static int read_row(const struct ledger *l, const struct db_query *q, struct ledger_record *r,
                    struct gf_err *e) {
    *r = (struct ledger_record){.row = db_int(q, 0),
                                .channel = db_text(q, 4),
                                .product = db_text(q, 5),
                                .state = (enum ledger_state)db_int(q, 6),
                                .attempts = db_int(q, 7),
                                .due = db_int(q, 8),
                                .received = db_int(q, 9),
                                .reason = db_text(q, 10),
                                .endpoint = db_text(q, 11),
                                .file = db_text(q, 13),
                                .asked = db_int(q, 14),
                                .since = db_int(q, 15),
                                .doubt = db_int(q, 16),
                                .released = db_int(q, 17) != 0};
    r->line = db_blob(q, 12, &r->line_len);
    if (db_fixed(q, 1, &r->agent, sizeof r->agent) == -1 ||
        db_fixed(q, 2, &r->id, sizeof r->id) == -1 ||
        db_fixed(q, 3, &r->digest, sizeof r->digest) == -1)
        return gf_err_set(e, GF_E_DAMAGED, "%s: record %lld has no identity", l->db.path,
                          (long long)r->row);
    return 0;
}

int ledger_select(struct ledger *l, const struct ledger_filter *f, ledger_each *fn, void *arg,
                  struct gf_err *e) {
    struct ledger_record r;
    struct db_query q;

    /* One state that has an index by that; all else in the order of the table, so that nothing has
     * to be sorted in memory. */
    int indexed = f->first == f->last && f->first > LEDGER_SENDING && f->last < LEDGER_DELIVERED;
    int rc = indexed
                 ? db_query(&l->db, &q, e,
                            COLUMNS "WHERE state = ?1 AND state > 1 AND state < 5 AND " LEDGER_MATCH
                                    "ORDER BY row",
                            LEDGER_MATCH_TYPES, LEDGER_MATCH_ARGS(f))
                 : db_query(&l->db, &q, e, COLUMNS "WHERE +" LEDGER_MATCH "ORDER BY row",
                            LEDGER_MATCH_TYPES, LEDGER_MATCH_ARGS(f));
    while (rc == 0 && (rc = db_next(&q, e)) == 1) {
        rc = read_row(l, &q, &r, e);
        if (rc == 0)
            rc = fn(arg, &r, e);
    }
    db_done(&q);
    return rc == -1 ? -1 : 0;
}

int ledger_walk(struct ledger *l, int state, ledger_each *fn, void *arg, struct gf_err *e) {
    struct ledger_filter f = {LEDGER_ANY};

    if (state != -1)
        f.first = f.last = (enum ledger_state)state;
    return ledger_select(l, &f, fn, arg, e);
}

int ledger_channels(struct ledger *l, ledger_each_channel *fn, void *arg, struct gf_err *e) {
    char channel[GF_WORD_MAX + 1] = "";
    struct db_query q;
    int rc;

    /* From each to the next by the index, however many records they have. */
    do {
        rc = db_query(&l->db, &q, e,
                      "SELECT min(channel) FROM record WHERE due IS NOT NULL AND channel > ?", "t",
                      channel);
        if (rc == 0)
            rc = db_next(&q, e);
        if (rc == 1 && db_is_null(&q, 0))
            rc = 0;
        if (rc == 1)
            (void)snprintf(channel, sizeof channel, "%s", db_text(&q, 0));
        db_done(&q);
        if (rc == 1 && fn(arg, channel, e) == -1)
            rc = -1;
    } while (rc == 1);
    return rc;
}

/* A walk over what is due, and whom it calls. */
struct due {
    struct ledger_cursor at;
    ledger_each *fn;
    void *arg;
    int n;
};

static int walk_due(struct ledger *l, struct db_query *q, struct due *d, struct gf_err *e) {
    struct ledger_record r;
    int rc = 0;

    while (rc == 0 && (rc = db_next(q, e)) == 1) {
        rc = read_row(l, q, &r, e);
        if (rc == 0)
            rc = d->fn(d->arg, &r, e);
        if (rc == 0) {
            d->at = (struct ledger_cursor){r.due, r.row};
            d->n++;
        }
    }
    return rc;
}

int ledger_due(struct ledger *l, const char *channel, int64_t now, size_t max,
               struct ledger_cursor *at, ledger_each *fn, void *arg, struct gf_err *e) {
    struct due d = {.at = *at, .fn = fn, .arg = arg};
    struct db_query q;

    /* Two queries, since one with both conditions, or a limit of time in the first (which a place
     * that this function gave has kept already), would not be answered by the index alone.
     * States below 3 are received, sending and later. */
    int rc = db_query(&l->db, &q, e,
                      COLUMNS "WHERE channel = ? AND due = ? AND row > ? AND state < 3 "
                              "ORDER BY row LIMIT ?",
                      "tiii", channel, at->due, at->row, (int64_t)max);
    if (rc == 0)
        rc = walk_due(l, &q, &d, e);
    db_done(&q);
    if (rc == 0 && (size_t)d.n < max) {
        rc = db_query(&l->db, &q, e,
                      COLUMNS "WHERE channel = ? AND due > ? AND due <= ? AND state < 3 "
                              "ORDER BY due, row LIMIT ?",
                      "tiii", channel, at->due, now, (int64_t)max - d.n);
        if (rc == 0)
            rc = walk_due(l, &q, &d, e);
        db_done(&q);
    }
    if (rc == -1)
        return -1;
    *at = d.at;
    return d.n;
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
            rc = db_list_grow(&list, found, sizeof *list, e);
            if (rc == -1)
                break;
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

/* Where a run of rows that follow each other ends: the index behind it. */
static size_t run_of(const int64_t *rows, size_t n, size_t at) {
    do
        at++;
    while (at < n && rows[at] == rows[at - 1] + 1);
    return at;
}

/* The update that was just run must have moved all of these; none has another state. */
static int moved(struct ledger *l, int64_t from, int64_t upto, enum ledger_state to,
                 struct gf_err *e) {
    int64_t row, state;

    if (db_changes(&l->db) == upto - from + 1)
        return 0;
    if (db_number(&l->db, &row, from, e,
                  "SELECT min(row) FROM record WHERE row BETWEEN ? AND ? AND state <> ?", "iii",
                  from, upto, (int64_t)to) == -1 ||
        db_number(&l->db, &state, -1, e, "SELECT state FROM record WHERE row = ?", "i", row) == -1)
        return -1;
    return gf_err_set(e, GF_E_BUG, "record %lld is %s and cannot become %s", (long long)row,
                      state == -1 ? "unknown" : ledger_states[state], ledger_states[to]);
}

/* The same for one row, that another process may have settled or held meanwhile: a return of the
 * next hop does not wait for the turn that sends. What it said stands: 1 if it was moved, 0. */
static int moved_or_settled(struct ledger *l, int64_t row, enum ledger_state to, struct gf_err *e) {
    int64_t state = -1;

    if (db_changes(&l->db) == 1)
        return 1;
    if (db_number(&l->db, &state, -1, e, "SELECT state FROM record WHERE row = ?", "i", row) == -1)
        return -1;
    return state >= LEDGER_HELD ? 0 : moved(l, row, row, to, e);
}

/* What is done to rows from..upto, all at once. */
typedef int move_run(struct ledger *l, int64_t from, int64_t upto, const void *how,
                     struct gf_err *e);

static int move_all(struct ledger *l, const int64_t *rows, size_t n, move_run *fn, const void *how,
                    struct gf_err *e) {
    size_t end;
    int rc = 0;

    if (db_begin_step(&l->db, e) == -1)
        return -1;
    for (size_t i = 0; rc == 0 && i < n; i = end) {
        end = run_of(rows, n, i);
        rc = fn(l, rows[i], rows[end - 1], how, e);
    }
    return db_end_step(&l->db, rc, e);
}

struct sending {
    const char *endpoint;
    int64_t now;
};

/* What is known of an attempt before this one gets a row of its own:
 * most records have none. */
static int send_run(struct ledger *l, int64_t from, int64_t upto, const void *how,
                    struct gf_err *e) {
    const struct sending *s = how;

    if (db_run(&l->db, e,
               "INSERT INTO attempt (record, n, endpoint, at) SELECT row, attempts, endpoint, sent "
               "FROM record WHERE row BETWEEN ? AND ? AND attempts > 0",
               "ii", from, upto) == -1 ||
        db_run(&l->db, e,
               "UPDATE record SET doubt = iif(state = ?1 AND doubt = 0, since, doubt), state = ?1, "
               "attempts = attempts + 1, endpoint = ?2, sent = ?3, since = ?3 "
               "WHERE row BETWEEN ?4 AND ?5 AND state < ?6",
               "itiiii", (int64_t)LEDGER_SENDING, s->endpoint, s->now, from, upto,
               (int64_t)LEDGER_HELD) == -1)
        return -1;
    return moved(l, from, upto, LEDGER_SENDING, e);
}

int ledger_sending(struct ledger *l, const int64_t *rows, size_t n, const char *endpoint,
                   int64_t now, struct gf_err *e) {
    return move_all(l, rows, n, send_run, &(struct sending){endpoint, now}, e);
}

int ledger_unsent(struct ledger *l, int64_t row, enum ledger_state was, struct gf_err *e) {
    if (db_begin_step(&l->db, e) == -1)
        return -1;
    /* The attempt before it, if there was one, is the last one again. */
    int rc = db_run(&l->db, e,
                    "UPDATE record SET (endpoint, sent) = (SELECT ifnull(max(a.endpoint), "
                    "record.endpoint), ifnull(max(a.at), 0) FROM attempt a WHERE a.record = ?2 AND "
                    "a.n = record.attempts - 1), state = ?1, attempts = attempts - 1 "
                    "WHERE row = ?2 AND state = ?3",
                    "iii", (int64_t)was, row, (int64_t)LEDGER_SENDING);
    if (rc == 0)
        rc = moved_or_settled(l, row, was, e);
    if (rc == 1)
        rc = db_run(&l->db, e,
                    "DELETE FROM attempt WHERE record = ? AND n = (SELECT attempts FROM record "
                    "WHERE row = ?)",
                    "ii", row, row);
    return db_end_step(&l->db, rc, e);
}

int ledger_doubt(struct ledger *l, int64_t row, struct gf_err *e) {
    return db_run(&l->db, e, "UPDATE record SET doubt = since WHERE row = ? AND doubt = 0", "i",
                  row);
}

struct delivered {
    enum gf_guarantee guarantee;
    int64_t now;
};

static int deliver_run(struct ledger *l, int64_t from, int64_t upto, const void *how,
                       struct gf_err *e) {
    const struct delivered *d = how;

    if (db_run(&l->db, e,
               "UPDATE record SET state = ?, receipt = ?, guarantee = ?, reason = NULL, "
               "since = ?, due = NULL WHERE row BETWEEN ? AND ? AND state = ?",
               "iiiiiii", (int64_t)LEDGER_DELIVERED, (int64_t)GF_STATE_DELIVERED,
               (int64_t)d->guarantee, d->now, from, upto, (int64_t)LEDGER_SENDING) == -1)
        return -1;
    return moved(l, from, upto, LEDGER_DELIVERED, e);
}

int ledger_delivered(struct ledger *l, const int64_t *rows, size_t n, enum gf_guarantee g,
                     int64_t now, struct gf_err *e) {
    return move_all(l, rows, n, deliver_run, &(struct delivered){g, now}, e);
}

/* To an end from any state that is none. */
static int end(struct ledger *l, int64_t row, enum ledger_state to, enum gf_state receipt,
               const char *reason, int64_t now, struct gf_err *e) {
    char safe[GF_REASON_MAX + 1];

    ledger_reason(reason, safe);
    if (db_begin_step(&l->db, e) == -1)
        return -1;
    int rc =
        db_run(&l->db, e,
               "UPDATE record SET state = ?, receipt = ?, reason = ?, since = ?, due = NULL "
               "WHERE row = ? AND state < ?",
               "iitiii", (int64_t)to, (int64_t)receipt, safe, now, row, (int64_t)LEDGER_DELIVERED);
    if (rc == 0)
        rc = moved(l, row, row, to, e);
    return db_end_step(&l->db, rc, e);
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
                int64_t due, int64_t asked, int64_t now, struct gf_err *e) {
    char safe[GF_REASON_MAX + 1];

    ledger_reason(reason, safe);
    if (db_begin_step(&l->db, e) == -1)
        return -1;
    int rc = db_run(&l->db, e,
                    "UPDATE record SET state = ?1, reason = ?2, due = iif(?1 = ?3, NULL, ?4), "
                    "asked = ?5, since = ?6 WHERE row = ?7 AND state < ?8",
                    "itiiiiii", (int64_t)to, safe, (int64_t)LEDGER_HELD, due, asked, now, row,
                    (int64_t)(to == LEDGER_HELD ? LEDGER_DELIVERED : LEDGER_HELD));
    if (rc == 0)
        rc = moved_or_settled(l, row, to, e);
    return db_end_step(&l->db, rc == 1 ? 0 : rc, e);
}

int ledger_later(struct ledger *l, int64_t row, const char *reason, int64_t due, int64_t asked,
                 int64_t now, struct gf_err *e) {
    return wait(l, row, LEDGER_LATER, reason, due, asked, now, e);
}

int ledger_held(struct ledger *l, int64_t row, const char *reason, int64_t now, struct gf_err *e) {
    return wait(l, row, LEDGER_HELD, reason, 0, 0, now, e);
}

int ledger_retry(struct ledger *l, int64_t now, struct gf_err *e) {
    if (db_run(
            &l->db, e,
            "UPDATE record SET due = ?1 WHERE state = ?2 AND state > 1 AND state < 5 AND due > ?1 "
            "AND asked <= ?1",
            "ii", now, (int64_t)LEDGER_LATER) == -1)
        return -1;
    return db_run(
        &l->db, e,
        "UPDATE update_artifact SET due = ?1 WHERE here IS NULL AND due > ?1 AND asked <= "
        "?1",
        "i", now);
}

struct settle {
    struct ledger *l;
    int64_t now;
};

/* By the index, so that nothing is read where nothing is wrong. */
static int settle(void *arg, const char *channel, struct gf_err *e) {
    const struct settle *x = arg;

    return db_run(&x->l->db, e,
                  "UPDATE record SET due = ?, asked = 0 WHERE channel = ? AND due > ? AND state < "
                  "3",
                  "iti", x->now, channel, x->now + HTTPS_RETRY_AFTER_MAX);
}

int ledger_settle(struct ledger *l, int64_t now, struct gf_err *e) {
    if (ledger_channels(l, settle, &(struct settle){l, now}, e) == -1)
        return -1;
    return db_run(&l->db, e,
                  "UPDATE update_artifact SET due = ?, asked = 0 WHERE here IS NULL AND due > ?",
                  "ii", now, now + HTTPS_RETRY_AFTER_MAX);
}
