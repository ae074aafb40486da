/*
 * unpack.h -- steps 2 and 3 of reading a bundle, in two processes.
 */
#ifndef RELAY_UNPACK_H
#define RELAY_UNPACK_H

#include "gapferry/bundle.h"
#include "relay/handover.h"
#include "relay/relay.h"

/* Gets each record, borrowed; -1 and *e to end. */
typedef int unpack_record(void *arg, const struct handover_record *r, struct gf_err *e);

/*
 * Decrypt the payload of the verified copy here, and read its members into the empty directory
 * `work` in a child without keys, network or ledger. Records go to `fn` while the child still
 * reads, and those whose bodies are files when all else has come: neither they nor what lies in
 * `work` counts before this returns 0. There is no records.jsonl. Errors: those of
 * gf_bundle_decrypt() and gf_bundle_items(), and what fn fails with; GF_E_SYSTEM and GF_E_CREATE
 * are ours (memory, disk), not the bundle's. room: bytes the members may take; what is larger is
 * GF_E_CREATE if that is less than any bundle may hold.
 */
GF_MUST_CHECK int unpack_bundle(struct relay *r, int copy, const struct gf_head *h, int64_t room,
                                int work, unpack_record *fn, void *arg, struct gf_err *e);

#endif
