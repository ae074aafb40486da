/*
 * quota.h -- how much one sender may bring: [relay] quota_bundles_per_day, quota_bytes and
 * quota_pending, or the same in its [agent "FINGERPRINT"], which goes before and holds for whoever
 * succeeds it, too; and how much of the disk is kept free.
 *
 * A bundle that says that it carries no records costs next to nothing, brings the acknowledgements
 * that let responses go, and is held by no quota but one: QUOTA_BARE of them in 24 hours, of at
 * most QUOTA_BARE_MAX bytes each. One that says so and has records is refused (take.c).
 *
 * What is over stays where it is, on the drive, with the sender or in incoming/, and is taken when
 * there is room again. Nothing of it is refused or lost.
 */
#ifndef RELAY_QUOTA_H
#define RELAY_QUOTA_H

#include "relay/relay.h"

#define QUOTA_BARE     1000
#define QUOTA_BARE_MAX (4LL << 20) /* bytes: acknowledgements take no more than contents.json */

/* clang-format off */
#define QUOTA_KEYS                                                                                 \
    {"relay", 0, "quota_bundles_per_day", "0", "bundles of one sender in 24 hours; 0: any number"}, \
    {"relay", 0, "quota_bytes", "0", "bytes of them in 24 hours; 0: any number"},                  \
    {"relay", 0, "quota_pending", "0",                                                             \
     "records of one sender that may wait before more bundles of it are taken; 0: any number"},    \
    {"relay", 0, "keep_free", "64M", "bytes of the disk that bundles and artifacts leave free"},   \
    {"agent", 1, "name", NULL, "what the agent of this fingerprint is called here"},               \
    {"agent", 1, "quota_bundles_per_day", NULL, "that of [relay], for the agent of this fingerprint"}, \
    {"agent", 1, "quota_bytes", NULL, "that of [relay], for this agent"},                          \
    {"agent", 1, "quota_pending", NULL, "that of [relay], for this agent"}
/* clang-format on */

/* For `config check`: GF_E_CONFIG. */
GF_MUST_CHECK int quota_check(const struct config *c, struct gf_err *e);
/* 1 and a warning about the i-th [agent "FINGERPRINT"] if it is none of these n, which are all that
 * were ever let in; 0 there is nothing to say of it. */
int quota_doubt(const struct config *c, size_t i, char (*known)[GF_FINGERPRINT_TEXT], size_t n,
                struct gf_err *warning);

/* 0 this bundle may come from this sender now; 1 not yet, with *why, and in how many seconds it may
 * (at least; 3,600 at most), which the ledger notes for `status`; -1. */
struct quota_bundle {
    const struct gf_hash *sender, *digest; /* of its header */
    int64_t size;                          /* of its payload, in bytes */
    int no_records;                        /* 1: its header says so */
};
GF_MUST_CHECK int quota_is_over(const struct relay *r, const struct quota_bundle *b, int64_t now,
                                int64_t *seconds, struct gf_err *why, struct gf_err *e);

#endif
