/*
 * test_updates.c -- manifests at the agent: which are taken, refused, told.
 */
#include "updates_testing.h"

static void a_manifest_and_its_artifacts_come_in_one_response(void **state) {
    struct site *s = *state;
    const struct content files[] = {tool, notes};

    struct site_record r =
        answer(s, &(struct recipe){.serial = 7, .artifacts = {tool, notes}}, files, 2);
    assert_true(r.answered && r.reason[0] == '\0');
    look(s);
    assert_true(nknown == 1 && known[0].serial == 7 && known[0].newest && !known[0].ended);
    assert_int_equal(updates_missing(&known[0]), 0);
    check_here(s, 0, &tool);
    check_here(s, 0, &notes);
    check_problem(s, "");
}

static void the_manifest_may_be_a_file_itself(void **state) {
    struct site *s = *state;
    struct gf_id id = ask(s);
    char *text = manifest(s, &(struct recipe){.serial = 1, .artifacts = {tool}});
    struct apply_result result;
    struct reply reply;

    reply_begin(&reply, ++seq);
    reply_answer_file(&reply, &id, "files/demo.update");
    reply_file(&reply, "demo.update", text, strlen(text));
    reply_file(&reply, tool.name, tool.data, tool.len);
    assert_int_equal(reply_apply(&reply, s, &result, &e), 0);
    assert_int_equal(result.answers, 1);
    look(s);
    assert_int_equal(updates_missing(&known[0]), 0);
    free(text);
}

static void what_breaks_a_rule_of_manifests_is_refused_and_remembered(void **state) {
    struct site *s = *state;
    const struct recipe seven = {.serial = 7, .artifacts = {tool}};
    struct site_record r;

    (void)answer(s, &seven, &tool, 1);
    /* Rollback. */
    r = answer(s, &(struct recipe){.serial = 6}, NULL, 0);
    assert_non_null(strstr(r.reason, "is older than one that came before"));
    check_problem(s, "demo manifest rollback");
    /* The same again is no news, and no problem: it shows that the vendor has nothing newer. */
    s->a.now += 10;
    r = answer(s,
               &(struct recipe){.serial = 7,
                                .issued = s->a.now - 10 - DAY,
                                .expires = s->a.now - 10 + YEAR,
                                .artifacts = {tool}},
               NULL, 0);
    assert_true(r.reason[0] == '\0');
    check_problem(s, "");
    look(s);
    assert_true(nknown == 1 && known[0].confirmed == s->a.now && known[0].since == s->a.now - 10);
    /* One serial, two contents. */
    r = answer(s, &(struct recipe){.serial = 7, .artifacts = {notes}}, NULL, 0);
    assert_non_null(strstr(r.reason, "the same serial 7"));
    check_problem(s, "demo manifest conflict");
    /* Somebody else's key, and the vendor's without the duty. */
    r = answer(s, &(struct recipe){.serial = 8, .key = stranger}, NULL, 0);
    assert_non_null(strstr(r.reason, "not signed by the vendor key"));
    check_problem(s, "demo manifest signature");
    trust(s, stranger, STORE_DUTY_LICENSE);
    r = answer(s, &(struct recipe){.serial = 8, .key = stranger}, NULL, 0);
    assert_non_null(strstr(r.reason, "not signed by the vendor key"));
    /* Another product, platform. */
    r = answer(s, &(struct recipe){.serial = 8, .product = "other"}, NULL, 0);
    assert_non_null(strstr(r.reason, "is of product other"));
    check_problem(s, "demo manifest not-for-us");
    r = answer(s, &(struct recipe){.serial = 8, .platform = "windows"}, NULL, 0);
    assert_non_null(strstr(r.reason, "is of demo for windows"));
    look(s);
    assert_true(nknown == 1 && known[0].serial == 7);
    check_here(s, 0, &tool);
    /* A newer good one ends the worry. */
    (void)answer(s, &(struct recipe){.serial = 8}, NULL, 0);
    check_problem(s, "");
}

static void a_refused_manifest_is_kept_to_be_looked_at(void **state) {
    struct site *s = *state;
    char path[800];

    (void)answer(s, &(struct recipe){.serial = 1, .key = stranger}, NULL, 0);
    (void)snprintf(path, sizeof path, "%s/refused", s->a.state);
    int dir = open(path, O_RDONLY | O_DIRECTORY);
    assert_int_not_equal(dir, -1);
    assert_int_equal(kit_entries(dir), 1);
    (void)close(dir);
}

