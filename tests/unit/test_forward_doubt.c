/*
 * test_forward_doubt.c -- relay/forward.c: what may have taken effect, or has, and is held all the
 * same, is in doubt, so that its receipt does not promise more than is known.
 */
#include "forward_testing.h"
#include "relay/ledger/ledger_operator.h"

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
#define NO "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"

static struct row newest(struct site *s) {
    struct rows rows = rows_of(s);
    assert_true(rows.n > 0);
    return rows.row[rows.n - 1];
}

/* Release the newest record, deliver it to who says these, and tell the promise of its receipt. */
static enum gf_guarantee release(struct site *s, const struct reply *replies, const char *lines) {
    struct server *server = server_start(replies);
    int64_t n = 0;

    config_free(s->r.config);
    s->r.config = endpoint_at(s->path, server->port, lines);
    assert_ok(ledger_release(s->r.ledger, &(struct ledger_filter){LEDGER_ANY}, NOW, &n, &s->e),
              s->e);
    forward(s, 10);
    server_stop(server);
    free(server);
    assert_int_equal(newest(s).state, LEDGER_DELIVERED);
    return told_guarantee(s);
}

static void what_is_held_behind_its_first_request_is_in_doubt(void **state) {
    static const struct reply first[] = {{NO, KEEP}, {NULL, 0}};
    static const struct reply second[] = {{OK, KEEP}, {NO, KEEP}, {NULL, 0}};
    static const struct reply both[] = {{OK, KEEP}, {OK, KEEP}, {NULL, 0}};
    static const struct {
        const struct reply *replies;
        const char *idempotency;
        int doubt;
        enum gf_guarantee guarantee;
    } cases[] = {
        {first, "key", 0, GF_GUARANTEE_ONCE},
        {second, "key", 1, GF_GUARANTEE_LEAST},
        {second, "none", 1, GF_GUARANTEE_LEAST},
        {second, "natural", 0, GF_GUARANTEE_ONCE},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct server *server = server_start(cases[i].replies);
        struct site *s = *state;
        char lines[128];
        (void)snprintf(lines, sizeof lines,
                       "profile = form\nfields = a ; b\nconnections = 1\nidempotency = %s\n",
                       cases[i].idempotency);
        char *line = testing_record(s, "c", "{\"a\":1,\"b\":2}", 0);
        arrive(s, line, NULL);
        free(line);
        config_free(s->r.config);
        s->r.config = endpoint_at(s->path, server->port, lines);
        forward(s, 10);
        server_stop(server);
        free(server);
        struct row row = newest(s);
        assert_int_equal(row.state, LEDGER_HELD);
        assert_int_equal(row.doubt > 0, cases[i].doubt);
        assert_int_equal(strstr(row.reason, "request 2 failed (HTTP 404") != NULL, cases[i].doubt);
        assert_int_equal(release(s, both, lines), cases[i].guarantee);
    }
}

static void what_was_delivered_and_has_too_long_an_answer_is_in_doubt(void **state) {
    static const struct reply good[] = {{OK, KEEP}, {NULL, 0}};
    size_t len = ENDPOINT_ANSWER_MAX + 1;
    char *endless = malloc(len + 100);
    struct site *s = *state;

    assert_non_null(endless);
    int head = snprintf(endless, 100, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
    memset(endless + head, 'x', len);
    endless[(size_t)head + len] = '\0';
    const struct reply replies[] = {{endless, CLOSE}, {NULL, 0}};
    struct server *server = server_start(replies);
    arrive_many(s, "c", 1, 1);
    configure(s, server->port, 1);
    forward(s, 10);
    server_stop(server);
    assert_int_equal(newest(s).state, LEDGER_HELD);
    assert_non_null(strstr(newest(s).reason, "cannot travel back"));
    assert_int_equal(release(s, good, ""), GF_GUARANTEE_LEAST);
    free(server);
    free(endless);
}

static void what_a_crash_left_and_no_endpoint_takes_is_in_doubt(void **state) {
    static const struct reply good[] = {{OK, KEEP}, {NULL, 0}};
    struct site *s = *state;

    arrive_many(s, "c", 1, 0);
    int64_t row = testing_find(s, &s->id).row;
    assert_ok(ledger_sending(s->r.ledger, &row, 1, "e", NOW - 7, &s->e), s->e);
    config_free(s->r.config);
    s->r.config = endpoint_config(s->path, "");
    forward(s, 10);
    assert_int_equal(newest(s).state, LEDGER_HELD);
    assert_int_equal(newest(s).doubt, NOW - 7);
    assert_int_equal(release(s, good, ""), GF_GUARANTEE_LEAST);
}

#define DOUBT_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        DOUBT_TEST(what_is_held_behind_its_first_request_is_in_doubt),
        DOUBT_TEST(what_was_delivered_and_has_too_long_an_answer_is_in_doubt),
        DOUBT_TEST(what_a_crash_left_and_no_endpoint_takes_is_in_doubt),
    };
    return cmocka_run_group_tests(tests, kit_setup, kit_teardown);
}
