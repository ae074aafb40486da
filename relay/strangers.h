/*
 * strangers.h -- the senders behind pending/: who they are, as far as a card says, and what to do
 * about them. For the turn's report, `status` and `agents`.
 */
#ifndef RELAY_STRANGERS_H
#define RELAY_STRANGERS_H

#include "relay/relay.h"

enum strangers_kind {
    STRANGERS_UNSEEN, /* no card of it was seen */
    STRANGERS_SHOWN,  /* its card was seen and waits for approval */
    STRANGERS_CLAIMS, /* its card claims the agent id of one that is enrolled */
    STRANGERS_DECIDED /* it is enrolled by now, or ended: the next turn looks at what it sent */
};

struct strangers_one {
    struct gf_hash identity; /* as its bundles say, which is not verified */
    int64_t bundles;
    enum strangers_kind kind;
    struct gf_card card; /* SHOWN and CLAIMS */
};
/* Zeroed: nobody. */
struct strangers {
    struct strangers_one *list;
    size_t n;
};

/* One more bundle of this sender, UNSEEN until strangers_know(). */
GF_MUST_CHECK int strangers_add(struct strangers *s, const struct gf_hash *identity,
                                struct gf_err *e);
/* Ask the ledger who they are. */
GF_MUST_CHECK int strangers_know(const struct relay *r, struct strangers *s, struct gf_err *e);
/* All of pending/, known; none where that folder is not there. s is empty. */
GF_MUST_CHECK int strangers_load(const struct relay *r, struct strangers *s, struct gf_err *e);
void strangers_free(struct strangers *s);

/* What a person does about one; UTF-8, safe. Of DECIDED nothing need be done. */
#define STRANGERS_LINE (3 * COMMAND_SELF + 1024)
void strangers_line(const struct relay *r, const struct strangers_one *x, char out[STRANGERS_LINE]);

#endif
