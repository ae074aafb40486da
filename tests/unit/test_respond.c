/*
 * test_respond.c -- news into responses, and responses to drives: respond.c, draft.c, carry.c.
 */
#include "respond_testing.h"

#include <sqlite3.h>

#include "relay/carry_order.h"

/* The only response in the outbox. */
static struct said only_response(struct site *s) {
    struct files_list list;
    assert_ok(files_list(&s->r, "outbox", &list, &s->e), s->e);
    assert_int_equal(list.n, 1);
    struct said out = read_response(s, list.entries[0].name, &kit_site);
    free(list.entries);
    return out;
}

/* ---- a record in, and its fate ---- */

static struct gf_id take(struct site *s, int64_t seq) {
    char *line = testing_record(s, "license", "{}", 1);
    const struct testing_request q = {.seq = seq, .lines = line};
    testing_send(s, &q, NULL);
    testing_take(s);
    assert_int_equal(testing_find(s, &s->id).state, LEDGER_RECEIVED);
    free(line);
    return s->id;
}

static void deliver(struct site *s, const struct gf_id *id, const char *body, size_t len) {
    static const char *const headers[] = {"content-type", "application/json"};
    const struct ledger_answer a = {
        .status = 200, .headers = headers, .nheaders = 1, .body = body, .len = len};
    int64_t row = testing_find(s, id).row;
    assert_ok(ledger_sending(s->r.ledger, &(int64_t){row}, 1, "e", NOW, &s->e), s->e);
    assert_ok(ledger_answered(s->r.ledger, row, GF_GUARANTEE_ONCE, &a, NOW, &s->e), s->e);
}

static void respond(struct site *s) {
    testing_turn(s);
    assert_ok(relay_respond(&s->r, &s->t, &s->e), s->e);
}

/* ---- tests ---- */

static void a_response_tells_each_record_its_fate_with_its_answer(void **state) {
    struct site *s = *state;
    testing_enrol(s, &kit_site);
    struct gf_id a = take(s, 1);
    struct gf_id b = take(s, 2);
    struct gf_id c = take(s, 3);
    deliver(s, &a, "{\"licence\":1}", 13);
    assert_ok(ledger_rejected(s->r.ledger, testing_find(s, &b).row,
                              "wrong key, says 10.0.0.1:53412", NOW, &s->e),
              s->e);
    respond(s);
    assert_int_equal(s->t.responses, 1);
    assert_int_equal(s->t.receipts, 3);
    assert_int_equal(in_state(s, "work"), 0);

    struct said said = only_response(s);
    assert_int_equal(said.header.kind, GF_KIND_RESPONSE);
    assert_int_equal(said.header.seq, 1);
    assert_int_equal(said.nreceipts, 3);
    assert_memory_equal(&said.receipts[0].record, &a, sizeof a);
    assert_int_equal(said.receipts[0].state, GF_STATE_DELIVERED);
    assert_int_equal(said.receipts[0].guarantee, GF_GUARANTEE_ONCE);
    assert_int_equal(said.receipts[1].state, GF_STATE_REJECTED);
    /* Of the relay's network nothing travels; the operator sees it. */
    assert_string_equal(said.receipts[1].reason, "wrong key, says (address)");
    assert_memory_equal(&said.receipts[2].record, &c, sizeof c);
    assert_int_equal(said.receipts[2].state, GF_STATE_RELAYED);
    assert_int_equal(said.nanswers, 1);
    assert_memory_equal(&said.answers[0].record, &a, sizeof a);
    assert_int_equal(said.answers[0].status, 200);
    assert_string_equal(said.answers[0].headers[1], "application/json");
    assert_string_equal(said.answers[0].body.data, "{\"licence\":1}");
    said_free(&said);
}

static void where_there_is_no_news_there_is_no_response(void **state) {
    struct site *s = *state;
    testing_enrol(s, &kit_site);
    testing_enrol(s, &kit_other);
    respond(s);
    assert_int_equal(s->t.responses, 0);
    (void)take(s, 1);
    respond(s);
    assert_int_equal(s->t.responses, 1);
    respond(s);
    assert_int_equal(s->t.responses, 0);
    assert_int_equal(in_state(s, "outbox"), 1);

    /* A request that carries nothing but `have` is not answered. */
    struct said said = only_response(s);
    const struct gf_have have = {.stream = said.header.stream, .upto = 1};
    const struct testing_request q = {.seq = 2, .have = &have, .nhave = 1};
    testing_send(s, &q, NULL);
    testing_take(s);
    respond(s);
    assert_int_equal(s->t.responses, 0);
    assert_int_equal(in_state(s, "outbox"), 0);
    said_free(&said);
}

