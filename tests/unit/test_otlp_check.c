/*
 * test_otlp_check.c -- common/otlp_check.c, common/otlp_walk.c, common/otlp_schema.c.
 */
#include "otlp_testing.h"

#include "common/otlp.h"
#include "common/otlp_facts.h"
#include "common/otlp_path.h"

static struct gf_buf b;
static struct gf_err e;
static struct otlp_facts f;

static int setup(void **state) {
    (void)state;
    gf_buf_init(&b, OTLP_MAX + 1024);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    gf_buf_free(&b);
    return 0;
}

static int check(void) {
    assert_int_equal(b.failed, 0);
    return otlp_check(b.data, b.len, &f, &e);
}

static void refused(const char *text) {
    assert_int_equal(check(), -1);
    assert_int_equal(e.code, GF_E_RECORD);
    assert_string_equal(e.text, text);
}

static void each_submessage_and_list_of_the_schema_is_one(void **state) {
    (void)state;
    for (int t = 0; t < OTLP_TYPES; t++) {
        for (int n = 0; n < OTLP_NUMBERS; n++) {
            const struct otlp_field *field = &otlp_schema[t].field[n];
            assert_int_equal(field->name == NULL, field->kind == OTLP_NONE);
            if (field->type != 0)
                assert_int_equal(field->kind, OTLP_MESSAGE);
            if (field->kind == OTLP_MESSAGE)
                assert_in_range(field->type, 1, OTLP_TYPES - 1);
            if (field->type == OTLP_KEY_VALUE) {
                assert_int_equal(field->repeated, 1);
                assert_int_equal(otlp_schema[t].attributes, n);
            }
        }
    }
}

static void an_empty_request_is_one_without_points(void **state) {
    (void)state;
    f.points = 9;
    assert_int_equal(otlp_check("", 0, &f, &e), 0);
    assert_int_equal(f.points, 0);
    assert_int_equal(f.earliest, 0);
}

static void points_are_counted_and_their_times_bounded(void **state) {
    (void)state;
    struct make_open o = make_begin(&b, OTLP_METRIC_GAUGE);
    make_point(&b, 2000, 1, "a");
    make_point(&b, 0, 1, NULL);
    make_point(&b, 1000, 1, NULL);
    make_end(&b, o);
    o = make_begin(&b, OTLP_METRIC_SUMMARY);
    size_t point = otlp_put_open(&b, OTLP_POINTS);
    otlp_put_eight(&b, OTLP_POINT_TIME, 3000);
    otlp_put_eight(&b, OTLP_POINT_START, 10);
    otlp_put_close(&b, point);
    make_end(&b, o);
    assert_int_equal(check(), 0);
    assert_int_equal(f.points, 4);
    assert_int_equal(f.earliest, 1000);
    assert_int_equal(f.latest, 3000);
    assert_int_equal(f.delta, 0);
}

static void the_time_of_an_exemplar_is_no_points(void **state) {
    (void)state;
    struct make_open o = make_begin(&b, OTLP_METRIC_GAUGE);
    size_t point = otlp_put_open(&b, OTLP_POINTS);
    otlp_put_eight(&b, OTLP_POINT_TIME, 3000);
    size_t exemplar = otlp_put_open(&b, 5);
    otlp_put_eight(&b, 2, 7);
    otlp_put_close(&b, exemplar);
    otlp_put_close(&b, point);
    make_end(&b, o);
    assert_int_equal(check(), 0);
    assert_int_equal(f.points, 1);
    assert_int_equal(f.earliest, 3000);
}

