/*
 * fuzz_resign.c -- bundles with a hostile sender: parts of one are the input, and all that stands
 * above them is made anew and signed with an enrolled key. Others never get past the signature.
 *
 * Input: a byte that says which parts are given, a byte for what is wrong with the chunks, then for
 * each part its length (4 bytes, little-endian) and its bytes. The mutator keeps this form.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);

/* libFuzzer's own; there is none when seeds are only replayed. */
__attribute__((weak)) size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);

#define PARTS 5
static const enum forge_stage stages[PARTS] = {FORGE_CONTENTS, FORGE_ARCHIVE, FORGE_FRAMES,
                                               FORGE_STANZAS, FORGE_HEADER};

struct input {
    uint8_t given;
    uint8_t plan;
    const uint8_t *part[PARTS];
    size_t len[PARTS];
};

static struct forge_world world;
static struct read_room room;

static void stop(void) {
    read_room_free(&room);
    forge_world_free(&world);
}

static void start(void) {
    static int made;
    if (made)
        return;
    forge_world_make(&world);
    read_room_make(&room);
    (void)atexit(stop);
    made = 1;
}

static void parse(const uint8_t *data, size_t size, struct input *in) {
    memset(in, 0, sizeof *in);
    if (size < 2)
        return;
    in->given = data[0] & ((1 << PARTS) - 1);
    in->plan = data[1];
    data += 2;
    size -= 2;
    for (int i = 0; i < PARTS; i++) {
        if ((in->given >> i & 1) == 0)
            continue;
        size_t n = 0;
        if (size >= 4) {
            n = (size_t)data[0] | (size_t)data[1] << 8 | (size_t)data[2] << 16;
            data += 4;
            size -= 4;
        }
        in->part[i] = data;
        in->len[i] = n < size ? n : size;
        data += in->len[i];
        size -= in->len[i];
    }
}

static size_t put(const struct input *in, uint8_t *out, size_t max) {
    size_t at = 2;

    if (max < 2)
        return 0;
    out[0] = in->given;
    out[1] = in->plan;
    for (int i = 0; i < PARTS; i++) {
        if ((in->given >> i & 1) == 0)
            continue;
        size_t n = in->len[i];
        if (max - at < 4)
            break;
        if (n > max - at - 4)
            n = max - at - 4;
        for (int k = 0; k < 4; k++)
            out[at++] = (uint8_t)(n >> (8 * k));
        if (n > 0)
            memcpy(out + at, in->part[i], n);
        at += n;
    }
    return at;
}

static struct gf_buf *text_of(struct forge *f, int part) {
    struct gf_buf *all[PARTS] = {&f->contents, &f->archive, &f->plain, &f->age, &f->json};
    return all[part];
}

/* Size and digest of the payload, where the header has a place for them. */
static void mend_header(struct forge *f) {
    struct gf_buf *b = &f->json;
    char *hit = memmem(b->data, b->len, "\"blake2b\":\"", 11);
    char hex[GF_HASH64_TEXT], number[32];

    gf_text_hex(f->header.payload_digest.b, 64, hex);
    if (hit != NULL && (size_t)(b->data + b->len - hit) >= 11 + 128)
        memcpy(hit + 11, hex, 128);
    hit = memmem(b->data, b->len, "\"size\":", 7);
    if (hit == NULL)
        return;
    size_t at = (size_t)(hit - b->data) + 7, n = 0;
    while (at + n < b->len && b->data[at + n] >= '0' && b->data[at + n] <= '9')
        n++;
    (void)snprintf(number, sizeof number, "%zu", f->age.len);
    forge_remove(b, at, n);
    forge_insert(b, at, number, strlen(number));
}

/* Chunks as the plan says; 0 is right. */
static void make_chunks(struct forge *f, uint8_t plan) {
    size_t half = plan & 8 ? f->plain.len / 2 : f->plain.len;
    uint64_t number = plan & 4;

    if (plan == 0)
        return;
    forge_to(f, FORGE_AGE);
    if (plan & 16)
        f->age.data[f->age.len - 1] ^= 1;
    forge_chunk(f, number++, (plan & 1) == 0 && half == f->plain.len, f->plain.data, half);
    if (half < f->plain.len)
        forge_chunk(f, number++, (plan & 1) == 0, f->plain.data + half, f->plain.len - half);
    if (plan & 2)
        forge_chunk(f, number, 1, "more", 4);
    f->done = FORGE_PAYLOAD;
}

/* Make everything up to and with a stage. */
static void make(struct forge *f, const struct input *in, enum forge_stage until) {
    start();
    forge_begin(f, &world, "fuzz", GF_KIND_REQUEST);
    for (int i = 0; i < PARTS && stages[i] <= until; i++) {
        if (stages[i] == FORGE_HEADER)
            make_chunks(f, in->plan & 31);
        forge_to(f, stages[i]);
        if ((in->given >> i & 1) != 0) {
            forge_set(text_of(f, i), in->part[i], in->len[i]);
            if (stages[i] == FORGE_HEADER)
                mend_header(f);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct input in;
    struct forge f;
    struct read_result r;

    parse(data, size, &in);
    make(&f, &in, FORGE_SHELL);
    forge_to(&f, FORGE_SHELL);
    int rc = read_bundle(&world, READ_AS_RELAY, f.file.data, f.file.len, &room, size & 1, &r);

    /* Whatever was made: nothing stays behind, and what is read says the same inside and outside.
     */
    if (r.left != 0 || (rc == 0 && gf_contents_bind(&r.contents, &r.header, NULL) == -1) ||
        (rc == 0 && memcmp(&r.header.from, &world.site.card.identity, sizeof r.header.from) != 0) ||
        (rc == -1 && (r.err.code == GF_OK || r.err.code == GF_E_BUG || r.err.text[0] == '\0')))
        abort();
    gf_contents_free(&r.contents);
    forge_free(&f);
    return 0;
}

/* What looks like the header of a member gets a right checksum. */
static void mend_archive(uint8_t *b, size_t len) {
    for (size_t at = 0; at + 512 <= len; at += 512)
        if (memcmp(b + at + 257, "ustar", 5) == 0)
            forge_tar_sum(b + at);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed) {
    struct input in;
    struct forge f;
    int part = (int)(seed % PARTS);
    uint8_t *changed = NULL;

    parse(data, size, &in);
    seed /= PARTS;
    if (seed % 16 == 0)
        in.plan = (uint8_t)(seed / 16);

    /* Take up a part as it would be made, or leave one to be made again. */
    make(&f, &in, stages[part]);
    if ((in.given >> part & 1) == 0 || seed % 32 == 1) {
        in.given ^= (uint8_t)(1 << part);
        in.part[part] = (const uint8_t *)text_of(&f, part)->data;
        in.len[part] = text_of(&f, part)->len;
    }
    if ((in.given >> part & 1) != 0 && LLVMFuzzerMutate != NULL) {
        size_t room_for = in.len[part] + 512;
        changed = malloc(room_for);
        if (changed == NULL)
            forge_fail("mutator", "no memory");
        if (in.len[part] > 0)
            memcpy(changed, in.part[part], in.len[part]);
        in.len[part] = LLVMFuzzerMutate(changed, in.len[part], room_for);
        if (stages[part] == FORGE_ARCHIVE && seed % 8 != 7)
            mend_archive(changed, in.len[part]);
        in.part[part] = changed;
    }
    uint8_t *out = malloc(max > 0 ? max : 1);
    if (out == NULL)
        forge_fail("mutator", "no memory");
    size_t n = put(&in, out, max);
    memcpy(data, out, n);
    free(out);
    free(changed);
    forge_free(&f);
    return n;
}
