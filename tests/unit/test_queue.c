/*
 * test_queue.c -- the queue beyond one record: batches, caps, counts, refusals in halves, loss,
 * bundling anew.
 */
#include "agent_testing.h"

#include <fcntl.h>
#include <unistd.h>

#include "agent/plan.h"
#include "gapferry/digest.h"
#include "gapferry/file.h"
#include "gapferry/lost.h"
#include "store_testing.h"

#define DAY 86400LL

static struct gf_record new_record(struct site *s, const char *body) {
    struct gf_record r = {.channel = "metrics",
                          .product = "demo",
                          .origin = s->a.id.card.agent,
                          .created = s->a.now,
                          .type = "application/json",
                          .body = {GF_BODY_TEXT, body, strlen(body)}};
    static int64_t ms = 1000;
    uint8_t random[10];

    gf_digest_random(random, sizeof random);
    gf_text_uuid7(ms++, random, &r.id);
    return r;
}

/* ---- batches ---- */

static int keep_line(void *arg, const struct store_record *r, struct gf_err *err) {
    struct gf_buf *out = arg;

    (void)err;
    gf_buf_add(out, r->line, r->line_len);
    return 0;
}

static void a_line_made_of_a_kind_is_the_line_that_the_library_writes(void **state) {
    static const char *const bodies[] = {"{}", "{\"a\": \"b\\\\c\\\"\"}", "[1,\t2,\r 3]",
                                         "\"\xc3\xa4 \xf0\x9f\x9a\x80 /\x7f\"", "0"};
    struct site *s = *state;

    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct gf_record r = new_record(s, bodies[i]);
        struct store_batch quick = {0};
        struct gf_buf line;

        r.answer = i % 2;
        gf_buf_init(&line, GF_LINE_MAX);
        assert_int_equal(gf_record_write(&r, &line, &e), 0);
        assert_int_equal(store_batch_like(&quick, &r, &e), 0);
        assert_int_equal(store_batch_json(&quick, &r.id, bodies[i], strlen(bodies[i]), &e), 0);
        assert_string_equal(quick.lines.data, line.data);
        size_t n;
        assert_int_equal(store_accept(s->a.store, "metrics", &quick, NULL, 1, &n, &e), 0);
        gf_buf_clear(&line);
        assert_int_equal(store_find(s->a.store, &r.id, keep_line, &line, &e), 1);
        assert_string_equal(quick.lines.data, line.data);
        gf_buf_free(&line);
        store_batch_free(&quick);
    }
}

static void a_batch_with_an_id_that_is_there_is_refused_whole(void **state) {
    struct site *s = *state;
    struct gf_record first = new_record(s, "{}"), second = new_record(s, "{}");
    struct store_batch b = {0};
    char uuid[GF_UUID_TEXT];
    size_t n;

    assert_int_equal(store_add(s->a.store, &second, s->a.now, &e), 0);
    assert_int_equal(store_batch_add(&b, &first, &e), 0);
    assert_int_equal(store_batch_add(&b, &second, &e), 0);
    gf_text_uuid(&second.id, uuid);
    assert_fails(store_accept(s->a.store, "metrics", &b, NULL, s->a.now, &n, &e), GF_E_REPLAY,
                 uuid);
    assert_false(site_has(s, &first.id));
    store_batch_free(&b);
    check_tally(s);
}

static void a_cap_in_bytes_takes_what_fits_in_order(void **state) {
    struct site *s = *state;
    struct store_batch b = {0};
    struct store_cap cap = {.bytes = 0};
    size_t n;

    for (int i = 0; i < 5; i++) {
        struct gf_record r = new_record(s, "{}");
        assert_int_equal(store_batch_add(&b, &r, &e), 0);
    }
    cap.bytes = (int64_t)b.lines.len * 3 / 5;
    assert_int_equal(store_accept(s->a.store, "metrics", &b, &cap, s->a.now, &n, &e), 0);
    assert_int_equal(n, 3);
    store_batch_free(&b);
    check_tally(s);
}

