/*
 * test_endpoint_template.c -- templates of profile http: what fills their holes, and which ones are
 * refused.
 */
#include "endpoint_testing.h"

#include "gapferry/json.h"
#include "relay/endpoints/endpoint_template.h"

static const struct gf_id agent = {{0xab, 1}};

/* The body that this template makes of this record's; NULL and *e where it cannot. */
static char *fill(const char *template, const char *body, struct gf_err *e) {
    const struct gf_record r = {.id = {{2}},
                                .channel = "metrics",
                                .type = "application/json",
                                .created = 1800000000,
                                .origin = agent,
                                .body = {GF_BODY_TEXT, body, strlen(body)}};
    const struct ledger_record row = {.agent = agent};
    const struct endpoint_job j = {.row = &row, .record = &r};
    struct endpoint_template *t = NULL;
    struct gf_buf out;

    if (endpoint_template_parse(template, strlen(template), &t, e) == -1)
        fail_msg("%s", e->text);
    gf_buf_init(&out, 1 << 20);
    int rc = endpoint_template_fill(t, &j, &out, e);
    endpoint_template_free(t);
    if (rc == 0 && gf_json_check_foreign(out.data, out.len, "filled", e) == -1)
        fail_msg("%s: %s", e->text, out.data);
    char *text = rc == 0 ? strdup(out.data) : NULL;
    gf_buf_free(&out);
    return text;
}

static void holes_become_what_the_record_says(void **state) {
    static const struct {
        const char *template, *body, *filled;
    } cases[] = {
        {"{\"n\":{{users}},\"o\":{{ o }}}", "{\"users\":1.50,\"o\":{\"p\":[1]}}",
         "{\"n\":1.50,\"o\":{\"p\":[1]}}"},
        {"{\"a\":{{name}},\"b\":\"<{{name}}>\"}", "{\"name\":\"x \\\"y\\\" \\u00e4\"}",
         "{\"a\":\"x \\\"y\\\" \\u00e4\",\"b\":\"<x \\\"y\\\" \\u00e4>\"}"},
        {"{\"a\":{{gone}},\"b\":\"{{gone}}\",\"c\":\"{{nil}}\"}", "{\"nil\":null}",
         "{\"a\":null,\"b\":\"\",\"c\":\"\"}"},
        {"{\"s\":\"{{o}}\"}", "{\"o\":{\"k\":\"v\"}}", "{\"s\":\"{\\\"k\\\":\\\"v\\\"}\"}"},
        {"[{{gapferry.channel}},{{gapferry.product}},\"{{gapferry.created}}\"]", "no JSON",
         "[\"metrics\",null,\"2027-01-15T08:00:00Z\"]"},
        {"{\"id\":{{gapferry.agent}}}", "", "{\"id\":\"ab010000000000000000000000000000\"}"},
        {"{\"data\":{{gapferry.body}}}", "{\"a\":[1,2]}", "{\"data\":{\"a\":[1,2]}}"},
        {"{\"data\":{{gapferry.body}},\"t\":\"{{gapferry.body}}\"}", "a \"b\"",
         "{\"data\":\"a \\\"b\\\"\",\"t\":\"a \\\"b\\\"\"}"},
        {"{\"q\":\"\\\"{{a}}\\\\\",\"z\":{{a}}}", "{\"a\":\"1\"}",
         "{\"q\":\"\\\"1\\\\\",\"z\":\"1\"}"},
    };
    struct gf_err e;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = fill(cases[i].template, cases[i].body, &e);
        if (text == NULL)
            fail_msg("%s", e.text);
        assert_string_equal(text, cases[i].filled);
        free(text);
    }
}

static void fields_of_what_is_no_object_cannot_be_filled_in(void **state) {
    struct gf_err e;
    (void)state;
    char *text = fill("{\"a\":{{a}}}", "text", &e);
    assert_null(text);
    free(text);
    assert_non_null(strstr(e.text, "wants fields of a JSON object"));
    text = fill("{\"a\":{{gapferry.body}}}", "\xff", &e);
    assert_null(text);
    free(text);
}

static void a_template_that_would_be_no_json_is_refused(void **state) {
    static const char *const bad[][2] = {
        {"", "is empty"},
        {"{\"a\":{{b}", "does not end with }}"},
        {"{\"a\":{{b\n}}}", "does not end with }}"},
        {"{\"a\":{{ }}}", "names a field"},
        {"{\"a\":{{gapferry.host}}}", "there are agent"},
        {"{\"a\":{{b}},}", "with its holes filled"},
        {"{{{a}}: 1}", "with its holes filled"},
        {"{\"a\":1}}", "with its holes filled"},
    };
    struct endpoint_template *t;
    struct gf_err e;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (endpoint_template_parse(bad[i][0], strlen(bad[i][0]), &t, &e) != -1)
            fail_msg("taken: %s", bad[i][0]);
        if (strstr(e.text, bad[i][1]) == NULL)
            fail_msg("%s: %s", bad[i][0], e.text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(holes_become_what_the_record_says),
        cmocka_unit_test(fields_of_what_is_no_object_cannot_be_filled_in),
        cmocka_unit_test(a_template_that_would_be_no_json_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