static void delta_is_seen_in_every_kind_that_has_it(void **state) {
    (void)state;
    static const uint32_t kinds[] = {OTLP_METRIC_SUM, OTLP_METRIC_HISTOGRAM,
                                     OTLP_METRIC_EXPONENTIAL};
    for (size_t i = 0; i < 3; i++) {
        for (uint64_t temporality = 1; temporality <= 2; temporality++) {
            gf_buf_clear(&b);
            struct make_open o = make_begin(&b, kinds[i]);
            otlp_put_uint(&b, OTLP_TEMPORALITY, temporality);
            make_end(&b, o);
            assert_int_equal(check(), 0);
            assert_int_equal(f.delta, temporality == OTLP_DELTA);
        }
    }
    gf_buf_clear(&b);
    size_t rm = otlp_put_open(&b, 1), at = otlp_put_open(&b, OTLP_CONTEXT);
    otlp_put_uint(&b, 2, 1); /* droppedAttributesCount */
    otlp_put_close(&b, at);
    otlp_put_close(&b, rm);
    assert_int_equal(check(), 0);
    assert_int_equal(f.delta, 0);
}

static void scalars_may_be_packed_or_not(void **state) {
    (void)state;
    static const uint8_t two[16] = {1}, three[] = {1, 0x80, 1, 2};
    struct make_open o = make_begin(&b, OTLP_METRIC_HISTOGRAM);
    size_t point = otlp_put_open(&b, OTLP_POINTS);
    otlp_put_bytes(&b, 6, two, sizeof two);
    otlp_put_eight(&b, 6, 1);
    otlp_put_close(&b, point);
    make_end(&b, o);
    o = make_begin(&b, OTLP_METRIC_EXPONENTIAL);
    point = otlp_put_open(&b, OTLP_POINTS);
    size_t buckets = otlp_put_open(&b, 8);
    otlp_put_bytes(&b, 2, three, sizeof three);
    otlp_put_uint(&b, 2, 5);
    otlp_put_close(&b, buckets);
    otlp_put_close(&b, point);
    make_end(&b, o);
    assert_int_equal(check(), 0);
}

static void packed_values_must_be_whole(void **state) {
    (void)state;
    struct make_open o = make_begin(&b, OTLP_METRIC_HISTOGRAM);
    size_t point = otlp_put_open(&b, OTLP_POINTS);
    make_text(&b, 6, "123456789");
    otlp_put_close(&b, point);
    make_end(&b, o);
    refused(
        "resourceMetrics[0].scopeMetrics[0].metrics[0].histogram.dataPoints[0].bucketCounts[0]: "
        "packed values that are not eight bytes each");
    gf_buf_clear(&b);
    o = make_begin(&b, OTLP_METRIC_EXPONENTIAL);
    point = otlp_put_open(&b, OTLP_POINTS);
    size_t buckets = otlp_put_open(&b, 9);
    make_text(&b, 2, "\x01\x80");
    otlp_put_close(&b, buckets);
    otlp_put_close(&b, point);
    make_end(&b, o);
    assert_int_equal(check(), -1);
    assert_non_null(strstr(e.text, "negative.bucketCounts[0]: a varint that is cut off"));
}

static void unknown_fields_are_no_error(void **state) {
    (void)state;
    make_text(&b, 1000, "anything");
    otlp_put_eight(&b, 2, 1);
    otlp_put_tag(&b, 3, OTLP_FOUR);
    gf_buf_add(&b, "1234", 4);
    assert_int_equal(check(), 0);
}

static void a_wrong_wire_type_is_refused_with_its_path(void **state) {
    (void)state;
    struct make_open o = make_begin(&b, OTLP_METRIC_SUM);
    make_point(&b, 1, 1, NULL);
    size_t point = otlp_put_open(&b, OTLP_POINTS);
    make_attribute(&b, 7, "a", "b");
    size_t kv = otlp_put_open(&b, 7);
    otlp_put_uint(&b, OTLP_KEY, 1);
    otlp_put_close(&b, kv);
    otlp_put_close(&b, point);
    make_end(&b, o);
    refused("resourceMetrics[0].scopeMetrics[0].metrics[0].sum.dataPoints[1].attributes[1].key: "
            "a wire type that the field does not have");
    gf_buf_clear(&b);
    otlp_put_uint(&b, 1, 0);
    refused("resourceMetrics[0]: a wire type that the field does not have");
}

