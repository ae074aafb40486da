/*
 * airgap.h -- what becomes of a channel's records while its relay cannot be reached.
 */
#ifndef AGENT_AIRGAP_H
#define AGENT_AIRGAP_H

#include "agent/agent.h"
#include "common/grid.h"

enum airgap {
    AIRGAP_CARRY,  /* they go by drive (the default) */
    AIRGAP_HOLD,   /* they wait until the relay is online */
    AIRGAP_DISCARD /* they are worth nothing later: dropped, counted, and told */
};

/* What holds for a channel: the configuration's `airgap`, or what a grid manager's relay has asked
 * for where that is stricter. license and updates are always carried: a person asked for them. */
GF_MUST_CHECK int airgap_of(struct agent *a, const char *channel, enum airgap *out,
                            struct gf_err *e);

/* 1 if the channel's relay has proved itself to gapferry-link and still counts as online. */
GF_MUST_CHECK int airgap_is_online(struct agent *a, const char *channel, struct gf_err *e);

/* What becomes of the channel's queued records at the next export, without doing it: AIRGAP_CARRY
 * also where its relay counts as online. */
GF_MUST_CHECK int airgap_now(struct agent *a, const char *channel, enum airgap *out,
                             struct gf_err *e);

/* 1 if the channel's queued records may be bundled now, 0 if they wait. Where they are to be
 * discarded they are dropped here, in a transaction of its own; *dropped is their number. */
GF_MUST_CHECK int airgap_lets_leave(struct agent *a, const char *channel, int64_t *dropped,
                                    struct gf_err *e);

#endif
