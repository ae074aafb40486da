/*
 * test_json.c -- base/json: fields by name and type, nothing left over.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "gapferry/json.h"
#include "gapferry/limits.h"

static struct gf_json *open_json(const char *text, struct gf_json_obj *o) {
    struct gf_json *j = NULL;
    struct gf_err e = {.text = ""};
    if (gf_json_parse(text, strlen(text), "card", GF_E_CARD, &j, &e) == -1)
        fail_msg("%s: %s", text, e.text);
    gf_json_root(j, o);
    return j;
}

/* The reader has kept this error. */
static void assert_refused(struct gf_json_obj *o, const char *text) {
    struct gf_err e = {.text = ""};
    assert_int_equal(gf_json_end(o, &e), -1);
    assert_int_equal(e.code, GF_E_CARD);
    assert_string_equal(e.text, text);
}

static void every_type_is_read(void **state) {
    static const char *const words[] = {"agent", "relay", NULL};
    struct gf_json_obj o, inner;
    struct gf_err e;
    const char *text;
    int64_t number, t;
    int yes, word;
    uint8_t hex[3];
    size_t n;

    (void)state;
    struct gf_json *j = open_json(
        "{\"s\":\"a\\u00e4\\n\",\"i\":-9007199254740991,\"b\":true,\"h\":\"00ff7a\",\"t\":"
        "\"1970-01-01T00:01:00Z\",\"e\":\"relay\",\"o\":{\"x\":\"y\"},\"any\":{\"z\":[]},"
        "\"l\":[\"p\",5,\"0102\",{\"q\":9007199254740991}]}",
        &o);
    assert_int_equal(gf_json_str(&o, "s", 0, 4, &text), 1);
    assert_string_equal(text, "a\xc3\xa4\n");
    assert_int_equal(gf_json_int(&o, "i", -GF_JSON_INT_MAX, 0, &number), 1);
    assert_true(number == -GF_JSON_INT_MAX);
    assert_int_equal(gf_json_bool(&o, "b", &yes), 1);
    assert_int_equal(yes, 1);
    assert_int_equal(gf_json_hex(&o, "h", hex, 3), 1);
    assert_memory_equal(hex, "\x00\xff\x7a", 3);
    assert_int_equal(gf_json_time(&o, "t", &t), 1);
    assert_int_equal(t, 60);
    assert_int_equal(gf_json_enum(&o, "e", words, &word), 1);
    assert_int_equal(word, 1);
    assert_int_equal(gf_json_obj(&o, "o", &inner), 1);
    assert_int_equal(gf_json_str(&inner, "x", 1, 1, &text), 1);
    assert_int_equal(gf_json_end(&inner, &e), 0);
    assert_int_equal(gf_json_any_obj(&o, "any"), 1);
    assert_int_equal(gf_json_array(&o, "l", 4, &n), 1);
    assert_int_equal(n, 4);
    assert_int_equal(gf_json_item_obj(&o, "l", 3, &inner), 1);
    assert_int_equal(gf_json_int(&inner, "q", 0, GF_JSON_INT_MAX, &number), 1);
    assert_true(number == GF_JSON_INT_MAX);
    assert_int_equal(gf_json_end(&inner, &e), 0);
    assert_int_equal(gf_json_item_str(&o, "l", 0, 1, 1, &text), 1);
    assert_string_equal(text, "p");
    assert_int_equal(gf_json_item_hex(&o, "l", 2, hex, 2), 1);
    assert_int_equal(gf_json_item_int(&o, "l", 1, 5, 5, &number), 1);
    assert_int_equal(number, 5);
    assert_int_equal(gf_json_end(&o, &e), 0);
    gf_json_free(j);
}