static void a_manifest_that_has_ended_is_known_and_told(void **state) {
    struct site *s = *state;

    (void)answer(
        s, &(struct recipe){.serial = 1, .issued = s->a.now - YEAR, .expires = s->a.now - DAY},
        NULL, 0);
    look(s);
    assert_true(nknown == 1 && known[0].ended && known[0].valid);
    /* A clock put back does not bring it to life: its vendor said later times. */
    (void)answer(s, &(struct recipe){.serial = 2, .issued = s->a.now - 2 * DAY}, NULL, 0);
    s->a.now -= 100 * DAY;
    look(s);
    assert_int_equal(known[1].serial, 1);
    assert_int_equal(known[1].ended, 0); /* ended after the newest time that is proven */
    s->a.now += 100 * DAY;
    (void)answer(s, &(struct recipe){.serial = 3, .issued = s->a.now}, NULL, 0);
    s->a.now -= 100 * DAY;
    look(s);
    assert_int_equal(known[2].ended, 1);
}

static void the_time_of_a_verified_manifest_raises_the_floor(void **state) {
    struct site *s = *state;
    int64_t before, after;

    assert_int_equal(floor_get(&s->a, &before, &e), 0);
    (void)answer(s, &(struct recipe){.serial = 1, .issued = before + 5 * DAY, .key = stranger},
                 NULL, 0);
    assert_int_equal(floor_get(&s->a, &after, &e), 0);
    assert_int_equal(after, before);
    (void)answer(s, &(struct recipe){.serial = 1, .issued = before + 5 * DAY}, NULL, 0);
    assert_int_equal(floor_get(&s->a, &after, &e), 0);
    assert_int_equal(after, before + 5 * DAY);
}

static void the_same_serial_for_too_long_is_told(void **state) {
    struct site *s = *state;

    (void)answer(s, &(struct recipe){.serial = 1, .expires = s->a.now + 3 * YEAR}, NULL, 0);
    s->a.now += 180LL * DAY;
    look(s);
    assert_int_equal(known[0].stale, 0);
    s->a.now += DAY;
    look(s);
    assert_int_equal(known[0].stale, 1);
    (void)answer(s, &(struct recipe){.serial = 2, .expires = s->a.now + 3 * YEAR}, NULL, 0);
    look(s);
    assert_true(!known[0].stale && !known[1].stale);
}

static void nothing_to_tell_changes_nothing(void **state) {
    struct site *s = *state;
    struct gf_id id = ask(s);
    struct apply_result result;
    struct reply reply;

    reply_begin(&reply, ++seq);
    reply_answer(&reply, &id, 204, "");
    assert_int_equal(reply_apply(&reply, s, &result, &e), 0);
    assert_int_equal(result.answers, 1);
    id = ask(s);
    reply_begin(&reply, ++seq);
    reply_answer(&reply, &id, 500, "down");
    assert_int_equal(reply_apply(&reply, s, &result, &e), 0);
    assert_int_equal(result.unusable, 1);
    assert_non_null(strstr(site_find(s, &id).reason, "its status is 500"));
    look(s);
    assert_int_equal(nknown, 0);
}

static void a_vendor_who_is_not_trusted_any_more_has_no_say(void **state) {
    struct site *s = *state;

    (void)answer(s, &(struct recipe){.serial = 1, .artifacts = {tool}}, &tool, 1);
    look(s);
    assert_int_equal(known[0].valid, 1);
    /* As in a store whose vendor's key was taken out. */
    struct gf_sign_key *mine = vendor;
    vendor = stranger;
    struct site fresh;
    site_make(&fresh, 1);
    trust(&fresh, stranger, STORE_DUTY_UPDATE);
    assert_int_equal(store_update_put(fresh.a.store,
                                      &(struct store_update){.product = "demo",
                                                             .channel = "stable",
                                                             .platform = "any",
                                                             .serial = 1,
                                                             .text = known[0].text,
                                                             .len = known[0].len},
                                      &(int64_t){0}, &e),
                     0);
    struct updates_known *k;
    size_t n;
    assert_int_equal(updates_known(&fresh.a, &k, &n, &e), 0);
    assert_true(n == 1 && !k[0].valid && strstr(k[0].why, "not signed by"));
    updates_known_free(k, n);
    site_free(&fresh);
    vendor = mine;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(a_manifest_and_its_artifacts_come_in_one_response),
        T(the_manifest_may_be_a_file_itself),
        T(what_breaks_a_rule_of_manifests_is_refused_and_remembered),
        T(a_refused_manifest_is_kept_to_be_looked_at),
        T(a_manifest_that_has_ended_is_known_and_told),
        T(the_time_of_a_verified_manifest_raises_the_floor),
        T(the_same_serial_for_too_long_is_told),
        T(nothing_to_tell_changes_nothing),
        T(a_vendor_who_is_not_trusted_any_more_has_no_say),
    };
    const int rc = cmocka_run_group_tests(tests, begin, end);
    updates_known_free(known, nknown);
    return rc;
}
