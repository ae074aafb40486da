/*
 * test_series.c -- relay/series: data points and lines as samples of Prometheus' data model.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/otlp_json.h"
#include "common/otlp_value.h"
#include "common/otlp_wire.h"
#include "relay/series/series.h"
#include "relay/series/series_name.h"

static const struct metrics_labels nothing = {.n = 0};
static const struct metrics_labels site = {.label = {{"site", "Plant \"4\"\\"}}, .n = 1};

/* Metrics of one resource and scope as a record in protobuf. */
static void make(const char *metrics, const char *resource, const char *scope, struct gf_buf *out) {
    struct gf_buf json;
    struct gf_err e;

    gf_buf_init(&json, 1 << 20);
    gf_buf_init(out, 1 << 20);
    gf_buf_printf(&json,
                  "{\"resourceMetrics\":[{\"resource\":{\"attributes\":[%s]},"
                  "\"scopeMetrics\":[{\"scope\":{%s},\"metrics\":[%s]}]}]}",
                  resource, scope, metrics);
    if (otlp_json_to_protobuf(json.data, json.len, out, &e) == -1)
        fail_msg("%s: %s", json.data, e.text);
    gf_buf_free(&json);
}

static struct pieces run(const struct gf_buf *b, const struct series_form *form,
                         const struct metrics_labels *added) {
    struct pieces p;
    struct gf_err e;

    pieces_init(&p);
    if (series_otlp(b->data, b->len, form, added, &p, &e) == -1)
        fail_msg("%s", e.text);
    return p;
}

static void expect(const struct pieces *p, const char *text) {
    if (p->bytes.len != strlen(text) || memcmp(p->bytes.data, text, p->bytes.len) != 0)
        fail_msg("got:\n%.*s", (int)p->bytes.len, p->bytes.data);
}

/* What these metrics are as text. */
static void becomes(const char *metrics, const char *resource, const char *scope,
                    const struct metrics_labels *added, const char *text) {
    struct gf_buf b;

    make(metrics, resource, scope, &b);
    struct pieces p = run(&b, &series_text, added);
    expect(&p, text);
    pieces_free(&p);
    gf_buf_free(&b);
}

/* Why the first point cannot be sent. */
static const char *refused(const char *metrics, const struct series_form *form) {
    struct gf_buf b;

    make(metrics, "", "", &b);
    struct pieces p = run(&b, form, &nothing);
    assert_true(p.n > 0);
    const char *why = p.point[0].unfit;
    pieces_free(&p);
    gf_buf_free(&b);
    return why;
}

#define T                "\"timeUnixNano\":\"1700000000123456789\""
#define ATTR(key, value) "{\"key\":\"" key "\",\"value\":{\"stringValue\":\"" value "\"}}"

