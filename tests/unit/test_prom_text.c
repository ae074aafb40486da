/*
 * test_prom_text.c -- common/prom_text.c: what is a sample, and what is refused.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/prom_text.h"

static struct gf_err e;

static size_t length(struct prom_span s) {
    return (size_t)(s.end - s.at);
}

static void is(struct prom_span s, const char *text) {
    if (length(s) != strlen(text) || memcmp(s.at, text, length(s)) != 0)
        fail_msg("%.*s is not %s", (int)length(s), s.at, text);
}

/* All of a text: how many samples, or -1; the last one is in *last. The text lies in memory of its
 * own size, so that reading beyond it is seen. */
static int read_all(const char *text, size_t len, int openmetrics, struct prom_sample *last) {
    char *own = malloc(len + 1);
    struct prom_text it;
    int n = 0, rc;

    assert_non_null(own);
    memcpy(own, text, len);
    prom_text_open(&it, own, len, openmetrics);
    while ((rc = prom_text_next(&it, last, &e)) == 1)
        n++;
    free(own);
    return rc == 0 ? n : -1;
}

static int count(const char *text) {
    struct prom_sample last;
    return read_all(text, strlen(text), 0, &last);
}

static int count_openmetrics(const char *text) {
    struct prom_sample last;
    return read_all(text, strlen(text), 1, &last);
}

static void the_example_of_the_format_is_read(void **state) {
    static const char text[] =
        "# HELP http_requests_total The total number of HTTP requests.\n"
        "# TYPE http_requests_total counter\n"
        "http_requests_total{method=\"post\",code=\"200\"} 1027 1395066363000\n"
        "http_requests_total{method=\"post\",code=\"400\"}    3 1395066363000\n"
        "\n"
        "# Escaping in label values:\n"
        "msdos_file_access_time_seconds{path=\"C:\\\\DIR\\\\FILE.TXT\",error=\"Cannot "
        "find file:\\n\\\"FILE.TXT\\\"\"} 1.458255915e9\n"
        "metric_without_timestamp_and_labels 12.47\n"
        "something_weird{problem=\"division by zero\"} +Inf -0\n";
    static const char good[] = "\n# TYPE rpc summary\n \trpc { quantile = \"0.01\" , } 3102 \t 1 \n"
                               "rpc_sum 1.7560473e+07\nrpc_count 2693\n";
    struct prom_text it;
    struct prom_sample s;
    struct prom_span name, value;
    struct gf_buf plain;
    (void)state;

    prom_text_open(&it, text, sizeof text - 1, 0);
    assert_int_equal(prom_text_next(&it, &s, &e), 1);
    is(s.name, "http_requests_total");
    assert_int_equal(s.type, PROM_COUNTER);
    assert_int_equal(s.part, PROM_VALUE);
    assert_true(s.value == 1027);
    assert_true(s.has_time && s.time_ms == 1395066363000);
    assert_int_equal(prom_text_label(&s.labels, &name, &value), 1);
    is(name, "method");
    is(value, "post");
    assert_int_equal(prom_text_label(&s.labels, &name, &value), 1);
    is(name, "code");
    is(value, "200");
    assert_int_equal(prom_text_label(&s.labels, &name, &value), 0);
    assert_int_equal(prom_text_next(&it, &s, &e), 1);
    assert_true(s.value == 3);

    assert_int_equal(prom_text_next(&it, &s, &e), 1);
    assert_int_equal(s.type, PROM_UNTYPED);
    assert_false(s.has_time);
    gf_buf_init(&plain, 1000);
    assert_int_equal(prom_text_label(&s.labels, &name, &value), 1);
    prom_text_plain(&plain, value);
    assert_string_equal(plain.data, "C:\\DIR\\FILE.TXT");
    gf_buf_clear(&plain);
    assert_int_equal(prom_text_label(&s.labels, &name, &value), 1);
    prom_text_plain(&plain, value);
    assert_string_equal(plain.data, "Cannot find file:\n\"FILE.TXT\"");
    gf_buf_free(&plain);

    assert_int_equal(prom_text_next(&it, &s, &e), 1);
    assert_int_equal(prom_text_label(&s.labels, &name, &value), 0);
    assert_true(s.value == 12.47);
    /* A negative time is no time since 1970. */
    assert_int_equal(prom_text_next(&it, &s, &e), -1);
    assert_non_null(strstr(e.text, "line 9: "));
    assert_int_equal(count(good), 3);
}

