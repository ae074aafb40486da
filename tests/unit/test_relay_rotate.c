/*
 * test_relay_rotate.c -- new keys of a relay: what is still taken, who signs for whom, and what is
 * left when that is cut off: keys.c, ledger_rotate.c.
 */
#include "respond_testing.h"

#include "relay/keys.h"
#include "relay/ledger/ledger_rotate.h"

static struct gf_card first; /* of the relay */

static int setup(void **state) {
    struct gf_card c = {.role = GF_ROLE_RELAY, .created = NOW - 1000};
    struct site *s = NULL;

    if (testing_setup(state) != 0)
        return -1;
    s = *state;
    assert_ok(gf_identity_make(s->r.state_fd, "keys", &c, &s->e), s->e);
    s->r.id = (struct gf_identity){0};
    assert_ok(keys_load(&s->r, 0, &s->e), s->e);
    first = s->r.id.card;
    testing_enrol(s, &kit_site);
    return 0;
}

static int teardown(void **state) {
    struct site *s = *state;
    keys_forget(&s->r);
    return testing_teardown(state);
}

/* What `rotate` does, up to the ledger's word. */
static void decide(struct site *s) {
    struct gf_identity next;
    struct gf_card c;

    assert_ok(own_keys_next(s->state, &s->r.id, NOW, &c, &s->e), s->e);
    assert_ok(gf_identity_load(s->r.state_fd, "keys.next", &next, &s->e), s->e);
    assert_ok(ledger_rotated(s->r.ledger, &next, "tester", NOW, &s->e), s->e);
    gf_identity_free(&next);
}

static void rotate(struct site *s) {
    decide(s);
    assert_int_equal(keys_renew(&s->r, &s->e), 1);
}

/* A request with a record, addressed to this card. */
static void send_to(struct site *s, const struct gf_card *to, int64_t seq,
                    const struct gf_id *stream) {
    char *line = testing_record(s, "license", "{}", 0);
    const struct testing_request q = {.seq = seq, .lines = line, .to = to, .stream = stream};

    testing_send(s, &q, NULL);
    testing_take(s);
    free(line);
}

/* The only response that is open, signed by this card. */
static struct said only_response(struct site *s, const struct gf_card *by) {
    struct files_list list;

    testing_turn(s);
    assert_ok(relay_respond(&s->r, &s->t, &s->e), s->e);
    /* What was told anew is swept away by the next turn. */
    assert_ok(relay_respond(&s->r, &s->t, &s->e), s->e);
    assert_ok(files_list(&s->r, "outbox", &list, &s->e), s->e);
    assert_int_equal(list.n, 1);
    struct said out = read_response_by(s, list.entries[0].name, &kit_site, by);
    free(list.entries);
    return out;
}

static void what_is_addressed_to_a_key_before_is_taken(void **state) {
    struct site *s = *state;

    rotate(s);
    rotate(s);
    rotate(s);
    send_to(s, &first, 1, NULL);
    send_to(s, &s->r.former.list[1].card, 2, NULL);
    send_to(s, &s->r.id.card, 3, NULL);
    assert_int_equal(testing_records(s, LEDGER_RECEIVED), 3);
    assert_int_equal(on_stick(s, "to-relay"), 0);

    /* The fourth rotation gives the first key up. */
    rotate(s);
    send_to(s, &first, 4, NULL);
    assert_int_equal(testing_records(s, LEDGER_RECEIVED), 3);
    assert_int_equal(on_stick(s, "to-relay"), 1);
}

