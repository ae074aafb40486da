/*
 * readers.h -- who may open the bundles of this agent beside the relay they are addressed to: the
 * agent itself (unless self_reader = no) and each trusted card of role `reader`, an officer's, that
 * has not expired. At most GF_READERS_MAX; those trusted first.
 */
#ifndef AGENT_READERS_H
#define AGENT_READERS_H

#include "agent/agent.h"

struct agent_readers {
    const struct gf_card **list; /* n; the agent's own card is borrowed from it */
    size_t n;
    struct gf_card *cards; /* what list points to */
    size_t ncards;
};
GF_MUST_CHECK int agent_readers(struct agent *a, struct agent_readers *out, struct gf_err *e);
void agent_readers_free(struct agent_readers *r);

#endif
