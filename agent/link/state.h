/*
 * state.h -- writing what others read: link.state and link.history (agent/link_state.h), by
 * whoever holds SERVICES_LINK (agent/services.h).
 */
#ifndef LINK_STATE_H
#define LINK_STATE_H

#include "agent/link/peers.h"

/* Write a block for each peer, in place of the old file, all or nothing; 0644. */
GF_MUST_CHECK int state_save(const struct peers *p, struct gf_err *e);

/* Append the peer's block as a change, durably; once the file is longer than LINK_HISTORY_MAX its
 * older half goes. */
GF_MUST_CHECK int state_changed(const struct peers *p, const struct peer *peer, struct gf_err *e);

#endif
