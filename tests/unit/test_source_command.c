/*
 * test_source_command.c -- a program of the site gets nothing of ours, and cannot hold us up, flood
 * us or stay behind.
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
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent/source/source.h"

static struct gf_err e;
static char dir[64], script[128];

static int setup(void **state) {
    (void)state;
    (void)snprintf(dir, sizeof dir, "/tmp/gapferry-source-XXXXXX");
    assert_non_null(mkdtemp(dir));
    (void)snprintf(script, sizeof script, "%s/script", dir);
    return 0;
}

static int teardown(void **state) {
    char command[128];
    (void)state;

    (void)snprintf(command, sizeof command, "rm -rf %s", dir);
    return system(command) == 0 ? 0 : -1;
}

/* A shell script with these lines. */
static void make(const char *lines) {
    int fd = open(script, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);

    assert_true(fd != -1);
    assert_true(dprintf(fd, "#!/bin/sh\n%s\n", lines) > 0);
    (void)close(fd);
}

struct ran {
    int rc, status;
    struct gf_buf out;
    char said[SOURCE_SAID_MAX];
    double seconds;
};

static struct ran run_with(const char *command, int64_t timeout, size_t max) {
    struct timespec from, to;
    struct ran r = {.status = -1};

    (void)clock_gettime(CLOCK_MONOTONIC, &from);
    r.rc = source_command(command, timeout, max, &r.out, &r.status, r.said, &e);
    (void)clock_gettime(CLOCK_MONOTONIC, &to);
    r.seconds = (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
    /* Nothing of it is left with us. */
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    return r;
}

static struct ran run(const char *lines) {
    make(lines);
    return run_with(script, 10, 65536);
}

static void check_output(const char *lines, const char *want) {
    struct ran r = run(lines);

    if (r.rc == -1)
        fail_msg("%s", e.text);
    assert_string_equal(r.out.len ? r.out.data : "", want);
    gf_buf_free(&r.out);
}

static void what_it_prints_comes_out(void **state) {
    (void)state;

    check_output("echo '{\"users\": 42}'", "{\"users\": 42}\n");
    check_output("printf a; sleep 0.1; printf b", "ab");
    check_output("exit 0", "");
}

static void arguments_are_words_and_no_shell_reads_them(void **state) {
    char command[256];
    (void)state;

    make("for w; do echo \"<$w>\"; done");
    (void)snprintf(command, sizeof command, "%s  a\tb $HOME `id` * >x", script);
    struct ran r = run_with(command, 10, 1000);
    assert_int_equal(r.rc, 0);
    assert_string_equal(r.out.data, "<a>\n<b>\n<$HOME>\n<`id`>\n<*>\n<>x>\n");
    gf_buf_free(&r.out);
}

static void it_is_stopped_at_once_when_this_process_is_to_end(void **state) {
    const struct timespec none = {0};
    sigset_t set, before;
    (void)state;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    assert_int_equal(sigprocmask(SIG_BLOCK, &set, &before), 0);
    /* While it runs; it does not listen to signals, nor does what it has started. */
    make("trap '' TERM; kill -TERM $PPID; sleep 60 & sleep 60; echo '{}'");
    struct ran r = run_with(script, 30, 1000);
    assert_int_equal(r.rc, -1);
    assert_int_equal(e.code, GF_E_BUSY);
    assert_true(r.seconds < 10);
    gf_buf_free(&r.out);
    /* Before it begins; and where it ends by that signal itself, which is no failure then. */
    r = run_with("/bin/echo 1", 30, 1000);
    assert_int_equal(r.rc, -1);
    assert_int_equal(e.code, GF_E_BUSY);
    gf_buf_free(&r.out);
    assert_int_equal(sigtimedwait(&set, NULL, &none), SIGTERM);
    r = run("kill -TERM $PPID; exit 143");
    assert_int_equal(r.rc, -1);
    assert_int_equal(e.code, GF_E_BUSY);
    gf_buf_free(&r.out);
    assert_int_equal(sigtimedwait(&set, NULL, &none), SIGTERM);
    assert_int_equal(sigprocmask(SIG_SETMASK, &before, NULL), 0);
}

static void it_gets_nothing_of_ours(void **state) {
    (void)state;

    assert_int_equal(setenv("GAPFERRY_SECRET", "1", 1), 0);
    struct ran r = run_with("/usr/bin/env", 10, 1000);
    assert_int_equal(r.rc, 0);
    assert_string_equal(r.out.data, "PATH=/usr/bin:/bin\nLANG=C.UTF-8\n");
    gf_buf_free(&r.out);
    check_output("pwd", "/\n");
    check_output("cat", ""); /* standard input is empty */

    /* Files that are open here, with and without close-on-exec. */
    int fds[] = {open("/etc/passwd", O_RDONLY), open("/etc/passwd", O_RDONLY | O_CLOEXEC), dup(2)};
    /* The shell itself looks, since a pipe of its own would count; 10 is the script. */
    check_output("i=3; while [ $i -lt 100 ]; do\n"
                 "[ $i = 10 ] || [ ! -e /proc/$$/fd/$i ] || echo $i\n"
                 "i=$((i + 1)); done",
                 "");
    for (size_t i = 0; i < 3; i++)
        (void)close(fds[i]);

    (void)signal(SIGPIPE, SIG_IGN);
    check_output("grep SigIgn /proc/$$/status", "SigIgn:\t0000000000000000\n");
}

static void a_failure_is_told_with_what_it_said(void **state) {
    (void)state;

    struct ran r = run("printf 'no \\033[31mdatabase\\nsecond line\\n' >&2; exit 3");
    assert_int_equal(r.rc, 0);
    assert_int_equal(r.status, 3);
    assert_string_equal(r.said, "no \\x1b[31mdatabase");
    gf_buf_free(&r.out);
    r = run("kill -SEGV $$");
    assert_int_equal(r.rc, -1);
    assert_non_null(strstr(e.text, "signal 11"));
    gf_buf_free(&r.out);
}

static void what_is_missing_or_no_program_is_named(void **state) {
    char command[400];
    (void)state;

    struct ran r = run_with("/nonexistent/usage --json", 10, 1000);
    assert_int_equal(r.rc, -1);
    assert_int_equal(e.code, GF_E_NOINPUT);
    assert_non_null(strstr(e.text, "/nonexistent/usage: "));
    gf_buf_free(&r.out);

    make("echo");
    assert_int_equal(chmod(script, 0644), 0);
    r = run_with(script, 10, 1000);
    assert_int_equal(r.rc, -1);
    assert_non_null(strstr(e.text, "no program"));
    gf_buf_free(&r.out);

    /* What only exec finds out: its interpreter is missing. */
    (void)snprintf(command, sizeof command, "printf '#!/nonexistent/sh\\n' >%s; chmod 755 %s",
                   script, script);
    assert_int_equal(system(command), 0);
    r = run_with(script, 10, 1000);
    assert_int_equal(r.rc, -1);
    assert_non_null(strstr(e.text, "cannot be run"));
    gf_buf_free(&r.out);

    r = run_with("relative/path", 10, 1000);
    assert_int_equal(r.rc, -1);
    assert_int_equal(e.code, GF_E_CONFIG);
    gf_buf_free(&r.out);
    r = run_with(dir, 10, 1000);
    assert_int_equal(r.rc, -1);
    gf_buf_free(&r.out);
}

static void one_that_hangs_is_ended(void **state) {
    (void)state;

    make("trap '' TERM INT HUP\nsleep 100");
    struct ran r = run_with(script, 1, 1000);
    assert_int_equal(r.rc, -1);
    assert_int_equal(e.code, GF_E_LIMIT);
    assert_non_null(strstr(e.text, "longer than 1 s (timeout)"));
    assert_true(r.seconds < 5);
    gf_buf_free(&r.out);
    /* Also one that has closed its output. */
    make("exec >&- 2>&-; sleep 100");
    r = run_with(script, 1, 1000);
    assert_int_equal(r.rc, -1);
    assert_true(r.seconds < 5);
    gf_buf_free(&r.out);
}

static void one_that_floods_is_ended(void **state) {
    (void)state;

    make("yes");
    struct ran r = run_with(script, 60, 1 << 20);
    assert_int_equal(r.rc, -1);
    assert_int_equal(e.code, GF_E_LIMIT);
    assert_non_null(strstr(e.text, "max_bytes"));
    assert_true(r.seconds < 30);
    gf_buf_free(&r.out);
    /* On standard error it may say what it likes; we do not keep it, nor wait for its end. */
    make("yes >&2");
    r = run_with(script, 1, 1000);
    assert_int_equal(r.rc, -1);
    assert_non_null(strstr(e.text, "timeout"));
    assert_true(r.seconds < 5);
    gf_buf_free(&r.out);
    check_output("head -c 3000000 /dev/zero >&2; echo done", "done\n");
}

static void exactly_as_much_as_is_allowed_comes_out(void **state) {
    (void)state;

    make("head -c 1000 /dev/zero | tr '\\0' x");
    struct ran r = run_with(script, 10, 1000);
    assert_int_equal(r.rc, 0);
    assert_int_equal(r.out.len, 1000);
    gf_buf_free(&r.out);
    r = run_with(script, 10, 999);
    assert_int_equal(r.rc, -1);
    gf_buf_free(&r.out);
}

/* Whether a process that wrote its number into a file is alive, in 3 s. */
static int is_alive(const char *file) {
    char path[200], text[32] = "";
    struct timespec pause = {.tv_nsec = 50000000};

    (void)snprintf(path, sizeof path, "%s/%s", dir, file);
    for (int i = 0; i < 60 && !text[0]; i++) {
        int fd = open(path, O_RDONLY);
        if (fd != -1) {
            ssize_t n = read(fd, text, sizeof text - 1);
            text[n > 0 ? n : 0] = '\0';
            (void)close(fd);
        }
        (void)nanosleep(&pause, NULL);
    }
    pid_t pid = (pid_t)strtol(text, NULL, 10);
    assert_true(pid > 1);
    return kill(pid, 0) == 0;
}

static void what_it_leaves_behind_is_ended_and_not_waited_for(void **state) {
    char lines[600];
    (void)state;

    /* In its own group, with its output held open. */
    (void)snprintf(lines, sizeof lines, "sleep 100 & echo $! >%s/pid; echo ok", dir);
    struct ran r = run(lines);
    assert_int_equal(r.rc, 0);
    assert_string_equal(r.out.data, "ok\n");
    assert_true(r.seconds < 5);
    gf_buf_free(&r.out);
    assert_false(is_alive("pid"));

    /* A daemon: another session, another parent, output held open. */
    (void)snprintf(
        lines, sizeof lines,
        "setsid sh -c 'setsid sh -c \"echo \\$\\$ >%s/daemon; exec sleep 100\" & exit' &\n"
        "while [ ! -s %s/daemon ]; do sleep 0.05; done; echo ok",
        dir, dir);
    r = run(lines);
    assert_int_equal(r.rc, 0);
    assert_string_equal(r.out.data, "ok\n");
    assert_true(r.seconds < 6);
    gf_buf_free(&r.out);
    assert_false(is_alive("daemon"));
}

static void processes_that_were_ours_before_are_left_alone(void **state) {
    (void)state;

    pid_t ours = fork();
    if (ours == 0) {
        (void)pause();
        _exit(0);
    }
    struct gf_buf out;
    char said[SOURCE_SAID_MAX];
    int status;
    make("echo ok");
    assert_int_equal(source_command(script, 10, 100, &out, &status, said, &e), 0);
    gf_buf_free(&out);
    assert_int_equal(waitpid(ours, NULL, WNOHANG), 0); /* it lives */
    assert_int_equal(kill(ours, SIGKILL), 0);
    assert_int_equal(waitpid(ours, NULL, 0), ours);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(what_it_prints_comes_out),
        TEST(arguments_are_words_and_no_shell_reads_them),
        TEST(it_is_stopped_at_once_when_this_process_is_to_end),
        TEST(it_gets_nothing_of_ours),
        TEST(a_failure_is_told_with_what_it_said),
        TEST(what_is_missing_or_no_program_is_named),
        TEST(one_that_hangs_is_ended),
        TEST(one_that_floods_is_ended),
        TEST(exactly_as_much_as_is_allowed_comes_out),
        TEST(what_it_leaves_behind_is_ended_and_not_waited_for),
        TEST(processes_that_were_ours_before_are_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
