/*
 * test_json_strings.c -- base/json_check: what a string may hold, byte by byte.
 */
#include "unit/json_tools.h"

/* A string with these bytes at each position against the words of eight that are read at once. */
static void in_string(const char *bytes, const char *rule) {
    for (size_t before = 0; before < 18; before++) {
        for (size_t after = 0; after < 18; after += 3) {
            char text[128];
            int len = snprintf(text, sizeof text, "\"%.*s%s%.*s\"", (int)before,
                               "abcdefghijklmnopqrst", bytes, (int)after, "abcdefghijklmnopqrst");
            if (rule != NULL)
                assert_bad(text, (size_t)len, rule);
            else
                assert_good(text, (size_t)len);
        }
    }
}

static void control_characters_must_be_escaped(void **state) {
    (void)state;
    for (int c = 1; c < 0x20; c++) {
        char raw[] = {(char)c, '\0'}, escaped[8];
        in_string(raw, "control character");
        (void)snprintf(escaped, sizeof escaped, "\\u%04x", (unsigned)c);
        in_string(escaped, NULL);
    }
    assert_bad("\"a\0b\"", 5, "control character");
    assert_bad("{\"a\nb\":1}", 9, "control character");
    in_string("\x7f", NULL);
    in_string("\xc2\x80", NULL);
}

static void escapes_are_those_of_json(void **state) {
    static const char *const wrong[] = {"\\a",     "\\x41", "\\'",       "\\0",
                                        "\\U0041", "\\v",   "\\\xc3\xa4"};
    static const char *const not_hex[] = {"\\u",     "\\u00",   "\\u004",  "\\u004g",
                                          "\\u 041", "\\u+041", "\\u-041", "\\u00\\n"};

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        in_string(wrong[i], "an escape that JSON does not have");
    for (size_t i = 0; i < sizeof not_hex / sizeof *not_hex; i++) {
        char text[32];
        int len = snprintf(text, sizeof text, "\"%s\"", not_hex[i]);
        assert_bad(text, (size_t)len, "four hex digits");
        assert_bad(text, (size_t)len - 1, ""); /* cut */
    }
    assert_bad("\"\\", 2, "an escape that is cut");
    in_string("\\u0000", "\\u0000 in a string");
    in_string("\\uFFFF", NULL);
    in_string("\\u00e4\\u00E4", NULL);
}

static void surrogates_come_in_pairs(void **state) {
    static const char *const half[] = {"\\ud800",        "\\udbff",         "\\udc00",
                                       "\\udfff",        "\\ud800\\ud800",  "\\ud83dx",
                                       "\\udc00\\ud800", "\\ud83d\\u0041",  "\\ud83d\\n",
                                       "\\ud83d\\ue000", "\\ud83d\\\\udea2"};

    (void)state;
    for (size_t i = 0; i < sizeof half / sizeof *half; i++)
        in_string(half[i], "half a surrogate pair");
    in_string("\\ud800\\udc00", NULL);
    in_string("\\uDBFF\\uDFFF", NULL);
    in_string("\\ud83d\\udea2", NULL);
    in_string("\\ud7ff\\ue000", NULL);
    assert_bad("\"\\ud83d\\udea", 12, "");
}

static void bytes_that_are_not_utf8_are_refused(void **state) {
    static const char *const wrong[] = {"\x80",
                                        "\xbf",
                                        "\xc3",
                                        "\xc3(",
                                        "\xe2\x82",
                                        "\xe2(\xa1",
                                        "\xe2\x82(",
                                        "\xf0\x9f\x9a",
                                        "\xf0\x9f(\xa2",
                                        "\xc0\xaf",
                                        "\xc1\xbf",
                                        "\xe0\x80\xaf",
                                        "\xe0\x9f\xbf",
                                        "\xf0\x80\x80\xaf",
                                        "\xf0\x8f\xbf\xbf",
                                        "\xed\xa0\x80",
                                        "\xed\xbf\xbf",
                                        "\xed\xa0\xbd\xed\xba\xa2",
                                        "\xf4\x90\x80\x80",
                                        "\xf5\x80\x80\x80",
                                        "\xf8\x88\x80\x80\x80",
                                        "\xfe",
                                        "\xff",
                                        "\xc3\xc3"};
    static const char *const good[] = {
        "\xc2\x80",         "\xdf\xbf",         "\xe0\xa0\x80",
        "\xed\x9f\xbf",     "\xee\x80\x80",     "\xef\xbf\xbf",
        "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x9a\xa2"};

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        in_string(wrong[i], "not UTF-8");
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        in_string(good[i], NULL);
    assert_bad("{\"\xff\":1}", 7, "not UTF-8");
    assert_bad("\"\xe2\x82", 3, "not UTF-8");
}

/* One by one. */
static size_t count_plain(const char *text, size_t n) {
    size_t i = 0;

    while (i < n && (unsigned char)text[i] >= 0x20 && text[i] != '"' && text[i] != '\\')
        i++;
    return i;
}

/* Any two bytes side by side, in any place of what is looked at eight at a time. */
static void plain_bytes_end_where_one_by_one_says(void **state) {
    char text[20];

    (void)state;
    for (int pair = 0; pair < 65536; pair++) {
        for (size_t at = 0; at < 9; at++) {
            memset(text, 'a', sizeof text);
            text[at] = (char)(pair >> 8);
            text[at + 1] = (char)pair;
            for (size_t n = at; n <= sizeof text; n += 3)
                if (gf_json_plain(text, n) != count_plain(text, n))
                    fail_msg("%04x at %zu of %zu: %zu", (unsigned)pair, at, n,
                             gf_json_plain(text, n));
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_bytes_end_where_one_by_one_says),
        cmocka_unit_test(control_characters_must_be_escaped),
        cmocka_unit_test(escapes_are_those_of_json),
        cmocka_unit_test(surrogates_come_in_pairs),
        cmocka_unit_test(bytes_that_are_not_utf8_are_refused),
    };
    return cmocka_run_group_tests_name("json_strings", tests, NULL, NULL);
}
