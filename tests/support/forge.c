/* forge.c -- the stages of a forged bundle, one after the other. */
#include "support/forge.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/key_secret.h"
#include "gapferry/digest.h"

#define BUF_MAX ((size_t)64 << 20)

_Noreturn void forge_fail(const char *name, const char *what) {
    (void)fprintf(stderr, "forge: %s: %s\n", name, what);
    abort();
}

/* ---- bytes ---- */

void forge_add(struct gf_buf *b, const void *data, size_t len) {
    gf_buf_add(b, data, len);
    if (b->failed)
        forge_fail("buffer", "no memory");
}

void forge_set(struct gf_buf *b, const void *data, size_t len) {
    gf_buf_clear(b);
    forge_add(b, data, len);
}

void forge_fill(struct gf_buf *b, uint8_t byte, size_t len) {
    char *at = gf_buf_grow(b, len);
    if (at == NULL)
        forge_fail("buffer", "no memory");
    memset(at, byte, len);
    b->len += len;
    at[len] = '\0';
}

void forge_insert(struct gf_buf *b, size_t at, const void *data, size_t len) {
    forge_fill(b, 0, len);
    memmove(b->data + at + len, b->data + at, b->len - len - at);
    memcpy(b->data + at, data, len);
}

void forge_remove(struct gf_buf *b, size_t at, size_t len) {
    if (at + len > b->len)
        forge_fail("remove", "beyond the end");
    memmove(b->data + at, b->data + at + len, b->len - at - len);
    b->len -= len;
    b->data[b->len] = '\0';
}

void forge_edit(struct gf_buf *b, const char *find, const char *put) {
    char *hit = memmem(b->data, b->len, find, strlen(find));
    size_t at = hit == NULL ? 0 : (size_t)(hit - b->data);

    if (hit == NULL || memmem(hit + 1, b->len - at - 1, find, strlen(find)) != NULL)
        forge_fail(find, "does not stand exactly once where it is to be edited");
    forge_remove(b, at, strlen(find));
    forge_insert(b, at, put, strlen(put));
}

/* ---- the world ---- */

/* 32 bytes for one purpose of one seed. */
static void derive(const char *seed, const char *purpose, uint8_t out[32]) {
    (void)crypto_generichash(out, 32, (const uint8_t *)seed, strlen(seed), (const uint8_t *)purpose,
                             strlen(purpose));
}

void forge_identity(const char *seed, enum gf_role role, const struct gf_sign_public *keynum,
                    struct gf_identity *out) {
    uint8_t b[32];
    struct gf_sign_key *sign = sodium_malloc(sizeof *sign);
    struct gf_seal_key *seal = sodium_malloc(sizeof *seal);
    struct gf_buf text;

    if (sign == NULL || seal == NULL)
        forge_fail(seed, "no memory");
    derive(seed, "gapferry test: key number", b);
    memcpy(sign->public.keynum, keynum != NULL ? keynum->keynum : b, sizeof sign->public.keynum);
    derive(seed, "gapferry test: signing key", b);
    (void)crypto_sign_seed_keypair(sign->public.pk, sign->secret, b);
    derive(seed, "gapferry test: sealing key", seal->secret);
    (void)crypto_scalarmult_base(seal->public.pk, seal->secret);

    memset(out, 0, sizeof *out);
    out->sign = sign;
    out->seal = seal;
    out->card.role = role;
    (void)snprintf(out->card.name, sizeof out->card.name, "%s", seed);
    out->card.has_agent = role == GF_ROLE_AGENT;
    derive(seed, "gapferry test: agent id", b);
    if (out->card.has_agent)
        memcpy(out->card.agent.b, b, sizeof out->card.agent.b);
    out->card.sign = sign->public;
    out->card.seal = seal->public;
    out->card.created = FORGE_CREATED;
    gf_key_identity(&out->card.sign, &out->card.seal, &out->card.identity);
    gf_buf_init(&text, GF_CARD_FILE_MAX);
    if (gf_card_write(&out->card, 1, sign, &text, NULL) == -1)
        forge_fail(seed, "makes no card");
    out->card_text = text.data;
    out->card_len = text.len;
}

