/*
 * keys.h -- the relay's identity of now and those before (common/own_keys.h), and the ledger, which
 * says which of them is in force.
 */
#ifndef RELAY_KEYS_H
#define RELAY_KEYS_H

#include "common/own_keys.h"
#include "relay/relay.h"

/* Load the keys that the ledger belongs to; a rotation that was cut off between ledger and keys is
 * ended. mend 1: a ledger from before a rotation takes note of it, and a new one of all; for
 * `reconcile`. GF_E_DAMAGED if keys and ledger do not belong together. */
GF_MUST_CHECK int keys_load(struct relay *r, int mend, struct gf_err *e);

/* Another process may have given this relay new keys: 1 they are loaded now, 0 nothing has changed.
 * To be asked by whatever verifies or signs, before it does; by what signs bundles, under the lock.
 * What cannot be loaded leaves the keys that are there. */
GF_MUST_CHECK int keys_renew(struct relay *r, struct gf_err *e);

/* Whom what comes in may be addressed to: check->us. *all must outlive *check. */
void keys_check(const struct relay *r, struct own_keys_all *all, struct gf_check *check);
int keys_has(const struct relay *r, const struct gf_hash *identity);

/* Who signs what is for this agent: the identity that it knows, or that of now. */
GF_MUST_CHECK int keys_signer(const struct relay *r, const struct gf_id *agent,
                              const struct gf_identity **out, struct gf_err *e);

/* Wipe them, in a process that is not to have them. */
void keys_forget(struct relay *r);

#endif
