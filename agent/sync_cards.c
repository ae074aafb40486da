/*
 * sync_cards.c -- cards on a drive: ours is put there, and while no relay is trusted those of
 * relays are shown with what to do. Nothing is believed for where it lies.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/command.h"
#include "agent/sync.h"

static int is_us(const struct sync *x, const struct gf_card *c) {
    return memcmp(c->identity.b, x->a->id.card.identity.b, sizeof c->identity.b) == 0;
}

/* Cards that lie there; names on them are a choice, so that ours may lie there in the other form.
 */
static void put_ours(struct sync *x, const struct gf_card *there, size_t n) {
    const struct gf_card *self = &x->a->id.card;
    int with_name = x->o->name_on_card && self->name[0] != '\0';
    char name[GF_DRIVE_NAME];
    struct gf_buf text;
    struct gf_err e;
    int was_there;

    gf_buf_init(&text, GF_CARD_FILE_MAX);
    gf_drive_card_name(self, name);
    int rc = gf_card_write(self, with_name, x->a->id.sign, &text, &e);
    for (size_t i = 0; i < n && rc == 0; i++)
        if (is_us(x, &there[i]) && (there[i].name[0] != '\0') != with_name)
            rc = COMMAND_REACH(gf_drive_remove(x->drive, GF_FOLDER_CARDS, name, &e));
    if (rc == 0)
        rc = COMMAND_REACH(gf_drive_put_card(x->drive, self, text.data, text.len, &was_there, &e));
    gf_buf_free(&text);
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

void sync_cards(struct sync *x) {
    struct gf_card *trusted = NULL;
    struct gf_card *there = NULL;
    size_t ntrusted = 0;
    size_t unreadable;
    size_t n = 0;
    struct gf_err e;

    if (store_cards(x->a->store, GF_ROLE_RELAY, &trusted, &ntrusted, &e) == -1) {
        sync_trouble(x, NULL, &e);
        return;
    }
    free(trusted);
    if (COMMAND_REACH(gf_drive_cards(x->drive, &there, &n, &unreadable, &e)) == -1)
        sync_drive_trouble(x, NULL, &e);
    if (!x->r.read_only)
        put_ours(x, there, n);
    for (size_t i = 0; i < n && ntrusted == 0; i++)
        if (there[i].role == GF_ROLE_RELAY) {
            show_relay(x, &there[i]);
            x->relays_shown++;
            x->r.status = command_graver(x->r.status, GF_EXIT_NOPERM);
        }
    free(there);
}
