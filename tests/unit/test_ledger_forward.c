/*
 * test_ledger_forward.c -- the relay's ledger: when a record is due, and how it moves.
 */
#include "common/https.h"
#include "ledger_testing.h"
#include "relay/ledger/ledger_operator.h"

/* The first one behind a row. */
struct due {
    int64_t after, row;
};

static int due_row(void *arg, const struct ledger_record *r, struct gf_err *e) {
    struct due *d = arg;
    (void)e;
    if (r->row > d->after && (d->row == 0 || r->row < d->row))
        d->row = r->row;
    return 0;
}

static int64_t next_due(struct site *s, int64_t now, int64_t after) {
    struct due d = {.after = after};
    struct ledger_cursor at = {0, 0};
    int n;

    while ((n = ledger_due(s->r.ledger, "metrics", now, 1, &at, due_row, &d, &s->e)) == 1)
        continue;
    assert_int_equal(n, 0);
    return d.row;
}

/* Two records of an enrolled agent, and their rows. */
struct two {
    struct gf_id a, b;
    int64_t first, second;
};

static struct two take_two(struct site *s) {
    struct two t = {.a = new_id(), .b = new_id()};

    testing_enrol(s, &kit_site);
    assert_int_equal(take(s, 1, &t.a, "{}"), 1);
    assert_int_equal(take(s, 2, &t.b, "{}"), 1);
    t.first = testing_find(s, &t.a).row;
    t.second = testing_find(s, &t.b).row;
    return t;
}

static void a_record_is_due_in_its_turn_and_when_its_time_has_come(void **state) {
    struct site *s = *state;
    const struct two two = take_two(s);
    assert_int_equal(next_due(s, NOW, 0), two.first);
    assert_int_equal(next_due(s, NOW, two.first), two.second);
    assert_int_equal(next_due(s, NOW, two.second), 0);

    /* sending, left by a crash: due again, with the next number of attempt. */
    assert_ok(ledger_sending(s->r.ledger, &(int64_t){two.first}, 1, "e", NOW, &s->e), s->e);
    assert_int_equal(next_due(s, NOW, 0), two.first);
    assert_ok(ledger_sending(s->r.ledger, &(int64_t){two.first}, 1, "e", NOW, &s->e), s->e);
    assert_int_equal(testing_find(s, &two.a).attempts, 2);

    /* later: when its time has come. */
    assert_ok(ledger_later(s->r.ledger, two.first, "busy", NOW + 100, 0, NOW, &s->e), s->e);
    assert_int_equal(next_due(s, NOW + 99, 0), two.second);
    assert_int_equal(next_due(s, NOW + 100, 0), two.first);
}

/* The endpoints and times of its attempts, "1:e@0 2:f@5 ", relative to NOW. */
static int tell_attempt(void *arg, int64_t n, const char *endpoint, int64_t at, struct gf_err *e) {
    char *text = arg;
    size_t len = strlen(text);
    (void)e;

    (void)snprintf(text + len, 100 - len, "%d:%s@%d ", (int)n, endpoint, (int)(at - NOW));
    return 0;
}

static void assert_attempts(struct site *s, int64_t row, const char *want) {
    char text[100] = "";

    assert_ok(ledger_attempts(s->r.ledger, row, tell_attempt, text, &s->e), s->e);
    assert_string_equal(text, want);
}

static void every_attempt_is_told_but_one_that_did_not_go(void **state) {
    struct site *s = *state;
    struct ledger *l = s->r.ledger;
    const struct two two = take_two(s);
    int64_t row = two.first;

    assert_attempts(s, row, "");
    assert_ok(ledger_sending(l, &row, 1, "e", NOW, &s->e), s->e);
    assert_ok(ledger_unsent(l, row, LEDGER_RECEIVED, &s->e), s->e);
    assert_attempts(s, row, "");
    assert_ok(ledger_sending(l, &row, 1, "e", NOW + 1, &s->e), s->e);
    assert_ok(ledger_later(l, row, "busy", NOW + 2, 0, NOW, &s->e), s->e);
    assert_ok(ledger_sending(l, &row, 1, "f", NOW + 2, &s->e), s->e);
    assert_attempts(s, row, "1:e@1 2:f@2 ");
    assert_ok(ledger_unsent(l, row, LEDGER_LATER, &s->e), s->e);
    assert_attempts(s, row, "1:e@1 ");
    assert_ok(ledger_sending(l, &row, 1, "f", NOW + 3, &s->e), s->e);
    assert_ok(ledger_rejected(l, row, "no", NOW + 9, &s->e), s->e);
    assert_attempts(s, row, "1:e@1 2:f@3 ");
}

