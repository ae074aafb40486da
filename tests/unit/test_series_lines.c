/*
 * test_series_lines.c -- relay/series: records of metrics as lines of the Influx protocol.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/otlp_json.h"
#include "relay/series/lines.h"

static const struct metrics_labels site = {.label = {{"site", "Plant 4, a=b"}}, .n = 1};
static const struct metrics_labels odd = {.label = {{"delay_s", "7"}, {"site", "back\\"}}, .n = 2};

static void expect(const struct pieces *p, const char *text) {
    if (p->bytes.len != strlen(text) || memcmp(p->bytes.data, text, p->bytes.len) != 0)
        fail_msg("got:\n%.*s", (int)p->bytes.len, p->bytes.data);
}

/* These metrics of one resource and scope, as pieces. */
static struct pieces make(const char *metrics) {
    struct gf_buf json, b;
    struct pieces p;
    struct gf_err e;

    gf_buf_init(&json, 1 << 20);
    gf_buf_init(&b, 1 << 20);
    gf_buf_printf(&json,
                  "{\"resourceMetrics\":[{\"resource\":{\"attributes\":[{\"key\":\"region\","
                  "\"value\":{\"stringValue\":\"eu\"}}]},\"scopeMetrics\":[{\"scope\":{\"name\":"
                  "\"lib\"},\"metrics\":[%s]}]}]}",
                  metrics);
    if (otlp_json_to_protobuf(json.data, json.len, &b, &e) == -1)
        fail_msg("%s: %s", json.data, e.text);
    pieces_init(&p);
    assert_int_equal(lines_otlp(b.data, b.len, &site, &p, &e), 0);
    gf_buf_free(&json);
    gf_buf_free(&b);
    return p;
}

#define T                "\"timeUnixNano\":\"1700000000123456789\""
#define NS               " 1700000000123456789\n"
#define SITE             ",gapferry_site=Plant\\ 4\\,\\ a\\=b"
#define ATTR(key, value) "{\"key\":\"" key "\",\"value\":{\"stringValue\":\"" value "\"}}"

static void lines_stay_as_they_are_but_for_the_relays_own_tags(void **state) {
    static const char text[] =
        "m\\ x,gapferry_site=evil,b=2,gapferry_other=1 gapferry_site=\"evil\",f=1i,g=\"a\nb\" "
        "1700000000123456789\n"
        "# a comment\n"
        "m f=1\n"
        "broken\n"
        "o gapferry.site=1 6\n"
        "n f=0.10 5";
    struct pieces p;
    struct gf_err e;
    (void)state;
    pieces_init(&p);
    assert_int_equal(lines_influx(text, sizeof text - 1, &site, &p, &e), 0);
    expect(&p, "m\\ x,b=2,gapferry_other=1" SITE " f=1i,g=\"a\nb\"" NS "n" SITE " f=0.10 5\n");
    assert_int_equal(p.n, 5);
    assert_string_equal(p.point[3].unfit, "without a field but those named like the relay's tags");
    assert_string_equal(p.point[1].unfit, "without a time");
    assert_string_equal(p.point[2].unfit, "a line that is not well-formed");
    pieces_free(&p);

    /* What a tag cannot hold of a name in relay.conf. */
    assert_int_equal(lines_influx("m f=1 5", 7, &odd, &p, &e), 0);
    expect(&p, "m,gapferry_delay_s=7,gapferry_site=back_ f=1 5\n");
    pieces_free(&p);
}

static void points_become_lines_with_every_digit(void **state) {
    (void)state;
    struct pieces p = make(
        "{\"name\":\"a b,c=d\",\"gauge\":{\"dataPoints\":[{" T
        ",\"asDouble\":0.1,\"attributes\":[" ATTR("k=1", "v,2") "," ATTR("region", "us") "," ATTR(
            "gapferry.site",
            "evil") "," ATTR("e", "") ",{\"key\":\"l\",\"value\":{\"intValue\":\"-3\"}}]}]}},"
                                      "{\"name\":\"n\",\"sum\":{\"aggregationTemporality\":1,"
                                      "\"isMonotonic\":true,\"dataPoints\":["
                                      "{" T ",\"asInt\":\"9007199254740993\"}]}},"
                                      "{\"name\":\"h\",\"histogram\":{\"aggregationTemporality\":2,"
                                      "\"dataPoints\":[{" T
                                      ",\"count\":\"6\",\"sum\":1.5,\"bucketCounts\":[1,2,3],"
                                      "\"explicitBounds\":[0.5,10]}]}},"
                                      "{\"name\":\"s\",\"summary\":{\"dataPoints\":[{" T
                                      ",\"count\":\"4\",\"sum\":9,"
                                      "\"quantileValues\":[{\"quantile\":0.5,\"value\":2.5}]}]}}");
    expect(&p, "a\\ b\\,c=d,k\\=1=v\\,2,region=us,l=-3,otel.scope.name=lib" SITE " gauge=0.1" NS
               "n,otel.temporality=delta,otel.scope.name=lib,region=eu" SITE
               " counter=9007199254740993i" NS "h,otel.scope.name=lib,region=eu" SITE
               " count=6i,sum=1.5,0.5=1i,10=3i,+Inf=6i" NS "s,otel.scope.name=lib,region=eu" SITE
               " count=4i,sum=9,0.5=2.5" NS);
    pieces_free(&p);
}

static void what_a_line_cannot_hold_is_refused_alone(void **state) {
    static const char *const bad[] = {
        "{\"name\":\"#g\",\"gauge\":{\"dataPoints\":[{" T ",\"asInt\":1}]}}",
        "{\"name\":\"g\",\"gauge\":{\"dataPoints\":[{\"asInt\":1}]}}",
        "{\"name\":\"g\",\"gauge\":{\"dataPoints\":[{\"timeUnixNano\":\"9223372036854775808\","
        "\"asInt\":1}]}}",
        "{\"name\":\"g\",\"gauge\":{\"dataPoints\":[{" T ",\"asDouble\":\"NaN\"}]}}",
        "{\"name\":\"g\",\"gauge\":{\"dataPoints\":[{" T ",\"asDouble\":\"Infinity\"}]}}",
        "{\"name\":\"g\",\"gauge\":{\"dataPoints\":[{" T ",\"flags\":1}]}}",
        "{\"name\":\"g\",\"gauge\":{\"dataPoints\":[{" T "}]}}",
        "{\"name\":\"g\",\"gauge\":{\"dataPoints\":[{" T
        ",\"asInt\":1,\"attributes\":[" ATTR("a", "b\\n") "]}]}}",
        "{\"name\":\"g\",\"gauge\":{\"dataPoints\":[{" T
        ",\"asInt\":1,\"attributes\":[" ATTR("a", "b\\\\") "]}]}}",
        "{\"name\":\"s\",\"summary\":{\"dataPoints\":[{" T ",\"sum\":\"NaN\"}]}}",
    };
    char both[2000];
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        (void)snprintf(both, sizeof both,
                       "%s,{\"name\":\"ok\",\"gauge\":{\"dataPoints\":[{" T ",\"asInt\":1}]}}",
                       bad[i]);
        struct pieces p = make(both);
        if (p.point[0].unfit == NULL)
            fail_msg("taken: %s", bad[i]);
        expect(&p, "ok,otel.scope.name=lib,region=eu" SITE " gauge=1i" NS);
        pieces_free(&p);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_stay_as_they_are_but_for_the_relays_own_tags),
        cmocka_unit_test(points_become_lines_with_every_digit),
        cmocka_unit_test(what_a_line_cannot_hold_is_refused_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
