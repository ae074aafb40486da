/*
 * test_verify.c -- requests from a drive into the ledger: verify.c, unpack.c, take.c.
 * Strangers are in test_intake.c.
 */
#include "relay_testing.h"

static void a_good_request_is_taken_and_leaves_the_drive(void **state) {
    struct site *s = *state;
    char *line = testing_record(s, "license", "{\"key\":\"A\"}", 1);
    const struct testing_request q = {.seq = 1, .lines = line};
    struct gf_hash digest;

    testing_enrol(s, &kit_site);
    testing_send(s, &q, NULL);
    testing_take(s);
    assert_int_equal(s->t.taken, 1);
    assert_int_equal(s->t.records, 1);
    assert_int_equal(s->t.cleared, 1);
    assert_int_equal(on_stick(s, "to-relay"), 0);
    assert_int_equal(in_state(s, "incoming"), 0);
    assert_int_equal(in_state(s, "work"), 0);
    assert_int_equal(turn_exit(&s->t), GF_EXIT_DONE);

    /* The receipt's digest is over the body's bytes. */
    gf_digest_256("{\"key\":\"A\"}", 11, &digest);
    struct ledger_record r = testing_find(s, &s->id);
    assert_memory_equal(&r.digest, &digest, sizeof digest);
    free(line);
}

static int keep_file(void *arg, const struct ledger_record *r, struct gf_err *e) {
    (void)e;
    assert_non_null(r->file);
    (void)snprintf(arg, 200, "%s", r->file);
    return 1;
}

static void a_body_that_is_a_file_is_stored_and_digested(void **state) {
    struct site *s = *state;
    char path[200] = "";
    uint8_t random[10];
    struct gf_hash digest;
    struct gf_buf line;
    struct gf_buf stored;

    gf_digest_random(random, sizeof random);
    gf_text_uuid7(1, random, &s->id);
    gf_buf_init(&line, GF_LINE_MAX);
    testing_line(&line, &s->id, "metrics", GF_BODY_FILE, "files/body.bin", 0);
    const struct testing_request q = {.seq = 1, .lines = line.data, .file = "a large body"};
    testing_enrol(s, &kit_site);
    testing_send(s, &q, NULL);
    testing_take(s);
    assert_int_equal(s->t.records, 1);
    assert_int_equal(in_state(s, "files"), 1);
    assert_ok(ledger_walk(s->r.ledger, -1, keep_file, path, &s->e), s->e);
    assert_ok(gf_file_load(s->r.state_fd, path, 100, &stored, &s->e), s->e);
    assert_string_equal(stored.data, "a large body");
    gf_digest_256("a large body", 12, &digest);
    struct ledger_record r = testing_find(s, &s->id);
    assert_memory_equal(&r.digest, &digest, sizeof digest);
    gf_buf_free(&stored);
    gf_buf_free(&line);
}

static void a_request_that_is_carried_twice_counts_once(void **state) {
    struct site *s = *state;
    char *line = testing_record(s, "license", "{}", 1);
    const struct testing_request q = {.seq = 1, .lines = line};
    struct gf_header h;

    testing_enrol(s, &kit_site);
    int fd = testing_pack(s, &q, &h, NULL);
    for (int i = 0; i < 3; i++) {
        char path[256];
        testing_turn(s);
        (void)snprintf(path, sizeof path, "%s/GAPFERRY/to-relay/copy-%d.gfb", s->stick, i);
        testing_put(fd, path, -1);
        testing_take(s);
        assert_int_equal(s->t.taken, i == 0);
        assert_int_equal(s->t.replays, i > 0);
        assert_int_equal(s->t.cleared, 1);
        assert_int_equal(turn_exit(&s->t), GF_EXIT_DONE);
    }
    assert_int_equal(testing_records(s, -1), 1);

    /* Two copies under two names on one drive. */
    testing_turn(s);
    for (int i = 0; i < 2; i++) {
        char path[256];
        (void)snprintf(path, sizeof path, "%s/GAPFERRY/to-relay/copy-%d.gfb", s->stick, i);
        testing_put(fd, path, -1);
    }
    testing_take(s);
    assert_int_equal(s->t.replays, 2);
    assert_int_equal(on_stick(s, "to-relay"), 0);
    (void)close(fd);
    free(line);
}

