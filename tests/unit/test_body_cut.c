/*
 * test_body_cut.c -- metrics that no line holds become several records, which lines hold.
 */
#include "otlp_testing.h"

#include "agent/body_cut.h"
#include "common/otlp_json.h"
#include "gapferry/record.h"

static struct gf_buf b;
static struct gf_err e;

/* A request of n points with an attribute of so many bytes, all of them this one; its own is in all
 * that stands around them, too, `shared` times. */
static void make(size_t n, size_t size, int byte, size_t shared) {
    char *value = malloc(size + shared + 1);

    assert_non_null(value);
    memset(value, byte, size + shared);
    gf_buf_free(&b);
    gf_buf_init(&b, OTLP_MAX);
    size_t resource = otlp_put_open(&b, 1);
    size_t context = otlp_put_open(&b, OTLP_CONTEXT);
    value[shared] = '\0';
    make_attribute(&b, 1, "r", value);
    otlp_put_close(&b, context);
    value[shared] = (char)byte;
    value[size] = '\0';
    size_t scope = otlp_put_open(&b, OTLP_CHILDREN);
    size_t metric = otlp_put_open(&b, OTLP_CHILDREN);
    make_text(&b, OTLP_METRIC_NAME, "m");
    size_t gauge = otlp_put_open(&b, OTLP_METRIC_GAUGE);
    for (size_t i = 0; i < n; i++) {
        size_t point = otlp_put_open(&b, OTLP_POINTS);
        otlp_put_eight(&b, OTLP_POINT_TIME, 0x0101010101010101 + i);
        otlp_put_eight(&b, OTLP_POINT_INT, 0x0101010101010101);
        make_attribute(&b, 7, "a", value);
        otlp_put_close(&b, point);
    }
    otlp_put_close(&b, gauge);
    otlp_put_close(&b, metric);
    otlp_put_close(&b, scope);
    otlp_put_close(&b, resource);
    assert_int_equal(b.failed, 0);
    free(value);
}

static void take(const char *type, const char *data, size_t len, struct body_kept *k) {
    struct otlp_deny *deny = NULL;
    enum body_no no;

    assert_int_equal(otlp_deny_new(NULL, 0, &deny, &e), 0);
    const struct body body = {
        .path = BODY_METRICS, .type = type, .deny = deny, .data = data, .len = len};
    if (body_take(&body, k, &no, &e) == -1)
        fail_msg("%s", e.text);
    otlp_deny_free(deny);
}

/* Every part is a request by itself, and a line holds it; the points in all of them. */
static uint64_t count(const struct body_kept *k, size_t *parts, int *fits) {
    uint64_t points = 0;
    struct gf_buf line;

    *parts = 0;
    *fits = 1;
    gf_buf_init(&line, GF_LINE_MAX);
    for (size_t at = 0; at < k->len; ++*parts) {
        struct otlp_facts facts;
        struct body_kept part;
        body_part(k, at, &part);
        assert_int_equal(otlp_check(part.data, part.len, &facts, &e), 0);
        assert_true(part.metrics && make_same_facts(&facts, &part.facts));
        assert_string_equal(part.type, "application/x-protobuf");
        struct gf_record r = {.channel = "metrics",
                              .created = 1,
                              .type = part.type,
                              .body = {GF_BODY_TEXT, part.data, part.len}};
        r.id.b[6] = 0x70;
        r.id.b[8] = 0x80;
        gf_buf_clear(&line);
        *fits &= gf_record_write(&r, &line, &e) == 0;
        points += facts.points;
        at += part.len;
    }
    gf_buf_free(&line);
    return points;
}

