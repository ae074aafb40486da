/*
 * test_httpd.c -- common/httpd with callers that are right, wrong and huge, and its socket.
 */
#include "httpd_testing.h"

#include <sys/stat.h>
#include <sys/un.h>

static const struct httpd_options usual = {.connections = 16};

/* ---- what is right ---- */

static void a_request_is_shown_as_it_came(void **state) {
    char out[4096];
    struct app a;
    (void)state;

    app_start(&a, usual);
    assert_int_equal(exchange(&a,
                              "POST /a%20b?q=1%262 HTTP/1.1\r\nHost: x\r\nX-Test: some thing\r\n"
                              "Content-Length: 5\r\nConnection: close\r\n\r\nhello",
                              out, sizeof out),
                     200);
    assert_non_null(strstr(out, "\r\n\r\n5 bytes\n"));
    assert_non_null(strstr(out, "\r\nContent-Type: text/plain\r\n"));
    assert_non_null(strstr(out, "\r\nCache-Control: no-store\r\n"));
    app_stop(&a);
    assert_string_equal(a.method, "POST");
    assert_string_equal(a.path, "/a b");
    assert_string_equal(a.query, "1&2");
    assert_string_equal(a.header, "some thing");
    assert_int_equal(a.begun, 1);
    assert_int_equal(a.gone, 1);
}

static void a_long_body_comes_in_pieces_and_whole(void **state) {
    const size_t size = 5 << 20;
    char *body = malloc(size);
    char out[4096];
    struct app a;
    (void)state;

    assert_non_null(body);
    memset(body, 'x', size);
    app_start(&a, usual);
    int fd = call(&a);
    int n = snprintf(out, sizeof out, "POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n",
                     size);
    say(fd, out, (size_t)n);
    say(fd, body, size);
    hear(fd, "bytes\n", out, sizeof out);
    assert_non_null(strstr(out, "\r\n\r\n5242880 bytes\n"));
    (void)close(fd);
    app_stop(&a);
    free(body);
}

static void a_held_body_goes_on_where_it_stopped(void **state) {
    char body[5000];
    char out[4096];
    struct app a;
    (void)state;

    memset(body, 'x', sizeof body);
    app_start(&a, usual);
    int fd = call(&a);
    int n = snprintf(out, sizeof out,
                     "POST /pause HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n", sizeof body);
    say(fd, out, (size_t)n);
    say(fd, body, sizeof body);
    hear(fd, "bytes\n", out, sizeof out);
    assert_non_null(strstr(out, "\r\n\r\n5000 bytes\n"));
    (void)close(fd);
    app_stop(&a);
}

/* Somebody is asked about its head before a byte of its body is read. */
static void a_request_held_at_its_head_gets_its_body_then(void **state) {
    char reply[1024], request[200];
    struct app a;
    (void)state;

    app_start(&a, (struct httpd_options){.connections = 0});
    for (int size = 0; size < 6; size += 5) {
        (void)snprintf(request, sizeof request,
                       "POST /gate HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%.*s", size,
                       size, "hello");
        assert_int_equal(exchange(&a, request, reply, sizeof reply), 200);
        assert_non_null(strstr(reply, size == 5 ? "5 bytes" : "0 bytes"));
    }
    app_stop(&a);
    assert_int_equal(a.ended, 2);
}

static void a_request_can_be_answered_later(void **state) {
    char out[4096];
    struct app a;
    (void)state;

    app_start(&a, usual);
    assert_int_equal(
        exchange(&a, "GET /held HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", out, sizeof out),
        200);
    assert_non_null(strstr(out, "\r\n\r\nlate\n"));
    app_stop(&a);
    assert_int_equal(a.ended, 1);
}

static void a_server_can_stop_while_a_request_is_held(void **state) {
    struct app a;
    (void)state;

    app_start(&a, usual);
    int fd = call(&a);
    const char *request = "GET /for-ever HTTP/1.1\r\nHost: x\r\n\r\n";
    say(fd, request, strlen(request));
    while (a.ended == 0)
        (void)usleep(1000);
    app_stop(&a);
    assert_int_equal(a.gone, 1);
    (void)close(fd);
}

static void a_file_is_sent_whole(void **state) {
    const size_t size = 3000001;
    char *out = malloc(size + 4096);
    char path[] = "/tmp/gapferry-httpd-XXXXXX";
    struct app a;
    (void)state;

    assert_non_null(out);
    memset(out, 'y', size);
    out[size - 1] = 'z';
    app_start(&a, usual);
    a.file = mkstemp(path);
    assert_int_equal(write(a.file, out, size), size);
    a.file_size = (long long)size;
    (void)unlink(path);
    assert_int_equal(exchange(&a, "GET /file HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", out,
                              size + 4096),
                     200);
    const char *body = strstr(out, "\r\n\r\n");
    assert_non_null(body);
    assert_non_null(strstr(out, "\r\nContent-Length: 3000001\r\n"));
    assert_int_equal(strspn(body + 4, "y"), size - 1);
    assert_int_equal(body[4 + size - 1], 'z');
    app_stop(&a);
    (void)close(a.file);
    free(out);
}

