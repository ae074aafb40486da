/*
 * test_json_check.c -- base/json_check: what strict JSON is, rule by rule, and that cJSON takes
 * all of it.
 */
#include "unit/json_tools.h"

#include "gapferry/limits.h"

static void plain_values_are_taken(void **state) {
    static const char *const good[] = {"{}",
                                       "[]",
                                       "\"\"",
                                       "0",
                                       "true",
                                       "false",
                                       "null",
                                       " \t\r\n[ 1 , 2 ]\r\n ",
                                       "{\"a\":{\"b\":[{},[],\"\",0,-1,true,false,null]}}",
                                       "{\"\":1}",
                                       "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
                                       "\"/\x7f\""};

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_good(good[i], strlen(good[i]));
}

static void what_is_not_json_is_refused(void **state) {
    static const struct bad cases[] = {
        {"", "a value is missing"},
        {"  ", "a value is missing"},
        {"{", "a name in quotes"},
        {"[", "a value is missing"},
        {"[1", "a comma or ]"},
        {"[1 2]", "a comma or ]"},
        {"[1,]", "not a value"},
        {"[,1]", "not a value"},
        {"]", "not a value"},
        {"[1}", "a comma or ]"},
        {"{\"a\"}", "a colon"},
        {"{\"a\":}", "not a value"},
        {"{\"a\":1,}", "a name in quotes"},
        {"{\"a\":1;\"b\":2}", "a comma or }"},
        {"{a:1}", "a name in quotes"},
        {"{'a':1}", "a name in quotes"},
        {"{1:1}", "a name in quotes"},
        {"{\"a\":1]", "a comma or }"},
        {"'a'", "not a value"},
        {"tru", "not a value"},
        {"True", "not a value"},
        {"nul", "not a value"},
        {"falsy", "not a value"},
        {"NaN", "not a value"},
        {"Infinity", "not a value"},
        {"/* */1", "not a value"},
        {"\"a", "does not end"},
        {"\"a\\\"", "does not end"},
        {"{\"a", "does not end"},
        {"\x0b"
         "1",
         "not a value"},
        {"\xc2\xa0"
         "1",
         "not a value"},
    };

    (void)state;
    ALL_BAD(cases);
}

static void nothing_may_follow_but_white_space(void **state) {
    static const struct bad cases[] = {
        {"{} x", "something after"},  {"{}{}", "something after"},
        {"1 1", "something after"},   {"truefalse", "something after"},
        {"nullx", "something after"}, {"{}\x0c", "something after"},
        {"[] //", "something after"}, {"\"a\"\"b\"", "something after"},
    };

    (void)state;
    ALL_BAD(cases);
    assert_bad("{}\0", 3, "something after");
    assert_bad("\0{}", 3, "not a value");
    assert_bad("[1\0]", 4, "a comma or ]");
}

static void a_byte_order_mark_is_refused(void **state) {
    static const struct bad cases[] = {{"\xef\xbb\xbf{}", "a byte order mark"},
                                       {"\xef\xbb\xbf", "a byte order mark"},
                                       {"\xff\xfe{\0}", "not a value"},
                                       {" \xef\xbb\xbf{}", "not a value"},
                                       {"{}\xef\xbb\xbf", "something after"}};

    (void)state;
    ALL_BAD(cases);
    assert_good("\"\xef\xbb\xbf\"", 5); /* in a string it is a character as any other */
}

static void a_name_may_occur_once_in_its_object(void **state) {
    static const struct bad cases[] = {
        {"{\"a\":1,\"a\":1}", "offset 7: a name that its object has already"},
        {"{\"a\":1,\"b\":2,\"a\":3}", "a name that its object has already"},
        {"{\"a\":1,\"\\u0061\":2}", "a name that its object has already"},
        {"{\"\\u0061\":1,\"a\":2}", "a name that its object has already"},
        {"{\"\\u004a\":1,\"\\u004A\":2}", "a name that its object has already"},
        {"{\"\":1,\"\":2}", "a name that its object has already"},
        {"{\"/\":1,\"\\/\":2}", "a name that its object has already"},
        {"{\"\\n\":1,\"\\u000a\":2}", "a name that its object has already"},
        {"{\"\xc3\xa4\":1,\"\\u00e4\":2}", "a name that its object has already"},
        {"{\"\xe2\x82\xac\":1,\"\\u20AC\":2}", "a name that its object has already"},
        {"{\"\xf0\x9f\x9a\xa2\":1,\"\\ud83d\\udea2\":2}", "a name that its object has already"},
        {"[{\"x\":{\"a\":1,\"b\":{},\"a\":1}}]", "a name that its object has already"},
        {"{\"a\":{\"b\":1},\"b\":{\"a\":1},\"a\":0}", "a name that its object has already"},
    };
    static const char *const good[] = {
        "{\"a\":{\"a\":{\"a\":[{\"a\":1},{\"a\":2}]}}}", /* each in an object of its own */
        "{\"a\":1,\"A\":2,\"aa\":3,\"\\\\u0061\":4}",
        "{\"\xc3\xa4\":1,\"a\xcc\x88\":2}", /* other bytes, though a reader sees the same */
    };

    (void)state;
    ALL_BAD(cases);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_good(good[i], strlen(good[i]));
}

