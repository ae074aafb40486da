/*
 * test_take.c -- a bundle's records go into the ledger while its payload is read: all or nothing,
 * whatever comes behind them.
 */
#include "ledger_testing.h"

#include <sqlite3.h>
#include <sys/resource.h>

#include "relay/ledger/ledger_internal.h"
#include "support/threads.h"

#define MANY 3000 /* records: more than are taken at a time, and more than the pipes hold */

static void put_lines(struct gf_buf *b, size_t n) {
    char body[600];

    memset(body, 'x', sizeof body - 1);
    body[sizeof body - 1] = '\0';
    for (size_t i = 0; i < n; i++) {
        struct gf_id id = new_id();
        testing_line(b, &id, "metrics", GF_BODY_TEXT, body, 0);
    }
}

static void a_bad_line_behind_good_ones_leaves_none_of_them(void **state) {
    struct site *s = *state;
    enum ledger_seen seen = LEDGER_NEW;
    struct gf_header h;
    struct gf_hash d;
    struct gf_buf b;

    testing_enrol(s, &kit_site);
    gf_buf_init(&b, 16 << 20);
    put_lines(&b, MANY);
    gf_buf_text(&b, "{\"id\":1}\n");
    const struct testing_request q = {.seq = 1, .lines = b.data};
    int fd = testing_pack(s, &q, &h, &d);
    assert_ok(relay_import(&s->r, fd, "x", &s->t, &s->e), s->e);
    assert_ok(relay_verify(&s->r, &s->t, &s->e), s->e);
    (void)close(fd);
    assert_int_equal(s->t.taken, 0);
    assert_int_equal(s->t.refused, 1);
    assert_true(testing_says(s, "records.jsonl line 3001"));
    assert_int_equal(testing_records(s, -1), 0);
    assert_int_equal(testing_count(s->state, "quarantine"), 2);
    assert_int_equal(testing_count(s->state, "work"), 0);
    /* That it was refused is remembered: it is not verified again. */
    assert_ok(ledger_seen(s->r.ledger, &h, &d, &seen, &s->e), s->e);
    assert_int_equal(seen, LEDGER_REPLAY);
    gf_buf_free(&b);
}

static void every_record_of_a_large_bundle_is_taken_and_told(void **state) {
    struct site *s = *state;
    struct gf_buf b;

    testing_enrol(s, &kit_site);
    gf_buf_init(&b, 16 << 20);
    put_lines(&b, MANY);
    const struct testing_request q = {.seq = 1, .lines = b.data};
    testing_send(s, &q, NULL);
    testing_take(s);
    assert_int_equal(s->t.taken, 1);
    assert_int_equal(s->t.records, MANY);
    assert_int_equal(testing_records(s, -1), MANY);

    /* And told, once. */
    assert_ok(relay_respond(&s->r, &s->t, &s->e), s->e);
    assert_int_equal(s->t.receipts, MANY);
    assert_ok(relay_respond(&s->r, &s->t, &s->e), s->e);
    assert_int_equal(s->t.receipts, MANY);
    assert_int_equal(s->t.responses, 1);
    gf_buf_free(&b);
}

static void records_with_files_have_the_digests_of_the_files(void **state) {
    struct gf_id ids[3] = {new_id(), new_id(), new_id()};
    struct site *s = *state;
    struct gf_hash text, file;
    struct gf_buf b;

    testing_enrol(s, &kit_site);
    gf_buf_init(&b, 1 << 20);
    testing_line(&b, &ids[0], "metrics", GF_BODY_FILE, "files/body.bin", 0);
    testing_line(&b, &ids[1], "metrics", GF_BODY_TEXT, "{\"a\":1}", 0);
    testing_line(&b, &ids[2], "license", GF_BODY_FILE, "files/body.bin", 1);
    const struct testing_request q = {.seq = 1, .lines = b.data, .file = "the body"};
    testing_send(s, &q, NULL);
    testing_take(s);
    assert_int_equal(s->t.records, 3);
    gf_digest_256("{\"a\":1}", 7, &text);
    gf_digest_256("the body", 8, &file);
    for (int i = 0; i < 3; i++) {
        const struct ledger_record r = testing_find(s, &ids[i]);
        assert_memory_equal(&r.digest, i == 1 ? &text : &file, sizeof file);
    }
    assert_int_equal(testing_count(s->state, "files"), 1);
    gf_buf_free(&b);
}

static void a_record_whose_file_is_missing_takes_the_others_with_it(void **state) {
    struct gf_id ids[2] = {new_id(), new_id()};
    struct site *s = *state;
    struct gf_buf b;

    testing_enrol(s, &kit_site);
    gf_buf_init(&b, 1 << 20);
    testing_line(&b, &ids[0], "metrics", GF_BODY_TEXT, "{\"a\":1}", 0);
    testing_line(&b, &ids[1], "metrics", GF_BODY_FILE, "files/other.bin", 0);
    const struct testing_request q = {.seq = 1, .lines = b.data, .file = "the body"};
    testing_send(s, &q, NULL);
    testing_take(s);
    assert_int_equal(s->t.refused, 1);
    assert_int_equal(testing_records(s, -1), 0);
    assert_int_equal(testing_count(s->state, "files"), 0);
    gf_buf_free(&b);
}

