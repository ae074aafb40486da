/*
 * test_text.c -- base/text and base/base64: one spelling for each value.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "gapferry/text.h"

static void hex_goes_there_and_back(void **state) {
    uint8_t all[256], back[256];
    char text[513];

    (void)state;
    for (size_t i = 0; i < sizeof all; i++)
        all[i] = (uint8_t)i;
    gf_text_hex(all, sizeof all, text);
    assert_int_equal(strlen(text), 512);
    assert_memory_equal(text + 2 * 0x9f, "9f", 2);
    assert_int_equal(gf_text_unhex(text, 512, back, sizeof back), 0);
    assert_memory_equal(all, back, sizeof all);
    gf_text_hex(all, 0, text);
    assert_string_equal(text, "");
    assert_int_equal(gf_text_unhex("", 0, back, 0), 0);
}

static void hex_has_one_spelling_and_one_length(void **state) {
    static const char *const wrong[] = {"0",    "0a0",  "0A0b", "0g0b", " a0b", "0a0b0c",
                                        "0x0b", "0a 0", "/a0b", ":a0b", "`a0b", "0a"};
    uint8_t out[2] = {7, 7};

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(gf_text_unhex(wrong[i], strlen(wrong[i]), out, 2), -1);
    assert_int_equal(gf_text_unhex("0a0", 3, out, 1), -1);
    assert_int_equal(out[0], 7); /* untouched */
    assert_int_equal(out[1], 7);
}

static const char *encoded(struct gf_buf *b, const void *data, size_t len, int pad) {
    gf_buf_clear(b);
    gf_text_base64(b, data, len, pad);
    assert_int_equal(b->failed, 0);
    return b->data != NULL ? b->data : "";
}

static void base64_gives_the_vectors_of_rfc_4648(void **state) {
    static const struct {
        const char *plain, *padded, *bare;
    } cases[] = {
        {"", "", ""},
        {"f", "Zg==", "Zg"},
        {"fo", "Zm8=", "Zm8"},
        {"foo", "Zm9v", "Zm9v"},
        {"foob", "Zm9vYg==", "Zm9vYg"},
        {"fooba", "Zm9vYmE=", "Zm9vYmE"},
        {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
    };
    struct gf_buf b;

    (void)state;
    gf_buf_init(&b, 100);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_string_equal(encoded(&b, cases[i].plain, i, 1), cases[i].padded);
        assert_string_equal(encoded(&b, cases[i].plain, i, 0), cases[i].bare);
    }
    gf_buf_free(&b);
}

static void base64_goes_there_and_back(void **state) {
    uint8_t data[300], back[300];
    struct gf_buf b;

    (void)state;
    srand(4);
    gf_buf_init(&b, 1000);
    for (size_t n = 0; n <= sizeof data; n++) {
        for (size_t i = 0; i < n; i++)
            data[i] = (uint8_t)rand();
        for (int pad = 0; pad < 2; pad++) {
            size_t len = 999;
            const char *text = encoded(&b, data, n, pad);
            assert_int_equal(gf_text_unbase64(text, b.len, pad, back, n, &len), 0);
            assert_int_equal(len, n);
            assert_memory_equal(data, back, n);
            /* One byte of room less is refused. */
            if (n > 0)
                assert_int_equal(gf_text_unbase64(text, b.len, pad, back, n - 1, &len), -1);
        }
    }
    gf_buf_free(&b);
}

