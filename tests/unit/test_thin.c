/*
 * test_thin.c -- agent/thin: what stays of metrics when they are thinned.
 *
 * The judge is a plain list of points: each has a value that no other has, by which it is known
 * again.
 */
#include "otlp_testing.h"

#include "agent/thin/thin_body.h"
#include "common/influx_line.h"
#include "common/otlp_json.h"
#include "common/otlp_points.h"
#include "common/otlp_wire.h"

#define POINTS  600
#define SERIES  7
#define EVERY   60 /* seconds */
#define SECOND  1000000000ULL
#define BEGIN   (1700000000ULL * SECOND)
#define SEEDS   40
#define ROOM    (1 << 20)
#define VALUE_0 1000

static struct gf_err e;
static unsigned long seed;

static unsigned any(unsigned n) {
    seed = seed * 6364136223846793005UL + 1442695040888963407UL;
    return (unsigned)(seed >> 33) % n;
}

static struct point {
    uint64_t time;
    unsigned series;
    int found; /* among what stays */
} points[POINTS];

/* ---- the judge ---- */

/* 1 if a point of its series, in its window, is later. */
static int is_passed(unsigned i) {
    for (unsigned k = 0; k < POINTS; k++) {
        if (points[k].series == points[i].series &&
            points[k].time / (EVERY * SECOND) == points[i].time / (EVERY * SECOND) &&
            (points[k].time > points[i].time || (points[k].time == points[i].time && k > i)))
            return 1;
    }
    return 0;
}

static int is_newest(unsigned i) {
    for (unsigned k = 0; k < POINTS; k++) {
        if (points[k].series == points[i].series &&
            (points[k].time > points[i].time || (points[k].time == points[i].time && k > i)))
            return 0;
    }
    return 1;
}

/* Series 0 counts from report to report; the last one names no times. */
static int may_go(unsigned i) {
    return points[i].series != 0 && points[i].series != SERIES - 1;
}

static void judge(const struct thin_pieces *p) {
    uint64_t left = 0, first = 0, last = 0;

    for (unsigned i = 0; i < POINTS; i++) {
        int goes = may_go(i) && is_passed(i);

        assert_int_equal(points[i].found, !goes);
        assert_true(points[i].found || !is_newest(i));
        if (!goes)
            continue;
        if (left == 0 || points[i].time < first)
            first = points[i].time;
        if (left == 0 || points[i].time > last)
            last = points[i].time;
        left++;
    }
    assert_int_equal(p->left, left);
    assert_int_equal(p->first, first);
    assert_int_equal(p->last, last);
}

/* ---- OpenTelemetry ---- */

static void put_double(struct gf_buf *b, uint32_t number, double value) {
    uint64_t bits;

    memcpy(&bits, &value, sizeof bits);
    otlp_put_eight(b, number, bits);
}

/* The kinds that the series are of. */
static uint32_t kind_of(unsigned series) {
    static const uint32_t kinds[SERIES] = {
        OTLP_METRIC_SUM,       OTLP_METRIC_GAUGE,       OTLP_METRIC_GAUGE, OTLP_METRIC_SUM,
        OTLP_METRIC_HISTOGRAM, OTLP_METRIC_EXPONENTIAL, OTLP_METRIC_GAUGE};

    return kinds[series];
}

/* A point whose value is in the field that its kind has for one: of a histogram the sum. */
static void put_point(struct gf_buf *b, unsigned i) {
    const unsigned series = points[i].series;
    const uint32_t kind = kind_of(series);
    const uint32_t attributes = kind == OTLP_METRIC_HISTOGRAM     ? 9
                                : kind == OTLP_METRIC_EXPONENTIAL ? 1
                                                                  : 7;
    const int turned = (int)any(2);
    size_t point = otlp_put_open(b, OTLP_POINTS);

    if (series != SERIES - 1)
        otlp_put_eight(b, OTLP_POINT_TIME, points[i].time);
    put_double(b, kind == OTLP_METRIC_HISTOGRAM || kind == OTLP_METRIC_EXPONENTIAL ? 5 : 4,
               VALUE_0 + i);
    /* Series 1 and 2 differ in an attribute; their order says nothing. */
    make_attribute(b, attributes, turned ? "b" : "a", turned ? "2" : "1");
    make_attribute(b, attributes, turned ? "a" : "b", turned ? "1" : "2");
    if (series == 2)
        make_attribute(b, attributes, "c", "3");
    otlp_put_close(b, point);
}

