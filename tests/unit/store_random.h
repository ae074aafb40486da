/*
 * store_random.h -- what test_store_random.c holds the agent's store against: the same records and
 * bundles as plain lists, without stretches, tallies or spans.
 */
#ifndef UNIT_STORE_RANDOM_H
#define UNIT_STORE_RANDOM_H

#include "store_testing.h"

#include "gapferry/digest.h"

#define WORLD_RECORDS  900
#define WORLD_BUNDLES  150
#define WORLD_CHANNELS 3
#define WORLD_RELAYS   2

static const char *const world_channels[WORLD_CHANNELS] = {"metrics", "usage", "license"};

struct world_record {
    struct gf_id id;
    const char *channel;
    int64_t size, accepted, since;
    enum store_state state;
    size_t relay; /* 0: none yet */
    int64_t refused, most;
    int there, denied;
};

struct world_bundle {
    struct gf_header header;
    struct gf_hash digest;
    int held[WORLD_RECORDS];
    int64_t records, open;
    int settled;
};

struct world {
    struct site *s;
    unsigned seed, random;
    int step;
    int64_t now, dropped;
    struct world_record r[WORLD_RECORDS]; /* of row i + 1 */
    size_t n;
    struct world_bundle b[WORLD_BUNDLES];
    size_t nb;
    size_t seen; /* while comparing */
};

static inline size_t world_any(struct world *w, size_t n) {
    w->random = w->random * 1103515245U + 12345U;
    return (w->random >> 8) % n;
}

static inline struct world *world_new(unsigned seed) {
    struct world *w = calloc(1, sizeof *w);
    void *site = NULL;

    assert_non_null(w);
    assert_int_equal(site_setup(&site), 0);
    w->s = site;
    w->seed = w->random = seed;
    w->now = SITE_NOW;
    return w;
}

static inline void world_free(struct world *w) {
    void *site = w->s;

    assert_int_equal(site_teardown(&site), 0);
    free(w);
}

static inline const struct gf_hash *world_relay(size_t relay) {
    return relay == 1 ? &kit_relay.card.identity : &kit_other.card.identity;
}

static inline struct gf_record world_record(const struct world *w, size_t i, const char *channel) {
    struct gf_record r = {.channel = channel,
                          .created = w->now,
                          .type = "application/json",
                          .body = {GF_BODY_TEXT, "{}", 2}};

    r.id.b[6] = 0x70;
    r.id.b[8] = 0x80;
    r.id.b[14] = (uint8_t)(i >> 8);
    r.id.b[15] = (uint8_t)i;
    return r;
}

static inline int64_t world_size(const struct gf_record *r) {
    struct store_batch b = {0};

    assert_int_equal(store_batch_add(&b, r, &e), 0);
    int64_t size = (int64_t)b.lines.len;
    store_batch_free(&b);
    return size;
}

/* ---- what the verbs do to the lists ---- */

static inline void world_move(struct world *w, size_t i, enum store_state to) {
    w->r[i].state = to;
    w->r[i].since = w->now;
}

static inline int world_waits(const struct world_record *r) {
    return r->there && r->state <= STORE_EXPORTED;
}

static inline int world_never_left(const struct world_record *r, const char *channel) {
    return r->there && r->state == STORE_QUEUED && r->relay == 0 &&
           strcmp(r->channel, channel) == 0;
}

static inline void world_accepted(struct world *w, const char *channel, int64_t size) {
    w->r[w->n] = (struct world_record){.id = world_record(w, w->n, channel).id,
                                       .channel = channel,
                                       .size = size,
                                       .accepted = w->now,
                                       .since = w->now,
                                       .there = 1};
    w->n++;
}

/* Does one more record fit, beside all that waits for a receipt, or (left) all that has left? */
static inline int world_fits(const struct world *w, const char *channel, int64_t size,
                             const struct store_cap *cap, int left) {
    int64_t records = 1, bytes = size;

    for (size_t i = 0; i < w->n; i++)
        if (world_waits(&w->r[i]) && strcmp(w->r[i].channel, channel) == 0 &&
            !(left && world_never_left(&w->r[i], channel))) {
            records++;
            bytes += w->r[i].size;
        }
    return (cap->records == 0 || records <= cap->records) &&
           (cap->bytes == 0 || bytes <= cap->bytes);
}

