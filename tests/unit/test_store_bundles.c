/*
 * test_store_bundles.c -- the agent's store: bundles out and bundles in, their numbers, `have`.
 */
#include "agent_testing.h"

#include "gapferry/digest.h"

static const struct gf_hash *relay(void) {
    return &kit_relay.card.identity;
}

static struct store_seq take(struct site *s) {
    struct store_seq seq;

    assert_int_equal(store_take_seq(s->a.store, relay(), &seq, &e), 0);
    return seq;
}

static struct gf_hash digest_of(int64_t seq) {
    struct gf_hash h = {{0}};

    h.b[0] = (uint8_t)seq;
    h.b[1] = 99;
    return h;
}

static struct gf_id note(struct site *s, const struct store_seq *seq, const struct gf_id *ids,
                         size_t n) {
    struct gf_header h = {.to = *relay(), .stream = seq->stream, .seq = seq->seq};
    struct gf_hash digest = digest_of(seq->seq);

    gf_digest_random(h.id.b, sizeof h.id.b);
    assert_int_equal(site_exported(s, &h, &digest, ids, n, s->a.now, &e), 0);
    return h.id;
}

static void check_voids(struct site *s, const int64_t *want, size_t nwant) {
    int64_t *voids;
    size_t n;

    assert_int_equal(store_voids(s->a.store, relay(), &voids, &n, &e), 0);
    assert_int_equal(n, nwant);
    for (size_t i = 0; i < nwant; i++)
        assert_true(voids[i] == want[i]);
    free(voids);
}

/* ---- numbers ---- */

static void numbers_rise_in_one_stream_for_each_relay_and_survive_a_restart(void **state) {
    struct site *s = *state;
    struct store_seq one = take(s);
    struct store_seq elsewhere;

    assert_true(one.seq == 1 && !one.has_prev);
    site_reopen(s);
    struct store_seq two = take(s);
    assert_true(two.seq == 2);
    assert_memory_equal(one.stream.b, two.stream.b, sizeof one.stream.b);
    assert_int_equal(store_take_seq(s->a.store, &kit_other.card.identity, &elsewhere, &e), 0);
    assert_true(elsewhere.seq == 1);
    assert_memory_equal(one.stream.b, elsewhere.stream.b, sizeof one.stream.b);
}

static void prev_is_the_last_bundle_that_was_noted(void **state) {
    struct site *s = *state;
    struct gf_hash want = digest_of(2);

    (void)take(s); /* 1 never comes to be */
    struct store_seq two = take(s);
    assert_false(two.has_prev);
    note(s, &two, NULL, 0);
    (void)take(s);
    struct store_seq four = take(s);
    assert_true(four.seq == 4 && four.has_prev);
    assert_memory_equal(four.prev.b, want.b, sizeof want.b);
}

static void numbers_without_a_bundle_are_void(void **state) {
    struct site *s = *state;
    struct store_seq seq;

    check_voids(s, NULL, 0);
    (void)take(s);
    (void)take(s);
    check_voids(s, (const int64_t[]){1, 2}, 2);
    struct gf_id a = site_add(s, "metrics", "{}", 0), b = site_add(s, "metrics", "{}", 0);
    seq = take(s);
    note(s, &seq, &a, 1);
    (void)take(s);
    seq = take(s);
    note(s, &seq, &b, 1);
    check_voids(s, (const int64_t[]){1, 2, 4}, 3);
    (void)take(s);
    check_voids(s, (const int64_t[]){1, 2, 4, 6}, 4);
}

/* The receipt of a record that the relay has. */
static void settle(struct site *s, const struct gf_id *record) {
    struct gf_receipt r = {.record = *record, .state = GF_STATE_RELAYED};
    const char *odd;

    gf_digest_256("{}", 2, &r.digest);
    assert_int_equal(store_receipt(s->a.store, relay(), &r, 9, &odd, &e), 1);
}

static void
a_bundle_of_have_alone_is_void_in_the_next_until_a_later_one_has_its_receipts(void **state) {
    struct site *s = *state;
    struct gf_id ids[2] = {site_add(s, "metrics", "{}", 0), site_add(s, "metrics", "{}", 0)};

    struct store_seq seq = take(s);
    struct gf_id greeting = note(s, &seq, NULL, 0);
    assert_int_equal(store_written(s->a.store, &greeting, 5, &e), 0);
    check_voids(s, (const int64_t[]){1}, 1);
    seq = take(s);
    note(s, &seq, ids, 2);
    check_voids(s, (const int64_t[]){1}, 1); /* one with records is evidence if it is lost */
    settle(s, &ids[0]);
    check_voids(s, (const int64_t[]){1}, 1);
    settle(s, &ids[1]);
    check_voids(s, NULL, 0);
    seq = take(s);
    note(s, &seq, NULL, 0);
    check_voids(s, (const int64_t[]){3}, 1);
    /* It still is the one before the next. */
    assert_true(take(s).has_prev);
}

