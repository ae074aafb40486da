/* test_turn.c -- what the agent does by itself: apply, note, bundle, and wake up for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "agent/run_wait.h"
#include "agent/turn.h"
#include "support/kit.h"
#include "support/site.h"

static struct turn turn(struct site *s) {
    struct turn t;
    struct gf_err e;

    assert_int_equal(agent_turn(&s->a, &t, &e), 0);
    return t;
}

static int has_file(struct site *s, const char *folder, const char *name) {
    char path[800];

    (void)snprintf(path, sizeof path, "%s/%s/%s", s->a.state, folder, name);
    return access(path, F_OK) == 0;
}

/* A response that delivers `record`, in the inbox under `name`. */
static void put_response(struct site *s, const struct gf_id *record, const char *name) {
    char path[800];
    struct reply r;
    struct gf_err e;

    int dir = agent_folder(&s->a, "inbox", &e);
    assert_int_not_equal(dir, -1);
    (void)close(dir);
    (void)snprintf(path, sizeof path, "%s/inbox/%s", s->a.state, name);
    reply_begin(&r, 1);
    reply_receipt(&r, record, "{}", GF_STATE_DELIVERED, NULL);
    int fd = reply_seal(&r);
    site_save(fd, path);
    (void)close(fd);
}

static void a_response_in_the_inbox_is_applied_and_removed(void **state) {
    struct site *s = *state;
    struct gf_id id = site_add(s, "metrics", "{}", 0);

    (void)site_export(s);
    put_response(s, &id, "00112233445566778899aabbccddeeff.gfb");
    struct turn t = turn(s);
    assert_int_equal(t.responses, 1);
    assert_int_equal(t.in.delivered, 1);
    assert_int_equal(t.failed, 0);
    assert_int_equal(site_state(s, &id), STORE_DELIVERED);
    assert_false(has_file(s, "inbox", "00112233445566778899aabbccddeeff.gfb"));
}

