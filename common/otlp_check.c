/*
 * otlp_check.c -- is it a request in protobuf, and what does it hold.
 */
#include "common/otlp_walk.h"

int otlp_check(const void *data, size_t len, struct otlp_facts *out, struct gf_err *e) {
    struct otlp_walk w = {.deny = NULL};

    if (otlp_walk(&w, data, len, e) == -1)
        return -1;
    if (out != NULL)
        *out = w.found.facts;
    return 0;
}