static void a_long_answer_travels_as_a_file(void **state) {
    struct site *s = *state;
    const size_t len = (size_t)3 << 20;
    char *body = malloc(len);

    testing_enrol(s, &kit_site);
    for (size_t i = 0; i < len; i++)
        body[i] = (char)(i * 7);
    struct gf_id id = take(s, 1);
    deliver(s, &id, body, len);
    respond(s);
    struct said said = only_response(s);
    assert_int_equal(said.nanswers, 1);
    assert_int_equal(said.answers[0].body.form, GF_BODY_FILE);
    kit_check_file(said.dir, said.answers[0].body.data, body, len);
    said_free(&said);
    free(body);
}

static void the_relay_can_open_its_own_response_if_it_wants_to(void **state) {
    struct site *s = *state;
    struct files_list list;
    testing_enrol(s, &kit_site);
    (void)take(s, 1);
    respond(s);
    assert_ok(files_list(&s->r, "outbox", &list, &s->e), s->e);
    struct said said = read_response(s, list.entries[0].name, &kit_relay);
    assert_int_equal(said.nreceipts, 1);
    assert_int_equal(said.header.nreaders, 1);
    said_free(&said);
    free(list.entries);
}

static void a_refusal_reaches_its_sender(void **state) {
    struct site *s = *state;
    const struct testing_request q = {.seq = 1, .lines = "{\"id\":1}\n"};
    testing_enrol(s, &kit_site);
    testing_send(s, &q, NULL);
    testing_take(s);
    respond(s);
    struct said said = only_response(s);
    assert_int_equal(said.nrefusals, 1);
    assert_int_equal(said.nreceipts, 0);
    said_free(&said);
    respond(s);
    assert_int_equal(s->t.responses, 0);
}

/* ---- onto the drive ---- */

static void carry(struct site *s) {
    testing_turn(s);
    assert_ok(relay_carry(&s->r, s->d, &s->t, &s->e), s->e);
}

static struct gf_buf on_drive(struct site *s, const char *name) {
    char path[400];
    struct gf_buf b;
    (void)snprintf(path, sizeof path, "%s/GAPFERRY/to-site/%s", s->stick, name);
    assert_ok(gf_file_load(AT_FDCWD, path, 1 << 20, &b, &s->e), s->e);
    return b;
}

static void the_same_bytes_go_to_every_drive_until_they_are_acknowledged(void **state) {
    struct site *s = *state;
    struct files_list list;
    testing_enrol(s, &kit_site);
    struct gf_id id = take(s, 1);
    respond(s);
    assert_ok(files_list(&s->r, "outbox", &list, &s->e), s->e);
    const char *first = list.entries[0].name;
    struct said said = only_response(s);
    carry(s);
    assert_int_equal(s->t.carried, 1);
    struct gf_buf before = on_drive(s, first);

    /* What is new later goes into another response; the first stays as it is. */
    deliver(s, &id, "yes", 3);
    respond(s);
    assert_int_equal(s->t.responses, 1);
    carry(s);
    assert_int_equal(s->t.carried, 2);
    assert_int_equal(on_stick(s, "to-site"), 2);
    assert_int_equal(s->t.replaced, 0);
    struct gf_buf after = on_drive(s, first);
    assert_int_equal(after.len, before.len);
    assert_memory_equal(after.data, before.data, before.len);
    gf_buf_free(&after);

    /* A copy that was damaged on the drive is replaced. */
    char path[400];
    (void)snprintf(path, sizeof path, "%s/GAPFERRY/to-site/%s", s->stick, first);
    int fd = open(path, O_WRONLY);
    assert_int_equal(pwrite(fd, "damage", 6, 700), 6);
    (void)close(fd);
    carry(s);
    assert_int_equal(s->t.carried, 2);
    assert_int_equal(s->t.replaced, 1);
    assert_int_equal(turn_exit(&s->t), GF_EXIT_DONE);
    after = on_drive(s, first);
    assert_memory_equal(after.data, before.data, before.len);
    gf_buf_free(&after);
    gf_buf_free(&before);

    testing_acknowledge(s, &said.header.stream, 1, 0);
    respond(s);
    carry(s);
    assert_int_equal(s->t.withdrawn, 1);
    assert_int_equal(s->t.carried, 1);
    assert_int_equal(on_stick(s, "to-site"), 1);
    assert_int_equal(in_state(s, "outbox"), 1);
    free(list.entries);
    said_free(&said);
}

