/*
 * test_options.c -- common/options: what a command line means, and what a wrong one is told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/nearest.h"
#include "common/options.h"

static const struct option_spec specs[] = {
    {"records", 'r', "FILE", "lines"},     {"reader", 0, "CARD...", "may open it"},
    {"output", 'o', "FILE", "the bundle"}, {"force", 'f', NULL, "overwrite"},
    {"verbose", 'v', NULL, "say more"},    {NULL, 0, NULL, NULL}};

#define PARSE(o, e, ...)                                                                           \
    options_parse((int)(sizeof((char *[]){__VA_ARGS__}) / sizeof(char *)),                         \
                  (char *[]){__VA_ARGS__}, specs, (o), (e))

static void long_short_and_joined_values_mean_the_same(void **state) {
    struct options o;
    struct gf_err e;

    (void)state;
    assert_int_equal(PARSE(&o, &e, "--records", "a", "-ob"), 0);
    assert_string_equal(options_value(&o, "records"), "a");
    assert_string_equal(options_value(&o, "output"), "b");
    options_free(&o);
    assert_int_equal(PARSE(&o, &e, "--records=a=b", "-o", "c", "-fv"), 0);
    assert_string_equal(options_value(&o, "records"), "a=b");
    assert_string_equal(options_value(&o, "output"), "c");
    assert_int_equal(options_count(&o, "force"), 1);
    assert_int_equal(options_count(&o, "verbose"), 1);
    options_free(&o);
    assert_int_equal(PARSE(&o, &e, "--records="), 0);
    assert_string_equal(options_value(&o, "records"), "");
    options_free(&o);
}

static void arguments_may_stand_anywhere_and_keep_their_order(void **state) {
    struct options o;
    struct gf_err e;

    (void)state;
    assert_int_equal(PARSE(&o, &e, "one", "--force", "-", "--", "--force", "-o"), 0);
    assert_int_equal(o.nargs, 4);
    assert_string_equal(options_arg(&o, 0), "one");
    assert_string_equal(options_arg(&o, 1), "-");
    assert_string_equal(options_arg(&o, 2), "--force");
    assert_string_equal(options_arg(&o, 3), "-o");
    assert_null(options_arg(&o, 4));
    assert_int_equal(options_count(&o, "force"), 1);
    assert_null(options_value(&o, "output"));
    options_free(&o);
}

static void only_options_that_say_so_may_be_repeated(void **state) {
    struct options o;
    struct gf_err e;

    (void)state;
    assert_int_equal(PARSE(&o, &e, "--reader", "a", "--reader=b"), 0);
    assert_int_equal(options_count(&o, "reader"), 2);
    assert_string_equal(options_nth(&o, "reader", 0), "a");
    assert_string_equal(options_nth(&o, "reader", 1), "b");
    assert_null(options_nth(&o, "reader", 2));
    options_free(&o);
    assert_int_equal(PARSE(&o, &e, "--records", "a", "-r", "b"), -1);
    assert_int_equal(e.code, GF_E_USAGE);
    assert_non_null(strstr(e.text, "--records is given twice"));
    assert_int_equal(o.nitems, 0);
}

static void a_slip_of_the_finger_is_answered_with_the_nearest_name(void **state) {
    static const struct {
        const char *typed, *want;
    } cases[] = {
        {"--recrods", "did you mean --records?"},
        {"--record", "did you mean --records?"},
        {"--recrods=x", "did you mean --records?"},
        {"--out", "did you mean --output?"},
        {"--farce", "did you mean --force?"},
        {"--zebra", "--help lists them all"},
        {"-x", "unknown option -x"},
        {"--", NULL},
    };
    struct options o;
    struct gf_err e;

    (void)state;
    for (size_t i = 0; cases[i].want; i++) {
        assert_int_equal(PARSE(&o, &e, (char *)(uintptr_t)cases[i].typed), -1);
        assert_int_equal(e.code, GF_E_USAGE);
        if (!strstr(e.text, cases[i].want))
            fail_msg("%s: %s", cases[i].typed, e.text);
    }
    char endless[300];
    memset(endless, 'a', sizeof endless - 1);
    endless[0] = endless[1] = '-';
    endless[sizeof endless - 1] = '\0';
    assert_int_equal(PARSE(&o, &e, endless), -1);
    assert_non_null(strstr(e.text, "unknown option"));
}

static void missing_and_needless_values_are_named(void **state) {
    struct options o;
    struct gf_err e;

    (void)state;
    assert_int_equal(PARSE(&o, &e, "--records"), -1);
    assert_non_null(strstr(e.text, "--records needs a value: --records FILE"));
    assert_int_equal(PARSE(&o, &e, "-fo"), -1);
    assert_non_null(strstr(e.text, "-o needs a value"));
    assert_int_equal(PARSE(&o, &e, "--force=yes"), -1);
    assert_non_null(strstr(e.text, "--force takes no value"));
}

static void distance_counts_a_swap_as_one(void **state) {
    (void)state;
    assert_int_equal(nearest_distance("records", "records"), 0);
    assert_int_equal(nearest_distance("recrods", "records"), 1);
    assert_int_equal(nearest_distance("", "abc"), 3);
    assert_int_equal(nearest_distance("abc", ""), 3);
    assert_int_equal(nearest_distance("kitten", "sitting"), 3);
}

static void help_names_every_option_within_80_columns(void **state) {
    const struct option_page page = {
        "prog", "[OPTION]... FILE",
        "A sentence that is long enough to be broken, since it goes on "
        "and on beyond the eighty columns of a terminal.",
        specs, "more\n"};
    char *text = NULL;
    size_t len = 0;

    (void)state;
    FILE *f = open_memstream(&text, &len);
    options_help(&page, f);
    assert_int_equal(fclose(f), 0);
    for (const struct option_spec *s = specs; s->name; s++)
        assert_non_null(strstr(text, s->name));
    assert_non_null(strstr(text, "-o, --output FILE"));
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
        assert_true(strlen(line) <= 80);
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(long_short_and_joined_values_mean_the_same),
        cmocka_unit_test(arguments_may_stand_anywhere_and_keep_their_order),
        cmocka_unit_test(only_options_that_say_so_may_be_repeated),
        cmocka_unit_test(a_slip_of_the_finger_is_answered_with_the_nearest_name),
        cmocka_unit_test(missing_and_needless_values_are_named),
        cmocka_unit_test(distance_counts_a_swap_as_one),
        cmocka_unit_test(help_names_every_option_within_80_columns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
