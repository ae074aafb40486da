/*
 * test_endpoint_breaker.c -- relay/endpoints: when an endpoint is left alone for the rest of a
 * turn, and when one sender's records rest there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "relay/endpoints/endpoint_breaker.h"

static struct endpoint_result failure(enum https_stage stage, int sent, int64_t status,
                                      int64_t retry) {
    return (struct endpoint_result){.verdict = ENDPOINT_LATER,
                                    .retry_after_s = retry,
                                    .status = status,
                                    .answer = {.stage = stage, .sent = sent}};
}

static const struct gf_id a = {{1}}, b = {{2}}, c = {{3}}, d = {{4}};

static void who_was_not_reached_or_wants_time_is_left_alone_at_once(void **state) {
    const struct endpoint_result once[] = {
        failure(HTTPS_REFUSED, 0, 0, -1), failure(HTTPS_NO_DNS, 0, 0, -1),
        failure(HTTPS_TLS, 0, 0, -1),     failure(HTTPS_TIMED_OUT, 0, 0, -1),
        failure(HTTPS_OK, 1, 429, 5),     failure(HTTPS_OK, 1, 503, 0)};
    (void)state;
    for (size_t i = 0; i < sizeof once / sizeof *once; i++) {
        struct endpoint_breaker p = {0};
        struct endpoint_rest rest;
        endpoint_breaker_note(&p, &a, &once[i], 99, 7);
        assert_int_equal(p.open, 1);
        assert_int_equal(endpoint_breaker_rests(&p, &b, &rest), 1);
        assert_int_equal(rest.due, 99);
        assert_int_equal(rest.asked, 7);
    }
}

static void after_three_failures_in_a_row_only_that_senders_records_rest(void **state) {
    const struct endpoint_result reset = failure(HTTPS_BROKEN, 1, 0, -1);
    const struct endpoint_result held = {
        .verdict = ENDPOINT_HELD, .retry_after_s = -1, .status = 404};
    const struct endpoint_result rejected = {.verdict = ENDPOINT_REJECTED};
    struct endpoint_breaker p = {0};
    struct endpoint_rest rest;
    (void)state;
    endpoint_breaker_note(&p, &a, &reset, 1, 0);
    endpoint_breaker_note(&p, &a, &held, 1, 0);
    assert_int_equal(endpoint_breaker_rests(&p, &a, NULL), 0);
    /* A verdict on its own record ends the row, another sender's does not. */
    endpoint_breaker_note(&p, &a, &rejected, 1, 0);
    endpoint_breaker_note(&p, &a, &reset, 1, 0);
    endpoint_breaker_note(&p, &b, &rejected, 1, 0);
    endpoint_breaker_note(&p, &a, &reset, 1, 0);
    assert_int_equal(endpoint_breaker_rests(&p, &a, NULL), 0);
    endpoint_breaker_note(&p, &a, &held, 5, 0);
    assert_int_equal(endpoint_breaker_rests(&p, &a, &rest), 1);
    assert_int_equal(rest.due, 5);
    assert_int_equal(p.open, 0);
    assert_int_equal(endpoint_breaker_rests(&p, &b, NULL), 0);
}

static void three_senders_in_a_row_open_and_what_went_well_ends_the_row(void **state) {
    const struct endpoint_result reset = failure(HTTPS_BROKEN, 1, 0, -1);
    const struct endpoint_result well = {.verdict = ENDPOINT_DELIVERED};
    struct endpoint_breaker p = {0};
    (void)state;
    endpoint_breaker_note(&p, &a, &reset, 1, 0);
    endpoint_breaker_note(&p, &b, &reset, 1, 0);
    endpoint_breaker_note(&p, &b, &reset, 1, 0);
    assert_int_equal(p.open, 0);
    endpoint_breaker_note(&p, &d, &well, 1, 0);
    endpoint_breaker_note(&p, &c, &reset, 1, 0);
    endpoint_breaker_note(&p, &a, &reset, 1, 0);
    assert_int_equal(p.open, 0);
    endpoint_breaker_note(&p, &b, &reset, 1, 0);
    assert_int_equal(p.open, 1);
    assert_int_equal(endpoint_breaker_rests(&p, &d, NULL), 1);
}