/* One by one: the oldest go only where that makes room. How many were accepted. */
static inline size_t world_accept(struct world *w, const char *channel, const int64_t *size,
                                  size_t n, const struct store_cap *cap) {
    size_t done = 0;

    for (; done < n; done++) {
        if (!world_fits(w, channel, size[done], cap, cap->drop))
            break;
        for (size_t i = 0; !world_fits(w, channel, size[done], cap, 0); i++)
            if (world_never_left(&w->r[i], channel)) {
                w->r[i].there = 0;
                w->dropped++;
            }
        world_accepted(w, channel, size[done]);
    }
    return done;
}

static inline size_t world_new_bundle(struct world *w, size_t relay) {
    struct world_bundle *b = &w->b[w->nb];
    struct store_seq seq;

    if (w->nb == WORLD_BUNDLES)
        return WORLD_BUNDLES;
    *b = (struct world_bundle){.header = {.to = *world_relay(relay)}};
    assert_int_equal(store_take_seq(w->s->a.store, world_relay(relay), &seq, &e), 0);
    b->header.stream = seq.stream;
    b->header.seq = seq.seq;
    b->header.id.b[0] = b->digest.b[0] = (uint8_t)(w->nb + 1);
    return w->nb;
}

static inline void world_hold(struct world *w, size_t b, size_t i) {
    w->b[b].held[i] = 1;
    w->b[b].records++;
}

/* How many are queued again. */
static inline int64_t world_withdraw(struct world *w, size_t b) {
    int64_t n = 0;

    for (size_t i = 0; i < w->n; i++)
        if (w->b[b].held[i] && w->r[i].there && w->r[i].state == STORE_EXPORTED) {
            world_move(w, i, STORE_QUEUED);
            n++;
        }
    w->b[b].settled = 1;
    return n;
}

static inline int world_holds_open(const struct world *w, size_t b, const char *channel) {
    for (size_t i = 0; i < w->n; i++)
        if (w->b[b].held[i] && world_waits(&w->r[i]) && strcmp(w->r[i].channel, channel) == 0)
            return 1;
    return 0;
}

static inline int world_was_held(const struct world *w, size_t i) {
    for (size_t b = 0; b < w->nb; b++)
        if (w->b[b].held[i])
            return 1;
    return 0;
}

/* Its first receipt has come. */
static inline void world_close(struct world *w, size_t i) {
    for (size_t b = 0; b < w->nb; b++)
        if (w->b[b].held[i] && --w->b[b].open <= 0)
            w->b[b].settled = 1;
}

static inline const char *world_odd(const struct world *w, size_t i, size_t relay,
                                    const struct gf_receipt *r) {
    int held = 0, here = 0;

    if (!w->r[i].there)
        return w->r[i].denied ? STORE_ODD_DENIED : "unknown record";
    for (size_t b = 0; b < w->nb; b++)
        if (w->b[b].held[i]) {
            held = 1;
            here |= memcmp(&w->b[b].header.to, world_relay(relay), sizeof(struct gf_hash)) == 0;
        }
    struct gf_hash good;
    gf_digest_256("{}", 2, &good);
    if (memcmp(&good, &r->digest, sizeof good) != 0)
        return "other digest";
    if (!here)
        return held ? "other relay" : "never exported";
    if (w->r[i].state >= STORE_DELIVERED && r->state != GF_STATE_RELAYED &&
        w->r[i].state != (enum store_state)(r->state + STORE_RELAYED))
        return "already final";
    return NULL;
}

/* ---- comparing ---- */

