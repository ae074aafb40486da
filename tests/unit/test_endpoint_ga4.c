/*
 * test_endpoint_ga4.c -- profile ga4: the limits of Google Analytics 4, which are applied before
 * anything leaves, the secret, and what the answers mean.
 */
#include <sys/stat.h>

#include "forward_testing.h"
#include "relay/endpoints/endpoint_ga4_read.h"

#define OK     "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"
#define SECRET "s3cr&t +/"
#define CODED  "s3cr%26t%20%2B%2F"

#define AT 1700000000 /* the relay's clock, and when records were made */

static char home[64], secret_path[128];
static struct https *client;
static const struct gf_id agent = {{1}};
static struct endpoint_result r;
static struct server *server;

static void write_secret(const char *text) {
    FILE *f = fopen(secret_path, "w");

    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(secret_path, 0600), 0);
}

static int begin(void **state) {
    struct gf_err e;

    (void)snprintf(home, sizeof home, "/tmp/gapferry-ga4-XXXXXX");
    if (mkdtemp(home) == NULL || kit_setup(state) != 0 || https_new(&client, &e) != 0)
        return 1;
    (void)snprintf(secret_path, sizeof secret_path, "%s/secret", home);
    write_secret(SECRET "\n");
    return 0;
}

static int end(void **state) {
    char command[128];

    endpoint_result_free(&r);
    free(server);
    https_free(client);
    (void)snprintf(command, sizeof command, "rm -rf %s", home);
    return system(command) != 0 || kit_teardown(state) != 0;
}

static struct config *config_at(const char *url, const char *more) {
    char text[1024];

    (void)snprintf(text, sizeof text,
                   "[endpoint \"e\"]\nchannel = c\nprofile = ga4\nsecret_file = %s\nurl = %s\n%s",
                   secret_path, url, more);
    return endpoint_config(home, text);
}

static void deliver_as(const struct reply *replies, const char *type, const char *body) {
    const struct gf_record record = {.id = {{2}},
                                     .channel = "c",
                                     .type = type,
                                     .created = AT,
                                     .body = {GF_BODY_TEXT, body, strlen(body)}};
    char url[128];
    struct gf_err e;

    endpoint_result_free(&r);
    free(server);
    server = server_start(replies);
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d/mp/collect?measurement_id=G-1",
                   server->port);
    struct relay relay = {.config = config_at(url, ""), .now = AT};
    if (endpoint_check(relay.config, &e) == -1)
        fail_msg("%s", e.text);
    r = (struct endpoint_result){0};
    if (endpoint_deliver(client, &relay, "e", &agent, &record, 0, &r, &e) == -1)
        fail_msg("%s", e.text);
    config_free(relay.config);
    server_stop(server);
}

static void deliver(const struct reply *replies, const char *body) {
    deliver_as(replies, "application/json", body);
}

static const struct reply ok[] = {{OK, CLOSE}, {OK, CLOSE}, {OK, CLOSE}, {NULL, 0}};

/* n times a text. */
static char *times(const char *text, size_t n) {
    size_t len = strlen(text);
    char *out = calloc(n + 1, len);

    assert_non_null(out);
    for (size_t i = 0; i < n; i++)
        memcpy(out + i * len, text, len);
    return out;
}

#define EVENTS(list) "{\"client_id\":\"1.2\",\"events\":[" list "]}"

