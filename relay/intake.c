/*
 * intake.c -- from a drive into our own directories, bounded, by public keys alone. Nothing is
 * removed here, and nothing is opened.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/command.h"
#include "common/progress.h"
#include "gapferry/bundle.h"
#include "gapferry/file.h"
#include "relay/files.h"
#include "relay/keys.h"
#include "relay/quota.h"
#include "relay/take.h"

/* A card on the drive, with its file's bytes. */
struct found_card {
    struct gf_card card;
    char text[GF_CARD_FILE_MAX];
    size_t len;
    int shown; /* 1: it is enrolled */
    int told;  /* 1: what is wrong with it has been said */
};

/* Files on a drive that get a line each; the rest is counted. */
#define TOLD_MAX 16

struct intake {
    struct relay *r;
    struct gf_drive *d;
    struct turn *t;
    struct found_card *cards; /* agents' cards on the drive */
    size_t ncards;
    size_t enrolled; /* cards of these that are */
    struct enrol_cards agents;
    struct files_quota pending, quarantine;
    size_t told;       /* files that got, or would have got, a line of their own */
    const char *where; /* what is not taken: "on the drive", or "where it lies" */
    const char *left;  /* what is said of one that is bad */
};

/* One bundle on the drive. */
struct item {
    char label[80]; /* "to-relay/NAME" */
    int fd;
    int64_t size; /* bytes */
};

/* ---- cards ---- */

static int read_card(struct intake *in, const char *name, struct found_card *out) {
    struct gf_err why;
    int fd = -1;

    /* What is no card is nobody's business here: it proves nothing. */
    if (COMMAND_REACH(gf_drive_read(in->d, GF_FOLDER_CARDS, name, &fd, &why)) == -1)
        return 0;
    ssize_t n = gf_file_read(fd, out->text, sizeof out->text);
    (void)close(fd);
    if (n <= 0 || gf_card_parse(out->text, (size_t)n, name, &out->card, &why) == -1)
        return 0;
    out->len = (size_t)n;
    return out->card.role == GF_ROLE_AGENT;
}

/* 1 if it is enrolled (now). What is wrong with it is told once, and only of those whose bundles
 * came: a drive has cards of many sites. */
static int show_card(struct intake *in, struct found_card *c, int keep, struct gf_err *e) {
    char what[64] = "card ";
    struct gf_err why;

    int rc = enrol_card(in->r, &c->card, c->text, c->len, keep, in->r->now, &why, e);
    if (rc == 0 && keep && why.code != GF_OK && !c->told) {
        c->told = 1;
        gf_card_fingerprint(&c->card, what + strlen(what));
        turn_fault(in->t, what, &why, NULL);
    }
    in->enrolled += rc == 1;
    return rc;
}

/* Cards that may prove themselves are shown at once. One that succeeds another may need that one to
 * be enrolled first, which may lie behind it. */
static int show_hopeful(struct intake *in, struct gf_err *e) {
    size_t before;

    do {
        before = in->enrolled;
        for (size_t i = 0; i < in->ncards; i++) {
            struct found_card *c = &in->cards[i];
            int rc = c->shown ? 0 : enrol_is_hopeful(in->r, &c->card, e);
            if (rc == 1)
                rc = show_card(in, c, 0, e);
            if (rc == -1)
                return -1;
            c->shown |= rc == 1;
        }
    } while (in->enrolled > before);
    return 0;
}

static int read_cards(struct intake *in, struct gf_err *e) {
    struct gf_drive_list list = {0};
    struct gf_err why;
    int rc = 0;

    if (COMMAND_REACH(gf_drive_scan(in->d, GF_FOLDER_CARDS, 0, &list, &why)) == -1) {
        turn_fault(in->t, "cards", &why, NULL);
        return 0;
    }
    in->cards = calloc(list.n + 1, sizeof *in->cards);
    if (in->cards == NULL)
        rc = gf_err_set(e, GF_E_SYSTEM, "no memory for the cards");
    for (size_t i = 0; rc == 0 && i < list.n; i++) {
        struct found_card *c = &in->cards[in->ncards];
        if (!read_card(in, list.entries[i].name, c))
            continue;
        in->ncards++;
    }
    gf_drive_list_free(&list);
    return rc == 0 ? show_hopeful(in, e) : rc;
}

