/*
 * fuzz_gunzip.c -- gunzip: whatever comes, no more is decoded than is allowed, and a failure leaves
 * what was there.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/gunzip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int fact) {
    if (!fact)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct gf_err e = {.text = ""};
    struct gf_buf out;

    gf_buf_init(&out, 100000);
    gf_buf_text(&out, "before");
    int rc = gunzip(data, size, &out, &e);
    require(out.len >= 6 && out.len <= out.max && memcmp(out.data, "before", 6) == 0);
    require(out.data[out.len] == '\0');
    require(rc == 0 || (out.len == 6 && e.text[0] != '\0'));
    gf_buf_free(&out);
    return 0;
}