static void records_move_together_all_or_none(void **state) {
    struct site *s = *state;
    struct gf_id ids[6];
    int64_t rows[6];

    testing_enrol(s, &kit_site);
    for (size_t i = 0; i < 6; i++) {
        ids[i] = new_id();
        assert_int_equal(take(s, (int64_t)i + 1, &ids[i], "{}"), 1);
        rows[i] = testing_find(s, &ids[i]).row;
    }
    /* In any order; what lies between is not touched. */
    const int64_t some[] = {rows[4], rows[0], rows[1], rows[5]};
    assert_ok(ledger_sending(s->r.ledger, some, 4, "e", NOW, &s->e), s->e);
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(testing_find(s, &ids[i]).state,
                         i == 2 || i == 3 ? LEDGER_RECEIVED : LEDGER_SENDING);
    /* One of a run cannot be sent, so none of them is marked. */
    assert_ok(ledger_rejected(s->r.ledger, rows[1], "no", NOW, &s->e), s->e);
    assert_fails(ledger_sending(s->r.ledger, rows, 6, "e", NOW, &s->e), s->e, GF_E_BUG);
    assert_int_equal(testing_find(s, &ids[0]).attempts, 1);
    assert_int_equal(testing_find(s, &ids[2]).state, LEDGER_RECEIVED);
    /* The same where they are delivered. */
    assert_fails(ledger_delivered(s->r.ledger, &rows[2], 4, GF_GUARANTEE_ONCE, NOW, &s->e), s->e,
                 GF_E_BUG);
    assert_int_equal(testing_find(s, &ids[4]).state, LEDGER_SENDING);
    const int64_t sent[] = {rows[0], rows[4], rows[5]};
    assert_ok(ledger_delivered(s->r.ledger, sent, 3, GF_GUARANTEE_ONCE, NOW, &s->e), s->e);
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(testing_find(s, &ids[i]).state, i == 1             ? LEDGER_REJECTED
                                                         : i == 2 || i == 3 ? LEDGER_RECEIVED
                                                                            : LEDGER_DELIVERED);
}

static void a_record_that_is_held_is_due_when_it_is_released(void **state) {
    struct site *s = *state;
    const struct two two = take_two(s);

    assert_ok(ledger_held(s->r.ledger, two.first, "401", NOW, &s->e), s->e);
    assert_int_equal(next_due(s, NOW + 1000, 0), two.second);
    int64_t n = 0;
    assert_ok(ledger_release(s->r.ledger, &(struct ledger_filter){LEDGER_ANY, .channel = "license"},
                             NOW, &n, &s->e),
              s->e);
    assert_int_equal(n, 0);
    assert_ok(ledger_release(s->r.ledger, &(struct ledger_filter){LEDGER_ANY}, NOW, &n, &s->e),
              s->e);
    assert_int_equal(n, 1);
    assert_int_equal(next_due(s, NOW, 0), two.first);
    assert_ok(ledger_later(s->r.ledger, two.first, "busy", NOW + 100, 0, NOW, &s->e), s->e);
    assert_ok(ledger_release(s->r.ledger, &(struct ledger_filter){LEDGER_ANY, .channel = "metrics"},
                             NOW, &n, &s->e),
              s->e);
    assert_int_equal(n, 1);
    assert_int_equal(next_due(s, NOW, 0), two.first);
}

static void what_a_clock_that_was_ahead_put_off_is_due_once_it_is_right(void **state) {
    const int64_t most = NOW + HTTPS_RETRY_AFTER_MAX;
    struct site *s = *state;
    const struct two two = take_two(s);

    assert_ok(ledger_later(s->r.ledger, two.first, "busy", most + 1, most + 1, NOW, &s->e), s->e);
    assert_ok(ledger_later(s->r.ledger, two.second, "busy", most, most, NOW, &s->e), s->e);
    assert_int_equal(next_due(s, NOW, 0), 0);
    assert_ok(ledger_settle(s->r.ledger, NOW, &s->e), s->e);
    assert_int_equal(next_due(s, NOW, 0), two.first);
    assert_int_equal(next_due(s, NOW, two.first), 0);
    assert_int_equal(testing_find(s, &two.a).asked, 0);
    assert_int_equal(testing_find(s, &two.b).asked, most);
}