static void what_two_readers_could_read_differently_is_refused(void **state) {
    (void)state;
    size_t rm = otlp_put_open(&b, 1);
    otlp_put_bytes(&b, OTLP_CONTEXT, "", 0);
    otlp_put_bytes(&b, OTLP_CONTEXT, "", 0);
    otlp_put_close(&b, rm);
    refused("resourceMetrics[0].resource: it stands twice, and may stand once");

    gf_buf_clear(&b);
    struct make_open o = make_begin(&b, OTLP_METRIC_SUM);
    otlp_put_close(&b, o.kind);
    o.kind = otlp_put_open(&b, OTLP_METRIC_GAUGE);
    make_end(&b, o);
    refused("resourceMetrics[0].scopeMetrics[0].metrics[0].gauge: a second one where there may be "
            "one of several");

    gf_buf_clear(&b);
    o = make_begin(&b, OTLP_METRIC_GAUGE);
    otlp_put_close(&b, o.kind);
    o.kind = otlp_put_open(&b, OTLP_METRIC_GAUGE);
    make_end(&b, o);
    assert_int_equal(check(), -1);
}

static void broken_fields_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
        const char *text;
    } cases[] = {
        {"\x0b", 1, "resourceMetrics[0]: a group, which OTLP does not have"},
        {"\x0c", 1, "resourceMetrics[0]: a group, which OTLP does not have"},
        {"\x0e", 1, "resourceMetrics[0]: a wire type that protobuf does not have"},
        {"\x02\x00", 2, "the request: a field number that protobuf does not have"},
        {"\x82\x80\x80\x80\x80\x01\x00", 7,
         "the request: a field number that protobuf does not have"},
        {"\x0a\x05\x01", 3, "resourceMetrics[0]: a length beyond the end"},
        {"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11,
         "resourceMetrics[0]: a length beyond the end"},
        {"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 11,
         "resourceMetrics[0]: a varint of more than 64 bits"},
        {"\x0a\x80", 2, "resourceMetrics[0]: a varint that is cut off"},
        {"\x80", 1, "the request: a varint that is cut off"},
        {"\x11\x01\x02", 3, "field 2: a field that is cut off"},
        {"\x15\x01\x02", 3, "field 2: a field that is cut off"},
        {"\x0a\x00\x0a\x02\x1a\x01", 6, "resourceMetrics[1].schemaUrl: a length beyond the end"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        gf_buf_clear(&b);
        gf_buf_add(&b, cases[i].bytes, cases[i].len);
        refused(cases[i].text);
    }
}

static void text_must_be_utf8_and_may_hold_nul(void **state) {
    (void)state;
    size_t rm = otlp_put_open(&b, 1);
    otlp_put_bytes(&b, 3, "caf\xc3\xa9\0\xe2\x82\xac, long enough", 22);
    otlp_put_close(&b, rm);
    assert_int_equal(check(), 0);
    gf_buf_clear(&b);
    rm = otlp_put_open(&b, 1);
    otlp_put_bytes(&b, 3, "\0caf\xc3", 5);
    otlp_put_close(&b, rm);
    refused("resourceMetrics[0].schemaUrl: text that is not UTF-8");
}

/* Values within values, n of them, as lists or as arrays; and one more, an attribute as most are.
 */
static void nest(int n, int lists, int plain) {
    size_t marks[256], m = 0;
    gf_buf_clear(&b);
    marks[m++] = otlp_put_open(&b, 1);
    marks[m++] = otlp_put_open(&b, OTLP_CONTEXT);
    marks[m++] = otlp_put_open(&b, 1);
    marks[m++] = otlp_put_open(&b, OTLP_VALUE);
    for (int i = 1; i < n; i++) {
        marks[m++] = otlp_put_open(&b, lists ? 6 : 5);
        marks[m++] = otlp_put_open(&b, 1);
        if (lists)
            marks[m++] = otlp_put_open(&b, OTLP_VALUE);
    }
    if (plain) {
        marks[m++] = otlp_put_open(&b, 6);
        make_attribute(&b, 1, "k", "v");
    }
    while (m > 0)
        otlp_put_close(&b, marks[--m]);
}

