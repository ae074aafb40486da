/* payload.c -- payload.age: digest, age header, who can open it, and whose it is. */
#include <string.h>

#include "crypto/age_header.h"
#include "vectors/build/vector.h"

#define B43 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

/* ---- the digest ---- */

static void flipped(struct forge *f) {
    forge_to(f, FORGE_SHELL);
    f->file.data[forge_block(f, 2) + 512 + f->age.len - 20] ^= 1;
}

static void of_another(struct forge *f) {
    struct forge other;
    forge_begin(&other, f->world, "another payload", GF_KIND_REQUEST);
    forge_to(&other, FORGE_PAYLOAD);
    forge_to(f, FORGE_SIGNATURE);
    if (f->age.len != other.age.len)
        forge_fail(f->name, "needs a payload of the same length");
    memcpy(f->age.data, other.age.data, f->age.len);
    forge_free(&other);
}

/* Somebody who may read it seals the same archive for others and keeps the signature. */
static void sealed_anew(struct forge *f) {
    forge_to(f, FORGE_SIGNATURE);
    f->age.len = 0;
    f->chunks = 0;
    f->to = &f->world->other;
    forge_make_stanzas(f);
    forge_make_age(f);
    forge_make_payload(f);
}

/* ---- stanzas ---- */

static void reader(struct forge *f) {
    f->readers[f->header.nreaders++] = &f->world->officers[0];
}

static void stanza_too_many(struct forge *f) {
    reader(f);
    forge_to(f, FORGE_PAYLOAD);
    f->header.nreaders = 0;
}

static void stanza_too_few(struct forge *f) {
    forge_to(f, FORGE_PAYLOAD);
    reader(f);
    /* The header's least size counts the missing stanza. */
}

static void stanzas_20(struct forge *f) {
    forge_to(f, FORGE_STANZAS);
    f->age.len -= 3;
    for (int i = 0; i < 19; i++)
        forge_stanza(f, &f->age, f->world->officers[i % FORGE_OFFICERS].card.seal.pk);
    gf_buf_text(&f->age, "---");
}

static void put_stanza(struct forge *f, const char *text) {
    forge_to(f, FORGE_STANZAS);
    f->age.len -= 3;
    gf_buf_text(&f->age, text);
    gf_buf_text(&f->age, "---");
}

static void foreign(struct forge *f) {
    put_stanza(f, "-> grease-7 abc\nQUJD\n");
}

static void ssh(struct forge *f) {
    put_stanza(f, "-> ssh-ed25519 abcdef " B43 "\n" B43 "\n");
}

static void replace_stanzas(struct forge *f, const char *text) {
    forge_to(f, FORGE_STANZAS);
    f->age.len = strlen("age-encryption.org/v1\n");
    gf_buf_text(&f->age, text);
    gf_buf_text(&f->age, "---");
}

static void passphrase(struct forge *f) {
    replace_stanzas(f, "-> scrypt AAAAAAAAAAAAAAAAAAAAAA 18\n" B43 "\n");
}

static void no_stanza(struct forge *f) {
    replace_stanzas(f, "");
    /* So that the least size is kept. */
    forge_fill(&f->plain, 0, 64);
}

static void low_order(struct forge *f) {
    replace_stanzas(f, "-> X25519 " B43 "\n" B43 "\n");
}

static void for_another(struct forge *f) {
    f->to = &f->world->other;
}

static void doubled_stanza(struct forge *f) {
    reader(f);
    forge_to(f, FORGE_STANZAS);
    size_t first = strlen("age-encryption.org/v1\n");
    size_t len = (f->age.len - first - 3) / 2;
    memcpy(f->age.data + first, f->age.data + first + len, len);
}

static void body_bit(struct forge *f) {
    forge_to(f, FORGE_STANZAS);
    char *c = f->age.data + f->age.len - 3 - 1 - 20;
    *c = *c == 'A' ? 'B' : 'A';
}

static void share_bit(struct forge *f) {
    forge_to(f, FORGE_STANZAS);
    char *c = f->age.data + strlen("age-encryption.org/v1\n-> X25519 ") + 4;
    *c = *c == 'A' ? 'B' : 'A';
}

/* A stanza that opens, but to the file key of another file. */
static void transplanted(struct forge *f) {
    uint8_t own[16];
    forge_to(f, FORGE_STANZAS);
    memcpy(own, f->file_key, sizeof own);
    forge_random(f, f->file_key, sizeof f->file_key);
    f->age.len = strlen("age-encryption.org/v1\n");
    forge_stanza(f, &f->age, f->to->card.seal.pk);
    gf_buf_text(&f->age, "---");
    memcpy(f->file_key, own, sizeof own);
}

static void not_canonical(struct forge *f) {
    forge_to(f, FORGE_STANZAS);
    /* The last of 43 characters carries two unused bits. */
    char *c = f->age.data + f->age.len - 3 - 2;
    static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    *c = base64[(size_t)(strchr(base64, *c) - base64) | 1];
}

