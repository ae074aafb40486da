/*
 * fuzz_chain_head.c -- common/chain_head: history.head and audit.head, whose files anybody may have
 * had in hand. What is taken has one form only: written again it is the same.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/chain_head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int fact) {
    if (!fact)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct gf_hash hash;
    char again[128], hex[GF_HASH_TEXT];
    int64_t n = -7;

    memset(hash.b, 0x5a, sizeof hash.b);
    if (chain_head_parse((const char *)data, size, &n, &hash) == -1) {
        require(n == -7 && hash.b[0] == 0x5a && hash.b[31] == 0x5a);
        return 0;
    }
    require(n > 0);
    gf_text_hex(hash.b, sizeof hash.b, hex);
    int len = snprintf(again, sizeof again, "%" PRId64 " %s\n", n, hex);
    require((size_t)len == size && memcmp(again, data, size) == 0);
    return 0;
}
