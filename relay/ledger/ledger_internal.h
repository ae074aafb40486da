/*
 * ledger_internal.h -- what the files of the ledger share.
 */
#ifndef RELAY_LEDGER_INTERNAL_H
#define RELAY_LEDGER_INTERNAL_H

#include "common/db.h"
#include "relay/ledger/ledger.h"

struct ledger {
    struct db db;
    char dir[512]; /* for messages */
    int dir_fd;
    int lock_fd; /* -1: the lock is not held */
};

extern const char ledger_loss_schema[]; /* a step of the tables: ledger_loss.c */

/* Bytes of an answer's body up to which it stands in the database; a longer one is a file. */
#define LEDGER_ANSWER_INSIDE (1 << 20)

/* A reason as a receipt can carry it: UTF-8, 1 to GF_REASON_MAX bytes, whatever came in. */
void ledger_reason(const char *reason, char out[GF_REASON_MAX + 1]);

/* A whole table of fixed-size things: room for one more element at list[n]; NULL without memory. */
void *ledger_grow(void *list, size_t n, size_t size, struct gf_err *e);

#endif
