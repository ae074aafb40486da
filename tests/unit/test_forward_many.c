/*
 * test_forward_many.c -- relay/forward.c: many at once, none lost and none sent twice where that
 * does harm, and no endpoint waits for another.
 */
#include "forward_testing.h"
#include "http_crowd.h"
#include "relay/ledger/ledger_operator.h"

#include <sqlite3.h>
#include <sys/wait.h>

#define BUSY "HTTP/1.1 500 No\r\nContent-Length: 4\r\n\r\nbusy"

/* Endpoint "e" for channel "c" with these lines more, and "f" for "d" at another port. */
static void configure_at(struct site *s, int port, const char *lines, int other) {
    char more[512];
    (void)snprintf(more, sizeof more,
                   "%s[endpoint \"f\"]\nchannel = d\nurl = http://127.0.0.1:%d/other\n", lines,
                   other);
    config_free(s->r.config);
    s->r.config = endpoint_at(s->path, port, more);
}

static int count(const struct rows *rows, enum ledger_state state) {
    int n = 0;
    for (size_t i = 0; i < rows->n; i++)
        n += rows->row[i].state == state;
    return n;
}

static void as_many_requests_as_configured_are_under_way_and_not_more(void **state) {
    struct site *s = *state;
    struct crowd *crowd = crowd_start(20, -1, "");

    arrive_many(s, "c", 120, 0);
    configure_at(s, crowd->port, "connections = 5\n", 1);
    forward(s, 20);
    crowd_stop(crowd);
    assert_int_equal(s->t.delivered, 120);
    assert_int_equal(crowd->requests, 120);
    assert_int_equal(crowd->at_once, 5);
    assert_int_equal(crowd->connections, 5);
    crowd_free(crowd);
}

static void a_slow_endpoint_keeps_no_other_waiting(void **state) {
    struct site *s = *state;
    struct crowd *slow = crowd_start(60000, -1, "");
    struct crowd *quick = crowd_start(0, -1, "");

    arrive_many(s, "c", 20, 0);
    arrive_many(s, "d", 100, 0);
    configure_at(s, slow->port, "", quick->port);
    forward(s, 2);
    crowd_stop(slow);
    crowd_stop(quick);
    assert_int_equal(s->t.delivered, 100);
    assert_int_equal(quick->requests, 100);
    struct rows rows = rows_of(s);
    assert_int_equal(count(&rows, LEDGER_DELIVERED), 100);
    crowd_free(slow);
    crowd_free(quick);
}

static void what_was_marked_and_did_not_go_counts_no_attempt(void **state) {
    struct site *s = *state;
    struct crowd *crowd = crowd_start(1, 40, BUSY);

    arrive_many(s, "c", 200, 0);
    configure_at(s, crowd->port, "connections = 2\n", 1);
    forward(s, 20);
    crowd_stop(crowd);
    struct rows rows = rows_of(s);
    assert_int_equal(count(&rows, LEDGER_DELIVERED), 40);
    assert_int_equal(count(&rows, LEDGER_LATER), 160);
    int tried = 0;
    for (size_t i = 0; i < rows.n; i++) {
        tried += rows.row[i].attempts != 0;
        assert_true(rows.row[i].attempts <= 1);
    }
    assert_int_equal(tried, crowd->requests);
    assert_true(crowd->requests <= 45);
    crowd_free(crowd);
}

/* One record, being sent since this time when the relay died. */
static int64_t interrupt(struct site *s, int64_t at) {
    arrive_many(s, "c", 1, 0);
    int64_t row = testing_find(s, &s->id).row;
    assert_ok(ledger_sending(s->r.ledger, &(int64_t){row}, 1, "e", at, &s->e), s->e);
    return row;
}

