/*
 * test_series_back.c -- relay/series: a sink is asked for what it was sent.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "relay/series/series_back.h"

/* Points of these lines, "" ending; each line a point of its own. */
static struct pieces make(const char *const *lines) {
    struct pieces p;

    pieces_init(&p);
    for (; *lines != NULL; lines++) {
        gf_buf_text(&p.bytes, *lines);
        pieces_add(&p, 1, NULL);
    }
    return p;
}

static struct series_back *begin(const struct pieces *p, const char *sent) {
    struct series_back *b = NULL;
    struct gf_err e;

    assert_int_equal(series_back_new(p, (const unsigned char *)sent, &b, &e), 0);
    return b;
}

static void expect(struct series_back *b, const char *question) {
    struct gf_buf out;
    struct gf_err e;

    gf_buf_init(&out, 1 << 20);
    assert_int_equal(series_back_next(b, &out, &e), question != NULL);
    if (question != NULL)
        assert_string_equal(out.data, question);
    gf_buf_free(&out);
}

static void answer(struct series_back *b, const char *text) {
    struct gf_err e;

    if (series_back_answer(b, text, strlen(text), &e) == -1)
        fail_msg("%s", e.text);
}

static void a_question_names_each_series_once_within_an_hour(void **state) {
    static const char *const lines[] = {"b{x=\"1 \\\"\\n\"} 1 7200001\nb{x=\"2\"} 1 7200001\n",
                                        "a 5 3600000\n",
                                        "a 5 7199999\n",
                                        "not_sent 1 7200000\n",
                                        "a 5 7200000\n",
                                        NULL};
    struct pieces p = make(lines);
    struct series_back *b = begin(&p, "\1\1\1\0\1");
    (void)state;
    expect(b, "match%5B%5D=a&start=3600.000&end=7199.999");
    expect(b, "match%5B%5D=a&start=3600.000&end=7199.999");
    answer(b, "{\"metric\":{\"__name__\":\"a\"},\"values\":[+Inf,1],"
              "\"timestamps\":[3600000,7199999]}\n");
    expect(b, "match%5B%5D=a&match%5B%5D=b%7Bx%3D%221%20%5C%22%5Cn%22%7D&"
              "match%5B%5D=b%7Bx%3D%222%22%7D&start=7200.000&end=7200.001");
    answer(b, "{\"metric\":{\"x\":\"1 \\\"\\n\",\"__name__\":\"b\"},\"values\":[1],"
              "\"timestamps\":[7200001]}\n"
              "{\"metric\":{\"__name__\":\"a\"},\"values\":[null],\"timestamps\":[7200000]}\n"
              "{\"metric\":{\"__name__\":\"b\",\"x\":\"2\",\"y\":\"other\"},\"values\":[1],"
              "\"timestamps\":[7200001]}\n");
    expect(b, NULL);
    /* Of the first point one series has no sample. */
    assert_int_equal(series_back_missing(b), 1);
    series_back_free(b);
    pieces_free(&p);
}

static void an_answer_that_is_none_changes_nothing(void **state) {
    static const char *const lines[] = {"a 5 3600000\n", NULL};
    static const char *const bad[] = {
        "404 page not found",     "{\"metric\":{",        "[]", "{}{", "\xff",
        "{\"metric\":{\"a\":1}}", "{\"timestamps\":[1,]}"};
    struct pieces p = make(lines);
    struct series_back *b = begin(&p, "\1");
    struct gf_err e;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        expect(b, "match%5B%5D=a&start=3600.000&end=3600.000");
        if (series_back_answer(b, bad[i], strlen(bad[i]), &e) != -1)
            fail_msg("taken: %s", bad[i]);
        assert_int_equal(e.code, GF_E_RECORD);
    }
    answer(b, "");
    expect(b, NULL);
    assert_int_equal(series_back_missing(b), 1);
    series_back_free(b);
    pieces_free(&p);
}

