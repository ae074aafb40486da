/*
 * test_store.c -- the agent's queue: records, their states, receipts, answers, consent, peers.
 */
#include "agent_testing.h"

#include "gapferry/digest.h"

/* Note a bundle with these records as if it had been written to the outbox. */
static struct gf_id note(struct site *s, const struct gf_identity *relay, const struct gf_id *ids,
                         size_t n) {
    struct gf_header h = {.to = relay->card.identity, .from = kit_site.card.identity};
    struct store_seq seq;
    struct gf_hash digest;

    assert_int_equal(store_take_seq(s->a.store, &h.to, &seq, &e), 0);
    gf_digest_random(h.id.b, sizeof h.id.b);
    h.stream = seq.stream;
    h.seq = seq.seq;
    gf_digest_256(&h.id, sizeof h.id, &digest);
    assert_int_equal(site_exported(s, &h, &digest, ids, n, s->a.now, &e), 0);
    return h.id;
}

static struct gf_receipt receipt(const struct gf_id *id, const char *body, enum gf_state state) {
    struct gf_receipt r = {.record = *id, .state = state};

    gf_digest_256(body, strlen(body), &r.digest);
    return r;
}

/* What a receipt from kit_relay does: 1, or 0 and *odd. */
static int take(struct site *s, const struct gf_receipt *r, const char **odd) {
    int rc = store_receipt(s->a.store, &kit_relay.card.identity, r, s->a.now + 5, odd, &e);

    assert_int_not_equal(rc, -1);
    return rc;
}

/* ---- the queue ---- */

static int collect(void *arg, const struct store_record *r, struct gf_err *err) {
    struct gf_buf *b = arg;

    (void)err;
    gf_buf_printf(b, "%s/%s/%.*s", r->channel, store_states[r->state], (int)r->line_len, r->line);
    return 0;
}

static void a_record_is_kept_as_it_was_accepted_and_in_order(void **state) {
    struct site *s = *state;
    struct gf_buf before, after;

    gf_buf_init(&before, 1 << 20);
    gf_buf_init(&after, 1 << 20);
    site_add(s, "metrics", "{\"n\":1}", 0);
    site_add(s, "license", "{\"n\":2}", 1);
    site_add(s, "metrics", "\x01 not text \xff", 0);
    assert_int_equal(store_walk(s->a.store, -1, NULL, collect, &before, &e), 0);
    site_reopen(s);
    assert_int_equal(store_walk(s->a.store, STORE_QUEUED, NULL, collect, &after, &e), 0);
    assert_string_equal(before.data, after.data);
    char *one = strstr(after.data, "{\\\"n\\\":1}");
    char *two = strstr(after.data, "{\\\"n\\\":2}");
    assert_true(one && two && one < two && strstr(two, "body64"));

    gf_buf_clear(&after);
    assert_int_equal(store_walk(s->a.store, -1, "license", collect, &after, &e), 0);
    assert_ptr_equal(strstr(after.data, "license/queued/"), after.data);
    assert_null(strstr(after.data, "metrics"));
    gf_buf_clear(&after);
    assert_int_equal(store_walk(s->a.store, STORE_EXPORTED, NULL, collect, &after, &e), 0);
    assert_int_equal(after.len, 0);
    gf_buf_free(&before);
    gf_buf_free(&after);
}

static void the_digest_is_of_the_bytes_of_the_body(void **state) {
    struct site *s = *state;
    const char *odd = NULL;
    struct gf_id id = site_add(s, "metrics", "\x01\xff", 0);
    struct gf_receipt r = receipt(&id, "\x01\xff", GF_STATE_DELIVERED);

    note(s, &kit_relay, &id, 1);
    assert_int_equal(take(s, &r, &odd), 1);
    assert_null(odd);
}

