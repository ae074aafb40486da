/*
 * trusted.h -- whom this agent trusts from now on, and the history that says so, as one change: an
 * officer who asks "who let this relay in?" finds the line (promise P7).
 */
#ifndef AGENT_TRUSTED_H
#define AGENT_TRUSTED_H

#include "agent/agent.h"

/* Trust a card for what `by` says, such as "its fingerprint" or "the vendor acme, who signed it".
 * GF_E_REPLAY if it is trusted already; nothing is noted then. Of a relay that takes the place of
 * another one see succession_trust(). */
GF_MUST_CHECK int trusted_card(struct agent *a, const struct gf_card *c, const char *text,
                               size_t len, const char *by, struct gf_err *e);

/* The line of the history about that, within a transaction of the caller. */
GF_MUST_CHECK int trusted_note(struct agent *a, const struct gf_card *c, const char *by,
                               struct gf_err *e);

/* Trust a vendor's key for its duties, added to those that it has. */
GF_MUST_CHECK int trusted_vendor(struct agent *a, const struct store_vendor *v, struct gf_err *e);

#endif
