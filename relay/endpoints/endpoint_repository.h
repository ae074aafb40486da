/*
 * endpoint_repository.h -- what profile updates knows of its section, in struct endpoint's `own`.
 */
#ifndef RELAY_ENDPOINT_REPOSITORY_H
#define RELAY_ENDPOINT_REPOSITORY_H

#include "common/vendor_keys.h"
#include "relay/endpoints/endpoint.h"
#include "relay/ledger/ledger_updates.h"

struct endpoint_repository {
    struct vendor_key *keys;
    size_t nkeys;
    int64_t refresh; /* seconds for which a manifest is not asked for again */
    struct ledger_sizes sizes;
};

/* The profile's check(), open() and close(). */
GF_MUST_CHECK int endpoint_repository_check(const struct config *c, const char *name,
                                            struct gf_err *e);
GF_MUST_CHECK int endpoint_repository_open(struct endpoint *p, struct gf_err *e);
void endpoint_repository_close(struct endpoint *p);

/* How much is taken of artifacts by this section, and sent at a time. GF_E_CONFIG. */
GF_MUST_CHECK int endpoint_repository_sizes(const struct relay *r, const char *section,
                                            struct ledger_sizes *out, struct gf_err *e);

/* Verify a manifest by whichever key the section means, then parse it. Errors: those of
 * update_parse(). */
GF_MUST_CHECK int endpoint_repository_verify(const struct endpoint *p, const struct gf_buf *text,
                                             struct update *out, struct gf_err *e);

/* Log what nobody gets, since it is too large: once for each manifest. */
void endpoint_repository_tell(const struct endpoint *p, const struct update *u);

/* What an answer says by this header ("etag", "last-modified"), for a later request: "" if it says
 * nothing, or nothing that may stand in a header of ours. */
void endpoint_repository_validator(const struct https_answer *answer, const char *name,
                                   char out[LEDGER_VALIDATOR_MAX + 1]);

#endif
