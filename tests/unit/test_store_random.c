/*
 * test_store_random.c -- the agent's store does what a plain list of records and bundles does, in
 * whatever order things happen to it: random sequences of all its verbs, for many seeds.
 */
#include "store_random.h"

#define SEEDS 8 /* many more: SEED=1 SEEDS=1000 test-store_random */
#define STEPS 120

/* ---- what comes and goes ---- */

static void do_accept(struct world *w) {
    const char *channel = world_channels[world_any(w, WORLD_CHANNELS)];
    struct store_cap cap = {.drop = (int)world_any(w, 2)};
    size_t k = world_any(w, 40) == 0 ? 300 : 1 + world_any(w, 6), accepted, n = 0;
    struct store_batch b = {0};
    int64_t size[300];

    if (world_any(w, 2))
        cap.records = 1 + (int64_t)world_any(w, 60);
    if (world_any(w, 3) == 0)
        cap.bytes = 1 + (int64_t)world_any(w, 9000);
    for (; n < k && w->n + n < WORLD_RECORDS; n++) {
        struct gf_record r = world_record(w, w->n + n, channel);
        size_t before = b.lines.len;

        assert_int_equal(store_batch_add(&b, &r, &e), 0);
        size[n] = (int64_t)(b.lines.len - before);
    }
    assert_int_equal(store_accept(w->s->a.store, channel, &b, &cap, w->now, &accepted, &e), 0);
    store_batch_free(&b);
    assert_int_equal(accepted, world_accept(w, channel, size, n, &cap));
}

static void do_drop(struct world *w) {
    const char *channel = world_channels[world_any(w, WORLD_CHANNELS)];
    int64_t before = world_any(w, 4) ? w->now - (int64_t)world_any(w, 60) : INT64_MAX, n, gone = 0;

    for (size_t i = 0; i < w->n; i++)
        if (world_never_left(&w->r[i], channel) && w->r[i].accepted < before) {
            w->r[i].there = 0;
            gone++;
        }
    if (before == INT64_MAX)
        assert_int_equal(store_discard(w->s->a.store, channel, w->now, &n, &e), 0);
    else
        assert_int_equal(store_drop_before(w->s->a.store, channel, before, w->now, &n, &e), 0);
    assert_int_equal(n, gone);
    w->dropped += gone;
}

static void do_forget(struct world *w) {
    int64_t before = w->now - (int64_t)world_any(w, 200), n, gone = 0;

    for (size_t i = 0; i < w->n; i++)
        if (w->r[i].there && w->r[i].state >= STORE_DELIVERED && w->r[i].since < before) {
            w->r[i].there = 0;
            gone++;
        }
    assert_int_equal(store_forget(w->s->a.store, before, &n, &e), 0);
    assert_int_equal(n, gone);
}

static void do_deny(struct world *w) {
    const char *channel = world_channels[world_any(w, WORLD_CHANNELS)];
    struct store_denial d;
    int64_t deleted = 0;
    size_t bundles = 0;

    for (size_t b = 0; b < w->nb; b++)
        if (!w->b[b].settled && world_holds_open(w, b, channel)) {
            (void)world_withdraw(w, b);
            bundles++;
        }
    for (size_t i = 0; i < w->n; i++)
        if (world_waits(&w->r[i]) && strcmp(w->r[i].channel, channel) == 0) {
            w->r[i].there = 0;
            w->r[i].denied = world_was_held(w, i);
            deleted++;
        }
    assert_int_equal(store_set_consent(w->s->a.store, channel, STORE_DENIED, "she", w->now, &d, &e),
                     0);
    assert_int_equal(d.deleted, deleted);
    assert_int_equal(d.n, bundles);
    free(d.bundles);
}

/* ---- bundles ---- */

struct pick {
    struct world *w;
    struct store_range rows[64];
    size_t n;
    int64_t records;
    size_t relay;
};

static int pick_one(void *arg, const struct store_stretch *x, struct gf_err *err) {
    struct pick *p = arg;
    int64_t most = 1 + (int64_t)world_any(p->w, 40), n, bytes;

    if (x->most == -1 || world_any(p->w, 3) == 0 || p->n == 64 ||
        (x->has_relay && memcmp(&x->relay, world_relay(p->relay), sizeof x->relay) != 0))
        return 0;
    if (x->most > 0 && x->most < most)
        most = x->most;
    if (store_fit(p->w->s->a.store, x, most, 200 + (int64_t)world_any(p->w, 9000), &n, &bytes,
                  err) == -1)
        return -1;
    if (n > 0)
        p->rows[p->n++] = (struct store_range){x->rows.first, x->rows.first + n - 1};
    p->records += n;
    return 0;
}

