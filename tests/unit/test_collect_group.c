/*
 * test_collect_group.c -- gapferry-collect's group: who is in it, when its lines are on disk, and
 * who hears of it. Server, callers and disk are one thread, so that each step is the test's.
 */
#include "httpd_testing.h"

#include "agent/collect/collect.h"
#include "common/spool.h"
#include "gapferry/digest.h"

#define POLICY                                                                                     \
    "{\"format\": \"gapferry-policy/1\", \"agent\": "                                              \
    "\"00112233445566778899aabbccddeeff\", \"channels\": ["                                        \
    "{\"channel\": \"metrics\", \"consent\": \"granted\", \"allow\": null, \"deny\": null, "       \
    "\"product\": null, \"type\": \"application/json\", "                                          \
    "\"room\": {\"records\": null, \"bytes\": null}}]}"

struct turns {
    struct app at; /* of it, port and listen_fd */
    struct httpd *h;
    struct collect c;
    char dir[64];
};

static struct gf_err e;

static int start(void **state) {
    static struct turns t;
    struct collect *c = &t.c;

    t = (struct turns){.dir = "/tmp/gapferry-group-XXXXXX"};
    *state = &t;
    assert_int_equal(gf_digest_start(&e), 0);
    assert_non_null(mkdtemp(t.dir));
    (void)snprintf(c->intake_path, sizeof c->intake_path, "%s", t.dir);
    c->state = c->intake = open(t.dir, O_RDONLY | O_DIRECTORY);
    c->last = &c->first;
    c->settings = (struct collect_settings){.body_max = BODY_MAX, .channel = "metrics"};
    gf_buf_init(&c->line, GF_LINE_MAX);
    gf_buf_init(&c->ext, GF_EXT_MAX);
    assert_non_null(c->room = collect_room_new(c->intake));
    assert_int_equal(collect_policy_parse(POLICY, strlen(POLICY), &c->policy.policy, &e), 0);
    c->policy.there = 1;
    assert_int_equal(httpd_listen_open("127.0.0.1", 0, &t.at.listen_fd, &e), 0);
    t.at.port = httpd_listen_port(t.at.listen_fd);
    const struct httpd_options o = {.listen_fd = t.at.listen_fd,
                                    .connections = 16,
                                    .head_s = 20,
                                    .idle_s = 20,
                                    .rate_min = 1024,
                                    .body_max = BODY_MAX,
                                    .calls = collect_server_calls,
                                    .arg = c};
    assert_int_equal(httpd_new(&o, &t.h, &e), 0);
    return 0;
}

static int stop(void **state) {
    struct turns *t = *state;
    char command[128];

    httpd_free(t->h);
    (void)close(t->at.listen_fd);
    collect_group_close(&t->c);
    collect_room_free(t->c.room);
    collect_policy_free(&t->c.policy.policy);
    gf_buf_free(&t->c.line);
    gf_buf_free(&t->c.ext);
    (void)close(t->c.intake);
    (void)snprintf(command, sizeof command, "rm -rf %s", t->dir);
    return system(command) == 0 ? 0 : -1;
}

static int post(const struct turns *t) {
    static const char request[] = "POST /v1/records/metrics HTTP/1.1\r\nHost: x\r\n"
                                  "Content-Length: 7\r\n\r\n{\"n\":1}";
    int fd = call(&t->at);

    say(fd, request, sizeof request - 1);
    return fd;
}

static size_t waiting(const struct collect *c) {
    size_t n = 0;

    for (const struct collect_call *at = c->first; at != NULL; at = at->next)
        n++;
    return n;
}

/* Steps until so many calls wait for the flush. */
static void step_until(struct turns *t, size_t n) {
    for (int i = 0; i < 1000 && waiting(&t->c) != n; i++) {
        struct pollfd p = {httpd_fd(t->h), POLLIN, 0};
        (void)poll(&p, 1, 5);
        httpd_step(t->h);
    }
    assert_int_equal(waiting(&t->c), n);
}

/* Bytes of the files of intake/. */
static off_t on_disk(const struct turns *t) {
    char(*names)[SPOOL_NAME];
    struct stat st;
    off_t all = 0;
    size_t n;

    assert_int_equal(spool_list(t->c.intake, &names, &n, &e), 0);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(fstatat(t->c.intake, names[i], &st, 0), 0);
        all += st.st_size;
    }
    free(names);
    return all;
}

static void break_off(int fd) {
    const struct linger at_once = {.l_onoff = 1};

    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    (void)close(fd);
}

static void hear_200(int fd) {
    char out[1024];

    hear(fd, "\"record\":", out, sizeof out);
    assert_non_null(strstr(out, "HTTP/1.1 200 "));
    (void)close(fd);
}

static void a_group_gathers_over_steps_and_is_answered_once_on_disk(void **state) {
    struct turns *t = *state;

    int one = post(t);
    step_until(t, 1);
    int two = post(t);
    step_until(t, 2);
    struct pollfd early = {one, POLLIN, 0};
    assert_int_equal(poll(&early, 1, 50), 0);
    assert_int_equal(on_disk(t), 0);
    collect_group_commit(&t->c);
    assert_int_equal(waiting(&t->c), 0);
    assert_true(on_disk(t) > 0);
    assert_int_equal(t->c.counts.groups, 1);
    assert_int_equal(t->c.counts.records, 2);
    httpd_step(t->h);
    hear_200(one);
    hear_200(two);
}

/* First, last or in between, the others hear of their records. */
static void who_breaks_off_leaves_the_group_whole(void **state) {
    struct turns *t = *state;

    for (int who = 0; who < 3; who++) {
        int fds[3];
        for (size_t i = 0; i < 3; i++) {
            fds[i] = post(t);
            step_until(t, i + 1);
        }
        break_off(fds[who]);
        step_until(t, 2);
        int late = post(t);
        step_until(t, 3);
        collect_group_commit(&t->c);
        assert_int_equal(t->c.counts.records, 4 * (who + 1));
        httpd_step(t->h);
        for (int i = 0; i < 3; i++)
            if (i != who)
                hear_200(fds[i]);
        hear_200(late);
    }
}

static void lines_that_nobody_waits_for_any_more_are_flushed(void **state) {
    struct turns *t = *state;

    int fd = post(t);
    step_until(t, 1);
    break_off(fd);
    step_until(t, 0);
    collect_group_commit(&t->c);
    assert_int_equal(t->c.counts.records, 1);
    assert_true(on_disk(t) > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_group_gathers_over_steps_and_is_answered_once_on_disk,
                                        start, stop),
        cmocka_unit_test_setup_teardown(who_breaks_off_leaves_the_group_whole, start, stop),
        cmocka_unit_test_setup_teardown(lines_that_nobody_waits_for_any_more_are_flushed, start,
                                        stop),
    };
    return cmocka_run_group_tests_name("collect_group", tests, NULL, NULL);
}
