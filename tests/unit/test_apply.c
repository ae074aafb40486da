/*
 * test_apply.c -- responses into the store: form all or nothing, items one by one.
 */
#define AGENT_TESTING_LICENSES
#include "agent/forked.h"
#include "agent_testing.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gapferry/file.h"

/* What was given as a licence; "bad" is refused, "broken" cannot be decided. */
static char license[64];

int agent_license_answer(struct agent *a, const struct gf_id *record, const char *text, size_t len,
                         char refused[AGENT_REFUSED], struct gf_err *why) {
    (void)record;
    (void)snprintf(license, sizeof license, "%.*s", (int)len, text);
    if (strcmp(license, "broken") == 0)
        return gf_err_set(why, GF_E_SYSTEM, "the disk is full");
    (void)snprintf(refused, AGENT_REFUSED, "%s",
                   strcmp(license, "bad") == 0 ? "not signed by a vendor we trust" : "");
    return refused[0] != '\0' ? 0 : store_put_license(a->store, "demo", text, len, a->now, why);
}

static int setup_apply(void **state) {
    license[0] = '\0';
    return site_setup(state);
}

/* The bundle in fd is refused for this reason, and nothing is left behind. */
static void check_refused(struct site *s, int fd, enum gf_code want, const char *words) {
    struct apply_result r;
    char inbox[800];

    assert_int_equal(agent_apply(&s->a, fd, &r, &e), -1);
    assert_string_equal(gf_err_name(e.code), gf_err_name(want));
    if (!strstr(e.text, words))
        fail_msg("\"%s\" does not say \"%s\"", e.text, words);
    (void)snprintf(inbox, sizeof inbox, "%s/inbox/items", s->a.state);
    int dir = open(inbox, O_RDONLY | O_DIRECTORY);
    if (dir != -1) {
        assert_int_equal(kit_entries(dir), 0);
        (void)close(dir);
    }
    (void)close(fd);
}

/* The id of a record that nobody has. */
static struct gf_id unknown(void) {
    struct gf_id id;

    gf_text_uuid7(SITE_NOW * 1000, (const uint8_t[10]){1, 2, 3}, &id);
    return id;
}

static int licenses(void *arg, const char *product, const char *text, size_t len, int64_t installed,
                    struct gf_err *err) {
    (void)product, (void)text, (void)len, (void)installed, (void)err;
    ++*(int *)arg;
    return 0;
}

static void each_item_has_its_own_verdict(void **state) {
    struct site *s = *state;
    struct gf_id good = site_add(s, "metrics", "{\"n\":1}", 0);
    struct gf_id bad = site_add(s, "metrics", "{\"n\":2}", 0);
    struct gf_id late = site_add(s, "metrics", "{\"n\":3}", 0);
    struct gf_id old = site_add(s, "metrics", "{\"n\":4}", 0);
    struct gf_id stranger = unknown();
    struct apply_result r;
    struct reply reply;

    (void)site_export(s);
    reply_begin(&reply, 1);
    reply_receipt(&reply, &good, "{\"n\":1}", GF_STATE_DELIVERED, NULL);
    reply_receipt(&reply, &stranger, "{}", GF_STATE_DELIVERED, NULL);
    reply_receipt(&reply, &bad, "{\"n\":2}", GF_STATE_REJECTED, "no such users");
    reply_receipt(&reply, &late, "another body", GF_STATE_DELIVERED, NULL);
    reply_receipt(&reply, &late, "{\"n\":3}", GF_STATE_RELAYED, NULL);
    reply_receipt(&reply, &old, "{\"n\":4}", GF_STATE_EXPIRED, "too old for the endpoint");
    reply_notice(&reply, "next-due", "2026-02-01");
    reply_notice(&reply, "unheard-of", "whatever");
    assert_int_equal(reply_apply(&reply, s, &r, &e), 0);
    assert_true(!r.seen_before && r.delivered == 1 && r.rejected == 1 && r.relayed == 1);
    assert_true(r.expired == 1 && r.odd == 2 && r.notices == 2);
    assert_memory_equal(r.sender.identity.b, kit_relay.card.identity.b, 32);
    assert_int_equal(site_state(s, &good), STORE_DELIVERED);
    assert_string_equal(site_find(s, &good).guarantee, "effectively-once");
    assert_int_equal(site_state(s, &bad), STORE_REJECTED);
    assert_string_equal(site_find(s, &bad).reason, "no such users");
    assert_int_equal(site_state(s, &late), STORE_RELAYED);
    assert_int_equal(site_state(s, &old), STORE_EXPIRED);
    assert_int_equal(site_unsettled(s), 0);
}

