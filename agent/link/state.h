/*
 * state.h -- what gapferry-link knows of the network, for others to read: STATE/link.state.
 *
 * A text of key=value lines, a block for each relay, blocks divided by an empty line:
 *
 *   relay=NAME          its section in agent.conf
 *   state=offline       answered, offline, airgap or unprobed
 *   since=TIME          when this state began
 *   stage=no route      how far the last try came; empty for answered and airgap
 *   evidence=WORDS      what was tried and what happened, for people
 *   tried=TIME          the last try
 */
#ifndef LINK_STATE_H
#define LINK_STATE_H

#include <stddef.h>
#include <stdint.h>

#include "gapferry/text.h"

#define STATE_FILE "link.state"

struct state {
    char relay[65];
    const char *state; /* static */
    const char *stage; /* static; "" where none */
    char evidence[256];
    int64_t tried;
    int64_t since;
};

/* Take over `since` from the file's block of the same relay where the state is still the same;
 * elsewhere it is `tried`. A file that is missing or odd is no reason to fail. */
void state_since(const char *dir, struct state *s);

/* Write all blocks, in place of the old file, all or nothing. */
GF_MUST_CHECK int state_save(const char *dir, const struct state *s, size_t n, struct gf_err *e);

#endif
