/*
 * test_succession.c -- a relay's new keys at the agent: whose place a card takes, what follows it,
 * and what its keys before can still do: succession.c, store_relays.c.
 */
#include "agent_testing.h"

#include <fcntl.h>
#include <unistd.h>

#include "agent/succession.h"
#include "agent/trusted.h"
#include "gapferry/digest.h"

static struct gf_identity second, third; /* of the relay, each the successor of the one before */
static struct gf_identity rival;         /* of kit_relay, like `second` */

static void succeed(const struct gf_identity *before, struct gf_identity *out) {
    char path[64], hex[GF_ID_TEXT];
    struct gf_card c = {.created = before->card.created + 1};
    struct gf_id id;

    gf_digest_random(&id, sizeof id);
    gf_text_hex(id.b, sizeof id.b, hex);
    (void)snprintf(path, sizeof path, "successor-%s", hex);
    assert_int_equal(gf_identity_succeed(kit_root_fd, path, before, &c, &e), 0);
    assert_int_equal(gf_identity_load(kit_root_fd, path, out, &e), 0);
}

static int begin(void **state) {
    if (kit_setup(state) != 0)
        return -1;
    succeed(&kit_relay, &second);
    succeed(&second, &third);
    succeed(&kit_relay, &rival);
    return 0;
}

static int finish(void **state) {
    gf_identity_free(&second);
    gf_identity_free(&third);
    gf_identity_free(&rival);
    return kit_teardown(state);
}

static enum succession see(struct site *s, const struct gf_identity *id) {
    enum succession what = SUCCESSION_NONE;

    assert_int_equal(succession_see(&s->a, &id->card, id->card_text, id->card_len, &what, &e), 0);
    return what;
}

static int trust(struct site *s, const struct gf_identity *id) {
    return trusted_card(&s->a, &id->card, id->card_text, id->card_len, "its fingerprint", &e);
}

/* A receipt that this relay signs: 0 and it moved the record, or -1. */
static int receipt_by(struct site *s, const struct gf_identity *relay, int64_t seq,
                      const struct gf_id *record) {
    struct apply_result out = {0};
    struct reply r;

    reply_begin(&r, seq);
    r.from = relay;
    reply_receipt(&r, record, "{}", GF_STATE_DELIVERED, NULL);
    int rc = reply_apply(&r, s, &out, &e);
    if (rc == 0)
        assert_int_equal(out.delivered, 1);
    return rc;
}

static int only_trusts(struct site *s, const struct gf_identity *id) {
    struct gf_card *cards = NULL;
    size_t n = 0;

    assert_int_equal(store_cards(s->a.store, GF_ROLE_RELAY, &cards, &n, &e), 0);
    int is =
        n == 1 && memcmp(&cards[0].identity, &id->card.identity, sizeof cards[0].identity) == 0;
    free(cards);
    return is;
}

static size_t trusts(struct site *s) {
    struct gf_card *cards = NULL;
    size_t n = 0;

    assert_int_equal(store_cards(s->a.store, GF_ROLE_RELAY, &cards, &n, &e), 0);
    free(cards);
    return n;
}

/* ---- tests ---- */

static void a_successor_has_its_place_and_what_is_on_its_way_stays(void **state) {
    struct site *s = *state;
    struct site_request before;

    struct gf_id a = site_add(s, "metrics", "{}", 0);
    (void)site_export(s);
    struct store_bundle b = site_bundle(s, 0);
    site_read(s, &b, &before);
    assert_int_equal(see(s, &second), SUCCESSION_TAKEN);
    assert_true(only_trusts(s, &second));

    /* The bundle is carried as it is; the next one goes on in numbers, to the new keys. */
    struct gf_id c = site_add(s, "metrics", "{}", 0);
    (void)site_export(s);
    assert_int_equal(site_unsettled(s), 2);
    b = site_bundle(s, 0);
    assert_memory_equal(&b.id, &before.header.id, sizeof b.id);
    b = site_bundle(s, 1);
    assert_int_equal(b.seq, 2);
    assert_memory_equal(&b.relay, &second.card.identity, sizeof b.relay);
    char path[700];
    struct gf_head head;
    (void)snprintf(path, sizeof path, "%s/outbox/%s", s->a.state, b.file);
    int fd = open(path, O_RDONLY);
    assert_int_equal(gf_bundle_peek(fd, &head, &e), 0);
    assert_memory_equal(&head.header.to, &second.card.identity, sizeof head.header.to);
    assert_int_equal(head.header.has_prev, 1);
    assert_memory_equal(&head.header.prev, &before.digest, sizeof before.digest);
    gf_head_free(&head);
    (void)close(fd);
    site_request_free(&before);

    /* Its first request of now is all the greeting it needs. */
    assert_int_equal(store_have_is_due(s->a.store, &second.card.identity, &e), 0);

    /* The old key is over, the new one speaks for what went to either. */
    assert_int_equal(receipt_by(s, &kit_relay, 1, &a), -1);
    assert_int_equal(e.code, GF_E_SENDER);
    assert_non_null(strstr(e.text, "another one replaced it"));
    assert_int_equal(store_have_is_due(s->a.store, &second.card.identity, &e), 1);
    assert_int_equal(receipt_by(s, &second, 1, &a), 0);
    assert_int_equal(receipt_by(s, &second, 2, &c), 0);
}

