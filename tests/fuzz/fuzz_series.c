/*
 * fuzz_series.c -- series_otlp() and series_influx() on hostile bytes: each point is a piece, in
 * each form, whatever else is wrong.
 */
#include <stdint.h>
#include <stdlib.h>

#include "common/otlp.h"
#include "relay/series/lines.h"
#include "relay/series/series.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

typedef int read_fn(const void *data, size_t len, const struct series_form *form,
                    const struct metrics_labels *added, struct pieces *out, struct gf_err *e);

static size_t run(read_fn *read, const uint8_t *data, size_t len, const struct series_form *form) {
    static const struct metrics_labels added = {.label = {{"site", "x\""}}, .n = 1};
    struct pieces p;
    struct gf_err e;
    size_t size = 0;

    pieces_init(&p);
    int rc = read(data, len, form, &added, &p, &e);
    for (size_t i = 0; rc == 0 && i < p.n; i++) {
        if ((p.point[i].unfit != NULL) != (p.point[i].size == 0))
            abort();
        size += p.point[i].size;
    }
    if (rc == 0 && size != p.bytes.len)
        abort();
    size_t n = rc == 0 ? p.n : 0;
    pieces_free(&p);
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    struct otlp_facts facts;
    struct gf_err e;

    if (otlp_check(data, len, &facts, &e) == 0 &&
        run(series_otlp, data, len, &series_text) != facts.points)
        abort();
    (void)run(series_otlp, data, len, &series_remote);
    if (run(series_influx, data, len, &series_text) !=
        run(series_influx, data, len, &series_remote))
        abort();
    return 0;
}
