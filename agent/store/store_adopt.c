/*
 * store_adopt.c -- after a loss: bundles that were made, and are known only by their files, are
 * known again.
 */
#include "agent/store/store_internal.h"

#include <string.h>

#include "gapferry/digest.h"

int store_new_stream(struct store *s, struct gf_err *e) {
    struct gf_id id;

    gf_digest_random(id.b, sizeof id.b);
    return store_put_fact(s, "stream", id.b, sizeof id.b, e);
}

int store_taken(struct store *s, const struct gf_hash *relay, const struct gf_id *stream,
                int64_t *seq, struct gf_err *e) {
    return db_number(&s->db, seq, 0, e, "SELECT seq FROM taken WHERE relay = ? AND stream = ?",
                     "bb", STORE_BYTES(relay), STORE_BYTES(stream));
}

int store_adopt_begin(struct store *s, const struct gf_header *h, const struct gf_hash *digest,
                      int64_t now, struct store_adopting *out, struct gf_err *e) {
    struct store_adopting x = {.relay = h->to, .now = now};

    if (db_run(&s->db, e,
               "INSERT INTO bundle (id, relay, stream, seq, digest, created, records, open)"
               " VALUES (?, ?, ?, ?, ?, ?, 0, 0)",
               "bbbibi", STORE_BYTES(&h->id), STORE_BYTES(&h->to), STORE_BYTES(&h->stream), h->seq,
               STORE_BYTES(digest), h->has_created ? h->created : now) == -1 ||
        db_number(&s->db, &x.row, 0, e, "SELECT n FROM bundle WHERE id = ?", "b",
                  STORE_BYTES(&h->id)) == -1 ||
        db_run(&s->db, e,
               "INSERT INTO taken (relay, stream, seq) VALUES (?, ?, ?)"
               " ON CONFLICT (relay, stream) DO UPDATE SET seq = max(seq, excluded.seq)",
               "bbi", STORE_BYTES(&h->to), STORE_BYTES(&h->stream), h->seq) == -1)
        return -1;
    *out = x;
    return 0;
}

int store_adopt(struct store *s, struct store_adopting *x, const struct gf_record *r,
                struct gf_err *e) {
    struct store_move m = {.from = STORE_QUEUED, .to = STORE_EXPORTED, .since = x->now};
    int64_t row, state, moved;

    if (store_destination(s, &x->relay, &m.relay, e) == -1 ||
        db_number(&s->db, &row, 0, e, "SELECT n FROM record WHERE id = ?", "b",
                  STORE_BYTES(&r->id)) == -1)
        return -1;
    if (row == 0) {
        if (store_add(s, r, x->now, e) == -1 ||
            db_number(&s->db, &row, 0, e, "SELECT n FROM record WHERE id = ?", "b",
                      STORE_BYTES(&r->id)) == -1)
            return -1;
        x->added++;
    }
    if (store_move(s, &(struct store_range){row, row}, 1, &m, &moved, e) == -1 ||
        db_number(&s->db, &state, 0, e, "SELECT state FROM record WHERE n = ?", "i", row) == -1)
        return -1;
    x->records++;
    x->open += state <= STORE_EXPORTED;
    return store_hold(s, x->row, row, row, e);
}

int store_adopt_end(struct store *s, const struct store_adopting *x, struct gf_err *e) {
    return db_run(&s->db, e,
                  "UPDATE bundle SET records = ?1, open = ?2, settled = ?1 > 0 AND ?2 = 0"
                  " WHERE n = ?3",
                  "iii", x->records, x->open, x->row);
}
