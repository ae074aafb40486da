/*
 * json_names.c -- is a name of an object there twice?
 */
#include "base/json_names.h"

#include <string.h>

#include "base/json_members.h"
#include "base/utf8.h"

/* What a checked name means: its own bytes, or out filled with them. */
static const uint8_t *meaning(const struct gf_json_name *n, char out[GF_JSON_NAME_MAX]) {
    if (n->len == n->raw_len)
        return n->raw;
    (void)gf_json_unescape((const char *)n->raw, n->raw_len, out);
    return (const uint8_t *)out;
}

/* Spreads names well enough that unequal ones are seldom compared byte by byte; nothing depends on
 * its strength. */
static uint32_t hash_name(const uint8_t *b, size_t len) {
    uint64_t h = len;
    for (; len >= 8; b += 8, len -= 8)
        h = (h ^ utf8_word(b)) * 0x9E3779B97F4A7C15U;
    uint64_t tail = 0;
    for (; len > 0; b++, len--)
        tail = tail << 8 | *b;
    h = (h ^ tail) * 0x9E3779B97F4A7C15U;
    return (uint32_t)(h >> 32);
}

void gf_json_names_hash(struct gf_json_name *n) {
    char decoded[GF_JSON_NAME_MAX];

    n->hash = hash_name(meaning(n, decoded), n->len);
}

/* An order of names in which equal ones are neighbours. */
static int compare_names(const struct gf_json_name *a, const struct gf_json_name *b) {
    char x[GF_JSON_NAME_MAX], y[GF_JSON_NAME_MAX];
    if (a->hash != b->hash)
        return a->hash < b->hash ? -1 : 1;
    if (a->len != b->len)
        return a->len < b->len ? -1 : 1;
    return memcmp(meaning(a, x), meaning(b, y), a->len);
}

static void sift_down(struct gf_json_name *v, size_t i, size_t n) {
    struct gf_json_name moved = v[i];
    for (size_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && compare_names(&v[child], &v[child + 1]) < 0)
            child++;
        if (compare_names(&moved, &v[child]) >= 0)
            break;
        v[i] = v[child];
    }
    v[i] = moved;
}

/* Heap sort: bounded time whatever the names are, no memory, no recursion. */
static void sort_names(struct gf_json_name *v, size_t n) {
    for (size_t i = n / 2; i-- > 0;)
        sift_down(v, i, n);
    while (n-- > 1) {
        struct gf_json_name last = v[0];
        v[0] = v[n];
        v[n] = last;
        sift_down(v, 0, n);
    }
}

#define FEW_NAMES 16 /* so many are compared in pairs: cheaper than sorting them */

const struct gf_json_name *gf_json_names_twice(struct gf_json_name *v, size_t n) {
    const struct gf_json_name *twice = NULL;

    if (n <= FEW_NAMES) {
        for (size_t i = 1; i < n; i++)
            for (size_t k = 0; k < i; k++)
                if (v[i].hash == v[k].hash && compare_names(&v[i], &v[k]) == 0)
                    twice = &v[i];
    } else {
        sort_names(v, n);
        for (size_t i = 1; i < n; i++)
            if (compare_names(&v[i - 1], &v[i]) == 0)
                twice = v[i].raw > v[i - 1].raw ? &v[i] : &v[i - 1];
    }
    return twice;
}
