/*
 * endpoint_breaker.h -- which endpoints need not be asked again in this turn.
 *
 * One record's failure says little about the next one; a dead endpoint says it of all. So an
 * endpoint is left alone for the rest of the turn
 *   at once                   when it was not reached at all, or asked for time (429 or 503 and
 *                             Retry-After)
 *   after three in a row      of any other failure; a verdict on a record itself ends the row: 2xx,
 *                             and what is rejected for good
 */
#ifndef RELAY_ENDPOINT_BREAKER_H
#define RELAY_ENDPOINT_BREAKER_H

#include "relay/endpoints/endpoint.h"

#define ENDPOINT_BREAKER_ROW 3

struct endpoint_breaker {
    int row;                        /* failures */
    int open;                       /* 1: leave it alone */
    int64_t due;                    /* when its records are tried again */
    int64_t asked;                  /* until when it asked to be left alone; 0: it did not */
    char reason[GF_REASON_MAX + 1]; /* the last failure's */
};

/* What came of one request; due: when the record is tried again; asked: until when the endpoint
 * asked to be left alone, or 0. */
void endpoint_breaker_note(struct endpoint_breaker *b, const struct endpoint_result *r, int64_t due,
                           int64_t asked);

#endif
