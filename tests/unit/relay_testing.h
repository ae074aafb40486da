/*
 * relay_testing.h -- what the tests of the relay share: a relay in a directory of its own, requests
 * for it, and questions about what became of them.
 */
#ifndef RELAY_TESTING_H
#define RELAY_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gapferry/bundle.h"
#include "gapferry/digest.h"
#include "gapferry/file.h"
#include "gapferry/record.h"
#include "relay/files.h"
#include "relay/ledger/ledger_enrol.h"
#include "relay/relay.h"
#include "support/kit.h"

#define NOW 1800000000

#define assert_ok(call, e)                                                                         \
    do {                                                                                           \
        if ((call) == -1)                                                                          \
            fail_msg("%s", (e).text);                                                              \
    } while (0)
#define assert_fails(call, e, want)                                                                \
    do {                                                                                           \
        assert_int_equal((call), -1);                                                              \
        if ((e).code != (want))                                                                    \
            fail_msg("%s, not %s: %s", gf_err_name((e).code), gf_err_name(want), (e).text);        \
    } while (0)

/* One test's relay, with the identity kit_relay, and a drive. */
struct site {
    char path[64]; /* of everything */
    char state[96];
    char stick[96];
    struct relay r;
    struct turn t;
    struct gf_drive *d;
    struct gf_err e;
    struct gf_id stream; /* of kit_site */
    struct gf_id id;     /* of the record that was made last */
};

/* A card comes, and is remembered also where it is refused: what ledger_show_card() says, but -1
 * and s->e where it is refused. */
static inline int testing_show(struct site *s, const struct gf_card *c, const char *text,
                               size_t len, int64_t now) {
    const struct ledger_shown x = {.card = c, .text = text, .len = len, .keep = 1};
    struct gf_err why;
    int rc = ledger_show_card(s->r.ledger, &x, now, &why, &s->e);

    if (rc != 0 || why.code != GF_E_SENDER)
        return rc;
    s->e = why;
    return -1;
}

static inline void testing_enrol(struct site *s, const struct gf_identity *who) {
    char fingerprint[GF_FINGERPRINT_TEXT];

    gf_card_fingerprint(&who->card, fingerprint);
    assert_ok(ledger_approve(s->r.ledger, fingerprint, "tester", NOW, &s->e), s->e);
    assert_int_equal(testing_show(s, &who->card, who->card_text, who->card_len, NOW), 1);
}

