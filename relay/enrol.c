/*
 * enrol.c -- the proofs that a card brings, and whose vendor's signature counts.
 */
#include "relay/enrol.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"

/* The vendor that has signed it and may vouch for cards: its name in *out, "" for none. */
static int find_vendor(struct relay *r, const char *text, size_t len, char out[GF_WORD_MAX + 1],
                       struct gf_err *e) {
    struct vendor_key *keys = NULL;
    size_t n = 0;

    out[0] = '\0';
    if (r->config == NULL)
        return 0;
    if (vendor_keys_load(r->config, 1u << VENDOR_CARD, &keys, &n, e) == -1)
        return -1;
    for (size_t i = 0; i < n && out[0] == '\0'; i++) {
        if (!keys[i].usable)
            log_write(LOG_LEVEL_WARNING, "vendor-key-unusable", {"vendor", keys[i].vendor, 0},
                      {"why", keys[i].why.text, 0});
        else if (gf_card_signed_by(text, len, &keys[i].key))
            (void)snprintf(out, GF_WORD_MAX + 1, "%s", keys[i].vendor);
    }
    free(keys);
    return 0;
}

int enrol_card(struct relay *r, const struct gf_card *c, const char *text, size_t len, int keep,
               int64_t now, struct gf_err *why, struct gf_err *e) {
    struct ledger_shown x = {.card = c, .text = text, .len = len, .keep = keep};
    char vendor[GF_WORD_MAX + 1] = "";
    int known = 0;

    if (c->cosigned && find_vendor(r, text, len, vendor, e) == -1)
        return -1;
    if (vendor[0] != '\0')
        x.vendor = vendor;
    struct gf_buf had;
    gf_buf_init(&had, GF_CARD_FILE_MAX + 1);
    known = ledger_enrolled(r->ledger, &c->identity, &had, e);
    gf_buf_free(&had);
    if (known != 0)
        return known;
    int rc = ledger_show_card(r->ledger, &x, now, why, e);
    if (rc == 1) {
        char fingerprint[GF_FINGERPRINT_TEXT];
        gf_card_fingerprint(c, fingerprint);
        log_write(LOG_LEVEL_NOTICE, "agent-enrolled", {"fingerprint", fingerprint, 0},
                  {"vendor", vendor[0] != '\0' ? vendor : "none", 0});
    }
    return rc;
}

int enrol_is_hopeful(struct relay *r, const struct gf_card *c, struct gf_err *e) {
    if (c->has_token_mac || c->has_replaces || c->cosigned)
        return 1;
    return ledger_is_approved(r->ledger, c, e);
}

/* ---- whose bundles can be verified ---- */

/* Kept where the identity's first byte says: one takes the place of another. */
#define KEPT 256
struct enrol_card {
    int used;
    struct gf_card card;
};

int enrol_cards_find(struct enrol_cards *c, const struct gf_hash *identity,
                     const struct gf_card **out, struct gf_err *e) {
    if (c->kept == NULL && (c->kept = calloc(KEPT, sizeof *c->kept)) == NULL)
        return gf_err_set(e, GF_E_SYSTEM, "no memory for the cards");
    struct enrol_card *x = &c->kept[identity->b[0] % KEPT];
    int rc = 1;
    if (!x->used || memcmp(&x->card.identity, identity, sizeof *identity) != 0) {
        x->used = 0;
        rc = ledger_card(c->r->ledger, identity, c->ended, &x->card, e);
        x->used = rc == 1;
    }
    if (rc == 1)
        *out = &x->card;
    return rc;
}

int enrol_cards_trust(struct enrol_cards *c, const struct gf_hash *identity, struct gf_check *check,
                      struct gf_err *e) {
    c->found = NULL;
    int rc = enrol_cards_find(c, identity, &c->found, e);
    check->trusted = rc == 1 ? &c->found : NULL;
    check->ntrusted = rc == 1;
    return rc;
}

void enrol_cards_free(struct enrol_cards *c) {
    free(c->kept);
    c->kept = NULL;
    c->found = NULL;
}
