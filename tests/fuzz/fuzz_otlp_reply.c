/*
 * fuzz_otlp_reply.c -- what a receiver answers, in either form: the words stay within their bounds,
 * and what is refused changes nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "relay/endpoints/endpoint_otlp_reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int fact) {
    if (!fact)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const types[] = {"application/x-protobuf", "application/json", "text/html",
                                        NULL};
    struct endpoint_otlp_reply reply;
    struct gf_err e;

    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        size_t n = types[i] != NULL ? strlen(types[i]) : 0;
        reply = (struct endpoint_otlp_reply){.rejected = 7};
        if (endpoint_otlp_reply_success(types[i], n, data, size, &reply, &e) == -1)
            require(e.code == GF_E_DAMAGED && reply.rejected == 7 && reply.len == 0);
        require(reply.rejected <= INT64_MAX && reply.len <= GF_REASON_MAX &&
                reply.words[reply.len] == '\0');
        endpoint_otlp_reply_failure(types[i], n, data, size, &reply);
        require(reply.rejected == 0 && reply.len <= GF_REASON_MAX);
    }
    return 0;
}
