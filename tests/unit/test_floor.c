/*
 * test_floor.c -- the time floor: what raises it, and what is said of a clock.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/floor.h"
#include "support/kit.h"
#include "support/site.h"

static struct gf_err e;

static int setup(void **state) {
    struct site *s = calloc(1, sizeof *s);

    site_make(s, 0);
    *state = s;
    return 0;
}

static int teardown(void **state) {
    site_free(*state);
    free(*state);
    return 0;
}

static int64_t get(struct site *s) {
    int64_t floor = -1;

    assert_int_equal(floor_get(&s->a, &floor, &e), 0);
    return floor;
}

#define DAY 86400LL

static void it_begins_when_the_program_was_built(void **state) {
    int64_t floor = get(*state);

    assert_true(floor >= 1700000000);
    assert_int_equal(floor_raise(&((struct site *)*state)->a, floor - 1, &e), 0);
    assert_int_equal(get(*state), floor);
}

static void it_rises_and_never_sinks_also_after_a_restart(void **state) {
    struct site *s = *state;
    int64_t built = get(s);

    assert_int_equal(floor_raise(&s->a, built + 30 * DAY, &e), 0);
    assert_int_equal(get(s), built + 30 * DAY);
    assert_int_equal(floor_raise(&s->a, built + 20 * DAY, &e), 0);
    assert_int_equal(get(s), built + 30 * DAY);
    site_reopen(s);
    assert_int_equal(get(s), built + 30 * DAY);
}

static void a_slip_of_a_vendor_does_not_raise_it_for_ever(void **state) {
    struct site *s = *state;
    int64_t built = get(s);

    s->a.now = 0;
    assert_int_equal(floor_raise(&s->a, built + WHEN_LEAP + 1, &e), 0);
    assert_int_equal(get(s), built);
    assert_int_equal(floor_raise(&s->a, built + WHEN_LEAP, &e), 0);
    assert_int_equal(get(s), built + WHEN_LEAP);
}

static void a_clock_is_told_only_where_it_is_odd(void **state) {
    const int64_t floor = 1800000000;
    char words[FLOOR_WORDS];

    (void)state;
    assert_int_equal(floor_words(floor, floor, words), 0);
    assert_string_equal(words, "");
    assert_int_equal(floor_words(floor - 3600, floor, words), 0);
    assert_int_equal(floor_words(floor - FLOOR_SLACK, floor, words), 0);
    assert_int_equal(floor_words(floor - FLOOR_SLACK - 1, floor, words), 1);
    assert_int_equal(floor_words(0, floor, words), 1);
    assert_non_null(strstr(words, "1970-01-01T00:00:00Z"));
    assert_non_null(strstr(words, "set the clock"));
    assert_int_equal(floor_words(floor + WHEN_LEAP, floor, words), 0);
    assert_int_equal(floor_words(4294967296, floor, words), 1);
    assert_non_null(strstr(words, "2106-02-07T06:28:16Z"));
    assert_non_null(strstr(words, "is it right?"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_begins_when_the_program_was_built, setup, teardown),
        cmocka_unit_test_setup_teardown(it_rises_and_never_sinks_also_after_a_restart, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_slip_of_a_vendor_does_not_raise_it_for_ever, setup,
                                        teardown),
        cmocka_unit_test(a_clock_is_told_only_where_it_is_odd),
    };
    return cmocka_run_group_tests(tests, kit_setup, kit_teardown);
}