/* A request of one metric, with a few points of one series from the i-th on; where the next are. */
static unsigned put_request(struct gf_buf *b, unsigned i) {
    const unsigned series = points[i].series;
    const uint32_t kind = kind_of(series);

    gf_buf_clear(b);
    struct make_open o = make_begin(b, kind);
    if (kind == OTLP_METRIC_SUM || kind == OTLP_METRIC_HISTOGRAM || kind == OTLP_METRIC_EXPONENTIAL)
        otlp_put_uint(b, OTLP_TEMPORALITY, series == 0 ? OTLP_DELTA : OTLP_CUMULATIVE);
    do
        put_point(b, i++);
    while (i < POINTS && points[i].series == series && any(3) > 0);
    make_end(b, o);
    return i;
}

static void make_points(void) {
    for (unsigned i = 0; i < POINTS; i++) {
        points[i] = (struct point){.series = any(SERIES),
                                   .time = BEGIN + any(20 * EVERY) * SECOND + any(3)};
        /* Several of one series often come one behind the other. */
        if (i > 0 && any(3) > 0)
            points[i].series = points[i - 1].series;
        if (points[i].series == SERIES - 1)
            points[i].time = 0;
    }
}

static void find_otlp(const struct thin_pieces *p) {
    struct otlp_points it;
    struct otlp_point point;

    for (size_t i = 0; i < p->n; i++) {
        uint64_t n = 0;

        assert_int_equal(otlp_points_open(&it, p->list[i].data, p->list[i].len, &e), 0);
        for (; otlp_points_next(&it, &point); n++) {
            struct otlp_span all = point.span;
            struct otlp_item item;
            unsigned is = POINTS;

            while (all.at < all.end && otlp_wire_next(&all.at, all.end, &item) == NULL) {
                if (item.wire == OTLP_EIGHT && (item.number == 4 || item.number == 5))
                    is = (unsigned)otlp_wire_double(item.bits) - VALUE_0;
            }
            assert_true(is < POINTS);
            assert_int_equal(points[is].time, point.time);
            assert_int_equal(points[is].found++, 0);
        }
        assert_int_equal(n, p->list[i].facts.points);
    }
}

static void of_each_series_and_window_the_last_point_stays_and_no_delta_goes(void **state) {
    struct thin_pieces p;
    struct thin_body body;
    struct gf_buf b, json;

    (void)state;
    gf_buf_init(&b, ROOM);
    gf_buf_init(&json, ROOM);
    for (unsigned s = 0; s < SEEDS; s++) {
        seed = s;
        make_points();
        thin_body_open(&body, THIN_OTLP, ROOM);
        for (unsigned i = 0; i < POINTS;) {
            i = put_request(&b, i);
            gf_buf_clear(&json);
            if (any(2)) {
                assert_int_equal(thin_body_add(&body, "application/x-protobuf", b.data, b.len, &e),
                                 1);
                continue;
            }
            assert_int_equal(otlp_json_from_protobuf(b.data, b.len, 0, &json, &e), 0);
            assert_int_equal(
                thin_body_add(&body, "application/json; charset=utf-8", json.data, json.len, &e),
                1);
        }
        assert_int_equal(thin_body_thin(&body, EVERY, s % 2 ? 600 : ROOM, &p, &e), 0);
        assert_true(s % 2 ? p.n > 1 : p.n == 1);
        for (size_t i = 0; i < p.n; i++)
            assert_true(s % 2 == 0 || p.list[i].len <= 450);
        find_otlp(&p);
        judge(&p);
        thin_body_free(&p);
        thin_body_close(&body);
    }
    gf_buf_free(&b);
    gf_buf_free(&json);
}

/* ---- Influx ---- */

