/*
 * test_otlp_forms.c -- common/otlp_json.c and common/otlp_json_from.c: from protobuf to JSON and
 * back.
 */
#include "otlp_testing.h"

#include <fcntl.h>

#include "common/otlp_json.h"

static struct gf_buf b, json, back, again;
static struct gf_err e;

static int setup(void **state) {
    (void)state;
    gf_buf_init(&b, 1 << 20);
    gf_buf_init(&json, 1 << 20);
    gf_buf_init(&back, 1 << 20);
    gf_buf_init(&again, 1 << 20);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    gf_buf_free(&b);
    gf_buf_free(&json);
    gf_buf_free(&back);
    gf_buf_free(&again);
    return 0;
}

static void to_json(int pretty) {
    gf_buf_clear(&json);
    if (otlp_json_from_protobuf(b.data, b.len, pretty, &json, &e) == -1)
        fail_msg("%s", e.text);
}

static void to_protobuf(const char *text) {
    gf_buf_clear(&b);
    if (otlp_json_to_protobuf(text, strlen(text), &b, &e) == -1)
        fail_msg("%s", e.text);
}

/* JSON becomes protobuf and is the same JSON again. */
static void comes_back(const char *text) {
    to_protobuf(text);
    to_json(0);
    assert_string_equal(json.data, text);
}

