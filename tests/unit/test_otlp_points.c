/*
 * test_otlp_points.c -- common/otlp_points.c, common/otlp_points_text.c, common/otlp_split.c.
 */
#include "otlp_testing.h"

#include "common/otlp_json.h"
#include "common/otlp_split.h"

static struct gf_buf b, out, all;
static struct gf_err e;
static struct otlp_points it;
static struct otlp_point p;

static int setup(void **state) {
    (void)state;
    gf_buf_init(&b, 1 << 24);
    gf_buf_init(&out, 1 << 24);
    gf_buf_init(&all, 1 << 24);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    gf_buf_free(&b);
    gf_buf_free(&out);
    gf_buf_free(&all);
    return 0;
}

static void from_json(const char *text) {
    gf_buf_clear(&b);
    if (otlp_json_to_protobuf(text, strlen(text), &b, &e) == -1)
        fail_msg("%s", e.text);
}

static void is(struct otlp_span s, const char *text) {
    assert_int_equal(s.end - s.at, strlen(text));
    assert_memory_equal(s.at, text, strlen(text));
}

static void begin(void) {
    assert_int_equal(otlp_points_open(&it, b.data, b.len, &e), 0);
}

static void a_point_comes_with_all_that_is_around_it(void **state) {
    (void)state;
    /* Names and contexts stand behind what they belong to. */
    from_json(
        "{\"resourceMetrics\":[{},{\"scopeMetrics\":[{\"metrics\":[{\"gauge\":{}},{\"name\":"
        "\"none\"},{\"sum\":{\"dataPoints\":[{\"asInt\":\"-7\",\"timeUnixNano\":\"5\","
        "\"startTimeUnixNano\":\"4\",\"attributes\":[{\"key\":\"k\",\"value\":{\"intValue\":\"1\"}}"
        ",{\"key\":\"l\"}]},{\"asDouble\":2.5,\"flags\":1},{}],\"isMonotonic\":true,"
        "\"aggregationTemporality\":2},\"name\":\"requests\",\"unit\":\"1\"}],\"scope\":{\"name\":"
        "\"sc\",\"version\":\"v\"}}],\"resource\":{\"attributes\":[{\"key\":\"r\",\"value\":{"
        "\"boolValue\":true}}]}},{\"scopeMetrics\":[{\"metrics\":[{\"histogram\":{\"dataPoints\":[{"
        "\"flags\":1}],\"aggregationTemporality\":1}}]}]}]}");
    begin();
    assert_int_equal(otlp_points_next(&it, &p), 1);
    is(p.name, "requests");
    is(p.unit, "1");
    is(p.scope_name, "sc");
    is(p.scope_version, "v");
    assert_int_equal(p.kind, OTLP_METRIC_SUM);
    assert_int_equal(p.temporality, OTLP_CUMULATIVE);
    assert_int_equal(p.monotonic, 1);
    assert_int_equal(p.start, 4);
    assert_int_equal(p.time, 5);
    assert_int_equal(p.value, OTLP_SFIXED64);
    assert_int_equal(p.as_int, -7);
    assert_int_equal(p.no_value, 0);

    struct otlp_attributes attributes;
    struct otlp_attribute a;
    otlp_points_attributes(&attributes, OTLP_RESOURCE, p.resource);
    assert_int_equal(otlp_points_attribute(&attributes, &a), 1);
    is(a.key, "r");
    assert_int_equal(a.kind, OTLP_BOOL);
    assert_int_equal(a.bits, 1);
    assert_int_equal(otlp_points_attribute(&attributes, &a), 0);
    otlp_points_attributes(&attributes, p.type, p.span);
    assert_int_equal(otlp_points_attribute(&attributes, &a), 1);
    is(a.key, "k");
    assert_int_equal(otlp_points_attribute(&attributes, &a), 1);
    is(a.key, "l");
    assert_int_equal(a.kind, OTLP_NONE);
    assert_int_equal(otlp_points_attribute(&attributes, &a), 0);
    otlp_points_attributes(&attributes, OTLP_SCOPE, p.scope);
    assert_int_equal(otlp_points_attribute(&attributes, &a), 0);

    assert_int_equal(otlp_points_next(&it, &p), 1);
    assert_int_equal(p.value, OTLP_DOUBLE);
    assert_true(p.as_double == 2.5);
    assert_int_equal(p.time, 0);
    assert_int_equal(p.no_value, 1);

    /* Nothing is left over from the point before. */
    assert_int_equal(otlp_points_next(&it, &p), 1);
    assert_int_equal(p.no_value, 0);
    assert_int_equal(p.value, OTLP_NONE);
    assert_int_equal(otlp_points_next(&it, &p), 1);
    assert_int_equal(p.kind, OTLP_METRIC_HISTOGRAM);
    assert_int_equal(p.temporality, OTLP_DELTA);
    assert_int_equal(p.monotonic, 0);
    assert_int_equal(p.value, OTLP_NONE);
    assert_int_equal(p.no_value, 1);
    is(p.name, "");
    is(p.resource, "");
    is(p.scope_name, "");
    assert_int_equal(otlp_points_next(&it, &p), 0);
    assert_int_equal(otlp_points_next(&it, &p), 0);
}

