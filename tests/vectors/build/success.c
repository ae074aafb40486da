/* success.c -- bundles at the borders of what is right: these must be read. */
#include <string.h>

#include "crypto/age.h"
#include "vectors/build/vector.h"

#define H16 "0123456789abcdef"
#define H64 H16 H16 H16 H16

static void smallest(struct forge *f) {
    forge_no_members(f);
}

static void as_it_is(struct forge *f) {
    (void)f;
}

static void readers(struct forge *f, size_t n) {
    while (f->header.nreaders < n) {
        f->readers[f->header.nreaders] = &f->world->officers[f->header.nreaders];
        f->header.nreaders++;
    }
}

static void reader_self(struct forge *f) {
    f->readers[f->header.nreaders++] = &f->world->site;
}

static void readers_15(struct forge *f) {
    readers(f, 15);
}

static void padded_4096(struct forge *f) {
    f->header_size = 4096;
}

static void padded_most(struct forge *f) {
    f->header_size = GF_HEADER_MAX;
}

static void spelled_otherwise(struct forge *f) {
    forge_to(f, FORGE_HEADER);
    forge_edit(&f->json, "\"seq\":7", "\n\t\"seq\" : 7 ");
    forge_edit(&f->json, "\"kind\"", "\"\\u006bind\"");
}

static void ext_filled(struct forge *f) {
    forge_to(f, FORGE_HEADER);
    vector_member(&f->json, "ext", "\"ext\":{\"vendor.example\":{\"a\":[1,true,null,\"x\"]}}");
}

static void ext_deep(struct forge *f) {
    forge_to(f, FORGE_HEADER);
    vector_member(&f->json, "ext", "\"ext\":{\"a\":[[[[[[[[[[[[[[]]]]]]]]]]]]]]}");
}

static void no_times(struct forge *f) {
    f->header.has_created = f->header.has_expires = 0;
}

static void no_expiry(struct forge *f) {
    f->header.has_expires = 0;
}

static void no_creation(struct forge *f) {
    f->header.has_created = 0;
}

static void expires_now(struct forge *f) {
    f->header.expires = FORGE_NOW;
}

static void first_of_stream(struct forge *f) {
    f->header.seq = 1;
    f->header.has_prev = 0;
}

static void later_without_prev(struct forge *f) {
    f->header.has_prev = 0;
}

static void seq_most(struct forge *f) {
    f->header.seq = GF_JSON_INT_MAX;
}

/* ---- members ---- */

static void empty_file(struct forge *f) {
    (void)forge_member(f, "files/empty", "empty", "", 0);
}

static void files_in_any_order(struct forge *f) {
    (void)forge_member(f, "files/z.iso", "Z.iso", "z", 1);
    (void)forge_member(f, "files/a.iso", "A.iso", "a", 1);
}

static void names_at_their_limits(struct forge *f) {
    (void)forge_member(f, "files/0", "\xc3\xa9t\xc3\xa9 ../../etc/passwd", "x", 1);
    (void)forge_member(f, "files/" H64, "0", "512 bytes follow", 16);
}

static void part(struct forge *f) {
    forge_no_members(f);
    (void)forge_member(f, "files/big.iso", "big.iso", "data", 4);
    forge_to(f, FORGE_CONTENTS);
    forge_edit(&f->contents, "\"size\":4",
               "\"size\":4,\"part\":{\"index\":1,\"count\":3,\"offset\":4,\"whole\":12,"
               "\"digest\":\"" H64 "\"}");
}

static void record_in_file(struct forge *f) {
    forge_edit(&f->members[0].data, "\"body\":\"{}\"", "\"file\":\"files/body\"");
    (void)forge_member(f, "files/body", "body.json", "{}", 2);
}

static void record_in_base64(struct forge *f) {
    forge_edit(&f->members[0].data, "\"body\":\"{}\"", "\"body64\":\"AP8=\"");
}

static void longest_line(struct forge *f) {
    struct gf_buf *b = &f->members[0].data;
    struct gf_buf fill;
    size_t at = (size_t)(strstr(b->data, "{}\",\"ext") - b->data);
    gf_buf_init(&fill, GF_LINE_MAX);
    forge_fill(&fill, 'x', GF_LINE_MAX - b->len);
    forge_insert(b, at, fill.data, fill.len);
    gf_buf_free(&fill);
}