static void fields_may_be_asked_for_in_any_order(void **state) {
    static const char *const names[] = {"a", "b", "c", "d"};
    struct gf_json_obj o;
    struct gf_err e;
    int64_t v;

    (void)state;
    for (int order = 0; order < 256; order++) {
        struct gf_json *j = open_json("{\"a\":0,\"b\":1,\"c\":2,\"d\":3}", &o);
        unsigned seen = 0;
        for (int i = 0; i < 4; i++) {
            int which = order >> 2 * i & 3;
            assert_int_equal(gf_json_int(&o, names[which], 0, 3, &v), 1);
            assert_int_equal(v, which);
            seen |= 1U << which;
        }
        /* One asked for twice makes up for none that is left. */
        assert_int_equal(gf_json_end(&o, &e), seen == 15 ? 0 : -1);
        gf_json_free(j);
    }
}

static void a_member_left_over_is_refused_by_name(void **state) {
    struct gf_json_obj o;
    int64_t v;

    (void)state;
    struct gf_json *j = open_json("{\"a\":1,\"new\":2,\"b\":3}", &o);
    assert_int_equal(gf_json_int(&o, "a", 0, 9, &v), 1);
    assert_int_equal(gf_json_int(&o, "b", 0, 9, &v), 1);
    assert_int_equal(gf_json_has(&o, "new"), 1); /* looking is not asking */
    assert_refused(&o, "card: \"new\" is no member that this version knows");
    gf_json_free(j);
}

static void the_last_of_256_members_is_missed_too(void **state) {
    struct gf_json_obj o;
    struct gf_buf b;
    struct gf_err e;
    int64_t v;
    char name[12];

    (void)state;
    gf_buf_init(&b, 10000);
    for (int i = 0; i < GF_JSON_MEMBERS_MAX; i++)
        gf_buf_printf(&b, "%c\"%d\":%d", i > 0 ? ',' : '{', i, i);
    gf_buf_byte(&b, '}');
    for (int left = 0; left <= GF_JSON_MEMBERS_MAX; left += 51) {
        struct gf_json *j = open_json(b.data, &o);
        for (int i = GF_JSON_MEMBERS_MAX - 1; i >= 0; i--) {
            (void)snprintf(name, sizeof name, "%d", i);
            if (i != left)
                assert_int_equal(gf_json_int(&o, name, i, i, &v), 1);
        }
        assert_int_equal(gf_json_end(&o, &e), left < GF_JSON_MEMBERS_MAX ? -1 : 0);
        gf_json_free(j);
    }
    gf_buf_free(&b);
}

static void what_is_missing_is_named(void **state) {
    struct gf_json_obj o;
    const char *text = "untouched";

    (void)state;
    struct gf_json *j = open_json("{}", &o);
    assert_int_equal(gf_json_str(&o, "name", 0, 9, &text), 0);
    assert_string_equal(text, "untouched");
    assert_refused(&o, "card: \"name\" is missing");
    gf_json_root(j, &o);
    assert_int_equal(gf_json_str_opt(&o, "name", 0, 9, &text), 0); /* absence is not null */
    assert_refused(&o, "card: \"name\" is missing");
    gf_json_free(j);
}

