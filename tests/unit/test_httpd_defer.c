/*
 * test_httpd_defer.c -- common/httpd: replies that come some steps later. Server and callers are
 * one thread, so that each step is the test's.
 */
#include "httpd_testing.h"

struct turns {
    struct app a; /* of it, port and listen_fd */
    struct httpd *h;
    struct httpd_request *waiting;
    int ended, gone;
};

static void reset(int fd) {
    const struct linger at_once = {.l_onoff = 1};

    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    (void)close(fd);
}

static void on_end(void *arg, struct httpd_request *r) {
    const struct httpd_reply ok = {.status = 200, .type = "text/plain"};
    struct turns *t = arg;

    t->ended++;
    if (strcmp(httpd_path(r), "/at-once") == 0) {
        httpd_reply(r, &ok, "at once\n", 8);
        return;
    }
    httpd_defer(r);
    t->waiting = r;
}

static void on_gone(void *arg, struct httpd_request *r) {
    struct turns *t = arg;
    (void)r;

    t->gone++;
}

static void start(struct turns *t) {
    struct gf_err e = {.text = ""};

    *t = (struct turns){.h = NULL};
    assert_int_equal(httpd_listen_open("127.0.0.1", 0, &t->a.listen_fd, &e), 0);
    t->a.port = httpd_listen_port(t->a.listen_fd);
    const struct httpd_options o = {.listen_fd = t->a.listen_fd,
                                    .connections = 4,
                                    .head_s = 1,
                                    .idle_s = 20,
                                    .rate_min = 1024,
                                    .body_max = BODY_MAX,
                                    .calls = {.end = on_end, .gone = on_gone},
                                    .arg = t};
    assert_int_equal(httpd_new(&o, &t->h, &e), 0);
}

static void stop(struct turns *t) {
    httpd_free(t->h);
    (void)close(t->a.listen_fd);
}

static int ask(const struct turns *t, const char *path) {
    char request[100];
    int fd = call(&t->a);

    int n = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path);
    say(fd, request, (size_t)n);
    return fd;
}

/* Steps until something has happened so often. */
static void step_until(struct turns *t, const int *fact, int n) {
    for (int i = 0; i < 2000 && *fact < n; i++) {
        struct pollfd p = {httpd_fd(t->h), POLLIN, 0};
        (void)poll(&p, 1, 5);
        httpd_step(t->h);
    }
    assert_int_equal(*fact, n);
}

static void answer(struct turns *t) {
    const struct httpd_reply ok = {.status = 200, .type = "text/plain"};

    httpd_reply(t->waiting, &ok, "durable\n", 8);
}

static void a_deferred_reply_leaves_with_the_next_step(void **state) {
    char out[1024];
    struct turns t;
    (void)state;

    start(&t);
    int fd = ask(&t, "/defer");
    step_until(&t, &t.ended, 1);
    struct pollfd p = {fd, POLLIN, 0};
    assert_int_equal(poll(&p, 1, 50), 0);
    /* Whoever waits for the server's descriptor is told not to. */
    assert_int_equal(httpd_wait_ms(t.h), 0);
    answer(&t);
    httpd_step(t.h);
    hear(fd, "durable\n", out, sizeof out);
    assert_non_null(strstr(out, "HTTP/1.1 200 "));
    assert_int_equal(t.ended, 1);

    /* The connection is kept, and takes another one. */
    const char *again = "GET /at-once HTTP/1.1\r\nHost: x\r\n\r\n";
    say(fd, again, strlen(again));
    step_until(&t, &t.ended, 2);
    hear(fd, "at once\n", out, sizeof out);
    assert_non_null(strstr(out, "HTTP/1.1 200 "));
    (void)close(fd);
    stop(&t);
}

/* Nor do the deadlines of callers count meanwhile. */
static void a_deferred_request_waits_for_its_reply(void **state) {
    char out[1024];
    struct turns t;
    (void)state;

    start(&t);
    int fd = ask(&t, "/defer");
    step_until(&t, &t.ended, 1);
    for (int i = 0; i < 5; i++) {
        (void)usleep(500000);
        httpd_step(t.h);
    }
    assert_int_equal(t.gone, 0);
    answer(&t);
    step_until(&t, &t.gone, 1);
    hear(fd, "durable\n", out, sizeof out);
    assert_non_null(strstr(out, "HTTP/1.1 200 "));
    assert_int_equal(t.ended, 1);
    (void)close(fd);
    stop(&t);
}

static void a_deferred_request_whose_caller_breaks_off_is_gone(void **state) {
    struct turns t;
    (void)state;

    start(&t);
    int fd = ask(&t, "/defer");
    step_until(&t, &t.ended, 1);
    reset(fd);
    step_until(&t, &t.gone, 1);
    assert_int_equal(httpd_requests(t.h), 0);
    stop(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_deferred_reply_leaves_with_the_next_step),
        cmocka_unit_test(a_deferred_request_waits_for_its_reply),
        cmocka_unit_test(a_deferred_request_whose_caller_breaks_off_is_gone),
    };
    return cmocka_run_group_tests_name("httpd_defer", tests, NULL, NULL);
}
