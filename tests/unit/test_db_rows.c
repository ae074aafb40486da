/*
 * test_db_rows.c -- common/db: statements, rows and transactions.
 */
#include <sqlite3.h>

#include "unit/file_tools.h"

#include "common/db.h"

static const char *const steps[] = {
    "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT UNIQUE, data BLOB) STRICT", NULL};
static const struct db_schema schema = {.application_id = 0x47465431, .steps = steps};

static struct db db;

static int open_one(struct db *d) {
    char path[600];
    struct gf_err e;
    (void)snprintf(path, sizeof path, "%s/a.db", root);
    return db_open(path, &schema, d, &e);
}

static int begin_test(void **state) {
    return set_up(state) == -1 ? -1 : open_one(&db);
}

static int end_test(void **state) {
    db_close(&db);
    return tear_down(state);
}

static void add(const char *name) {
    struct gf_err e;
    assert_int_equal(db_run(&db, &e, "INSERT INTO t (name) VALUES (?)", "t", name), 0);
}

static int64_t rows(void) {
    struct gf_err e;
    int64_t n = -1;
    assert_int_equal(db_number(&db, &n, -2, &e, "SELECT count(*) FROM t", ""), 0);
    return n;
}

static void values_come_back_as_they_went_in(void **state) {
    struct db_query q;
    struct gf_err e;
    uint8_t bytes[3] = {1, 0, 255};
    uint8_t back[3], four[4];
    size_t len;
    (void)state;
    assert_int_equal(db_run(&db, &e, "INSERT INTO t VALUES (?, ?, ?), (?, ?, ?), (?, ?, ?)",
                            "itbinbitn", INT64_MIN, "n\xc3\xa4me", bytes, sizeof bytes, INT64_MAX,
                            "", (size_t)0, (int64_t)0, NULL),
                     0);
    assert_int_equal(db_changes(&db), 3);
    assert_int_equal(
        db_query(&db, &q, &e, "SELECT * FROM t WHERE id <> ? ORDER BY id", "i", (int64_t)5), 0);
    assert_int_equal(db_next(&q, &e), 1);
    assert_true(db_int(&q, 0) == INT64_MIN);
    assert_string_equal(db_text(&q, 1), "n\xc3\xa4me");
    assert_int_equal(db_fixed(&q, 2, back, sizeof back), 0);
    assert_memory_equal(back, bytes, sizeof back);
    assert_int_equal(db_fixed(&q, 2, four, sizeof four), -1);
    assert_int_equal(db_fixed(&q, 2, back, 2), -1);
    assert_int_equal(db_next(&q, &e), 1);
    assert_int_equal(db_is_null(&q, 1), 1);
    assert_null(db_text(&q, 1));
    assert_null(db_blob(&q, 2, &len));
    assert_int_equal(len, 0);
    assert_int_equal(db_fixed(&q, 2, back, sizeof back), -1);
    assert_int_equal(db_next(&q, &e), 1);
    assert_true(db_int(&q, 0) == INT64_MAX);
    assert_int_equal(db_is_null(&q, 2), 0); /* empty, not NULL */
    assert_int_equal(db_next(&q, &e), 0);
    db_done(&q);
    db_done(&q);
}

static void arguments_of_a_query_may_go_away(void **state) {
    struct db_query q;
    struct gf_err e;
    char name[] = "abc";
    (void)state;
    add("abc");
    assert_int_equal(db_query(&db, &q, &e, "SELECT 1 FROM t WHERE name = ?", "t", name), 0);
    memset(name, 'z', sizeof name - 1);
    assert_int_equal(db_next(&q, &e), 1);
    db_done(&q);
}

static void a_number_has_a_fallback_for_no_row_and_for_null(void **state) {
    struct gf_err e;
    int64_t n = 0;
    (void)state;
    assert_int_equal(db_number(&db, &n, 7, &e, "SELECT id FROM t", ""), 0);
    assert_int_equal(n, 7);
    assert_int_equal(db_number(&db, &n, 8, &e, "SELECT max(id) FROM t", ""), 0);
    assert_int_equal(n, 8);
    assert_int_equal(db_number(&db, &n, 9, &e, "SELECT nothing", ""), -1);
    assert_int_equal(n, 8);
}