/* Where more lies there than one visit takes, what it has taken is gone behind it. */
static void only_what_a_visit_has_looked_at_is_removed_by_it(void **state) {
    struct site *s = *state;
    char *line = testing_record(s, "license", "{}", 1);
    const struct testing_request q = {.seq = 1, .lines = line};
    char first[256], later[256];
    struct gf_header h;

    testing_enrol(s, &kit_site);
    int fd = testing_pack(s, &q, &h, NULL);
    (void)snprintf(first, sizeof first, "%s/GAPFERRY/to-relay/first.gfb", s->stick);
    (void)snprintf(later, sizeof later, "%s/GAPFERRY/to-relay/later.gfb", s->stick);
    testing_put(fd, first, -1);
    assert_ok(relay_intake(&s->r, s->d, &s->t, &s->e), s->e);
    assert_ok(relay_verify(&s->r, &s->t, &s->e), s->e);
    testing_put(fd, later, -1);
    assert_ok(relay_clear(&s->r, s->d, &s->t, &s->e), s->e);
    assert_int_equal(s->t.cleared, 1);
    assert_int_equal(access(first, F_OK), -1);
    assert_int_equal(access(later, F_OK), 0);
    (void)close(fd);
    free(line);
}

static void requests_come_in_any_order(void **state) {
    struct site *s = *state;
    static const int64_t order[] = {4, 1, 3};
    testing_enrol(s, &kit_site);
    for (size_t i = 0; i < 3; i++) {
        char *line = testing_record(s, "metrics", "{}", 0);
        const struct testing_request q = {.seq = order[i], .lines = line};
        testing_send(s, &q, NULL);
        testing_turn(s);
        testing_take(s);
        assert_int_equal(s->t.taken, 1);
        free(line);
    }
    assert_int_equal(testing_records(s, LEDGER_RECEIVED), 3);
}

static void what_is_for_somebody_else_is_left_alone(void **state) {
    struct site *s = *state;
    char *line = testing_record(s, "metrics", "{}", 0);
    struct gf_card other_relay = kit_relay.card;
    struct gf_seal_key *key = NULL;

    assert_ok(gf_key_seal_new(&key, &s->e), s->e);
    other_relay.seal = *gf_key_seal_public(key);
    gf_key_identity(&other_relay.sign, &other_relay.seal, &other_relay.identity);
    const struct testing_request q = {.seq = 1, .lines = line, .to = &other_relay};
    testing_enrol(s, &kit_site);
    testing_send(s, &q, NULL);
    testing_take(s);
    assert_int_equal(s->t.not_ours, 1);
    assert_int_equal(s->t.taken + s->t.refused + s->t.strangers, 0);
    assert_int_equal(turn_exit(&s->t), GF_EXIT_DONE);
    assert_int_equal(on_stick(s, "to-relay"), 1);
    assert_int_equal(in_state(s, "incoming") + in_state(s, "pending") + in_state(s, "quarantine"),
                     0);
    gf_key_seal_free(key);
    free(line);
}

/* ---- damage ---- */

/* Put a request with one bit changed on the drive, and a good one beside it. */
static void damaged_at(struct site *s, int64_t at, enum gf_exit status) {
    char *line = testing_record(s, "metrics", "{}", 0);
    struct testing_request q = {.seq = 1, .lines = line};
    char path[256];
    struct gf_header h;
    struct stat st;

    testing_enrol(s, &kit_site);
    int fd = testing_pack(s, &q, &h, NULL);
    (void)snprintf(path, sizeof path, "%s/GAPFERRY/to-relay/damaged.gfb", s->stick);
    assert_int_equal(fstat(fd, &st), 0);
    testing_put(fd, path, at >= 0 ? at : st.st_size + at);
    (void)close(fd);
    free(line);
    line = testing_record(s, "metrics", "{}", 0);
    q = (struct testing_request){.seq = 2, .lines = line};
    testing_send(s, &q, NULL);
    for (int visit = 0; visit < 2; visit++) {
        testing_turn(s);
        testing_take(s);
        assert_int_equal(s->t.refused, 1);
        assert_int_equal(s->t.taken, visit == 0);
        assert_true(testing_says(s, "to-relay/damaged.gfb"));
        assert_int_equal(turn_exit(&s->t), status);
        assert_int_equal(on_stick(s, "to-relay"), 1);
        assert_int_equal(in_state(s, "quarantine"), 2); /* a copy and its .why */
        assert_int_equal(in_state(s, "incoming"), 0);
    }
    assert_int_equal(testing_records(s, -1), 1);
    free(line);
}