static void an_event_goes_as_it_is_and_gets_a_time_where_it_has_none(void **state) {
    (void)state;
    deliver(ok, "{\"events\":[{\"name\":\"a\", \"params\":{\"x\":1.50}},\n{ \"name\":\"b\","
                "\"timestamp_micros\":\"1699999999000000\"}],\"client_id\" : \"1.2\","
                "\"validation_behavior\":\"RELAXED\",\"user_id\":\"u\"}");
    assert_int_equal(r.verdict, ENDPOINT_DELIVERED);
    assert_string_equal(
        strstr(server->got, "\r\n\r\n") + 4,
        "{\"client_id\" : \"1.2\",\"user_id\":\"u\",\"validation_behavior\":"
        "\"ENFORCE_RECOMMENDATIONS\",\"events\":[{\"timestamp_micros\":1700000000000000,\"name\":"
        "\"a\", \"params\":{\"x\":1.50}},{ \"name\":\"b\",\"timestamp_micros\":\"1699999999000000\""
        "}]}");
    assert_non_null(strstr(server->got, "Content-Type: application/json\r\n"));
    assert_null(strstr(server->got, "Gapferry"));
    assert_int_equal(r.guarantee, GF_GUARANTEE_LEAST);

    /* Or that of its request. */
    deliver(ok, "{\"client_id\":\"1\",\"timestamp_micros\":1699999999000000,\"events\":[{\"name\":"
                "\"a\"}]}");
    assert_non_null(strstr(server->got, "\"events\":[{\"name\":\"a\"}]}"));
}

static void the_secret_stands_in_the_query_and_nowhere_else(void **state) {
    static const struct reply echo[] = {
        {"HTTP/1.1 404 No\r\nConnection: close\r\n\r\n/mp/collect?api_secret=" CODED " is not here",
         CLOSE},
        {NULL, 0}};
    static const struct reply plain[] = {
        {"HTTP/1.1 400 No\r\nConnection: close\r\n\r\nbad secret " SECRET, CLOSE},
        {"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n", CLOSE},
        {NULL, 0}};
    static const struct reply wall[] = {
        {"HTTP/1.1 400 No\r\nConnection: close\r\n\r\nfilter", CLOSE},
        {"HTTP/1.1 400 No\r\nConnection: close\r\n\r\nfilter", CLOSE},
        {NULL, 0}};

    (void)state;
    deliver(ok, EVENTS("{\"name\":\"a\"}"));
    assert_non_null(strstr(server->got, "POST /mp/collect?measurement_id=G-1&api_secret=" CODED
                                        " HTTP/1.1\r\n"));
    deliver(echo, EVENTS("{\"name\":\"a\"}"));
    assert_int_equal(r.verdict, ENDPOINT_HELD);
    assert_string_equal(r.reason, "HTTP 404: without words");
    assert_int_equal(r.answer.body.len, 0);
    deliver(plain, EVENTS("{\"name\":\"a\"}"));
    assert_int_equal(r.verdict, ENDPOINT_REJECTED);
    assert_string_equal(r.reason, "1 of 1 point refused: 1: HTTP 400: without words");
    assert_non_null(strstr(server->got, "\"events\":[]}"));
    deliver(wall, EVENTS("{\"name\":\"a\"}"));
    assert_int_equal(r.verdict, ENDPOINT_HELD);
    assert_string_equal(
        strstr(r.reason, "filter"),
        "filter (it says so to a request without a point as well: not the points are "
        "at fault, but the url, a header or the encoding of this section)");
}

