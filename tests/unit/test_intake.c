/*
 * test_intake.c -- senders whom the relay does not know yet: their bundles wait, and nothing of
 * them is read before a person has decided.
 */
#include "relay/enrol.h"
#include "relay_testing.h"

/* ---- strangers ---- */

static void a_stranger_waits_until_his_fingerprint_is_approved(void **state) {
    struct site *s = *state;
    char fingerprint[GF_FINGERPRINT_TEXT];
    char remedy[80];
    char *line = testing_record(s, "license", "{}", 1);
    const struct testing_request q = {.seq = 1, .lines = line};

    gf_card_fingerprint(&kit_site.card, fingerprint);
    (void)snprintf(remedy, sizeof remedy, "gapferry-relay approve %s", fingerprint);
    testing_send(s, &q, NULL);
    testing_send_card(s, &kit_site);
    for (int visit = 0; visit < 2; visit++) {
        testing_turn(s);
        testing_take(s);
        assert_int_equal(s->t.strangers, 1);
        assert_true(testing_says(s, remedy));
        assert_true(testing_says(s, ": 1 bundle waits. Compare"));
        assert_int_equal(turn_exit(&s->t), GF_EXIT_NOPERM);
        assert_int_equal(in_state(s, "pending"), 1);
        assert_int_equal(in_state(s, "incoming"), 0);
        assert_int_equal(on_stick(s, "to-relay"), 1);
        assert_int_equal(testing_records(s, -1), 0);
    }
    assert_ok(ledger_approve(s->r.ledger, fingerprint, "me", NOW, &s->e), s->e);
    testing_turn(s);
    testing_take(s);
    assert_int_equal(s->t.taken, 1);
    assert_int_equal(s->t.replays, 0);
    assert_int_equal(s->t.strangers, 0);
    assert_int_equal(in_state(s, "pending"), 0);
    assert_int_equal(on_stick(s, "to-relay"), 0);
    assert_int_equal(turn_exit(&s->t), GF_EXIT_DONE);
    free(line);
}

static void a_stranger_who_was_approved_needs_no_drive_any_more(void **state) {
    struct site *s = *state;
    char fingerprint[GF_FINGERPRINT_TEXT];
    char *line = testing_record(s, "license", "{}", 1);
    const struct testing_request q = {.seq = 1, .lines = line};

    testing_send(s, &q, NULL);
    testing_send_card(s, &kit_site);
    testing_take(s);
    gf_card_fingerprint(&kit_site.card, fingerprint);
    assert_ok(ledger_approve(s->r.ledger, fingerprint, "me", NOW, &s->e), s->e);
    testing_turn(s);
    assert_ok(relay_verify(&s->r, &s->t, &s->e), s->e);
    assert_int_equal(s->t.taken, 1);
    free(line);
}

static void approval_ahead_of_the_first_contact_needs_one_visit(void **state) {
    struct site *s = *state;
    char fingerprint[GF_FINGERPRINT_TEXT];
    char *line = testing_record(s, "license", "{}", 1);
    const struct testing_request q = {.seq = 1, .lines = line};

    gf_card_fingerprint(&kit_site.card, fingerprint);
    assert_ok(ledger_approve(s->r.ledger, fingerprint, "me", NOW, &s->e), s->e);
    testing_send(s, &q, NULL);
    testing_send_card(s, &kit_site);
    testing_take(s);
    assert_int_equal(s->t.taken, 1);
    assert_int_equal(turn_exit(&s->t), GF_EXIT_DONE);
    free(line);
}

static void a_stranger_without_card_is_told_from_others_by_identity(void **state) {
    struct site *s = *state;
    char hex[GF_HASH_TEXT];
    char *line = testing_record(s, "license", "{}", 1);
    const struct testing_request q = {.seq = 1, .lines = line};

    testing_send(s, &q, NULL);
    testing_send_card(s, &kit_other);
    testing_take(s);
    gf_text_hex(kit_site.card.identity.b, 8, hex);
    assert_true(testing_says(s, hex));
    assert_true(testing_says(s, "card was never seen"));

    /* A card that lies on the drive, but has sent us nothing, is nobody's business. */
    struct gf_card *cards = NULL;
    size_t n = 0;
    assert_ok(ledger_strangers(s->r.ledger, &cards, &n, &s->e), s->e);
    assert_int_equal(n, 0);
    free(cards);
    free(line);
}

