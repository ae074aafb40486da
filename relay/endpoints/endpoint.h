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

/* The keys of [endpoint "NAME"], for relay_keys. clang-format off keeps one line each. */
/* clang-format off */
#define ENDPOINT_KEYS                                                                              \
    {"endpoint", 1, "channel", NULL, "the channel it takes"},                                      \
    {"endpoint", 1, "product", NULL, "only records of this product"},                              \
    {"endpoint", 1, "sender", NULL, "only records of this agent (its id, 32 hex digits)"},         \
    {"endpoint", 1, "profile", "http", "how to speak: http"},                                      \
    {"endpoint", 1, "url", NULL, "where: https://...; http:// only to 127.0.0.1 or [::1]"},        \
    {"endpoint", 1, "method", "POST", "POST or PUT"},                                              \
    {"endpoint", 1, "header", NULL, "one more header, \"Name: value\"; no secret"},              \
    {"endpoint", 1, "header_file", NULL, "file with one more header that is secret"},              \
    {"endpoint", 1, "ca_file", NULL, "trust these authorities only (PEM); default: the system's"}, \
    {"endpoint", 1, "cert_file", NULL, "client certificate (PEM)"},                                \
    {"endpoint", 1, "key_file", NULL, "its key (PEM)"},                                            \
    {"endpoint", 1, "proxy", NULL, "http://HOST:PORT; the environment is not asked"},              \
    {"endpoint", 1, "idempotency", "key", "key: it honours Idempotency-Key; natural: doubles do "  \
                                          "no harm; none: they do"},                               \
    {"endpoint", 1, "timeout", "60s", "for one request, 1s to 1h"}
/* clang-format on */

/* Bytes of an answer. */
#define ENDPOINT_ANSWER_MAX (1 << 20)

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

/* The name of the endpoint for a record; NULL: none matches. The one that names the sender is
 * preferred to one that names the product, and that to one that names neither. Borrowed from the
 * configuration. */
const char *endpoint_match(const struct config *c, const char *channel, const char *product,
                           const struct gf_id *agent);

/* Check all endpoints of the configuration; GF_E_CONFIG. */
GF_MUST_CHECK int endpoint_check(const struct config *c, struct gf_err *e);

/* The key that names a delivery for ever: BLAKE2b-128 of "gapferry-record/1", agent id, record id,
 * in hex. */
void endpoint_key(const struct gf_id *agent, const struct gf_id *record, char out[33]);

/*
 * Profile http: POST exactly the body, which must be in memory (GF_BODY_TEXT), within the
 * endpoint's timeout and until->wait_ms (0: no such limit), and at most about a second longer than
 * until->stop says 0 (NULL: it is not asked). 0 whenever *out says what happened; -1:
 * GF_E_CONFIG (the endpoint cannot be used as it is configured), GF_E_SYSTEM. An answer longer than
 * ENDPOINT_ANSWER_MAX is held where the record wants it, and does not matter where not.
 */
struct endpoint_until {
    int64_t wait_ms;
    int (*stop)(void *arg); /* 1: end the request; what became of it is not known then */
};
GF_MUST_CHECK int endpoint_http(struct https *client, const struct config *c, const char *name,
                                const struct gf_id *agent, const struct gf_record *r,
                                const struct endpoint_until *until, struct endpoint_result *out,
                                struct gf_err *e);
void endpoint_result_free(struct endpoint_result *r);

/* Pure: what a status means under profile http. */
enum endpoint_verdict endpoint_http_verdict(long status);

/* Pure: seconds to wait before attempt n + 1 (n from 1): 15 s, doubled each time, at most an hour;
 * of these, `random` takes away up to a half, so that not all come back at once. */
int64_t endpoint_backoff(int64_t attempts, uint32_t random);

#endif
