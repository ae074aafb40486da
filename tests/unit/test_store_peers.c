/*
 * test_store_peers.c -- the agent's store: peers, facts, licences, transactions, the lock.
 */
#include "agent_testing.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gapferry/digest.h"

/* ---- peers ---- */

static void cards_are_trusted_once_by_role_and_kept_in_order(void **state) {
    struct site *s = *state;
    struct gf_card *cards;
    size_t n;

    assert_fails(store_trust_card(s->a.store, &kit_relay.card, kit_relay.card_text,
                                  kit_relay.card_len, "me", 5, &e),
                 GF_E_REPLAY, "trusted already");
    assert_fails(store_trust_card(s->a.store, &kit_other.card, kit_other.card_text,
                                  kit_other.card_len, "me", 5, &e),
                 GF_E_USAGE, "card of a agent");
    assert_fails(store_trust_card(s->a.store, &kit_relay.card, kit_site.card_text,
                                  kit_site.card_len, "me", 5, &e),
                 GF_E_BUG, "another card's");
    site_reopen(s);
    assert_int_equal(store_cards(s->a.store, GF_ROLE_RELAY, &cards, &n, &e), 0);
    assert_int_equal(n, 1);
    assert_memory_equal(cards[0].identity.b, kit_relay.card.identity.b, 32);
    assert_memory_equal(cards[0].seal.pk, kit_relay.card.seal.pk, 32);
    free(cards);
    assert_int_equal(store_cards(s->a.store, GF_ROLE_READER, &cards, &n, &e), 0);
    assert_int_equal(n, 0);
    free(cards);
}

static void a_vendors_duties_add_up(void **state) {
    struct site *s = *state;
    struct store_vendor v = {.name = "acme", .duties = STORE_DUTY_LICENSE, .since = 5};
    struct store_vendor *list;
    size_t n;

    v.key = kit_other.card.sign;
    assert_int_equal(store_trust_vendor(s->a.store, &v, "me", &e), 0);
    v.duties = STORE_DUTY_UPDATE;
    v.since = 9;
    assert_int_equal(store_trust_vendor(s->a.store, &v, "me", &e), 0);
    assert_int_equal(store_vendors(s->a.store, &list, &n, &e), 0);
    assert_int_equal(n, 1);
    assert_string_equal(list[0].name, "acme");
    assert_int_equal(list[0].duties, STORE_DUTY_LICENSE | STORE_DUTY_UPDATE);
    assert_true(list[0].since == 5);
    assert_memory_equal(&list[0].key, &kit_other.card.sign, sizeof v.key);
    free(list);
}

/* ---- facts and licences ---- */

static void a_fact_is_kept_and_replaced(void **state) {
    struct site *s = *state;
    struct gf_buf b;

    assert_int_equal(store_get_fact(s->a.store, "salt", &b, &e), 0);
    assert_int_equal(b.len, 0);
    gf_buf_free(&b);
    assert_int_equal(store_put_fact(s->a.store, "salt", "abc", 3, &e), 0);
    assert_int_equal(store_put_fact(s->a.store, "salt", "d\0e", 3, &e), 0);
    assert_int_equal(store_put_fact(s->a.store, "empty", NULL, 0, &e), 0);
    site_reopen(s);
    assert_int_equal(store_get_fact(s->a.store, "salt", &b, &e), 1);
    assert_int_equal(b.len, 3);
    assert_memory_equal(b.data, "d\0e", 3);
    gf_buf_free(&b);
    assert_int_equal(store_get_fact(s->a.store, "empty", &b, &e), 1);
    assert_int_equal(b.len, 0);
    gf_buf_free(&b);
}

static int take_license(void *arg, const char *product, const char *text, size_t len,
                        int64_t installed, struct gf_err *err) {
    (void)err;
    gf_buf_printf(arg, "%s=%.*s@%lld ", product, (int)len, text, (long long)installed);
    return 0;
}

static void licences_are_one_for_each_product(void **state) {
    struct site *s = *state;
    struct gf_id record = {{1}}, nonce = {{2}}, other = {{3}};
    struct gf_buf b;

    assert_int_equal(store_license_request(s->a.store, &record, "demo", &nonce, 5, &e), 0);
    assert_int_equal(store_has_nonce(s->a.store, "demo", &nonce, &e), 1);
    assert_int_equal(store_has_nonce(s->a.store, "demo", &other, &e), 0);
    assert_int_equal(store_has_nonce(s->a.store, "else", &nonce, &e), 0);
    assert_int_equal(store_put_license(s->a.store, "demo", "old", 3, 1, &e), 0);
    assert_int_equal(store_put_license(s->a.store, "demo", "new", 3, 2, &e), 0);
    assert_int_equal(store_put_license(s->a.store, "also", "x", 1, 3, &e), 0);
    gf_buf_init(&b, 1000);
    assert_int_equal(store_licenses(s->a.store, take_license, &b, &e), 0);
    assert_string_equal(b.data, "also=x@3 demo=new@2 ");
    gf_buf_free(&b);
}

/* ---- several changes as one ---- */

static void what_is_rolled_back_never_was(void **state) {
    struct site *s = *state;

    assert_int_equal(store_begin(s->a.store, &e), 0);
    struct gf_id id = site_add(s, "metrics", "{}", 0);
    assert_int_equal(store_end(s->a.store, -1, &e), -1);
    assert_int_equal(site_has(s, &id), 0);
}

/* ---- the lock ---- */

static void the_lock_names_its_holder_and_ends_with_it(void **state) {
    struct site *s = *state;
    struct store *other;
    char pid[32];

    assert_int_equal(store_open(s->a.state, &other, &e), 0);
    assert_int_equal(store_lock(s->a.store, "gapferry-agent sync", &e), 0);
    (void)snprintf(pid, sizeof pid, "process %d ", (int)getpid());
    assert_fails(store_lock(other, "gapferry-agent export", &e), GF_E_BUSY, pid);
    assert_fails(store_lock(other, "gapferry-agent export", &e), GF_E_BUSY,
                 "(gapferry-agent sync) since 2");
    store_unlock(s->a.store);
    assert_int_equal(store_lock(other, "gapferry-agent export", &e), 0);
    store_close(other);

    /* A holder that was killed holds nothing. */
    int ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        struct store *mine;
        if (store_open(s->a.state, &mine, &e) == 0 && store_lock(mine, "child", &e) == 0)
            (void)!write(ready[1], "x", 1);
        (void)pause();
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_fails(store_lock(s->a.store, "me", &e), GF_E_BUSY, "child");
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(store_lock(s->a.store, "me", &e), 0);
    (void)close(ready[0]);
    (void)close(ready[1]);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, site_setup, site_teardown)
    const struct CMUnitTest tests[] = {
        T(cards_are_trusted_once_by_role_and_kept_in_order),
        T(a_vendors_duties_add_up),
        T(a_fact_is_kept_and_replaced),
        T(licences_are_one_for_each_product),
        T(what_is_rolled_back_never_was),
        T(the_lock_names_its_holder_and_ends_with_it),
    };
    return cmocka_run_group_tests(tests, kit_setup, kit_teardown);
}
