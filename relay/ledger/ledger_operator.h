/*
 * ledger_operator.h -- the part of the ledger for the operator's commands: which records, what is
 * decided about them, the chain of what was done, how much a sender has brought, and what is
 * forgotten in time.
 */
#ifndef RELAY_LEDGER_OPERATOR_H
#define RELAY_LEDGER_OPERATOR_H

#include "relay/ledger/ledger.h"

/* ---- which records (ledger_forward.c) ---- */

/* Which records: those to which all of it applies. LEDGER_ANY but for what is said. */
struct ledger_filter {
    enum ledger_state first, last; /* in this state, in that one, or one between */
    const char *channel;           /* NULL: any */
    const char *endpoint;          /* the last one: the vendor's side of the tenant. NULL: any */
    const struct gf_id *agent;     /* the site's side. NULL: any */
    const struct gf_id *record;    /* NULL: any */
    int64_t since;                 /* came to its state then or later; 0: whenever */
    int64_t after;                 /* rows behind this one */
};
#define LEDGER_ANY .first = LEDGER_RECEIVED, .last = LEDGER_EXPIRED
/* Those that are on their way or wait; those at an end that is none: dead letters. */
#define LEDGER_OPEN .first = LEDGER_RECEIVED, .last = LEDGER_ONWARD
#define LEDGER_DEAD .first = LEDGER_REJECTED, .last = LEDGER_EXPIRED
/* Walk them in the order of arrival; fn returns 1 to stop. */
GF_MUST_CHECK int ledger_select(struct ledger *l, const struct ledger_filter *f, ledger_each *fn,
                                void *arg, struct gf_err *e);
/* ---- what the operator decides (ledger_select.c); *n: of how many records ---- */

/* `held`, `later` and `onward` records of these are due at once; for the next hop one that it has
 * already is nothing new. Whoever releases one that is held in doubt, or by its id one that waits
 * in doubt, takes a second effect into the bargain. */
GF_MUST_CHECK int ledger_release(struct ledger *l, const struct ledger_filter *f, int64_t now,
                                 int64_t *n, struct gf_err *e);
/* Those of these that are not at an end are rejected, for this reason (NULL: for the one they were
 * held for). The caller keeps others from forwarding, unless only held ones are meant. */
GF_MUST_CHECK int ledger_give_up(struct ledger *l, const struct ledger_filter *f,
                                 const char *reason, int64_t now, int64_t *n, struct gf_err *e);
/* How many were changed by a decision. */
struct ledger_changed {
    int64_t records, artifacts;
};
/* Note in the chain what was decided: `verb`, of what, of how many, why (NULL: not said), by whom.
 */
GF_MUST_CHECK int ledger_decided(struct ledger *l, const char *verb, const struct ledger_filter *f,
                                 const struct ledger_changed *n, const char *reason,
                                 const char *user, int64_t now, struct gf_err *e);

/* What else is known of a record. */
struct ledger_story {
    struct gf_id bundle; /* that brought it */
    int64_t guarantee;   /* enum gf_guarantee, of one that is delivered */
    int64_t answer;      /* status of the endpoint's answer that is kept; -1: none is */
    int has_told;        /* 1: a response has told its present state: */
    struct gf_id told;
    int64_t acknowledged; /* when the agent said that it has it; 0: not yet */
};
GF_MUST_CHECK int ledger_story(struct ledger *l, int64_t row, struct ledger_story *out,
                               struct gf_err *e);
/* Its attempts, the first one first; fn returns 0 to go on. */
typedef int ledger_each_attempt(void *arg, int64_t n, const char *endpoint, int64_t at,
                                struct gf_err *e);
GF_MUST_CHECK int ledger_attempts(struct ledger *l, int64_t row, ledger_each_attempt *fn, void *arg,
                                  struct gf_err *e);

/* ---- the chain (ledger_chain.c) ---- */

/* Bytes of a line, with its NUL. */
#define LEDGER_LINK_MAX 4096
struct ledger_link {
    int64_t n;
    const char *line; /* borrowed */
    int has_hash;     /* 0: what stands there is none */
    struct gf_hash hash;
};
typedef int ledger_each_link(void *arg, const struct ledger_link *x, struct gf_err *e);
/* Walk the lines that were written since a time, in order; fn returns 0 to go on. */
GF_MUST_CHECK int ledger_chain(struct ledger *l, int64_t since, ledger_each_link *fn, void *arg,
                               struct gf_err *e);
