/* known_answer_make.c -- build the bundle of the known answer, layer by layer. */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "crypto/age.h"
#include "crypto/age_header.h"
#include "format/archive.h"
#include "format/frame.h"
#include "format/shell.h"
#include "gapferry/digest.h"
#include "gapferry/hello.h"
#include "gapferry/minisig.h"
#include "gapferry/record.h"
#include "vectors/known_answer.h"

#define BUFFER_MAX (1 << 20)

/* The archive as zstd 1.5.4 compresses it at level 1. Other versions may find other bytes for it,
 * which are as good, so it is stated. `known-answer --frame` prints what this machine makes. */
static const char frame_base64[] =
    "KLUv/WQAEUUVAEZuhS1gSdocMAzDMDXBCIgaSH/NzpP9hqOoW2hrFf8ljDFkTt1ERNSI4Fw4lSArB390"
    "AH8AeAB/l125nXj0hZslR4bMrHDCjhszXqwY4cTLf5+MAsahR6eLln+vsSGpwzh6P7Mj0/y96TlZIR5d"
    "UYlyqimmljqUQuCR1LojSWJyKBwdVNL+XTJ3WITD9WkgEJtArGspbSLh2KZdRGK37S6imfRZEOCRDo3t"
    "BHUy0LkwG03TmE9knNqLlSy32mJrrUMtJDnSWncoAB4eHN5rQx99Kh7Uu+Kp3M8V6IoCAyBEEHDFu8JB"
    "L1zh8HcHksKjbjj13WmGZ/LRJ30WJEzKVI5Mw2Dw35vhoB59gf59IdImvl0DaQ/1tMMwGvroB9i+tU+t"
    "AWSPtEdDFglxYbFJJDkZkYVQyrQ2LStsWVK3hSVpadXrNjVWLq6DyFJWSUqDyFqW5e8L6ixHr083GLTz"
    "dzmZhaMvsKGEEULIUIEJdLBBBhdUEIEJLmzrUloNUWfXSSMA2jSt4FJC2u7WhhogHV3pTHjeu2GWo34a"
    "XhhuGAm1oQN1MkM3YIWjBAjeJUMbHCV4aImulMDRg8LYez9gnl7wPLoDgvfHabjoxVF6Z9DP0RfZUsoo"
    "oWSpyEQ62SSTSyqJyCRX/n3B7dTn6CxZyTJWGkwqWdYNLmy1dYpMECppJaZw83ZjzRII48Z2mxInrJEo"
    "Ofk7rUcPNiCgghmZGdMOB2R+kMqfoKcLmEG2RwAYlilCCmcBSxsCNcZ7ZcQyugZov0DBmycbZ2FslWg3"
    "A4TDdF4C0WClqYK/Fy1jq0Q7GrANBPITwAcCtD0VmNwGCMyJ2H4M8OPxtowg8GEAtcJEcibkTltIq7Da"
    "5SeiEOw4BMAToCuCzwXgF8m8TmYauMVqIPA6ZipKZ1iEAQ==";

static const uint8_t first_secret[ANSWER_RECIPIENTS] = {0xc0, 0xe0};

#define FILE_KEY_FIRST 0x80
#define NONCE_FIRST    0x90

void answer_announce(void) {
    fixed_next(FILE_KEY_FIRST, 16);
    fixed_next(NONCE_FIRST, 16);
    for (size_t i = 0; i < ANSWER_RECIPIENTS; i++)
        fixed_next(first_secret[i], 32);
}

static int64_t at(const char *text) {
    int64_t t = 0;

    if (gf_text_untime(text, strlen(text), &t) == -1)
        fixed_fail("a time is mistyped", NULL);
    return t;
}

/* ---- who and what ---- */

