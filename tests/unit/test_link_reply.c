/*
 * test_link_reply.c -- agent/link/reply.c: what a relay says to a posted bundle.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/link/reply.h"

#define ID    "0102030405060708090a0b0c0d0e0f10"
#define OTHER "ffffffffffffffffffffffffffffffff"

static const struct gf_id bundle = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};

static int parse(const char *text, struct reply *r) {
    struct gf_err e;
    return reply_parse(text, strlen(text), &bundle, r, &e);
}

static void what_waits_is_read_with_its_size(void **state) {
    struct reply r;
    (void)state;
    assert_int_equal(parse("{\"bundle\":\"" ID "\",\"state\":\"taken\",\"responses\":"
                           "[{\"id\":\"" OTHER "\",\"size\":2147483647},{\"id\":\"" ID
                           "\",\"size\":1}]}",
                           &r),
                     0);
    assert_int_equal(r.taken, 1);
    assert_int_equal(r.n, 2);
    assert_int_equal(r.responses[0].id.b[0], 0xff);
    assert_int_equal(r.responses[0].size, 2147483647);
    reply_free(&r);
    assert_int_equal(parse("{\"bundle\":\"" ID "\",\"state\":\"seen\",\"responses\":[]}", &r), 0);
    assert_int_equal(r.taken, 0);
    assert_int_equal(r.n, 0);
    reply_free(&r);
}

static void members_of_a_newer_relay_are_ignored(void **state) {
    struct reply r;
    (void)state;
    assert_int_equal(parse("{\"bundle\":\"" ID
                           "\",\"state\":\"taken\",\"more\":{\"x\":1},\"responses\":"
                           "[{\"id\":\"" OTHER "\",\"size\":7,\"kind\":\"x\"}]}",
                           &r),
                     0);
    reply_free(&r);
}

static void what_breaks_a_rule_is_refused_as_a_whole(void **state) {
    static const char *const bad[] = {
        "",
        "[]",
        "{}",
        "<html>",
        "{\"bundle\":\"" ID "\",\"state\":\"taken\"}",
        "{\"bundle\":\"" OTHER "\",\"state\":\"taken\",\"responses\":[]}",
        "{\"bundle\":\"" ID "\",\"state\":\"eaten\",\"responses\":[]}",
        "{\"bundle\":\"" ID "\",\"state\":\"taken\",\"responses\":{}}",
        "{\"bundle\":\"" ID "\",\"state\":\"taken\",\"responses\":[{\"id\":\"../x\",\"size\":1}]}",
        "{\"bundle\":\"" ID "\",\"state\":\"taken\",\"responses\":[{\"id\":\"" ID
        "\",\"size\":0}]}",
        "{\"bundle\":\"" ID "\",\"state\":\"taken\",\"responses\":[{\"id\":\"" ID
        "\",\"size\":2147483648}]}",
        "{\"bundle\":\"" ID "\",\"state\":\"taken\",\"responses\":[{\"id\":\"" ID "\"}]}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct reply r = {.n = 77};
        if (parse(bad[i], &r) != -1)
            fail_msg("taken: %s", bad[i]);
        assert_int_equal(r.n, 77);
    }
}

static void an_error_is_shown_with_its_code_and_anything_else_not_at_all(void **state) {
    static const char good[] = "{\"error\":{\"code\":\"sender\",\"text\":\"approve it\"}}";
    char words[256];
    (void)state;
    reply_error(good, sizeof good - 1, words);
    assert_string_equal(words, "sender: approve it");
    reply_error("<html>", 6, words);
    assert_string_equal(words, "");
    reply_error("{\"error\":{\"code\":5,\"text\":\"x\"}}", 31, words);
    assert_string_equal(words, "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_waits_is_read_with_its_size),
        cmocka_unit_test(members_of_a_newer_relay_are_ignored),
        cmocka_unit_test(what_breaks_a_rule_is_refused_as_a_whole),
        cmocka_unit_test(an_error_is_shown_with_its_code_and_anything_else_not_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
