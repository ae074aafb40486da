/* frames.c -- the zstd frames of the plaintext; all that is outside of them fits. */
#include <string.h>

#include "vectors/build/vector.h"

/* The archive in one frame of this kind. */
static void as(struct forge *f, const struct forge_frame *o) {
    forge_to(f, FORGE_ARCHIVE);
    forge_frame(&f->plain, f->archive.data, f->archive.len, o);
    f->done = FORGE_FRAMES;
}

/* The archive as it is, with something before and behind it. */
static void around(struct forge *f, const void *before, size_t nbefore, const void *behind,
                   size_t nbehind) {
    forge_to(f, FORGE_FRAMES);
    forge_insert(&f->plain, 0, before, nbefore);
    forge_add(&f->plain, behind, nbehind);
}

/* The archive in other bytes than frames. */
static void instead(struct forge *f, const void *data, size_t len) {
    forge_to(f, FORGE_FRAMES);
    forge_set(&f->plain, data, len);
}

#define KIND(function, ...)                                                                        \
    static void function(struct forge *f) {                                                        \
        const struct forge_frame o = {__VA_ARGS__};                                                \
        as(f, &o);                                                                                 \
    }
KIND(no_size, .no_size = 1, .window = 0x50)
KIND(window_128_mib, .window = 0x88)
KIND(window_2_mib, .window = 0x58)
KIND(window_most, .window = 0xff)
KIND(dictionary, .dictionary = 7)
KIND(reserved_bit, .reserved = 1)
KIND(states_more, .size = 60000, .no_checksum = 1)
KIND(states_1_mib_more, .size = (1 << 20) + 1, .no_checksum = 1)
KIND(states_1_tib, .size = 1ULL << 40, .no_checksum = 1)
KIND(states_2_64, .size = UINT64_MAX - 2, .no_checksum = 1)
KIND(states_less, .size = 300, .no_checksum = 1)
KIND(reserved_block, .block_type = 3)
#undef KIND

static void empty_frame(struct forge *f) {
    forge_to(f, FORGE_ARCHIVE);
    forge_frame(&f->plain, "", 0, &(struct forge_frame){.no_checksum = 1});
    forge_to(f, FORGE_FRAMES);
}

static void checksum(struct forge *f) {
    forge_to(f, FORGE_FRAMES);
    f->plain.data[f->plain.len - 1] ^= 1;
}

static void content_bit(struct forge *f) {
    as(f, &(struct forge_frame){.raw = 1});
    f->plain.data[600] ^= 1;
}

static void cut_in_header(struct forge *f) {
    forge_to(f, FORGE_FRAMES);
    f->plain.len = 5;
}

static void cut_in_block(struct forge *f) {
    forge_to(f, FORGE_FRAMES);
    f->plain.len = 300;
}

static void cut_in_checksum(struct forge *f) {
    forge_to(f, FORGE_FRAMES);
    f->plain.len -= 2;
}

static void nothing(struct forge *f) {
    instead(f, "", 0);
}

static void bare_tar(struct forge *f) {
    forge_to(f, FORGE_ARCHIVE);
    instead(f, f->archive.data, f->archive.len);
}

static void gzip(struct forge *f) {
    instead(f, "\x1f\x8b\x08\0\0\0\0\0\0\x03\x03\0\0\0\0\0\0\0\0\0", 20);
}

static void older_zstd(struct forge *f) {
    forge_to(f, FORGE_FRAMES);
    f->plain.data[0] = 0x27;
}

static void skippable_first(struct forge *f) {
    around(f, "\x50\x2a\x4d\x18\x04\0\0\0skip", 12, "", 0);
}

static void skippable_last(struct forge *f) {
    around(f, "", 0, "\x5f\x2a\x4d\x18\x04\0\0\0skip", 12);
}

static void zeros_behind(struct forge *f) {
    around(f, "", 0, "\0\0\0\0", 4);
}

static void byte_behind(struct forge *f) {
    around(f, "", 0, "\x28", 1);
}

/* RLE blocks that make more than the frame states. */
static void bomb_small(struct forge *f) {
    forge_to(f, FORGE_ARCHIVE);
    forge_frame_bomb(&f->plain, 512, 64, 128 << 10);
    f->done = FORGE_FRAMES;
}

/* Frames of 1 MiB each in a few bytes: as the data of a member of 2 GiB. */
static void bomb_member(struct forge *f) {
    forge_to(f, FORGE_CONTENTS);
    forge_tar_header(&f->archive, "files/zeros", '0', (1LL << 31) - (1LL << 25));
    forge_frame(&f->plain, f->archive.data, f->archive.len, &(struct forge_frame){0});
    for (int i = 0; i < 64; i++)
        forge_frame_bomb(&f->plain, 1 << 20, 8, 128 << 10);
    f->done = FORGE_FRAMES;
}

/* The same behind the archive's end, where only zeros may be. */
static void bomb_behind(struct forge *f) {
    forge_to(f, FORGE_FRAMES);
    for (int i = 0; i < 64; i++)
        forge_frame_bomb(&f->plain, 1 << 20, 8, 128 << 10);
}