static void values_are_decimal_numbers_infinities_and_nan(void **state) {
    static const struct {
        const char *text;
        double value;
    } good[] = {{"0", 0},
                {"-0", 0},
                {"+5", 5},
                {"1e3", 1000},
                {"1E-2", .01},
                {".5", .5},
                {"5.", 5},
                {"+Inf", INFINITY},
                {"-Inf", -INFINITY},
                {"inf", INFINITY},
                {"NaN", NAN},
                {"9007199254740993", 9007199254740992.0},
                {"1e-400", 0},
                {"-1.5e+3", -1500},
                {"Infinity", INFINITY},
                {"123456789", 123456789}};
    static const char *const bad[] = {"",    "+",     "-",     ".",      "e5",  "1e",
                                      "1e+", "0x10",  "1_0",   "nan(1)", "1,5", "1e999",
                                      "++1", "--inf", "1 2 3", "on",     "1d"};
    (void)state;

    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct prom_sample s;
        char text[100];
        int n = snprintf(text, sizeof text, "m{} %s\n", good[i].text);
        if (read_all(text, (size_t)n, 0, &s) != 1 ||
            !(s.value == good[i].value || (isnan(s.value) && isnan(good[i].value))))
            fail_msg("%s", good[i].text);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[100];
        (void)snprintf(text, sizeof text, "m %s\n", bad[i]);
        if (count(text) != -1)
            fail_msg("%s is taken", bad[i]);
        assert_int_equal(e.code, GF_E_RECORD);
    }
}

static void what_breaks_the_format_is_refused_with_its_line(void **state) {
    static const char *const bad[] = {
        "m 1", /* cut off */
        "m\n",
        "m 1 x\n",
        "m 1 1.5\n",
        "m 1 2 3\n",
        "m 1 99999999999999\n",
        "m{a=\"1\"}\n",
        "m{a=\"1\"\n",
        "m{a=\"1} 1\n",
        "m{a=\"1\\\"} 1\n",
        "m{a=1} 1\n",
        "m{a} 1\n",
        "m{a=\"1\" b=\"2\"} 1\n",
        "m{,} 1\n",
        "m{a=\"1\",,} 1\n",
        "m{a=\"1\",a=\"1\"} 1\n",
        "m{__name__=\"other\"} 1\n",
        "m{a=\"\\t\"} 1\n",
        "m{a:b=\"1\"} 1\n",
        "m{1=\"1\"} 1\n",
        "m{\"m\"} 1\n",
        "1m 1\n",
        "m\xff 1\n",
        "m{a=\"\xff\"} 1\n",
        "m-n 1\n",
        "{a=\"b\"} 1\n",
        "m 1\r\n",
        "<html>\n",
        "# TYPE m\n",
        "# TYPE m number\n",
        "# TYPE m gauge x\n",
        "# TYPE 1 gauge\n",
        "# HELP\n",
        "# TYPE m gauge\n# TYPE m gauge\n",
        "m 1\n# TYPE m counter\n",
        "m 1 # {a=\"b\"} 1\n",
    };
    (void)state;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[200];
        (void)snprintf(text, sizeof text, "before 1\n%s", bad[i]);
        if (count(text) != -1)
            fail_msg("%s is taken", bad[i]);
        assert_int_equal(e.code, GF_E_RECORD);
        if (strstr(e.text, "line 2: ") == NULL && strstr(e.text, "line 3: ") == NULL)
            fail_msg("%s: %s", bad[i], e.text);
    }
    struct prom_sample s;
    assert_int_equal(read_all("m{a=\"\0\"} 1\n", 12, 0, &s), -1);
    assert_int_equal(count(""), 0);
    assert_int_equal(count("# only words\n#\n\n \t\n"), 0);
    assert_int_equal(count("m{a=\"}\",b=\"{,\"} 1\n# EOF\n"), 1);
}

