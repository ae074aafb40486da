/*
 * test_buf.c -- base/buf: growable bytes with a ceiling.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "gapferry/buf.h"

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED
#endif
#endif

static void appends_add_up_and_end_in_nul(void **state) {
    struct gf_buf b;

    (void)state;
    gf_buf_init(&b, 100);
    assert_null(b.data);
    gf_buf_text(&b, "");
    gf_buf_add(&b, "a\0b", 3);
    gf_buf_byte(&b, 'c');
    gf_buf_text(&b, "de");
    gf_buf_printf(&b, "%d-%s", 7, "x");
    assert_int_equal(gf_buf_check(&b, "it", NULL), 0);
    assert_int_equal(b.len, 9);
    assert_memory_equal(b.data, "a\0bcde7-x", 10);
    gf_buf_free(&b);
}

static void exactly_max_bytes_fit_and_one_more_does_not(void **state) {
    struct gf_buf b;
    struct gf_err e;

    (void)state;
    for (size_t max = 0; max < 300; max += max < 10 ? 1 : 29) {
        gf_buf_init(&b, max);
        for (size_t i = 0; i < max; i++)
            gf_buf_byte(&b, 'x');
        assert_int_equal(gf_buf_check(&b, "it", &e), 0);
        assert_int_equal(b.len, max);
        gf_buf_byte(&b, 'y');
        assert_int_equal(gf_buf_check(&b, "it", &e), -1);
        assert_int_equal(e.code, GF_E_LIMIT);
        assert_int_equal(b.len, max);
        assert_true(b.room <= max);
        gf_buf_free(&b);
    }
}

static void a_failed_append_makes_later_ones_do_nothing(void **state) {
    struct gf_buf b;
    struct gf_err e;

    (void)state;
    gf_buf_init(&b, 4);
    gf_buf_text(&b, "ab");
    gf_buf_text(&b, "cde");
    gf_buf_text(&b, "f");
    gf_buf_printf(&b, "%s", "g");
    assert_null(gf_buf_grow(&b, 0));
    assert_string_equal(b.data, "ab");
    assert_int_equal(gf_buf_check(&b, "the list", &e), -1);
    assert_string_equal(e.text, "the list: longer than 4 bytes");
    gf_buf_clear(&b);
    gf_buf_text(&b, "abcd");
    assert_int_equal(gf_buf_check(&b, "it", &e), 0);
    assert_string_equal(b.data, "abcd");
    gf_buf_free(&b);
}

static void a_length_that_would_wrap_around_fails(void **state) {
    struct gf_buf b;
    struct gf_err e;

    (void)state;
    gf_buf_init(&b, SIZE_MAX);
    gf_buf_text(&b, "abc");
    assert_null(gf_buf_grow(&b, SIZE_MAX));
    assert_int_equal(gf_buf_check(&b, "it", &e), -1);
    assert_int_equal(e.code, GF_E_LIMIT);
    gf_buf_free(&b);
}

static void memory_that_is_not_there_is_an_error_of_the_system(void **state) {
    struct gf_buf b;
    struct gf_err e;

    (void)state;
#ifdef SANITIZED
    print_message("a sanitizer ends the program instead\n");
    skip();
#endif
    gf_buf_init(&b, SIZE_MAX);
    assert_null(gf_buf_grow(&b, SIZE_MAX / 4));
    assert_int_equal(gf_buf_check(&b, "it", &e), -1);
    assert_int_equal(e.code, GF_E_SYSTEM);
    gf_buf_free(&b);
}

static void long_formatted_text_is_whole(void **state) {
    struct gf_buf b;
    char text[1000];

    (void)state;
    for (size_t n = 250; n < 260; n++) {
        memset(text, 'x', n);
        text[n] = '\0';
        gf_buf_init(&b, 2000);
        gf_buf_printf(&b, "<%s>", text);
        assert_int_equal(b.len, n + 2);
        assert_int_equal(strlen(b.data), n + 2);
        assert_int_equal(b.data[n + 1], '>');
        gf_buf_free(&b);
    }
}

static void grow_gives_room_that_the_caller_fills(void **state) {
    struct gf_buf b;

    (void)state;
    gf_buf_init(&b, 1000);
    gf_buf_text(&b, "ab");
    char *at = gf_buf_grow(&b, 500);
    assert_non_null(at);
    assert_int_equal(b.len, 2);
    memset(at, 'x', 500);
    b.len += 500;
    assert_int_equal(strlen(b.data), 502);
    gf_buf_free(&b);
}

static void free_leaves_a_buffer_that_can_be_used_again(void **state) {
    struct gf_buf b;

    (void)state;
    gf_buf_init(&b, 10);
    gf_buf_free(&b);
    gf_buf_text(&b, "0123456789ab");
    gf_buf_free(&b);
    assert_null(b.data);
    gf_buf_text(&b, "0123456789");
    assert_int_equal(gf_buf_check(&b, "it", NULL), 0);
    gf_buf_free(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appends_add_up_and_end_in_nul),
        cmocka_unit_test(exactly_max_bytes_fit_and_one_more_does_not),
        cmocka_unit_test(a_failed_append_makes_later_ones_do_nothing),
        cmocka_unit_test(a_length_that_would_wrap_around_fails),
        cmocka_unit_test(memory_that_is_not_there_is_an_error_of_the_system),
        cmocka_unit_test(long_formatted_text_is_whole),
        cmocka_unit_test(grow_gives_room_that_the_caller_fills),
        cmocka_unit_test(free_leaves_a_buffer_that_can_be_used_again),
    };
    return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