static void arguments_that_do_not_fit_are_a_bug(void **state) {
    struct gf_err e;
    (void)state;
    assert_int_equal(db_run(&db, &e, "INSERT INTO t (name) VALUES (?)", ""), -1);
    assert_int_equal(e.code, GF_E_BUG);
    assert_int_equal(db_run(&db, &e, "INSERT INTO t (name) VALUES (?)", "tt", "a", "b"), -1);
    assert_int_equal(e.code, GF_E_BUG);
    assert_int_equal(db_run(&db, &e, "INSERT INTO t (name) VALUES (?)", "x"), -1);
    assert_int_equal(e.code, GF_E_BUG);
    assert_int_equal(db_run(&db, &e, "DELETE FROM t; DELETE FROM t", ""), -1);
    assert_int_equal(e.code, GF_E_BUG);
    assert_int_equal(db_run(&db, &e, "", ""), -1);
    assert_int_equal(e.code, GF_E_BUG);
    assert_int_equal(db_run(&db, &e, "INSERT INTO t (id) VALUES (?)", "t", "not a number"), -1);
    assert_int_equal(rows(), 0);
    add("x"); /* and the statement still works */
    assert_int_equal(rows(), 1);
}

static void what_is_there_already_is_told_from_other_faults(void **state) {
    struct gf_err e;
    (void)state;
    add("x");
    assert_int_equal(db_run(&db, &e, "INSERT INTO t (name) VALUES (?)", "t", "x"), -1);
    assert_int_equal(e.code, GF_E_REPLAY);
    assert_int_equal(db_run(&db, &e, "INSERT OR IGNORE INTO t (name) VALUES (?)", "t", "x"), 0);
    assert_int_equal(db_changes(&db), 0);
}

static void a_statement_may_run_within_itself(void **state) {
    struct db_query q[6];
    struct gf_err e;
    static const char sql[] = "SELECT name FROM t WHERE id = ?";
    (void)state;
    for (int64_t i = 1; i <= 6; i++) {
        char name[2] = {(char)('a' + i), '\0'};
        assert_int_equal(db_run(&db, &e, "INSERT INTO t (id, name) VALUES (?, ?)", "it", i, name),
                         0);
    }
    for (int i = 0; i < 6; i++)
        assert_int_equal(db_query(&db, &q[i], &e, sql, "i", (int64_t)(i + 1)), 0);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(db_next(&q[i], &e), 1);
        assert_int_equal(db_text(&q[i], 0)[0], 'b' + i);
    }
    for (int i = 0; i < 6; i++)
        db_done(&q[i]);
}

static void another_text_at_the_same_address_is_another_statement(void **state) {
    struct gf_err e;
    char sql[64];
    int64_t n;
    (void)state;
    for (int64_t i = 0; i < 2000; i++) {
        (void)snprintf(sql, sizeof sql, "SELECT %lld", (long long)i);
        assert_int_equal(db_number(&db, &n, -1, &e, sql, ""), 0);
        assert_int_equal(n, i);
    }
}

static void many_statements_push_each_other_out(void **state) {
    static char sql[3000][32];
    struct gf_err e;
    struct db_query q;
    int64_t n;
    (void)state;
    add("kept");
    assert_int_equal(db_query(&db, &q, &e, "SELECT name FROM t", ""), 0);
    for (int turn = 0; turn < 2; turn++) {
        for (int i = 0; i < 3000; i++) {
            (void)snprintf(sql[i], sizeof sql[i], "SELECT %d", i);
            assert_int_equal(db_number(&db, &n, -1, &e, sql[i], ""), 0);
            assert_int_equal(n, i);
        }
    }
    assert_int_equal(db_next(&q, &e), 1);
    assert_string_equal(db_text(&q, 0), "kept");
    db_done(&q);
}

/* ---- transactions ---- */

static void what_fails_is_rolled_back_and_keeps_its_error(void **state) {
    struct gf_err e;
    (void)state;
    assert_int_equal(db_begin(&db, &e), 0);
    add("x");
    (void)gf_err_set(&e, GF_E_LICENSE, "because");
    assert_int_equal(db_end(&db, -1, &e), -1);
    assert_int_equal(e.code, GF_E_LICENSE);
    assert_string_equal(e.text, "because");
    assert_int_equal(rows(), 0);
    assert_int_equal(db_begin(&db, &e), 0);
    add("x");
    assert_int_equal(db_end(&db, 1, &e), 1); /* what the work returned is kept */
    assert_int_equal(rows(), 1);
}

