/*
 * test_otlp_json.c -- common/otlp_json.c: facts and redaction of OTLP JSON.
 */
#include "otlp_testing.h"

#include "common/otlp_json.h"

static struct gf_buf out;
static struct gf_err e;
static struct otlp_redacted gone;
static struct otlp_facts f;
static struct otlp_deny *deny;

static int setup(void **state) {
    (void)state;
    static const char *const entries[] = {"secret", "host.*"};
    gf_buf_init(&out, 1 << 20);
    memset(&gone, 0, sizeof gone);
    return otlp_deny_new(entries, 2, &deny, &e);
}

static int teardown(void **state) {
    (void)state;
    gf_buf_free(&out);
    otlp_deny_free(deny);
    deny = NULL;
    return 0;
}

static void taken(const char *text) {
    if (otlp_json_check(text, strlen(text), &f, &e) == -1)
        fail_msg("%s: %s", text, e.text);
}

static void refused(const char *text, const char *why) {
    assert_int_equal(otlp_json_check(text, strlen(text), &f, &e), -1);
    assert_int_equal(e.code, GF_E_RECORD);
    assert_string_equal(e.text, why);
}

static void becomes(const char *text, const char *want) {
    gf_buf_clear(&out);
    int rc = otlp_json_redact(text, strlen(text), deny, &out, &gone, NULL, &e);
    if (rc == -1)
        fail_msg("%s: %s", text, e.text);
    assert_int_equal(rc, want != NULL);
    assert_string_equal(rc == 1 ? out.data : "", want ? want : "");
    if (rc == 1)
        taken(out.data);
}

#define METRIC(x) "{\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":[{" x "}]}]}]}"
#define GAUGE(x)  METRIC("\"gauge\":{\"dataPoints\":[" x "]}")
#define PATH      "resourceMetrics[0].scopeMetrics[0].metrics[0]"
#define RES(x)    "{\"resourceMetrics\":[{\"resource\":{\"attributes\":" x "}}]}"
#define KV(k)     "{\"key\":\"" k "\",\"value\":{\"stringValue\":\"v\"}}"

static void points_are_counted_and_their_times_bounded(void **state) {
    (void)state;
    taken(GAUGE("{\"timeUnixNano\":\"1544712660300000001\"},{\"timeUnixNano\":"
                "1544712660300000003,\"exemplars\":[{\"timeUnixNano\":\"5\"}]},{}"));
    assert_int_equal(f.points, 3);
    assert_int_equal(f.earliest, 1544712660300000001);
    assert_int_equal(f.latest, 1544712660300000003);
    assert_int_equal(f.delta, 0);
    taken(METRIC("\"sum\":{\"aggregationTemporality\":1}"));
    assert_int_equal(f.delta, 1);
    taken(METRIC("\"exponentialHistogram\":{\"aggregationTemporality\":2}"));
    assert_int_equal(f.delta, 0);
    taken("{\"resourceMetrics\":[{\"resource\":{\"droppedAttributesCount\":1}}]}");
    assert_int_equal(f.delta, 0);
    taken("{}");
    assert_int_equal(f.points, 0);
    taken(" \n{ }\t\r\n");
}

static void names_that_are_not_known_are_ignored_whatever_they_hold(void **state) {
    (void)state;
    taken("{\"x\":[1,{\"y\":[[],{},\"\\u20ac\",-0.5e+7,true,false,null]}],"
          "\"resourceMetrics\":[]}");
    taken("{\"\":{\"resource_metric\":1}}");
    refused("{\"x\":[1,]}", "the request: a number was expected (at byte 8)");
    refused("{\"x\":{\"a\" 1}}", "the request: a colon was expected (at byte 10)");
    refused("{\"x\":[1 2]}", "the request: a comma or the end was expected (at byte 8)");
    refused("{\"x\":[1}}", "the request: a comma or the end was expected (at byte 7)");
}

static void nesting_in_what_is_ignored_is_bounded(void **state) {
    (void)state;
    char text[256] = "{\"x\":";
    size_t n = strlen(text);
    memset(text + n, '[', 100);
    assert_int_equal(otlp_json_check(text, n + 100, &f, &e), -1);
    assert_non_null(strstr(e.text, "nested too deeply"));
}

static void the_spelling_of_protobuf_is_refused(void **state) {
    (void)state;
    refused("{\"resource_metrics\":[]}",
            "resourceMetrics: OTLP JSON has this name only as it stands here (at byte 20)");
    refused("{\"resource\\u005fmetrics\":[]}",
            "resourceMetrics: OTLP JSON has this name only as it stands here (at byte 25)");
    refused(RES("[{\"Key\":\"secret\"}]"), "resourceMetrics[0].resource.attributes[0].key: OTLP "
                                           "JSON has this name only as it stands here (at byte "
                                           "54)");
    refused("{\"_Resource__METRICS\":[]}",
            "resourceMetrics: OTLP JSON has this name only as it stands here (at byte 22)");
    taken("{\"resourceMetric\":[],\"resourceMetricss\":[],\"_\":1,\"\":2}");
}

