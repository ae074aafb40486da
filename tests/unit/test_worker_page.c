/*
 * test_worker_page.c -- what the worker lets a courier do, and a listener that may have been taken
 * over.
 */
#include "worker_testing.h"

#include "common/mono.h"
#include "relay/page/look.h"

static struct wire_say ask(struct site *s, struct pair *p, struct wire_ask *a) {
    struct wire_say answer = {.answer = 0};

    if (a->tag == 0)
        a->tag = ++p->tag;
    assert_ok(wire_ask_send(p->theirs, a, &s->e), s->e);
    assert_ok(worker_hear(&p->w, &s->e), s->e);
    handed = -1;
    assert_int_equal(wire_say_next(p->theirs, &answer, data, &handed, &s->e), 1);
    return answer;
}

/* A courier of this name, logged in. */
static struct gf_hash login(struct site *s, struct pair *p, const char *name) {
    struct wire_ask a = {.kind = WIRE_LOGIN};
    struct gf_hash session;

    gf_digest_256(name, strlen(name), &a.nonce);
    assert_ok(ledger_courier_add(s->r.ledger, name, &a.nonce, NOW, &s->e), s->e);
    assert_int_equal(ask(s, p, &a).answer, WIRE_YES);
    memcpy(&session, data, sizeof session);
    return session;
}

/* Bring an open bundle; its row, or the answer's negative where it was not taken. */
static int64_t bring(struct site *s, struct pair *p, struct wire_ask *a, int fd) {
    a->kind = WIRE_BRING;
    a->tag = 0;
    struct wire_say answer = ask(s, p, a);
    if (answer.answer == WIRE_SEEN)
        return answer.size;
    if (answer.answer != WIRE_NEW)
        return -(int64_t)answer.answer;
    copy_to(fd, handed);
    (void)close(handed);
    a->kind = WIRE_BROUGHT;
    answer = ask(s, p, a);
    return answer.answer == WIRE_YES ? answer.size : -(int64_t)answer.answer;
}

static int make_of_agent(struct site *s, int64_t seq, struct wire_ask *a) {
    int fd = make_bundle(s, seq, a);

    a->what = WIRE_OF_AGENT;
    return fd;
}

/* The facts of a row, as text; free(). */
static char *facts(struct site *s, struct pair *p, const struct gf_hash *session, int64_t row) {
    struct wire_ask a = {.kind = WIRE_FACTS, .nonce = *session, .row = row};
    struct wire_say answer = ask(s, p, &a);

    assert_int_equal(answer.answer, WIRE_YES);
    char *text = calloc(1, (size_t)answer.size + 1);
    assert_int_equal(pread(handed, text, (size_t)answer.size, 0), answer.size);
    (void)close(handed);
    return text;
}

/* 1 if the facts of a row say this. */
static int says(struct site *s, struct pair *p, const struct gf_hash *session, int64_t row,
                const char *what) {
    char *text = facts(s, p, session, row);
    int is = strstr(text, what) != NULL;
    free(text);
    return is;
}

static void nobody_gets_anything_without_a_session(void **state) {
    static const enum wire_kind kinds[] = {WIRE_SESSION, WIRE_FACTS,   WIRE_BRING, WIRE_BROUGHT,
                                           WIRE_CONFIRM, WIRE_DISCARD, WIRE_TAKE,  WIRE_OWN_CARD};
    struct site *s = *state;
    struct pair *p = meet(s);

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        for (int guess = 0; guess < 2; guess++) {
            struct wire_ask a = {.kind = kinds[i], .row = 1, .what = WIRE_OF_AGENT, .size = 9000};
            memset(&a.nonce, guess ? 0x5a : 0, sizeof a.nonce);
            const struct wire_say answer = ask(s, p, &a);
            assert_int_equal(answer.answer, WIRE_NO);
            assert_int_equal(answer.code, GF_E_USER);
            assert_int_equal(handed, -1);
        }
    struct wire_ask wrong = {.kind = WIRE_LOGIN};
    assert_int_equal(ask(s, p, &wrong).answer, WIRE_NO);
    assert_int_equal(in_state(s, "uploads"), 0);
    part(p);
}

