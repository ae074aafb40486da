/*
 * succession.c -- cards of relays that take the place of others.
 */
#include "agent/succession.h"

#include <stdlib.h>
#include <string.h>

#include "agent/history.h"
#include "agent/trusted.h"
#include "common/log.h"

/* What is known of relays. */
struct known {
    struct store_relay *list;
    size_t n;
};

static int load(struct agent *a, struct known *k, struct gf_err *e) {
    *k = (struct known){0};
    return store_relays(a->store, &k->list, &k->n, e);
}

static const struct store_relay *find(const struct known *k, const struct gf_hash *identity) {
    for (size_t i = 0; i < k->n; i++) {
        if (memcmp(&k->list[i].card.identity, identity, sizeof *identity) == 0)
            return &k->list[i];
    }
    return NULL;
}

/* The relay that this card replaces, if its key has signed it. */
static const struct store_relay *predecessor(const struct known *k, const struct gf_card *c,
                                             const char *text, size_t len) {
    const struct store_relay *before = c->has_replaces ? find(k, &c->replaces) : NULL;

    return before != NULL && gf_card_signed_by(text, len, &before->card.sign) ? before : NULL;
}

/* ---- a card came ---- */

static int note_fork(struct agent *a, const struct gf_card *c, const struct store_relay *before,
                     struct gf_err *e) {
    char fingerprint[GF_FINGERPRINT_TEXT], old[GF_FINGERPRINT_TEXT];
    struct history_line h;

    gf_card_fingerprint(c, fingerprint);
    gf_card_fingerprint(&before->card, old);
    history_begin(&h, a, "relay-forked");
    history_text(&h, "fingerprint", fingerprint);
    history_text(&h, "replaces", old);
    log_write(LOG_LEVEL_WARNING, "relay-forked", {"fingerprint", fingerprint, 0},
              {"replaces", old, 0});
    return history_end(&h, a, e);
}

/* The one in whose place this card comes was trusted until now. */
static int take(struct agent *a, const struct store_newcomer *x, const struct store_relay *before,
                struct gf_err *e) {
    char fingerprint[GF_FINGERPRINT_TEXT], by[GF_FINGERPRINT_TEXT + 32] = "its predecessor ";

    gf_card_fingerprint(x->card, fingerprint);
    gf_card_fingerprint(&before->card, by + strlen(by));
    if (store_succeed(a->store, &before->card.identity, x, a->now, e) == -1 ||
        trusted_note(a, x->card, by, e) == -1)
        return -1;
    log_write(LOG_LEVEL_NOTICE, "relay-rotated", {"fingerprint", fingerprint, 0}, {"by", by, 0});
    return 0;
}

static int see(struct agent *a, const struct store_newcomer *x, enum succession *out,
               struct gf_err *e) {
    struct known k;
    int rc = 0;

    if (load(a, &k, e) == -1)
        return -1;
    const struct store_relay *before = predecessor(&k, x->card, x->text, x->len);
    *out = SUCCESSION_NONE;
    if (before == NULL || find(&k, &x->card->identity) != NULL ||
        (x->card->has_expires && x->card->expires <= a->now))
        goto out;
    if (before->standing == STORE_TRUSTED) {
        *out = SUCCESSION_TAKEN;
        rc = take(a, x, before, e);
    } else if (before->standing == STORE_REPLACED) {
        *out = SUCCESSION_FORKED;
        rc = store_fork(a->store, &before->heir, x, a->now, e);
        if (rc == 0)
            rc = note_fork(a, x->card, before, e);
    }
out:
    free(k.list);
    return rc;
}

int succession_see(struct agent *a, const struct gf_card *c, const char *text, size_t len,
                   enum succession *out, struct gf_err *e) {
    const struct store_newcomer x = {c, text, len, "gapferry-agent"};
    enum succession what = SUCCESSION_NONE;

    if (c->role != GF_ROLE_RELAY || !c->has_replaces) {
        *out = what;
        return 0;
    }
    if (store_begin(a->store, e) == -1 || store_end(a->store, see(a, &x, &what, e), e) == -1)
        return -1;
    *out = what;
    return 0;
}

/* ---- what responses tell ---- */

int succession_offer(struct agent *a, const char *text, struct gf_err *e) {
    size_t len = strlen(text);
    struct gf_card c;
    struct gf_err why;

    if (len > GF_CARD_FILE_MAX || gf_card_parse(text, len, "the notice", &c, &why) == -1 ||
        c.role != GF_ROLE_RELAY) {
        log_write(LOG_LEVEL_WARNING, "card-ignored", {"why", "it is no card of a relay", 0});
        return 0;
    }
    return store_hear(a->store, &c, text, len, e);
}

int succession_offers(struct agent *a, size_t *taken, struct gf_err *e) {
    struct store_heard *list = NULL;
    size_t n = 0, changed = 0;

    *taken = 0;
    if (store_heard(a->store, &list, &n, e) == -1)
        return -1;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        enum succession what = SUCCESSION_NONE;
        rc = succession_see(a, &list[i].card, list[i].text, list[i].len, &what, e);
        *taken += what == SUCCESSION_TAKEN;
        changed += what != SUCCESSION_NONE;
    }
    free(list);
    if (rc == 0 && n > 0)
        rc = store_heard_done(a->store, e);
    if (rc == 0 && changed > 0 && (agent_publish_cards(a, e) == -1 || history_seal(a, e) == -1))
        rc = -1;
    return rc;
}

/* ---- a person's word ---- */

