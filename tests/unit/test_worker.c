/*
 * test_worker.c -- what the worker answers to a listener that may have been taken over, and when;
 * and what a turn makes of what is put into incoming/ meanwhile.
 */
#include "worker_testing.h"

#include <sys/wait.h>
#include <time.h>

#include "gapferry/hello.h"
#include "relay/ledger/ledger_enrol.h"

/* Ask, and the answer that is there at once; 0: none yet. */
static uint32_t ask(struct site *s, struct pair *p, const struct wire_ask *a,
                    struct wire_say *answer) {
    assert_ok(wire_ask_send(p->theirs, a, &s->e), s->e);
    assert_ok(worker_hear(&p->w, &s->e), s->e);
    handed = -1;
    int rc = wire_say_next(p->theirs, answer, data, &handed, &s->e);
    assert_int_not_equal(rc, -1);
    if (rc == 1)
        assert_int_equal(answer->tag, a->tag);
    return rc == 1 ? answer->answer : 0;
}

/* One of kit_site and its question for admittance. */
static int make_asked(struct site *s, int64_t seq, struct wire_ask *a) {
    int fd = make_bundle(s, seq, a);

    a->kind = WIRE_ADMIT;
    a->tag = (uint64_t)seq;
    return fd;
}

/* The first bundle of kit_site, enrolled: admitted and written, not yet done. What stays is the
 * original. */
static int upload(struct site *s, struct pair *p, struct wire_ask *a) {
    struct wire_say answer;

    testing_enrol(s, &kit_site);
    int fd = make_asked(s, 1, a);
    assert_int_equal(ask(s, p, a, &answer), WIRE_NEW);
    assert_int_not_equal(handed, -1);
    copy_to(fd, handed);
    a->kind = WIRE_DONE;
    return fd;
}

/* What is verified now is told when that has ended. */
static void verify(struct site *s, struct pair *p) {
    worker_started(&p->w, WORKER_VERIFY);
    assert_ok(relay_verify(&s->r, &s->t, &s->e), s->e);
    worker_ended(&p->w, WORKER_VERIFY, 0);
}

static void a_hello_is_signed_for_the_nonce(void **state) {
    struct site *s = *state;
    struct wire_ask a = {.kind = WIRE_HELLO, .tag = 7};
    struct gf_hello hello;
    struct wire_say answer;
    struct pair *p = meet(s);

    memset(&a.nonce, 0x5a, sizeof a.nonce);
    assert_int_equal(ask(s, p, &a, &answer), WIRE_YES);
    assert_ok(gf_hello_verify(data, answer.len, &kit_relay.card, a.nonce.b, &hello, &s->e), s->e);
    part(p);
}

static void only_the_enrolled_are_known(void **state) {
    struct site *s = *state;
    struct wire_ask a = {.kind = WIRE_CARD, .tag = 1, .identity = kit_site.card.identity};
    struct wire_say answer;
    struct pair *p = meet(s);

    assert_int_equal(ask(s, p, &a, &answer), WIRE_NO);
    testing_enrol(s, &kit_site);
    assert_int_equal(ask(s, p, &a, &answer), WIRE_YES);
    assert_int_equal(answer.len, kit_site.card_len);
    assert_memory_equal(data, kit_site.card_text, kit_site.card_len);
    part(p);
}

static void an_upload_is_taken_when_it_is_closed_and_answered_when_it_is_verified(void **state) {
    struct site *s = *state;
    struct wire_say answer;
    struct wire_ask a;
    struct pair *p = meet(s);

    int fd = upload(s, p, &a);
    (void)close(handed);
    assert_int_equal(ask(s, p, &a, &answer), 0);
    assert_int_equal(p->w.want[WORKER_VERIFY], 1);
    assert_int_equal(testing_count(s->state, "incoming"), 1);
    assert_int_equal(testing_count(s->state, "uploads"), 0);

    verify(s, p);
    assert_int_equal(p->w.want[WORKER_FORWARD], 1);
    assert_int_equal(wire_say_next(p->theirs, &answer, data, &handed, &s->e), 0);
    worker_started(&p->w, WORKER_FORWARD);
    assert_ok(relay_respond(&s->r, &s->t, &s->e), s->e);
    worker_ended(&p->w, WORKER_FORWARD, 0);
    assert_int_equal(wire_say_next(p->theirs, &answer, data, &handed, &s->e), 1);
    assert_int_equal(answer.answer, WIRE_TAKEN);
    assert_int_equal(answer.len, sizeof(struct wire_response));

    /* Once more: nothing is to be uploaded, and the same waits. */
    a.kind = WIRE_ADMIT;
    assert_int_equal(ask(s, p, &a, &answer), WIRE_SEEN);
    assert_int_equal(answer.len, sizeof(struct wire_response));
    assert_int_equal(testing_records(s, -1), 1);
    (void)close(fd);
    part(p);
}

