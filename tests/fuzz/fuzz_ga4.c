/*
 * fuzz_ga4.c -- a record of events: whatever is taken gives requests that are JSON and within their
 * bounds, and that are taken again as they are.
 */
#include <stdlib.h>
#include <string.h>

#include "gapferry/json.h"
#include "relay/endpoints/endpoint_ga4_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int fact) {
    if (!fact)
        abort();
}

/* The request of the first of them that may be sent. */
static void check_request(const struct endpoint_ga4 *g) {
    size_t point[ENDPOINT_GA4_EVENTS], bytes = g->head.len + 2;
    struct batches_range range = {.point = point};
    struct endpoint_ga4 again;
    struct gf_buf out;
    struct gf_err e;

    for (size_t i = 0; i < g->n && range.n < ENDPOINT_GA4_EVENTS; i++) {
        if (g->points[i].unfit != NULL || bytes + g->points[i].size > ENDPOINT_GA4_BYTES)
            continue;
        bytes += g->points[i].size;
        point[range.n++] = i;
    }
    if (range.n == 0)
        return;
    gf_buf_init(&out, ENDPOINT_GA4_BYTES);
    endpoint_ga4_put(g, &range, &out);
    require(gf_buf_check(&out, "a request", &e) == 0 && out.len <= bytes);
    require(gf_json_check_foreign(out.data, out.len, "a request", &e) == 0);
    require(endpoint_ga4_read(out.data, out.len, 1, &again, &e) == 0);
    require(again.n == range.n && again.head.len == g->head.len);
    for (size_t i = 0; i < again.n; i++) {
        require(again.points[i].unfit == NULL && again.events[i].micros == 0);
        require(again.points[i].time == g->points[point[i]].time);
    }
    endpoint_ga4_free(&again);
    gf_buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct endpoint_ga4 g;
    struct gf_err e = {.text = ""};

    if (endpoint_ga4_read((const char *)data, size, 1700000000, &g, &e) == 0)
        check_request(&g);
    else
        require(e.code == GF_E_JSON || e.code == GF_E_RECORD || e.code == GF_E_LIMIT);
    endpoint_ga4_free(&g);
    return 0;
}