static void values_nest_so_deep_and_no_deeper(void **state) {
    (void)state;
    for (int lists = 0; lists <= 1; lists++) {
        nest(OTLP_DEPTH_MAX, lists, 0);
        assert_int_equal(check(), 0);
        nest(OTLP_DEPTH_MAX - 1, lists, 1);
        assert_int_equal(check(), 0);
        nest(OTLP_DEPTH_MAX, lists, 1);
        assert_int_equal(check(), -1);
        nest(OTLP_DEPTH_MAX + 1, lists, 0);
        assert_int_equal(check(), -1);
        assert_non_null(strstr(e.text, ": values nested too deeply"));
    }
}

static void a_path_that_is_too_long_tells_its_inner_end(void **state) {
    (void)state;
    nest(OTLP_DEPTH_MAX + 1, 1, 0);
    assert_int_equal(check(), -1);
    assert_memory_equal(e.text, "...v", 4);
    assert_non_null(strstr(e.text, "kvlistValue.values[0].value: values"));
    assert_in_range(strlen(e.text), OTLP_PATH_MAX / 2, OTLP_PATH_MAX + 40);
}

static void a_body_that_is_too_large_is_not_looked_at(void **state) {
    (void)state;
    uint8_t *big = calloc(1, OTLP_MAX + 1);
    assert_non_null(big);
    assert_int_equal(otlp_check(big, OTLP_MAX + 1, &f, &e), -1);
    assert_int_equal(e.code, GF_E_LIMIT);
    free(big);
}

static void a_real_clients_request_is_taken(void **state) {
    (void)state;
    assert_int_equal(make_load("otlp/js-all-kinds", &b), 0);
    assert_int_equal(check(), 0);
    assert_int_equal(f.points, 6);
    assert_int_equal(f.delta, 1);
    assert_true(f.earliest > 1700000000000000000U && f.earliest == f.latest);
}

static void facts_are_told_as_text(void **state) {
    (void)state;
    otlp_facts_put(&(struct otlp_facts){.points = 0}, &b);
    assert_string_equal(b.data, "\"metrics\":{\"points\":0,\"delta\":false}");
    gf_buf_clear(&b);
    otlp_facts_put(
        &(struct otlp_facts){
            .points = 12, .earliest = 1, .latest = 1700000000000000200, .delta = 1},
        &b);
    assert_string_equal(b.data,
                        "\"metrics\":{\"points\":12,\"from\":\"1970-01-01T00:00:00.000000001Z\","
                        "\"to\":\"2023-11-14T22:13:20.000000200Z\",\"delta\":true}");
    gf_buf_clear(&b);
    otlp_facts_put(
        &(struct otlp_facts){
            .points = UINT64_MAX, .earliest = UINT64_MAX, .latest = UINT64_MAX, .delta = 0},
        &b);
    assert_non_null(strstr(b.data, "\"to\":\"2554-07-21T23:34:33.709551615Z\""));
    assert_true(b.len < 160);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_submessage_and_list_of_the_schema_is_one),
        TEST(an_empty_request_is_one_without_points),
        TEST(points_are_counted_and_their_times_bounded),
        TEST(the_time_of_an_exemplar_is_no_points),
        TEST(delta_is_seen_in_every_kind_that_has_it),
        TEST(scalars_may_be_packed_or_not),
        TEST(packed_values_must_be_whole),
        TEST(unknown_fields_are_no_error),
        TEST(a_wrong_wire_type_is_refused_with_its_path),
        TEST(what_two_readers_could_read_differently_is_refused),
        TEST(broken_fields_are_refused),
        TEST(text_must_be_utf8_and_may_hold_nul),
        TEST(values_nest_so_deep_and_no_deeper),
        TEST(a_path_that_is_too_long_tells_its_inner_end),
        TEST(a_body_that_is_too_large_is_not_looked_at),
        TEST(a_real_clients_request_is_taken),
        TEST(facts_are_told_as_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
