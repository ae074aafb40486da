/*
 * test_ledger.c -- the relay's ledger: senders, bundles and records, and its lock.
 */
#include "ledger_testing.h"

#include <sys/wait.h>

#include "relay/ledger/ledger_operator.h"

/* ---- senders ---- */

static void an_approved_fingerprint_enrols_the_card_when_it_comes(void **state) {
    struct site *s = *state;
    char fingerprint[GF_FINGERPRINT_TEXT];
    struct gf_card *cards = NULL;
    size_t n = 9;

    gf_card_fingerprint(&kit_site.card, fingerprint);
    assert_ok(ledger_approve(s->r.ledger, fingerprint, "me", NOW, &s->e), s->e);
    assert_int_equal(ledger_is_approved(s->r.ledger, &kit_site.card, &s->e), 1);
    assert_int_equal(ledger_is_approved(s->r.ledger, &kit_other.card, &s->e), 0);
    assert_ok(ledger_agents(s->r.ledger, &cards, &n, &s->e), s->e);
    assert_int_equal(n, 0);
    free(cards);
    assert_int_equal(testing_show(s, &kit_site.card, kit_site.card_text, kit_site.card_len, NOW),
                     1);
    assert_ok(ledger_agents(s->r.ledger, &cards, &n, &s->e), s->e);
    assert_int_equal(n, 1);
    assert_memory_equal(&cards[0].identity, &kit_site.card.identity, sizeof cards[0].identity);
    free(cards);
}

static void a_card_that_was_seen_waits_until_its_fingerprint_is_approved(void **state) {
    struct site *s = *state;
    char typed[64] = "";
    char fingerprint[GF_FINGERPRINT_TEXT];
    struct gf_card *cards = NULL;
    size_t n = 0;

    for (int twice = 0; twice < 2; twice++)
        assert_int_equal(
            testing_show(s, &kit_site.card, kit_site.card_text, kit_site.card_len, NOW), 0);
    assert_ok(ledger_strangers(s->r.ledger, &cards, &n, &s->e), s->e);
    assert_int_equal(n, 1);
    free(cards);

    /* As a person types it: small letters, spaces. */
    gf_card_fingerprint(&kit_site.card, fingerprint);
    for (size_t i = 0; fingerprint[i] != '\0'; i++)
        typed[i] = fingerprint[i] == '-' ? ' '
                                         : (char)(fingerprint[i] >= 'A' && fingerprint[i] <= 'Z'
                                                      ? fingerprint[i] - 'A' + 'a'
                                                      : fingerprint[i]);
    assert_ok(ledger_approve(s->r.ledger, typed, "me", NOW, &s->e), s->e);
    assert_ok(ledger_approve(s->r.ledger, typed, "me", NOW, &s->e), s->e);
    assert_ok(ledger_agents(s->r.ledger, &cards, &n, &s->e), s->e);
    assert_int_equal(n, 1);
    free(cards);
    assert_ok(ledger_strangers(s->r.ledger, &cards, &n, &s->e), s->e);
    assert_int_equal(n, 0);
    free(cards);
}

