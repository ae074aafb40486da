/*
 * test_spool.c -- common/spool: what was synced comes out, once and in order.
 */
#include "spool_testing.h"

static void crc_is_that_of_rfc_3720(void **state) {
    uint8_t bytes[32];
    (void)state;

    assert_int_equal(spool_crc("123456789", 9), 0xe3069283);
    memset(bytes, 0, sizeof bytes);
    assert_int_equal(spool_crc(bytes, sizeof bytes), 0x8a9136aa);
    memset(bytes, 0xff, sizeof bytes);
    assert_int_equal(spool_crc(bytes, sizeof bytes), 0x62a8ab43);
}

static void the_instruction_and_the_table_agree(void **state) {
    uint8_t bytes[300];
    (void)state;

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 37 + i / 7);
    for (size_t from = 0; from < 9; from++)
        for (size_t len = 0; from + len <= sizeof bytes; len++)
            assert_int_equal(spool_crc(bytes + from, len), spool_crc_plain(bytes + from, len));
}

static void what_was_synced_comes_out_in_order(void **state) {
    struct spool *s = writer(SPOOL_FILE_MAX);
    char name[SPOOL_NAME];
    struct content c;
    (void)state;

    assert_int_equal(spool_sync(s, &e), 0);
    assert_int_equal(files(), 0); /* nothing to write: no file */
    put(s, "one\n");
    put(s, "two\n");
    assert_int_equal(files(), 0);
    assert_int_equal(spool_sync(s, &e), 0);
    put(s, "three\n");
    assert_int_equal(spool_sync(s, &e), 0);
    put(s, "four, which was never synced\n");
    spool_close(s);

    assert_int_equal(files(), 1);
    nth(0, name);
    read_file(name, 0, &c);
    assert_string_equal(c.lines.data, "one\ntwo\nthree\n");
    assert_int_equal(c.damaged, 0);
    gf_buf_free(&c.lines);
}

static void a_cursor_goes_on_where_it_was(void **state) {
    struct spool *s = writer(SPOOL_FILE_MAX);
    struct spool_reader r;
    char name[SPOOL_NAME];
    struct content c;
    const char *data;
    size_t len;
    (void)state;

    put(s, "one\n");
    put(s, "two\n");
    assert_int_equal(spool_sync(s, &e), 0);
    nth(0, name);
    assert_int_equal(spool_reader_open(dirfd_, name, 0, &r, &e), 1);
    assert_int_equal(spool_next(&r, &data, &len, &e), SPOOL_LINE);
    int64_t at = r.at;
    spool_reader_close(&r);
    put(s, "three\n");
    assert_int_equal(spool_sync(s, &e), 0);
    read_file(name, at, &c);
    assert_string_equal(c.lines.data, "two\nthree\n");
    gf_buf_free(&c.lines);
    spool_close(s);
}

static void lines_of_every_size_come_out(void **state) {
    static const size_t sizes[] = {1, 2, 65517, 65518, 65519, 65536, 200000, GF_LINE_MAX};
    struct spool *s = writer(SPOOL_FILE_MAX);
    struct gf_buf want, line;
    char name[SPOOL_NAME];
    struct content c;
    (void)state;

    gf_buf_init(&want, 64 << 20);
    gf_buf_init(&line, GF_LINE_MAX);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        gf_buf_clear(&line);
        for (size_t j = 1; j < sizes[i]; j++)
            gf_buf_byte(&line, (char)('a' + (i * 7 + j) % 26));
        gf_buf_byte(&line, '\n');
        assert_int_equal(spool_put(s, line.data, line.len, &e), 0);
        gf_buf_add(&want, line.data, line.len);
    }
    assert_int_equal(spool_sync(s, &e), 0);
    nth(0, name);
    read_file(name, 0, &c);
    assert_int_equal(c.lines.len, want.len);
    assert_memory_equal(c.lines.data, want.data, want.len);
    gf_buf_free(&c.lines);
    gf_buf_free(&line);
    gf_buf_free(&want);
    spool_close(s);
}

