/*
 * test_batches.c -- relay/endpoints: which points go in which requests, and what the record's
 * verdict is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "gapferry/record.h"
#include "relay/endpoints/batches.h"

#define NOW    1700000000LL
#define NS     1000000000ULL
#define POINTS 64

static const struct batches_limits plain = {
    .max_age_s = 30 * 86400, .max_future_s = 3600, .points = 4, .bytes = 1000, .requests = 1000};

static uint64_t ago(int64_t s) {
    return (uint64_t)(NOW - s) * NS;
}

static struct batches *begin(const struct batches_limits *l, const struct batches_point *p,
                             size_t n) {
    struct batches *b = NULL;
    struct gf_err e;

    assert_int_equal(batches_new(l, p, n, NOW, &b, &e), 0);
    return b;
}

/* A sink that refuses every request in which one of these points stands; what it has taken. */
struct sink {
    int bad[POINTS];
    int has[POINTS];
    int requests;
};

static void run(struct batches *b, struct sink *s) {
    struct batches_range r;

    while (batches_next(b, &r)) {
        int bad = 0;
        s->requests++;
        for (size_t i = 0; i < r.n; i++) {
            bad |= s->bad[r.point[i]];
            assert_true(i == 0 || r.point[i - 1] < r.point[i]);
        }
        for (size_t i = 0; i < r.n && !bad; i++)
            s->has[r.point[i]]++;
        if (bad)
            batches_refused(b, "HTTP 400: out of bounds");
        else
            batches_taken(b);
    }
}

static void what_is_outside_its_window_never_leaves_and_is_told(void **state) {
    const struct batches_point p[] = {
        {.time = ago(31 * 86400)}, {.time = ago(10)},    {.time = ago(-7200)},         {.time = 0},
        {.time = ago(30 * 86400)}, {.time = ago(-3600)}, {.time = ago(30 * 86400) - 1}};
    struct batches *b = begin(&plain, p, 7);
    char reason[GF_REASON_MAX + 1];
    struct sink s = {0};
    (void)state;
    run(b, &s);
    const int has[] = {0, 1, 0, 1, 1, 1, 0};
    for (size_t i = 0; i < 7; i++)
        assert_int_equal(s.has[i], has[i]);
    assert_int_equal(batches_verdict(b, reason), 1);
    assert_string_equal(reason, "3 of 7 points refused: 2 older than 30d; 1 more than 1h ahead");
    batches_free(b);

    /* No window, and one that reaches beyond all times. */
    struct batches_limits l = plain;
    l.max_age_s = l.max_future_s = 0;
    b = begin(&l, p, 7);
    run(b, &s);
    assert_int_equal(batches_there(b), 7);
    batches_free(b);
    l.max_age_s = l.max_future_s = INT64_MAX;
    b = begin(&l, p, 7);
    run(b, &s);
    assert_int_equal(batches_there(b), 7);
    batches_free(b);
}

static void a_request_keeps_to_points_bytes_and_a_day(void **state) {
    const struct batches_point few[] = {{ago(9), 1, NULL, 0},
                                        {ago(8), 1, NULL, 0},
                                        {ago(7), 1, NULL, 0},
                                        {ago(6), 1, NULL, 0},
                                        {ago(5), 1, NULL, 0}};
    const struct batches_point wide[] = {{ago(9), 600, NULL, 0},
                                         {ago(8), 400, NULL, 0},
                                         {ago(7), 1, NULL, 0},
                                         {ago(6), 5000, NULL, 0}};
    const struct batches_point days[] = {{ago(86400), 1, NULL, 0},
                                         {ago(2 * 86400 + 1), 1, NULL, 0},
                                         {0, 1, NULL, 0},
                                         {ago(0), 1, NULL, 0},
                                         {ago(2 * 86400), 1, NULL, 0}};
    struct batches_range r;
    struct batches *b;
    (void)state;

    b = begin(&plain, few, 5);
    assert_int_equal(batches_next(b, &r), 1);
    assert_int_equal(r.n, 4);
    assert_int_equal(batches_next(b, &r), 1);
    assert_int_equal(r.n, 4);
    batches_taken(b);
    assert_int_equal(batches_next(b, &r), 1);
    assert_int_equal(r.n, 1);
    assert_int_equal(r.point[0], 4);
    batches_taken(b);
    assert_int_equal(batches_next(b, &r), 0);
    batches_free(b);

    const size_t widths[] = {2, 1, 1};
    b = begin(&plain, wide, 4);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(batches_next(b, &r), 1);
        assert_int_equal(r.n, widths[i]);
        batches_taken(b);
    }
    assert_int_equal(batches_next(b, &r), 0);
    batches_free(b);

    /* By age, whatever order they came in; what has no time goes by itself. The second one reaches
     * over two days. */
    const size_t of_days[] = {1, 3, 1}, first[] = {2, 0, 3}, last[] = {2, 4, 3};
    b = begin(&plain, days, 5);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(batches_next(b, &r), 1);
        assert_int_equal(r.n, of_days[i]);
        assert_int_equal(r.point[0], first[i]);
        assert_int_equal(r.point[r.n - 1], last[i]);
        batches_taken(b);
    }
    assert_int_equal(batches_next(b, &r), 0);
    batches_free(b);
}