static void an_event_that_breaks_a_limit_does_not_leave(void **state) {
    char *s25 = times("a", 25), *s40 = times("\\u00e4", 40), *s41 = times("a", 41),
         *s100 = times("\xc3\xa4", 100), *s101 = times("a", 101);
    char p25[512] = "", p26[512];
    char events[4096];
    const struct {
        const char *says;
        const char *begin, *middle, *end;
    } cases[] = {
        {NULL, "{\"name\":\"", s40, "\"}"},
        {"with a name longer than 40 characters", "{\"name\":\"", s41, "\"}"},
        {NULL, "{\"name\":\"a\",\"params\":{\"", s40, "\":1}}"},
        {"with a parameter name longer than 40 characters", "{\"name\":\"a\",\"params\":{\"", s41,
         "\":1}}"},
        {NULL, "{\"name\":\"a\",\"params\":{\"p\":\"", s100, "\"}}"},
        {"with a parameter value longer than 100 characters",
         "{\"name\":\"a\",\"params\":{\"p\":\"", s101, "\"}}"},
        {NULL, "{\"name\":\"a\",\"params\":{", p25, "}}"},
        {"with more than 25 parameters", "{\"name\":\"a\",\"params\":{", p26, "}}"},
        {"with a name that is not of letters, digits and _", "{\"name\":\"", "log in", "\"}"},
        {"with a name that is not of letters, digits and _", "{\"name\":\"", "1st", "\"}"},
        {"with a parameter name that is not of letters, digits and _",
         "{\"name\":\"a\",\"params\":{\"", "x-y", "\":1}}"},
        {"with params that are no object", "{\"name\":\"a\",\"params\":", "[]", "}"},
        {"without a name", "{\"params\":", "{}", "}"},
        {"without a name", "{\"name\":\"", "", "\"}"},
        {"that is no object", "", "7", ""},
        {"with a timestamp_micros that is no time", "{\"name\":\"a\",\"timestamp_micros\":", "-1",
         "}"},
        {"with a timestamp_micros that is no time", "{\"name\":\"a\",\"timestamp_micros\":", "null",
         "}"},
    };

    (void)state;
    for (int i = 0; i < 25; i++)
        (void)snprintf(p25 + strlen(p25), sizeof p25 - strlen(p25), "%s\"p%d\":%d",
                       i > 0 ? "," : "", i, i);
    (void)snprintf(p26, sizeof p26, "%.400s,\"p26\":26", p25);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char says[200] = "";
        (void)snprintf(events, sizeof events, EVENTS("%s%s%s,{\"name\":\"good\"}"), cases[i].begin,
                       cases[i].middle, cases[i].end);
        deliver(ok, events);
        assert_int_equal(r.verdict, ENDPOINT_DELIVERED);
        if (cases[i].says != NULL)
            (void)snprintf(says, sizeof says, "1 of 2 points refused: 1 %s", cases[i].says);
        if (strcmp(r.reason, says) != 0)
            fail_msg("case %zu: %s", i, r.reason);
        assert_non_null(strstr(server->got, "\"name\":\"good\""));
    }
    free(s25);
    free(s40);
    free(s41);
    free(s100);
    free(s101);
}

static void a_record_that_breaks_a_limit_does_not_leave(void **state) {
    char *s36 = times("v", 36), *s37 = times("v", 37), *s24 = times("n", 24), *s25 = times("n", 25);
    char p26[1024] = "";
    char body[4096];
    const struct {
        const char *says, *begin, *middle, *end;
    } cases[] = {
        {NULL, "{\"client_id\":\"1\",\"user_properties\":{\"p\":{\"value\":\"", s36, "\"}},"},
        {"a user property whose value is longer than 36 characters",
         "{\"client_id\":\"1\",\"user_properties\":{\"p\":{\"value\":\"", s37, "\"}},"},
        {NULL, "{\"client_id\":\"1\",\"user_properties\":{\"", s24, "\":{\"value\":1}},"},
        {"a user property whose name is longer than 24 characters",
         "{\"client_id\":\"1\",\"user_properties\":{\"", s25, "\":{\"value\":1}},"},
        {"more than 25 user properties", "{\"client_id\":\"1\",\"user_properties\":{", p26, "},"},
        {"user_properties is no object", "{\"client_id\":\"1\",\"user_properties\":", "3", ","},
        {"neither client_id nor app_instance_id", "{", "", ""},
        {"neither client_id nor app_instance_id", "{\"client_id\":\"", "", "\","},
        {"its timestamp_micros is no time", "{\"client_id\":\"1\",\"timestamp_micros\":", "1.5",
         ","},
        {"no list of events", "{\"client_id\":\"1\",\"events\":{}}", NULL, NULL},
        {"no list of events", "{\"client_id\":\"1\"}", NULL, NULL},
        {"no JSON object", "[]", NULL, NULL},
        {"the body", "{", NULL, NULL},
    };

    (void)state;
    for (int i = 0; i < 26; i++)
        (void)snprintf(p26 + strlen(p26), sizeof p26 - strlen(p26), "%s\"p%d\":{\"value\":%d}",
                       i > 0 ? "," : "", i, i);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (cases[i].middle != NULL)
            (void)snprintf(body, sizeof body, "%s%s%s\"events\":[{\"name\":\"a\"}]}",
                           cases[i].begin, cases[i].middle, cases[i].end);
        else
            (void)snprintf(body, sizeof body, "%s", cases[i].begin);
        deliver(ok, body);
        assert_int_equal(r.verdict, cases[i].says == NULL ? ENDPOINT_DELIVERED : ENDPOINT_REJECTED);
        if (cases[i].says != NULL && strstr(r.reason, cases[i].says) == NULL)
            fail_msg("case %zu: %s", i, r.reason);
        assert_int_equal(server->requests, cases[i].says == NULL ? 1 : 0);
    }
    free(s36);
    free(s37);
    free(s24);
    free(s25);
}