static void what_is_no_line_is_refused(void **state) {
    struct spool *s = writer(SPOOL_FILE_MAX);
    char *large = malloc(GF_LINE_MAX + 1);
    (void)state;

    assert_non_null(large);
    memset(large, 'x', GF_LINE_MAX);
    large[GF_LINE_MAX] = '\n';
    assert_int_equal(spool_put(s, large, GF_LINE_MAX + 1, &e), -1);
    assert_int_equal(e.code, GF_E_LIMIT);
    assert_int_equal(spool_put(s, "no end", 6, &e), -1);
    assert_int_equal(spool_put(s, "two\nlines\n", 10, &e), -1);
    assert_int_equal(spool_put(s, "nul\0\n", 5, &e), -1);
    assert_int_equal(spool_put(s, "", 0, &e), -1);
    assert_int_equal(e.code, GF_E_USAGE);
    assert_int_equal(spool_sync(s, &e), 0);
    assert_int_equal(files(), 0);
    free(large);
    spool_close(s);
}

static void a_group_without_end_is_refused_before_memory_is(void **state) {
    struct spool *s = writer(SPOOL_FILE_MAX);
    char *line = malloc(GF_LINE_MAX);
    int n = 0;
    (void)state;

    assert_non_null(line);
    memset(line, 'x', GF_LINE_MAX);
    line[GF_LINE_MAX - 1] = '\n';
    while (spool_put(s, line, GF_LINE_MAX, &e) == 0)
        assert_true(++n < 20);
    assert_int_equal(e.code, GF_E_LIMIT);
    assert_int_equal(spool_sync(s, &e), 0);
    put(s, "and on\n");
    free(line);
    spool_close(s);
}

static void a_file_begins_anew_when_it_is_large_enough(void **state) {
    struct spool *s = writer(100);
    struct content c;
    char name[SPOOL_NAME];
    (void)state;

    for (int i = 0; i < 12; i++) {
        char line[32];
        (void)snprintf(line, sizeof line, "line %02d of twelve\n", i);
        put(s, line);
        assert_int_equal(spool_sync(s, &e), 0);
    }
    spool_close(s);
    assert_int_equal(files(), 4);
    /* Sorted by name is sorted by time. */
    nth(0, name);
    read_file(name, 0, &c);
    assert_non_null(strstr(c.lines.data, "line 00"));
    gf_buf_free(&c.lines);
    nth(3, name);
    read_file(name, 0, &c);
    assert_non_null(strstr(c.lines.data, "line 11"));
    gf_buf_free(&c.lines);
}

static void a_file_that_was_read_is_removed_and_its_writer_goes_on_in_another(void **state) {
    struct spool *s = writer(SPOOL_FILE_MAX);
    char first[SPOOL_NAME], second[SPOOL_NAME];
    struct spool_reader r;
    struct content c;
    (void)state;

    put(s, "one\n");
    assert_int_equal(spool_sync(s, &e), 0);
    nth(0, first);
    assert_int_equal(spool_reader_open(dirfd_, first, 0, &r, &e), 1);
    assert_int_equal(spool_remove(&r, dirfd_, &e), 0); /* not read yet */
    read_on(&r, &c);
    gf_buf_free(&c.lines);

    /* What comes between the reader's look and the removal keeps the file. */
    put(s, "two\n");
    assert_int_equal(spool_sync(s, &e), 0);
    assert_int_equal(spool_remove(&r, dirfd_, &e), 0);
    spool_reader_close(&r);
    assert_int_equal(spool_reader_open(dirfd_, first, c.at, &r, &e), 1);
    read_on(&r, &c);
    assert_string_equal(c.lines.data, "two\n");
    gf_buf_free(&c.lines);
    assert_int_equal(spool_remove(&r, dirfd_, &e), 1);
    spool_reader_close(&r);
    assert_int_equal(files(), 0);

    put(s, "three\n");
    assert_int_equal(spool_sync(s, &e), 0);
    nth(0, second);
    assert_string_not_equal(first, second);
    read_file(second, 0, &c);
    assert_string_equal(c.lines.data, "three\n");
    gf_buf_free(&c.lines);
    spool_close(s);
}

