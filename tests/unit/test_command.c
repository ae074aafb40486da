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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_systems_own_program_is_called_by_its_name),
        cmocka_unit_test(a_root_that_was_given_is_part_of_every_command),
        cmocka_unit_test(a_root_within_anothers_state_is_named_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
