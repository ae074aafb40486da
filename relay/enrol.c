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

static int compare_refs(const void *a, const void *b) {
    const struct gf_card *const *x = a, *const *y = b;
    return memcmp(&(*x)->identity, &(*y)->identity, sizeof(*x)->identity);
}

int enrol_cards_load(struct relay *r, int ended, struct enrol_cards *out, struct gf_err *e) {
    struct enrol_cards c = {0};
    struct gf_card *former = NULL;
    size_t nformer = 0;
    int rc = -1;

    enrol_cards_free(out);
    if (ledger_agents(r->ledger, &c.cards, &c.n, e) == -1 ||
        (ended && ledger_ended(r->ledger, &former, &nformer, e) == -1))
        goto out;
    if (nformer > 0) {
        struct gf_card *all = realloc(c.cards, (c.n + nformer) * sizeof *all);
        if (all == NULL) {
            (void)gf_err_set(e, GF_E_SYSTEM, "no memory for the cards");
            goto out;
        }
        memcpy(all + c.n, former, nformer * sizeof *all);
        c.cards = all;
        c.n += nformer;
    }
    c.refs = calloc(c.n + 1, sizeof *c.refs);
    if (c.refs == NULL) {
        (void)gf_err_set(e, GF_E_SYSTEM, "no memory for the cards");
        goto out;
    }
    for (size_t i = 0; i < c.n; i++)
        c.refs[i] = &c.cards[i];
    qsort(c.refs, c.n, sizeof *c.refs, compare_refs);
    *out = c;
    c = (struct enrol_cards){0};
    rc = 0;
out:
    free(former);
    enrol_cards_free(&c);
    return rc;
}

static int compare_identity(const void *identity, const void *ref) {
    const struct gf_card *const *card = ref;
    return memcmp(identity, &(*card)->identity, sizeof(*card)->identity);
}

static const struct gf_card **find(const struct enrol_cards *c, const struct gf_hash *identity) {
    return c->n == 0 ? NULL : bsearch(identity, c->refs, c->n, sizeof *c->refs, compare_identity);
}

int enrol_cards_has(const struct enrol_cards *c, const struct gf_hash *identity) {
    return find(c, identity) != NULL;
}

void enrol_cards_trust(const struct enrol_cards *c, const struct gf_hash *identity,
                       struct gf_check *check) {
    check->trusted = find(c, identity);
    check->ntrusted = check->trusted != NULL;
}

void enrol_cards_free(struct enrol_cards *c) {
    free(c->cards);
    free(c->refs);
    *c = (struct enrol_cards){0};
}
