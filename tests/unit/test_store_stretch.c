/*
 * test_store_stretch.c -- the agent's store: records without receipt are kept in stretches, and yet
 * each has a state of its own.
 */
#include "store_testing.h"

#include "gapferry/digest.h"

/* What was done to each record, beside what the store says. */
struct model {
    struct gf_id ids[300];
    enum store_state state[300];
    size_t n;
    unsigned random;
};

static size_t any_of(struct model *m, size_t n) {
    m->random = m->random * 1103515245U + 12345U;
    return m->random / 65536U % n;
}

static void add_some(struct site *s, struct model *m) {
    const char *channel = any_of(m, 3) ? "metrics" : "license";

    for (size_t i = any_of(m, 5); i > 0 && m->n < 300; i--) {
        m->ids[m->n] = site_add(s, channel, "{}", 0);
        m->state[m->n++] = STORE_QUEUED;
    }
}

static void receive_one(struct site *s, struct model *m) {
    struct gf_receipt r = {.state = GF_STATE_DELIVERED};
    const char *odd;
    size_t i = any_of(m, m->n);

    r.record = m->ids[i];
    gf_digest_256("{}", 2, &r.digest);
    int moved = store_receipt(s->a.store, &kit_relay.card.identity, &r, s->a.now + 1, &odd, &e);
    assert_int_not_equal(moved, -1);
    if (moved)
        m->state[i] = STORE_DELIVERED;
}

static void take_back_one(struct site *s, struct model *m) {
    struct store_resent r;
    size_t i = any_of(m, m->n);
    struct gf_id held[300];
    struct site_request q;
    size_t n = 0;

    if (m->state[i] != STORE_EXPORTED)
        return;
    for (size_t b = 0; b < site_unsettled(s) && n == 0; b++) {
        struct store_bundle bundle = site_bundle(s, b);
        site_read(s, &bundle, &q);
        for (size_t k = 0; k < q.n; k++)
            if (memcmp(&q.ids[k], &m->ids[i], sizeof q.ids[k]) == 0)
                n = q.n;
        memcpy(held, q.ids, n * sizeof *held);
        site_request_free(&q);
    }
    assert_true(n > 0);
    s->a.now++;
    assert_int_equal(
        store_resend(s->a.store, &(struct store_resend){.record = &m->ids[i]}, s->a.now, &r, &e),
        0);
    assert_int_equal(r.bundles, 1);
    for (size_t k = 0; k < n; k++)
        for (size_t x = 0; x < m->n; x++)
            if (memcmp(&held[k], &m->ids[x], sizeof held[k]) == 0 && m->state[x] == STORE_EXPORTED)
                m->state[x] = STORE_QUEUED;
}

static void every_record_has_its_own_state_in_whatever_order_things_happen(void **state) {
    const struct export_limits few = {.bytes = 1 << 20, .records = 13};
    struct export_result r;
    struct site *s = *state;
    struct model m = {.random = 4};
    size_t backs = 0;

    for (int step = 0; step < 200; step++) {
        size_t what = any_of(&m, 12);

        if (what < 3 || m.n == 0) {
            add_some(s, &m);
        } else if (what == 3) {
            assert_int_equal(agent_export_within(&s->a, &few, &r, &e), 0);
            for (size_t i = 0; i < m.n; i++)
                m.state[i] = m.state[i] == STORE_QUEUED ? STORE_EXPORTED : m.state[i];
        } else if (what == 4) {
            take_back_one(s, &m);
            backs++;
        } else {
            receive_one(s, &m);
        }
        for (size_t i = 0; i < m.n; i++)
            assert_int_equal(site_state(s, &m.ids[i]), m.state[i]);
        check_tally(s);
    }
    assert_true(m.n > 50 && backs > 5);
}

static void what_is_alike_is_one_stretch_however_often_it_was_parted(void **state) {
    struct gf_receipt r = {.state = GF_STATE_RELAYED};
    struct site *s = *state;
    struct gf_id ids[9];
    const char *odd;
    int64_t again;

    for (size_t i = 0; i < 9; i++)
        ids[i] = site_add(s, "metrics", "{}", 0);
    (void)site_export(s);
    check_tally(s);
    gf_digest_256("{}", 2, &r.digest);
    for (size_t i = 2; i < 9; i += 3) {
        r.record = ids[i];
        assert_int_equal(
            store_receipt(s->a.store, &kit_relay.card.identity, &r, s->a.now, &odd, &e), 1);
        check_tally(s);
    }
    struct store_bundle b = site_bundle(s, 0);
    assert_int_equal(store_withdraw(s->a.store, &b.id, s->a.now, &again, &e), 0);
    assert_int_equal(again, 6);
    check_tally(s);
    for (size_t i = 0; i < 9; i++)
        assert_int_equal(site_state(s, &ids[i]), i % 3 == 2 ? STORE_RELAYED : STORE_QUEUED);
}

static int keep(void *arg, const struct store_stretch *x, struct gf_err *err) {
    (void)err;
    *(struct store_stretch *)arg = *x;
    return 1;
}

static void a_stretch_is_taken_as_far_as_it_fits(void **state) {
    struct site *s = *state;
    int64_t n, bytes, one, two;
    struct store_stretch all;

    for (size_t i = 0; i < 5; i++)
        site_add(s, "metrics", "{}", 0);
    assert_int_equal(store_walk_queued(s->a.store, keep, &all, &e), 0);
    assert_true(all.rows.first == 1 && all.rows.last == 5);
    assert_int_equal(store_fit(s->a.store, &all, 1, INT64_MAX, &n, &one, &e), 0);
    assert_int_equal(n, 1);
    assert_true(all.bytes == 5 * one);
    assert_int_equal(store_fit(s->a.store, &all, 9, INT64_MAX, &n, &bytes, &e), 0);
    assert_true(n == 5 && bytes == 5 * one);
    assert_int_equal(store_fit(s->a.store, &all, 9, 3 * one - 1, &n, &two, &e), 0);
    assert_true(n == 2 && two == 2 * one);
    assert_int_equal(store_fit(s->a.store, &all, 9, one - 1, &n, &bytes, &e), 0);
    assert_true(n == 0 && bytes == 0);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, site_setup, site_teardown)
    const struct CMUnitTest tests[] = {
        T(every_record_has_its_own_state_in_whatever_order_things_happen),
        T(what_is_alike_is_one_stretch_however_often_it_was_parted),
        T(a_stretch_is_taken_as_far_as_it_fits),
    };
    return cmocka_run_group_tests(tests, kit_setup, kit_teardown);
}