void forge_world_make(struct forge_world *w) {
    char seed[32];

    if (gf_digest_start(NULL) == -1)
        forge_fail("world", "no libsodium");
    forge_identity("site-a", GF_ROLE_AGENT, NULL, &w->site);
    forge_identity("site-b", GF_ROLE_AGENT, NULL, &w->other);
    forge_identity("twin-of-site-a", GF_ROLE_AGENT, &w->site.card.sign, &w->twin);
    forge_identity("relay-1", GF_ROLE_RELAY, NULL, &w->relay);
    forge_identity("stranger", GF_ROLE_AGENT, NULL, &w->stranger);
    for (int i = 0; i < FORGE_OFFICERS; i++) {
        (void)snprintf(seed, sizeof seed, "officer-%d", i);
        forge_identity(seed, GF_ROLE_READER, NULL, &w->officers[i]);
    }
    w->trusted[0] = &w->site.card;
    w->trusted[1] = &w->other.card;
    w->trusted[2] = &w->twin.card;
    w->trusted[3] = &w->relay.card;
}

void forge_world_free(struct forge_world *w) {
    gf_identity_free(&w->site);
    gf_identity_free(&w->other);
    gf_identity_free(&w->twin);
    gf_identity_free(&w->relay);
    gf_identity_free(&w->stranger);
    for (int i = 0; i < FORGE_OFFICERS; i++)
        gf_identity_free(&w->officers[i]);
}

/* ---- beginning ---- */

#define RECORD_ID "019b7000-0000-7000-8000-000000000001"
#define DIGEST    "0f0e0d0c0b0a090807060504030201000f0e0d0c0b0a09080706050403020100"

const char forge_record[] =
    "{\"id\":\"" RECORD_ID "\",\"channel\":\"metrics\",\"product\":\"demo\","
    "\"origin\":\"000102030405060708090a0b0c0d0e0f\","
    "\"created\":\"2026-01-01T00:00:00Z\",\"expires\":null,\"clock\":\"ok\","
    "\"type\":\"application/json\",\"answer\":false,\"body\":\"{}\","
    "\"ext\":{}}\n";
const char forge_receipt[] =
    "{\"record\":\"" RECORD_ID "\",\"digest\":\"" DIGEST
    "\",\"state\":\"delivered\",\"reason\":null,"
    "\"guarantee\":\"effectively-once\",\"at\":\"2026-01-01T00:00:00Z\"}\n";
const char forge_answer[] = "{\"record\":\"" RECORD_ID "\",\"status\":200,\"headers\":"
                            "{\"content-type\":\"application/json\"},\"body\":\"{}\"}\n";
const char forge_refusal[] = "{\"bundle\":\"000102030405060708090a0b0c0d0e0f\",\"code\":\"digest\","
                             "\"reason\":\"damaged\",\"at\":\"2026-01-01T00:00:00Z\"}\n";
const char forge_notice[] = "{\"type\":\"time\",\"at\":\"2026-01-01T00:00:00Z\",\"data\":\"{}\"}\n";

void forge_random(struct forge *f, void *out, size_t len) {
    uint8_t key[32], nonce[8];

    derive(f->name, "gapferry test: randomness", key);
    for (int i = 0; i < 8; i++)
        nonce[i] = (uint8_t)(f->drawn >> (8 * i));
    f->drawn++;
    (void)crypto_stream_chacha20(out, len, nonce, key);
}

struct forge_member *forge_member(struct forge *f, const char *path, const char *name,
                                  const void *data, size_t len) {
    if (f->nmembers == FORGE_MEMBERS)
        forge_fail(f->name, "too many members");
    struct forge_member *m = &f->members[f->nmembers++];
    m->path = path;
    m->name = name;
    gf_buf_init(&m->data, BUF_MAX);
    forge_add(&m->data, data, len);
    return m;
}

