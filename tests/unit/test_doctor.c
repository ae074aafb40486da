/* test_doctor.c -- each stage of a failed try has words and a remedy of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/doctor.h"

/* The stages that gapferry-link reports. */
static const char *const stages[] = {"no route", "no DNS",        "refused",      "timed out",
                                     "proxy",    "TLS untrusted", "wrong answer", "relay error"};

static void each_stage_has_words_and_a_remedy_of_its_own(void **state) {
    const char *other, *general, *means, *remedy;

    (void)state;
    doctor_stage("something new", &other, &general);
    for (size_t i = 0; i < sizeof stages / sizeof *stages; i++) {
        doctor_stage(stages[i], &means, &remedy);
        assert_string_not_equal(means, other);
        assert_string_not_equal(remedy, general);
    }
}

static void offline_is_worth_knowing_and_tells_what_it_means(void **state) {
    struct link_relay r = {.is = LINK_OFFLINE, .since = 1767225600, .tried = 1767225600};
    struct doctor_finding f;

    (void)state;
    (void)strcpy(r.relay, "hq");
    (void)strcpy(r.stage, "no route");
    (void)strcpy(r.evidence, "GET https://hq/: network is unreachable\x1b[31m");
    doctor_network(&r, 1, 1767225601, &f);
    assert_int_equal(f.level, DOCTOR_NOTE);
    assert_non_null(strstr(f.text, "no way into that network"));
    assert_non_null(strstr(f.text, "2026-01-01T00:00:00Z"));
    assert_non_null(strstr(f.remedy, "mode = airgap"));
    assert_null(strchr(f.text, '\x1b'));
}

static void a_link_that_missed_its_own_date_is_not_running(void **state) {
    struct link_relay r = {.is = LINK_ONLINE, .since = 1000, .tried = 1000, .next = 2000};
    struct doctor_finding f;

    (void)state;
    (void)strcpy(r.relay, "hq");
    doctor_network(&r, 1, 2100, &f);
    assert_int_equal(f.level, DOCTOR_FINE);
    doctor_network(&r, 1, 2901, &f);
    assert_int_equal(f.level, DOCTOR_WARN);
    assert_non_null(strstr(f.text, "not at work any more"));
    doctor_network(&r, 0, 1500, &f);
    assert_int_equal(f.level, DOCTOR_WARN);
    assert_non_null(strstr(f.remedy, "systemctl start"));
}

static void what_waits_for_a_person_comes_first(void **state) {
    struct link_relay r = {.is = LINK_ONLINE, .person = "bundle X was refused"};
    struct doctor_finding f;

    (void)state;
    doctor_network(&r, 1, 2000, &f);
    assert_int_equal(f.level, DOCTOR_WARN);
    assert_string_equal(f.text, "bundle X was refused");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_stage_has_words_and_a_remedy_of_its_own),
        cmocka_unit_test(offline_is_worth_knowing_and_tells_what_it_means),
        cmocka_unit_test(a_link_that_missed_its_own_date_is_not_running),
        cmocka_unit_test(what_waits_for_a_person_comes_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