static void do_export(struct world *w) {
    struct pick p = {.w = w, .relay = 1 + world_any(w, WORLD_RELAYS)};
    size_t b = world_new_bundle(w, p.relay);

    if (b == WORLD_BUNDLES)
        return;
    assert_int_equal(store_walk_queued(w->s->a.store, pick_one, &p, &e), 0);
    struct store_carried c = {.rows = p.rows, .n = p.n, .records = p.records};

    /* One that is not queued: nothing happens. */
    size_t odd = world_any(w, w->n + 1);
    int bad = odd < w->n && !(w->r[odd].there && w->r[odd].state == STORE_QUEUED) && p.n < 64 &&
              (p.n == 0 || p.rows[p.n - 1].last < (int64_t)odd + 1);
    if (bad) {
        p.rows[c.n++] = (struct store_range){(int64_t)odd + 1, (int64_t)odd + 1};
        c.records++;
        assert_fails(
            store_exported(w->s->a.store, &w->b[b].header, &w->b[b].digest, &c, w->now, &e),
            GF_E_BUSY, "left the queue");
        return;
    }
    assert_int_equal(
        store_exported(w->s->a.store, &w->b[b].header, &w->b[b].digest, &c, w->now, &e), 0);
    for (size_t k = 0; k < p.n; k++)
        for (int64_t row = p.rows[k].first; row <= p.rows[k].last; row++) {
            world_hold(w, b, (size_t)row - 1);
            w->r[row - 1].relay = p.relay;
            world_move(w, (size_t)row - 1, STORE_EXPORTED);
        }
    w->b[b].open = w->b[b].records;
    w->nb++;
}

static void do_adopt(struct world *w) {
    struct store *s = w->s->a.store;
    size_t relay = 1 + world_any(w, WORLD_RELAYS), b = world_new_bundle(w, relay);
    struct store_adopting x;

    if (b == WORLD_BUNDLES)
        return;
    int64_t known = 0;
    assert_int_equal(store_begin(s, &e), 0);
    assert_int_equal(store_adopt_begin(s, &w->b[b].header, &w->b[b].digest, w->now, &x, &e), 0);
    for (size_t k = 1 + world_any(w, 5); k > 0; k--) {
        size_t i = world_any(w, w->n + 2);

        if (i >= w->n && w->n < WORLD_RECORDS) {
            i = w->n;
        } else if (i >= w->n || !w->r[i].there || w->b[b].held[i]) {
            continue;
        } else {
            known++;
        }
        struct gf_record r = world_record(w, i, i < w->n ? w->r[i].channel : "metrics");
        assert_int_equal(store_adopt(s, &x, &r, &e), 0);
        if (i == w->n)
            world_accepted(w, "metrics", world_size(&r));
        world_hold(w, b, i);
        if (w->r[i].state == STORE_QUEUED) {
            world_move(w, i, STORE_EXPORTED);
            w->r[i].relay = relay;
        }
        w->b[b].open += w->r[i].state == STORE_EXPORTED;
    }
    assert_int_equal(x.added, w->b[b].records - known);
    assert_int_equal(store_end(s, store_adopt_end(s, &x, &e), &e), 0);
    w->b[b].settled = w->b[b].records > 0 && w->b[b].open == 0;
    w->nb++;
}

static void do_refuse(struct world *w) {
    size_t b = world_any(w, w->nb);
    int64_t records, stuck, alone = 0, back = 0;

    if (!w->b[b].settled) {
        for (size_t i = 0; i < w->n; i++) {
            struct world_record *r = &w->r[i];

            if (!w->b[b].held[i] || !r->there || r->state != STORE_EXPORTED)
                continue;
            if (r->refused++ > 0)
                r->most = w->b[b].records > 1 ? (w->b[b].records + 1) / 2 : -1;
            alone += r->most == -1;
        }
        back = world_withdraw(w, b);
    }
    assert_int_equal(store_refused(w->s->a.store, &w->b[b].header.id, w->now, &records, &stuck, &e),
                     0);
    assert_int_equal(records, back);
    assert_int_equal(stuck, alone);
}

static void do_withdraw(struct world *w) {
    size_t b = world_any(w, w->nb);
    int64_t records, back = w->b[b].settled ? 0 : world_withdraw(w, b);

    assert_int_equal(store_withdraw(w->s->a.store, &w->b[b].header.id, w->now, &records, &e), 0);
    assert_int_equal(records, back);
}

static void do_write(struct world *w) {
    size_t b = world_any(w, w->nb);

    assert_int_equal(store_written(w->s->a.store, &w->b[b].header.id, w->now, &e), 0);
    w->b[b].settled |= w->b[b].records == 0;
}

