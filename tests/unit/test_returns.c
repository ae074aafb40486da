/*
 * test_returns.c -- the relay of a grid's manager: what its own agent gets, and what comes back to
 * the nodes.
 */
#include "returns_testing.h"

#include "relay/ledger/ledger_grid.h"
#include "relay/ledger/ledger_operator.h"

static int make(void **state) {
    make_manager(state, "");
    return 0;
}

/* All lines of the intake, one behind the other. */
static struct gf_buf spooled(void) {
    char(*names)[SPOOL_NAME] = NULL;
    struct spool_reader r;
    struct gf_buf all;
    struct gf_err e;
    size_t n = 0;

    gf_buf_init(&all, 1 << 20);
    int dir = open(intake, O_RDONLY | O_DIRECTORY);
    assert_ok(spool_list(dir, &names, &n, &e), e);
    for (size_t i = 0; i < n; i++) {
        const char *data;
        size_t len;
        assert_int_equal(spool_reader_open(dir, names[i], 0, &r, &e), 1);
        while (spool_next(&r, &data, &len, &e) == SPOOL_LINE)
            gf_buf_add(&all, data, len);
        spool_reader_close(&r);
    }
    free(names);
    (void)close(dir);
    return all;
}

static void say_line(const char *line, size_t len) {
    struct spool *w = NULL;
    struct gf_err e;

    assert_ok(spool_open(returns, SPOOL_FILE_MAX, &w, &e), e);
    assert_ok(spool_put(w, line, len, &e), e);
    assert_ok(spool_sync(w, &e), e);
    spool_close(w);
}

/* The agent says this of the record that was made last. */
static void say(struct site *s, enum grid_word word, enum gf_state state, const char *reason) {
    struct grid_return r = {.word = word, .node = kit_site.card.agent};
    struct gf_buf b;
    struct gf_err e;

    r.receipt = (struct gf_receipt){.record = s->id,
                                    .state = state,
                                    .reason = reason,
                                    .guarantee = state == GF_STATE_DELIVERED ? GF_GUARANTEE_LEAST
                                                                             : GF_GUARANTEE_NONE,
                                    .at = NOW};
    r.answer =
        (struct gf_answer){.record = s->id, .status = 200, .body = {GF_BODY_TEXT, "licence", 7}};
    gf_buf_init(&b, GF_LINE_MAX);
    assert_ok(grid_return_write(&r, &b, &e), e);
    say_line(b.data, b.len);
    gf_buf_free(&b);
}

static struct row last(struct site *s) {
    struct rows rows = rows_of(s);
    return rows.row[rows.n - 1];
}

static void go_round(struct site *s) {
    testing_turn(s);
    relay_returns(&s->r, &s->t);
}

static void a_record_lies_in_the_intake_under_its_derived_id_and_is_onward(void **state) {
    struct site *s = *state;
    struct gf_id there, want;
    struct gf_record r;
    struct gf_err e;
    size_t skip = 0;

    arrive_many(s, "c", 1, 1);
    forward(s, 10);
    assert_int_equal(s->t.onward, 1);
    assert_int_equal(s->t.delivered + s->t.later + s->t.held, 0);
    assert_int_equal(last(s).state, LEDGER_ONWARD);

    struct gf_buf lines = spooled();
    assert_int_equal(grid_node(lines.data, lines.len, &there, &skip), 1);
    assert_memory_equal(&there, &s->id, sizeof there);
    assert_ok(gf_record_parse(lines.data + skip, lines.len - skip, &r, &e), e);
    gf_record_derive(&kit_site.card.agent, &s->id, &want);
    assert_memory_equal(&r.id, &want, sizeof want);
    assert_memory_equal(&r.origin, &kit_site.card.agent, sizeof r.origin);
    assert_string_equal(r.body.data, "1");
    assert_int_equal(r.answer, 1);
    gf_record_free(&r);
    gf_buf_free(&lines);

    /* It is not due again, not even for a person with a drive. */
    assert_ok(ledger_retry(s->r.ledger, NOW, &s->e), s->e);
    forward(s, 10);
    assert_int_equal(s->t.onward, 0);
}

static void without_an_intake_it_waits_and_says_so(void **state) {
    struct site *s = *state;

    assert_int_equal(rmdir(intake), 0);
    arrive_many(s, "c", 1, 0);
    forward(s, 10);
    assert_int_equal(last(s).state, LEDGER_LATER);
    assert_non_null(strstr(last(s).reason, "gapferry-agent run"));
    assert_int_equal(mkdir(intake, 0700), 0);
    assert_ok(ledger_retry(s->r.ledger, NOW, &s->e), s->e);
    forward(s, 10);
    assert_int_equal(last(s).state, LEDGER_ONWARD);
}