static void make_parties(struct answer *a) {
    static const struct fixed_seeds site = {.number = 0x01, .sign = 0x00, .seal = 0x20};
    static const struct fixed_seeds relay = {.number = 0x11, .sign = 0x40, .seal = 0x60};
    struct gf_card agent = {.role = GF_ROLE_AGENT, .name = "site-a", .has_agent = 1};
    struct gf_card other = {.role = GF_ROLE_RELAY, .name = "relay-1"};

    agent.created = other.created = at("2026-01-01T00:00:00Z");
    fixed_run(0xa0, agent.agent.b, sizeof agent.agent.b);
    fixed_identity(&site, &agent, &a->site);
    fixed_identity(&relay, &other, &a->relay);
    fixed_run(0x70, a->token, sizeof a->token);
}

static void make_records(struct answer *a) {
    static const char body[] = "{\"key\":\"D\xc3\x89MO\",\"seats\":3}\n";
    static const char path[] = "files/note-1.txt";
    struct gf_err e;
    uint8_t random[10];

    for (size_t i = 0; i < ANSWER_RECORDS; i++) {
        struct gf_record *r = &a->records[i];
        r->created = at("2026-01-02T03:04:05Z");
        fixed_run((uint8_t)(0x30 + 16 * i), random, sizeof random);
        gf_text_uuid7(r->created * 1000 + (int64_t)i, random, &r->id);
        r->origin = a->site.card.agent;
    }
    a->records[0].channel = "license";
    a->records[0].product = "demo";
    a->records[0].type = "application/json";
    a->records[0].answer = 1;
    a->records[0].has_expires = 1;
    a->records[0].expires = at("2026-03-01T00:00:00Z");
    a->records[0].body = (struct gf_body){GF_BODY_TEXT, body, sizeof body - 1};
    a->records[1].channel = "metrics";
    a->records[1].clock = GF_CLOCK_UNKNOWN;
    a->records[1].type = "text/plain";
    a->records[1].body = (struct gf_body){GF_BODY_FILE, path, sizeof path - 1};
    a->file = "hello\n";

    gf_buf_init(&a->lines, BUFFER_MAX);
    for (size_t i = 0; i < ANSWER_RECORDS; i++)
        if (gf_record_write(&a->records[i], &a->lines, &e) == -1)
            fixed_fail("records.jsonl", &e);
}

/* What the header says before there is a payload. */
static void make_plan(struct answer *a) {
    struct gf_pack *p = &a->pack;
    struct gf_header *h = &a->header;

    a->readers[0] = &a->site.card;
    p->identity = &a->site;
    p->kind = GF_KIND_REQUEST;
    p->to = &a->relay.card;
    p->readers = a->readers;
    p->nreaders = 1;
    fixed_run(0xb0, p->id.b, sizeof p->id.b);
    fixed_run(0xd0, p->stream.b, sizeof p->stream.b);
    p->seq = 1;
    p->has_created = 1;
    p->created = at("2026-01-02T03:05:00Z");
    p->has_expires = 1;
    p->expires = at("2026-03-01T00:00:00Z");
    p->level = 1;
    p->threads = 1;

    h->id = p->id;
    h->kind = p->kind;
    h->from = a->site.card.identity;
    h->to = a->relay.card.identity;
    h->nreaders = 1;
    h->readers[0] = a->site.card.identity;
    h->stream = p->stream;
    h->seq = p->seq;
    h->has_created = p->has_created;
    h->created = p->created;
    h->has_expires = p->has_expires;
    h->expires = p->expires;
}

/* ---- plaintext ---- */

static void make_contents(struct answer *a) {
    struct gf_contents_member members[2] = {0};
    struct gf_contents c = {.members = members, .nmembers = 2};
    char name[] = "Note 1.txt";

    c.id = a->header.id;
    c.kind = a->header.kind;
    c.from = a->header.from;
    c.to = a->header.to;
    c.stream = a->header.stream;
    c.seq = a->header.seq;
    (void)snprintf(members[0].member, sizeof members[0].member, "%s",
                   gf_contents_names[GF_MEMBER_RECORDS]);
    members[0].size = (int64_t)a->lines.len;
    memcpy(members[1].member, a->records[1].body.data, a->records[1].body.len + 1);
    members[1].name = name;
    members[1].size = (int64_t)strlen(a->file);
    gf_buf_init(&a->contents, BUFFER_MAX);
    gf_contents_write(&c, &a->contents);
}

