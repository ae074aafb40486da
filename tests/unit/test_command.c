/*
 * test_command.c -- common/command.h: how a program is called, as messages say it.
 */
#include "common/command.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void check(const char *state, const char *called) {
    char self[COMMAND_SELF];
    assert_string_equal(command_called("gapferry-agent", state, self), called);
}

static void the_systems_own_program_is_called_by_its_name(void **state) {
    (void)state;
    check("/var/lib/gapferry/agent", "gapferry-agent");
}

static void a_root_that_was_given_is_part_of_every_command(void **state) {
    (void)state;
    check("s/var/lib/gapferry/agent", "gapferry-agent --root s");
    check("/a/b/var/lib/gapferry/agent", "gapferry-agent --root /a/b");
}

static void a_root_within_anothers_state_is_named_whole(void **state) {
    (void)state;
    check("/x/var/lib/gapferry/y/var/lib/gapferry/agent",
          "gapferry-agent --root /x/var/lib/gapferry/y");
    check("/var/lib/gapferry/y/var/lib/gapferry/agent",
          "gapferry-agent --root /var/lib/gapferry/y");
}

static void the_gravest_status_counts(void **state) {
    static const enum gf_exit order[] = {70, 74, 73, 78, 84, 65, 80, 83, 77, 85, 69, 75, 0};
    (void)state;

    for (size_t i = 0; i < sizeof order / sizeof *order; i++)
        for (size_t j = 0; j < sizeof order / sizeof *order; j++)
            assert_int_equal(command_graver(order[i], order[j]), order[i < j ? i : j]);
    for (int foreign = 81; foreign <= 82; foreign++) {
        assert_int_equal(command_graver((enum gf_exit)foreign, GF_EXIT_AWAITED), GF_EXIT_AWAITED);
        assert_int_equal(command_graver((enum gf_exit)foreign, GF_EXIT_NOT_FOR_US), GF_EXIT_DONE);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_gravest_status_counts),
        cmocka_unit_test(the_systems_own_program_is_called_by_its_name),
        cmocka_unit_test(a_root_that_was_given_is_part_of_every_command),
        cmocka_unit_test(a_root_within_anothers_state_is_named_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
