/*
 * probe.h -- one try to reach a relay, and what it shows.
 */
#ifndef LINK_PROBE_H
#define LINK_PROBE_H

#include "agent/link/state.h"
#include "common/config.h"
#include "common/https.h"

/*
 * Probe the relay of [relay "NAME"]: GET its url with /healthz behind. The mode decides first: in
 * airgap mode no socket is opened unless the relay's reach is `site`. *out is set whenever 0 is
 * returned; -1 is misuse (GF_E_CONFIG) and memory.
 *
 * An answer is not yet a proof that it is our relay: captive portals answer too. The stage `wrong
 * answer` is for what cannot be a relay: redirects, and any status but 200.
 */
GF_MUST_CHECK int probe_relay(struct https *client, const struct config *c, const char *name,
                              int64_t now, struct state *out, struct gf_err *e);

#endif
