/*
 * test_record_ext.c -- the facts beside a record's body.
 */
#include "format_testing.h"

#include "gapferry/record.h"

#define RECORD                                                                                     \
    "{\"id\":\"01890a5d-ac96-774b-bcce-b302099a8057\",\"channel\":\"metrics\",\"product\":null,"   \
    "\"origin\":\"" H32                                                                            \
    "\",\"created\":\"2024-02-29T12:00:00Z\",\"expires\":null,\"clock\":\"ok\","                   \
    "\"type\":\"application/json\",\"answer\":false,\"body\":\"{}\",\"ext\":{}}\n"

static struct gf_err e;

/* The example's line with other facts. */
static char *line_with(const char *ext) {
    const char *at = strstr(RECORD, "\"ext\":{}") + 6;
    size_t size = strlen(RECORD) + strlen(ext);
    char *line = malloc(size);

    assert_non_null(line);
    (void)snprintf(line, size, "%.*s%s%s", (int)(at - RECORD), RECORD, ext, at + 2);
    return line;
}

static void facts_beside_a_body_are_kept_byte_for_byte(void **state) {
    static const char *const facts[] = {
        "{}", "{ }", "{\"a\":1}", "{ \"metrics\" : { \"points\":3,\t\"\\u0066rom\":\"x\" } }",
        "{\"a\":{\"b\":[[[[[[[[[[[[0]]]]]]]]]]]]},\"\xc3\xa9\":\"\\ud83d\\ude00\"}"};
    struct gf_record r;
    struct gf_buf b;
    (void)state;

    gf_buf_init(&b, GF_LINE_MAX);
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++) {
        char *line = line_with(facts[i]);
        assert_int_equal(gf_record_parse(line, strlen(line), &r, &e), 0);
        gf_buf_clear(&b);
        assert_int_equal(gf_record_write(&r, &b, &e), 0);
        assert_string_equal(b.data, line);
        if (i == 0)
            assert_null(r.ext);
        else
            assert_string_equal(r.ext, facts[i]);
        assert_string_equal(r.body.data, "{}");
        gf_record_free(&r);
        free(line);
    }
    gf_buf_free(&b);
}

static enum gf_code parse(const char *line) {
    struct gf_record r;

    int rc = gf_record_parse(line, strlen(line), &r, &e);
    assert_true(rc == 0 || r.owned == NULL);
    gf_record_free(&r);
    return rc == 0 ? GF_OK : e.code;
}

/* What may be beside it, as who writes one has it. */
static int write(const char *ext) {
    struct gf_record r;
    struct gf_buf b;

    assert_int_equal(gf_record_parse(RECORD, strlen(RECORD), &r, &e), 0);
    r.ext = ext;
    gf_buf_init(&b, GF_LINE_MAX);
    int rc = gf_record_write(&r, &b, &e);
    if (rc == -1) {
        assert_int_equal(e.code, GF_E_RECORD);
        assert_int_equal(b.len, 0);
    }
    gf_buf_free(&b);
    gf_record_free(&r);
    return rc;
}

static void facts_have_a_greatest_length(void **state) {
    char ext[GF_EXT_MAX + 2];
    (void)state;

    for (size_t n = GF_EXT_MAX; n <= GF_EXT_MAX + 1; n++) {
        memset(ext, 'x', n);
        memcpy(ext, "{\"a\":\"", 6);
        memcpy(ext + n - 2, "\"}", 3);
        char *line = line_with(ext);
        assert_int_equal(parse(line), n == GF_EXT_MAX ? GF_OK : GF_E_RECORD);
        assert_int_equal(write(ext), n == GF_EXT_MAX ? 0 : -1);
        free(line);
    }
}

static void nothing_but_an_object_is_written(void **state) {
    (void)state;
    assert_int_equal(write(NULL), 0);
    assert_int_equal(write("{\"a\":[[[[[[[[[[[[[[0]]]]]]]]]]]]]]}"), 0);
    assert_int_equal(write("{\"a\":[[[[[[[[[[[[[[[0]]]]]]]]]]]]]]]}"),
                     -1); /* within the line 17 deep */
    assert_int_equal(write(""), -1);
    assert_int_equal(write("{"), -1);
    assert_int_equal(write("[]"), -1);
    assert_int_equal(write(" {}"), -1);
    assert_int_equal(write("{},\"body\":{}"), -1);
    assert_int_equal(write("{\n}"), -1);
    assert_int_equal(write("{\"a\":1.5}"), -1);
    assert_int_equal(write("{\"a\":\"\xff\"}"), -1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(facts_beside_a_body_are_kept_byte_for_byte),
        cmocka_unit_test(facts_have_a_greatest_length),
        cmocka_unit_test(nothing_but_an_object_is_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
