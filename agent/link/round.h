/*
 * round.h -- what carry.c (there) and fetch.c (back) share of one round.
 */
#ifndef LINK_ROUND_H
#define LINK_ROUND_H

#include "agent/link/carry.h"
#include "agent/link/marks.h"
#include "agent/link/outbox.h"
#include "agent/link/reply.h"

struct round {
    const struct probe_client *client;
    const struct peers *p;
    const struct peer *peer;
    const struct gf_card *relay;
    struct gf_hash to[PEERS_TO_MAX]; /* whose bundles go to it */
    size_t nto;
    int64_t now; /* seconds since 1970; one for the whole round */
    struct carry r;
    int over; /* 1: no further request in this round */
    int outbox, history, inbox;
    struct marks sent, fetched, refused;
    struct outbox_list out;
    size_t nrefused; /* bundles that lie in the outbox and are not sent */
    int introduced;  /* 1: our card was shown in this round */
    int forgotten;   /* 1: the relay took as new what it had taken before */
};

/* ---- round.c ---- */

/* An answer that ends the round, or none at all: note stage, patience and person. `what` was asked
 * for: "POST ID.gfb". */
void round_trouble(struct round *x, const char *what, const struct https_answer *a);

/* ---- fetch.c ---- */

/* Fetch what the relay has told, where it is not here yet. */
GF_MUST_CHECK int fetch_all(struct round *x, const struct reply *reply, struct gf_err *e);

#endif