/* The next question to this relay is answered all the same. */
static void keys_that_cannot_be_loaded_leave_those_that_are_there(void **state) {
    struct site *s = *state;
    struct own_keys_all all;
    char key[128], away[128];

    rotate(s);
    const struct gf_hash now = s->r.id.card.identity;
    decide(s);
    (void)snprintf(key, sizeof key, "%s/keys/seal.key", s->state);
    (void)snprintf(away, sizeof away, "%s/away", s->state);
    assert_int_equal(rename(key, away), 0);
    assert_fails(keys_renew(&s->r, &s->e), s->e, GF_E_DAMAGED);
    own_keys_all(&s->r.id, &s->r.former, &all);
    assert_int_equal(all.n, 2);
    assert_memory_equal(&all.us[0], &now, sizeof now);
    assert_memory_equal(&all.us[1], &first.identity, sizeof now);
    assert_non_null(s->r.id.sign);
    assert_non_null(s->r.id.seal);

    assert_int_equal(rename(away, key), 0);
    assert_int_equal(keys_renew(&s->r, &s->e), 1);
    assert_memory_not_equal(&s->r.id.card.identity, &now, sizeof now);
}

static void an_agent_is_answered_by_the_key_it_knows_and_told_of_the_new_card(void **state) {
    struct site *s = *state;
    struct gf_card told;

    send_to(s, &first, 1, NULL);
    rotate(s);
    rotate(s);
    struct said r = only_response(s, &first);
    assert_int_equal(r.nreceipts, 1);
    assert_int_equal(r.nnotices, 2);
    assert_string_equal(r.notices[1].type, LEDGER_NEW_CARD);
    assert_ok(gf_card_parse(r.notices[1].data, strlen(r.notices[1].data), "told", &told, &s->e),
              s->e);
    assert_memory_equal(&told.identity, &s->r.id.card.identity, sizeof told.identity);
    assert_int_equal(gf_card_signed_by(r.notices[0].data, strlen(r.notices[0].data), &first.sign),
                     1);
    struct gf_header h = r.header;
    said_free(&r);

    /* It has not said that it has it, but shows that it knows the new one: all that was not
     * acknowledged is told anew, and no notice. */
    send_to(s, &s->r.id.card, 2, NULL);
    r = only_response(s, &s->r.id.card);
    assert_int_equal(r.nreceipts, 2);
    assert_int_equal(r.nnotices, 0);
    assert_memory_not_equal(&r.header.stream, &h.stream, sizeof h.stream);
    said_free(&r);
}

static void who_came_after_the_rotation_hears_nothing_of_it(void **state) {
    struct site *s = *state;

    rotate(s);
    assert_int_equal(ledger_has_news(s->r.ledger, &kit_site.card.agent, &s->e), 0);
    send_to(s, &s->r.id.card, 1, NULL);
    struct said r = only_response(s, &s->r.id.card);
    assert_int_equal(r.nnotices, 0);
    said_free(&r);
}

static void what_comes_late_for_the_old_key_changes_nothing_a_new_stream_does(void **state) {
    struct site *s = *state;
    struct gf_hash as;
    struct gf_id other;

    send_to(s, &first, 1, NULL);
    rotate(s);
    send_to(s, &s->r.id.card, 3, NULL);
    send_to(s, &first, 2, NULL);
    assert_int_equal(ledger_known_as(s->r.ledger, &kit_site.card.agent, &as, &s->e), 1);
    assert_memory_equal(&as, &s->r.id.card.identity, sizeof as);

    /* It was put back from a backup that is older than the news. */
    gf_digest_random(&other, sizeof other);
    send_to(s, &first, 1, &other);
    assert_int_equal(ledger_known_as(s->r.ledger, &kit_site.card.agent, &as, &s->e), 1);
    assert_memory_equal(&as, &first.identity, sizeof as);
    struct said r = only_response(s, &first);
    assert_int_equal(r.nreceipts, 4);
    assert_int_equal(r.nnotices, 1);
    said_free(&r);
}