static int put(void *arg, const void *data, size_t len, struct gf_err *e) {
    struct gf_buf *b = arg;

    gf_buf_add(b, data, len);
    return gf_buf_check(b, "the archive", e);
}

static void make_archive(struct answer *a) {
    const struct {
        const char *name;
        const char *data;
        size_t len;
    } members[] = {
        {gf_contents_names[GF_MEMBER_RECORDS], a->lines.data, a->lines.len},
        {a->records[1].body.data, a->file, strlen(a->file)},
        {gf_contents_names[GF_MEMBER_CONTENTS], a->contents.data, a->contents.len},
    };
    struct gf_archive_out *out = NULL;
    struct gf_err e;

    gf_buf_init(&a->archive, BUFFER_MAX);
    if (gf_archive_out_new(put, &a->archive, &out, &e) == -1)
        fixed_fail("archive", &e);
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        if (gf_archive_out_member(out, members[i].name, (int64_t)members[i].len, &e) == -1 ||
            gf_archive_out_data(out, members[i].data, members[i].len, &e) == -1)
            fixed_fail("archive", &e);
    if (gf_archive_out_end(out, &e) == -1)
        fixed_fail("archive", &e);
    gf_archive_out_free(out);
}

void answer_compress(const struct answer *a, struct gf_buf *out) {
    struct gf_frame *f = NULL;
    struct gf_err e;

    gf_buf_init(out, GF_FRAME_BOUND);
    char *room = gf_buf_grow(out, GF_FRAME_BOUND);
    if (room == NULL || gf_frame_new(&f, &e) == -1 ||
        gf_frame_compress(f, a->pack.level, a->archive.data, a->archive.len, room, &out->len, &e) ==
            -1)
        fixed_fail("frame", NULL);
    gf_frame_free(f);
}

static void make_frame(struct answer *a) {
    size_t len = 0;

    gf_buf_init(&a->frame, sizeof frame_base64);
    char *room = gf_buf_grow(&a->frame, sizeof frame_base64);
    if (room == NULL || gf_text_unbase64(frame_base64, sizeof frame_base64 - 1, 1, (uint8_t *)room,
                                         sizeof frame_base64, &len) == -1)
        fixed_fail("the stated frame is mistyped", NULL);
    a->frame.len = len;
}

/* ---- payload ---- */

/* age's steps once more, for their intermediate values. */
static void make_steps(struct answer *a) {
    const struct gf_seal_public *to[ANSWER_RECIPIENTS] = {&a->relay.card.seal, &a->site.card.seal};

    fixed_run(FILE_KEY_FIRST, a->file_key, sizeof a->file_key);
    fixed_run(NONCE_FIRST, a->nonce, sizeof a->nonce);
    for (size_t i = 0; i < ANSWER_RECIPIENTS; i++) {
        struct answer_stanza *s = &a->stanzas[i];
        uint8_t salt[64];

        fixed_run(first_secret[i], s->secret, sizeof s->secret);
        if (crypto_scalarmult_curve25519_base(s->share, s->secret) != 0 ||
            crypto_scalarmult_curve25519(s->shared, s->secret, to[i]->pk) != 0)
            fixed_fail("X25519", NULL);
        memcpy(salt, s->share, 32);
        memcpy(salt + 32, to[i]->pk, 32);
        gf_age_header_hkdf(s->shared, 32, salt, 64, "age-encryption.org/v1/X25519", s->wrap_key);
    }
    gf_age_header_hkdf(a->file_key, 16, NULL, 0, "header", a->mac_key);
    gf_age_header_hkdf(a->file_key, 16, a->nonce, 16, "payload", a->payload_key);
}

