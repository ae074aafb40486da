/*
 * test_influx_redact.c -- common/influx_redact.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/influx_redact.h"

static struct gf_err e;
static struct gf_buf out;
static struct otlp_deny *deny;
static struct influx_redacted got;
static struct influx_rule rule;

static int setup(void **state) {
    (void)state;
    static const char *const entries[] = {"host", "my key", "user.*", "ho\\st"};
    gf_buf_init(&out, 1 << 20);
    if (otlp_deny_new(entries, 4, &deny, &e) == -1)
        return -1;
    rule = (struct influx_rule){.deny = deny, .unit = 1, .arrived = 1700000000123456789};
    return 0;
}

static int teardown(void **state) {
    (void)state;
    gf_buf_free(&out);
    otlp_deny_free(deny);
    return 0;
}

static int redact(const char *text) {
    gf_buf_clear(&out);
    got = (struct influx_redacted){.lines = 0};
    return influx_redact(text, strlen(text), &rule, &out, &got, &e);
}

static void becomes(const char *text, const char *want) {
    assert_int_equal(redact(text), 1);
    if (out.len != strlen(want) || (out.len > 0 && memcmp(out.data, want, out.len) != 0))
        fail_msg("%s became %s", text, out.len > 0 ? out.data : "nothing");
}

static void what_needs_no_change_stays_as_it_is(void **state) {
    static const char text[] =
        "m,a=b f=1,host=5i 7\nn  s=\"host=x, \\\"y\n\" 08\nhost,hos=t,hostname=x host.name=\"a\" 9";
    (void)state;

    assert_int_equal(redact(text), 0);
    assert_int_equal(out.len, 0);
    assert_int_equal(got.lines, 3);
    assert_int_equal(got.facts.points, 4);
    assert_int_equal(got.facts.earliest, 7);
    assert_int_equal(got.facts.latest, 9);
    assert_int_equal(got.gone.total, 0);
    assert_int_equal(redact("m f=1 5"), 0);
    assert_int_equal(redact(""), 0);
    assert_int_equal(got.lines, 0);
}

static void denied_tags_and_strings_go_from_every_place(void **state) {
    (void)state;
    becomes("m,host=x f=1 7\n", "m f=1 7\n");
    becomes("m,a=b,host=x,c=d f=1 7\n", "m,a=b,c=d f=1 7\n");
    becomes("m,host=a\\ b\\,host\\=,z=1 f=1 7\n", "m,z=1 f=1 7\n");
    becomes("m host=\"x\",f=1 7\n", "m f=1 7\n");
    becomes("m f=1,host=\"x,y z=\\\"\",g=2 7\n", "m f=1,g=2 7\n");
    becomes("m f=1,host=\"x\" 7\n", "m f=1 7\n");
    becomes("m,my\\ key=x f=1,my\\ key=\"y\" 7\n", "m f=1 7\n");
    becomes("m,ho\\st=x f=1 7\n", "m f=1 7\n");
    becomes("m,user.id=1,user=2 user.name=\"x\",user.count=5i 7\n", "m,user=2 user.count=5i 7\n");
    assert_int_equal(got.gone.total, 2);
    assert_string_equal(got.gone.keys[0].key, "user.id");
    assert_string_equal(got.gone.keys[1].key, "user.name");
    assert_int_equal(got.facts.points, 1);
    /* Around it nothing changes. */
    becomes("a  f=01 1\nm,host=x f=1 7\nb\\ ,c=\"d f=+\nz f=2 8", "a  f=01 1\nm f=1 7\nz f=2 8");
    assert_int_equal(got.broken, 1);
}

static void a_line_without_a_field_left_goes_and_is_counted(void **state) {
    (void)state;
    becomes("a f=1 7\nm,a=b host=\"x\",user.x=\"y\" 7\nb f=1 7\n", "a f=1 7\nb f=1 7\n");
    assert_int_equal(got.lines, 2);
    assert_int_equal(got.emptied, 1);
    assert_int_equal(got.facts.points, 2);
    becomes("m host=\"x\"", "");
    assert_int_equal(got.lines, 0);
    assert_int_equal(got.emptied, 1);
}

static void comments_and_blank_lines_go(void **state) {
    (void)state;
    becomes("# host=db1\n\nm f=1 7\n\n  n f=2 8\r\n#x", "m f=1 7\nn f=2 8\n");
    assert_int_equal(got.lines, 2);
    becomes("\n", "");
    becomes("m f=1 7\n#", "m f=1 7\n");
}

static void every_line_gets_a_time_in_nanoseconds(void **state) {
    (void)state;
    becomes("m f=1\nn f=2 5\n", "m f=1 1700000000123456789\nn f=2 5\n");
    assert_int_equal(got.facts.earliest, 5);
    assert_int_equal(got.facts.latest, 1700000000123456789);
    becomes("m f=\"a\nb\"", "m f=\"a\nb\" 1700000000123456789");
    becomes("m f=1 5 \n", "m f=1 5\n");
    rule.unit = 1000000000;
    becomes("m,a=b  f=1,g=2 1700000000 \nn f=2\no f=3 0\n",
            "m,a=b  f=1,g=2 1700000000000000000\nn f=2 1700000000123456789\no f=3 0\n");
    becomes("m,host=b f=1 1700000000", "m f=1 1700000000000000000");
    assert_int_equal(got.facts.latest, 1700000000000000000);
}

static void broken_lines_are_counted_and_the_first_is_told(void **state) {
    (void)state;
    becomes("a f=1 7\n\nm f=\nn\nb f=1 8\n", "a f=1 7\nb f=1 8\n");
    assert_int_equal(got.broken, 2);
    assert_int_equal(got.first, 3);
    assert_string_equal(got.why.text, "a field without a value");
    assert_int_equal(got.lines, 2);
    becomes("nothing", "");
    assert_int_equal(got.lines, 0);
    assert_int_equal(got.broken, 1);
}

static void what_has_no_room_leaves_what_was_there(void **state) {
    static const char text[] = "m f=1\nm f=1\n";
    struct gf_buf small;
    (void)state;

    gf_buf_init(&small, 30);
    gf_buf_text(&small, "before");
    assert_int_equal(influx_redact(text, sizeof text - 1, &rule, &small, &got, &e), -1);
    assert_int_equal(e.code, GF_E_LIMIT);
    assert_int_equal(small.len, 6);
    gf_buf_free(&small);

    /* The shortest lines with the longest time have the room that the header names. */
    struct gf_buf lines;
    gf_buf_init(&lines, 100000);
    rule.arrived = 9223372036854775806;
    for (int i = 0; i < 10000; i++)
        gf_buf_text(&lines, "m f=1\n");
    gf_buf_init(&small, INFLUX_REDACT_ROOM(lines.len));
    assert_int_equal(influx_redact(lines.data, lines.len, &rule, &small, &got, &e), 1);
    gf_buf_free(&small);
    gf_buf_free(&lines);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_needs_no_change_stays_as_it_is, setup, teardown),
        cmocka_unit_test_setup_teardown(denied_tags_and_strings_go_from_every_place, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_line_without_a_field_left_goes_and_is_counted, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(comments_and_blank_lines_go, setup, teardown),
        cmocka_unit_test_setup_teardown(every_line_gets_a_time_in_nanoseconds, setup, teardown),
        cmocka_unit_test_setup_teardown(broken_lines_are_counted_and_the_first_is_told, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_has_no_room_leaves_what_was_there, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
