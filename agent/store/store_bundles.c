/*
 * store_bundles.c -- bundles out: their numbers, which records they carry, and when each is settled
 * or withdrawn.
 */
#include "agent/store/store_internal.h"

#include <stdlib.h>
#include <string.h>

#include "gapferry/drive.h"

/* A bundle that was withdrawn before it was written never left: its number is void. */
#define LEFT "(withdrawn = 0 OR written > 0)"

/* Bundles that carried only `have` get no receipt, so that nobody can tell whether they came; the
 * next one says all that they said. Those before the last one whose receipts have all come were
 * listed by that one. What tells of losses is not superseded. */
#define SUPERSEDED                                                                                 \
    "(records = 0 AND n NOT IN (SELECT told FROM loss WHERE told IS NOT NULL) AND seq >"           \
    " ifnull((SELECT seq FROM bundle WHERE relay = ?1 AND stream = ?2 AND records > 0 AND"         \
    " open = 0 AND withdrawn = 0 ORDER BY seq DESC LIMIT 1), 0))"

static int take_seq(struct store *s, const struct gf_hash *relay, struct store_seq *out,
                    struct gf_err *e) {
    struct db_query q;

    if (store_stream(s, &out->stream, e) == -1 ||
        db_run(&s->db, e,
               "INSERT INTO taken (relay, stream, seq) VALUES (?, ?, 1)"
               " ON CONFLICT (relay, stream) DO UPDATE SET seq = seq + 1",
               "bb", STORE_BYTES(relay), STORE_BYTES(&out->stream)) == -1 ||
        db_number(&s->db, &out->seq, 0, e, "SELECT seq FROM taken WHERE relay = ? AND stream = ?",
                  "bb", STORE_BYTES(relay), STORE_BYTES(&out->stream)) == -1)
        return -1;
    if (db_query(&s->db, &q, e,
                 "SELECT digest FROM bundle WHERE relay = ? AND stream = ? AND " LEFT
                 " ORDER BY seq DESC LIMIT 1",
                 "bb", STORE_BYTES(relay), STORE_BYTES(&out->stream)) == -1)
        return -1;
    int rc = db_next(&q, e);
    out->has_prev = rc == 1;
    if (rc == 1)
        rc = STORE_FIXED(&q, 0, &out->prev, "bundle", e);
    db_done(&q);
    return rc;
}

int store_take_seq(struct store *s, const struct gf_hash *relay, struct store_seq *out,
                   struct gf_err *e) {
    struct store_seq seq = {0};

    if (db_begin(&s->db, e) == -1)
        return -1;
    if (db_end(&s->db, take_seq(s, relay, &seq, e), e) == -1)
        return -1;
    *out = seq;
    return 0;
}

/* Collect the gaps below `taken` from the top. */
static int gaps(struct db_query *q, int64_t taken, int64_t *list, size_t *n, struct gf_err *e) {
    int64_t next = taken;
    int rc = 1;

    while (*n < GF_VOID_MAX && rc == 1) {
        rc = db_next(q, e);
        int64_t seq = rc == 1 ? db_int(q, 0) : 0;
        for (; rc != -1 && next > seq && *n < GF_VOID_MAX; next--)
            list[(*n)++] = next;
        next = seq - 1;
    }
    return rc == -1 ? -1 : 0;
}

