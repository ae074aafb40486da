/*
 * test_endpoint_otlp.c -- profile otlp: what leaves, what a receiver's answers mean, and which
 * records may be sent twice.
 */
#include "endpoint_otlp_testing.h"

static void a_record_that_needs_no_change_goes_as_it_is(void **state) {
    static const struct reply ok[] = {{OK, CLOSE}, {NULL, 0}};
    static const char spaced[] = " {\"unknown\" : 1, \"resourceMetrics\":[ ]  }";
    static const char one[] = " " GAUGE(POINT(T1) " , " POINT(T2)) "\n";
    struct gf_buf b;
    struct gf_err e;
    size_t len;

    (void)state;
    deliver_json(ok, "", one);
    assert_int_equal(r.verdict, ENDPOINT_DELIVERED);
    got_json(one);
    assert_non_null(strstr(server->got, "POST /in HTTP/1.1\r\n"));
    /* The receiver learns nothing that is not metrics. */
    assert_null(strstr(server->got, "Gapferry"));
    assert_null(strstr(server->got, "Idempotency"));

    gf_buf_init(&b, 1 << 16);
    assert_int_equal(otlp_json_to_protobuf(one, strlen(one), &b, &e), 0);
    deliver(ok, "", "application/x-protobuf", b.data, b.len);
    assert_int_equal(r.verdict, ENDPOINT_DELIVERED);
    const char *body = got(&len);
    assert_int_equal(len, b.len);
    assert_memory_equal(body, b.data, len);
    gf_buf_free(&b);

    /* One without points needs no request. */
    deliver_json(ok, "", spaced);
    assert_int_equal(r.verdict, ENDPOINT_DELIVERED);
    assert_int_equal(server->requests, 0);
}

static void json_may_go_as_protobuf(void **state) {
    static const struct reply ok[] = {{OK, CLOSE}, {NULL, 0}};

    (void)state;
    deliver_json(ok, "encoding = protobuf\n", GAUGE(POINT(T1)));
    assert_int_equal(r.verdict, ENDPOINT_DELIVERED);
    got_protobuf(GAUGE(POINT(T1)));
}

static void what_the_relay_knows_stands_in_the_resource(void **state) {
    static const struct reply ok[] = {{OK, CLOSE}, {NULL, 0}};
    static const char told[] =
        "{\"resourceMetrics\":[{\"resource\":{\"attributes\":[{\"key\":\"gapferry.delay_s\","
        "\"value\":{\"intValue\":\"0\"}}]},\"scopeMetrics\":[{\"metrics\":[{\"name\":\"m\","
        "\"gauge\":{\"dataPoints\":[" POINT(T1) "]}}]}]}]}";

    (void)state;
    deliver_json(ok, "attributes = delay\n", GAUGE(POINT(T1)));
    got_json(told);
    deliver_json(ok, "attributes = delay\nencoding = protobuf\n", GAUGE(POINT(T1)));
    got_protobuf(told);
}

