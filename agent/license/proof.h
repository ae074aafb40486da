/*
 * proof.h -- a deactivation proof: this agent says, signed by its key, that a licence does not run
 * here any more. The vendor may then let it run elsewhere.
 *
 *   {"format": "gapferry-deactivation/1", "agent": 32 HEX DIGITS, "sign": PUBLIC KEY,
 *    "product": "demo", "license": "L-1", "machine": TEXT | null, "issued": TIME, "at": TIME,
 *    "nonce": 32 HEX DIGITS, "ext": {}}
 *
 * A signed document (document.h). Its first signature is by the key that it names, which is that of
 * the agent's card. An agent that has new keys since the licence was asked for signs by the ones
 * before, too (the newest two), so that the key of the licence request (ext.sign) verifies the
 * proof all the same. product and license are as the licence says them, issued is its time; machine
 * is Keygen's machine id.
 */
#ifndef AGENT_LICENSE_PROOF_H
#define AGENT_LICENSE_PROOF_H

#include "agent/license/installed.h"

#define PROOF_TYPE "application/vnd.gapferry.deactivation+json"

/* Append the proof for a licence. */
GF_MUST_CHECK int proof_make(const struct agent *a, const struct installed_document *d,
                             struct gf_buf *out, struct gf_err *e);

#endif
