/*
 * test_https_tls.c -- common/https.c and whom it trusts: a server and a certificate by openssl.
 */
#include "https_testing.h"

static FILE *tls_begin(int *port, pid_t *pid) {
    char command[1024], line[200] = "";
    FILE *out;

    (void)snprintf(command, sizeof command,
                   "command -v openssl >/dev/null && cd %s && openssl req -x509 -newkey ed25519 "
                   "-nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=test "
                   "-addext subjectAltName=IP:127.0.0.1 2>/dev/null",
                   home);
    if (system(command) != 0) {
        print_message("SKIPPED: openssl is not installed, no TLS was tried\n");
        skip();
    }
    (void)snprintf(
        command, sizeof command,
        "cd %s && echo $$ && exec timeout 60 openssl s_server -accept 127.0.0.1:0 -cert cert.pem "
        "-key key.pem -www 2>&1",
        home);
    out = popen(command, "r");
    assert_non_null(out);
    assert_non_null(fgets(line, sizeof line, out));
    *pid = (pid_t)strtol(line, NULL, 10);
    *port = 0;
    while (*port == 0 && fgets(line, sizeof line, out) != NULL) {
        if (strncmp(line, "ACCEPT ", 7) == 0)
            *port = (int)strtol(strrchr(line, ':') + 1, NULL, 10);
    }
    assert_int_not_equal(*port, 0);
    return out;
}

static void only_a_certificate_that_is_trusted_and_of_this_host_will_do(void **state) {
    char url[64], name[64], ca[100];
    struct https_answer a;
    pid_t pid;
    int port;
    (void)state;
    FILE *out = tls_begin(&port, &pid);
    (void)snprintf(url, sizeof url, "https://127.0.0.1:%d/", port);
    (void)snprintf(name, sizeof name, "https://localhost:%d/", port);
    (void)snprintf(ca, sizeof ca, "%s/cert.pem", home);

    struct https_options o = {.url = url, .method = "GET", .answer_max = 100000};
    ask(0, o, &a);
    assert_stage(&a, HTTPS_TLS, 0);
    assert_non_null(strstr(a.text, "certificate"));
    https_answer_free(&a);

    o.ca_file = ca;
    ask(0, o, &a);
    assert_stage(&a, HTTPS_OK, 1);
    assert_int_equal(a.status, 200);
    https_answer_free(&a);

    /* Only to connect asks the same of the certificate, and says nothing. */
    o.connect_only = 1;
    ask(0, o, &a);
    assert_stage(&a, HTTPS_OK, 0);
    assert_int_equal(a.status, 0);
    https_answer_free(&a);
    o.ca_file = NULL;
    ask(0, o, &a);
    assert_stage(&a, HTTPS_TLS, 0);
    https_answer_free(&a);
    o.ca_file = ca;
    o.connect_only = 0;

    struct gf_err e = {0};
    o.ca_file = "/dev/null"; /* no certificate in it: found out when TLS begins */
    assert_int_equal(https_request(client, &o, &a, &e), -1);
    assert_int_equal(e.code, GF_E_CONFIG);
    o.ca_file = ca;

    o.url = name; /* trusted, but it speaks for 127.0.0.1 only */
    ask(0, o, &a);
    assert_stage(&a, HTTPS_TLS, 0);
    https_answer_free(&a);

    o.url = url; /* what one request trusted, another one does not */
    o.ca_file = NULL;
    ask(0, o, &a);
    assert_stage(&a, HTTPS_TLS, 0);
    https_answer_free(&a);

    char command[64];
    (void)snprintf(command, sizeof command, "kill %d", (int)pid);
    assert_int_equal(system(command), 0);
    (void)pclose(out);
}

static void plain_http_is_no_tls(void **state) {
    const struct reply replies[] = {{NULL, 0}};
    struct server *s = server_start(replies);
    struct https_answer a;
    char url[64];
    (void)state;
    (void)snprintf(url, sizeof url, "https://127.0.0.1:%d/", s->port);
    ask(0, (struct https_options){.url = url, .total_ms = 500}, &a);
    assert_int_equal(a.sent, 0);
    assert_true(a.stage == HTTPS_TLS || a.stage == HTTPS_TIMED_OUT);
    https_answer_free(&a);
    server_stop(s);
    free(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_a_certificate_that_is_trusted_and_of_this_host_will_do),
        cmocka_unit_test(plain_http_is_no_tls),
    };
    return cmocka_run_group_tests(tests, https_begin, https_end);
}
