/*
 * test_https_pool.c -- common/https_pool.c: many requests at once, against servers on the loopback.
 */
#include "http_crowd.h"

#include "common/https_pool.h"

#define OK_EMPTY "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

static int begin(void **state) {
    struct https_pool *p;
    struct gf_err e;

    if (https_pool_new(&p, &e) == -1)
        return -1;
    *state = p;
    return 0;
}

static int end(void **state) {
    https_pool_free(*state);
    return 0;
}

/* A request of a test: it stays where it is until it is over. */
struct asked {
    char url[64];
    struct https_options o;
};

static void ask(struct https_pool *p, struct asked *a, int port, struct https_options o) {
    struct gf_err e;

    (void)snprintf(a->url, sizeof a->url, "http://127.0.0.1:%d/x", port);
    a->o = o;
    a->o.url = a->url;
    a->o.method = o.method != NULL ? o.method : "POST";
    a->o.answer_max = 1000;
    a->o.total_ms = o.total_ms > 0 ? o.total_ms : 20000;
    if (https_pool_begin(p, &a->o, a, &e) == -1)
        fail_msg("%s", e.text);
}

/* Go on until one is over; which one. */
static struct asked *over(struct https_pool *p, struct https_answer *a) {
    int64_t until = crowd_ms() + 20000;
    struct gf_err e;
    void *tag;

    while (crowd_ms() < until) {
        int rc = https_pool_next(p, &tag, a, &e);
        if (rc == 1)
            return tag;
        if (rc == -1 || https_pool_go(p, NULL, 0, 1000, &e) == -1)
            fail_msg("%s", e.text);
    }
    fail_msg("none is over within 20 s");
    return NULL;
}

static void assert_ends(struct https_pool *p, const struct asked *which, enum https_stage stage,
                        int sent) {
    struct https_answer a = {0};

    assert_ptr_equal(over(p, &a), which);
    if (a.stage != stage || a.sent != sent)
        fail_msg("%s, sent %d: %s", https_stages[a.stage], a.sent, a.text);
    https_answer_free(&a);
}

static void many_are_under_way_at_once_on_connections_that_stay(void **state) {
    enum { AT_ONCE = 16, ALL = 200 };
    struct https_pool *p = *state;
    struct asked asked[AT_ONCE];
    struct https_answer a;
    struct crowd *s = crowd_start(20, -1, "");
    int begun = 0;

    for (; begun < AT_ONCE; begun++)
        ask(p, &asked[begun], s->port, (struct https_options){.body = "{}", .body_len = 2});
    for (int i = 0; i < ALL; i++) {
        struct asked *one = over(p, &a);
        assert_int_equal(a.status, 200);
        https_answer_free(&a);
        if (begun < ALL) {
            ask(p, one, s->port, (struct https_options){.body = "{}", .body_len = 2});
            begun++;
        }
    }
    assert_int_equal(https_pool_count(p), 0);
    crowd_stop(s);
    assert_int_equal(s->requests, ALL);
    assert_true(s->at_once > 1);
    assert_int_equal(s->connections, AT_ONCE);
    crowd_free(s);
}

static void each_ends_in_its_own_way_and_time(void **state) {
    struct https_pool *p = *state;
    const struct reply never[] = {{"", SILENCE}, {NULL, 0}};
    const struct reply soon[] = {{OK_EMPTY, KEEP}, {NULL, 0}};
    struct server *silent = server_start(never), *good = server_start(soon);
    struct asked x, y, z;
    int port, fd = server_socket(&port);

    ask(p, &x, silent->port, (struct https_options){.total_ms = 700});
    ask(p, &y, port, (struct https_options){0});
    assert_ends(p, &y, HTTPS_REFUSED, 0);
    ask(p, &z, good->port, (struct https_options){0});
    assert_ends(p, &z, HTTPS_OK, 1);
    int64_t from = crowd_ms();
    assert_ends(p, &x, HTTPS_TIMED_OUT, 1);
    assert_true(crowd_ms() - from < 5000);
    server_stop(silent);
    server_stop(good);
    free(silent);
    free(good);
    (void)close(fd);
}

static void a_request_has_nothing_of_the_one_before_on_its_connection(void **state) {
    struct https_pool *p = *state;
    const struct reply replies[] = {
        {OK_EMPTY, KEEP}, {OK_EMPTY, KEEP}, {OK_EMPTY, KEEP}, {NULL, 0}};
    const char *const first[] = {"Content-Type: text/plain", "X-First: 1", NULL};
    const char *const second[] = {"X-Second: 1", NULL};
    struct server *s = server_start(replies);
    struct asked x;

    ask(p, &x, s->port,
        (struct https_options){.headers = first, .body = "a longer body", .body_len = 13});
    assert_ends(p, &x, HTTPS_OK, 1);
    ask(p, &x, s->port, (struct https_options){.headers = second, .body = "b", .body_len = 1});
    assert_ends(p, &x, HTTPS_OK, 1);
    assert_non_null(strstr(s->got, "X-Second"));
    assert_null(strstr(s->got, "X-First"));
    assert_null(strstr(s->got, "Content-Type"));
    assert_non_null(strstr(s->got, "\r\n\r\nb"));
    ask(p, &x, s->port, (struct https_options){.method = "GET"});
    assert_ends(p, &x, HTTPS_OK, 1);
    assert_ptr_equal(strstr(s->got, "GET /x"), s->got);
    assert_null(strstr(s->got, "X-Second"));
    assert_null(strstr(s->got, "Content-Length"));
    server_stop(s);
    assert_int_equal(s->connections, 1);
    free(s);
}