/* A card's file has no NUL at its end. */
static void tell_card(struct reply *r, const struct gf_identity *id) {
    char text[GF_CARD_FILE_MAX + 1];

    assert_true(id->card_len < sizeof text);
    memcpy(text, id->card_text, id->card_len);
    text[id->card_len] = '\0';
    reply_notice(r, "card", text);
}

static void what_came_with_the_news_is_applied_before_it_counts(void **state) {
    struct site *s = *state;
    struct apply_result out = {0};
    struct reply r;
    size_t taken = 0;

    struct gf_id a = site_add(s, "metrics", "{}", 0);
    (void)site_export(s);
    reply_begin(&r, 1);
    /* And one that is none. */
    reply_notice(&r, "card", "no card");
    tell_card(&r, &second);
    tell_card(&r, &third);
    assert_int_equal(reply_apply(&r, s, &out, &e), 0);
    assert_int_equal(receipt_by(s, &kit_relay, 2, &a), 0);
    assert_int_equal(succession_offers(&s->a, &taken, &e), 0);
    assert_int_equal(taken, 2);
    assert_true(only_trusts(s, &third));
    assert_int_equal(succession_offers(&s->a, &taken, &e), 0);
    assert_int_equal(taken, 0);

    /* What was applied under the first key is acknowledged to the third. */
    struct gf_have *have = NULL;
    size_t n = 0;
    assert_int_equal(store_have(s->a.store, &third.card.identity, &have, &n, &e), 0);
    assert_int_equal(n, 1);
    assert_int_equal(have[0].upto, 2);
    store_have_free(have, n);
}

static void a_card_that_no_relay_of_ours_has_signed_changes_nothing(void **state) {
    struct site *s = *state;
    struct gf_buf alone;
    enum succession what = SUCCESSION_TAKEN;

    /* Without the signature of the one before; the successor of one that is not known. */
    gf_buf_init(&alone, GF_CARD_FILE_MAX);
    assert_int_equal(gf_card_write(&second.card, 0, second.sign, &alone, &e), 0);
    assert_int_equal(succession_see(&s->a, &second.card, alone.data, alone.len, &what, &e), 0);
    assert_int_equal(what, SUCCESSION_NONE);
    gf_buf_free(&alone);
    assert_int_equal(see(s, &third), SUCCESSION_NONE);
    assert_true(only_trusts(s, &kit_relay));
    assert_int_equal(see(s, &second), SUCCESSION_TAKEN);
    assert_int_equal(see(s, &second), SUCCESSION_NONE);
}

static void a_successor_stands_where_the_one_before_stood(void **state) {
    struct site *s = *state;
    struct gf_identity other;
    struct gf_card c = {.role = GF_ROLE_RELAY, .created = 1};
    char text[200], fingerprint[GF_FINGERPRINT_TEXT];

    /* Records without a relay of their own go to the one trusted last. */
    assert_int_equal(gf_identity_make(kit_root_fd, "other-relay", &c, &e), 0);
    assert_int_equal(gf_identity_load(kit_root_fd, "other-relay", &other, &e), 0);
    assert_int_equal(trust(s, &other), 0);
    assert_int_equal(see(s, &second), SUCCESSION_TAKEN);
    assert_int_equal(agent_relay_of(&s->a, "metrics", &c, &e), 1);
    assert_memory_equal(&c.identity, &other.card.identity, sizeof c.identity);

    /* The configuration names the fingerprint of long ago. */
    gf_card_fingerprint(&kit_relay.card, fingerprint);
    (void)snprintf(text, sizeof text, "[relay \"hq\"]\nfingerprint = %s\n", fingerprint);
    site_configure(s, text);
    assert_int_equal(see(s, &third), SUCCESSION_TAKEN);
    assert_int_equal(agent_relay_named(&s->a, "hq", &c, &e), 1);
    assert_memory_equal(&c.identity, &third.card.identity, sizeof c.identity);
    gf_identity_free(&other);
}

