/*
 * awaits.h -- what waits at this relay for another try, and whether a person is awaited for it: for
 * the turn's report and for `status` alike.
 *
 * What waits is tried again by itself. A person is awaited where that need not help: the cause is
 * none that passes (only an endpoint that is busy, or ill, is one that does), or it has lasted for
 * long; and for what nobody has tried yet, where no `run` is at work.
 */
#ifndef RELAY_AWAITS_H
#define RELAY_AWAITS_H

#include "common/out.h"
#include "relay/ledger/ledger_operator.h"
#include "relay/ledger/ledger_updates.h"
#include "relay/relay.h"

/* Seconds after which it is time to ask whoever runs an endpoint. */
#define AWAITS_LONG 86400

/* Pure: 1 if a person is awaited for what came at `since`, was tried and waits for this reason. */
int awaits_person(const char *reason, int64_t since, int64_t now);

struct awaits {
    int64_t held;               /* records */
    int64_t later;              /* records that wait for another try */
    int64_t untried;            /* records that nobody has tried yet */
    int64_t artifacts;          /* of updates, that agents wait for and that are not here */
    int64_t unfetched;          /* of these: nobody has tried them, or they were cut off */
    int running;                /* 1: `run` is at work */
    int64_t persons;            /* endpoints and artifacts for which a person is awaited */
    struct ledger_stuck *stuck; /* the `later` ones by endpoint */
    size_t n;
};
/* As the ledger has it at r->now. Free with awaits_free(). */
GF_MUST_CHECK int awaits_load(struct relay *r, struct awaits *out, struct gf_err *e);
void awaits_free(struct awaits *a);
/* For the report of a turn that is by_hand: load it, let its lines be those of the turn, and its
 * counts and its `awaits` say what is so now. */
GF_MUST_CHECK int awaits_tell(struct relay *r, struct turn *t, struct awaits *out,
                              struct gf_err *e);
/* Pure: 1 if a person is awaited for anything of it. */
int awaits_anybody(const struct awaits *a);

/* A line about an artifact that was tried in vain, for this reason. */
void awaits_tell_artifact(const struct ledger_artifact *a, const char *reason, int64_t now,
                          struct turn *t);
/* One line about the records that wait for an endpoint, with what can be done; UTF-8, safe. 1 if a
 * person is awaited for them, else 0. */
#define AWAITS_LINE (2 * COMMAND_SELF + 1024)
int awaits_line(const struct relay *r, const struct ledger_stuck *x, int64_t now,
                char out[AWAITS_LINE]);

/* For programs: the list "waiting", by endpoint. */
void awaits_put(struct out *t, const struct relay *r, const struct awaits *a);

#endif