static void what_is_no_fingerprint_is_refused(void **state) {
    struct site *s = *state;
    static const char *const bad[] = {"", "ABCD", "ABCD-EFGH-IJKL-MNOP-QRS",
                                      "ABCD-EFGH-IJKL-MNOP-QRSTU", "ABCD-EFGH-IJKL-MNOP-QR9T"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_fails(ledger_approve(s->r.ledger, bad[i], "me", NOW, &s->e), s->e, GF_E_USAGE);
}

static void only_agents_are_enrolled(void **state) {
    struct site *s = *state;
    char fingerprint[GF_FINGERPRINT_TEXT];

    gf_card_fingerprint(&kit_relay.card, fingerprint);
    assert_ok(ledger_approve(s->r.ledger, fingerprint, "me", NOW, &s->e), s->e);
    assert_int_equal(testing_show(s, &kit_relay.card, kit_relay.card_text, kit_relay.card_len, NOW),
                     0);
}

static void a_card_that_claims_anothers_agent_id_is_refused(void **state) {
    struct site *s = *state;
    struct gf_identity thief = {0};
    struct gf_card c = {.role = GF_ROLE_AGENT, .has_agent = 1, .agent = kit_site.card.agent};
    char fingerprint[GF_FINGERPRINT_TEXT];

    assert_ok(gf_identity_make(s->r.state_fd, "thief", &c, &s->e), s->e);
    assert_ok(gf_identity_load(s->r.state_fd, "thief", &thief, &s->e), s->e);
    gf_card_fingerprint(&thief.card, fingerprint);

    /* Seen before the owner was enrolled, and approved by mistake afterwards. */
    assert_int_equal(testing_show(s, &thief.card, thief.card_text, thief.card_len, NOW), 0);
    testing_enrol(s, &kit_site);
    assert_fails(ledger_approve(s->r.ledger, fingerprint, "me", NOW, &s->e), s->e, GF_E_SENDER);
    assert_fails(testing_show(s, &thief.card, thief.card_text, thief.card_len, NOW), s->e,
                 GF_E_SENDER);
    assert_int_equal(ledger_is_approved(s->r.ledger, &thief.card, &s->e), 0);
    gf_identity_free(&thief);
}

static void a_claim_seen_after_its_owner_cannot_be_approved(void **state) {
    struct site *s = *state;
    struct gf_identity thief = {0};
    struct gf_card c = {.role = GF_ROLE_AGENT, .has_agent = 1, .agent = kit_site.card.agent};
    struct gf_card *strangers = NULL;
    char fingerprint[GF_FINGERPRINT_TEXT];
    size_t n = 9;

    assert_ok(gf_identity_make(s->r.state_fd, "thief", &c, &s->e), s->e);
    assert_ok(gf_identity_load(s->r.state_fd, "thief", &thief, &s->e), s->e);
    gf_card_fingerprint(&thief.card, fingerprint);
    testing_enrol(s, &kit_site);
    assert_fails(testing_show(s, &thief.card, thief.card_text, thief.card_len, NOW), s->e,
                 GF_E_SENDER);
    assert_fails(ledger_approve(s->r.ledger, fingerprint, "me", NOW, &s->e), s->e, GF_E_SENDER);
    assert_int_equal(ledger_is_approved(s->r.ledger, &thief.card, &s->e), 0);
    assert_ok(ledger_strangers(s->r.ledger, &strangers, &n, &s->e), s->e);
    assert_int_equal(n, 0); /* nobody is asked to approve it */
    free(strangers);
    gf_identity_free(&thief);
}

static int64_t bundles_at(struct site *s, int64_t now) {
    struct ledger_usage u;

    assert_ok(ledger_usage(s->r.ledger, &kit_site.card.identity, now, 1, &u, &s->e), s->e);
    assert_true(u.oldest == (u.bundles > 0 ? NOW : 0));
    return u.bundles;
}

static void what_a_clock_that_was_ahead_has_taken_is_not_counted(void **state) {
    struct site *s = *state;
    const struct gf_id id = new_id();

    testing_enrol(s, &kit_site);
    assert_int_equal(take(s, 1, &id, "{}"), 1);
    assert_int_equal(bundles_at(s, NOW), 1);
    assert_int_equal(bundles_at(s, NOW + LEDGER_USAGE_SPAN - 1), 1);
    assert_int_equal(bundles_at(s, NOW + LEDGER_USAGE_SPAN), 0);
    assert_int_equal(bundles_at(s, NOW - 1), 0);
}

static void a_successor_needs_the_signature_of_its_predecessor(void **state) {
    struct site *s = *state;
    struct gf_card next = {.created = NOW}, forged = kit_site.card;
    struct gf_identity id = {0}, other = {0};
    struct gf_card *agents = NULL;
    struct gf_err why;
    struct gf_buf text;
    size_t n = 0;

    testing_enrol(s, &kit_site);
    assert_ok(gf_identity_succeed(s->r.state_fd, "next", &kit_site, &next, &s->e), s->e);
    assert_ok(gf_identity_load(s->r.state_fd, "next", &id, &s->e), s->e);
    forged.sign = id.card.sign;
    forged.seal = id.card.seal;
    forged.has_replaces = 1;
    forged.replaces = kit_site.card.identity;
    gf_buf_init(&text, GF_CARD_FILE_MAX);
    assert_ok(gf_card_write(&forged, 0, id.sign, &text, &s->e), s->e);
    assert_ok(gf_card_parse(text.data, text.len, "card", &forged, &s->e), s->e);
    struct ledger_shown x = {.card = &forged, .text = text.data, .len = text.len};
    assert_int_equal(ledger_show_card(s->r.ledger, &x, NOW, &why, &s->e), 0);
    assert_int_equal(why.code, GF_E_SENDER);

    x = (struct ledger_shown){.card = &id.card, .text = id.card_text, .len = id.card_len};
    assert_int_equal(ledger_show_card(s->r.ledger, &x, NOW, &why, &s->e), 1);
    assert_ok(ledger_agents(s->r.ledger, &agents, &n, &s->e), s->e);
    assert_int_equal(n, 1);
    assert_memory_equal(&agents[0].identity, &id.card.identity, sizeof id.card.identity);
    free(agents);
    assert_int_equal(ledger_is_ended(s->r.ledger, &kit_site.card.identity, &why, &s->e),
                     LEDGER_SUCCEEDED);

    /* A second one of the same key: nobody is enrolled. */
    assert_ok(gf_identity_succeed(s->r.state_fd, "other", &kit_site, &next, &s->e), s->e);
    assert_ok(gf_identity_load(s->r.state_fd, "other", &other, &s->e), s->e);
    x = (struct ledger_shown){.card = &other.card, .text = other.card_text, .len = other.card_len};
    assert_int_equal(ledger_show_card(s->r.ledger, &x, NOW, &why, &s->e), 0);
    assert_int_equal(why.code, GF_E_SENDER);
    assert_ok(ledger_agents(s->r.ledger, &agents, &n, &s->e), s->e);
    assert_int_equal(n, 0);
    free(agents);
    gf_buf_free(&text);
    gf_identity_free(&id);
    gf_identity_free(&other);
}

static void strangers_cannot_fill_the_ledger(void **state) {
    struct site *s = *state;
    struct gf_card *cards = NULL;
    size_t n = 0;

    testing_enrol(s, &kit_site);
    assert_ok(ledger_begin(s->r.ledger, &s->e), s->e);
    for (int i = 0; i < 300; i++) {
        struct gf_card c = kit_other.card;
        gf_digest_random(&c.identity, sizeof c.identity);
        gf_digest_random(&c.agent, sizeof c.agent);
        assert_int_equal(testing_show(s, &c, kit_other.card_text, kit_other.card_len, NOW + i), 0);
    }
    assert_ok(ledger_end(s->r.ledger, 0, &s->e), s->e);
    assert_ok(ledger_strangers(s->r.ledger, &cards, &n, &s->e), s->e);
    assert_int_equal(n, 256);
    free(cards);
    assert_ok(ledger_agents(s->r.ledger, &cards, &n, &s->e), s->e);
    assert_int_equal(n, 1);
    free(cards);
}

/* ---- bundles and records in ---- */

static void the_same_bundle_is_a_replay_and_another_of_its_number_a_fork(void **state) {
    struct site *s = *state;
    struct gf_header h = header(s, 1);
    struct gf_hash d = digest_of(&h);
    enum ledger_seen seen = LEDGER_FORK;

    testing_enrol(s, &kit_site);
    assert_ok(ledger_seen(s->r.ledger, &h, &d, &seen, &s->e), s->e);
    assert_int_equal(seen, LEDGER_NEW);
    assert_ok(ledger_take_bundle(s->r.ledger, &h, &d, NOW, &s->e), s->e);
    assert_ok(ledger_seen(s->r.ledger, &h, &d, &seen, &s->e), s->e);
    assert_int_equal(seen, LEDGER_REPLAY);
    struct gf_header other = header(s, 1);
    struct gf_hash other_digest = digest_of(&other);
    assert_ok(ledger_seen(s->r.ledger, &other, &other_digest, &seen, &s->e), s->e);
    assert_int_equal(seen, LEDGER_FORK);

    /* Whoever does not ask first finds the unique index. */
    assert_fails(ledger_take_bundle(s->r.ledger, &h, &d, NOW, &s->e), s->e, GF_E_REPLAY);
    assert_fails(ledger_take_bundle(s->r.ledger, &other, &other_digest, NOW, &s->e), s->e,
                 GF_E_REPLAY);

    /* Another stream, or another sender, counts for itself. */
    gf_digest_random(&other.stream, sizeof other.stream);
    other_digest = digest_of(&other);
    assert_ok(ledger_seen(s->r.ledger, &other, &other_digest, &seen, &s->e), s->e);
    assert_int_equal(seen, LEDGER_NEW);
}

static void a_bundle_of_a_sender_who_is_not_enrolled_is_not_taken(void **state) {
    struct site *s = *state;
    struct gf_header h = header(s, 1);
    struct gf_hash d = digest_of(&h);

    assert_fails(ledger_take_bundle(s->r.ledger, &h, &d, NOW, &s->e), s->e, GF_E_SENDER);
}

static void a_refused_bundle_counts_as_seen(void **state) {
    struct site *s = *state;
    const struct gf_err why = {.code = GF_E_FRAME, .text = "a frame breaks a rule"};
    struct gf_header h = header(s, 1);
    struct gf_hash d = digest_of(&h);
    enum ledger_seen seen = LEDGER_NEW;

    testing_enrol(s, &kit_site);
    assert_ok(ledger_refuse(s->r.ledger, &h, &d, &why, NOW, &s->e), s->e);
    assert_ok(ledger_seen(s->r.ledger, &h, &d, &seen, &s->e), s->e);
    assert_int_equal(seen, LEDGER_REPLAY);
}

static void a_record_takes_effect_once_in_whatever_bundle_it_comes(void **state) {
    struct site *s = *state;
    struct gf_id id = new_id();
    struct gf_hash digest;

    testing_enrol(s, &kit_site);
    assert_int_equal(take(s, 1, &id, "{\"a\":1}"), 1);
    assert_int_equal(take(s, 3, &id, "{\"a\":1}"), 0);
    assert_int_equal(take(s, 2, &id, "{\"a\":2}"), 0);
    assert_int_equal(testing_records(s, -1), 1);
    gf_digest_256("{\"a\":1}", 7, &digest);
    struct ledger_record r = testing_find(s, &id);
    assert_memory_equal(&r.digest, &digest, sizeof digest);
    assert_int_equal(r.state, LEDGER_RECEIVED);
}

/* How many records ledger_deliveries() says a bundle has brought. */
static int64_t brought(struct site *s, const struct gf_header *h) {
    const struct gf_hash d = digest_of(h);
    struct ledger_delivery *groups = NULL;
    int64_t records = 0;
    size_t n = 0;

    assert_ok(ledger_deliveries(s->r.ledger, &d, &groups, &n, &s->e), s->e);
    for (size_t i = 0; i < n; i++)
        records += groups[i].records;
    free(groups);
    return records;
}

static void records_that_come_together_are_each_taken_once(void **state) {
    enum { N = 3 * LEDGER_TAKE_MOST + 5 };
    static const char *const bodies[] = {"{\"a\":1}", "{\"a\":2}"};
    struct ledger_arrival a[N];
    struct ledger_conflict *conflicts = NULL;
    struct site *s = *state;
    struct gf_header h = header(s, 2);
    struct gf_hash d = digest_of(&h), digests[2];
    struct gf_id known = new_id();
    size_t n = 0;

    testing_enrol(s, &kit_site);
    assert_int_equal(take(s, 1, &known, bodies[0]), 1);
    for (int i = 0; i < 2; i++)
        gf_digest_256(bodies[i], strlen(bodies[i]), &digests[i]);
    for (size_t i = 0; i < N; i++)
        a[i] = (struct ledger_arrival){
            .id = new_id(), .digest = digests[0], .channel = "metrics", .line = "x", .len = 1};
    /* In the second of the groups in which they are taken: one that came before, one twice, and one
     * again with another body; and a double among those that are left over. */
    a[40].id = known;
    a[50].id = a[33].id;
    a[51].id = a[34].id;
    a[51].digest = digests[1];
    a[N - 1].id = a[N - 2].id;
    assert_ok(ledger_begin(s->r.ledger, &s->e), s->e);
    assert_ok(ledger_take_bundle(s->r.ledger, &h, &d, NOW, &s->e), s->e);
    assert_int_equal(ledger_take_records(s->r.ledger, a, N, NOW, &s->e), N - 4);
    assert_ok(ledger_end(s->r.ledger, 0, &s->e), s->e);

    assert_int_equal(testing_records(s, -1), N - 3);
    assert_ok(ledger_conflicts(s->r.ledger, 0, &conflicts, &n, &s->e), s->e);
    assert_int_equal(n, 1);
    assert_memory_equal(&conflicts[0].id, &a[34].id, sizeof conflicts[0].id);
    assert_memory_equal(&conflicts[0].digest, &digests[1], sizeof digests[1]);
    free(conflicts);
    /* What the bundle has brought is its own, and no other's. */
    assert_int_equal(brought(s, &h), N - 4);
}

static void a_bundle_that_ends_in_known_records_has_none_of_the_next_ones(void **state) {
    struct ledger_arrival a[LEDGER_TAKE_MOST], other;
    struct site *s = *state;
    struct gf_header first = header(s, 2), next = header(s, 1);
    struct gf_hash d = digest_of(&first);
    struct gf_id known = new_id();

    testing_enrol(s, &kit_site);
    testing_enrol(s, &kit_other);
    assert_int_equal(take(s, 1, &known, "{}"), 1);
    for (size_t i = 0; i < LEDGER_TAKE_MOST; i++)
        a[i] = (struct ledger_arrival){.id = new_id(), .channel = "metrics", .line = "x", .len = 1};
    gf_digest_256("{}", 2, &a[LEDGER_TAKE_MOST - 1].digest);
    a[LEDGER_TAKE_MOST - 1].id = known;
    other = a[0];
    other.id = new_id();
    assert_ok(ledger_take_bundle(s->r.ledger, &first, &d, NOW, &s->e), s->e);
    assert_int_equal(ledger_take_records(s->r.ledger, a, LEDGER_TAKE_MOST, NOW, &s->e),
                     LEDGER_TAKE_MOST - 1);

    next.from = kit_other.card.identity;
    gf_digest_random(&next.stream, sizeof next.stream);
    d = digest_of(&next);
    assert_ok(ledger_take_bundle(s->r.ledger, &next, &d, NOW, &s->e), s->e);
    assert_int_equal(ledger_take_records(s->r.ledger, &other, 1, NOW, &s->e), 1);
    assert_int_equal(brought(s, &first), LEDGER_TAKE_MOST - 1);
    assert_int_equal(brought(s, &next), 1);
}

static void what_is_rolled_back_never_was(void **state) {
    struct site *s = *state;
    struct gf_header h = header(s, 1);
    struct gf_hash d = digest_of(&h);
    enum ledger_seen seen = LEDGER_FORK;

    testing_enrol(s, &kit_site);
    assert_ok(ledger_begin(s->r.ledger, &s->e), s->e);
    assert_ok(ledger_take_bundle(s->r.ledger, &h, &d, NOW, &s->e), s->e);
    assert_int_equal(ledger_end(s->r.ledger, -1, &s->e), -1);
    assert_ok(ledger_seen(s->r.ledger, &h, &d, &seen, &s->e), s->e);
    assert_int_equal(seen, LEDGER_NEW);
}

/* ---- the lock ---- */

static void the_lock_is_held_by_one_and_names_it(void **state) {
    struct site *s = *state;
    int status = 0;

    assert_ok(ledger_lock(s->r.ledger, "sync", &s->e), s->e);
    pid_t pid = fork();
    if (pid == 0) {
        struct ledger *l = NULL;
        struct gf_err e;
        char pid_text[32];
        (void)snprintf(pid_text, sizeof pid_text, "process %ld", (long)getppid());
        if (ledger_open(s->state, &l, &e) == -1 || ledger_lock(l, "sync", &e) != -1)
            _exit(1);
        _exit(e.code == GF_E_BUSY && strstr(e.text, "sync") && strstr(e.text, pid_text) ? 0 : 2);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    ledger_unlock(s->r.ledger);
    assert_ok(ledger_lock(s->r.ledger, "sync", &s->e), s->e);
}

static void what_was_refused_can_be_looked_at_again_and_what_was_taken_not(void **state) {
    struct site *s = *state;
    enum ledger_seen seen;
    struct gf_err why;
    struct gf_header h = header(s, 7);
    struct gf_hash d = digest_of(&h);
    testing_enrol(s, &kit_site);
    (void)gf_err_set(&why, GF_E_RECORD, "a line is wrong");

    assert_ok(ledger_refuse(s->r.ledger, &h, &d, &why, NOW, &s->e), s->e);
    assert_ok(ledger_seen(s->r.ledger, &h, &d, &seen, &s->e), s->e);
    assert_int_equal(seen, LEDGER_REPLAY);
    assert_int_equal(ledger_forgive(s->r.ledger, &h, &d, "tester", NOW, &s->e), 1);
    assert_ok(ledger_seen(s->r.ledger, &h, &d, &seen, &s->e), s->e);
    assert_int_equal(seen, LEDGER_NEW);
    assert_int_equal(ledger_forgive(s->r.ledger, &h, &d, "tester", NOW, &s->e), 0);

    assert_ok(ledger_take_bundle(s->r.ledger, &h, &d, NOW, &s->e), s->e);
    assert_int_equal(ledger_forgive(s->r.ledger, &h, &d, "tester", NOW, &s->e), 0);
    assert_ok(ledger_seen(s->r.ledger, &h, &d, &seen, &s->e), s->e);
    assert_int_equal(seen, LEDGER_REPLAY);
}

int main(void) {
#define T(f) cmocka_unit_test_setup_teardown(f, testing_setup, testing_teardown)
    const struct CMUnitTest tests[] = {
        T(what_was_refused_can_be_looked_at_again_and_what_was_taken_not),
        T(an_approved_fingerprint_enrols_the_card_when_it_comes),
        T(a_card_that_was_seen_waits_until_its_fingerprint_is_approved),
        T(what_is_no_fingerprint_is_refused),
        T(only_agents_are_enrolled),
        T(a_card_that_claims_anothers_agent_id_is_refused),
        T(a_claim_seen_after_its_owner_cannot_be_approved),
        T(what_a_clock_that_was_ahead_has_taken_is_not_counted),
        T(a_successor_needs_the_signature_of_its_predecessor),
        T(strangers_cannot_fill_the_ledger),
        T(the_same_bundle_is_a_replay_and_another_of_its_number_a_fork),
        T(a_bundle_of_a_sender_who_is_not_enrolled_is_not_taken),
        T(a_refused_bundle_counts_as_seen),
        T(a_record_takes_effect_once_in_whatever_bundle_it_comes),
        T(records_that_come_together_are_each_taken_once),
        T(a_bundle_that_ends_in_known_records_has_none_of_the_next_ones),
        T(what_is_rolled_back_never_was),
        T(the_lock_is_held_by_one_and_names_it),
    };
    return cmocka_run_group_tests(tests, kit_setup, kit_teardown);
}
