/*
 * test_endpoint_form.c -- profile form: which fields go out, how they are spelled, and in how many
 * POSTs.
 */
#include "endpoint_testing.h"

#include "relay/endpoints/endpoint_fields.h"

#define OK   "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nRESULT=OK"
#define ODD  "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n<p>Log in!\n"
#define BUSY "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"

static char home[64];
static struct https *client;
static const struct gf_id agent = {{1}};

static int begin(void **state) {
    struct gf_err e;
    (void)state;
    (void)snprintf(home, sizeof home, "/tmp/gapferry-form-XXXXXX");
    return mkdtemp(home) == NULL || gf_digest_start(&e) != 0 || https_new(&client, &e) != 0;
}

static int end(void **state) {
    char command[128];
    (void)state;
    https_free(client);
    (void)snprintf(command, sizeof command, "rm -rf %s", home);
    return system(command) != 0;
}

/* Deliver this body to a server that says `replies`; -1: it was not sent. */
static int deliver(const struct reply *replies, const char *more, const char *body,
                   struct endpoint_result *out, struct server **server, struct gf_err *e) {
    struct server *s = server_start(replies);
    const struct gf_record r = {.id = {{2}},
                                .channel = "c",
                                .type = "application/json",
                                .body = {GF_BODY_TEXT, body, strlen(body)}};
    char lines[512];

    (void)snprintf(lines, sizeof lines, "profile = form\n%s", more);
    struct relay relay = {.config = endpoint_at(home, s->port, lines)};
    if (endpoint_check(relay.config, e) == -1)
        fail_msg("%s", e->text);
    *out = (struct endpoint_result){0};
    int rc = endpoint_deliver(client, &relay, "e", &agent, &r, 0, out, e);
    config_free(relay.config);
    server_stop(s);
    *server = s;
    return rc;
}

static void fields_are_encoded_as_forms_are(void **state) {
    static const struct {
        const char *fields, *body, *form;
    } cases[] = {
        {"", "{\"a\":1,\"b\":\"x y&z=\\u00e4/+~\",\"c\":true,\"d\":null}",
         "a=1&b=x+y%26z%3D%C3%A4%2F%2B%7E&c=true"},
        {"", "{\"n\":12345678901234567890.50,\"o\":{\"p\":[1, 2]}}",
         "n=12345678901234567890.50&o=%7B%22p%22%3A%5B1%2C+2%5D%7D"},
        {"fields = b=Version a\n", "{\"a\":\"\",\"b\":\"*-._\",\"c\":3}", "Version=*-._&a="},
        {"fields = gone b=B\n", "{\"b\":\"\\ud83d\\ude00\"}", "B=%F0%9F%98%80"},
        {"", "{}", ""},
    };
    const struct reply replies[] = {{OK, KEEP}, {NULL, 0}};
    struct endpoint_result r;
    struct server *s;
    struct gf_err e;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (deliver(replies, cases[i].fields, cases[i].body, &r, &s, &e) == -1)
            fail_msg("%s", e.text);
        assert_int_equal(r.verdict, ENDPOINT_DELIVERED);
        assert_non_null(strstr(s->got, "\r\nContent-Type: application/x-www-form-urlencoded\r\n"));
        assert_string_equal(strstr(s->got, "\r\n\r\n") + 4, cases[i].form);
        endpoint_result_free(&r);
        free(s);
    }
}

