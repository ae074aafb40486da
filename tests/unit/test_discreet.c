/*
 * test_discreet.c -- reasons go to sites without the addresses of the relay's network.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "gapferry/text.h"
#include "relay/discreet.h"

#define A DISCREET_ADDRESS

static void addresses_of_all_forms_are_hidden_and_what_was_said_stays(void **state) {
    static const struct {
        const char *text, *out;
    } words[] = {
        {"refused: 127.0.0.1 port 8428: nobody listens there",
         "refused: " A ": nobody listens there"},
        {"no DNS: metrics.internal: the name has no address",
         "no DNS: " A ": the name has no address"},
        {"no DNS: metrics: the name has no address", "no DNS: " A ": the name has no address"},
        {"timed out: vm port 443: no answer within 30 s",
         "timed out: " A ": no answer within 30 s"},
        {"proxy: proxy squid port 3128: not reached", "proxy: proxy " A ": not reached"},
        {"HTTP 400: remoteAddr: \"10.1.2.3:53412\"; requestURI: /api/v1/write; bad",
         "HTTP 400: remoteAddr: \"" A "\"; requestURI: /api/v1/write; bad"},
        {"1 of 2 points refused: 1: HTTP 503: dial tcp [fd00::1]:8400: i/o timeout",
         "1 of 2 points refused: 1: HTTP 503: dial tcp " A ": i/o timeout"},
        {"from fe80::1ff:fe23:4567:890a, 2001:db8:0:1:1:1:1:1 and ::1.",
         "from " A ", " A " and " A "."},
        {"see https://vm.internal:8427/x?y=1", "see https://" A "/x?y=1"},
        {"see http://vm", "see http://" A},
        {"sink.example:8086 and localhost:9090, 10.0.0.1.", A " and " A ", " A "."},
    };
    char out[GF_REASON_MAX + 1];
    (void)state;

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        discreet_words(words[i].text, out);
        assert_string_equal(out, words[i].out);
    }
}

static void what_is_no_address_stays_byte_for_byte(void **state) {
    static const char *const words[] = {
        "",
        "3 of 4 points refused: 1 more than 10m ahead; 1: HTTP 500: too old sample",
        "expired at 2026-11-22T21:06:40Z, before it was sent",
        "HTTP 422: version 1.2.3.4.5 and 1.2.3 and 1234.1.1.1, std::string, 12:30:45, 5:80",
        "field type conflict: input field \"value\" on measurement \"cpu.load\" is type float",
        "\xc3\xa4 licence:42 is gone, port 80",
        "left out: 1 of 2 points: a text, which Prometheus has no form for",
    };
    char out[GF_REASON_MAX + 1];
    (void)state;

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        discreet_words(words[i], out);
        assert_string_equal(out, words[i]);
    }
}

static void a_reason_that_grows_is_cut_between_characters(void **state) {
    char text[GF_REASON_MAX + 1], out[GF_REASON_MAX + 1];
    (void)state;

    for (size_t i = 0; i < GF_REASON_MAX; i += 8)
        memcpy(text + i, "::1 \xc3\xa4\xc3\xa4", 8);
    text[GF_REASON_MAX] = '\0';
    discreet_words(text, out);
    assert_true(strlen(out) > GF_REASON_MAX - 2 && gf_text_is_utf8(out, strlen(out)));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_of_all_forms_are_hidden_and_what_was_said_stays),
        cmocka_unit_test(what_is_no_address_stays_byte_for_byte),
        cmocka_unit_test(a_reason_that_grows_is_cut_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
