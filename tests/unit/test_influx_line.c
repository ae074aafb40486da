/*
 * test_influx_line.c -- common/influx_line.c, common/influx_scan.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/influx_line.h"

static struct gf_err e;
static struct influx_lines it;
static struct influx_line line;

static void is(struct otlp_span s, const char *text) {
    assert_int_equal(s.end - s.at, strlen(text));
    assert_memory_equal(s.at, text, strlen(text));
}

static void means(struct otlp_span s, enum influx_text what, const char *text) {
    struct gf_buf out;

    gf_buf_init(&out, 1000);
    influx_line_text(s, what, &out);
    assert_int_equal(out.failed, 0);
    assert_int_equal(out.len, strlen(text));
    assert_memory_equal(out.len > 0 ? out.data : "", text, out.len);
    gf_buf_free(&out);
}

static void open_text(const char *text, uint64_t unit) {
    influx_line_open(&it, text, strlen(text), unit);
}

static void read_line(const char *text) {
    open_text(text, 1);
    if (influx_line_next(&it, &line, &e) != 1)
        fail_msg("%s: %s", text, e.text);
}

static void refused(const char *text, enum gf_code code, const char *why) {
    open_text(text, 1);
    if (influx_line_next(&it, &line, &e) != -1)
        fail_msg("taken: %s", text);
    if (e.code != code || strstr(e.text, why) == NULL)
        fail_msg("%s: %s", text, e.text);
    /* What follows is read on. */
    struct gf_buf more;
    gf_buf_init(&more, 1 << 20);
    gf_buf_text(&more, text);
    gf_buf_text(&more, "\nok f=1\n");
    influx_line_open(&it, more.data, more.len, 1);
    assert_int_equal(influx_line_next(&it, &line, &e), -1);
    int rc = influx_line_next(&it, &line, &e);
    if (strstr(why, "does not end") != NULL)
        assert_int_equal(rc, 0);
    else if (rc != 1)
        fail_msg("behind %s: %s", text, rc == 0 ? "nothing" : e.text);
    gf_buf_free(&more);
}

static void a_line_is_read_with_all_its_parts(void **state) {
    struct influx_tag tag;
    struct influx_field f;
    (void)state;

    read_line(
        "cpu,host=a,cpu=cpu0 usage=1.5,n=-3i,u=18446744073709551615u,on=true,s=\"x\" 1700\nm f=1");
    is(line.measurement, "cpu");
    is(line.series, "cpu,host=a,cpu=cpu0");
    is(line.tags, "host=a,cpu=cpu0");
    is(line.stamp, "1700");
    assert_int_equal(line.time, 1700);
    assert_int_equal(line.number, 1);
    assert_int_equal(line.ntags, 2);
    assert_int_equal(line.nfields, 5);
    assert_int_equal(line.all.end[-1], '\n');

    assert_int_equal(influx_line_tag(&line.tags, &tag), 1);
    is(tag.all, "host=a");
    is(tag.key, "host");
    is(tag.value, "a");
    assert_int_equal(influx_line_tag(&line.tags, &tag), 1);
    is(tag.all, "cpu=cpu0");
    assert_int_equal(influx_line_tag(&line.tags, &tag), 0);

    static const struct {
        const char *key, *value, *all;
        enum influx_kind kind;
        double as_double;
    } want[] = {
        {"usage", "1.5", "usage=1.5", INFLUX_FLOAT, 1.5},
        {"n", "-3", "n=-3i", INFLUX_INTEGER, -3},
        {"u", "18446744073709551615", "u=18446744073709551615u", INFLUX_UNSIGNED,
         18446744073709551615.0},
        {"on", "true", "on=true", INFLUX_BOOLEAN, 1},
        {"s", "x", "s=\"x\"", INFLUX_STRING, 0},
    };
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(influx_line_field(&line.fields, &f), 1);
        is(f.key, want[i].key);
        is(f.value, want[i].value);
        is(f.all, want[i].all);
        assert_int_equal(f.kind, want[i].kind);
        assert_true(influx_line_double(&f) == want[i].as_double);
    }
    assert_int_equal(influx_line_field(&line.fields, &f), 0);

    assert_int_equal(influx_line_next(&it, &line, &e), 1);
    assert_int_equal(line.number, 2);
    assert_int_equal(line.ntags, 0);
    assert_int_equal(line.stamp.end - line.stamp.at, 0);
    assert_int_equal(influx_line_next(&it, &line, &e), 0);
}