static void all_of_a_response(struct forge *f) {
    (void)forge_member(f, "answers.jsonl", NULL, forge_answer, strlen(forge_answer));
    (void)forge_member(f, "refusals.jsonl", NULL, forge_refusal, strlen(forge_refusal));
    (void)forge_member(f, "notices.jsonl", NULL, forge_notice, strlen(forge_notice));
    (void)forge_member(f, "files/licence", "licence.json", "{}\n", 3);
}

static void void_have_want(struct forge *f) {
    forge_to(f, FORGE_CONTENTS);
    vector_member(&f->contents, "void", "\"void\":[3,4,9007199254740991]");
    vector_member(&f->contents, "have",
                  "\"have\":[{\"stream\":\"" H16 H16 "\",\"upto\":0,\"also\":[2,5]}]");
    vector_member(&f->contents, "want", "\"want\":[{\"digest\":\"" H64 "\",\"parts\":[0,7]}]");
}

/* ---- frames and chunks ---- */

/* The archive in frames of this content each. */
static void frames_of(struct forge *f, size_t each, const struct forge_frame *o) {
    forge_to(f, FORGE_ARCHIVE);
    for (size_t at = 0; at < f->archive.len; at += each) {
        size_t len = f->archive.len - at < each ? f->archive.len - at : each;
        forge_frame(&f->plain, f->archive.data + at, len, o);
    }
    f->done = FORGE_FRAMES;
}

static void many_frames(struct forge *f) {
    frames_of(f, 100, &(struct forge_frame){0});
}

static void no_checksums(struct forge *f) {
    frames_of(f, 1000, &(struct forge_frame){.no_checksum = 1});
}

static void sizes_in_8_bytes(struct forge *f) {
    frames_of(f, 1000, &(struct forge_frame){.size_bytes = 8});
}

static void window_1_mib(struct forge *f) {
    frames_of(f, GF_FRAME_MAX, &(struct forge_frame){.window = 0x50});
}

static void full_frame(struct forge *f) {
    struct gf_buf zeros;
    gf_buf_init(&zeros, 4 << 20);
    forge_fill(&zeros, 0, 3 << 20);
    (void)forge_member(f, "files/zeros", "zeros", zeros.data, zeros.len);
    gf_buf_free(&zeros);
}

/*
 * A plaintext of exactly `want` bytes: 64 KiB of chunks, whatever the archive's blocks of 512 bytes
 * make. Stored frames cost 9, 10 or 12 bytes by the size of their content, so that their numbers
 * can be chosen to come out right.
 */
static void plaintext_of(struct forge *f, size_t want) {
    const struct forge_frame raw = {.raw = 1, .no_checksum = 1};
    const struct forge_frame raw4 = {.raw = 1, .no_checksum = 1, .size_bytes = 4};
    struct gf_buf b;
    size_t twelves = 0, nines = 0, tens = 0, at = 0;

    /* The archive has 2560 bytes beside the file's; frames shall cost the rest to `want`. */
    forge_no_members(f);
    gf_buf_init(&b, want);
    forge_fill(&b, 0, (want - 512 - 2560) / 512 * 512);
    forge_random(f, b.data, b.len);
    (void)forge_member(f, "files/random", "random", b.data, b.len);
    gf_buf_free(&b);
    forge_to(f, FORGE_ARCHIVE);

    size_t cost = want - f->archive.len;
    for (nines = 0; nines < 8 && tens == 0; nines++)
        for (twelves = 0; twelves < 8; twelves++)
            if (cost > 9 * nines + 12 * twelves && (cost - 9 * nines - 12 * twelves) % 10 == 0) {
                tens = (cost - 9 * nines - 12 * twelves) / 10;
                break;
            }
    nines--;
    if (tens == 0 || f->archive.len / tens < 300)
        forge_fail(f->name, "cannot be made of this many frames");
    for (size_t i = 0; i < nines; i++, at += 100)
        forge_frame(&f->plain, f->archive.data + at, 100, &raw);
    for (size_t i = 0; i < twelves; i++, at += 100)
        forge_frame(&f->plain, f->archive.data + at, 100, &raw4);
    size_t each = (f->archive.len - at) / tens;
    for (size_t i = 0; i < tens; i++) {
        size_t len = i + 1 == tens ? f->archive.len - at : each;
        forge_frame(&f->plain, f->archive.data + at, len, &raw);
        at += len;
    }
    f->done = FORGE_FRAMES;
    if (f->plain.len != want)
        forge_fail(f->name, "has a plaintext of another length");
}