static void null_reads_as_absent_only_where_it_may(void **state) {
    static const char text[] = "{\"a\":null,\"b\":null,\"c\":null,\"d\":null,"
                               "\"e\":null,\"f\":null}";
    struct gf_json_obj o, inner;
    struct gf_err e;
    const char *s = "untouched";
    size_t n = 7;
    uint8_t hex[1] = {7};
    int64_t t = 7;

    (void)state;
    struct gf_json *j = open_json(text, &o);
    assert_int_equal(gf_json_str_opt(&o, "a", 1, 9, &s), 0);
    assert_int_equal(gf_json_hex_opt(&o, "b", hex, 1), 0);
    assert_int_equal(gf_json_time_opt(&o, "c", &t), 0);
    assert_int_equal(gf_json_obj_opt(&o, "d", &inner), 0);
    assert_int_equal(gf_json_int_opt(&o, "e", 0, 9, &t), 0);
    assert_int_equal(gf_json_array_opt(&o, "f", 9, &n), 0);
    assert_int_equal(n, 0);
    assert_int_equal(gf_json_str(&inner, "x", 0, 9, &s), 0); /* a null object: no error */
    assert_int_equal(gf_json_has(&inner, "x"), 0);
    assert_int_equal(gf_json_end(&inner, &e), 0);
    assert_int_equal(gf_json_end(&o, &e), 0);
    assert_string_equal(s, "untouched");
    assert_int_equal(hex[0], 7);
    assert_int_equal(t, 7);

    gf_json_root(j, &o);
    assert_int_equal(gf_json_str(&o, "a", 0, 9, &s), 0);
    assert_refused(&o, "card: \"a\" must be text of 0 to 9 bytes");
    gf_json_root(j, &o);
    assert_int_equal(gf_json_hex(&o, "b", hex, 1), 0);
    assert_refused(&o, "card: \"b\" must be 2 lower-case hex digits");
    gf_json_root(j, &o);
    assert_int_equal(gf_json_time(&o, "c", &t), 0);
    assert_refused(&o, "card: \"c\" must be a time of the form YYYY-MM-DDThh:mm:ssZ");
    gf_json_root(j, &o);
    assert_int_equal(gf_json_obj(&o, "d", &inner), 0);
    assert_refused(&o, "card: \"d\" must be an object");
    gf_json_root(j, &o);
    assert_int_equal(gf_json_any_obj(&o, "d"), 0);
    assert_refused(&o, "card: \"d\" must be an object");
    gf_json_free(j);
}

/* Each reader meets a value of each type; only its own gives 1, any other is refused. */
static void another_type_is_refused(void **state) {
    static const char *const values[] = {"\"x\"", "1", "true", "null", "{}", "[]"};
    static const char *const words[] = {"x", NULL};
    static const int own[] = {0, 1, 2, -1, -1, 0, 4, 4, 5};
    struct gf_json_obj o, inner;
    struct gf_err e;

    (void)state;
    for (size_t r = 0; r < sizeof own / sizeof *own; r++) {
        for (int v = 0; v < 6; v++) {
            char text[32];
            const char *s;
            int64_t i;
            int b, got = -1;
            uint8_t h[1];
            size_t n = 7;
            (void)snprintf(text, sizeof text, "{\"a\":%s}", values[v]);
            struct gf_json *j = open_json(text, &o);
            switch (r) {
            case 0:
                got = gf_json_str(&o, "a", 0, 9, &s);
                break;
            case 1:
                got = gf_json_int(&o, "a", 0, 9, &i);
                break;
            case 2:
                got = gf_json_bool(&o, "a", &b);
                break;
            case 3:
                got = gf_json_hex(&o, "a", h, 1);
                break;
            case 4:
                got = gf_json_time(&o, "a", &i);
                break;
            case 5:
                got = gf_json_enum(&o, "a", words, &b);
                break;
            case 6:
                got = gf_json_obj(&o, "a", &inner);
                break;
            case 7:
                got = gf_json_any_obj(&o, "a");
                break;
            case 8:
                got = gf_json_array(&o, "a", 9, &n);
                assert_int_equal(n, 0);
                break;
            default:
                fail();
            }
            assert_int_equal(got, own[r] == v);
            assert_int_equal(gf_json_end(&o, &e), own[r] == v ? 0 : -1);
            gf_json_free(j);
        }
    }
}