static void an_id_is_accepted_once(void **state) {
    struct site *s = *state;
    struct gf_record r = {.channel = "metrics",
                          .id = site_add(s, "metrics", "{}", 0),
                          .type = "text/plain",
                          .body = {GF_BODY_TEXT, "{}", 2}};

    assert_fails(store_add(s->a.store, &r, SITE_NOW, &e), GF_E_REPLAY, "in the queue already");
    r.id.b[3] ^= 1;
    r.body.form = GF_BODY_FILE;
    assert_fails(store_add(s->a.store, &r, SITE_NOW, &e), GF_E_USAGE, "a file cannot be queued");
    r.body.form = GF_BODY_TEXT;
    char *large = malloc(GF_LINE_MAX + 1);
    memset(large, 'x', GF_LINE_MAX);
    r.body.data = large;
    r.body.len = GF_LINE_MAX;
    assert_fails(store_add(s->a.store, &r, SITE_NOW, &e), GF_E_LIMIT, "");
    free(large);
    assert_int_equal(site_has(s, &r.id), 0);
}

static int stop_at_second(void *arg, const struct store_record *r, struct gf_err *err) {
    (void)r, (void)err;
    return ++*(int *)arg == 2;
}

static int fail_at_first(void *arg, const struct store_record *r, struct gf_err *err) {
    (void)arg, (void)r;
    return gf_err_set(err, GF_E_USAGE, "enough");
}

static void a_walk_ends_when_it_is_told_to(void **state) {
    struct site *s = *state;
    int n = 0;

    for (int i = 0; i < 4; i++)
        site_add(s, "metrics", "{}", 0);
    assert_int_equal(store_walk(s->a.store, -1, NULL, stop_at_second, &n, &e), 0);
    assert_int_equal(n, 2);
    assert_fails(store_walk(s->a.store, -1, NULL, fail_at_first, NULL, &e), GF_E_USAGE, "enough");
}

static void records_are_counted_by_channel_and_state(void **state) {
    struct site *s = *state;
    struct store_count *c;
    size_t n;

    assert_int_equal(store_counts(s->a.store, &c, &n, &e), 0);
    assert_int_equal(n, 0);
    free(c);
    struct gf_id first = site_add(s, "metrics", "{}", 0);
    s->a.now += 60;
    site_add(s, "metrics", "{}", 0);
    site_add(s, "license", "{}", 1);
    note(s, &kit_relay, &first, 1);
    assert_int_equal(store_counts(s->a.store, &c, &n, &e), 0);
    assert_int_equal(n, 2);
    assert_string_equal(c[0].channel, "license");
    assert_int_equal(c[0].n[STORE_QUEUED], 1);
    assert_string_equal(c[1].channel, "metrics");
    assert_int_equal(c[1].n[STORE_QUEUED], 1);
    assert_int_equal(c[1].n[STORE_EXPORTED], 1);
    assert_true(c[1].oldest == SITE_NOW + 60);
    assert_true(c[1].bytes[STORE_QUEUED] > 0);
    assert_true(c[1].bytes[STORE_QUEUED] == c[1].bytes[STORE_EXPORTED]);
    assert_true(c[1].bytes[STORE_DELIVERED] == 0);
    free(c);
}

/* ---- receipts ---- */

static void a_receipt_counts_only_where_it_fits(void **state) {
    struct site *s = *state;
    const char *odd = NULL;
    struct gf_id queued = site_add(s, "metrics", "{}", 0);
    struct gf_id sent = site_add(s, "metrics", "{}", 0);
    struct gf_id stranger = {{1}};
    struct gf_receipt r;

    note(s, &kit_relay, &sent, 1);
    r = receipt(&stranger, "{}", GF_STATE_DELIVERED);
    assert_int_equal(take(s, &r, &odd), 0);
    assert_string_equal(odd, "unknown record");
    r = receipt(&sent, "{ }", GF_STATE_DELIVERED);
    assert_int_equal(take(s, &r, &odd), 0);
    assert_string_equal(odd, "other digest");
    r = receipt(&queued, "{}", GF_STATE_DELIVERED);
    assert_int_equal(take(s, &r, &odd), 0);
    assert_string_equal(odd, "never exported");
    r = receipt(&sent, "{}", GF_STATE_DELIVERED);
    assert_int_equal(store_receipt(s->a.store, &kit_other.card.identity, &r, 1, &odd, &e), 0);
    assert_string_equal(odd, "other relay");
    assert_int_equal(site_state(s, &queued), STORE_QUEUED);
    assert_int_equal(site_state(s, &sent), STORE_EXPORTED);

    r.guarantee = GF_GUARANTEE_LEAST;
    assert_int_equal(take(s, &r, &odd), 1);
    assert_null(odd);
    assert_int_equal(site_state(s, &sent), STORE_DELIVERED);
    assert_string_equal(site_find(s, &sent).guarantee, "at-least-once");
}