static void what_can_still_be_written_to_is_not_taken(void **state) {
    struct site *s = *state;
    struct wire_say answer;
    struct wire_ask a;
    struct pair *p = meet(s);

    int fd = upload(s, p, &a);
    int kept = handed;
    assert_int_equal(ask(s, p, &a, &answer), WIRE_LATER);
    assert_int_equal(testing_count(s->state, "incoming"), 0);
    assert_int_equal(testing_count(s->state, "uploads"), 0);
    (void)close(kept);
    (void)close(fd);
    part(p);
}

static void an_upload_that_is_short_or_unknown_is_not_taken(void **state) {
    struct site *s = *state;
    struct wire_say answer;
    struct wire_ask a;
    struct pair *p = meet(s);

    (void)close(make_asked(s, 1, &a));
    assert_int_equal(ask(s, p, &a, &answer), WIRE_NEW);
    assert_int_equal(write(handed, "x", 1), 1);
    (void)close(handed);
    a.kind = WIRE_DONE;
    assert_int_equal(ask(s, p, &a, &answer), WIRE_LATER);
    assert_int_equal(ask(s, p, &a, &answer), WIRE_LATER);
    assert_int_equal(testing_count(s->state, "incoming"), 0);
    part(p);
}

static void one_sender_has_so_many_uploads_and_no_more(void **state) {
    struct site *s = *state;
    struct wire_ask a = {.kind = WIRE_ADMIT, .size = 1000};
    struct wire_say answer;
    struct pair *p = meet(s);

    for (unsigned i = 1; i <= WORKER_SENDER_MAX + 1; i++) {
        a.tag = i;
        memset(&a.digest, (int)i, sizeof a.digest);
        assert_int_equal(ask(s, p, &a, &answer), i <= WORKER_SENDER_MAX ? WIRE_NEW : WIRE_MANY);
        if (handed != -1)
            (void)close(handed);
    }
    /* One that is dropped makes room. */
    a.kind = WIRE_DROP;
    a.tag = 1;
    assert_int_equal(ask(s, p, &a, &answer), 0);
    a.kind = WIRE_ADMIT;
    a.tag = 9;
    assert_int_equal(ask(s, p, &a, &answer), WIRE_NEW);
    (void)close(handed);
    part(p);
    assert_int_equal(testing_count(s->state, "uploads"), 0);
}

static void what_the_disk_has_no_room_for_waits(void **state) {
    struct site *s = *state;
    struct wire_ask a = {.kind = WIRE_ADMIT, .tag = 2, .size = 1};
    struct wire_say answer;
    struct pair *p = meet(s);

    /* What is promised already takes all the room that any disk has. */
    p->w.uploads[p->w.nuploads++] = (struct worker_upload){.tag = 1, .size = INT64_MAX / 2};
    assert_int_equal(ask(s, p, &a, &answer), WIRE_LATER);
    assert_int_equal(answer.code, GF_E_CREATE);
    p->w.nuploads = 0;
    part(p);
}

static void a_refused_bundle_is_told_with_its_reason(void **state) {
    struct site *s = *state;
    struct wire_say answer;
    struct wire_ask a;
    struct pair *p = meet(s);

    int fd = upload(s, p, &a);
    /* A byte of the payload is another one now. */
    assert_int_equal(pwrite(handed, "\x01\x02\x03", 3, a.size - 1024 - 700), 3);
    (void)close(handed);
    assert_int_equal(ask(s, p, &a, &answer), 0);
    verify(s, p);
    assert_int_equal(wire_say_next(p->theirs, &answer, data, &handed, &s->e), 1);
    assert_int_equal(answer.answer, WIRE_REFUSED);
    assert_int_equal(answer.code, GF_E_DIGEST);
    assert_int_equal(testing_records(s, -1), 0);
    (void)close(fd);
    part(p);
}

/* One that asks while another copy waits, and one that had come as far at the same time: neither
 * hears that its bundle is refused. */