static void a_line_stays_that_has_the_last_value_of_a_field_in_a_window(void **state) {
    struct thin_pieces p;
    struct thin_body body;
    char line[160];

    (void)state;
    for (unsigned s = 0; s < SEEDS; s++) {
        seed = s;
        make_points();
        thin_body_open(&body, THIN_LINES, ROOM);
        for (unsigned i = 0; i < POINTS; i++) {
            points[i].series = 1 + points[i].series % 3;
            points[i].time = BEGIN + any(20 * EVERY) * SECOND;
            const char *const tags[][2] = {
                {"a=1,b=2", "b=2,a=1"}, {"a=1", "a=1"}, {"a=1\\ ,b=2", "b=2,a=1\\ "}};
            int n = snprintf(line, sizeof line, "m,%s f=%u,s=\"a \\\"b\" %llu%s",
                             tags[points[i].series - 1][any(2)], VALUE_0 + i,
                             (unsigned long long)points[i].time, any(2) ? "\n" : "");
            assert_int_equal(thin_body_add(&body, "text/x-influx-line", line, (size_t)n, &e), 1);
        }
        assert_int_equal(thin_body_thin(&body, EVERY, s % 2 ? 500 : ROOM, &p, &e), 0);
        assert_true(s % 2 ? p.n > 1 : p.n == 1);
        for (size_t i = 0; i < p.n; i++) {
            struct influx_lines it;
            struct influx_line found;
            int rc;

            assert_true(s % 2 == 0 || p.list[i].len <= 500);
            influx_line_open(&it, p.list[i].data, p.list[i].len, 1);
            while ((rc = influx_line_next(&it, &found, &e)) == 1) {
                struct influx_field f;
                assert_int_equal(influx_line_field(&found.fields, &f), 1);
                points[(unsigned)influx_line_double(&f) - VALUE_0].found++;
            }
            assert_int_equal(rc, 0);
        }
        p.left /= 2; /* two fields in each line */
        judge(&p);
        thin_body_free(&p);
        thin_body_close(&body);
    }
}

static void thin_text(const char *text, int64_t every, struct thin_pieces *p) {
    struct thin_body body;

    thin_body_open(&body, THIN_LINES, ROOM);
    assert_int_equal(thin_body_add(&body, "text/x-influx-line", text, strlen(text), &e), 1);
    assert_int_equal(thin_body_thin(&body, every, ROOM, p, &e), 0);
    thin_body_close(&body);
}

static void fields_that_do_not_come_with_every_line_keep_their_last_value(void **state) {
    struct thin_pieces p;

    (void)state;
    thin_text("m a=1 10000000000\nm b=1 20000000000\nm a=2 30000000000\nm a=3 59000000000\n"
              "m a=4 60000000000\nm a=5 61000000000\n",
              60, &p);
    assert_int_equal(p.n, 1);
    assert_string_equal(p.text.data, "m b=1 20000000000\nm a=3 59000000000\nm a=5 61000000000\n");
    assert_int_equal(p.left, 3);
    assert_int_equal(p.first, 10 * SECOND);
    assert_int_equal(p.last, 60 * SECOND);
    assert_int_equal(p.list[0].facts.points, 3);
    thin_body_free(&p);
}

/* ---- series that are not the same ---- */

/* How many of two points stay that differ in this. */
static uint64_t of_two(uint64_t start, uint32_t kind, const char *name, uint64_t flags) {
    struct thin_pieces p;
    struct thin_body body;
    struct gf_buf b;

    gf_buf_init(&b, ROOM);
    thin_body_open(&body, THIN_OTLP, ROOM);
    for (uint64_t i = 0; i < 2; i++) {
        gf_buf_clear(&b);
        size_t resource = otlp_put_open(&b, 1), scope = otlp_put_open(&b, OTLP_CHILDREN);
        size_t metric = otlp_put_open(&b, OTLP_CHILDREN);
        make_text(&b, OTLP_METRIC_NAME, i == 0 ? "m" : name);
        size_t data = otlp_put_open(&b, kind);
        if (kind == OTLP_METRIC_SUM)
            otlp_put_uint(&b, OTLP_TEMPORALITY, OTLP_CUMULATIVE);
        size_t point = otlp_put_open(&b, OTLP_POINTS);
        otlp_put_eight(&b, OTLP_POINT_START, i == 0 ? 5 : start);
        otlp_put_eight(&b, OTLP_POINT_TIME, 10 + i);
        if (i > 0)
            otlp_put_uint(&b, 8, flags);
        otlp_put_close(&b, point);
        otlp_put_close(&b, data);
        otlp_put_close(&b, metric);
        otlp_put_close(&b, scope);
        otlp_put_close(&b, resource);
        assert_int_equal(thin_body_add(&body, "application/x-protobuf", b.data, b.len, &e), 1);
    }
    assert_int_equal(thin_body_thin(&body, EVERY, ROOM, &p, &e), 0);
    uint64_t stay = 2 - p.left;
    thin_body_free(&p);
    thin_body_close(&body);
    gf_buf_free(&b);
    return stay;
}