static void another_try_is_due_at_once_unless_the_endpoint_asked_for_time(void **state) {
    struct site *s = *state;
    const struct two two = take_two(s);

    assert_ok(ledger_later(s->r.ledger, two.first, "busy", NOW + 100, NOW + 50, NOW, &s->e), s->e);
    assert_ok(ledger_held(s->r.ledger, two.second, "401", NOW, &s->e), s->e);
    assert_ok(ledger_retry(s->r.ledger, NOW + 49, &s->e), s->e);
    assert_int_equal(next_due(s, NOW + 49, 0), 0);
    assert_int_equal(testing_find(s, &two.a).asked, NOW + 50);

    /* What was asked for is over, and our own back-off is not. */
    assert_ok(ledger_retry(s->r.ledger, NOW + 50, &s->e), s->e);
    assert_int_equal(next_due(s, NOW + 50, 0), two.first);
    assert_int_equal(next_due(s, NOW + 50, two.first), 0);

    /* An operator may know better. */
    int64_t n = 0;
    assert_ok(ledger_later(s->r.ledger, two.first, "busy", NOW + 100, NOW + 100, NOW, &s->e), s->e);
    assert_ok(ledger_release(s->r.ledger, &(struct ledger_filter){LEDGER_ANY}, NOW, &n, &s->e),
              s->e);
    assert_int_equal(testing_find(s, &two.a).asked, 0);
    assert_int_equal(next_due(s, NOW, 0), two.first);
}

static void a_record_that_is_settled_is_never_due(void **state) {
    struct site *s = *state;
    const struct two two = take_two(s);
    assert_ok(ledger_sending(s->r.ledger, &(int64_t){two.first}, 1, "e", NOW, &s->e), s->e);
    assert_ok(
        ledger_delivered(s->r.ledger, &(int64_t){two.first}, 1, GF_GUARANTEE_ONCE, NOW, &s->e),
        s->e);
    assert_int_equal(next_due(s, NOW + 1000, 0), two.second);
    assert_ok(ledger_rejected(s->r.ledger, two.second, "no endpoint", NOW, &s->e), s->e);
    assert_int_equal(next_due(s, NOW + 1000, 0), 0);
}

/* Settle a new record as delivered, rejected or expired; its row. */
static int64_t settle(struct site *s, int end, struct gf_id *id) {
    *id = new_id();
    assert_int_equal(take(s, 1 + end, id, "{}"), 1);
    int64_t row = testing_find(s, id).row;

    /* delivered comes from sending only: it must have been durable before the request. */
    assert_fails(ledger_delivered(s->r.ledger, &(int64_t){row}, 1, GF_GUARANTEE_ONCE, NOW, &s->e),
                 s->e, GF_E_BUG);
    assert_ok(ledger_sending(s->r.ledger, &(int64_t){row}, 1, "e", NOW, &s->e), s->e);
    int rc = end == 0
                 ? ledger_delivered(s->r.ledger, &(int64_t){row}, 1, GF_GUARANTEE_ONCE, NOW, &s->e)
             : end == 1 ? ledger_rejected(s->r.ledger, row, "no", NOW, &s->e)
                        : ledger_expired(s->r.ledger, row, "too old", NOW, &s->e);
    assert_int_equal(rc, 0);
    assert_int_equal(testing_find(s, id).state, LEDGER_DELIVERED + end);
    return row;
}

/* What each attempt to move it says. */
static int try_to_move(struct site *s, int64_t row, int how) {
    struct ledger *l = s->r.ledger;
    switch (how) {
    case 0:
        return ledger_sending(l, &(int64_t){row}, 1, "e", NOW, &s->e);
    case 1:
        return ledger_later(l, row, "x", NOW, 0, NOW, &s->e);
    case 2:
        return ledger_held(l, row, "x", NOW, &s->e);
    case 3:
        return ledger_rejected(l, row, "x", NOW, &s->e);
    case 4:
        return ledger_expired(l, row, "x", NOW, &s->e);
    default:
        return ledger_delivered(l, &(int64_t){row}, 1, GF_GUARANTEE_LEAST, NOW, &s->e);
    }
}

