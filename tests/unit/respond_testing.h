/*
 * respond_testing.h -- what the tests of responses share: one as its agent reads it.
 */
#ifndef RESPOND_TESTING_H
#define RESPOND_TESTING_H

#include "relay_testing.h"

/* ---- what a response says, as its agent reads it ---- */

struct said {
    size_t nreceipts;
    struct gf_receipt receipts[8]; /* with their memory */
    size_t nanswers;
    struct gf_answer answers[4];
    size_t nrefusals;
    size_t nnotices;
    struct gf_notice notices[4];
    struct gf_contents contents;
    struct gf_header header;
    int dir;
};

static inline void read_lines(int dir, const char *name,
                              void (*fn)(struct said *, const char *, size_t), struct said *out) {
    struct gf_buf b;
    struct gf_err e;

    if (gf_file_load(dir, name, 64 << 20, &b, &e) == -1)
        return;
    for (const char *at = b.data; at < b.data + b.len;) {
        size_t len = strcspn(at, "\n") + 1;
        fn(out, at, len);
        at += len;
    }
    gf_buf_free(&b);
}

static inline void add_receipt(struct said *s, const char *line, size_t len) {
    struct gf_err e;
    assert_ok(gf_receipt_parse(line, len, &s->receipts[s->nreceipts++], &e), e);
}
static inline void add_answer(struct said *s, const char *line, size_t len) {
    struct gf_err e;
    assert_ok(gf_answer_parse(line, len, &s->answers[s->nanswers++], &e), e);
}
static inline void add_refusal(struct said *s, const char *line, size_t len) {
    struct gf_refusal r;
    struct gf_err e;
    assert_ok(gf_refusal_parse(line, len, &r, &e), e);
    gf_refusal_free(&r);
    s->nrefusals++;
}

static inline void add_notice(struct said *s, const char *line, size_t len) {
    struct gf_err e;
    assert_ok(gf_notice_parse(line, len, &s->notices[s->nnotices++], &e), e);
}

/* Open an outbox file as one to whom it is addressed, or who may read it; it was signed by this
 * relay. */
static inline struct said read_response_by(struct site *s, const char *name,
                                           const struct gf_identity *us,
                                           const struct gf_card *relay) {
    const struct gf_card *trusted[] = {relay};
    const struct gf_check check = {
        .trusted = trusted, .ntrusted = 1, .us = &us->card.identity, .nus = 1, .readers_too = 1};
    const struct gf_seal_key *keys[] = {us->seal};
    const struct gf_items_options o = {.check_lines = 1, .threads = 1};
    struct said out = {.dir = kit_new_dir()};
    char path[400];
    struct gf_head head;

    (void)snprintf(path, sizeof path, "%s/outbox/%s", s->state, name);
    int fd = open(path, O_RDONLY);
    assert_int_not_equal(fd, -1);
    assert_ok(gf_bundle_head(fd, &check, &head, &s->e), s->e);
    assert_ok(gf_bundle_copy(fd, &head, -1, NULL, NULL, &s->e), s->e);
    assert_ok(gf_bundle_open(fd, &head, keys, 1, &o, out.dir, &out.contents, &s->e), s->e);
    out.header = head.header;
    gf_head_free(&head);
    (void)close(fd);
    read_lines(out.dir, "receipts.jsonl", add_receipt, &out);
    read_lines(out.dir, "answers.jsonl", add_answer, &out);
    read_lines(out.dir, "refusals.jsonl", add_refusal, &out);
    read_lines(out.dir, "notices.jsonl", add_notice, &out);
    return out;
}

static inline struct said read_response(struct site *s, const char *name,
                                        const struct gf_identity *us) {
    return read_response_by(s, name, us, &kit_relay.card);
}

static inline void said_free(struct said *s) {
    for (size_t i = 0; i < s->nreceipts; i++)
        gf_receipt_free(&s->receipts[i]);
    for (size_t i = 0; i < s->nanswers; i++)
        gf_answer_free(&s->answers[i]);
    for (size_t i = 0; i < s->nnotices; i++)
        gf_notice_free(&s->notices[i]);
    gf_contents_free(&s->contents);
    (void)close(s->dir);
}

#endif
