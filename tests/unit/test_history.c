/* test_history.c -- the account of what left cannot be changed without being noticed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "agent/history.h"
#include "agent/store/store_internal.h"
#include "support/kit.h"
#include "support/site.h"

/* An agent with three lines in its history behind that of its beginning. */
static void make(struct site *s) {
    struct gf_err e;

    site_make(s, 1);
    for (int i = 0; i < 3; i++) {
        struct history_line h;
        history_begin(&h, &s->a, "test");
        history_number(&h, "i", i);
        assert_int_equal(history_end(&h, &s->a, &e), 0);
    }
    assert_int_equal(history_seal(&s->a, &e), 0);
}

static struct history_verdict verdict(struct site *s) {
    struct history_verdict v;
    struct gf_err e;

    assert_int_equal(history_verify(&s->a, &v, &e), 0);
    return v;
}

static void run(struct site *s, const char *sql) {
    struct gf_err e;

    assert_int_equal(db_run(&s->a.store->db, &e, sql, ""), 0);
}

static void a_chain_that_nobody_touched_is_whole(void **state) {
    (void)state;
    struct site s;
    make(&s);
    struct history_verdict v = verdict(&s);
    assert_int_equal(v.lines, 4);
    assert_int_equal(v.bad_line, 0);
    assert_int_equal(v.head, 1);
    site_free(&s);
}

static void a_changed_line_is_named(void **state) {
    (void)state;
    struct site s;
    make(&s);
    run(&s, "UPDATE history SET line = CAST(replace(CAST(line AS TEXT), '\"i\":1', '\"i\":7') AS "
            "BLOB) WHERE n = 3");
    assert_int_equal(verdict(&s).bad_line, 3);
    site_free(&s);
}

static void a_removed_line_is_noticed(void **state) {
    (void)state;
    struct site s;
    make(&s);
    run(&s, "DELETE FROM history WHERE n = 2");
    assert_int_equal(verdict(&s).bad_line, 3);
    site_free(&s);
}

static void a_chain_made_anew_does_not_fit_its_head(void **state) {
    (void)state;
    struct site s;
    struct gf_err e;
    make(&s);
    run(&s, "DELETE FROM history WHERE n >= 3");
    struct history_line h;
    history_begin(&h, &s.a, "forged");
    assert_int_equal(history_end(&h, &s.a, &e), 0);
    struct history_verdict v = verdict(&s);
    assert_int_equal(v.bad_line, 0);
    assert_int_equal(v.head, -1);
    site_free(&s);
}

static void an_older_database_is_noticed_and_the_head_is_kept_as_evidence(void **state) {
    (void)state;
    struct site s;
    struct gf_err e;
    make(&s);
    assert_int_equal(history_check_head(&s.a, &e), 0);
    run(&s, "DELETE FROM history WHERE n = 4");
    assert_int_equal(history_check_head(&s.a, &e), -1);
    assert_int_equal(e.code, GF_E_DAMAGED);
    assert_non_null(strstr(e.text, "restore"));
    assert_int_equal(history_seal(&s.a, &e), 0);
    assert_int_equal(history_check_head(&s.a, &e), -1);
    site_free(&s);
}

static void a_head_that_is_none_or_of_another_chain_is_not_sealed_over(void **state) {
    (void)state;
    struct site s;
    struct gf_err e;
    make(&s);
    run(&s, "DELETE FROM history WHERE n = 4");
    for (int i = 0; i < 2; i++) {
        struct history_line h;
        history_begin(&h, &s.a, "forged");
        assert_int_equal(history_end(&h, &s.a, &e), 0);
    }
    assert_int_equal(history_seal(&s.a, &e), 0);
    assert_int_equal(history_check_head(&s.a, &e), -1);

    char path[sizeof s.a.state + 32];
    (void)snprintf(path, sizeof path, "%s/history.head", s.a.state);
    int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    assert_int_equal(write(fd, "x\n", 2), 2);
    (void)close(fd);
    assert_int_equal(history_seal(&s.a, &e), 0);
    assert_int_equal(history_check_head(&s.a, &e), -1);
    assert_int_equal(e.code, GF_E_DAMAGED);
    assert_non_null(strstr(e.text, "restore"));
    site_free(&s);
}

static void a_head_that_is_gone_is_noticed_and_not_made_anew(void **state) {
    (void)state;
    struct site s;
    struct gf_err e;
    make(&s);
    char path[sizeof s.a.state + 32];
    (void)snprintf(path, sizeof path, "%s/history.head", s.a.state);
    assert_int_equal(unlink(path), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(history_check_head(&s.a, &e), -1);
        assert_int_equal(e.code, GF_E_DAMAGED);
        assert_non_null(strstr(e.text, "history.head: is missing"));
        assert_non_null(strstr(e.text, "restore"));
        assert_int_equal(verdict(&s).head, 0);
        assert_int_equal(history_seal(&s.a, &e), 0);
    }
    assert_int_equal(history_seal_first(&s.a, &e), 0);
    assert_int_equal(history_check_head(&s.a, &e), 0);
    site_free(&s);
}

