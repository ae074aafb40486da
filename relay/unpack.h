/*
 * unpack.h -- steps 2 and 3 of reading a bundle, in two processes.
 */
#ifndef RELAY_UNPACK_H
#define RELAY_UNPACK_H

#include "gapferry/bundle.h"
#include "relay/relay.h"

/*
 * Decrypt the payload of the verified copy here, and read its members into the empty directory
 * `work` in a child without keys, network or ledger. What lies in `work` counts only when this
 * returns 0. Errors: those of gf_bundle_decrypt() and gf_bundle_items(); GF_E_SYSTEM and
 * GF_E_CREATE are ours (memory, disk), not the bundle's. room: bytes the members may take; what is
 * larger is GF_E_CREATE if that is less than any bundle may hold.
 */
GF_MUST_CHECK int unpack_bundle(struct relay *r, int copy, const struct gf_head *h, int64_t room,
                                int work, struct gf_err *e);

#endif