static void each_part_is_a_request_that_a_line_holds(void **state) {
    struct gf_buf json;
    struct body_kept k;
    size_t parts;
    int fits;
    (void)state;

    make(4000, 500, 'x', 50);
    take("application/x-protobuf", b.data, b.len, &k);
    assert_int_equal(body_cut(&k, "application/x-protobuf", BODY_CUT_BYTES, &e), 0);
    assert_int_equal(count(&k, &parts, &fits), 4000);
    assert_true(parts == 3 && fits);
    body_free(&k);

    gf_buf_init(&json, 64 << 20);
    assert_int_equal(otlp_json_from_protobuf(b.data, b.len, 0, &json, &e), 0);
    take("application/json", json.data, json.len, &k);
    assert_int_equal(body_cut(&k, "application/json", BODY_CUT_BYTES, &e), 0);
    assert_int_equal(count(&k, &parts, &fits), 4000);
    assert_true(parts == 3 && fits);
    assert_int_equal(k.refused, 0);
    assert_int_equal(k.partial.len, 0);
    body_free(&k);
    gf_buf_free(&json);
}

/* Bytes that are text go as text, each as an escape of six in the worst case: here each resource is
 * so small that no length is two bytes. */
static void text_that_is_all_escapes_is_cut_again(void **state) {
    struct body_kept k;
    size_t parts;
    int fits;
    (void)state;

    gf_buf_clear(&b);
    for (size_t i = 0; i < 20000; i++) {
        struct make_open o = make_begin(&b, OTLP_METRIC_GAUGE);
        size_t point = otlp_put_open(&b, OTLP_POINTS);
        otlp_put_eight(&b, OTLP_POINT_TIME, 0x0101010101010101);
        otlp_put_eight(&b, OTLP_POINT_INT, 0x0101010101010101);
        make_attribute(&b, 7, "a", "\1\2\3\4\5\6\7\1\2\3\4\5\6\7\1\2\3\4\5\6\7\1\2\3\4\5\6\7");
        otlp_put_close(&b, point);
        make_end(&b, o);
    }
    take("application/x-protobuf", b.data, b.len, &k);
    assert_int_equal(body_cut(&k, "application/x-protobuf", BODY_CUT_BYTES, &e), 0);
    (void)count(&k, &parts, &fits);
    assert_false(fits);
    assert_int_equal(body_cut(&k, "application/x-protobuf", BODY_CUT_TEXT, &e), 0);
    assert_int_equal(count(&k, &parts, &fits), 20000);
    assert_true(parts > 5 && fits);
    body_free(&k);
}

static void points_that_no_line_holds_are_counted_and_named(void **state) {
    struct body_kept k;
    (void)state;

    make(3, BODY_CUT_BYTES, 'x', 0);
    take("application/x-protobuf", b.data, b.len, &k);
    assert_int_equal(body_cut(&k, "application/x-protobuf", BODY_CUT_BYTES, &e), 0);
    assert_int_equal(k.refused, 3);
    assert_int_equal(k.empty, 1);
    assert_int_equal(k.len, 0);
    assert_string_equal(k.partial.data, "3 data points are larger than a record, each with what "
                                        "stands around it; one is of metric m");
    body_free(&k);
}

/* What is common to all points is repeated in each part: that must not become gigabytes. */
static void a_request_that_becomes_too_much_is_left_as_it_was(void **state) {
    struct body_kept k;
    struct body_kept part;
    (void)state;

    make(30, 10000, 'x', BODY_CUT_BYTES - 12000);
    take("application/x-protobuf", b.data, b.len, &k);
    assert_int_equal(body_cut(&k, "application/x-protobuf", BODY_CUT_BYTES, &e), -1);
    assert_int_equal(e.code, GF_E_LIMIT);
    body_part(&k, 0, &part);
    assert_int_equal(part.len, b.len);
    assert_memory_equal(part.data, b.data, b.len);
    body_free(&k);
    gf_buf_free(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_part_is_a_request_that_a_line_holds),
        cmocka_unit_test(text_that_is_all_escapes_is_cut_again),
        cmocka_unit_test(points_that_no_line_holds_are_counted_and_named),
        cmocka_unit_test(a_request_that_becomes_too_much_is_left_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