static void a_kind_without_temporality_has_none(void **state) {
    (void)state;
    struct make_open o = make_begin(&b, OTLP_METRIC_GAUGE);
    otlp_put_uint(&b, OTLP_TEMPORALITY, OTLP_DELTA); /* an unknown field of a gauge */
    otlp_put_uint(&b, OTLP_MONOTONIC, 1);
    make_point(&b, 1, 1, NULL);
    make_end(&b, o);
    begin();
    assert_int_equal(otlp_points_next(&it, &p), 1);
    assert_int_equal(p.temporality, 0);
    assert_int_equal(p.monotonic, 0);
}

static void each_point_of_a_real_request_is_seen_once(void **state) {
    (void)state;
    static const char *const names[] = {"size", "requests", "requests", "depth", "latency", "temp"};
    assert_int_equal(make_load("otlp/js-all-kinds", &b), 0);
    begin();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_int_equal(otlp_points_next(&it, &p), 1);
        is(p.name, names[i]);
        is(p.scope_name, "acme");
        assert_true(p.time > 1700000000000000000U);
    }
    assert_true(p.value == OTLP_DOUBLE && p.as_double == 21.25);
    assert_int_equal(otlp_points_next(&it, &p), 0);
}

static void values_become_words(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"{\"stringValue\":\"a \\\"b\\\"\"}", "a \"b\""},
        {"{\"boolValue\":false}", "false"},
        {"{\"intValue\":\"-9223372036854775808\"}", "-9223372036854775808"},
        {"{\"doubleValue\":0.1}", "0.1"},
        {"{\"doubleValue\":\"-Infinity\"}", "-Infinity"},
        {"{\"bytesValue\":\"AP8=\"}", "AP8="},
        {"{}", ""},
        {"{\"arrayValue\":{}}", "[]"},
        {"{\"arrayValue\":{\"values\":[{\"stringValue\":\"\\\"\"},{\"intValue\":\"1\"},{},{"
         "\"doubleValue\":\"NaN\"},{\"bytesValue\":\"AA==\"},{\"boolValue\":true},{"
         "\"doubleValue\":1.5}]}}",
         "[\"\\\"\",1,null,\"NaN\",\"AA==\",true,1.5]"},
        {"{\"kvlistValue\":{\"values\":[{\"key\":\"a\",\"value\":{\"kvlistValue\":{}}},{\"key\":"
         "\"b\"},{\"value\":{\"arrayValue\":{\"values\":[{\"stringValue\":\"x\"}]}}}]}}",
         "{\"a\":{},\"b\":null,\"\":[\"x\"]}"},
    };
    char text[512];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        (void)snprintf(text, sizeof text,
                       "{\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":[{\"gauge\":{"
                       "\"dataPoints\":[{\"attributes\":[{\"key\":\"k\",\"value\":%s}]}]}}]}]}]}",
                       cases[i][0]);
        from_json(text);
        begin();
        assert_int_equal(otlp_points_next(&it, &p), 1);
        struct otlp_attributes attributes;
        struct otlp_attribute a;
        otlp_points_attributes(&attributes, p.type, p.span);
        assert_int_equal(otlp_points_attribute(&attributes, &a), 1);
        gf_buf_clear(&out);
        otlp_points_text(&a, &out);
        assert_string_equal(out.data ? out.data : "", cases[i][1]);
    }
}

