/*
 * fetch.h -- artifacts that agents wait for, from their vendors' repositories: no byte more than
 * the manifest says, resumed where they were cut off, and verified before they are anything.
 */
#ifndef RELAY_FETCH_H
#define RELAY_FETCH_H

#include "relay/relay.h"

/*
 * Fetch what is due, until all is tried, wait_s seconds have passed, stop() says 1 (asked about
 * once a second), or a record has come that nobody has tried to deliver: what was begun goes on the
 * next time. What fails is told in *t and tried again later. The caller holds LEDGER_FORWARDING.
 */
GF_MUST_CHECK int fetch_artifacts(struct relay *r, int64_t wait_s, int (*stop)(void *arg),
                                  struct turn *t, struct gf_err *e);

#endif