static void events_beyond_the_window_do_not_leave(void **state) {
    char body[1024];

    (void)state;
    (void)snprintf(body, sizeof body,
                   EVENTS("{\"name\":\"old\",\"timestamp_micros\":%lld},"
                          "{\"name\":\"edge\",\"timestamp_micros\":%lld},"
                          "{\"name\":\"ahead\",\"timestamp_micros\":%lld}"),
                   (AT - 72 * 3600 - 1) * 1000000LL, (AT - 72 * 3600) * 1000000LL,
                   (AT + 601) * 1000000LL);
    deliver(ok, body);
    assert_int_equal(r.verdict, ENDPOINT_DELIVERED);
    assert_string_equal(r.reason, "2 of 3 points refused: 1 older than 3d; 1 more than 10m ahead");
    assert_non_null(strstr(server->got, "\"events\":[{\"name\":\"edge\""));
    assert_null(strstr(server->got, "old"));
}

static void a_request_has_25_events_and_less_than_130_kb(void **state) {
    char *many = times(",{\"name\":\"a\"}", 51);
    char *text = times("x", 50000);
    struct gf_buf b;

    (void)state;
    gf_buf_init(&b, 1 << 20);
    gf_buf_printf(&b, EVENTS("%s"), many + 1);
    deliver(ok, b.data);
    assert_int_equal(r.verdict, ENDPOINT_DELIVERED);
    assert_int_equal(server->requests, 3);

    /* What is no text has no limit of its own. */
    gf_buf_clear(&b);
    gf_buf_printf(&b,
                  EVENTS("{\"name\":\"a\",\"params\":{\"p\":[\"%s\"]}},{\"name\":\"a\","
                         "\"params\":{\"p\":[\"%s\"]}},{\"name\":\"a\",\"params\":{\"p\":[\"%s"
                         "\"]}}"),
                  text, text, text);
    struct endpoint_ga4 g;
    struct gf_err e;
    assert_int_equal(endpoint_ga4_read(b.data, b.len, AT, &g, &e), 0);
    assert_null(g.points[2].unfit);
    struct batches_limits limits = {.points = 25, .requests = 9};
    limits.bytes = ENDPOINT_GA4_BYTES - g.head.len - 2;
    struct batches *batches = NULL;
    struct batches_range range;
    assert_int_equal(batches_new(&limits, g.points, g.n, AT, &batches, &e), 0);
    assert_int_equal(batches_next(batches, &range), 1);
    assert_int_equal(range.n, 2);
    struct gf_buf out;
    gf_buf_init(&out, ENDPOINT_GA4_BYTES);
    endpoint_ga4_put(&g, &range, &out);
    assert_int_equal(gf_buf_check(&out, "a request", &e), 0);
    gf_buf_free(&out);
    batches_free(batches);
    endpoint_ga4_free(&g);

    /* One that is too large by itself. */
    gf_buf_clear(&b);
    gf_buf_printf(&b, EVENTS("{\"name\":\"a\",\"params\":{\"p\":[\"%s\",\"%s\",\"%s\"]}}"), text,
                  text, text);
    deliver(ok, b.data);
    assert_int_equal(r.verdict, ENDPOINT_REJECTED);
    assert_string_equal(r.reason, "1 of 1 point refused: 1 too large for a request of 130 kB");
    gf_buf_free(&b);
    free(many);
    free(text);
}