/* ---- what is not taken ---- */

/* Left where it lies, with a copy as evidence, since drives come and go. left: what is said of
 * that. */
static int leave_bad(struct intake *in, const struct item *it, int is_bundle, const char *left,
                     const struct gf_err *why, struct gf_err *e) {
    char name[FILES_NAME];
    struct gf_err ignored;

    in->t->refused++;
    if (in->told++ < TOLD_MAX)
        turn_fault(in->t, it->label, why, left);
    else
        turn_grave(in->t, why->code);
    in->t->refused_again++;
    /* Of what is not even shaped like a bundle, a few are enough to see what it is. */
    if ((!is_bundle && in->told > TOLD_MAX) || files_name_of(it->fd, name, &ignored) == -1 ||
        files_has(in->r, "quarantine", name))
        return 0;
    const struct files_copy copy = {it->fd, it->size, "quarantine", name};
    if (files_keep(in->r, &in->quarantine, &copy, &ignored) != 1)
        return 0;
    in->t->refused_again--;
    if (ledger_note_refused(in->r->ledger, name, why, in->r->now, e) == -1)
        return -1;
    return files_why(in->r, name, why->text, e);
}

/* From somebody whose lineage has ended, or whose key has a successor. What the ledger has already
 * may go. Of a successor's predecessor nothing is kept: the agent has it, and sends it anew. */
static int leave_ended(struct intake *in, const struct item *it, const struct gf_route *route,
                       enum ledger_ending ending, const struct gf_err *why, struct gf_err *e) {
    char name[FILES_NAME];
    struct gf_err ignored;

    struct enrol_cards who = {.r = in->r, .ended = 1};
    int known = take_is_known(in->r, it->fd, &who, e);
    enrol_cards_free(&who);
    if (known == -1)
        return -1;
    if (known == 1) {
        in->t->replays++;
        return 0;
    }
    if (ending == LEDGER_SUCCEEDED) {
        in->t->superseded++;
        return 0;
    }
    int named = files_name_of(it->fd, name, &ignored) == 0;
    int told = named && files_has(in->r, "quarantine", name);
    /* Whoever brings the drive again was told, and it is not ours to remove. */
    if (in->d != NULL && told) {
        in->t->ended++;
        return 0;
    }
    if (named && !told && ledger_count_refused(in->r->ledger, &route->from, e) == -1)
        return -1;
    return leave_bad(
        in, it, 1, in->d != NULL ? "it was left on the drive, and can be deleted there" : in->left,
        why, e);
}

/* The card of an unknown sender, if it lies on the drive: 1 it proves itself. */
static int try_card(struct intake *in, const struct gf_hash *from, struct gf_err *e) {
    for (size_t i = 0; i < in->ncards; i++) {
        if (memcmp(&in->cards[i].card.identity, from, sizeof *from) == 0)
            return show_card(in, &in->cards[i], 1, e);
    }
    return 0;
}

/* From somebody who is not enrolled: kept, within a quota, until a person has decided. */
static void keep_stranger(struct intake *in, const struct item *it) {
    char name[FILES_NAME];
    struct gf_err why;

    int rc = files_name_of(it->fd, name, &why);
    const struct files_copy copy = {it->fd, it->size, "pending", name};
    if (rc == 0)
        rc = files_keep(in->r, &in->pending, &copy, &why);
    if (rc == -1) {
        turn_fault(in->t, it->label, &why, NULL);
    } else if (rc == 0) {
        in->t->strangers++;
        if (in->told++ < TOLD_MAX)
            turn_person(in->t,
                        "%s: its sender is not enrolled, and it is too large to be kept until "
                        "then, or one too many; bring this drive again after you have approved "
                        "the sender",
                        it->label);
    }
}

/* ---- what is taken ---- */

