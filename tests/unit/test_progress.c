/*
 * test_progress.c -- common/progress: silent where it should be, and sizes as people read them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/progress.h"

static void sizes_have_one_decimal_and_the_unit_that_fits(void **state) {
    static const struct {
        int64_t bytes;
        const char *text;
    } cases[] = {{0, "0 bytes"},          {1, "1 byte"},
                 {1023, "1023 bytes"},    {1024, "1.0 KiB"},
                 {1536, "1.5 KiB"},       {1048575, "1.0 MiB"},
                 {2147483647, "2.0 GiB"}, {INT64_C(1) << 40, "1.0 TiB"}};
    char out[PROGRESS_BYTES_TEXT];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        progress_bytes(cases[i].bytes, out);
        assert_string_equal(out, cases[i].text);
    }
}

static int64_t now_ms(void) {
    struct timespec t;

    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &t), 0);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Run a bar with standard error on a new pseudo-terminal (or a pipe); what it wrote, and how many
 * milliseconds it stood there. */
static int64_t run_bar(int terminal, int64_t total, char *out, size_t size) {
    int fds[2];
    int saved = dup(STDERR_FILENO);

    if (terminal) {
        fds[0] = posix_openpt(O_RDWR | O_NOCTTY);
        assert_true(fds[0] >= 0 && grantpt(fds[0]) == 0 && unlockpt(fds[0]) == 0);
        fds[1] = open(ptsname(fds[0]), O_RDWR | O_NOCTTY);
    } else {
        assert_int_equal(pipe(fds), 0);
    }
    assert_true(fds[1] >= 0 && saved >= 0);
    assert_true(dup2(fds[1], STDERR_FILENO) >= 0);
    int64_t begun = now_ms();
    struct progress *p = progress_new("packing", total);
    progress_at(p, 1);
    (void)usleep(150000);
    for (int64_t i = 2; i < 500; i++)
        progress_at(p, i);
    progress_free(p);
    int64_t stood = now_ms() - begun;
    assert_true(dup2(saved, STDERR_FILENO) >= 0);
    (void)close(saved);

    /* A terminal hands on what was written piece by piece. */
    struct pollfd ready = {.fd = fds[0], .events = POLLIN};
    size_t have = 0;
    while (have < size - 1 && poll(&ready, 1, 200) == 1) {
        ssize_t n = read(fds[0], out + have, size - 1 - have);
        if (n <= 0)
            break;
        have += (size_t)n;
    }
    out[have] = '\0';
    (void)close(fds[0]);
    (void)close(fds[1]);
    return stood;
}

static void a_terminal_gets_a_bar_that_is_wiped_and_seldom_redrawn(void **state) {
    char out[4096];
    int draws = 0;

    (void)state;
    assert_int_equal(setenv("TERM", "xterm", 1), 0);
    assert_int_equal(unsetenv("NO_COLOR"), 0);
    int64_t stood = run_bar(1, 1000, out, sizeof out);
    assert_non_null(strstr(out, "packing   0% "));
    assert_non_null(strstr(out, "\033[36m"));
    for (const char *s = out; (s = strstr(s, "packing")); s++)
        draws++;
    assert_in_range(draws, 1, 1 + stood / 100);
    assert_string_equal(out + strlen(out) - 4, "\r\033[K");
}

static void no_color_leaves_colour_out(void **state) {
    char out[4096];

    (void)state;
    assert_int_equal(setenv("TERM", "xterm", 1), 0);
    assert_int_equal(setenv("NO_COLOR", "1", 1), 0);
    (void)run_bar(1, 1000, out, sizeof out);
    assert_non_null(strstr(out, "packing"));
    assert_null(strstr(out, "\033[36m"));
}

static void an_unknown_total_shows_bytes_and_no_bar(void **state) {
    char out[4096];

    (void)state;
    assert_int_equal(setenv("TERM", "xterm", 1), 0);
    (void)run_bar(1, 0, out, sizeof out);
    assert_non_null(strstr(out, "packing 2 bytes  "));
    assert_null(strchr(out, '%'));
}

static void pipes_and_dumb_terminals_get_nothing(void **state) {
    char out[4096];

    (void)state;
    assert_int_equal(setenv("TERM", "xterm", 1), 0);
    (void)run_bar(0, 1000, out, sizeof out);
    assert_string_equal(out, "");
    assert_int_equal(setenv("TERM", "dumb", 1), 0);
    (void)run_bar(1, 1000, out, sizeof out);
    assert_string_equal(out, "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_have_one_decimal_and_the_unit_that_fits),
        cmocka_unit_test(a_terminal_gets_a_bar_that_is_wiped_and_seldom_redrawn),
        cmocka_unit_test(no_color_leaves_colour_out),
        cmocka_unit_test(an_unknown_total_shows_bytes_and_no_bar),
        cmocka_unit_test(pipes_and_dumb_terminals_get_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
