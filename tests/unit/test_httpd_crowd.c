/*
 * test_httpd_crowd.c -- common/httpd with callers that are slow, or many.
 */
#include "httpd_testing.h"

static const struct httpd_options usual = {.connections = 16};

static double clock_s(void) {
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- who is slow ---- */

/* A byte now and then, for as long as the other side bears it; how long that was. */
static double drip(const struct app *a, const char *first) {
    double began = clock_s();
    struct pollfd p = {.events = POLLIN};

    p.fd = call(a);
    say(p.fd, first, strlen(first));
    while (clock_s() - began < 15) {
        if (send(p.fd, "x", 1, MSG_NOSIGNAL) == -1)
            break;
        if (poll(&p, 1, 200) == 1)
            break;
    }
    (void)close(p.fd);
    return clock_s() - began;
}

/* A server that bears a slow request for two seconds cuts this one off in time. */
static void check_drip(const char *first, struct app *a) {
    struct httpd_options o = usual;

    o.head_s = 2;
    app_start(a, o);
    double took = drip(a, first);
    assert_true(took > 1.5 && took < 6);
    app_stop(a);
}

static void a_head_that_drips_in_is_cut_off(void **state) {
    struct app a;
    (void)state;

    check_drip("GET /", &a);
    assert_int_equal(a.begun, 0);
}

static void a_body_that_drips_in_is_cut_off(void **state) {
    struct app a;
    (void)state;

    check_drip("POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n", &a);
    assert_int_equal(a.ended, 0);
    assert_int_equal(a.gone, 1);
}

static void who_says_nothing_is_cut_off(void **state) {
    struct httpd_options o = usual;
    double began = clock_s();
    char out[64];
    struct app a;
    (void)state;

    o.idle_s = 2;
    app_start(&a, o);
    int fd = call(&a);
    hear(fd, NULL, out, sizeof out);
    assert_true(clock_s() - began < 6);
    (void)close(fd);
    app_stop(&a);
}

static void who_does_not_fetch_the_reply_is_cut_off(void **state) {
    struct httpd_options o = usual;
    const char *request = "GET /file HTTP/1.1\r\nHost: x\r\n\r\n";
    char path[] = "/tmp/gapferry-httpd-XXXXXX";
    double began = clock_s();
    struct app a;
    (void)state;

    o.head_s = 2;
    o.rate_min = 1 << 26;
    app_start(&a, o);
    a.file = mkstemp(path);
    (void)unlink(path);
    a.file_size = 1LL << 30;
    assert_int_equal(ftruncate(a.file, a.file_size), 0);
    int fd = call(&a);
    say(fd, request, strlen(request));
    while (a.gone == 0 && clock_s() - began < 15)
        (void)usleep(10000);
    assert_int_equal(a.gone, 1);
    assert_true(clock_s() - began > 1.5);
    (void)close(fd);
    app_stop(&a);
    (void)close(a.file);
}

/* ---- many ---- */

static int open_fds(void) {
    int n = 0;

    for (int fd = 0; fd < 4096; fd++)
        n += fcntl(fd, F_GETFD) != -1;
    return n;
}

static void one_address_gets_its_share_only(void **state) {
    struct httpd_options o = usual;
    char out[4096];
    int fds[8];
    struct app a;
    (void)state;

    o.per_address = 3;
    app_start(&a, o);
    for (int i = 0; i < 8; i++)
        fds[i] = call(&a);
    (void)usleep(300000);
    int alive = 0;
    for (int i = 0; i < 8; i++) {
        const char *request = "GET /x HTTP/1.1\r\nHost: x\r\n\r\n";
        say(fds[i], request, strlen(request));
        hear(fds[i], "bytes\n", out, sizeof out);
        alive += strstr(out, "200 OK") != NULL;
        if (strstr(out, "200 OK") == NULL)
            (void)close(fds[i]), fds[i] = -1;
    }
    assert_int_equal(alive, 3);
    for (int i = 0; i < 8; i++)
        if (fds[i] != -1)
            (void)close(fds[i]);
    app_stop(&a);
}

static void ten_thousand_callers_do_not_use_up_descriptors(void **state) {
    struct httpd_options o = usual;
    char out[4096];
    struct app a;
    (void)state;

    o.head_s = 1;
    app_start(&a, o);
    int before = open_fds();
    for (int round = 0; round < 100; round++) {
        int fds[100];
        struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
        to.sin_port = htons(a.port);
        for (int i = 0; i < 100; i++) {
            fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
            (void)connect(fds[i], (const struct sockaddr *)&to, sizeof to);
        }
        if (round % 25 == 0)
            assert_true(open_fds() <= before + 100 + 16 + 2);
        for (int i = 0; i < 100; i++)
            (void)close(fds[i]);
    }
    /* And the next caller is served. */
    assert_int_equal(
        exchange(&a, "GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", out, sizeof out),
        200);
    app_stop(&a);
}

static void who_comes_when_all_places_are_taken_is_served_later(void **state) {
    struct httpd_options o = usual;
    int fds[40];
    char out[4096];
    struct app a;
    (void)state;

    o.head_s = 2;
    app_start(&a, o);
    for (int i = 0; i < 40; i++)
        fds[i] = call(&a);
    assert_int_equal(
        exchange(&a, "GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", out, sizeof out),
        200);
    for (int i = 0; i < 40; i++)
        (void)close(fds[i]);
    app_stop(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_head_that_drips_in_is_cut_off),
        cmocka_unit_test(a_body_that_drips_in_is_cut_off),
        cmocka_unit_test(who_says_nothing_is_cut_off),
        cmocka_unit_test(who_does_not_fetch_the_reply_is_cut_off),
        cmocka_unit_test(one_address_gets_its_share_only),
        cmocka_unit_test(ten_thousand_callers_do_not_use_up_descriptors),
        cmocka_unit_test(who_comes_when_all_places_are_taken_is_served_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