/* 16385 frames of one byte. */
static void too_many(struct forge *f) {
    forge_to(f, FORGE_CONTENTS);
    forge_tar_header(&f->archive, "files/zeros", '0', 20000);
    forge_fill(&f->archive, 0, 16385 - f->archive.len);
    for (size_t i = 0; i < f->archive.len; i++)
        forge_frame(&f->plain, f->archive.data + i, 1, &(struct forge_frame){.no_checksum = 1});
    f->done = FORGE_FRAMES;
}

#define R(title, ecode, text, sentence, function)                                                  \
    { title, ecode, text, sentence, .make = function }
static const struct vector rows[] = {
    R("frame-no-content-size", GF_E_FRAME, "does not state its content size",
      "A frame does not state its content's size.", no_size),
    R("frame-window-2-mib", GF_E_FRAME, "asks for a window beyond 1048576 bytes",
      "A frame asks for a window of 2 MiB.", window_2_mib),
    R("frame-window-128-mib", GF_E_FRAME, "asks for a window beyond 1048576 bytes",
      "A frame asks for a window of 128 MiB.", window_128_mib),
    R("frame-window-most", GF_E_FRAME, "malformed header",
      "A frame asks for the largest window that can be written.", window_most),
    R("frame-dictionary", GF_E_FRAME, "asks for a dictionary", "A frame asks for a dictionary.",
      dictionary),
    R("frame-reserved-bit", GF_E_FRAME, "malformed header", "A frame's reserved bit is set.",
      reserved_bit),
    R("frame-empty", GF_E_FRAME, "states 0 bytes of content", "The first frame is empty.",
      empty_frame),
    R("frame-states-too-much", GF_E_FRAME, "states 1048577 bytes of content; 1 to 1048576 may be",
      "A frame states a byte more than 1 MiB.", states_1_mib_more),
    R("frame-states-1-tib", GF_E_FRAME, "states 1099511627776 bytes", "A frame states 1 TiB.",
      states_1_tib),
    R("frame-states-2-64", GF_E_FRAME, "states 18446744073709551613 bytes",
      "A frame states all that can be written.", states_2_64),
    R("frame-states-more", GF_E_FRAME, "a zstd frame does not expand",
      "A frame states more than it holds.", states_more),
    R("frame-states-less", GF_E_FRAME, "a zstd frame does not expand",
      "A frame states less than it holds.", states_less),
    R("frame-checksum", GF_E_FRAME, "a zstd frame does not expand", "A frame's checksum is wrong.",
      checksum),
    R("frame-content-bit", GF_E_FRAME, "a zstd frame does not expand",
      "A bit of a frame's content is flipped.", content_bit),
    R("frame-reserved-block", GF_E_FRAME, "a block of a zstd frame is malformed",
      "A block is of the type that is reserved.", reserved_block),
    R("frame-cut-in-header", GF_E_FRAME, "ends within a zstd frame",
      "The payload ends within a frame's header.", cut_in_header),
    R("frame-cut-in-block", GF_E_FRAME, "ends within a zstd frame",
      "The payload ends within a block.", cut_in_block),
    R("frame-cut-in-checksum", GF_E_FRAME, "ends within a zstd frame",
      "The payload ends within a frame's checksum.", cut_in_checksum),
    R("frame-none", GF_E_ARCHIVE, "", "The plaintext is empty.", nothing),
    R("frame-bare-tar", GF_E_FRAME, "something that is not a zstd frame",
      "The archive is not compressed.", bare_tar),
    R("frame-gzip", GF_E_FRAME, "something that is not a zstd frame", "The archive is gzipped.",
      gzip),
    R("frame-older-zstd", GF_E_FRAME, "something that is not a zstd frame",
      "A frame is of the format of zstd 0.7.", older_zstd),
    R("frame-skippable-first", GF_E_FRAME, "something that is not a zstd frame",
      "A skippable frame comes first.", skippable_first),
    R("frame-skippable-last", GF_E_FRAME, "something that is not a zstd frame",
      "A skippable frame comes last.", skippable_last),
    R("frame-zeros-behind", GF_E_FRAME, "something that is not a zstd frame",
      "Zeros follow the last frame.", zeros_behind),
    R("frame-byte-behind", GF_E_FRAME, "ends within a zstd frame", "A byte follows the last frame.",
      byte_behind),
    R("frame-bomb", GF_E_FRAME, "a zstd frame does not expand",
      "A frame that states 512 bytes holds 8 MiB.", bomb_small),
    R("frame-bomb-in-member", GF_E_CREATE, "there is room for",
      "Frames of 20 bytes hold 1 MiB each, for a member of nearly 2 GiB.", bomb_member),
    R("frame-bomb-behind-end", GF_E_ARCHIVE, "bytes than its members make",
      "Frames of 1 MiB of zeros follow the archive's end.", bomb_behind),
    R("frames-too-many", GF_E_LIMIT, "more than 16384 frames",
      "There are 16385 frames of a byte each.", too_many),
};

const struct vector_set vector_frames = VECTOR_SET(rows);
