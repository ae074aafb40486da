/*
 * fuzz_batches.c -- what an earlier try has left of a record's points: no text of it gives a point
 * away or sends one twice, and what is written reads back.
 */
#include <stdlib.h>
#include <string.h>

#include "relay/endpoints/batches.h"

#define POINTS 11

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int fact) {
    if (!fact)
        abort();
}

static const struct batches_limits limits = {.points = 3, .bytes = 100, .requests = 8};

/* Take what is left; each point goes once at most, and none that is there already. */
static void take_all(struct batches *b) {
    unsigned char went[POINTS] = {0};
    struct batches_range r;

    while (batches_next(b, &r)) {
        for (size_t i = 0; i < r.n; i++)
            require(!went[r.point[i]]++ && !batches_has(b, r.point[i]));
        batches_taken(b);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct batches_point p[POINTS] = {{.time = 0}};
    char reason[GF_REASON_MAX + 1];
    struct batches *b = NULL, *again = NULL;
    struct gf_buf out;
    struct gf_err e;

    gf_buf_init(&out, 1 << 16);
    require(batches_new(&limits, p, POINTS, 1, &b, &e) == 0);
    require(batches_new(&limits, p, POINTS, 1, &again, &e) == 0);
    if (batches_resume(b, data, size, &e) == -1) {
        require(e.code == GF_E_DAMAGED && batches_there(b) == 0);
    } else {
        batches_progress(b, &out);
        require(out.len == 0 || batches_resume(again, out.data, out.len, &e) == 0);
        require(out.len == 0 || batches_there(again) == batches_there(b));
    }
    take_all(b);
    (void)batches_verdict(b, reason);
    batches_free(b);
    batches_free(again);
    gf_buf_free(&out);
    return 0;
}