/* Of 1, 2, 4 ... days, but of one again behind a refusal. */
static void points_of_years_cost_few_requests(void **state) {
    enum { DAYS = 63 };
    struct batches_point p[DAYS];
    struct batches_limits l = plain;
    struct batches_range r;
    (void)state;
    for (int i = 0; i < DAYS; i++)
        p[i] = (struct batches_point){.time = ago((int64_t)(DAYS - i) * 86400), .size = 1};
    l.max_age_s = 0;
    l.points = 100;
    struct batches *b = begin(&l, p, DAYS);
    for (size_t days = 1; days <= 16; days *= 2) {
        assert_true(batches_next(b, &r));
        assert_int_equal(r.n, days + 1);
        batches_taken(b);
    }
    assert_true(batches_next(b, &r));
    assert_int_equal(r.n, 27);
    batches_free(b);

    b = begin(&l, p, DAYS);
    assert_true(batches_next(b, &r));
    batches_taken(b);
    assert_true(batches_next(b, &r));
    batches_partial(b, 1, "odd");
    assert_true(batches_next(b, &r));
    assert_int_equal(r.n, 2);
    batches_taken(b);
    assert_true(batches_next(b, &r));
    assert_int_equal(r.n, 3);
    for (int i = 0; i < 5; i++) { /* 3, 1, 1, 1, and the first of what comes then */
        assert_true(batches_next(b, &r));
        batches_refused(b, "odd");
    }
    assert_true(batches_next(b, &r));
    assert_int_equal(r.n, 2);
    batches_free(b);
}

static void each_bad_point_loses_only_itself(void **state) {
    struct batches_point p[POINTS];
    struct batches_limits l = plain;
    char reason[GF_REASON_MAX + 1];
    struct sink s = {.bad = {[3] = 1, [17] = 1, [18] = 1, [63] = 1}};
    (void)state;
    for (size_t i = 0; i < POINTS; i++)
        p[i] = (struct batches_point){.time = ago((int64_t)(i * 37 % POINTS)), .size = 1};
    l.points = POINTS;
    struct batches *b = begin(&l, p, POINTS);
    run(b, &s);
    for (size_t i = 0; i < POINTS; i++)
        assert_int_equal(s.has[i], !s.bad[i]);
    assert_true(s.requests < 40);
    assert_int_equal(batches_verdict(b, reason), 1);
    assert_string_equal(reason, "4 of 64 points refused: 4: HTTP 400: out of bounds");
    batches_free(b);
}

static void where_requests_are_used_up_the_rest_is_given_up_together(void **state) {
    struct batches_point p[POINTS];
    struct batches_limits l = plain;
    char reason[GF_REASON_MAX + 1];
    struct sink s = {.requests = 0};
    (void)state;
    for (size_t i = 0; i < POINTS; i++) {
        p[i] = (struct batches_point){.time = ago(9), .size = 1};
        s.bad[i] = 1;
    }
    l.points = POINTS;
    l.requests = 10;
    struct batches *b = begin(&l, p, POINTS);
    run(b, &s);
    assert_true(s.requests >= 10 && s.requests < 20);
    assert_int_equal(batches_verdict(b, reason), 0);
    assert_string_equal(reason, "64 of 64 points refused: 64: HTTP 400: out of bounds");
    batches_free(b);
}

/* Each point of another day is a request of its own. */
static void a_record_costs_a_bounded_number_of_requests(void **state) {
    struct batches_point p[POINTS];
    struct batches_limits l = plain;
    char reason[GF_REASON_MAX + 1];
    struct sink s = {.requests = 0};
    (void)state;
    for (int i = 0; i < POINTS; i++)
        p[i] = (struct batches_point){.time = ago((int64_t)(POINTS - i) * 90000), .size = 1};
    l.max_age_s = 0;
    l.requests = 10;
    l.points = 1;
    struct batches *b = begin(&l, p, POINTS);
    run(b, &s);
    assert_int_equal(s.requests, 20);
    assert_int_equal(batches_verdict(b, reason), 1);
    assert_string_equal(reason,
                        "44 of 64 points refused: 44 beyond the requests that one record may cost");
    batches_free(b);
}

