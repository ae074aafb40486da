/*
 * fuzz_discreet.c -- discreet_words: whatever an endpoint says, what travels is UTF-8 where that
 * was, no longer than a reason, and does not end in the address that we put there.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gapferry/text.h"
#include "relay/discreet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int fact) {
    if (!fact)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char address[] = " 10.11.12.13";
    char out[GF_REASON_MAX + 1];

    if (size > GF_REASON_MAX - sizeof address)
        return 0;
    /* Of its own size, so that reading beyond it is seen. */
    char *text = malloc(size + sizeof address);
    require(text != NULL);
    memcpy(text, data, size);
    memcpy(text + size, address, sizeof address);
    if (memchr(data, 0, size) == NULL) {
        discreet_words(text, out);
        require(strlen(out) <= GF_REASON_MAX);
        require(!gf_text_is_utf8(text, strlen(text)) || gf_text_is_utf8(out, strlen(out)));
        size_t len = strlen(out);
        require(len < strlen(address) || strcmp(out + len - strlen(address), address) != 0);
    }
    free(text);
    return 0;
}
