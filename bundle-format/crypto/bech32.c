/*
 * bech32.c -- Bech32 (BIP 173) for age's keys.
 */
#include "bech32.h"

#include <string.h>

#include "gapferry/digest.h"

#define CHECKSUM 6 /* characters of 5 bits */

static const char letters[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";

/* Capitals are asked for by the prefix; digits have no case. */
static int is_upper(const char *prefix) {
    return prefix[0] >= 'A' && prefix[0] <= 'Z';
}

static char lower(char c) {
    return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

/* One step of the checksum: multiply by x in GF(32)[x] modulo BIP 173's generator, add v. */
static uint32_t step(uint32_t sum, uint32_t v) {
    static const uint32_t generator[5] = {0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd,
                                          0x2a1462b3};
    uint32_t top = sum >> 25;

    sum = (sum & 0x1ffffff) << 5 ^ v;
    for (int i = 0; i < 5; i++) {
        if (top >> i & 1)
            sum ^= generator[i];
    }
    return sum;
}

/* The checksum after the prefix: its high bits, a zero, its low bits. */
static uint32_t begin(const char *prefix) {
    uint32_t sum = 1;

    for (const char *p = prefix; *p != '\0'; p++)
        sum = step(sum, (uint32_t)(unsigned char)lower(*p) >> 5);
    sum = step(sum, 0);
    for (const char *p = prefix; *p != '\0'; p++)
        sum = step(sum, (unsigned char)lower(*p) & 31u);
    return sum;
}

static char letter(uint32_t v, int upper) {
    char c = letters[v & 31];

    return (char)(upper && c >= 'a' ? c - 'a' + 'A' : c);
}

/* The value of a letter in the wanted case, or -1. */
static int value(char c, int upper) {
    const char *at;

    if (c == '\0' || (upper ? c >= 'a' && c <= 'z' : c >= 'A' && c <= 'Z'))
        return -1;
    at = strchr(letters, lower(c));
    return at == NULL ? -1 : (int)(at - letters);
}

void gf_bech32_encode(const char *prefix, const uint8_t *data, size_t len, char *out) {
    int upper = is_upper(prefix);
    uint32_t sum = begin(prefix);
    uint32_t bits = 0; /* the low `held` bits wait to be written */
    int held = 0;
    size_t n = strlen(prefix);

    memcpy(out, prefix, n);
    out[n++] = '1';
    for (size_t i = 0; i < len; i++) {
        bits = (bits << 8 | data[i]) & 0xfff;
        for (held += 8; held >= 5; held -= 5) {
            uint32_t v = bits >> (held - 5) & 31;
            sum = step(sum, v);
            out[n++] = letter(v, upper);
        }
    }
    if (held > 0) {
        uint32_t v = bits << (5 - held) & 31;
        sum = step(sum, v);
        out[n++] = letter(v, upper);
    }

    /* The checksum is what makes the whole sum 1. */
    for (int i = 0; i < CHECKSUM; i++)
        sum = step(sum, 0);
    sum ^= 1;
    for (int i = CHECKSUM - 1; i >= 0; i--)
        out[n++] = letter(sum >> (5 * i), upper);
    out[n] = '\0';
    gf_digest_wipe(&bits, sizeof(bits));
}

int gf_bech32_decode(const char *prefix, const char *text, size_t n, uint8_t *out, size_t len) {
    int upper = is_upper(prefix);
    size_t p = strlen(prefix);
    uint32_t sum = begin(prefix);
    uint32_t bits = 0;
    int held = 0;
    int bad = 0;
    size_t done = 0;

    if (n != GF_BECH32_SIZE(p, len) || memcmp(text, prefix, p) != 0 || text[p] != '1')
        return -1;
    for (size_t i = p + 1; i < n; i++) {
        int v = value(text[i], upper);
        if (v < 0)
            return -1;
        sum = step(sum, (uint32_t)v);
        if (i >= n - CHECKSUM)
            continue;
        bits = (bits << 5 | (uint32_t)v) & 0xfff;
        held += 5;
        if (held >= 8) {
            held -= 8;
            out[done++] = (uint8_t)(bits >> held);
        }
    }

    /* The length leaves fewer than five bits over; another spelling would set them. */
    bad = sum != 1 || (bits & ((1u << held) - 1)) != 0;
    gf_digest_wipe(&bits, sizeof(bits));
    return bad ? -1 : 0;
}
