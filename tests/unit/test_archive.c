/* test_archive.c -- the inner archive: one form, read by stock tar, nothing beside it. */
#include "format/archive.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint8_t stream[65536];
static size_t stream_len;
static size_t put_limit = sizeof stream;

static int put(void *arg, const void *data, size_t len, struct gf_err *e) {
    (void)arg;
    if (stream_len + len > put_limit)
        return gf_err_set(e, GF_E_CREATE, "the disk is full");
    memcpy(stream + stream_len, data, len);
    stream_len += len;
    return 0;
}

struct source {
    size_t at;
    size_t step; /* bytes lent in one go */
};

static int get(void *arg, const void **data, size_t *len, struct gf_err *e) {
    struct source *s = arg;
    (void)e;
    *len = stream_len - s->at < s->step ? stream_len - s->at : s->step;
    *data = stream + s->at;
    s->at += *len;
    return 0;
}

static void write_two(void) {
    struct gf_archive_out *o = NULL;
    struct gf_err e;

    stream_len = 0;
    assert_int_equal(gf_archive_out_new(put, NULL, &o, &e), 0);
    assert_int_equal(gf_archive_out_member(o, "records.jsonl", 5, &e), 0);
    assert_int_equal(gf_archive_out_data(o, "he", 2, &e), 0);
    assert_int_equal(gf_archive_out_data(o, "llo", 3, &e), 0);
    assert_int_equal(gf_archive_out_member(o, "contents.json", 0, &e), 0);
    assert_int_equal(gf_archive_out_end(o, &e), 0);
    gf_archive_out_free(o);
}

/* Read all; the number of members, or -1 with e. */
static int read_all(size_t step, struct gf_err *e) {
    struct source s = {.step = step};
    struct gf_archive_in *a = NULL;
    const char *name = NULL;
    int64_t size = 0;
    int n = 0;
    int rc = 0;

    if (gf_archive_in_new(get, &s, &a, e) == -1)
        return -1;
    while ((rc = gf_archive_in_next(a, &name, &size, e)) == 1) {
        int64_t got = 0;
        for (size_t len = 1; len > 0;) {
            const void *data = NULL;
            if (gf_archive_in_data(a, &data, &len, e) == -1) {
                rc = -1;
                break;
            }
            got += (int64_t)len;
        }
        if (rc == -1)
            break;
        assert_int_equal(got, size);
        n++;
    }
    if (rc == 0)
        rc = gf_archive_in_end(a, e);
    gf_archive_in_free(a);
    return rc == -1 ? -1 : n;
}

static void what_is_written_is_read_back(void **state) {
    struct gf_err e;

    (void)state;
    write_two();
    assert_int_equal(stream_len,
                     gf_archive_member_size(5) + gf_archive_member_size(0) + GF_ARCHIVE_END);
    assert_int_equal(read_all(sizeof stream, &e), 2);
    assert_int_equal(read_all(1, &e), 2);
    assert_int_equal(read_all(513, &e), 2);
}

static void bytes_behind_the_end_are_refused(void **state) {
    struct gf_err e;

    (void)state;
    write_two();
    stream[stream_len++] = 0;
    assert_int_equal(read_all(512, &e), -1);
    assert_int_equal(e.code, GF_E_ARCHIVE);
    write_two();
    stream[stream_len - 1] = 1;
    assert_int_equal(read_all(512, &e), -1);
    assert_int_equal(e.code, GF_E_ARCHIVE);
}

static void every_truncation_is_refused(void **state) {
    struct gf_err e;

    (void)state;
    write_two();
    for (size_t whole = stream_len; stream_len > 0; stream_len--) {
        if (stream_len < whole) {
            assert_int_equal(read_all(700, &e), -1);
            assert_int_equal(e.code, GF_E_ARCHIVE);
        }
    }
}

static void every_changed_bit_of_a_header_is_refused_or_changes_the_member(void **state) {
    struct gf_err e;
    int passed = 0;

    (void)state;
    write_two();
    for (size_t i = 0; i < 512; i++) {
        stream[i] ^= 1;
        if (read_all(sizeof stream, &e) != -1)
            passed++;
        stream[i] ^= 1;
    }
    /* The checksum covers every byte but the two that end it. */
    assert_in_range(passed, 0, 2);
}

static void a_full_disk_keeps_its_own_words(void **state) {
    struct gf_archive_out *o = NULL;
    struct gf_err e;

    (void)state;
    stream_len = 0;
    put_limit = 600;
    assert_int_equal(gf_archive_out_new(put, NULL, &o, &e), 0);
    assert_int_equal(gf_archive_out_member(o, "records.jsonl", 500, &e), 0);
    int rc = gf_archive_out_data(o, stream, 500, &e);
    put_limit = sizeof stream;
    assert_int_equal(rc, -1);
    assert_int_equal(e.code, GF_E_CREATE);
    assert_string_equal(e.text, "the disk is full");
    gf_archive_out_free(o);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(bytes_behind_the_end_are_refused),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(every_changed_bit_of_a_header_is_refused_or_changes_the_member),
        cmocka_unit_test(a_full_disk_keeps_its_own_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
