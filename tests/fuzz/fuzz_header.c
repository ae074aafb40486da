/*
 * fuzz_header.c -- format/header: what is taken obeys the rules and is written the same each time.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gapferry/header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int fact) {
    if (!fact)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct gf_header h, again;
    struct gf_buf first, second;
    struct gf_err e = {.text = ""};

    if (gf_header_parse((const char *)data, size, &h, &e) == -1) {
        require(e.code == GF_E_JSON || e.code == GF_E_HEADER || e.code == GF_E_VERSION ||
                e.code == GF_E_LIMIT);
        require(strlen(e.text) > 0);
        return 0;
    }
    require(h.seq >= 1 && h.nneeds == 0 && h.nreaders <= GF_READERS_MAX);
    require(h.payload_size >= 200 && h.payload_size <= GF_BUNDLE_MAX);
    require(!(h.has_created && h.has_expires && h.expires < h.created));

    gf_buf_init(&first, GF_HEADER_MAX);
    gf_buf_init(&second, GF_HEADER_MAX);
    require(gf_header_write(&h, 0, &first, &e) == 0);
    require(first.len <= size && first.len <= gf_header_room(&h));
    require(gf_header_parse(first.data, first.len, &again, &e) == 0);
    require(gf_header_write(&again, gf_header_room(&h), &second, &e) == 0);
    require(memcmp(first.data, second.data, first.len - 1) == 0);
    require(gf_header_parse(second.data, second.len, &again, &e) == 0);
    gf_buf_free(&first);
    gf_buf_free(&second);
    return 0;
}
