/*
 * fuzz_collect_state.c -- collect_state_parse: whatever is in collect.state, what is read of it is
 * in bounds.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/collect/collect.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int fact) {
    if (!fact)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct collect_state s;
    struct gf_err e = {.text = ""};
    char *text = malloc(size + 1);

    require(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    if (collect_state_parse(text, size, &s, &e) == 0) {
        require(s.since >= 0 && s.counts.records >= 0 && s.counts.full >= 0 &&
                strlen(s.listen) < sizeof s.listen && strlen(s.socket) < sizeof s.socket);
        for (size_t i = 0; i < s.nscrapes; i++)
            require(s.scrapes[i].name[0] != '\0' && s.scrapes[i].samples >= 0 &&
                    strlen(s.scrapes[i].why) < sizeof s.scrapes[i].why);
        collect_state_free(&s);
    } else {
        require(e.code == GF_E_DAMAGED && e.text[0] != '\0');
    }
    free(text);
    return 0;
}