static void a_response_takes_effect_once(void **state) {
    struct site *s = *state;
    struct gf_id id = site_add(s, "metrics", "{}", 0);
    struct apply_result r;
    struct reply reply;

    (void)site_export(s);
    reply_begin(&reply, 1);
    reply_receipt(&reply, &id, "{}", GF_STATE_DELIVERED, NULL);
    int fd = reply_seal(&reply);
    assert_int_equal(agent_apply(&s->a, fd, &r, &e), 0);
    assert_true(!r.seen_before && r.delivered == 1);
    site_reopen(s);
    assert_int_equal(agent_apply(&s->a, fd, &r, &e), 0);
    assert_true(r.seen_before && r.delivered == 0);
    (void)close(fd);
}

static void responses_may_come_in_any_order(void **state) {
    struct site *s = *state;
    struct gf_id id = site_add(s, "metrics", "{}", 0);
    struct apply_result r;

    (void)site_export(s);
    r = site_receipt(s, 7, &id, "{}", GF_STATE_DELIVERED, NULL);
    assert_true(r.delivered == 1);
    r = site_receipt(s, 2, &id, "{}", GF_STATE_RELAYED, NULL);
    assert_true(r.relayed == 0 && r.odd == 0);
    assert_int_equal(site_state(s, &id), STORE_DELIVERED);
}

static void what_is_final_is_told_as_odd_and_stays(void **state) {
    struct site *s = *state;
    struct gf_id id = site_add(s, "metrics", "{}", 0);
    struct apply_result r;

    (void)site_export(s);
    (void)site_receipt(s, 1, &id, "{}", GF_STATE_DELIVERED, NULL);
    r = site_receipt(s, 2, &id, "{}", GF_STATE_REJECTED, "on second thoughts");
    assert_true(r.odd == 1 && r.rejected == 0);
    assert_int_equal(site_state(s, &id), STORE_DELIVERED);
}

static void a_fork_is_refused_as_evidence(void **state) {
    struct site *s = *state;
    struct gf_id id = site_add(s, "metrics", "{}", 0);
    struct apply_result r;
    struct reply reply;

    (void)site_export(s);
    reply_begin(&reply, 1);
    reply_notice(&reply, "time", "x");
    assert_int_equal(reply_apply(&reply, s, &r, &e), 0);
    reply_begin(&reply, 1);
    reply_receipt(&reply, &id, "{}", GF_STATE_DELIVERED, NULL);
    check_refused(s, reply_seal(&reply), GF_E_REPLAY, "evidence");
    assert_int_equal(site_state(s, &id), STORE_EXPORTED);
}

/* ---- answers ---- */

static void a_licence_is_handed_on_and_its_request_is_answered(void **state) {
    struct site *s = *state;
    struct gf_id id = site_add(s, "license", "{}", 1);
    struct apply_result r;
    struct reply reply;
    int n = 0;

    (void)site_export(s);
    reply_begin(&reply, 1);
    reply_receipt(&reply, &id, "{}", GF_STATE_DELIVERED, NULL);
    reply_answer(&reply, &id, 200, "the licence");
    assert_int_equal(reply_apply(&reply, s, &r, &e), 0);
    assert_true(r.delivered == 1 && r.answers == 1 && r.unusable == 0);
    assert_string_equal(license, "the licence");
    assert_true(site_find(s, &id).answered);
    assert_int_equal(store_licenses(s->a.store, licenses, &n, &e), 0);
    assert_int_equal(n, 1);

    /* Another answer to the same question is not applied. */
    reply_begin(&reply, 2);
    reply_answer(&reply, &id, 200, "another licence");
    assert_int_equal(reply_apply(&reply, s, &r, &e), 0);
    assert_true(r.answers == 0 && r.unusable == 0);
    assert_string_equal(license, "the licence");
}

