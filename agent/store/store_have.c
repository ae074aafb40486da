/*
 * store_have.c -- bundles in: which responses were applied, and what `have` says of them.
 */
#include "agent/store/store_internal.h"

#include <stdlib.h>
#include <string.h>

/* Numbers in all `also` of one `have`, so that contents.json stays far below its own limit. */
#define ALSO_TOTAL_MAX 65536

int store_is_applied(struct store *s, const struct gf_header *h,
                     const struct gf_hash *header_digest, struct gf_err *e) {
    struct gf_hash digest;
    struct db_query q;

    if (db_query(&s->db, &q, e,
                 "SELECT digest FROM applied"
                 " WHERE relay = ? AND stream = ? AND seq = ? AND digest IS NOT NULL",
                 "bbi", STORE_BYTES(&h->from), STORE_BYTES(&h->stream), h->seq) == -1)
        return -1;
    int rc = db_next(&q, e);
    if (rc == 1) {
        rc = STORE_FIXED(&q, 0, &digest, "applied", e);
        if (rc == 0)
            rc = memcmp(digest.b, header_digest->b, sizeof digest.b) == 0 ? 1 : 2;
    }
    db_done(&q);
    return rc;
}

int store_applied(struct store *s, const struct gf_header *h, const struct gf_hash *header_digest,
                  int64_t items, int64_t now, struct gf_err *e) {
    return db_run(&s->db, e,
                  "INSERT INTO applied (relay, stream, seq, digest, items, at)"
                  " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (relay, stream, seq) DO UPDATE SET"
                  " digest = excluded.digest, items = excluded.items, at = excluded.at"
                  " WHERE digest IS NULL",
                  "bbibii", STORE_BYTES(&h->from), STORE_BYTES(&h->stream), h->seq,
                  STORE_BYTES(header_digest), items, now);
}

int store_void_in(struct store *s, const struct gf_header *h, const int64_t *voids, size_t n,
                  int64_t now, struct gf_err *e) {
    int rc = 0;

    if (db_begin(&s->db, e) == -1)
        return -1;
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = db_run(&s->db, e,
                    "INSERT INTO applied (relay, stream, seq, digest, items, at)"
                    " VALUES (?, ?, ?, NULL, 0, ?) ON CONFLICT DO NOTHING",
                    "bbii", STORE_BYTES(&h->from), STORE_BYTES(&h->stream), voids[i], now);
    return db_end(&s->db, rc, e);
}

int store_come_again(struct store *s, const struct gf_header *h, struct gf_err *e) {
    return db_run(&s->db, e,
                  "UPDATE applied SET said = NULL WHERE relay = ? AND stream = ? AND seq = ?"
                  " AND items > 0"
                  " AND said IN (SELECT n FROM bundle WHERE records = 0 AND written > 0)",
                  "bbi", STORE_BYTES(&h->from), STORE_BYTES(&h->stream), h->seq);
}

int store_have_is_due(struct store *s, const struct gf_hash *relay, struct gf_err *e) {
    int64_t due;

    if (db_number(
            &s->db, &due, 0, e,
            "SELECT EXISTS (SELECT 1 FROM applied WHERE relay = ?1 AND said IS NULL AND items "
            "> 0) OR EXISTS (SELECT 1 FROM card WHERE identity = ?1 AND greet)",
            "b", STORE_BYTES(relay)) == -1)
        return -1;
    return due == 1;
}

/* Take one more number of h's stream, in rising order. */
static int count_in(struct gf_have *h, int64_t seq, size_t *total, struct gf_err *e) {
    if (h->nalso == 0 && seq == h->upto + 1) {
        h->upto = seq;
        return 0;
    }
    if (h->nalso >= GF_ALSO_MAX || *total >= ALSO_TOTAL_MAX)
        return 0;
    if (db_list_grow(&h->also, h->nalso, sizeof *h->also, e) == -1)
        return -1;
    h->also[h->nalso++] = seq;
    (*total)++;
    return 0;
}

/* Rows of (stream, seq), sorted. Streams beyond what one request can state are left out: the oldest
 * come first, and a relay begins a new one only when it was restored. */
static int collect(struct db_query *q, struct gf_have **list, size_t *n, struct gf_err *e) {
    struct gf_id stream;
    size_t total = 0;
    int rc;

    while ((rc = db_next(q, e)) == 1) {
        if (STORE_FIXED(q, 0, &stream, "applied", e) == -1)
            return -1;
        if (*n == 0 || memcmp((*list)[*n - 1].stream.b, stream.b, sizeof stream.b) != 0) {
            if (*n == GF_HAVE_MAX)
                return 0;
            if (db_list_grow(list, *n, sizeof **list, e) == -1)
                return -1;
            (*list)[(*n)++] = (struct gf_have){.stream = stream};
        }
        if (count_in(&(*list)[*n - 1], db_int(q, 1), &total, e) == -1)
            return -1;
    }
    return rc;
}

int store_have(struct store *s, const struct gf_hash *relay, struct gf_have **have, size_t *n,
               struct gf_err *e) {
    struct gf_have *list = NULL;
    struct db_query q;
    size_t len = 0;

    if (db_query(&s->db, &q, e,
                 "SELECT stream, seq FROM applied WHERE relay = ? ORDER BY stream, seq", "b",
                 STORE_BYTES(relay)) == -1)
        return -1;
    int rc = collect(&q, &list, &len, e);
    db_done(&q);
    if (rc == -1) {
        store_have_free(list, len);
        return -1;
    }
    *have = list;
    *n = len;
    return 0;
}

void store_have_free(struct gf_have *have, size_t n) {
    for (size_t i = 0; i < n; i++)
        free(have[i].also);
    free(have);
}