static void what_a_crash_left_is_sent_again_only_where_that_does_no_harm(void **state) {
    static const struct {
        const char *lines;
        int64_t age;
        int sent;
    } cases[] = {
        {"idempotency = key\n", 23 * 3600, 1},
        {"idempotency = key\n", 25 * 3600, 0},
        {"idempotency = key\nidempotency_retention = 7d\n", 25 * 3600, 1},
        {"idempotency = natural\n", 1000 * 3600, 1},
        {"idempotency = none\n", 1, 0},
    };
    struct site *s = *state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct crowd *crowd = crowd_start(0, -1, "");
        configure_at(s, crowd->port, cases[i].lines, 1);
        (void)interrupt(s, NOW - cases[i].age);
        forward(s, 10);
        crowd_stop(crowd);
        if (crowd->requests != cases[i].sent)
            fail_msg("%s", cases[i].lines);
        struct rows rows = rows_of(s);
        const struct row *row = &rows.row[rows.n - 1];
        assert_int_equal(row->state, cases[i].sent ? LEDGER_DELIVERED : LEDGER_HELD);
        if (!cases[i].sent)
            assert_non_null(strstr(row->reason, "may have arrived"));
        crowd_free(crowd);
    }
}

static void who_releases_what_is_in_doubt_gets_at_least_once(void **state) {
    struct site *s = *state;
    struct crowd *crowd = crowd_start(0, -1, "");
    int64_t n = 0;

    configure_at(s, crowd->port, "", 1);
    (void)interrupt(s, NOW - 30 * 3600);
    forward(s, 10);
    assert_int_equal(rows_of(s).row[0].state, LEDGER_HELD);
    assert_ok(ledger_release(s->r.ledger, &(struct ledger_filter){LEDGER_ANY}, NOW, &n, &s->e),
              s->e);
    forward(s, 10);
    crowd_stop(crowd);
    assert_int_equal(rows_of(s).row[0].state, LEDGER_DELIVERED);
    assert_int_equal(told_guarantee(s), GF_GUARANTEE_LEAST);
    crowd_free(crowd);
}

/* One that waits, in doubt for so long that the endpoint has forgotten its key, and is released:
 * what becomes of it, and after how many requests. */
static void retry(struct site *s, int by_id, enum ledger_state want, int requests) {
    struct ledger_filter f = {.first = LEDGER_LATER, .last = LEDGER_LATER};
    struct crowd *crowd = crowd_start(0, -1, "");
    int64_t n = 0;

    configure_at(s, crowd->port, "", 1);
    int64_t row = interrupt(s, NOW - 30 * 3600);
    f.record = by_id ? &s->id : NULL;
    assert_ok(ledger_doubt(s->r.ledger, row, &s->e), s->e);
    assert_ok(ledger_later(s->r.ledger, row, "busy", NOW + 100, 0, NOW - 30 * 3600, &s->e), s->e);
    assert_ok(ledger_release(s->r.ledger, &f, NOW, &n, &s->e), s->e);
    assert_int_equal(n, 1);
    forward(s, 10);
    crowd_stop(crowd);
    assert_int_equal(rows_of(s).row[0].state, want);
    assert_int_equal(crowd->requests, requests);
    crowd_free(crowd);
}

static void who_names_one_record_that_waits_in_doubt_gets_it_sent(void **state) {
    retry(*state, 1, LEDGER_DELIVERED, 1);
    assert_int_equal(told_guarantee(*state), GF_GUARANTEE_LEAST);
}

static void who_names_none_is_asked_about_what_waits_in_doubt(void **state) {
    retry(*state, 0, LEDGER_HELD, 0);
}

static void what_was_released_once_can_be_in_doubt_again(void **state) {
    struct site *s = *state;
    struct crowd *crowd = crowd_start(0, -1, "");
    int64_t n = 0;

    configure_at(s, crowd->port, "idempotency = none\n", 1);
    int64_t row = interrupt(s, NOW - 30);
    forward(s, 10);
    assert_int_equal(rows_of(s).row[0].state, LEDGER_HELD);
    assert_int_equal(rows_of(s).row[0].doubt, NOW - 30);
    assert_ok(ledger_release(s->r.ledger, &(struct ledger_filter){LEDGER_ANY}, NOW, &n, &s->e),
              s->e);
    assert_int_equal(rows_of(s).row[0].doubt, 0);
    assert_int_equal(rows_of(s).row[0].released, 1);

    /* Again a crash while it is sent, so again a person decides. */
    assert_ok(ledger_sending(s->r.ledger, &row, 1, "e", NOW - 7, &s->e), s->e);
    forward(s, 10);
    crowd_stop(crowd);
    assert_int_equal(crowd->requests, 0);
    assert_int_equal(rows_of(s).row[0].state, LEDGER_HELD);
    assert_int_equal(rows_of(s).row[0].doubt, NOW - 7);
    crowd_free(crowd);
}