static void agents_that_would_be_left_behind_are_counted(void **state) {
    struct site *s = *state;
    int64_t n = -1;

    send_to(s, &first, 1, NULL);
    for (int i = 1; i <= 3; i++) {
        rotate(s);
        assert_ok(ledger_outdated(s->r.ledger, OWN_KEYS_FORMER_MAX, &n, &s->e), s->e);
        assert_int_equal(n, i == 3);
    }
    send_to(s, &s->r.former.list[0].card, 2, NULL);
    assert_ok(ledger_outdated(s->r.ledger, OWN_KEYS_FORMER_MAX, &n, &s->e), s->e);
    assert_int_equal(n, 0);
    assert_ok(ledger_outdated(s->r.ledger, 1, &n, &s->e), s->e);
    assert_int_equal(n, 1);
}

static void a_rotation_that_was_cut_off_is_ended_by_whoever_comes_next(void **state) {
    struct site *s = *state;
    struct gf_identity next;

    decide(s);
    assert_ok(gf_identity_load(s->r.state_fd, "keys.next", &next, &s->e), s->e);
    assert_ok(keys_load(&s->r, 0, &s->e), s->e);
    assert_memory_equal(&s->r.id.card.identity, &next.card.identity, sizeof next.card.identity);
    assert_int_equal(s->r.former.n, 1);
    assert_int_equal(keys_renew(&s->r, &s->e), 0);
    gf_identity_free(&next);

    /* Behind the exchange: keys.next is what was in force. */
    char command[300], hex[GF_HASH_TEXT];
    gf_text_hex(first.identity.b, sizeof first.identity.b, hex);
    (void)snprintf(command, sizeof command, "mv %s/keys.old/%s %s/keys.next", s->state, hex,
                   s->state);
    assert_int_equal(system(command), 0);
    assert_ok(keys_load(&s->r, 0, &s->e), s->e);
    assert_int_equal(s->r.former.n, 1);

    /* Keys that were made and never came into force are in nobody's way. */
    struct gf_card c;
    assert_ok(own_keys_next(s->state, &s->r.id, NOW, &c, &s->e), s->e);
    assert_int_equal(keys_renew(&s->r, &s->e), 0);
    rotate(s);
    assert_int_equal(s->r.former.n, 2);
}

static void a_ledger_from_before_a_rotation_is_mended_only_when_asked(void **state) {
    struct site *s = *state;
    struct gf_hash as;
    char command[300];

    send_to(s, &first, 1, NULL);
    (void)snprintf(command, sizeof command, "cp %s/relay.db %s/backup", s->state, s->path);
    assert_int_equal(system(command), 0);
    rotate(s);
    ledger_close(s->r.ledger);
    (void)snprintf(command, sizeof command, "cp %s/backup %s/relay.db", s->path, s->state);
    assert_int_equal(system(command), 0);
    assert_ok(ledger_open(s->state, &s->r.ledger, &s->e), s->e);
    assert_fails(keys_load(&s->r, 0, &s->e), s->e, GF_E_DAMAGED);
    assert_ok(keys_load(&s->r, 1, &s->e), s->e);
    assert_ok(keys_load(&s->r, 0, &s->e), s->e);
    assert_int_equal(ledger_known_as(s->r.ledger, &kit_site.card.agent, &as, &s->e), 1);
    assert_memory_equal(&as, &first.identity, sizeof as);
    struct said r = only_response(s, &first);
    assert_int_equal(r.nnotices, 1);
    said_free(&r);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        T(what_is_addressed_to_a_key_before_is_taken),
        T(keys_that_cannot_be_loaded_leave_those_that_are_there),
        T(an_agent_is_answered_by_the_key_it_knows_and_told_of_the_new_card),
        T(who_came_after_the_rotation_hears_nothing_of_it),
        T(what_comes_late_for_the_old_key_changes_nothing_a_new_stream_does),
        T(agents_that_would_be_left_behind_are_counted),
        T(a_rotation_that_was_cut_off_is_ended_by_whoever_comes_next),
        T(a_ledger_from_before_a_rotation_is_mended_only_when_asked),
    };
    return cmocka_run_group_tests(tests, kit_setup, kit_teardown);
}