static void names_are_what_the_specification_makes_of_them(void **state) {
    static const struct {
        const char *name, *unit;
        int gauge, counter;
        const char *is;
    } names[] = {
        {"http.server.duration", "s", 0, 0, "http_server_duration_seconds"},
        {"a..b--c", "", 0, 0, "a_b_c"},
        {"9lives", "", 0, 0, "_9lives"},
        {"", "", 0, 0, "_"},
        {"gr\xc3\xb6\xc3\x9f"
         "e",
         "", 0, 0, "gr_e"},
        {"ns:m", "", 0, 0, "ns:m"},
        {"requests", "{request}", 0, 1, "requests_total"},
        {"requests_total", "1", 0, 1, "requests_total"},
        {"io", "By", 0, 1, "io_bytes_total"},
        {"io_bytes", "By", 1, 0, "io_bytes"},
        {"io_bytes_total", "By", 0, 1, "io_bytes_total"},
        {"load", "1", 1, 0, "load_ratio"},
        {"load", "1", 0, 0, "load"},
        {"rate", "By/s", 1, 0, "rate_bytes_per_second"},
        {"rate", "{packet}/m", 1, 0, "rate_per_minute"},
        {"full", "%", 1, 0, "full_percent"},
        {"odd", "foo bar^2", 1, 0, "odd_foobar_2"},
        {"odd_", "s", 1, 0, "odd_seconds"},
        {"x", "{only a remark}", 1, 0, "x"},
        {"x", "/", 1, 0, "x"},
    };
    struct gf_buf b;
    (void)state;
    gf_buf_init(&b, 1000);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        gf_buf_clear(&b);
        gf_buf_text(&b, "before");
        series_name_metric(names[i].name, strlen(names[i].name), &b);
        series_name_unit(names[i].unit, strlen(names[i].unit), names[i].gauge, names[i].counter, 6,
                         &b);
        gf_buf_byte(&b, '\0');
        assert_string_equal(b.data + 6, names[i].is);
    }
    static const char *const labels[][2] = {
        {"a.b", "a_b"}, {"9", "key_9"},    {"__name__", "key__name__"},   {"_x", "_x"},
        {"", "key_"},   {".:x", "key__x"}, {"\xc3\xa4\xc3\xa4", "key__"}, {"h\xc3\xa4t", "h_t"},
        {"_", "_"},     {"A__b", "A__b"}};
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++) {
        gf_buf_clear(&b);
        series_name_label(labels[i][0], strlen(labels[i][0]), &b);
        assert_string_equal(b.data, labels[i][1]);
    }
    gf_buf_free(&b);
}

static void a_number_keeps_its_time_its_labels_and_its_digits(void **state) {
    (void)state;
    becomes("{\"name\":\"t\",\"gauge\":{\"dataPoints\":["
            "{" T ",\"asDouble\":0.1,\"attributes\":[" ATTR("b", "2\\n\\\"\\\\") "," ATTR(
                "a", "1") "," ATTR("empty", "") ",{\"key\":\"n\",\"value\":{\"intValue\":\"7\"}}]},"
                                                "{" T ",\"asInt\":\"9007199254740993\"},{" T
                                                ",\"asInt\":\"-9223372036854775808\"},"
                                                "{" T ",\"asDouble\":1e300},{" T
                                                ",\"asDouble\":\"-Infinity\"},"
                                                "{" T ",\"asDouble\":5e-324},{" T
                                                ",\"asDouble\":-0.0}]}}",
            "", "", &site,
            "t{a=\"1\",b=\"2\\n\\\"\\\\\",gapferry_site=\"Plant \\\"4\\\"\\\\\",n=\"7\"} 0.1 "
            "1700000000123\n"
            "t{gapferry_site=\"Plant \\\"4\\\"\\\\\"} 9007199254740993 1700000000123\n"
            "t{gapferry_site=\"Plant \\\"4\\\"\\\\\"} -9223372036854775808 1700000000123\n"
            "t{gapferry_site=\"Plant \\\"4\\\"\\\\\"} 1e+300 1700000000123\n"
            "t{gapferry_site=\"Plant \\\"4\\\"\\\\\"} -Inf 1700000000123\n"
            "t{gapferry_site=\"Plant \\\"4\\\"\\\\\"} 5e-324 1700000000123\n"
            "t{gapferry_site=\"Plant \\\"4\\\"\\\\\"} -0 1700000000123\n");
    becomes("{\"name\":\"t\",\"gauge\":{\"dataPoints\":[{" T ",\"asInt\":\"1\"}]}}", "", "",
            &nothing, "t 1 1700000000123\n");
}

/* The digits that C itself needs. */
static void check_digits(double d) {
    char is[OTLP_VALUE_DOUBLE], want[OTLP_VALUE_DOUBLE];
    int digits = d > -2.3e-308 && d < 2.3e-308 ? 1 : 15;

    do
        (void)snprintf(want, sizeof want, "%.*g", digits, d);
    while (digits++ < 17 && strtod(want, NULL) != d);
    otlp_value_double(d, is);
    assert_string_equal(is, want);
}

