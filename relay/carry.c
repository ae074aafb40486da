/*
 * carry.c -- off the drive what arrived, onto it what goes back.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/command.h"
#include "common/own_keys.h"
#include "gapferry/bundle.h"
#include "relay/carry_order.h"
#include "relay/files.h"
#include "relay/take.h"

/* ---- off the drive ---- */

static int is_taken(struct relay *r, struct gf_drive *d, const char *name, struct enrol_cards *who,
                    struct gf_err *e) {
    struct gf_err why;
    int fd = -1;

    if (COMMAND_REACH(gf_drive_read(d, GF_FOLDER_TO_RELAY, name, &fd, &why)) == -1)
        return 0;
    int rc = take_is_known(r, fd, who, e);
    (void)close(fd);
    return rc;
}

/* What this turn has looked at there, and nothing else: where more lies than one visit takes,
 * another look would be at other files. */
static int clear_all(struct relay *r, struct gf_drive *d, struct enrol_cards *who, struct turn *t,
                     struct gf_err *e) {
    struct gf_err why;
    int rc = 0;

    for (size_t i = 0; rc != -1 && i < t->looked_at.n; i++) {
        const char *name = t->looked_at.entries[i].name;
        rc = is_taken(r, d, name, who, e);
        if (rc != 1)
            continue;
        if (COMMAND_REACH(gf_drive_remove(d, GF_FOLDER_TO_RELAY, name, &why)) == 0)
            t->cleared++;
        else
            turn_drive_fault(t, name, &why, "it has arrived; the next sync removes it");
    }
    return rc == -1 ? -1 : 0;
}

int relay_clear(struct relay *r, struct gf_drive *d, struct turn *t, struct gf_err *e) {
    /* Also what came from a key before it was replaced has arrived. */
    struct enrol_cards who = {.r = r, .ended = 1};

    if (gf_drive_read_only(d))
        return 0;
    int rc = clear_all(r, d, &who, t, e);
    enrol_cards_free(&who);
    return rc;
}

/* ---- onto the drive ---- */

/* Our card, for a site that does not know us yet. One that is there is left, unless it is ours in
 * another form. */
static int put_card(struct relay *r, struct gf_drive *d, struct turn *t, struct gf_err *e) {
    struct gf_card *there = NULL;
    char name[GF_DRIVE_NAME];
    struct gf_buf card;
    struct gf_err why;
    size_t n = 0, unreadable;
    int was_there = 0, ours = 0, other = 0;

    gf_drive_card_name(&r->id.card, name);
    if (COMMAND_REACH(gf_drive_cards(d, &there, &n, &unreadable, &why)) == -1)
        n = 0;
    for (size_t i = 0; i < n; i++) {
        ours |= memcmp(&there[i].identity, &r->id.card.identity, sizeof there[i].identity) == 0;
        /* With a name or without: whoever put it there may have asked for that. */
        other |= own_keys_differs(&r->id, there[i].name[0] != '\0', &there[i]);
    }
    free(there);
    if (ours && !other)
        return 0;
    gf_buf_init(&card, GF_CARD_FILE_MAX);
    int rc = own_keys_card(&r->id, r->name_on_card, &card, e);
    if (rc == 0 &&
        ((other && COMMAND_REACH(gf_drive_remove(d, GF_FOLDER_CARDS, name, &why)) == -1) ||
         COMMAND_REACH(gf_drive_put_card(d, &r->id.card, card.data, card.len, &was_there, &why)) ==
             -1))
        turn_drive_fault(t, "our card", &why, NULL);
    gf_buf_free(&card);
    return rc;
}

/* A site that has missed a rotation needs the cards between. */
static void put_former(struct relay *r, struct gf_drive *d, struct turn *t) {
    struct gf_err why;
    int was_there;

    for (size_t i = 0; i < r->former.n; i++) {
        const struct gf_identity *id = &r->former.list[i];
        if (id->card.has_replaces &&
            COMMAND_REACH(gf_drive_put_card(d, &id->card, id->card_text, id->card_len, &was_there,
                                            &why)) == -1)
            turn_drive_fault(t, "our former card", &why, NULL);
    }
}

