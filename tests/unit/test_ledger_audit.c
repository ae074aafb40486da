/*
 * test_ledger_audit.c -- the head of the audit log: what a ledger that was put back from a backup
 * is known by, and who may write it anew.
 */
#include "ledger_testing.h"

#include "relay/ledger/ledger_internal.h"

#define HEAD "audit.head"

/* ---- a ledger that is older than its head ---- */

static void reopen(struct site *s) {
    ledger_close(s->r.ledger);
    s->r.ledger = NULL;
    assert_ok(ledger_open(s->state, &s->r.ledger, &s->e), s->e);
}

static void add(struct site *s, const char *event) {
    assert_ok(ledger_audit(s->r.ledger, NOW, event, "", &s->e), s->e);
}

/* A sealed chain of three lines, opened by another process than the one that made it. */
static int sealed_setup(void **state) {
    if (testing_setup(state) != 0)
        return -1;
    for (int i = 0; i < 3; i++)
        add(*state, "init");
    reopen(*state);
    return 0;
}

/* As a backup that does not have the last line. */
static void put_back(struct site *s) {
    assert_ok(db_run(&s->r.ledger->db, &s->e, "DELETE FROM audit WHERE n = 3", ""), s->e);
}

static void write_head(struct site *s, const char *text) {
    assert_true(unlinkat(s->r.state_fd, HEAD, 0) == 0);
    if (text != NULL)
        assert_ok(gf_file_save_new(s->r.state_fd, HEAD, text, strlen(text), 0600, &s->e), s->e);
}

static void does_not_fit(struct site *s) {
    assert_int_equal(ledger_fits_head(s->r.ledger, &s->e), -1);
    assert_int_equal(s->e.code, GF_E_DAMAGED);
}

/* Neither a seal nor the end of a command makes the head fit; reconcile does. */
static void only_reconcile_settles(struct site *s) {
    struct ledger_reconciled x;

    does_not_fit(s);
    assert_ok(ledger_seal(s->r.ledger, &s->e), s->e);
    does_not_fit(s);
    reopen(s);
    does_not_fit(s);
    assert_ok(ledger_reconcile(s->r.ledger, INT64_MAX, "u", NOW, &x, &s->e), s->e);
    reopen(s);
    assert_ok(ledger_fits_head(s->r.ledger, &s->e), s->e);
}

static void an_older_ledger_beside_a_head_that_is_none_does_not_heal_it(void **state) {
    put_back(*state);
    write_head(*state, "x\n");
    only_reconcile_settles(*state);
}

static void an_older_ledger_without_a_head_writes_none(void **state) {
    put_back(*state);
    write_head(*state, NULL);
    only_reconcile_settles(*state);
}

static void a_newer_head_stays(void **state) {
    put_back(*state);
    only_reconcile_settles(*state);
}

static void a_chain_that_went_another_way_does_not_replace_the_head(void **state) {
    put_back(*state);
    add(*state, "forged");
    add(*state, "forged");
    only_reconcile_settles(*state);
}

/* ---- a ledger that fits ---- */

static void a_chain_that_has_grown_is_sealed_at_the_end(void **state) {
    struct site *s = *state;

    add(s, "approve");
    reopen(s);
    assert_ok(db_run(&s->r.ledger->db, &s->e, "DELETE FROM audit WHERE n = 4", ""), s->e);
    does_not_fit(s);
}

static void a_new_ledger_gets_its_first_head(void **state) {
    struct site *s = *state;

    /* The setup has made it. */
    assert_true(faccessat(s->r.state_fd, HEAD, F_OK, 0) == 0);
    assert_ok(ledger_fits_head(s->r.ledger, &s->e), s->e);
}

int main(void) {
#define T(f) cmocka_unit_test_setup_teardown(f, sealed_setup, testing_teardown)
    const struct CMUnitTest tests[] = {
        T(an_older_ledger_beside_a_head_that_is_none_does_not_heal_it),
        T(an_older_ledger_without_a_head_writes_none),
        T(a_newer_head_stays),
        T(a_chain_that_went_another_way_does_not_replace_the_head),
        T(a_chain_that_has_grown_is_sealed_at_the_end),
        T(a_new_ledger_gets_its_first_head),
    };
    return cmocka_run_group_tests(tests, kit_setup, kit_teardown);
}