static void room_is_made_by_what_is_oldest_and_never_left(void **state) {
    struct site *s = *state;
    struct agent_room room;
    struct store_loss *loss;
    struct gf_id ids[5];
    size_t n;

    site_configure(s, "[channel \"metrics\"]\nmax_records = 3\nfull = drop-oldest\n");
    ids[0] = site_add(s, "metrics", "{}", 0);
    (void)site_export(s);
    for (int i = 1; i < 5; i++) {
        struct gf_record r = new_record(s, "{}");
        r.created = s->a.now + i;
        ids[i] = r.id;
        assert_int_equal(agent_accept(&s->a, &r, &e), 0);
    }
    assert_int_equal(site_state(s, &ids[0]), STORE_EXPORTED);
    assert_false(site_has(s, &ids[1]));
    assert_false(site_has(s, &ids[2]));
    assert_true(site_has(s, &ids[3]));
    assert_int_equal(store_losses(s->a.store, 1, &loss, &n, &e), 0);
    assert_int_equal(n, 1);
    assert_true(loss[0].records == 2 && loss[0].first == s->a.now + 1 &&
                loss[0].last == s->a.now + 2);
    free(loss);
    assert_int_equal(agent_room(&s->a, "metrics", &room, &e), 0);
    assert_true(room.records == INT64_MAX);
    site_configure(s, "[channel \"metrics\"]\nmax_records = 4\n");
    assert_int_equal(agent_room(&s->a, "metrics", &room, &e), 0);
    assert_true(room.records == 1 && room.bytes == INT64_MAX);
    check_tally(s);
}

static void nothing_is_dropped_that_makes_no_room(void **state) {
    struct store_loss *loss;
    struct site *s = *state;
    struct gf_id kept;
    size_t n;

    for (int i = 0; i < 3; i++)
        (void)site_add(s, "metrics", "{}", 0);
    (void)site_export(s);
    kept = site_add(s, "metrics", "{}", 0);

    /* What has left fills the channel alone, since its cap was lowered. */
    site_configure(s, "[channel \"metrics\"]\nmax_records = 2\nfull = drop-oldest\n");
    struct gf_record r = new_record(s, "{}");
    assert_fails(agent_accept(&s->a, &r, &e), GF_E_LIMIT, "is full");
    assert_int_equal(site_state(s, &kept), STORE_QUEUED);
    assert_int_equal(store_losses(s->a.store, 0, &loss, &n, &e), 0);
    assert_int_equal(n, 0);
    free(loss);
    check_tally(s);
}

/* ---- what is told of loss ---- */

static size_t told(struct site *s, size_t bundle, struct gf_lost **out) {
    struct store_bundle b = site_bundle(s, bundle);
    struct site_request r;
    struct gf_buf text;
    size_t n;

    site_read(s, &b, &r);
    assert_int_equal(gf_file_load(r.dir, "contents.json", GF_CONTENTS_MAX, &text, &e), 0);
    assert_int_equal(gf_lost_parse(text.data, text.len, out, &n, &e), 0);
    gf_buf_free(&text);
    site_request_free(&r);
    return n;
}

static void loss_is_told_by_the_next_bundle_and_again_if_that_was_withdrawn(void **state) {
    struct site *s = *state;
    struct gf_lost *first, *second;
    int64_t records;

    site_configure(s, "[channel \"metrics\"]\nmax_records = 1\nfull = drop-oldest\n");
    for (int i = 0; i < 3; i++) {
        struct gf_record r = new_record(s, "{}");
        assert_int_equal(agent_accept(&s->a, &r, &e), 0);
    }
    (void)site_export(s);
    assert_int_equal(told(s, 0, &first), 1);
    assert_string_equal(first->channel, "metrics");
    assert_string_equal(first->policy, "drop-oldest");
    assert_true(first->records == 2);
    struct store_bundle b = site_bundle(s, 0);
    (void)site_add(s, "license", "{}", 1);
    (void)site_export(s);
    assert_int_equal(told(s, 1, &second), 0);
    free(second);
    assert_int_equal(store_withdraw(s->a.store, &b.id, s->a.now, &records, &e), 0);
    (void)site_export(s);
    assert_int_equal(told(s, 1, &second), 1);
    assert_memory_equal(first->id.b, second->id.b, sizeof first->id.b);
    free(first);
    free(second);
}

