/*
 * visit.h -- one visit to a relay: try it, exchange bundles if it is online, and write down what is
 * known now.
 */
#ifndef LINK_VISIT_H
#define LINK_VISIT_H

#include "agent/link/carry.h"

struct visit {
    int proved;
    int64_t sent, fetched;
};

/* Mono is the clock of the machines. carry: 0 tries only. write: 1 saves link.state and appends to
 * link.history (the caller has the lock). again: 1, the next visit that the machine plans will be
 * made. Errors are those of our own disk and configuration. */
struct visit_options {
    int carry;
    int write;
    int again;
    int64_t mono;
};
GF_MUST_CHECK int visit_relay(const struct probe_client *client, struct peers *p, struct peer *peer,
                              const struct visit_options *o, struct visit *out, struct gf_err *e);

/* The same for a peer that is not to be tried: its block and, where that is news, the change. */
GF_MUST_CHECK int visit_none(struct peers *p, struct peer *peer, int write, struct gf_err *e);

#endif
