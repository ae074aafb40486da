/*
 * installed.h -- licences of this agent: which are installed and hold, and whether a document may
 * become one.
 */
#ifndef AGENT_LICENSE_INSTALLED_H
#define AGENT_LICENSE_INSTALLED_H

#include "agent/agent.h"
#include "agent/license/keygen.h"
#include "agent/license/license.h"

/* This machine as the agent's licences know it, salted with the agent's own salt, which is made
 * when it is first needed. */
struct installed_machine {
    struct license_factor factors[LICENSE_FACTORS_MAX];
    size_t n;
};
GF_MUST_CHECK int installed_machine(struct agent *a, struct installed_machine *out,
                                    struct gf_err *e);

/* What opens a Keygen file; texts are "" where there is none. It is kept beside the licence. */
struct installed_secret {
    char key[KEYGEN_TEXT_MAX + 1];         /* licence key */
    char fingerprint[KEYGEN_TEXT_MAX + 1]; /* of the machine */
    char factor[GF_WORD_MAX + 1]; /* the factor of this machine whose digest the fingerprint is: it
                                     stays bound to it; "": people vouch for the fingerprint */
};

/* A licence document, ours or Keygen's, that was verified and read. */
struct installed_document {
    struct license license;
    int is_keygen;
    struct keygen keygen;           /* where it is */
    struct installed_secret secret; /* where it is */
    char scope[GF_WORD_MAX + 1];    /* the product as its vendor names it */
};

/*
 * Read a licence document for this agent: signed by a pinned vendor with duty license, of this
 * product (NULL: any), with no nonce or one of ours, for this machine, and not given up here
 * before. *out is set on success. GF_E_LICENSE and those of license_parse() or keygen_parse();
 * GF_E_SENDER if no vendor is pinned for licences, or none of them has signed it; GF_E_REPLAY if it
 * was given up. *elsewhere is 1 where the machine is another one.
 *
 * secret: for Keygen files, whose product is then called `product`, or by its id where that is
 * NULL; NULL: nothing is known. A machine file whose fingerprint is not given must have the digest
 * of a factor of this machine as its fingerprint, as requests say it.
 */
GF_MUST_CHECK int installed_read(struct agent *a, const char *text, size_t len, const char *product,
                                 const struct installed_secret *secret,
                                 struct installed_document *out, int *elsewhere, struct gf_err *e);

/* Install a licence that installed_read() has read, and raise the time floor to its time. One
 * transaction. */
GF_MUST_CHECK int installed_put(struct agent *a, const struct installed_document *d,
                                const char *text, size_t len, struct gf_err *e);

/* One installed licence and what is the case with it. */
struct installed {
    char product[GF_WORD_MAX + 1];
    int64_t since;
    int valid; /* 0: it cannot be used any more, `why` says why: its vendor is not trusted now */
    int gone;  /* 1: it was given up here, which the database does not know: not valid. But
                  `document` is set, so that its vendor can be told (once more) */
    char why[GF_ERR_TEXT];
    struct installed_document document;
    struct license_verdict verdict;
};

/* All of them, sorted by product; one allocation, free(). */
GF_MUST_CHECK int installed_all(struct agent *a, struct installed **out, size_t *n,
                                struct gf_err *e);

/* The one of a product: 1 found, 0 not. */
GF_MUST_CHECK int installed_one(struct agent *a, const char *product, struct installed *out,
                                struct gf_err *e);

/* 1 if a licence of the product is installed that holds up and was issued later than `issued`:
 * an earlier one must not take its place unasked. */
GF_MUST_CHECK int installed_is_newer(struct agent *a, const char *product, int64_t issued,
                                     struct gf_err *e);

/* 1 if exactly these bytes are installed for the product. */
GF_MUST_CHECK int installed_has(struct agent *a, const char *product, const char *text, size_t len,
                                struct gf_err *e);

/* What is the case, in a few words for people: "valid until 2027-01-02T03:04:05Z". */
#define INSTALLED_WORDS 160
void installed_words(const struct installed *l, char out[INSTALLED_WORDS]);

/* ---- installed_keygen.c: Keygen's files ---- */

/* A file to be read, and what is known of it; as for installed_read(). */
struct installed_file {
    const char *text;
    size_t len;
    const char *product;
    const struct installed_secret *secret;
    int stored; /* 1: it is installed already: its secret says all, and a changed machine is left to
                   license_judge() */
};

/* Read one by whichever vendor has signed it; the machine is looked at too: *elsewhere. */
GF_MUST_CHECK int installed_keygen(struct agent *a, const struct installed_file *f,
                                   struct installed_document *out, int *elsewhere,
                                   struct gf_err *e);

/* A secret as the store keeps it, and back; texts are single lines. */
void installed_keygen_pack(const struct installed_secret *s, struct gf_buf *out);
GF_MUST_CHECK int installed_keygen_unpack(const char *text, size_t len,
                                          struct installed_secret *out, struct gf_err *e);

#endif