static void two_successors_wait_for_a_person(void **state) {
    struct site *s = *state;

    struct gf_id a = site_add(s, "metrics", "{}", 0);
    (void)site_export(s);
    assert_int_equal(see(s, &second), SUCCESSION_TAKEN);
    assert_int_equal(see(s, &third), SUCCESSION_TAKEN);
    assert_int_equal(see(s, &rival), SUCCESSION_FORKED);
    assert_int_equal(see(s, &rival), SUCCESSION_NONE);
    assert_int_equal(trusts(s), 0);
    assert_int_equal(succession_is_forked(&s->a, &e), 1);
    assert_int_equal(receipt_by(s, &third, 1, &a), -1);
    assert_int_equal(e.code, GF_E_SENDER);
    assert_int_equal(receipt_by(s, &rival, 1, &a), -1);

    /* Whichever is chosen has the place; the other one is over. */
    assert_int_equal(trust(s, &rival), 0);
    assert_true(only_trusts(s, &rival));
    assert_fails(trust(s, &third), GF_E_SENDER, "was replaced by its successor");
    assert_int_equal(receipt_by(s, &third, 1, &a), -1);
    assert_int_equal(receipt_by(s, &rival, 1, &a), 0);
    assert_int_equal(succession_is_forked(&s->a, &e), 0);
}

static void the_one_in_place_can_be_chosen_again(void **state) {
    struct site *s = *state;

    assert_int_equal(see(s, &second), SUCCESSION_TAKEN);
    assert_int_equal(see(s, &rival), SUCCESSION_FORKED);
    assert_int_equal(trust(s, &second), 0);
    assert_true(only_trusts(s, &second));
    assert_int_equal(see(s, &third), SUCCESSION_TAKEN);
    assert_fails(trust(s, &rival), GF_E_SENDER, "was replaced by its successor");
    assert_fails(trust(s, &third), GF_E_REPLAY, "trusted already");
}

static void the_holder_of_an_old_key_cannot_undo_a_rotation(void **state) {
    struct site *s = *state;

    assert_int_equal(see(s, &second), SUCCESSION_TAKEN);
    assert_int_equal(see(s, &kit_relay), SUCCESSION_NONE);
    assert_fails(trust(s, &kit_relay), GF_E_SENDER, "was replaced by its successor");
    assert_true(only_trusts(s, &second));
}

static void a_person_who_trusts_a_successor_gives_it_the_place(void **state) {
    struct site *s = *state;

    struct gf_id a = site_add(s, "metrics", "{}", 0);
    (void)site_export(s);
    assert_int_equal(trust(s, &second), 0);
    assert_true(only_trusts(s, &second));
    assert_int_equal(receipt_by(s, &second, 1, &a), 0);

    /* It is greeted by a request that may carry nothing. */
    assert_int_equal(site_export(s).have_only, 1);
    assert_int_equal(store_have_is_due(s->a.store, &second.card.identity, &e), 0);

    /* And a person may choose a second successor at once. */
    assert_int_equal(trust(s, &rival), 0);
    assert_true(only_trusts(s, &rival));
}

#define T(name) cmocka_unit_test_setup_teardown(name, site_setup, site_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        T(a_successor_has_its_place_and_what_is_on_its_way_stays),
        T(what_came_with_the_news_is_applied_before_it_counts),
        T(a_card_that_no_relay_of_ours_has_signed_changes_nothing),
        T(a_successor_stands_where_the_one_before_stood),
        T(two_successors_wait_for_a_person),
        T(the_one_in_place_can_be_chosen_again),
        T(the_holder_of_an_old_key_cannot_undo_a_rotation),
        T(a_person_who_trusts_a_successor_gives_it_the_place),
    };
    return cmocka_run_group_tests(tests, begin, finish);
}
