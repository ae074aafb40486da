/*
 * test_https_files.c -- common/https.c with files: bodies that come from one and go into one, and
 * requests that are stopped meanwhile.
 */
#include "https_testing.h"

#include <fcntl.h>
#include <time.h>

#include "gapferry/file.h"

#define OK_EMPTY "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

static int sink;

static void fetch(const char *bytes, int then, size_t max, struct https_answer *a) {
    const struct reply script[] = {{bytes, then}, {NULL, 0}};
    struct server *s = server_start(script);

    ask(s->port, (struct https_options){.method = "GET", .sink = &sink, .answer_max = max}, a);
    server_stop(s);
    free(s);
}

static void only_the_body_of_a_200_goes_into_the_sink(void **state) {
    struct https_answer a;
    struct gf_err e;
    char got[8] = "";
    (void)state;
    sink = gf_file_unnamed(AT_FDCWD, &e);
    assert_int_not_equal(sink, -1);
    fetch("HTTP/1.1 404 x\r\nContent-Length: 2\r\n\r\nno", CLOSE, 100, &a);
    assert_stage(&a, HTTPS_OK, 1);
    assert_int_equal(a.sunk, 0);
    assert_string_equal(a.body.data, "no");
    https_answer_free(&a);
    fetch("HTTP/1.1 200 x\r\nContent-Length: 4\r\n\r\nyes!", CLOSE, 4, &a);
    assert_stage(&a, HTTPS_OK, 1);
    assert_int_equal(a.sunk, 4);
    assert_int_equal(a.body.len, 0);
    assert_int_equal(gf_file_read_at(sink, got, sizeof got, 0), 4);
    assert_memory_equal(got, "yes!", 4);
    https_answer_free(&a);
    (void)close(sink);
}

/* A GET for the rest of a body of which the sink holds "0123"; what it holds then. */
static const char *get_rest(const struct reply *script, size_t max, struct https_answer *a) {
    static char got[32];
    struct gf_err e;

    struct server *s = server_start(script);
    sink = gf_file_unnamed(AT_FDCWD, &e);
    assert_int_equal(write(sink, "0123", 4), 4);
    ask(s->port,
        (struct https_options){.method = "GET", .sink = &sink, .resume = 4, .answer_max = max}, a);
    assert_non_null(strstr(s->got, "\r\nRange: bytes=4-\r\n"));
    ssize_t n = gf_file_read_at(sink, got, sizeof got - 1, 0);
    assert_true(n >= 0);
    got[n] = '\0';
    (void)close(sink);
    server_stop(s);
    free(s);
    return got;
}

static void the_rest_goes_behind_what_is_there_and_the_whole_in_its_place(void **state) {
    static const char partial[] = "HTTP/1.1 206 OK\r\nContent-Range: bytes 4-7/8\r\n"
                                  "Content-Length: 4\r\n\r\n4567";
    static const char whole[] = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabcd";
    static const char astray[] = "HTTP/1.1 206 OK\r\nContent-Range: bytes 0-3/8\r\n"
                                 "Content-Length: 4\r\n\r\n0123";
    static const char unsaid[] = "HTTP/1.1 206 OK\r\nContent-Length: 4\r\n\r\n4567";
    static const char beyond[] = "HTTP/1.1 416 No\r\nContent-Length: 2\r\n\r\nno";
    static const char endless[] = "HTTP/1.1 206 OK\r\nContent-Range: bytes 4-/*\r\n\r\n456789";
    struct https_answer a;

    (void)state;
    assert_string_equal(get_rest((const struct reply[]){{partial, KEEP}, {NULL, 0}}, 8, &a),
                        "01234567");
    assert_true(a.stage == HTTPS_OK && a.status == 206 && a.sunk == 8);
    https_answer_free(&a);
    assert_string_equal(get_rest((const struct reply[]){{whole, KEEP}, {NULL, 0}}, 8, &a), "abcd");
    assert_true(a.stage == HTTPS_OK && a.status == 200 && a.sunk == 4);
    https_answer_free(&a);
    assert_string_equal(get_rest((const struct reply[]){{astray, KEEP}, {NULL, 0}}, 8, &a), "0123");
    assert_int_equal(a.stage, HTTPS_BROKEN);
    assert_non_null(strstr(a.text, "another range than the one asked for"));
    https_answer_free(&a);
    assert_string_equal(get_rest((const struct reply[]){{unsaid, KEEP}, {NULL, 0}}, 8, &a), "0123");
    assert_int_equal(a.stage, HTTPS_BROKEN);
    https_answer_free(&a);
    assert_string_equal(get_rest((const struct reply[]){{beyond, KEEP}, {NULL, 0}}, 8, &a), "0123");
    assert_true(a.stage == HTTPS_OK && a.status == 416 && a.sunk == 0);
    https_answer_free(&a);

    /* The limit is that of the whole. */
    (void)get_rest((const struct reply[]){{endless, CLOSE}, {NULL, 0}}, 8, &a);
    assert_true(a.stage == HTTPS_BROKEN && a.cut && a.sunk <= 8);
    https_answer_free(&a);
}