static void a_record_without_points_is_delivered(void **state) {
    char reason[GF_REASON_MAX + 1];
    struct batches_range r;
    struct batches *b = begin(&plain, NULL, 0);
    (void)state;
    assert_int_equal(batches_next(b, &r), 0);
    assert_int_equal(batches_verdict(b, reason), 1);
    assert_string_equal(reason, "");
    batches_free(b);
}

static void what_the_sink_left_out_or_does_not_have_is_counted(void **state) {
    const struct batches_point p[] = {{ago(9), 1, NULL, 0},
                                      {ago(8), 1, "with a text, which this sink has not", 0},
                                      {ago(7), 1, NULL, 0},
                                      {ago(6), 1, NULL, 0}};
    char reason[GF_REASON_MAX + 1];
    struct batches_range r;
    struct batches *b = begin(&plain, p, 4);
    (void)state;
    assert_int_equal(batches_next(b, &r), 1);
    assert_int_equal(r.n, 3);
    batches_partial(b, 1, "too many labels");
    batches_missing(b, 1, "it is not there");
    assert_int_equal(batches_there(b), 1);
    assert_int_equal(batches_verdict(b, reason), 1);
    assert_string_equal(reason,
                        "3 of 4 points refused: 1 with a text, which this sink has not; 1: too "
                        "many labels; 1: it is not there");
    /* More than there are. */
    batches_missing(b, 9, "it is not there");
    assert_int_equal(batches_verdict(b, reason), 0);
    assert_non_null(strstr(reason, "4 of 4 points refused"));
    batches_free(b);
}

static void what_has_no_form_at_the_sink_is_left_out_and_no_refusal(void **state) {
    const struct batches_point p[] = {
        {ago(9), 1, NULL, 0}, {ago(8), 0, "a text", 1}, {ago(7), 0, "a text", 1}};
    char reason[GF_REASON_MAX + 1];
    struct batches_range r;
    struct batches *b = begin(&plain, p, 3);
    (void)state;
    assert_int_equal(batches_next(b, &r), 1);
    assert_int_equal(r.n, 1);
    batches_taken(b);
    assert_int_equal(batches_verdict(b, reason), 1);
    assert_string_equal(reason, GF_REASON_LEFT_OUT "2 of 3 points: a text");

    /* Beside what was refused it is told as that is. */
    batches_missing(b, 1, "it is not there");
    assert_int_equal(batches_verdict(b, reason), 0);
    assert_string_equal(reason, "3 of 3 points refused: 2 a text; 1: it is not there");
    batches_free(b);

    /* A record of which nothing arrives is not delivered. */
    b = begin(&plain, p + 1, 2);
    assert_int_equal(batches_next(b, &r), 0);
    assert_int_equal(batches_verdict(b, reason), 0);
    assert_string_equal(reason, "2 of 2 points refused: 2 a text");
    batches_free(b);
}

static void a_reason_is_bounded_and_never_cut_within_a_character(void **state) {
    struct batches_point p[POINTS];
    struct batches_limits l = plain;
    char reason[GF_REASON_MAX + 1], words[1000];
    struct batches_range r;
    int i = 0;
    (void)state;
    for (size_t k = 0; k < POINTS; k++)
        p[k] = (struct batches_point){.time = ago(9), .size = 1};
    l.points = 1;
    struct batches *b = begin(&l, p, POINTS);
    while (batches_next(b, &r)) {
        words[0] = (char)('a' + i++ % 20);
        for (size_t k = 0; k < 400; k++)
            memcpy(words + 1 + 2 * k, "\xc3\xa4", 2);
        words[801] = '\0';
        batches_refused(b, words);
    }
    assert_int_equal(batches_verdict(b, reason), 0);
    assert_true(strlen(reason) <= GF_REASON_MAX && strlen(reason) > GF_REASON_MAX - 2);
    assert_true((reason[strlen(reason) - 1] & 0x80) == 0 || reason[strlen(reason) - 2] == '\xc3');
    batches_free(b);
}