static void short_numbers_have_the_digits_that_long_ones_would_get(void **state) {
    uint64_t bits = 88172645463325252ULL;
    (void)state;
    for (int i = 0; i < 200000; i++) {
        double d;
        bits ^= bits << 13;
        bits ^= bits >> 7;
        bits ^= bits << 17;
        memcpy(&d, &bits, sizeof d);
        if (d - d == 0)
            check_digits(d);
        check_digits((double)(int64_t)(bits % 2000000000 - 1000000000) / 1000);
        check_digits((double)(bits >> 12) / 10000);
        check_digits((double)(bits % 100000) / 100 * 3);
    }
    static const double edges[] = {0,    0.0001,     0.00011,           0.00009, 999999999999999,
                                   1e15, 1e15 - 0.5, 123456789012.3456, 1e22,    0.1 + 0.2,
                                   2.5,  1e-5};
    for (size_t i = 0; i < sizeof edges / sizeof *edges; i++) {
        check_digits(edges[i]);
        check_digits(-edges[i]);
    }
}

static void resource_and_scope_are_labels_and_nobody_speaks_for_another_site(void **state) {
    (void)state;
    becomes(
        "{\"name\":\"up\",\"sum\":{\"aggregationTemporality\":2,\"isMonotonic\":true,"
        "\"dataPoints\":[{" T
        ",\"asInt\":\"1\",\"attributes\":[" ATTR("gapferry.site", "evil") "," ATTR(
            "gapferry_bundle",
            "evil") "," ATTR("region",
                             "eu") "," ATTR("x.y", "2") "," ATTR("x_y",
                                                                 "1") "," ATTR("__name__",
                                                                               "evil") "]},"
                                                                                       "{" T
                                                                                       ",\"asInt\":"
                                                                                       "\"2\"}]}}",
        ATTR("service.name", "api") "," ATTR("service.namespace", "shop") "," ATTR(
            "service.instance.id", "i-1") "," ATTR("region", "eu") "," ATTR("x.y", "3"),
        "\"name\":\"lib\",\"version\":\"2\"", &site,
        "up_total{gapferry_site=\"Plant \\\"4\\\"\\\\\",instance=\"i-1\",job=\"shop/api\","
        "key__name__=\"evil\",otel_scope_name=\"lib\",otel_scope_version=\"2\",region=\"eu\","
        "x_y=\"3;2;1\"} 1 1700000000123\n"
        "up_total{gapferry_site=\"Plant \\\"4\\\"\\\\\",instance=\"i-1\",job=\"shop/api\","
        "otel_scope_name=\"lib\",otel_scope_version=\"2\",region=\"eu\",x_y=\"3\"} 2 "
        "1700000000123\n");
}

