/*
 * test_db.c -- common/db: what a database promises, and what it refuses.
 */
#include <errno.h>
#include <sqlite3.h>
#include <sys/vfs.h>
#include <sys/wait.h>

#include "unit/file_tools.h"

#include "common/db.h"

static const char *const steps[] = {
    "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT UNIQUE, data BLOB) STRICT;"
    "CREATE INDEX t_data ON t (data)",
    "ALTER TABLE t ADD COLUMN extra INTEGER",
    NULL,
};
static const struct db_schema schema = {.application_id = 0x47465431, .steps = steps};

/* The file system that the next look will see; 0: the real one. Stands in the place of the C
 * library's function, whose parameters have these names. */
static long shown_magic;
int fstatfs(int __fildes, struct statfs *__buf) {
    char path[64];

    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", __fildes);
    int rc = statfs(path, __buf);
    if (shown_magic != 0)
        __buf->f_type = shown_magic;
    return rc;
}

static const char *db_path(void) {
    static char path[600];
    (void)snprintf(path, sizeof path, "%s/a.db", root);
    return path;
}

static void open_db(struct db *d) {
    struct gf_err e = {GF_OK, ""};
    if (db_open(db_path(), &schema, d, &e) == -1)
        fail_msg("%s", e.text);
}

static void run(struct db *d, const char *sql) {
    struct gf_err e = {GF_OK, ""};
    if (db_run(d, &e, sql, "") == -1)
        fail_msg("%s", e.text);
}

static int64_t number(struct db *d, const char *sql) {
    struct gf_err e = {GF_OK, ""};
    int64_t n = -1;
    if (db_number(d, &n, -2, &e, sql, "") == -1)
        fail_msg("%s", e.text);
    return n;
}

