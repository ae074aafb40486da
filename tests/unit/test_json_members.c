/*
 * test_json_members.c -- base/json_members, format/line: what is read without building it is what
 * the tree says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "support/json_agree.h"

static void assert_agrees(const char *text, size_t len) {
    /* In memory of exactly its size, so that a sanitizer sees a step beyond it. */
    char *copy = malloc(len > 0 ? len : 1);
    assert_non_null(copy);
    memcpy(copy, text, len);
    const char *why = agree_members(copy, len);
    if (why == NULL)
        why = agree_line(copy, len);
    free(copy);
    if (why != NULL)
        fail_msg("%.*s: %s", (int)len, text, why);
}

static void members_are_noted_as_they_stand(void **state) {
    static const char text[] = " { \"a\\u0062\" : \"x\\ny\" ,\"n\":-12, \"o\":{\"i\":[1,\"]\"]} ,"
                               "\"\":null,\"f\":false,\"t\":true,\"l\":[ {} ]} ";
    static const struct {
        const char *name, *text;
        enum gf_json_type type;
        size_t means;
    } want[] = {
        {"a\\u0062", "x\\ny", GF_JSON_TEXT, 3},
        {"n", "-12", GF_JSON_NUMBER, 3},
        {"o", "{\"i\":[1,\"]\"]}", GF_JSON_OBJECT, 13},
        {"", "null", GF_JSON_NULL, 4},
        {"f", "false", GF_JSON_FALSE, 5},
        {"t", "true", GF_JSON_TRUE, 4},
        {"l", "[ {} ]", GF_JSON_ARRAY, 6},
    };
    struct gf_json_members all;
    struct gf_err e;

    (void)state;
    assert_int_equal(gf_json_check_members(text, sizeof text - 1, "it", &all, &e), 0);
    assert_int_equal(all.n, sizeof want / sizeof *want);
    for (size_t i = 0; i < all.n; i++) {
        const struct gf_json_member *m = &all.member[i];
        assert_int_equal(m->name_len, strlen(want[i].name));
        assert_memory_equal(m->name, want[i].name, m->name_len);
        assert_int_equal(m->len, strlen(want[i].text));
        assert_memory_equal(m->text, want[i].text, m->len);
        assert_int_equal(m->type, want[i].type);
        assert_int_equal(m->means, want[i].means);
    }
    assert_int_equal(all.member[0].name_means, 2);
}

static void what_is_no_object_has_no_members(void **state) {
    static const char *const texts[] = {"[{\"a\":1}]", "\"a\"", "7", "null", "{}"};
    struct gf_json_members all;
    struct gf_err e;

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        all.n = 9;
        assert_int_equal(gf_json_check_members(texts[i], strlen(texts[i]), "it", &all, &e), 0);
        assert_int_equal(all.n, 0);
    }
}

static void as_many_members_are_noted_as_there_may_be(void **state) {
    struct gf_buf b;
    struct gf_err e;

    (void)state;
    gf_buf_init(&b, (size_t)1 << 20);
    for (int i = 0; i < GF_JSON_MEMBERS_MAX; i++)
        gf_buf_printf(&b, "%s\"n%d\":\"\\u00e4%d\"", i == 0 ? "{" : ",", i, i);
    gf_buf_byte(&b, '}');
    assert_int_equal(gf_buf_check(&b, "it", &e), 0);
    assert_agrees(b.data, b.len);
    b.data[b.len - 1] = ',';
    gf_buf_text(&b, "\"more\":1}");
    assert_agrees(b.data, b.len);
    gf_buf_free(&b);
}

/* Mutations of a line with one field of each kind: the two readers take the same, read the same
 * from it, and refuse the rest in the same words. */
static void a_line_is_read_as_a_document_is(void **state) {
    static const char seed[] =
        "{\"s\":\"a\\u00e4\\\"\",\"so\":null,\"i\":42,\"b\":true,\"h\":\"0\\u0030ff\",\"t\":"
        "\"1970-01-01T00:01:00Z\",\"to\":\"2024-02-29T12:00:00Z\",\"\\u0065\":\"behind\",\"x\":"
        "{\"s\":[1,{}]}}";
    static const char alphabet[] = "{}[]\":,\\ 0123456789-.eEaubtfnsoixhl\t\xc3\xa4\xff";
    struct agree_fields f;
    struct gf_err e;
    size_t taken = 0, passed = 0;

    (void)state;
    srand(11);
    assert_int_equal(agree_as_line(seed, sizeof seed - 1, &f, &e), 0);
    assert_string_equal(f.str, "a\xc3\xa4\"");
    assert_memory_equal(f.hex, "\x00\xff", 2);
    assert_int_equal(f.word, 1);
    for (int round = 0; round < 100000; round++) {
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
        assert_agrees(text, len);
        passed += gf_json_check(text, len, "it", &e) == 0;
        taken += agree_as_line(text, len, &f, &e) == 0;
    }
    assert_true(passed > 10000 && taken > 1000); /* the property was tried */
}

/* Room is for each text once: a second reading of one is refused, not given what is not there. */
static void a_text_is_read_once(void **state) {
    static const char text[] = "{\"a\":\"0123456789\"}";
    struct gf_line l;
    struct gf_err e;
    const char *value = NULL;
    char *owned = NULL;

    (void)state;
    assert_int_equal(gf_line_open(text, sizeof text - 1, "it", &l, &e), 0);
    assert_int_equal(gf_line_str(&l, "a", 0, 10, &value), 1);
    assert_string_equal(value, "0123456789");
    assert_int_equal(gf_line_str(&l, "a", 0, 10, &value), 0);
    assert_int_equal(gf_line_close(&l, &owned, &e), -1);
    assert_int_equal(e.code, GF_E_BUG);
    assert_null(owned);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_are_noted_as_they_stand),
        cmocka_unit_test(what_is_no_object_has_no_members),
        cmocka_unit_test(as_many_members_are_noted_as_there_may_be),
        cmocka_unit_test(a_line_is_read_as_a_document_is),
        cmocka_unit_test(a_text_is_read_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
