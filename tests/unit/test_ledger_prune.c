/*
 * test_ledger_prune.c -- what the relay's ledger forgets in time, and what it never does.
 */
#include "ledger_testing.h"

#include "common/when.h"
#include "relay/ledger/ledger_enrol.h"
#include "relay/ledger/ledger_internal.h"

#define DAY 86400
#define OLD (NOW + LEDGER_KEEP + DAY) /* a time at which what is made here is old */

/* ---- what a site lives through ---- */

static int enrolled_setup(void **state) {
    if (testing_setup(state) != 0)
        return -1;
    testing_enrol(*state, &kit_site);
    return 0;
}

static void deliver(struct site *s, const struct gf_id *id) {
    int64_t row = testing_find(s, id).row;

    assert_ok(ledger_sending(s->r.ledger, &row, 1, "e", NOW, &s->e), s->e);
    assert_ok(ledger_delivered(s->r.ledger, &(int64_t){row}, 1, GF_GUARANTEE_ONCE, NOW, &s->e),
              s->e);
}

/* One record of the bundle of this number, with its end told. */
static struct gf_id settle(struct site *s, int64_t seq, int64_t told_at) {
    struct ledger_seq next;
    struct gf_id id = new_id();
    struct gf_hash digest;

    assert_int_equal(take(s, seq, &id, "1"), 1);
    deliver(s, &id);
    const struct ledger_told told = {.what = LEDGER_RECEIPT,
                                     .id = id,
                                     .digest = testing_find(s, &id).digest,
                                     .state = GF_STATE_DELIVERED};
    assert_ok(ledger_take_seq(s->r.ledger, &kit_site.card.identity, &next, &s->e), s->e);
    struct gf_header h = {.to = kit_site.card.identity, .stream = next.stream, .seq = next.seq};
    gf_digest_random(&h.id, sizeof h.id);
    gf_digest_256(&h, sizeof h, &digest);
    assert_ok(
        ledger_responded(s->r.ledger, &kit_site.card.agent, &h, &digest, &told, 1, told_at, &s->e),
        s->e);
    return id;
}

/* Responses up to this number, of the stream that they are in. */
static void acknowledge(struct site *s, int64_t upto) {
    struct gf_id stream;
    struct db_query q;

    assert_ok(db_query(&s->r.ledger->db, &q, &s->e, "SELECT stream FROM response", ""), s->e);
    assert_int_equal(db_next(&q, &s->e), 1);
    assert_int_equal(db_fixed(&q, 0, &stream, sizeof stream), 0);
    db_done(&q);
    testing_acknowledge(s, &stream, upto, 0);
}

#define CHANGE(s, sql) assert_ok(db_run(&(s)->r.ledger->db, &(s)->e, sql, ""), (s)->e)

/* A record that is on its way: the newest one stays in any case. */
static void come(struct site *s, int64_t seq) {
    struct gf_id id = new_id();

    assert_int_equal(take(s, seq, &id, "1"), 1);
}

static struct ledger_pruned prune(struct site *s, int64_t now) {
    struct ledger_pruned sum = {0};
    int rc = 1;

    while (rc == 1)
        rc = ledger_prune(s->r.ledger, now, &sum, &s->e);
    assert_ok(rc, s->e);
    return sum;
}

static enum ledger_seen seen(struct site *s, int64_t seq) {
    struct gf_header h = header(s, seq);
    struct gf_hash d = digest_of(&h);
    enum ledger_seen out = LEDGER_NEW;

    assert_ok(ledger_seen(s->r.ledger, &h, &d, &out, &s->e), s->e);
    return out;
}

static struct ledger_agent agent(struct site *s) {
    struct ledger_agent *list = NULL;
    size_t n = 0;

    assert_ok(ledger_roll(s->r.ledger, &list, &n, &s->e), s->e);
    assert_int_equal(n, 1);
    struct ledger_agent a = list[0];
    free(list);
    return a;
}

/* ---- what goes ---- */