int store_voids(struct store *s, const struct gf_hash *relay, int64_t **voids, size_t *n,
                struct gf_err *e) {
    struct gf_id stream;
    struct db_query q;
    int64_t taken;
    size_t len = 0;

    if (store_stream(s, &stream, e) == -1 ||
        db_number(&s->db, &taken, 0, e, "SELECT seq FROM taken WHERE relay = ? AND stream = ?",
                  "bb", STORE_BYTES(relay), STORE_BYTES(&stream)) == -1)
        return -1;
    int64_t *list = calloc(GF_VOID_MAX, sizeof *list);
    if (!list)
        return gf_err_errno(e, "no memory for the list of void numbers");
    if (db_query(&s->db, &q, e,
                 "SELECT seq FROM bundle WHERE relay = ?1 AND stream = ?2 AND " LEFT
                 " AND NOT " SUPERSEDED " ORDER BY seq DESC",
                 "bb", STORE_BYTES(relay), STORE_BYTES(&stream)) == -1) {
        free(list);
        return -1;
    }
    int rc = gaps(&q, taken, list, &len, e);
    db_done(&q);
    if (rc == -1) {
        free(list);
        return -1;
    }
    for (size_t i = 0; i < len / 2; i++) {
        int64_t x = list[i];
        list[i] = list[len - 1 - i];
        list[len - 1 - i] = x;
    }
    *voids = list;
    *n = len;
    return 0;
}

int store_hold(struct store *s, int64_t bundle, int64_t first, int64_t last, struct gf_err *e) {
    return db_run(&s->db, e, "INSERT INTO span (chunk, first, bundle, last) VALUES (?, ?, ?, ?)",
                  "iiii", first / STORE_CHUNK, first, bundle, last);
}

int store_destination(struct store *s, const struct gf_hash *relay, int64_t *n, struct gf_err *e) {
    if (db_run(&s->db, e, "INSERT INTO destination (relay) VALUES (?) ON CONFLICT DO NOTHING", "b",
               STORE_BYTES(relay)) == -1)
        return -1;
    return db_number(&s->db, n, 0, e, "SELECT n FROM destination WHERE relay = ?", "b",
                     STORE_BYTES(relay));
}

int store_held(struct store *s, int64_t bundle, struct store_ranges *out, struct gf_err *e) {
    struct db_query q;

    if (db_query(&s->db, &q, e,
                 "SELECT first, last FROM span WHERE bundle = ? ORDER BY chunk, first", "i",
                 bundle) == -1)
        return -1;
    return store_ranges(&q, out, e);
}

/* Note that the bundle holds a range, chunk by chunk. */
static int hold_range(struct store *s, int64_t bundle, const struct store_range *r,
                      struct gf_err *e) {
    for (int64_t first = r->first, last; first <= r->last; first = last + 1) {
        last = (first / STORE_CHUNK + 1) * STORE_CHUNK - 1;
        if (last > r->last)
            last = r->last;
        if (store_hold(s, bundle, first, last, e) == -1)
            return -1;
    }
    return 0;
}

/* 1 if one of the rows has another record than when the bundle was made. */
static int has_another(struct store *s, const struct store_carried *c, struct gf_err *e) {
    int64_t found = 0;

    for (size_t i = 0; i < c->n && !found; i++)
        if (db_number(&s->db, &found, 0, e,
                      "SELECT 1 FROM thinned WHERE row BETWEEN ? AND ? AND n > ? LIMIT 1", "iii",
                      c->rows[i].first, c->rows[i].last, c->thinned) == -1)
            return -1;
    return found != 0;
}

/* Records move into the bundle of this row; from now on they belong to its relay. */
static int hold(struct store *s, int64_t bundle, const struct gf_hash *relay,
                const struct store_carried *c, int64_t now, struct gf_err *e) {
    struct store_move m = {.from = STORE_QUEUED, .to = STORE_EXPORTED, .since = now};
    int64_t moved;

    if (c->n == 0)
        return 0;
    if (store_destination(s, relay, &m.relay, e) == -1 ||
        store_move(s, c->rows, c->n, &m, &moved, e) == -1)
        return -1;
    int other = has_another(s, c, e);
    if (other == -1)
        return -1;
    if (moved != c->records || other)
        return gf_err_set(e, GF_E_BUSY,
                          "a record left the queue while its bundle was made; run this again");
    for (size_t i = 0; i < c->n; i++)
        if (hold_range(s, bundle, &c->rows[i], e) == -1)
            return -1;
    return 0;
}