static void each_answer_has_its_verdict(void **state) {
    static const struct {
        const char *bytes;
        enum endpoint_verdict verdict;
        int unknown;
        const char *says;
    } cases[] = {
        {OK, ENDPOINT_DELIVERED, 0, ""},
        {SAYS("{}"), ENDPOINT_DELIVERED, 0, ""},
        {SAYS("{\"partialSuccess\":{\"rejectedDataPoints\":\"1\",\"errorMessage\":\"too old\"}}"),
         ENDPOINT_DELIVERED, 0, "1 of 2 points refused: 1: the receiver: too old"},
        {SAYS("{\"partialSuccess\":{\"rejectedDataPoints\":2,\"errorMessage\":\"too old\"}}"),
         ENDPOINT_REJECTED, 0, "2 of 2 points refused: 2: the receiver: too old"},
        {SAYS(WARNING), ENDPOINT_DELIVERED, 0, ""},
        {HTTP("200 OK", "text/html", "<html>Please log in"), ENDPOINT_LATER, 1,
         "HTTP 200, but not the answer of an OpenTelemetry receiver: <html>Please log in"},
        {HTTP("429 No", "text/plain", "slow"), ENDPOINT_LATER, 0, "HTTP 429: slow"},
        {HTTP("502 No", "text/plain", "slow"), ENDPOINT_LATER, 0, "HTTP 502: slow"},
        {HTTP("503 No", "application/json", "{\"code\":14,\"message\":\"full\"}"), ENDPOINT_LATER,
         0, "HTTP 503: full"},
        {HTTP("504 No", "text/plain", "slow"), ENDPOINT_LATER, 0, "HTTP 504: slow"},
        {HTTP("401 No", "text/plain", "who?"), ENDPOINT_HELD, 0, "HTTP 401: who?"},
        {HTTP("404 No", "text/plain", "where?"), ENDPOINT_HELD, 0, "HTTP 404: where?"},
        {HTTP("302 No", "text/plain", "there"), ENDPOINT_HELD, 0, "HTTP 302: there"},
        {HTTP("101 Other", "text/plain", "h2"), ENDPOINT_LATER, 0, "HTTP 101: h2"},
        {HTTP("408 No", "text/plain", "slow"), ENDPOINT_LATER, 0, "HTTP 408: slow"},
        {HTTP("425 No", "text/plain", "soon"), ENDPOINT_LATER, 0, "HTTP 425: soon"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct reply replies[] = {{cases[i].bytes, CLOSE}, {NULL, 0}};
        deliver_json(replies, "", GAUGE(POINT(T1) "," POINT(T2)));
        if (r.verdict != cases[i].verdict || r.unknown != cases[i].unknown ||
            strcmp(r.reason, cases[i].says) != 0)
            fail_msg("case %zu: verdict %d, unknown %d, %s", i, (int)r.verdict, r.unknown,
                     r.reason);
        assert_int_equal(server->requests, 1);
    }
}

static void a_reply_without_end_is_not_believed(void **state) {
    char *endless = malloc((4 << 20) + 200);

    (void)state;
    assert_non_null(endless);
    int head = snprintf(endless, 200, HTTP("200 OK", "application/json", "{"));
    memset(endless + head, ' ', 4 << 20);
    memcpy(endless + head + (4 << 20), "}", 2);
    const struct reply replies[] = {{endless, CLOSE}, {NULL, 0}};
    deliver_json(replies, "", GAUGE(POINT(T1)));
    assert_int_equal(r.verdict, ENDPOINT_LATER);
    assert_int_equal(r.unknown, 1);
    assert_non_null(strstr(r.reason, "longer than 4 MiB"));
    free(endless);
}

static void one_bad_point_loses_only_itself(void **state) {
    static const struct {
        const char *bytes, *says;
    } cases[] = {
        {BAD, "1 of 3 points refused: 1: HTTP 400: bad point"},
        {HTTP("413 No", "text/plain", "large"), "1 of 3 points refused: 1: HTTP 413: large"},
        {HTTP("422 No", "text/plain", "odd"), "1 of 3 points refused: 1: HTTP 422: odd"}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *no = cases[i].bytes;
        const struct reply replies[] = {{no, CLOSE}, {OK, CLOSE}, {OK, CLOSE}, {no, CLOSE},
                                        {OK, CLOSE}, {no, CLOSE}, {NULL, 0}};
        deliver_json(replies, "", GAUGE(POINT(T1) "," POINT(T2) "," POINT(T3)));
        assert_int_equal(r.verdict, ENDPOINT_DELIVERED);
        assert_string_equal(r.reason, cases[i].says);
        assert_int_equal(server->requests, 6); /* the second one without a point */
        got_json(GAUGE(POINT(T3)));
    }
}

/* Oldest first; and only where a second time does harm each has a connection of its own. */
static void points_go_so_many_at_a_time(void **state) {
    static const char kept[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    static const struct reply replies[] = {{kept, KEEP}, {kept, KEEP}, {NULL, 0}};

    (void)state;
    deliver_json(replies, "batch_points = 2\n",
                 GAUGE(POINT(T1) "," POINT(T3) "," POINT(T2) "," POINT(T4)));
    assert_int_equal(r.verdict, ENDPOINT_DELIVERED);
    assert_int_equal(server->requests, 2);
    assert_int_equal(server->connections, 1);
    got_json(GAUGE(POINT(T3) "," POINT(T4)));
    deliver_json(replies, "batch_points = 2\n",
                 DELTA(POINT(T1) "," POINT(T3) "," POINT(T2) "," POINT(T4)));
    assert_int_equal(server->requests, 2);
    assert_int_equal(server->connections, 2);
}

/* What is around points counts, too. */
static void a_request_has_so_many_bytes(void **state) {
    static const struct reply replies[] = {{OK, CLOSE}, {OK, CLOSE}, {NULL, 0}};
    struct gf_buf b;

    (void)state;
    gf_buf_init(&b, 1 << 16);
    gf_buf_text(&b, "{\"resourceMetrics\":[{\"schemaUrl\":\"");
    for (int i = 0; i < 900; i++)
        gf_buf_byte(&b, 'x');
    gf_buf_text(&b, "\",\"scopeMetrics\":[{\"metrics\":[{\"gauge\":{\"dataPoints\":[" POINT(T1));
    for (int i = 1; i < 40; i++)
        gf_buf_text(&b, "," POINT(T1));
    gf_buf_text(&b, "]}}]}]}]}");
    deliver_json(replies, "batch_bytes = 1K\n", b.data);
    assert_int_equal(r.verdict, ENDPOINT_DELIVERED);
    assert_int_equal(server->requests, 2);
    gf_buf_free(&b);
}

static void points_beyond_the_limits_do_not_leave(void **state) {
    static const struct reply replies[] = {{OK, CLOSE}, {NULL, 0}};

    (void)state;
    deliver_json(
        replies, "max_age = 2h\n",
        GAUGE(POINT("1699000000000000000") "," POINT(T1) "," POINT("1700000601000000000")));
    assert_int_equal(r.verdict, ENDPOINT_DELIVERED);
    assert_string_equal(r.reason, "2 of 3 points refused: 1 older than 2h; 1 more than 10m ahead");
    got_json(GAUGE(POINT(T1)));
    /* Days that are old are none in themselves. */
    deliver_json(replies, "", GAUGE(POINT("1600000000000000000")));
    assert_int_equal(r.verdict, ENDPOINT_DELIVERED);
    assert_string_equal(r.reason, "");
}

static void what_is_no_otlp_does_not_leave(void **state) {
    static const struct reply none[] = {{NULL, 0}};

    (void)state;
    deliver(none, "", "text/x-influx-line", "m v=1 1", 7);
    assert_int_equal(r.verdict, ENDPOINT_HELD);
    assert_int_equal(r.alone, 1);
    assert_non_null(strstr(r.reason, "profile otlp does not take it (text/x-influx-line)"));
    /* Unknown names are passed; of what knows no other nothing would be left. */
    deliver_json(none, "", "{\"users\":42}");
    assert_int_equal(r.verdict, ENDPOINT_HELD);
    assert_int_equal(r.alone, 1);
    deliver_json(none, "", "{\"resourceMetrics\":1}");
    assert_int_equal(r.verdict, ENDPOINT_REJECTED);
    assert_non_null(strstr(r.reason, "resourceMetrics"));
    deliver(none, "", "application/x-protobuf", "\xff", 1);
    assert_int_equal(r.verdict, ENDPOINT_REJECTED);
    assert_int_equal(server->requests, 0);
}

static void the_promise_is_at_least_once_where_doubles_count(void **state) {
    static const struct reply ok[] = {{OK, CLOSE}, {NULL, 0}};

    (void)state;
    deliver_json(ok, "", GAUGE(POINT(T1)));
    assert_int_equal(r.guarantee, GF_GUARANTEE_ONCE);
    deliver_json(ok, "", DELTA(POINT(T1)));
    assert_int_equal(r.guarantee, GF_GUARANTEE_LEAST);
    deliver_json(ok, "idempotency = natural\n", DELTA(POINT(T1)));
    assert_int_equal(r.guarantee, GF_GUARANTEE_ONCE);
}

/* ---- in the engine ---- */

/* A record of this body, whose one request gets this answer; what is known of it then. */
static struct row forwarded(struct site *s, const char *body, const struct reply *replies,
                            int *requests) {
    struct server *to = server_start(replies);
    char *line = testing_record(s, "c", body, 0);

    arrive(s, line, NULL);
    free(line);
    config_free(s->r.config);
    s->r.config = endpoint_at(s->path, to->port, "profile = otlp\nconnections = 1\n");
    forward(s, 10);
    *requests = to->requests;
    server_stop(to);
    free(to);
    struct rows rows = rows_of(s);
    return rows.row[rows.n - 1];
}

static void only_points_that_count_from_report_to_report_are_in_doubt(void **state) {
    static const struct reply reset[] = {{"", RESET}, {"", RESET}, {NULL, 0}};
    static const struct reply ok[] = {{OK, CLOSE}, {NULL, 0}};
    static const struct reply full[] = {{HTTP("503 No", "text/plain", ""), CLOSE}, {NULL, 0}};
    struct site *s = *state;
    int n;

    struct row row = forwarded(s, GAUGE(POINT(T1)), reset, &n);
    assert_int_equal(row.state, LEDGER_LATER);
    row = forwarded(s, DELTA(POINT(T1)), reset, &n);
    assert_int_equal(row.state, LEDGER_HELD);
    assert_non_null(strstr(row.reason, "it may have arrived"));
    assert_int_equal(n, 1);
    /* Who says that there was no effect is believed. */
    row = forwarded(s, DELTA(POINT(T1)), full, &n);
    assert_int_equal(row.state, LEDGER_LATER);
    row = forwarded(s, DELTA(POINT(T1)), ok, &n);
    assert_int_equal(row.state, LEDGER_DELIVERED);
}

static void a_warning_is_told_to_the_operator_alone(void **state) {
    static const struct reply warns[] = {{SAYS(WARNING), CLOSE}, {NULL, 0}};
    struct site *s = *state;
    int n;

    struct row row = forwarded(s, GAUGE(POINT(T1)), warns, &n);
    assert_int_equal(row.state, LEDGER_DELIVERED);
    assert_string_equal(row.reason, "");
    assert_non_null(
        strstr(s->t.waits.data, "\"e\" takes what comes, and warns: the receiver: use gzip"));
    assert_null(s->t.people.data);
}

static void what_a_crash_has_left_is_sent_again_where_that_does_no_harm(void **state) {
    static const struct reply ok[] = {{OK, CLOSE}, {NULL, 0}};
    static const char *const bodies[] = {GAUGE(POINT(T1)), DELTA(POINT(T1))};
    struct site *s = *state;

    for (size_t i = 0; i < 2; i++) {
        struct server *to = server_start(ok);
        char *line = testing_record(s, "c", bodies[i], 0);
        arrive(s, line, NULL);
        free(line);
        int64_t row = testing_find(s, &s->id).row;
        assert_ok(ledger_sending(s->r.ledger, &row, 1, "e", NOW - 7, &s->e), s->e);
        config_free(s->r.config);
        s->r.config = endpoint_at(s->path, to->port, "profile = otlp\nconnections = 1\n");
        forward(s, 10);
        assert_int_equal(to->requests, i == 0 ? 1 : 0);
        server_stop(to);
        free(to);
        struct rows rows = rows_of(s);
        assert_int_equal(rows.row[rows.n - 1].state, i == 0 ? LEDGER_DELIVERED : LEDGER_HELD);
        if (i == 0)
            assert_int_equal(told_guarantee(s), GF_GUARANTEE_ONCE);
    }
}

static void settings_are_checked(void **state) {
    static const struct {
        const char *lines, *says;
    } bad[] = {{"idempotency = key\n", "sends no key"},
               {"encoding = json\n", "encoding"},
               {"attributes = who\n", "attributes"},
               {"method = PUT\n", "profile otlp has no such setting"}};
    struct gf_err e;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char lines[256];
        (void)snprintf(lines, sizeof lines, "profile = otlp\n%s", bad[i].lines);
        struct config *c = endpoint_at(home, 1, lines);
        assert_int_equal(endpoint_check(c, &e), -1);
        if (strstr(e.text, bad[i].says) == NULL)
            fail_msg("%s: %s", bad[i].lines, e.text);
        config_free(c);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_that_needs_no_change_goes_as_it_is),
        cmocka_unit_test(json_may_go_as_protobuf),
        cmocka_unit_test(what_the_relay_knows_stands_in_the_resource),
        cmocka_unit_test(each_answer_has_its_verdict),
        cmocka_unit_test(a_reply_without_end_is_not_believed),
        cmocka_unit_test(one_bad_point_loses_only_itself),
        cmocka_unit_test(points_go_so_many_at_a_time),
        cmocka_unit_test(a_request_has_so_many_bytes),
        cmocka_unit_test(points_beyond_the_limits_do_not_leave),
        cmocka_unit_test(what_is_no_otlp_does_not_leave),
        cmocka_unit_test(the_promise_is_at_least_once_where_doubles_count),
        cmocka_unit_test_setup_teardown(only_points_that_count_from_report_to_report_are_in_doubt,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_a_crash_has_left_is_sent_again_where_that_does_no_harm,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_warning_is_told_to_the_operator_alone, set_up, tear_down),
        cmocka_unit_test(settings_are_checked),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
