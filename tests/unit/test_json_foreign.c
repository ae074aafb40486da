/*
 * test_json_foreign.c -- JSON that is not ours: its numbers, and objects of anything.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "gapferry/json.h"

static struct gf_err e;

static void every_number_of_the_standard_is_taken_and_nothing_else(void **state) {
    static const char *const good[] = {
        "0",
        "-0",
        "1",
        "-17",
        "0.5",
        "-0.25e-3",
        "1E400",
        "1e+2",
        "10",
        "1.0",
        "9007199254740993",
        "123456789012345678901234567890.125e10",
    };
    static const char *const bad[] = {"01", "-01", "+1",   "1.",  ".5",       "1e", "1e+",
                                      "-",  "0x1", "1.e1", "NaN", "Infinity", "1 2"};

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        if (gf_json_check_foreign(good[i], strlen(good[i]), "x", &e) == -1)
            fail_msg("%s: %s", good[i], e.text);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (gf_json_check_foreign(bad[i], strlen(bad[i]), "x", &e) == 0)
            fail_msg("%s", bad[i]);
        assert_int_equal(e.code, GF_E_JSON);
    }
}

static void our_own_documents_stay_strict_about_numbers(void **state) {
    (void)state;
    assert_int_equal(gf_json_check("0.5", 3, "x", &e), -1);
    assert_int_equal(gf_json_check("-0", 2, "x", &e), -1);
    assert_int_equal(gf_json_check("9007199254740993", 16, "x", &e), -1);
}

static struct gf_json *open_foreign(const char *text, struct gf_json_obj *o) {
    struct gf_json *j = NULL;

    assert_int_equal(gf_json_parse_foreign(text, strlen(text), "x", GF_E_LICENSE, &j, &e), 0);
    gf_json_root(j, o);
    return j;
}

static void an_integer_is_one_that_fits(void **state) {
    static const char *const bad[] = {"{\"n\":0.5}", "{\"n\":1e300}", "{\"n\":-1e999}",
                                      "{\"n\":9007199254740993}"};
    struct gf_json_obj o;
    int64_t n = 7;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct gf_json *j = open_foreign(bad[i], &o);
        assert_int_equal(gf_json_int(&o, "n", INT64_MIN, INT64_MAX, &n), 0);
        assert_int_equal(o.err.code, GF_E_LICENSE);
        gf_json_free(j);
    }
    assert_int_equal(n, 7);
    struct gf_json *j = open_foreign("{\"n\":1.5e1}", &o);
    assert_int_equal(gf_json_int(&o, "n", 0, 100, &n), 1);
    assert_int_equal(n, 15);
    gf_json_free(j);
}

static void an_object_of_anything_is_told_in_words(void **state) {
    static const char *const wanted[][2] = {{"a", "text"}, {"b", "12"},    {"c", "0.5"},
                                            {"d", "true"}, {"e", "false"}, {"f", "null"},
                                            {"g", "..."},  {"h", "..."},   {"i", "1e+300"}};
    char words[GF_JSON_WORDS];
    const char *name, *value;
    struct gf_json_obj o;
    size_t i = 0;

    (void)state;
    struct gf_json *j = open_foreign("{\"a\":\"text\",\"b\":12,\"c\":0.5,\"d\":true,\"e\":false,"
                                     "\"f\":null,\"g\":{},\"h\":[1],\"i\":1e300}",
                                     &o);
    for (; gf_json_each_any(&o, i, &name, &value, words); i++) {
        assert_true(i < sizeof wanted / sizeof *wanted);
        assert_string_equal(name, wanted[i][0]);
        assert_string_equal(value, wanted[i][1]);
    }
    assert_int_equal(i, sizeof wanted / sizeof *wanted);
    assert_int_equal(gf_json_end(&o, &e), 0);
    gf_json_free(j);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_number_of_the_standard_is_taken_and_nothing_else),
        cmocka_unit_test(our_own_documents_stay_strict_about_numbers),
        cmocka_unit_test(an_integer_is_one_that_fits),
        cmocka_unit_test(an_object_of_anything_is_told_in_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