static int exported(struct store *s, const struct gf_header *h, const struct gf_hash *digest,
                    const struct store_carried *c, int64_t now, struct gf_err *e) {
    int64_t row;

    if (db_run(&s->db, e,
               "INSERT INTO bundle (id, relay, stream, seq, digest, created, records, open)"
               " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
               "bbbibiii", STORE_BYTES(&h->id), STORE_BYTES(&h->to), STORE_BYTES(&h->stream),
               h->seq, STORE_BYTES(digest), h->has_created ? h->created : now, c->records,
               c->records) == -1 ||
        db_number(&s->db, &row, 0, e, "SELECT n FROM bundle WHERE id = ?", "b",
                  STORE_BYTES(&h->id)) == -1)
        return -1;
    if (hold(s, row, &h->to, c, now, e) == -1)
        return -1;
    for (size_t i = 0; i < c->nlosses; i++)
        if (db_run(&s->db, e, "UPDATE loss SET told = ? WHERE id = ?", "ib", row,
                   STORE_BYTES(&c->losses[i])) == -1)
            return -1;
    if (db_run(&s->db, e, "UPDATE card SET greet = 0 WHERE identity = ?", "b",
               STORE_BYTES(&h->to)) == -1)
        return -1;
    return db_run(&s->db, e,
                  "UPDATE applied SET said = ? WHERE relay = ? AND said IS NULL AND items > 0",
                  "ib", row, STORE_BYTES(&h->to));
}

int store_exported(struct store *s, const struct gf_header *h, const struct gf_hash *header_digest,
                   const struct store_carried *c, int64_t now, struct gf_err *e) {
    if (db_begin(&s->db, e) == -1)
        return -1;
    return db_end(&s->db, exported(s, h, header_digest, c, now, e), e);
}

int store_read_bundle(const struct db_query *q, struct store_bundle *out, struct gf_err *e) {
    struct store_bundle b = {
        .seq = db_int(q, 2),
        .created = db_int(q, 3),
        .records = db_int(q, 4),
        .settled = db_int(q, 5) != 0,
        .withdrawn = db_int(q, 6) != 0,
        .written = db_int(q, 7),
        .left = db_int(q, 9),
    };

    if (STORE_FIXED(q, 0, &b.id, "bundle", e) == -1 ||
        STORE_FIXED(q, 1, &b.relay, "bundle", e) == -1 ||
        STORE_FIXED(q, 8, &b.digest, "bundle", e) == -1 ||
        STORE_FIXED(q, 10, &b.stream, "bundle", e) == -1)
        return -1;
    gf_drive_bundle_name(&b.id, b.file);
    *out = b;
    return 0;
}

static int read_unsettled(const struct db_query *q, void *element, struct gf_err *e) {
    return store_read_bundle(q, element, e);
}

int store_unsettled(struct store *s, struct store_bundle **out, size_t *n, struct gf_err *e) {
    struct db_query q;

    return db_list(
        &q,
        db_query(&s->db, &q, e,
                 "SELECT " STORE_BUNDLE_COLUMNS " FROM bundle WHERE settled = 0 ORDER BY n", ""),
        sizeof **out, read_unsettled, out, n, e);
}

int store_bundle(struct store *s, const struct gf_id *id, struct store_bundle *out,
                 struct gf_err *e) {
    struct db_query q;

    if (db_query(&s->db, &q, e, "SELECT " STORE_BUNDLE_COLUMNS " FROM bundle WHERE id = ?", "b",
                 STORE_BYTES(id)) == -1)
        return -1;
    int rc = db_next(&q, e);
    if (rc == 1 && store_read_bundle(&q, out, e) == -1)
        rc = -1;
    db_done(&q);
    return rc;
}

int store_written(struct store *s, const struct gf_id *id, int64_t now, struct gf_err *e) {
    return db_run(&s->db, e,
                  "UPDATE bundle SET written = ?, settled = settled OR records = 0 WHERE id = ?",
                  "ib", now > 0 ? now : 1, STORE_BYTES(id));
}

