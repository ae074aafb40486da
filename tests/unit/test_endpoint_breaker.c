/*
 * test_endpoint_breaker.c -- relay/endpoints: when an endpoint is left alone for the rest of a
 * turn.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "relay/endpoints/endpoint_breaker.h"

static struct endpoint_result failure(enum https_stage stage, int sent, int64_t status,
                                      int64_t retry) {
    return (struct endpoint_result){.verdict = ENDPOINT_LATER,
                                    .retry_after_s = retry,
                                    .status = status,
                                    .answer = {.stage = stage, .sent = sent}};
}

static void who_was_not_reached_or_wants_time_is_left_alone_at_once(void **state) {
    const struct endpoint_result once[] = {
        failure(HTTPS_REFUSED, 0, 0, -1), failure(HTTPS_NO_DNS, 0, 0, -1),
        failure(HTTPS_TLS, 0, 0, -1),     failure(HTTPS_TIMED_OUT, 0, 0, -1),
        failure(HTTPS_OK, 1, 429, 5),     failure(HTTPS_OK, 1, 503, 0)};
    (void)state;
    for (size_t i = 0; i < sizeof once / sizeof *once; i++) {
        struct endpoint_breaker p = {0};
        endpoint_breaker_note(&p, &once[i], 99, 0);
        assert_int_equal(p.open, 1);
        assert_int_equal(p.due, 99);
    }
}

static void three_failures_in_a_row_open_and_a_verdict_on_the_record_ends_the_row(void **state) {
    const struct endpoint_result reset = failure(HTTPS_BROKEN, 1, 0, -1);
    const struct endpoint_result held = {
        .verdict = ENDPOINT_HELD, .retry_after_s = -1, .status = 404};
    const struct endpoint_result rejected = {.verdict = ENDPOINT_REJECTED};
    struct endpoint_breaker p = {0};
    (void)state;
    endpoint_breaker_note(&p, &reset, 1, 0);
    endpoint_breaker_note(&p, &held, 1, 0);
    assert_int_equal(p.open, 0);
    endpoint_breaker_note(&p, &rejected, 1, 0);
    endpoint_breaker_note(&p, &reset, 1, 0);
    endpoint_breaker_note(&p, &reset, 1, 0);
    assert_int_equal(p.open, 0);
    endpoint_breaker_note(&p, &held, 1, 0);
    assert_int_equal(p.open, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_was_not_reached_or_wants_time_is_left_alone_at_once),
        cmocka_unit_test(three_failures_in_a_row_open_and_a_verdict_on_the_record_ends_the_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
