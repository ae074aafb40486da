/*
 * test_file.c -- base/file: bounded reading, complete writing.
 */
#include "unit/file_tools.h"

#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>

static void split_gives_the_directory_and_the_last_name(void **state) {
    static const char *const wrong[] = {"", ".", "..", "sub/", "/", "sub/.", "sub/.."};
    char path[600], name[256];
    struct stat want, have;
    struct gf_err e;
    int fd;

    (void)state;
    assert_int_equal(mkdirat(dir, "sub", 0700), 0);
    assert_int_equal(fstatat(dir, "sub", &want, 0), 0);
    (void)snprintf(path, sizeof path, "%s/sub//x", root);
    const char *const good[] = {"sub/x", "./sub/x", path};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(gf_file_split(dir, good[i], &fd, name, &e), 0);
        assert_string_equal(name, "x");
        assert_int_equal(fstat(fd, &have), 0);
        assert_int_equal(have.st_ino, want.st_ino);
        close(fd);
    }
    assert_int_equal(gf_file_split(dir, "/x", &fd, name, &e), 0);
    assert_int_equal(stat("/", &want), 0);
    assert_int_equal(fstat(fd, &have), 0);
    assert_int_equal(have.st_ino, want.st_ino);
    close(fd);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(gf_file_split(dir, wrong[i], &fd, name, &e), -1);
        assert_int_equal(e.code, GF_E_USAGE);
    }
}

static void a_file_of_max_bytes_loads_and_a_larger_one_does_not(void **state) {
    struct gf_buf b;
    struct gf_err e;

    (void)state;
    put("a", "0123456789");
    assert_int_equal(gf_file_load(dir, "a", 10, &b, &e), 0);
    assert_int_equal(b.len, 10);
    gf_buf_free(&b);
    assert_int_equal(gf_file_load(dir, "a", 9, &b, &e), -1);
    assert_int_equal(e.code, GF_E_LIMIT);
    assert_null(b.data);
    put("empty", "");
    assert_int_equal(gf_file_load(dir, "empty", 0, &b, &e), 0);
    assert_int_equal(b.len, 0);
    gf_buf_free(&b);
}

static void only_what_is_not_there_at_all_is_missing(void **state) {
    struct gf_buf b;
    struct gf_err e;

    (void)state;
    put("a", "text");
    assert_int_equal(gf_file_load_if_there(dir, "a", 10, &b, &e), 1);
    assert_string_equal(b.data, "text");
    gf_buf_free(&b);
    assert_int_equal(gf_file_load_if_there(dir, "b", 10, &b, &e), 0);
    assert_int_equal(b.len, 0);
    gf_buf_text(&b, "0123456789"); /* it has its ceiling */
    assert_int_equal(gf_buf_check(&b, "b", &e), 0);
    gf_buf_free(&b);
    assert_int_equal(symlinkat("nowhere", dir, "link"), 0);
    assert_int_equal(mkdirat(dir, "sub", 0700), 0);
    static const char *const there[] = {"link", "sub", "a/b"};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(gf_file_load_if_there(dir, there[i], 10, &b, &e), -1);
        assert_int_equal(e.code, GF_E_NOINPUT);
    }
    assert_int_equal(gf_file_load_if_there(dir, "a", 3, &b, &e), -1);
    assert_int_equal(e.code, GF_E_LIMIT);
}

static void a_size_that_lies_is_not_believed(void **state) {
    struct gf_buf b;
    struct gf_err e;

    (void)state;
    assert_int_equal(gf_file_load(AT_FDCWD, "/proc/self/status", 1 << 20, &b, &e), 0);
    assert_true(b.len > 100);
    assert_int_equal(strlen(b.data), b.len);
    size_t len = b.len;
    gf_buf_free(&b);
    assert_int_equal(gf_file_load(AT_FDCWD, "/proc/self/status", len / 2, &b, &e), -1);
    assert_int_equal(e.code, GF_E_LIMIT);
    assert_null(b.data);
}

static void what_is_no_regular_file_is_refused_without_waiting(void **state) {
    static const char *const names[] = {"link", "loop", "sub", "fifo", "none", "a/b"};
    struct gf_buf b;
    struct gf_err e;

    (void)state;
    put("a", "x");
    assert_int_equal(symlinkat("a", dir, "link"), 0);
    assert_int_equal(symlinkat("loop", dir, "loop"), 0);
    assert_int_equal(mkdirat(dir, "sub", 0700), 0);
    assert_int_equal(mkfifoat(dir, "fifo", 0600), 0);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_int_equal(gf_file_load(dir, names[i], 100, &b, &e), -1);
        assert_int_equal(e.code, GF_E_NOINPUT);
        assert_non_null(strstr(e.text, names[i]));
        assert_true(i > 0 || strstr(e.text, "symbolic link") != NULL);
        assert_null(b.data);
    }
}

static void nothing(int number) {
    (void)number;
}

/* A pipe gives little at a time, and a timer interrupts each wait for it. */
static void short_reads_and_signals_are_no_end(void **state) {
    int ends[2];
    char text[1001];
    struct sigaction act = {.sa_handler = nothing}, old;
    struct itimerval often = {{0, 2000}, {0, 2000}}, never = {{0, 0}, {0, 0}};

    (void)state;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        for (int i = 0; i < 10; i++) {
            char part[100];
            memset(part, 'a' + i, sizeof part);
            (void)usleep(5000);
            if (write(ends[1], part, sizeof part) != (ssize_t)sizeof part)
                _exit(1);
        }
        _exit(0);
    }
    close(ends[1]);
    assert_int_equal(sigaction(SIGALRM, &act, &old), 0);
    assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
    ssize_t n = gf_file_read(ends[0], text, 950);
    ssize_t rest = gf_file_read(ends[0], text + 950, 51);
    assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
    assert_int_equal(sigaction(SIGALRM, &old, NULL), 0);
    assert_int_equal(n, 950);
    assert_int_equal(rest, 50);
    assert_int_equal(text[0], 'a');
    assert_int_equal(text[999], 'j');
    close(ends[0]);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

static void reading_and_writing_at_an_offset_moves_nothing(void **state) {
    char text[16];
    struct gf_err e;

    (void)state;
    int fd = gf_file_unnamed(dir, &e);
    assert_true(fd >= 0);
    assert_int_equal(gf_file_write(fd, "0123456789", 10), 0);
    assert_int_equal(gf_file_write_at(fd, "ab", 2, 4), 0);
    assert_int_equal(gf_file_read_at(fd, text, 16, 3), 7);
    assert_memory_equal(text, "3ab6789", 7);
    assert_int_equal(gf_file_read_at(fd, text, 16, 10), 0);
    assert_int_equal(lseek(fd, 0, SEEK_CUR), 10);
    close(fd);
    assert_int_equal(gf_file_read_at(fd, text, 16, 0), -1);
    assert_int_equal(gf_file_write(fd, "x", 1), -1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FILE_TEST(split_gives_the_directory_and_the_last_name),
        FILE_TEST(a_file_of_max_bytes_loads_and_a_larger_one_does_not),
        FILE_TEST(only_what_is_not_there_at_all_is_missing),
        FILE_TEST(a_size_that_lies_is_not_believed),
        FILE_TEST(what_is_no_regular_file_is_refused_without_waiting),
        FILE_TEST(short_reads_and_signals_are_no_end),
        FILE_TEST(reading_and_writing_at_an_offset_moves_nothing),
    };
    return cmocka_run_group_tests_name("file", tests, NULL, NULL);
}
