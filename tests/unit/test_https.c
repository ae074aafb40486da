/*
 * test_https.c -- common/https.c against scripted servers on the loopback: each stage that can be
 * provoked there, and that nothing is done which nobody asked for.
 */
#include "https_testing.h"

#include <time.h>

#define OK_EMPTY "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

/* One request to a server that says this. */
static void hear(const char *bytes, int then, struct https_answer *a) {
    const struct reply replies[] = {{bytes, then}, {NULL, 0}};
    struct server *s = server_start(replies);
    ask(s->port, (struct https_options){.total_ms = then == SILENCE ? 300 : 20000}, a);
    server_stop(s);
    free(s);
}

static void an_answer_comes_whole(void **state) {
    const struct reply replies[] = {
        {"HTTP/1.1 422 No\r\nContent-TYPE: text/plain\r\nX-A: 1\r\nContent-Length: 5\r\n\r\nwords",
         KEEP},
        {NULL, 0}};
    const char *const headers[] = {"Content-Type: application/json", "Idempotency-Key: k1", NULL};
    struct server *s = server_start(replies);
    struct https_answer a;
    size_t len;
    (void)state;
    ask(s->port, (struct https_options){.headers = headers}, &a);
    server_stop(s);
    assert_stage(&a, HTTPS_OK, 1);
    assert_int_equal(a.status, 422);
    assert_int_equal(a.retry_after_s, -1);
    assert_int_equal(a.body.len, 5);
    assert_memory_equal(a.body.data, "words", 5);
    assert_memory_equal(https_header(&a, "content-type", &len), "text/plain", 10);
    assert_int_equal(len, 10);
    assert_ptr_equal(strstr(s->got, "POST /x?y=z HTTP/1.1\r\n"), s->got);
    assert_non_null(strstr(s->got, "\r\nContent-Type: application/json\r\n"));
    assert_non_null(strstr(s->got, "\r\nIdempotency-Key: k1\r\n"));
    assert_non_null(strstr(s->got, "\r\n\r\n{\"a\":1}"));
    https_answer_free(&a);
    free(s);
}

static void nothing_is_sent_that_nobody_stated(void **state) {
    static const char *const not_there[] = {
        "Expect:",  "Accept-Encoding:", "Content-Type:", "Cookie:", "Authorization:",
        "Upgrade:", "Alt-Used:",        "Referer:",      "TE:",     "curl"};
    const struct reply replies[] = {{OK_EMPTY, KEEP}, {NULL, 0}};
    struct server *s = server_start(replies);
    struct https_answer a;
    (void)state;
    char *big = calloc(1, 60000);
    ask(s->port, (struct https_options){.body = big, .body_len = 60000, .method = "PUT"}, &a);
    server_stop(s);
    assert_stage(&a, HTTPS_OK, 1);
    assert_ptr_equal(strstr(s->got, "PUT /x"), s->got);
    for (size_t i = 0; i < sizeof not_there / sizeof *not_there; i++) {
        if (strcasestr(s->got, not_there[i]) != NULL)
            fail_msg("%s was sent", not_there[i]);
    }
    https_answer_free(&a);
    free(big);
    free(s);
}

static void cookies_are_not_kept_and_the_connection_is(void **state) {
    const struct reply replies[] = {
        {"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nStrict-Transport-Security: max-age=9\r\n"
         "Content-Length: 0\r\n\r\n",
         KEEP},
        {OK_EMPTY, KEEP},
        {NULL, 0}};
    struct server *s = server_start(replies);
    struct https_answer a;
    (void)state;
    for (int i = 0; i < 2; i++) {
        ask(s->port, (struct https_options){.method = "GET"}, &a);
        assert_stage(&a, HTTPS_OK, 1);
        https_answer_free(&a);
    }
    server_stop(s);
    assert_int_equal(s->requests, 2);
    assert_int_equal(s->connections, 1);
    assert_ptr_equal(strstr(s->got, "GET /x"), s->got);
    assert_null(strcasestr(s->got, "Cookie"));
    free(s);
}

/* A server that takes the second request of a connection and says nothing: what it did is not
 * known. */
