/*
 * link_state.h -- what gapferry-link knows of the network, for whoever reads it: STATE/link.state
 * and STATE/link.history. Both are mere words to their readers: nothing is decided by them that
 * could do harm, and what is odd in them is skipped.
 *
 * link.state: key=value lines, a block for each relay, blocks divided by an empty line. It is
 * replaced as a whole at each try.
 *
 *   relay=NAME          its section in agent.conf
 *   state=offline       online (it proved itself), offline, airgap or unprobed
 *   since=TIME          when this state was established
 *   stage=no route      how far the last try came; empty where it succeeded or none was made
 *   evidence=WORDS      what was tried and what happened, for people
 *   tried=TIME          the last try
 *   next=TIME           the next one; empty where none is planned
 *   person=WORDS        what waits for a person, for example a refused bundle; empty: nothing
 *
 * link.history: one line for each change of a state, newest last:
 *
 *   TIME <tab> RELAY <tab> STATE <tab> STAGE <tab> EVIDENCE
 */
#ifndef AGENT_LINK_STATE_H
#define AGENT_LINK_STATE_H

#include <stddef.h>
#include <stdint.h>

#include "gapferry/text.h"

#define LINK_STATE_FILE   "link.state"
#define LINK_HISTORY_FILE "link.history"

#define LINK_RELAYS_MAX  64        /* sections that link serves */
#define LINK_STATE_MAX   (1 << 18) /* bytes of link.state */
#define LINK_HISTORY_MAX (1 << 18) /* bytes of link.history; then its older half goes */
#define LINK_WORDS       512       /* bytes of evidence, with NUL */

enum link_is { LINK_UNPROBED, LINK_ONLINE, LINK_OFFLINE, LINK_AIRGAP };

/* "unprobed" "online" "offline" "airgap", NULL */
extern const char *const link_states[];

struct link_relay {
    char relay[65];
    enum link_is is;
    int64_t since; /* times are seconds since 1970; 0: none */
    char stage[32];
    char evidence[LINK_WORDS];
    int64_t tried;
    int64_t next;
    char person[LINK_WORDS];
};

struct link_change {
    int64_t at;
    char relay[65];
    enum link_is is;
    char stage[32];
    char evidence[LINK_WORDS];
};

/* Read the texts of the two files; the result is owned by the caller: free(). Blocks and lines that
 * are malformed are left out; beyond max the oldest changes are, and relays that come last.
 * `relay`: changes of this one only; NULL: of all. Errors: GF_E_SYSTEM (memory). */
GF_MUST_CHECK int link_state_parse(const char *text, size_t len, struct link_relay **out, size_t *n,
                                   struct gf_err *e);
GF_MUST_CHECK int link_history_parse(const char *text, size_t len, const char *relay, size_t max,
                                     struct link_change **out, size_t *n, struct gf_err *e);

/* The same from the files of a state directory; where there is none *n is 0. */
GF_MUST_CHECK int link_state_load(const char *state, struct link_relay **out, size_t *n,
                                  struct gf_err *e);
GF_MUST_CHECK int link_history_load(const char *state, const char *relay, size_t max,
                                    struct link_change **out, size_t *n, struct gf_err *e);

#endif
