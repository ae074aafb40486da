/*
 * installed.h -- licences of this agent: which are installed and hold, and whether a document may
 * become one.
 */
#ifndef AGENT_LICENSE_INSTALLED_H
#define AGENT_LICENSE_INSTALLED_H

#include "agent/agent.h"
#include "agent/license/license.h"

/* This machine as the agent's licences know it, salted with the agent's own salt, which is made
 * when it is first needed. */
struct installed_machine {
    struct license_factor factors[LICENSE_FACTORS_MAX];
    size_t n;
};
GF_MUST_CHECK int installed_machine(struct agent *a, struct installed_machine *out,
                                    struct gf_err *e);

/*
 * Read a licence document for this agent: signed by a pinned vendor with duty license, of this
 * product (NULL: any), with no nonce or one of ours, and for this machine. *out is set on success.
 * GF_E_LICENSE and those of license_parse(); GF_E_SENDER if no vendor is pinned for licences, or
 * none of them has signed it. *elsewhere is 1 where the machine is another one.
 */
GF_MUST_CHECK int installed_read(struct agent *a, const char *text, size_t len, const char *product,
                                 struct license *out, int *elsewhere, struct gf_err *e);

/* Install a licence that installed_read() has read, and raise the floor of the clock to its time.
 * One transaction. */
GF_MUST_CHECK int installed_put(struct agent *a, const struct license *l, const char *text,
                                size_t len, struct gf_err *e);

/* One installed licence and what is the case with it. */
struct installed {
    char product[GF_WORD_MAX + 1];
    int64_t since;
    int valid; /* 0: it cannot be used any more, `why` says why: its vendor is not trusted now */
    char why[GF_ERR_TEXT];
    struct license license;
    struct license_verdict verdict;
};

/* All of them, sorted by product; one allocation, free(). */
GF_MUST_CHECK int installed_all(struct agent *a, struct installed **out, size_t *n,
                                struct gf_err *e);

/* What is the case, in a few words for people: "valid until 2027-01-02T03:04:05Z". */
#define INSTALLED_WORDS 160
void installed_words(const struct installed *l, char out[INSTALLED_WORDS]);

#endif
