/*
 * test_ledger_enrol.c -- the relay's ledger: forks of a lineage, whose word ends them, tokens, and
 * what the audit log says of who was let in.
 */
#include "ledger_testing.h"

#include "gapferry/json.h"
#include "relay/ledger/ledger_operator.h"

/* ---- keys ---- */

/* A successor of kit_site's key, in a folder of this name. */
static struct gf_identity succeed(struct site *s, const char *name) {
    struct gf_card c = {.created = NOW};
    struct gf_identity id = {0};

    assert_ok(gf_identity_succeed(s->r.state_fd, name, &kit_site, &c, &s->e), s->e);
    assert_ok(gf_identity_load(s->r.state_fd, name, &id, &s->e), s->e);
    return id;
}

static int show(struct site *s, const struct gf_identity *id) {
    return testing_show(s, &id->card, id->card_text, id->card_len, NOW);
}

static void approve(struct site *s, const struct gf_identity *id, const char *user) {
    char fingerprint[GF_FINGERPRINT_TEXT];

    gf_card_fingerprint(&id->card, fingerprint);
    assert_ok(ledger_approve(s->r.ledger, fingerprint, user, NOW, &s->e), s->e);
}

static int is_enrolled(struct site *s, const struct gf_identity *id) {
    struct gf_buf card;

    gf_buf_init(&card, GF_CARD_FILE_MAX + 1);
    int rc = ledger_enrolled(s->r.ledger, &id->card.identity, &card, &s->e);
    gf_buf_free(&card);
    return rc;
}

/* kit_site, and two successors of its key. */
static void fork_lineage(struct site *s, struct gf_identity *first, struct gf_identity *second) {
    if (!is_enrolled(s, &kit_site))
        testing_enrol(s, &kit_site);
    *first = succeed(s, "first");
    *second = succeed(s, "second");
    assert_int_equal(show(s, first), 1);
    assert_int_equal(show(s, second), -1);
    assert_int_equal(is_enrolled(s, first), 0);
}

/* ---- what is news ---- */

static int has_news(struct site *s, struct ledger_told *told) {
    *told = (struct ledger_told){.state = GF_STATE_EXPIRED};
    assert_ok(ledger_news(s->r.ledger, &kit_site.card.agent, testing_note, told, &s->e), s->e);
    return told->state != GF_STATE_EXPIRED;
}

static int tell(struct site *s, const struct gf_identity *to, const struct ledger_told *told,
                struct gf_id *stream) {
    struct ledger_seq seq;

    assert_ok(ledger_take_seq(s->r.ledger, &to->card.identity, &seq, &s->e), s->e);
    struct gf_header h = {.kind = GF_KIND_RESPONSE,
                          .from = kit_relay.card.identity,
                          .to = to->card.identity,
                          .stream = seq.stream,
                          .seq = seq.seq};
    gf_digest_random(&h.id, sizeof h.id);
    struct gf_hash d = digest_of(&h);
    int rc = ledger_responded(s->r.ledger, &to->card.agent, &h, &d, told, 1, NOW, &s->e);
    assert_int_not_equal(rc, -1);
    *stream = seq.stream;
    return rc;
}

/* ---- tests ---- */

static void lose_fork(struct site *s, int acknowledges) {
    struct gf_identity first, second;
    struct ledger_told told;
    struct gf_have have = {.upto = 1};
    struct gf_id id = new_id();

    testing_enrol(s, &kit_site);
    assert_int_equal(take(s, 1, &id, "{}"), 1);
    first = succeed(s, "thief");
    assert_int_equal(show(s, &first), 1);
    assert_true(has_news(s, &told));
    assert_int_equal(tell(s, &first, &told, &have.stream), 0);
    if (acknowledges)
        assert_ok(
            ledger_acknowledge(s->r.ledger, &first.card.identity, &s->stream, &have, 1, NOW, &s->e),
            s->e);
    assert_false(has_news(s, &told));
    second = succeed(s, "own");
    assert_int_equal(show(s, &second), -1);
    assert_false(has_news(s, &told));

    approve(s, &second, "me");
    assert_int_equal(is_enrolled(s, &second), 1);
    assert_true(has_news(s, &told));
    assert_memory_equal(&told.id, &id, sizeof id);
    gf_identity_free(&first);
    gf_identity_free(&second);
}