static void what_must_not_be_doubled_goes_out_once(void **state) {
    const struct reply replies[] = {{OK_EMPTY, KEEP}, {"", CLOSE}, {OK_EMPTY, KEEP}, {NULL, 0}};
    (void)state;
    for (int once = 0; once < 2; once++) {
        struct server *s = server_start(replies);
        struct https_answer a;
        for (int i = 0; i < 2; i++) {
            ask(s->port, (struct https_options){.once = once}, &a);
            assert_stage(&a, once && i == 1 ? HTTPS_BROKEN : HTTPS_OK, 1);
            https_answer_free(&a);
        }
        server_stop(s);
        assert_int_equal(s->requests, once ? 2 : 3);
        assert_int_equal(s->connections, 2);
        free(s);
    }
}

static int count_stop(void *arg) {
    ++*(int *)arg;
    return 0;
}

static void whether_to_stop_is_asked_once_a_second_however_much_comes(void **state) {
    const size_t len = 3000000;
    char *reply = malloc(len + 100);
    struct https_answer a;
    int asked = 0;
    (void)state;
    assert_non_null(reply);
    int head = snprintf(reply, 100, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", len);
    memset(reply + head, 'x', len);
    reply[(size_t)head + len] = '\0';
    const struct reply replies[] = {{reply, KEEP}, {NULL, 0}};
    struct server *s = server_start(replies);
    time_t began = time(NULL);
    ask(s->port, (struct https_options){.answer_max = len, .stop = count_stop, .stop_arg = &asked},
        &a);
    server_stop(s);
    assert_stage(&a, HTTPS_OK, 1);
    assert_int_equal(a.body.len, len);
    assert_in_range(asked, 1, time(NULL) - began + 2);
    https_answer_free(&a);
    free(reply);
    free(s);
}

static void what_an_earlier_request_had_is_forgotten(void **state) {
    const struct reply replies[] = {{OK_EMPTY, KEEP}, {OK_EMPTY, KEEP}, {NULL, 0}};
    const char *const headers[] = {"X-Secret: 1", NULL};
    struct server *s = server_start(replies);
    struct https_answer a;
    (void)state;
    ask(s->port, (struct https_options){.headers = headers, .method = "PUT"}, &a);
    https_answer_free(&a);
    ask(s->port, (struct https_options){.method = "POST"}, &a);
    https_answer_free(&a);
    server_stop(s);
    assert_ptr_equal(strstr(s->got, "POST /x"), s->got);
    assert_null(strstr(s->got, "X-Secret"));
    free(s);
}

static void nobody_listening_is_refused_and_nothing_was_sent(void **state) {
    struct https_answer a;
    int port, fd = server_socket(&port);
    (void)state;
    ask(port, (struct https_options){0}, &a);
    assert_stage(&a, HTTPS_REFUSED, 0);
    assert_int_equal(a.status, 0);
    https_answer_free(&a);
    (void)close(fd);
}

static void silence_is_timed_out_and_the_request_may_have_arrived(void **state) {
    struct https_answer a;
    (void)state;
    hear("", SILENCE, &a);
    assert_stage(&a, HTTPS_TIMED_OUT, 1);
    assert_non_null(strstr(a.text, "no answer within 1 s"));
    https_answer_free(&a);
    hear("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwo", SILENCE, &a);
    assert_stage(&a, HTTPS_TIMED_OUT, 1);
    https_answer_free(&a);
}

static void a_connection_that_does_not_come_about_is_given_its_own_time(void **state) {
    struct https_answer a;
    char url[64];
    int port, fd = server_socket(&port);
    (void)state;
    /* The kernel takes the connection, and nobody ever speaks TLS on it. */
    assert_int_equal(listen(fd, 4), 0);
    (void)snprintf(url, sizeof url, "https://127.0.0.1:%d/", port);
    ask(0, (struct https_options){.url = url, .connect_ms = 300}, &a);
    assert_stage(&a, HTTPS_TIMED_OUT, 0);
    assert_non_null(strstr(a.text, "no connection within 1 s"));
    https_answer_free(&a);
    (void)close(fd);
}

static void a_host_that_cannot_be_reached_is_no_route(void **state) {
    struct https_answer a;
    (void)state;
    /* The kernel itself refuses to connect to a broadcast address: nothing leaves. */
    ask(0, (struct https_options){.url = "https://255.255.255.255:9/"}, &a);
    assert_stage(&a, HTTPS_NO_ROUTE, 0);
    https_answer_free(&a);
}

static void a_name_that_leads_to_this_machine_is_a_sinkhole(void **state) {
    const struct reply replies[] = {{NULL, 0}};
    struct server *s = server_start(replies);
    struct https_answer a;
    char url[64];
    (void)state;
    /* libcurl itself leads every name below localhost to the loopback: no resolver is asked. */
    (void)snprintf(url, sizeof url, "https://vendor.localhost:%d/", s->port);
    ask(0, (struct https_options){.url = url}, &a);
    assert_stage(&a, HTTPS_NO_DNS, 0);
    assert_non_null(strstr(a.text, "sinkhole"));
    https_answer_free(&a);
    server_stop(s);
    assert_int_equal(s->connections, 0);
    free(s);
}

static void a_broken_answer_is_broken(void **state) {
    static const struct reply broken[] = {
        {"", RESET},
        {"", CLOSE},
        {"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", CLOSE},
        {"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", RESET},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n", CLOSE},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nhalf\r\n", CLOSE},
        {"<html>welcome to the portal</html>", CLOSE},
        {"HTTP/1.1 700 What\r\nContent-Length: 0\r\n\r\n", CLOSE},
        {"SSH-2.0-OpenSSH_9\r\n", CLOSE},
    };
    struct https_answer a;
    (void)state;
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        hear(broken[i].bytes, broken[i].then, &a);
        assert_stage(&a, HTTPS_BROKEN, 1);
        assert_int_equal(a.status, i >= 2 && i <= 5 ? 200 : 0);
        assert_int_equal(a.cut, 0);
        https_answer_free(&a);
    }
}

