/* chunks.c -- the chunks of payload.age: cut, moved, marked wrongly; digest and signature fit. */
#include <string.h>

#include "crypto/age.h"
#include "vectors/build/vector.h"

#define SEALED     (GF_AGE_CHUNK + GF_AGE_TAG)
#define DAMAGED(n) "chunk " n " of the payload is damaged, cut or moved"
#define SIZE(n)    "chunk " n " of the payload has an impossible size"

/* A file whose bytes are stored as they are, so that the payload has several chunks. The first
 * begins where this says. */
static size_t long_payload(struct forge *f, size_t bytes) {
    struct gf_buf b;
    const struct forge_frame raw = {.raw = 1};

    gf_buf_init(&b, bytes + 1);
    forge_fill(&b, 0, bytes);
    forge_random(f, b.data, b.len);
    (void)forge_member(f, "files/random", "random", b.data, b.len);
    gf_buf_free(&b);
    forge_to(f, FORGE_ARCHIVE);
    forge_frame(&f->plain, f->archive.data, f->archive.len, &raw);
    f->done = FORGE_FRAMES;
    forge_to(f, FORGE_AGE);
    size_t first = f->age.len;
    forge_to(f, FORGE_PAYLOAD);
    return first;
}

/* Two chunks, the second short. */
static size_t two(struct forge *f) {
    return long_payload(f, 63 * 1024);
}

/* One chunk: seal it anew as these say. */
static void one(struct forge *f, uint64_t number, int last, size_t len) {
    forge_to(f, FORGE_AGE);
    forge_chunk(f, number, last, f->plain.data, len);
    f->done = FORGE_PAYLOAD;
}

static void bit(struct forge *f) {
    forge_to(f, FORGE_PAYLOAD);
    f->age.data[f->age.len - 100] ^= 1;
}

static void tag_bit(struct forge *f) {
    forge_to(f, FORGE_PAYLOAD);
    f->age.data[f->age.len - 1] ^= 1;
}

static void not_marked(struct forge *f) {
    forge_to(f, FORGE_FRAMES);
    one(f, 0, 0, f->plain.len);
}

static void numbered_1(struct forge *f) {
    forge_to(f, FORGE_FRAMES);
    one(f, 1, 1, f->plain.len);
}

static void cut_in_chunk(struct forge *f) {
    forge_to(f, FORGE_PAYLOAD);
    f->age.len -= 30;
}

static void cut_in_tag(struct forge *f) {
    forge_to(f, FORGE_PAYLOAD);
    f->age.len -= 1;
}

static void byte_behind(struct forge *f) {
    forge_to(f, FORGE_PAYLOAD);
    forge_fill(&f->age, 0, 1);
}

/* As much as the header's rule asks for, so that the chunk is what is missing. */
static void no_chunk(struct forge *f) {
    forge_to(f, FORGE_AGE);
    f->done = FORGE_PAYLOAD;
}

static void tag_cut(struct forge *f) {
    forge_to(f, FORGE_FRAMES);
    one(f, 0, 1, 0);
    f->age.len -= 1;
}

static void first_dropped(struct forge *f) {
    forge_remove(&f->age, two(f), SEALED);
}

static void last_dropped(struct forge *f) {
    f->age.len = two(f) + SEALED;
}

static void last_cut(struct forge *f) {
    f->age.len = two(f) + SEALED + GF_AGE_TAG - 1;
}

static void last_doubled(struct forge *f) {
    size_t first = two(f);
    size_t len = f->age.len - first - SEALED;
    struct gf_buf b;
    gf_buf_init(&b, len);
    forge_add(&b, f->age.data + first + SEALED, len);
    forge_add(&f->age, b.data, b.len);
    gf_buf_free(&b);
}

static void first_doubled(struct forge *f) {
    size_t first = two(f);
    struct gf_buf b;
    gf_buf_init(&b, SEALED);
    forge_add(&b, f->age.data + first, SEALED);
    forge_insert(&f->age, first, b.data, b.len);
    gf_buf_free(&b);
}

static void swapped(struct forge *f) {
    struct gf_buf b;
    size_t first = two(f);
    gf_buf_init(&b, SEALED);
    forge_add(&b, f->age.data + first, SEALED);
    forge_remove(&f->age, first, SEALED);
    forge_add(&f->age, b.data, b.len);
    gf_buf_free(&b);
}

