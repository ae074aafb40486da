/*
 * ledger_testing.h -- what the tests of the ledger share beyond relay_testing.h: bundles of one
 * record, taken in by hand.
 */
#ifndef LEDGER_TESTING_H
#define LEDGER_TESTING_H

#include "relay_testing.h"

static inline struct gf_header header(struct site *s, int64_t seq) {
    struct gf_header h = {.kind = GF_KIND_REQUEST,
                          .from = kit_site.card.identity,
                          .to = kit_relay.card.identity,
                          .stream = s->stream,
                          .seq = seq};
    gf_digest_random(&h.id, sizeof h.id);
    return h;
}

static inline struct gf_hash digest_of(const struct gf_header *h) {
    struct gf_hash d;
    gf_digest_256(h, sizeof *h, &d);
    return d;
}

/* Take a bundle of one record with this body; what ledger_take_records() said. */
static inline int take(struct site *s, int64_t seq, const struct gf_id *id, const char *body) {
    struct gf_header h = header(s, seq);
    struct gf_hash d = digest_of(&h);
    struct gf_record r;
    struct gf_buf line;

    gf_buf_init(&line, GF_LINE_MAX);
    testing_line(&line, id, "metrics", GF_BODY_TEXT, body, 1);
    assert_ok(gf_record_parse(line.data, line.len, &r, &s->e), s->e);
    assert_ok(ledger_begin(s->r.ledger, &s->e), s->e);
    assert_ok(ledger_take_bundle(s->r.ledger, &h, &d, NOW, &s->e), s->e);
    const struct ledger_arrival a = testing_arrival(&r, line.data, line.len);
    int rc = ledger_take_records(s->r.ledger, &a, 1, NOW, &s->e);
    assert_int_equal(ledger_end(s->r.ledger, rc, &s->e), rc);
    gf_record_free(&r);
    gf_buf_free(&line);
    return rc;
}

static inline struct gf_id new_id(void) {
    uint8_t random[10];
    struct gf_id id;

    gf_digest_random(random, sizeof random);
    gf_text_uuid7((int64_t)NOW * 1000, random, &id);
    return id;
}

#endif