static void what_is_acknowledged_and_old_is_forgotten(void **state) {
    struct site *s = *state;
    struct gf_hash newest;
    int64_t lines = 0, more = 0;

    for (int64_t seq = 1; seq <= 5; seq++)
        (void)settle(s, seq, NOW);
    acknowledge(s, 5);
    assert_ok(ledger_seal(s->r.ledger, &s->e), s->e);
    assert_ok(ledger_chain_verify(s->r.ledger, &lines, &newest, &s->e), s->e);
    struct ledger_pruned gone = prune(s, OLD);
    assert_int_equal(gone.records, 4);   /* rows are given once, so the newest stays */
    assert_int_equal(gone.bundles, 3);   /* of a stream the first and the last stay, */
    assert_int_equal(gone.responses, 4); /* and the last of one of ours */
    assert_ok(ledger_seal(s->r.ledger, &s->e), s->e);
    assert_ok(ledger_chain_verify(s->r.ledger, &more, &newest, &s->e), s->e);
    assert_int_equal(more, lines + 1);
    gone = prune(s, OLD + 2 * DAY);
    assert_int_equal(gone.records + gone.bundles + gone.responses, 0);
}

static void what_is_young_stays(void **state) {
    struct site *s = *state;

    for (int64_t seq = 1; seq <= 3; seq++)
        (void)settle(s, seq, NOW);
    acknowledge(s, 3);
    struct ledger_pruned gone = prune(s, NOW + LEDGER_KEEP);
    assert_int_equal(gone.records + gone.bundles + gone.responses, 0);
}

static void what_is_not_acknowledged_stays_however_old_it_is(void **state) {
    struct site *s = *state;
    struct gf_id open = new_id();

    (void)settle(s, 1, NOW);
    struct gf_id second = settle(s, 2, NOW);
    assert_int_equal(take(s, 3, &open, "1"), 1);
    acknowledge(s, 1);
    struct ledger_pruned gone = prune(s, OLD + 10 * LEDGER_KEEP);
    assert_int_equal(gone.records, 1);
    assert_int_equal(testing_records(s, -1), 2);
    assert_int_equal(testing_find(s, &second).state, LEDGER_DELIVERED);
    assert_int_equal(testing_find(s, &open).state, LEDGER_RECEIVED);
}

static void a_date_before_there_was_gapferry_proves_no_age(void **state) {
    struct site *s = *state;

    (void)settle(s, 1, NOW);
    come(s, 2);
    acknowledge(s, 1);
    CHANGE(s, "UPDATE record SET received = 86400 WHERE row = 1");
    assert_int_equal(prune(s, OLD).records, 0);
    CHANGE(s, "UPDATE record SET received = since WHERE row = 1");
    assert_int_equal(prune(s, OLD + 2 * DAY).records, 1);
}

static void the_next_pass_begins_a_day_later(void **state) {
    struct site *s = *state;

    (void)prune(s, OLD);
    (void)settle(s, 1, NOW);
    come(s, 2);
    acknowledge(s, 1);
    assert_int_equal(prune(s, OLD + DAY - 1).records, 0);
    assert_int_equal(prune(s, OLD + DAY).records, 1);
}

static void dead_letters_go_too(void **state) {
    struct site *s = *state;

    (void)settle(s, 1, NOW);
    come(s, 2);
    acknowledge(s, 1);
    CHANGE(s, "UPDATE record SET state = 6, receipt = 3, told = 3 WHERE row = 1");
    assert_int_equal(prune(s, OLD).records, 1);
    assert_int_equal(testing_records(s, -1), 1);
}

static void a_pass_of_many_rows_is_many_steps(void **state) {
    struct site *s = *state;
    struct ledger_pruned sum = {0};
    int steps = 1;

    (void)settle(s, 1, NOW);
    acknowledge(s, 1);
    CHANGE(s, "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)"
              " INSERT INTO record (agent, id, bundle, digest, channel, wants_answer, "
              "received, state, since, due, receipt, told, told_by) SELECT agent, "
              "randomblob(16), bundle, digest, channel, 0, received, state, since, NULL, "
              "receipt, told, told_by FROM record, n");
    while (ledger_prune(s->r.ledger, OLD, &sum, &s->e) == 1) {
        assert_true(sum.records <= 500 * steps);
        steps++;
    }
    assert_int_equal(sum.records, 2000);
    assert_true(steps > 4);
}