void forge_begin(struct forge *f, struct forge_world *w, const char *name, enum gf_kind kind) {
    memset(f, 0, sizeof *f);
    f->name = name;
    f->world = w;
    f->from = kind == GF_KIND_REQUEST ? &w->site : &w->relay;
    f->to = kind == GF_KIND_REQUEST ? &w->relay : &w->site;
    forge_random(f, f->header.id.b, sizeof f->header.id.b);
    forge_random(f, f->header.stream.b, sizeof f->header.stream.b);
    f->header.kind = kind;
    f->header.from = f->from->card.identity;
    f->header.to = f->to->card.identity;
    f->header.seq = 7;
    f->header.has_prev = 1;
    memset(f->header.prev.b, 0xab, sizeof f->header.prev.b);
    f->header.has_created = f->header.has_expires = 1;
    f->header.created = FORGE_CREATED;
    f->header.expires = FORGE_EXPIRES;

    struct gf_buf *all[] = {&f->contents, &f->archive, &f->plain, &f->age,
                            &f->json,     &f->minisig, &f->file};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        gf_buf_init(all[i], BUF_MAX);
    if (kind == GF_KIND_REQUEST)
        (void)forge_member(f, "records.jsonl", NULL, forge_record, strlen(forge_record));
    else
        (void)forge_member(f, "receipts.jsonl", NULL, forge_receipt, strlen(forge_receipt));
}

void forge_no_members(struct forge *f) {
    while (f->nmembers > 0)
        gf_buf_free(&f->members[--f->nmembers].data);
}

void forge_free(struct forge *f) {
    struct gf_buf *all[] = {&f->contents, &f->archive, &f->plain, &f->age,
                            &f->json,     &f->minisig, &f->file};

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        gf_buf_free(all[i]);
    forge_no_members(f);
    memset(f, 0, sizeof *f);
}

/* ---- the stages that are short ---- */

static void make_contents(struct forge *f) {
    struct gf_contents_member members[FORGE_MEMBERS] = {0};
    struct gf_contents c = {.id = f->header.id,
                            .kind = f->header.kind,
                            .from = f->header.from,
                            .to = f->header.to,
                            .stream = f->header.stream,
                            .seq = f->header.seq,
                            .nmembers = f->nmembers,
                            .members = members};

    for (size_t i = 0; i < f->nmembers; i++) {
        (void)snprintf(members[i].member, sizeof members[i].member, "%s", f->members[i].path);
        members[i].name = (char *)(uintptr_t)f->members[i].name;
        members[i].size = (int64_t)f->members[i].data.len;
    }
    gf_contents_write(&c, &f->contents);
}

static void make_archive(struct forge *f) {
    for (size_t i = 0; i < f->nmembers; i++) {
        const struct forge_member *m = &f->members[i];
        forge_tar_header(&f->archive, m->path, '0', (int64_t)m->data.len);
        forge_tar_data(&f->archive, m->data.data, m->data.len);
    }
    forge_tar_header(&f->archive, "contents.json", '0', (int64_t)f->contents.len);
    forge_tar_data(&f->archive, f->contents.data, f->contents.len);
    forge_tar_end(&f->archive);
}

static void make_frames(struct forge *f) {
    const struct forge_frame plain = {0};

    for (size_t at = 0; at < f->archive.len; at += GF_FRAME_MAX) {
        size_t len = f->archive.len - at < GF_FRAME_MAX ? f->archive.len - at : GF_FRAME_MAX;
        forge_frame(&f->plain, f->archive.data + at, len, &plain);
    }
}

static void make_header(struct forge *f) {
    struct gf_digest d;

    gf_digest_begin(&d);
    gf_digest_add(&d, f->age.data, f->age.len);
    gf_digest_end(&d, &f->header.payload_digest);
    f->header.payload_size = (int64_t)f->age.len;
    for (size_t i = 0; i < f->header.nreaders; i++)
        f->header.readers[i] = f->readers[i]->card.identity;
    if (gf_header_write(&f->header, f->header_size, &f->json, NULL) == -1)
        forge_fail(f->name, "its header cannot be written");
}

void forge_to(struct forge *f, enum forge_stage stage) {
    static void (*const make[])(struct forge *) = {
        [FORGE_CONTENTS] = make_contents,
        [FORGE_ARCHIVE] = make_archive,
        [FORGE_FRAMES] = make_frames,
        [FORGE_STANZAS] = forge_make_stanzas,
        [FORGE_AGE] = forge_make_age,
        [FORGE_PAYLOAD] = forge_make_payload,
        [FORGE_HEADER] = make_header,
        [FORGE_SIGNED] = forge_make_signed,
        [FORGE_SIGNATURE] = forge_make_signature,
        [FORGE_SHELL] = forge_make_shell,
    };

    while (f->done < stage)
        make[++f->done](f);
}