static void histograms_and_summaries_become_classic_series(void **state) {
    (void)state;
    becomes("{\"name\":\"took\",\"unit\":\"ms\",\"histogram\":{\"aggregationTemporality\":2,"
            "\"dataPoints\":[{" T ",\"count\":\"6\",\"sum\":12.5,\"bucketCounts\":[\"1\",2,3],"
            "\"explicitBounds\":[0.5,10],\"attributes\":[" ATTR("le", "mine") "]}]}}",
            "", "", &nothing,
            "took_milliseconds_bucket{exported_le=\"mine\",le=\"0.5\"} 1 1700000000123\n"
            "took_milliseconds_bucket{exported_le=\"mine\",le=\"10\"} 3 1700000000123\n"
            "took_milliseconds_bucket{exported_le=\"mine\",le=\"+Inf\"} 6 1700000000123\n"
            "took_milliseconds_sum{exported_le=\"mine\"} 12.5 1700000000123\n"
            "took_milliseconds_count{exported_le=\"mine\"} 6 1700000000123\n");
    becomes("{\"name\":\"h\",\"histogram\":{\"aggregationTemporality\":2,\"dataPoints\":["
            "{" T ",\"count\":\"6\"}]}}",
            "", "", &nothing, "h_bucket{le=\"+Inf\"} 6 1700000000123\nh_count 6 1700000000123\n");
    /* Base two: (1, 2], (2, 4]; and -2 up to -1. */
    becomes("{\"name\":\"e\",\"exponentialHistogram\":{\"aggregationTemporality\":2,\"dataPoints\":"
            "[{" T ",\"count\":\"10\",\"sum\":3,\"scale\":0,\"zeroCount\":\"4\","
            "\"positive\":{\"offset\":0,\"bucketCounts\":[\"2\",\"3\"]},"
            "\"negative\":{\"offset\":0,\"bucketCounts\":[\"1\"]}}]}}",
            "", "", &nothing,
            "e_bucket{le=\"-1\"} 1 1700000000123\ne_bucket{le=\"0\"} 5 1700000000123\n"
            "e_bucket{le=\"2\"} 7 1700000000123\ne_bucket{le=\"4\"} 10 1700000000123\n"
            "e_bucket{le=\"+Inf\"} 10 1700000000123\ne_sum 3 1700000000123\n"
            "e_count 10 1700000000123\n");
    becomes(
        "{\"name\":\"s\",\"summary\":{\"dataPoints\":[{" T ",\"count\":\"4\",\"sum\":9,"
        "\"quantileValues\":[{\"quantile\":0.5,\"value\":2},{\"quantile\":1,\"value\":4.5}]}]}}",
        "", "", &nothing,
        "s{quantile=\"0.5\"} 2 1700000000123\ns{quantile=\"1\"} 4.5 1700000000123\n"
        "s_sum 9 1700000000123\ns_count 4 1700000000123\n");
}

static void what_the_form_cannot_carry_is_refused_with_the_reason(void **state) {
    (void)state;
#define GAUGE(point) "{\"name\":\"g\",\"gauge\":{\"dataPoints\":[{" point "}]}}"
    assert_string_equal(refused(GAUGE("\"asInt\":1"), &series_text), "without a time");
    assert_string_equal(refused(GAUGE(T), &series_text), "without a value");
    assert_non_null(strstr(refused(GAUGE(T ",\"asDouble\":\"NaN\""), &series_text), "number"));
    assert_non_null(strstr(refused(GAUGE(T ",\"flags\":1"), &series_text), "number"));
    assert_null(refused(GAUGE(T ",\"asDouble\":\"NaN\""), &series_remote));
    assert_null(refused(GAUGE(T ",\"flags\":1"), &series_remote));
    assert_non_null(strstr(refused("{\"name\":\"d\",\"sum\":{\"aggregationTemporality\":1,"
                                   "\"dataPoints\":[{" T ",\"asInt\":1}]}}",
                                   &series_remote),
                           "delta"));
    assert_non_null(strstr(refused("{\"name\":\"h\",\"histogram\":{\"aggregationTemporality\":2,"
                                   "\"dataPoints\":[{" T ",\"bucketCounts\":[1,2],"
                                   "\"explicitBounds\":[1,2]}]}}",
                                   &series_text),
                           "do not fit"));
    assert_non_null(strstr(refused("{\"name\":\"e\",\"exponentialHistogram\":{"
                                   "\"aggregationTemporality\":2,"
                                   "\"dataPoints\":[{" T ",\"scale\":99}]}}",
                                   &series_text),
                           "scale"));
    struct gf_buf many;
    gf_buf_init(&many, 1 << 20);
    gf_buf_text(&many, "{\"name\":\"g\",\"gauge\":{\"dataPoints\":[{" T ",\"asInt\":1,"
                       "\"attributes\":[");
    for (int i = 0; i <= SERIES_LABELS_MAX; i++)
        gf_buf_printf(&many, "%s{\"key\":\"a%d\",\"value\":{\"boolValue\":true}}", i ? "," : "", i);
    gf_buf_text(&many, "]},{" T ",\"asInt\":2}]}}");
    assert_non_null(strstr(refused(many.data, &series_text), "more than 128 labels"));
    struct gf_buf b;
    make(many.data, "", "", &b);
    struct pieces p = run(&b, &series_text, &nothing);
    expect(&p, "g 2 1700000000123\n"); /* the next one is as it was */
    pieces_free(&p);
    gf_buf_free(&b);
    gf_buf_free(&many);
}