static void a_damaged_copy_that_came_first_does_not_stand_for_a_whole_one(void **state) {
    struct site *s = *state;
    struct wire_say answer;
    struct wire_ask a;
    struct pair *p = meet(s);

    int fd = upload(s, p, &a);
    assert_int_equal(pwrite(handed, "\x01\x02\x03", 3, a.size - 1024 - 700), 3);
    (void)close(handed);
    struct wire_ask same = a;
    same.kind = WIRE_ADMIT;
    same.tag = 2;
    assert_int_equal(ask(s, p, &same, &answer), WIRE_NEW);
    copy_to(fd, handed);
    (void)close(handed);
    assert_int_equal(ask(s, p, &a, &answer), 0);
    same.kind = WIRE_DONE;
    assert_int_equal(ask(s, p, &same, &answer), 0);
    struct wire_ask late = a;
    late.kind = WIRE_ADMIT;
    late.tag = 3;
    assert_int_equal(ask(s, p, &late, &answer), 0);
    verify(s, p);
    for (uint64_t left = 3; left > 0; left--) {
        assert_int_equal(wire_say_next(p->theirs, &answer, data, &handed, &s->e), 1);
        assert_int_equal(answer.answer, answer.tag == a.tag ? WIRE_REFUSED : WIRE_LATER);
    }
    assert_int_equal(p->w.nwaits, 0);

    assert_int_equal(ask(s, p, &late, &answer), WIRE_NEW);
    copy_to(fd, handed);
    (void)close(handed);
    late.kind = WIRE_DONE;
    assert_int_equal(ask(s, p, &late, &answer), 0);
    verify(s, p);
    assert_int_equal(testing_records(s, -1), 1);
    (void)close(fd);
    part(p);
}

/* Another process, which renames `from` to `to` as soon as somebody opens `to`, and before he gets
 * it: whoever opens a file has to wait for the lease on it. */
static pid_t replace_when_opened(const char *from, const char *to) {
    int ready[2];
    char byte = 0;

    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        sigset_t set;
        int got = 0;
        (void)sigemptyset(&set);
        (void)sigaddset(&set, SIGIO);
        (void)sigprocmask(SIG_BLOCK, &set, NULL);
        int fd = open(to, O_RDWR | O_CLOEXEC);
        if (fcntl(fd, F_SETLEASE, F_WRLCK) == -1 || write(ready[1], "r", 1) != 1 ||
            sigwait(&set, &got) != 0 || rename(from, to) == -1)
            _exit(1);
        _exit(0);
    }
    (void)close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    (void)close(ready[0]);
    return child;
}

static void a_whole_copy_that_takes_the_place_of_a_damaged_one_stays(void **state) {
    struct site *s = *state;
    char *line = testing_record(s, "metrics", "{}", 0);
    const struct testing_request q = {.seq = 1, .lines = line};
    char whole[256], path[256], name[FILES_NAME];
    struct gf_header h;
    struct gf_hash digest;
    int status = -1;

    testing_enrol(s, &kit_site);
    int fd = testing_pack(s, &q, &h, &digest);
    files_name(&digest, name);
    (void)snprintf(whole, sizeof whole, "%s/whole", s->path);
    (void)snprintf(path, sizeof path, "%s/incoming/%s", s->state, name);
    testing_put(fd, whole, -1);
    testing_put(fd, path, lseek(fd, 0, SEEK_END) - 2048);
    pid_t child = replace_when_opened(whole, path);
    assert_ok(relay_verify(&s->r, &s->t, &s->e), s->e);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(s->t.taken, 0);
    assert_int_equal(s->t.refused, 0);
    assert_int_equal(in_state(s, "quarantine"), 0);

    assert_ok(relay_verify(&s->r, &s->t, &s->e), s->e);
    assert_int_equal(s->t.taken, 1);
    assert_int_equal(in_state(s, "incoming"), 0);
    (void)close(fd);
    free(line);
}

static void a_response_is_handed_out_for_reading_only(void **state) {
    struct site *s = *state;
    struct wire_ask a = {.kind = WIRE_FETCH, .tag = 1};
    struct wire_say answer;
    char path[256], name[GF_DRIVE_NAME];
    struct pair *p = meet(s);

    memset(&a.id, 0x11, sizeof a.id);
    assert_int_equal(ask(s, p, &a, &answer), WIRE_NO);
    gf_drive_bundle_name(&a.id, name);
    (void)snprintf(path, sizeof path, "%s/outbox/%s", s->state, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, "hello", 5), 5);
    (void)close(fd);
    assert_int_equal(ask(s, p, &a, &answer), WIRE_YES);
    assert_int_equal(answer.size, 5);
    assert_int_equal(write(handed, "x", 1), -1);
    (void)close(handed);
    part(p);
}

/* Ask whether a card is let in. */
static uint32_t show(struct site *s, struct pair *p, const void *card, size_t len,
                     struct wire_say *answer) {
    static uint64_t tag = 900;
    const struct wire_ask a = {.kind = WIRE_ENROL, .len = (uint32_t)len, .tag = ++tag};

    assert_ok(wire_ask_send_with(p->theirs, &a, card, &s->e), s->e);
    assert_ok(worker_hear(&p->w, &s->e), s->e);
    assert_int_equal(wire_say_next(p->theirs, answer, data, &handed, &s->e), 1);
    assert_int_equal(answer->tag, a.tag);
    return answer->answer;
}