static void only_the_last_voids_are_listed_where_there_are_too_many(void **state) {
    struct site *s = *state;
    int64_t *voids;
    size_t n;

    assert_int_equal(store_begin(s->a.store, &e), 0);
    for (int i = 0; i < GF_VOID_MAX + 10; i++)
        (void)take(s);
    assert_int_equal(store_end(s->a.store, 0, &e), 0);
    assert_int_equal(store_voids(s->a.store, relay(), &voids, &n, &e), 0);
    assert_int_equal(n, GF_VOID_MAX);
    assert_true(voids[0] == 11 && voids[n - 1] == GF_VOID_MAX + 10);
    free(voids);
}

static void a_bundle_withdrawn_before_it_was_written_is_void_and_no_prev(void **state) {
    struct site *s = *state;
    struct gf_hash want = digest_of(1);
    int64_t again;

    struct gf_id a = site_add(s, "metrics", "{}", 0);
    struct store_seq seq = take(s);
    struct gf_id first = note(s, &seq, &a, 1);
    seq = take(s);
    struct gf_id second = note(s, &seq, NULL, 0);
    assert_int_equal(store_written(s->a.store, &first, 5, &e), 0);
    assert_int_equal(store_withdraw(s->a.store, &first, 6, &again, &e), 0);
    assert_int_equal(store_withdraw(s->a.store, &second, 6, &again, &e), 0);
    check_voids(s, (const int64_t[]){2}, 1);
    seq = take(s);
    assert_true(seq.has_prev);
    assert_memory_equal(seq.prev.b, want.b, sizeof want.b);
}

static void a_record_cannot_be_noted_in_a_bundle_when_it_is_not_queued(void **state) {
    struct site *s = *state;
    struct gf_id ids[2] = {site_add(s, "metrics", "{}", 0), site_add(s, "metrics", "{}", 0)};
    struct gf_header h = {.to = *relay(), .seq = 2};
    struct gf_hash digest = digest_of(2);
    struct store_bundle b;

    struct store_seq seq = take(s);
    note(s, &seq, &ids[1], 1);
    h.stream = take(s).stream;
    assert_fails(site_exported(s, &h, &digest, ids, 2, 5, &e), GF_E_BUSY, "left the queue");
    assert_int_equal(site_state(s, &ids[0]), STORE_QUEUED);
    assert_int_equal(store_bundle(s->a.store, &h.id, &b, &e), 0);
}

/* Enough rows for several chunks, two bundles to two relays among each other. */
static void each_record_of_a_large_bundle_is_known_to_have_gone_to_its_relay_only(void **state) {
    static struct gf_id all[700], ids[2][700];
    struct gf_receipt r = {.state = GF_STATE_RELAYED};
    const struct gf_hash *to[2] = {relay(), &kit_other.card.identity};
    struct site *s = *state;
    struct store_seq seq = take(s);
    size_t n[2] = {0, 0};
    struct store_bundle b;
    const char *odd;

    assert_int_equal(store_begin(s->a.store, &e), 0);
    for (size_t i = 0; i < 700; i++) {
        size_t way = i % 7 == 0 || i >= 600;
        all[i] = ids[way][n[way]++] = site_add(s, "metrics", "{}", 0);
    }
    for (size_t way = 0; way < 2; way++) {
        struct gf_header h = {.id.b[0] = (uint8_t)way, .to = *to[way], .stream = seq.stream};
        struct gf_hash digest = digest_of(1);
        h.seq = 1;
        assert_int_equal(site_exported(s, &h, &digest, ids[way], n[way], s->a.now, &e), 0);
    }
    gf_digest_256("{}", 2, &r.digest);
    for (size_t i = 0; i < 700; i++) {
        size_t way = i % 7 == 0 || i >= 600;
        r.record = all[i];
        assert_int_equal(store_receipt(s->a.store, to[!way], &r, 9, &odd, &e), 0);
        assert_string_equal(odd, "other relay");
        assert_int_equal(store_receipt(s->a.store, to[way], &r, 9, &odd, &e), 1);
    }
    assert_int_equal(store_end(s->a.store, 0, &e), 0);
    for (size_t way = 0; way < 2; way++) {
        struct gf_id id = {.b[0] = (uint8_t)way};
        assert_int_equal(store_bundle(s->a.store, &id, &b, &e), 1);
        assert_true(b.settled && b.records == (int64_t)n[way]);
    }
}

