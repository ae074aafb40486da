/* test_policies.c -- who may read, what waits without a network, and what a grid's manager can ask.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <unistd.h>

#include "agent/airgap.h"
#include "agent/command.h"
#include "agent/notice.h"
#include "agent/readers.h"
#include "support/kit.h"
#include "support/site.h"

/* As gapferry-link leaves it. */
static void link_says(struct site *s, const char *state) {
    char path[700];

    (void)snprintf(path, sizeof path, "%s/link.state", s->a.state);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    (void)fprintf(f,
                  "relay=hq\nstate=%s\nsince=2026-01-01T00:00:00Z\nstage=\nevidence=x\n"
                  "tried=2026-01-01T00:00:00Z\nnext=\nperson=\n",
                  state);
    assert_int_equal(fclose(f), 0);
}

/* ---- readers ---- */

static void an_officers_card_may_stand_in_the_place_of_the_agents_own(void **state) {
    struct site *s = *state;
    struct gf_identity officer = {0};
    struct gf_card c = {.role = GF_ROLE_READER, .created = SITE_NOW};
    struct site_request request;
    struct gf_err e;
    char path[160];

    (void)snprintf(path, sizeof path, "%s/officer", s->root);
    assert_int_equal(gf_identity_make(-100, path, &c, &e), 0);
    assert_int_equal(gf_identity_load(-100, path, &officer, &e), 0);
    assert_int_equal(store_trust_card(s->a.store, &officer.card, officer.card_text,
                                      officer.card_len, "me", SITE_NOW, &e),
                     0);
    site_configure(s, "[agent]\nself_reader = no\n");
    (void)site_add(s, "metrics", "{}", 0);
    (void)site_export(s);
    struct store_bundle b = site_bundle(s, 0);
    site_read(s, &b, &request);
    assert_int_equal(request.header.nreaders, 1);
    assert_memory_equal(request.header.readers[0].b, officer.card.identity.b, 32);
    site_request_free(&request);
    gf_identity_free(&officer);
}

/* ---- airgap ---- */

static void what_is_held_leaves_only_when_the_relay_is_online(void **state) {
    struct site *s = *state;

    site_configure(
        s, "[relay \"hq\"]\nurl = https://hq.example\n[channel \"metrics\"]\nairgap = hold\n");
    (void)site_add(s, "metrics", "{}", 0);
    assert_int_equal(site_export(s).records, 0);
    link_says(s, "offline");
    assert_int_equal(site_export(s).records, 0);
    link_says(s, "online");
    assert_int_equal(site_export(s).records, 1);
}

static void what_is_discarded_is_counted_and_told(void **state) {
    struct site *s = *state;
    struct store_loss *losses = NULL;
    struct gf_err e;
    size_t n = 0;

    site_configure(
        s, "[relay \"hq\"]\nurl = https://hq.example\n[channel \"metrics\"]\nairgap = discard\n");
    link_says(s, "offline");
    struct gf_id id = site_add(s, "metrics", "{}", 0);
    assert_int_equal(site_export(s).records, 0);
    assert_int_equal(site_has(s, &id), 0);
    assert_int_equal(store_losses(s->a.store, 1, &losses, &n, &e), 0);
    assert_int_equal(n, 1);
    assert_int_equal(losses[0].records, 1);
    assert_string_equal(losses[0].policy, "airgap-discard");
    free(losses);
}

static void what_a_person_asked_for_is_always_carried(void **state) {
    struct site *s = *state;

    site_configure(s, "[channel \"license\"]\nairgap = discard\n");
    (void)site_add(s, "license", "{}", 1);
    assert_int_equal(site_export(s).records, 1);
}

/* ---- notices ---- */

static void take_at(struct site *s, int64_t at, const char *type, const char *data) {
    static int64_t seq;
    struct apply_result in;
    struct reply r;
    struct gf_err e;

    reply_begin(&r, ++seq);
    reply_notice_at(&r, at, type, data);
    if (reply_apply(&r, s, &in, &e) == -1)
        fail_msg("%s", e.text);
    assert_int_equal(in.notices, 1);
}

static void take(struct site *s, const char *type, const char *data) {
    take_at(s, SITE_NOW, type, data);
}

static enum store_consent consent(struct site *s) {
    struct command_consent c;
    struct gf_err e;

    assert_int_equal(command_consent(&s->a, "metrics", &c, &e), 0);
    return c.is;
}

static void a_grids_manager_can_deny_but_not_grant(void **state) {
    struct site *s = *state;

    site_configure(s, "[relay \"manager\"]\nreach = site\n");
    struct gf_id id = site_add(s, "metrics", "{}", 0);
    take(s, "policy", "{\"channel\":\"metrics\",\"consent\":\"granted\",\"airgap\":\"carry\"}");
    assert_int_equal(consent(s), STORE_GRANTED);
    take(s, "policy", "{\"channel\":\"metrics\",\"consent\":\"denied\",\"airgap\":\"carry\"}");
    assert_int_equal(consent(s), STORE_DENIED);
    assert_int_equal(site_has(s, &id), 0);
    /* Taken back, it is the site's to decide again: nothing is granted by it. */
    take(s, "policy", "{\"channel\":\"metrics\",\"consent\":null,\"airgap\":\"carry\"}");
    assert_int_equal(consent(s), STORE_DENIED);
}