static void what_was_told_to_the_loser_of_a_fork_is_told_to_the_one_that_was_chosen(void **state) {
    lose_fork(*state, 0);
}

static void it_is_told_also_where_the_loser_has_acknowledged_it(void **state) {
    lose_fork(*state, 1);
}

static void a_key_has_succeeded_as_long_as_its_lineage_is_enrolled(void **state) {
    struct site *s = *state;
    const struct gf_hash *old = &kit_site.card.identity;
    struct gf_err why;

    testing_enrol(s, &kit_site);
    assert_int_equal(ledger_is_ended(s->r.ledger, old, &why, &s->e), LEDGER_GOES_ON);
    struct gf_identity next = succeed(s, "next");
    assert_int_equal(show(s, &next), 1);
    assert_int_equal(ledger_is_ended(s->r.ledger, old, &why, &s->e), LEDGER_SUCCEEDED);
    assert_int_equal(why.code, GF_E_SENDER);

    /* With a second successor a person has to see to it. */
    struct gf_identity second = succeed(s, "second");
    assert_int_equal(show(s, &second), -1);
    assert_int_equal(ledger_is_ended(s->r.ledger, old, &why, &s->e), LEDGER_ENDED);
    approve(s, &second, "me");
    assert_int_equal(ledger_is_ended(s->r.ledger, old, &why, &s->e), LEDGER_SUCCEEDED);
    assert_int_equal(ledger_is_ended(s->r.ledger, &next.card.identity, &why, &s->e), LEDGER_ENDED);
    gf_identity_free(&next);
    gf_identity_free(&second);
}

static void nothing_is_noted_as_told_to_a_key_that_has_a_successor(void **state) {
    struct site *s = *state;
    struct ledger_told told;
    struct gf_id id = new_id(), stream;

    testing_enrol(s, &kit_site);
    assert_int_equal(take(s, 1, &id, "{}"), 1);
    assert_true(has_news(s, &told));
    struct gf_identity next = succeed(s, "next");
    assert_int_equal(show(s, &next), 1);
    assert_int_equal(tell(s, &kit_site, &told, &stream), 1);
    assert_true(has_news(s, &told));
    assert_int_equal(tell(s, &next, &told, &stream), 0);
    assert_false(has_news(s, &told));
    gf_identity_free(&next);
}

static void while_a_lineage_is_forked_only_a_persons_word_lets_a_third_key_in(void **state) {
    struct site *s = *state;
    struct gf_card c = {.role = GF_ROLE_AGENT, .has_agent = 1, .agent = kit_site.card.agent};
    struct gf_identity first, second, third = {0};
    struct gf_err why;

    fork_lineage(s, &first, &second);
    assert_ok(gf_identity_make(s->r.state_fd, "third", &c, &s->e), s->e);
    assert_ok(gf_identity_load(s->r.state_fd, "third", &third, &s->e), s->e);
    const struct ledger_shown x = {
        .card = &third.card, .text = third.card_text, .len = third.card_len, .vendor = "acme"};
    assert_int_equal(ledger_show_card(s->r.ledger, &x, NOW, &why, &s->e), 0);
    assert_int_equal(why.code, GF_E_SENDER);
    assert_non_null(strstr(why.text, "approve"));
    assert_int_equal(is_enrolled(s, &third), 0);

    approve(s, &third, "me");
    assert_int_equal(ledger_show_card(s->r.ledger, &x, NOW, &why, &s->e), 1);
    assert_int_equal(is_enrolled(s, &third), 1);
    assert_int_equal(ledger_is_ended(s->r.ledger, &first.card.identity, &why, &s->e), LEDGER_ENDED);
    assert_int_equal(ledger_is_ended(s->r.ledger, &second.card.identity, &why, &s->e),
                     LEDGER_ENDED);
    gf_identity_free(&first);
    gf_identity_free(&second);
    gf_identity_free(&third);
}