static void a_sink_gets_no_byte_beyond_the_limit_and_its_failure_is_told(void **state) {
    static const char chunked[] = "HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\n"
                                  "4\r\nyes!\r\n4\r\nmore\r\n0\r\n\r\n";
    const struct reply script[] = {{chunked, CLOSE}, {NULL, 0}};
    struct https_answer a;
    struct gf_err e;
    char url[64];
    (void)state;
    sink = gf_file_unnamed(AT_FDCWD, &e);
    assert_int_not_equal(sink, -1);
    fetch(chunked, CLOSE, 5, &a);
    assert_stage(&a, HTTPS_BROKEN, 1);
    assert_int_equal(a.cut, 1);
    assert_in_range(lseek(sink, 0, SEEK_END), 0, 5);
    https_answer_free(&a);
    (void)close(sink);

    sink = open("/dev/full", O_WRONLY | O_CLOEXEC);
    assert_int_not_equal(sink, -1);
    struct server *s = server_start(script);
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d/", s->port);
    const struct https_options o = {.url = url, .method = "GET", .sink = &sink, .answer_max = 100};
    assert_int_equal(https_request(client, &o, &a, &e), -1);
    assert_int_equal(e.code, GF_E_CREATE);
    server_stop(s);
    free(s);
    (void)close(sink);
}

static void a_body_from_a_file_goes_out_whole_and_twice_where_a_connection_was_dead(void **state) {
    const struct reply script[] = {{OK_EMPTY, CLOSE}, {OK_EMPTY, KEEP}, {NULL, 0}};
    struct https_answer a;
    struct gf_err e;
    (void)state;
    int fd = gf_file_unnamed(AT_FDCWD, &e);
    assert_int_not_equal(fd, -1);
    assert_int_equal(gf_file_write(fd, "0123456789", 10), 0);
    struct server *s = server_start(script);
    for (int i = 0; i < 2; i++) {
        ask(s->port, (struct https_options){.source = &fd, .body_len = 10}, &a);
        assert_stage(&a, HTTPS_OK, 1);
        https_answer_free(&a);
        assert_non_null(strstr(s->got, "\r\n\r\n0123456789"));
        assert_non_null(strstr(s->got, "Content-Length: 10\r\n"));
    }
    server_stop(s);
    free(s);
    /* One that is shorter than was said never looks like a whole one. */
    s = server_start(script);
    ask(s->port, (struct https_options){.source = &fd, .body_len = 11}, &a);
    assert_int_not_equal(a.stage, HTTPS_OK);
    https_answer_free(&a);
    server_stop(s);
    free(s);
    (void)close(fd);
}

static int at_once(void *arg) {
    (void)arg;
    return 1;
}

static void a_request_ends_soon_when_it_is_stopped(void **state) {
    const struct reply script[] = {{"HTTP/1.1 200 x\r\nContent-Length: 9\r\n\r\nx", SILENCE},
                                   {NULL, 0}};
    struct https_answer a;
    (void)state;
    time_t begin = time(NULL);
    struct server *s = server_start(script);
    ask(s->port, (struct https_options){.method = "GET", .stop = at_once}, &a);
    server_stop(s);
    free(s);
    assert_int_equal(a.stage, HTTPS_BROKEN);
    assert_non_null(strstr(a.text, "stopped underway"));
    assert_in_range(time(NULL) - begin, 0, 5);
    https_answer_free(&a);
}

/* A GET of 200 bytes that drip at 100 a second. */
static void fetch_dripping(int64_t pace, struct https_answer *a) {
    char bytes[300];
    const struct reply script[] = {{bytes, DRIP}, {NULL, 0}};

    (void)snprintf(bytes, sizeof bytes, "HTTP/1.1 200 x\r\nContent-Length: 200\r\n\r\n%0200d", 0);
    struct server *s = server_start(script);
    ask(s->port, (struct https_options){.method = "GET", .total_ms = 400, .pace = pace}, a);
    server_stop(s);
    free(s);
}

static void what_moves_has_its_time_and_what_drips_has_not(void **state) {
    struct https_answer a;
    (void)state;

    fetch_dripping(50, &a);
    assert_stage(&a, HTTPS_OK, 1);
    assert_int_equal(a.body.len, 200);
    https_answer_free(&a);

    fetch_dripping(1000, &a);
    assert_stage(&a, HTTPS_TIMED_OUT, 1);
    assert_non_null(strstr(a.text, "slower than 1000 bytes a second"));
    https_answer_free(&a);
    fetch_dripping(0, &a);
    assert_stage(&a, HTTPS_TIMED_OUT, 1);
    assert_non_null(strstr(a.text, "no answer within 1 s"));
    https_answer_free(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_body_of_a_200_goes_into_the_sink),
        cmocka_unit_test(the_rest_goes_behind_what_is_there_and_the_whole_in_its_place),
        cmocka_unit_test(a_sink_gets_no_byte_beyond_the_limit_and_its_failure_is_told),
        cmocka_unit_test(a_body_from_a_file_goes_out_whole_and_twice_where_a_connection_was_dead),
        cmocka_unit_test(a_request_ends_soon_when_it_is_stopped),
        cmocka_unit_test(what_moves_has_its_time_and_what_drips_has_not),
    };
    return cmocka_run_group_tests(tests, https_begin, https_end);
}