static void crlf(struct forge *f) {
    forge_to(f, FORGE_STANZAS);
    forge_edit(&f->age, "/v1\n", "/v1\r\n");
}

/* ---- MAC and nonce ---- */

static void mac_bit(struct forge *f) {
    forge_to(f, FORGE_AGE);
    char *c = f->age.data + f->age.len - 16 - 1 - 10;
    *c = *c == 'A' ? 'B' : 'A';
}

static void mac_short(struct forge *f) {
    forge_to(f, FORGE_AGE);
    forge_remove(&f->age, f->age.len - 16 - 1 - 3, 3);
    forge_fill(&f->plain, 0, 3);
}

static void mac_missing(struct forge *f) {
    forge_to(f, FORGE_AGE);
    forge_remove(&f->age, f->age.len - 16 - 1 - 44, 44);
}

static void header_changed(struct forge *f) {
    reader(f);
    forge_to(f, FORGE_AGE);
    /* The officer's stanza: ours still opens. */
    size_t at = strlen("age-encryption.org/v1\n") + 98 + strlen("-> X25519 ") + 60;
    f->age.data[at] = f->age.data[at] == 'A' ? 'B' : 'A';
}

static void stanzas_swapped(struct forge *f) {
    char first[98];
    reader(f);
    forge_to(f, FORGE_AGE);
    char *at = f->age.data + strlen("age-encryption.org/v1\n");
    memcpy(first, at, sizeof first);
    memmove(at, at + sizeof first, sizeof first);
    memcpy(at + sizeof first, first, sizeof first);
}

static void nonce_bit(struct forge *f) {
    forge_to(f, FORGE_AGE);
    f->age.data[f->age.len - 1] ^= 1;
}

static void no_nonce(struct forge *f) {
    forge_to(f, FORGE_AGE);
    f->age.len -= 16;
    f->done = FORGE_PAYLOAD;
}

static void cut_in_nonce(struct forge *f) {
    forge_to(f, FORGE_AGE);
    f->age.len -= 3;
    f->done = FORGE_PAYLOAD;
}

/* ---- whose it is ---- */

/* The other agent takes the ciphertext and signs it as its own. */
static void signed_by_other(struct forge *f) {
    forge_to(f, FORGE_PAYLOAD);
    f->from = &f->world->other;
    f->header.from = f->from->card.identity;
}

static void another_id(struct forge *f) {
    forge_to(f, FORGE_PAYLOAD);
    f->header.id.b[0] ^= 1;
}

static void another_stream(struct forge *f) {
    forge_to(f, FORGE_PAYLOAD);
    f->header.stream.b[0] ^= 1;
}

static void another_seq(struct forge *f) {
    forge_to(f, FORGE_PAYLOAD);
    f->header.seq++;
}

static void another_to(struct forge *f) {
    f->header.to = f->world->other.card.identity;
    forge_to(f, FORGE_PAYLOAD);
    f->header.to = f->to->card.identity;
}

static void another_kind(struct forge *f) {
    f->header.kind = GF_KIND_RESPONSE;
    forge_no_members(f);
    forge_to(f, FORGE_PAYLOAD);
    f->header.kind = GF_KIND_REQUEST;
}

#define R(title, ecode, text, sentence, function)                                                  \
    { title, ecode, text, sentence, .make = function }