static void several_posts_go_one_after_another_each_with_a_key_of_its_own(void **state) {
    const struct reply replies[] = {{OK, KEEP}, {OK, KEEP}, {NULL, 0}};
    const struct reply fails[] = {{OK, KEEP}, {BUSY, KEEP}, {OK, KEEP}, {NULL, 0}};
    struct endpoint_result r;
    struct server *s;
    struct gf_err e;
    (void)state;
    assert_int_equal(deliver(replies, "fields = a; b=B\n", "{\"a\":1,\"b\":2}", &r, &s, &e), 0);
    assert_int_equal(r.verdict, ENDPOINT_DELIVERED);
    assert_int_equal(s->requests, 2);
    assert_string_equal(strstr(s->got, "\r\n\r\n") + 4, "B=2");
    assert_ptr_equal(strstr(strstr(s->got, "Idempotency-Key: ") + 17 + 32, "-2\r\n"),
                     strstr(s->got, "Idempotency-Key: ") + 17 + 32);
    endpoint_result_free(&r);
    free(s);

    /* Behind the one that fails nothing more is sent. */
    assert_int_equal(deliver(fails, "fields = a; b; c\n", "{\"a\":1,\"b\":2}", &r, &s, &e), 0);
    assert_int_equal(r.verdict, ENDPOINT_LATER);
    assert_int_equal(s->requests, 2);
    endpoint_result_free(&r);
    free(s);
}

static void success_without_its_text_is_none(void **state) {
    const struct reply odd[] = {{ODD, KEEP}, {NULL, 0}};
    const struct reply good[] = {{OK, KEEP}, {NULL, 0}};
    struct endpoint_result r;
    struct server *s;
    struct gf_err e;
    (void)state;
    assert_int_equal(deliver(odd, "success_text = RESULT=OK\n", "{}", &r, &s, &e), 0);
    assert_int_equal(r.verdict, ENDPOINT_LATER);
    assert_int_equal(r.guarantee, GF_GUARANTEE_NONE);
    assert_string_equal(r.reason, "HTTP 200, but without \"RESULT=OK\" (success_text): <p>Log in!");
    endpoint_result_free(&r);
    free(s);
    assert_int_equal(deliver(good, "success_text = RESULT=OK\n", "{}", &r, &s, &e), 0);
    assert_int_equal(r.verdict, ENDPOINT_DELIVERED);
    endpoint_result_free(&r);
    free(s);
}

static void what_is_no_json_object_is_not_sent(void **state) {
    static const char *const bodies[] = {"", "text", "[1]", "{\"a\":", "\"x\""};
    const struct reply replies[] = {{OK, KEEP}, {NULL, 0}};
    struct endpoint_result r;
    struct server *s;
    struct gf_err e;
    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        assert_int_equal(deliver(replies, "", bodies[i], &r, &s, &e), -1);
        assert_non_null(strstr(e.text, "profile form sends the fields of a JSON object"));
        assert_int_equal(s->requests, 0);
        free(s);
    }
}

static void places_and_groups_must_fit(void **state) {
    static const char *const bad[][2] = {
        {"url = https://a.example/ http://b.example/\n", "http:// is allowed only"},
        {"url = https://a.example/ https://b.example/\nfields = a; b; c\n",
         "3 groups for 2 places in url"},
        {"url = https://a.example/\nfields = ;\n", "1 to 16 of them"},
        {"url = https://a.example/\nmethod = PUT\n", "profile form has no such setting"},
    };
    struct gf_err e;
    char text[512];
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        (void)snprintf(text, sizeof text, "[endpoint \"e\"]\nchannel = c\nprofile = form\n%s",
                       bad[i][0]);
        struct config *c = endpoint_config(home, text);
        assert_int_equal(endpoint_check(c, &e), -1);
        if (strstr(e.text, bad[i][1]) == NULL)
            fail_msg("%s", e.text);
        config_free(c);
    }
    struct config *c = endpoint_config(home, "[endpoint \"e\"]\nchannel = c\nprofile = form\n"
                                             "url = https://a.example/ https://b.example/\n"
                                             "fields = a; b\n");
    assert_int_equal(endpoint_check(c, &e), 0);
    config_free(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_encoded_as_forms_are),
        cmocka_unit_test(several_posts_go_one_after_another_each_with_a_key_of_its_own),
        cmocka_unit_test(success_without_its_text_is_none),
        cmocka_unit_test(what_is_no_json_object_is_not_sent),
        cmocka_unit_test(places_and_groups_must_fit),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
