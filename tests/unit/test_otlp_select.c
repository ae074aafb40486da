/*
 * test_otlp_select.c -- common/otlp_select.c.
 */
#include "otlp_testing.h"

#include "common/otlp_json.h"
#include "common/otlp_select.h"

static struct gf_buf b, out, text;
static struct gf_err e;

static int setup(void **state) {
    (void)state;
    gf_buf_init(&b, 1 << 20);
    gf_buf_init(&out, 1 << 20);
    gf_buf_init(&text, 1 << 20);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    gf_buf_free(&b);
    gf_buf_free(&out);
    gf_buf_free(&text);
    return 0;
}

static void from_json(const char *json) {
    gf_buf_clear(&b);
    if (otlp_json_to_protobuf(json, strlen(json), &b, &e) == -1)
        fail_msg("%s", e.text);
}

/* What is selected of b, as JSON. */
static void gives(const struct otlp_select *what, const char *json) {
    gf_buf_clear(&out);
    gf_buf_clear(&text);
    if (otlp_select(b.data, b.len, what, &out, &e) == -1 ||
        otlp_json_from_protobuf(out.data, out.len, 0, &text, &e) == -1)
        fail_msg("%s", e.text);
    assert_string_equal(text.data, json);
}

#define POINT(n)      "{\"timeUnixNano\":\"" n "\"}"
#define GAUGE(points) "{\"gauge\":{\"dataPoints\":[" points "]}}"
#define IN(resource, metrics)                                                                      \
    "{" resource "\"scopeMetrics\":[{\"scope\":{\"name\":\"s\"},\"metrics\":[" metrics "]}]}"
#define REQUEST(all)               "{\"resourceMetrics\":[" all "]}"
#define RESOURCE(attributes, more) "\"resource\":{\"attributes\":[" attributes "]" more "},"
#define TEXT(key, value)           "{\"key\":\"" key "\",\"value\":{\"stringValue\":\"" value "\"}}"
#define NUMBER(key, value)         "{\"key\":\"" key "\",\"value\":{\"intValue\":\"" value "\"}}"

static void points_of_a_range_stay_and_what_is_left_empty_goes(void **state) {
    (void)state;
    from_json(REQUEST(IN("", GAUGE(POINT("1") "," POINT("2")) "," GAUGE(POINT("3"))) "," IN(
        "", GAUGE(POINT("4") "," POINT("5")))));
    gives(&(struct otlp_select){.from = 1, .to = 3},
          REQUEST(IN("", GAUGE(POINT("2")) "," GAUGE(POINT("3")))));
    gives(&(struct otlp_select){.from = 3, .to = 4}, REQUEST(IN("", GAUGE(POINT("4")))));
    gives(&(struct otlp_select){.from = 4, .to = UINT64_MAX}, REQUEST(IN("", GAUGE(POINT("5")))));
    gives(&(struct otlp_select){.from = 5, .to = 9}, "{}");
}

static void points_whose_bit_is_set_stay(void **state) {
    const uint8_t bits[] = {0x15};

    (void)state;
    from_json(REQUEST(IN("", GAUGE(POINT("1") "," POINT("2")) "," GAUGE(POINT("3"))) "," IN(
        "", GAUGE(POINT("4") "," POINT("5")))));
    gives(&(struct otlp_select){.to = 5, .bits = bits},
          REQUEST(IN("", GAUGE(POINT("1")) "," GAUGE(POINT("3"))) "," IN("", GAUGE(POINT("5")))));
    gives(&(struct otlp_select){.from = 1, .to = 4, .bits = bits},
          REQUEST(IN("", GAUGE(POINT("3")))));
}

static void a_resource_says_what_it_is_given_in_place_of_its_own(void **state) {
    static const struct otlp_select_attribute given[] = {{.key = "gapferry.site", .text = "berlin"},
                                                         {.key = "gapferry.delay_s", .number = -7}};
    const struct otlp_select what = {.to = 9, .attributes = given, .nattributes = 2};

    (void)state;
    from_json(REQUEST(IN(RESOURCE(TEXT("a", "1") "," TEXT("gapferry.site", "paris") "," TEXT(
                                      "gapferry_site", "rome") "," TEXT("b", "2"),
                                  ",\"droppedAttributesCount\":3"),
                         GAUGE(POINT("1"))) "," IN("", GAUGE(POINT("2")))));
    gives(&what,
          REQUEST(IN(RESOURCE(TEXT("a", "1") "," TEXT("b", "2") "," TEXT(
                                  "gapferry.site", "berlin") "," NUMBER("gapferry.delay_s", "-7"),
                              ",\"droppedAttributesCount\":3"),
                     GAUGE(POINT(
                         "1"))) "," IN(RESOURCE(TEXT("gapferry.site",
                                                     "berlin") "," NUMBER("gapferry.delay_s", "-7"),
                                                ""),
                                       GAUGE(POINT("2")))));
}

