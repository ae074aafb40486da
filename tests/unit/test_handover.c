/*
 * test_handover.c -- records from the child that reads payloads: whole, or refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "gapferry/digest.h"
#include "gapferry/file.h"
#include "relay/handover.h"

static const struct gf_id id = {{1, 0xa2, 3, 4, 5, 6, 0x70, 8, 0x99, 10, 11, 12, 13, 14, 15, 16}};

/* Where the lengths stand, and the version in the id. */
enum { CHANNEL = 0, PRODUCT = 4, FILE_AT = 8, LINE = 12, ANSWER = 16, VERSION = 26, TEXTS = 68 };

static struct gf_record record(const char *product, enum gf_body_form form, const char *body) {
    return (struct gf_record){.id = id,
                              .channel = "metrics",
                              .product = product,
                              .answer = 1,
                              .body = {.form = form, .data = body, .len = strlen(body)}};
}

/* A file with what `put` has said; the caller's to close. */
static int said(const struct gf_record *r, size_t n, const char *line) {
    struct handover_out out;
    struct gf_err e;

    int fd = memfd_create("records", MFD_CLOEXEC);
    assert_int_not_equal(fd, -1);
    handover_out_init(&out, fd);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(handover_put(&out, &r[i], line, strlen(line), &e), 0);
    assert_int_equal(handover_flush(&out, &e), 0);
    handover_out_free(&out);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

static void a_record_arrives_as_it_was_read(void **state) {
    const struct gf_record sent[] = {record(NULL, GF_BODY_TEXT, "{\"a\":1}"),
                                     record("demo", GF_BODY_FILE, "files/body.bin")};
    static const struct gf_hash none;
    struct handover_record r;
    struct handover_in in;
    struct gf_hash digest;
    struct gf_err e;
    (void)state;

    int fd = said(sent, 2, "{\"x\":\"y\"}\n");
    handover_in_init(&in, fd);
    assert_int_equal(handover_next(&in, &r, &e), 1);
    gf_digest_256("{\"a\":1}", 7, &digest);
    assert_memory_equal(&r.id, &id, sizeof id);
    assert_memory_equal(&r.digest, &digest, sizeof digest);
    assert_string_equal(r.channel, "metrics");
    assert_null(r.product);
    assert_null(r.file);
    assert_int_equal(r.answer, 1);
    assert_int_equal(r.len, 9);
    assert_string_equal(r.line, "{\"x\":\"y\"}");

    assert_int_equal(handover_next(&in, &r, &e), 1);
    assert_memory_equal(&r.digest, &none, sizeof none);
    assert_string_equal(r.product, "demo");
    assert_string_equal(r.file, "files/body.bin");
    assert_int_equal(handover_next(&in, &r, &e), 0);
    handover_in_free(&in);
    (void)close(fd);
}

static void records_beyond_any_buffer_arrive_in_order(void **state) {
    enum { N = 5000 };
    static char line[4000];
    struct gf_record sent = record(NULL, GF_BODY_TEXT, "{}");
    struct handover_out out;
    struct handover_record r;
    struct handover_in in;
    struct gf_err e;
    (void)state;

    memset(line, 'x', sizeof line - 1);
    line[0] = '{';
    line[sizeof line - 2] = '}';
    int fd = memfd_create("records", MFD_CLOEXEC);
    handover_out_init(&out, fd);
    for (size_t i = 0; i < N; i++) {
        sent.id.b[14] = (uint8_t)(i >> 8);
        sent.id.b[15] = (uint8_t)i;
        assert_int_equal(handover_put(&out, &sent, line, strlen(line), &e), 0);
    }
    assert_int_equal(handover_flush(&out, &e), 0);
    handover_out_free(&out);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    handover_in_init(&in, fd);
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(handover_next(&in, &r, &e), 1);
        assert_int_equal(r.id.b[14] << 8 | r.id.b[15], i);
        assert_string_equal(r.line, line);
    }
    assert_int_equal(handover_next(&in, &r, &e), 0);
    handover_in_free(&in);
    (void)close(fd);
}

/* What is said when one of its bytes is another, or it is cut; 1: it was refused for its form. */
static int is_refused(size_t at, int with, size_t cut) {
    const struct gf_record sent = record("demo", GF_BODY_FILE, "files/body.bin");
    struct handover_record r;
    struct handover_in in;
    struct gf_err e;
    char byte = (char)with;

    int fd = said(&sent, 1, "{\"x\":\"y\"}");
    if (cut > 0)
        assert_int_equal(ftruncate(fd, (off_t)cut), 0);
    else
        assert_int_equal(gf_file_write_at(fd, &byte, 1, (int64_t)at), 0);
    handover_in_init(&in, fd);
    int rc = handover_next(&in, &r, &e);
    handover_in_free(&in);
    (void)close(fd);
    return rc == -1 && e.code == GF_E_RECORD;
}

static void what_ends_within_a_record_is_refused(void **state) {
    const size_t whole =
        TEXTS + sizeof "metrics" + sizeof "demo" + sizeof "files/body.bin" + sizeof "{\"x\":\"y\"}";
    (void)state;

    for (size_t cut = 1; cut < whole; cut++)
        assert_true(is_refused(0, 0, cut));
    assert_false(is_refused(0, 0, whole));
}

static void a_wrong_length_or_text_is_refused(void **state) {
    const size_t channel = TEXTS, product = channel + sizeof "metrics",
                 file = product + sizeof "demo", line = file + sizeof "files/body.bin";
    const struct {
        size_t at;
        int with;
    } wrong[] = {
        {CHANNEL, 0},       {CHANNEL, 6},  {CHANNEL, 8},     {CHANNEL + 3, 1}, {PRODUCT, 3},
        {PRODUCT + 3, 127}, {FILE_AT, 13}, {FILE_AT + 1, 1}, {LINE, 1},        {LINE + 2, 0x10},
        {LINE + 3, 0x7f},   {ANSWER, 2},   {VERSION, 0x40},  {VERSION + 2, 0}, {channel, 'M'},
        {channel + 1, 0},   {product, 0},  {product, 0xff},  {file, '/'},      {file + 6, '.'},
        {file + 7, 0},      {line, 'x'},   {line + 1, '\n'}, {line + 1, 0},    {line + 8, 'x'},
        {line + 9, 'x'},
    };
    (void)state;

    assert_false(is_refused(line + 2, 'z', 0));
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        if (!is_refused(wrong[i].at, wrong[i].with, 0))
            fail_msg("byte %zu may be %d", wrong[i].at, wrong[i].with);
    }
}

int main(void) {
    struct gf_err e;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_arrives_as_it_was_read),
        cmocka_unit_test(records_beyond_any_buffer_arrive_in_order),
        cmocka_unit_test(what_ends_within_a_record_is_refused),
        cmocka_unit_test(a_wrong_length_or_text_is_refused),
    };
    if (gf_digest_start(&e) == -1)
        return 70;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
