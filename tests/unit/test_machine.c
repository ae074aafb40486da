/*
 * test_machine.c -- agent/link/machine.c in simulated time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/link/machine.h"

static const struct machine_rules rules = {
    .failures = 3, .successes = 2, .retry = 15, .retry_max = 3600, .poll = 3600};

/* Where the random number is 0 nothing is shortened. */
static int try_at_next(struct machine *m, int ok, uint32_t random) {
    return machine_result(m, &rules, ok, m->next, random);
}

static struct machine begun(enum link_is is) {
    struct machine m;
    machine_begin(&m, &rules, is, 1000);
    return m;
}

/* One that is offline since its first three tries. */
static struct machine offline(void) {
    struct machine m = begun(LINK_UNPROBED);
    for (int i = 0; i < 3; i++)
        (void)try_at_next(&m, 0, 0);
    assert_int_equal(m.is, LINK_OFFLINE);
    return m;
}

static struct machine online(void) {
    struct machine m = begun(LINK_UNPROBED);
    for (int i = 0; i < 2; i++)
        (void)try_at_next(&m, 1, 0);
    assert_int_equal(m.is, LINK_ONLINE);
    return m;
}

static void the_first_try_is_due_at_once(void **state) {
    (void)state;
    struct machine m = begun(LINK_UNPROBED);
    assert_int_equal(m.next, 1000);
}

static void three_failures_in_a_row_mean_offline_and_no_fewer(void **state) {
    (void)state;
    struct machine m = begun(LINK_UNPROBED);
    assert_int_equal(try_at_next(&m, 0, 0), 0);
    assert_int_equal(try_at_next(&m, 0, 0), 0);
    assert_int_equal(m.is, LINK_UNPROBED);
    assert_int_equal(m.next, 1000 + 2 * 15);
    assert_int_equal(try_at_next(&m, 0, 0), 1);
    assert_int_equal(m.is, LINK_OFFLINE);
    /* Told once. */
    assert_int_equal(try_at_next(&m, 0, 0), 0);
}

static void two_proofs_in_a_row_mean_online_and_no_fewer(void **state) {
    (void)state;
    struct machine m = offline();
    assert_int_equal(try_at_next(&m, 1, 0), 0);
    assert_int_equal(m.is, LINK_OFFLINE);
    assert_int_equal(m.next, m.tried + 15);
    assert_int_equal(try_at_next(&m, 1, 0), 1);
    assert_int_equal(m.is, LINK_ONLINE);
    assert_int_equal(m.next, m.tried + 3600);
}

static void flapping_changes_nothing(void **state) {
    (void)state;
    struct machine up = online(), down = offline();
    for (int i = 0; i < 200; i++) {
        assert_int_equal(try_at_next(&up, i % 3 == 2, 0), 0);
        assert_int_equal(try_at_next(&down, i % 2, 0), 0);
    }
    assert_int_equal(up.is, LINK_ONLINE);
    assert_int_equal(down.is, LINK_OFFLINE);
}

static void one_lost_poll_is_looked_into_soon(void **state) {
    (void)state;
    struct machine m = online();
    (void)try_at_next(&m, 0, 0);
    assert_int_equal(m.next, m.tried + 15);
    (void)try_at_next(&m, 1, 0);
    assert_int_equal(m.next, m.tried + 3600);
}

static void the_back_off_doubles_to_an_hour_and_no_further(void **state) {
    (void)state;
    struct machine m = offline();
    static const int64_t expected[] = {30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        assert_int_equal(m.next - m.tried, expected[i]);
        (void)try_at_next(&m, 0, 0);
    }
    /* A year of it: no overflow, and at most one try in each 45 minutes. */
    int64_t begin = m.next, tries = 0;
    for (; m.next < begin + 365 * 86400LL; tries++)
        (void)try_at_next(&m, 0, (uint32_t)tries * 2654435761U);
    assert_in_range(tries, 365 * 24, 365 * 24 * 4 / 3 + 1);
}

static void distances_are_shortened_by_up_to_a_quarter_never_lengthened(void **state) {
    (void)state;
    int64_t least = INT64_MAX, most = 0;
    for (uint32_t random = 0; random < 5000; random++) {
        struct machine m = online();
        (void)try_at_next(&m, 1, random * 2654435761U);
        int64_t d = m.next - m.tried;
        least = d < least ? d : least;
        most = d > most ? d : most;
    }
    assert_in_range(least, 2700, 2760);
    assert_in_range(most, 3540, 3600);
}

static void a_known_state_holds_until_it_is_refuted(void **state) {
    (void)state;
    struct machine m = begun(LINK_ONLINE);
    assert_int_equal(try_at_next(&m, 1, 0), 0);
    m = begun(LINK_OFFLINE);
    assert_int_equal(try_at_next(&m, 0, 0), 0);
    assert_int_equal(m.next, m.tried + 15);
    m = begun(LINK_ONLINE);
    assert_int_equal(try_at_next(&m, 0, 0) + try_at_next(&m, 0, 0), 0);
    assert_int_equal(try_at_next(&m, 0, 0), 1);
}

