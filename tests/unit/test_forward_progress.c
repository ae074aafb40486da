/*
 * test_forward_progress.c -- relay/forward: a record that goes in several requests, of which some
 * are over when something comes between.
 */
#include "endpoint_otlp_testing.h"

#include "relay/ledger/ledger_metrics.h"
#include "relay/ledger/ledger_operator.h"

#define FULL  HTTP("503 No", "text/plain", "full")
#define EMPTY "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"

/* Let the server say this, and try what is due; the newest record then. */
static struct row try(struct site *s, const struct reply *replies, const char *section) {
    char text[512];

    free(server);
    server = server_start(replies);
    (void)snprintf(text, sizeof text,
                   "[endpoint \"e\"]\nchannel = c\nbatch_points = 1\n%s"
                   "attributes = none\nurl = http://127.0.0.1:%d%s\n",
                   strstr(section, "connections") == NULL ? "connections = 1\n" : "", server->port,
                   section);
    config_free(s->r.config);
    s->r.config = endpoint_config(s->path, text);
    assert_ok(endpoint_check(s->r.config, &s->e), s->e);
    s->r.now += 7200;
    forward(s, 10);
    server_stop(server);
    struct rows rows = rows_of(s);
    return rows.row[rows.n - 1];
}

static void arrive_body(struct site *s, const char *body) {
    char *line = testing_record(s, "c", body, 0);
    arrive(s, line, NULL);
    free(line);
}

static size_t known(struct site *s) {
    struct gf_buf b;

    gf_buf_init(&b, 1 << 20);
    assert_ok(ledger_progress_load(s->r.ledger, testing_find(s, &s->id).row, &b, &s->e), s->e);
    size_t len = b.len;
    gf_buf_free(&b);
    return len;
}

static const char otlp[] = "/v1/metrics\nprofile = otlp";
static const struct reply three[] = {{OK, CLOSE}, {OK, CLOSE}, {OK, CLOSE}, {NULL, 0}};

static void what_was_taken_is_not_sent_again_and_nothing_is_in_doubt(void **state) {
    static const struct reply full[] = {{OK, CLOSE}, {FULL, CLOSE}, {NULL, 0}};
    struct site *s = *state;

    arrive_body(s, DELTA(POINT(T1) "," POINT(T2) "," POINT(T3)));
    struct row row = try(s, full, otlp);
    assert_int_equal(row.state, LEDGER_LATER);
    assert_int_equal(row.doubt, 0);
    assert_int_not_equal(known(s), 0);
    row = try(s, full, otlp);
    assert_int_equal(row.state, LEDGER_LATER);
    got_json(DELTA(POINT(T3)));
    row = try(s, three, otlp);
    assert_int_equal(row.state, LEDGER_DELIVERED);
    assert_int_equal(server->requests, 1);
    assert_string_equal(row.reason, "");
    assert_int_equal(known(s), 0);
}

static void of_what_is_released_in_doubt_only_the_rest_is_sent_again(void **state) {
    static const struct reply reset[] = {{OK, CLOSE}, {"", RESET}, {NULL, 0}};
    struct site *s = *state;
    int64_t n;

    arrive_body(s, DELTA(POINT(T1) "," POINT(T2) "," POINT(T3)));
    struct row row = try(s, reset, otlp);
    assert_int_equal(row.state, LEDGER_HELD);
    assert_non_null(strstr(row.reason, "release sends what is not known to be there again"));
    assert_ok(ledger_release(s->r.ledger, &(struct ledger_filter){LEDGER_ANY}, NOW, &n, &s->e),
              s->e);
    row = try(s, three, otlp);
    assert_int_equal(row.state, LEDGER_DELIVERED);
    assert_int_equal(server->requests, 2);
    assert_int_equal(told_guarantee(s), GF_GUARANTEE_LEAST);
}

/* Which the operator has to mend. */
static void a_held_record_goes_on_where_it_was(void **state) {
    static const struct reply gone[] = {
        {OK, CLOSE}, {HTTP("404 No", "text/plain", "gone"), CLOSE}, {NULL, 0}};
    struct site *s = *state;
    int64_t n;

    arrive_body(s, DELTA(POINT(T1) "," POINT(T2)));
    struct row row = try(s, gone, otlp);
    assert_int_equal(row.state, LEDGER_HELD);
    assert_int_equal(row.doubt, 0);
    assert_string_equal(row.reason, "HTTP 404: gone");
    assert_ok(ledger_release(s->r.ledger, &(struct ledger_filter){LEDGER_ANY}, NOW, &n, &s->e),
              s->e);
    row = try(s, three, otlp);
    assert_int_equal(row.state, LEDGER_DELIVERED);
    assert_int_equal(server->requests, 1);
    got_json(DELTA(POINT(T2)));
}