static void one_that_cannot_be_used_is_put_aside_with_its_reason(void **state) {
    static const char name[] = "ffffffffffffffffffffffffffffffff.gfb";
    struct site *s = *state;
    struct gf_id id = site_add(s, "metrics", "{}", 0);
    char path[800];

    (void)site_export(s);
    put_response(s, &id, "00112233445566778899aabbccddeeff.gfb");
    (void)snprintf(path, sizeof path, "%s/inbox/%s", s->a.state, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    (void)fputs("garbage", f);
    assert_int_equal(fclose(f), 0);
    struct turn t = turn(s);
    assert_int_equal(t.quarantined, 1);
    assert_int_equal(t.responses, 1); /* it did not hold back the good one */
    assert_false(has_file(s, "inbox", name));
    assert_true(has_file(s, "quarantine", name));
    assert_true(has_file(s, "quarantine", "ffffffffffffffffffffffffffffffff.gfb.why"));
}

static void what_is_no_file_in_the_inbox_holds_back_no_response(void **state) {
    struct site *s = *state;
    struct gf_id id = site_add(s, "metrics", "{}", 0);
    char path[800];

    (void)site_export(s);
    put_response(s, &id, "77112233445566778899aabbccddeeff.gfb");
    (void)snprintf(path, sizeof path, "%s/inbox/00.gfb", s->a.state);
    assert_int_equal(mkdir(path, 0700), 0);
    (void)snprintf(path, sizeof path, "%s/inbox/01.gfb", s->a.state);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    struct turn t = turn(s);
    assert_int_equal(t.responses, 1);
    assert_int_equal(t.failed, 1);
    assert_string_equal(t.failures[0].step, "inbox");
    assert_non_null(strstr(t.failures[0].why.text, "00.gfb"));
    assert_non_null(strstr(t.failures[0].why.text, "remove it"));
}

static void a_link_among_spool_files_holds_back_no_record(void **state) {
    struct site *s = *state;
    char path[800];
    struct gf_err e;

    int dir = agent_folder(&s->a, "intake", &e);
    assert_int_not_equal(dir, -1);
    (void)close(dir);
    (void)snprintf(path, sizeof path, "%s/intake/01a20206-057d-7c68-bfee-aabbccddeeff.spool",
                   s->a.state);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    struct turn t = turn(s);
    assert_int_equal(t.failed, 0);
    assert_int_equal(t.intake.busy, 1);
}

static void records_wait_for_company_but_a_request_of_a_person_does_not(void **state) {
    struct site *s = *state;

    (void)site_add(s, "metrics", "{}", 0);
    assert_int_equal(turn(s).out.bundles, 0);
    assert_int_equal(agent_turn_next(&s->a), s->a.now + 3600);
    (void)site_add(s, "license", "{}", 1);
    struct turn t = turn(s);
    assert_int_equal(t.out.bundles, 1);
    assert_int_equal(t.out.records, 2);
    assert_true(agent_turn_next(&s->a) == INT64_MAX);
}

static void the_hour_is_over_then_they_go(void **state) {
    struct site *s = *state;

    (void)site_add(s, "metrics", "{}", 0);
    s->a.now += 3599;
    assert_int_equal(turn(s).out.bundles, 0);
    s->a.now += 1;
    assert_int_equal(turn(s).out.bundles, 1);
}

static void what_nobody_answers_is_bundled_anew_without_a_person(void **state) {
    const int64_t after = 14 * 86400;
    struct site *s = *state;
    struct gf_err e;

    (void)site_add(s, "metrics", "{}", 0);
    (void)site_export(s);
    struct store_bundle b = site_bundle(s, 0);
    assert_int_equal(store_written(s->a.store, &b.id, s->a.now, &e), 0);
    assert_true(agent_turn_next(&s->a) == s->a.now + after);
    s->a.now += after;
    struct turn t = turn(s);
    assert_int_equal(t.out.overdue, 1);
    assert_int_equal(t.out.records, 1);
    assert_int_equal(site_unsettled(s), 1);
    struct store_bundle anew = site_bundle(s, 0);
    assert_memory_not_equal(anew.id.b, b.id.b, sizeof b.id.b);
}

/* Trust another relay: from then on it is the one that metrics go to. */
static void trust_another(struct site *s) {
    struct gf_identity other;
    struct gf_card card = {.role = GF_ROLE_RELAY, .created = SITE_NOW};
    char keys[200];
    struct gf_err e;

    (void)snprintf(keys, sizeof keys, "%s/other", s->root);
    assert_int_equal(gf_identity_make(AT_FDCWD, keys, &card, &e), 0);
    assert_int_equal(gf_identity_load(AT_FDCWD, keys, &other, &e), 0);
    site_trust(s, &other);
    gf_identity_free(&other);
}

static void a_response_is_acknowledged_to_whichever_relay_sent_it(void **state) {
    struct site *s = *state;
    struct gf_id id = site_add(s, "metrics", "{}", 0);

    (void)site_export(s);
    trust_another(s);
    put_response(s, &id, "00112233445566778899aabbccddeeff.gfb");
    struct turn t = turn(s);
    assert_int_equal(t.responses, 1);
    assert_int_equal(t.out.bundles, 1);
    assert_true(t.out.have_only);
    struct store_bundle b = site_bundle(s, 0);
    assert_memory_equal(b.relay.b, kit_relay.card.identity.b, sizeof b.relay.b);
}

static void what_link_has_sent_is_noted_once(void **state) {
    struct site *s = *state;
    char path[800], hex[GF_ID_TEXT];

    (void)site_add(s, "metrics", "{}", 0);
    (void)site_export(s);
    struct store_bundle b = site_bundle(s, 0);
    assert_int_equal(b.written, 0);
    gf_text_hex(b.id.b, sizeof b.id.b, hex);
    (void)snprintf(path, sizeof path, "%s/link.sent", s->a.state);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    (void)fprintf(f, "nonsense\n%s 2026-01-01T00:00:00Z\n%s 2026-01-02T00:00:00Z\n%s 2026-01", hex,
                  hex, hex);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(turn(s).sent, 1);
    assert_int_not_equal(site_bundle(s, 0).written, 0);
    assert_int_equal(turn(s).sent, 0);
}

static void a_turn_waits_for_whoever_holds_the_lock(void **state) {
    struct site *s = *state;
    struct store *other = NULL;
    struct turn t;
    struct gf_err e;

    assert_int_equal(store_open(s->a.state, &other, &e), 0);
    assert_int_equal(store_lock(other, "test", &e), 0);
    assert_int_equal(agent_turn(&s->a, &t, &e), -1);
    assert_int_equal(e.code, GF_E_BUSY);
    store_unlock(other);
    store_close(other);
    assert_int_equal(agent_turn(&s->a, &t, &e), 0);
}

static void a_turn_of_keys_that_were_replaced_meanwhile_does_nothing(void **state) {
    struct site *s = *state;
    struct gf_hash other = s->a.id.card.identity;
    struct turn t;
    struct gf_err e;

    (void)site_add(s, "metrics", "{}", 0);
    other.b[0] ^= 1;
    assert_int_equal(store_put_fact(s->a.store, "identity", other.b, sizeof other.b, &e), 0);
    assert_int_equal(agent_turn(&s->a, &t, &e), -1);
    assert_int_equal(e.code, GF_E_BUSY);
    assert_non_null(strstr(e.text, "new keys"));
    /* The lock was given back. */
    assert_int_equal(store_lock(s->a.store, "test", &e), 0);
    store_unlock(s->a.store);
    other.b[0] ^= 1;
    assert_int_equal(store_put_fact(s->a.store, "identity", other.b, sizeof other.b, &e), 0);
    assert_int_equal(agent_turn(&s->a, &t, &e), 0);
}

/* ---- waiting ---- */

static void open_wait(struct site *s, struct run_wait *w) {
    static const char *const folders[] = {"inbox", "intake"};
    struct gf_err e;

    for (size_t i = 0; i < 2; i++)
        assert_int_equal(close(agent_folder(&s->a, folders[i], &e)), 0);
    assert_int_equal(run_wait_open(w, s->a.state, &e), 0);
}

static void a_new_record_a_signal_and_the_time_each_wake_it(void **state) {
    struct site *s = *state;
    struct run_wait w;
    struct gf_err e;
    sigset_t before;

    assert_int_equal(sigprocmask(SIG_BLOCK, NULL, &before), 0);
    open_wait(s, &w);
    (void)site_add(s, "metrics", "{}", 0);
    assert_int_equal(run_wait(&w, INT64_MAX, &e) & RUN_FILES, RUN_FILES);
    run_wait_settle(&w, 1);
    assert_int_equal(run_wait(&w, (int64_t)time(NULL), &e), RUN_TIME);
    assert_int_equal(kill(getpid(), SIGHUP), 0);
    assert_int_equal(run_wait(&w, INT64_MAX, &e), RUN_RELOAD);
    assert_int_equal(kill(getpid(), SIGTERM), 0);
    assert_int_equal(run_wait(&w, INT64_MAX, &e), RUN_STOP);
    run_wait_close(&w);
    assert_int_equal(sigprocmask(SIG_SETMASK, &before, NULL), 0);
}

static void a_turn_with_nothing_to_do_wakes_nobody(void **state) {
    struct site *s = *state;
    struct run_wait w;
    struct gf_err e;
    sigset_t before;

    assert_int_equal(sigprocmask(SIG_BLOCK, NULL, &before), 0);
    (void)turn(s);
    open_wait(s, &w);
    (void)turn(s);
    assert_int_equal(run_wait(&w, (int64_t)time(NULL) + 1, &e), RUN_TIME);
    run_wait_close(&w);
    assert_int_equal(sigprocmask(SIG_SETMASK, &before, NULL), 0);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, site_setup, site_teardown)
    const struct CMUnitTest tests[] = {
        T(a_response_in_the_inbox_is_applied_and_removed),
        T(one_that_cannot_be_used_is_put_aside_with_its_reason),
        T(what_is_no_file_in_the_inbox_holds_back_no_response),
        T(a_link_among_spool_files_holds_back_no_record),
        T(records_wait_for_company_but_a_request_of_a_person_does_not),
        T(the_hour_is_over_then_they_go),
        T(what_nobody_answers_is_bundled_anew_without_a_person),
        T(a_response_is_acknowledged_to_whichever_relay_sent_it),
        T(what_link_has_sent_is_noted_once),
        T(a_turn_waits_for_whoever_holds_the_lock),
        T(a_turn_of_keys_that_were_replaced_meanwhile_does_nothing),
        T(a_new_record_a_signal_and_the_time_each_wake_it),
        T(a_turn_with_nothing_to_do_wakes_nobody),
    };
    return cmocka_run_group_tests(tests, kit_setup, kit_teardown);
}
