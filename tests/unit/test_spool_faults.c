/*
 * test_spool_faults.c -- common/spool: torn, damaged, odd files, full disks and killed writers.
 */
#include "spool_testing.h"

#include <sys/prctl.h>

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
        if (child == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0) {
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(torn_at_every_byte_whole_entries_come_out_and_the_tail_is_ignored),
        TEST(flipped_at_every_bit_all_other_entries_come_out),
        TEST(damage_is_handed_out_in_bounded_pieces),
        TEST(a_failed_write_leaves_nothing_of_its_group),
        TEST(what_is_no_file_of_a_spool_is_left_alone),
        TEST(a_cursor_beyond_the_end_gives_nothing),
        TEST(killed_writers_lose_nothing_that_they_promised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