static void our_card_is_on_the_drive_and_names_nobody(void **state) {
    struct site *s = *state;
    char path[400];
    char name[GF_DRIVE_NAME];
    struct gf_card c;

    carry(s);
    carry(s);
    gf_drive_card_name(&kit_relay.card, name);
    (void)snprintf(path, sizeof path, "%s/GAPFERRY/cards/%s", s->stick, name);
    assert_ok(gf_card_load(AT_FDCWD, path, &c, &s->e), s->e);
    assert_memory_equal(&c.identity, &kit_relay.card.identity, sizeof c.identity);
    assert_string_equal(c.name, "");
    assert_int_equal(s->t.people.len, 0);
}

static void responses_go_to_a_drive_whose_cards_cannot_be_read(void **state) {
    struct site *s = *state;
    char path[200];

    testing_enrol(s, &kit_site);
    (void)take(s, 1);
    respond(s);
    (void)snprintf(path, sizeof path, "%s/GAPFERRY/cards", s->stick);
    assert_int_equal(rmdir(path), 0);
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    assert_int_not_equal(fd, -1);
    (void)close(fd);
    testing_turn(s);
    assert_ok(relay_carry(&s->r, s->d, &s->t, &s->e), s->e);
    assert_int_equal(s->t.carried, 1);
    assert_int_equal(on_stick(s, "to-site"), 1);
}

static void files_of_others_on_the_drive_are_left_alone(void **state) {
    struct site *s = *state;
    char path[400];
    (void)snprintf(path, sizeof path, "%s/GAPFERRY/to-site/00112233445566778899aabbccddeeff.gfb",
                   s->stick);
    (void)close(open(path, O_WRONLY | O_CREAT, 0600));
    carry(s);
    assert_int_equal(on_stick(s, "to-site"), 1);
}

/* ---- after a crash ---- */

static void what_was_not_noted_is_swept_away_and_its_number_is_void(void **state) {
    struct site *s = *state;
    struct ledger_seq seq;
    testing_enrol(s, &kit_site);
    (void)take(s, 1);

    /* Killed when the file was complete, and before the ledger knew it. */
    assert_ok(ledger_take_seq(s->r.ledger, &kit_site.card.identity, &seq, &s->e), s->e);
    (void)close(openat(s->r.state_fd, "outbox/00112233445566778899aabbccddeeff.gfb",
                       O_WRONLY | O_CREAT, 0600));
    respond(s);
    struct said said = only_response(s);
    assert_int_equal(said.header.seq, 2);
    assert_int_equal(said.header.has_prev, 0);
    assert_int_equal(said.contents.nvoids, 1);
    assert_int_equal(said.contents.voids[0], 1);
    assert_int_equal(said.nreceipts, 1);
    said_free(&said);
}

static void a_response_whose_file_is_gone_is_written_anew(void **state) {
    struct site *s = *state;
    struct files_list list;
    char path[400];

    testing_enrol(s, &kit_site);
    struct gf_id id = take(s, 1);
    respond(s);
    assert_ok(files_list(&s->r, "outbox", &list, &s->e), s->e);
    (void)snprintf(path, sizeof path, "%s/outbox/%s", s->state, list.entries[0].name);
    assert_int_equal(unlink(path), 0);
    free(list.entries);
    respond(s);
    assert_int_equal(s->t.responses, 1);
    assert_true(testing_says(s, "is gone"));
    struct said said = only_response(s);
    assert_int_equal(said.header.seq, 2);
    assert_memory_equal(&said.receipts[0].record, &id, sizeof id);
    said_free(&said);
}