static void states_move_forward_only_and_final_ones_stay(void **state) {
    static const enum store_state finals[] = {STORE_DELIVERED, STORE_REJECTED, STORE_EXPIRED};
    struct site *s = *state;
    const char *odd = NULL;

    for (int f = 0; f < 3; f++) {
        struct gf_id id = site_add(s, "metrics", "{}", 0);
        struct gf_receipt r = receipt(&id, "{}", GF_STATE_RELAYED);

        note(s, &kit_relay, &id, 1);
        assert_int_equal(take(s, &r, &odd), 1);
        assert_int_equal(site_state(s, &id), STORE_RELAYED);
        assert_int_equal(take(s, &r, &odd), 0); /* seen before */
        assert_null(odd);
        r.state = (enum gf_state)(GF_STATE_DELIVERED + f);
        r.reason = f ? "the vendor's words" : NULL;
        assert_int_equal(take(s, &r, &odd), 1);
        assert_int_equal(site_state(s, &id), finals[f]);
        assert_string_equal(site_find(s, &id).reason, f ? "the vendor's words" : "");
        for (int g = -1; g < 3; g++) {
            r = receipt(&id, "{}", (enum gf_state)(GF_STATE_DELIVERED + g));
            r.reason = "other words";
            odd = NULL;
            assert_int_equal(take(s, &r, &odd), 0);
            if (g == f || g == -1) /* the same again; merely behind */
                assert_null(odd);
            else
                assert_string_equal(odd, "already final");
            assert_int_equal(site_state(s, &id), finals[f]);
        }
        assert_string_equal(site_find(s, &id).reason, f ? "the vendor's words" : "");
    }
}

static void a_bundle_is_settled_by_the_last_receipt(void **state) {
    struct site *s = *state;
    struct gf_id ids[3];
    struct store_bundle b;
    const char *odd;

    for (int i = 0; i < 3; i++)
        ids[i] = site_add(s, "metrics", "{}", 0);
    struct gf_id bundle = note(s, &kit_relay, ids, 3);
    for (int i = 0; i < 3; i++) {
        struct gf_receipt r = receipt(&ids[i], "{}", GF_STATE_RELAYED);

        assert_int_equal(store_bundle(s->a.store, &bundle, &b, &e), 1);
        assert_int_equal(b.settled, 0);
        assert_int_equal(site_unsettled(s), 1);
        /* Twice the same, and a second step of the same record, count once. */
        assert_int_equal(take(s, &r, &odd), 1);
        assert_int_equal(take(s, &r, &odd), 0);
        r.state = GF_STATE_DELIVERED;
        assert_int_equal(take(s, &r, &odd), 1);
    }
    assert_int_equal(store_bundle(s->a.store, &bundle, &b, &e), 1);
    assert_int_equal(b.settled, 1);
    assert_int_equal(site_unsettled(s), 0);
}

static void a_record_in_two_bundles_settles_both(void **state) {
    struct site *s = *state;
    struct gf_id id = site_add(s, "metrics", "{}", 0);
    struct gf_receipt r = receipt(&id, "{}", GF_STATE_DELIVERED);
    int64_t again;
    const char *odd = NULL;

    struct gf_id first = note(s, &kit_relay, &id, 1);
    assert_int_equal(store_written(s->a.store, &first, 5, &e), 0);
    assert_int_equal(store_withdraw(s->a.store, &first, 6, &again, &e), 0);
    assert_true(again == 1);
    assert_int_equal(site_state(s, &id), STORE_QUEUED);
    note(s, &kit_relay, &id, 1);
    assert_int_equal(take(s, &r, &odd), 1);
    assert_int_equal(site_unsettled(s), 0);
}

