/*
 * fuzz_collect_policy.c -- collect_policy_parse: whatever is in policy.json, what is read of it can
 * be a grant only where the text says so, and never one for license or updates.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/collect/collect_policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int fact) {
    if (!fact)
        abort();
}

static int holds(const uint8_t *data, size_t size, const char *word) {
    size_t n = strlen(word);

    for (size_t i = 0; i + n <= size; i++) {
        if (memcmp(data + i, word, n) == 0)
            return 1;
    }
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct collect_policy p;
    struct gf_err e = {.text = ""};

    if (collect_policy_parse((const char *)data, size, &p, &e) == -1) {
        require(e.text[0] != '\0' && e.code != GF_OK);
        return 0;
    }
    for (size_t i = 0; i < p.n; i++) {
        const struct collect_channel *c = &p.list[i];
        require(c->records >= 0 && c->bytes >= 0 && c->type != NULL && c->type[0] != '\0');
        require(gf_text_is_word(c->name, strlen(c->name), GF_WORD_MAX));
        require(collect_policy_find(&p, c->name) != NULL);
        if (c->consent == COLLECT_GRANTED)
            require(strcmp(c->name, "license") != 0 && strcmp(c->name, "updates") != 0 &&
                    (holds(data, size, "granted") || holds(data, size, "\\u")));
    }
    collect_policy_free(&p);
    return 0;
}