static void make_payload(struct answer *a) {
    const struct gf_seal_public to[ANSWER_RECIPIENTS] = {a->relay.card.seal, a->site.card.seal};
    struct gf_age_stream *stream = NULL;
    struct gf_digest digest;
    struct gf_err e;

    make_steps(a);
    answer_announce();
    gf_buf_init(&a->payload, BUFFER_MAX);
    if (gf_age_encrypt(to, ANSWER_RECIPIENTS, &a->payload, &stream, &e) == -1)
        fixed_fail("payload.age", &e);
    fixed_done();
    a->age_header = a->payload.len - sizeof a->nonce;

    /* The frame is shorter than a chunk. */
    char *chunk = gf_buf_grow(&a->payload, a->frame.len + GF_AGE_TAG);
    if (chunk == NULL)
        fixed_fail("payload.age", NULL);
    memcpy(chunk, a->frame.data, a->frame.len);
    gf_age_chunk_seal(stream, 0, 1, (uint8_t *)chunk, a->frame.len);
    a->payload.len += a->frame.len + GF_AGE_TAG;
    gf_age_stream_free(stream);

    a->header.payload_size = (int64_t)a->payload.len;
    gf_digest_begin(&digest);
    gf_digest_add(&digest, a->payload.data, a->payload.len);
    gf_digest_end(&digest, &a->header.payload_digest);
}

/* ---- shell ---- */

static void make_signature(struct answer *a) {
    const struct gf_shell_route route = {a->header.id, a->header.from, a->header.to};
    char comment[GF_SHELL_TRUSTED_LENGTH + 1];
    struct gf_digest digest;
    struct gf_err e;

    gf_buf_init(&a->json, GF_HEADER_MAX);
    gf_buf_init(&a->sig, BUFFER_MAX);
    gf_shell_comment(&route, comment);
    if (gf_header_write(&a->header, gf_header_room(&a->header), &a->json, &e) == -1 ||
        gf_minisig_sign(a->site.sign, a->json.data, a->json.len, GF_SHELL_UNTRUSTED, comment,
                        &a->sig, &e) == -1)
        fixed_fail("bundle.json", &e);
    gf_digest_begin(&digest);
    gf_digest_add(&digest, a->json.data, a->json.len);
    gf_digest_end(&digest, &a->signed_hash);
}

static void make_bundle(struct answer *a) {
    const struct gf_buf *members[] = {&a->json, &a->sig, &a->payload};
    static const uint8_t zeros[GF_SHELL_END];
    struct gf_err e;

    gf_buf_init(&a->bundle, BUFFER_MAX);
    for (int m = GF_SHELL_HEADER; m <= GF_SHELL_PAYLOAD; m++) {
        int64_t size = (int64_t)members[m]->len;
        uint8_t block[GF_SHELL_BLOCK];

        gf_shell_block((enum gf_shell_member)m, size, block);
        gf_buf_add(&a->bundle, block, sizeof block);
        gf_buf_add(&a->bundle, members[m]->data, members[m]->len);
        gf_buf_add(&a->bundle, zeros, (size_t)(gf_shell_pad(size) - size));
    }
    gf_buf_add(&a->bundle, zeros, sizeof zeros);
    if (gf_buf_check(&a->bundle, "the bundle", &e) == -1)
        fixed_fail("bundle", &e);
}

static void make_hello(struct answer *a) {
    struct gf_err e;

    fixed_run(0x50, a->hello_nonce, sizeof a->hello_nonce);
    gf_buf_init(&a->hello, GF_HELLO_MAX);
    if (gf_hello_make(&(struct gf_hello_by){.id = &a->relay}, a->hello_nonce,
                      at("2026-01-03T00:00:00Z"), "0.1.0", &a->hello, &e) == -1)
        fixed_fail("hello", &e);
}

void answer_make(struct answer *a) {
    memset(a, 0, sizeof *a);
    make_parties(a);
    make_records(a);
    make_plan(a);
    make_contents(a);
    make_archive(a);
    make_frame(a);
    make_payload(a);
    make_signature(a);
    make_bundle(a);
    make_hello(a);
}

void answer_free(struct answer *a) {
    struct gf_buf *buffers[] = {&a->lines, &a->contents, &a->archive, &a->frame, &a->payload,
                                &a->json,  &a->sig,      &a->bundle,  &a->hello};

    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++)
        gf_buf_free(buffers[i]);
    gf_identity_free(&a->site);
    gf_identity_free(&a->relay);
}