/* n members; the name of the last is that of member `twin`, or its own. */
static void put_members(struct gf_buf *b, size_t n, size_t twin, int escaped) {
    gf_buf_clear(b);
    gf_buf_byte(b, '{');
    for (size_t i = 0; i < n; i++) {
        int last = i == n - 1 && twin < n;
        gf_buf_printf(b, "%s\"%s%zu\":{}", i > 0 ? "," : "", last && escaped ? "\\u006b" : "k",
                      last ? twin : i);
    }
    gf_buf_byte(b, '}');
}

static void a_doubled_name_is_found_among_many(void **state) {
    struct gf_buf b;

    (void)state;
    gf_buf_init(&b, 100000);
    for (size_t n = 2; n <= GF_JSON_MEMBERS_MAX; n += n < 40 ? 1 : 27) {
        put_members(&b, n, n, 0);
        assert_good(b.data, b.len);
        for (size_t twin = 0; twin < n - 1; twin++) {
            put_members(&b, n, twin, (int)(twin % 2));
            assert_bad(b.data, b.len, "a name that its object has already");
        }
    }
    gf_buf_free(&b);
}

static void an_object_has_at_most_256_members(void **state) {
    struct gf_buf b;

    (void)state;
    gf_buf_init(&b, 100000);
    put_members(&b, GF_JSON_MEMBERS_MAX, SIZE_MAX, 0);
    assert_good(b.data, b.len);
    put_members(&b, GF_JSON_MEMBERS_MAX + 1, SIZE_MAX, 0);
    assert_bad(b.data, b.len, "too many members");
    gf_buf_free(&b);
}

/* All 16 levels full at once: the most names that are open together. */
static void names_of_all_levels_fit(void **state) {
    struct gf_buf b;

    (void)state;
    gf_buf_init(&b, 1000000);
    for (int extra = 0; extra < 2; extra++) {
        gf_buf_clear(&b);
        for (size_t level = 0; level < GF_JSON_DEPTH_MAX; level++) {
            gf_buf_byte(&b, '{');
            for (size_t i = 0; i < GF_JSON_MEMBERS_MAX - 1; i++)
                gf_buf_printf(&b, "\"%zu\":0,", i);
            if (level + 1 < GF_JSON_DEPTH_MAX)
                gf_buf_text(&b, "\"last\":");
            else
                gf_buf_text(&b, extra ? "\"last\":0,\"more\":0" : "\"last\":0");
        }
        for (size_t level = 0; level < GF_JSON_DEPTH_MAX; level++)
            gf_buf_byte(&b, '}');
        if (extra)
            assert_bad(b.data, b.len, "too many members");
        else
            assert_good(b.data, b.len);
    }
    gf_buf_free(&b);
}

static void an_array_has_at_most_8192_elements(void **state) {
    struct gf_buf b;

    (void)state;
    for (size_t n = GF_JSON_ELEMENTS_MAX; n <= GF_JSON_ELEMENTS_MAX + 1; n++) {
        gf_buf_init(&b, 100000);
        gf_buf_byte(&b, '[');
        for (size_t i = 0; i < n; i++)
            gf_buf_text(&b, i > 0 ? ",0" : "0");
        gf_buf_byte(&b, ']');
        if (n > GF_JSON_ELEMENTS_MAX)
            assert_bad(b.data, b.len, "too many elements");
        else
            assert_good(b.data, b.len);
        gf_buf_free(&b);
    }
}