static void a_damaged_shell_is_left_and_others_go_on(void **state) {
    damaged_at(*state, 100, GF_EXIT_DAMAGED);
}
static void a_damaged_header_is_left_and_others_go_on(void **state) {
    damaged_at(*state, 512 + 40, GF_EXIT_SIGNATURE);
}
static void a_damaged_payload_is_left_and_others_go_on(void **state) {
    damaged_at(*state, -2048, GF_EXIT_DAMAGED);
}

static void damage_in_our_own_copy_is_no_fault_of_the_sender(void **state) {
    struct site *s = *state;
    char *line = testing_record(s, "metrics", "{}", 0);
    const struct testing_request q = {.seq = 1, .lines = line};
    char path[400];
    struct files_list list;

    testing_enrol(s, &kit_site);
    testing_send(s, &q, NULL);
    assert_ok(relay_intake(&s->r, s->d, &s->t, &s->e), s->e);
    assert_ok(files_list(&s->r, "incoming", &list, &s->e), s->e);
    assert_int_equal(list.n, 1);
    (void)snprintf(path, sizeof path, "%s/incoming/%s", s->state, list.entries[0].name);
    int fd = open(path, O_RDWR);
    assert_int_equal(pwrite(fd, "damage", 6, list.entries[0].size - 2048), 6);
    (void)close(fd);
    free(list.entries);
    assert_ok(relay_verify(&s->r, &s->t, &s->e), s->e);
    assert_ok(relay_clear(&s->r, s->d, &s->t, &s->e), s->e);
    assert_int_equal(s->t.refused, 1);
    assert_int_equal(in_state(s, "quarantine"), 2);
    assert_int_equal(on_stick(s, "to-relay"), 1);

    /* The drive has it still, and the next visit takes it. */
    testing_turn(s);
    testing_take(s);
    assert_int_equal(s->t.taken, 1);
    free(line);
}

/* ---- malformed, forked, expired ---- */

static int count_refusal(void *arg, const struct gf_refusal *r, const struct gf_id *forked,
                         struct gf_err *e) {
    (void)e;
    /* Whoever is told of a fork hears of its stream, which its twin has, too. */
    assert_int_equal(forked != NULL, strcmp(r->code, "fork") == 0);
    (void)snprintf(arg, 64, "%s", r->code);
    return 0;
}

static const char *refusal(struct site *s, char code[64]) {
    code[0] = '\0';
    assert_ok(ledger_refusals(s->r.ledger, &kit_site.card.agent, count_refusal, code, &s->e), s->e);
    return code;
}

static void a_malformed_request_has_no_effect_and_its_sender_is_told(void **state) {
    struct site *s = *state;
    char code[64];
    char two[8192];
    char *line = testing_record(s, "metrics", "{}", 0);
    struct testing_request q = {.seq = 1, .lines = two};

    /* A good line before the bad one does not count either. */
    (void)snprintf(two, sizeof two, "%s{\"id\":1}\n", line);
    testing_enrol(s, &kit_site);
    testing_send(s, &q, NULL);
    testing_take(s);
    assert_int_equal(s->t.refused, 1);
    assert_int_equal(s->t.taken, 0);
    assert_int_equal(testing_records(s, -1), 0);
    assert_int_equal(turn_exit(&s->t), GF_EXIT_DAMAGED);
    assert_string_not_equal(refusal(s, code), "");
    assert_int_equal(in_state(s, "quarantine"), 2);
    assert_int_equal(in_state(s, "incoming") + in_state(s, "work") + in_state(s, "files"), 0);
    assert_int_equal(on_stick(s, "to-relay"), 0);

    /* Its record, in a bundle that is whole, is welcome. */
    q = (struct testing_request){.seq = 2, .lines = line};
    testing_send(s, &q, NULL);
    testing_turn(s);
    testing_take(s);
    assert_int_equal(s->t.records, 1);
    free(line);
}

