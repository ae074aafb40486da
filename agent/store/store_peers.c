/*
 * store_peers.c -- whom this agent trusts: relays' and readers' cards, vendors' keys.
 */
#include "agent/store/store_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int store_trust_card(struct store *s, const struct gf_card *c, const char *text, size_t len,
                     const char *user, int64_t now, struct gf_err *e) {
    char fingerprint[GF_FINGERPRINT_TEXT];
    struct gf_card parsed;

    if (c->role != GF_ROLE_RELAY && c->role != GF_ROLE_READER)
        return gf_err_set(e, GF_E_USAGE,
                          "the card of a %s: an agent trusts cards of relays and readers only",
                          gf_card_roles[c->role]);
    gf_card_fingerprint(c, fingerprint);
    if (gf_card_parse(text, len, fingerprint, &parsed, e) == -1)
        return -1;
    if (memcmp(parsed.identity.b, c->identity.b, sizeof c->identity.b) != 0)
        return gf_err_set(e, GF_E_BUG, "card %s: its text is another card's", fingerprint);
    if (db_run(&s->db, e,
               "INSERT INTO card (identity, role, text, user, since) VALUES (?, ?, ?, ?, ?)"
               " ON CONFLICT (identity) DO NOTHING",
               "bibti", STORE_BYTES(&c->identity), (int64_t)c->role, (const void *)text, len, user,
               now) == -1)
        return -1;
    if (db_changes(&s->db) == 0)
        return gf_err_set(e, GF_E_REPLAY, "card %s: is trusted already", fingerprint);
    return 0;
}

static int read_card(const struct db_query *q, void *element, struct gf_err *e) {
    size_t size = 0;
    const char *text = db_blob(q, 0, &size);

    return gf_card_parse(text, size, "a card we trust", element, e);
}

int store_cards(struct store *s, enum gf_role role, struct gf_card **out, size_t *n,
                struct gf_err *e) {
    struct db_query q;

    return db_list(
        &q,
        db_query(
            &s->db, &q, e,
            "SELECT text FROM card WHERE role = ? AND standing = 0 ORDER BY ifnull(place, n), n",
            "i", (int64_t)role),
        sizeof **out, read_card, out, n, e);
}

int store_trust_vendor(struct store *s, const struct store_vendor *v, const char *user,
                       struct gf_err *e) {
    return db_run(&s->db, e,
                  "INSERT INTO vendor (name, keynum, pk, duties, user, since)"
                  " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (pk) DO UPDATE SET"
                  " name = excluded.name, keynum = excluded.keynum,"
                  " duties = duties | excluded.duties",
                  "tbbiti", v->name, (const void *)v->key.keynum, sizeof v->key.keynum,
                  (const void *)v->key.pk, sizeof v->key.pk, (int64_t)v->duties, user, v->since);
}

static int read_vendor(const struct db_query *q, void *element, struct gf_err *e) {
    struct store_vendor *v = element;

    *v = (struct store_vendor){.duties = (int)db_int(q, 3), .since = db_int(q, 4)};
    (void)snprintf(v->name, sizeof v->name, "%s", db_text(q, 0));
    return store_fixed(q, 1, v->key.keynum, sizeof v->key.keynum, "vendor", e) == -1
               ? -1
               : store_fixed(q, 2, v->key.pk, sizeof v->key.pk, "vendor", e);
}

int store_vendors(struct store *s, struct store_vendor **out, size_t *n, struct gf_err *e) {
    struct db_query q;

    return db_list(&q,
                   db_query(&s->db, &q, e,
                            "SELECT name, keynum, pk, duties, since FROM vendor ORDER BY n", ""),
                   sizeof **out, read_vendor, out, n, e);
}