static void what_is_wrong_with_one_record_alone_counts_for_nothing(void **state) {
    const struct endpoint_result alone = {.verdict = ENDPOINT_HELD, .alone = 1};
    struct endpoint_breaker p = {0};
    (void)state;
    for (int i = 0; i < 2 * ENDPOINT_BREAKER_ROW; i++)
        endpoint_breaker_note(&p, &a, &alone, 1, 0);
    assert_int_equal(p.open, 0);
    assert_int_equal(endpoint_breaker_rests(&p, &a, NULL), 0);
}

/* The reason of one record may hold what its sender wrote, and its id. */
static void nothing_of_a_record_is_told_of_others(void **state) {
    struct endpoint_result r[] = {failure(HTTPS_REFUSED, 0, 0, -1), failure(HTTPS_OK, 1, 503, 5),
                                  failure(HTTPS_OK, 1, 500, -1)};
    (void)state;
    for (size_t i = 0; i < sizeof r / sizeof *r; i++) {
        struct endpoint_breaker p = {0};
        struct endpoint_rest rest;
        (void)strcpy(r[i].reason, "HTTP 500: secret");
        endpoint_breaker_note(&p, &a, &r[i], 1, 0);
        endpoint_breaker_note(&p, &b, &r[i], 1, 0);
        endpoint_breaker_note(&p, &c, &r[i], 1, 0);
        assert_int_equal(endpoint_breaker_rests(&p, &d, &rest), 1);
        assert_null(strstr(rest.why, "secret"));
    }
}

static void of_more_senders_than_are_remembered_the_oldest_is_forgotten(void **state) {
    const struct endpoint_result reset = failure(HTTPS_BROKEN, 1, 0, -1);
    const struct endpoint_result well = {.verdict = ENDPOINT_DELIVERED};
    const struct gf_id last = {{ENDPOINT_BREAKER_SENDERS + 1}};
    struct endpoint_breaker p = {0};
    (void)state;
    for (int i = 1; i <= ENDPOINT_BREAKER_SENDERS + 1; i++) {
        const struct gf_id agent = {{(uint8_t)i}};
        for (int n = 0; n < ENDPOINT_BREAKER_ROW; n++)
            endpoint_breaker_note(&p, &agent, &reset, 1, 0);
        endpoint_breaker_note(&p, &(struct gf_id){{0}}, &well, 1, 0);
    }
    assert_int_equal(p.open, 0);
    assert_int_equal(endpoint_breaker_rests(&p, &a, NULL), 0);
    assert_int_equal(endpoint_breaker_rests(&p, &b, NULL), 1);
    assert_int_equal(endpoint_breaker_rests(&p, &last, NULL), 1);
}

/* Half of the connections, rounded up; others' records go on. */
static void records_of_many_requests_leave_connections_to_others(void **state) {
    struct endpoint_breaker p = {.share = 2};
    struct endpoint_rest rest;
    (void)state;
    endpoint_breaker_over(&p, &a);
    endpoint_breaker_many(&p, &a, 40);
    assert_int_equal(endpoint_breaker_rests(&p, &a, NULL), 0);
    endpoint_breaker_many(&p, &b, 41);
    endpoint_breaker_many(&p, &a, 42);
    assert_int_equal(endpoint_breaker_rests(&p, &a, &rest), 1);
    assert_int_equal(rest.due, 42);
    assert_int_equal(rest.asked, 0);
    assert_string_equal(rest.why, "is at work on records of this sender that take many requests");
    assert_int_equal(endpoint_breaker_rests(&p, &b, NULL), 0);
    assert_int_equal(endpoint_breaker_rests(&p, &c, NULL), 0);
    endpoint_breaker_over(&p, &a);
    assert_int_equal(endpoint_breaker_rests(&p, &a, NULL), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_of_many_requests_leave_connections_to_others),
        cmocka_unit_test(who_was_not_reached_or_wants_time_is_left_alone_at_once),
        cmocka_unit_test(after_three_failures_in_a_row_only_that_senders_records_rest),
        cmocka_unit_test(three_senders_in_a_row_open_and_what_went_well_ends_the_row),
        cmocka_unit_test(what_is_wrong_with_one_record_alone_counts_for_nothing),
        cmocka_unit_test(nothing_of_a_record_is_told_of_others),
        cmocka_unit_test(of_more_senders_than_are_remembered_the_oldest_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