static int copy_bundle(struct intake *in, const struct item *it, const struct gf_head *h,
                       const char *name, struct gf_err *e) {
    char path[300];
    struct gf_out o;

    if (files_need(in->r, h->bundle_size, e) == -1)
        return -1;
    (void)snprintf(path, sizeof path, "incoming/%s", name);
    if (gf_out_open(&o, in->r->state_fd, path, e) == -1)
        return -1;
    struct progress *bar = progress_new("copying", h->bundle_size);
    int rc = gf_bundle_copy(it->fd, h, o.fd, progress_at, bar, e);
    progress_free(bar);
    if (rc == 0)
        rc = gf_out_commit(&o, 0600, 1, e);
    gf_out_close(&o);
    return rc;
}

/* It came while its sender was not enrolled; verify.c takes it from there. */
static int is_pending(struct intake *in, const struct item *it) {
    char name[FILES_NAME];
    struct gf_err ignored;

    return files_name_of(it->fd, name, &ignored) == 0 && files_has(in->r, "pending", name);
}

/* It comes by itself once there is room; who shall bring more is the operator's to say. */
static void tell_over(struct intake *in, const struct item *it, const struct gf_card *sender,
                      const struct gf_err *why) {
    char fingerprint[GF_FINGERPRINT_TEXT];

    gf_card_fingerprint(sender, fingerprint);
    turn_person(in->t,
                "%s: %s; it was left %s, and can come again later; to take more of this sender, "
                "raise that in [agent \"%s\"] of %s",
                it->label, why->text, in->where, fingerprint, in->r->config_path);
}

static int take(struct intake *in, const struct item *it, const struct gf_head *h,
                struct gf_err *e) {
    char name[FILES_NAME], remedy[40];
    enum ledger_seen seen = LEDGER_NEW;
    struct gf_err why;

    if (ledger_seen(in->r->ledger, &h->header, &h->digest, &seen, e) == -1)
        return -1;
    if (seen == LEDGER_REPLAY) {
        in->t->replays++;
        return ledger_retell(in->r->ledger, &h->digest, e);
    }
    files_name(&h->digest, name);
    if (files_has(in->r, "incoming", name) || is_pending(in, it))
        return 0;
    if (seen == LEDGER_FORK && files_has(in->r, "quarantine", name)) {
        turn_person(in->t,
                    "%s: a fork, held as %s/quarantine/%s since an earlier visit; it was left %s",
                    it->label, in->r->state, name, in->where);
        return 0;
    }
    int64_t seconds = 0;
    const struct quota_bundle b = {&h->header.from, &h->digest, h->header.payload_size,
                                   h->header.no_records};
    int over = quota_is_over(in->r, &b, in->r->now, &seconds, &why, e);
    if (over == -1)
        return -1;
    if (over == 1) {
        in->t->over++;
        if (in->told++ < TOLD_MAX)
            tell_over(in, it, h->sender, &why);
        return 0;
    }
    if (copy_bundle(in, it, h, name, &why) == 0)
        return 0;
    if (!relay_verify_is_ours(&why) && why.code != GF_E_DRIVE)
        return leave_bad(in, it, 1, in->left, &why, e);
    (void)snprintf(remedy, sizeof remedy, "it was left %s", in->where);
    turn_fault(in->t, it->label, &why, remedy);
    return 0;
}

static int take_one(struct intake *in, const struct item *it, struct gf_err *e) {
    struct own_keys_all own;
    struct gf_check check = {0};
    struct gf_route route;
    struct gf_head head;
    struct gf_err why;

    if (gf_bundle_route(it->fd, &route, &why) == -1)
        return leave_bad(in, it, 0, in->left, &why, e);
    if (!keys_has(in->r, &route.to)) {
        in->t->not_ours++;
        return 0;
    }
    keys_check(in->r, &own, &check);
    int known = enrol_cards_trust(&in->agents, &route.from, &check, e);
    if (known == -1)
        return -1;
    if (known == 0) {
        int rc = ledger_is_ended(in->r->ledger, &route.from, &why, e);
        if (rc == LEDGER_ENDED || rc == LEDGER_SUCCEEDED)
            return leave_ended(in, it, &route, (enum ledger_ending)rc, &why, e);
        if (rc == LEDGER_GOES_ON)
            rc = try_card(in, &route.from, e);
        if (rc == 0) {
            keep_stranger(in, it);
            return 0;
        }
        /* Its card may have taken the place of another that is kept. */
        enrol_cards_free(&in->agents);
        if (rc == -1 || enrol_cards_trust(&in->agents, &route.from, &check, e) == -1)
            return -1;
    }
    if (gf_bundle_head(it->fd, &check, &head, &why) == -1)
        return leave_bad(in, it, 1, in->left, &why, e);
    int rc = take(in, it, &head, e);
    gf_head_free(&head);
    return rc;
}

