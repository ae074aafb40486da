/* What waits for another try, and whether a person is awaited for it (relay/awaits.h). */
#include "relay/awaits.h"

#include "ledger_testing.h"
#include "relay/endpoints/endpoint.h"

static void only_what_is_busy_or_ill_comes_right_by_itself(void **state) {
    static const char *const passing[] = {"HTTP 408: slow",
                                          "HTTP 425: early",
                                          "HTTP 429: not so fast",
                                          "HTTP 500: oh",
                                          "HTTP 503: busy",
                                          "HTTP 599: x",
                                          "the program ended with status 75: later",
                                          "not tried: endpoint \"e\" asks for time: HTTP 503"};
    static const char *const lasting[] = {"refused: a place",
                                          "no DNS: a name",
                                          "TLS untrusted: x",
                                          "timed out: a place",
                                          "HTTP 404: no",
                                          "HTTP 600: x",
                                          "HTTP 200, but without \"ok\" (success_text): HTTP 503",
                                          "the program ended with status 1: x",
                                          "proxy: HTTP 503",
                                          "HTTP 5",
                                          ""};

    (void)state;
    for (size_t i = 0; i < sizeof passing / sizeof *passing; i++)
        if (!endpoint_passes(passing[i]) || awaits_person(passing[i], NOW, NOW))
            fail_msg("%s", passing[i]);
    for (size_t i = 0; i < sizeof lasting / sizeof *lasting; i++)
        if (endpoint_passes(lasting[i]) || !awaits_person(lasting[i], NOW, NOW))
            fail_msg("%s", lasting[i]);
}

static void what_lasts_longer_than_a_day_needs_a_person(void **state) {
    (void)state;
    assert_false(awaits_person("HTTP 503: busy", NOW - AWAITS_LONG, NOW));
    assert_true(awaits_person("HTTP 503: busy", NOW - AWAITS_LONG - 1, NOW));
}

/* A record that came, was sent to this endpoint, and waits now; endpoint NULL: it was not sent. */
static void wait_for(struct site *s, int64_t seq, const char *endpoint, const char *reason) {
    struct gf_id id = new_id();

    assert_int_equal(take(s, seq, &id, "{}"), 1);
    if (endpoint != NULL)
        assert_ok(ledger_sending(s->r.ledger, &seq, 1, endpoint, NOW, &s->e), s->e);
    assert_ok(ledger_later(s->r.ledger, seq, reason, NOW + 10 * seq, 0, NOW, &s->e), s->e);
}

static void sync_and_status_count_alike_what_needs_a_person(void **state) {
    struct site *s = *state;
    struct awaits a = {0};
    char line[AWAITS_LINE], other[AWAITS_LINE];
    struct turn t;

    testing_enrol(s, &kit_site);
    wait_for(s, 1, "busy", "HTTP 503: come again");
    wait_for(s, 2, NULL, "not tried: endpoint \"busy\" asks for time: HTTP 503");
    assert_ok(awaits_load(&s->r, &a, &s->e), s->e);
    assert_int_equal(a.later, 2);
    assert_int_equal(a.persons, 0);
    assert_false(awaits_anybody(&a));
    assert_int_equal(awaits_line(&s->r, &a.stuck[0], NOW, line), 0);
    assert_non_null(strstr(line, "endpoint \"busy\": 1 to be tried again: HTTP 503: come again"));
    assert_non_null(strstr(line, "nothing need be done"));
    assert_int_equal(awaits_line(&s->r, &a.stuck[1], NOW, other), 0);
    assert_ptr_equal(strstr(other, "1 not tried: endpoint \"busy\" asks for time: "), other);
    awaits_free(&a);

    turn_begin(&t);
    assert_ok(awaits_tell(&s->r, &t, &a, &s->e), s->e);
    assert_int_equal(t.people.len, 0);
    assert_non_null(strstr(t.waits.data, line));
    assert_int_equal(turn_exit(&t), GF_EXIT_DONE);
    turn_free(&t);
    awaits_free(&a);

    /* Among many that pass one is told that does not. */
    wait_for(s, 3, "dead", "HTTP 500: ill");
    wait_for(s, 4, "dead", "refused: nobody listens there");
    turn_begin(&t);
    assert_ok(awaits_tell(&s->r, &t, &a, &s->e), s->e);
    assert_int_equal(a.n, 3);
    assert_int_equal(a.persons, 1);
    assert_true(awaits_anybody(&a));
    assert_string_equal(a.stuck[2].endpoint, "dead");
    assert_int_equal(a.stuck[2].records, 2);
    assert_int_equal(a.stuck[2].due, NOW + 30);
    assert_non_null(strstr(t.people.data, "endpoint \"dead\": 2 to be tried again: refused: "));
    assert_int_equal(turn_exit(&t), GF_EXIT_AWAITED);
    turn_free(&t);
    awaits_free(&a);

    /* A day later the busy one is somebody's business, too. */
    s->r.now = NOW + AWAITS_LONG + 1;
    assert_ok(awaits_load(&s->r, &a, &s->e), s->e);
    assert_int_equal(a.persons, 3);
    awaits_free(&a);
}

static void what_nobody_has_tried_awaits_a_person_unless_run_is_at_work(void **state) {
    struct site *s = *state;
    struct ledger *daemon = NULL;
    struct gf_id id = new_id();
    struct awaits a = {0};

    testing_enrol(s, &kit_site);
    assert_int_equal(take(s, 1, &id, "{}"), 1);
    assert_ok(awaits_load(&s->r, &a, &s->e), s->e);
    assert_int_equal(a.untried, 1);
    assert_false(a.running);
    assert_true(awaits_anybody(&a));
    awaits_free(&a);

    assert_ok(ledger_open(s->r.state, &daemon, &s->e), s->e);
    assert_int_equal(ledger_hold(daemon, LEDGER_RUNNING, "run", 0, &s->e), 1);
    assert_ok(awaits_load(&s->r, &a, &s->e), s->e);
    assert_true(a.running);
    assert_false(awaits_anybody(&a));
    ledger_leave(daemon, LEDGER_RUNNING);
    ledger_close(daemon);
    assert_false(ledger_is_held(s->r.ledger, LEDGER_RUNNING));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_is_busy_or_ill_comes_right_by_itself),
        cmocka_unit_test(what_lasts_longer_than_a_day_needs_a_person),
        cmocka_unit_test_setup_teardown(sync_and_status_count_alike_what_needs_a_person,
                                        testing_setup, testing_teardown),
        cmocka_unit_test_setup_teardown(what_nobody_has_tried_awaits_a_person_unless_run_is_at_work,
                                        testing_setup, testing_teardown),
    };
    return cmocka_run_group_tests(tests, kit_setup, kit_teardown);
}
