/*
 * fuzz_series_back.c -- series_back_answer() on hostile bytes: it marks what was asked for, or
 * nothing.
 */
#include <stdint.h>
#include <stdlib.h>

#include "relay/series/series_back.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    struct series_back *b = NULL;
    struct gf_buf out;
    struct pieces p;
    struct gf_err e;

    pieces_init(&p);
    gf_buf_text(&p.bytes, "a{x=\"1\"} 1 5\na 1 5\n");
    pieces_add(&p, 1, NULL);
    gf_buf_text(&p.bytes, "b 1 6\n");
    pieces_add(&p, 1, NULL);
    gf_buf_init(&out, 1 << 16);
    if (series_back_new(&p, (const unsigned char *)"\1\1", &b, &e) == -1 ||
        series_back_next(b, &out, &e) != 1)
        abort();
    int rc = series_back_answer(b, (const char *)data, len, &e);
    if (series_back_next(b, &out, &e) != (rc == -1))
        abort();
    if (series_back_missing(b) > 2)
        abort();
    series_back_free(b);
    gf_buf_free(&out);
    pieces_free(&p);
    return 0;
}
