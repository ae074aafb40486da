/*
 * ledger_enrol.h -- who is let in and how, by which token, and how a lineage goes on or ends
 * (design section 8). Included by ledger.h's users who enrol; the rest is in ledger.h.
 *
 * An agent's lineage is its agent id. At any time at most one identity of a lineage is enrolled. A
 * successor that its predecessor has signed takes its place; a second successor of the same
 * predecessor is a fork: neither is trusted until a person approves one of them. A lineage that was
 * revoked is ended for good.
 */
#ifndef RELAY_LEDGER_ENROL_H
#define RELAY_LEDGER_ENROL_H

#include "gapferry/token.h"
#include "relay/ledger/ledger.h"

/* How an agent was let in. */
enum ledger_how { LEDGER_BY_FINGERPRINT, LEDGER_BY_VENDOR, LEDGER_BY_TOKEN, LEDGER_BY_PREDECESSOR };
extern const char *const ledger_hows[]; /* "fingerprint" "vendor" "token" "predecessor" NULL */

/* A card that came, with its file's bytes; it was parsed. */
struct ledger_shown {
    const struct gf_card *card;
    const char *text;
    size_t len;
    const char *vendor; /* who has signed it and may vouch for cards; NULL: none */
    int keep;           /* 1: remember also a stranger's, so that it can be approved */
};
/* 1 it is enrolled, now or before; 0 it is not, and *why says why: GF_OK if nothing is wrong with
 * it and it only waits for approval, else GF_E_SENDER or GF_E_EXPIRED; -1. What enrols: an approved
 * fingerprint, the signature of its predecessor, x->vendor, or the MAC of a token, which is used by
 * that. A card that is no agent's is 0. */
GF_MUST_CHECK int ledger_show_card(struct ledger *l, const struct ledger_shown *x, int64_t now,
                                   struct gf_err *why, struct gf_err *e);

/* Whether what an identity sends is refused. */
enum ledger_ending {
    LEDGER_GOES_ON,  /* no, or it is not known */
    LEDGER_ENDED,    /* yes: it was revoked, or another successor of its predecessor was chosen, or
                        nobody of its lineage is enrolled now */
    LEDGER_SUCCEEDED /* yes: it has signed its successor, with which its agent sends all anew */
};
/* One of these, and for the last two *why (GF_E_SENDER); -1. */
GF_MUST_CHECK int ledger_is_ended(struct ledger *l, const struct gf_hash *identity,
                                  struct gf_err *why, struct gf_err *e);
/* Cards of such identities; one allocation, free(). */
GF_MUST_CHECK int ledger_ended(struct ledger *l, struct gf_card **out, size_t *n, struct gf_err *e);
/* Count a bundle that such a one has sent. */
GF_MUST_CHECK int ledger_count_refused(struct ledger *l, const struct gf_hash *identity,
                                       struct gf_err *e);

/* End the lineage of the agent with this fingerprint: nothing more is taken from it, and no
 * response carried to it. reason NULL: none was given. GF_E_USAGE if it is no fingerprint,
 * GF_E_NOINPUT if no agent was ever enrolled by it or it is revoked already. */
GF_MUST_CHECK int ledger_revoke(struct ledger *l, const char *fingerprint, const char *reason,
                                const char *user, int64_t now, struct gf_err *e);

/* ---- tokens (ledger_token.c) ---- */

#define LEDGER_TOKENS_MAX  1024 /* that can be used at the same time */
#define LEDGER_TOKENS_KEPT 4096 /* of those given out last, also when they are over */

struct ledger_token {
    int64_t number; /* from 1, never used twice */
    char name[GF_WORD_MAX + 1];
    char user[65];
    int64_t created, expires, uses, used;
    int64_t withdrawn; /* when; 0: it was not */
};
/* Remember a new token; of *t name, user, expires and uses are read; the number is returned in
 * it. The ledger keeps the token itself, which a MAC can be checked with by nothing less.
 * GF_E_LIMIT if there are too many. */
GF_MUST_CHECK int ledger_token_add(struct ledger *l, const uint8_t token[GF_TOKEN_SIZE],
                                   struct ledger_token *t, int64_t now, struct gf_err *e);
/* All that can be used, and of the others those among the LEDGER_TOKENS_KEPT given out last; the
 * oldest first; free(). */
GF_MUST_CHECK int ledger_tokens(struct ledger *l, struct ledger_token **out, size_t *n,
                                struct gf_err *e);
/* 1 withdrawn, 0 there is none of this number that could be used, -1. */
GF_MUST_CHECK int ledger_token_withdraw(struct ledger *l, int64_t number, const char *user,
                                        int64_t now, struct gf_err *e);

/* ---- the roll (ledger_roll.c): everybody who ever came, for people ---- */

enum ledger_standing {
    LEDGER_ENROLLED,
    LEDGER_PENDING,
    LEDGER_FORKED, /* two successors; or two bundles of one number, or two streams at a time, and no
                      new stream since */
    LEDGER_REVOKED,
    LEDGER_REPLACED
};
extern const char *const ledger_standings[]; /* "enrolled" "pending" ... NULL */

struct ledger_agent {
    struct gf_card card;
    enum ledger_standing standing;
    int64_t declined;                /* when, of a pending one; 0: it was not */
    int claims;                      /* 1: pending, with the agent id of one that is enrolled */
    char how[16];                    /* of ledger_hows; "" where never enrolled */
    char by[GF_WORD_MAX + 1];        /* the user, vendor or token behind that */
    int64_t enrolled;                /* when; 0: it is not */
    int64_t ended;                   /* revoked or replaced: when */
    char reason[GF_REASON_MAX + 1];  /* of the revocation */
    int64_t seen;                    /* its card, first */
    int64_t last;                    /* its last bundle was taken; 0: none */
    int64_t seq;                     /* the highest number of the stream of that bundle */
    int64_t missing;                 /* numbers of that stream that did not come */
    int64_t bundles, refused, forks; /* counted */
    int64_t outdated; /* rotations of this relay since the card that it has shown to know */
};
GF_MUST_CHECK int ledger_roll(struct ledger *l, struct ledger_agent **out, size_t *n,
                              struct gf_err *e);

/* Numbers that did not come, of all streams of a sender, as ranges; newest stream first. */
struct ledger_gap {
    struct gf_id stream;
    int64_t from, to;
};
#define LEDGER_GAPS_MAX 1024 /* ranges that are listed */
GF_MUST_CHECK int ledger_gaps(struct ledger *l, const struct gf_hash *identity,
                              struct ledger_gap **out, size_t *n, struct gf_err *e);

#endif