#define OTHER(name) "'" name "' is not the one in bundle.json"
static const struct vector rows[] = {
    R("digest-bit", GF_E_DIGEST, "not the one that was signed", "A bit of the payload was flipped.",
      flipped),
    R("digest-of-another-bundle", GF_E_DIGEST, "not the one that was signed",
      "The payload is another bundle's, of the same length.", of_another),
    R("digest-sealed-anew", GF_E_DIGEST, "not the one that was signed",
      "A reader sealed the same archive for somebody else and kept the signature.", sealed_anew),
    {"age-version", GF_E_AGE, "not an age v1 file", "The age file is of version 2.",
     .stage = FORGE_STANZAS, .find = "age-encryption.org/v1", .put = "age-encryption.org/v2"},
    {"age-armor", GF_E_AGE, "not an age v1 file (or one in ASCII armor)",
     "The age file begins as one in armor.", .stage = FORGE_STANZAS,
     .find = "age-encryption.org/v1\n", .put = "-----BEGIN AGE ENCRYPTED FILE-----\n"},
    R("age-crlf", GF_E_AGE, "not an age v1 file", "Its first line ends in CR and LF.", crlf),
    R("age-no-stanza", GF_E_AGE, "the age header has no stanza", "It has no stanza.", no_stanza),
    R("age-stanza-too-many", GF_E_AGE,
      "encrypted to 2 X25519 keys and 0 others; bundle.json names 1",
      "It is sealed for somebody whom bundle.json does not name.", stanza_too_many),
    R("age-stanza-too-few", GF_E_AGE,
      "encrypted to 1 X25519 keys and 0 others; bundle.json names 2",
      "It is not sealed for a reader whom bundle.json names.", stanza_too_few),
    R("age-stanzas-20", GF_E_AGE, "bundle.json names 1", "It is sealed for 20 keys.", stanzas_20),
    R("age-stanza-foreign", GF_E_AGE, "encrypted to 1 X25519 keys and 1 others",
      "It has a stanza of no known type beside ours.", foreign),
    R("age-stanza-ssh", GF_E_AGE, "encrypted to 1 X25519 keys and 1 others",
      "It is sealed for an SSH key too.", ssh),
    R("age-stanza-passphrase", GF_E_AGE, "encrypted to 0 X25519 keys and 1 others",
      "It is sealed with a passphrase.", passphrase),
    R("age-stanza-for-another", GF_E_UNWRAP, "not sealed for our key",
      "It is addressed to us, but sealed for somebody else.", for_another),
    R("age-stanza-doubled", GF_E_UNWRAP, "not sealed for our key",
      "The reader's stanza stands there twice, and ours not at all.", doubled_stanza),
    R("age-stanza-body-bit", GF_E_UNWRAP, "not sealed for our key",
      "A bit of the wrapped key is flipped.", body_bit),
    R("age-stanza-share-bit", GF_E_UNWRAP, "not sealed for our key",
      "A bit of the sender's share is flipped.", share_bit),
    R("age-stanza-low-order", GF_E_AGE, "a share of low order", "The sender's share is zero.",
      low_order),
    {"age-stanza-no-argument", GF_E_AGE, "stanza 1 is malformed", "The stanza has no share.",
     .stage = FORGE_STANZAS, .find = "-> X25519 ", .put = "-> X25519\n"},
    {"age-stanza-two-arguments", GF_E_AGE, "stanza 1 is malformed", "The stanza has two shares.",
     .stage = FORGE_STANZAS, .find = "-> X25519 ", .put = "-> X25519 " B43 " "},
    {"age-stanza-two-spaces", GF_E_AGE, "stanza 1 is malformed",
     "Two spaces separate type and share.", .stage = FORGE_STANZAS, .find = "-> X25519 ",
     .put = "-> X25519  "},
    {"age-stanza-lower-case", GF_E_AGE, "encrypted to 0 X25519 keys and 1 others",
     "The stanza's type is x25519.", .stage = FORGE_STANZAS, .find = "-> X25519 ",
     .put = "-> x25519 "},
    R("age-stanza-base64", GF_E_AGE, "stanza 1 is malformed",
      "Unused bits of the wrapped key's base64 are set.", not_canonical),
    R("age-stanza-transplanted", GF_E_HMAC, "MAC does not match",
      "The stanza opens to the key of another file.", transplanted),
    R("age-mac-bit", GF_E_HMAC, "MAC does not match", "A bit of the MAC is flipped.", mac_bit),
    R("age-mac-short", GF_E_AGE, "last line is malformed or cut", "The MAC lacks characters.",
      mac_short),
    R("age-mac-missing", GF_E_AGE, "last line is malformed or cut", "There is no MAC.",
      mac_missing),
    R("age-header-changed", GF_E_HMAC, "MAC does not match",
      "A reader's stanza was changed after the MAC was made.", header_changed),
    R("age-stanzas-swapped", GF_E_HMAC, "MAC does not match",
      "The stanzas were swapped after the MAC was made.", stanzas_swapped),
    R("age-nonce-bit", GF_E_CHUNK, "chunk 0 of the payload is damaged",
      "A bit of the nonce is flipped.", nonce_bit),
    R("age-nonce-missing", GF_E_HEADER, "\"size\" must be a number from",
      "The payload ends behind the age header.", no_nonce),
    R("age-nonce-cut", GF_E_HEADER, "\"size\" must be a number from",
      "The payload ends within the nonce.", cut_in_nonce),
    R("binding-from", GF_E_BINDING, OTHER("from"),
      "Another trusted sender signed this sender's ciphertext as its own.", signed_by_other),
    R("binding-id", GF_E_BINDING, OTHER("id"), "The same payload was signed under another id.",
      another_id),
    R("binding-stream", GF_E_BINDING, OTHER("stream"),
      "The same payload was signed into another stream.", another_stream),
    R("binding-seq", GF_E_BINDING, OTHER("seq"), "The same payload was signed as a later one.",
      another_seq),
    R("binding-to", GF_E_BINDING, OTHER("to"), "The payload was made for another addressee.",
      another_to),
    R("binding-kind", GF_E_BINDING, OTHER("kind"), "The payload was made as a response.",
      another_kind),
};

const struct vector_set vector_payload = VECTOR_SET(rows);