static void old_records_go_where_the_policy_says_so_only(void **state) {
    struct site *s = *state;
    struct export_result x = {0};
    struct gf_id id = site_add(s, "metrics", "{}", 0);

    s->a.now += 401 * DAY;
    assert_int_equal(plan_keep_house(&s->a, &x, &e), 0);
    assert_true(site_has(s, &id));
    site_configure(s, "[channel \"metrics\"]\nfull = drop-oldest\n");
    assert_int_equal(plan_keep_house(&s->a, &x, &e), 0);
    assert_false(site_has(s, &id));
    check_tally(s);
}

static void what_is_final_is_forgotten_after_400_days(void **state) {
    struct site *s = *state;
    struct gf_id id = site_add(s, "metrics", "{}", 0);

    (void)site_export(s);
    (void)site_receipt(s, 1, &id, "{}", GF_STATE_DELIVERED, NULL);
    s->a.now += 399 * DAY;
    (void)site_export(s);
    assert_true(site_has(s, &id));
    s->a.now += 2 * DAY;
    (void)site_export(s);
    assert_false(site_has(s, &id));
    check_tally(s);
}

static void nothing_goes_for_its_age_by_a_clock_that_is_or_was_wrong(void **state) {
    struct site *s = *state;
    struct gf_id final = site_add(s, "metrics", "{}", 0);
    struct gf_id settled = site_add(s, "metrics", "{}", 0);
    int64_t right = s->a.now;

    site_configure(s, "[channel \"metrics\"]\nfull = drop-oldest\n");
    (void)site_export(s);
    (void)site_receipt(s, 1, &final, "{}", GF_STATE_DELIVERED, NULL);
    struct gf_id waits = site_add(s, "metrics", "{}", 0);
    s->a.now = 4294967295LL;
    (void)site_export(s);
    assert_true(site_has(s, &final) && site_has(s, &waits));

    s->a.now = 10;
    struct gf_id early = site_add(s, "metrics", "{}", 0);
    (void)site_receipt(s, 2, &settled, "{}", GF_STATE_DELIVERED, NULL);
    s->a.now = right;
    struct gf_id old = site_add(s, "metrics", "{}", 0);
    s->a.now = right + 401 * DAY;
    (void)site_export(s);
    assert_true(site_has(s, &early) && site_has(s, &settled));
    assert_int_equal(site_state(s, &settled), STORE_DELIVERED);
    assert_false(site_has(s, &final) || site_has(s, &old));
    check_tally(s);
}

/* ---- refusals ---- */

static void refuse(struct site *s, struct reply *r, const struct gf_id *bundle) {
    struct apply_result applied;

    reply_refusal(r, bundle);
    assert_int_equal(reply_apply(r, s, &applied, &e), 0);
    assert_true(applied.refusals == 1);
}

/* The relay refuses each bundle that holds the bad record, and takes the others. */
static void judge(struct site *s, int64_t seq, const struct gf_id *bad, int *bundles,
                  int64_t *largest) {
    size_t n = site_unsettled(s);
    struct apply_result applied;
    struct reply reply;

    *bundles = (int)n;
    *largest = 0;
    reply_begin(&reply, seq);
    for (size_t i = 0; i < n; i++) {
        struct store_bundle b = site_bundle(s, i);
        struct site_request r;
        int is_bad = 0;

        site_read(s, &b, &r);
        *largest = b.records > *largest ? b.records : *largest;
        for (size_t k = 0; k < r.n; k++)
            is_bad |= memcmp(r.ids[k].b, bad->b, sizeof bad->b) == 0;
        if (is_bad)
            reply_refusal(&reply, &b.id);
        for (size_t k = 0; k < r.n && !is_bad; k++)
            reply_receipt(&reply, &r.ids[k], "{}", GF_STATE_DELIVERED, NULL);
        site_request_free(&r);
    }
    assert_int_equal(reply_apply(&reply, s, &applied, &e), 0);
}