static void strangers_have_a_quota(void **state) {
    struct site *s = *state;
    char *line = testing_record(s, "license", "{}", 1);
    const struct testing_request q = {.seq = 1, .lines = line};

    int fd = openat(s->r.state_fd, "pending/full.gfb", O_WRONLY | O_CREAT, 0600);
    assert_int_equal(ftruncate(fd, FILES_QUOTA_MAX), 0);
    (void)close(fd);
    testing_send(s, &q, NULL);
    assert_ok(relay_intake(&s->r, s->d, &s->t, &s->e), s->e);
    assert_int_equal(s->t.strangers, 1);
    assert_true(testing_says(s, "too large to be kept"));
    assert_int_equal(in_state(s, "pending"), 1);
    assert_int_equal(turn_exit(&s->t), GF_EXIT_NOPERM);
    free(line);
}

/* ---- the route ---- */

static void the_route_is_read_without_any_key(void **state) {
    struct site *s = *state;
    const struct testing_request q = {.seq = 1};
    struct gf_route route;
    struct gf_header h;
    struct stat st;

    int fd = testing_pack(s, &q, &h, NULL);
    assert_ok(gf_bundle_route(fd, &route, &s->e), s->e);
    assert_int_equal(fstat(fd, &st), 0);
    assert_memory_equal(&route.id, &h.id, sizeof h.id);
    assert_memory_equal(&route.from, &kit_site.card.identity, sizeof route.from);
    assert_memory_equal(&route.to, &kit_relay.card.identity, sizeof route.to);
    assert_int_equal(route.bundle_size, st.st_size);
    assert_int_equal(pwrite(fd, "x", 1, 0), 1);
    assert_fails(gf_bundle_route(fd, &route, &s->e), s->e, GF_E_SHELL);
    (void)close(fd);
}

static void only_the_card_of_a_bundles_sender_is_trusted(void **state) {
    struct site *s = *state;
    struct enrol_cards now = {.r = &s->r}, ever = {.r = &s->r, .ended = 1};
    struct gf_hash neighbour = kit_site.card.identity;
    const struct gf_hash nobody = {{0}};
    char fingerprint[GF_FINGERPRINT_TEXT];
    const struct gf_card *card = NULL;
    struct gf_check check = {0};

    testing_enrol(s, &kit_site);
    neighbour.b[sizeof neighbour.b - 1] ^= 1; /* kept in the same place */
    for (int again = 0; again < 2; again++) {
        assert_int_equal(enrol_cards_trust(&now, &kit_site.card.identity, &check, &s->e), 1);
        assert_int_equal(check.ntrusted, 1);
        assert_memory_equal(&check.trusted[0]->sign, &kit_site.card.sign,
                            sizeof kit_site.card.sign);
        assert_int_equal(enrol_cards_trust(&now, &neighbour, &check, &s->e), 0);
        assert_int_equal(check.ntrusted, 0);
        assert_int_equal(enrol_cards_find(&now, &nobody, &card, &s->e), 0);
        assert_null(card);
    }

    /* Nothing is trusted any more, and what it has sent is found again. */
    gf_card_fingerprint(&kit_site.card, fingerprint);
    assert_ok(ledger_revoke(s->r.ledger, fingerprint, NULL, "me", NOW, &s->e), s->e);
    enrol_cards_free(&now);
    assert_int_equal(enrol_cards_find(&now, &kit_site.card.identity, &card, &s->e), 0);
    assert_int_equal(enrol_cards_find(&ever, &kit_site.card.identity, &card, &s->e), 1);
    enrol_cards_free(&now);
    enrol_cards_free(&ever);
}

int main(void) {
#define T(f) cmocka_unit_test_setup_teardown(f, testing_setup, testing_teardown)
    const struct CMUnitTest tests[] = {
        T(a_stranger_waits_until_his_fingerprint_is_approved),
        T(a_stranger_who_was_approved_needs_no_drive_any_more),
        T(approval_ahead_of_the_first_contact_needs_one_visit),
        T(a_stranger_without_card_is_told_from_others_by_identity),
        T(strangers_have_a_quota),
        T(only_the_card_of_a_bundles_sender_is_trusted),
        T(the_route_is_read_without_any_key),
    };
    return cmocka_run_group_tests(tests, kit_setup, kit_teardown);
}
