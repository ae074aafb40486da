/*
 * test_spool.c -- common/spool: what was synced comes out, once, whatever happens to the file.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/spool.h"
#include "gapferry/digest.h"
#include "gapferry/limits.h"

static struct gf_err e;
static char dir[64]; /* a spool of the test's own */
static int dirfd_;

static int setup(void **state) {
    (void)state;
    assert_int_equal(gf_digest_start(&e), 0);
    (void)snprintf(dir, sizeof dir, "/tmp/gapferry-spool-XXXXXX");
    assert_non_null(mkdtemp(dir));
    dirfd_ = open(dir, O_RDONLY | O_DIRECTORY);
    assert_true(dirfd_ != -1);
    return 0;
}

static int teardown(void **state) {
    char command[128];
    (void)state;

    (void)close(dirfd_);
    (void)snprintf(command, sizeof command, "rm -rf %s", dir);
    return system(command) == 0 ? 0 : -1;
}

static void put(struct spool *s, const char *line) {
    assert_int_equal(spool_put(s, line, strlen(line), &e), 0);
}

static struct spool *writer(int64_t file_max) {
    struct spool *s;

    assert_int_equal(spool_open(dir, file_max, &s, &e), 0);
    return s;
}

static size_t files(void) {
    char(*names)[SPOOL_NAME];
    size_t n;

    assert_int_equal(spool_list(dirfd_, &names, &n, &e), 0);
    free(names);
    return n;
}

static void nth(size_t i, char out[SPOOL_NAME]) {
    char(*names)[SPOOL_NAME];
    size_t n;

    assert_int_equal(spool_list(dirfd_, &names, &n, &e), 0);
    assert_true(i < n);
    memcpy(out, names[i], SPOOL_NAME);
    free(names);
}

/* What a file gives from a cursor on: its lines joined, how many stretches of damage, the cursor.
 */
struct content {
    struct gf_buf lines;
    size_t damaged;
    size_t damage_bytes;
    int64_t at;
};

static void read_on(struct spool_reader *r, struct content *c) {
    const char *data;
    size_t len;
    int found;

    gf_buf_init(&c->lines, 64 << 20);
    c->damaged = c->damage_bytes = 0;
    while ((found = spool_next(r, &data, &len, &e)) != SPOOL_END) {
        assert_int_not_equal(found, -1);
        if (found == SPOOL_LINE)
            gf_buf_add(&c->lines, data, len);
        else
            c->damaged++, c->damage_bytes += len;
    }
    gf_buf_text(&c->lines, "");
    assert_int_equal(gf_buf_check(&c->lines, "lines", &e), 0);
    c->at = r->at;
}

static void read_file(const char *name, int64_t at, struct content *c) {
    struct spool_reader r;

    assert_int_equal(spool_reader_open(dirfd_, name, at, &r, &e), 1);
    read_on(&r, c);
    spool_reader_close(&r);
}

