/*
 * endpoint_breaker.h -- which endpoints, and whose records at an endpoint, need not be tried again
 * in this turn.
 *
 * One record's failure says little about the next one, one sender's failures little about another
 * sender; a dead endpoint says it of all. So an endpoint is left alone for the rest of the turn
 *   at once                   when it was not reached at all, or asked for time (429 or 503 and
 *                             Retry-After)
 *   after three senders       each with any other failure, and nothing between them that went well;
 *                             a verdict on a record itself is well: 2xx, and what is rejected
 * and one sender's records wait for the rest of the turn after three such failures in a row of its
 * own, while other senders' go on: nobody can keep an endpoint from the others by what it sends.
 * So do a sender's records while others of its own that take many requests have half of the
 * connections.
 * What is wrong with one record alone (endpoint_result.alone) counts for nothing.
 */
#ifndef RELAY_ENDPOINT_BREAKER_H
#define RELAY_ENDPOINT_BREAKER_H

#include "relay/endpoints/endpoint.h"

#define ENDPOINT_BREAKER_ROW 3
/* Requests of one record, beyond which these are many. */
#define ENDPOINT_BREAKER_MANY 256
/* Senders whose failures are remembered; one more, and the oldest is forgotten. */
#define ENDPOINT_BREAKER_SENDERS 64

struct endpoint_breaker {
    struct endpoint_sender {
        struct gf_id agent;
        int row;        /* its failures */
        int counted;    /* 1: in `row` below */
        int64_t due;    /* when its records are tried again */
        size_t many;    /* records of its own under way that take many requests; */
        int64_t behind; /* when others of it are tried again */
    } senders[ENDPOINT_BREAKER_SENDERS];
    size_t begun;  /* senders that were ever put there */
    size_t share;  /* connections that one sender's such records may have; 0: any */
    int row;       /* different senders with a failure since anything went well */
    int open;      /* 1: leave it alone */
    int64_t due;   /* when its records are tried again */
    int64_t asked; /* until when it asked to be left alone; 0: it did not */
    char why[160]; /* of open: nothing in it is of a record */
};

/* What came of one request of this sender; due: when the record is tried again; asked: until when
 * the endpoint asked to be left alone, or 0. */
void endpoint_breaker_note(struct endpoint_breaker *b, const struct gf_id *agent,
                           const struct endpoint_result *r, int64_t due, int64_t asked);

/* A record of this sender begins to take many requests: its others are tried again at `behind`. And
 * one that did so is over. */
void endpoint_breaker_many(struct endpoint_breaker *b, const struct gf_id *agent, int64_t behind);
void endpoint_breaker_over(struct endpoint_breaker *b, const struct gf_id *agent);

/* What records that are not tried are told. */
struct endpoint_rest {
    int64_t due, asked; /* as above */
    char why[192];      /* the same for all that rest for this cause */
};
/* Records of this sender are not to be tried: 1 and *out (where it is not NULL), or 0. */
int endpoint_breaker_rests(const struct endpoint_breaker *b, const struct gf_id *agent,
                           struct endpoint_rest *out);

#endif