/* Another process writes to the ledger for longer than anybody waits, from the moment on that a
 * record is under way. */
static pid_t occupy(const struct site *s, int seconds) {
    pid_t pid = fork();
    char path[200];

    if (pid != 0)
        return pid;
    sqlite3 *db = NULL;
    sqlite3_stmt *q = NULL;
    (void)snprintf(path, sizeof path, "%s/relay.db", s->state);
    int sending = 0;
    if (sqlite3_open(path, &db) != SQLITE_OK)
        _exit(1);
    (void)sqlite3_busy_timeout(db, 5000);
    while (!sending) {
        if (sqlite3_prepare_v2(db, "SELECT count(*) FROM record WHERE state = 1", -1, &q, NULL) !=
                SQLITE_OK ||
            sqlite3_step(q) != SQLITE_ROW)
            _exit(2);
        sending = sqlite3_column_int(q, 0);
        (void)sqlite3_finalize(q);
        (void)usleep(10000);
    }
    if (sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
        _exit(3);
    (void)sleep((unsigned)seconds);
    _exit(sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL) == SQLITE_OK ? 0 : 4);
}

static void answers_are_kept_while_the_ledger_is_busy(void **state) {
    struct site *s = *state;
    struct crowd *crowd = crowd_start(1000, -1, "");
    int status = 0;

    configure_at(s, crowd->port, "", 1);
    arrive_many(s, "c", 1, 0);
    pid_t other = occupy(s, 13);
    forward(s, 60);
    assert_int_equal(waitpid(other, &status, 0), other);
    assert_int_equal(status, 0);
    crowd_stop(crowd);
    assert_int_equal(crowd->requests, 1);
    assert_int_equal(s->t.delivered, 1);
    assert_int_equal(rows_of(s).row[0].state, LEDGER_DELIVERED);
    crowd_free(crowd);
}

/* Another reader, who keeps a transaction from being written down. */
struct reader {
    const struct site *site;
    const struct crowd *crowd;
    int writes;       /* 1: it lets nobody else write */
    int marked;       /* records that were sent, or might be, by what is durable */
    int first, last;  /* requests when it was to be written down, and when no more came */
    const char *said; /* what went wrong; NULL: nothing */
    pthread_t thread;
};

static int ask(sqlite3 *db, const char *sql, int *out) {
    sqlite3_stmt *q = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &q, NULL);

    if (rc == SQLITE_OK)
        rc = sqlite3_step(q);
    if (rc == SQLITE_ROW)
        *out = sqlite3_column_int(q, 0);
    (void)sqlite3_finalize(q);
    return rc == SQLITE_ROW ? 0 : rc;
}

static const char *read_on(struct reader *r, sqlite3 *db, sqlite3 *other) {
    int n;

    for (int i = 0; i < 5000 && r->crowd->requests < 200; i++)
        (void)usleep(1000);
    if (sqlite3_exec(db, r->writes ? "BEGIN IMMEDIATE" : "BEGIN", NULL, NULL, NULL) != SQLITE_OK ||
        ask(db, "SELECT count(*) FROM record WHERE state <> 0", &r->marked) != 0)
        return "cannot read";
    /* Nobody else may begin to read once a writer waits for those who do. */
    int waits = r->writes;
    for (int i = 0; i < 5000 && !waits; i++) {
        waits = ask(other, "SELECT count(*) FROM sqlite_schema", &n) == SQLITE_BUSY;
        (void)usleep(1000);
    }
    r->first = r->last = r->crowd->requests;
    for (int quiet = 0; quiet < 30 && r->last < r->first + 2000; quiet++) {
        (void)usleep(10000);
        quiet = r->crowd->requests == r->last ? quiet : 0;
        r->last = r->crowd->requests;
    }
    return waits ? NULL : "nothing is written down";
}

