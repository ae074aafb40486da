/*
 * test_gunzip.c -- common/gunzip against texts that zlib has made, cut, damaged and swollen.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>

#include "common/gunzip.h"

static struct gf_err e;

static size_t pack(const void *data, size_t len, uint8_t *out, size_t room) {
    z_stream z = {.next_in = (Bytef *)(uintptr_t)data, .avail_in = (uInt)len};

    z.next_out = out;
    z.avail_out = (uInt)room;
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    size_t n = z.total_out;
    (void)deflateEnd(&z);
    return n;
}

static void a_text_comes_back(void **state) {
    static char text[300000];
    static uint8_t packed[400000];
    struct gf_buf out;
    (void)state;

    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)(i * i % 251);
    gf_buf_init(&out, sizeof text);
    gf_buf_text(&out, "");
    size_t n = pack(text, sizeof text, packed, sizeof packed);
    assert_int_equal(gunzip(packed, n, &out, &e), 0);
    assert_int_equal(out.len, sizeof text);
    assert_memory_equal(out.data, text, sizeof text);
    gf_buf_free(&out);
}

static void members_in_a_row_are_one_text(void **state) {
    uint8_t packed[200];
    struct gf_buf out;
    (void)state;

    gf_buf_init(&out, 100);
    size_t n = pack("ab", 2, packed, sizeof packed);
    n += pack("cd", 2, packed + n, sizeof packed - n);
    assert_int_equal(gunzip(packed, n, &out, &e), 0);
    assert_string_equal(out.data, "abcd");
    gf_buf_free(&out);
}

static void a_bomb_is_not_decoded(void **state) {
    const size_t size = 20 << 20;
    char *text = calloc(1, size);
    static uint8_t packed[100000];
    struct gf_buf out;
    (void)state;

    assert_non_null(text);
    size_t n = pack(text, size, packed, sizeof packed);
    gf_buf_init(&out, 1 << 20);
    assert_int_equal(gunzip(packed, n, &out, &e), -1);
    assert_int_equal(e.code, GF_E_LIMIT);
    assert_int_equal(out.len, 0);
    assert_true(out.room <= 2 << 20);
    gf_buf_free(&out);
    n = pack(text, 1 << 20, packed, sizeof packed);
    gf_buf_init(&out, 1 << 20);
    assert_int_equal(gunzip(packed, n, &out, &e), 0);
    assert_int_equal(out.len, 1 << 20);
    gf_buf_free(&out);
    free(text);
}

static void what_is_no_whole_gzip_is_refused(void **state) {
    uint8_t packed[200];
    struct gf_buf out;
    size_t broken = 0;
    (void)state;

    gf_buf_init(&out, 100);
    size_t n = pack("hello, world", 12, packed, sizeof packed - 1);
    for (size_t cut = 0; cut < n; cut++)
        assert_int_equal(gunzip(packed, cut, &out, &e), -1);
    for (size_t at = 0; at < n; at++) {
        packed[at] ^= 0x40;
        /* Some bits mean nothing: the head's time and system, and what fills the last byte. */
        if (gunzip(packed, n, &out, &e) == 0)
            assert_string_equal(out.data, "hello, world");
        else
            broken++;
        packed[at] ^= 0x40;
        gf_buf_clear(&out);
    }
    assert_true(broken > n / 2);
    packed[n] = 'x';
    assert_int_equal(gunzip(packed, n + 1, &out, &e), -1);
    assert_int_equal(gunzip("{}", 2, &out, &e), -1);
    assert_int_equal(e.code, GF_E_RECORD);
    gf_buf_free(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_comes_back),
        cmocka_unit_test(members_in_a_row_are_one_text),
        cmocka_unit_test(a_bomb_is_not_decoded),
        cmocka_unit_test(what_is_no_whole_gzip_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
