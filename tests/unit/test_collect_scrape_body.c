/*
 * test_collect_scrape_body.c -- agent/collect/collect_scrape_body.c and common/otlp_make.c: what an
 * endpoint said, as a request of OpenTelemetry.
 */
#include "otlp_testing.h"

#include "agent/collect/collect_scrape_body.h"
#include "common/otlp_points.h"

#define BEGAN 1700000000123456789U

static struct gf_buf b, lines;
static struct gf_err e;
static int64_t samples;

static int setup(void **state) {
    (void)state;
    gf_buf_init(&b, 1 << 22);
    gf_buf_init(&lines, 1 << 22);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    gf_buf_free(&b);
    gf_buf_free(&lines);
    return 0;
}

static int make(const char *text) {
    const struct collect_scraped s = {.job = "node",
                                      .name = "node-1",
                                      .text = text,
                                      .len = text != NULL ? strlen(text) : 0,
                                      .began = BEGAN,
                                      .seconds = .25};

    gf_buf_clear(&b);
    samples = -1;
    return collect_scrape_body(&s, &b, &samples, &e);
}

static void add_attributes(enum otlp_type type, struct otlp_span message) {
    struct otlp_attributes it;
    struct otlp_attribute a;

    otlp_points_attributes(&it, type, message);
    while (otlp_points_attribute(&it, &a)) {
        gf_buf_byte(&lines, ' ');
        gf_buf_add(&lines, a.key.at, (size_t)(a.key.end - a.key.at));
        gf_buf_byte(&lines, '=');
        otlp_points_text(&a, &lines);
    }
}

/* The request as one line for each point: "METRIC KIND ATTRIBUTE=VALUE... TIME VALUE", where a
 * metric begins anew behind "- ". */
static const char *show(void) {
    struct otlp_points it;
    struct otlp_point p;
    const uint8_t *metric = NULL;

    assert_int_equal(otlp_check(b.data, b.len, NULL, &e), 0);
    gf_buf_clear(&lines);
    assert_int_equal(otlp_points_open(&it, b.data, b.len, &e), 0);
    while (otlp_points_next(&it, &p)) {
        gf_buf_text(&lines, p.name.at != metric ? "- " : "  ");
        metric = p.name.at;
        gf_buf_add(&lines, p.name.at, (size_t)(p.name.end - p.name.at));
        gf_buf_text(&lines,
                    p.kind == OTLP_METRIC_GAUGE ? " gauge"
                    : p.kind == OTLP_METRIC_SUM && p.monotonic && p.temporality == OTLP_CUMULATIVE
                        ? " counter"
                        : " ?");
        assert_int_equal(p.value, OTLP_DOUBLE);
        assert_int_equal(p.start, 0);
        add_attributes(p.type, p.span);
        gf_buf_printf(&lines, " %s%llu %g\n", p.time == BEGAN ? "+" : "",
                      p.time == BEGAN ? 0 : (unsigned long long)p.time, p.as_double);
    }
    return lines.data;
}

static void each_sample_is_a_point_of_its_full_name(void **state) {
    (void)state;
    assert_int_equal(make("# TYPE c_total counter\nc_total{code=\"200\",none=\"\",a=\"x\\ny\"} 5\n"
                          "c_total 6 1395066363000\n"
                          "# TYPE g gauge\ng -1.5\n"
                          "bare NaN\nbare{x=\"1\"} +Inf\n"
                          "# TYPE c counter\nc_total 1\nc_created 1.5e9\n"),
                     0);
    assert_int_equal(samples, 7);
    assert_string_equal(show(), "- c_total counter code=200 a=x\ny +0 5\n"
                                "  c_total counter 1395066363000000000 6\n"
                                "- g gauge +0 -1.5\n"
                                "- bare gauge +0 nan\n"
                                "  bare gauge x=1 +0 inf\n"
                                "- c_total counter +0 1\n"
                                "- c_created gauge +0 1.5e+09\n"
                                "- up gauge +0 1\n"
                                "- scrape_duration_seconds gauge +0 0.25\n");
}

static void the_parts_of_a_histogram_stand_together(void **state) {
    (void)state;
    assert_int_equal(
        make("# TYPE h histogram\n"
             "h_bucket{m=\"a\",le=\"1\"} 1\nh_bucket{m=\"a\",le=\"+Inf\"} 2\nh_sum{m=\"a\"} "
             "3\nh_count{m=\"a\"} 2\n"
             "h_bucket{m=\"b\",le=\"1\"} 4\nh_bucket{m=\"b\",le=\"+Inf\"} 5\nh_sum{m=\"b\"} "
             "6\nh_count{m=\"b\"} 5\n"
             "# TYPE s summary\ns{quantile=\"0.5\"} 7\ns_sum 8\ns_count 9\n"),
        0);
    assert_int_equal(samples, 11);
    assert_string_equal(show(), "- h_bucket counter m=a le=1 +0 1\n"
                                "  h_bucket counter m=a le=+Inf +0 2\n"
                                "  h_bucket counter m=b le=1 +0 4\n"
                                "  h_bucket counter m=b le=+Inf +0 5\n"
                                "- h_sum counter m=a +0 3\n"
                                "  h_sum counter m=b +0 6\n"
                                "- h_count counter m=a +0 2\n"
                                "  h_count counter m=b +0 5\n"
                                "- s gauge quantile=0.5 +0 7\n"
                                "- s_sum counter +0 8\n"
                                "- s_count counter +0 9\n"
                                "- up gauge +0 1\n"
                                "- scrape_duration_seconds gauge +0 0.25\n");
}

static void an_endpoint_that_did_not_answer_is_told_as_down(void **state) {
    struct otlp_points it;
    struct otlp_point p;
    (void)state;

    assert_int_equal(make(NULL), 0);
    assert_int_equal(samples, 0);
    assert_string_equal(show(), "- up gauge +0 0\n- scrape_duration_seconds gauge +0 0.25\n");
    assert_int_equal(otlp_points_open(&it, b.data, b.len, &e), 0);
    assert_int_equal(otlp_points_next(&it, &p), 1);
    gf_buf_clear(&lines);
    add_attributes(OTLP_RESOURCE, p.resource);
    assert_string_equal(lines.data, " service.name=node service.instance.id=node-1");
}

static void what_is_no_metric_and_what_does_not_fit_is_refused(void **state) {
    struct gf_buf small;
    const struct collect_scraped s = {
        .job = "j", .name = "n", .text = "m 1\nm 2\n", .len = 8, .began = BEGAN};
    (void)state;

    assert_int_equal(make("m 1\n<html>\n"), -1);
    assert_int_equal(e.code, GF_E_RECORD);
    assert_int_equal(samples, -1);
    for (size_t max = 1; max < 200; max += 7) {
        gf_buf_init(&small, max);
        int rc = collect_scrape_body(&s, &small, &samples, &e);
        assert_true(rc == 0 ? otlp_check(small.data, small.len, NULL, &e) == 0
                            : e.code == GF_E_LIMIT);
        gf_buf_free(&small);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_sample_is_a_point_of_its_full_name, setup, teardown),
        cmocka_unit_test_setup_teardown(the_parts_of_a_histogram_stand_together, setup, teardown),
        cmocka_unit_test_setup_teardown(an_endpoint_that_did_not_answer_is_told_as_down, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_is_no_metric_and_what_does_not_fit_is_refused, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
