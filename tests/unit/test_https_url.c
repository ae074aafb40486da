/*
 * test_https_url.c -- common/https_url.c and https_header.c: where we go, and what a header is.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/https.h"
#include "common/https_header.h"
#include "common/https_url.h"

static void https_goes_to_names_and_addresses(void **state) {
    static const char *const good[] = {
        "https://vendor.example",
        "https://vendor.example/a?b=c&d=%20",
        "https://192.0.2.7:8443/x",
        "https://[2001:db8::1]:443/",
        "https://localhost:1/",
        "https://a-b_c.xn--bcher-kva.example/",
        "https://vendor.example?only=q",
        "https://127.0.0.1/",
        "https://vendor.example:65535/..",
        "https://169.254.1.1/",
    };
    struct gf_err e;
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        if (https_check_url(good[i], &e) != 0)
            fail_msg("%s: %s", good[i], e.text);
    }
}

static void http_goes_to_literal_loopback_addresses_only(void **state) {
    static const char *const good[] = {"http://127.0.0.1/", "http://127.255.0.9:8900/license",
                                       "http://[::1]:80/x"};
    static const char *const bad[] = {
        "http://localhost/",
        "http://127.1/",
        "http://128.0.0.1/",
        "http://[::2]/",
        "http://vendor.example/",
        "http://127.0.0.1.example/",
        "http://0x7f000001/",
        "http://2130706433/",
        "http://[::ffff:127.0.0.1]/",
        "http://127.0.0.1@evil/",
        "http://127.0.0.1:80@e/",
        "http://127.0.0.01/",
        "http://[0:0:0:0:0:0:0:1]/",
        "http://127.0.0.1\\@e/",
        "http://0.0.0.0/",
    };
    struct gf_err e;
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_int_equal(https_check_url(good[i], &e), 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        e.code = GF_OK;
        if (https_check_url(bad[i], &e) != -1)
            fail_msg("%s was taken", bad[i]);
        assert_int_equal(e.code, GF_E_CONFIG);
    }
}

static void within_the_site_http_goes_to_private_addresses_too(void **state) {
    static const char *const good[] = {"http://127.0.0.1:9100/metrics", "http://[::1]/metrics",
                                       "http://10.0.0.1:9100/metrics",  "http://172.16.0.1/",
                                       "http://172.31.255.255/",        "http://192.168.7.7/",
                                       "http://[fd00::1]:9100/metrics", "http://[fcff:1::1]/",
                                       "https://vendor.example/"};
    static const char *const bad[] = {
        "http://11.0.0.1/",    "http://172.15.0.1/",        "http://172.32.0.1/",
        "http://192.169.0.1/", "http://169.254.169.254/",   "http://8.8.8.8/",
        "http://[fe80::1]/",   "http://[2001:db8::1]/",     "http://node1:9100/metrics",
        "http://localhost/",   "http://10.0.0.1.example/",  "http://10.0.0.01/",
        "http://10.1/",        "http://[::ffff:10.0.0.1]/", "http://0.0.0.0/"};
    struct gf_err e;
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        if (https_check_site_url(good[i], &e) != 0)
            fail_msg("%s: %s", good[i], e.text);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (https_check_site_url(bad[i], &e) != -1)
            fail_msg("%s was taken", bad[i]);
    }
    assert_int_equal(https_check_url("http://10.0.0.1/", &e), -1);
}

static void what_two_readers_could_read_differently_is_refused(void **state) {
    static const struct {
        const char *url, *says;
    } bad[] = {
        {"", "begins with https://"},
        {"vendor.example/x", "begins with https://"},
        {"HTTPS://vendor.example/", "begins with https://"},
        {"ftp://vendor.example/", "begins with https://"},
        {"file:///etc/passwd", "begins with https://"},
        {"https:///x", "no host name"},
        {"https://user@vendor.example/", "no user or password"},
        {"https://user:secret@vendor.example/", "no user or password"},
        {"https://vendor.example/#part", "fragment"},
        {"https://vendor.example#part", "fragment"},
        {"https://vendor.example/a b", "no blanks"},
        {"https://vendor.example/\r\nX: y", "no blanks"},
        {"https://b\xc3\xbc"
         "cher.example/",
         "no blanks"},
        {"https://vendor.example\\@evil/", "no blanks"},
        {"https://vendor.example:0/", "the port"},
        {"https://vendor.example:080/", "the port"},
        {"https://vendor.example:65536/", "the port"},
        {"https://vendor.example:/", "the port"},
        {"https://vendor.example:8 0/", "no blanks"},
        {"https://vendor.example:http/", "the port"},
        {"https://vendor.example%2f/", "the port"},
        {"https://.example/", "no host name"},
        {"https://a..example/", "no host name"},
        {"https://vendor.example./", "no host name"},
        {"https://1.2.3/", "no host name"},
        {"https://256.1.1.1/", "no host name"},
        {"https://0x7f.1/", "no host name"},
        {"https://vendor.0x10/", "no host name"},
        {"https://[::1/", "no host name"},
        {"https://[]/", "no host name"},
        {"https://[fe80::1%eth0]/", "no host name"},
        {"https://[127.0.0.1]/", "no host name"},
        {"https://vendor.example/%zz", "two hex digits"},
        {"https://vendor.example/%2", "two hex digits"},
    };
    struct gf_err e;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        e.text[0] = '\0';
        if (https_check_url(bad[i].url, &e) != -1)
            fail_msg("%s was taken", bad[i].url);
        if (strstr(e.text, bad[i].says) == NULL)
            fail_msg("%s: %s", bad[i].url, e.text);
        assert_null(strstr(e.text, "secret"));
    }
}

static void a_url_may_be_2048_bytes_long_and_no_longer(void **state) {
    char url[HTTPS_URL_MAX + 2];
    struct gf_err e;
    (void)state;
    memset(url, 'a', sizeof url);
    memcpy(url, "https://vendor.example/", 23);
    url[HTTPS_URL_MAX] = '\0';
    assert_int_equal(https_check_url(url, &e), 0);
    url[HTTPS_URL_MAX] = 'a';
    url[HTTPS_URL_MAX + 1] = '\0';
    assert_int_equal(https_check_url(url, &e), -1);
}

static void a_proxy_is_a_host_and_a_port(void **state) {
    static const char *const bad[] = {"proxy:3128",          "http://proxy",   "http://proxy:3128/",
                                      "socks5://proxy:1080", "http://u:p@x:1", "http://[::1]",
                                      "http://proxy:3128?x"};
    struct gf_err e;
    (void)state;
    assert_int_equal(https_check_proxy("http://proxy.example:3128", &e), 0);
    assert_int_equal(https_check_proxy("https://[2001:db8::1]:3128", &e), 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (https_check_proxy(bad[i], &e) != -1)
            fail_msg("%s was taken", bad[i]);
    }
}

static int fit4(const char *text) {
    struct sockaddr_in a = {.sin_family = AF_INET};
    assert_int_equal(inet_pton(AF_INET, text, &a.sin_addr), 1);
    return https_url_fit((struct sockaddr *)&a);
}

static int fit6(const char *text) {
    struct sockaddr_in6 a = {.sin6_family = AF_INET6};
    assert_int_equal(inet_pton(AF_INET6, text, &a.sin6_addr), 1);
    return https_url_fit((struct sockaddr *)&a);
}

static void names_may_lead_to_hosts_and_nowhere_else(void **state) {
    (void)state;
    assert_true(fit4("192.0.2.1"));
    assert_true(fit4("10.0.0.1"));
    assert_true(fit4("126.255.255.255"));
    assert_true(fit4("169.253.255.255"));
    assert_true(fit4("223.255.255.255"));
    assert_true(fit6("2001:db8::1"));
    assert_true(fit6("fd00::1"));
    assert_true(fit6("::ffff:192.0.2.1"));
    assert_false(fit4("0.0.0.0"));
    assert_false(fit4("127.0.0.1"));
    assert_false(fit4("127.255.255.255"));
    assert_false(fit4("169.254.169.254"));
    assert_false(fit4("224.0.0.1"));
    assert_false(fit4("255.255.255.255"));
    assert_false(fit6("::"));
    assert_false(fit6("::1"));
    assert_false(fit6("fe80::1"));
    assert_false(fit6("ff02::1"));
    assert_false(fit6("::ffff:127.0.0.1"));
    assert_false(fit6("::ffff:169.254.169.254"));
}

static void headers_are_kept_in_one_form(void **state) {
    struct https_answer a = {.stage = HTTPS_OK};
    size_t len;
    (void)state;
    gf_buf_init(&a.headers, 1000);
    https_header_keep(&a.headers, "Content-Type:  text/plain \r\n", 28);
    https_header_keep(&a.headers, " folded: line\r\n", 15);
    https_header_keep(&a.headers, "no colon\r\n", 10);
    https_header_keep(&a.headers, "bad name: x\r\n", 13);
    https_header_keep(&a.headers, "ctl: a\x01z\r\n", 10);
    https_header_keep(&a.headers, "\r\n", 2);
    https_header_keep(&a.headers, "X-Empty:\r\n", 10);
    https_header_keep(&a.headers, "ETag:\t\"1\"\n", 10);
    assert_string_equal(a.headers.data, "content-type: text/plain\nx-empty: \netag: \"1\"\n");
    assert_memory_equal(https_header(&a, "etag", &len), "\"1\"", 3);
    assert_int_equal(len, 3);
    assert_non_null(https_header(&a, "x-empty", &len));
    assert_int_equal(len, 0);
    assert_null(https_header(&a, "content", &len));
    assert_null(https_header(&a, "text/plain", &len));
    https_answer_free(&a);
    assert_null(https_header(&a, "etag", &len));
}

static void headers_to_send_are_one_line_with_a_value(void **state) {
    static const char *const bad[] = {"X",      "X:",         "X: ",      "X:y", ": y",
                                      "X y: z", "X: y\nZ: w", "X: y\r\n", "X;",  ""};
    struct gf_err e;
    (void)state;
    assert_int_equal(https_header_check("Idempotency-Key: 0123", &e), 0);
    assert_int_equal(https_header_check("X: \xc3\xbc", &e), 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (https_header_check(bad[i], &e) != -1)
            fail_msg("\"%s\" was taken", bad[i]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(https_goes_to_names_and_addresses),
        cmocka_unit_test(http_goes_to_literal_loopback_addresses_only),
        cmocka_unit_test(within_the_site_http_goes_to_private_addresses_too),
        cmocka_unit_test(what_two_readers_could_read_differently_is_refused),
        cmocka_unit_test(a_url_may_be_2048_bytes_long_and_no_longer),
        cmocka_unit_test(a_proxy_is_a_host_and_a_port),
        cmocka_unit_test(names_may_lead_to_hosts_and_nowhere_else),
        cmocka_unit_test(headers_are_kept_in_one_form),
        cmocka_unit_test(headers_to_send_are_one_line_with_a_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