static void *read_while(void *arg) {
    struct reader *r = arg;
    sqlite3 *db[2] = {NULL, NULL};
    char path[200];

    (void)snprintf(path, sizeof path, "%s/relay.db", r->site->state);
    r->said = "cannot open";
    if (sqlite3_open(path, &db[0]) == SQLITE_OK && sqlite3_open(path, &db[1]) == SQLITE_OK) {
        (void)sqlite3_busy_timeout(db[0], 5000);
        r->said = read_on(r, db[0], db[1]);
    }
    (void)sqlite3_close(db[0]);
    (void)sqlite3_close(db[1]);
    return NULL;
}

static void what_is_durable_goes_on_while_the_ledger_is_written_and_nothing_else(void **state) {
    struct site *s = *state;
    struct crowd *crowd = crowd_start(1, -1, "");
    struct reader r = {.site = s, .crowd = crowd};

    arrive_many(s, "c", 3000, 0);
    configure_at(s, crowd->port, "connections = 4\n", 1);
    assert_int_equal(pthread_create(&r.thread, NULL, read_while, &r), 0);
    forward(s, 60);
    assert_int_equal(pthread_join(r.thread, NULL), 0);
    crowd_stop(crowd);
    assert_null(r.said);
    assert_true(r.last > r.first);
    assert_true(r.last <= r.marked);
    assert_int_equal(s->t.delivered, 3000);
    assert_int_equal(crowd->requests, 3000);
    crowd_free(crowd);
}

static void what_is_durable_goes_on_while_another_process_writes(void **state) {
    struct site *s = *state;
    struct crowd *crowd = crowd_start(1, -1, "");
    struct reader r = {.site = s, .crowd = crowd, .writes = 1};

    arrive_many(s, "c", 3000, 0);
    configure_at(s, crowd->port, "connections = 4\n", 1);
    assert_int_equal(pthread_create(&r.thread, NULL, read_while, &r), 0);
    forward(s, 60);
    assert_int_equal(pthread_join(r.thread, NULL), 0);
    crowd_stop(crowd);
    assert_null(r.said);
    assert_true(r.marked < 3000);
    assert_int_equal(r.last, r.marked);
    assert_int_equal(s->t.delivered, 3000);
    assert_int_equal(crowd->requests, 3000);
    crowd_free(crowd);
}

static void no_answer_is_doubt_and_a_refusal_to_listen_is_none(void **state) {
    struct site *s = *state;
    struct crowd *crowd = crowd_start(0, 0, "");
    int port;

    int fd = server_socket(&port);
    (void)close(fd);
    arrive_many(s, "c", 1, 0);
    configure_at(s, port, "idempotency = none\n", 1);
    forward(s, 10);
    assert_int_equal(rows_of(s).row[0].state, LEDGER_LATER);
    assert_int_equal(rows_of(s).row[0].doubt, 0);

    /* The connection is closed once the request has arrived. */
    assert_ok(ledger_retry(s->r.ledger, NOW, &s->e), s->e);
    configure_at(s, crowd->port, "idempotency = key\n", 1);
    forward(s, 10);
    assert_int_equal(rows_of(s).row[0].state, LEDGER_LATER);
    assert_true(rows_of(s).row[0].doubt > 0);

    assert_ok(ledger_retry(s->r.ledger, NOW, &s->e), s->e);
    configure_at(s, crowd->port, "idempotency = none\n", 1);
    arrive_many(s, "c", 1, 0);
    forward(s, 10);
    crowd_stop(crowd);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(rows_of(s).row[i].state, LEDGER_HELD);
        assert_non_null(strstr(rows_of(s).row[i].reason, "may have arrived"));
    }
    crowd_free(crowd);
}

static int compare(const void *a, const void *b) {
    return memcmp(a, b, 33);
}