static void one_bad_record_holds_back_only_itself(void **state) {
    static const int64_t sizes[] = {9, 9, 5, 3, 1};
    struct site *s = *state;
    struct gf_id ids[9];
    struct store_resent resent;
    int64_t largest, stuck;
    int bundles;

    for (int i = 0; i < 9; i++)
        ids[i] = site_add(s, "metrics", "{}", 0);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        (void)site_export(s);
        judge(s, (int64_t)i + 1, &ids[4], &bundles, &largest);
        assert_true(largest == sizes[i]);
        check_tally(s);
    }
    for (int i = 0; i < 9; i++)
        assert_int_equal(site_state(s, &ids[i]), i == 4 ? STORE_QUEUED : STORE_DELIVERED);
    assert_int_equal(store_stuck(s->a.store, &stuck, &e), 0);
    assert_true(stuck == 1);

    /* Nobody tries it without end: it makes no export due. */
    int64_t accepted = 0;
    int wants_answer = 1;
    assert_int_equal(store_oldest_queued(s->a.store, &accepted, &wants_answer, &e), 0);
    assert_true(accepted == INT64_MAX && wants_answer == 0);

    /* It stays where it is, and others leave, until a person says so. */
    struct gf_id other = site_add(s, "metrics", "{}", 0);
    assert_true(site_export(s).records == 1);
    assert_int_equal(site_state(s, &other), STORE_EXPORTED);
    assert_int_equal(site_state(s, &ids[4]), STORE_QUEUED);
    assert_int_equal(
        store_resend(s->a.store, &(struct store_resend){.record = &ids[4]}, s->a.now, &resent, &e),
        0);
    assert_true(resent.records == 1);
    assert_true(site_export(s).records == 1);
    assert_int_equal(site_state(s, &ids[4]), STORE_EXPORTED);
}

static void one_refusal_bundles_the_same_again(void **state) {
    struct site *s = *state;
    struct reply reply;

    (void)site_add(s, "metrics", "{}", 0);
    (void)site_add(s, "metrics", "{}", 0);
    (void)site_export(s);
    struct store_bundle b = site_bundle(s, 0);
    reply_begin(&reply, 1);
    refuse(s, &reply, &b.id);
    struct export_result x = site_export(s);
    assert_true(x.bundles == 1 && x.records == 2);
}

/* ---- bundling anew ---- */

static void what_nobody_answers_is_bundled_anew_after_resend_after(void **state) {
    struct site *s = *state;
    struct gf_id id = site_add(s, "metrics", "{}", 0);

    (void)site_export(s);
    struct store_bundle b = site_bundle(s, 0);
    assert_int_equal(store_written(s->a.store, &b.id, s->a.now, &e), 0);
    s->a.now += 13 * DAY;
    assert_int_equal(store_written(s->a.store, &b.id, s->a.now, &e), 0);
    assert_true(site_export(s).bundles == 0);
    int64_t next = 0;
    assert_int_equal(agent_export_next(&s->a, &next, &e), 0);
    assert_true(next == s->a.now + DAY);
    s->a.now += DAY;
    struct export_result x = site_export(s);
    assert_true(x.overdue == 1 && x.records == 1);
    assert_int_equal(site_unsettled(s), 1);
    struct store_bundle anew = site_bundle(s, 0);
    assert_memory_not_equal(anew.id.b, b.id.b, sizeof b.id.b);
    assert_int_equal(site_state(s, &id), STORE_EXPORTED);
    site_configure(s, "[agent]\nresend_after = 0\n");
    assert_int_equal(store_written(s->a.store, &anew.id, s->a.now, &e), 0);
    s->a.now += 365 * DAY;
    assert_true(site_export(s).bundles == 0);
}

static void a_bundle_that_never_left_is_not_overdue(void **state) {
    struct site *s = *state;

    (void)site_add(s, "metrics", "{}", 0);
    (void)site_export(s);
    s->a.now += 30 * DAY;
    assert_true(site_export(s).bundles == 0);
}