static void a_fork_of_bundles_is_news(void **state) {
    struct site *s = *state;
    struct gf_header h = header(s, 1);
    struct gf_hash d = {{1}};

    testing_enrol(s, &kit_site);
    assert_int_equal(ledger_has_news(s->r.ledger, &kit_site.card.agent, &s->e), 0);
    assert_ok(ledger_fork(s->r.ledger, &h, &d, "two of one number", NOW, &s->e), s->e);
    assert_int_equal(ledger_has_news(s->r.ledger, &kit_site.card.agent, &s->e), 1);
}

/* ---- the audit log ---- */

struct lines {
    const char *want; /* what one line must have */
    int found;
    int n;
};

/* No duplicate names, nothing but strict JSON; whether it is the wanted one. */
static int look(void *arg, const struct ledger_link *x, struct gf_err *e) {
    struct lines *l = arg;

    assert_ok(gf_json_check(x->line, strlen(x->line), "a line of the audit log", e), *e);
    l->n++;
    l->found += strstr(x->line, l->want) != NULL;
    return 0;
}

static void assert_line(struct site *s, const char *want) {
    struct lines l = {.want = want};

    assert_ok(ledger_chain(s->r.ledger, 0, look, &l, &s->e), s->e);
    assert_true(l.n > 0);
    if (l.found != 1)
        fail_msg("%d lines of the audit log have %s", l.found, want);
}

static void each_line_of_the_audit_log_is_strict_json_and_names_who_did_it(void **state) {
    struct site *s = *state;
    char want[300], fingerprint[GF_FINGERPRINT_TEXT], hex[GF_HASH_TEXT], agent[GF_ID_TEXT];
    struct gf_identity first, second;
    struct gf_hash d = {{1}};

    /* Ahead of the first contact, by somebody whose name is no plain text. */
    gf_card_fingerprint(&kit_site.card, fingerprint);
    approve(s, &kit_site, "al\"ice");
    assert_int_equal(show(s, &kit_site), 1);
    (void)snprintf(want, sizeof want,
                   "\"event\":\"approve\",\"fingerprint\":\"%s\",\"user\":\"al\\\"ice\"}",
                   fingerprint);
    assert_line(s, want);
    (void)snprintf(
        want, sizeof want,
        "\"event\":\"enrol\",\"fingerprint\":\"%s\",\"how\":\"fingerprint\",\"by\":\"al\\\"ice\"}",
        fingerprint);
    assert_line(s, want);

    gf_card_fingerprint(&kit_other.card, fingerprint);
    approve(s, &kit_other, "bob");
    assert_int_equal(ledger_unapprove(s->r.ledger, fingerprint, "carol", NOW, &s->e), 1);
    assert_int_equal(ledger_unapprove(s->r.ledger, fingerprint, "carol", NOW, &s->e), 0);
    (void)snprintf(want, sizeof want,
                   "\"event\":\"approve-withdraw\",\"fingerprint\":\"%s\",\"user\":\"carol\"}",
                   fingerprint);
    assert_line(s, want);
    assert_ok(ledger_decline(s->r.ledger, &kit_other.card.identity, "dave", NOW, &s->e), s->e);
    gf_text_hex(kit_other.card.identity.b, sizeof kit_other.card.identity.b, hex);
    (void)snprintf(want, sizeof want,
                   "\"event\":\"decline\",\"identity\":\"%s\",\"user\":\"dave\"}", hex);
    assert_line(s, want);

    /* A fork of its bundles, and one of its keys. */
    struct gf_id id = new_id();
    assert_int_equal(take(s, 1, &id, "{}"), 1);
    struct gf_header h = header(s, 1);
    assert_ok(ledger_fork(s->r.ledger, &h, &d, "two of one number", NOW, &s->e), s->e);
    assert_ok(ledger_fork(s->r.ledger, &h, &d, "two of one number", NOW, &s->e), s->e);
    gf_text_hex(kit_site.card.agent.b, sizeof kit_site.card.agent.b, agent);
    gf_text_hex(h.from.b, sizeof h.from.b, hex);
    (void)snprintf(want, sizeof want, "\"event\":\"fork\",\"agent\":\"%s\",\"identity\":\"%s\"",
                   agent, hex);
    assert_line(s, want);
    (void)snprintf(want, sizeof want, "\"event\":\"bundle\",\"agent\":\"%s\",\"identity\":\"%s\"",
                   agent, hex);
    assert_line(s, want);
    fork_lineage(s, &first, &second);
    approve(s, &second, "eve");
    assert_line(s, "\"how\":\"predecessor\"");
    assert_line(s, "\"by\":\"eve\"");
    gf_card_fingerprint(&second.card, fingerprint);
    assert_ok(ledger_revoke(s->r.ledger, fingerprint, NULL, "frank", NOW, &s->e), s->e);
    assert_line(s, "\"user\":\"frank\"");
    gf_identity_free(&first);
    gf_identity_free(&second);
}