static void a_bad_licence_does_not_hold_back_the_receipts(void **state) {
    struct site *s = *state;
    struct gf_id id = site_add(s, "license", "{}", 1);
    struct gf_id metrics = site_add(s, "metrics", "{}", 0);
    struct apply_result r;
    struct reply reply;

    (void)site_export(s);
    reply_begin(&reply, 1);
    reply_receipt(&reply, &id, "{}", GF_STATE_DELIVERED, NULL);
    reply_receipt(&reply, &metrics, "{}", GF_STATE_DELIVERED, NULL);
    reply_answer(&reply, &id, 200, "bad");
    assert_int_equal(reply_apply(&reply, s, &r, &e), 0);
    assert_true(r.delivered == 2 && r.answers == 0 && r.unusable == 1);
    assert_int_equal(site_state(s, &metrics), STORE_DELIVERED);
    assert_int_equal(site_find(s, &id).answered, 0);
    assert_string_equal(site_find(s, &id).reason, "not signed by a vendor we trust");

    /* A better one may come. */
    reply_begin(&reply, 2);
    reply_answer(&reply, &id, 200, "the licence");
    assert_int_equal(reply_apply(&reply, s, &r, &e), 0);
    assert_true(r.answers == 1);
    assert_true(site_find(s, &id).answered);
}

static void an_answer_that_says_failed_is_no_licence(void **state) {
    struct site *s = *state;
    struct gf_id id = site_add(s, "license", "{}", 1);
    struct apply_result r;
    struct reply reply;

    (void)site_export(s);
    reply_begin(&reply, 1);
    reply_receipt(&reply, &id, "{}", GF_STATE_REJECTED, "no such key");
    reply_answer(&reply, &id, 422, "{\"error\": \"no such key\"}");
    assert_int_equal(reply_apply(&reply, s, &r, &e), 0);
    assert_true(r.rejected == 1 && r.unusable == 1 && r.answers == 0);
    assert_string_equal(license, "");
    assert_string_equal(site_find(s, &id).reason, "no such key");
}

static void answers_of_other_channels_are_marked(void **state) {
    struct site *s = *state;
    struct gf_id id = site_add(s, "metrics", "{}", 1);
    struct gf_id silent = site_add(s, "metrics", "{}", 0);
    struct gf_id stranger = unknown();
    struct apply_result r;
    struct reply reply;

    (void)site_export(s);
    reply_begin(&reply, 1);
    reply_answer(&reply, &id, 200, "thanks");
    reply_answer(&reply, &silent, 200, "nobody asked");
    reply_answer(&reply, &stranger, 200, "nobody asked");
    assert_int_equal(reply_apply(&reply, s, &r, &e), 0);
    assert_true(r.answers == 1 && r.unusable == 0);
    assert_string_equal(license, "");
    assert_true(site_find(s, &id).answered);
    assert_false(site_find(s, &silent).answered);
}

static void what_cannot_be_decided_undoes_all_of_it(void **state) {
    struct site *s = *state;
    struct gf_id id = site_add(s, "license", "{}", 1);
    struct apply_result r;
    struct reply reply;

    (void)site_export(s);
    reply_begin(&reply, 1);
    reply_receipt(&reply, &id, "{}", GF_STATE_DELIVERED, NULL);
    reply_answer(&reply, &id, 200, "broken");
    check_refused(s, reply_seal(&reply), GF_E_SYSTEM, "the disk is full");
    assert_int_equal(site_state(s, &id), STORE_EXPORTED);
    reply_begin(&reply, 1); /* not noted either: the same number is new */
    reply_receipt(&reply, &id, "{}", GF_STATE_DELIVERED, NULL);
    assert_int_equal(reply_apply(&reply, s, &r, &e), 0);
    assert_true(r.delivered == 1);
}

/* ---- refusals ---- */

static void a_refused_bundle_gives_its_records_back(void **state) {
    struct site *s = *state;
    struct gf_id id = site_add(s, "metrics", "{}", 0);
    struct apply_result r;
    struct reply reply;

    (void)site_export(s);
    struct store_bundle b = site_bundle(s, 0);
    reply_begin(&reply, 1);
    reply_refusal(&reply, &b.id);
    reply_refusal(&reply, &(struct gf_id){{4}});
    assert_int_equal(reply_apply(&reply, s, &r, &e), 0);
    assert_true(r.refusals == 1);
    assert_int_equal(site_state(s, &id), STORE_QUEUED);
    assert_int_equal(site_unsettled(s), 0);
    struct export_result x = site_export(s);
    assert_true(x.records == 1);
}

/* Refused as a fork, it alone; its record is queued again. */
static void fork_first(struct site *s, int64_t seq) {
    struct store_bundle b = site_bundle(s, 0);
    struct apply_result r;
    struct reply reply;

    reply_begin(&reply, seq);
    reply_fork(&reply, &b.id);
    assert_int_equal(reply_apply(&reply, s, &r, &e), 0);
    assert_true(r.refusals == 1);
}

