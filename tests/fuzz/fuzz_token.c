/*
 * fuzz_token.c -- format/token: what people type. What is taken is printed in one form only, which
 * is taken again.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gapferry/digest.h"
#include "gapferry/token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int fact) {
    if (!fact)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    uint8_t token[GF_TOKEN_SIZE], again[GF_TOKEN_SIZE];
    char typed[128], text[GF_TOKEN_TEXT];
    size_t n = size < sizeof typed - 1 ? size : sizeof typed - 1;
    struct gf_err e = {.text = ""};

    require(gf_digest_start(&e) == 0);
    if (n > 0)
        memcpy(typed, data, n);
    typed[n] = '\0';
    if (gf_token_parse(typed, token, &e) == -1) {
        require(e.code == GF_E_USAGE && strlen(e.text) > 0);
        /* A checksum is hard to guess: what is no token is made one. */
        if (n < sizeof token)
            return 0;
        memcpy(token, data, sizeof token);
    }
    gf_token_write(token, text);
    require(strlen(text) == GF_TOKEN_TEXT - 1);
    require(gf_token_parse(text, again, &e) == 0 && memcmp(token, again, sizeof token) == 0);
    return 0;
}