/* Among all texts of four digits exactly one means each value. */
static void base64_has_one_spelling(void **state) {
    static const char *const wrong_padded[] = {
        "Zg",   "Zg=",    "Zh==",  "Zm9=", "Zg==Zg==", "=",    "====", "Z===",     "Zg= ",
        " Zg=", "Zg==\n", "Zm9v=", "Zm-v", "Zm_v",     "Z=g=", "=Zg=", "Zm9v====", "Zm8==="};
    static const char *const wrong_bare[] = {"Zg==",  "Zm8=",  "Z",    "Zh",   "Zm9",
                                             "Zm9vY", "Zm\nv", "Zm v", "Zm-v", "Zm9vYh"};
    static const char last[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint8_t out[16];
    size_t len, good = 0;

    (void)state;
    for (size_t i = 0; i < sizeof wrong_padded / sizeof *wrong_padded; i++)
        assert_int_equal(
            gf_text_unbase64(wrong_padded[i], strlen(wrong_padded[i]), 1, out, 16, &len), -1);
    for (size_t i = 0; i < sizeof wrong_bare / sizeof *wrong_bare; i++)
        assert_int_equal(gf_text_unbase64(wrong_bare[i], strlen(wrong_bare[i]), 0, out, 16, &len),
                         -1);
    for (size_t i = 0; i < 64; i++) {
        char two[] = {'A', last[i]};
        good += gf_text_unbase64(two, 2, 0, out, 16, &len) == 0;
    }
    assert_int_equal(good, 4);
    for (int c = 0; c < 256; c++) {
        char four[] = {'A', 'A', (char)c, 'A'};
        int is_digit = c != 0 && strchr(last, c) != NULL;
        assert_int_equal(gf_text_unbase64(four, 4, 0, out, 16, &len), is_digit ? 0 : -1);
    }
}

static void times_agree_with_the_c_library(void **state) {
    (void)state;
    srand(5);
    for (int i = 0; i < 200000; i++) {
        int64_t t = ((int64_t)rand() << 31 | rand()) % 253402300800;
        if (i % 4 == 0)
            t -= t % 86400; /* midnights */
        time_t c = (time_t)t;
        struct tm tm;
        char want[64], have[GF_TIME_TEXT];
        int64_t back;
        assert_non_null(gmtime_r(&c, &tm));
        assert_int_equal(strftime(want, sizeof want, "%Y-%m-%dT%H:%M:%SZ", &tm), 20);
        gf_text_time(t, have);
        assert_string_equal(have, want);
        assert_int_equal(gf_text_untime(have, 20, &back), 0);
        assert_int_equal(back, t);
    }
}

static void times_outside_1970_to_9999_are_clamped(void **state) {
    char out[GF_TIME_TEXT];

    (void)state;
    gf_text_time(-1, out);
    assert_string_equal(out, "1970-01-01T00:00:00Z");
    gf_text_time(INT64_MIN, out);
    assert_string_equal(out, "1970-01-01T00:00:00Z");
    gf_text_time(253402300799, out);
    assert_string_equal(out, "9999-12-31T23:59:59Z");
    gf_text_time(INT64_MAX, out);
    assert_string_equal(out, "9999-12-31T23:59:59Z");
}

static void only_real_times_of_one_form_are_taken(void **state) {
    static const char *const good[] = {"1970-01-01T00:00:00Z", "2000-02-29T12:30:59Z",
                                       "2400-02-29T00:00:00Z", "9999-12-31T23:59:59Z"};
    static const char *const wrong[] = {"1969-12-31T23:59:59Z",      "2023-02-29T00:00:00Z",
                                        "2100-02-29T00:00:00Z",      "2024-00-01T00:00:00Z",
                                        "2024-13-01T00:00:00Z",      "2024-01-00T00:00:00Z",
                                        "2024-04-31T00:00:00Z",      "2024-01-32T00:00:00Z",
                                        "2024-01-01T24:00:00Z",      "2024-01-01T00:60:00Z",
                                        "2016-12-31T23:59:60Z",      "2024-01-01t00:00:00Z",
                                        "2024-01-01T00:00:00z",      "2024-01-01 00:00:00Z",
                                        "2024-01-01T00:00:00",       "2024-01-01T00:00:00.5Z",
                                        "2024-01-01T00:00:00+00:00", "2024-1-01T00:00:00Z",
                                        "+024-01-01T00:00:00Z",      "2024-01-01T 0:00:00Z",
                                        "2024-01-01T00:00:00ZZ",     "",
                                        "20240101T000000Z",          "10000-01-01T00:00:00Z"};
    int64_t t = 7;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_int_equal(gf_text_untime(good[i], strlen(good[i]), &t), 0);
    t = 7;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(gf_text_untime(wrong[i], strlen(wrong[i]), &t), -1);
    assert_int_equal(t, 7); /* untouched */
}

static void uuids_go_there_and_back_in_one_spelling(void **state) {
    static const char text[] = "0190a5d2-7c1e-7a3b-8f00-0123456789ab";
    static const char *const wrong[] = {
        "0190a5d27c1e7a3b8f000123456789ab",     "0190A5D2-7c1e-7a3b-8f00-0123456789ab",
        "0190a5d2-7c1e-7a3b-8f000-123456789ab", "{190a5d2-7c1e-7a3b-8f00-0123456789a}",
        "0190a5d2-7c1e-7a3b-8f00-0123456789a",  "0190a5d2-7c1e-7a3b-8f00-0123456789abc",
        "0190a5d2-7c1e-7a3b-8f00_0123456789ab", "0190a5d2-7c1e-7a3b-8f00-0123456789ag"};
    struct gf_id id, same = {{7}};
    char out[GF_UUID_TEXT];

    (void)state;
    assert_int_equal(gf_text_unuuid(text, strlen(text), &id), 0);
    assert_int_equal(id.b[0], 0x01);
    assert_int_equal(id.b[15], 0xab);
    gf_text_uuid(&id, out);
    assert_string_equal(out, text);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(gf_text_unuuid(wrong[i], strlen(wrong[i]), &same), -1);
    assert_int_equal(same.b[0], 7); /* untouched */
}

/* The example of RFC 9562, appendix A.6: 2022-02-22 14:22:22 -05:00. */
static void uuid7_is_that_of_rfc_9562(void **state) {
    static const uint8_t random[10] = {0x0c, 0xc3, 0x18, 0xc4, 0xdc, 0x0c, 0x0c, 0x07, 0x39, 0x8f};
    struct gf_id id;
    char out[GF_UUID_TEXT];

    (void)state;
    gf_text_uuid7(1645557742000, random, &id);
    gf_text_uuid(&id, out);
    assert_string_equal(out, "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
    gf_text_uuid7(-5, random, &id);
    gf_text_uuid(&id, out);
    assert_string_equal(out, "00000000-0000-7cc3-98c4-dc0c0c07398f");
}

/* Well formed or not, at each position in a word of eight bytes and at its seams. */
static void utf8_is_told_from_what_is_not(void **state) {
    static const struct {
        const char *text;
        size_t n;
        int good;
    } cases[] = {
        {"a", 1, 1},
        {"\x7f", 1, 1},
        {"\xc2\x80", 2, 1},
        {"\xdf\xbf", 2, 1},
        {"\xe0\xa0\x80", 3, 1},
        {"\xed\x9f\xbf", 3, 1},
        {"\xee\x80\x80", 3, 1},
        {"\xef\xbf\xbf", 3, 1},
        {"\xf0\x90\x80\x80", 4, 1},
        {"\xf4\x8f\xbf\xbf", 4, 1},
        {"\0", 1, 0},
        {"\x80", 1, 0},
        {"\xbf", 1, 0},
        {"\xc0\x80", 2, 0}, /* overlong */
        {"\xc1\xbf", 2, 0},
        {"\xe0\x80\x80", 3, 0},
        {"\xe0\x9f\xbf", 3, 0},
        {"\xf0\x80\x80\x80", 4, 0},
        {"\xf0\x8f\xbf\xbf", 4, 0},
        {"\xed\xa0\x80", 3, 0}, /* surrogates */
        {"\xed\xbf\xbf", 3, 0},
        {"\xf4\x90\x80\x80", 4, 0}, /* beyond U+10FFFF */
        {"\xf5\x80\x80\x80", 4, 0},
        {"\xfe", 1, 0},
        {"\xff", 1, 0},
        {"\xc3", 1, 0}, /* cut, or followed by what does not continue it */
        {"\xc3\x28", 2, 0},
        {"\xe2\x82", 2, 0},
        {"\xe2\x28\xa1", 3, 0},
        {"\xe2\x82\x28", 3, 0},
        {"\xf0\x90\x80", 3, 0},
        {"\xf0\x90\x28\x80", 4, 0},
        {"\xf0\x90\x80\xc0", 4, 0},
    };

    (void)state;
    assert_int_equal(gf_text_is_utf8("", 0), 1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (size_t before = 0; before < 20; before++) {
            for (size_t after = 0; after < 20; after++) {
                char text[64];
                memset(text, 'a', sizeof text);
                memcpy(text + before, cases[i].text, cases[i].n);
                assert_int_equal(gf_text_is_utf8(text, before + cases[i].n + after), cases[i].good);
            }
        }
    }
}

static void words_are_narrow(void **state) {
    static const char *const good[] = {"a", "0", "license", "a.b-c", "9-", "a..", "x86-64"};
    static const char *const wrong[] = {"",    "-a",  ".a",  "A",        "aB", "a_b",
                                        "a b", "a/b", "a\n", "\xc3\xa4", "a:", ".."};

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_int_equal(gf_text_is_word(good[i], strlen(good[i]), 64), 1);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(gf_text_is_word(wrong[i], strlen(wrong[i]), 64), 0);
    assert_int_equal(gf_text_is_word("abc", 3, 3), 1);
    assert_int_equal(gf_text_is_word("abcd", 4, 3), 0);
    assert_int_equal(gf_text_is_word("a\0b", 3, 9), 0);
}

static void foreign_text_is_shown_without_being_obeyed(void **state) {
    static const char in[] = "a\xc3\xa4 \x1b[2J\n\x7f\xc2\x9b|\xe2\x80\xae|\xff|"
                             "\xef\xbb\xbf|\xe2\x80\x8b|\xc2\xad|\xe1\xa0\x8e|\xe2\x82";
    static const char out[] = "a\xc3\xa4 \\x1b[2J\\x0a\\x7f\\xc2\\x9b|\\xe2\\x80\\xae|\\xff|"
                              "\\xef\\xbb\\xbf|\\xe2\\x80\\x8b|\\xc2\\xad|\\xe1\\xa0\\x8e|"
                              "\\xe2\\x82";
    struct gf_buf b;

    (void)state;
    gf_buf_init(&b, 1000);
    gf_text_safe(&b, in, sizeof in - 1);
    assert_string_equal(b.data, out);
    gf_buf_clear(&b);
    gf_text_safe(&b, "a\0b", 3);
    assert_string_equal(b.data, "a\\x00b");
    gf_buf_free(&b);
}

static void a_text_is_cut_between_its_characters(void **state) {
    (void)state;
    assert_int_equal(gf_text_fit("abc", 3, 3), 3);
    assert_int_equal(gf_text_fit("abc", 3, 2), 2);
    assert_int_equal(gf_text_fit("a\xc3\xa9", 3, 2), 1);
    assert_int_equal(gf_text_fit("a\xe2\x82\xac\x62", 5, 4), 4);
    assert_int_equal(gf_text_fit("\xf0\x9f\x9a\xa2", 4, 3), 0);
    assert_int_equal(gf_text_fit(NULL, 0, 9), 0);
}

static void a_token_is_what_http_calls_one(void **state) {
    static const char others[] = "!#$%&'*+-.^_`|~";
    (void)state;

    for (int c = 0; c < 256; c++) {
        const char text[] = {'a', (char)c, 'b'};
        int is = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                 (c != 0 && strchr(others, c) != NULL);
        assert_int_equal(gf_text_token(text, sizeof text), is ? 3 : 1);
    }
    assert_int_equal(gf_text_token("abc", 2), 2);
    assert_int_equal(gf_text_token("", 0), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hex_goes_there_and_back),
        cmocka_unit_test(hex_has_one_spelling_and_one_length),
        cmocka_unit_test(base64_gives_the_vectors_of_rfc_4648),
        cmocka_unit_test(base64_goes_there_and_back),
        cmocka_unit_test(base64_has_one_spelling),
        cmocka_unit_test(times_agree_with_the_c_library),
        cmocka_unit_test(times_outside_1970_to_9999_are_clamped),
        cmocka_unit_test(only_real_times_of_one_form_are_taken),
        cmocka_unit_test(uuids_go_there_and_back_in_one_spelling),
        cmocka_unit_test(uuid7_is_that_of_rfc_9562),
        cmocka_unit_test(utf8_is_told_from_what_is_not),
        cmocka_unit_test(words_are_narrow),
        cmocka_unit_test(a_text_is_cut_between_its_characters),
        cmocka_unit_test(foreign_text_is_shown_without_being_obeyed),
        cmocka_unit_test(a_token_is_what_http_calls_one),
    };
    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