static void a_response_to_a_key_that_was_replaced_meanwhile_leaves_no_file(void **state) {
    struct site *s = *state;
    char path[200];
    sqlite3 *db = NULL;

    testing_enrol(s, &kit_site);
    (void)take(s, 1);
    /* As if a successor came by HTTP between the number and the note. */
    (void)snprintf(path, sizeof path, "%s/relay.db", s->state);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db,
                                  "CREATE TRIGGER meanwhile AFTER INSERT ON response BEGIN UPDATE "
                                  "agent SET enrolled = NULL; END",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    (void)sqlite3_close(db);
    respond(s);
    assert_int_equal(s->t.responses, 0);
    assert_int_equal(in_state(s, "outbox"), 0);
}

/* A response in the outbox: of this size, to this agent. */
static struct ledger_response put_response(struct site *s, const struct gf_identity *to,
                                           off_t size) {
    struct ledger_response x = {.to = to->card.identity};
    char path[200], name[GF_DRIVE_NAME];

    gf_digest_random(&x.id, sizeof x.id);
    gf_drive_bundle_name(&x.id, name);
    (void)snprintf(path, sizeof path, "%s/outbox/%s", s->state, name);
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    assert_int_equal(ftruncate(fd, size), 0);
    (void)close(fd);
    return x;
}

static void news_come_first_then_what_is_for_this_drives_sites(void **state) {
    struct site *s = *state;
    size_t others = 0;

    testing_enrol(s, &kit_site);
    testing_enrol(s, &kit_other);
    testing_send_card(s, &kit_site);
    const struct ledger_response large_other = put_response(s, &kit_other, CARRY_SMALL + 1);
    const struct ledger_response large_site = put_response(s, &kit_site, CARRY_SMALL + 1);
    const struct ledger_response small_other = put_response(s, &kit_other, CARRY_SMALL);
    const struct ledger_response small_site = put_response(s, &kit_site, 1);
    const struct ledger_response want[] = {small_other, small_site, large_site, large_other};
    struct ledger_response list[] = {large_other, large_site, small_other, small_site};

    assert_ok(carry_order(&s->r, s->d, list, 4, &others, &s->e), s->e);
    assert_memory_equal(list, want, sizeof want);
    assert_int_equal(others, 1);
}

static void only_what_was_acknowledged_since_then_is_told_anew(void **state) {
    struct site *s = *state;
    struct ledger_reconciled x;
    testing_enrol(s, &kit_site);
    (void)take(s, 1);
    respond(s);
    struct said said = only_response(s);
    testing_acknowledge(s, &said.header.stream, 1, 0);

    assert_ok(ledger_reconcile(s->r.ledger, INT64_MAX, "tester", NOW, &x, &s->e), s->e);
    assert_int_equal(ledger_has_news(s->r.ledger, &kit_site.card.agent, &s->e), 0);
    assert_ok(ledger_reconcile(s->r.ledger, NOW, "tester", NOW, &x, &s->e), s->e);
    assert_int_equal(ledger_has_news(s->r.ledger, &kit_site.card.agent, &s->e), 1);
    said_free(&said);
}

int main(void) {
#define T(f) cmocka_unit_test_setup_teardown(f, testing_setup, testing_teardown)
    const struct CMUnitTest tests[] = {
        T(a_response_tells_each_record_its_fate_with_its_answer),
        T(where_there_is_no_news_there_is_no_response),
        T(a_long_answer_travels_as_a_file),
        T(the_relay_can_open_its_own_response_if_it_wants_to),
        T(a_refusal_reaches_its_sender),
        T(the_same_bytes_go_to_every_drive_until_they_are_acknowledged),
        T(our_card_is_on_the_drive_and_names_nobody),
        T(responses_go_to_a_drive_whose_cards_cannot_be_read),
        T(files_of_others_on_the_drive_are_left_alone),
        T(what_was_not_noted_is_swept_away_and_its_number_is_void),
        T(news_come_first_then_what_is_for_this_drives_sites),
        T(a_response_whose_file_is_gone_is_written_anew),
        T(a_response_to_a_key_that_was_replaced_meanwhile_leaves_no_file),
        T(only_what_was_acknowledged_since_then_is_told_anew),
    };
    return cmocka_run_group_tests(tests, kit_setup, kit_teardown);
}