static void bounds_are_kept(void **state) {
    static const char *const words[] = {"agent", "relay", NULL};
    struct gf_json_obj o;
    const char *s;
    int64_t i;
    int w;
    size_t n;
    uint8_t h[2];

    (void)state;
    struct gf_json *j = open_json("{\"s\":\"abc\",\"i\":5,\"e\":\"reader\",\"l\":[1,2,3],"
                                  "\"h\":\"00FF\",\"t\":\"2024-02-30T00:00:00Z\"}",
                                  &o);
    assert_int_equal(gf_json_str(&o, "s", 3, 3, &s), 1);
    assert_int_equal(gf_json_str(&o, "s", 4, 9, &s), 0);
    assert_refused(&o, "card: \"s\" must be text of 4 to 9 bytes");
    gf_json_root(j, &o);
    assert_int_equal(gf_json_str(&o, "s", 0, 2, &s), 0);
    assert_refused(&o, "card: \"s\" must be text of 0 to 2 bytes");
    gf_json_root(j, &o);
    assert_int_equal(gf_json_int(&o, "i", 5, 5, &i), 1);
    assert_int_equal(gf_json_int(&o, "i", -3, 4, &i), 0);
    assert_refused(&o, "card: \"i\" must be a number from -3 to 4");
    gf_json_root(j, &o);
    assert_int_equal(gf_json_int(&o, "i", 6, 9, &i), 0);
    assert_refused(&o, "card: \"i\" must be a number from 6 to 9");
    gf_json_root(j, &o);
    assert_int_equal(gf_json_enum(&o, "e", words, &w), 0);
    assert_refused(&o, "card: \"e\" must be one of agent, relay");
    gf_json_root(j, &o);
    assert_int_equal(gf_json_array(&o, "l", 2, &n), 0);
    assert_refused(&o, "card: \"l\" must be an array of at most 2 elements");
    gf_json_root(j, &o);
    assert_int_equal(gf_json_hex(&o, "h", h, 2), 0);
    assert_refused(&o, "card: \"h\" must be 4 lower-case hex digits");
    gf_json_root(j, &o);
    assert_int_equal(gf_json_time(&o, "t", &i), 0);
    assert_refused(&o, "card: \"t\" must be a time of the form YYYY-MM-DDThh:mm:ssZ");
    gf_json_free(j);
}

static void the_first_error_is_kept(void **state) {
    struct gf_json_obj o;
    struct gf_err e;
    int64_t v;

    (void)state;
    struct gf_json *j = open_json("{\"a\":1}", &o);
    (void)gf_json_int(&o, "x", 0, 9, &v);
    (void)gf_json_int(&o, "y", 0, 9, &v);
    gf_json_fail(&o, GF_E_VERSION, "third");
    assert_refused(&o, "card: \"x\" is missing");
    gf_json_root(j, &o);
    gf_json_fail(&o, GF_E_VERSION, "made by %s", "a newer version");
    assert_int_equal(gf_json_end(&o, &e), -1);
    assert_int_equal(e.code, GF_E_VERSION);
    assert_string_equal(e.text, "card: made by a newer version");
    assert_int_equal(gf_json_end(&o, NULL), -1);
    gf_json_free(j);
}

static void errors_say_where_they_are(void **state) {
    struct gf_json_obj o, inner;
    const char *s;
    size_t n;

    (void)state;
    struct gf_json *j = open_json("{\"p\":{\"size\":\"x\"},\"l\":[{\"a\":1},{\"b\":1},3]}", &o);
    assert_int_equal(gf_json_obj(&o, "p", &inner), 1);
    assert_int_equal(gf_json_str(&inner, "size", 2, 3, &s), 0);
    assert_refused(&inner, "card: p: \"size\" must be text of 2 to 3 bytes");
    assert_int_equal(gf_json_array(&o, "l", 3, &n), 1);
    assert_int_equal(gf_json_item_obj(&o, "l", 1, &inner), 1);
    assert_refused(&inner, "card: l[1]: \"b\" is no member that this version knows");
    assert_int_equal(gf_json_item_obj(&o, "l", 2, &inner), 0);
    assert_refused(&o, "card: \"l\"[2] must be an object");
    gf_json_free(j);
}