static void bundles_are_told_oldest_first_with_their_file(void **state) {
    struct site *s = *state;
    struct gf_id ids[2] = {site_add(s, "metrics", "{}", 0), site_add(s, "metrics", "{}", 0)};
    struct store_seq seq = take(s);
    struct gf_id first = note(s, &seq, &ids[0], 1);
    char hex[GF_ID_TEXT];

    seq = take(s);
    struct gf_id second = note(s, &seq, &ids[1], 1);
    gf_text_hex(first.b, sizeof first.b, hex);
    assert_int_equal(site_unsettled(s), 2);
    assert_memory_equal(site_bundle(s, 0).file, hex, 32);
    assert_string_equal(site_bundle(s, 0).file + 32, ".gfb");
    assert_memory_equal(site_bundle(s, 1).id.b, second.b, sizeof second.b);
    assert_true(site_bundle(s, 1).seq == 2 && site_bundle(s, 1).records == 1);
    assert_true(site_bundle(s, 1).created == SITE_NOW && site_bundle(s, 1).written == 0);
    assert_int_equal(store_written(s->a.store, &second, 77, &e), 0);
    assert_true(site_bundle(s, 1).written == 77 && !site_bundle(s, 1).settled);
}

static void a_bundle_that_carries_only_have_is_settled_by_being_written(void **state) {
    struct site *s = *state;
    struct store_seq seq = take(s);
    struct gf_id id = note(s, &seq, NULL, 0);

    assert_int_equal(site_unsettled(s), 1);
    assert_int_equal(store_written(s->a.store, &id, 77, &e), 0);
    assert_int_equal(site_unsettled(s), 0);
}

/* ---- what came in ---- */

static struct gf_header response(int64_t seq) {
    struct gf_header h = {.from = *relay(), .seq = seq, .stream = {"a response's."}};

    return h;
}

static void apply(struct site *s, int64_t seq, int64_t items) {
    struct gf_header h = response(seq);
    struct gf_hash digest = digest_of(seq);

    assert_int_equal(store_applied(s->a.store, &h, &digest, items, 5, &e), 0);
}

static void a_response_is_known_by_its_number_and_a_fork_by_its_digest(void **state) {
    struct site *s = *state;
    struct gf_header h = response(3);
    struct gf_hash digest = digest_of(3), other = digest_of(4);

    assert_int_equal(store_is_applied(s->a.store, &h, &digest, &e), 0);
    apply(s, 3, 1);
    site_reopen(s);
    assert_int_equal(store_is_applied(s->a.store, &h, &digest, &e), 1);
    assert_int_equal(store_is_applied(s->a.store, &h, &other, &e), 2);
    /* Whoever notes the fork all the same does not replace what was first. */
    assert_int_equal(store_applied(s->a.store, &h, &other, 1, 6, &e), 0);
    assert_int_equal(store_is_applied(s->a.store, &h, &digest, &e), 1);
    h.from.b[0] ^= 1;
    assert_int_equal(store_is_applied(s->a.store, &h, &digest, &e), 0);
    h = response(3);
    h.stream.b[0] ^= 1;
    assert_int_equal(store_is_applied(s->a.store, &h, &digest, &e), 0);
}

static void have_is_compact_and_voids_count(void **state) {
    struct site *s = *state;
    struct gf_header h = response(9);
    struct gf_have *have;
    size_t n;

    assert_int_equal(store_have(s->a.store, relay(), &have, &n, &e), 0);
    assert_int_equal(n, 0);
    store_have_free(have, n);
    apply(s, 9, 1);
    apply(s, 2, 1);
    apply(s, 1, 1);
    apply(s, 5, 1);
    assert_int_equal(store_have(s->a.store, relay(), &have, &n, &e), 0);
    assert_int_equal(n, 1);
    assert_memory_equal(have[0].stream.b, h.stream.b, sizeof h.stream.b);
    assert_true(have[0].upto == 2);
    assert_int_equal(have[0].nalso, 2);
    assert_true(have[0].also[0] == 5 && have[0].also[1] == 9);
    store_have_free(have, n);

    assert_int_equal(store_void_in(s->a.store, &h, (const int64_t[]){2, 3, 4}, 3, 5, &e), 0);
    assert_int_equal(store_have(s->a.store, relay(), &have, &n, &e), 0);
    assert_true(n == 1 && have[0].upto == 5 && have[0].nalso == 1);
    store_have_free(have, n);
    assert_int_equal(store_have(s->a.store, &kit_other.card.identity, &have, &n, &e), 0);
    assert_int_equal(n, 0);
    store_have_free(have, n);

    /* What was declared void, and comes all the same, is applied. */
    struct gf_hash digest = digest_of(3);
    h = response(3);
    assert_int_equal(store_is_applied(s->a.store, &h, &digest, &e), 0);
    apply(s, 3, 1);
    assert_int_equal(store_is_applied(s->a.store, &h, &digest, &e), 1);
}