static void another_request_of_the_same_number_is_held_as_evidence(void **state) {
    struct site *s = *state;
    char *line = testing_record(s, "metrics", "{}", 0);
    struct testing_request q = {.seq = 1, .lines = line};

    testing_enrol(s, &kit_site);
    testing_send(s, &q, NULL);
    testing_take(s);
    free(line);
    line = testing_record(s, "metrics", "{\"forged\":1}", 0);
    q.lines = line;
    testing_send(s, &q, NULL);
    for (int visit = 0; visit < 2; visit++) {
        testing_turn(s);
        testing_take(s);
        assert_int_equal(s->t.taken, 0);
        assert_true(testing_says(s, "fork"));
        assert_int_equal(turn_exit(&s->t), GF_EXIT_AWAITED);
        assert_int_equal(in_state(s, "quarantine"), 2);
        assert_int_equal(in_state(s, "incoming"), 0);
        assert_int_equal(on_stick(s, "to-relay"), 1);
    }
    assert_int_equal(testing_records(s, -1), 1);
    free(line);
}

static void an_expired_request_is_refused_and_told(void **state) {
    struct site *s = *state;
    char code[64];
    char *line = testing_record(s, "metrics", "{}", 0);
    const struct testing_request q = {.seq = 1, .lines = line, .expires = NOW - 1};

    testing_enrol(s, &kit_site);
    testing_send(s, &q, NULL);
    testing_take(s);
    assert_int_equal(testing_records(s, -1), 0);
    assert_string_equal(refusal(s, code), "expired");
    assert_int_equal(turn_exit(&s->t), GF_EXIT_EXPIRED);
    free(line);
}

static void have_of_a_request_acknowledges_responses(void **state) {
    struct site *s = *state;
    struct ledger_response *list = NULL;
    struct ledger_seq seq;
    struct gf_hash d = {{1}};
    size_t n = 0;

    testing_enrol(s, &kit_site);
    assert_ok(ledger_take_seq(s->r.ledger, &kit_site.card.identity, &seq, &s->e), s->e);
    struct gf_header h = {.to = kit_site.card.identity, .stream = seq.stream, .seq = 1};
    assert_ok(ledger_responded(s->r.ledger, &kit_site.card.agent, &h, &d, NULL, 0, NOW, &s->e),
              s->e);
    const struct gf_have have = {.stream = seq.stream, .upto = 1};
    const struct testing_request q = {.seq = 1, .have = &have, .nhave = 1};
    testing_send(s, &q, NULL);
    testing_take(s);
    assert_int_equal(s->t.taken, 1);
    assert_int_equal(s->t.records, 0);
    assert_ok(ledger_open_responses(s->r.ledger, NULL, &list, &n, &s->e), s->e);
    assert_int_equal(n, 0);
    free(list);
}

static void who_says_that_he_brings_no_records_brings_none(void **state) {
    struct site *s = *state;
    char code[64];
    char *line = testing_record(s, "metrics", "{}", 0);
    struct testing_request q = {.seq = 1, .lines = line, .no_records = 1};

    testing_enrol(s, &kit_site);
    testing_send(s, &q, NULL);
    testing_take(s);
    assert_int_equal(s->t.taken, 0);
    assert_int_equal(testing_records(s, -1), 0);
    assert_string_equal(refusal(s, code), "contents");
    free(line);

    testing_turn(s);
    q = (struct testing_request){.seq = 2, .no_records = 1};
    testing_send(s, &q, NULL);
    testing_take(s);
    assert_int_equal(s->t.taken, 1);
}

