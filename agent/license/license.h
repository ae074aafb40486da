/*
 * license.h -- licences: our own licence files (signed documents of format gapferry-license/1),
 * whether they hold here and now, and what the vendor's policy makes of that.
 *
 * Facts are apart from the decision: license_judge() says what is the case; `then` says what the
 * vendor wants of it.
 */
#ifndef AGENT_LICENSE_H
#define AGENT_LICENSE_H

#include "gapferry/document.h"
#include "gapferry/text.h"

#define LICENSE_FACTORS_MAX 16

/* One factor of this machine or of a licence: a name, and BLAKE2b-256 with the salt as key of
 *   gapferry-factor/1 LF name LF value
 * The salt never leaves the machine. */
struct license_factor {
    char name[GF_WORD_MAX + 1];
    struct gf_hash digest;
};

enum license_then { LICENSE_WARN, LICENSE_BLOCK };

struct license {
    char id[GF_WORD_MAX * 2 + 1];
    char product[GF_WORD_MAX + 1];
    char licensee[257];
    int64_t issued;
    int has_expires;
    int64_t expires;
    int has_nonce;
    struct gf_id nonce;
    int64_t k; /* factors that must match; 0: not bound to a machine */
    size_t nfactors;
    struct license_factor factors[LICENSE_FACTORS_MAX];
    int64_t warn_days;
    int64_t grace_days;
    enum license_then then;
    char features[4096]; /* names, one a line, each with its LF */
    char counts[1024];   /* "name=number" a line, each with its LF */
};

/*
 * Verify a licence document against one vendor key and then parse it. GF_E_LICENSE, GF_E_SIGNATURE,
 * GF_E_JSON, GF_E_DOCUMENT, GF_E_VERSION, GF_E_LIMIT. Its JSON:
 *
 *   {"format": "gapferry-license/1", "id": "L-1", "product": "demo", "licensee": "ACME",
 *    "issued": "2026-01-02T03:04:05Z", "expires": TIME | null, "nonce": 32 HEX DIGITS | null,
 *    "fingerprint": {"k": 2, "factors": {"machine-id": 64 HEX DIGITS, ...}} | null,
 *    "features": ["a", ...], "counts": {"seats": 5, ...},
 *    "policy": {"warn_days": 30, "grace_days": 14, "then": "warn" | "block"} | null, "ext": {}}
 *
 * format, id, product and issued must be there; what else is absent is as if it were null or
 * empty. Without a policy it is {30, 0, warn}.
 */
GF_MUST_CHECK int license_parse(const char *text, size_t len, const struct gf_sign_public *vendor,
                                struct license *out, struct gf_err *e);

/* This machine's factors, salted, those that it has and that we may read:
 *   machine-id (/etc/machine-id)   system, board (DMI)   disk (the root disk)   nic (its address)
 * root: "/", or the top of a tree with the same files. A machine may have none. */
GF_MUST_CHECK int license_machine(const char *root, const uint8_t salt[16],
                                  struct license_factor out[LICENSE_FACTORS_MAX], size_t *n,
                                  struct gf_err *e);

/* How many of a licence's factors this machine has. */
int64_t license_matching(const struct license *l, const struct license_factor *machine, size_t n);

enum license_fact {
    LICENSE_NONE,
    LICENSE_VALID,
    LICENSE_EXPIRING,  /* valid, within warn_days of its end */
    LICENSE_GRACE,     /* ended, within grace_days */
    LICENSE_ENDED,     /* ended, and grace too */
    LICENSE_ELSEWHERE, /* another machine's */
    LICENSE_CLOCK,     /* it holds, but the clock stands more than a day before a time that is
                          proven: when the licence was issued, or the time floor */
    LICENSE_FACTS,     /* their number */
};
extern const char *const license_facts[]; /* "none" "valid" "expiring" ... */

struct license_verdict {
    enum license_fact fact;
    int may_run;      /* what the vendor's policy makes of it */
    int64_t days;     /* whole ones until the end, or since; LICENSE_CLOCK: behind */
    int64_t matching; /* factors */
};

/* l NULL: there is none. floor: the time floor (floor.h). What ended before the floor has ended,
 * whatever the clock says; apart from that a clock in doubt is told and costs nothing. */
void license_judge(const struct license *l, const struct license_factor *machine, size_t n,
                   int64_t now, int64_t floor, struct license_verdict *out);

/* Exit status of a fact (90 to 95; 0 for valid and expiring). */
int license_exit(enum license_fact f);

struct license_wish {
    const char *product;
    const char *version; /* NULL: none */
    const char *key;
    const char *contact; /* NULL: none */
    const char *counts;  /* "name=number" a line; NULL: none */
    struct gf_id nonce;
    const char *sign;   /* this agent's public key, one line; NULL: none */
    const char *renews; /* the id of a licence whose place the new one takes; NULL: none */
    const char *why;    /* then: "renewal" "repair" "transfer" */
    const char *proof;  /* transfer: the deactivation proof, a signed document; NULL: none */
};

#define LICENSE_PROOF_MAX 8192 /* bytes of a deactivation proof with its signature */

#define LICENSE_REQUEST_TYPE "application/vnd.gapferry.license-request+json"

/*
 * The body of a licence request. GF_E_USAGE where a field breaks a rule.
 *
 *   {"format": "gapferry-license-request/1", "product": "demo", "version": "1.2" | null,
 *    "key": "AAAA-BBBB", "contact": "ops@example.org" | null, "counts": {"seats": 5, ...},
 *    "nonce": 32 HEX DIGITS, "fingerprint": {"machine-id": 64 HEX DIGITS, ...},
 *    "renews": {"license": "L-1", "why": "renewal", "proof": TEXT | null},
 *    "ext": {"sign": PUBLIC KEY}}
 *
 * "renews" is there only where a licence is renewed, repaired or transferred.
 */
GF_MUST_CHECK int license_request(const struct license_wish *w,
                                  const struct license_factor *machine, size_t n,
                                  struct gf_buf *out, struct gf_err *e);

#endif