#define world_check(w, what)                                                                       \
    do {                                                                                           \
        if (!(what))                                                                               \
            fail_msg("seed %u, step %d: %s", (w)->seed, (w)->step, #what);                         \
    } while (0)

static inline int world_compare_record(void *arg, const struct store_record *x,
                                       struct gf_err *err) {
    struct world *w = arg;

    (void)err;
    while (w->seen < w->n && !w->r[w->seen].there)
        w->seen++;
    world_check(w, w->seen < w->n);
    const struct world_record *r = &w->r[w->seen++];
    world_check(w, x->row == (int64_t)w->seen && memcmp(&x->id, &r->id, sizeof r->id) == 0);
    world_check(w, strcmp(x->channel, r->channel) == 0 && (int64_t)x->line_len == r->size);
    world_check(w, x->state == r->state);
    world_check(w, x->state_since == r->since);
    return 0;
}

static inline int world_compare_stretch(void *arg, const struct store_stretch *x,
                                        struct gf_err *err) {
    struct world *w = arg;

    (void)err;
    for (int64_t row = x->rows.first; row <= x->rows.last; row++) {
        const struct world_record *r = &w->r[row - 1];

        world_check(w, r->there && r->state == STORE_QUEUED);
        world_check(w, x->most == r->most && strcmp(x->channel, r->channel) == 0);
        world_check(w, x->has_relay == (r->relay != 0));
        world_check(w, !x->has_relay ||
                           memcmp(&x->relay, world_relay(r->relay), sizeof x->relay) == 0);
        w->seen++;
    }
    return 0;
}

static inline void world_compare_counts(struct world *w) {
    struct store_count *counts;
    size_t n;
    int64_t all = 0, here = 0;

    assert_int_equal(store_counts(w->s->a.store, &counts, &n, &e), 0);
    for (size_t c = 0; c < n; c++) {
        int64_t records[6] = {0}, bytes[6] = {0};

        for (size_t i = 0; i < w->n; i++)
            if (w->r[i].there && strcmp(w->r[i].channel, counts[c].channel) == 0) {
                records[w->r[i].state]++;
                bytes[w->r[i].state] += w->r[i].size;
            }
        world_check(w, memcmp(records, counts[c].n, sizeof records) == 0);
        world_check(w, memcmp(bytes, counts[c].bytes, sizeof bytes) == 0);
        for (size_t k = 0; k < 6; k++)
            all += counts[c].n[k];
    }
    free(counts);
    for (size_t i = 0; i < w->n; i++)
        here += w->r[i].there;
    world_check(w, all == here);
}

static inline void world_compare(struct world *w) {
    int64_t queued = 0, stuck = 0, n, dropped = 0;
    struct store_bundle *bundles;
    struct store_loss *losses;
    size_t found, open = 0;

    w->seen = 0;
    assert_int_equal(store_walk(w->s->a.store, -1, NULL, world_compare_record, w, &e), 0);
    while (w->seen < w->n && !w->r[w->seen].there)
        w->seen++;
    world_check(w, w->seen == w->n);
    for (size_t i = 0; i < w->n; i++) {
        queued += w->r[i].there && w->r[i].state == STORE_QUEUED;
        stuck += w->r[i].there && w->r[i].state == STORE_QUEUED && w->r[i].most == -1;
    }
    w->seen = 0;
    assert_int_equal(store_walk_queued(w->s->a.store, world_compare_stretch, w, &e), 0);
    world_check(w, (int64_t)w->seen == queued);
    assert_int_equal(store_stuck(w->s->a.store, &n, &e), 0);
    world_check(w, n == stuck);
    world_compare_counts(w);
    assert_int_equal(store_losses(w->s->a.store, 0, &losses, &found, &e), 0);
    for (size_t i = 0; i < found; i++)
        dropped += losses[i].records;
    free(losses);
    world_check(w, dropped == w->dropped);
    assert_int_equal(store_unsettled(w->s->a.store, &bundles, &found, &e), 0);
    for (size_t b = 0; b < w->nb; b++) {
        if (w->b[b].settled)
            continue;
        world_check(w, open < found && memcmp(&bundles[open].id, &w->b[b].header.id,
                                              sizeof(struct gf_id)) == 0);
        open++;
    }
    world_check(w, open == found);
    free(bundles);
}

#endif