static int trust_known(struct agent *a, const struct store_relay *r, struct gf_err *e) {
    char fingerprint[GF_FINGERPRINT_TEXT], since[GF_TIME_TEXT];

    gf_card_fingerprint(&r->card, fingerprint);
    gf_text_time(r->since, since);
    if (r->standing == STORE_FORKED)
        return store_choose(a->store, &r->card.identity, a->now, e);
    if (r->standing == STORE_ENDED)
        return store_stand(a->store, &r->card.identity, STORE_TRUSTED, a->now, e) == -1 ? -1 : 0;
    if (r->standing == STORE_REPLACED)
        return gf_err_set(e, GF_E_SENDER,
                          "card %s: was replaced by its successor on %s; nothing that it signs is "
                          "taken any more",
                          fingerprint, since);
    return gf_err_set(e, GF_E_REPLAY, "card %s: is trusted already", fingerprint);
}

/* Of two successors the one that came second, or one whose predecessor waits for a choice. */
static int trust_rival(struct agent *a, const struct store_newcomer *x,
                       const struct store_relay *before, struct gf_err *e) {
    if (before->standing == STORE_REPLACED)
        return store_fork(a->store, &before->heir, x, a->now, e) == -1
                   ? -1
                   : store_choose(a->store, &x->card->identity, a->now, e);
    if (before->standing == STORE_FORKED &&
        store_choose(a->store, &before->card.identity, a->now, e) == -1)
        return -1;
    return store_succeed(a->store, &before->card.identity, x, a->now, e);
}

int succession_trust(struct agent *a, const struct store_newcomer *x, struct gf_err *e) {
    struct known k;
    int rc;

    if (x->card->role != GF_ROLE_RELAY) {
        /* A reader whose trust was ended. */
        int again = store_stand(a->store, &x->card->identity, STORE_TRUSTED, a->now, e);
        return again != 0
                   ? (again == 1 ? 0 : -1)
                   : store_trust_card(a->store, x->card, x->text, x->len, x->user, a->now, e);
    }
    if (load(a, &k, e) == -1)
        return -1;
    const struct store_relay *self = find(&k, &x->card->identity);
    const struct store_relay *before = predecessor(&k, x->card, x->text, x->len);
    if (self != NULL)
        rc = trust_known(a, self, e);
    else if (before != NULL && before->standing != STORE_ENDED)
        rc = trust_rival(a, x, before, e);
    /* After a loss of the database: what is still on its way may be for the one before. */
    else if (x->card->has_replaces && find(&k, &x->card->replaces) == NULL)
        rc = store_succeed(a->store, &x->card->replaces, x, a->now, e);
    else
        rc = store_trust_card(a->store, x->card, x->text, x->len, x->user, a->now, e);
    free(k.list);
    return rc;
}

/* ---- questions ---- */

int succession_of(struct agent *a, const char *fingerprint, struct gf_card *out, struct gf_err *e) {
    const struct store_relay *r = NULL;
    char its[GF_FINGERPRINT_TEXT];
    struct known k;

    if (load(a, &k, e) == -1)
        return -1;
    for (size_t i = 0; i < k.n && r == NULL; i++) {
        gf_card_fingerprint(&k.list[i].card, its);
        if (strcmp(its, fingerprint) == 0)
            r = find(&k, &k.list[i].heir);
    }
    int found = r != NULL && r->standing == STORE_TRUSTED;
    if (found)
        *out = r->card;
    free(k.list);
    return found;
}

int succession_is_forked(struct agent *a, struct gf_err *e) {
    struct known k;
    int forked = 0;

    if (load(a, &k, e) == -1)
        return -1;
    for (size_t i = 0; i < k.n; i++)
        forked |= k.list[i].standing == STORE_FORKED;
    free(k.list);
    return forked;
}

/* 1 if it is a response to us that this card's key has signed, whatever the card is worth. */
static int is_signed_by(struct agent *a, int fd, const struct gf_card *c) {
    const struct gf_card *trusted[] = {c};
    struct own_keys_all own;
    struct gf_head head;
    struct gf_err why;

    own_keys_all(&a->id, &a->former, &own);
    const struct gf_check check = {.trusted = trusted, .ntrusted = 1, .us = own.us, .nus = own.n};
    if (gf_bundle_head(fd, &check, &head, &why) == -1)
        return 0;
    gf_head_free(&head);
    return 1;
}

static void say(const struct store_relay *r, struct gf_err *e) {
    static const char *const words[] = {
        [STORE_REPLACED] = "and another one replaced it: nothing by it is taken any more; what the "
                           "relay said it says anew, once a request has reached it that is made "
                           "from now on",
        [STORE_FORKED] = "which is one of two successors, of which a person has to choose: "
                         "gapferry-agent trust CARD",
        [STORE_ENDED] = "which is not trusted any more",
    };
    char fingerprint[GF_FINGERPRINT_TEXT], since[GF_TIME_TEXT];

    gf_card_fingerprint(&r->card, fingerprint);
    gf_text_time(r->since, since);
    (void)gf_err_set(e, GF_E_SENDER, "the relay's key %s has signed it, %s (since %s)", fingerprint,
                     words[r->standing], since);
}

void succession_explain(struct agent *a, int fd, struct gf_err *e) {
    struct gf_route route;
    struct gf_err why;
    struct known k;

    if (gf_bundle_route(fd, &route, &why) == -1 || load(a, &k, &why) == -1)
        return;
    const struct store_relay *r = find(&k, &route.from);
    if (r != NULL && r->standing != STORE_TRUSTED && is_signed_by(a, fd, &r->card)) {
        say(r, e);
        if (r->standing == STORE_REPLACED && store_greet(a->store, &r->heir, &why) == -1)
            log_write(LOG_LEVEL_WARNING, "store-not-written", {"why", why.text, 0});
    }
    free(k.list);
}
