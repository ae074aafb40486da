/*
 * carry_order.h -- in which order responses go to a drive, which may not have room for all.
 */
#ifndef RELAY_CARRY_ORDER_H
#define RELAY_CARRY_ORDER_H

#include "relay/relay.h"

/* Bytes of a response that news have; parts of artifacts are longer. */
#define CARRY_SMALL (1 << 20)

/*
 * Sort the responses of an outbox: first what is small, so that no artifact keeps news from
 * anybody; then what is for sites whose cards lie on the drive, for it comes from there; then the
 * rest. Among themselves they keep their order. *others: how many are of the rest.
 */
GF_MUST_CHECK int carry_order(const struct relay *r, struct gf_drive *d,
                              struct ledger_response *list, size_t n, size_t *others,
                              struct gf_err *e);

#endif