/* Half of a batch was refused for good, one point is bad and found, and then it is cut off. */
static void what_is_over_is_known_to_the_next_try(void **state) {
    struct batches_point p[12];
    struct gf_buf known;
    struct batches_range r;
    char reason[GF_REASON_MAX + 1];
    struct gf_err e;
    (void)state;
    for (size_t i = 0; i < 12; i++)
        p[i] = (struct batches_point){.time = ago(1000 - (int64_t)i)};
    p[5].unfit = "odd";
    struct batches *b = begin(&plain, p, 12);
    gf_buf_init(&known, 10000);
    batches_progress(b, &known);
    assert_int_equal(known.len, 0);
    assert_true(batches_next(b, &r));
    batches_refused(b, "HTTP 400: a\xc3\xa4 b"); /* of 0 to 3 */
    batches_taken(b);                            /* 0 and 1 */
    batches_refused(b, "HTTP 400: a\xc3\xa4 b"); /* of 2 and 3 */
    batches_refused(b, "HTTP 400: a\xc3\xa4 b"); /* of 2 alone */
    batches_progress(b, &known);
    batches_free(b);

    b = begin(&plain, p, 12);
    assert_int_equal(batches_resume(b, known.data, known.len, &e), 0);
    assert_int_equal(batches_there(b), 2);
    assert_true(batches_has(b, 1) && !batches_has(b, 2) && !batches_has(b, 3));
    struct sink s = {0};
    run(b, &s);
    for (size_t i = 0; i < 12; i++)
        assert_int_equal(s.has[i], i > 2 && i != 5);
    assert_int_equal(batches_verdict(b, reason), 1);
    assert_string_equal(reason, "2 of 12 points refused: 1: HTTP 400: a\xc3\xa4 b; 1 odd");
    batches_free(b);

    /* What is too old by now is told once, and what was taken before it was too old stays there. */
    b = NULL;
    assert_int_equal(batches_new(&plain, p, 12, NOW + 31 * 86400, &b, &e), 0);
    assert_int_equal(batches_resume(b, known.data, known.len, &e), 0);
    assert_false(batches_next(b, &r));
    assert_int_equal(batches_verdict(b, reason), 1);
    assert_string_equal(reason,
                        "10 of 12 points refused: 1: HTTP 400: a\xc3\xa4 b; 8 older than 30d; "
                        "1 odd");
    batches_free(b);
    gf_buf_free(&known);
}

static void what_does_not_fit_is_not_believed(void **state) {
    static const char *const bad[] = {"",
                                      "1",
                                      "2 2 1 1 0\n\n\x05",
                                      "1 3 1 1 0\n\n\x05",
                                      "1 2 1 3 0\n\n\x05",
                                      "1 2 1 1 9\n\n\x05",
                                      "1 2 1 1 0\n\n",
                                      "1 2 1 1 0\n\n\x05\x05",
                                      "1 2 1 1 0\n1 a",
                                      "1 2 1 1 0\n2 a\n\n\x05",
                                      "1 2 1 0 0\n1 a\n2 b\n\n\x05",
                                      "1 2 1 1 2\n\n\x05",
                                      "1 2 1 1 0\nx\n\n\x05",
                                      "1 2 99999999999999999999999 1 0\n\n\x05",
                                      "1 2 1 1 0\n1 a\n\x05"};
    const struct batches_point p[] = {{.time = ago(10)}, {.time = ago(9)}};
    char reason[GF_REASON_MAX + 1];
    struct batches_range r;
    struct gf_err e;
    (void)state;
    struct batches *b = begin(&plain, p, 2);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (batches_resume(b, bad[i], strlen(bad[i]), &e) != -1 || e.code != GF_E_DAMAGED)
            fail_msg("taken: %zu", i);
    }
    assert_int_equal(batches_there(b), 0);
    assert_true(batches_next(b, &r) && r.n == 2);
    batches_taken(b);
    assert_int_equal(batches_verdict(b, reason), 1);
    assert_string_equal(reason, "");
    batches_free(b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_over_is_known_to_the_next_try),
        cmocka_unit_test(what_does_not_fit_is_not_believed),
        cmocka_unit_test(what_is_outside_its_window_never_leaves_and_is_told),
        cmocka_unit_test(a_request_keeps_to_points_bytes_and_a_day),
        cmocka_unit_test(each_bad_point_loses_only_itself),
        cmocka_unit_test(where_requests_are_used_up_the_rest_is_given_up_together),
        cmocka_unit_test(points_of_years_cost_few_requests),
        cmocka_unit_test(a_record_costs_a_bounded_number_of_requests),
        cmocka_unit_test(a_record_without_points_is_delivered),
        cmocka_unit_test(what_the_sink_left_out_or_does_not_have_is_counted),
        cmocka_unit_test(what_has_no_form_at_the_sink_is_left_out_and_no_refusal),
        cmocka_unit_test(a_reason_is_bounded_and_never_cut_within_a_character),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