static void null_is_as_if_the_name_were_not_there(void **state) {
    (void)state;
    taken("{\"resourceMetrics\":null}");
    taken(GAUGE("{\"asInt\":null,\"asDouble\":1,\"timeUnixNano\":null}"));
    assert_int_equal(f.points, 1);
}

static void what_two_readers_could_read_differently_is_refused(void **state) {
    (void)state;
    refused("{\"resourceMetrics\":[],\"resource\\u004detrics\":[]}",
            "resourceMetrics: it stands twice, and may stand once (at byte 45)");
    refused(RES("[{\"key\":null,\"key\":\"secret\"}]"),
            "resourceMetrics[0].resource.attributes[0].key: it stands twice, and may stand once "
            "(at byte 65)");
    refused(GAUGE("{\"asInt\":1,\"asDouble\":1}"),
            PATH ".gauge.dataPoints[0].asDouble: a second one where there may be one of several "
                 "(at byte 95)");
}

static void values_must_have_the_type_of_their_field(void **state) {
    (void)state;
    static const char *const wrong[] = {
        "{\"asInt\":\"\"}",
        "{\"asInt\":\"1x\"}",
        "{\"asInt\":\" 1\"}",
        "{\"asInt\":1.5}",
        "{\"asInt\":true}",
        "{\"asInt\":[1]}",
        "{\"asInt\":\"9223372036854775808\"}",
        "{\"asInt\":1e300}",
        "{\"timeUnixNano\":-1}",
        "{\"timeUnixNano\":\"18446744073709551616\"}",
        "{\"asDouble\":\"inf\"}",
        "{\"asDouble\":1e999}",
        "{\"asDouble\":nan}",
        "{\"asDouble\":01}",
        "{\"asDouble\":1.}",
        "{\"asDouble\":-}",
        "{\"flags\":4294967296}",
        "{\"flags\":-1}",
        "{\"attributes\":{}}",
        "{\"attributes\":[[]]}",
        "{\"attributes\":[null]}",
        "{\"exemplars\":[{\"spanId\":\"abc\"}]}",
        "{\"exemplars\":[{\"spanId\":\"zz\"}]}",
        "{\"exemplars\":7}",
        "{\"attributes\":[{\"key\":1}]}",
        "{\"attributes\":[{\"value\":{\"boolValue\":\"true\"}}]}",
        "{\"attributes\":[{\"value\":{\"bytesValue\":\"A\"}}]}",
        "{\"attributes\":[{\"value\":{\"bytesValue\":\"AA=\"}}]}",
        "{\"attributes\":[{\"value\":{\"bytesValue\":\"A=A=\"}}]}",
        "{\"attributes\":[{\"value\":{\"bytesValue\":\"AAA===\"}}]}",
        "{\"attributes\":[{\"value\":{\"stringValue\":\"\\ud800\"}}]}",
        "{\"attributes\":[{\"value\":{\"stringValue\":\"\\udc00\\udc00\"}}]}",
        "{\"attributes\":[{\"value\":{\"stringValue\":\"\\x\"}}]}",
        "{\"attributes\":[{\"value\":{\"stringValue\":\"\n\"}}]}",
    };
    char text[512];
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        (void)snprintf(text, sizeof text, GAUGE("%s"), wrong[i]);
        if (otlp_json_check(text, strlen(text), &f, &e) == 0)
            fail_msg("taken: %s", wrong[i]);
        assert_int_equal(e.code, GF_E_RECORD);
        assert_memory_equal(e.text, PATH ".gauge.dataPoints[0].", strlen(PATH) + 21);
    }
    refused(METRIC("\"sum\":{\"aggregationTemporality\":\"AGGREGATION_TEMPORALITY_DELTA\"}"),
            PATH ".sum.aggregationTemporality: OTLP JSON has integers for names of this kind "
                 "(at byte 82)");
}