/* Compute every hash anew and compare, also with the head: the number of lines, and the hash of the
 * newest. GF_E_DAMAGED names the first line that does not hold. */
GF_MUST_CHECK int ledger_chain_verify(struct ledger *l, int64_t *n, struct gf_hash *newest,
                                      struct gf_err *e);

/* ---- quotas (ledger_usage.c) ---- */

#define LEDGER_USAGE_SPAN 86400 /* seconds */

/* What a sender's lineage has brought in the span that ends now, and how many of its records wait:
 * counted up to `most`. What bears a later date was taken while the clock was ahead, and is not
 * counted. */
struct ledger_usage {
    int64_t bundles, bytes; /* of those that may carry records, and of their payloads */
    int64_t oldest;         /* when the first of them was taken; 0: none was */
    int64_t bare;           /* bundles that said that they carry none */
    int64_t open;
};
GF_MUST_CHECK int ledger_usage(struct ledger *l, const struct gf_hash *sender, int64_t now,
                               int64_t most, struct ledger_usage *out, struct gf_err *e);

/* This bundle of theirs is beyond a quota (which: the key's name), and stays where it is until it
 * is taken (ledger_over.c). A note for people; of one sender so many, that nobody fills the ledger.
 */
GF_MUST_CHECK int ledger_turn_away(struct ledger *l, const struct gf_hash *sender,
                                   const struct gf_hash *digest, int64_t size, const char *rule,
                                   int64_t now, struct gf_err *e);
/* Senders of whom bundles wait that were shown in the last 30 days, the longest waiting first;
 * free(). */
struct ledger_over {
    char fingerprint[GF_FINGERPRINT_TEXT];
    int64_t bundles, bytes; /* of payloads */
    int64_t since, last;    /* when the first was shown first, and one of them last */
    char rule[32];
};
GF_MUST_CHECK int ledger_over(struct ledger *l, int64_t now, struct ledger_over **out, size_t *n,
                              struct gf_err *e);
/* The fingerprints that a sender's lineage has had (NULL: of all who were ever let in); free(). */
GF_MUST_CHECK int ledger_fingerprints(struct ledger *l, const struct gf_hash *sender,
                                      char (**out)[GF_FINGERPRINT_TEXT], size_t *n,
                                      struct gf_err *e);

/* ---- what waits for another try (ledger_tally.c) ---- */

/* The `later` records of an endpoint; "": they were never sent to one. */
struct ledger_stuck {
    char endpoint[80]; /* its first bytes, where it is longer */
    int64_t records;
    int64_t since; /* when the first of them came */
    int64_t due;   /* when the first of them is tried again */
    int64_t asked; /* until when the endpoint asked to be left alone; 0: it did not */
    char reason[GF_REASON_MAX + 1]; /* of one of them, which does not pass if any does not */
};
/* 1 if what waits for this reason comes right by itself. */
typedef int ledger_passes(const char *reason);
/* Endpoint by endpoint, in the order of the first record of each; free(). */
GF_MUST_CHECK int ledger_stuck(struct ledger *l, ledger_passes *passes, struct ledger_stuck **out,
                               size_t *n, struct gf_err *e);

/* 1 if somebody, in any process, has this purpose (ledger_wake.c). */
int ledger_is_held(const struct ledger *l, enum ledger_purpose p);

/* ---- what is forgotten (ledger_prune.c) ---- */

/*
 * Seconds for which all is kept, and beyond them until its agent has acknowledged what became of
 * it: a record at an end (delivered, rejected, expired) with its line, attempts, answer and files;
 * the bundle that brought it once all its records have gone; a response that tells nothing of what
 * is left. What bears a date before WHEN_FIRST stays. The chain stays whole.
 *
 * Of a bundle sender, stream and number are remembered for good, spans of them as one: it is a
 * replay whenever it comes again, though whether its bytes are the same is not known any more.
 */
#define LEDGER_KEEP (400LL * 86400)
struct ledger_pruned {
    int64_t records, bundles, responses;
};
/* One short step, in a transaction of its own; added to *sum. 1 there is more to look at, 0 not
 * before tomorrow, -1. The caller knows that the clock is not in doubt (when_is_ahead()). */
GF_MUST_CHECK int ledger_prune(struct ledger *l, int64_t now, struct ledger_pruned *sum,
                               struct gf_err *e);

#endif
