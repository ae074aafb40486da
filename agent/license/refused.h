/*
 * refused.h -- answers that were refused and kept in STATE/refused: another try once the vendor's
 * key is trusted.
 */
#ifndef AGENT_REFUSED_H
#define AGENT_REFUSED_H

#include "agent/agent.h"

/* Try each again; *installed: how many could be used now, and are kept there no longer. What is
 * refused once more stays, and its reason is the new one. The caller holds no transaction. */
GF_MUST_CHECK int refused_retry(struct agent *a, int64_t *installed, struct gf_err *e);

/* The same, if the keys that agent.conf pins for licences are others than the last time. */
GF_MUST_CHECK int refused_retry_configured(struct agent *a, int64_t *installed, struct gf_err *e);

#endif