/* The first of two is sealed as the last one. */
static void first_marked(struct forge *f) {
    size_t first = two(f);
    f->age.len = first;
    forge_chunk(f, 0, 1, f->plain.data, GF_AGE_CHUNK);
    forge_chunk(f, 1, 1, f->plain.data + GF_AGE_CHUNK, f->plain.len - GF_AGE_CHUNK);
}

static void second_not_marked(struct forge *f) {
    size_t first = two(f);
    f->age.len = first;
    forge_chunk(f, 0, 0, f->plain.data, GF_AGE_CHUNK);
    forge_chunk(f, 1, 0, f->plain.data + GF_AGE_CHUNK, f->plain.len - GF_AGE_CHUNK);
}

/* A full chunk, and then an empty one that is the last. */
static void empty_last(struct forge *f) {
    size_t first = two(f);
    f->age.len = first;
    forge_chunk(f, 0, 0, f->plain.data, GF_AGE_CHUNK);
    forge_chunk(f, 1, 1, "", 0);
}

/* Chunks of half the size, each of them authentic. */
static void short_first(struct forge *f) {
    forge_to(f, FORGE_AGE);
    forge_chunk(f, 0, 0, f->plain.data, f->plain.len / 2);
    forge_chunk(f, 1, 1, f->plain.data + f->plain.len / 2, f->plain.len - f->plain.len / 2);
    f->done = FORGE_PAYLOAD;
}

static void other_key(struct forge *f) {
    forge_to(f, FORGE_AGE);
    f->chunk_key[0] ^= 1;
}

#define R(title, ecode, text, sentence, function)                                                  \
    { title, ecode, text, sentence, .make = function }
static const struct vector rows[] = {
    R("chunk-bit", GF_E_CHUNK, DAMAGED("0"), "A bit of the ciphertext is flipped.", bit),
    R("chunk-tag-bit", GF_E_CHUNK, DAMAGED("0"), "A bit of a tag is flipped.", tag_bit),
    R("chunk-other-key", GF_E_CHUNK, DAMAGED("0"), "The chunk is sealed with another key.",
      other_key),
    R("chunk-not-marked-last", GF_E_CHUNK, DAMAGED("0"),
      "The only chunk is not marked as the last.", not_marked),
    R("chunk-numbered-from-1", GF_E_CHUNK, DAMAGED("0"), "The first chunk has the number 1.",
      numbered_1),
    R("chunk-cut", GF_E_CHUNK, DAMAGED("0"), "The last chunk lacks 30 bytes.", cut_in_chunk),
    R("chunk-cut-in-tag", GF_E_CHUNK, DAMAGED("0"), "The last chunk lacks a byte.", cut_in_tag),
    R("chunk-byte-behind", GF_E_CHUNK, DAMAGED("0"), "A byte follows the last chunk.", byte_behind),
    R("chunk-none", GF_E_HEADER, "\"size\" must be a number from", "There is no chunk.", no_chunk),
    R("chunk-tag-cut", GF_E_HEADER, "\"size\" must be a number from",
      "There is no more than a part of a tag.", tag_cut),
    R("chunk-first-dropped", GF_E_CHUNK, DAMAGED("0"), "The first of two chunks is missing.",
      first_dropped),
    R("chunk-last-dropped", GF_E_CHUNK, DAMAGED("0"), "The last of two chunks is missing.",
      last_dropped),
    R("chunk-last-shorter-than-tag", GF_E_CHUNK, SIZE("1"), "The last of two chunks has 15 bytes.",
      last_cut),
    R("chunk-last-doubled", GF_E_CHUNK, DAMAGED("1"), "The last chunk stands there twice.",
      last_doubled),
    R("chunk-first-doubled", GF_E_CHUNK, DAMAGED("1"), "The first chunk stands there twice.",
      first_doubled),
    R("chunk-swapped", GF_E_CHUNK, DAMAGED("0"), "The two chunks are swapped.", swapped),
    R("chunk-first-marked-last", GF_E_CHUNK, DAMAGED("0"),
      "The first of two chunks is marked as the last.", first_marked),
    R("chunk-second-not-marked-last", GF_E_CHUNK, DAMAGED("1"),
      "The second of two chunks is not marked as the last.", second_not_marked),
    R("chunk-empty-last", GF_E_CHUNK, SIZE("1"), "An empty chunk is the last.", empty_last),
    R("chunk-short-first", GF_E_CHUNK, DAMAGED("0"), "A chunk that is not the last is not full.",
      short_first),
};

const struct vector_set vector_chunks = VECTOR_SET(rows);