static void a_counter_that_began_anew_keeps_its_last_point_before_that(void **state) {
    (void)state;
    assert_int_equal(of_two(5, OTLP_METRIC_SUM, "m", 0), 1);
    assert_int_equal(of_two(6, OTLP_METRIC_SUM, "m", 0), 2);
    assert_int_equal(of_two(6, OTLP_METRIC_GAUGE, "m", 0), 1);
}

static void a_point_without_a_value_does_not_take_the_place_of_one(void **state) {
    (void)state;
    assert_int_equal(of_two(5, OTLP_METRIC_GAUGE, "m", 1), 2);
    assert_int_equal(of_two(5, OTLP_METRIC_GAUGE, "m", 2), 1);
}

static void another_name_is_another_series(void **state) {
    (void)state;
    assert_int_equal(of_two(5, OTLP_METRIC_GAUGE, "n", 0), 2);
    assert_int_equal(of_two(5, OTLP_METRIC_GAUGE, "mm", 0), 2);
}

/* ---- what cannot be thinned ---- */

static void what_is_not_well_formed_stays_out_and_changes_nothing(void **state) {
    struct thin_pieces p;
    struct thin_body body;

    (void)state;
    thin_body_open(&body, THIN_LINES, ROOM);
    assert_int_equal(thin_body_add(&body, "text/x-influx-line", "m a=1 1\n", 8, &e), 1);
    assert_int_equal(thin_body_add(&body, "text/x-influx-line", "m a=1 1\nm\n", 10, &e), 0);
    assert_int_equal(body.text.len, 8);
    assert_int_equal(thin_body_add(&body, "text/x-influx-line", "m a=2 2", 7, &e), 1);
    assert_int_equal(thin_body_thin(&body, EVERY, ROOM, &p, &e), 0);
    assert_string_equal(p.text.data, "m a=2 2\n");
    thin_body_free(&p);
    thin_body_close(&body);

    thin_body_open(&body, THIN_OTLP, ROOM);
    assert_int_equal(thin_body_add(&body, "application/json", "[]", 2, &e), 0);
    assert_int_equal(thin_body_add(&body, "application/x-protobuf", "\xff", 1, &e), 0);
    assert_int_equal(thin_body_thin(&body, EVERY, ROOM, &p, &e), 0);
    assert_int_equal(p.n, 0);
    thin_body_free(&p);
    thin_body_close(&body);
}

static void a_point_that_no_record_holds_is_never_left_out_in_silence(void **state) {
    struct thin_pieces p;
    struct thin_body body;
    struct gf_buf b;

    (void)state;
    gf_buf_init(&b, ROOM);
    struct make_open o = make_begin(&b, OTLP_METRIC_GAUGE);
    make_point(&b, 1, 1.0, "key");
    make_end(&b, o);
    thin_body_open(&body, THIN_OTLP, ROOM);
    assert_int_equal(thin_body_add(&body, "application/x-protobuf", b.data, b.len, &e), 1);
    assert_int_equal(thin_body_thin(&body, EVERY, 16, &p, &e), -1);
    assert_int_equal(e.code, GF_E_LIMIT);
    thin_body_free(&p);
    thin_body_close(&body);
    gf_buf_free(&b);
}

static void forms_are_told_by_the_media_type_without_its_parameters(void **state) {
    enum thin_form form;

    (void)state;
    assert_int_equal(thin_body_form("Application/JSON; charset=utf-8", &form), 1);
    assert_int_equal(form, THIN_OTLP);
    assert_int_equal(thin_body_form("text/x-influx-line", &form), 1);
    assert_int_equal(form, THIN_LINES);
    assert_int_equal(thin_body_form("text/x-influx-lines", &form), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_each_series_and_window_the_last_point_stays_and_no_delta_goes),
        cmocka_unit_test(a_line_stays_that_has_the_last_value_of_a_field_in_a_window),
        cmocka_unit_test(fields_that_do_not_come_with_every_line_keep_their_last_value),
        cmocka_unit_test(a_counter_that_began_anew_keeps_its_last_point_before_that),
        cmocka_unit_test(a_point_without_a_value_does_not_take_the_place_of_one),
        cmocka_unit_test(another_name_is_another_series),
        cmocka_unit_test(what_is_not_well_formed_stays_out_and_changes_nothing),
        cmocka_unit_test(a_point_that_no_record_holds_is_never_left_out_in_silence),
        cmocka_unit_test(forms_are_told_by_the_media_type_without_its_parameters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