static void a_change_of_routes_means_a_new_try_and_a_new_back_off(void **state) {
    (void)state;
    struct machine m = offline();
    for (int i = 0; i < 20; i++)
        (void)try_at_next(&m, 0, 0);
    int64_t now = m.tried + 100;
    machine_wake(&m, &rules, now);
    assert_int_equal(m.next, now + MACHINE_SETTLE);
    (void)try_at_next(&m, 0, 0);
    assert_int_equal(m.is, LINK_OFFLINE);
    assert_int_equal(m.next, m.tried + 30);
    m = online();
    machine_wake(&m, &rules, m.tried + 100);
    assert_int_equal(m.next, m.tried + 100 + MACHINE_SETTLE);
}

static void routes_that_flap_each_second_cause_one_try_for_each_retry(void **state) {
    (void)state;
    struct machine m = offline();
    int64_t tries = 0;
    for (int64_t now = m.tried; now < 1000 + 3600; now++) {
        machine_wake(&m, &rules, now);
        if (m.next <= now) {
            (void)machine_result(&m, &rules, 0, now, 0);
            tries++;
        }
    }
    assert_in_range(tries, 100, 3600 / 15 + 1);
}

static void a_wake_does_not_put_off_what_is_due_sooner(void **state) {
    (void)state;
    struct machine m = offline();
    int64_t next = m.next;
    machine_wake(&m, &rules, next - 1);
    assert_int_equal(m.next, next);
}

static void a_new_bundle_goes_soon_but_only_to_who_is_online(void **state) {
    (void)state;
    struct machine m = online();
    machine_due(&m, m.tried + 500);
    assert_int_equal(m.next, m.tried + 500 + MACHINE_SETTLE);
    m = offline();
    int64_t next = m.next;
    machine_due(&m, m.tried + 1);
    assert_int_equal(m.next, next);
}

static void patience_that_was_asked_for_outlasts_everything(void **state) {
    (void)state;
    struct machine m = online();
    int64_t now = m.tried;
    machine_hold(&m, 7200, now);
    assert_int_equal(m.next, now + 7200);
    machine_wake(&m, &rules, now + 10);
    machine_due(&m, now + 20);
    assert_int_equal(m.next, now + 7200);
    machine_hold(&m, INT64_MAX, now);
    assert_int_equal(m.next, now + MACHINE_HOLD_MAX);
    m = online();
    machine_hold(&m, -5, m.tried);
    assert_true(m.next > m.tried);
}

static void an_awaited_answer_is_asked_for_soon_and_then_ever_less_often(void **state) {
    (void)state;
    struct machine m = online();
    machine_paced(&m, &rules, 1, 0);
    static const int64_t expected[] = {60, 120, 240, 480, 960, 1920, 3600, 3600};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        assert_int_equal(m.next - m.tried, expected[i]);
        (void)try_at_next(&m, 1, 0);
        machine_paced(&m, &rules, 0, 0);
    }
    const struct machine_rules quick = {
        .failures = 1, .successes = 1, .retry = 1, .retry_max = 1, .poll = 5};
    machine_paced(&m, &quick, 1, 0);
    assert_int_equal(m.next - m.tried, 5);
}

static void an_hour_without_network_costs_few_tries(void **state) {
    (void)state;
    struct machine m = begun(LINK_UNPROBED);
    int tries = 0;
    for (; m.next < 1000 + 3600; tries++)
        (void)try_at_next(&m, 0, 0);
    assert_in_range(tries, 8, 12);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_try_is_due_at_once),
        cmocka_unit_test(three_failures_in_a_row_mean_offline_and_no_fewer),
        cmocka_unit_test(two_proofs_in_a_row_mean_online_and_no_fewer),
        cmocka_unit_test(flapping_changes_nothing),
        cmocka_unit_test(one_lost_poll_is_looked_into_soon),
        cmocka_unit_test(the_back_off_doubles_to_an_hour_and_no_further),
        cmocka_unit_test(distances_are_shortened_by_up_to_a_quarter_never_lengthened),
        cmocka_unit_test(a_known_state_holds_until_it_is_refuted),
        cmocka_unit_test(a_change_of_routes_means_a_new_try_and_a_new_back_off),
        cmocka_unit_test(routes_that_flap_each_second_cause_one_try_for_each_retry),
        cmocka_unit_test(a_wake_does_not_put_off_what_is_due_sooner),
        cmocka_unit_test(a_new_bundle_goes_soon_but_only_to_who_is_online),
        cmocka_unit_test(patience_that_was_asked_for_outlasts_everything),
        cmocka_unit_test(an_awaited_answer_is_asked_for_soon_and_then_ever_less_often),
        cmocka_unit_test(an_hour_without_network_costs_few_tries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