static void an_inner_failure_leaves_the_outer_whole(void **state) {
    struct gf_err e;
    (void)state;
    assert_int_equal(db_begin(&db, &e), 0);
    add("before");
    assert_int_equal(db_begin(&db, &e), 0);
    add("taken back");
    assert_int_equal(db_begin(&db, &e), 0);
    add("with its outer");
    assert_int_equal(db_end(&db, 0, &e), 0);
    assert_int_equal(db_end(&db, -1, &e), -1);
    assert_int_equal(db_begin(&db, &e), 0);
    add("inner");
    assert_int_equal(db_end(&db, 0, &e), 0);
    add("after");
    assert_int_equal(db_end(&db, 0, &e), 0);
    assert_int_equal(rows(), 3);
}

static void closing_rolls_back(void **state) {
    struct gf_err e;
    (void)state;
    assert_int_equal(db_begin(&db, &e), 0);
    add("x");
    assert_int_equal(db_begin(&db, &e), 0);
    db_close(&db);
    assert_int_equal(open_one(&db), 0);
    assert_int_equal(rows(), 0);
}

static void a_full_disk_ends_the_whole_transaction(void **state) {
    struct gf_err e;
    (void)state;
    assert_int_equal(db_run(&db, &e, "PRAGMA max_page_count = 12", ""), 0);
    assert_int_equal(db_begin(&db, &e), 0);
    add("x");
    int rc = 0;
    assert_int_equal(db_begin(&db, &e), 0);
    for (int i = 0; i < 100 && rc == 0; i++)
        rc = db_run(&db, &e, "INSERT INTO t (data) VALUES (zeroblob(3000))", "");
    assert_int_equal(rc, -1);
    assert_int_equal(e.code, GF_E_CREATE);
    assert_non_null(strstr(e.text, "is full; make room"));
    assert_null(strstr(e.text, "INSERT"));
    /* Even a caller that does not look cannot commit a part, nor write outside of it. */
    assert_int_equal(db_run(&db, &e, "INSERT INTO t (name) VALUES ('y')", ""), -1);
    assert_int_equal(db_end(&db, 0, &e), -1);
    assert_int_equal(db_end(&db, 0, &e), -1);
    assert_int_equal(e.code, GF_E_SYSTEM);
    assert_int_equal(rows(), 0);
    add("x");
    assert_int_equal(rows(), 1);
}

static void a_second_writer_waits_and_is_then_told(void **state) {
    struct db other;
    struct gf_err e;
    (void)state;
    assert_int_equal(open_one(&other), 0);
    sqlite3_busy_timeout(other.handle, 50);
    assert_int_equal(db_begin(&db, &e), 0);
    add("x");
    assert_int_equal(db_begin(&other, &e), -1);
    assert_int_equal(e.code, GF_E_BUSY);
    assert_non_null(strstr(e.text, "another process"));
    assert_int_equal(db_end(&db, 0, &e), 0);
    assert_int_equal(db_begin(&other, &e), 0);
    assert_int_equal(db_run(&other, &e, "DELETE FROM t", ""), 0);
    assert_int_equal(db_end(&other, 0, &e), 0);
    db_close(&other);
    assert_int_equal(rows(), 0);
}

#define DB_TEST(f) cmocka_unit_test_setup_teardown(f, begin_test, end_test)

int main(void) {
    const struct CMUnitTest tests[] = {
        DB_TEST(values_come_back_as_they_went_in),
        DB_TEST(arguments_of_a_query_may_go_away),
        DB_TEST(a_number_has_a_fallback_for_no_row_and_for_null),
        DB_TEST(arguments_that_do_not_fit_are_a_bug),
        DB_TEST(what_is_there_already_is_told_from_other_faults),
        DB_TEST(a_statement_may_run_within_itself),
        DB_TEST(another_text_at_the_same_address_is_another_statement),
        DB_TEST(many_statements_push_each_other_out),
        DB_TEST(what_fails_is_rolled_back_and_keeps_its_error),
        DB_TEST(an_inner_failure_leaves_the_outer_whole),
        DB_TEST(closing_rolls_back),
        DB_TEST(a_full_disk_ends_the_whole_transaction),
        DB_TEST(a_second_writer_waits_and_is_then_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
