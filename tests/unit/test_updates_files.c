/*
 * test_updates_files.c -- artifacts: of responses, of parts, of older manifests; what is refused is
 * told and wanted again.
 */
#include "updates_testing.h"

static void a_wrong_artifact_is_refused_and_wanted_again(void **state) {
    struct site *s = *state;
    const struct content longer = {"tool.bin", "the tool itself and more", 24};
    const struct recipe r = {.serial = 7, .artifacts = {tool, notes}};
    const struct content changed[] = {other, notes};
    struct gf_want *want;
    size_t n;

    (void)answer(s, &r, changed, 2);
    look(s);
    assert_true(!known[0].here[0] && known[0].here[1]);
    check_problem(s, "demo tool.bin update: tool.bin: is not what the manifest with serial 7");
    (void)answer(s, &r, &longer, 1);
    check_problem(s, "tool.bin: is longer than its manifest says (24 bytes, not 15)");
    assert_int_equal(updates_want(&s->a, &kit_relay.card.identity, &want, &n, &e), 0);
    assert_int_equal(n, 1);
    assert_int_equal(want[0].nparts, 0);
    updates_want_free(want, n);
    (void)answer(s, &r, &tool, 1);
    look(s);
    assert_int_equal(updates_missing(&known[0]), 0);
    check_problem(s, "");
}

static void another_manifests_artifact_is_not_taken_for_this_ones(void **state) {
    struct site *s = *state;

    (void)answer(s, &(struct recipe){.serial = 7, .artifacts = {other}}, &other, 1);
    (void)answer(s, &(struct recipe){.serial = 8, .artifacts = {tool}}, &other, 1);
    look(s);
    assert_true(known[0].serial == 8 && !known[0].here[0] && known[1].here[0]);
    check_problem(s, "belongs to another manifest");
}

static void a_file_may_come_before_its_manifest(void **state) {
    struct site *s = *state;
    struct apply_result result;
    struct reply reply;

    (void)ask(s);
    reply_begin(&reply, ++seq);
    reply_file(&reply, "whatever.dat", tool.data, tool.len);
    assert_int_equal(reply_apply(&reply, s, &result, &e), 0);
    check_problem(s, "");
    (void)answer(s, &(struct recipe){.serial = 1, .artifacts = {tool}}, NULL, 0);
    look(s);
    assert_int_equal(updates_missing(&known[0]), 0);
    check_here(s, 0, &tool);
}

static void a_response_of_files_alone_is_acknowledged_by_itself(void **state) {
    struct site *s = *state;
    struct apply_result result;
    struct reply reply;

    reply_begin(&reply, ++seq);
    reply_file(&reply, "whatever.dat", tool.data, tool.len);
    assert_int_equal(reply_apply(&reply, s, &result, &e), 0);
    assert_int_equal(store_have_is_due(s->a.store, &kit_relay.card.identity, &e), 1);
}

static void what_a_newer_manifest_still_names_needs_no_second_trip(void **state) {
    struct site *s = *state;

    (void)answer(s, &(struct recipe){.serial = 1, .artifacts = {tool}}, &tool, 1);
    (void)answer(s, &(struct recipe){.serial = 2, .artifacts = {tool, notes}}, &notes, 1);
    look(s);
    assert_true(known[0].serial == 2 && updates_missing(&known[0]) == 0);
    check_here(s, 0, &tool);
}

static void the_two_newest_manifests_keep_their_artifacts(void **state) {
    struct site *s = *state;

    (void)answer(s, &(struct recipe){.serial = 1, .artifacts = {tool}}, &tool, 1);
    (void)answer(s, &(struct recipe){.serial = 2, .artifacts = {other}}, &other, 1);
    (void)answer(s, &(struct recipe){.serial = 3, .artifacts = {notes}}, NULL, 0);
    look(s);
    assert_true(known[2].here[0] && known[1].here[0]); /* the newest is not complete */
    (void)answer(s,
                 &(struct recipe){.serial = 3,
                                  .issued = known[0].update.issued,
                                  .expires = known[0].update.expires,
                                  .artifacts = {notes}},
                 &notes, 1);
    look(s);
    assert_true(!known[2].here[0] && known[1].here[0] && known[0].here[0]);
}

/* ---- parts ---- */

#define WHOLE 100000
static struct content large = {"large.iso", NULL, WHOLE};

static void give_part(struct site *s, int64_t index, int64_t count, int64_t from, int64_t to) {
    struct gf_part p = {.index = index, .count = count, .offset = from, .whole = WHOLE};
    struct apply_result result;
    struct reply reply;

    gf_digest_256(large.data, WHOLE, &p.digest);
    reply_begin(&reply, ++seq);
    reply_part(&reply, "large.iso", large.data, &p, (size_t)(to - from));
    if (reply_apply(&reply, s, &result, &e) == -1)
        fail_msg("%s", e.text);
}