static void a_busy_server_says_when_to_come_again(void **state) {
    char out[4096];
    struct app a;
    (void)state;

    app_start(&a, usual);
    assert_int_equal(
        exchange(&a, "GET /busy HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", out, sizeof out),
        503);
    assert_non_null(strstr(out, "\r\nRetry-After: 7\r\n"));
    app_stop(&a);
}

/* ---- what is wrong ---- */

static void what_breaks_the_rules_is_never_shown(void **state) {
    static const struct {
        const char *request;
        int status;
    } cases[] = {
        {"DELETE /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 405},
        {"CONNECT x:1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 405},
        {"PUT /x HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx", 405},
        {"GET /x HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", 413},
        {"POST /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 411},
        {"POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
         411},
        {"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 8388609\r\n\r\n", 413},
        {"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 0x5\r\n\r\nhello", 400},
        {"POST /x HTTP/1.1\r\nHost: x\r\nOrigin: http://evil.example\r\nContent-Length: 5\r\n"
         "Connection: close\r\n\r\nhello",
         403},
        {"GET /x HTTP/1.1\r\nConnection: close\r\n\r\n", 400}, /* no Host */
        {"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: +5\r\n\r\nhello", 400},
        {"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 5, 5\r\n\r\nhello", 400},
        {"GET /x%00y HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 400},
        {"GET /x?q=%00 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 400},
        {"hello\r\n\r\n", 0},
    };
    char out[4096];
    struct app a;
    (void)state;

    app_start(&a, usual);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int status = exchange(&a, cases[i].request, out, sizeof out);
        if (status != cases[i].status && !(cases[i].status == 0 && status == 400))
            fail_msg("%s: %d, %s", cases[i].request, status, out);
    }
    app_stop(&a);
    assert_int_equal(a.begun, 0);
}

static void both_lengths_at_once_are_refused(void **state) {
    char out[4096];
    struct app a;
    (void)state;

    app_start(&a, usual);
    int status = exchange(&a,
                          "POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: "
                          "chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
                          out, sizeof out);
    assert_true(status == 400 || status == 411);
    app_stop(&a);
    assert_int_equal(a.begun, 0);
}

/* The second request may be a body to a proxy in front; nobody has asked for it. */
static void behind_a_head_of_two_meanings_nothing_is_read(void **state) {
    static const char *const heads[] = {
        "Content-Length: 5\r\nContent-Length: 50",
        "Content-Length: 50\r\nContent-Length: 5",
        "Content-Length: 5\r\ncontent-length: 5",
        "Content-Length: 5\r\nTransfer-Encoding : chunked",
        "Transfer-Encoding : chunked",
        "Content-Length : 5\r\nContent-Length: 5",
        "Content-Length: 5\r\nTransfer-Encoding: x",
        "Content-Length: 5\r\nX(y): z",
        "X-Length: 5",
    };
    static const char *const methods[] = {"POST", "DELETE"};
    char request[512], out[4096];
    struct app a;
    (void)state;

    app_start(&a, usual);
    for (size_t i = 0; i < 2 * (sizeof heads / sizeof *heads) - 1; i++) {
        (void)snprintf(request, sizeof request,
                       "%s /v1/bundles HTTP/1.1\r\nHost: x\r\n%s\r\n\r\nabcde"
                       "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
                       methods[i % 2], heads[i / 2]);
        int status = exchange(&a, request, out, sizeof out);
        const char *reply = strstr(out, "HTTP/1.1 ");
        if ((status != 400 && status != 411) || reply == NULL ||
            strstr(reply + 1, "HTTP/1.1 ") != NULL || strstr(out, "Connection: close") == NULL)
            fail_msg("%s: %d, %s", request, status, out);
    }
    app_stop(&a);
    assert_int_equal(a.begun, 0);
}

static void a_head_that_never_ends_is_refused(void **state) {
    char *request = malloc(200000);
    char out[4096];
    struct app a;
    (void)state;

    assert_non_null(request);
    int begin = snprintf(request, 200000, "GET /x HTTP/1.1\r\nHost: x\r\nX-Long: ");
    memset(request + begin, 'x', 150000);
    (void)snprintf(request + begin + 150000, 8, "\r\n\r\n");
    app_start(&a, usual);
    int status = exchange(&a, request, out, sizeof out);
    assert_true(status == 431 || status == 413 || status == 0);
    app_stop(&a);
    assert_int_equal(a.begun, 0);
    free(request);
}

static void an_early_refusal_is_heard_by_who_sends_on(void **state) {
    static const char *const paths[] = {"/early", "/middle"};
    char *body = calloc(1, 900000);
    char out[4096];
    struct app a;
    (void)state;

    assert_non_null(body);
    app_start(&a, usual);
    for (size_t i = 0; i < 2; i++) {
        int fd = call(&a);
        int n = snprintf(out, sizeof out,
                         "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\n", paths[i]);
        say(fd, out, (size_t)n);
        say(fd, body, 900000);
        hear(fd, "no\n", out, sizeof out);
        assert_non_null(strstr(out, "HTTP/1.1 403 "));
        (void)close(fd);
    }
    app_stop(&a);
    assert_int_equal(a.ended, 0);
    free(body);
}

static void a_refusal_comes_instead_of_100_continue(void **state) {
    char out[4096];
    struct app a;
    (void)state;

    app_start(&a, usual);
    int fd = call(&a);
    const char *head = "POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000\r\nExpect: "
                       "100-continue\r\n\r\n";
    say(fd, head, strlen(head));
    hear(fd, "no\n", out, sizeof out);
    assert_memory_equal(out, "HTTP/1.1 403 ", 13);
    (void)close(fd);
    app_stop(&a);
}

static void a_body_that_is_cut_never_ends(void **state) {
    char out[4096];
    struct app a;
    (void)state;

    app_start(&a, usual);
    (void)exchange(&a, "POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\nhello", out,
                   sizeof out);
    app_stop(&a);
    assert_int_equal(a.begun, 1);
    assert_int_equal(a.ended, 0);
    assert_int_equal(a.gone, 1);
}

/* ---- the socket ---- */

static void an_address_is_numeric_or_a_path(void **state) {
    struct gf_err e;
    int fd = -1;
    (void)state;

    assert_int_equal(httpd_listen_open("localhost", 0, &fd, &e), -1);
    assert_int_equal(e.code, GF_E_CONFIG);
    assert_int_equal(httpd_listen_open("unix:relative", 0, &fd, &e), -1);
    assert_int_equal(e.code, GF_E_CONFIG);
    assert_int_equal(httpd_listen_check("localhost", &e), -1);
    assert_non_null(strstr(e.text, "no numeric address"));
    assert_int_equal(httpd_listen_check("unix:relative", &e), -1);
    assert_int_equal(httpd_listen_check("unix:/run/x", &e), 0);
    assert_int_equal(httpd_listen_check("::", &e), 0);
    assert_int_equal(httpd_listen_is_local("127.8.9.1"), 1);
    assert_int_equal(httpd_listen_is_local("::1"), 1);
    assert_int_equal(httpd_listen_is_local("unix:/run/x"), 1);
    assert_int_equal(httpd_listen_is_local("0.0.0.0"), 0);
    assert_int_equal(httpd_listen_is_local("::"), 0);
    assert_int_equal(httpd_listen_is_local("128.0.0.1"), 0);
    assert_int_equal(httpd_listen_is_local("localhost"), 0);
}

static void an_address_in_use_is_told(void **state) {
    struct gf_err e;
    int one = -1, two = -1;
    (void)state;

    assert_int_equal(httpd_listen_open("127.0.0.1", 0, &one, &e), 0);
    assert_int_equal(httpd_listen_open("127.0.0.1", httpd_listen_port(one), &two, &e), -1);
    assert_int_equal(e.code, GF_E_BUSY);
    assert_non_null(strstr(e.text, "127.0.0.1 port "));
    (void)close(one);
}

static void a_path_outlives_a_crash_and_not_a_living_server(void **state) {
    char path[] = "/tmp/gapferry-sock-XXXXXX";
    char address[64];
    struct stat st;
    struct gf_err e;
    int one = -1, two = -1;
    (void)state;

    (void)close(mkstemp(path));
    (void)unlink(path);
    (void)snprintf(address, sizeof address, "unix:%s", path);
    assert_int_equal(httpd_listen_open(address, 0, &one, &e), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0660);
    assert_int_equal(httpd_listen_open(address, 0, &two, &e), -1);
    assert_int_equal(e.code, GF_E_BUSY);
    (void)close(one);
    assert_int_equal(httpd_listen_open(address, 0, &two, &e), 0);
    httpd_listen_remove(address);
    assert_int_equal(stat(path, &st), -1);
    (void)close(two);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_shown_as_it_came),
        cmocka_unit_test(a_long_body_comes_in_pieces_and_whole),
        cmocka_unit_test(a_held_body_goes_on_where_it_stopped),
        cmocka_unit_test(a_request_held_at_its_head_gets_its_body_then),
        cmocka_unit_test(a_request_can_be_answered_later),
        cmocka_unit_test(a_server_can_stop_while_a_request_is_held),
        cmocka_unit_test(a_file_is_sent_whole),
        cmocka_unit_test(a_busy_server_says_when_to_come_again),
        cmocka_unit_test(what_breaks_the_rules_is_never_shown),
        cmocka_unit_test(both_lengths_at_once_are_refused),
        cmocka_unit_test(behind_a_head_of_two_meanings_nothing_is_read),
        cmocka_unit_test(a_head_that_never_ends_is_refused),
        cmocka_unit_test(an_early_refusal_is_heard_by_who_sends_on),
        cmocka_unit_test(a_refusal_comes_instead_of_100_continue),
        cmocka_unit_test(a_body_that_is_cut_never_ends),
        cmocka_unit_test(an_address_is_numeric_or_a_path),
        cmocka_unit_test(an_address_in_use_is_told),
        cmocka_unit_test(a_path_outlives_a_crash_and_not_a_living_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