/* All that a request says of its points, one after the other. */
static void say(const struct gf_buf *request, struct gf_buf *to) {
    struct otlp_points points;
    struct otlp_point at;
    assert_int_equal(otlp_points_open(&points, request->data, request->len, &e), 0);
    while (otlp_points_next(&points, &at)) {
        struct otlp_span parts[] = {at.resource, at.scope, at.name, at.unit, at.span};
        gf_buf_printf(to, "|%u %d %d", at.kind, at.temporality, at.monotonic);
        for (size_t i = 0; i < 5; i++) {
            gf_buf_byte(to, '|');
            gf_buf_add(to, parts[i].at, (size_t)(parts[i].end - parts[i].at));
        }
    }
}

/* Several resources, scopes and metrics, with unknown fields between. */
static void make_many(void) {
    gf_buf_clear(&b);
    for (int r = 0; r < 3; r++) {
        size_t rm = otlp_put_open(&b, 1);
        make_text(&b, 99, "unknown");
        for (int s = 0; s < 2; s++) {
            size_t sm = otlp_put_open(&b, OTLP_CHILDREN);
            for (int m = 0; m < 4; m++) {
                size_t metric = otlp_put_open(&b, OTLP_CHILDREN);
                size_t data = otlp_put_open(&b, OTLP_METRIC_SUM);
                for (int i = 0; i < m * 5; i++) {
                    make_point(&b, 1000 + (uint64_t)i, r + s + m, i % 2 ? "odd" : NULL);
                    if (i == 3)
                        make_text(&b, 77, "between");
                }
                otlp_put_uint(&b, OTLP_TEMPORALITY, (uint64_t)(m % 3));
                otlp_put_close(&b, data);
                make_text(&b, OTLP_METRIC_NAME, m % 2 ? "one" : "two");
                otlp_put_close(&b, metric);
            }
            size_t scope = otlp_put_open(&b, OTLP_CONTEXT);
            make_text(&b, 1, s ? "a" : "b");
            otlp_put_close(&b, scope);
            otlp_put_close(&b, sm);
        }
        size_t resource = otlp_put_open(&b, OTLP_CONTEXT);
        make_attribute(&b, 1, "number", r == 0 ? "0" : r == 1 ? "1" : "2");
        otlp_put_close(&b, resource);
        otlp_put_close(&b, rm);
    }
}

/* Split b; all pieces together must say what it said. Returns the number of pieces. */
static unsigned split(size_t max_bytes, uint64_t max_points) {
    struct otlp_split *s = NULL;
    struct otlp_facts f;
    struct otlp_span name;
    uint64_t points;
    unsigned pieces = 0;
    struct gf_buf said;

    gf_buf_init(&said, 1 << 24);
    gf_buf_clear(&all);
    say(&b, &all);
    assert_int_equal(otlp_split_new(b.data, b.len, max_bytes, max_points, &s, &e), 0);
    for (;;) {
        gf_buf_clear(&out);
        int rc = otlp_split_next(s, &out, &points, &e);
        assert_int_not_equal(rc, -1);
        if (rc == 0)
            break;
        pieces++;
        assert_true(out.len <= max_bytes && points <= max_points);
        assert_int_equal(otlp_check(out.data, out.len, &f, &e), 0);
        assert_int_equal(f.points, points);
        say(&out, &said);
    }
    assert_int_equal(otlp_split_too_large(s, &name), 0);
    assert_int_equal(said.len, all.len);
    assert_memory_equal(said.data, all.data, all.len);
    otlp_split_free(s);
    gf_buf_free(&said);
    return pieces;
}

static void pieces_together_say_what_the_request_said(void **state) {
    (void)state;
    make_many();
    assert_int_equal(split(1 << 20, UINT64_MAX), 1);
    for (size_t max = 180; max < 1000; max += 7)
        assert_true(split(max, UINT64_MAX) > 5);
    for (uint64_t points = 1; points < 60; points += 6)
        assert_int_equal(split(1 << 20, points), (180 + points - 1) / points);
}