static void parts_in_any_order_become_the_artifact(void **state) {
    struct site *s = *state;
    struct site_request request;
    struct gf_want *want;
    size_t n;

    large.data = kit_data;
    (void)ask(s);
    give_part(s, 2, 3, 70000, WHOLE); /* before its manifest */
    (void)answer(s, &(struct recipe){.serial = 1, .artifacts = {large}}, NULL, 0);
    look(s);
    assert_int_equal(known[0].here[0], 0);
    site_reopen(s);
    give_part(s, 0, 3, 0, 30000);
    give_part(s, 0, 3, 0, 30000); /* once more */
    assert_int_equal(updates_want(&s->a, &kit_relay.card.identity, &want, &n, &e), 0);
    assert_true(n == 1 && want[0].nparts == 1 && want[0].parts[0] == 1);
    updates_want_free(want, n);
    assert_int_equal(updates_want(&s->a, &kit_other.card.identity, &want, &n, &e), 0);
    assert_int_equal(n, 0);
    updates_want_free(want, n);
    /* The next request says it. */
    (void)ask(s);
    struct store_bundle b = site_bundle(s, site_unsettled(s) - 1);
    site_read(s, &b, &request);
    assert_true(request.contents.nwant == 1 && request.contents.want[0].parts[0] == 1);
    site_request_free(&request);
    give_part(s, 1, 3, 30000, 70000);
    look(s);
    assert_int_equal(known[0].here[0], 1);
    check_here(s, 0, &large);
    check_problem(s, "");
    char path[800];
    (void)snprintf(path, sizeof path, "%s/updates/parts", s->a.state);
    int dir = open(path, O_RDONLY | O_DIRECTORY);
    assert_int_equal(kit_entries(dir), 0);
    (void)close(dir);
}

static void parts_that_contradict_each_other_are_dropped_and_wanted_again(void **state) {
    struct site *s = *state;
    struct gf_want *want;
    size_t n;

    large.data = kit_data;
    (void)answer(s, &(struct recipe){.serial = 1, .artifacts = {large}}, NULL, 0);
    give_part(s, 0, 2, 0, 60000);
    give_part(s, 1, 2, 50000, WHOLE);
    look(s);
    assert_int_equal(known[0].here[0], 0);
    check_problem(s, "parts contradict each other");
    assert_int_equal(updates_want(&s->a, &kit_relay.card.identity, &want, &n, &e), 0);
    assert_true(n == 1 && want[0].nparts == 0);
    updates_want_free(want, n);
    give_part(s, 0, 2, 0, 60000);
    give_part(s, 1, 2, 60000, WHOLE);
    look(s);
    assert_int_equal(known[0].here[0], 1);
    check_problem(s, "");
}

/* A relay that lies about a part's digest gets no file of its own into place. */
static void parts_that_join_to_another_file_are_refused(void **state) {
    struct site *s = *state;
    const uint8_t *right = kit_data;

    large.data = right;
    (void)answer(s, &(struct recipe){.serial = 1, .artifacts = {large}}, NULL, 0);
    struct gf_part p = {.index = 0, .count = 2, .offset = 0, .whole = WHOLE};
    struct apply_result result;
    struct reply reply;
    gf_digest_256(right, WHOLE, &p.digest);
    reply_begin(&reply, ++seq);
    reply_part(&reply, "large.iso", kit_data + 7, &p, 60000);
    assert_int_equal(reply_apply(&reply, s, &result, &e), 0);
    give_part(s, 1, 2, 60000, WHOLE);
    look(s);
    assert_int_equal(known[0].here[0], 0);
    check_problem(s, "is not what its manifest names");
}

static void files_without_manifest_are_bounded_in_time(void **state) {
    struct site *s = *state;
    struct apply_result result;
    struct reply reply;
    struct store_part *parts;
    int64_t made;
    size_t n;

    (void)ask(s);
    reply_begin(&reply, ++seq);
    reply_file(&reply, "stray", tool.data, tool.len);
    assert_int_equal(reply_apply(&reply, s, &result, &e), 0);
    assert_int_equal(store_parts(s->a.store, NULL, &parts, &n, &e), 0);
    assert_int_equal(n, 1);
    free(parts);
    s->a.now += UPDATES_UNCLAIMED_AGE + 1;
    assert_int_equal(updates_collect(&s->a, &made, &e), 0);
    assert_int_equal(store_parts(s->a.store, NULL, &parts, &n, &e), 0);
    assert_int_equal(n, 0);
    free(parts);
}

static void what_a_crash_or_a_full_disk_left_complete_is_made_later(void **state) {
    struct site *s = *state;
    struct gf_want *want;
    size_t n;

    /* No artifact can be put there. */
    int updates = agent_folder(&s->a, "updates", &e);
    int fd = openat(updates, "demo", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(updates != -1 && fd != -1);
    close(fd);
    (void)answer(s, &(struct recipe){.serial = 1, .artifacts = {tool}}, &tool, 1);
    look(s);
    assert_int_equal(updates_missing(&known[0]), 1);
    assert_int_equal(updates_want(&s->a, &kit_relay.card.identity, &want, &n, &e), 0);
    assert_int_equal(n, 0);
    updates_want_free(want, n);
    assert_int_equal(unlinkat(updates, "demo", 0), 0);
    close(updates);
    assert_int_equal(updates_resume(&s->a, &e), 0);
    look(s);
    assert_int_equal(updates_missing(&known[0]), 0);
    check_here(s, 0, &tool);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(a_wrong_artifact_is_refused_and_wanted_again),
        T(another_manifests_artifact_is_not_taken_for_this_ones),
        T(a_file_may_come_before_its_manifest),
        T(a_response_of_files_alone_is_acknowledged_by_itself),
        T(what_a_newer_manifest_still_names_needs_no_second_trip),
        T(the_two_newest_manifests_keep_their_artifacts),
        T(parts_in_any_order_become_the_artifact),
        T(parts_that_contradict_each_other_are_dropped_and_wanted_again),
        T(parts_that_join_to_another_file_are_refused),
        T(files_without_manifest_are_bounded_in_time),
        T(what_a_crash_or_a_full_disk_left_complete_is_made_later),
    };
    const int rc = cmocka_run_group_tests(tests, begin, end);
    updates_known_free(known, nknown);
    return rc;
}