/* Stores that make one set of labels of both would believe the point. */
static void a_point_does_not_say_what_its_resource_is_given(void **state) {
    static const struct otlp_select_attribute given[] = {{.key = "site", .text = "b"}};
    static const char *const kinds[] = {"gauge", "sum", "histogram", "exponentialHistogram",
                                        "summary"};
    char before[512], after[512];

    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        (void)snprintf(before, sizeof before,
                       REQUEST(IN("", "{\"%s\":{\"dataPoints\":[" POINT(
                                          "1") ",{"
                                               "\"attributes\":[" TEXT("a", "1") "," TEXT(
                                                   "site", "p") "]}]}}")),
                       kinds[i]);
        (void)snprintf(after, sizeof after,
                       REQUEST(IN(RESOURCE(TEXT("site", "b"), ""),
                                  "{\"%s\":{\"dataPoints\":[" POINT("1") ",{\"attributes\":[" TEXT(
                                      "a", "1") "]}]}}")),
                       kinds[i]);
        from_json(before);
        gives(&(struct otlp_select){.to = 2, .attributes = given, .nattributes = 1}, after);
    }
}

/* Of a request all of whose points stay nothing changes, whatever its schema does not know. */
static void what_is_selected_whole_stays_as_it_was(void **state) {
    static const char *const seeds[] = {"otlp/js-all-kinds", "otlp/js-one"};

    (void)state;
    for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++) {
        gf_buf_clear(&out);
        gf_buf_free(&b);
        assert_int_equal(make_load(seeds[i], &b), 0);
        assert_int_equal(
            otlp_select(b.data, b.len, &(struct otlp_select){.to = UINT64_MAX}, &out, &e), 0);
        assert_int_equal(out.len, b.len);
        assert_memory_equal(out.data, b.data, b.len);
    }
}

static void fields_that_nobody_knows_stay_where_they_are(void **state) {
    struct make_open o;

    (void)state;
    gf_buf_clear(&b);
    make_text(&b, 900, "first");
    o = make_begin(&b, OTLP_METRIC_SUM);
    make_text(&b, 900, "before");
    make_point(&b, 1, 1.0, NULL);
    make_text(&b, 900, "between");
    make_point(&b, 2, 2.0, "k");
    otlp_put_uint(&b, OTLP_TEMPORALITY, OTLP_DELTA);
    make_end(&b, o);
    gf_buf_clear(&text);
    make_text(&text, 900, "first");
    o = make_begin(&text, OTLP_METRIC_SUM);
    make_text(&text, 900, "before");
    make_text(&text, 900, "between");
    make_point(&text, 2, 2.0, "k");
    otlp_put_uint(&text, OTLP_TEMPORALITY, OTLP_DELTA);
    make_end(&text, o);

    gf_buf_clear(&out);
    assert_int_equal(
        otlp_select(b.data, b.len, &(struct otlp_select){.from = 1, .to = 2}, &out, &e), 0);
    assert_int_equal(out.len, text.len);
    assert_memory_equal(out.data, text.data, text.len);
}

static void what_has_no_room_changes_nothing(void **state) {
    struct gf_buf small;

    (void)state;
    from_json(REQUEST(IN("", GAUGE(POINT("1") "," POINT("2")))));
    gf_buf_init(&small, 20);
    gf_buf_text(&small, "kept");
    assert_int_equal(otlp_select(b.data, b.len, &(struct otlp_select){.to = 2}, &small, &e), -1);
    assert_int_equal(e.code, GF_E_LIMIT);
    assert_string_equal(small.data, "kept");
    gf_buf_free(&small);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(points_of_a_range_stay_and_what_is_left_empty_goes),
        cmocka_unit_test(points_whose_bit_is_set_stay),
        cmocka_unit_test(a_resource_says_what_it_is_given_in_place_of_its_own),
        cmocka_unit_test(a_point_does_not_say_what_its_resource_is_given),
        cmocka_unit_test(what_is_selected_whole_stays_as_it_was),
        cmocka_unit_test(fields_that_nobody_knows_stay_where_they_are),
        cmocka_unit_test(what_has_no_room_changes_nothing),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
