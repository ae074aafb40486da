/*
 * store_relays.h -- how each relay's card stands, and one that takes another's place (design
 * section 5: lineages). A part of store.h, for those who decide about that: agent/succession.h.
 *
 * Everything that the store keeps of a relay stands under the identity that has its place now: it
 * is renamed with it, so that bundles, responses and records of a lineage stay together.
 */
#ifndef AGENT_STORE_RELAYS_H
#define AGENT_STORE_RELAYS_H

#include "agent/store/store.h"

enum store_standing {
    STORE_TRUSTED,
    STORE_REPLACED, /* by `heir` */
    STORE_FORKED,   /* two successors of one key: neither counts until a person chooses */
    STORE_ENDED     /* a person trusts it no more */
};
extern const char *const store_standings[]; /* "trusted" "replaced" "forked" "ended" NULL */

struct store_relay {
    struct gf_card card;
    enum store_standing standing;
    int64_t since;       /* of its standing */
    struct gf_hash heir; /* who has its place now, trusted or not; itself if nobody else */
};
/* Every relay's card that was ever trusted, or came as a second successor; those that take
 * another's place stand in it. One allocation, free(). */
GF_MUST_CHECK int store_relays(struct store *s, struct store_relay **out, size_t *n,
                               struct gf_err *e);

/* A card that comes in. */
struct store_newcomer {
    const struct gf_card *card;
    const char *text; /* its file */
    size_t len;
    const char *user; /* who trusts it */
};
/* It takes the place of `before`, which is trusted or was never known. */
GF_MUST_CHECK int store_succeed(struct store *s, const struct gf_hash *before,
                                const struct store_newcomer *x, int64_t now, struct gf_err *e);
/* It is a second successor of one whose place `heir` has: neither is trusted any more. */
GF_MUST_CHECK int store_fork(struct store *s, const struct gf_hash *heir,
                             const struct store_newcomer *x, int64_t now, struct gf_err *e);
/* A person has chosen this one of two successors: it has the place, all others are replaced. */
GF_MUST_CHECK int store_choose(struct store *s, const struct gf_hash *chosen, int64_t now,
                               struct gf_err *e);
/* It counts no more, or does again. 1 changed, 0 it stood so, or is not known. */
GF_MUST_CHECK int store_stand(struct store *s, const struct gf_hash *relay,
                              enum store_standing standing, int64_t now, struct gf_err *e);

/* A request to whoever has this one's place is due, though it carry nothing: until something is
 * addressed to its key of now, it answers by the one before. So it is after each succession, and
 * when a response by a key that was replaced comes all the same. */
GF_MUST_CHECK int store_greet(struct store *s, const struct gf_hash *relay, struct gf_err *e);

/* ---- cards that responses have brought, kept until they are looked at ---- */

#define STORE_HEARD_MAX 16 /* beyond that the oldest goes */
GF_MUST_CHECK int store_hear(struct store *s, const struct gf_card *c, const char *text, size_t len,
                             struct gf_err *e);
struct store_heard {
    struct gf_card card;
    char text[GF_CARD_FILE_MAX];
    size_t len;
};
/* All of them, the oldest first; free(). */
GF_MUST_CHECK int store_heard(struct store *s, struct store_heard **out, size_t *n,
                              struct gf_err *e);
GF_MUST_CHECK int store_heard_done(struct store *s, struct gf_err *e);

#endif
