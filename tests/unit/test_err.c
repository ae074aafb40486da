/*
 * test_err.c -- base/err: one harmless line, one code, one exit status.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "gapferry/err.h"
#include "gapferry/text.h"

static void set_fills_code_and_text_and_returns_minus_one(void **state) {
    struct gf_err e = {.code = GF_OK};

    (void)state;
    assert_int_equal(gf_err_set(&e, GF_E_CARD, "%s: rule %d", "a.card", 7), -1);
    assert_int_equal(e.code, GF_E_CARD);
    assert_string_equal(e.text, "a.card: rule 7");
}

static void a_caller_who_does_not_care_passes_null(void **state) {
    (void)state;
    assert_int_equal(gf_err_set(NULL, GF_E_BUG, "x"), -1);
    assert_int_equal(gf_err_errno(NULL, "x"), -1);
    assert_int_equal(gf_err_prefix(NULL, "x"), -1);
}

static void what_could_steer_a_terminal_becomes_a_question_mark(void **state) {
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"a\nb\tc\x1b[31m\x7f", "a?b?c?[31m?"},
        {"\xc3\xa4\xe2\x82\xac\xf0\x9f\x9a\xa2", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x9a\xa2"},
        {"x\xc2\x9by", "x?y"},                    /* CSI, a C1 control character */
        {"x\xe2\x80\xaey\xd8\x9cz", "x?y?z"},     /* right-to-left override, letter mark */
        {"x\xe2\x81\xa6y\xef\xbb\xbfz", "x?y?z"}, /* isolate, byte order mark */
        {"\xff\xc0\xaf\xed\xa0\x80\xc3", "?????"
                                         "??"}, /* not UTF-8 */
    };
    struct gf_err e;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        (void)gf_err_set(&e, GF_E_JSON, "%s", cases[i].in);
        assert_string_equal(e.text, cases[i].out);
    }
}

static void a_long_text_is_cut_between_characters(void **state) {
    char name[2 * GF_ERR_TEXT];
    struct gf_err e;

    (void)state;
    for (size_t shift = 0; shift < 4; shift++) {
        memset(name, 'x', sizeof name);
        for (size_t i = shift; i + 3 < sizeof name; i += 3)
            memcpy(name + i, "\xe2\x82\xac", 3);
        name[sizeof name - 1] = '\0';
        (void)gf_err_set(&e, GF_E_JSON, "%s", name);
        size_t len = strlen(e.text);
        assert_in_range(len, GF_ERR_TEXT - 4, GF_ERR_TEXT - 1);
        assert_true(gf_text_is_utf8(e.text, len));
        assert_null(strchr(e.text, '?'));
    }
}

static void errno_gives_its_text_and_a_code_for_what_the_user_can_do(void **state) {
    static const struct {
        int number;
        enum gf_code code;
        const char *text;
    } cases[] = {
        {ENOSPC, GF_E_CREATE, "f: No space left on device"},
        {EDQUOT, GF_E_CREATE, "f: Disk quota exceeded"},
        {EROFS, GF_E_CREATE, "f: Read-only file system"},
        {EEXIST, GF_E_CREATE, "f: File exists"},
        {EACCES, GF_E_CREATE, "f: Permission denied"},
        {EFBIG, GF_E_CREATE, "f: File too large"},
        {ENOENT, GF_E_NOINPUT, "f: No such file or directory"},
        {EIO, GF_E_SYSTEM, "f: Input/output error"},
        {ENOMEM, GF_E_SYSTEM, "f: Cannot allocate memory"},
        {123456, GF_E_SYSTEM, "f: unknown error"},
    };
    struct gf_err e;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        errno = cases[i].number;
        assert_int_equal(gf_err_errno(&e, "%s", "f"), -1);
        assert_int_equal(e.code, cases[i].code);
        assert_string_equal(e.text, cases[i].text);
        assert_int_equal(errno, cases[i].number);
    }
}

static void the_reason_survives_a_long_name(void **state) {
    char name[2 * GF_ERR_TEXT];
    struct gf_err e;

    (void)state;
    memset(name, 'x', sizeof name);
    name[sizeof name - 1] = '\0';
    errno = ENOSPC;
    (void)gf_err_errno(&e, "%s", name);
    assert_non_null(strstr(e.text, ": No space left on device"));
}

static void prefix_goes_before_the_text_and_keeps_the_code(void **state) {
    struct gf_err e;

    (void)state;
    (void)gf_err_set(&e, GF_E_LIMIT, "too long");
    assert_int_equal(gf_err_prefix(&e, "%s", "a\nb"), -1);
    assert_int_equal(e.code, GF_E_LIMIT);
    assert_string_equal(e.text, "a?b: too long");
    (void)gf_err_set(&e, GF_E_BUG, "[%s]", e.text); /* its own text may be an argument */
    assert_string_equal(e.text, "[a?b: too long]");
}

static void every_code_has_a_name_of_its_own_and_a_status(void **state) {
    (void)state;
    assert_string_equal(gf_err_name(GF_OK), "ok");
    assert_int_equal(gf_err_exit(GF_OK), GF_EXIT_DONE);
    for (int i = 0; i < GF_CODE_COUNT; i++) {
        assert_non_null(gf_err_name((enum gf_code)i));
        assert_int_equal(gf_err_exit((enum gf_code)i) == GF_EXIT_DONE, i == GF_OK);
        for (int k = 0; k < i; k++)
            assert_string_not_equal(gf_err_name((enum gf_code)i), gf_err_name((enum gf_code)k));
    }
    assert_string_equal(gf_err_name(GF_E_SIGNATURE), "signature");
    assert_int_equal(gf_err_exit(GF_E_SIGNATURE), GF_EXIT_SIGNATURE);
    assert_string_equal(gf_err_name((enum gf_code)GF_CODE_COUNT), "bug");
    assert_int_equal(gf_err_exit((enum gf_code)GF_CODE_COUNT), GF_EXIT_BUG);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(set_fills_code_and_text_and_returns_minus_one),
        cmocka_unit_test(a_caller_who_does_not_care_passes_null),
        cmocka_unit_test(what_could_steer_a_terminal_becomes_a_question_mark),
        cmocka_unit_test(a_long_text_is_cut_between_characters),
        cmocka_unit_test(errno_gives_its_text_and_a_code_for_what_the_user_can_do),
        cmocka_unit_test(the_reason_survives_a_long_name),
        cmocka_unit_test(prefix_goes_before_the_text_and_keeps_the_code),
        cmocka_unit_test(every_code_has_a_name_of_its_own_and_a_status),
    };
    return cmocka_run_group_tests_name("err", tests, NULL, NULL);
}