static void any_reason_of_a_decision_can_be_logged(void **state) {
    struct site *s = *state;
    char reason[GF_REASON_MAX + 1];

    memset(reason, '"', GF_REASON_MAX);
    reason[GF_REASON_MAX] = '\0';
    assert_ok(ledger_decided(s->r.ledger, "drop", &(struct ledger_filter){LEDGER_ANY},
                             &(struct ledger_changed){1, 0}, reason, "me", NOW, &s->e),
              s->e);
    assert_line(s, "\\\"\\\"\"}");
    testing_enrol(s, &kit_site);
    memset(reason, '\\', GF_REASON_MAX);
    char fingerprint[GF_FINGERPRINT_TEXT];
    gf_card_fingerprint(&kit_site.card, fingerprint);
    assert_ok(ledger_revoke(s->r.ledger, fingerprint, reason, "me", NOW, &s->e), s->e);
    assert_line(s, "\\\\\\\\\"}");
}

/* ---- a ledger that has forgotten ---- */

static void no_key_of_a_revoked_lineage_is_enrolled_by_a_new_ledger(void **state) {
    struct site *s = *state;
    char fingerprint[GF_FINGERPRINT_TEXT];
    struct gf_identity next;
    struct gf_err why;

    testing_enrol(s, &kit_site);
    gf_card_fingerprint(&kit_site.card, fingerprint);
    assert_ok(ledger_revoke(s->r.ledger, fingerprint, NULL, "me", NOW, &s->e), s->e);
    ledger_close(s->r.ledger);
    s->r.ledger = NULL;
    assert_int_equal(unlinkat(s->r.state_fd, "relay.db", 0), 0);
    assert_ok(ledger_make(s->r.state, &s->r.ledger, &s->e), s->e);

    assert_int_equal(ledger_is_ended(s->r.ledger, &kit_site.card.identity, &why, &s->e), 1);
    assert_non_null(strstr(why.text, "was revoked here on"));
    assert_int_equal(ledger_approve(s->r.ledger, fingerprint, "me", NOW, &s->e), -1);
    assert_int_equal(s->e.code, GF_E_SENDER);

    /* A successor, which was never seen here: its agent id is known. */
    next = succeed(s, "next");
    gf_card_fingerprint(&next.card, fingerprint);
    assert_ok(ledger_approve(s->r.ledger, fingerprint, "me", NOW, &s->e), s->e);
    assert_int_equal(show(s, &next), -1);
    assert_int_equal(is_enrolled(s, &next), 0);
    gf_identity_free(&next);

    /* Others come in. */
    testing_enrol(s, &kit_other);
    assert_int_equal(is_enrolled(s, &kit_other), 1);
}

/* ---- claims ---- */

