/*
 * agents.h -- the roll of agents as people see it: a state in one word, and what to do about it.
 * For `agents` and `status`.
 */
#ifndef RELAY_AGENTS_H
#define RELAY_AGENTS_H

#include "common/options.h"
#include "relay/ledger/ledger_enrol.h"
#include "relay/relay.h"

/* The gravest that is true: of an enrolled one forked before overdue before behind. */
enum agents_state {
    AGENTS_ENROLLED,
    AGENTS_PENDING,
    AGENTS_DECLINED, /* a person decided so, and it was not approved since */
    AGENTS_FORKED,
    AGENTS_REVOKED,
    AGENTS_REPLACED,
    AGENTS_OVERDUE, /* nothing came for the span of [relay] overdue */
    AGENTS_BEHIND   /* numbers of its newest stream are missing */
};
extern const char *const agents_states[]; /* "enrolled" "pending" ... NULL */

/* The [agent "FINGERPRINT"] of relay.conf for this sender, by any fingerprint that its lineage has
 * had; NULL: there is none. Borrowed from the configuration. */
GF_MUST_CHECK int agents_section(const struct relay *r, const struct gf_hash *sender,
                                 const char **out, struct gf_err *e);
/* Where the operator has a name for the agent of this card (`name` in that section), it takes the
 * place of the card's own, which on a drive is mostly absent. The card is a copy to be shown. */
GF_MUST_CHECK int agents_name(const struct relay *r, struct gf_card *c, struct gf_err *e);

struct agents_one {
    struct ledger_agent a;
    enum agents_state state;
    int64_t waiting; /* agents_count_waiting() */
};
struct agents_list {
    struct agents_one *list;
    size_t n;
};
/* GF_E_CONFIG where `overdue` is no span. Free with agents_free(). */
GF_MUST_CHECK int agents_load(struct relay *r, struct agents_list *out, struct gf_err *e);
/* Whoever is not let in yet has sent all the same: set `waiting` of the pending ones to how many
 * bundles in pending/ say that they are theirs. Reads the head of each. */
GF_MUST_CHECK int agents_count_waiting(const struct relay *r, struct agents_list *l,
                                       struct gf_err *e);
void agents_free(struct agents_list *l);

/* What people call the agent of this id: its name, where it has none its fingerprint, and where
 * nobody of this id is on the roll the beginning of the id. 1 if it is a name. Of a lineage the one
 * that is enrolled counts. Foreign text. */
#define AGENTS_CALLED (GF_WORD_MAX + 1)
int agents_called(const struct agents_list *l, const struct gf_id *agent, char out[AGENTS_CALLED]);

/* The other way round: how many agents have this fingerprint, in any spelling, or this name. 0:
 * none, *out is as it was; else it is the id of one of them. */
size_t agents_meant(const struct agents_list *l, const char *word, struct gf_id *out);

/* A sentence for whoever has to act: 1, or 0 where nobody has to. */
#define AGENTS_REMEDY 1600
int agents_remedy(const struct relay *r, const struct agents_one *x, char out[AGENTS_REMEDY]);

/* A fingerprint on the command line, as one word or as several, from argument `from` on, in the
 * form that is printed. GF_E_USAGE if it is none. */
GF_MUST_CHECK int agents_typed(const struct options *o, size_t from, char out[128],
                               struct gf_err *e);

#endif