static void what_could_not_be_flushed_to_the_intake_is_not_onward(void **state) {
    struct site *s = *state;

    /* A directory in which no file can be made: what is put in fails when it is flushed. */
    assert_int_equal(rmdir(intake), 0);
    assert_int_equal(symlink("/proc/self", intake), 0);
    arrive_many(s, "c", 5, 0);
    forward(s, 10);
    assert_int_equal(s->t.onward, 0);
    assert_int_equal(testing_records(s, LEDGER_ONWARD), 0);
    assert_int_equal(testing_records(s, LEDGER_LATER), 5);

    assert_int_equal(unlink(intake), 0);
    assert_int_equal(mkdir(intake, 0700), 0);
    assert_ok(ledger_retry(s->r.ledger, NOW, &s->e), s->e);
    forward(s, 10);
    assert_int_equal(testing_records(s, LEDGER_ONWARD), 5);
}

/* Nobody is told that a record is with the next hop before it is: the spool holds each. */
static void many_records_share_a_flush_and_none_is_missing(void **state) {
    struct site *s = *state;
    int64_t lines = 0;

    arrive_many(s, "c", 500, 0);
    forward(s, 60);
    assert_int_equal(testing_records(s, LEDGER_ONWARD), 500);
    struct gf_buf all = spooled();
    for (size_t i = 0; i < all.len; i++)
        lines += all.data[i] == '\n';
    assert_int_equal(lines, 500);
    gf_buf_free(&all);
}

static int see(void *arg, int64_t row, const struct gf_receipt *r, const struct gf_answer *a,
               struct gf_err *e) {
    struct gf_buf *b = arg;
    (void)row;
    (void)e;
    gf_buf_printf(b, "%s %s %d %s;", gf_record_states[r->state],
                  r->reason != NULL ? r->reason : "-", (int)r->guarantee,
                  a != NULL ? a->body.data : "-");
    return 0;
}

static void check_news(struct site *s, const char *want) {
    struct gf_buf b;

    gf_buf_init(&b, 4096);
    assert_ok(ledger_news(s->r.ledger, &kit_site.card.agent, see, &b, &s->e), s->e);
    assert_string_equal(b.data != NULL ? b.data : "", want);
    gf_buf_free(&b);
}

static void what_comes_back_is_the_node_s_receipt(void **state) {
    struct site *s = *state;

    arrive_many(s, "c", 1, 1);
    forward(s, 10);
    check_news(s, "relayed - 0 -;");

    /* An answer alone says nothing yet. */
    say(s, GRID_ANSWER, GF_STATE_DELIVERED, NULL);
    go_round(s);
    assert_int_equal(s->t.returned, 0);
    check_news(s, "relayed - 0 -;");
    say(s, GRID_RECEIPT, GF_STATE_DELIVERED, NULL);
    go_round(s);
    assert_int_equal(s->t.returned, 1);
    check_news(s, "delivered - 2 licence;");

    /* Said again, or otherwise, it stays. */
    say(s, GRID_RECEIPT, GF_STATE_DELIVERED, NULL);
    say(s, GRID_RECEIPT, GF_STATE_REJECTED, "changed its mind");
    say(s, GRID_HOLD, GF_STATE_RELAYED, "hm");
    go_round(s);
    assert_int_equal(s->t.returned, 0);
    check_news(s, "delivered - 2 licence;");
    assert_int_equal(testing_records(s, LEDGER_DELIVERED), 1);
}

static void a_rejection_comes_back_with_its_words_and_a_hold_waits_for_a_person(void **state) {
    struct site *s = *state;
    int64_t n = 0;

    arrive_many(s, "c", 1, 0);
    forward(s, 10);
    say(s, GRID_HOLD, GF_STATE_RELAYED, "not yet");
    go_round(s);
    assert_int_equal(last(s).state, LEDGER_HELD);
    assert_string_equal(last(s).reason, "not yet");
    check_news(s, "relayed not yet 0 -;");

    /* Released, it is put in once more. */
    assert_ok(ledger_release(s->r.ledger, &(struct ledger_filter){LEDGER_ANY}, NOW, &n, &s->e),
              s->e);
    assert_int_equal(n, 1);
    forward(s, 10);
    assert_int_equal(last(s).state, LEDGER_ONWARD);
    say(s, GRID_RECEIPT, GF_STATE_REJECTED, "HTTP 422: bad");
    go_round(s);
    check_news(s, "rejected HTTP 422: bad 0 -;");
}

