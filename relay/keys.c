/*
 * keys.c -- which identities are this relay's.
 */
#include "relay/keys.h"

#include <string.h>

#include "common/log.h"
#include "relay/ledger/ledger_rotate.h"

static int is_same(const struct gf_hash *a, const struct gf_hash *b) {
    return memcmp(a, b, sizeof *a) == 0;
}

void keys_check(const struct relay *r, struct own_keys_all *all, struct gf_check *check) {
    own_keys_all(&r->id, &r->former, all);
    check->us = all->us;
    check->nus = all->n;
}

int keys_has(const struct relay *r, const struct gf_hash *identity) {
    struct own_keys_all all;

    own_keys_all(&r->id, &r->former, &all);
    for (size_t i = 0; i < all.n; i++) {
        if (is_same(&all.us[i], identity))
            return 1;
    }
    return 0;
}

int keys_signer(const struct relay *r, const struct gf_id *agent, const struct gf_identity **out,
                struct gf_err *e) {
    struct own_keys_all all;
    struct gf_hash as;

    int rc = ledger_known_as(r->ledger, agent, &as, e);
    if (rc == -1)
        return -1;
    own_keys_all(&r->id, &r->former, &all);
    *out = &r->id;
    for (size_t i = 0; rc == 1 && i < all.n; i++) {
        if (is_same(&all.us[i], &as))
            *out = all.ids[i];
    }
    return 0;
}

void keys_forget(struct relay *r) {
    gf_identity_free(&r->id);
    own_keys_former_free(&r->former);
}

/* ---- loading ---- */

/* On failure the relay goes on with the keys that it has. */
static int load(struct relay *r, struct gf_err *e) {
    struct own_keys_former former = {0};
    struct gf_identity id;
    struct gf_err why;

    /* The next command tries again. */
    if (own_keys_tidy(r->state, &why) == -1)
        log_write(LOG_LEVEL_WARNING, "former-keys-not-put-away", {"why", why.text, 0});
    if (command_keys(r->state, &id, e) == -1)
        return -1;
    if (own_keys_former_load(r->state, &former, e) == -1) {
        gf_identity_free(&id);
        return -1;
    }
    keys_forget(r);
    r->id = id;
    r->former = former;
    return 0;
}

/* Each identity in its place in the ledger, the oldest first. */
static int note_all(struct relay *r, struct gf_err *e) {
    struct own_keys_all all;

    own_keys_all(&r->id, &r->former, &all);
    for (size_t i = all.n; i-- > 0;) {
        if (all.cards[i]->has_replaces &&
            ledger_rotated(r->ledger, all.ids[i], "reconcile", all.cards[i]->created, e) == -1)
            return -1;
    }
    return 0;
}

int keys_load(struct relay *r, int mend, struct gf_err *e) {
    struct gf_hash is;
    struct gf_err why;

    if (load(r, e) == -1)
        return -1;
    int known = ledger_identity(r->ledger, &is, e);
    if (known == -1)
        return -1;
    if (mend && (known == 0 || keys_has(r, &is)))
        return note_all(r, e) == -1 ? -1 : ledger_belongs(r->ledger, &r->id.card, e);
    if (known == 1 && !is_same(&is, &r->id.card.identity) &&
        own_keys_switch(r->state, &is, &why) == 0) {
        if (load(r, e) == -1)
            return -1;
        log_write(LOG_LEVEL_NOTICE, "rotation-finished", {"state", r->state, 0});
    }
    return ledger_belongs(r->ledger, &r->id.card, e);
}

int keys_renew(struct relay *r, struct gf_err *e) {
    struct gf_hash is;

    int known = ledger_identity(r->ledger, &is, e);
    if (known != 1 || is_same(&is, &r->id.card.identity))
        return known == -1 ? -1 : 0;
    return keys_load(r, 0, e) == -1 ? -1 : 1;
}
