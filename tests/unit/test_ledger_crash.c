/*
 * test_ledger_crash.c -- a relay that is killed at any moment: what the ledger has said stays true.
 */
#include "relay_testing.h"

#include <errno.h>
#include <poll.h>
#include <sys/wait.h>
#include <time.h>

#define ROUNDS 100

/* What the child reports through a pipe, once the ledger has returned 0. */
enum op { TAKEN, SENDING, SETTLED, NUMBER, RESPONDED };
struct report {
    enum op op;
    struct gf_id id; /* of a record, or of a response */
    int64_t value;   /* state, or number */
};

static void say(int fd, enum op op, const struct gf_id *id, int64_t value) {
    struct report r;
    memset(&r, 0, sizeof r);
    r.op = op;
    r.id = *id;
    r.value = value;
    if (write(fd, &r, sizeof r) != (ssize_t)sizeof r)
        _exit(9);
}

/* ---- the child: takes, sends, settles and tells for ever ---- */

static int work_on(void *arg, const struct ledger_record *r, struct gf_err *e) {
    (void)e;
    *(struct ledger_record *)arg = *r;
    return 0;
}

static void take_one(struct site *s, struct ledger *l, int out) {
    struct gf_header h = {.from = kit_site.card.identity, .seq = 1};
    struct gf_hash d;
    struct gf_record r;

    gf_digest_random(&h.stream, sizeof h.stream);
    gf_digest_random(&h.id, sizeof h.id);
    gf_digest_256(&h, sizeof h, &d);
    char *line = testing_record(s, "metrics", "{}", 1);
    if (gf_record_parse(line, strlen(line), &r, &s->e) == -1 || ledger_begin(l, &s->e) == -1)
        _exit(2);
    int rc = ledger_take_bundle(l, &h, &d, NOW, &s->e);
    const struct ledger_arrival a = testing_arrival(&r, line, strlen(line));
    if (rc == 0)
        rc = ledger_take_records(l, &a, 1, NOW, &s->e);
    if (ledger_end(l, rc, &s->e) != 1)
        _exit(3);
    say(out, TAKEN, &s->id, LEDGER_RECEIVED);
    gf_record_free(&r);
    free(line);
}

static void send_one(struct site *s, struct ledger *l, int out) {
    const struct ledger_answer a = {.status = 200, .body = "yes", .len = 3};
    struct ledger_record r;

    struct ledger_cursor at = {0, 0};
    int rc = ledger_due(l, "metrics", NOW, 1, &at, work_on, &r, &s->e);
    if (rc == 0)
        return;
    if (rc == -1 || ledger_sending(l, &(int64_t){r.row}, 1, "e", NOW, &s->e) == -1)
        _exit(4);
    say(out, SENDING, &r.id, LEDGER_SENDING);
    int end = r.id.b[15] % 3;
    rc = end == 0   ? ledger_answered(l, r.row, GF_GUARANTEE_ONCE, &a, NOW, &s->e)
         : end == 1 ? ledger_rejected(l, r.row, "no", NOW, &s->e)
                    : ledger_expired(l, r.row, "old", NOW, &s->e);
    if (rc == -1)
        _exit(5);
    say(out, SETTLED, &r.id, LEDGER_DELIVERED + end);
}

static void tell_one(struct site *s, struct ledger *l, int out) {
    struct ledger_told told;
    struct ledger_seq seq;
    struct gf_hash d;

    memset(&told, 0, sizeof told);
    if (ledger_take_seq(l, &kit_site.card.identity, &seq, &s->e) == -1)
        _exit(6);
    say(out, NUMBER, &seq.stream, seq.seq);
    if (ledger_news(l, &kit_site.card.agent, testing_note, &told, &s->e) == -1)
        _exit(7);
    struct gf_header h = {.to = kit_site.card.identity, .stream = seq.stream, .seq = seq.seq};
    gf_digest_random(&h.id, sizeof h.id);
    gf_digest_256(&h, sizeof h, &d);
    if (ledger_responded(l, &kit_site.card.agent, &h, &d, &told, 1, NOW, &s->e) == -1)
        _exit(8);
    say(out, RESPONDED, &h.id, seq.seq);
}

static void run_child(struct site *s, int out) {
    struct ledger *l = NULL;

    if (ledger_open(s->state, &l, &s->e) == -1)
        _exit(1);
    for (unsigned i = 0;; i++) {
        take_one(s, l, out);
        if (i % 2)
            take_one(s, l, out);
        send_one(s, l, out);
        tell_one(s, l, out);
    }
}