static void elements_may_be_read_in_any_order_and_not_beyond_the_end(void **state) {
    struct gf_json_obj o;
    size_t n, m;
    int64_t v;

    (void)state;
    struct gf_json *j = open_json("{\"l\":[0,1,2,3],\"m\":[10,11]}", &o);
    assert_int_equal(gf_json_array(&o, "l", 9, &n), 1);
    assert_int_equal(gf_json_array(&o, "m", 9, &m), 1);
    for (int order = 0; order < 256; order++) {
        for (int i = 0; i < 4; i++) {
            size_t which = (size_t)(order >> 2 * i & 3);
            assert_int_equal(gf_json_item_int(&o, "l", which, 0, 9, &v), 1);
            assert_int_equal(v, which);
            if (which < 2) {
                assert_int_equal(gf_json_item_int(&o, "m", which, 0, 99, &v), 1);
                assert_int_equal(v, 10 + which);
            }
        }
    }
    assert_int_equal(gf_json_item_int(&o, "m", 2, 0, 99, &v), 0);
    assert_refused(&o, "card: \"m\" has no element 2");
    gf_json_free(j);
}

static void an_object_of_texts_is_walked(void **state) {
    struct gf_json_obj o, inner;
    struct gf_err e;
    const char *name, *value;

    (void)state;
    struct gf_json *j =
        open_json("{\"h\":{\"etag\":\"1\",\"age\":\"2\"},\"x\":{\"a\":\"b\",\"c\":1},"
                  "\"none\":{}}",
                  &o);
    assert_int_equal(gf_json_obj(&o, "h", &inner), 1);
    assert_int_equal(gf_json_each_str(&inner, 0, &name, &value), 1);
    assert_int_equal(gf_json_each_str(&inner, 0, &name, &value), 1);
    assert_string_equal(name, "etag");
    assert_string_equal(value, "1");
    assert_int_equal(gf_json_end(&inner, &e), -1); /* half read */
    assert_int_equal(gf_json_obj(&o, "h", &inner), 1);
    assert_int_equal(gf_json_each_str(&inner, 1, &name, &value), 1);
    assert_string_equal(name, "age");
    assert_int_equal(gf_json_each_str(&inner, 0, &name, &value), 1);
    assert_int_equal(gf_json_each_str(&inner, 2, &name, &value), 0);
    assert_int_equal(gf_json_end(&inner, &e), 0);
    assert_int_equal(gf_json_obj(&o, "x", &inner), 1);
    assert_int_equal(gf_json_each_str(&inner, 1, &name, &value), 0);
    assert_refused(&inner, "card: x: \"c\" must be text");
    assert_int_equal(gf_json_obj(&o, "none", &inner), 1);
    assert_int_equal(gf_json_each_str(&inner, 0, &name, &value), 0);
    assert_int_equal(gf_json_end(&inner, &e), 0);
    gf_json_free(j);
}

static void only_strict_json_with_an_object_as_root_is_parsed(void **state) {
    struct gf_json *j = NULL;
    struct gf_err e;

    (void)state;
    assert_int_equal(gf_json_parse("{\"a\":1,\"a\":1}", 13, "card", GF_E_CARD, &j, &e), -1);
    assert_int_equal(e.code, GF_E_JSON);
    assert_int_equal(gf_json_parse("[]", 2, "card", GF_E_CARD, &j, &e), -1);
    assert_int_equal(e.code, GF_E_CARD);
    assert_string_equal(e.text, "card: not a JSON object");
    assert_int_equal(gf_json_parse("{} x", 2, "card", GF_E_CARD, &j, &e), 0); /* len counts */
    gf_json_free(j);
    gf_json_free(NULL);
}