/* Arrays of arrays, so that no other limit is met first. */
static void a_text_has_at_most_65536_values(void **state) {
    struct gf_buf b;

    (void)state;
    for (size_t n = GF_JSON_VALUES_MAX; n <= GF_JSON_VALUES_MAX + 1; n++) {
        size_t left = n - 1;
        gf_buf_init(&b, 1 << 20);
        gf_buf_byte(&b, '[');
        for (int first = 1; left > 0; first = 0) {
            gf_buf_text(&b, first ? "[" : ",[");
            left--;
            for (size_t i = 0; i < 8000 && left > 0; i++, left--)
                gf_buf_text(&b, i > 0 ? ",0" : "0");
            gf_buf_byte(&b, ']');
        }
        gf_buf_byte(&b, ']');
        if (n > GF_JSON_VALUES_MAX)
            assert_bad(b.data, b.len, "too many values");
        else
            assert_good(b.data, b.len);
        gf_buf_free(&b);
    }
}

static void nesting_ends_at_16(void **state) {
    char text[100];

    (void)state;
    for (int n = 1; n <= 17; n++) {
        int len = 0;
        for (int i = 0; i < n; i++)
            len += snprintf(text + len, 8, "%s", i % 2 ? "[" : i == n - 1 ? "{" : "{\"\":");
        for (int i = n - 1; i >= 0; i--)
            text[len++] = i % 2 ? ']' : '}';
        text[len] = '\0';
        if (n <= GF_JSON_DEPTH_MAX)
            assert_good(text, (size_t)len);
        else
            assert_bad(text, (size_t)len, "nested too deeply");
    }
    memset(text, '[', sizeof text);
    assert_bad(text, sizeof text, "nested too deeply");
    assert_good("[[[[[[[[]]]]],[[[[[[[[]]]]]]]]]]]", 33); /* depth counts what is open */
}

/* A name's length is that of its meaning. */
static void a_name_has_at_most_256_bytes(void **state) {
    static const struct {
        const char *spelling;
        size_t bytes;
    } units[] = {{"x", 1},       {"\\u0041", 1},        {"\\n", 1},
                 {"\\u20ac", 3}, {"\\ud83d\\udea2", 4}, {"\xc3\xa4", 2}};
    struct gf_buf b;

    (void)state;
    gf_buf_init(&b, 100000);
    for (size_t u = 0; u < sizeof units / sizeof *units; u++) {
        for (size_t n = GF_JSON_NAME_MAX; n <= GF_JSON_NAME_MAX + 1; n++) {
            size_t len = 0;
            gf_buf_clear(&b);
            gf_buf_text(&b, "{\"");
            for (; len + units[u].bytes <= n; len += units[u].bytes)
                gf_buf_text(&b, units[u].spelling);
            for (; len < n; len++)
                gf_buf_byte(&b, 'y');
            gf_buf_text(&b, "\":1}");
            if (n > GF_JSON_NAME_MAX)
                assert_bad(b.data, b.len, "a name that is too long");
            else
                assert_good(b.data, b.len);
        }
    }
    gf_buf_free(&b);
}