/* ---- what is not the bundle's fault ---- */

/* Verified once more, now that nothing is in the way, it is taken. */
static void assert_waits_and_is_taken(struct site *s, int64_t records) {
    assert_int_equal(s->t.refused, 0);
    assert_int_equal(s->t.gravest, GF_E_SYSTEM);
    assert_int_equal(testing_records(s, -1), 0);
    assert_int_equal(in_state(s, "incoming"), 1);
    testing_turn(s);
    assert_ok(files_tidy(&s->r, &s->e), s->e);
    assert_ok(relay_verify(&s->r, &s->t, &s->e), s->e);
    assert_int_equal(s->t.taken, 1);
    assert_int_equal(s->t.records, records);
}

static void want_of_a_thread_refuses_no_bundle(void **state) {
    struct site *s = *state;
    struct gf_buf b;
    size_t size = 0;

    testing_enrol(s, &kit_site);
    gf_buf_init(&b, 16 << 20);
    put_lines(&b, MANY);
    const struct testing_request q = {.seq = 1, .lines = b.data};
    testing_send(s, &q, NULL);
    assert_ok(relay_intake(&s->r, s->d, &s->t, &s->e), s->e);
    size_t before = testing_count("/proc/self", "fd");
    assert_int_equal(threads_forbid(1, &size), 0);
    assert_ok(relay_verify(&s->r, &s->t, &s->e), s->e);
    assert_int_equal(threads_forbid(0, &size), 0);
    assert_int_equal(testing_count("/proc/self", "fd"), before);
    assert_waits_and_is_taken(s, MANY);
    gf_buf_free(&b);
}

/* Once a record is in the ledger nothing can be opened any more. */
static void forbid_to_open(void *arg, int what, const char *db, const char *table,
                           sqlite3_int64 row) {
    const struct rlimit none = {0, *(rlim_t *)arg};
    (void)what;
    (void)db;
    (void)row;

    if (strcmp(table, "record") == 0)
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
}

static void want_of_descriptors_refuses_no_bundle(void **state) {
    struct gf_id id = new_id();
    struct site *s = *state;
    struct rlimit was;
    struct gf_buf b;

    testing_enrol(s, &kit_site);
    gf_buf_init(&b, 16 << 20);
    put_lines(&b, LEDGER_TAKE_MOST);
    testing_line(&b, &id, "metrics", GF_BODY_FILE, "files/body.bin", 0);
    const struct testing_request q = {.seq = 1, .lines = b.data, .file = "the body"};
    testing_send(s, &q, NULL);
    assert_ok(relay_intake(&s->r, s->d, &s->t, &s->e), s->e);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
    (void)sqlite3_update_hook(s->r.ledger->db.handle, forbid_to_open, &was.rlim_max);
    assert_ok(relay_verify(&s->r, &s->t, &s->e), s->e);
    (void)sqlite3_update_hook(s->r.ledger->db.handle, NULL, NULL);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
    assert_waits_and_is_taken(s, LEDGER_TAKE_MOST + 1);
    gf_buf_free(&b);
}

/* ---- what a bundle may cost ---- */

static int count_steps(void *arg) {
    *(int64_t *)arg += 1;
    return 0;
}

/* The next bundle, of MANY records and so many files that none of them names: what the database
 * does meanwhile, in hundreds of its steps. */
static int64_t steps_of(struct site *s, int64_t seq, size_t files) {
    int64_t steps = 0;
    struct gf_buf b;

    gf_buf_init(&b, 16 << 20);
    put_lines(&b, MANY);
    const struct testing_request q = {.seq = seq, .lines = b.data, .others = files};
    testing_send(s, &q, NULL);
    sqlite3_progress_handler(s->r.ledger->db.handle, 100, count_steps, &steps);
    testing_take(s);
    sqlite3_progress_handler(s->r.ledger->db.handle, 0, NULL, NULL);
    gf_buf_free(&b);
    return steps;
}

static void files_that_no_record_names_cost_the_ledger_nothing(void **state) {
    struct site *s = *state;

    testing_enrol(s, &kit_site);
    int64_t without = steps_of(s, 1, 0);
    int64_t with = steps_of(s, 2, 300);
    assert_int_equal(testing_records(s, -1), 2 * (int64_t)MANY);
    assert_int_equal(testing_count(s->state, "files"), 0);
    assert_true(without > 0);
    assert_in_range(with, 0, without + without / 5);
}

int main(void) {
#define T(f) cmocka_unit_test_setup_teardown(f, testing_setup, testing_teardown)
    const struct CMUnitTest tests[] = {
        T(a_bad_line_behind_good_ones_leaves_none_of_them),
        T(every_record_of_a_large_bundle_is_taken_and_told),
        T(records_with_files_have_the_digests_of_the_files),
        T(a_record_whose_file_is_missing_takes_the_others_with_it),
        T(want_of_a_thread_refuses_no_bundle),
        T(want_of_descriptors_refuses_no_bundle),
        T(files_that_no_record_names_cost_the_ledger_nothing),
    };
    return cmocka_run_group_tests(tests, kit_setup, kit_teardown);
}