static void full_chunk(struct forge *f) {
    plaintext_of(f, GF_AGE_CHUNK);
}

static void full_chunk_less_1(struct forge *f) {
    plaintext_of(f, GF_AGE_CHUNK - 1);
}

static void full_chunk_and_1(struct forge *f) {
    plaintext_of(f, GF_AGE_CHUNK + 1);
}

static void two_full_chunks(struct forge *f) {
    plaintext_of(f, 2 * GF_AGE_CHUNK);
}

#define S(title, sentence, function)                                                               \
    { "ok-" title, GF_OK, "", sentence, .make = function }
#define RESPONSE(title, sentence, function)                                                        \
    { "ok-" title, GF_OK, "", sentence, .make = function, .kind = GF_KIND_RESPONSE }
static const struct vector rows[] = {
    S("smallest", "A request has no member but contents.json.", smallest),
    S("request", "A request has one record.", as_it_is),
    RESPONSE("response", "A response has one receipt.", as_it_is),
    RESPONSE("response-empty", "A response has no member but contents.json.", smallest),
    RESPONSE("response-all-members", "A response has every member that one can have.",
             all_of_a_response),
    S("reader-is-sender", "The sender may read it too.", reader_self),
    S("readers-15", "There are 15 readers.", readers_15),
    S("padded-4096", "bundle.json is padded to 4096 bytes.", padded_4096),
    S("padded-16384", "bundle.json has all bytes that it may have.", padded_most),
    S("white-space", "bundle.json holds white space and an escaped name.", spelled_otherwise),
    S("ext", "ext of bundle.json holds what nobody knows.", ext_filled),
    S("depth-16", "bundle.json is nested 16 deep.", ext_deep),
    S("no-times", "It states neither when it was made nor when it expires.", no_times),
    S("no-expiry", "It does not expire.", no_expiry),
    S("no-creation", "It does not state when it was made.", no_creation),
    S("expires-now", "It expires at the reader's very second.", expires_now),
    S("seq-1", "It is the first of its stream.", first_of_stream),
    S("prev-null", "Every number before it is void.", later_without_prev),
    S("seq-most", "Its seq is 2^53 - 1.", seq_most),
    S("file-empty", "A file has no bytes.", empty_file),
    S("files-any-order", "Files come in the order in which they were added.", files_in_any_order),
    S("names-limits", "Names are as long as they may be, and real names are only data.",
      names_at_their_limits),
    S("part", "A file is a part of a larger one.", part),
    S("record-in-file", "A record's body is a file of the bundle.", record_in_file),
    S("record-in-base64", "A record's body is not text.", record_in_base64),
    S("line-longest", "A record has all bytes that a line may have.", longest_line),
    S("void-have-want", "contents.json says what is void, applied and missed.", void_have_want),
    S("frames-many", "The archive lies in frames of 100 bytes.", many_frames),
    S("frames-no-checksum", "Frames have no checksum: the chunks are authentic.", no_checksums),
    S("frames-sizes-8-bytes", "Frames state their size in eight bytes.", sizes_in_8_bytes),
    S("frames-window-1-mib", "A frame asks for a window of 1 MiB.", window_1_mib),
    S("frames-full", "A file of 3 MiB of zeros fills frames of 1 MiB.", full_frame),
    S("chunk-full-less-1", "The plaintext is a byte short of one chunk.", full_chunk_less_1),
    S("chunk-full", "The plaintext fills one chunk.", full_chunk),
    S("chunk-full-and-1", "The plaintext fills one chunk and has a byte more.", full_chunk_and_1),
    S("chunks-two-full", "The plaintext fills two chunks.", two_full_chunks),
};

const struct vector_set vector_success = VECTOR_SET(rows);