static void a_crash_leaves_nothing_that_is_in_the_way(void **state) {
    struct site *s = *state;
    char *line = testing_record(s, "metrics", "{}", 0);
    const struct testing_request q = {.seq = 1, .lines = line};
    struct files_list list;
    char work[400];

    testing_enrol(s, &kit_site);
    testing_send(s, &q, NULL);
    assert_ok(relay_intake(&s->r, s->d, &s->t, &s->e), s->e);

    /* Killed while it unpacked, and while it copied another one. */
    assert_ok(files_list(&s->r, "incoming", &list, &s->e), s->e);
    (void)snprintf(work, sizeof work, "work/%s", list.entries[0].name);
    free(list.entries);
    assert_int_equal(mkdirat(s->r.state_fd, work, 0700), 0);
    int dir = openat(s->r.state_fd, work, O_RDONLY | O_DIRECTORY);
    assert_int_equal(mkdirat(dir, "files", 0700), 0);
    (void)close(openat(dir, "files/x", O_WRONLY | O_CREAT, 0600));
    (void)close(openat(dir, "records.jsonl", O_WRONLY | O_CREAT, 0600));
    (void)close(dir);
    (void)close(openat(s->r.state_fd, "incoming/.half.part", O_WRONLY | O_CREAT, 0600));
    assert_ok(files_tidy(&s->r, &s->e), s->e);
    assert_int_equal(in_state(s, "work"), 0);
    assert_int_equal(faccessat(s->r.state_fd, "incoming/.half.part", F_OK, 0), -1);
    testing_take(s);
    assert_int_equal(s->t.taken, 1);
    free(line);
}

/* ---- bodies that are files ---- */

/* A request with a body of its own; its record has this id, or a new one where it is zero. */
static void send_file(struct site *s, int64_t at, struct gf_id *id, const char *content,
                      const char *more) {
    static const struct gf_id none;
    struct gf_buf b;

    if (memcmp(id, &none, sizeof none) == 0) {
        uint8_t random[10];
        gf_digest_random(random, sizeof random);
        gf_text_uuid7((int64_t)NOW * 1000, random, id);
    }
    gf_buf_init(&b, GF_LINE_MAX);
    testing_line(&b, id, "metrics", GF_BODY_FILE, "files/body.bin", 0);
    gf_buf_text(&b, more);
    testing_send(s, &(struct testing_request){.seq = at, .lines = b.data, .file = content}, NULL);
    gf_buf_free(&b);
    testing_turn(s);
    testing_take(s);
}

static void a_body_that_no_record_names_is_not_kept(void **state) {
    struct site *s = *state;
    struct gf_id id = {{0}}, other = {{0}};

    testing_enrol(s, &kit_site);
    send_file(s, 1, &id, "one", "");
    assert_int_equal(s->t.taken, 1);
    assert_int_equal(in_state(s, "files"), 1);
    /* Known already; of another body under its id; of a bundle that is malformed. */
    send_file(s, 2, &id, "one", "");
    assert_int_equal(s->t.taken, 1);
    assert_int_equal(in_state(s, "files"), 1);
    send_file(s, 3, &id, "two", "");
    assert_int_equal(s->t.taken, 1);
    assert_int_equal(in_state(s, "files"), 1);
    send_file(s, 4, &other, "three", "{}\n");
    assert_int_equal(s->t.refused, 1);
    assert_int_equal(in_state(s, "files"), 1);
}

int main(void) {
#define T(f) cmocka_unit_test_setup_teardown(f, testing_setup, testing_teardown)
    const struct CMUnitTest tests[] = {
        T(a_body_that_no_record_names_is_not_kept),
        T(a_good_request_is_taken_and_leaves_the_drive),
        T(a_body_that_is_a_file_is_stored_and_digested),
        T(a_request_that_is_carried_twice_counts_once),
        T(only_what_a_visit_has_looked_at_is_removed_by_it),
        T(requests_come_in_any_order),
        T(what_is_for_somebody_else_is_left_alone),
        T(a_damaged_shell_is_left_and_others_go_on),
        T(a_damaged_header_is_left_and_others_go_on),
        T(a_damaged_payload_is_left_and_others_go_on),
        T(damage_in_our_own_copy_is_no_fault_of_the_sender),
        T(a_malformed_request_has_no_effect_and_its_sender_is_told),
        T(another_request_of_the_same_number_is_held_as_evidence),
        T(an_expired_request_is_refused_and_told),
        T(have_of_a_request_acknowledges_responses),
        T(who_says_that_he_brings_no_records_brings_none),
        T(a_crash_leaves_nothing_that_is_in_the_way),
    };
    return cmocka_run_group_tests(tests, kit_setup, kit_teardown);
}
