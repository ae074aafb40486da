/*
 * test_httpd_chunked.c -- common/httpd where bodies may be chunked and where it has names.
 */
#include "httpd_testing.h"

static const char *const names[] = {"localhost", "127.0.0.1", "[::1]", NULL};
static const struct httpd_options usual = {.connections = 16, .chunked = 1, .hosts = names};

#define HEAD    "POST /x HTTP/1.1\r\nHost: localhost:4318\r\n"
#define CHUNKED HEAD "Transfer-Encoding: chunked\r\n"

static void a_chunked_body_comes_whole(void **state) {
    static const char body[] = "5\r\nhello\r\n1\r\n!\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n";
    char out[4096];
    struct app a;
    (void)state;

    app_start(&a, usual);
    assert_int_equal(
        exchange(&a, CHUNKED "Connection: close\r\n\r\n5\r\nhello\r\n0\r\n\r\n", out, sizeof out),
        200);
    assert_non_null(strstr(out, "\r\n\r\n5 bytes\n"));

    /* Byte by byte, and the connection goes on. */
    int fd = call(&a);
    for (int i = 0; i < 2; i++) {
        say(fd, CHUNKED "\r\n", strlen(CHUNKED "\r\n"));
        for (size_t at = 0; at < sizeof body - 1; at++)
            say(fd, body + at, 1);
        hear(fd, "bytes\n", out, sizeof out);
        assert_non_null(strstr(out, "\r\n\r\n16 bytes\n"));
    }
    (void)close(fd);
    app_stop(&a);
    assert_int_equal(a.ended, 3);
}

static void an_empty_chunked_body_is_one(void **state) {
    char out[4096];
    struct app a;
    (void)state;

    app_start(&a, usual);
    assert_int_equal(exchange(&a, CHUNKED "Connection: close\r\n\r\n0\r\n\r\n", out, sizeof out),
                     200);
    assert_non_null(strstr(out, "\r\n\r\n0 bytes\n"));
    app_stop(&a);
}

/* Chunks of 64 KiB; how many of them the server was told of. */
static int send_chunks(const struct app *a, size_t chunks, char *out, size_t room) {
    static char chunk[65536 + 9];
    int fd = call(a);

    memcpy(chunk, "10000\r\n", 7);
    memset(chunk + 7, 'x', 65536);
    memcpy(chunk + 7 + 65536, "\r\n", 2);
    say(fd, CHUNKED "\r\n", strlen(CHUNKED "\r\n"));
    for (size_t i = 0; i < chunks; i++)
        say(fd, chunk, sizeof chunk);
    say(fd, "0\r\n\r\n", 5);
    hear(fd, "\r\n\r\n", out, room);
    (void)close(fd);
    return (int)strtol(out + strcspn(out, " "), NULL, 10);
}

static void a_chunked_body_that_is_too_large_is_refused(void **state) {
    char out[4096];
    struct app a;
    (void)state;

    app_start(&a, usual);
    assert_int_equal(send_chunks(&a, BODY_MAX / 65536, out, sizeof out), 200);
    assert_int_equal(send_chunks(&a, BODY_MAX / 65536 + 1, out, sizeof out), 413);
    assert_true(a.bytes <= BODY_MAX);
    /* One that goes on and on is cut off. */
    assert_int_equal(send_chunks(&a, 2000, out, sizeof out), 0);
    app_stop(&a);
    assert_int_equal(a.ended, 1);
}

static void a_cut_chunked_body_never_ends(void **state) {
    char out[4096];
    struct app a;
    (void)state;

    app_start(&a, (struct httpd_options){.chunked = 1, .head_s = 2, .idle_s = 2});
    (void)exchange(&a, CHUNKED "\r\n5\r\nhello\r\n", out, sizeof out);
    (void)exchange(&a, CHUNKED "\r\nzz\r\nhello\r\n0\r\n\r\n", out, sizeof out);
    app_stop(&a);
    assert_int_equal(a.ended, 0);
    assert_int_equal(a.gone, a.begun);
}

/* What two readers could understand differently. */
static void a_body_has_one_end(void **state) {
    static const char *const heads[] = {
        HEAD "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        HEAD "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        HEAD "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        HEAD "Transfer-Encoding: gzip, chunked\r\n",
        HEAD "Transfer-Encoding: identity\r\n",
        HEAD "Transfer-Encoding: xchunked\r\n",
        HEAD "Transfer-Encoding : chunked\r\n",
        "POST /x HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n",
        "GET /x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n",
    };
    char request[512], out[4096];
    struct app a;
    (void)state;

    app_start(&a, usual);
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        (void)snprintf(request, sizeof request,
                       "%s\r\n5\r\nabcde\r\n0\r\n\r\nGET /y HTTP/1.1\r\nHost: localhost\r\n\r\n",
                       heads[i]);
        int status = exchange(&a, request, out, sizeof out);
        const char *reply = strstr(out, "HTTP/1.1 ");
        if ((status != 400 && status != 411 && status != 413) || reply == NULL ||
            strstr(reply + 1, "HTTP/1.1 ") != NULL)
            fail_msg("%s: %d, %s", request, status, out);
    }
    app_stop(&a);
    assert_int_equal(a.begun, 0);
}

static void only_its_own_names_are_served(void **state) {
    static const struct {
        const char *host;
        int status;
    } cases[] = {
        {"Host: localhost", 200},
        {"Host: LocalHost:4318", 200},
        {"Host: 127.0.0.1:80", 200},
        {"Host: [::1]:4318", 200},
        {"Host: [::1]", 200},
        {"Host: evil.example", 403},
        {"Host: localhost.evil", 403},
        {"Host: localhost:4318.evil", 403},
        {"Host: 127.0.0.1.evil:80", 403},
        {"Host: [::1].evil", 403},
        {"Host: [::1", 403},
        {"Host: localhost:", 403},
        {"Host: local", 403},
        {"Host: ", 403},
        {"Host: localhost\r\nHost: evil.example", 403},
    };
    char request[512], out[4096];
    struct app a;
    (void)state;

    app_start(&a, usual);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        (void)snprintf(request, sizeof request,
                       "GET /x HTTP/1.1\r\n%s\r\nConnection: close\r\n\r\n", cases[i].host);
        int status = exchange(&a, request, out, sizeof out);
        if (status != cases[i].status && !(cases[i].status == 403 && status == 400))
            fail_msg("%s: %d, %s", request, status, out);
    }
    app_stop(&a);
    assert_int_equal(a.begun, 5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chunked_body_comes_whole),
        cmocka_unit_test(an_empty_chunked_body_is_one),
        cmocka_unit_test(a_chunked_body_that_is_too_large_is_refused),
        cmocka_unit_test(a_cut_chunked_body_never_ends),
        cmocka_unit_test(a_body_has_one_end),
        cmocka_unit_test(only_its_own_names_are_served),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