static void a_written_string_reads_back_as_itself(void **state) {
    struct gf_buf b;
    struct gf_json_obj o;
    const char *back;
    char all[128 + 16];

    (void)state;
    size_t n = 0;
    for (int c = 1; c < 128; c++)
        all[n++] = (char)c;
    memcpy(all + n, "\xc3\xa4\xe2\x82\xac\xf0\x9f\x9a\xa2", 10);
    gf_buf_init(&b, 1000);
    gf_buf_text(&b, "{\"a\":");
    gf_json_put_str(&b, all, strlen(all));
    gf_buf_text(&b, "}");
    struct gf_json *j = open_json(b.data, &o);
    assert_int_equal(gf_json_str(&o, "a", 0, 200, &back), 1);
    assert_string_equal(back, all);
    gf_json_free(j);

    gf_buf_clear(&b);
    gf_json_put_str(&b, "a\"b\\c/\b\f\n\r\t\x01\x1f\x7f\xc3\xa4", 16);
    assert_string_equal(b.data, "\"a\\\"b\\\\c/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\xc3\xa4\"");
    gf_buf_clear(&b);
    gf_json_put_str(&b, "", 0);
    assert_string_equal(b.data, "\"\"");
    gf_buf_free(&b);
}

static void strings_for_people_hold_nothing_that_acts_on_a_terminal(void **state) {
    static const char in[] = "\xc3\xa4\"\n\x1b\x7f\xc2\x9b\xe2\x80\xae\xef\xbb\xbf\xf0\x9f\x9a\xa2"
                             "\xf3\xa0\x80\x81";
    struct gf_json_obj o;
    const char *back;
    struct gf_buf b;

    (void)state;
    gf_buf_init(&b, 1000);
    gf_buf_text(&b, "{\"a\":");
    gf_json_put_shown(&b, in, sizeof in - 1);
    gf_buf_text(&b, "}");
    assert_string_equal(b.data, "{\"a\":\"\xc3\xa4\\\"\\n\\u001b\\u007f\\u009b\\u202e\\ufeff"
                                "\xf0\x9f\x9a\xa2\\udb40\\udc01\"}");
    struct gf_json *j = open_json(b.data, &o);
    assert_int_equal(gf_json_str(&o, "a", 0, 200, &back), 1);
    assert_string_equal(back, in);
    gf_json_free(j);

    gf_buf_clear(&b);
    gf_json_put_shown(&b, "a\xff\xe2\x82", 4);
    assert_string_equal(b.data, "\"a\\\\xff\\\\xe2\\\\x82\"");
    gf_buf_free(&b);
}

static void a_whole_text_for_people_means_what_it_did(void **state) {
    static const char in[] = "{\t\"a\xe2\x80\xae\" :\r[\"\xc3\xa4\\n\x7f\xf3\xa0\x80\x81\", 1]}";
    struct gf_buf b;

    (void)state;
    gf_buf_init(&b, 1000);
    gf_json_put_safe(&b, in, sizeof in - 1);
    assert_string_equal(b.data, "{ \"a\\u202e\" : [\"\xc3\xa4\\n\\u007f\\udb40\\udc01\", 1]}");
    assert_int_equal(gf_json_check(b.data, b.len, "it", NULL), 0);
    gf_buf_free(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_is_read),
        cmocka_unit_test(fields_may_be_asked_for_in_any_order),
        cmocka_unit_test(a_member_left_over_is_refused_by_name),
        cmocka_unit_test(the_last_of_256_members_is_missed_too),
        cmocka_unit_test(what_is_missing_is_named),
        cmocka_unit_test(null_reads_as_absent_only_where_it_may),
        cmocka_unit_test(another_type_is_refused),
        cmocka_unit_test(bounds_are_kept),
        cmocka_unit_test(the_first_error_is_kept),
        cmocka_unit_test(errors_say_where_they_are),
        cmocka_unit_test(elements_may_be_read_in_any_order_and_not_beyond_the_end),
        cmocka_unit_test(an_object_of_texts_is_walked),
        cmocka_unit_test(only_strict_json_with_an_object_as_root_is_parsed),
        cmocka_unit_test(a_written_string_reads_back_as_itself),
        cmocka_unit_test(strings_for_people_hold_nothing_that_acts_on_a_terminal),
        cmocka_unit_test(a_whole_text_for_people_means_what_it_did),
    };
    return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
