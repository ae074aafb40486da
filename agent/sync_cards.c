/*
 * sync_cards.c -- cards on a drive: ours is put there, and while no relay is trusted the one for
 * which a vendor vouches is, or those of relays are shown with what to do. Nothing is believed for
 * where it lies.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/command.h"
#include "agent/relay_cards.h"
#include "agent/succession.h"
#include "agent/sync.h"
#include "common/own_keys.h"
#include "gapferry/file.h"

/* Ours may lie there in another form: with a name, or from before it had a token's MAC. */
static void put_ours(struct sync *x, const struct gf_card *there, size_t n) {
    const struct gf_card *self = &x->a->id.card;
    int with_name = x->o->name_on_card;
    char name[GF_DRIVE_NAME];
    struct gf_buf text;
    struct gf_err e;
    int was_there;

    gf_buf_init(&text, GF_CARD_FILE_MAX);
    gf_drive_card_name(self, name);
    int rc = own_keys_card(&x->a->id, with_name, &text, &e);
    for (size_t i = 0; i < n && rc == 0; i++)
        if (own_keys_differs(&x->a->id, with_name, &there[i]))
            rc = COMMAND_REACH(gf_drive_remove(x->drive, GF_FOLDER_CARDS, name, &e));
    if (rc == 0)
        rc = COMMAND_REACH(gf_drive_put_card(x->drive, self, text.data, text.len, &was_there, &e));
    gf_buf_free(&text);
    if (rc == -1)
        sync_drive_trouble(x, NULL, &e);
}

/* A relay that has missed a rotation needs the cards between. */
static void put_former(struct sync *x) {
    struct gf_err e;
    int was_there, rc = 0;

    for (size_t i = 0; i < x->a->former.n && rc == 0; i++) {
        const struct gf_identity *id = &x->a->former.list[i];
        if (id->card.has_replaces)
            rc = COMMAND_REACH(gf_drive_put_card(x->drive, &id->card, id->card_text, id->card_len,
                                                 &was_there, &e));
    }
    if (rc == -1)
        sync_drive_trouble(x, NULL, &e);
}

/* The length of a path without slashes at its end. */
static size_t dir_len(const char *path) {
    size_t n = strlen(path);

    while (n > 0 && path[n - 1] == '/')
        n--;
    return n;
}

/* Where the card lies, if it has the name it should have; else the user has to find it. */
static void show_relay(struct sync *x, const struct gf_card *c) {
    struct gf_buf *b = &x->r.people;
    char fingerprint[GF_FINGERPRINT_TEXT];
    char name[GF_DRIVE_NAME], self[COMMAND_SELF];
    int fd = -1;

    gf_card_fingerprint(c, fingerprint);
    gf_drive_card_name(c, name);
    int found = COMMAND_REACH(gf_drive_read(x->drive, GF_FOLDER_CARDS, name, &fd, NULL)) == 0;
    if (found)
        (void)close(fd);

    gf_buf_printf(b, "a relay%s", c->name[0] ? " that calls itself " : "");
    gf_text_safe(b, c->name, strlen(c->name));
    gf_buf_printf(b,
                  " has its card here, fingerprint %s; if its operator confirms the fingerprint: ",
                  fingerprint);
    (void)command_self(x->a, self);
    gf_text_safe(b, self, strlen(self));
    gf_buf_text(b, " trust ");
    if (found) {
        gf_text_safe(b, x->o->dir, dir_len(x->o->dir));
        gf_buf_printf(b, "/GAPFERRY/cards/%s", name);
    } else {
        gf_buf_text(b, "CARD");
    }
    gf_buf_printf(b, " --fingerprint %s\n", fingerprint);
}

/* The bytes of a card that lies under its own name: 1, 0 if it does not. */
static int read_text(struct sync *x, const struct gf_card *c, char text[GF_CARD_FILE_MAX],
                     size_t *len) {
    struct gf_card again;
    char name[GF_DRIVE_NAME];
    struct gf_err why;
    int fd = -1;

    gf_drive_card_name(c, name);
    if (COMMAND_REACH(gf_drive_read(x->drive, GF_FOLDER_CARDS, name, &fd, &why)) == -1)
        return 0;
    ssize_t n = gf_file_read(fd, text, GF_CARD_FILE_MAX);
    (void)close(fd);
    if (n <= 0 || gf_card_parse(text, (size_t)n, name, &again, &why) == -1 ||
        memcmp(&again.identity, &c->identity, sizeof again.identity) != 0)
        return 0;
    *len = (size_t)n;
    return 1;
}

/* 1 if another card that lies there replaces this one, and its key has signed it. */
static int is_replaced(struct sync *x, const struct gf_card *c, const struct gf_card *there,
                       size_t n) {
    char text[GF_CARD_FILE_MAX];
    size_t len = 0;

    for (size_t i = 0; i < n; i++) {
        if (there[i].role == GF_ROLE_RELAY && there[i].has_replaces &&
            memcmp(&there[i].replaces, &c->identity, sizeof c->identity) == 0 &&
            read_text(x, &there[i], text, &len) && gf_card_signed_by(text, len, &c->sign))
            return 1;
    }
    return 0;
}

/* The only relay on the drive that a vendor vouches for: 1, its place and its vendor; 0 none, or
 * several, of which a person has to choose. */
