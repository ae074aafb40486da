/*
 * trusted.c -- a card or a vendor's key is trusted, and the history says so.
 */
#include "agent/trusted.h"

#include <stdio.h>

#include "agent/command.h"
#include "agent/history.h"
#include "agent/succession.h"
#include "agent/vendors.h"

int trusted_note(struct agent *a, const struct gf_card *c, const char *by, struct gf_err *e) {
    char fingerprint[GF_FINGERPRINT_TEXT];
    struct history_line h;

    gf_card_fingerprint(c, fingerprint);
    history_begin(&h, a, "trusted");
    history_text(&h, "role", gf_card_roles[c->role]);
    history_text(&h, "fingerprint", fingerprint);
    history_text(&h, "by", by);
    return history_end(&h, a, e);
}

int trusted_card(struct agent *a, const struct gf_card *c, const char *text, size_t len,
                 const char *by, struct gf_err *e) {
    char user[65];

    command_user(user);
    if (store_begin(a->store, e) == -1)
        return -1;
    const struct store_newcomer x = {c, text, len, user};
    int rc = succession_trust(a, &x, e);
    if (rc == 0)
        rc = trusted_note(a, c, by, e);
    rc = store_end(a->store, rc, e);
    return rc == 0 ? history_seal(a, e) : -1;
}

static int note_vendor(struct agent *a, const struct store_vendor *v, struct gf_err *e) {
    char key[2 * sizeof v->key.pk + 1], duties[VENDORS_WORDS];
    struct history_line h;

    gf_text_hex(v->key.pk, sizeof v->key.pk, key);
    vendors_words(v->duties, duties);
    history_begin(&h, a, "trusted");
    history_text(&h, "role", gf_card_roles[GF_ROLE_VENDOR]);
    history_text(&h, "vendor", v->name);
    history_text(&h, "duties", duties);
    history_text(&h, "key", key);
    return history_end(&h, a, e);
}

int trusted_vendor(struct agent *a, const struct store_vendor *v, struct gf_err *e) {
    char user[65];

    command_user(user);
    if (store_begin(a->store, e) == -1)
        return -1;
    int rc = store_trust_vendor(a->store, v, user, e);
    if (rc == 0)
        rc = note_vendor(a, v, e);
    rc = store_end(a->store, rc, e);
    return rc == 0 ? history_seal(a, e) : -1;
}