static int take_all(struct intake *in, const struct gf_drive_list *list, struct gf_err *e) {
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < list->n; i++) {
        struct item it = {.fd = -1, .size = list->entries[i].size};
        struct gf_err why;
        (void)snprintf(it.label, sizeof it.label, "%s/%s", gf_drive_folders[GF_FOLDER_TO_RELAY],
                       list->entries[i].name);
        if (COMMAND_REACH(gf_drive_read(in->d, GF_FOLDER_TO_RELAY, list->entries[i].name, &it.fd,
                                        &why)) == -1) {
            if (why.code != GF_E_NOINPUT)
                turn_fault(in->t, it.label, &why, NULL);
            continue;
        }
        rc = take_one(in, &it, e);
        (void)close(it.fd);
    }
    if (in->told > TOLD_MAX)
        turn_person(in->t,
                    "to-relay: %zu more files were refused, or wait for their sender to be "
                    "approved; they were left on the drive",
                    in->told - TOLD_MAX);
    if (list->oversize > 0) {
        struct gf_err why;
        (void)gf_err_set(&why, GF_E_LIMIT, "%zu files are larger than any bundle", list->oversize);
        turn_fault(in->t, "to-relay", &why, "they were left on the drive");
    }
    if (list->cut)
        turn_person(in->t,
                    "to-relay: there is more than one visit takes; run sync again, and take out "
                    "what is not of your sites: which files come next is left to chance");
    return rc;
}

int relay_intake(struct relay *r, struct gf_drive *d, struct turn *t, struct gf_err *e) {
    struct intake in = {
        .r = r,
        .d = d,
        .t = t,
        .agents = {.r = r},
        .where = "on the drive",
        .left = "it was left on the drive: the site's next sync writes what is due anew; what "
                "still lies there then can be deleted"};
    struct gf_drive_list list = {0};
    int rc = -1;

    if (keys_renew(r, e) == -1 || read_cards(&in, e) == -1 ||
        COMMAND_REACH(gf_drive_scan(d, GF_FOLDER_TO_RELAY, 0, &list, e)) == -1)
        goto out;
    rc = take_all(&in, &list, e);
    gf_drive_list_free(&t->looked_at);
    t->looked_at = list;
out:
    free(in.cards);
    enrol_cards_free(&in.agents);
    return rc;
}

int relay_import(struct relay *r, int fd, const char *name, struct turn *t, struct gf_err *e) {
    struct intake in = {.r = r,
                        .t = t,
                        .agents = {.r = r},
                        .where = "where it lies",
                        .left = "it was left where it lies, with a copy in quarantine/"};
    struct item it = {.fd = fd};
    struct gf_buf safe;
    struct stat st;

    if (fstat(fd, &st) == -1)
        return gf_err_errno(e, "it cannot be read");
    it.size = (int64_t)st.st_size;
    gf_buf_init(&safe, 4096);
    gf_text_safe(&safe, name, strlen(name));
    (void)snprintf(it.label, sizeof it.label, "%.*s",
                   (int)gf_text_fit(safe.data, safe.len, sizeof it.label - 1),
                   safe.data != NULL ? safe.data : "");
    gf_buf_free(&safe);
    int rc = keys_renew(r, e);
    if (rc == 0)
        rc = take_one(&in, &it, e);
    enrol_cards_free(&in.agents);
    return rc;
}