static void what_was_refused_before_is_told_at_the_end(void **state) {
    static const struct reply part[] = {
        {SAYS("{\"partialSuccess\":{\"rejectedDataPoints\":1,\"errorMessage\":\"odd\"}}"), CLOSE},
        {FULL, CLOSE},
        {NULL, 0}};
    struct site *s = *state;

    arrive_body(s, GAUGE(POINT(T1) "," POINT(T2) "," POINT(T3)));
    struct row row = try(s, part, otlp);
    assert_int_equal(row.state, LEDGER_LATER);
    row = try(s, three, otlp);
    assert_int_equal(row.state, LEDGER_DELIVERED);
    assert_string_equal(row.reason, "1 of 3 points refused: 1: the receiver: odd");
    assert_int_equal(server->requests, 2);
}

static void lines_and_samples_go_on_where_they_were(void **state) {
    static const char *const sections[] = {
        "/write?db=a\nprofile = influx",
        "/api/v1/import/prometheus\nprofile = prometheus\nmax_age = 0",
    };
    static const struct reply full[] = {{EMPTY, CLOSE}, {FULL, CLOSE}, {NULL, 0}};
    static const struct reply rest[] = {{EMPTY, CLOSE}, {EMPTY, CLOSE}, {EMPTY, CLOSE}, {NULL, 0}};
    struct site *s = *state;

    for (size_t i = 0; i < 2; i++) {
        arrive_body(s, GAUGE(POINT(T1) "," POINT(T2) "," POINT(T3)));
        struct row row = try(s, full, sections[i]);
        assert_int_equal(row.state, LEDGER_LATER);
        row = try(s, rest, sections[i]);
        assert_int_equal(row.state, LEDGER_DELIVERED);
        assert_int_equal(server->requests, 2);
    }
}

/* A body of so many points, each of which is a request. */
static void points(struct gf_buf *b, int n) {
    gf_buf_text(b,
                "{\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":[{\"name\":\"m\",\"gauge\":"
                "{\"dataPoints\":[" POINT(T1));
    for (int i = 1; i < n; i++)
        gf_buf_text(b, "," POINT(T1));
    gf_buf_text(b, "]}}]}]}]}");
}

/* Behind one of many requests a sender's others rest; another sender's does not. */
static void records_of_many_requests_leave_connections_to_others(void **state) {
    enum { SMALL = 150, ANSWERS = 600 + 3 * SMALL + 1 };
    struct reply *replies = calloc(ANSWERS + 1, sizeof *replies);
    const struct gf_id stream = {{9}};
    struct gf_buf body, lines;
    struct site *s = *state;

    assert_non_null(replies);
    for (int i = 0; i < ANSWERS; i++)
        replies[i] = (struct reply){OK, CLOSE};
    gf_buf_init(&body, 1 << 20);
    gf_buf_init(&lines, 1 << 20);
    for (int i = 0; i <= SMALL; i++) {
        gf_buf_clear(&body);
        points(&body, i == 0 ? 600 : 3);
        char *line = testing_record(s, "c", body.data, 0);
        gf_buf_text(&lines, line);
        free(line);
    }
    arrive(s, lines.data, NULL);
    testing_enrol(s, &kit_other);
    char *line = testing_record(s, "c", GAUGE(POINT(T1)), 0);
    testing_send(
        s,
        &(struct testing_request){.from = &kit_other, .stream = &stream, .seq = 1, .lines = line},
        NULL);
    free(line);
    testing_take(s);
    assert_int_equal(s->t.refused, 0);
    (void)try(s, replies, "/v1/metrics\nprofile = otlp\nconnections = 2");
    struct rows rows = rows_of(s);
    int rest = 0;
    for (size_t i = 0; i < rows.n; i++)
        rest += rows.row[i].state == LEDGER_LATER &&
                strstr(rows.row[i].reason, "records of this sender that take many") != NULL;
    assert_int_equal(rows.row[0].state, LEDGER_DELIVERED);
    assert_int_equal(rows.row[SMALL + 1].state, LEDGER_DELIVERED);
    if (rest < 20 || rest > SMALL - 20)
        fail_msg("%d rest", rest);
    gf_buf_free(&body);
    gf_buf_free(&lines);
    free(replies);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_taken_is_not_sent_again_and_nothing_is_in_doubt,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(of_what_is_released_in_doubt_only_the_rest_is_sent_again,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_held_record_goes_on_where_it_was, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_was_refused_before_is_told_at_the_end, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(records_of_many_requests_leave_connections_to_others,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(lines_and_samples_go_on_where_they_were, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, kit_setup, kit_teardown);
}
