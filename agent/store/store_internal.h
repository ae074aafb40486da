/*
 * store_internal.h -- what the files of agent/store/ share.
 */
#ifndef AGENT_STORE_INTERNAL_H
#define AGENT_STORE_INTERNAL_H

#include "agent/store/store.h"
#include "common/db.h"

/* An entry of struct store_batch. */
struct store_batch_entry {
    struct gf_id id;
    struct gf_hash digest;
    int64_t created;
    int64_t wants_answer;
    size_t at, len; /* its line */
    int has_product;
    char product[GF_WORD_MAX + 1];
};

/* Entries from <= i < to of a batch, as the rows of the table `batch`. */
struct store_offer {
    const struct store_batch *batch;
    size_t from, to;
};

struct store {
    struct db db;
    struct store_offer offer;
    int dir;        /* the state directory */
    int lock;       /* DIR/lock while we hold it, else -1 */
    char path[512]; /* of the state directory, for messages */
};

extern const struct db_schema store_schema; /* store_schema.c */
extern const char store_schema_license[];   /* store_schema_license.c */
extern const char store_schema_grid[];      /* store_grid.c */
extern const char store_schema_relays[];    /* store_relays.c */
extern const char store_schema_thin[];      /* store_thin.c */
extern const char store_schema_updates[];   /* store_schema_updates.c */
extern const char store_schema_queue[];     /* a step of it: store_schema_queue.c */

/* Rows of `record` that a span (store_schema_queue.c) does not reach beyond; in SQL, and here. */
#define STORE_CHUNK      256
#define STORE_CHUNK_TEXT "256"

/* Records that were delivered but for a part, as indices have them: refused, or without a form at
 * the endpoint. */
#define STORE_PARTLY                                                                               \
    "state = 3 AND reason IS NOT NULL AND reason NOT GLOB '" GF_REASON_LEFT_OUT                    \
    "*' AND NOT wants_answer"
#define STORE_LEFT_OUT "state = 3 AND reason GLOB '" GF_REASON_LEFT_OUT "*' AND NOT wants_answer"

/* Which bundle carried which record, for as long as there is the record; quick from either side. A
 * receipt counts only from a relay that the record went to. */
#define STORE_HELD                                                                                 \
    "(SELECT span.bundle AS bundle, record.n AS record FROM span JOIN record"                      \
    " ON record.n BETWEEN span.first AND span.last"                                                \
    " AND span.chunk = record.n / " STORE_CHUNK_TEXT ") AS held"

/* The number of a relay in the table `destination`; it gets one when it is first asked for. */
GF_MUST_CHECK int store_destination(struct store *s, const struct gf_hash *relay, int64_t *n,
                                    struct gf_err *e);

/* The bundle of this row carried the records first .. last, of one chunk. */
GF_MUST_CHECK int store_hold(struct store *s, int64_t bundle, int64_t first, int64_t last,
                             struct gf_err *e);

/* ---- records without receipt (store_stretch.c); all of it within a transaction ---- */

/* The state of the current row of `record`, and since when. */
#define STORE_STRETCH_OF                                                                           \
    "stretch.first = (SELECT max(x.first) FROM stretch AS x WHERE x.first <= record.n)"
#define STORE_STATE                                                                                \
    "(CASE record.state WHEN 0 THEN (SELECT stretch.state FROM stretch WHERE " STORE_STRETCH_OF    \
    ") ELSE record.state END)"

struct store_ranges {
    struct store_range *list; /* rising, none touches the next */
    size_t n;
};
/* The rows of a query, (first, last) in rising order; the query is done afterwards. */
GF_MUST_CHECK int store_ranges(struct db_query *q, struct store_ranges *out, struct gf_err *e);
void store_ranges_free(struct store_ranges *r);

/* Records are in the queue now, as the newest of all. */
GF_MUST_CHECK int store_stretch_add(struct store *s, const char *channel,
                                    const struct store_range *rows, int64_t bytes,
                                    struct gf_err *e);
