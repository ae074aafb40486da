/*
 * test_guard.c -- which requests of browsers are meant for us, and who has the token.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gapferry/digest.h"
#include "relay/listener/listener_guard.h"

static void an_address_and_our_names_are_ours(void **state) {
    (void)state;
    assert_true(listener_guard_host("127.0.0.1", NULL));
    assert_true(listener_guard_host("127.0.0.1:8444", NULL));
    assert_true(listener_guard_host("[::1]:8444", NULL));
    assert_true(listener_guard_host("[::1]", NULL));
    assert_true(listener_guard_host("LOCALHOST:1", NULL));
    assert_true(listener_guard_host("relay.example.com:8444", "other, relay.example.com"));
    assert_true(listener_guard_host("Relay.Example.com", "relay.example.com other"));
}

static void a_name_that_somebody_made_lead_here_is_not(void **state) {
    (void)state;
    assert_false(listener_guard_host(NULL, "a"));
    assert_false(listener_guard_host("", "a"));
    assert_false(listener_guard_host("evil.example", NULL));
    assert_false(listener_guard_host("evil.example:8444", "relay.example.com"));
    assert_false(listener_guard_host("relay.example.com.evil.example", "relay.example.com"));
    assert_false(listener_guard_host("example.com", "relay.example.com"));
    assert_false(listener_guard_host("127.0.0.1.evil.example", NULL));
    assert_false(listener_guard_host("127.0.0.1:8444@evil.example", NULL));
    assert_false(listener_guard_host("[::1", NULL));
    assert_false(listener_guard_host("[::1]x", NULL));
    assert_false(listener_guard_host("[localhost]", NULL));
    assert_false(listener_guard_host("::1", NULL));
    assert_false(listener_guard_host(":8444", NULL));
    assert_false(listener_guard_host("a, b", "a, b"));
}

static void a_form_of_ours_is_taken(void **state) {
    (void)state;
    assert_true(listener_guard_form("http://127.0.0.1:8444", NULL, "127.0.0.1:8444", 0));
    assert_true(listener_guard_form("https://relay:1", "same-origin", "relay:1", 1));
    assert_true(listener_guard_form("null", "same-origin", "localhost", 0));
    assert_true(listener_guard_form(NULL, "same-origin", "localhost", 0));
    assert_true(listener_guard_form(NULL, NULL, "localhost", 0));
}

static void a_form_of_another_page_is_refused(void **state) {
    (void)state;
    assert_false(listener_guard_form("http://evil.example", NULL, "127.0.0.1:8444", 0));
    assert_false(listener_guard_form("http://127.0.0.1:8445", NULL, "127.0.0.1:8444", 0));
    assert_false(listener_guard_form("https://127.0.0.1:8444", NULL, "127.0.0.1:8444", 0));
    assert_false(listener_guard_form("null", NULL, "localhost", 0));
    assert_false(listener_guard_form("null", "cross-site", "localhost", 0));
    assert_false(listener_guard_form(NULL, "same-site", "localhost", 0));
    assert_false(listener_guard_form("http://localhost", "cross-site", "localhost", 0));
    assert_false(listener_guard_form("http://localhost", "none", "localhost", 0));
    assert_false(listener_guard_form("http://localhost", NULL, NULL, 0));
}

static void only_the_whole_token_opens(void **state) {
    (void)state;
    assert_true(listener_guard_bearer("Bearer 0123456789abcdef", "0123456789abcdef"));
    assert_true(listener_guard_bearer("bearer 0123456789abcdef", "0123456789abcdef"));
    assert_false(listener_guard_bearer(NULL, "0123456789abcdef"));
    assert_false(listener_guard_bearer("Bearer ", "0123456789abcdef"));
    assert_false(listener_guard_bearer("Bearer 0123456789abcde", "0123456789abcdef"));
    assert_false(listener_guard_bearer("Bearer 0123456789abcdefg", "0123456789abcdef"));
    assert_false(listener_guard_bearer("Basic 0123456789abcdef", "0123456789abcdef"));
}

static int start(void **state) {
    (void)state;
    return gf_digest_start(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_and_our_names_are_ours),
        cmocka_unit_test(a_name_that_somebody_made_lead_here_is_not),
        cmocka_unit_test(a_form_of_ours_is_taken),
        cmocka_unit_test(a_form_of_another_page_is_refused),
        cmocka_unit_test(only_the_whole_token_opens),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