static void have_states_no_more_than_a_reader_takes(void **state) {
    struct site *s = *state;
    struct gf_have *have;
    size_t n;

    assert_int_equal(store_begin(s->a.store, &e), 0);
    for (int64_t i = 1; i <= GF_ALSO_MAX + 5; i++)
        apply(s, 2 * i, 1);
    assert_int_equal(store_end(s->a.store, 0, &e), 0);
    assert_int_equal(store_have(s->a.store, relay(), &have, &n, &e), 0);
    assert_true(n == 1 && have[0].upto == 0);
    assert_int_equal(have[0].nalso, GF_ALSO_MAX);
    assert_true(have[0].also[0] == 2);
    store_have_free(have, n);
}

static void have_is_due_until_a_request_has_said_it(void **state) {
    struct site *s = *state;

    assert_int_equal(store_have_is_due(s->a.store, relay(), &e), 0);
    apply(s, 1, 0); /* no items: nothing to acknowledge */
    assert_int_equal(store_have_is_due(s->a.store, relay(), &e), 0);
    apply(s, 2, 3);
    assert_int_equal(store_have_is_due(s->a.store, relay(), &e), 1);
    assert_int_equal(store_have_is_due(s->a.store, &kit_other.card.identity, &e), 0);
    struct store_seq seq = take(s);
    note(s, &seq, NULL, 0);
    assert_int_equal(store_have_is_due(s->a.store, relay(), &e), 0);
}

static void have_is_due_again_when_who_said_it_may_be_lost(void **state) {
    struct site *s = *state;
    struct gf_header h = response(1);
    struct store_seq seq;
    struct gf_id bundle;
    int64_t again;

    /* Not yet written: it will still be said. */
    apply(s, 1, 3);
    seq = take(s);
    bundle = note(s, &seq, NULL, 0);
    assert_int_equal(store_come_again(s->a.store, &h, &e), 0);
    assert_int_equal(store_have_is_due(s->a.store, relay(), &e), 0);
    /* Written once, and the response comes again. */
    assert_int_equal(store_written(s->a.store, &bundle, 5, &e), 0);
    assert_int_equal(store_come_again(s->a.store, &h, &e), 0);
    assert_int_equal(store_have_is_due(s->a.store, relay(), &e), 1);
    /* Said by a bundle with records: that one is carried until it has receipts. */
    struct gf_id id = site_add(s, "metrics", "{}", 0);
    seq = take(s);
    bundle = note(s, &seq, &id, 1);
    assert_int_equal(store_written(s->a.store, &bundle, 5, &e), 0);
    assert_int_equal(store_come_again(s->a.store, &h, &e), 0);
    assert_int_equal(store_have_is_due(s->a.store, relay(), &e), 0);
    /* Said by one that was withdrawn before it left. */
    apply(s, 2, 1);
    struct gf_id later = site_add(s, "metrics", "{}", 0);
    seq = take(s);
    bundle = note(s, &seq, &later, 1);
    assert_int_equal(store_have_is_due(s->a.store, relay(), &e), 0);
    assert_int_equal(store_withdraw(s->a.store, &bundle, 6, &again, &e), 0);
    assert_int_equal(store_have_is_due(s->a.store, relay(), &e), 1);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, site_setup, site_teardown)
    const struct CMUnitTest tests[] = {
        T(numbers_rise_in_one_stream_for_each_relay_and_survive_a_restart),
        T(prev_is_the_last_bundle_that_was_noted),
        T(numbers_without_a_bundle_are_void),
        T(a_bundle_of_have_alone_is_void_in_the_next_until_a_later_one_has_its_receipts),
        T(only_the_last_voids_are_listed_where_there_are_too_many),
        T(a_bundle_withdrawn_before_it_was_written_is_void_and_no_prev),
        T(a_record_cannot_be_noted_in_a_bundle_when_it_is_not_queued),
        T(each_record_of_a_large_bundle_is_known_to_have_gone_to_its_relay_only),
        T(bundles_are_told_oldest_first_with_their_file),
        T(a_bundle_that_carries_only_have_is_settled_by_being_written),
        T(a_response_is_known_by_its_number_and_a_fork_by_its_digest),
        T(have_is_compact_and_voids_count),
        T(have_states_no_more_than_a_reader_takes),
        T(have_is_due_until_a_request_has_said_it),
        T(have_is_due_again_when_who_said_it_may_be_lost),
    };
    return cmocka_run_group_tests(tests, kit_setup, kit_teardown);
}
