/*
 * test_https_site.c -- common/https.c within a site: unix sockets, and which addresses http goes
 * to.
 */
#include "https_testing.h"

#include <sys/un.h>

#define OK_M "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nm 1\n"

static int local_socket(const char *path) {
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_not_equal(fd, -1);
    (void)snprintf(a.sun_path, sizeof a.sun_path, "%s", path);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    return fd;
}

static void a_unix_socket_is_asked_like_any_server(void **state) {
    const struct reply replies[] = {{OK_M, KEEP}, {OK_M, KEEP}, {NULL, 0}};
    struct https_answer a;
    char path[100];
    (void)state;

    (void)snprintf(path, sizeof path, "%s/x.sock", home);
    struct server *s = server_start_at(local_socket(path), 0, replies);
    for (int i = 0; i < 2; i++) {
        ask(0,
            (struct https_options){
                .url = "http://127.0.0.1/metrics?a=b", .method = "GET", .local = path},
            &a);
        assert_stage(&a, HTTPS_OK, 1);
        assert_int_equal(a.status, 200);
        assert_int_equal(a.body.len, 4);
        https_answer_free(&a);
    }
    server_stop(s);
    assert_ptr_equal(strstr(s->got, "GET /metrics?a=b HTTP/1.1\r\n"), s->got);
    assert_non_null(strstr(s->got, "\r\nHost: 127.0.0.1\r\n"));
    free(s);
    /* The socket is there, and nobody listens any more; then it is not there. */
    for (int i = 0; i < 2; i++) {
        ask(0, (struct https_options){.url = "http://127.0.0.1/", .method = "GET", .local = path},
            &a);
        assert_stage(&a, HTTPS_REFUSED, 0);
        assert_ptr_equal(strstr(a.text, path), a.text);
        assert_non_null(strstr(a.text, "nobody listens there"));
        https_answer_free(&a);
        (void)unlink(path);
    }
}

static void a_request_goes_no_further_than_it_may(void **state) {
    static const struct https_options bad[] = {
        {.url = "http://10.0.0.1/"},                               /* not asked for */
        {.url = "http://192.0.2.1/", .site = 1},                   /* of no private network */
        {.url = "http://10.0.0.1/", .site = 1, .local = "/tmp/x"}, /* two places */
        {.url = "https://127.0.0.1/", .local = "/tmp/x"},
        {.url = "http://node.example/", .site = 1},
    };
    struct gf_err e;
    struct https_answer a;
    (void)state;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct https_options o = bad[i];
        o.method = "GET";
        o.total_ms = 1000;
        if (https_request(client, &o, &a, &e) != -1 || e.code != GF_E_CONFIG)
            fail_msg("case %zu", i);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_unix_socket_is_asked_like_any_server),
        cmocka_unit_test(a_request_goes_no_further_than_it_may),
    };
    return cmocka_run_group_tests(tests, https_begin, https_end);
}