static void a_fork_is_no_fault_of_its_records_and_stands_until_a_new_stream(void **state) {
    char remedy[FORKED_REMEDY];
    struct site *s = *state;
    struct gf_id id = site_add(s, "metrics", "{}", 0);
    int64_t seq = 1;

    assert_int_equal(forked_is(&s->a, remedy, &e), 0);
    for (; seq <= 4; seq++) {
        struct export_result x = site_export(s);
        assert_true(x.records == 1);
        fork_first(s, seq);
        assert_int_equal(site_state(s, &id), STORE_QUEUED);
        assert_int_equal(forked_is(&s->a, remedy, &e), 1);
        assert_non_null(strstr(remedy, "restore"));
    }
    (void)site_export(s);
    assert_int_equal(store_new_stream(s->a.store, &e), 0);
    assert_int_equal(forked_is(&s->a, remedy, &e), 0);
    /* What was made before and is refused only now says nothing about the new one. */
    fork_first(s, seq);
    assert_int_equal(forked_is(&s->a, remedy, &e), 0);
}

/* A refused bundle that nobody here knows is a twin's. */
static void a_fork_of_a_twin_is_told_by_its_stream_if_that_is_ours(void **state) {
    struct site *s = *state;
    struct apply_result r;
    struct reply reply;
    char hex[GF_ID_TEXT], remedy[FORKED_REMEDY];

    (void)site_add(s, "metrics", "{}", 0);
    (void)site_export(s);
    struct store_bundle b = site_bundle(s, 0);
    gf_text_hex(b.stream.b, sizeof b.stream.b, hex);
    const char *const others[] = {"00112233445566778899aabbccddeeff", "", "fork", hex + 1};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        reply_begin(&reply, (int64_t)i + 1);
        reply_fork(&reply, &(struct gf_id){{4}});
        reply_notice(&reply, "fork", others[i]);
        assert_int_equal(reply_apply(&reply, s, &r, &e), 0);
        assert_int_equal(forked_is(&s->a, remedy, &e), 0);
    }
    reply_begin(&reply, 5);
    reply_fork(&reply, &(struct gf_id){{4}});
    reply_notice(&reply, "fork", hex);
    assert_int_equal(reply_apply(&reply, s, &r, &e), 0);
    assert_int_equal(forked_is(&s->a, remedy, &e), 1);
    /* A late word about another stream does not take it back. */
    reply_begin(&reply, 6);
    reply_notice(&reply, "fork", others[0]);
    assert_int_equal(reply_apply(&reply, s, &r, &e), 0);
    assert_int_equal(forked_is(&s->a, remedy, &e), 1);
    assert_int_equal(store_new_stream(s->a.store, &e), 0);
    assert_int_equal(forked_is(&s->a, remedy, &e), 0);
}

/* ---- what is not for us, or not whole ---- */

static void only_a_trusted_relay_is_heard(void **state) {
    struct site *s = *state;
    struct gf_id id = site_add(s, "metrics", "{}", 0);
    struct reply reply;

    (void)site_export(s);
    reply_begin(&reply, 1);
    reply.from = &kit_other;
    reply_receipt(&reply, &id, "{}", GF_STATE_DELIVERED, NULL);
    check_refused(s, reply_seal(&reply), GF_E_SENDER, "");
    reply_begin(&reply, 1);
    reply.to = &kit_other.card;
    reply_receipt(&reply, &id, "{}", GF_STATE_DELIVERED, NULL);
    check_refused(s, reply_seal(&reply), GF_E_NOT_FOR_US, "");
    reply_begin(&reply, 1);
    reply.kind = GF_KIND_REQUEST;
    check_refused(s, reply_seal(&reply), GF_E_SENDER, "");
    assert_int_equal(site_state(s, &id), STORE_EXPORTED);
}

static void an_expired_response_is_refused(void **state) {
    struct site *s = *state;
    struct reply reply;

    reply_begin(&reply, 1);
    reply.has_expires = 1;
    reply.expires = SITE_NOW + 10;
    s->a.now = SITE_NOW + 11;
    check_refused(s, reply_seal(&reply), GF_E_EXPIRED, "");
}

