/*
 * artifacts.h -- STATE/artifacts: what vendors' manifests name, each file once for all agents.
 *
 *   artifacts/DIGEST        verified, by its BLAKE2b-256
 *   artifacts/DIGEST.part   what was fetched so far
 */
#ifndef RELAY_ARTIFACTS_H
#define RELAY_ARTIFACTS_H

#include "common/update.h"
#include "relay/relay.h"

/* A verified one, for reading. GF_E_NOINPUT if it is gone, or has another size than it should. */
GF_MUST_CHECK int artifacts_open(const struct relay *r, const struct gf_hash *digest, int64_t size,
                                 struct gf_err *e);

/* What was fetched so far, made where there is nothing: a descriptor that stands at its end, and
 * *have, its bytes; more than `size` is thrown away. */
GF_MUST_CHECK int artifacts_begin(const struct relay *r, const struct update_artifact *a,
                                  int64_t *have, struct gf_err *e);

/* All of it is there: read it once more, compare size and digests, and give it its name. Errors:
 * GF_E_UPDATE: it is another file, and was removed; GF_E_SYSTEM, GF_E_CREATE. */
GF_MUST_CHECK int artifacts_accept(const struct relay *r, const struct update_artifact *a, int fd,
                                   struct gf_err *e);
/* The same for one that was compared as it was written here, so that it need not be read again. */
GF_MUST_CHECK int artifacts_keep(const struct relay *r, const struct update_artifact *a, int fd,
                                 struct gf_err *e);

/* Begin anew the next time. */
void artifacts_discard(const struct relay *r, const struct gf_hash *digest);

/* Remove what nobody needs any more, here and in the ledger. */
GF_MUST_CHECK int artifacts_prune(struct relay *r, struct gf_err *e);

#endif