static void each_spelling_of_a_value_is_taken(void **state) {
    (void)state;
    taken(GAUGE("{\"asInt\":\"-9223372036854775808\",\"timeUnixNano\":18446744073709551615}"));
    taken(GAUGE("{\"asInt\":5.0,\"startTimeUnixNano\":15e2}"));
    taken(GAUGE("{\"asDouble\":\"-Infinity\"},{\"asDouble\":\"NaN\"},{\"asDouble\":\"1.5\"},"
                "{\"asDouble\":-0},{\"asDouble\":1E+2}"));
    taken(GAUGE("{\"attributes\":[{\"value\":{\"bytesValue\":\"A-_\\/\"}},"
                "{\"value\":{\"bytesValue\":\"AAA=\"}},{\"value\":{\"bytesValue\":\"AA\"}},"
                "{\"value\":{\"bytesValue\":\"\"}}]}"));
    taken(GAUGE("{\"exemplars\":[{\"spanId\":\"00aAFf\",\"traceId\":\"\"}]}"));
}

static void text_behind_or_no_object_is_refused(void **state) {
    (void)state;
    refused("", "the request: an object was expected (at byte 0)");
    refused("[]", "the request: an object was expected (at byte 0)");
    refused("{}{}", "the request: something behind the request (at byte 2)");
    refused("{", "the request: a string was expected (at byte 1)");
    refused("{\"a\":\"", "the request: a string that does not end (at byte 5)");
    refused("{\"\xff\":1}", "the request: not UTF-8");
}

static void values_nest_so_deep_and_no_deeper(void **state) {
    (void)state;
    for (int n = OTLP_DEPTH_MAX; n <= OTLP_DEPTH_MAX + 1; n++) {
        gf_buf_clear(&out);
        gf_buf_text(&out, "{\"resourceMetrics\":[{\"resource\":{\"attributes\":[{\"value\":{");
        for (int i = 1; i < n; i++)
            gf_buf_text(&out, "\"arrayValue\":{\"values\":[{");
        for (int i = 1; i < n; i++)
            gf_buf_text(&out, "}]}");
        gf_buf_text(&out, "}}]}}]}");
        assert_int_equal(otlp_json_check(out.data, out.len, &f, &e), n > OTLP_DEPTH_MAX ? -1 : 0);
    }
    assert_non_null(strstr(e.text, "values nested too deeply"));
}

static void a_denied_attribute_goes_and_one_comma_with_it(void **state) {
    (void)state;
    becomes(RES("[" KV("a") "]"), NULL);
    becomes(RES("[" KV("secret") "]"), RES("[]"));
    becomes(RES("[ " KV("secret") " ]"), RES("[  ]"));
    becomes(RES("[" KV("secret") "," KV("a") "]"), RES("[" KV("a") "]"));
    becomes(RES("[" KV("a") "," KV("secret") "]"), RES("[" KV("a") "]"));
    becomes(RES("[" KV("a") " , " KV("secret") " , " KV("b") "]"),
            RES("[" KV("a") " , " KV("b") "]"));
    becomes(RES("[ " KV("secret") " , " KV("host.id") " , " KV("b") " ]"), RES("[ " KV("b") " ]"));
    becomes(RES("[" KV("a") "," KV("secret") "," KV("host.id") "]"), RES("[" KV("a") "]"));
    becomes(RES("[" KV("secret") "," KV("host.id") "\n]"), RES("[\n]"));
    becomes(RES("[" KV("secret") "," KV("a") "," KV("host.id") "," KV("b") "]"),
            RES("[" KV("a") "," KV("b") "]"));
}

static void a_key_is_known_however_it_is_spelled(void **state) {
    (void)state;
    becomes(RES("[{\"\\u006bey\":\"\\u0073ecret\"}]"), RES("[]"));
    becomes(RES("[{\"value\":{\"intValue\":1},\"key\":\"host.name\"}]"), RES("[]"));
    becomes(RES("[{\"x\":{\"key\":\"secret\"},\"key\":\"a\"}]"), RES("[{\"key\":\"a\"}]"));
    becomes(RES("[{}]"), NULL);
    becomes(RES("[{\"key\":\"\"}]"), NULL);
}

static void members_that_nobody_knows_go_with_a_comma(void **state) {
    (void)state;
    becomes("{\"x\":1}", "{}");
    becomes("{ \"x\" : [1] , \"resourceMetrics\":[]}", "{ \"resourceMetrics\":[]}");
    becomes("{\"resourceMetrics\":[], \"x\":1 ,\"y\":{\"resource\":2}}",
            "{\"resourceMetrics\":[]}");
    becomes("{\"x\":1,\"resourceMetrics\":[],\"y\":2}", "{\"resourceMetrics\":[]}");
    becomes(RES("[" KV("secret") "],\"z\":" KV("secret")), RES("[]"));
    memset(&gone, 0, sizeof gone);
    becomes(
        RES("[{\"key\":\"a\",\"a \\u0022 name that is so long that it does not fit in where it is "
            "told to people\":1}]"),
        RES("[{\"key\":\"a\"}]"));
    assert_int_equal(gone.total, 1);
    assert_int_equal(strncmp(gone.keys[0].key, "unknown field a \\u0022 name", 27), 0);
    otlp_deny_free(deny);
    assert_int_equal(otlp_deny_new(NULL, 0, &deny, &e), 0);
    becomes("{\"x\":1,\"resourceMetrics\":[]}", NULL);
}