static void each_relay_gets_its_own_and_keeps_it(void **state) {
    struct site *s = *state;
    struct gf_identity second;
    struct gf_card card = {.role = GF_ROLE_RELAY, .created = SITE_NOW};
    char text[800], first_print[GF_FINGERPRINT_TEXT], second_print[GF_FINGERPRINT_TEXT], keys[700];

    (void)snprintf(keys, sizeof keys, "%s/second", s->root);
    assert_int_equal(gf_identity_make(AT_FDCWD, keys, &card, &e), 0);
    assert_int_equal(gf_identity_load(AT_FDCWD, keys, &second, &e), 0);
    site_trust(s, &second);
    gf_card_fingerprint(&kit_relay.card, first_print);
    gf_card_fingerprint(&second.card, second_print);
    (void)snprintf(text, sizeof text,
                   "[relay \"a\"]\nfingerprint = %s\n[relay \"b\"]\nfingerprint = %s\n"
                   "[channel \"metrics\"]\nrelay = a\n[channel \"license\"]\nrelay = b\n",
                   first_print, second_print);
    site_configure(s, text);
    (void)site_add(s, "metrics", "{}", 0);
    (void)site_add(s, "license", "{}", 1);
    assert_true(site_export(s).bundles == 2);
    struct store_bundle b = site_bundle(s, 0);
    assert_memory_equal(b.relay.b, kit_relay.card.identity.b, sizeof b.relay.b);
    assert_true(b.records == 1);
    b = site_bundle(s, 1);
    assert_memory_equal(b.relay.b, second.card.identity.b, sizeof b.relay.b);

    /* The configuration changes: what has left stays with its relay, also when it leaves again. */
    int64_t records;
    site_configure(s, "[relay \"b\"]\n[channel \"metrics\"]\nrelay = b\n");
    b = site_bundle(s, 0);
    assert_int_equal(store_withdraw(s->a.store, &b.id, s->a.now, &records, &e), 0);
    (void)site_add(s, "metrics", "{}", 0);
    assert_true(site_export(s).bundles == 2);
    int to_first = 0;
    for (size_t i = 0; i < site_unsettled(s); i++) {
        b = site_bundle(s, i);
        to_first += memcmp(b.relay.b, kit_relay.card.identity.b, sizeof b.relay.b) == 0;
    }
    assert_int_equal(to_first, 1);
    site_configure(s, "[relay \"a\"]\n[relay \"b\"]\n[channel \"metrics\"]\nrelay = b\n");
    struct gf_card out;
    assert_fails(agent_relay_of(&s->a, "metrics", &out, &e), GF_E_CONFIG, "fingerprint");
    site_configure(s, "[channel \"metrics\"]\nrelay = c\n");
    assert_fails(agent_relay_of(&s->a, "metrics", &out, &e), GF_E_CONFIG, "no [relay \"c\"]");
    gf_identity_free(&second);
}

/* ---- restart ---- */

static void what_is_queued_is_there_and_counted_after_a_restart(void **state) {
    struct site *s = *state;
    struct gf_id sent = site_add(s, "metrics", "{\"n\":1}", 0);

    (void)site_export(s);
    struct gf_id queued = site_add(s, "metrics", "{\"n\":2}", 0);
    site_reopen(s);
    assert_int_equal(site_state(s, &sent), STORE_EXPORTED);
    assert_int_equal(site_state(s, &queued), STORE_QUEUED);
    check_tally(s);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, site_setup, site_teardown)
    const struct CMUnitTest tests[] = {
        T(a_line_made_of_a_kind_is_the_line_that_the_library_writes),
        T(a_batch_with_an_id_that_is_there_is_refused_whole),
        T(a_cap_in_bytes_takes_what_fits_in_order),
        T(room_is_made_by_what_is_oldest_and_never_left),
        T(nothing_is_dropped_that_makes_no_room),
        T(loss_is_told_by_the_next_bundle_and_again_if_that_was_withdrawn),
        T(old_records_go_where_the_policy_says_so_only),
        T(what_is_final_is_forgotten_after_400_days),
        T(nothing_goes_for_its_age_by_a_clock_that_is_or_was_wrong),
        T(one_bad_record_holds_back_only_itself),
        T(one_refusal_bundles_the_same_again),
        T(what_nobody_answers_is_bundled_anew_after_resend_after),
        T(a_bundle_that_never_left_is_not_overdue),
        T(each_relay_gets_its_own_and_keeps_it),
        T(what_is_queued_is_there_and_counted_after_a_restart),
    };
    return cmocka_run_group_tests(tests, kit_setup, kit_teardown);
}