static void a_status_that_http_does_not_have_is_named(void **state) {
    struct https_answer a;
    (void)state;
    hear("HTTP/1.1 999 Denied\r\nContent-Length: 0\r\n\r\n", CLOSE, &a);
    assert_stage(&a, HTTPS_BROKEN, 1);
    assert_non_null(strstr(a.text, "answered with status 999"));
    assert_null(strstr(a.text, "No error"));
    https_answer_free(&a);
}

static void a_longer_answer_is_cut_however_its_length_is_told(void **state) {
    char reply[3000], body[1002];
    struct https_answer a;
    (void)state;
    memset(body, 'b', sizeof body);
    body[1001] = '\0';
    static const char *const forms[] = {
        "HTTP/1.1 413 No\r\nContent-Length: 1001\r\n\r\n%s",
        "HTTP/1.1 413 No\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n%s\r\n0\r\n\r\n",
        "HTTP/1.1 413 No\r\nConnection: close\r\n\r\n%s"};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        (void)snprintf(reply, sizeof reply, forms[i], body);
#pragma GCC diagnostic pop
        hear(reply, CLOSE, &a);
        assert_stage(&a, HTTPS_BROKEN, 1);
        assert_int_equal(a.cut, 1);
        assert_int_equal(a.status, 413);
        assert_true(a.body.len <= 1000);
        assert_non_null(strstr(a.text, "larger than we take"));
        https_answer_free(&a);
    }
    (void)snprintf(reply, sizeof reply, "HTTP/1.1 413 No\r\nConnection: close\r\n\r\n%s", body + 1);
    hear(reply, CLOSE, &a);
    assert_stage(&a, HTTPS_OK, 1);
    assert_int_equal(a.body.len, 1000);
    https_answer_free(&a);
}

static void a_redirect_is_an_answer_and_not_followed(void **state) {
    const struct reply none[] = {{NULL, 0}};
    struct server *other = server_start(none);
    char reply[200];
    struct https_answer a;
    (void)state;
    (void)snprintf(reply, sizeof reply,
                   "HTTP/1.1 307 Go\r\nLocation: http://127.0.0.1:%d/\r\nContent-Length: 0\r\n\r\n",
                   other->port);
    hear(reply, KEEP, &a);
    assert_stage(&a, HTTPS_OK, 1);
    assert_int_equal(a.status, 307);
    https_answer_free(&a);
    server_stop(other);
    assert_int_equal(other->connections, 0);
    free(other);
}

static void packed_content_stays_packed(void **state) {
    struct https_answer a;
    (void)state;
    hear("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x08\x01",
         KEEP, &a);
    assert_stage(&a, HTTPS_OK, 1);
    assert_int_equal(a.body.len, 4);
    assert_memory_equal(a.body.data, "\x1f\x8b\x08\x01", 4);
    https_answer_free(&a);
}

