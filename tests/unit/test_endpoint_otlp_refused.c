/*
 * test_endpoint_otlp_refused.c -- profile otlp: what a refusal is about, and what it may cost.
 */
#include "endpoint_otlp_testing.h"

/* What every request gets is no word on the points. */
static void a_refusal_without_a_point_holds_the_record(void **state) {
    static const char *const refusals[] = {
        BAD,
        HTTP("413 No", "text/plain", "large"),
        HTTP("415 No", "text/plain", "JSON?"),
        HTTP("500 No", "application/x-protobuf", "\x08\x0d\x12\x04oops"),
        HTTP("501 No", "text/plain", "not here"),
    };
    static const char *const points[] = {GAUGE(POINT(T1) "," POINT(T2)), DELTA(POINT(T1))};

    (void)state;
    for (size_t i = 0; i < 2 * sizeof refusals / sizeof *refusals; i++) {
        const char *no = refusals[i / 2];
        const struct reply replies[] = {{no, CLOSE}, {no, CLOSE}, {NULL, 0}};
        deliver_json(replies, "", points[i % 2]);
        assert_int_equal(r.verdict, ENDPOINT_HELD);
        assert_int_equal(r.unknown, 0);
        assert_int_equal(r.guarantee, GF_GUARANTEE_NONE);
        assert_non_null(strstr(r.reason, "to a request without a point as well"));
        assert_int_equal(server->requests, 2);
        got_json("{}");
    }
    const struct reply replies[] = {{BAD, CLOSE}, {BAD, CLOSE}, {NULL, 0}};
    deliver_json(replies, "encoding = protobuf\n", points[0]);
    assert_int_equal(r.verdict, ENDPOINT_HELD);
    got_protobuf("{}");
}

/* An answer that is no answer to the empty request, and none at all. */
static void what_is_said_of_points_alone_rejects_them(void **state) {
    static const struct {
        struct reply first, probe;
        enum endpoint_verdict verdict;
        const char *says;
    } cases[] = {
        {{HTTP("500 No", "text/plain", "odd point"), CLOSE},
         {OK, CLOSE},
         ENDPOINT_REJECTED,
         "2 of 2 points refused: 2: HTTP 500: odd point"},
        {{HTTP("415 No", "text/plain", "JSON?"), CLOSE},
         {HTTP("415 No", "text/plain", "empty"), CLOSE},
         ENDPOINT_REJECTED,
         "2 of 2 points refused: 2: HTTP 415: JSON?"},
        {{HTTP("500 No", "text/plain", "odd"), CLOSE},
         {HTTP("503 No", "text/plain", "odd"), CLOSE},
         ENDPOINT_REJECTED,
         "2 of 2 points refused: 2: HTTP 500: odd"},
        {{BAD, CLOSE}, {"", RESET}, ENDPOINT_LATER, "broken: "},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct reply replies[] = {cases[i].first, cases[i].probe, {NULL, 0}};
        deliver_json(replies, "", GAUGE(POINT(T1) "," POINT(T2)));
        if (r.verdict != cases[i].verdict ||
            strncmp(r.reason, cases[i].says, strlen(cases[i].says)) != 0)
            fail_msg("case %zu: verdict %d, %s", i, (int)r.verdict, r.reason);
        assert_int_equal(server->requests, 2);
    }
}

/* A resource of 60 kB around points of days each: it stands in each request. */
static void what_is_around_points_is_not_sent_without_end(void **state) {
    static const char kept[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    enum { DAYS = 1500, AROUND = 60000 };
    struct reply *replies = calloc(DAYS + 1, sizeof *replies);
    struct gf_buf b;

    (void)state;
    assert_non_null(replies);
    for (int i = 0; i < DAYS; i++)
        replies[i] = (struct reply){kept, KEEP};
    gf_buf_init(&b, 1 << 20);
    gf_buf_text(&b, "{\"resourceMetrics\":[{\"schemaUrl\":\"");
    for (int i = 0; i < AROUND; i++)
        gf_buf_byte(&b, 'x');
    gf_buf_text(&b, "\",\"scopeMetrics\":[{\"metrics\":[{\"gauge\":{\"dataPoints\":[");
    for (int i = 0; i < DAYS; i++)
        gf_buf_printf(&b, "%s{\"timeUnixNano\":\"%lld000000000\",\"asInt\":\"1\"}",
                      i > 0 ? "," : "", (long long)(AT - (DAYS - i) * 90000LL));
    gf_buf_text(&b, "]}}]}]}]}");
    deliver_json(replies, "encoding = protobuf\nbatch_points = 1\n", b.data);
    assert_int_equal(r.verdict, ENDPOINT_DELIVERED);
    assert_non_null(strstr(r.reason, "beyond the bytes that one record may cost"));
    if (server->requests < 1100 || server->requests > 1200)
        fail_msg("%d requests", server->requests);
    gf_buf_free(&b);
    free(replies);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refusal_without_a_point_holds_the_record),
        cmocka_unit_test(what_is_said_of_points_alone_rejects_them),
        cmocka_unit_test(what_is_around_points_is_not_sent_without_end),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
