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

/* One factor of this machine or of a licence: a name and BLAKE2b-256 of salt, name and value. The
 * salt never leaves the machine. */
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
    char features[1024]; /* names, one a line */
    char counts[1024];   /* "name=number" a line */
};

/* Parse and verify a licence document against one vendor key. GF_E_LICENSE, GF_E_SIGNATURE,
 * GF_E_JSON, GF_E_DOCUMENT, GF_E_VERSION. */
GF_MUST_CHECK int license_parse(const char *text, size_t len, const struct gf_sign_public *vendor,
                                struct license *out, struct gf_err *e);

/* This machine's factors, salted: machine id, board, disk, network card, ... those that it has. */
GF_MUST_CHECK int license_machine(const uint8_t salt[16],
                                  struct license_factor out[LICENSE_FACTORS_MAX], size_t *n,
                                  struct gf_err *e);

enum license_fact {
    LICENSE_NONE,
    LICENSE_VALID,
    LICENSE_EXPIRING,  /* valid, within warn_days of its end */
    LICENSE_GRACE,     /* ended, within grace_days */
    LICENSE_ENDED,     /* ended, and grace too */
    LICENSE_ELSEWHERE, /* another machine's */
    LICENSE_CLOCK,     /* the clock stands before the licence was issued */
};

struct license_verdict {
    enum license_fact fact;
    int may_run;      /* what the vendor's policy makes of it */
    int64_t days;     /* until the end, or since */
    int64_t matching; /* factors */
};

void license_judge(const struct license *l, const struct license_factor *machine, size_t n,
                   int64_t now, struct license_verdict *out);

/* Exit status of a fact (90 to 95; 0 for valid and expiring). */
int license_exit(enum license_fact f);

struct license_wish {
    const char *product;
    const char *version; /* NULL: none */
    const char *key;
    const char *contact; /* NULL: none */
    const char *counts;  /* "name=number" a line; NULL: none */
    struct gf_id nonce;
};

/* The body of a licence request: JSON of format gapferry-license-request/1. */
GF_MUST_CHECK int license_request(const struct license_wish *w,
                                  const struct license_factor *machine, size_t n,
                                  struct gf_buf *out, struct gf_err *e);

#endif