static void lines_become_what_victoriametrics_makes_of_them(void **state) {
    static const char lines[] =
        "cpu\\ load,host=a\\ b,gapferry_site=evil usage=0.5,n=9007199254740993i,ok=t,"
        "s=\"text\",u=18446744073709551615u 1700000000123456789\n"
        "broken\n"
        "m f=1\n";
    struct pieces p;
    struct gf_err e;
    (void)state;
    pieces_init(&p);
    assert_int_equal(series_influx(lines, sizeof lines - 1, &series_text, &nothing, &p, &e), 0);
    expect(&p, "cpu_load_usage{host=\"a b\"} 0.5 1700000000123\n"
               "cpu_load_n{host=\"a b\"} 9007199254740993 1700000000123\n"
               "cpu_load_ok{host=\"a b\"} 1 1700000000123\n"
               "cpu_load_u{host=\"a b\"} 18446744073709551615 1700000000123\n");
    assert_int_equal(p.n, 7);
    assert_string_equal(p.point[3].unfit, "a text, which Prometheus has no form for");
    assert_int_equal(p.point[3].formless, 1);
    assert_int_equal(p.point[5].formless, 0);
    assert_string_equal(p.point[5].unfit, "a line that is not well-formed");
    assert_string_equal(p.point[6].unfit, "without a time");
    pieces_free(&p);
}

/* ---- remote write ---- */

/* The labels of a series must ascend; they and its sample as one line of text. */
static void read_series(struct otlp_span span, struct gf_buf *out) {
    struct otlp_item item = {0}, part = {0};
    char before[256] = "";

    while (span.at < span.end) {
        assert_null(otlp_wire_next(&span.at, span.end, &item));
        struct otlp_span in = item.span;
        while (in.at < in.end) {
            assert_null(otlp_wire_next(&in.at, in.end, &part));
            if (item.number == 2) {
                gf_buf_printf(out, " %llx", (unsigned long long)part.bits);
                continue;
            }
            int n = (int)(part.span.end - part.span.at);
            gf_buf_printf(out, "%s%.*s", part.number == 1 ? " " : "=", n, part.span.at);
            if (part.number == 1) {
                char name[256];
                (void)snprintf(name, sizeof name, "%.*s", n, (const char *)part.span.at);
                assert_true(strcmp(before, name) < 0);
                memcpy(before, name, sizeof before);
            }
        }
    }
    gf_buf_byte(out, '\n');
}

static void remote_write_has_sorted_labels_and_the_bits_of_each_value(void **state) {
    struct gf_buf b, text;
    struct otlp_item item = {0};
    (void)state;
    make("{\"name\":\"h\",\"histogram\":{\"aggregationTemporality\":2,\"dataPoints\":["
         "{" T ",\"count\":\"3\",\"attributes\":[" ATTR("A", "1") "," ATTR(
             "z", "2") "]}]}},"
                       "{\"name\":\"g\",\"gauge\":{\"dataPoints\":[{" T ",\"flags\":1},"
                       "{" T ",\"asDouble\":-1.5}]}}",
         "", "", &b);
    struct pieces p = run(&b, &series_remote, &site);
    gf_buf_init(&text, 10000);
    struct otlp_span all = otlp_wire_span(p.bytes.data, p.bytes.len);
    while (all.at < all.end) {
        assert_null(otlp_wire_next(&all.at, all.end, &item));
        assert_int_equal(item.number, 1);
        read_series(item.span, &text);
    }
    assert_string_equal(
        text.data,
        " A=1 __name__=h_bucket gapferry_site=Plant \"4\"\\ le=+Inf z=2 4008000000000000 "
        "18bcfe5687b\n"
        " A=1 __name__=h_count gapferry_site=Plant \"4\"\\ z=2 4008000000000000 18bcfe5687b\n"
        " __name__=g gapferry_site=Plant \"4\"\\ 7ff0000000000002 18bcfe5687b\n"
        " __name__=g gapferry_site=Plant \"4\"\\ bff8000000000000 18bcfe5687b\n");
    assert_int_equal(p.n, 3);
    gf_buf_free(&text);
    pieces_free(&p);
    gf_buf_free(&b);
}