static void a_return_that_is_quicker_than_the_note_of_insertion_stays(void **state) {
    struct site *s = *state;

    arrive_many(s, "c", 1, 0);
    struct ledger_record row = {.id = s->id};
    assert_ok(ledger_walk(s->r.ledger, -1, testing_find_row, &row, &s->e), s->e);
    assert_ok(ledger_sending(s->r.ledger, &(int64_t){row.row}, 1, "e", NOW, &s->e), s->e);
    say(s, GRID_RECEIPT, GF_STATE_EXPIRED, "late");
    go_round(s);
    assert_ok(ledger_onward(s->r.ledger, row.row, NOW, &s->e), s->e);
    assert_int_equal(last(s).state, LEDGER_EXPIRED);
}

static size_t files_there(void) {
    char(*names)[SPOOL_NAME] = NULL;
    struct gf_err e;
    size_t n = 0;

    int dir = open(returns, O_RDONLY | O_DIRECTORY);
    assert_ok(spool_list(dir, &names, &n, &e), e);
    free(names);
    (void)close(dir);
    return n;
}

static void rubbish_and_strangers_among_the_returns_hold_nothing_up(void **state) {
    static const char rubbish[] = "receipt of something else\n";
    struct site *s = *state;
    struct gf_id ours;

    arrive_many(s, "c", 1, 0);
    forward(s, 10);
    ours = s->id;
    s->id.b[15] ^= 1;
    say(s, GRID_RECEIPT, GF_STATE_DELIVERED, NULL);
    say_line(rubbish, sizeof rubbish - 1);
    s->id = ours;
    say(s, GRID_RECEIPT, GF_STATE_DELIVERED, NULL);
    go_round(s);
    assert_int_equal(s->t.returned, 1);
    assert_non_null(strstr(s->t.people.data, "1 damaged"));
    assert_int_equal(files_there(), 0);
}

/* ---- notices ---- */

static int see_notice(void *arg, int64_t n, const struct gf_notice *notice, struct gf_err *e) {
    (void)n, (void)e;
    assert_string_equal(notice->type, "policy");
    gf_buf_text(arg, notice->data);
    return 0;
}

/* What the node has not been told. */
static void check_untold(struct site *s, const char *want) {
    struct gf_buf b;

    gf_buf_init(&b, 4096);
    assert_ok(ledger_notices(s->r.ledger, &kit_site.card.agent, see_notice, &b, &s->e), s->e);
    assert_string_equal(b.data != NULL ? b.data : "", want);
    assert_int_equal(ledger_has_news(s->r.ledger, &kit_site.card.agent, &s->e), *want != '\0');
    gf_buf_free(&b);
}

static int ask(struct site *s, enum ledger_whose whose, int denied, int airgap) {
    const struct grid_policy p = {.channel = "c", .denied = denied, .airgap = airgap};

    int rc = ledger_policy(s->r.ledger, whose, &p, "tester", NOW, &s->e);
    assert_ok(rc, s->e);
    return rc;
}

#define POLICY(consent, airgap)                                                                    \
    "{\"channel\":\"c\",\"consent\":" consent ",\"airgap\":\"" airgap "\"}"

/* Counts the notices in the audit log; `line` is the last of them. */
struct logged {
    int n;
    char line[400];
};

static int see_link(void *arg, const struct ledger_link *x, struct gf_err *e) {
    struct logged *l = arg;
    (void)e;

    if (strstr(x->line, "\"event\":\"notice\"") == NULL)
        return 0;
    l->n++;
    (void)snprintf(l->line, sizeof l->line, "%s", x->line);
    return 0;
}

static void each_wish_is_logged_with_what_holds_from_then_on(void **state) {
    struct site *s = *state;
    struct logged l = {0};

    assert_int_equal(ask(s, LEDGER_FROM_ABOVE, 0, 2), 1);
    assert_int_equal(ask(s, LEDGER_OURS, 0, 1), 0); /* another wish, and the same holds */
    assert_int_equal(ask(s, LEDGER_OURS, 0, 1), 0); /* no other wish */
    assert_ok(ledger_chain(s->r.ledger, 0, see_link, &l, &s->e), s->e);
    assert_int_equal(l.n, 2);
    assert_non_null(strstr(l.line, "\"airgap\":\"discard\""));
    assert_non_null(strstr(l.line, "\"user\":\"tester\""));
}

