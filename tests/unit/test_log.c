/*
 * test_log.c -- common/log: one event is one harmless line.
 */
#include <errno.h>
#include <sys/wait.h>

#include "unit/file_tools.h"

#include "common/log.h"

static int real_stderr, sink;

static int begin_test(void **state) {
    if (set_up(state) == -1)
        return -1;
    (void)unsetenv("JOURNAL_STREAM");
    real_stderr = dup(STDERR_FILENO);
    sink = openat(dir, "log", O_RDWR | O_CREAT | O_APPEND, 0600);
    return dup2(sink, STDERR_FILENO) == -1 ? -1 : 0;
}

static int end_test(void **state) {
    (void)dup2(real_stderr, STDERR_FILENO);
    close(real_stderr);
    close(sink);
    return tear_down(state);
}

static void assert_logged(const char *text) {
    assert_holds("log", text);
    assert_int_equal(ftruncate(sink, 0), 0);
}

static void plain_words_and_numbers_stand_as_they_are(void **state) {
    (void)state;
    log_write(LOG_LEVEL_INFO, "bundle-taken", {"bundle", "5be1-a_b.gfb", 0},
              {"url", "https://example.org:8443/x", 0}, {"records", NULL, 12},
              {"change", NULL, INT64_MIN});
    assert_logged(
        "event=bundle-taken bundle=5be1-a_b.gfb url=https://example.org:8443/x records=12 "
        "change=-9223372036854775808\n");
    log_event(LOG_LEVEL_ERROR, "alone", NULL);
    assert_logged("event=alone\n");
}

static void what_could_be_taken_for_something_else_is_quoted(void **state) {
    (void)state;
    log_write(LOG_LEVEL_INFO, "e", {"a", "two words", 0}, {"b", "", 0}, {"c", "k=v", 0},
              {"d", "say \"no\"", 0}, {"e", "back\\slash", 0}, {"f", "\"", 0},
              {"g", "gr\xc3\xb6\xc3\x9f", 0});
    assert_logged(
        "event=e a=\"two words\" b=\"\" c=\"k=v\" d=\"say \\\"no\\\"\" e=\"back\\\\slash\" "
        "f=\"\\\"\" g=\"gr\xc3\xb6\xc3\x9f\"\n");
}

static void foreign_bytes_cannot_steer_a_terminal_or_forge_a_line(void **state) {
    (void)state;
    log_write(
        LOG_LEVEL_INFO, "e", {"esc", "\x1b[2J", 0}, {"lf", "a\nevent=forged", 0}, {"cr", "a\rb", 0},
        {"rtl",
         "a\xe2\x80\xae"
         "b",
         0},
        {"bad", "\xff\xc3", 0}, {"nel", "\xc2\x85", 0}, {"tab", "\t", 0}, {"hex", "\\x1b", 0});
    assert_logged("event=e esc=\"\\x1b[2J\" lf=\"a\\x0aevent=forged\" cr=\"a\\x0db\" "
                  "rtl=\"a\\xe2\\x80\\xaeb\" bad=\"\\xff\\xc3\" nel=\"\\xc2\\x85\" tab=\"\\x09\" "
                  "hex=\"\\\\x1b\"\n");
}

static void long_values_are_cut_between_characters(void **state) {
    char value[4000];
    char expected[5000];
    (void)state;
    memset(value, 'x', sizeof value);
    memcpy(value + 1022, "\xe2\x82\xac", 3);
    value[sizeof value - 1] = '\0';
    log_write(LOG_LEVEL_INFO, "e", {"long", value, 0}, {"last", NULL, 1});
    (void)snprintf(expected, sizeof expected, "event=e long=\"%.1022s...\" last=1\n", value);
    assert_logged(expected);
    value[1024] = '\0';
    memset(value, 'x', 1024);
    log_write(LOG_LEVEL_INFO, "e", {"whole", value, 0});
    (void)snprintf(expected, sizeof expected, "event=e whole=%s\n", value);
    assert_logged(expected);
    value[1023] = '"'; /* a cut does not fall between an escape and what it is for */
    value[1024] = 'y';
    value[1025] = '\0';
    log_write(LOG_LEVEL_INFO, "e", {"quote", value, 0});
    (void)snprintf(expected, sizeof expected, "event=e quote=\"%.1023s\\\"...\"\n", value);
    assert_logged(expected);
}