/* The reader of the format that a literal needs. */
static void a_block_of_snappy_says_the_same_whatever_its_length(void **state) {
    static const size_t lengths[] = {0, 1, 60, 61, 65535, 65536, 65537, 200000};
    char *data = calloc(1, 200000);
    (void)state;
    assert_non_null(data);
    for (size_t i = 0; i < 200000; i++)
        data[i] = (char)(i * 31 % 251);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct gf_buf b;
        uint64_t whole;
        size_t done = 0;
        gf_buf_init(&b, 1 << 20);
        series_snappy(data, lengths[i], &b);
        const uint8_t *at = (const uint8_t *)b.data, *end = at + b.len;
        assert_null(otlp_wire_varint(&at, end, &whole));
        assert_int_equal(whole, lengths[i]);
        while (at < end) {
            assert_int_equal(at[0] & 3, 0);
            assert_int_equal(at[0] >> 2, 61);
            size_t n = (size_t)at[1] + (size_t)at[2] * 256 + 1;
            assert_true(n <= (size_t)(end - at - 3));
            assert_memory_equal(at + 3, data + done, n);
            at += 3 + n;
            done += n;
        }
        assert_int_equal(done, lengths[i]);
        gf_buf_free(&b);
    }
    free(data);
}

static void pieces_of_a_batch_go_oldest_first(void **state) {
    const size_t which[] = {0, 1, 3};
    const struct batches_range r = {.point = which, .n = 3};
    struct pieces p;
    struct gf_buf out;
    struct gf_err e;
    (void)state;
    pieces_init(&p);
    gf_buf_init(&out, 100);
    static const uint64_t times[] = {30, 10, 5, 20};
    for (size_t i = 0; i < 4; i++) {
        gf_buf_printf(&p.bytes, "<%zu>", i);
        pieces_add(&p, times[i], NULL);
    }
    gf_buf_text(&p.bytes, "half");
    pieces_add(&p, 1, "unfit");
    assert_int_equal(p.bytes.len, 12);
    assert_int_equal(p.point[3].size, 3);
    assert_int_equal(pieces_check(&p, &e), 0);
    pieces_put(&p, &r, &out);
    assert_string_equal(out.data, "<1><3><0>");
    gf_buf_free(&out);
    pieces_free(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_what_the_specification_makes_of_them),
        cmocka_unit_test(a_number_keeps_its_time_its_labels_and_its_digits),
        cmocka_unit_test(short_numbers_have_the_digits_that_long_ones_would_get),
        cmocka_unit_test(resource_and_scope_are_labels_and_nobody_speaks_for_another_site),
        cmocka_unit_test(histograms_and_summaries_become_classic_series),
        cmocka_unit_test(what_the_form_cannot_carry_is_refused_with_the_reason),
        cmocka_unit_test(lines_become_what_victoriametrics_makes_of_them),
        cmocka_unit_test(remote_write_has_sorted_labels_and_the_bits_of_each_value),
        cmocka_unit_test(a_block_of_snappy_says_the_same_whatever_its_length),
        cmocka_unit_test(pieces_of_a_batch_go_oldest_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