/* Responses of ours that their agent has by now. */
static int withdraw(struct relay *r, struct gf_drive *d, const struct gf_drive_list *list,
                    struct turn *t, struct gf_err *e) {
    for (size_t i = 0; i < list->n; i++) {
        const char *name = list->entries[i].name;
        struct gf_err why;
        struct gf_id id;
        if (strlen(name) != 36 || gf_text_unhex(name, 32, id.b, sizeof id.b) == -1)
            continue;
        int rc = ledger_is_acknowledged(r->ledger, &id, e);
        if (rc == -1)
            return -1;
        if (rc == 1 && COMMAND_REACH(gf_drive_remove(d, GF_FOLDER_TO_SITE, name, &why)) == 0)
            t->withdrawn++;
    }
    return 0;
}

/* 1 if a file of this name lies there. */
static int lies_there(struct gf_drive *d, const char *name) {
    int fd = -1;

    if (COMMAND_REACH(gf_drive_read(d, GF_FOLDER_TO_SITE, name, &fd, NULL)) == -1)
        return 0;
    (void)close(fd);
    return 1;
}

static int write_one(struct relay *r, struct gf_drive *d, const struct gf_id *id, struct turn *t,
                     struct gf_err *why) {
    char path[80] = "outbox/";
    char name[GF_DRIVE_NAME];
    struct stat st;
    int was_there = 0;

    gf_drive_bundle_name(id, name);
    (void)snprintf(path, sizeof path, "outbox/%s", name);
    int fd = openat(r->state_fd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd == -1 || fstat(fd, &st) == -1) {
        (void)gf_err_errno(why, "%s/%s", r->state, path);
        if (fd != -1)
            (void)close(fd);
        return -1;
    }
    int rc =
        COMMAND_REACH(gf_drive_write(d, GF_FOLDER_TO_SITE, name, fd, st.st_size, &was_there, why));

    /* A file of this name that differs is our own response, damaged: nobody else knows its id. */
    if (rc == -1 && why->code == GF_E_CREATE && lies_there(d, name) &&
        COMMAND_REACH(gf_drive_remove(d, GF_FOLDER_TO_SITE, name, why)) == 0) {
        rc = COMMAND_REACH(
            gf_drive_write(d, GF_FOLDER_TO_SITE, name, fd, st.st_size, &was_there, why));
        t->replaced += rc == 0;
    }
    (void)close(fd);
    return rc;
}

static int write_all(struct relay *r, struct gf_drive *d, struct ledger_response *due, size_t n,
                     struct turn *t, struct gf_err *e) {
    size_t others = 0, left = 0;
    struct gf_err why;

    if (COMMAND_REACH(carry_order(r, d, due, n, &others, &why)) == -1) {
        if (why.code != GF_E_DRIVE) {
            *e = why;
            return -1;
        }
        /* Which sites the drive goes to is unknown; what waits is written all the same. */
        turn_drive_fault(t, "cards", &why, NULL);
    }
    for (size_t i = 0; i < n; i++) {
        if (write_one(r, d, &due[i].id, t, &why) == 0)
            t->carried++;
        else if (why.code == GF_E_CREATE && i >= n - others)
            left++;
        else
            turn_drive_fault(t, "to-site", &why, "the response stays here for the next drive");
    }
    if (left > 0)
        turn_person(t,
                    "to-site: %zu response%s with artifacts, for sites whose cards are not on this "
                    "drive, found no room; they stay here for another one",
                    left, left == 1 ? "" : "s");
    return 0;
}

int relay_carry(struct relay *r, struct gf_drive *d, struct turn *t, struct gf_err *e) {
    struct ledger_response *due = NULL;
    struct gf_drive_list list = {0};
    size_t n = 0;
    int rc = -1;

    if (ledger_open_responses(r->ledger, NULL, &due, &n, e) == -1)
        return -1;
    if (gf_drive_read_only(d)) {
        t->read_only = 1;
        if (n > 0)
            turn_person(t,
                        "the drive cannot be written, and %zu response%s: look for a write-protect "
                        "switch, or mount it for writing (mount -o remount,rw), and run this again",
                        n, n == 1 ? " waits" : "s wait");
        free(due);
        return 0;
    }
    struct gf_err why;
    if (COMMAND_REACH(gf_drive_scan(d, GF_FOLDER_TO_SITE, 0, &list, &why)) == -1) {
        turn_drive_fault(t, "to-site", &why, NULL);
        rc = 0;
        goto out;
    }
    put_former(r, d, t);
    if (put_card(r, d, t, e) == -1 || withdraw(r, d, &list, t, e) == -1)
        goto out;
    rc = write_all(r, d, due, n, t, e);
out:
    gf_drive_list_free(&list);
    free(due);
    return rc;
}