int store_withdraw_row(struct store *s, int64_t row, int64_t now, struct gf_err *e) {
    const struct store_move back = {.from = STORE_EXPORTED, .to = STORE_QUEUED, .since = now};
    struct store_ranges held = {0};
    int64_t records = 0;

    /* A record that is exported is in one carried bundle only: this one. */
    int rc = store_held(s, row, &held, e);
    if (rc == 0)
        rc = store_move(s, held.list, held.n, &back, &records, e);
    store_ranges_free(&held);
    if (rc == -1)
        return -1;

    /* What it told of losses is told again: nobody knows whether it came there, and a relay counts
     * a loss once. */
    if (db_run(&s->db, e, "UPDATE loss SET told = NULL WHERE told = ?", "i", row) == -1)
        return -1;

    /* What its `have` told was not told, unless it was written. */
    if (db_run(&s->db, e,
               "UPDATE applied SET said = NULL WHERE said = ?"
               " AND (SELECT written FROM bundle WHERE n = said) = 0",
               "i", row) == -1 ||
        db_run(&s->db, e, "UPDATE bundle SET withdrawn = 1, settled = 1 WHERE n = ?", "i", row) ==
            -1)
        return -1;
    return records > INT32_MAX ? INT32_MAX : (int)records;
}

int store_withdraw(struct store *s, const struct gf_id *id, int64_t now, int64_t *records,
                   struct gf_err *e) {
    int64_t row;
    int n = 0;

    if (db_begin(&s->db, e) == -1)
        return -1;
    int rc = db_number(&s->db, &row, 0, e, "SELECT n FROM bundle WHERE id = ? AND settled = 0", "b",
                       STORE_BYTES(id));
    if (rc == 0 && row != 0 && (n = store_withdraw_row(s, row, now, e)) == -1)
        rc = -1;
    if (db_end(&s->db, rc, e) == -1)
        return -1;
    *records = n;
    return 0;
}

/* Halves of what was refused together, for the second time and from then on. */
static int count_refusal(struct store *s, int64_t row, const struct store_range *r, int64_t *stuck,
                         struct gf_err *e) {
    int64_t alone;

    if (db_run(&s->db, e,
               "UPDATE stretch SET refused = refused + 1, most = CASE WHEN refused = 0 THEN most"
               " WHEN b.records > 1 THEN (b.records + 1) / 2 ELSE -1 END"
               " FROM (SELECT records FROM bundle WHERE n = ?1) AS b"
               " WHERE stretch.first BETWEEN ?2 AND ?3 AND state = 1",
               "iii", row, r->first, r->last) == -1 ||
        db_number(&s->db, &alone, 0, e,
                  "SELECT sum(last - first + 1) FROM stretch WHERE first BETWEEN ? AND ?"
                  " AND most = -1 AND state = 1",
                  "ii", r->first, r->last) == -1)
        return -1;
    *stuck += alone;
    return 0;
}

static int refused(struct store *s, int64_t row, int64_t now, int64_t *records, int64_t *stuck,
                   struct gf_err *e) {
    struct store_ranges held = {0};
    int rc = store_held(s, row, &held, e);

    if (rc == 0)
        rc = store_cut(s, held.list, held.n, e);
    for (size_t i = 0; i < held.n && rc == 0; i++)
        rc = count_refusal(s, row, &held.list[i], stuck, e);
    store_ranges_free(&held);
    int n = rc == 0 ? store_withdraw_row(s, row, now, e) : -1;
    *records = n;
    return n == -1 ? -1 : 0;
}

int store_refused(struct store *s, const struct gf_id *id, int64_t now, int64_t *records,
                  int64_t *stuck, struct gf_err *e) {
    int64_t row, n = 0, alone = 0;

    if (db_begin(&s->db, e) == -1)
        return -1;
    int rc = db_number(&s->db, &row, 0, e, "SELECT n FROM bundle WHERE id = ? AND settled = 0", "b",
                       STORE_BYTES(id));
    if (rc == 0 && row != 0)
        rc = refused(s, row, now, &n, &alone, e);
    if (db_end(&s->db, rc, e) == -1)
        return -1;
    *records = n;
    *stuck = alone;
    return 0;
}
