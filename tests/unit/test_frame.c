/* test_frame.c -- independent, bounded zstd frames, readable by stock zstd. */
#include "format/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint8_t content[GF_FRAME_MAX];
static uint8_t frame[GF_FRAME_BOUND];
static uint8_t back[GF_FRAME_MAX];

static void fill(size_t len, int incompressible) {
    uint64_t x = 88172645463325252u;
    for (size_t i = 0; i < len; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        content[i] = incompressible ? (uint8_t)x : (uint8_t)("telemetry "[i % 10] + (x % 64 == 0));
    }
}

static size_t make(size_t len, int level) {
    struct gf_frame *f = NULL;
    struct gf_err e;
    size_t n = 0;

    assert_int_equal(gf_frame_new(&f, &e), 0);
    assert_int_equal(gf_frame_compress(f, level, content, len, frame, &n, &e), 0);
    gf_frame_free(f);
    return n;
}

static void frames_of_every_kind_come_back(void **state) {
    static const size_t sizes[] = {1, 2, 100, 65535, 65536, 262144, GF_FRAME_MAX - 1, GF_FRAME_MAX};
    struct gf_frame *f = NULL;
    struct gf_err e;

    (void)state;
    assert_int_equal(gf_frame_new(&f, &e), 0);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        for (int kind = 0; kind < 2; kind++) {
            size_t size = 0;
            size_t n = 0;
            fill(sizes[i], kind);
            size_t len = make(sizes[i], 1);
            assert_int_equal(gf_frame_look(frame, len, &size, &n, &e), 1);
            assert_int_equal(size, len);
            assert_int_equal(n, sizes[i]);
            assert_int_equal(gf_frame_expand(f, frame, size, back, n, &e), 0);
            assert_memory_equal(back, content, n);
        }
    }
    gf_frame_free(f);
}

static void random_bytes_are_stored_and_text_shrinks(void **state) {
    (void)state;
    fill(GF_FRAME_MAX, 1);
    assert_in_range(make(GF_FRAME_MAX, 1), GF_FRAME_MAX, GF_FRAME_MAX + 256);
    fill(GF_FRAME_MAX, 0);
    assert_in_range(make(GF_FRAME_MAX, 1), 1, GF_FRAME_MAX / 4);
}

static void a_frame_is_whole_only_at_its_last_byte(void **state) {
    struct gf_err e;
    size_t size = 0;
    size_t n = 0;

    (void)state;
    fill(300, 0);
    size_t len = make(300, 1);
    for (size_t i = 1; i < len; i++)
        assert_int_equal(gf_frame_look(frame, i, &size, &n, &e), 0);
    assert_int_equal(gf_frame_look(frame, len, &size, &n, &e), 1);
    /* What follows is not its business. */
    frame[len] = 0x28;
    assert_int_equal(gf_frame_look(frame, len + 1, &size, &n, &e), 1);
    assert_int_equal(size, len);
}

/* Hand-made headers: RFC 8878 3.1.1. Each is followed by one raw block of a byte. */
static void refused(const char *hex) {
    uint8_t b[64];
    struct gf_err e;
    size_t size = 0;
    size_t n = 0;
    size_t len = strlen(hex) / 2;

    for (size_t i = 0; i < len; i++) {
        char two[3] = {hex[2 * i], hex[2 * i + 1], 0};
        b[i] = (uint8_t)strtoul(two, NULL, 16);
    }
    /* Some padding, so that the header can be judged. */
    memset(b + len, 0, sizeof b - len);
    assert_int_equal(gf_frame_look(b, sizeof b, &size, &n, &e), -1);
    assert_int_equal(e.code, GF_E_FRAME);
}

static void frames_that_promise_too_much_are_refused(void **state) {
    (void)state;
    refused("28b52ffd00580900004161");       /* no content size, 1 MiB window */
    refused("28b52ffda0010010000900004161"); /* content size 1 MiB + 1 */
    refused("28b52ffd80780100000009000041"); /* window of 32 MiB for one byte */
    refused("28b52ffd21077801000041");       /* a dictionary id */
    refused("28b52ffd2000010000");           /* content size 0 */
    refused("502a4d18040000000000000041");   /* a skippable frame */
    refused("1f8b0800000000000003");         /* gzip */
    refused("00000000000000000000");         /* nothing at all */
}

static void damage_in_a_frame_is_noticed(void **state) {
    struct gf_frame *f = NULL;
    struct gf_err e;

    (void)state;
    assert_int_equal(gf_frame_new(&f, &e), 0);
    fill(5000, 1);
    size_t len = make(5000, 1);
    for (size_t i = 10; i < len; i += 7) {
        frame[i] ^= 1;
        assert_int_equal(gf_frame_expand(f, frame, len, back, 5000, &e), -1);
        assert_int_equal(e.code, GF_E_FRAME);
        frame[i] ^= 1;
    }
    gf_frame_free(f);
    gf_frame_free(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_of_every_kind_come_back),
        cmocka_unit_test(random_bytes_are_stored_and_text_shrinks),
        cmocka_unit_test(a_frame_is_whole_only_at_its_last_byte),
        cmocka_unit_test(frames_that_promise_too_much_are_refused),
        cmocka_unit_test(damage_in_a_frame_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