static void a_sample_belongs_to_the_metric_of_its_type(void **state) {
    static const char text[] =
        "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_sum 1\nh_count 1\n"
        "h_created 1\nh 1\n"
        "h_total 1\nh_total{a=\"b\"} 1\n" /* not of it: a metric of its own */
        "h_sum 1\n"                       /* nor that, behind the other */
        "# TYPE c counter\nc_total 1\nc_created 1\nc 1\n"
        "# TYPE g gauge\ng 1\n# HELP g more\ng 2\ng_sum 1\n";
    static const struct {
        enum prom_type type;
        enum prom_part part;
        int metric;
    } want[] = {{PROM_HISTOGRAM, PROM_BUCKET, 0}, {PROM_HISTOGRAM, PROM_SUM, 0},
                {PROM_HISTOGRAM, PROM_COUNT, 0},  {PROM_HISTOGRAM, PROM_CREATED, 0},
                {PROM_HISTOGRAM, PROM_VALUE, 0},  {PROM_UNTYPED, PROM_VALUE, 1},
                {PROM_UNTYPED, PROM_VALUE, 1},    {PROM_UNTYPED, PROM_VALUE, 2},
                {PROM_COUNTER, PROM_VALUE, 3},    {PROM_COUNTER, PROM_CREATED, 3},
                {PROM_COUNTER, PROM_VALUE, 3},    {PROM_GAUGE, PROM_VALUE, 4},
                {PROM_GAUGE, PROM_VALUE, 4},      {PROM_UNTYPED, PROM_VALUE, 5}};
    struct prom_text it;
    struct prom_sample s;
    int64_t first = 0;
    (void)state;

    prom_text_open(&it, text, sizeof text - 1, 0);
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        assert_int_equal(prom_text_next(&it, &s, &e), 1);
        first = i == 0 ? s.metric : first;
        if (s.type != want[i].type || s.part != want[i].part || s.metric - first != want[i].metric)
            fail_msg("sample %zu: type %d, part %d, metric %lld", i, (int)s.type, (int)s.part,
                     (long long)(s.metric - first));
    }
    assert_int_equal(prom_text_next(&it, &s, &e), 0);
}

static void openmetrics_is_read_where_it_comes(void **state) {
    static const char text[] =
        "# TYPE a gaugehistogram\n# UNIT a bytes\na_bucket{le=\"+Inf\"} 4 "
        "1520879607.789 # {trace_id=\"x\"} 0.5 1.2\na_gsum 1\n"
        "# TYPE b info\nb_info{v=\"1\"} 1\n# TYPE c stateset\nc{c=\"on\"} 1\n"
        "# TYPE d unknown\nd 1 # {} 1\n# EOF\n";
    struct prom_sample s;
    (void)state;

    assert_int_equal(read_all(text, sizeof text - 1, 1, &s), 5);
    assert_int_equal(read_all(text, 60 + 40, 1, &s), -1);
    assert_int_equal(read_all("m 1 1520879607.789\n# EOF\n", 25, 1, &s), 1);
    assert_true(s.time_ms == 1520879607789);
    assert_int_equal(count_openmetrics("m 1\n"), -1);
    assert_non_null(strstr(e.text, "cut off"));
    assert_int_equal(count_openmetrics("m 1\n# EOF\nm 2\n"), -1);
}

static void what_is_too_large_is_refused(void **state) {
    struct gf_buf b;
    (void)state;

    gf_buf_init(&b, 1 << 20);
    for (int extra = 0; extra < 2; extra++) {
        gf_buf_clear(&b);
        gf_buf_text(&b, "m{");
        for (int i = 0; i < PROM_LABELS_MAX + extra; i++)
            gf_buf_printf(&b, "l%d=\"\",", i);
        gf_buf_text(&b, "} 1\n");
        assert_int_equal(count(b.data), extra ? -1 : 1);
    }
    for (int extra = 0; extra < 2; extra++) {
        gf_buf_clear(&b);
        for (int i = 0; i < PROM_NAME_MAX + extra; i++)
            gf_buf_byte(&b, 'm');
        gf_buf_text(&b, " 1\n");
        assert_int_equal(count(b.data), extra ? -1 : 1);
    }
    for (int extra = 0; extra < 2; extra++) {
        gf_buf_clear(&b);
        gf_buf_text(&b, "m 1\n#");
        for (int i = 0; i < PROM_LINE_MAX - 2 + extra; i++)
            gf_buf_byte(&b, '.');
        gf_buf_text(&b, "\n");
        assert_int_equal(count(b.data), extra ? -1 : 1);
    }
    assert_int_equal(e.code, GF_E_LIMIT);
    gf_buf_free(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_of_the_format_is_read),
        cmocka_unit_test(values_are_decimal_numbers_infinities_and_nan),
        cmocka_unit_test(what_breaks_the_format_is_refused_with_its_line),
        cmocka_unit_test(a_sample_belongs_to_the_metric_of_its_type),
        cmocka_unit_test(openmetrics_is_read_where_it_comes),
        cmocka_unit_test(what_is_too_large_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