static void escapes_stand_for_what_influxdb_reads(void **state) {
    struct influx_tag tag;
    struct influx_field f;
    (void)state;

    read_line(
        "a\\,b\\ c\\d=\\=,t\\=\\,k=v\\ \\\\\\,w\\x f\\ k=\"say \\\"x\\\" C:\\\\ \\n, =\nend\" 5");
    means(line.measurement, INFLUX_NAME, "a,b c\\d==");
    assert_int_equal(influx_line_tag(&line.tags, &tag), 1);
    means(tag.key, INFLUX_NAME, "t=,k");
    means(tag.value, INFLUX_NAME, "v \\\\,w\\x");
    assert_int_equal(influx_line_field(&line.fields, &f), 1);
    means(f.key, INFLUX_NAME, "f k");
    means(f.value, INFLUX_QUOTED, "say \"x\" C:\\ \\n, =\nend");
    assert_int_equal(line.time, 5);
    /* Quotes mean nothing in tags; a backslash at the end stands for itself. */
    read_line("m,a=\"x f=\"\\\\\"");
    is(line.tags, "a=\"x");
    means((struct otlp_span){(const uint8_t *)"a\\", (const uint8_t *)"a\\" + 2}, INFLUX_NAME,
          "a\\");
}

static void comments_blanks_and_both_ends_of_lines_are_passed(void **state) {
    (void)state;
    open_text("# host=a\n\n  \t\r\n  m  f=1  7  \r\n#\nm,a=b f=\"1\n2\",g=\"\r\n\" 8\n#last", 1);
    assert_int_equal(influx_line_next(&it, &line, &e), 1);
    assert_int_equal(line.number, 4);
    assert_int_equal(line.time, 7);
    is(line.all, "m  f=1  7  \r\n");
    is(line.fields, "f=1");
    assert_int_equal(influx_line_next(&it, &line, &e), 1);
    assert_int_equal(line.number, 6);
    assert_int_equal(line.nfields, 2);
    assert_int_equal(line.time, 8);
    assert_int_equal(influx_line_next(&it, &line, &e), 0);
    open_text("", 1);
    assert_int_equal(influx_line_next(&it, &line, &e), 0);
}

static void numbers_are_those_of_influxdb(void **state) {
    static const char *const good[] = {"0",
                                       "-0",
                                       ".5",
                                       "5.",
                                       "-1.5e-3",
                                       "1E5",
                                       "1e+5",
                                       "01i",
                                       "9223372036854775807i",
                                       "-9223372036854775808i",
                                       "0u",
                                       "18446744073709551615u",
                                       "t",
                                       "F",
                                       "True",
                                       "FALSE",
                                       "1e308"};
    static const char *const bad[] = {"+1",
                                      "1e",
                                      "e5",
                                      ".",
                                      "-",
                                      "1.5i",
                                      "1e5i",
                                      "-i",
                                      "i",
                                      "-1u",
                                      "0x10",
                                      "NaN",
                                      "inf",
                                      "1e309",
                                      "9223372036854775808i",
                                      "1_0",
                                      "-9223372036854775809i",
                                      "18446744073709551616u",
                                      "tRue",
                                      "1=2",
                                      "'a'"};
    char text[700];
    (void)state;

    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        (void)snprintf(text, sizeof text, "m f=%s 1", good[i]);
        read_line(text);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        (void)snprintf(text, sizeof text, "m f=%s", bad[i]);
        refused(text, GF_E_RECORD, bad[i][0] == '-' && strchr(bad[i], 'u') ? "sign" : "");
    }
    /* As long as a double's digits may be, and no longer. */
    memset(text, '0', sizeof text);
    memcpy(text, "m f=1", 5);
    text[4 + 309] = '\0';
    read_line(text);
    memset(text, '0', sizeof text);
    memcpy(text, "m f=1", 5);
    text[4 + 310] = '\0';
    refused(text, GF_E_RECORD, "beyond what a double holds");
    memset(text, '0', sizeof text);
    memcpy(text, "m f=0.", 6);
    text[4 + INFLUX_NUMBER_MAX + 1] = '\0';
    refused(text, GF_E_RECORD, "too many digits");
}

