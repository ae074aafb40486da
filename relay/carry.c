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
#include "gapferry/bundle.h"
#include "relay/files.h"

/* ---- off the drive ---- */

/* 1 if the ledger has this bundle durably, whether it was taken or refused. */
static int is_taken(struct relay *r, struct gf_drive *d, const char *name,
                    const struct gf_check *check, struct gf_err *e) {
    enum ledger_seen seen = LEDGER_NEW;
    struct gf_head head;
    struct gf_err why;
    int fd = -1;

    if (COMMAND_REACH(gf_drive_read(d, GF_FOLDER_TO_RELAY, name, &fd, &why)) == -1)
        return 0;
    int rc = gf_bundle_head(fd, check, &head, &why);
    (void)close(fd);
    if (rc == -1)
        return 0;
    rc = ledger_seen(r->ledger, &head.header, &head.digest, &seen, e);
    gf_head_free(&head);
    return rc == -1 ? -1 : seen == LEDGER_REPLAY;
}

static int clear_all(struct relay *r, struct gf_drive *d, const struct gf_check *check,
                     struct turn *t, struct gf_err *e) {
    struct gf_drive_list list = {0};
    struct gf_err why;
    int rc = 0;

    if (COMMAND_REACH(gf_drive_scan(d, GF_FOLDER_TO_RELAY, 0, &list, &why)) == -1) {
        turn_drive_fault(t, "to-relay", &why, NULL);
        return 0;
    }
    for (size_t i = 0; rc != -1 && i < list.n; i++) {
        rc = is_taken(r, d, list.entries[i].name, check, e);
        if (rc != 1)
            continue;
        if (COMMAND_REACH(gf_drive_remove(d, GF_FOLDER_TO_RELAY, list.entries[i].name, &why)) == 0)
            t->cleared++;
        else
            turn_drive_fault(t, list.entries[i].name, &why,
                             "it has arrived; the next sync removes it");
    }
    gf_drive_list_free(&list);
    return rc == -1 ? -1 : 0;
}

int relay_clear(struct relay *r, struct gf_drive *d, struct turn *t, struct gf_err *e) {
    struct gf_check check = {.us = &r->id.card.identity, .nus = 1};
    const struct gf_card **trusted = NULL;
    struct gf_card *agents = NULL;
    int rc = -1;

    if (gf_drive_read_only(d))
        return 0;
    if (ledger_agents(r->ledger, &agents, &check.ntrusted, e) == -1)
        return -1;
    trusted = calloc(check.ntrusted + 1, sizeof *trusted);
    if (trusted == NULL) {
        (void)gf_err_set(e, GF_E_SYSTEM, "no memory for the cards");
        goto out;
    }
    for (size_t i = 0; i < check.ntrusted; i++)
        trusted[i] = &agents[i];
    check.trusted = trusted;
    rc = clear_all(r, d, &check, t, e);
out:
    free(trusted);
    free(agents);
    return rc;
}

/* ---- onto the drive ---- */

static int has_entry(const struct gf_drive_list *l, const char *name) {
    for (size_t i = 0; i < l->n; i++) {
        if (strcmp(l->entries[i].name, name) == 0)
            return 1;
    }
    return 0;
}

/* Our card, for a site that does not know us yet. One that is there stays as it is: its name is its
 * fingerprint. */
static int put_card(struct relay *r, struct gf_drive *d, struct turn *t, struct gf_err *e) {
    struct gf_drive_list list = {0};
    char name[GF_DRIVE_NAME];
    struct gf_buf card;
    struct gf_err why;
    int was_there = 0;

    gf_drive_card_name(&r->id.card, name);
    if (COMMAND_REACH(gf_drive_scan(d, GF_FOLDER_CARDS, 0, &list, &why)) == 0 &&
        has_entry(&list, name)) {
        gf_drive_list_free(&list);
        return 0;
    }
    gf_drive_list_free(&list);
    gf_buf_init(&card, GF_CARD_FILE_MAX);
    int rc = gf_card_write(&r->id.card, r->name_on_card, r->id.sign, &card, e);
    if (rc == 0 && COMMAND_REACH(gf_drive_put_card(d, &r->id.card, card.data, card.len, &was_there,
                                                   &why)) == -1)
        turn_drive_fault(t, "our card", &why, NULL);
    gf_buf_free(&card);
    return rc;
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
    if (put_card(r, d, t, e) == -1 || withdraw(r, d, &list, t, e) == -1)
        goto out;
    rc = 0;
    for (size_t i = 0; i < n; i++) {
        if (write_one(r, d, &due[i].id, t, &why) == 0)
            t->carried++;
        else
            turn_drive_fault(t, "to-site", &why, "the response stays here for the next drive");
    }
out:
    gf_drive_list_free(&list);
    free(due);
    return rc;
}