/* Those of these rows that are in one state get another. */
struct store_move {
    enum store_state from, to; /* queued or exported */
    int64_t since;
    int64_t relay; /* destination they belong to from now on; 0: as before */
};
GF_MUST_CHECK int store_move(struct store *s, const struct store_range *r, size_t n,
                             const struct store_move *m, int64_t *moved, struct gf_err *e);
/* Delete all records of a range, none of which has a receipt. */
GF_MUST_CHECK int store_erase(struct store *s, const struct store_range *r, struct gf_err *e);
/* One record has a receipt now, or is deleted: it is in no stretch any more, and not counted. */
GF_MUST_CHECK int store_take_out(struct store *s, int64_t row, const char *channel, int64_t size,
                                 struct gf_err *e);
/* Count so many records of a channel, and bytes of their lines, as in a state; or no more. */
GF_MUST_CHECK int store_tally(struct store *s, const char *channel, int state, int64_t n,
                              int64_t bytes, struct gf_err *e);
/* Before and after a change of the table `stretch` itself: let stretches begin and end with each
 * range; let those that begin within first .. last, or just behind, be one with their like. */
GF_MUST_CHECK int store_cut(struct store *s, const struct store_range *r, size_t n,
                            struct gf_err *e);
GF_MUST_CHECK int store_join(struct store *s, int64_t first, int64_t last, struct gf_err *e);

/* A gf_id or gf_hash as the two arguments that stand for a blob in db.h. */
#define STORE_BYTES(x) (const void *)(x)->b, sizeof(x)->b

/* Read a blob column of exactly the size of *x; GF_E_DAMAGED names the table. */
#define STORE_FIXED(q, column, x, table, e) store_fixed(q, column, (x)->b, sizeof(x)->b, table, e)
GF_MUST_CHECK int store_fixed(const struct db_query *q, int column, void *out, size_t len,
                              const char *table, struct gf_err *e);

/* This state directory's stream; made when it is first asked for. */
GF_MUST_CHECK int store_stream(struct store *s, struct gf_id *out, struct gf_err *e);

/* The rows that a bundle carried, by its own row. store_ranges_free(). */
GF_MUST_CHECK int store_held(struct store *s, int64_t bundle, struct store_ranges *out,
                             struct gf_err *e);

/* Take a bundle out of circulation by its row, within a transaction: how many of its records are
 * queued again, or -1. */
GF_MUST_CHECK int store_withdraw_row(struct store *s, int64_t row, int64_t now, struct gf_err *e);

/* Make the table `batch` known to the database connection (store_batch.c): columns i (from 0), id,
 * digest, product, created, answer, size, text of what s->offer names. */
GF_MUST_CHECK int store_batch_table(struct store *s, struct gf_err *e);

/* Insert what s->offer names as records of a channel, from this row on; stretch and tally are the
 * caller's. GF_E_REPLAY if an id is there already. */
GF_MUST_CHECK int store_batch_insert(struct store *s, const char *channel, int64_t row,
                                     int64_t accepted, struct gf_err *e);

/* What went by declared policy. */
struct store_dropped {
    int64_t records;
    int64_t first, last; /* created; where records were thinned the times of points left out */
};
/* Add it to the loss of the channel that no bundle has told yet. */
GF_MUST_CHECK int store_loss_note(struct store *s, const char *channel, const char *policy,
                                  const struct store_dropped *gone, int64_t now, struct gf_err *e);

/* Drop the oldest record of a channel that never left, and count it: 1 dropped (its bytes), 0 there
 * is none, -1. Within a transaction. */
GF_MUST_CHECK int store_drop_oldest(struct store *s, const char *channel, int64_t now,
                                    int64_t *bytes, struct gf_err *e);

/* For db_list(): a channel's name, of GF_WORD_MAX + 1 bytes, which is the only column. */
GF_MUST_CHECK int store_read_channel(const struct db_query *q, void *element, struct gf_err *e);

/* The columns that store_read_bundle() reads, in its order. */
#define STORE_BUNDLE_COLUMNS                                                                       \
    "id, relay, seq, created, records, settled, withdrawn, written, digest, left, stream"
GF_MUST_CHECK int store_read_bundle(const struct db_query *q, struct store_bundle *out,
                                    struct gf_err *e);

#endif