static void what_is_no_line_is_refused_and_what_follows_is_read(void **state) {
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"m", "missing fields"},
        {"m,a=b ", "missing fields"},
        {",a=b f=1", "missing measurement"},
        {"m\\,f=1", "missing fields"},
        {"m,a f=1", "missing tag value"},
        {"m,a= f=1", "missing tag value"},
        {"m,a=,b=c f=1", "missing tag value"},
        {"m,=a f=1", "missing tag key"},
        {"m,a=b, f=1", "missing tag key"},
        {"m,a=x=y f=1", "equals sign"},
        {"m,a=b,c=d,a=e f=1", "duplicate tags"},
        {"m f", "without a value"},
        {"m f=", "without a value"},
        {"m f=,g=1", "without a value"},
        {"m =1", "missing field key"},
        {"m f=1,", "missing field key"},
        {"m f=1, g=2", "missing field key"},
        {"m \"f\"=1", "quote"},
        {"m f=\"x\"y", "behind the end of a string"},
        {"m f=\"x\"\"y\"", "behind the end of a string"},
        {"m f=\"x", "does not end"},
        {"m f=\"x\\\"", "does not end"},
        {"m f=1 x", "bad timestamp"},
        {"m f=1 1.5", "bad timestamp"},
        {"m f=1 -1", "before 1970"},
        {"m f=1 5 6", "behind the timestamp"},
        {"m f=1 9223372036854775807", "beyond its range"},
        {"m,a=b\tc f=1", "control character"},
        {"m\r f=1", "control character"},
        {"m\xff f=1", "UTF-8"},
        {"m f=\"\xc0\x80\"", "UTF-8"},
        {"m,a=b\\\\ f=1", "even number of backslashes"},
        {"m,a=b\\\\,c=d f=1", "even number of backslashes"},
        {"m,a\\\\=b f=1", "even number of backslashes"},
        {"m\\\\,a=b f=1", "even number of backslashes"},
        {"m f\\\\=1", "even number of backslashes"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        refused(cases[i].text, GF_E_RECORD, cases[i].why);
}

/* Somebody's text in a string must not become lines because its own line is broken. */
static void what_a_string_of_a_broken_line_holds_is_not_read_as_lines(void **state) {
    static const char *const broken[] = {
        "m f=1x,s=\"a\nevil f=1\n\" 1\nok f=1",    "m,a= s=\"a\nevil f=1\n\" 1\nok f=1",
        "m s=\"a\nevil f=1\n\",f=x 1\nok f=1",     "m =\"a\nevil f=1\n\" 1\nok f=1",
        "m \"f\"=\"a\nevil f=1\n\" 1\nok f=1",     "m s=\"a\\\"\nevil f=1\n\"x 1\nok f=1",
        "m\\\\,a=b s=\"a\nevil f=1\n\" 1\nok f=1",
    };
    (void)state;
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        open_text(broken[i], 1);
        assert_int_equal(influx_line_next(&it, &line, &e), -1);
        assert_int_equal(it.number, 1);
        assert_int_equal(influx_line_next(&it, &line, &e), 1);
        is(line.measurement, "ok");
        assert_int_equal(line.number, 4);
    }
    /* A quote that begins no string swallows nothing. */
    open_text("m,a=\"x,b= f=1\nok f=1", 1);
    assert_int_equal(influx_line_next(&it, &line, &e), -1);
    assert_int_equal(influx_line_next(&it, &line, &e), 1);
}

static void limits_hold_to_the_byte(void **state) {
    struct gf_buf text;
    (void)state;

    gf_buf_init(&text, 1 << 20);
    gf_buf_text(&text, "m f=\"");
    while (text.len < INFLUX_LINE_MAX - 1)
        gf_buf_byte(&text, 'x');
    gf_buf_byte(&text, '"');
    read_line(text.data);
    text.data[text.len - 1] = 'x';
    gf_buf_byte(&text, '"');
    refused(text.data, GF_E_LIMIT, "131072 bytes");

    gf_buf_clear(&text);
    gf_buf_text(&text, "m");
    for (int i = 0; i < INFLUX_TAGS_MAX; i++)
        gf_buf_printf(&text, ",t%d=x", i);
    size_t tags = text.len;
    gf_buf_text(&text, " f=1");
    read_line(text.data);
    text.len = tags;
    gf_buf_text(&text, ",more=x f=1");
    refused(text.data, GF_E_LIMIT, "128 tags");

    gf_buf_clear(&text);
    gf_buf_text(&text, "m f=1");
    for (int i = 1; i < INFLUX_FIELDS_MAX; i++)
        gf_buf_text(&text, ",f=1");
    read_line(text.data);
    gf_buf_text(&text, ",f=1");
    refused(text.data, GF_E_LIMIT, "4096 fields");
    gf_buf_free(&text);
}