static void a_piece_is_as_full_as_may_be(void **state) {
    (void)state;
    struct make_open o = make_begin(&b, OTLP_METRIC_GAUGE);
    for (uint64_t i = 0; i < 1000; i++)
        make_point(&b, i, 1, NULL);
    make_end(&b, o);
    /* 20 bytes a point, and fewer than 20 around them with 16 that may stay unused. */
    assert_int_equal(split(10 * 20 + 40, UINT64_MAX), 100);
    assert_int_equal(split(b.len + 16, UINT64_MAX), 1);
}

static void a_request_of_one_piece_keeps_its_bytes(void **state) {
    (void)state;
    struct otlp_split *s = NULL;
    uint64_t points;
    struct make_open o = make_begin(&b, OTLP_METRIC_GAUGE);
    make_point(&b, 1, 1, "k");
    make_end(&b, o);
    assert_int_equal(otlp_split_new(b.data, b.len, 1000, 10, &s, &e), 0);
    assert_int_equal(otlp_split_next(s, &out, &points, &e), 1);
    assert_int_equal(out.len, b.len);
    assert_memory_equal(out.data, b.data, b.len);
    assert_int_equal(otlp_split_next(s, &out, &points, &e), 0);
    otlp_split_free(s);
}

static void a_point_that_is_too_large_is_left_out_and_told(void **state) {
    (void)state;
    struct otlp_split *s = NULL;
    struct otlp_span name;
    uint64_t points;
    char key[300];
    memset(key, 'k', sizeof key - 1);
    key[sizeof key - 1] = '\0';
    struct make_open o = make_begin(&b, OTLP_METRIC_GAUGE);
    make_point(&b, 1, 1, key);
    make_point(&b, 2, 1, NULL);
    make_point(&b, 3, 1, key);
    make_point(&b, 4, 1, NULL);
    make_end(&b, o);
    assert_int_equal(otlp_split_new(b.data, b.len, 200, 10, &s, &e), 0);
    assert_int_equal(otlp_split_next(s, &out, &points, &e), 1);
    assert_int_equal(points, 1);
    assert_int_equal(otlp_split_next(s, &out, &points, &e), 1);
    assert_int_equal(points, 1);
    assert_int_equal(otlp_split_next(s, &out, &points, &e), 0);
    assert_int_equal(otlp_split_too_large(s, &name), 2);
    is(name, "m");
    otlp_split_free(s);
}

static void requests_without_points_have_no_pieces(void **state) {
    (void)state;
    struct otlp_split *s = NULL;
    uint64_t points;
    from_json("{\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":[{\"name\":\"n\"}]}]}]}");
    assert_int_equal(otlp_split_new(b.data, b.len, 100, 10, &s, &e), 0);
    assert_int_equal(otlp_split_next(s, &out, &points, &e), 0);
    assert_int_equal(out.len, 0);
    otlp_split_free(s);
    s = NULL;
    assert_int_equal(otlp_split_new("\x0a", 1, 100, 10, &s, &e), -1);
    assert_int_equal(otlp_points_open(&it, "\x0a", 1, &e), -1);
    assert_null(s);
}

static void a_full_buffer_is_an_error(void **state) {
    (void)state;
    struct otlp_split *s = NULL;
    struct gf_buf small;
    uint64_t points;
    make_many();
    gf_buf_init(&small, 100);
    gf_buf_text(&small, "x");
    assert_int_equal(otlp_split_new(b.data, b.len, 1000, 1000, &s, &e), 0);
    assert_int_equal(otlp_split_next(s, &small, &points, &e), -1);
    assert_int_equal(small.len, 1);
    otlp_split_free(s);
    gf_buf_free(&small);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_point_comes_with_all_that_is_around_it),
        TEST(a_kind_without_temporality_has_none),
        TEST(each_point_of_a_real_request_is_seen_once),
        TEST(values_become_words),
        TEST(pieces_together_say_what_the_request_said),
        TEST(a_piece_is_as_full_as_may_be),
        TEST(a_request_of_one_piece_keeps_its_bytes),
        TEST(a_point_that_is_too_large_is_left_out_and_told),
        TEST(requests_without_points_have_no_pieces),
        TEST(a_full_buffer_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