static void it_can_hold_what_the_site_would_carry_but_not_carry_what_it_holds(void **state) {
    struct site *s = *state;
    enum airgap airgap = AIRGAP_CARRY;
    struct gf_err e;

    site_configure(s, "[relay \"manager\"]\nreach = site\n");
    take(s, "policy", "{\"channel\":\"metrics\",\"consent\":null,\"airgap\":\"hold\"}");
    assert_int_equal(airgap_of(&s->a, "metrics", &airgap, &e), 0);
    assert_int_equal(airgap, AIRGAP_HOLD);
    site_configure(s,
                   "[relay \"manager\"]\nreach = site\n[channel \"metrics\"]\nairgap = discard\n");
    assert_int_equal(airgap_of(&s->a, "metrics", &airgap, &e), 0);
    assert_int_equal(airgap, AIRGAP_DISCARD);
}

static void a_relay_outside_the_site_can_ask_for_nothing(void **state) {
    struct site *s = *state;

    site_configure(s, "[relay \"hq\"]\nurl = https://hq.example\n");
    take(s, "policy", "{\"channel\":\"metrics\",\"consent\":\"denied\",\"airgap\":\"hold\"}");
    assert_int_equal(consent(s), STORE_GRANTED);
}

static void the_later_policy_holds_in_whatever_order_they_come(void **state) {
    struct site *s = *state;
    enum airgap airgap = AIRGAP_CARRY;
    struct gf_err e;

    site_configure(s, "[relay \"manager\"]\nreach = site\n");
    take_at(s, SITE_NOW + 2, "policy",
            "{\"channel\":\"metrics\",\"consent\":null,\"airgap\":\"hold\"}");
    take_at(s, SITE_NOW + 1, "policy",
            "{\"channel\":\"metrics\",\"consent\":\"denied\",\"airgap\":\"carry\"}");
    assert_int_equal(consent(s), STORE_GRANTED);
    assert_int_equal(airgap_of(&s->a, "metrics", &airgap, &e), 0);
    assert_int_equal(airgap, AIRGAP_HOLD);

    /* Also where the later one takes everything back. */
    take_at(s, SITE_NOW + 4, "policy",
            "{\"channel\":\"metrics\",\"consent\":null,\"airgap\":\"carry\"}");
    take_at(s, SITE_NOW + 3, "policy",
            "{\"channel\":\"metrics\",\"consent\":\"denied\",\"airgap\":\"carry\"}");
    assert_int_equal(consent(s), STORE_GRANTED);
    take_at(s, SITE_NOW + 5, "policy",
            "{\"channel\":\"metrics\",\"consent\":\"denied\",\"airgap\":\"carry\"}");
    assert_int_equal(consent(s), STORE_DENIED);
}

static void a_denial_of_what_is_its_own_consent_deletes_nothing(void **state) {
    struct site *s = *state;

    site_configure(s, "[relay \"manager\"]\nreach = site\n");
    struct gf_id id = site_add(s, "license", "{}", 1);
    take(s, "policy", "{\"channel\":\"license\",\"consent\":\"denied\",\"airgap\":\"carry\"}");
    assert_int_equal(site_has(s, &id), 1);
}

static void odd_notices_are_kept_in_the_history_and_do_nothing_else(void **state) {
    struct site *s = *state;
    char *long_text = malloc(100001);

    assert_non_null(long_text);
    memset(long_text, '\x01', 100000);
    long_text[100000] = '\0';
    site_configure(s, "[relay \"manager\"]\nreach = site\n");
    take(s, "policy", "nonsense");
    take(s, "policy", "{\"channel\":\"../x\",\"consent\":\"denied\",\"airgap\":\"hold\"}");
    take(s, "something-new", long_text);
    take(s, "time", "yesterday");
    free(long_text);
    assert_int_equal(consent(s), STORE_GRANTED);
}

static void the_relays_time_and_the_next_date_are_remembered(void **state) {
    struct site *s = *state;
    struct gf_err e;
    int64_t at = 0;

    assert_int_equal(agent_notice_time(&s->a, "next-due", &at, &e), 0);
    take(s, "next-due", "2026-02-01T00:00:00Z");
    assert_int_equal(agent_notice_time(&s->a, "next-due", &at, &e), 1);
    assert_int_equal(at, 1769904000);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, site_setup, site_teardown)
    const struct CMUnitTest tests[] = {
        T(an_officers_card_may_stand_in_the_place_of_the_agents_own),
        T(what_is_held_leaves_only_when_the_relay_is_online),
        T(what_is_discarded_is_counted_and_told),
        T(what_a_person_asked_for_is_always_carried),
        T(a_grids_manager_can_deny_but_not_grant),
        T(it_can_hold_what_the_site_would_carry_but_not_carry_what_it_holds),
        T(a_relay_outside_the_site_can_ask_for_nothing),
        T(the_later_policy_holds_in_whatever_order_they_come),
        T(a_denial_of_what_is_its_own_consent_deletes_nothing),
        T(odd_notices_are_kept_in_the_history_and_do_nothing_else),
        T(the_relays_time_and_the_next_date_are_remembered),
    };
    return cmocka_run_group_tests(tests, kit_setup, kit_teardown);
}