static void what_is_no_json_waits_for_its_own_endpoint(void **state) {
    (void)state;
    deliver_as(ok, "application/x-protobuf", "x");
    assert_int_equal(r.verdict, ENDPOINT_HELD);
    assert_int_equal(r.alone, 1);
    assert_non_null(strstr(r.reason, "does not take it (application/x-protobuf)"));
    assert_int_equal(server->requests, 0);
}

static void settings_are_checked(void **state) {
    static const char good[] = "https://example.org/mp/collect?measurement_id=G-1";
    static const struct {
        const char *url, *more, *says;
    } bad[] = {
        {"https://example.org/mp/collect", "", "measurement_id"},
        {"https://example.org/mp/collect?measurement_id=G-1&api_secret=x", "", "secret_file"},
        {good, "max_age = 73h\n", "72h at most"},
        {good, "max_age = 0\n", "72h at most"},
        {good, "idempotency = natural\n", "profile ga4 has no such setting"},
        {good, "batch_points = 9\n", "profile ga4 has no such setting"},
    };
    struct config *c;
    struct gf_err e;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        c = config_at(bad[i].url, bad[i].more);
        assert_int_equal(endpoint_check(c, &e), -1);
        if (strstr(e.text, bad[i].says) == NULL)
            fail_msg("case %zu: %s", i, e.text);
        config_free(c);
    }
    c = config_at(good, "max_age = 24h\nmax_future = 1m\n");
    assert_int_equal(endpoint_check(c, &e), 0);
    assert_int_equal(chmod(secret_path, 0644), 0);
    assert_int_equal(endpoint_check(c, &e), -1);
    assert_non_null(strstr(e.text, "secret_file"));
    assert_non_null(strstr(e.text, "chmod 600"));
    assert_int_equal(chmod(secret_path, 0600), 0);
    config_free(c);
}

static void a_secret_is_one_line(void **state) {
    static const char *const bad[] = {"", "\n", "a\nb\n"};
    struct relay relay = {.config =
                              config_at("https://example.org/mp/collect?measurement_id=G-1", "")};
    struct endpoint p;
    struct gf_err e;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        write_secret(bad[i]);
        assert_int_equal(endpoint_open(&p, &relay, "e", &e), -1);
        assert_int_equal(e.code, GF_E_CONFIG);
        assert_non_null(strstr(e.text, "holds not one line"));
    }
    write_secret(SECRET);
    assert_int_equal(endpoint_open(&p, &relay, "e", &e), 0);
    endpoint_close(&p);
    config_free(relay.config);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_goes_as_it_is_and_gets_a_time_where_it_has_none),
        cmocka_unit_test(the_secret_stands_in_the_query_and_nowhere_else),
        cmocka_unit_test(an_event_that_breaks_a_limit_does_not_leave),
        cmocka_unit_test(a_record_that_breaks_a_limit_does_not_leave),
        cmocka_unit_test(events_beyond_the_window_do_not_leave),
        cmocka_unit_test(a_request_has_25_events_and_less_than_130_kb),
        cmocka_unit_test(what_is_no_json_waits_for_its_own_endpoint),
        cmocka_unit_test(settings_are_checked),
        cmocka_unit_test(a_secret_is_one_line),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