static void a_relay_killed_at_any_moment_loses_none_and_makes_up_no_key(void **state) {
    struct site *s = *state;
    struct crowd *crowd = crowd_start(1, -1, "");

    arrive_many(s, "c", 150, 0);
    configure_at(s, crowd->port, "connections = 8\n", 1);
    for (int i = 0; i < 6; i++) {
        ledger_close(s->r.ledger);
        s->r.ledger = NULL;
        pid_t pid = fork();
        if (pid == 0) {
            struct gf_err e;
            _exit(ledger_open(s->state, &s->r.ledger, &e) == 0 &&
                  relay_forward(&s->r, 60, &s->t, &e) == 0);
        }
        (void)usleep((useconds_t)(3000 + 7000 * i));
        (void)kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        assert_ok(ledger_open(s->state, &s->r.ledger, &s->e), s->e);
    }
    forward(s, 20);
    crowd_stop(crowd);
    struct rows rows = rows_of(s);
    assert_int_equal(count(&rows, LEDGER_DELIVERED), 150);
    assert_in_range(crowd->requests, 150, 999);
    qsort(crowd->keys, (size_t)crowd->requests, sizeof *crowd->keys, compare);
    int different = 1;
    for (int i = 1; i < crowd->requests; i++)
        different += compare(crowd->keys[i - 1], crowd->keys[i]) != 0;
    assert_int_equal(different, 150);
    crowd_free(crowd);
}

static void sigterm_gives_up_what_is_under_way_and_begins_nothing(void **state) {
    struct site *s = *state;
    struct crowd *crowd = crowd_start(60000, -1, "");
    int status;

    arrive_many(s, "c", 30, 0);
    configure_at(s, crowd->port, "", 1);
    ledger_close(s->r.ledger);
    s->r.ledger = NULL;
    int64_t began = crowd_ms();
    pid_t pid = fork();
    if (pid == 0) {
        struct gf_err e;
        sigset_t mask;
        (void)sigemptyset(&mask);
        (void)sigaddset(&mask, SIGTERM);
        (void)sigprocmask(SIG_SETMASK, &mask, NULL);
        _exit(ledger_open(s->state, &s->r.ledger, &e) == 0 &&
                      relay_forward(&s->r, 60, &s->t, &e) == 0
                  ? 0
                  : 1);
    }
    for (int i = 0; i < 200 && crowd->requests == 0; i++)
        (void)usleep(20000);
    assert_int_equal(kill(pid, SIGTERM), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_true(crowd_ms() - began < 10000);
    assert_ok(ledger_open(s->state, &s->r.ledger, &s->e), s->e);
    crowd_stop(crowd);
    struct rows rows = rows_of(s);
    assert_int_equal(count(&rows, LEDGER_SENDING), 1);
    assert_int_equal(count(&rows, LEDGER_RECEIVED), 29);
    crowd_free(crowd);
}

#define FORWARD_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        FORWARD_TEST(as_many_requests_as_configured_are_under_way_and_not_more),
        FORWARD_TEST(a_slow_endpoint_keeps_no_other_waiting),
        FORWARD_TEST(what_was_marked_and_did_not_go_counts_no_attempt),
        FORWARD_TEST(what_a_crash_left_is_sent_again_only_where_that_does_no_harm),
        FORWARD_TEST(who_releases_what_is_in_doubt_gets_at_least_once),
        FORWARD_TEST(who_names_one_record_that_waits_in_doubt_gets_it_sent),
        FORWARD_TEST(who_names_none_is_asked_about_what_waits_in_doubt),
        FORWARD_TEST(what_was_released_once_can_be_in_doubt_again),
        FORWARD_TEST(answers_are_kept_while_the_ledger_is_busy),
        FORWARD_TEST(what_is_durable_goes_on_while_the_ledger_is_written_and_nothing_else),
        FORWARD_TEST(what_is_durable_goes_on_while_another_process_writes),
        FORWARD_TEST(no_answer_is_doubt_and_a_refusal_to_listen_is_none),
        FORWARD_TEST(a_relay_killed_at_any_moment_loses_none_and_makes_up_no_key),
        FORWARD_TEST(sigterm_gives_up_what_is_under_way_and_begins_nothing),
    };
    return cmocka_run_group_tests(tests, kit_setup, kit_teardown);
}
