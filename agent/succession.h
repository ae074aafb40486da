/*
 * succession.h -- a relay has new keys: its card, signed by the keys before, takes their place here
 * without anybody's approval (design section 8). From then on what the old keys sign is refused;
 * whatever is on its way to them is still theirs whose place it is.
 *
 * Two successors of one key are a fork: somebody else has that key. Neither is trusted until a
 * person trusts one.
 */
#ifndef AGENT_SUCCESSION_H
#define AGENT_SUCCESSION_H

#include "agent/agent.h"
#include "agent/store/store_relays.h"

enum succession {
    SUCCESSION_NONE,   /* it is no successor of a relay that is known here, or was seen before */
    SUCCESSION_TAKEN,  /* it has its predecessor's place */
    SUCCESSION_FORKED, /* it is a second one */
};

/* A relay's card that came, with its file's bytes. History and log keep what it changes; the caller
 * publishes the cards and seals the history. */
GF_MUST_CHECK int succession_see(struct agent *a, const struct gf_card *c, const char *text,
                                 size_t len, enum succession *out, struct gf_err *e);

/* A notice `card` within a response: kept, for what came with it is signed by the old key. */
GF_MUST_CHECK int succession_offer(struct agent *a, const char *text, struct gf_err *e);

/* What responses have brought since; to be called once no more of them are at hand. *taken is how
 * many took a place. Cards are published and the history sealed where that changed anything. */
GF_MUST_CHECK int succession_offers(struct agent *a, size_t *taken, struct gf_err *e);

/* A person, or a vendor, trusts this card: it becomes trusted in the way that fits what is known of
 * it. Within store_begin(). GF_E_REPLAY if it is trusted already, GF_E_SENDER if its successor has
 * its place. */
GF_MUST_CHECK int succession_trust(struct agent *a, const struct store_newcomer *x,
                                   struct gf_err *e);

/* The trusted card that has the place of the relay of this fingerprint: 1, 0 there is none. */
GF_MUST_CHECK int succession_of(struct agent *a, const char *fingerprint, struct gf_card *out,
                                struct gf_err *e);

/* 1 if two successors of a relay wait for a person. */
GF_MUST_CHECK int succession_is_forked(struct agent *a, struct gf_err *e);

/* *e is GF_E_SENDER for the response open on fd: say more if a key has signed it that was replaced,
 * and let the relay hear that we know its successor. */
void succession_explain(struct agent *a, int fd, struct gf_err *e);

#endif
