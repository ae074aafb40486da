/*
 * fuzz_link_reply.c -- agent/link/reply: what a relay says to a posted bundle. What is taken is
 * within the limits.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/link/reply.h"
#include "gapferry/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int fact) {
    if (!fact)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const struct gf_id bundle = {{1}};
    struct reply r = {.n = 0};
    struct gf_err e;
    char words[256];

    if (reply_parse((const char *)data, size, &bundle, &r, &e) == 0) {
        require(r.n <= REPLY_RESPONSES_MAX && (r.taken == 0 || r.taken == 1));
        for (size_t i = 0; i < r.n; i++)
            require(r.responses[i].size >= 1 && r.responses[i].size <= GF_BUNDLE_MAX);
        reply_free(&r);
    } else {
        require(e.text[0] != '\0');
    }
    reply_error((const char *)data, size, words);
    require(memchr(words, '\0', sizeof words) != NULL);
    return 0;
}