static size_t count_cards(struct site *s, int (*list)(struct ledger *, struct gf_card **, size_t *,
                                                      struct gf_err *)) {
    struct gf_card *cards = NULL;
    size_t n = 0;

    assert_ok(list(s->r.ledger, &cards, &n, &s->e), s->e);
    free(cards);
    return n;
}

static void a_card_that_claims_an_id_first_takes_it_from_nobody(void **state) {
    struct gf_card c = {.role = GF_ROLE_AGENT, .has_agent = 1, .agent = kit_site.card.agent};
    struct gf_identity thief = {0};
    struct site *s = *state;

    assert_ok(gf_identity_make(s->r.state_fd, "thief", &c, &s->e), s->e);
    assert_ok(gf_identity_load(s->r.state_fd, "thief", &thief, &s->e), s->e);
    assert_int_equal(show(s, &thief), 0);
    assert_int_equal(show(s, &kit_site), 0);
    assert_int_equal(count_cards(s, ledger_strangers), 2);
    assert_int_equal(ledger_has_agent(s->r.ledger, &kit_site.card.agent, &s->e), 0);

    /* The fingerprint decides, not who came first; the other one is a claim from then on. */
    approve(s, &kit_site, "me");
    assert_int_equal(is_enrolled(s, &kit_site), 1);
    assert_int_equal(is_enrolled(s, &thief), 0);
    assert_int_equal(count_cards(s, ledger_strangers), 0);
    assert_int_equal(count_cards(s, ledger_claims), 1);
    assert_int_equal(show(s, &thief), -1);
    assert_int_equal(ledger_decline(s->r.ledger, &thief.card.identity, "me", NOW, &s->e), 0);
    assert_int_equal(is_enrolled(s, &kit_site), 1);
    gf_identity_free(&thief);
}

/* ---- tokens ---- */

/* A card of kit_site's agent id or not, with the MAC of this token. */
static uint32_t show_with_token(struct site *s, const struct gf_identity *who,
                                const uint8_t token[GF_TOKEN_SIZE], struct gf_err *why) {
    struct gf_card c = who->card;
    struct gf_buf text;

    gf_buf_init(&text, GF_CARD_FILE_MAX);
    c.has_token_mac = 1;
    gf_card_token_mac(&c, token, &c.token_mac);
    assert_ok(gf_card_write(&c, 0, who->sign, &text, &s->e), s->e);
    const struct ledger_shown x = {.card = &c, .text = text.data, .len = text.len};
    int rc = ledger_show_card(s->r.ledger, &x, NOW, why, &s->e);
    assert_int_not_equal(rc, -1);
    gf_buf_free(&text);
    return (uint32_t)rc;
}

static void a_token_lets_in_once_and_helps_no_claim(void **state) {
    struct site *s = *state;
    struct ledger_token t = {.uses = 2, .expires = NOW + 10, .user = "me"};
    const uint8_t token[GF_TOKEN_SIZE] = {9};
    struct gf_identity thief = {0};
    struct gf_card c = {.role = GF_ROLE_AGENT, .has_agent = 1, .agent = kit_site.card.agent};
    struct ledger_token *list = NULL;
    struct gf_err why;
    size_t n = 0;

    assert_ok(gf_identity_make(s->r.state_fd, "thief", &c, &s->e), s->e);
    assert_ok(gf_identity_load(s->r.state_fd, "thief", &thief, &s->e), s->e);
    assert_ok(ledger_token_add(s->r.ledger, token, &t, NOW, &s->e), s->e);
    assert_int_equal(t.number, 1);
    assert_int_equal(show_with_token(s, &kit_site, token, &why), 1);
    assert_int_equal(show_with_token(s, &kit_site, token, &why), 1); /* again: nothing is used */
    assert_int_equal(show_with_token(s, &thief, token, &why), 0);
    assert_int_equal(why.code, GF_E_SENDER);
    assert_ok(ledger_tokens(s->r.ledger, &list, &n, &s->e), s->e);
    assert_int_equal(n, 1);
    assert_int_equal(list[0].used, 1);
    free(list);
    gf_identity_free(&thief);
}