static inline int testing_setup(void **state) {
    struct site *s = calloc(1, sizeof *s);

    /* In memory where that can be: every transition is flushed. */
    (void)signal(SIGPIPE, SIG_IGN);
    (void)snprintf(s->path, sizeof s->path, "/dev/shm/gapferry-relay-XXXXXX");
    if (mkdtemp(s->path) == NULL) {
        (void)snprintf(s->path, sizeof s->path, "/tmp/gapferry-relay-XXXXXX");
        assert_non_null(mkdtemp(s->path));
    }
    (void)snprintf(s->state, sizeof s->state, "%s/state", s->path);
    (void)snprintf(s->stick, sizeof s->stick, "%s/stick", s->path);
    assert_int_equal(mkdir(s->state, 0700), 0);
    assert_int_equal(mkdir(s->stick, 0700), 0);
    s->r = (struct relay){.now = NOW, .id = kit_relay};
    (void)snprintf(s->r.state, sizeof s->r.state, "%s", s->state);
    s->r.state_fd = open(s->state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_ok(ledger_make(s->state, &s->r.ledger, &s->e), s->e);
    assert_ok(files_tidy(&s->r, &s->e), s->e);
    assert_ok(gf_drive_open(s->stick, 1, &s->d, &s->e), s->e);
    turn_begin(&s->t);
    gf_digest_random(&s->stream, sizeof s->stream);
    *state = s;
    return 0;
}

static inline int testing_teardown(void **state) {
    struct site *s = *state;
    char command[128];

    gf_drive_close(s->d);
    turn_free(&s->t);
    ledger_close(s->r.ledger);
    (void)close(s->r.state_fd);
    (void)snprintf(command, sizeof command, "rm -rf %s", s->path);
    free(s);
    return system(command);
}

/* A new turn's counts. */
static inline void testing_turn(struct site *s) {
    turn_free(&s->t);
    turn_begin(&s->t);
}

/* ---- requests ---- */

struct testing_request {
    const struct gf_identity *from; /* NULL: kit_site */
    const struct gf_card *to;       /* NULL: kit_relay */
    const struct gf_id *stream;     /* NULL: kit_site's */
    int64_t seq;
    int64_t expires;   /* 0: never */
    const char *lines; /* records.jsonl; NULL: none */
    const char *file;  /* content of a file "body.bin"; NULL: none */
    size_t others;     /* empty files beside it, which no record names */
    const struct gf_have *have;
    size_t nhave;
    const struct gf_want *want;
    size_t nwant;
    const int64_t *voids;
    size_t nvoids;
    int no_records; /* 1: its header says that it carries none */
};

/* The line of a record of this body. */
static inline void testing_line(struct gf_buf *b, const struct gf_id *id, const char *channel,
                                enum gf_body_form form, const char *body, int answer) {
    struct gf_err e;
    struct gf_record r = {.id = *id,
                          .channel = channel,
                          .product = "demo",
                          .origin = kit_site.card.agent,
                          .created = NOW - 60,
                          .type = "application/json",
                          .answer = answer,
                          .body = {.form = form, .data = body, .len = strlen(body)}};
    assert_ok(gf_record_write(&r, b, &e), e);
}

/* A parsed record as the ledger takes it. */
static inline struct ledger_arrival testing_arrival(const struct gf_record *r, const char *line,
                                                    size_t len) {
    struct ledger_arrival a = {.id = r->id,
                               .channel = r->channel,
                               .product = r->product,
                               .answer = r->answer,
                               .line = line,
                               .len = len};
    gf_digest_256(r->body.data, r->body.len, &a.digest);
    return a;
}

/* A fresh record's line; its id is s->id. */
static inline char *testing_record(struct site *s, const char *channel, const char *body,
                                   int answer) {
    uint8_t random[10];
    struct gf_buf b;

    gf_digest_random(random, sizeof random);
    gf_text_uuid7((int64_t)NOW * 1000, random, &s->id);
    gf_buf_init(&b, GF_LINE_MAX);
    testing_line(&b, &s->id, channel, GF_BODY_TEXT, body, answer);
    return b.data; /* the caller's to free() */
}

/* A request in an unnamed file. */
static inline int testing_pack(struct site *s, const struct testing_request *q, struct gf_header *h,
                               struct gf_hash *digest) {
    struct gf_pack p = {.identity = q->from ? q->from : &kit_site,
                        .kind = GF_KIND_REQUEST,
                        .to = q->to ? q->to : &kit_relay.card,
                        .stream = q->stream ? *q->stream : s->stream,
                        .seq = q->seq,
                        .has_created = 1,
                        .created = NOW - 60,
                        .has_expires = q->expires != 0,
                        .expires = q->expires,
                        .have = q->have,
                        .nhave = q->nhave,
                        .want = q->want,
                        .nwant = q->nwant,
                        .voids = q->voids,
                        .nvoids = q->nvoids,
                        .no_records = q->no_records};
    struct gf_writer *w = NULL;
    int fd = gf_file_unnamed(s->r.state_fd, &s->e);

    assert_int_not_equal(fd, -1);
    gf_digest_random(&p.id, sizeof p.id);
    assert_ok(gf_writer_open(fd, &p, &w, &s->e), s->e);
    if (q->lines != NULL) {
        size_t len = strlen(q->lines);
        assert_ok(gf_writer_member(w, GF_MEMBER_RECORDS, NULL, (int64_t)len, NULL, &s->e), s->e);
        assert_ok(gf_writer_data(w, q->lines, len, &s->e), s->e);
    }
    if (q->file != NULL) {
        size_t len = strlen(q->file);
        assert_ok(gf_writer_member(w, GF_MEMBER_FILE, "body.bin", (int64_t)len, NULL, &s->e), s->e);
        assert_ok(gf_writer_data(w, q->file, len, &s->e), s->e);
    }
    for (size_t i = 0; i < q->others; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "other%zu", i);
        assert_ok(gf_writer_member(w, GF_MEMBER_FILE, name, 0, NULL, &s->e), s->e);
    }
    assert_ok(gf_writer_finish(w, h, digest, &s->e), s->e);
    gf_writer_free(w);
    return fd;
}

/* Copy an open file to the drive, or anywhere. */
static inline void testing_put(int fd, const char *path, int64_t damage_at) {
    char block[4096];
    int64_t at = 0;
    int to = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_int_not_equal(to, -1);
    for (ssize_t n = 0; (n = pread(fd, block, sizeof block, at)) > 0; at += n) {
        if (damage_at >= at && damage_at < at + n)
            block[damage_at - at] ^= 1;
        assert_int_equal(write(to, block, (size_t)n), n);
    }
    (void)close(to);
}