static void a_crash_before_the_head_was_written_costs_nothing(void **state) {
    (void)state;
    struct site s;
    struct gf_err e;
    make(&s);
    struct history_line h;
    history_begin(&h, &s.a, "late");
    assert_int_equal(history_end(&h, &s.a, &e), 0);
    assert_int_equal(history_check_head(&s.a, &e), 0);
    assert_int_equal(verdict(&s).head, 1);
    site_free(&s);
}

/* Make a bundle and let a receipt settle it, so that the next export keeps it. */
static struct gf_id settle(struct site *s) {
    struct reply r;
    struct apply_result in;
    struct gf_err e;
    struct gf_id record = site_add(s, "metrics", "{\"a\":1}", 0);

    assert_int_equal(site_export(s).bundles, 1);
    struct gf_id bundle = site_bundle(s, 0).id;
    assert_int_equal(store_written(s->a.store, &bundle, s->a.now, &e), 0);
    reply_begin(&r, 1);
    reply_receipt(&r, &record, "{\"a\":1}", GF_STATE_DELIVERED, NULL);
    assert_int_equal(reply_apply(&r, s, &in, &e), 0);
    (void)site_export(s);
    return bundle;
}

static void path_of(struct site *s, const struct gf_id *id, char out[700]) {
    char hex[GF_ID_TEXT];

    gf_text_hex(id->b, sizeof id->b, hex);
    (void)snprintf(out, 700, "%s/" HISTORY_FOLDER "/%s.gfb", s->a.state, hex);
}

static void a_settled_bundle_is_kept_and_one_changed_byte_is_noticed(void **state) {
    (void)state;
    struct site s;
    struct gf_err e;
    char path[700];
    const char *place = NULL;

    site_make(&s, 1);
    struct gf_id id = settle(&s);
    int fd = history_open(&s.a, &id, &place, &e);
    assert_int_not_equal(fd, -1);
    assert_string_equal(place, HISTORY_FOLDER);
    (void)close(fd);
    assert_int_equal(verdict(&s).kept, 1);
    assert_int_equal(verdict(&s).bad_files, 0);

    path_of(&s, &id, path);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    fd = open(path, O_RDWR);
    assert_int_not_equal(fd, -1);
    unsigned char byte = 0;
    assert_int_equal(pread(fd, &byte, 1, st.st_size - 2000), 1);
    byte ^= 1;
    assert_int_equal(pwrite(fd, &byte, 1, st.st_size - 2000), 1);
    (void)close(fd);
    assert_int_equal(verdict(&s).bad_files, 1);
    site_free(&s);
}

static void what_was_kept_for_400_days_goes_and_the_history_says_so(void **state) {
    (void)state;
    struct site s;
    struct gf_err e;
    char path[700];
    const char *place = NULL;

    site_make(&s, 1);
    struct gf_id id = settle(&s);
    path_of(&s, &id, path);
    const struct timeval early[2] = {{.tv_sec = 10}, {.tv_sec = 10}};
    const struct timeval at[2] = {{.tv_sec = s.a.now}, {.tv_sec = s.a.now}};
    int64_t now = s.a.now;

    /* A clock that is or was wrong proves no age. */
    assert_int_equal(utimes(path, early), 0);
    (void)site_export(&s);
    assert_int_equal(utimes(path, at), 0);
    s.a.now = 4294967295LL;
    (void)site_export(&s);
    s.a.now = now + (int64_t)HISTORY_DAYS * 86400;
    (void)site_export(&s);
    int fd = history_open(&s.a, &id, &place, &e);
    assert_int_not_equal(fd, -1);
    (void)close(fd);
    int64_t lines = verdict(&s).lines;
    s.a.now++;
    (void)site_export(&s);
    assert_int_equal(history_open(&s.a, &id, &place, &e), -1);
    assert_int_equal(e.code, GF_E_NOINPUT);
    assert_int_equal(verdict(&s).lines, lines + 1);
    site_free(&s);
}

int main(void) {
#define T(name) cmocka_unit_test(name)
    const struct CMUnitTest tests[] = {
        T(a_chain_that_nobody_touched_is_whole),
        T(a_changed_line_is_named),
        T(a_removed_line_is_noticed),
        T(a_chain_made_anew_does_not_fit_its_head),
        T(an_older_database_is_noticed_and_the_head_is_kept_as_evidence),
        T(a_head_that_is_none_or_of_another_chain_is_not_sealed_over),
        T(a_head_that_is_gone_is_noticed_and_not_made_anew),
        T(a_crash_before_the_head_was_written_costs_nothing),
        T(a_settled_bundle_is_kept_and_one_changed_byte_is_noticed),
        T(what_was_kept_for_400_days_goes_and_the_history_says_so),
    };
    return cmocka_run_group_tests(tests, kit_setup, kit_teardown);
}
