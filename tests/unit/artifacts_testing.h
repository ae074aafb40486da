/*
 * artifacts_testing.h -- what tests of updates at the relay share: artifacts, manifests that name
 * them, and agents that they are assigned to.
 */
#ifndef ARTIFACTS_TESTING_H
#define ARTIFACTS_TESTING_H

#include "relay_testing.h"

#include "relay/ledger/ledger_updates.h"
#include "relay/updates/artifacts.h"

#define PART_MAX 1000
#define YEAR     (365 * 86400)

static const struct ledger_place place = {"repo", "demo", "stable", "any"};
static const struct ledger_sizes sizes = {PART_MAX, 1 << 20};

/* An artifact's bytes: printable, other ones for other names, and hard to make shorter. */
static inline char letter(const struct update_artifact *a, int64_t at) {
    uint64_t x = (uint64_t)at * 0x9e3779b97f4a7c15ULL + (unsigned char)a->name[0];

    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    return (char)('0' + (char)(x >> 58));
}

/* Its bytes from `from` up to `to`, to a file. */
static inline void put_bytes(int fd, const struct update_artifact *a, int64_t from, int64_t to) {
    char block[4096];

    for (int64_t at = from; at < to;) {
        size_t n = 0;
        for (; n < sizeof block && at < to; n++)
            block[n] = letter(a, at++);
        assert_int_equal(write(fd, block, n), n);
    }
}

static inline struct update_artifact artifact(const char *name, int64_t size) {
    struct update_artifact a = {.size = size};
    struct gf_digest blake2b;
    struct gf_digest_sha256 sha256;

    (void)snprintf(a.name, sizeof a.name, "%s", name);
    gf_digest_begin_256(&blake2b);
    gf_digest_sha256_begin(&sha256);
    for (int64_t i = 0; i < size; i++) {
        char c = letter(&a, i);
        gf_digest_add(&blake2b, &c, 1);
        gf_digest_sha256_add(&sha256, &c, 1);
    }
    gf_digest_end_256(&blake2b, &a.blake2b);
    gf_digest_sha256_end(&sha256, &a.sha256);
    return a;
}

/* A verified manifest of this serial becomes known; its source. */
static inline int64_t publish_at(struct site *s, const struct ledger_place *at, int64_t serial,
                                 int64_t expires, struct update_artifact *a, size_t n) {
    const struct update u = {.serial = serial, .expires = expires, .nartifacts = n, .artifacts = a};
    struct ledger_source known = {.etag = "\"x\""};

    gf_buf_init(&known.text, 100);
    gf_buf_text(&known.text, "manifest");
    assert_ok(ledger_source_put(s->r.ledger, at, &u, &known, NOW, &s->e), s->e);
    ledger_source_free(&known);
    assert_ok(ledger_source(s->r.ledger, at, &known, &s->e), s->e);
    assert_true(known.serial == serial && known.expires == expires && known.asked == NOW);
    assert_string_equal(known.etag, "\"x\"");
    assert_int_equal(known.text.len, 8);
    int64_t row = known.row;
    ledger_source_free(&known);
    return row;
}

static inline int64_t publish(struct site *s, int64_t serial, int64_t expires,
                              struct update_artifact *a, size_t n) {
    return publish_at(s, &place, serial, expires, a, n);
}

static inline void give(struct site *s, const struct gf_identity *who, int64_t source) {
    assert_ok(ledger_give(s->r.ledger, &who->card.agent, source, &sizes, NOW, &s->e), s->e);
}

#endif
