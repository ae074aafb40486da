/*
 * test_source_run.c -- sources run when they are due and may, once, and what they make goes through
 * the rule into the queue.
 */
#include "configured_testing.h"

#include <sys/wait.h>

#include "agent/source/source.h"

#define DAY    86400LL
#define JITTER 600

/* A shell script ROOT/NAME with these lines; each of its runs leaves a byte in ROOT/NAME.ran. */
static void script(const char *name, const char *lines) {
    char path[200];

    (void)snprintf(path, sizeof path, "%s/%s", s.root, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
    assert_true(fd != -1);
    assert_true(dprintf(fd, "#!/bin/sh\ncd %s\nprintf . >>%s.ran\n%s\n", s.root, name, lines) > 0);
    (void)close(fd);
}

static int64_t ran(const char *name) {
    struct stat st;
    char path[200];

    (void)snprintf(path, sizeof path, "%s/%s.ran", s.root, name);
    return stat(path, &st) == 0 ? st.st_size : 0;
}

/* One source "usage" that runs the script "usage", and more lines for its channel. */
static void usage(const char *lines, const char *channel) {
    char text[700];

    script("usage", lines);
    (void)snprintf(text, sizeof text,
                   "[channel \"metrics\"]\n%s\n[source \"usage\"]\nchannel = metrics\n"
                   "command = %s/usage\ntimeout = 5s\n",
                   channel, s.root);
    configure(text);
}

static struct sources_result go(const char *only, int now) {
    struct sources_result r;

    if (agent_sources_run(&s.a, only, now, 0, &r, &e) == -1)
        fail_msg("%s", e.text);
    return r;
}

static int add_line(void *arg, const struct store_record *r, struct gf_err *err) {
    (void)err;
    gf_buf_add(arg, r->line, r->line_len);
    return 0;
}

/* The lines of the queue. */
static char *queue(void) {
    static char text[65536];
    struct gf_buf b;

    gf_buf_init(&b, sizeof text - 1);
    assert_int_equal(store_walk(s.a.store, -1, NULL, add_line, &b, &e), 0);
    (void)snprintf(text, sizeof text, "%s", b.len ? b.data : "");
    gf_buf_free(&b);
    return text;
}

static struct store_source state_of(const char *name) {
    struct store_source st;

    assert_int_equal(store_get_source(s.a.store, name, &st, &e), 1);
    return st;
}

static void check_failed(const char *why) {
    struct store_source st;

    struct sources_result r = go(NULL, 1);
    assert_int_equal(r.failed, 1);
    assert_int_equal(r.recorded, 0);
    st = state_of("usage");
    if (!strstr(st.reason, why))
        fail_msg("\"%s\" does not say \"%s\"", st.reason, why);
    assert_string_equal(queue(), "");
}

static void what_a_command_prints_is_queued_to_the_byte(void **state) {
    (void)state;

    usage("printf '{\"users\":  42.50,\\n \"b\": [1e3]}'", "product = demo");
    struct sources_result r = go(NULL, 0);
    assert_int_equal(r.ran, 1);
    assert_int_equal(r.recorded, 1);
    assert_non_null(strstr(queue(), "\"body\":\"{\\\"users\\\":  42.50,\\n \\\"b\\\": [1e3]}\""));
    assert_non_null(strstr(queue(), "\"product\":\"demo\""));
}

static void without_consent_a_source_does_not_run(void **state) {
    (void)state;

    usage("echo '{}'", "");
    site_consent(&s, "metrics", STORE_DENIED);
    assert_int_equal(go(NULL, 0).waiting, 1);
    assert_int_equal(go("usage", 1).waiting, 1);
    assert_int_equal(agent_sources_next(&s.a), INT64_MAX);
    site_consent(&s, "metrics", STORE_ASK);
    assert_int_equal(go("usage", 1).waiting, 1);
    assert_int_equal(ran("usage"), 0);
    assert_string_equal(queue(), "");
    /* Granted: at once. */
    site_consent(&s, "metrics", STORE_GRANTED);
    assert_int_equal(agent_sources_next(&s.a), SITE_NOW);
    assert_int_equal(go(NULL, 0).recorded, 1);
}

static void it_runs_once_an_interval(void **state) {
    (void)state;

    usage("echo '{}'", "");
    assert_int_equal(go(NULL, 0).recorded, 1);
    int64_t next = agent_sources_next(&s.a);
    assert_true(next >= SITE_NOW + DAY - JITTER && next <= SITE_NOW + DAY + JITTER);
    assert_int_equal(go(NULL, 0).ran, 0);
    s.a.now = next - 1;
    assert_int_equal(go(NULL, 0).ran, 0);
    site_reopen(&s); /* the plan outlives us */
    s.a.now = next;
    assert_int_equal(go(NULL, 0).recorded, 1);
    assert_int_equal(go(NULL, 0).ran, 0);
    assert_int_equal(ran("usage"), 2);
    /* By hand: whether due or not. */
    assert_int_equal(go("usage", 1).recorded, 1);
}

static void after_a_long_sleep_it_runs_once(void **state) {
    (void)state;

    usage("echo '{}'", "");
    (void)go(NULL, 0);
    s.a.now += 40 * DAY;
    for (int i = 0; i < 5; i++, s.a.now += 60)
        (void)go(NULL, 0);
    assert_int_equal(ran("usage"), 2);
}

static void a_clock_that_steps_neither_bursts_nor_stops_it(void **state) {
    static const int64_t clocks[] = {4291747200LL, 10, SITE_NOW + 3600, SITE_NOW, SITE_NOW - 3600};
    (void)state;

    usage("echo '{}'", "");
    (void)go(NULL, 0);
    for (size_t i = 0; i < sizeof clocks / sizeof *clocks; i++) {
        int64_t before = ran("usage");
        s.a.now = clocks[i];
        for (int j = 0; j < 10; j++, s.a.now += 60)
            (void)go(NULL, 0);
        assert_true(ran("usage") <= before + 1);
        /* And within an interval from now it runs again. */
        int64_t next = agent_sources_next(&s.a);
        assert_true(next <= s.a.now + DAY + JITTER);
        s.a.now = next;
        before = ran("usage");
        (void)go(NULL, 0);
        assert_int_equal(ran("usage"), before + 1);
    }
}

static void failures_are_counted_and_tried_again_sooner(void **state) {
    (void)state;

    usage("echo 'no database' >&2; exit 3", "");
    check_failed("exit status 3, no database");
    assert_int_equal(state_of("usage").failures, 1);
    assert_true(agent_sources_next(&s.a) <= s.a.now + 950);
    check_failed("no database");
    assert_int_equal(state_of("usage").failures, 2);
    usage("echo '{}'", "");
    assert_int_equal(go(NULL, 1).recorded, 1);
    assert_int_equal(state_of("usage").failures, 0);
    assert_string_equal(state_of("usage").reason, "");
}

static void what_is_no_json_is_refused_with_the_reason(void **state) {
    (void)state;

    usage("echo 'users: 42'", "");
    check_failed("printed no JSON: the body is no JSON at byte 0: a value was expected");
    usage("echo '{\"users\": 42'", "");
    check_failed("no JSON");
    usage("echo '{} {}'", "");
    check_failed("something follows");
    usage("true", "");
    check_failed("printed nothing");
    usage("head -c 100 /dev/urandom; printf '\\377'", "");
    check_failed("JSON");
    usage("printf '{\"a\": \"\\000\"}'", "");
    check_failed("JSON");
    usage("printf '\\000\\000'", "");
    check_failed("JSON");
    usage("head -c 100000 /dev/zero | tr '\\0' '['", "");
    check_failed("nested too deeply");
    usage("yes", "");
    check_failed("max_bytes");
}

static void a_missing_command_is_a_failure(void **state) {
    (void)state;

    configure("[source \"usage\"]\nchannel = metrics\ncommand = /nonexistent/usage\n");
    check_failed("/nonexistent/usage");
}

static void the_rule_of_the_channel_is_applied(void **state) {
    (void)state;

    usage("echo '{\"users\": 42, \"host\": \"secret\"}'", "allow = users");
    assert_int_equal(go(NULL, 0).recorded, 1);
    assert_non_null(strstr(queue(), "{\\\"users\\\": 42}"));
    assert_null(strstr(queue(), "secret"));
}

static void what_the_rule_leaves_nothing_of_is_a_failure(void **state) {
    (void)state;

    usage("echo '{\"host\": \"secret\"}'", "allow = users");
    check_failed("leaves nothing");
    usage("echo '[1]'", "allow = users");
    check_failed("no JSON object");
}

static void only_if_leaves_it_to_another_host(void **state) {
    char channel[200];
    (void)state;

    (void)snprintf(channel, sizeof channel, "only_if = %s/here", s.root);
    script("here", "exit 1");
    usage("echo '{}'", channel);
    assert_int_equal(go(NULL, 0).elsewhere, 1);
    assert_int_equal(ran("usage"), 0);
    assert_true(agent_sources_next(&s.a) > s.a.now + DAY / 2);
    assert_non_null(strstr(state_of("usage").reason, "another host"));
    assert_int_equal(state_of("usage").failures, 0);
    script("here", "exit 0");
    assert_int_equal(go(NULL, 1).recorded, 1);
    /* One that cannot be run decides nothing. */
    usage("echo '{}'", "only_if = /nonexistent/here");
    assert_int_equal(go(NULL, 1).failed, 1);
    assert_int_equal(ran("usage"), 1);
    assert_non_null(strstr(state_of("usage").reason, "only_if: /nonexistent/here"));
}

static void a_full_queue_is_a_failure_and_nothing_is_lost_of_it(void **state) {
    (void)state;

    usage("echo '{}'", "max_records = 1");
    assert_int_equal(go(NULL, 1).recorded, 1);
    assert_int_equal(go(NULL, 1).failed, 1);
    assert_non_null(strstr(state_of("usage").reason, "queue is full"));
}

static void dry_records_nothing_and_moves_no_schedule(void **state) {
    struct sources_result r;
    (void)state;

    usage("echo '{}'", "");
    site_consent(&s, "metrics", STORE_ASK);
    assert_int_equal(agent_sources_run(&s.a, NULL, 1, 1, &r, &e), 0);
    assert_int_equal(r.recorded, 1); /* would be */
    assert_int_equal(ran("usage"), 1);
    assert_string_equal(queue(), "");
    assert_int_equal(state_of("usage").due, SITE_NOW);
    assert_int_equal(state_of("usage").ran, 0);
    site_consent(&s, "metrics", STORE_DENIED);
    assert_int_equal(agent_sources_run(&s.a, NULL, 1, 1, &r, &e), 0);
    assert_int_equal(r.waiting, 1);
    assert_int_equal(ran("usage"), 1);
}

/* Do something in another process as soon as the command runs; it waits for that. */
static void meanwhile(void (*fn)(void)) {
    pid_t other = fork();

    if (other == 0) {
        while (ran("usage") == 0)
            (void)usleep(5000);
        if (store_open(s.a.state, &s.a.store, &e) == -1)
            _exit(1);
        fn();
        store_close(s.a.store);
        char path[200];
        (void)snprintf(path, sizeof path, "%s/done", s.root);
        _exit(gf_file_save_new(AT_FDCWD, path, "", 0, 0600, &e) == 0 ? 0 : 1);
    }
    site_reopen(&s);
    (void)go(NULL, 0);
    int status;
    assert_int_equal(waitpid(other, &status, 0), other);
    assert_int_equal(status, 0);
}

#define WAITS "while [ ! -e done ]; do sleep 0.02; done; echo '{}'"

static void deny(void) {
    site_consent(&s, "metrics", STORE_DENIED);
}

static void consent_withdrawn_while_it_runs_counts(void **state) {
    (void)state;

    usage(WAITS, "");
    store_close(s.a.store);
    s.a.store = NULL;
    meanwhile(deny);
    assert_int_equal(ran("usage"), 1);
    assert_string_equal(queue(), "");
}

static void put(void) {
    struct store_source st;

    if (store_get_source(s.a.store, "usage", &st, &e) != 1)
        _exit(1);
    st.due += DAY;
    if (store_put_source(s.a.store, &st, &e) != 1)
        _exit(1);
}

static void of_two_processes_one_records(void **state) {
    (void)state;

    usage(WAITS, "");
    store_close(s.a.store);
    s.a.store = NULL;
    meanwhile(put); /* the other one was quicker */
    assert_int_equal(ran("usage"), 1);
    assert_string_equal(queue(), "");
    assert_int_equal(go(NULL, 0).ran, 0);
}

static void one_wrong_section_keeps_no_other_from_running(void **state) {
    char text[500];
    (void)state;

    script("usage", "echo '{}'");
    (void)snprintf(text, sizeof text,
                   "[source \"wrong\"]\nchannel = metrics\ninterval = 1s\n"
                   "[source \"usage\"]\nchannel = metrics\ncommand = %s/usage\n",
                   s.root);
    configure(text);
    struct sources_result r = go(NULL, 0);
    assert_int_equal(r.recorded, 1);
    assert_int_equal(r.failed, 1);
    assert_true(agent_sources_next(&s.a) < INT64_MAX);
}

static void the_built_in_document_is_queued(void **state) {
    (void)state;

    configure("[source \"daily\"]\nchannel = metrics\nproduct = demo\nversion = 1.2\n");
    assert_int_equal(go(NULL, 0).recorded, 1);
    assert_non_null(strstr(queue(), "{\\\"format\\\": \\\"gapferry-report/1\\\""));
    assert_non_null(strstr(queue(), "\"type\":\"application/json\""));
}

static void a_source_that_is_not_there_is_named(void **state) {
    struct sources_result r;
    (void)state;

    usage("echo '{}'", "");
    assert_int_equal(agent_sources_run(&s.a, "usaeg", 1, 0, &r, &e), -1);
    assert_int_equal(e.code, GF_E_USAGE);
    assert_non_null(strstr(e.text, "did you mean \"usage\"?"));
    configure("");
    r = go(NULL, 0);
    assert_int_equal(r.ran + r.failed + r.waiting, 0);
    assert_int_equal(agent_sources_next(&s.a), INT64_MAX);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, agent_setup, agent_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(what_a_command_prints_is_queued_to_the_byte),
        TEST(without_consent_a_source_does_not_run),
        TEST(it_runs_once_an_interval),
        TEST(after_a_long_sleep_it_runs_once),
        TEST(a_clock_that_steps_neither_bursts_nor_stops_it),
        TEST(failures_are_counted_and_tried_again_sooner),
        TEST(what_is_no_json_is_refused_with_the_reason),
        TEST(a_missing_command_is_a_failure),
        TEST(the_rule_of_the_channel_is_applied),
        TEST(what_the_rule_leaves_nothing_of_is_a_failure),
        TEST(only_if_leaves_it_to_another_host),
        TEST(a_full_queue_is_a_failure_and_nothing_is_lost_of_it),
        TEST(dry_records_nothing_and_moves_no_schedule),
        TEST(consent_withdrawn_while_it_runs_counts),
        TEST(of_two_processes_one_records),
        TEST(one_wrong_section_keeps_no_other_from_running),
        TEST(the_built_in_document_is_queued),
        TEST(a_source_that_is_not_there_is_named),
    };
    return cmocka_run_group_tests(tests, kit_setup, kit_teardown);
}