static void a_session_ends_by_logging_out_and_by_a_new_token(void **state) {
    struct site *s = *state;
    struct pair *p = meet(s);
    const struct gf_hash first = login(s, p, "alice");
    const struct gf_hash second = login(s, p, "bob");
    struct wire_ask a = {.kind = WIRE_SESSION, .nonce = first};
    struct gf_hash other;

    assert_int_equal(ask(s, p, &a).answer, WIRE_YES);
    assert_string_equal(data, "alice");
    a = (struct wire_ask){.kind = WIRE_LOGOUT, .nonce = first};
    assert_int_equal(ask(s, p, &a).answer, WIRE_YES);
    a = (struct wire_ask){.kind = WIRE_SESSION, .nonce = first};
    assert_int_equal(ask(s, p, &a).answer, WIRE_NO);
    gf_digest_256("new", 3, &other);
    assert_ok(ledger_courier_add(s->r.ledger, "bob", &other, NOW, &s->e), s->e);
    a = (struct wire_ask){.kind = WIRE_SESSION, .nonce = second};
    assert_int_equal(ask(s, p, &a).answer, WIRE_NO);
    part(p);
}

static void a_page_that_loads_itself_again_keeps_nobody_logged_in(void **state) {
    struct site *s = *state;
    struct pair *p = meet(s);
    const struct gf_hash session = login(s, p, "alice");
    struct wire_ask a = {.kind = WIRE_FACTS, .nonce = session, .what = WIRE_BY_ITSELF};
    const int64_t long_ago = mono_ms() - (int64_t)WORKER_SESSION_IDLE * 1000;

    p->w.sessions[0].used = long_ago + 60000;
    assert_int_equal(ask(s, p, &a).answer, WIRE_YES);
    (void)close(handed);
    p->w.sessions[0].used -= 60000;
    a.tag = 0;
    assert_int_equal(ask(s, p, &a).answer, WIRE_NO);

    const struct gf_hash again = login(s, p, "bob");
    p->w.sessions[0].used = long_ago + 60000;
    free(facts(s, p, &again, 0));
    p->w.sessions[0].used -= 60000;
    free(facts(s, p, &again, 0));
    part(p);
}

static void what_is_brought_has_no_effect_before_it_is_confirmed(void **state) {
    struct site *s = *state;
    struct pair *p = meet(s);
    const struct gf_hash session = login(s, p, "alice"), other = login(s, p, "bob");
    struct wire_ask a;

    testing_enrol(s, &kit_site);
    int fd = make_of_agent(s, 1, &a);
    a.nonce = session;
    int64_t row = bring(s, p, &a, fd);
    assert_true(row > 0);
    assert_int_equal(p->w.want[WORKER_LOOK], 1);
    assert_ok(relay_verify(&s->r, &s->t, &s->e), s->e);
    assert_int_equal(testing_records(s, -1), 0);

    /* Not before somebody has looked, and not by somebody else. */
    struct wire_ask decide = {.kind = WIRE_CONFIRM, .nonce = session, .row = row};
    assert_int_equal(ask(s, p, &decide).answer, WIRE_REFUSED);
    assert_ok(look_turn(&s->r, &s->e), s->e);
    decide = (struct wire_ask){.kind = WIRE_CONFIRM, .nonce = other, .row = row};
    assert_int_equal(ask(s, p, &decide).answer, WIRE_NO);
    char *text = facts(s, p, &session, row);
    assert_non_null(strstr(text, "\"state\":\"ready\""));
    assert_non_null(strstr(text, "{\"channel\":\"metrics\",\"records\":1}"));
    free(text);
    assert_int_equal(testing_records(s, -1), 0);

    decide = (struct wire_ask){.kind = WIRE_CONFIRM, .nonce = session, .row = row};
    assert_int_equal(ask(s, p, &decide).answer, WIRE_YES);
    assert_int_equal(p->w.want[WORKER_VERIFY], 1);
    assert_ok(relay_verify(&s->r, &s->t, &s->e), s->e);
    assert_int_equal(testing_records(s, -1), 1);
    text = facts(s, p, &session, row);
    assert_non_null(strstr(text, "\"state\":\"taken\""));
    assert_non_null(strstr(text, "\"news\":true"));
    free(text);
    assert_int_equal(in_state(s, "brought"), 0);
    assert_ok(relay_respond(&s->r, &s->t, &s->e), s->e);
    assert_true(says(s, p, &session, row, "\"news\":false"));
    (void)close(fd);
    part(p);
}

static void a_stranger_is_kept_within_limits_and_only_when_confirmed(void **state) {
    struct site *s = *state;
    struct pair *p = meet(s);
    const struct gf_hash session = login(s, p, "alice");
    struct wire_ask a, decide;

    int fd = make_of_agent(s, 1, &a);
    a.nonce = session;
    a.what = WIRE_OF_STRANGER;
    const int64_t size = a.size;
    a.size = FILES_COPY_MAX + 1;
    assert_int_equal(bring(s, p, &a, fd), -(int64_t)WIRE_REFUSED);
    a.size = size;
    int64_t row = bring(s, p, &a, fd);
    assert_true(row > 0);
    assert_ok(look_turn(&s->r, &s->e), s->e);
    assert_int_equal(in_state(s, "pending"), 0);
    decide = (struct wire_ask){.kind = WIRE_CONFIRM, .nonce = session, .row = row};
    assert_int_equal(ask(s, p, &decide).answer, WIRE_YES);
    assert_int_equal(in_state(s, "pending"), 1);
    testing_enrol(s, &kit_site);
    assert_ok(relay_verify(&s->r, &s->t, &s->e), s->e);
    assert_int_equal(testing_records(s, -1), 1);
    (void)close(fd);
    part(p);
}