static void lists_within_values_are_looked_through(void **state) {
    (void)state;
#define LIST(x)                                                                                    \
    RES("[{\"key\":\"l\",\"value\":{\"arrayValue\":{\"values\":[{\"kvlistValue\":{\"values\":[" x  \
        "]}}]}}}]")
    becomes(LIST(KV("a") "," KV("secret")), LIST(KV("a")));
}

static void every_place_of_attributes_is_looked_at(void **state) {
    (void)state;
    char text[1024];
    for (int t = 1; t < OTLP_TYPES; t++) {
        const struct otlp_message *m = &otlp_schema[t];
        if (m->attributes == 0 || !m->is_point)
            continue;
        static const char *const kinds[OTLP_TYPES] = {[OTLP_NUMBER_POINT] = "sum",
                                                      [OTLP_HISTOGRAM_POINT] = "histogram",
                                                      [OTLP_EXPONENTIAL_POINT] =
                                                          "exponentialHistogram",
                                                      [OTLP_SUMMARY_POINT] = "summary"};
        gf_buf_clear(&out);
        int n = snprintf(text, sizeof text,
                         "{\"resourceMetrics\":[{\"scopeMetrics\":[{\"scope\":{\"attributes\":["
                         "%s]},\"metrics\":[{\"metadata\":[%s],\"%s\":{\"dataPoints\":[{"
                         "\"attributes\":[%s]}]}}]}]}]}",
                         KV("secret"), KV("secret"), kinds[t], KV("secret"));
        gone.total = 0;
        assert_int_equal(otlp_json_redact(text, (size_t)n, deny, &out, &gone, NULL, &e), 1);
        assert_int_equal(gone.total, 3);
        assert_null(strstr(out.data, "secret"));
    }
    becomes(GAUGE("{\"exemplars\":[{\"filteredAttributes\":[" KV("secret") "]}]}"),
            GAUGE("{\"exemplars\":[{\"filteredAttributes\":[]}]}"));
}

static void what_goes_must_be_well_formed_too(void **state) {
    (void)state;
    static const char text[] = RES("[{\"key\":\"secret\",\"value\":7}]");
    assert_int_equal(otlp_json_redact(text, strlen(text), deny, &out, &gone, NULL, &e), -1);
    assert_int_equal(gone.total, 0);
    assert_int_equal(out.len, 0);
}

static void a_real_clients_request_loses_what_the_default_names(void **state) {
    (void)state;
    struct gf_buf b;
    struct otlp_deny *d = NULL;
    struct otlp_facts after;
    size_t n = 0;
    while (otlp_deny_default[n] != NULL)
        n++;
    gf_buf_init(&b, 1 << 20);
    assert_int_equal(make_load("otlp_json/js-all-kinds", &b), 0);
    assert_int_equal(otlp_deny_new(otlp_deny_default, n, &d, &e), 0);
    assert_int_equal(otlp_json_redact(b.data, b.len, d, &out, &gone, &f, &e), 1);
    assert_int_equal(f.points, 6);
    assert_int_equal(f.delta, 1);
    assert_int_equal(gone.total, 4);
    assert_null(strstr(out.data, "node-17"));
    assert_null(strstr(out.data, "192.0.2.7"));
    assert_int_equal(otlp_json_check(out.data, out.len, &after, &e), 0);
    assert_true(make_same_facts(&f, &after));
    otlp_deny_free(d);
    gf_buf_free(&b);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(points_are_counted_and_their_times_bounded),
        TEST(names_that_are_not_known_are_ignored_whatever_they_hold),
        TEST(nesting_in_what_is_ignored_is_bounded),
        TEST(the_spelling_of_protobuf_is_refused),
        TEST(null_is_as_if_the_name_were_not_there),
        TEST(what_two_readers_could_read_differently_is_refused),
        TEST(values_must_have_the_type_of_their_field),
        TEST(each_spelling_of_a_value_is_taken),
        TEST(text_behind_or_no_object_is_refused),
        TEST(values_nest_so_deep_and_no_deeper),
        TEST(a_denied_attribute_goes_and_one_comma_with_it),
        TEST(a_key_is_known_however_it_is_spelled),
        TEST(members_that_nobody_knows_go_with_a_comma),
        TEST(lists_within_values_are_looked_through),
        TEST(every_place_of_attributes_is_looked_at),
        TEST(what_goes_must_be_well_formed_too),
        TEST(a_real_clients_request_loses_what_the_default_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