static void times_are_scaled_and_bounded_in_each_precision(void **state) {
    static const struct {
        const char *precision;
        uint64_t ns;
    } units[] = {
        {"n", 1},        {"ns", 1},         {"u", 1000},           {"us", 1000},
        {"ms", 1000000}, {"s", 1000000000}, {"m", 60000000000ULL}, {"h", 3600000000000ULL}};
    char text[100];
    (void)state;

    assert_int_equal(influx_line_unit("d"), 0);
    assert_int_equal(influx_line_unit(""), 0);
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        assert_int_equal(influx_line_unit(units[i].precision), units[i].ns);
        uint64_t most = ((uint64_t)INT64_MAX - 1) / units[i].ns;
        (void)snprintf(text, sizeof text, "m f=1 %llu", (unsigned long long)most);
        open_text(text, units[i].ns);
        assert_int_equal(influx_line_next(&it, &line, &e), 1);
        assert_int_equal(line.time, most * units[i].ns);
        (void)snprintf(text, sizeof text, "m f=1 %llu", (unsigned long long)most + 1);
        open_text(text, units[i].ns);
        assert_int_equal(influx_line_next(&it, &line, &e), -1);
    }
}

static void a_text_is_counted_by_values_and_the_first_fault_is_named(void **state) {
    static const char good[] = "m f=1,g=2 30\nm f=1\n# c\nm f=\"x\" 20\nm f=1 0";
    static const char bad[] = "m f=\"\n\"\n\nm f=\n";
    struct otlp_facts facts;
    (void)state;

    assert_int_equal(influx_line_check(good, sizeof good - 1, 1000, &facts, &e), 0);
    assert_int_equal(facts.points, 5);
    assert_int_equal(facts.earliest, 20000);
    assert_int_equal(facts.latest, 30000);
    assert_int_equal(facts.delta, 0);
    assert_int_equal(influx_line_check(bad, sizeof bad - 1, 1, NULL, &e), -1);
    assert_int_equal(e.code, GF_E_RECORD);
    assert_string_equal(e.text, "line 4: a field without a value");
}

static void a_text_is_cut_behind_the_last_line_that_has_room(void **state) {
    static const char text[] = "m f=1 5\nm f=\"\n\t\" 6\nlast f=1 7";
    (void)state;

    /* In JSON: 9, then 6 plain ones, two quotes, two LF and a tab of 6, then 10. */
    assert_int_equal(influx_line_cut(text, sizeof text - 1, 1000), sizeof text - 1);
    assert_int_equal(influx_line_cut(text, sizeof text - 1, 0), 8);
    assert_int_equal(influx_line_cut(text, sizeof text - 1, 9 + 19), 8);
    assert_int_equal(influx_line_cut(text, sizeof text - 1, 9 + 20), 19);
    assert_int_equal(influx_line_cut(text, sizeof text - 1, 9 + 20 + 9), 19);
    assert_int_equal(influx_line_cut(text, sizeof text - 1, 9 + 20 + 10), sizeof text - 1);
    assert_int_equal(influx_line_cut(text, 0, 1000), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_read_with_all_its_parts),
        cmocka_unit_test(escapes_stand_for_what_influxdb_reads),
        cmocka_unit_test(comments_blanks_and_both_ends_of_lines_are_passed),
        cmocka_unit_test(numbers_are_those_of_influxdb),
        cmocka_unit_test(what_is_no_line_is_refused_and_what_follows_is_read),
        cmocka_unit_test(what_a_string_of_a_broken_line_holds_is_not_read_as_lines),
        cmocka_unit_test(limits_hold_to_the_byte),
        cmocka_unit_test(times_are_scaled_and_bounded_in_each_precision),
        cmocka_unit_test(a_text_is_counted_by_values_and_the_first_fault_is_named),
        cmocka_unit_test(a_text_is_cut_behind_the_last_line_that_has_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