/* A request on the drive, under its id. */
static inline void testing_send(struct site *s, const struct testing_request *q,
                                struct gf_header *h) {
    char name[GF_DRIVE_NAME];
    char path[256];
    struct gf_header own;

    int fd = testing_pack(s, q, h ? h : &own, NULL);
    gf_drive_bundle_name(&(h ? h : &own)->id, name);
    (void)snprintf(path, sizeof path, "%s/GAPFERRY/to-relay/%s", s->stick, name);
    testing_put(fd, path, -1);
    (void)close(fd);
}

static inline void testing_send_card(struct site *s, const struct gf_identity *who) {
    int was_there = 0;
    assert_ok(gf_drive_put_card(s->d, &who->card, who->card_text, who->card_len, &was_there, &s->e),
              s->e);
}

/* ---- questions ---- */

/* Files in a folder below the state directory, or of the stick. */
static inline size_t testing_count(const char *base, const char *folder) {
    char path[256];
    size_t n = 0;

    (void)snprintf(path, sizeof path, "%s/%s", base, folder);
    DIR *d = opendir(path);
    assert_non_null(d);
    for (struct dirent *x = NULL; (x = readdir(d)) != NULL;)
        n += x->d_name[0] != '.';
    (void)closedir(d);
    return n;
}
#define in_state(s, folder) testing_count((s)->state, folder)
#define on_stick(s, folder) testing_count((s)->stick, "GAPFERRY/" folder)

static inline int testing_count_one(void *arg, const struct ledger_record *r, struct gf_err *e) {
    (void)r;
    (void)e;
    ++*(int64_t *)arg;
    return 0;
}

/* Records in a state; -1: all. */
static inline int64_t testing_records(struct site *s, int state) {
    int64_t n = 0;
    assert_ok(ledger_walk(s->r.ledger, state, testing_count_one, &n, &s->e), s->e);
    return n;
}

static inline int testing_find_row(void *arg, const struct ledger_record *r, struct gf_err *e) {
    struct ledger_record *want = arg;
    (void)e;
    if (memcmp(&r->id, &want->id, sizeof r->id) != 0)
        return 0;
    want->row = r->row;
    want->state = r->state;
    want->attempts = r->attempts;
    want->asked = r->asked;
    want->digest = r->digest;
    return 1;
}

/* The row of a record, which must be there. */
static inline struct ledger_record testing_find(struct site *s, const struct gf_id *id) {
    struct ledger_record want = {.id = *id};
    assert_ok(ledger_walk(s->r.ledger, -1, testing_find_row, &want, &s->e), s->e);
    assert_true(want.row > 0);
    return want;
}

/* What intake and verify make of the drive. */
static inline void testing_take(struct site *s) {
    assert_ok(relay_intake(&s->r, s->d, &s->t, &s->e), s->e);
    assert_ok(relay_verify(&s->r, &s->t, &s->e), s->e);
    assert_ok(relay_clear(&s->r, s->d, &s->t, &s->e), s->e);
}

/* kit_site says that it has what came in this stream up to a number, and one more; 0: no more. */
static inline void testing_acknowledge(struct site *s, const struct gf_id *stream, int64_t upto,
                                       int64_t also) {
    const struct gf_have have = {.stream = *stream, .upto = upto, .nalso = also > 0, .also = &also};

    assert_ok(
        ledger_acknowledge(s->r.ledger, &kit_site.card.identity, &s->stream, &have, 1, NOW, &s->e),
        s->e);
}

/* For ledger_news(): the first receipt, as what was told. */
static inline int testing_note(void *arg, int64_t row, const struct gf_receipt *r,
                               const struct gf_answer *a, struct gf_err *e) {
    struct ledger_told *told = arg;

    (void)row;
    (void)a;
    (void)e;
    *told = (struct ledger_told){.id = r->record, .digest = r->digest, .state = r->state};
    return 1;
}

static inline int testing_says(struct site *s, const char *words) {
    return s->t.people.data != NULL && strstr(s->t.people.data, words) != NULL;
}
/* The same among what waits and needs nobody. */
static inline int testing_waits(struct site *s, const char *words) {
    return s->t.waits.data != NULL && strstr(s->t.waits.data, words) != NULL;
}

#endif