/* Every cut, and a changed byte in many places: nothing takes effect. */
static void a_damaged_response_has_no_effect(void **state) {
    struct site *s = *state;
    struct gf_id id = site_add(s, "metrics", "{}", 0);
    struct apply_result r;
    struct reply reply;
    struct stat st;

    (void)site_export(s);
    reply_begin(&reply, 1);
    reply_receipt(&reply, &id, "{}", GF_STATE_DELIVERED, NULL);
    int fd = reply_seal(&reply);
    assert_int_equal(fstat(fd, &st), 0);
    for (int64_t at = 0; at < st.st_size; at += 97) {
        char byte, other;

        assert_int_equal(gf_file_read_at(fd, &byte, 1, at), 1);
        other = (char)(byte ^ 1);
        assert_int_equal(gf_file_write_at(fd, &other, 1, at), 0);
        assert_int_equal(agent_apply(&s->a, fd, &r, &e), -1);
        assert_int_equal(gf_file_write_at(fd, &byte, 1, at), 0);
    }
    int cut = memfd_create("cut", 0);
    char *all = malloc((size_t)st.st_size);
    assert_int_equal(gf_file_read_at(fd, all, (size_t)st.st_size, 0), st.st_size);
    for (int64_t at = 0; at < st.st_size; at += 331) {
        assert_int_equal(ftruncate(cut, 0), 0);
        assert_int_equal(gf_file_write_at(cut, all, (size_t)at, 0), 0);
        assert_int_equal(agent_apply(&s->a, cut, &r, &e), -1);
    }
    free(all);
    (void)close(cut);
    assert_int_equal(site_state(s, &id), STORE_EXPORTED);
    assert_int_equal(agent_apply(&s->a, fd, &r, &e), 0);
    assert_int_equal(site_state(s, &id), STORE_DELIVERED);
    (void)close(fd);
}

static void what_a_crash_left_in_the_inbox_is_no_obstacle(void **state) {
    struct site *s = *state;
    struct gf_id id = site_add(s, "metrics", "{}", 0);
    struct apply_result r;
    char path[800];

    (void)site_export(s);
    (void)snprintf(path, sizeof path, "%s/inbox", s->a.state);
    assert_int_equal(mkdir(path, 0700), 0);
    (void)snprintf(path, sizeof path, "%s/inbox/items", s->a.state);
    assert_int_equal(mkdir(path, 0700), 0);
    (void)snprintf(path, sizeof path, "%s/inbox/items/receipts.jsonl", s->a.state);
    assert_int_equal(gf_file_save_new(AT_FDCWD, path, "left", 4, 0600, &e), 0);
    r = site_receipt(s, 1, &id, "{}", GF_STATE_DELIVERED, NULL);
    assert_true(r.delivered == 1);
    assert_int_equal(access(path, F_OK), -1);
}

static void numbers_that_never_come_are_told_back(void **state) {
    struct site *s = *state;
    const int64_t voids[] = {1, 3};
    struct apply_result r;
    struct gf_have *have;
    struct reply reply;
    size_t n;

    reply_begin(&reply, 2);
    reply.voids = voids;
    reply.nvoids = 2;
    reply_notice(&reply, "time", "x");
    assert_int_equal(reply_apply(&reply, s, &r, &e), 0);
    assert_int_equal(store_have(s->a.store, &kit_relay.card.identity, &have, &n, &e), 0);
    assert_true(n == 1 && have[0].upto == 3 && have[0].nalso == 0);
    store_have_free(have, n);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup_apply, site_teardown)
    const struct CMUnitTest tests[] = {
        T(each_item_has_its_own_verdict),
        T(a_response_takes_effect_once),
        T(responses_may_come_in_any_order),
        T(what_is_final_is_told_as_odd_and_stays),
        T(a_fork_is_refused_as_evidence),
        T(a_licence_is_handed_on_and_its_request_is_answered),
        T(a_bad_licence_does_not_hold_back_the_receipts),
        T(an_answer_that_says_failed_is_no_licence),
        T(answers_of_other_channels_are_marked),
        T(what_cannot_be_decided_undoes_all_of_it),
        T(a_refused_bundle_gives_its_records_back),
        T(a_fork_is_no_fault_of_its_records_and_stands_until_a_new_stream),
        T(a_fork_of_a_twin_is_told_by_its_stream_if_that_is_ours),
        T(only_a_trusted_relay_is_heard),
        T(an_expired_response_is_refused),
        T(a_damaged_response_has_no_effect),
        T(what_a_crash_left_in_the_inbox_is_no_obstacle),
        T(numbers_that_never_come_are_told_back),
    };
    return cmocka_run_group_tests(tests, kit_setup, kit_teardown);
}