/* ---- the parent: kills, and compares what was said with what is there ---- */

struct tally {
    struct report *said;
    size_t n, room;
    int64_t number; /* highest that was taken */
};

static void listen_to(struct tally *t, int fd) {
    struct report r;

    while (read(fd, &r, sizeof r) == (ssize_t)sizeof r) {
        if (t->n == t->room) {
            t->room = t->room ? 2 * t->room : 1024;
            t->said = realloc(t->said, t->room * sizeof *t->said);
            assert_non_null(t->said);
        }
        if (r.op == NUMBER) {
            /* A number is given out once, whatever happened after it was. */
            assert_true(r.value > t->number);
            t->number = r.value;
        }
        t->said[t->n++] = r;
    }
}

struct seen {
    struct gf_id id;
    enum ledger_state state;
};
struct book {
    struct seen *list;
    size_t n;
};

static int enter(void *arg, const struct ledger_record *r, struct gf_err *e) {
    struct book *b = arg;
    (void)e;
    b->list = realloc(b->list, (b->n + 1) * sizeof *b->list);
    b->list[b->n++] = (struct seen){.id = r->id, .state = r->state};
    /* An attempt that was made is counted before it leaves. */
    assert_true(r->state == LEDGER_RECEIVED ? r->attempts == 0 : r->attempts > 0);
    return 0;
}

static int by_id(const void *a, const void *b) {
    return memcmp(a, b, sizeof(struct gf_id));
}

static void compare(struct site *s, const struct tally *t) {
    struct ledger *l = NULL;
    struct book b = {0};
    struct ledger_response *open_ones = NULL;
    size_t n = 0;

    assert_ok(ledger_open(s->state, &l, &s->e), s->e);
    assert_ok(ledger_walk(l, -1, enter, &b, &s->e), s->e);
    assert_ok(ledger_open_responses(l, NULL, &open_ones, &n, &s->e), s->e);
    if (b.n > 0)
        qsort(b.list, b.n, sizeof *b.list, by_id);
    if (n > 0)
        qsort(open_ones, n, sizeof *open_ones, by_id);
    for (size_t i = 1; i < b.n; i++)
        assert_true(by_id(&b.list[i - 1], &b.list[i]) < 0);
    for (size_t i = 0; i < t->n; i++) {
        const struct report *r = &t->said[i];
        if (r->op == NUMBER)
            continue;
        if (r->op == RESPONDED) {
            assert_non_null(bsearch(&r->id, open_ones, n, sizeof *open_ones, by_id));
            continue;
        }
        const struct seen *found = bsearch(&r->id, b.list, b.n, sizeof *b.list, by_id);
        assert_non_null(found);
        if (r->op == SETTLED)
            assert_int_equal(found->state, r->value);
        if (r->op == SENDING)
            assert_true(found->state == LEDGER_SENDING || found->state >= LEDGER_DELIVERED);
    }
    free(b.list);
    free(open_ones);
    ledger_close(l);
}

static void a_killed_relay_has_done_all_that_it_said(void **state) {
    struct site *s = *state;
    struct tally t = {0};
    unsigned seed = (unsigned)time(NULL);

    print_message("seed %u\n", seed);
    testing_enrol(s, &kit_site);
    ledger_close(s->r.ledger);
    s->r.ledger = NULL;
    for (int round = 0; round < ROUNDS; round++) {
        int fds[2];
        int status = 0;
        assert_int_equal(pipe(fds), 0);
        pid_t pid = fork();
        if (pid == 0) {
            (void)close(fds[0]);
            run_child(s, fds[1]);
        }
        (void)close(fds[1]);
        /* Every other one is killed once it is at work, however slow the machine is. */
        if (round % 2)
            assert_int_equal(poll(&(struct pollfd){.fd = fds[0], .events = POLLIN}, 1, 60000), 1);
        (void)usleep((useconds_t)(rand_r(&seed) % 25000));
        (void)kill(pid, SIGKILL);
        listen_to(&t, fds[0]);
        (void)close(fds[0]);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        if (round % 10 == 9)
            compare(s, &t);
    }
    assert_true(t.n >= ROUNDS / 2);
    free(t.said);
    assert_ok(ledger_open(s->state, &s->r.ledger, &s->e), s->e);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_killed_relay_has_done_all_that_it_said, testing_setup,
                                        testing_teardown),
    };
    return cmocka_run_group_tests(tests, kit_setup, kit_teardown);
}
