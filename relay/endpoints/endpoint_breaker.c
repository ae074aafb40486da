/*
 * endpoint_breaker.c -- which endpoints need not be asked again in this turn.
 */
#include "relay/endpoints/endpoint_breaker.h"

#include <stdlib.h>
#include <string.h>

struct endpoint_breaker_place *endpoint_breaker_at(struct endpoint_breaker *b, const char *name) {
    for (size_t i = 0; i < b->n; i++) {
        if (strcmp(b->places[i].name, name) == 0)
            return &b->places[i];
    }
    struct endpoint_breaker_place *more = realloc(b->places, (b->n + 1) * sizeof *more);
    if (more == NULL)
        return NULL;
    b->places = more;
    b->places[b->n] = (struct endpoint_breaker_place){.name = name};
    return &b->places[b->n++];
}

void endpoint_breaker_note(struct endpoint_breaker_place *p, const struct endpoint_result *r,
                           int64_t due, int64_t asked) {
    if (r->verdict == ENDPOINT_DELIVERED || r->verdict == ENDPOINT_REJECTED) {
        p->row = 0;
        return;
    }
    p->row++;
    p->due = due;
    p->asked = asked;
    memcpy(p->reason, r->reason, sizeof p->reason);
    int unreached = r->answer.stage != HTTPS_OK && !r->answer.sent;
    int wants_time = r->verdict == ENDPOINT_LATER && r->retry_after_s >= 0 &&
                     (r->status == 429 || r->status == 503);
    if (unreached || wants_time || p->row >= ENDPOINT_BREAKER_ROW)
        p->open = 1;
}

void endpoint_breaker_free(struct endpoint_breaker *b) {
    free(b->places);
    *b = (struct endpoint_breaker){0};
}
