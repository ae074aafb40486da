/*
 * fuzz_link_state.c -- agent/link_state and agent/link/marks: small files of one program that
 * another reads. What is odd in them is skipped, and every text that comes out ends within its
 * place.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/link/marks.h"
#include "agent/link_state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int fact) {
    if (!fact)
        abort();
}

#define ENDS(x) require(memchr(x, '\0', sizeof(x)) != NULL)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct link_relay *relays = NULL;
    struct link_change *changes = NULL;
    struct marks m = {.path = "fuzz"};
    struct gf_err e;
    size_t n = 0;

    require(link_state_parse((const char *)data, size, &relays, &n, &e) == 0);
    require(n <= LINK_RELAYS_MAX);
    for (size_t i = 0; i < n; i++) {
        require(relays[i].is <= LINK_AIRGAP);
        ENDS(relays[i].relay);
        ENDS(relays[i].stage);
        ENDS(relays[i].evidence);
        ENDS(relays[i].person);
    }
    free(relays);

    require(link_history_parse((const char *)data, size, size % 2 ? "r" : NULL, 5, &changes, &n,
                               &e) == 0);
    require(n <= 5);
    for (size_t i = 0; i < n; i++) {
        require(changes[i].is <= LINK_AIRGAP);
        ENDS(changes[i].relay);
        ENDS(changes[i].evidence);
    }
    free(changes);

    require(marks_parse(&m, (const char *)data, size, &e) == 0);
    require(m.n <= MARKS_MAX);
    for (size_t i = 0; i < m.n; i++) {
        ENDS(m.list[i].words);
        require(marks_find(&m, &m.list[i].id) != NULL);
    }
    marks_free(&m);
    return 0;
}
