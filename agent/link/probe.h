/*
 * probe.h -- one try to reach a relay, and what it shows.
 */
#ifndef LINK_PROBE_H
#define LINK_PROBE_H

#include "agent/link/peers.h"
#include "common/https.h"

/* What `stage` says where a try fails. A relay that is not reached has one of the first six; what
 * is reached and is no proof of our relay is a wrong answer, whatever it is: a portal's page, a
 * cache's hello, another's signature. */
#define STAGE_NO_ROUTE    "no route"
#define STAGE_NO_DNS      "no DNS"
#define STAGE_REFUSED     "refused"
#define STAGE_TIMED_OUT   "timed out"
#define STAGE_PROXY       "proxy"
#define STAGE_CREDENTIALS "proxy wants credentials"
#define STAGE_TLS         "TLS untrusted"
#define STAGE_WRONG       "wrong answer"
#define STAGE_ERROR       "relay error"

struct probe {
    int proved;                /* 1: our relay signed our nonce */
    struct gf_card relay;      /* proved: by this card */
    const char *stage;         /* static; "" where proved */
    char evidence[LINK_WORDS]; /* for people; may hold foreign text */
    int64_t retry_after_s;     /* -1: nobody asked for patience */
};

/* How requests of a visit are made. */
struct probe_client {
    struct https *https;
    int (*stop)(void *arg); /* as in https.h; may be NULL */
    void *stop_arg;
};

/* GET URL/v1/hello?nonce=... and verify the hello. *out is set whenever 0 is returned; -1 is misuse
 * (GF_E_CONFIG: a certificate file that cannot be read) and memory. */
GF_MUST_CHECK int probe_relay(const struct probe_client *client, const struct peers *p,
                              const struct peer *peer, struct probe *out, struct gf_err *e);

/* URL of the peer with `path` behind; without a doubled slash. */
#define PROBE_URL 2304
void probe_url(const struct peer *peer, const char *path, char out[PROBE_URL]);

/* The stage of a request that brought no answer of the relay itself; NULL where one did. */
const char *probe_stage(const struct https_answer *a);

#endif