static void files_go_with_their_records(void **state) {
    struct site *s = *state;
    struct stat st;

    (void)settle(s, 1, NOW);
    (void)settle(s, 2, NOW);
    acknowledge(s, 1);
    CHANGE(s, "UPDATE record SET file = 'files/a' || row");
    for (int i = 1; i <= 2; i++) {
        char path[32];
        (void)snprintf(path, sizeof path, "files/a%d", i);
        int fd = openat(s->r.state_fd, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        assert_int_not_equal(fd, -1);
        (void)close(fd);
    }
    assert_int_equal(prune(s, OLD).records, 1);
    assert_int_equal(fstatat(s->r.state_fd, "files/a1", &st, 0), -1);
    assert_int_equal(fstatat(s->r.state_fd, "files/a2", &st, 0), 0);
}

/* ---- what is never forgotten ---- */

static void a_bundle_that_is_forgotten_is_a_replay_for_ever(void **state) {
    struct site *s = *state;
    const int64_t order[] = {1, 4, 2, 6, 3, 5, 9, 8, 10};
    int64_t spans = 0;

    for (size_t i = 0; i < sizeof order / sizeof *order; i++)
        (void)settle(s, order[i], NOW);
    acknowledge(s, 9);
    assert_int_equal(prune(s, OLD).bundles, 7);
    for (int64_t seq = 2; seq <= 9; seq++)
        assert_int_equal(seen(s, seq), seq == 7 ? LEDGER_NEW : LEDGER_REPLAY);
    assert_int_equal(seen(s, 10), LEDGER_FORK);
    assert_int_equal(seen(s, 11), LEDGER_NEW);
    assert_ok(db_number(&s->r.ledger->db, &spans, 0, &s->e, "SELECT count(*) FROM past", ""), s->e);
    assert_int_equal(spans, 2);
}

static void who_sent_how_much_is_known_as_before(void **state) {
    struct site *s = *state;
    struct ledger_gap *gaps = NULL;
    struct ledger_tally before, after;
    size_t n = 0;

    for (int64_t seq = 1; seq <= 9; seq++)
        if (seq != 4)
            (void)settle(s, seq, NOW);
    acknowledge(s, 8);
    struct ledger_agent was = agent(s);
    assert_ok(ledger_tally(s->r.ledger, &before, &s->e), s->e);
    assert_int_equal(prune(s, OLD).bundles, 6);
    struct ledger_agent is = agent(s);
    assert_int_equal(is.bundles, was.bundles);
    assert_int_equal(is.missing, was.missing);
    assert_int_equal(is.missing, 1);
    assert_int_equal(is.standing, was.standing);
    assert_ok(ledger_tally(s->r.ledger, &after, &s->e), s->e);
    assert_int_equal(after.taken, before.taken);
    assert_ok(ledger_gaps(s->r.ledger, &kit_site.card.identity, &gaps, &n, &s->e), s->e);
    assert_int_equal(n, 1);
    assert_int_equal(gaps[0].from, 4);
    assert_int_equal(gaps[0].to, 4);
    free(gaps);
}

static void the_next_response_follows_the_last(void **state) {
    struct site *s = *state;
    struct ledger_seq before, after;

    (void)settle(s, 1, NOW);
    (void)settle(s, 2, NOW);
    acknowledge(s, 2);
    assert_ok(ledger_take_seq(s->r.ledger, &kit_site.card.identity, &before, &s->e), s->e);
    (void)prune(s, OLD);
    assert_ok(ledger_take_seq(s->r.ledger, &kit_site.card.identity, &after, &s->e), s->e);
    assert_memory_equal(&after.stream, &before.stream, sizeof after.stream);
    assert_memory_equal(&after.prev, &before.prev, sizeof after.prev);
    assert_int_equal(after.seq, before.seq + 1);
}

int main(void) {
#define T(f) cmocka_unit_test_setup_teardown(f, enrolled_setup, testing_teardown)
    const struct CMUnitTest tests[] = {
        T(what_is_acknowledged_and_old_is_forgotten),
        T(what_is_young_stays),
        T(what_is_not_acknowledged_stays_however_old_it_is),
        T(a_date_before_there_was_gapferry_proves_no_age),
        T(the_next_pass_begins_a_day_later),
        T(dead_letters_go_too),
        T(a_pass_of_many_rows_is_many_steps),
        T(files_go_with_their_records),
        T(a_bundle_that_is_forgotten_is_a_replay_for_ever),
        T(who_sent_how_much_is_known_as_before),
        T(the_next_response_follows_the_last),
    };
    return cmocka_run_group_tests(tests, kit_setup, kit_teardown);
}