static void a_line_too_long_still_names_its_event(void **state) {
    char value[1025];
    struct log_field fields[100] = {{0}};
    (void)state;
    memset(value, '\x01', sizeof value - 1);
    value[1024] = '\0';
    for (int i = 0; i < 99; i++)
        fields[i] = (struct log_field){"f", value, 0};
    log_event(LOG_LEVEL_WARNING, "big", fields);
    assert_logged("event=big log=incomplete level=4\n");
}

static void only_the_journal_gets_the_level(void **state) {
    struct stat st;
    char own[64];
    (void)state;
    assert_int_equal(fstat(sink, &st), 0);
    (void)snprintf(own, sizeof own, "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
    assert_int_equal(setenv("JOURNAL_STREAM", own, 1), 0);
    log_write(LOG_LEVEL_ERROR, "e", {"a", NULL, 1});
    log_write(LOG_LEVEL_WARNING, "e", {"a", NULL, 1});
    log_write(LOG_LEVEL_NOTICE, "e", {"a", NULL, 1});
    log_write(LOG_LEVEL_INFO, "e", {"a", NULL, 1});
    assert_logged("<3>event=e a=1\n<4>event=e a=1\n<5>event=e a=1\n<6>event=e a=1\n");
    /* The variable is inherited, standard error was led elsewhere. */
    (void)snprintf(own, sizeof own, "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino + 1);
    assert_int_equal(setenv("JOURNAL_STREAM", own, 1), 0);
    log_write(LOG_LEVEL_ERROR, "e", {"a", NULL, 1});
    assert_logged("event=e a=1\n");
}

static void errno_is_kept(void **state) {
    (void)state;
    assert_int_equal(close(STDERR_FILENO), 0);
    errno = ERANGE;
    log_write(LOG_LEVEL_INFO, "e", {"a", "b c", 0});
    assert_int_equal(errno, ERANGE);
}

static void lines_of_several_processes_do_not_mix(void **state) {
    char value[1001];
    (void)state;
    for (int p = 0; p < 4; p++) {
        if (fork() == 0) {
            memset(value, 'a' + p, sizeof value - 1);
            value[1000] = '\0';
            for (int i = 0; i < 100; i++)
                log_write(LOG_LEVEL_INFO, "e", {"v", value, 0});
            _exit(0);
        }
    }
    for (int p = 0; p < 4; p++)
        assert_true(wait(NULL) > 0);
    struct gf_buf b;
    struct gf_err e;
    assert_int_equal(gf_file_load(dir, "log", 1 << 20, &b, &e), 0);
    assert_int_equal(b.len, 400 * 1011);
    for (int i = 0; i < 400; i++) {
        const char *line = b.data + (size_t)i * 1011;
        assert_memory_equal(line, "event=e v=", 10);
        for (int k = 11; k < 1010; k++)
            assert_int_equal(line[k], line[10]);
        assert_int_equal(line[1010], '\n');
    }
    gf_buf_free(&b);
}

#define LOG_TEST(f) cmocka_unit_test_setup_teardown(f, begin_test, end_test)

int main(void) {
    const struct CMUnitTest tests[] = {
        LOG_TEST(plain_words_and_numbers_stand_as_they_are),
        LOG_TEST(what_could_be_taken_for_something_else_is_quoted),
        LOG_TEST(foreign_bytes_cannot_steer_a_terminal_or_forge_a_line),
        LOG_TEST(long_values_are_cut_between_characters),
        LOG_TEST(a_line_too_long_still_names_its_event),
        LOG_TEST(only_the_journal_gets_the_level),
        LOG_TEST(errno_is_kept),
        LOG_TEST(lines_of_several_processes_do_not_mix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