/* The bytes of a drip take about six seconds. */
static void a_request_with_a_pace_ends_in_time_after_one_without(void **state) {
    struct https_pool *p = *state;
    char drip[800] = "HTTP/1.1 200 OK\r\nContent-Length: 600\r\n\r\n";
    const struct reply replies[] = {{OK_EMPTY, KEEP}, {drip, DRIP}, {NULL, 0}};
    struct server *s = server_start(replies);
    struct asked x;

    size_t len = strlen(drip);
    memset(drip + len, 'x', 600);
    drip[len + 600] = '\0';
    ask(p, &x, s->port, (struct https_options){.method = "GET"});
    assert_ends(p, &x, HTTPS_OK, 1);
    ask(p, &x, s->port, (struct https_options){.method = "GET", .total_ms = 400, .pace = 100000});
    assert_ends(p, &x, HTTPS_TIMED_OUT, 1);
    server_stop(s);
    free(s);
}

static void a_kept_connection_that_is_dead_does_no_harm(void **state) {
    struct https_pool *p = *state;
    const struct reply replies[] = {{OK_EMPTY, CLOSE}, {OK_EMPTY, CLOSE}, {NULL, 0}};
    struct server *s = server_start(replies);
    struct asked x;

    for (int i = 0; i < 2; i++) {
        ask(p, &x, s->port, (struct https_options){0});
        assert_ends(p, &x, HTTPS_OK, 1);
    }
    server_stop(s);
    assert_int_equal(s->connections, 2);
    free(s);
}

static void others_end_the_waiting_too(void **state) {
    struct https_pool *p = *state;
    const struct reply never[] = {{"", SILENCE}, {NULL, 0}};
    struct server *s = server_start(never);
    struct gf_err e;
    struct asked x;
    int other[2];

    ask(p, &x, s->port, (struct https_options){0});
    assert_int_equal(pipe(other), 0);
    int64_t from = crowd_ms();
    while (s->got[0] == '\0' && crowd_ms() - from < 10000)
        assert_int_equal(https_pool_go(p, other, 1, 10, &e), 0);
    assert_true(crowd_ms() - from < 10000);
    /* Nothing happens: the time is what ends it. */
    from = crowd_ms();
    assert_int_equal(https_pool_go(p, other, 1, 100, &e), 0);
    assert_true(crowd_ms() - from >= 99);
    assert_int_equal(write(other[1], "x", 1), 1);
    from = crowd_ms();
    assert_int_equal(https_pool_go(p, other, 1, 10000, &e), 0);
    assert_true(crowd_ms() - from < 5000);
    /* The request is under way still, and is given up with the pool. */
    assert_int_equal(https_pool_count(p), 1);
    (void)close(other[0]);
    (void)close(other[1]);
    server_stop(s);
    free(s);
}

static void what_is_given_up_is_never_over(void **state) {
    struct https_pool *p = *state;
    struct https_answer a;
    struct asked x, y;
    struct gf_err e;
    struct crowd *s = crowd_start(50, -1, "");
    void *tag;

    ask(p, &x, s->port, (struct https_options){0});
    ask(p, &y, s->port, (struct https_options){0});
    assert_int_equal(https_pool_go(p, NULL, 0, 0, &e), 0);
    https_pool_drop(p, &x);
    assert_int_equal(https_pool_count(p), 1);
    assert_ends(p, &y, HTTPS_OK, 1);
    assert_int_equal(https_pool_next(p, &tag, &a, &e), 0);
    assert_null(tag);
    crowd_stop(s);
    crowd_free(s);
}

static void what_cannot_be_right_is_not_begun(void **state) {
    struct https_pool *p = *state;
    const struct https_options bad = {.url = "http://example.org/", .method = "POST"};
    const struct reply replies[] = {{OK_EMPTY, KEEP}, {NULL, 0}};
    struct server *s = server_start(replies);
    struct gf_err e;
    struct asked x;

    assert_int_equal(https_pool_begin(p, &bad, &x, &e), -1);
    assert_int_equal(e.code, GF_E_CONFIG);
    assert_int_equal(https_pool_count(p), 0);
    ask(p, &x, s->port, (struct https_options){0});
    assert_ends(p, &x, HTTPS_OK, 1);
    server_stop(s);
    free(s);
}

#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void) {
    const struct CMUnitTest tests[] = {
        T(many_are_under_way_at_once_on_connections_that_stay),
        T(each_ends_in_its_own_way_and_time),
        T(a_request_has_nothing_of_the_one_before_on_its_connection),
        T(a_request_with_a_pace_ends_in_time_after_one_without),
        T(a_kept_connection_that_is_dead_does_no_harm),
        T(others_end_the_waiting_too),
        T(what_is_given_up_is_never_over),
        T(what_cannot_be_right_is_not_begun),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