static void too_long_an_answer_is_asked_for_in_halves(void **state) {
    static const char *const lines[] = {"a 1 1\n", "b 1 1\n", "c 1 1\n", "a 1 2\n", NULL};
    struct pieces p = make(lines);
    struct series_back *b = begin(&p, "\1\1\1\1");
    (void)state;
    expect(b, "match%5B%5D=a&match%5B%5D=b&match%5B%5D=c&start=0.001&end=0.002");
    series_back_too_long(b);
    expect(b, "match%5B%5D=a&start=0.001&end=0.002");
    series_back_too_long(b); /* one alone counts as there */
    expect(b, "match%5B%5D=b&match%5B%5D=c&start=0.001&end=0.001");
    answer(b, "{\"metric\":{\"__name__\":\"c\"},\"values\":[1],\"timestamps\":[1]}");
    expect(b, NULL);
    assert_int_equal(series_back_missing(b), 1);
    series_back_free(b);
    pieces_free(&p);
}

/* One question for each hour; a record may have more hours than it may cost questions. */
static void questions_have_a_bound_and_the_rest_counts_as_there(void **state) {
    static char sent[SERIES_BACK_QUESTIONS + 5];
    struct series_back *b;
    struct gf_buf out;
    struct pieces p;
    struct gf_err e;
    int questions = 0;
    (void)state;
    pieces_init(&p);
    memset(sent, 1, sizeof sent);
    for (int i = 0; i < SERIES_BACK_QUESTIONS + 5; i++) {
        gf_buf_printf(&p.bytes, "m 1 %lld\n", 3600000LL * i);
        pieces_add(&p, 1, NULL);
    }
    b = begin(&p, sent);
    gf_buf_init(&out, 1 << 20);
    for (; series_back_next(b, &out, &e) == 1; questions++)
        answer(b, "");
    assert_int_equal(questions, SERIES_BACK_QUESTIONS);
    assert_int_equal(series_back_missing(b), SERIES_BACK_QUESTIONS);
    gf_buf_free(&out);
    series_back_free(b);
    pieces_free(&p);
}

static void a_question_has_a_bound(void **state) {
    struct series_back *b;
    struct gf_buf out;
    struct pieces p;
    struct gf_err e;
    char sent[2001];
    int questions = 0;
    (void)state;
    pieces_init(&p);
    memset(sent, 1, sizeof sent);
    for (int i = 0; i < 2000; i++) {
        gf_buf_printf(&p.bytes, "m{x=\"%d\"} 1 5\n", i);
        pieces_add(&p, 1, NULL);
    }
    b = begin(&p, sent);
    gf_buf_init(&out, 1 << 20);
    while (series_back_next(b, &out, &e) == 1) {
        assert_true(out.len < SERIES_BACK_BYTES + 1000);
        /* A sink that has none of it answers with no byte at all. */
        assert_int_equal(series_back_answer(b, NULL, 0, &e), 0);
        questions++;
    }
    assert_int_equal(questions, 2000 / SERIES_BACK_SERIES);
    assert_int_equal(series_back_missing(b), 2000);
    gf_buf_free(&out);
    series_back_free(b);
    pieces_free(&p);
}

/* A sink that drowns each question in bytes. */
static void answers_without_end_are_asked_for_so_many_times(void **state) {
    enum { SERIES = 3000 };
    struct pieces p;
    struct series_back *b;
    struct gf_buf out;
    struct gf_err e;
    char sent[SERIES + 1];
    int questions = 0;
    (void)state;
    pieces_init(&p);
    memset(sent, 1, sizeof sent);
    for (int i = 0; i < SERIES; i++) {
        gf_buf_printf(&p.bytes, "m{x=\"%d\"} 1 5\n", i);
        pieces_add(&p, 1, NULL);
    }
    b = begin(&p, sent);
    gf_buf_init(&out, 1 << 20);
    for (; series_back_next(b, &out, &e) == 1; questions++)
        series_back_too_long(b);
    assert_int_equal(questions, SERIES_BACK_QUESTIONS);
    assert_int_equal(series_back_missing(b), 0);
    gf_buf_free(&out);
    series_back_free(b);
    pieces_free(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_question_names_each_series_once_within_an_hour),
        cmocka_unit_test(an_answer_that_is_none_changes_nothing),
        cmocka_unit_test(too_long_an_answer_is_asked_for_in_halves),
        cmocka_unit_test(questions_have_a_bound_and_the_rest_counts_as_there),
        cmocka_unit_test(a_question_has_a_bound),
        cmocka_unit_test(answers_without_end_are_asked_for_so_many_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
