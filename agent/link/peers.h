/*
 * peers.h -- the relays that agent.conf names, and what is known of each.
 */
#ifndef LINK_PEERS_H
#define LINK_PEERS_H

#include "agent/agent.h"
#include "agent/link/machine.h"

enum peers_mode { PEERS_AUTO, PEERS_AIRGAP, PEERS_ONLINE };

struct peer {
    char name[65];
    const char *url, *ca_file, *proxy, *fingerprint; /* borrowed from the configuration; or NULL */
    int tried; /* 1: mode and configuration let it be tried, and a card can prove it */
    struct machine_rules rules;
    struct machine machine;
    struct link_relay shown; /* its block of link.state */
    enum link_is before;     /* what it was when link last ran */
};

/* This agent's own card as it goes to drives, and those of its keys before. */
#define PEERS_OWN_MAX 4
struct peers_own {
    struct gf_card card;
    char text[GF_CARD_FILE_MAX];
    size_t len;
};

/* A relay's key that was replaced, and by whom in the end. */
struct peers_former {
    char fingerprint[GF_FINGERPRINT_TEXT], heir[GF_FINGERPRINT_TEXT];
    struct gf_hash identity;
};

struct peers {
    const char *state; /* the state directory; borrowed from the agent */
    struct config *config;
    enum peers_mode mode;
    struct peer *list; /* at least one: without any [relay] one without a name, not tried */
    size_t n;
    struct gf_card *cards; /* of relays, from STATE/cards/ */
    size_t ncards;
    struct peers_former *former; /* likewise */
    size_t nformer;
    struct peers_own own[PEERS_OWN_MAX]; /* from there, too */
    size_t nown;
};

/*
 * Read the configuration, the cards and link.state; `since` of what has not changed is taken over.
 * The first try of each is due at `mono`. once: a single try is to decide (`probe`, `carry`).
 * Errors: GF_E_CONFIG, GF_E_SYSTEM. A card that is no relay's or cannot be read is left out.
 */
GF_MUST_CHECK int peers_load(struct peers *p, const struct agent *a, int once, int64_t mono,
                             struct gf_err *e);
void peers_free(struct peers *p);

/* 1 if there is, or may yet be, something to try: a relay with a url that the mode allows. */
int peers_any(const struct peers *p);

/* This agent's identity of now; NULL where its card is not published yet. What an earlier one wrote
 * is not sent any more: the relay has a successor, or will have. */
const struct gf_hash *peers_self(const struct peers *p);

/* 1 if this card may prove the peer: with `fingerprint` only that one or its heir, else any trusted
 * relay's. */
int peers_card_fits(const struct peers *p, const struct peer *peer, const struct gf_card *card);

/* What goes to the relay of this card: its identity first, then those whose place it has. At most
 * PEERS_TO_MAX; how many. */
#define PEERS_TO_MAX 32
size_t peers_to(const struct peers *p, const struct gf_card *relay,
                struct gf_hash out[PEERS_TO_MAX]);

#endif