static void numbers_are_integers_in_one_spelling(void **state) {
    static const char *const good[] = {
        "0", "1", "-1", "10", "-9007199254740991", "9007199254740991", "[0]", "[-7 ]"};
    static const struct bad cases[] = {
        {"9007199254740992", "beyond 2^53"},
        {"-9007199254740992", "beyond 2^53"},
        {"9223372036854775808", "beyond 2^53"},
        {"10000000000000000000000000000000000000000", "beyond 2^53"},
        {"-0", "-0"},
        {"00", "leading zero"},
        {"01", "leading zero"},
        {"-01", "leading zero"},
        {"1.0", "plain integer"},
        {"0.5", "plain integer"},
        {"1.", "plain integer"},
        {"1e3", "plain integer"},
        {"1E3", "plain integer"},
        {"0e0", "plain integer"},
        {"1e999", "plain integer"},
        {"+1", "not a value"},
        {"-", "not a value"},
        {".5", "not a value"},
        {"- 1", "not a value"},
        {"--1", "not a value"},
        {"0x10", "something after"},
        {"1_000", "something after"},
        {"-Infinity", "not a value"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_good(good[i], strlen(good[i]));
    ALL_BAD(cases);
}

/* The reason for the scanner: cJSON takes each of these, and other readers may read it otherwise.
 */
static void what_cjson_takes_and_readers_disagree_about_is_refused(void **state) {
    static const struct {
        const char *text;
        size_t len;
    } nasty[] = {
        {"{\"a\":1,\"a\":2}", 13},
        {"{\"a\":1,\"\\u0061\":2}", 18},
        {"007", 3},
        {"1.", 2},
        {"-0", 2},
        {"1.5", 3},
        {"1e999", 5},
        {"12345678901234567890", 20},
        {"{} trailing", 11},
        {"{\"a\":1}\0{\"a\":2}", 15},
        {"\xef\xbb\xbf{}", 5},
        {"\x01{}", 3},
        {"[1,\x02 2]", 7},
        {"\"a\nb\"", 5},
        {"\"a\x01\"", 4},
        {"\"\xff\xfe\"", 4},
        {"\"\xc0\xaf\"", 4},
        {"\"\xed\xa0\x80\"", 5},
        {"[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]", 34},
    };
    struct gf_err e;

    (void)state;
    for (size_t i = 0; i < sizeof nasty / sizeof *nasty; i++) {
        cJSON *root = cJSON_ParseWithLengthOpts(nasty[i].text, nasty[i].len, NULL, 0);
        if (root == NULL)
            fail_msg("cJSON refuses case %zu itself", i);
        cJSON_Delete(root);
        assert_int_equal(checked(nasty[i].text, nasty[i].len, &e), -1);
    }
}

/* Mutations of a document: whatever the scanner still takes, cJSON takes. */
static void cjson_takes_whatever_the_scanner_takes(void **state) {
    static const char seed[] =
        "{\"a\":[1,-20,true,null,\"x\\u00e4\\n\\\"\xc3\xa4\"],\"b\":{\"c\":{},"
        "\"d\":[ ]},\"e\":false, \"f\":\"\\ud83d\\udea2\"}";
    static const char alphabet[] = "{}[]\":,\\ 0123456789-.eEaubtfn\n\t\xc3\xa4\xff";
    size_t taken = 0;
    struct gf_err e;

    (void)state;
    srand(7);
    for (int round = 0; round < 300000; round++) {
        char text[sizeof seed + 4];
        size_t len = sizeof seed - 1;
        memcpy(text, seed, sizeof seed);
        for (int i = rand() % 3; i >= 0; i--) {
            size_t at = (size_t)rand() % len;
            char c = alphabet[(size_t)rand() % (sizeof alphabet - 1)];
            if (rand() % 3 == 0) {
                memmove(text + at + 1, text + at, len - at);
                len++;
            } else if (rand() % 3 == 0) {
                memmove(text + at, text + at + 1, len - at - 1);
                len--;
                continue;
            }
            text[at] = c;
        }
        if (checked(text, len, &e) == -1)
            continue;
        taken++;
        assert_good(text, len);
    }
    assert_true(taken > 10000); /* the property was tried */
}

static void the_message_names_the_input_the_place_and_the_rule(void **state) {
    struct gf_err e;

    (void)state;
    assert_int_equal(gf_json_check("{\"a\":01}", 8, "bundle.json", &e), -1);
    assert_string_equal(
        e.text, "bundle.json: not strict JSON at offset 5: a number with a leading zero or -0");
    assert_int_equal(gf_json_check(NULL, 0, "it", NULL), -1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_values_are_taken),
        cmocka_unit_test(what_is_not_json_is_refused),
        cmocka_unit_test(nothing_may_follow_but_white_space),
        cmocka_unit_test(a_byte_order_mark_is_refused),
        cmocka_unit_test(a_name_may_occur_once_in_its_object),
        cmocka_unit_test(a_doubled_name_is_found_among_many),
        cmocka_unit_test(an_object_has_at_most_256_members),
        cmocka_unit_test(names_of_all_levels_fit),
        cmocka_unit_test(an_array_has_at_most_8192_elements),
        cmocka_unit_test(a_text_has_at_most_65536_values),
        cmocka_unit_test(nesting_ends_at_16),
        cmocka_unit_test(a_name_has_at_most_256_bytes),
        cmocka_unit_test(numbers_are_integers_in_one_spelling),
        cmocka_unit_test(what_cjson_takes_and_readers_disagree_about_is_refused),
        cmocka_unit_test(cjson_takes_whatever_the_scanner_takes),
        cmocka_unit_test(the_message_names_the_input_the_place_and_the_rule),
    };
    return cmocka_run_group_tests_name("json_check", tests, NULL, NULL);
}
