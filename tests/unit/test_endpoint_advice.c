/*
 * test_endpoint_advice.c -- relay/endpoints: what helps where a record is held, and a command for
 * it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "relay/endpoints/endpoint.h"

static void whatever_an_operator_has_to_mend_has_its_own_advice(void **state) {
    char reason[64];

    (void)state;
    for (long status = 100; status <= 599; status++) {
        (void)snprintf(reason, sizeof reason, "HTTP %ld: refused: no DNS:", status);
        int wants = endpoint_http_verdict(status) == ENDPOINT_HELD || status == 429 ||
                    status > 499 || status / 100 == 2; /* an answer that was not believed */
        if ((endpoint_advice_of(reason) != NULL) != wants)
            fail_msg("%ld", status);
    }
    assert_null(endpoint_advice(HTTPS_OK));
    for (int i = HTTPS_OK + 1; https_stages[i] != NULL; i++) {
        (void)snprintf(reason, sizeof reason, "%s: a place", https_stages[i]);
        assert_non_null(endpoint_advice((enum https_stage)i));
        assert_ptr_equal(endpoint_advice_of(reason), endpoint_advice((enum https_stage)i));
    }
    assert_null(endpoint_advice_of("refused"));
    assert_null(endpoint_advice_of("ok: well"));
    assert_null(endpoint_advice_of(""));
    /* Whose remedy is another section, and whose is at the other end, in spite of their status. */
    assert_non_null(strstr(endpoint_advice_of("profile otlp does not take it (a/b): it takes c"),
                           "another endpoint"));
    assert_null(endpoint_advice_of("profile otlp has its troubles"));
    assert_non_null(
        strstr(endpoint_advice_of("HTTP 404: {\"error\":\"database not found: \\\"x\\\"\"}"),
               "database made"));
}

static void what_names_an_endpoint_can_be_pasted_into_a_shell(void **state) {
    char out[ENDPOINT_OPTION], name[ENDPOINT_OPTION];
    (void)state;
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    assert_string_equal(endpoint_option("usage", out), " --endpoint usage");
    assert_string_equal(endpoint_option("My $ink", out), " --endpoint 'My $ink'");
    assert_string_equal(endpoint_option("it's; reboot", out), "");
    assert_string_equal(endpoint_option(name, out), "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_an_operator_has_to_mend_has_its_own_advice),
        cmocka_unit_test(what_names_an_endpoint_can_be_pasted_into_a_shell),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