static void give_token(struct site *s, uint16_t key, int64_t now) {
    struct ledger_token t = {.uses = 1, .expires = now + 10, .user = "me"};
    const uint8_t token[GF_TOKEN_SIZE] = {(uint8_t)key, (uint8_t)(key >> 8)};

    assert_ok(ledger_token_add(s->r.ledger, token, &t, now, &s->e), s->e);
}

/* A new token at this time: how many there are then. */
static size_t add_token(struct site *s, uint16_t key, int64_t now) {
    struct ledger_token *list = NULL;
    size_t n = 0;

    give_token(s, key, now);
    assert_ok(ledger_tokens(s->r.ledger, &list, &n, &s->e), s->e);
    free(list);
    return n;
}

static void a_clock_that_is_ahead_erases_no_token(void **state) {
    const int64_t ahead = NOW + 800LL * 86400;
    struct site *s = *state;

    assert_int_equal(add_token(s, 1, NOW), 1);
    assert_int_equal(add_token(s, 2, ahead), 2);
    assert_int_equal(add_token(s, 3, NOW + 1), 3);
    assert_int_equal(add_token(s, 4, ahead + 1), 4);
    assert_int_equal(add_token(s, 5, ahead + 2), 5);
}

static void of_tokens_that_are_over_so_many_are_remembered_as_were_given_out_last(void **state) {
    struct site *s = *state;
    struct ledger_token *list = NULL;
    struct ledger_token late = {.uses = 1, .expires = NOW + 1000, .user = "me"};
    const uint8_t key[GF_TOKEN_SIZE] = {1, 2, 3};
    size_t n = 0;

    /* The first can be used still, and is not forgotten; the second was over long ago, as each is
     * when the next is given out. */
    assert_ok(ledger_begin(s->r.ledger, &s->e), s->e);
    assert_ok(ledger_token_add(s->r.ledger, key, &late, NOW, &s->e), s->e);
    for (int i = 1; i <= LEDGER_TOKENS_KEPT; i++)
        give_token(s, (uint16_t)i, NOW - 20LL * (LEDGER_TOKENS_KEPT - i));
    give_token(s, 9999, NOW + 100);
    assert_ok(ledger_end(s->r.ledger, 0, &s->e), s->e);
    assert_ok(ledger_tokens(s->r.ledger, &list, &n, &s->e), s->e);
    assert_int_equal(n, LEDGER_TOKENS_KEPT + 1);
    assert_int_equal(list[0].number, 1);
    assert_int_equal(list[1].number, 3);
    free(list);
}

int main(void) {
#define T(f) cmocka_unit_test_setup_teardown(f, testing_setup, testing_teardown)
    const struct CMUnitTest tests[] = {
        T(a_card_that_claims_an_id_first_takes_it_from_nobody),
        T(a_token_lets_in_once_and_helps_no_claim),
        T(a_clock_that_is_ahead_erases_no_token),
        T(of_tokens_that_are_over_so_many_are_remembered_as_were_given_out_last),
        T(what_was_told_to_the_loser_of_a_fork_is_told_to_the_one_that_was_chosen),
        T(it_is_told_also_where_the_loser_has_acknowledged_it),
        T(a_key_has_succeeded_as_long_as_its_lineage_is_enrolled),
        T(nothing_is_noted_as_told_to_a_key_that_has_a_successor),
        T(while_a_lineage_is_forked_only_a_persons_word_lets_a_third_key_in),
        T(a_fork_of_bundles_is_news),
        T(any_reason_of_a_decision_can_be_logged),
        T(no_key_of_a_revoked_lineage_is_enrolled_by_a_new_ledger),
        T(each_line_of_the_audit_log_is_strict_json_and_names_who_did_it),
    };
    return cmocka_run_group_tests(tests, kit_setup, kit_teardown);
}
