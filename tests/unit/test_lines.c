/*
 * test_lines.c -- base/lines: lines from a descriptor, bounded.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "gapferry/lines.h"

/* A descriptor that gives these bytes. */
static int source(const void *data, size_t len) {
    int fd = memfd_create("lines", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, len), (ssize_t)len);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

static void lines_come_without_their_lf_and_are_counted(void **state) {
    static const char text[] = "one\n\ntwo\0three\r\nfour\n";
    static const struct {
        const char *line;
        size_t len;
    } want[] = {{"one", 3}, {"", 0}, {"two\0three\r", 10}, {"four", 4}};
    struct gf_lines l;
    struct gf_err e;
    const char *line;
    size_t len;
    int ended = 7;

    (void)state;
    int fd = source(text, sizeof text - 1);
    gf_lines_init(&l, fd, 100);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(gf_lines_next(&l, &line, &len, &ended, &e), 1);
        assert_int_equal(len, want[i].len);
        assert_memory_equal(line, want[i].line, len);
        assert_int_equal(ended, 1);
        assert_int_equal(l.number, i + 1);
    }
    assert_int_equal(gf_lines_next(&l, &line, &len, &ended, &e), 0);
    assert_int_equal(gf_lines_next(&l, &line, &len, &ended, &e), 0);
    assert_int_equal(l.number, 4);
    gf_lines_free(&l);
    close(fd);
}

static void a_last_line_without_lf_is_told(void **state) {
    struct gf_lines l;
    struct gf_err e;
    const char *line;
    size_t len;
    int ended = 7;

    (void)state;
    int fd = source("a\nb", 3);
    gf_lines_init(&l, fd, 100);
    assert_int_equal(gf_lines_next(&l, &line, &len, &ended, &e), 1);
    assert_int_equal(ended, 1);
    assert_int_equal(gf_lines_next(&l, &line, &len, &ended, &e), 1);
    assert_int_equal(ended, 0);
    assert_int_equal(len, 1);
    assert_memory_equal(line, "b", 1);
    assert_int_equal(gf_lines_next(&l, &line, &len, &ended, &e), 0);
    gf_lines_free(&l);
    close(fd);
}

static void nothing_has_no_line(void **state) {
    struct gf_lines l;
    struct gf_err e;
    const char *line;
    size_t len;
    int ended;

    (void)state;
    int fd = source("", 0);
    gf_lines_init(&l, fd, 100);
    assert_int_equal(gf_lines_next(&l, &line, &len, &ended, &e), 0);
    gf_lines_free(&l);
    gf_lines_free(&l);
    close(fd);
}

/* The LF counts, whether or not the line is the last and whether or not it has one. */
static void a_line_of_max_bytes_is_read_and_a_longer_one_refused(void **state) {
    static const size_t maxima[] = {1, 2, 10, 65535, 65536, 65537, 200000, 1 << 20};
    char *text = malloc((1 << 20) + 100);
    struct gf_lines l;
    struct gf_err e;
    const char *line;
    size_t len;
    int ended;

    (void)state;
    assert_non_null(text);
    for (size_t i = 0; i < sizeof maxima / sizeof *maxima; i++) {
        size_t max = maxima[i];
        for (int first = 0; first < 2; first++) {        /* with a line before it */
            for (int excess = 0; excess < 3; excess++) { /* 1: one byte more; 2: as long, no LF */
                size_t n = 0;
                if (first)
                    text[n++] = '\n';
                memset(text + n, 'x', max + 10);
                n += max - 1 + (excess != 0);
                if (excess != 2)
                    text[n++] = '\n';
                int fd = source(text, n);
                gf_lines_init(&l, fd, max);
                if (first)
                    assert_int_equal(gf_lines_next(&l, &line, &len, &ended, &e), 1);
                int got = gf_lines_next(&l, &line, &len, &ended, &e);
                assert_int_equal(got, excess ? -1 : 1);
                if (excess)
                    assert_int_equal(e.code, GF_E_LIMIT);
                else
                    assert_int_equal(len, max - 1);
                assert_true(l.room <= max);
                gf_lines_free(&l);
                close(fd);
            }
        }
    }
    free(text);
}

static void a_refused_line_stays_refused(void **state) {
    struct gf_lines l;
    struct gf_err e;
    const char *line;
    size_t len;
    int ended;

    (void)state;
    int fd = source("a\n0123456789\nb\n", 15);
    gf_lines_init(&l, fd, 5);
    assert_int_equal(gf_lines_next(&l, &line, &len, &ended, &e), 1);
    assert_int_equal(gf_lines_next(&l, &line, &len, &ended, &e), -1);
    assert_string_equal(e.text, "line 2: longer than the 5 bytes allowed");
    assert_int_equal(gf_lines_next(&l, &line, &len, &ended, &e), -1);
    gf_lines_free(&l);
    close(fd);
}

/* Lines of random lengths, through a pipe whose writer sends random pieces. */
static void seams_between_reads_do_not_show(void **state) {
    int ends[2];
    struct gf_lines l;
    struct gf_err e;
    const char *line;
    size_t len;
    int ended, got;
    char *text = malloc(3000000);

    (void)state;
    assert_non_null(text);
    srand(6);
    size_t n = 0, count = 0;
    while (n < 2500000) {
        size_t want = count % 50 == 0 ? (size_t)rand() % 150000 : (size_t)rand() % 300;
        memset(text + n, 'a' + (int)(count % 26), want);
        n += want;
        text[n++] = '\n';
        count++;
    }
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        for (size_t at = 0; at < n;) {
            size_t piece = (size_t)rand() % 5000 + 1;
            ssize_t w = write(ends[1], text + at, piece < n - at ? piece : n - at);
            if (w <= 0)
                _exit(1);
            at += (size_t)w;
        }
        _exit(0);
    }
    close(ends[1]);
    gf_lines_init(&l, ends[0], 150001);
    size_t at = 0;
    while ((got = gf_lines_next(&l, &line, &len, &ended, &e)) == 1) {
        assert_true(at + len < n);
        assert_memory_equal(line, text + at, len);
        assert_int_equal(text[at + len], '\n');
        at += len + 1;
    }
    assert_int_equal(got, 0);
    assert_int_equal(at, n);
    assert_int_equal(l.number, count);
    gf_lines_free(&l);
    close(ends[0]);
    assert_int_equal(waitpid(child, NULL, 0), child);
    free(text);
}

static void what_cannot_be_read_is_an_error_of_the_system(void **state) {
    struct gf_lines l;
    struct gf_err e;
    const char *line;
    size_t len;
    int ended;

    (void)state;
    gf_lines_init(&l, -1, 100);
    assert_int_equal(gf_lines_next(&l, &line, &len, &ended, &e), -1);
    assert_int_equal(e.code, GF_E_SYSTEM);
    gf_lines_free(&l);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_come_without_their_lf_and_are_counted),
        cmocka_unit_test(a_last_line_without_lf_is_told),
        cmocka_unit_test(nothing_has_no_line),
        cmocka_unit_test(a_line_of_max_bytes_is_read_and_a_longer_one_refused),
        cmocka_unit_test(a_refused_line_stays_refused),
        cmocka_unit_test(seams_between_reads_do_not_show),
        cmocka_unit_test(what_cannot_be_read_is_an_error_of_the_system),
    };
    return cmocka_run_group_tests_name("lines", tests, NULL, NULL);
}