static void what_holds_is_the_stricter_of_ours_and_what_comes_from_above(void **state) {
    static const char above[] = "notice {\"type\":\"policy\",\"at\":\"2026-01-01T00:00:00Z\","
                                "\"data\":\"{\\\"channel\\\":\\\"c\\\",\\\"consent\\\":null,"
                                "\\\"airgap\\\":\\\"discard\\\"}\"}\n";
    struct site *s = *state;

    check_untold(s, "");
    assert_int_equal(ask(s, LEDGER_OURS, 0, 1), 1);
    check_untold(s, POLICY("null", "hold"));
    assert_int_equal(ask(s, LEDGER_OURS, 0, 1), 0);
    say_line(above, sizeof above - 1);
    go_round(s);
    check_untold(s, POLICY("null", "discard"));
    assert_int_equal(ask(s, LEDGER_OURS, 1, 0), 1);
    check_untold(s, POLICY("\"denied\"", "discard"));
    assert_int_equal(ask(s, LEDGER_FROM_ABOVE, 0, 0), 1);
    assert_int_equal(ask(s, LEDGER_OURS, 0, 0), 1);
    check_untold(s, POLICY("null", "carry"));

    /* Each has a later time than the one before, of the same second as they are. */
    struct ledger_asked *list = NULL;
    size_t n = 0;
    assert_ok(ledger_policies(s->r.ledger, &list, &n, &s->e), s->e);
    assert_true(n == 1 && list->at == NOW + 4);
    free(list);
}

static void respond(struct site *s) {
    testing_turn(s);
    assert_ok(relay_respond(&s->r, &s->t, &s->e), s->e);
}

static void check_acknowledged(struct site *s, int64_t want) {
    struct ledger_asked *list = NULL;
    size_t n = 0;

    assert_ok(ledger_policies(s->r.ledger, &list, &n, &s->e), s->e);
    assert_int_equal(n, 1);
    assert_int_equal(list->nodes, 1);
    assert_int_equal(list->have, want);
    free(list);
}

static void a_notice_is_told_once_and_again_when_its_response_is_lost(void **state) {
    struct site *s = *state;
    struct ledger_response *open_ones = NULL;
    size_t n = 0;

    (void)ask(s, LEDGER_OURS, 0, 1);
    respond(s);
    assert_int_equal(s->t.responses, 1);
    check_untold(s, "");
    respond(s);
    assert_int_equal(s->t.responses, 0);

    assert_ok(ledger_open_responses(s->r.ledger, NULL, &open_ones, &n, &s->e), s->e);
    assert_int_equal(n, 1);
    assert_ok(ledger_lost(s->r.ledger, &open_ones[0].id, NOW, &s->e), s->e);
    free(open_ones);
    check_untold(s, POLICY("null", "hold"));
    respond(s);
    assert_int_equal(s->t.responses, 1);

    /* One that was replaced is not told any more. */
    (void)ask(s, LEDGER_OURS, 0, 2);
    check_untold(s, POLICY("null", "discard"));
    respond(s);
    check_acknowledged(s, 0);
    struct ledger_seq next = {0};
    assert_ok(ledger_take_seq(s->r.ledger, &kit_site.card.identity, &next, &s->e), s->e);
    const struct gf_have have = {.stream = next.stream, .upto = next.seq - 1};
    assert_int_equal(
        ledger_acknowledge(s->r.ledger, &kit_site.card.identity, &s->stream, &have, 1, NOW, &s->e),
        0);
    check_acknowledged(s, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_record_lies_in_the_intake_under_its_derived_id_and_is_onward, make, tear_down),
        cmocka_unit_test_setup_teardown(without_an_intake_it_waits_and_says_so, make, tear_down),
        cmocka_unit_test_setup_teardown(what_could_not_be_flushed_to_the_intake_is_not_onward, make,
                                        tear_down),
        cmocka_unit_test_setup_teardown(many_records_share_a_flush_and_none_is_missing, make,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_comes_back_is_the_node_s_receipt, make, tear_down),
        cmocka_unit_test_setup_teardown(
            a_rejection_comes_back_with_its_words_and_a_hold_waits_for_a_person, make, tear_down),
        cmocka_unit_test_setup_teardown(a_return_that_is_quicker_than_the_note_of_insertion_stays,
                                        make, tear_down),
        cmocka_unit_test_setup_teardown(rubbish_and_strangers_among_the_returns_hold_nothing_up,
                                        make, tear_down),
        cmocka_unit_test_setup_teardown(
            what_holds_is_the_stricter_of_ours_and_what_comes_from_above, make, tear_down),
        cmocka_unit_test_setup_teardown(each_wish_is_logged_with_what_holds_from_then_on, make,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_notice_is_told_once_and_again_when_its_response_is_lost,
                                        make, tear_down),
    };

    return cmocka_run_group_tests(tests, kit_setup, kit_teardown);
}