static void only_the_last_answers_headers_count_and_no_trailers(void **state) {
    struct https_answer a;
    size_t len;
    (void)state;
    hear("HTTP/1.1 100 Continue\r\nX-Early: 1\r\n\r\nHTTP/1.1 200 OK\r\n"
         "Transfer-Encoding: chunked\r\n\r\n1\r\nb\r\n0\r\nX-Late: 1\r\n\r\n",
         KEEP, &a);
    assert_stage(&a, HTTPS_OK, 1);
    assert_int_equal(a.status, 200);
    assert_null(https_header(&a, "x-early", &len));
    assert_null(https_header(&a, "x-late", &len));
    assert_non_null(https_header(&a, "transfer-encoding", &len));
    https_answer_free(&a);
}

static void a_flood_of_headers_is_broken(void **state) {
    struct gf_buf b;
    struct https_answer a;
    (void)state;
    gf_buf_init(&b, 100000);
    gf_buf_text(&b, "HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < 900; i++)
        gf_buf_printf(&b, "X-Number-%d: 0123456789012345678901234567890123456789\r\n", i);
    gf_buf_text(&b, "Content-Length: 0\r\n\r\n");
    hear(b.data, CLOSE, &a);
    assert_stage(&a, HTTPS_BROKEN, 1);
    assert_non_null(strstr(a.text, "too many headers"));
    https_answer_free(&a);
    gf_buf_free(&b);
}

static void a_header_line_without_end_is_broken(void **state) {
    static const char *const begins[] = {"HTTP/1.1 200 OK\r\nX-Long: ", "HTTP/1.1 200 "};
    (void)state;
    for (size_t i = 0; i < sizeof begins / sizeof *begins; i++) {
        struct gf_buf b;
        struct https_answer a;
        gf_buf_init(&b, 400000);
        gf_buf_text(&b, begins[i]);
        for (int k = 0; k < 30000; k++)
            gf_buf_text(&b, "aaaaaaaaaa");
        gf_buf_byte(&b, '\0');
        hear(b.data, CLOSE, &a);
        assert_stage(&a, HTTPS_BROKEN, 1);
        assert_non_null(strstr(a.text, "too many headers"));
        https_answer_free(&a);
        gf_buf_free(&b);
    }
}

static int64_t retry_after_of(const char *value) {
    char reply[200];
    struct https_answer a;
    (void)snprintf(reply, sizeof reply,
                   "HTTP/1.1 503 Busy\r\nRetry-After: %s\r\nContent-Length: 0\r\n\r\n", value);
    hear(reply, KEEP, &a);
    assert_stage(&a, HTTPS_OK, 1);
    https_answer_free(&a);
    return a.retry_after_s;
}

static void retry_after_is_seconds_or_a_date(void **state) {
    time_t later = time(NULL) + 100;
    struct tm tm;
    char date[64];
    (void)state;
    assert_int_equal(retry_after_of("0"), 0);
    assert_int_equal(retry_after_of("120"), 120);
    assert_int_equal(retry_after_of("99999999999999999999999"), 30 * 24 * 3600);
    assert_int_equal(retry_after_of("Wed, 21 Oct 2015 07:28:00 GMT"), 0);
    assert_int_equal(retry_after_of("soon"), -1);
    assert_int_equal(retry_after_of("-1"), -1);
    assert_int_equal(retry_after_of(""), -1);
    assert_non_null(gmtime_r(&later, &tm));
    assert_true(strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", &tm) > 0);
    int64_t s = retry_after_of(date);
    assert_true(s > 90 && s <= 100);
}

static void a_proxy_that_refuses_is_the_proxys_stage(void **state) {
    const struct reply replies[] = {
        {"HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic realm=x\r\nContent-Length: 0\r\n\r\n",
         CLOSE},
        {NULL, 0}};
    struct server *s = server_start(replies);
    char proxy[64];
    struct https_answer a;
    int port, fd = server_socket(&port);
    (void)state;
    (void)snprintf(proxy, sizeof proxy, "http://127.0.0.1:%d", s->port);
    ask(0, (struct https_options){.url = "https://vendor.example/", .proxy = proxy}, &a);
    server_stop(s);
    assert_stage(&a, HTTPS_PROXY, 0);
    assert_int_equal(a.status, 407);
    assert_non_null(strstr(a.text, "wants credentials"));
    assert_ptr_equal(strstr(s->got, "CONNECT vendor.example:443 "), s->got);
    https_answer_free(&a);
    (void)snprintf(proxy, sizeof proxy, "http://127.0.0.1:%d", port);
    ask(0, (struct https_options){.url = "https://vendor.example/", .proxy = proxy}, &a);
    assert_stage(&a, HTTPS_PROXY, 0);
    assert_int_equal(a.status, 0);
    https_answer_free(&a);
    (void)close(fd);
    free(s);
}

static void misuse_is_refused_before_anything_is_opened(void **state) {
    const char *const two_lines[] = {"X: y\r\nZ: w", NULL};
    const char *many[HTTPS_HEADERS_MAX + 2] = {NULL};
    for (size_t i = 0; i <= HTTPS_HEADERS_MAX; i++)
        many[i] = "X: y";
    const struct https_options bad[] = {
        {.url = "http://vendor.example/", .method = "GET"},
        {.url = "https://vendor.example/", .method = "DELETE"},
        {.url = "https://vendor.example/", .method = "GET", .body = "x", .body_len = 1},
        {.url = "https://vendor.example/", .method = "GET", .headers = two_lines},
        {.url = "https://vendor.example/", .method = "GET", .headers = many},
        {.url = "https://vendor.example/", .method = "GET", .cert_file = "/dev/null"},
        {.url = "https://vendor.example/", .method = "GET", .ca_file = "/nonexistent/ca.pem"},
        {.url = "https://vendor.example/", .method = "GET", .proxy = "socks5://x:1"},
        {.url = "http://127.0.0.1:1/", .method = "GET", .proxy = "http://127.0.0.1:1"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct https_answer a;
        struct gf_err e = {0};
        assert_int_equal(https_request(client, &bad[i], &a, &e), -1);
        assert_int_equal(e.code, GF_E_CONFIG);
    }
}

static void as_many_headers_as_may_be_arrive_in_order(void **state) {
    const char *lines[HTTPS_HEADERS_MAX + 1] = {NULL};
    char text[HTTPS_HEADERS_MAX][16], all[HTTPS_HEADERS_MAX * 16] = "";
    size_t len = 0;
    const struct reply replies[] = {{OK_EMPTY, KEEP}, {NULL, 0}};
    struct server *s = server_start(replies);
    struct https_answer a;
    (void)state;

    for (int i = 0; i < HTTPS_HEADERS_MAX; i++) {
        (void)snprintf(text[i], sizeof text[i], "X-%d: y", i);
        lines[i] = text[i];
        len += (size_t)snprintf(all + len, sizeof all - len, "%s\r\n", text[i]);
    }
    ask(s->port, (struct https_options){.headers = lines}, &a);
    server_stop(s);
    assert_stage(&a, HTTPS_OK, 1);
    assert_non_null(strstr(s->got, all));
    https_answer_free(&a);
    free(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_comes_whole),
        cmocka_unit_test(as_many_headers_as_may_be_arrive_in_order),
        cmocka_unit_test(nothing_is_sent_that_nobody_stated),
        cmocka_unit_test(cookies_are_not_kept_and_the_connection_is),
        cmocka_unit_test(what_must_not_be_doubled_goes_out_once),
        cmocka_unit_test(whether_to_stop_is_asked_once_a_second_however_much_comes),
        cmocka_unit_test(what_an_earlier_request_had_is_forgotten),
        cmocka_unit_test(nobody_listening_is_refused_and_nothing_was_sent),
        cmocka_unit_test(silence_is_timed_out_and_the_request_may_have_arrived),
        cmocka_unit_test(a_connection_that_does_not_come_about_is_given_its_own_time),
        cmocka_unit_test(a_host_that_cannot_be_reached_is_no_route),
        cmocka_unit_test(a_name_that_leads_to_this_machine_is_a_sinkhole),
        cmocka_unit_test(a_broken_answer_is_broken),
        cmocka_unit_test(a_status_that_http_does_not_have_is_named),
        cmocka_unit_test(a_longer_answer_is_cut_however_its_length_is_told),
        cmocka_unit_test(a_redirect_is_an_answer_and_not_followed),
        cmocka_unit_test(packed_content_stays_packed),
        cmocka_unit_test(only_the_last_answers_headers_count_and_no_trailers),
        cmocka_unit_test(a_flood_of_headers_is_broken),
        cmocka_unit_test(a_header_line_without_end_is_broken),
        cmocka_unit_test(retry_after_is_seconds_or_a_date),
        cmocka_unit_test(a_proxy_that_refuses_is_the_proxys_stage),
        cmocka_unit_test(misuse_is_refused_before_anything_is_opened),
    };
    return cmocka_run_group_tests(tests, https_begin, https_end);
}
