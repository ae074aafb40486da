/*
 * machine.h -- when a relay counts as online or offline, and when it is tried next. Pure: time and
 * randomness are given.
 *
 *                 `successes` proofs in a row
 *     unprobed  ───────────────────────────────►  online    tried every `poll`, sooner while an
 *        │  ▲                                      │  ▲     answer is awaited
 *        │  └ (a new configuration)      failures  │  │ successes
 *        │  `failures` in a row                    ▼  │
 *        └──────────────────────────────────────►  offline  tried at growing distances
 *
 * Between the first contrary result and the change tries follow each other at distances of `retry`.
 * Offline, the distance doubles from `retry` to `retry_max`. Each distance is shortened by up to a
 * quarter at random, so that the hosts of a site do not come all at once.
 */
#ifndef LINK_MACHINE_H
#define LINK_MACHINE_H

#include "agent/link_state.h"

struct machine_rules {
    int64_t failures;  /* 1 to 100 */
    int64_t successes; /* 1 to 100 */
    int64_t retry;     /* seconds, at least 1 */
    int64_t retry_max; /* seconds, at least retry */
    int64_t poll;      /* seconds, at least 1 */
};

/* Seconds of any clock that only goes forward. */
struct machine {
    enum link_is is;
    int64_t oks, fails; /* in a row; one of them is 0 */
    int64_t tried;      /* the last try; MACHINE_NEVER: none */
    int64_t next;       /* the next one */
    int64_t hold;       /* not before: somebody asked for patience */
    int64_t pace;       /* seconds between polls now */
};
#define MACHINE_NEVER INT64_MIN

/* Begin with a state that is known from before, or LINK_UNPROBED; the first try is due now. */
void machine_begin(struct machine *m, const struct machine_rules *r, enum link_is is, int64_t now);

/* A try has ended; 1 if the state has changed. */
int machine_result(struct machine *m, const struct machine_rules *r, int ok, int64_t now,
                   uint32_t random);

/* Online, and bundles were exchanged; awaited: the relay has taken something new, so that an answer
 * may be there soon. Polls then begin at MACHINE_SOON and their distance doubles up to `poll`. */
#define MACHINE_SOON 60 /* seconds */
void machine_paced(struct machine *m, const struct machine_rules *r, int awaited, uint32_t random);

/* Routes have changed: a try follows after MACHINE_SETTLE, but at most one for each `retry`, and
 * the back-off begins anew. */
#define MACHINE_SETTLE 2 /* seconds in which a network finds itself */
void machine_wake(struct machine *m, const struct machine_rules *r, int64_t now);

/* There is something to carry: if the relay is online it is visited after MACHINE_SETTLE. */
void machine_due(struct machine *m, int64_t now);

/* The relay, or what stands before it, asks for this many seconds of patience. */
#define MACHINE_HOLD_MAX 86400
void machine_hold(struct machine *m, int64_t seconds, int64_t now);

#endif