static void a_file_that_a_writer_holds_is_left_for_later(void **state) {
    struct spool_reader r;
    size_t ends[3];
    struct gf_buf b;
    (void)state;

    size_t len = three(&b, ends);
    make(b.data, len);
    int fd = openat(dirfd_, MADE, O_RDWR);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    assert_int_equal(spool_reader_open(dirfd_, MADE, 0, &r, &e), 0);
    spool_reader_close(&r);
    (void)close(fd);
    assert_int_equal(spool_reader_open(dirfd_, MADE, 0, &r, &e), 1);
    spool_reader_close(&r);
    gf_buf_free(&b);
}

/* The mode of the only file, which is removed. */
static mode_t mode_of_file(void) {
    char name[SPOOL_NAME];
    struct stat st;

    assert_int_equal(files(), 1);
    nth(0, name);
    assert_int_equal(fstatat(dirfd_, name, &st, 0), 0);
    assert_int_equal(unlinkat(dirfd_, name, 0), 0);
    return st.st_mode & 07777;
}

static void only_a_group_that_shares_the_directory_may_read_its_files(void **state) {
    (void)state;
    for (int shared = 0; shared < 2; shared++) {
        assert_int_equal(fchmod(dirfd_, shared ? 02770 : 0700), 0);
        struct spool *s = writer(SPOOL_FILE_MAX);
        put(s, "one\n");
        assert_int_equal(spool_sync(s, &e), 0);
        spool_close(s);
        assert_int_equal(mode_of_file(), shared ? 0640 : 0600);
    }
}

static void nothing_is_promised_in_a_directory_that_no_reader_finds(void **state) {
    struct spool *s = writer(SPOOL_FILE_MAX);
    char away[80];
    (void)state;

    (void)snprintf(away, sizeof away, "%s.away", dir);
    put(s, "one\n");
    assert_int_equal(spool_sync(s, &e), 0);
    assert_int_equal(rename(dir, away), 0);
    put(s, "two\n");
    assert_int_equal(spool_sync(s, &e), -1);
    assert_int_equal(e.code, GF_E_SYSTEM);
    assert_int_equal(mkdir(dir, 0700), 0);
    put(s, "three\n");
    assert_int_equal(spool_sync(s, &e), -1);
    assert_non_null(strstr(e.text, "another directory"));
    /* It is back, and so is the spool. */
    assert_int_equal(rmdir(dir), 0);
    assert_int_equal(rename(away, dir), 0);
    put(s, "four\n");
    assert_int_equal(spool_sync(s, &e), 0);
    spool_close(s);
    struct content c;
    char name[SPOOL_NAME];
    assert_int_equal(files(), 2);
    nth(1, name);
    read_file(name, 0, &c);
    assert_string_equal(c.lines.data, "four\n");
    gf_buf_free(&c.lines);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_instruction_and_the_table_agree),
        cmocka_unit_test(crc_is_that_of_rfc_3720),
        TEST(what_was_synced_comes_out_in_order),
        TEST(a_cursor_goes_on_where_it_was),
        TEST(lines_of_every_size_come_out),
        TEST(what_is_no_line_is_refused),
        TEST(a_group_without_end_is_refused_before_memory_is),
        TEST(a_file_begins_anew_when_it_is_large_enough),
        TEST(a_file_that_was_read_is_removed_and_its_writer_goes_on_in_another),
        TEST(a_file_that_a_writer_holds_is_left_for_later),
        TEST(nothing_is_promised_in_a_directory_that_no_reader_finds),
        TEST(only_a_group_that_shares_the_directory_may_read_its_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