/* The bundle may have travelled before it was withdrawn. */
static void a_record_that_was_queued_again_takes_the_receipt_of_its_first_trip(void **state) {
    struct site *s = *state;
    struct gf_id id = site_add(s, "metrics", "{}", 0);
    struct gf_receipt r = receipt(&id, "{}", GF_STATE_DELIVERED);
    int64_t again;
    const char *odd = NULL;

    struct gf_id first = note(s, &kit_relay, &id, 1);
    assert_int_equal(store_withdraw(s->a.store, &first, 6, &again, &e), 0);
    assert_int_equal(take(s, &r, &odd), 1);
    assert_null(odd);
    assert_int_equal(site_state(s, &id), STORE_DELIVERED);
}

/* ---- answers ---- */

static void an_answer_is_expected_once_and_from_the_relay_it_went_to(void **state) {
    struct site *s = *state;
    const struct gf_hash *relay = &kit_relay.card.identity;
    char channel[GF_WORD_MAX + 1];
    struct gf_id id = site_add(s, "license", "{}", 1);
    struct gf_id silent = site_add(s, "metrics", "{}", 0);
    int64_t n;

    assert_int_equal(store_expects(s->a.store, relay, &id, channel, &e), 0);
    assert_int_equal(store_answers_awaited(s->a.store, &n, &e), 0);
    assert_true(n == 0);
    note(s, &kit_relay, &id, 1);
    note(s, &kit_relay, &silent, 1);
    assert_int_equal(store_answers_awaited(s->a.store, &n, &e), 0);
    assert_true(n == 1);
    assert_int_equal(store_expects(s->a.store, relay, &id, channel, &e), 1);
    assert_string_equal(channel, "license");
    assert_int_equal(store_expects(s->a.store, relay, &silent, channel, &e), 0);
    assert_int_equal(store_expects(s->a.store, &kit_other.card.identity, &id, channel, &e), 0);

    assert_int_equal(store_answered(s->a.store, &id, "it is broken", 5, &e), 0);
    assert_string_equal(site_find(s, &id).reason, "it is broken");
    assert_int_equal(site_find(s, &id).answered, 0);
    /* It has come, so nobody waits for it; a better one is taken all the same. */
    assert_int_equal(store_answers_awaited(s->a.store, &n, &e), 0);
    assert_true(n == 0);
    assert_int_equal(store_expects(s->a.store, relay, &id, channel, &e), 1);
    assert_int_equal(store_answered(s->a.store, &id, NULL, 6, &e), 0);
    assert_string_equal(site_find(s, &id).reason, "");
    assert_int_equal(site_find(s, &id).answered, 1);
    assert_int_equal(store_expects(s->a.store, relay, &id, channel, &e), 0);
    assert_int_equal(store_answered(s->a.store, &id, "too late", 7, &e), 0);
    assert_int_equal(site_find(s, &id).answered, 1);
    assert_string_equal(site_find(s, &id).reason, "");
    assert_int_equal(store_answers_awaited(s->a.store, &n, &e), 0);
    assert_true(n == 0);
}

static void the_words_of_a_rejection_are_not_covered_by_a_bad_answer(void **state) {
    struct site *s = *state;
    struct gf_id id = site_add(s, "license", "{}", 1);
    struct gf_receipt r = receipt(&id, "{}", GF_STATE_REJECTED);
    const char *odd;

    r.reason = "no such key";
    note(s, &kit_relay, &id, 1);
    assert_int_equal(take(s, &r, &odd), 1);
    assert_int_equal(store_answered(s->a.store, &id, "not a licence", 5, &e), 0);
    assert_string_equal(site_find(s, &id).reason, "no such key");
}

/* ---- consent ---- */

static void consent_is_what_was_decided_last(void **state) {
    struct site *s = *state;
    enum store_consent c;
    int64_t since;
    char user[65];

    assert_int_equal(store_get_consent(s->a.store, "usage", &c, &since, user, &e), 0);
    assert_int_equal(c, STORE_ASK);
    assert_true(since == 0 && user[0] == '\0');
    site_consent(s, "usage", STORE_DENIED);
    s->a.now += 10;
    site_consent(s, "usage", STORE_GRANTED);
    site_reopen(s);
    assert_int_equal(store_get_consent(s->a.store, "usage", &c, &since, user, &e), 0);
    assert_int_equal(c, STORE_GRANTED);
    assert_true(since == SITE_NOW + 10);
    assert_string_equal(user, "tester");
    assert_int_equal(store_get_consent(s->a.store, "usage", &c, NULL, NULL, &e), 0);
}

