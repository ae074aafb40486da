/*
 * test_redact.c -- the allow-list of a channel: what passes does so byte for byte, and nothing else
 * does, however its name is spelled.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "agent/agent.h"

static struct gf_buf out, dropped;
static struct gf_err err;

static int run(const char *body, size_t len, const char *allow) {
    gf_buf_free(&out);
    gf_buf_free(&dropped);
    gf_buf_init(&out, 1 << 20);
    gf_buf_init(&dropped, 1 << 20);
    return redact_json(body, len, allow, &out, &dropped, &err);
}

static int teardown(void **state) {
    (void)state;
    gf_buf_free(&out);
    gf_buf_free(&dropped);
    return 0;
}

static void assert_kept(const char *body, const char *allow, const char *kept, const char *gone) {
    if (run(body, strlen(body), allow) != 0)
        fail_msg("%s: %s", body, err.text);
    assert_string_equal(out.data ? out.data : "", kept);
    assert_string_equal(dropped.data ? dropped.data : "", gone);
}

static void assert_refused(const char *body, const char *why) {
    assert_int_equal(run(body, strlen(body), "a"), -1);
    assert_int_equal(err.code, GF_E_JSON);
    if (!strstr(err.text, why))
        fail_msg("%s: %s", body, err.text);
    assert_int_equal(out.len, 0);
    assert_int_equal(dropped.len, 0);
}

static void without_a_rule_everything_passes(void **state) {
    (void)state;
    assert_kept("no JSON at all", NULL, "no JSON at all", "");
    assert_kept("{\"a\":1}", "*", "{\"a\":1}", "");
    assert_int_equal(run("\xff\x00", 2, NULL), 0);
    assert_memory_equal(out.data, "\xff\x00", 2);
}

static void a_rule_that_names_nothing_takes_nothing(void **state) {
    static const char *const rules[] = {"", ",", " , \t,"};
    (void)state;
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        assert_int_equal(run("{\"a\":1}", 7, rules[i]), -1);
        assert_int_equal(err.code, GF_E_CONFIG);
        assert_int_equal(out.len, 0);
    }
}

static void fields_that_are_allowed_keep_every_byte(void **state) {
    (void)state;
    assert_kept("{\"users\":42,\"edition\":\"pro\",\"hostname\":\"secret\"}", "users,edition",
                "{\"users\":42,\"edition\":\"pro\"}", "hostname");
    assert_kept(" { \"x\" : 1 , \"a\" :\t1.50e+02 ,\"b\":0} ", "a, b",
                "{\"a\" :\t1.50e+02,\"b\":0}", "x");
    assert_kept("{\"b\":1,\"x\":{},\"a\":2}", "a,b", "{\"b\":1,\"a\":2}", "x");
}

static void a_body_of_which_nothing_is_dropped_does_not_change(void **state) {
    (void)state;
    assert_kept(" {\n \"a\" : 1,\n \"b\" : 2 }\n", "b,a,c", " {\n \"a\" : 1,\n \"b\" : 2 }\n", "");
    assert_kept("{ }", "a", "{ }", "");
}

static void what_is_nested_goes_with_its_field(void **state) {
    (void)state;
    assert_kept("{\"a\":{\"secret\":[1,{\"b\":\"}\"}]},\"b\":[[],{\"a\":1}]}", "a",
                "{\"a\":{\"secret\":[1,{\"b\":\"}\"}]}}", "b");
    assert_kept("{\"x\":{\"a\":1},\"y\":[\"a\",\"\\\"a\\\":1\"]}", "a", "{}", "x, y");
}

static void arrays_and_words_are_values_like_others(void **state) {
    (void)state;
    assert_kept("{\"a\":[1,-0.5,1E9,true,false,null,\"\"],\"b\":null}", "a",
                "{\"a\":[1,-0.5,1E9,true,false,null,\"\"]}", "b");
}

static void a_name_that_comes_twice_is_kept_or_dropped_twice(void **state) {
    (void)state;
    assert_kept("{\"a\":1,\"x\":2,\"a\":3,\"x\":4}", "a", "{\"a\":1,\"a\":3}", "x, x");
}

static void names_are_compared_by_what_they_mean(void **state) {
    (void)state;
    assert_kept("{\"\\u0061\":1,\"b\":2}", "a", "{\"\\u0061\":1}", "b");
    assert_kept("{\"\\u0061b\":1,\"a\\u0000\":2,\"a \":3,\"A\":4}", "a", "{}",
                "ab, a\xef\xbf\xbd, a , A");
    assert_kept("{\"\\ud83d\\ude00\":1,\"\\ud83d\":2,\"\\/\":3,\"\\n\":4}", "\xf0\x9f\x98\x80,/",
                "{\"\\ud83d\\ude00\":1,\"\\/\":3}", "\xef\xbf\xbd, \n");
    assert_kept("{\"\xc3\xa9\":1,\"\\u00e9\":2,\"e\":3}", "\xc3\xa9",
                "{\"\xc3\xa9\":1,\"\\u00e9\":2}", "e");
    assert_kept("{\"\":1,\"a\":2}", "a,,", "{\"a\":2}", "");
}

static void a_rule_that_names_part_of_a_name_does_not_allow_it(void **state) {
    (void)state;
    assert_kept("{\"user\":1,\"users\":2,\"users2\":3}", "users", "{\"users\":2}", "user, users2");
    assert_kept("{\"a,b\":1}", "a,b", "{}", "a,b");
}

static void what_is_no_object_is_refused(void **state) {
    static const char *const bodies[] = {"",           "[]",          "1",     "\"a\"",
                                         "{",          "{\"a\"",      "{a:1}", "{\"a\" 1}",
                                         "{\"a\":}",   "{\"a\":1",    "{,}",   "{\"a\":1,}",
                                         "{\"a\":1}x", "{\"a\":1}{}", "null"};
    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        assert_refused(bodies[i], "the body is no JSON");
}

static void values_that_do_not_end_where_they_seem_to_are_refused(void **state) {
    static const char *const values[] = {
        "01",      "1.",      ".5",          "+1", "1e",     "tru", "[1,]", "[1",  "[1}",
        "{\"a\"}", "\"\\x\"", "\"\\u12g4\"", "\"", "\"\n\"", "-",   "nul",  "1 2", "\"\\u12"};
    char body[64];

    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        (void)snprintf(body, sizeof body, "{\"x\":%s,\"a\":1}", values[i]);
        assert_refused(body, "the body is no JSON");
        (void)snprintf(body, sizeof body, "{\"x\":%s", values[i]);
        assert_refused(body, "the body is no JSON");
    }
}

static void bytes_that_are_no_utf8_are_refused_where_there_is_a_rule(void **state) {
    (void)state;
    assert_refused("{\"a\":\"\xc0\x80\"}", "not UTF-8");
    assert_int_equal(run("{\"a\":\0 1}", 9, "a"), -1);
}

static void nesting_has_an_end(void **state) {
    static char body[4096];
    size_t n = 0;

    (void)state;
    n += (size_t)snprintf(body, sizeof body, "{\"a\":");
    memset(body + n, '[', 1000);
    memset(body + n + 1000, ']', 1000);
    body[n + 2000] = '}';
    body[n + 2001] = '\0';
    assert_refused(body, "nested too deeply");
    memmove(body + n + 100, body + n + 1900, 102);
    assert_int_equal(run(body, strlen(body), "a"), 0);
}

static void many_dropped_names_are_counted(void **state) {
    static char body[8192];
    size_t n = 0;

    (void)state;
    for (int i = 0; i < 40; i++)
        n += (size_t)snprintf(body + n, sizeof body - n, "%s\"x%02d\":%d", i ? "," : "{", i, i);
    (void)snprintf(body + n, sizeof body - n, "}");
    assert_int_equal(run(body, strlen(body), "a"), 0);
    assert_string_equal(out.data, "{}");
    assert_non_null(strstr(dropped.data, "x30, x31 and 8 more"));
    assert_null(strstr(dropped.data, "x32"));
}

static int look(const char *body, const char *names) {
    int has = -1;

    if (redact_look(body, strlen(body), names, &has, &err) == -1) {
        assert_int_equal(has, -1);
        return -1;
    }
    return has;
}

static void a_look_finds_names_at_the_top_alone(void **state) {
    (void)state;
    assert_int_equal(look("{\"a\":1}", "a"), 1);
    assert_int_equal(look(" { \"b\" : 1 , \"a\" : {} } ", "x,a"), 1);
    assert_int_equal(look("{\"\\u0061\":1}", "a"), 1);
    assert_int_equal(look("{\"\\u0062\":1}", "a"), 0);
    assert_int_equal(look("{\"b\":{\"a\":1}}", "a"), 0);
    assert_int_equal(look("{\"b\":[{\"a\":1}],\"c\":\"a\"}", "a"), 0);
    assert_int_equal(look("[{\"a\":1}]", "a"), 0);
    assert_int_equal(look("[\"a\"]", "a"), 0);
    assert_int_equal(look("\"a\"", "a"), 0);
    assert_int_equal(look("{\"\":1,\"aa\":1}", "a"), 0);
    assert_int_equal(look("{\"a\":1}", NULL), 0);
}

static void a_look_takes_any_whole_json_and_nothing_else(void **state) {
    (void)state;
    assert_int_equal(look("1e-9999", "a"), 0);
    assert_int_equal(look("{\"a\":1", "a"), -1);
    assert_int_equal(look("{\"a\":1}}", "a"), -1);
    assert_int_equal(look("{\"a\":1,}", "a"), -1);
    assert_int_equal(look("{\"a\":\"\xff\"}", "a"), -1);
    assert_int_equal(look("", "a"), -1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_rule_everything_passes),
        cmocka_unit_test(a_rule_that_names_nothing_takes_nothing),
        cmocka_unit_test(fields_that_are_allowed_keep_every_byte),
        cmocka_unit_test(a_body_of_which_nothing_is_dropped_does_not_change),
        cmocka_unit_test(what_is_nested_goes_with_its_field),
        cmocka_unit_test(arrays_and_words_are_values_like_others),
        cmocka_unit_test(a_name_that_comes_twice_is_kept_or_dropped_twice),
        cmocka_unit_test(names_are_compared_by_what_they_mean),
        cmocka_unit_test(a_rule_that_names_part_of_a_name_does_not_allow_it),
        cmocka_unit_test(what_is_no_object_is_refused),
        cmocka_unit_test(values_that_do_not_end_where_they_seem_to_are_refused),
        cmocka_unit_test(bytes_that_are_no_utf8_are_refused_where_there_is_a_rule),
        cmocka_unit_test(nesting_has_an_end),
        cmocka_unit_test(many_dropped_names_are_counted),
        cmocka_unit_test(a_look_finds_names_at_the_top_alone),
        cmocka_unit_test(a_look_takes_any_whole_json_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, teardown);
}