static void who_was_let_in_since_is_looked_at_again(void **state) {
    struct site *s = *state;
    struct pair *p = meet(s);
    const struct gf_hash session = login(s, p, "alice");
    struct wire_ask a;

    int fd = make_of_agent(s, 1, &a);
    a.nonce = session;
    a.what = WIRE_OF_STRANGER;
    int64_t row = bring(s, p, &a, fd);
    assert_ok(look_turn(&s->r, &s->e), s->e);
    assert_true(says(s, p, &session, row, "\"state\":\"stranger\""));
    p->w.want[WORKER_LOOK] = 0;
    testing_enrol(s, &kit_site);
    struct wire_ask decide = {.kind = WIRE_CONFIRM, .nonce = session, .row = row};
    assert_int_equal(ask(s, p, &decide).answer, WIRE_REFUSED);
    assert_true(says(s, p, &session, row, "\"state\":\"looking\""));
    assert_int_equal(p->w.want[WORKER_LOOK], 1);
    assert_ok(look_turn(&s->r, &s->e), s->e);
    assert_true(says(s, p, &session, row, "\"state\":\"ready\""));
    decide.tag = 0;
    assert_int_equal(ask(s, p, &decide).answer, WIRE_YES);
    assert_int_equal(in_state(s, "incoming"), 1);
    (void)close(fd);
    part(p);
}

static void one_that_cannot_be_looked_into_keeps_no_other_waiting(void **state) {
    struct site *s = *state;
    struct pair *p = meet(s);
    const struct gf_hash session = login(s, p, "alice");
    struct wire_ask a;

    testing_enrol(s, &kit_site);
    for (int64_t seq = 1; seq <= 2; seq++) {
        int fd = make_of_agent(s, seq, &a);
        a.nonce = session;
        assert_int_equal(bring(s, p, &a, fd), seq);
        (void)close(fd);
    }
    assert_int_equal(unlinkat(s->r.state_fd, "brought/1.gfb", 0), 0);
    assert_int_equal(symlinkat("1.gfb", s->r.state_fd, "brought/1.gfb"), 0);
    assert_int_equal(look_turn(&s->r, &s->e), -1);
    assert_non_null(strstr(s->e.text, "brought/1.gfb"));
    assert_true(says(s, p, &session, 1, "\"state\":\"looking\""));
    assert_true(says(s, p, &session, 2, "\"state\":\"ready\""));
    part(p);
}