static void denial_deletes_what_has_no_receipt_and_nothing_else(void **state) {
    struct site *s = *state;
    struct store_denial denial;
    const char *odd = NULL;
    struct gf_id ids[4], other[2];

    for (int i = 0; i < 4; i++)
        ids[i] = site_add(s, "metrics", "{}", 0);
    other[0] = site_add(s, "license", "{}", 1);
    other[1] = site_add(s, "license", "{}", 1);
    struct gf_id mixed[] = {ids[0], ids[1], other[0]};
    struct gf_id first = note(s, &kit_relay, mixed, 3);
    struct gf_id clean = note(s, &kit_relay, &other[1], 1);
    note(s, &kit_relay, &ids[2], 1);
    struct gf_receipt r = receipt(&ids[0], "{}", GF_STATE_RELAYED);
    assert_int_equal(take(s, &r, &odd), 1);
    r = receipt(&ids[2], "{}", GF_STATE_DELIVERED);
    assert_int_equal(take(s, &r, &odd), 1);

    assert_int_equal(
        store_set_consent(s->a.store, "metrics", STORE_DENIED, "tester", s->a.now, &denial, &e), 0);
    assert_true(denial.deleted == 2);
    assert_int_equal(denial.n, 1);
    assert_memory_equal(denial.bundles[0].id.b, first.b, sizeof first.b);
    free(denial.bundles);
    assert_int_equal(site_state(s, &ids[0]), STORE_RELAYED);
    assert_int_equal(site_has(s, &ids[1]), 0);
    assert_int_equal(site_state(s, &ids[2]), STORE_DELIVERED);
    assert_int_equal(site_has(s, &ids[3]), 0);
    assert_int_equal(site_state(s, &other[0]), STORE_QUEUED);
    assert_int_equal(site_state(s, &other[1]), STORE_EXPORTED);
    assert_int_equal(site_unsettled(s), 1);
    assert_memory_equal(site_bundle(s, 0).id.b, clean.b, sizeof clean.b);
    struct store_bundle b;
    assert_int_equal(store_bundle(s->a.store, &first, &b, &e), 1);
    assert_true(b.withdrawn && b.settled);

    /* A receipt for what was deleted after it was carried says so. */
    r = receipt(&ids[1], "{}", GF_STATE_DELIVERED);
    assert_int_equal(take(s, &r, &odd), 0);
    assert_string_equal(odd, STORE_ODD_DENIED);
}

static void asking_again_and_granting_delete_nothing(void **state) {
    struct site *s = *state;
    struct gf_id id = site_add(s, "metrics", "{}", 0);

    site_consent(s, "metrics", STORE_ASK);
    site_consent(s, "metrics", STORE_GRANTED);
    assert_int_equal(site_state(s, &id), STORE_QUEUED);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, site_setup, site_teardown)
    const struct CMUnitTest tests[] = {
        T(a_record_is_kept_as_it_was_accepted_and_in_order),
        T(the_digest_is_of_the_bytes_of_the_body),
        T(an_id_is_accepted_once),
        T(a_walk_ends_when_it_is_told_to),
        T(records_are_counted_by_channel_and_state),
        T(a_receipt_counts_only_where_it_fits),
        T(states_move_forward_only_and_final_ones_stay),
        T(a_bundle_is_settled_by_the_last_receipt),
        T(a_record_in_two_bundles_settles_both),
        T(a_record_that_was_queued_again_takes_the_receipt_of_its_first_trip),
        T(an_answer_is_expected_once_and_from_the_relay_it_went_to),
        T(the_words_of_a_rejection_are_not_covered_by_a_bad_answer),
        T(consent_is_what_was_decided_last),
        T(denial_deletes_what_has_no_receipt_and_nothing_else),
        T(asking_again_and_granting_delete_nothing),
    };
    return cmocka_run_group_tests(tests, kit_setup, kit_teardown);
}
