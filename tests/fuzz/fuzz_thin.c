/*
 * fuzz_thin.c -- thin_body_thin: whatever comes, the pieces are well-formed, hold every point that
 * was not left out, and thinned again to the same step they lose none.
 *
 * The first byte says which form it is, and how long a window.
 */
#include <stdint.h>
#include <stdlib.h>

#include "agent/thin/thin_body.h"
#include "common/influx_line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int fact) {
    if (!fact)
        abort();
}

static uint64_t count(const struct thin_pieces *p) {
    uint64_t points = 0;

    for (size_t i = 0; i < p->n; i++)
        points += p->list[i].facts.points;
    return points;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const types[] = {"application/x-protobuf", "application/json",
                                        "text/x-influx-line"};
    struct thin_pieces once, twice;
    struct thin_body body, again;
    struct otlp_facts facts = {.points = 0};
    struct gf_err e = {.text = ""};
    enum thin_form form;

    if (size == 0)
        return 0;
    const char *type = types[data[0] % 3];
    const int64_t every = 1 + data[0] / 3;
    require(thin_body_form(type, &form));
    thin_body_open(&body, form, 4 * size + 64);
    thin_body_open(&again, form, 16 * size + 64);
    int taken = thin_body_add(&body, type, (const char *)data + 1, size - 1, &e);
    require(taken != -1);
    if (taken == 1 && body.text.len > 0) {
        require((form == THIN_OTLP
                     ? otlp_check(body.text.data, body.text.len, &facts, &e)
                     : influx_line_check(body.text.data, body.text.len, 1, &facts, &e)) == 0);
        require(thin_body_thin(&body, every, 1 << 20, &once, &e) == 0);
        require(count(&once) + once.left == facts.points);
        for (size_t i = 0; i < once.n; i++)
            require(thin_body_add(&again, thin_body_types[form], once.list[i].data,
                                  once.list[i].len, &e) == 1);
        require(thin_body_thin(&again, every, 1 << 20, &twice, &e) == 0);
        require(twice.left == 0 && count(&twice) == count(&once));
        thin_body_free(&once);
        thin_body_free(&twice);
    }
    thin_body_close(&body);
    thin_body_close(&again);
    return 0;
}