static int find_vouched(struct sync *x, const struct gf_card *there, size_t n, size_t *which,
                        char vendor[GF_WORD_MAX + 1], struct gf_err *e) {
    char text[GF_CARD_FILE_MAX];
    size_t len = 0, found = 0;

    for (size_t i = 0; i < n; i++) {
        const struct gf_card *c = &there[i];
        char name[GF_WORD_MAX + 1];
        if (c->role != GF_ROLE_RELAY || !c->cosigned ||
            (c->has_expires && c->expires <= x->a->now) || is_replaced(x, c, there, n) ||
            !read_text(x, c, text, &len))
            continue;
        int rc = relay_cards_vouched(x->a, text, len, name, e);
        if (rc == -1)
            return -1;
        if (rc == 1 && found++ == 0) {
            *which = i;
            memcpy(vendor, name, sizeof name);
        }
    }
    return found == 1;
}

/* While no relay is trusted: 1 if the drive has one for which a vendor vouches. */
static int trust_vouched(struct sync *x, const struct gf_card *there, size_t n) {
    char text[GF_CARD_FILE_MAX], vendor[GF_WORD_MAX + 1], fingerprint[GF_FINGERPRINT_TEXT];
    size_t len = 0, i = 0;
    struct gf_err e;

    int rc = find_vouched(x, there, n, &i, vendor, &e);
    if (rc == 1 && read_text(x, &there[i], text, &len))
        rc = relay_cards_trust(x->a, &there[i], text, len, vendor, &e) == -1 ? -1 : 1;
    if (rc == -1)
        sync_trouble(x, NULL, &e);
    if (rc != 1)
        return 0;
    gf_card_fingerprint(&there[i], fingerprint);
    gf_buf_printf(&x->r.notes,
                  "relay %s is trusted from now on: the vendor %s has signed its card\n",
                  fingerprint, vendor);
    return 1;
}

/* ---- a relay's new keys ---- */

/* Whoever stands here hears of it, and of a second one must decide. */
static void tell_succession(struct sync *x, const struct gf_card *c, enum succession what) {
    char fingerprint[GF_FINGERPRINT_TEXT], self[COMMAND_SELF];

    gf_card_fingerprint(c, fingerprint);
    if (what == SUCCESSION_TAKEN) {
        gf_buf_printf(&x->r.notes,
                      "the relay has new keys, which those before have signed; its "
                      "fingerprint is %s now\n",
                      fingerprint);
        return;
    }
    gf_buf_printf(&x->r.people,
                  "a second successor of one relay's key lies here, fingerprint %s: somebody else "
                  "has that key. Neither is trusted from now on. Ask the relay's operator for the "
                  "fingerprint, then trust that card: %s trust CARD --fingerprint FINGERPRINT\n",
                  fingerprint, command_self(x->a, self));
    x->r.status = command_graver(x->r.status, GF_EXIT_NOPERM);
}

/* Each card once; how many were new. A successor's successor may lie before it. */
static size_t see_cards(struct sync *x, const struct gf_card *there, size_t n) {
    char text[GF_CARD_FILE_MAX];
    size_t len = 0, changed = 0;
    struct gf_err e;

    for (size_t i = 0; i < n; i++) {
        enum succession what = SUCCESSION_NONE;
        if (there[i].role != GF_ROLE_RELAY || !there[i].has_replaces ||
            !read_text(x, &there[i], text, &len))
            continue;
        if (succession_see(x->a, &there[i], text, len, &what, &e) == -1) {
            sync_trouble(x, NULL, &e);
            return 0;
        }
        if (what == SUCCESSION_NONE)
            continue;
        changed++;
        tell_succession(x, &there[i], what);
    }
    return changed;
}

void sync_successors(struct sync *x) {
    size_t taken = 0, changed = 0, more = 0;
    struct gf_err e;

    if (succession_offers(x->a, &taken, &e) == -1)
        sync_trouble(x, NULL, &e);
    if (taken > 0)
        gf_buf_text(&x->r.notes, "the relay has new keys, which those before have signed\n");
    while ((more = see_cards(x, x->cards, x->ncards)) > 0)
        changed += more;
    if (changed > 0 && agent_publish_cards(x->a, &e) == -1)
        sync_trouble(x, NULL, &e);
}

void sync_cards(struct sync *x) {
    struct gf_card *trusted = NULL;
    size_t ntrusted = 0;
    size_t unreadable;
    struct gf_err e;

    if (COMMAND_REACH(gf_drive_cards(x->drive, &x->cards, &x->ncards, &unreadable, &e)) == -1)
        sync_drive_trouble(x, NULL, &e);
    if (store_cards(x->a->store, GF_ROLE_RELAY, &trusted, &ntrusted, &e) == -1) {
        sync_trouble(x, NULL, &e);
        return;
    }
    free(trusted);
    const struct gf_card *there = x->cards;
    const size_t n = x->ncards;
    if (!x->r.read_only) {
        put_ours(x, there, n);
        put_former(x);
    }
    /* Between two successors only a person may choose. */
    int forked = ntrusted == 0 ? succession_is_forked(x->a, &e) : 0;
    if (forked == -1)
        sync_trouble(x, NULL, &e);
    if (ntrusted == 0 && forked == 0 && trust_vouched(x, there, n))
        ntrusted = 1;
    for (size_t i = 0; i < n && ntrusted == 0; i++)
        if (there[i].role == GF_ROLE_RELAY && (forked || !is_replaced(x, &there[i], there, n))) {
            show_relay(x, &there[i]);
            x->relays_shown++;
            x->r.status = command_graver(x->r.status, GF_EXIT_NOPERM);
        }
}