static void a_card_is_let_in_if_it_proves_itself_and_leaves_no_trace_if_not(void **state) {
    struct site *s = *state;
    struct ledger_token t = {.uses = 1, .expires = INT64_MAX / 2, .user = "me"};
    const uint8_t token[GF_TOKEN_SIZE] = {1, 2, 3};
    struct gf_card c = kit_site.card;
    struct pair *p = meet(s);
    struct wire_say answer;
    struct gf_card *seen = NULL;
    struct gf_buf text;
    size_t n = 9;

    assert_ok(ledger_token_add(s->r.ledger, token, &t, NOW, &s->e), s->e);
    assert_int_equal(show(s, p, "{}\n", 3, &answer), WIRE_REFUSED);
    assert_int_equal(show(s, p, kit_site.card_text, kit_site.card_len, &answer), WIRE_REFUSED);
    assert_int_equal(answer.code, GF_E_SENDER);
    assert_ok(ledger_strangers(s->r.ledger, &seen, &n, &s->e), s->e);
    assert_int_equal(n, 0);
    free(seen);

    gf_buf_init(&text, GF_CARD_FILE_MAX);
    c.has_token_mac = 1;
    gf_card_token_mac(&c, token, &c.token_mac);
    c.token_mac.b[31] ^= 1;
    assert_ok(gf_card_write(&c, 0, kit_site.sign, &text, &s->e), s->e);
    assert_int_equal(show(s, p, text.data, text.len, &answer), WIRE_REFUSED);
    assert_non_null(strstr(data, "none that this relay has given out"));
    gf_buf_clear(&text);
    c.token_mac.b[31] ^= 1;
    assert_ok(gf_card_write(&c, 0, kit_site.sign, &text, &s->e), s->e);
    assert_int_equal(show(s, p, text.data, text.len, &answer), WIRE_YES);
    assert_int_equal(show(s, p, text.data, text.len, &answer), WIRE_YES);
    gf_buf_free(&text);
    part(p);
}

static void nonsense_ends_the_listener(void **state) {
    struct site *s = *state;
    struct wire_ask a = {.kind = 99};
    struct pair *p = meet(s);

    assert_ok(wire_ask_send(p->theirs, &a, &s->e), s->e);
    assert_int_equal(worker_hear(&p->w, &s->e), -1);
    assert_int_equal(send(p->theirs, "short", 5, 0), 5);
    assert_int_equal(worker_hear(&p->w, &s->e), -1);
    (void)close(p->theirs);
    p->theirs = dup(p->ours);
    assert_int_equal(worker_hear(&p->w, &s->e), -1);
    part(p);
}

static void a_size_that_no_bundle_has_is_nonsense(void **state) {
    static const int64_t sizes[] = {-1, INT64_MIN, GF_BUNDLE_MAX + 1, INT64_MAX};
    struct site *s = *state;
    struct wire_ask a;
    struct pair *p = meet(s);
    int fd = make_asked(s, 1, &a);

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        a.size = sizes[i];
        assert_ok(wire_ask_send(p->theirs, &a, &s->e), s->e);
        assert_int_equal(worker_hear(&p->w, &s->e), -1);
        assert_int_equal(testing_count(s->state, "uploads"), 0);
    }
    (void)close(fd);
    part(p);
}

static void what_an_earlier_process_left_is_swept(void **state) {
    struct site *s = *state;
    char path[128];

    (void)snprintf(path, sizeof path, "%s/uploads/1-1", s->state);
    (void)close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    struct pair *p = meet(s);
    assert_int_equal(testing_count(s->state, "uploads"), 0);
    part(p);
}

#define T(f) cmocka_unit_test_setup_teardown(f, testing_setup, testing_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        T(a_hello_is_signed_for_the_nonce),
        T(only_the_enrolled_are_known),
        T(an_upload_is_taken_when_it_is_closed_and_answered_when_it_is_verified),
        T(what_can_still_be_written_to_is_not_taken),
        T(an_upload_that_is_short_or_unknown_is_not_taken),
        T(one_sender_has_so_many_uploads_and_no_more),
        T(what_the_disk_has_no_room_for_waits),
        T(a_refused_bundle_is_told_with_its_reason),
        T(a_damaged_copy_that_came_first_does_not_stand_for_a_whole_one),
        T(a_whole_copy_that_takes_the_place_of_a_damaged_one_stays),
        T(a_response_is_handed_out_for_reading_only),
        T(a_card_is_let_in_if_it_proves_itself_and_leaves_no_trace_if_not),
        T(nonsense_ends_the_listener),
        T(a_size_that_no_bundle_has_is_nonsense),
        T(what_an_earlier_process_left_is_swept),
    };
    return cmocka_run_group_tests(tests, kit_setup, kit_teardown);
}
