/*
 * endpoint.h -- where a channel is delivered, and what the answers mean.
 *
 * Endpoints come only from the relay's configuration and match channel, product and sender; a
 * record can never choose a URL.
 */
#ifndef RELAY_ENDPOINT_H
#define RELAY_ENDPOINT_H

#include "common/https.h"
#include "relay/relay.h"

enum endpoint_verdict {
    ENDPOINT_DELIVERED,
    ENDPOINT_REJECTED, /* permanent: the reason travels back */
    ENDPOINT_LATER,    /* try again */
    ENDPOINT_HELD,     /* the operator has to mend something */
};

struct endpoint_result {
    enum endpoint_verdict verdict;
    enum gf_guarantee guarantee;
    int64_t retry_after_s; /* for later; -1: our own back-off */
    char reason[GF_REASON_MAX + 1];
    int64_t status;             /* HTTP; 0 if none came */
    struct https_answer answer; /* for the answer that travels back */
};

/* The name of the endpoint for a record; NULL: none matches. Borrowed from the configuration. */
const char *endpoint_match(const struct config *c, const char *channel, const char *product,
                           const struct gf_id *agent);

/* Check all endpoints of the configuration; GF_E_CONFIG. */
GF_MUST_CHECK int endpoint_check(const struct config *c, struct gf_err *e);

/* The key that names a delivery for ever: BLAKE2b-128 of "gapferry-record/1", agent id, record id,
 * in hex. */
void endpoint_key(const struct gf_id *agent, const struct gf_id *record, char out[33]);

/* Profile http: POST exactly the body. 0 whenever *out says what happened. */
GF_MUST_CHECK int endpoint_http(struct https *client, const struct config *c, const char *name,
                                const struct gf_id *agent, const struct gf_record *r,
                                struct endpoint_result *out, struct gf_err *e);

/* Pure: what a status means under profile http. */
enum endpoint_verdict endpoint_http_verdict(long status);

/* Pure: seconds to wait before attempt n + 1 (n from 1): exponential, at most an hour, with jitter
 * from `random`. */
int64_t endpoint_backoff(int64_t attempts, uint32_t random);

#endif