/* ---- receipts, and bundling anew ---- */

static void do_receive(struct world *w) {
    static const enum store_state states[] = {STORE_RELAYED, STORE_DELIVERED, STORE_REJECTED,
                                              STORE_EXPIRED};
    struct gf_receipt r = {.state = (enum gf_state)world_any(w, 4), .reason = "so"};
    size_t i = world_any(w, w->n), relay = 1 + world_any(w, WORLD_RELAYS);
    const char *odd = NULL;

    r.record = w->r[i].id;
    gf_digest_256("{}", world_any(w, 20) ? 2 : 1, &r.digest);
    const char *want = world_odd(w, i, relay, &r);
    int moves = !want && (w->r[i].state <= STORE_RELAYED && w->r[i].state != states[r.state]);
    assert_int_equal(store_receipt(w->s->a.store, world_relay(relay), &r, w->now, &odd, &e), moves);
    if (want || odd)
        assert_string_equal(odd ? odd : "", want ? want : "");
    if (moves) {
        if (w->r[i].state <= STORE_EXPORTED)
            world_close(w, i);
        world_move(w, i, states[r.state]);
    }
}

/* Records of the model that resend releases. */
static int64_t release(struct world *w, size_t i, size_t to, int left) {
    struct world_record *r = &w->r[i];

    if (!r->there || r->state != STORE_QUEUED || (left && r->relay == 0))
        return 0;
    r->refused = r->most = 0;
    r->relay = to ? to : r->relay;
    return 1;
}

static void do_resend(struct world *w) {
    size_t what = world_any(w, 5), i = world_any(w, w->n), b = world_any(w, w->nb);
    size_t to = world_any(w, WORLD_RELAYS + 2);
    struct store_resend q = {.to = (to = to > WORLD_RELAYS ? 0 : to) ? world_relay(to) : NULL};
    struct store_resent want = {.known = 1}, got;

    if (what < 3)
        q.record = &w->r[i].id;
    else if (what == 3)
        q.bundle = &w->b[b].header.id;
    want.known = what != 3 ? what > 3 || w->r[i].there : 1;
    want.state = what < 3 && want.known ? w->r[i].state : STORE_QUEUED;
    for (size_t x = 0; x < w->nb && want.known; x++)
        if (!w->b[x].settled && (what < 3    ? w->b[x].held[i] && world_waits(&w->r[i])
                                 : what == 3 ? x == b
                                             : w->b[x].records > 0)) {
            (void)world_withdraw(w, x);
            want.bundles++;
        }
    for (size_t x = 0; x < w->n && want.known; x++)
        if (what < 3 ? x == i : what > 3 || w->b[b].held[x])
            want.records += release(w, x, to, what > 3);
    assert_int_equal(store_resend(w->s->a.store, &q, w->now, &got, &e), 0);
    assert_int_equal(got.known, want.known);
    assert_int_equal(got.state, want.state);
    assert_int_equal(got.bundles, want.bundles);
    assert_int_equal(got.records, want.records);
}

/* ---- and all of it in a random order ---- */

static void one_step(struct world *w) {
    static void (*const verbs[])(struct world *) = {
        do_export, do_export,   do_export, do_receive, do_receive, do_receive, do_receive,
        do_refuse, do_withdraw, do_write,  do_resend,  do_forget,  do_adopt,   do_refuse,
    };
    size_t what = world_any(w, 22);

    w->now += (int64_t)world_any(w, 9);
    if (w->n == 0 || w->nb == 0 || what > 15)
        w->n == 0 || what % 2 ? do_accept(w) : do_export(w);
    else if (what > 13)
        world_any(w, 3) ? do_drop(w) : do_deny(w);
    else
        verbs[what](w);
}

static void the_store_agrees_with_a_plain_list_whatever_happens(void **state) {
    const char *first = getenv("SEED"), *count = getenv("SEEDS");
    unsigned from = first ? (unsigned)strtoul(first, NULL, 10) : 1;
    unsigned to = from + (count ? (unsigned)strtoul(count, NULL, 10) : SEEDS);

    for (unsigned seed = from; seed < to; seed++) {
        struct world *w = world_new(seed);

        for (w->step = 0; w->step < STEPS; w->step++) {
            one_step(w);
            world_compare(w);
            if (world_any(w, 30) == 0)
                site_reopen(w->s);
        }
        check_tally(w->s);
        world_free(w);
    }
    (void)state;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_store_agrees_with_a_plain_list_whatever_happens),
    };
    return cmocka_run_group_tests(tests, kit_setup, kit_teardown);
}