/* A file of this content in the state directory. */
static void put_file(struct site *s, const char *folder, const char *name, const char *text) {
    char path[96];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    int fd = openat(s->r.state_fd, path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_int_not_equal(fd, -1);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    (void)close(fd);
}

static void a_damaged_copy_that_waits_does_not_beat_a_whole_one(void **state) {
    struct site *s = *state;
    struct pair *p = meet(s);
    const struct gf_hash session = login(s, p, "alice");
    char name[FILES_NAME], why[FILES_NAME + 8];
    struct wire_ask a;

    testing_enrol(s, &kit_site);
    int fd = make_of_agent(s, 1, &a);
    a.nonce = session;
    files_name(&a.digest, name);
    put_file(s, "incoming", name, "damaged");
    int64_t row = bring(s, p, &a, fd);
    assert_int_equal(in_state(s, "brought"), 1);
    assert_ok(look_turn(&s->r, &s->e), s->e);
    struct wire_ask decide = {.kind = WIRE_CONFIRM, .nonce = session, .row = row};
    assert_int_equal(ask(s, p, &decide).answer, WIRE_YES);
    /* Nor is it told that it was refused, though a damaged copy was. */
    (void)snprintf(why, sizeof why, "%s.why", name);
    put_file(s, "quarantine", why, "2027-01-15T08:00:00Z digest: damaged\n");
    assert_true(says(s, p, &session, row, "\"state\":\"handed\""));
    /* What he brought himself and confirmed waits there whole: it need not come again. */
    a.tag = 0;
    a.kind = WIRE_BRING;
    assert_int_equal(ask(s, p, &a).answer, WIRE_SEEN);
    assert_ok(relay_verify(&s->r, &s->t, &s->e), s->e);
    assert_int_equal(testing_records(s, -1), 1);
    assert_true(says(s, p, &session, row, "\"state\":\"taken\""));
    (void)close(fd);
    part(p);
}

static void trouble_of_our_own_is_no_refusal_and_tells_no_path(void **state) {
    struct site *s = *state;
    struct pair *p = meet(s);
    struct wire_ask a;

    testing_enrol(s, &kit_site);
    int fd = make_of_agent(s, 1, &a);
    a.nonce = login(s, p, "alice");
    assert_int_equal(renameat(s->r.state_fd, "uploads", s->r.state_fd, "gone"), 0);
    assert_int_equal(bring(s, p, &a, fd), -(int64_t)WIRE_LATER);
    assert_null(strstr(data, "uploads"));
    (void)close(fd);
    part(p);
}

static void what_a_bad_listener_asks_is_not_done(void **state) {
    struct site *s = *state;
    struct pair *p = meet(s);
    const struct gf_hash session = login(s, p, "alice");
    struct wire_ask a, b;

    testing_enrol(s, &kit_site);
    int fd = make_of_agent(s, 1, &a);
    a.nonce = session;
    /* Something that nobody knows; a card that is none. */
    b = (struct wire_ask){.kind = WIRE_BRING, .nonce = session, .size = 100};
    assert_int_equal(ask(s, p, &b).answer, WIRE_LATER);
    b = (struct wire_ask){.nonce = session, .what = WIRE_OF_CARD, .size = 100};
    assert_int_equal(bring(s, p, &b, -1), -(int64_t)WIRE_LATER); /* not complete */
    b = (struct wire_ask){.nonce = session, .what = WIRE_OF_CARD, .size = a.size};
    assert_int_equal(bring(s, p, &b, fd), -(int64_t)WIRE_REFUSED); /* larger than a card */
    /* The page's upload finished as if it had been posted, and the other way round. */
    a.kind = WIRE_BRING;
    assert_int_equal(ask(s, p, &a).answer, WIRE_NEW);
    (void)close(handed);
    b = (struct wire_ask){.kind = WIRE_DONE, .tag = a.tag};
    assert_int_equal(ask(s, p, &b).answer, WIRE_LATER);
    assert_int_equal(in_state(s, "incoming"), 0);
    b = (struct wire_ask){.kind = WIRE_DROP, .tag = a.tag};
    assert_ok(wire_ask_send(p->theirs, &b, &s->e), s->e);
    assert_ok(worker_hear(&p->w, &s->e), s->e);
    assert_int_equal(in_state(s, "uploads"), 0);
    (void)close(fd);
    part(p);
}

static void what_couriers_leave_lying_goes(void **state) {
    struct site *s = *state;
    struct pair *p = meet(s);
    const struct gf_hash session = login(s, p, "alice");
    const struct ledger_brought old = {.courier = "alice", .at = 1000, .size = 1};
    struct wire_ask a;
    int64_t row = 0;

    testing_enrol(s, &kit_site);
    int fd = make_of_agent(s, 1, &a);
    a.nonce = session;
    assert_true(bring(s, p, &a, fd) > 0);
    assert_ok(ledger_brought_add(s->r.ledger, &old, &row, &s->e), s->e);
    worker_page_tidy(&p->w);
    char *text = facts(s, p, &session, 0);
    assert_non_null(strstr(text, "\"row\":1,"));
    assert_null(strstr(text, "\"row\":2,"));
    free(text);
    assert_int_equal(in_state(s, "brought"), 1);
    (void)close(fd);
    part(p);
}

#define with_site(test) cmocka_unit_test_setup_teardown(test, testing_setup, testing_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        with_site(nobody_gets_anything_without_a_session),
        with_site(a_session_ends_by_logging_out_and_by_a_new_token),
        with_site(a_page_that_loads_itself_again_keeps_nobody_logged_in),
        with_site(what_is_brought_has_no_effect_before_it_is_confirmed),
        with_site(a_stranger_is_kept_within_limits_and_only_when_confirmed),
        with_site(who_was_let_in_since_is_looked_at_again),
        with_site(one_that_cannot_be_looked_into_keeps_no_other_waiting),
        with_site(a_damaged_copy_that_waits_does_not_beat_a_whole_one),
        with_site(trouble_of_our_own_is_no_refusal_and_tells_no_path),
        with_site(what_a_bad_listener_asks_is_not_done),
        with_site(what_couriers_leave_lying_goes),
    };
    return cmocka_run_group_tests(tests, kit_setup, kit_teardown);
}
