/* forge_frame.c -- zstd frames by hand (RFC 8878), of stored blocks and runs. */
#include <string.h>

#include "support/forge.h"

#define BLOCK_MAX ((size_t)128 << 10) /* RFC 8878, 3.1.1.2.4 */
#define RUN_MIN   ((size_t)16)        /* shorter runs are not worth a block's header */

/* ---- XXH64, which frames end in: RFC 8878 refers to https://xxhash.com ---- */

#define P1 11400714785074694791ULL
#define P2 14029467366897019727ULL
#define P3 1609587929392839161ULL
#define P4 9650029242287828579ULL
#define P5 2870177450012600261ULL

static uint64_t rotate(uint64_t v, int by) {
    return v << by | v >> (64 - by);
}

static uint64_t little(const uint8_t *b, int n) {
    uint64_t v = 0;
    while (n-- > 0)
        v = v << 8 | b[n];
    return v;
}

static uint64_t round_of(uint64_t v, uint64_t in) {
    return rotate(v + in * P2, 31) * P1;
}

static uint64_t xxh64(const uint8_t *b, size_t len) {
    const uint8_t *end = b + len;
    uint64_t h = P5;

    if (len >= 32) {
        uint64_t lane[4] = {P1 + P2, P2, 0, 0 - P1};
        for (; end - b >= 32; b += 32)
            for (int i = 0; i < 4; i++)
                lane[i] = round_of(lane[i], little(b + 8 * i, 8));
        h = rotate(lane[0], 1) + rotate(lane[1], 7) + rotate(lane[2], 12) + rotate(lane[3], 18);
        for (int i = 0; i < 4; i++)
            h = (h ^ round_of(0, lane[i])) * P1 + P4;
    }
    h += len;
    for (; end - b >= 8; b += 8)
        h = rotate(h ^ round_of(0, little(b, 8)), 27) * P1 + P4;
    for (; end - b >= 4; b += 4)
        h = rotate(h ^ little(b, 4) * P1, 23) * P2 + P3;
    for (; b < end; b++)
        h = rotate(h ^ *b * P5, 11) * P1;
    h = (h ^ h >> 33) * P2;
    h = (h ^ h >> 29) * P3;
    return h ^ h >> 32;
}

/* ---- frames ---- */

static void put_little(struct gf_buf *out, uint64_t v, int n) {
    for (int i = 0; i < n; i++, v >>= 8) {
        uint8_t b = (uint8_t)v;
        forge_add(out, &b, 1);
    }
}

static int size_flag(int bytes) {
    return bytes == 1 ? 0 : bytes == 2 ? 1 : bytes == 4 ? 2 : 3;
}

static void put_header(struct gf_buf *out, uint64_t size, const struct forge_frame *o) {
    int bytes = o->size_bytes;
    unsigned head = 0;

    if (bytes == 0)
        bytes = size < 256 ? 1 : size < 65536 + 256 ? 2 : size <= UINT32_MAX ? 4 : 8;
    if (o->window == 0)
        head |= 0x20; /* a single segment */
    else if (bytes == 1)
        bytes = 4; /* with a window, one byte would mean no size */
    if (!o->no_size)
        head |= (unsigned)size_flag(bytes) << 6;
    head |= (o->no_checksum ? 0U : 4U) | (o->reserved ? 8U : 0U) | (o->dictionary != 0 ? 1U : 0U);
    put_little(out, 0xFD2FB528, 4);
    put_little(out, head, 1);
    if (o->window != 0)
        put_little(out, (uint64_t)o->window, 1);
    if (o->dictionary != 0)
        put_little(out, (uint64_t)o->dictionary, 1);
    if (!o->no_size)
        put_little(out, bytes == 2 ? size - 256 : size, bytes);
}

static void put_block(struct gf_buf *out, int last, int type, size_t size) {
    put_little(out, (uint64_t)size << 3 | (uint64_t)type << 1 | (uint64_t)last, 3);
}

/* How long the run of one byte is that begins here. */
static size_t run_at(const uint8_t *b, size_t left) {
    size_t n = 1;
    while (n < left && n < BLOCK_MAX && b[n] == b[0])
        n++;
    return n;
}

void forge_frame(struct gf_buf *out, const void *data, size_t len, const struct forge_frame *o) {
    const uint8_t *b = data;
    size_t at = 0;

    put_header(out, o->size != 0 ? o->size : len, o);
    do {
        size_t n = len - at == 0 ? 0 : run_at(b + at, len - at);
        int is_run = n >= RUN_MIN && !o->raw;
        if (!is_run) {
            n = 0;
            while (at + n < len && n < BLOCK_MAX &&
                   (o->raw || run_at(b + at + n, len - at - n) < RUN_MIN))
                n++;
        }
        int type = is_run ? 1 : 0;
        if (at == 0 && o->block_type != 0)
            type = o->block_type;
        put_block(out, at + n == len, type, n);
        forge_add(out, b + at, is_run ? 1 : n);
        at += n;
    } while (at < len);
    if (!o->no_checksum)
        put_little(out, xxh64(b, len) & UINT32_MAX, 4);
}

void forge_frame_bomb(struct gf_buf *out, uint64_t size, size_t blocks, size_t each) {
    const struct forge_frame o = {.size_bytes = 4, .no_checksum = 1};

    put_header(out, size, &o);
    for (size_t i = 0; i < blocks; i++) {
        put_block(out, i + 1 == blocks, 1, each);
        put_little(out, 0, 1);
    }
}
