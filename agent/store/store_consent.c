/*
 * store_consent.c -- consent: every decision is kept, the last one counts, and a denial takes back
 * what has not been received.
 */
#include "agent/store/store_internal.h"

#include <stdio.h>
#include <stdlib.h>

const char *const store_consents[] = {"ask", "granted", "denied", NULL};

/* Bundles that are carried and hold records of this channel without receipt, and their rows. */
static int affected(struct store *s, const char *channel, struct store_bundle **bundles,
                    int64_t **rows, size_t *n, struct gf_err *e) {
    struct db_query q;
    int rc;

    if (db_query(&s->db, &q, e,
                 "SELECT " STORE_BUNDLE_COLUMNS ", n FROM bundle WHERE settled = 0 AND EXISTS"
                 " (SELECT 1 FROM " STORE_HELD " JOIN record ON record.n = held.record"
                 " WHERE held.bundle = bundle.n AND record.channel = ? AND record.state = 0)"
                 " ORDER BY n",
                 "t", channel) == -1)
        return -1;
    while ((rc = db_next(&q, e)) == 1) {
        if (db_list_grow(bundles, *n, sizeof **bundles, e) == -1 ||
            db_list_grow(rows, *n, sizeof **rows, e) == -1 ||
            store_read_bundle(&q, &(*bundles)[*n], e) == -1) {
            rc = -1;
            break;
        }
        (*rows)[(*n)++] = db_int(&q, 11);
    }
    db_done(&q);
    return rc;
}

/* Delete what has no receipt yet; what may have come to a relay is remembered by its id. */
static int erase(struct store *s, const char *channel, int64_t now, int64_t *deleted,
                 struct gf_err *e) {
    struct store_ranges rows = {0};
    struct db_query q;

    if (db_query(&s->db, &q, e, "SELECT first, last FROM stretch WHERE channel = ? ORDER BY first",
                 "t", channel) == -1 ||
        store_ranges(&q, &rows, e) == -1)
        return -1;
    int rc = 0;
    for (size_t i = 0; i < rows.n && rc == 0; i++) {
        rc = db_run(&s->db, e,
                    "INSERT OR IGNORE INTO denied SELECT id, ? FROM record WHERE n BETWEEN ? AND ?"
                    " AND EXISTS (SELECT 1 FROM " STORE_HELD " WHERE held.record = record.n)",
                    "iii", now, rows.list[i].first, rows.list[i].last);
        if (rc == 0)
            rc = store_erase(s, &rows.list[i], e);
        *deleted += rows.list[i].last - rows.list[i].first + 1;
    }
    store_ranges_free(&rows);
    return rc;
}

static int take_back(struct store *s, const char *channel, int64_t now, int64_t *deleted,
                     struct store_bundle **bundles, size_t *n, struct gf_err *e) {
    int64_t *rows = NULL;

    int rc = affected(s, channel, bundles, &rows, n, e);
    for (size_t i = 0; i < *n && rc == 0; i++)
        rc = store_withdraw_row(s, rows[i], now, e) == -1 ? -1 : 0;
    free(rows);
    return rc == 0 ? erase(s, channel, now, deleted, e) : -1;
}

int store_note_consent(struct store *s, const char *channel, enum store_consent c, const char *user,
                       int64_t now, struct gf_err *e) {
    return db_run(&s->db, e,
                  "INSERT INTO consent (channel, decision, user, at) VALUES (?, ?, ?, ?)", "titi",
                  channel, (int64_t)c, user, now);
}

int store_consent_bundles(struct store *s, const char *channel, struct store_bundle **out,
                          size_t *n, struct gf_err *e) {
    struct store_bundle *bundles = NULL;
    int64_t *rows = NULL;
    size_t found = 0;

    int rc = affected(s, channel, &bundles, &rows, &found, e);
    free(rows);
    if (rc == -1) {
        free(bundles);
        return -1;
    }
    *out = bundles;
    *n = found;
    return 0;
}

int store_take_back(struct store *s, const char *channel, int64_t now, struct store_denial *out,
                    struct gf_err *e) {
    struct store_denial d = {0};

    if (db_begin(&s->db, e) == -1)
        return -1;
    if (db_end(&s->db, take_back(s, channel, now, &d.deleted, &d.bundles, &d.n, e), e) == -1) {
        free(d.bundles);
        return -1;
    }
    *out = d;
    return 0;
}

int store_set_consent(struct store *s, const char *channel, enum store_consent c, const char *user,
                      int64_t now, struct store_denial *out, struct gf_err *e) {
    struct store_denial d = {0};

    if (db_begin(&s->db, e) == -1)
        return -1;
    int rc = store_note_consent(s, channel, c, user, now, e);
    if (rc == 0 && c == STORE_DENIED)
        rc = store_take_back(s, channel, now, &d, e);
    if (db_end(&s->db, rc, e) == -1) {
        free(d.bundles);
        return -1;
    }
    *out = d;
    return 0;
}

int store_finish_denials(struct store *s, int64_t now, struct gf_err *e) {
    char channel[GF_WORD_MAX + 1];
    struct store_denial d;
    struct db_query q;
    int rc;

    /* Each round leaves one channel less. */
    do {
        if (db_query(&s->db, &q, e,
                     "SELECT channel FROM consent AS c WHERE decision = ? AND n ="
                     " (SELECT max(n) FROM consent WHERE channel = c.channel) AND EXISTS"
                     " (SELECT 1 FROM stretch WHERE channel = c.channel) LIMIT 1",
                     "i", (int64_t)STORE_DENIED) == -1)
            return -1;
        rc = db_next(&q, e);
        if (rc == 1)
            (void)snprintf(channel, sizeof channel, "%s", db_text(&q, 0));
        db_done(&q);
        if (rc == 1) {
            if (store_take_back(s, channel, now, &d, e) == -1)
                return -1;
            free(d.bundles);
        }
    } while (rc == 1);
    return rc;
}

int store_get_consent(struct store *s, const char *channel, enum store_consent *out, int64_t *since,
                      char user[65], struct gf_err *e) {
    struct db_query q;

    if (db_query(&s->db, &q, e,
                 "SELECT decision, at, coalesce(user, '') FROM consent WHERE channel = ?"
                 " ORDER BY n DESC LIMIT 1",
                 "t", channel) == -1)
        return -1;
    int rc = db_next(&q, e);
    if (rc != -1) {
        *out = rc == 1 ? (enum store_consent)db_int(&q, 0) : STORE_ASK;
        if (since)
            *since = rc == 1 ? db_int(&q, 1) : 0;
        if (user)
            (void)snprintf(user, 65, "%s", rc == 1 ? db_text(&q, 2) : "");
    }
    db_done(&q);
    return rc == -1 ? -1 : 0;
}

int store_read_channel(const struct db_query *q, void *element, struct gf_err *e) {
    (void)e;
    (void)snprintf(element, GF_WORD_MAX + 1, "%s", db_text(q, 0));
    return 0;
}

int store_granted(struct store *s, char (**out)[GF_WORD_MAX + 1], size_t *n, struct gf_err *e) {
    struct db_query q;

    return db_list(
        &q,
        db_query(&s->db, &q, e,
                 "SELECT channel FROM consent AS c WHERE decision = ? AND n ="
                 " (SELECT max(n) FROM consent WHERE channel = c.channel) ORDER BY channel",
                 "i", (int64_t)STORE_GRANTED),
        sizeof **out, store_read_channel, out, n, e);
}