/* A spool file with these bytes. */
#define MADE "01890a5d-ac96-774b-bcce-b302099a8057.spool"
static void make(const void *bytes, size_t len) {
    int fd = openat(dirfd_, MADE, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_true(fd != -1);
    assert_int_equal(write(fd, bytes, len), (ssize_t)len);
    (void)close(fd);
}

static void crc_is_that_of_rfc_3720(void **state) {
    uint8_t bytes[32];
    (void)state;

    assert_int_equal(spool_crc("123456789", 9), 0xe3069283);
    memset(bytes, 0, sizeof bytes);
    assert_int_equal(spool_crc(bytes, sizeof bytes), 0x8a9136aa);
    memset(bytes, 0xff, sizeof bytes);
    assert_int_equal(spool_crc(bytes, sizeof bytes), 0x62a8ab43);
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

/* Three entries, and where each ends. */
static size_t three(struct gf_buf *b, size_t ends[3]) {
    static const char *const lines[] = {"{\"n\":1}\n", "{\"n\":22}\n", "{\"n\":333}\n"};

    gf_buf_init(b, 4096);
    for (size_t i = 0; i < 3; i++) {
        spool_entry(b, lines[i], strlen(lines[i]));
        ends[i] = b->len;
    }
    return b->len;
}

static void torn_at_every_byte_whole_entries_come_out_and_the_tail_is_ignored(void **state) {
    static const size_t lens[] = {0, 8, 17, 27};
    size_t ends[3];
    struct gf_buf b;
    (void)state;

    size_t len = three(&b, ends);
    for (size_t cut = 0; cut <= len; cut++) {
        struct spool_reader r;
        struct content c;
        size_t whole = cut >= ends[2] ? 3 : cut >= ends[1] ? 2 : cut >= ends[0];

        make(b.data, cut);
        assert_int_equal(spool_reader_open(dirfd_, MADE, 0, &r, &e), 1);
        read_on(&r, &c);
        assert_int_equal(c.damaged, 0);
        assert_int_equal(c.at, whole ? (int64_t)ends[whole - 1] : 0);
        assert_int_equal(c.lines.len, lens[whole]);
        /* And the file can go: its writer never promised the tail to anybody. */
        assert_int_equal(spool_remove(&r, dirfd_, &e), 1);
        spool_reader_close(&r);
        gf_buf_free(&c.lines);
    }
    assert_int_equal(files(), 0);
    gf_buf_free(&b);
}

static void flipped_at_every_bit_all_other_entries_come_out(void **state) {
    static const char *const lines[] = {"{\"n\":1}\n", "{\"n\":22}\n", "{\"n\":333}\n"};
    size_t ends[3];
    struct gf_buf b;
    (void)state;

    size_t len = three(&b, ends);
    for (size_t i = 0; i < len * 8; i++) {
        size_t hit = i / 8 >= ends[1] ? 2 : i / 8 >= ends[0];
        int is_lf = b.data[i / 8] == '\n';
        struct content c;

        b.data[i / 8] = (char)(b.data[i / 8] ^ 1 << i % 8);
        make(b.data, len);
        read_file(MADE, 0, &c);
        b.data[i / 8] = (char)(b.data[i / 8] ^ 1 << i % 8);
        for (size_t j = 0; j < 3; j++) {
            /* A broken end of line makes one entry of two; nothing else reaches beyond its own. */
            int lost = j == hit || (is_lf && j == hit + 1);
            assert_true((strstr(c.lines.data, lines[j]) != NULL) == !lost);
        }
        /* Seen as damage, but where the last LF is what broke: that is a torn tail. */
        assert_true(c.damaged == 1 || (is_lf && hit == 2 && c.damaged == 0));
        gf_buf_free(&c.lines);
    }
    gf_buf_free(&b);
}

static void damage_is_handed_out_in_bounded_pieces(void **state) {
    size_t len = 3 * GF_LINE_MAX;
    char *bytes = malloc(len);
    struct content c;
    (void)state;

    assert_non_null(bytes);
    memset(bytes, 'z', len);
    bytes[len - 1] = '\n';
    make(bytes, len);
    read_file(MADE, 0, &c);
    assert_int_equal(c.damage_bytes, len);
    assert_true(c.damaged >= 3);
    assert_int_equal(c.lines.len, 0);
    gf_buf_free(&c.lines);
    free(bytes);
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

    make(b.data, three(&b, ends));
    int fd = openat(dirfd_, MADE, O_RDWR);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    assert_int_equal(spool_reader_open(dirfd_, MADE, 0, &r, &e), 0);
    spool_reader_close(&r);
    (void)close(fd);
    assert_int_equal(spool_reader_open(dirfd_, MADE, 0, &r, &e), 1);
    spool_reader_close(&r);
    gf_buf_free(&b);
}

static void a_failed_write_leaves_nothing_of_its_group(void **state) {
    struct spool *s = writer(SPOOL_FILE_MAX);
    struct rlimit was, small = {.rlim_cur = 60};
    char name[SPOOL_NAME];
    struct content c;
    (void)state;

    put(s, "one\n");
    assert_int_equal(spool_sync(s, &e), 0);
    put(s, "a group that does not fit\n");
    put(s, "nor does its second line\n");
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    small.rlim_max = was.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    int rc = spool_sync(s, &e);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
    assert_int_equal(rc, -1);
    assert_int_equal(e.code, GF_E_CREATE);

    nth(0, name);
    read_file(name, 0, &c);
    assert_string_equal(c.lines.data, "one\n");
    assert_int_equal(c.at, 22);
    gf_buf_free(&c.lines);
    put(s, "two\n"); /* and the writer goes on */
    assert_int_equal(spool_sync(s, &e), 0);
    assert_int_equal(files(), 2);
    spool_close(s);
}

static void what_is_no_file_of_a_spool_is_left_alone(void **state) {
    struct spool_reader r;
    (void)state;

    assert_int_equal(mkfifoat(dirfd_, "note.spool", 0600), 0);
    assert_int_equal(mkfifoat(dirfd_, "01890a5d-ac96-774b-bcce-b302099a8057.tmp00", 0600), 0);
    assert_int_equal(files(), 0);
    assert_int_equal(mkfifoat(dirfd_, MADE, 0600), 0);
    assert_int_equal(spool_reader_open(dirfd_, MADE, 0, &r, &e), -1); /* and does not wait */
    assert_int_equal(e.code, GF_E_NOINPUT);
    spool_reader_close(&r);
    assert_int_equal(unlinkat(dirfd_, MADE, 0), 0);
    assert_int_equal(symlinkat("/etc/passwd", dirfd_, MADE), 0);
    assert_int_equal(spool_reader_open(dirfd_, MADE, 0, &r, &e), -1);
    spool_reader_close(&r);
    assert_int_equal(unlinkat(dirfd_, MADE, 0), 0);
    make("", 0);
    int fd = openat(dirfd_, MADE, O_RDWR);
    assert_int_equal(ftruncate(fd, 1LL << 40), 0);
    (void)close(fd);
    assert_int_equal(spool_reader_open(dirfd_, MADE, 0, &r, &e), -1);
    assert_int_equal(e.code, GF_E_LIMIT);
    spool_reader_close(&r);
}

static void a_cursor_beyond_the_end_gives_nothing(void **state) {
    struct content c;
    (void)state;

    make("x\n", 2);
    read_file(MADE, 100, &c);
    assert_int_equal(c.lines.len + c.damaged, 0);
    gf_buf_free(&c.lines);
}

/* A writer that syncs and tells, killed at any moment: what it told is there. */
static void killed_writers_lose_nothing_that_they_promised(void **state) {
    int total = 0;
    (void)state;

    for (int round = 0; round < 30; round++) {
        int tell[2];

        assert_int_equal(pipe(tell), 0);
        pid_t child = fork();
        if (child == 0) {
            struct spool *s = writer(300);
            for (int i = 0;; i++) {
                char line[32];
                (void)snprintf(line, sizeof line, "%d.%d\n", round, i);
                put(s, line);
                if (i % 3 == 2 && (spool_sync(s, &e) == -1 || write(tell[1], &i, sizeof i) == -1))
                    _exit(1);
            }
        }
        (void)close(tell[1]);
        (void)usleep((useconds_t)(1000 + round * 700));
        assert_int_equal(kill(child, SIGKILL), 0);
        assert_int_equal(waitpid(child, NULL, 0), child);
        int told = -1, i;
        while (read(tell[0], &i, sizeof i) == (ssize_t)sizeof i)
            told = i;
        (void)close(tell[0]);

        /* In order, from 0 on, at least as far as told, whole groups only where nothing is torn. */
        char(*names)[SPOOL_NAME];
        size_t n;
        int next = 0;
        assert_int_equal(spool_list(dirfd_, &names, &n, &e), 0);
        for (size_t f = 0; f < n; f++) {
            struct spool_reader r;
            const char *data;
            size_t len;
            int found;

            assert_int_equal(spool_reader_open(dirfd_, names[f], 0, &r, &e), 1);
            while ((found = spool_next(&r, &data, &len, &e)) != SPOOL_END) {
                char line[32];
                assert_int_equal(found, SPOOL_LINE);
                int want = snprintf(line, sizeof line, "%d.%d\n", round, next++);
                assert_int_equal(len, want);
                assert_memory_equal(data, line, len);
            }
            assert_int_equal(spool_remove(&r, dirfd_, &e), 1);
            spool_reader_close(&r);
        }
        free(names);
        assert_true(next > told);
        total += next;
    }
    assert_true(total > 30);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crc_is_that_of_rfc_3720),
        cmocka_unit_test_setup_teardown(what_was_synced_comes_out_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(a_cursor_goes_on_where_it_was, setup, teardown),
        cmocka_unit_test_setup_teardown(lines_of_every_size_come_out, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_no_line_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_group_without_end_is_refused_before_memory_is, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            torn_at_every_byte_whole_entries_come_out_and_the_tail_is_ignored, setup, teardown),
        cmocka_unit_test_setup_teardown(flipped_at_every_bit_all_other_entries_come_out, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(damage_is_handed_out_in_bounded_pieces, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_begins_anew_when_it_is_large_enough, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            a_file_that_was_read_is_removed_and_its_writer_goes_on_in_another, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_that_a_writer_holds_is_left_for_later, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_failed_write_leaves_nothing_of_its_group, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_is_no_file_of_a_spool_is_left_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(a_cursor_beyond_the_end_gives_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(killed_writers_lose_nothing_that_they_promised, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