#define POINT(x)                                                                                   \
    "{\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":[{\"gauge\":{\"dataPoints\":[{" x       \
    "}]}}]}]}]}"

static void every_field_of_the_schema_comes_back(void **state) {
    (void)state;
    comes_back(
        "{\"resourceMetrics\":[{\"resource\":{\"attributes\":[{\"key\":\"k\",\"value\":{"
        "\"kvlistValue\":{\"values\":[{\"key\":\"a\",\"value\":{\"bytesValue\":\"AP8+\"}},{\"key\":"
        "\"b\",\"value\":{\"arrayValue\":{\"values\":[{\"boolValue\":true},{\"boolValue\":false},{"
        "\"intValue\":\"-5\"},{\"doubleValue\":0.1},{}]}}}]}}}],\"droppedAttributesCount\":"
        "4294967295,\"entityRefs\":[{\"schemaUrl\":\"u\",\"type\":\"host\",\"idKeys\":[\"host.id\"]"
        ",\"descriptionKeys\":[\"a\",\"b\"]}]},\"scopeMetrics\":[{\"scope\":{\"name\":\"n\","
        "\"version\":\"v\",\"attributes\":[{\"key\":\"k\",\"value\":{\"stringValue\":\"\"}}],"
        "\"droppedAttributesCount\":1},\"metrics\":[{\"name\":\"n\",\"description\":\"d\",\"unit\":"
        "\"s\",\"gauge\":{\"dataPoints\":[{\"startTimeUnixNano\":\"1\",\"timeUnixNano\":"
        "\"18446744073709551615\",\"asDouble\":-1.5,\"exemplars\":[{\"timeUnixNano\":\"2\","
        "\"asDouble\":1,\"spanId\":\"0102030405060708\",\"traceId\":"
        "\"ff02030405060708090a0b0c0d0e0f10\",\"filteredAttributes\":[{\"key\":\"f\"}]},{\"asInt\":"
        "\"-1\"}],\"attributes\":[{\"key\":\"p\"}],\"flags\":1}]},\"metadata\":[{\"key\":\"m\"}]},{"
        "\"sum\":{\"dataPoints\":[{\"asInt\":\"-9223372036854775808\"}],"
        "\"aggregationTemporality\":2,\"isMonotonic\":true}},{\"histogram\":{\"dataPoints\":[{"
        "\"count\":\"3\",\"sum\":4.5,\"bucketCounts\":[\"1\",\"2\"],\"explicitBounds\":[0.5],"
        "\"exemplars\":[{}],\"attributes\":[{}],\"flags\":0,\"min\":0,\"max\":3}],"
        "\"aggregationTemporality\":1}},{\"exponentialHistogram\":{\"dataPoints\":[{\"attributes\":"
        "[{}],\"count\":\"3\",\"sum\":1e+300,\"scale\":-2147483648,\"zeroCount\":\"1\",\"positive\""
        ":{\"offset\":2147483647,\"bucketCounts\":[\"18446744073709551615\",\"0\"]},\"negative\":{"
        "\"offset\":-1},\"flags\":1,\"exemplars\":[{}],\"min\":-1,\"max\":1,\"zeroThreshold\":"
        "0.001}],\"aggregationTemporality\":2}},{\"summary\":{\"dataPoints\":[{\"count\":\"1\","
        "\"sum\":2,\"quantileValues\":[{\"quantile\":0.99,\"value\":7}],\"attributes\":[{}],"
        "\"flags\":1}]}}],\"schemaUrl\":\"s\"}],\"schemaUrl\":\"r\"}]}");
}

static void doubles_come_back_to_the_bit_in_the_fewest_digits(void **state) {
    (void)state;
    static const char *const spelled[] = {
        "0",
        "-0",
        "1",
        "-1.5",
        "0.1",
        "0.30000000000000004",
        "1e+22",
        "5e-324",
        "1000000",
        "1.7976931348623157e+308",
        "2.2250738585072014e-308",
        "\"NaN\"",
        "\"Infinity\"",
        "\"-Infinity\"",
        "123456789012345",
    };
    char text[256];
    for (size_t i = 0; i < sizeof spelled / sizeof *spelled; i++) {
        (void)snprintf(text, sizeof text, POINT("\"asDouble\":%s"), spelled[i]);
        comes_back(text);
    }
    /* Any bits at all but those of NaN, which JSON has one of. */
    uint64_t bits = 0x9E3779B97F4A7C15U;
    for (int i = 0; i < 2000; i++) {
        bits = bits * 6364136223846793005U + 1442695040888963407U;
        if ((bits >> 52 & 0x7FF) == 0x7FF)
            continue;
        gf_buf_clear(&b);
        struct make_open o = make_begin(&b, OTLP_METRIC_GAUGE);
        size_t point = otlp_put_open(&b, OTLP_POINTS);
        otlp_put_eight(&b, OTLP_POINT_DOUBLE, bits);
        otlp_put_close(&b, point);
        make_end(&b, o);
        to_json(0);
        gf_buf_clear(&back);
        assert_int_equal(otlp_json_to_protobuf(json.data, json.len, &back, &e), 0);
        assert_int_equal(back.len, b.len);
        assert_memory_equal(back.data, b.data, b.len);
    }
}

static void what_stands_apart_in_protobuf_is_one_array(void **state) {
    (void)state;
    size_t rm = otlp_put_open(&b, 1), at = otlp_put_open(&b, OTLP_CONTEXT);
    make_attribute(&b, 1, "a", "1");
    otlp_put_uint(&b, 2, 7);
    make_attribute(&b, 1, "b", "2");
    otlp_put_close(&b, at);
    otlp_put_close(&b, rm);
    to_json(0);
    assert_string_equal(json.data, "{\"resourceMetrics\":[{\"resource\":{\"attributes\":[{\"key\":"
                                   "\"a\",\"value\":{\"stringValue\":\"1\"}},{\"key\":\"b\","
                                   "\"value\":{\"stringValue\":\"2\"}}],\"droppedAttributesCount\":"
                                   "7}}]}");
}

static void packed_and_single_values_are_one_array(void **state) {
    (void)state;
    struct make_open o = make_begin(&b, OTLP_METRIC_EXPONENTIAL);
    size_t point = otlp_put_open(&b, OTLP_POINTS), buckets = otlp_put_open(&b, 8);
    otlp_put_uint(&b, 2, 1);
    make_text(&b, 2, "\x02\x83\x01");
    otlp_put_uint(&b, 2, 4);
    otlp_put_close(&b, buckets);
    otlp_put_close(&b, point);
    make_end(&b, o);
    to_json(0);
    assert_non_null(strstr(json.data, "\"bucketCounts\":[\"1\",\"2\",\"131\",\"4\"]"));
}

static void text_is_fit_to_be_looked_at_and_means_the_same(void **state) {
    (void)state;
    comes_back(POINT("\"attributes\":[{\"key\":\"\\u0000\\u001b[2J\\u202e\\\"\\\\\\n\xc3\xa9\"}]"));
}

static void escapes_become_what_they_mean(void **state) {
    (void)state;
    to_protobuf(POINT("\"attributes\":[{\"key\":\"\\u0041\\/\\u00e9\\u20AC\\ud83d\\ude00\\b\"}]"));
    assert_non_null(memmem(b.data, b.len, "A/\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\b", 12));
}

static void people_get_lines_that_mean_the_same(void **state) {
    (void)state;
    to_protobuf(POINT("\"asDouble\":1,\"attributes\":[{\"key\":\"k\"},{}]"));
    to_json(1);
    assert_string_equal(json.data, "{\n"
                                   "  \"resourceMetrics\": [\n"
                                   "    {\n"
                                   "      \"scopeMetrics\": [\n"
                                   "        {\n"
                                   "          \"metrics\": [\n"
                                   "            {\n"
                                   "              \"gauge\": {\n"
                                   "                \"dataPoints\": [\n"
                                   "                  {\n"
                                   "                    \"asDouble\": 1,\n"
                                   "                    \"attributes\": [\n"
                                   "                      {\n"
                                   "                        \"key\": \"k\"\n"
                                   "                      },\n"
                                   "                      {}\n"
                                   "                    ]\n"
                                   "                  }\n"
                                   "                ]\n"
                                   "              }\n"
                                   "            }\n"
                                   "          ]\n"
                                   "        }\n"
                                   "      ]\n"
                                   "    }\n"
                                   "  ]\n"
                                   "}");
    assert_int_equal(otlp_json_to_protobuf(json.data, json.len, &back, &e), 0);
    assert_int_equal(back.len, b.len);
    assert_memory_equal(back.data, b.data, b.len);
}

/* Take out every occurrence. */
static void strip(char *text, const char *what) {
    size_t n = strlen(what);
    for (char *at = text; (at = strstr(at, what)) != NULL;)
        memmove(at, at + n, strlen(at + n) + 1);
}

/* JSON without digits of times and without values that protobuf does not write. */
static void plain(char *text) {
    static const char name[] = "imeUnixNano\":\"";
    for (char *at = text; (at = strstr(at, name)) != NULL;)
        for (at += strlen(name); *at != '"'; at++)
            *at = '0';
    strip(text, "\"description\":\"\",");
    strip(text, "\"unit\":\"\",");
    strip(text, ",\"isMonotonic\":false");
    strip(text, "\"offset\":0");
}

static void a_real_clients_two_forms_say_the_same(void **state) {
    (void)state;
    /* The same measurements, sent as JSON and as protobuf at two times. */
    assert_int_equal(make_load("otlp/js-all-kinds", &b), 0);
    to_json(0);
    plain(json.data);
    gf_buf_text(&again, json.data);
    assert_int_equal(make_load("otlp_json/js-all-kinds", &back), 0);
    to_protobuf(back.data);
    to_json(0);
    plain(json.data);
    assert_string_equal(json.data, again.data);
}

static void the_specifications_example_comes_back(void **state) {
    (void)state;
    const char *fixtures = getenv("GAPFERRY_FIXTURES");
    char path[1024];
    if (fixtures == NULL || *fixtures == '\0')
        skip();
    (void)snprintf(path, sizeof path, "%s/otlp/metrics.json", fixtures);
    assert_int_equal(gf_file_load(AT_FDCWD, path, 1 << 20, &back, &e), 0);
    to_protobuf(back.data);
    to_json(1);
    assert_non_null(strstr(json.data, "\"my.exponential.histogram\""));
    gf_buf_add(&again, b.data, b.len);
    to_protobuf(json.data);
    to_json(1);
    gf_buf_clear(&back);
    gf_buf_add(&back, json.data, json.len);
    gf_buf_clear(&b);
    gf_buf_add(&b, again.data, again.len);
    to_json(1);
    assert_string_equal(json.data, back.data);
}

static void what_is_no_request_is_not_written(void **state) {
    (void)state;
    gf_buf_text(&json, "x");
    assert_int_equal(otlp_json_from_protobuf("\x0a", 1, 0, &json, &e), -1);
    assert_string_equal(json.data, "x");
    assert_int_equal(otlp_json_to_protobuf("{\"resourceMetrics\":[{},1]}", 26, &json, &e), -1);
    assert_int_equal(json.len, 1);
    struct gf_buf small;
    gf_buf_init(&small, 10);
    assert_int_equal(otlp_json_from_protobuf("\x0a\x00", 2, 0, &small, &e), -1);
    assert_int_equal(e.code, GF_E_LIMIT);
    assert_int_equal(small.len, 0);
    gf_buf_free(&small);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(every_field_of_the_schema_comes_back),
        TEST(doubles_come_back_to_the_bit_in_the_fewest_digits),
        TEST(what_stands_apart_in_protobuf_is_one_array),
        TEST(packed_and_single_values_are_one_array),
        TEST(text_is_fit_to_be_looked_at_and_means_the_same),
        TEST(escapes_become_what_they_mean),
        TEST(people_get_lines_that_mean_the_same),
        TEST(a_real_clients_two_forms_say_the_same),
        TEST(the_specifications_example_comes_back),
        TEST(what_is_no_request_is_not_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