static void what_is_settled_stays_settled(void **state) {
    struct site *s = *state;
    struct gf_id id;

    testing_enrol(s, &kit_site);
    for (int end = 0; end < 3; end++) {
        int64_t row = settle(s, end, &id);
        for (int how = 0; how < 6; how++)
            if (how == 1 || how == 2)
                assert_ok(try_to_move(s, row, how), s->e); /* what a return has settled stands */
            else
                assert_fails(try_to_move(s, row, how), s->e, GF_E_BUG);
        assert_ok(ledger_unsent(s->r.ledger, row, LEDGER_LATER, &s->e), s->e);
        assert_int_equal(testing_find(s, &id).state, LEDGER_DELIVERED + end);
    }
    assert_fails(ledger_sending(s->r.ledger, &(int64_t){4711}, 1, "e", NOW, &s->e), s->e, GF_E_BUG);
    assert_fails(ledger_held(s->r.ledger, 4711, "x", NOW, &s->e), s->e, GF_E_BUG);
}

/* When the record came to its state. */
static int see_since(void *arg, const struct ledger_record *r, struct gf_err *e) {
    (void)e;
    *(int64_t *)arg = r->since;
    return 1;
}

static int64_t since(struct site *s) {
    int64_t at = 0;
    assert_ok(ledger_walk(s->r.ledger, -1, see_since, &at, &s->e), s->e);
    return at;
}

static void a_record_came_to_its_state_when_it_was_held_put_off_or_released(void **state) {
    struct site *s = *state;
    struct ledger *l = s->r.ledger;
    const struct two two = take_two(s);
    int64_t n = 0;

    assert_ok(ledger_sending(l, &(int64_t){two.first}, 1, "e", NOW + 1, &s->e), s->e);
    assert_ok(ledger_later(l, two.first, "busy", NOW + 9, 0, NOW + 2, &s->e), s->e);
    assert_int_equal(since(s), NOW + 2);
    assert_ok(ledger_held(l, two.first, "401", NOW + 3, &s->e), s->e);
    assert_int_equal(since(s), NOW + 3);
    /* What is held waits for a person, whatever was under way. */
    assert_ok(ledger_later(l, two.first, "busy", NOW + 9, 0, NOW + 4, &s->e), s->e);
    assert_int_equal(testing_find(s, &two.a).state, LEDGER_HELD);
    assert_int_equal(since(s), NOW + 3);
    assert_ok(ledger_release(l, &(struct ledger_filter){LEDGER_ANY}, NOW + 5, &n, &s->e), s->e);
    assert_int_equal(since(s), NOW + 5);
}

static void counts_are_by_channel_and_state(void **state) {
    struct site *s = *state;
    struct gf_id a = new_id();
    struct gf_id b = new_id();
    struct ledger_count *counts = NULL;
    size_t n = 0;

    testing_enrol(s, &kit_site);
    assert_int_equal(take(s, 1, &a, "{}"), 1);
    assert_int_equal(take(s, 2, &b, "{}"), 1);
    assert_ok(ledger_rejected(s->r.ledger, testing_find(s, &a).row, "no", NOW, &s->e), s->e);
    assert_ok(ledger_counts(s->r.ledger, &counts, &n, &s->e), s->e);
    assert_int_equal(n, 1);
    assert_string_equal(counts[0].channel, "metrics");
    assert_int_equal(counts[0].n[LEDGER_RECEIVED], 1);
    assert_int_equal(counts[0].n[LEDGER_REJECTED], 1);
    assert_int_equal(counts[0].n[LEDGER_DELIVERED], 0);
    free(counts);
    assert_int_equal(testing_records(s, LEDGER_REJECTED), 1);
}

int main(void) {
#define T(f) cmocka_unit_test_setup_teardown(f, testing_setup, testing_teardown)
    const struct CMUnitTest tests[] = {
        T(a_record_is_due_in_its_turn_and_when_its_time_has_come),
        T(a_record_that_is_held_is_due_when_it_is_released),
        T(every_attempt_is_told_but_one_that_did_not_go),
        T(records_move_together_all_or_none),
        T(what_a_clock_that_was_ahead_put_off_is_due_once_it_is_right),
        T(another_try_is_due_at_once_unless_the_endpoint_asked_for_time),
        T(a_record_that_is_settled_is_never_due),
        T(what_is_settled_stays_settled),
        T(a_record_came_to_its_state_when_it_was_held_put_off_or_released),
        T(counts_are_by_channel_and_state),
    };
    return cmocka_run_group_tests(tests, kit_setup, kit_teardown);
}