static void assert_refused(enum gf_code code, const char *words) {
    struct db d;
    struct gf_err e = {GF_OK, ""};
    assert_int_equal(db_open(db_path(), &schema, &d, &e), -1);
    assert_int_equal(e.code, code);
    if (strstr(e.text, words) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", e.text, words);
    db_close(&d);
}

/* Leave the database as a process does that is killed after a change. */
static void crash(const char *sql) {
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        struct db d;
        struct gf_err e;
        if (db_open(db_path(), &schema, &d, &e) == -1 || db_run(&d, &e, sql, "") == -1)
            _exit(1);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

/* An index that has forgotten a row: found by quick_check alone. */
static void forget_in_index(void) {
    struct db d;
    open_db(&d);
    run(&d, "INSERT INTO t (name, data) VALUES ('a', x'01'), ('b', x'02')");
    db_close(&d);
    sqlite3 *h;
    assert_int_equal(sqlite3_open(db_path(), &h), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(h,
                     "PRAGMA writable_schema = ON;"
                     "UPDATE sqlite_schema SET sql = 'CREATE TABLE t (id INTEGER PRIMARY KEY, "
                     "name TEXT UNIQUE, data BLOB NOT NULL, extra INTEGER) STRICT' WHERE name = "
                     "'t'; PRAGMA writable_schema = RESET; ",
                     NULL, NULL, NULL),
        SQLITE_OK);
    sqlite3_close(h);
    assert_int_equal(sqlite3_open(db_path(), &h), SQLITE_OK);
    assert_int_equal(sqlite3_exec(h,
                                  "PRAGMA writable_schema = ON;"
                                  "UPDATE sqlite_schema SET sql = replace(sql, ' NOT NULL', '')"
                                  " WHERE name = 't'; PRAGMA writable_schema = RESET;"
                                  "UPDATE t SET data = NULL WHERE id = 1;"
                                  "PRAGMA writable_schema = ON;"
                                  "UPDATE sqlite_schema SET sql = replace(sql, 'data BLOB', 'data "
                                  "BLOB NOT NULL') WHERE name = 't'",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(h);
}

/* ---- opening ---- */

static void the_settings_are_in_force(void **state) {
    struct db d;
    struct gf_err e;
    (void)state;
    open_db(&d);
    assert_int_equal(number(&d, "PRAGMA synchronous"), 3);
    assert_int_equal(number(&d, "PRAGMA foreign_keys"), 1);
    assert_int_equal(number(&d, "PRAGMA secure_delete"), 1);
    assert_int_equal(number(&d, "PRAGMA cell_size_check"), 1);
    assert_int_equal(number(&d, "PRAGMA temp_store"), 2);
    assert_int_equal(number(&d, "PRAGMA mmap_size"), 0);
    assert_int_equal(number(&d, "PRAGMA busy_timeout"), 10000);
    assert_int_equal(number(&d, "PRAGMA trusted_schema"), 0);
    struct db_query q;
    assert_int_equal(db_query(&d, &q, &e, "PRAGMA journal_mode", ""), 0);
    assert_int_equal(db_next(&q, &e), 1);
    assert_string_equal(db_text(&q, 0), "truncate");
    db_done(&q);
    assert_int_equal(db_run(&d, &e, "ATTACH ':memory:' AS other", ""), -1);
    assert_int_equal(db_run(&d, &e, "SELECT load_extension('x')", ""), -1);
    assert_int_equal(db_run(&d, &e, "SELECT \"no such column\"", ""), -1);
    assert_int_equal(db_run(&d, &e, "INSERT INTO t (data) VALUES (zeroblob(16777217))", ""), -1);
    assert_int_equal(e.code, GF_E_LIMIT);
    run(&d, "PRAGMA writable_schema = ON"); /* DEFENSIVE makes it of no effect */
    assert_int_equal(db_run(&d, &e, "UPDATE sqlite_schema SET sql = ''", ""), -1);
    db_close(&d);
}

static void the_file_is_private_whatever_the_umask(void **state) {
    static const mode_t masks[] = {0, 0777};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct db d;
        mode_t old = umask(masks[i]);
        open_db(&d);
        umask(old);
        run(&d, "INSERT INTO t (name) VALUES ('x')");
        assert_int_equal(mode_of("a.db"), 0600);
        assert_int_equal(mode_of("a.db-journal"), 0600);
        assert_int_equal(mode_of("a.db-open"), 0600);
        db_close(&d);
        empty_dir(dir);
    }
    put("a.db", "");
    struct db d;
    open_db(&d);
    assert_int_equal(mode_of("a.db"), 0600);
    db_close(&d);
}

static void a_directory_open_to_others_is_refused(void **state) {
    struct db d;
    (void)state;

    assert_int_equal(chmod(root, 0701), 0);
    assert_refused(GF_E_CONFIG, "chmod 700");
    assert_int_equal(chmod(root, 0750), 0);
    assert_refused(GF_E_CONFIG, "chmod 700");
    assert_int_equal(entries(), 0);

    /* Whose group may only pass through is fine. */
    assert_int_equal(chmod(root, 0710), 0);
    open_db(&d);
    db_close(&d);
    assert_int_equal(chmod(root, 0700), 0);
}

static void a_file_system_that_cannot_hold_it_is_refused(void **state) {
    static const long bad[] = {0x4d44, 0x2011bab0, 0x65735546, 0x6969, 0xff534d42, 0x01021997};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        shown_magic = bad[i];
        assert_refused(GF_E_CREATE, "put the state directory on a local disk");
    }
    shown_magic = (long)(int)0xff534d42; /* as a 32-bit kernel shows it */
    assert_refused(GF_E_CREATE, "CIFS");
    shown_magic = 0;
    assert_int_equal(entries(), 0);
    static const long good[] = {0xef53, 0x58465342, 0x9123683e, 0x794c7630, 0x01021994};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct db d;
        shown_magic = good[i];
        open_db(&d);
        db_close(&d);
    }
    shown_magic = 0;
}

static void a_link_is_not_followed_but_one_among_the_directories_is(void **state) {
    struct db d;
    struct gf_err e;
    char path[700];
    (void)state;
    open_db(&d);
    db_close(&d);
    assert_int_equal(renameat(dir, "a.db", dir, "b.db"), 0);
    assert_int_equal(symlinkat("b.db", dir, "a.db"), 0);
    assert_refused(GF_E_CREATE, "link");
    assert_int_equal(unlinkat(dir, "a.db", 0), 0);
    assert_int_equal(symlinkat(root, dir, "way"), 0);
    (void)snprintf(path, sizeof path, "%s/way/b.db", root);
    assert_int_equal(db_open(path, &schema, &d, &e), 0);
    db_close(&d);
}

static void what_is_no_database_is_called_damaged(void **state) {
    (void)state;
    put("a.db", "this was a database once, but then somebody put a letter in its place: dear ...");
    assert_refused(GF_E_DAMAGED, "move it aside");
}

static void no_directory_is_said_so(void **state) {
    struct db d;
    struct gf_err e;
    (void)state;
    assert_int_equal(db_open("/nowhere/at/all/a.db", &schema, &d, &e), -1);
    assert_int_equal(e.code, GF_E_NOINPUT);
    assert_int_equal(db_open("/tmp/", &schema, &d, &e), -1);
    assert_int_equal(e.code, GF_E_CONFIG);
}

static void assert_none(enum db_how how, const char *words) {
    struct db d;
    struct gf_err e = {GF_OK, ""};
    assert_int_equal(db_open_as(db_path(), &schema, how, &d, &e), -1);
    assert_int_equal(e.code, GF_E_NOINPUT);
    if (strstr(e.text, words) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", e.text, words);
}

static void one_that_must_be_there_is_never_made(void **state) {
    struct db d;
    struct gf_err e;
    (void)state;
    assert_none(DB_THERE, "missing");
    assert_none(DB_READ, "missing");
    assert_int_equal(faccessat(dir, "a.db", F_OK, 0), -1);
    assert_int_equal(close(openat(dir, "a.db", O_WRONLY | O_CREAT, 0600)), 0);
    assert_none(DB_THERE, "empty");
    struct stat st;
    assert_int_equal(fstatat(dir, "a.db", &st, 0), 0);
    assert_int_equal(st.st_size, 0);
    sqlite3 *h;
    assert_int_equal(sqlite3_open(db_path(), &h), SQLITE_OK);
    assert_int_equal(sqlite3_exec(h, "CREATE TABLE x (y); DROP TABLE x", NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(h);
    assert_none(DB_THERE, "without any content");
    empty_dir(dir);
    open_db(&d);
    db_close(&d);
    assert_int_equal(db_open_as(db_path(), &schema, DB_THERE, &d, &e), 0);
    db_close(&d);
}

static void what_is_opened_for_reading_changes_no_file(void **state) {
    struct db d;
    struct gf_err e;
    (void)state;
    open_db(&d);
    run(&d, "INSERT INTO t (name) VALUES ('seen')");
    db_close(&d);
    assert_int_equal(unlinkat(dir, "a.db-open", 0), 0);
    assert_int_equal(db_open_as(db_path(), &schema, DB_READ, &d, &e), 0);
    assert_int_equal(number(&d, "SELECT count(*) FROM t WHERE name = 'seen'"), 1);
    assert_int_equal(db_run(&d, &e, "INSERT INTO t (name) VALUES ('new')", ""), -1);
    assert_int_equal(e.code, GF_E_CREATE);
    assert_int_equal(db_begin(&d, &e), -1);
    db_close(&d);
    assert_int_equal(faccessat(dir, "a.db-open", F_OK, 0), -1);
}

/* ---- migrations ---- */

static void an_old_database_is_led_on_and_keeps_its_rows(void **state) {
    const char *const first[] = {steps[0], NULL};
    struct db_schema old = {.application_id = schema.application_id, .steps = first};
    struct db d;
    struct gf_err e;
    (void)state;
    assert_int_equal(db_open(db_path(), &old, &d, &e), 0);
    run(&d, "INSERT INTO t (name) VALUES ('kept')");
    assert_int_equal(number(&d, "PRAGMA user_version"), 1);
    db_close(&d);
    open_db(&d);
    assert_int_equal(number(&d, "PRAGMA user_version"), 2);
    assert_int_equal(number(&d, "PRAGMA application_id"), schema.application_id);
    assert_int_equal(number(&d, "SELECT count(*) FROM t WHERE extra IS NULL"), 1);
    db_close(&d);
}

static void a_migration_that_fails_changes_nothing(void **state) {
    const char *const broken[] = {steps[0], "CREATE TABLE more (a INTEGER) STRICT; CREATE nonsense",
                                  NULL};
    struct db_schema bad = {.application_id = schema.application_id, .steps = broken};
    struct db d;
    struct gf_err e;
    (void)state;
    assert_int_equal(db_open(db_path(), &bad, &d, &e), -1);
    assert_int_equal(e.code, GF_E_BUG);
    open_db(&d);
    assert_int_equal(number(&d, "SELECT count(*) FROM sqlite_schema WHERE name = 'more'"), 0);
    assert_int_equal(number(&d, "PRAGMA user_version"), 2);
    db_close(&d);
}

static void a_newer_database_is_refused(void **state) {
    struct db d;
    (void)state;
    open_db(&d);
    run(&d, "PRAGMA user_version = 3");
    db_close(&d);
    assert_refused(GF_E_VERSION, "newer version");
}

static void another_programs_database_is_refused(void **state) {
    struct db d;
    struct gf_err e;
    struct db_schema other = {.application_id = 0x99, .steps = steps};
    (void)state;
    assert_int_equal(db_open(db_path(), &other, &d, &e), 0);
    db_close(&d);
    assert_refused(GF_E_CONFIG, "another program");
    empty_dir(dir);
    sqlite3 *h;
    assert_int_equal(sqlite3_open(db_path(), &h), SQLITE_OK);
    assert_int_equal(sqlite3_exec(h, "CREATE TABLE x (y)", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(h);
    assert_refused(GF_E_CONFIG, "another program");
}

/* ---- unclean ends ---- */

static void after_an_unclean_end_damage_is_found(void **state) {
    (void)state;
    forget_in_index();
    struct db d;
    open_db(&d); /* after a clean end nobody looks */
    db_close(&d);
    crash("UPDATE t SET name = 'c' WHERE id = 2");
    assert_refused(GF_E_DAMAGED, "move it aside");
    assert_refused(GF_E_DAMAGED, "NULL value in t.data"); /* and it stays refused */
}

static void a_sound_database_is_used_again_after_a_crash(void **state) {
    struct db d;
    (void)state;
    crash("INSERT INTO t (name) VALUES ('x')");
    crash("INSERT INTO t (name) VALUES ('y')");
    open_db(&d);
    assert_int_equal(number(&d, "SELECT count(*) FROM t"), 2);
    assert_holds("a.db-open", "0000000000\n"); /* who only reads is not counted */
    run(&d, "DELETE FROM t");
    assert_holds("a.db-open", "0000000001\n");
    db_close(&d);
    assert_holds("a.db-open", "0000000000\n");
}

static void a_crash_is_remembered_while_others_have_it_open(void **state) {
    struct db d;
    (void)state;
    forget_in_index();
    open_db(&d);
    crash("UPDATE t SET name = 'c' WHERE id = 2");
    run(&d, "UPDATE t SET name = 'd' WHERE id = 2");
    assert_holds("a.db-open", "0000000002\n");
    db_close(&d);
    assert_refused(GF_E_DAMAGED, "NULL value");
}

static void a_copy_without_its_count_is_checked(void **state) {
    (void)state;
    forget_in_index();
    assert_int_equal(unlinkat(dir, "a.db-open", 0), 0);
    assert_refused(GF_E_DAMAGED, "NULL value");
}

static void what_a_killed_process_did_not_commit_is_gone(void **state) {
    struct db d;
    (void)state;
    open_db(&d);
    db_close(&d);
    pid_t pid = fork();
    if (pid == 0) {
        struct gf_err e;
        if (db_open(db_path(), &schema, &d, &e) == -1 || db_begin(&d, &e) == -1)
            _exit(1);
        for (int i = 0; i < 300; i++) /* more than the cache holds, so that some reaches the disk */
            if (db_run(&d, &e, "INSERT INTO t (data) VALUES (randomblob(20000))", "") == -1)
                _exit(1);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    struct stat st;
    assert_int_equal(fstatat(dir, "a.db-journal", &st, 0), 0);
    assert_true(st.st_size > 0);
    open_db(&d);
    assert_int_equal(number(&d, "SELECT count(*) FROM t"), 0);
    db_close(&d);
}

static void damage_met_while_working_is_looked_at_next_time(void **state) {
    struct db d;
    struct gf_err e;
    (void)state;
    open_db(&d);
    run(&d, "INSERT INTO t (name, data) VALUES ('a', zeroblob(9000))");
    int64_t page = number(&d, "SELECT rootpage FROM sqlite_schema WHERE name = 't'");
    db_close(&d);
    int fd = openat(dir, "a.db", O_RDWR);
    char junk[4096];
    memset(junk, 0x5a, sizeof junk);
    assert_int_equal(pwrite(fd, junk, sizeof junk, (page - 1) * 4096), sizeof junk);
    close(fd);
    open_db(&d);
    int64_t n;
    assert_int_equal(db_number(&d, &n, 0, &e, "SELECT sum(length(data)) FROM t NOT INDEXED", ""),
                     -1);
    assert_int_equal(e.code, GF_E_DAMAGED);
    assert_non_null(strstr(e.text, "put the last backup in its place"));
    db_close(&d);
    assert_refused(GF_E_DAMAGED, "put the last backup in its place");

    /* Whoever has it knows more. */
    const struct db_schema known = {
        .application_id = schema.application_id, .steps = steps, .damaged = "ask the doctor"};
    assert_int_equal(db_open(db_path(), &known, &d, &e), -1);
    assert_int_equal(e.code, GF_E_DAMAGED);
    assert_non_null(strstr(e.text, "ask the doctor"));
    assert_null(strstr(e.text, "last backup"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FILE_TEST(the_settings_are_in_force),
        FILE_TEST(the_file_is_private_whatever_the_umask),
        FILE_TEST(a_directory_open_to_others_is_refused),
        FILE_TEST(a_file_system_that_cannot_hold_it_is_refused),
        FILE_TEST(a_link_is_not_followed_but_one_among_the_directories_is),
        FILE_TEST(what_is_no_database_is_called_damaged),
        FILE_TEST(no_directory_is_said_so),
        FILE_TEST(one_that_must_be_there_is_never_made),
        FILE_TEST(what_is_opened_for_reading_changes_no_file),
        FILE_TEST(an_old_database_is_led_on_and_keeps_its_rows),
        FILE_TEST(a_migration_that_fails_changes_nothing),
        FILE_TEST(a_newer_database_is_refused),
        FILE_TEST(another_programs_database_is_refused),
        FILE_TEST(after_an_unclean_end_damage_is_found),
        FILE_TEST(a_sound_database_is_used_again_after_a_crash),
        FILE_TEST(a_crash_is_remembered_while_others_have_it_open),
        FILE_TEST(a_copy_without_its_count_is_checked),
        FILE_TEST(what_a_killed_process_did_not_commit_is_gone),
        FILE_TEST(damage_met_while_working_is_looked_at_next_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
