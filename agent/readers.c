/*
 * readers.c -- who else may open what leaves: this agent itself, and the officers whose cards are
 * trusted.
 */
#include "agent/readers.h"

#include <stdlib.h>

int agent_readers(struct agent *a, struct agent_readers *out, struct gf_err *e) {
    struct agent_readers r = {0};
    int self = 1;

    if (config_bool(a->config, "agent", NULL, "self_reader", &self, e) == -1 ||
        store_cards(a->store, GF_ROLE_READER, &r.cards, &r.ncards, e) == -1)
        return -1;
    r.list = calloc(r.ncards + 1, sizeof *r.list);
    if (!r.list) {
        free(r.cards);
        return gf_err_errno(e, "no memory for %zu readers", r.ncards);
    }
    if (self)
        r.list[r.n++] = &a->id.card;
    for (size_t i = 0; i < r.ncards && r.n < GF_READERS_MAX; i++)
        if (!r.cards[i].has_expires || r.cards[i].expires > a->now)
            r.list[r.n++] = &r.cards[i];
    *out = r;
    return 0;
}

void agent_readers_free(struct agent_readers *r) {
    free(r->cards);
    free(r->list);
    *r = (struct agent_readers){0};
}
