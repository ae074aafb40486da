/*
 * verify.c -- what lies in incoming/ and pending/: every check, then one transaction in the ledger,
 * or quarantine with the reason. A step that a crash cut off is simply done again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gapferry/bundle.h"
#include "gapferry/file.h"
#include "relay/files.h"
#include "relay/keys.h"
#include "relay/quota.h"
#include "relay/strangers.h"
#include "relay/take.h"

struct verify {
    struct relay *r;
    struct turn *t;
    struct enrol_cards agents;
    struct strangers strangers; /* behind pending/ */
};

/* One file under verification. */
struct item {
    const char *folder;
    const char *name;
    char label[300]; /* "incoming/NAME" */
    int fd;
};

/* ---- strangers ---- */

static int count_stranger(struct verify *v, const struct gf_hash *identity, struct gf_err *e) {
    v->t->strangers++;
    return strangers_add(&v->strangers, identity, e);
}

static int name_strangers(struct verify *v, struct gf_err *e) {
    char line[STRANGERS_LINE];

    if (strangers_know(v->r, &v->strangers, e) == -1)
        return -1;
    for (size_t i = 0; i < v->strangers.n; i++) {
        strangers_line(v->r, &v->strangers.list[i], line);
        turn_person(v->t, "%s", line);
    }
    return 0;
}

/* ---- verdicts ---- */

static int drop(const struct verify *v, const struct item *it, struct gf_err *e) {
    if (unlinkat(v->r->state_fd, it->label, 0) == -1 && errno != ENOENT)
        return gf_err_errno(e, "%s/%s", v->r->state, it->label);
    return 0;
}

/* A courier may have put a whole copy in the place of the one that was looked at, which is gone
 * then: the listener's worker does not wait for the lock. */
static int is_replaced(const struct verify *v, const struct item *it) {
    struct stat was, is;

    return fstat(it->fd, &was) == 0 &&
           (fstatat(v->r->state_fd, it->label, &is, AT_SYMLINK_NOFOLLOW) == -1 ||
            was.st_dev != is.st_dev || was.st_ino != is.st_ino);
}

int relay_verify_is_ours(const struct gf_err *why) {
    return why->code == GF_E_SYSTEM || why->code == GF_E_CREATE || why->code == GF_E_NOINPUT ||
           why->code == GF_E_BUG || why->code == GF_E_BUSY || why->code == GF_E_DAMAGED;
}

/* Of what the ledger has no row for, the audit log has a line; one while a copy of it lies there.
 */
static int quarantine(struct verify *v, const struct item *it, const struct gf_err *why,
                      struct gf_err *e) {
    int known = files_has(v->r, "quarantine", it->name);

    if (!known && ledger_note_refused(v->r->ledger, it->name, why, v->r->now, e) == -1)
        return -1;
    return files_quarantine(v->r, it->folder, it->name, why->text, e);
}

/* It has no effect. What we could not do for want of disk or memory is tried again next time, and
 * so is another copy that has its name by now; all else is kept as evidence. */
static int refuse(struct verify *v, const struct item *it, const struct gf_head *h,
                  const struct gf_err *why, struct gf_err *e) {
    char remedy[400];
    char id[GF_ID_TEXT] = "";

    if (relay_verify_is_ours(why)) {
        turn_fault(v->t, it->label, why, "it stays there and is tried again by the next sync");
        return 0;
    }
    if (is_replaced(v, it))
        return 0;
    v->t->refused++;
    if (h != NULL)
        gf_text_hex(h->header.id.b, sizeof h->header.id.b, id);
    (void)snprintf(remedy, sizeof remedy, "it is kept as quarantine/%s%s", it->name,
                   h != NULL ? ", and its sender is told" : "");
    turn_fault(v->t, h != NULL ? id : it->label, why, remedy);
    if (h == NULL)
        return quarantine(v, it, why, e);
    if (files_quarantine(v->r, it->folder, it->name, why->text, e) == -1)
        return -1;
    return ledger_refuse(v->r->ledger, &h->header, &h->digest, why, v->r->now, e);
}

/* It waited here while its agent got new keys, with which the agent bundles it anew. */
static int supersede(struct verify *v, const struct item *it, const struct gf_err *why,
                     struct gf_err *e) {
    if (is_replaced(v, it))
        return 0;
    v->t->superseded++;
    return quarantine(v, it, why, e);
}

/* The same number in the same stream, but other bytes: a cloned or restored agent, or theft of its
 * key. Nothing of it takes effect; a person has to look. */
static int hold_fork(struct verify *v, const struct item *it, const struct gf_head *h,
                     struct gf_err *e) {
    char fingerprint[GF_FINGERPRINT_TEXT];
    char why[300];

    if (is_replaced(v, it))
        return 0;
    gf_card_fingerprint(h->sender, fingerprint);
    (void)snprintf(why, sizeof why,
                   "fork: %s has sent two bundles with number %lld of one stream; was the agent "
                   "cloned, or restored from a backup?",
                   fingerprint, (long long)h->header.seq);
    v->t->refused++;
    turn_person(v->t, "%s It is held as quarantine/%s, and its sender is told", why, it->name);
    if (files_quarantine(v->r, it->folder, it->name, why, e) == -1)
        return -1;
    (void)snprintf(
        why, sizeof why,
        "another bundle with number %lld of this stream came before: was the agent "
        "restored from a backup? On the agent: gapferry-agent restore. If it was cloned, "
        "its twin needs an init of its own",
        (long long)h->header.seq);
    return ledger_fork(v->r->ledger, &h->header, &h->digest, why, v->r->now, e);
}

/* ---- one bundle ---- */

int relay_verify_times(const struct relay *r, const struct gf_head *h, struct gf_err *why) {
    char at[GF_TIME_TEXT];

    if (h->header.has_expires && h->header.expires < r->now) {
        gf_text_time(h->header.expires, at);
        return gf_err_set(why, GF_E_EXPIRED, "expired on %s before it came here", at);
    }
    if (h->sender->has_expires && h->sender->expires <= r->now) {
        gf_text_time(h->sender->expires, at);
        return gf_err_set(why, GF_E_EXPIRED, "its sender's card ended on %s", at);
    }
    return 0;
}

/* Told, and mended for this agent as far as it can be; others may not have come yet. */
static void tell_behind(struct verify *v, const struct gf_head *h) {
    char fingerprint[GF_FINGERPRINT_TEXT], self[COMMAND_SELF];

    gf_card_fingerprint(h->sender, fingerprint);
    turn_person(v->t,
                "%s has responses that this relay does not know of: its state was put back from a "
                "backup. What was not acknowledged is told anew. For all agents: %s reconcile "
                "--force",
                fingerprint, relay_self(v->r, self));
}

/* Unpack into work/NAME and take what is there. 0 done, 1 refused with *why, -1. */
static int open_and_take(struct verify *v, const struct item *it, const struct gf_head *h,
                         struct gf_err *why, struct gf_err *e) {
    char path[300];
    struct take_result taken = {0};

    (void)snprintf(path, sizeof path, "work/%s", it->name);
    if (mkdirat(v->r->state_fd, path, 0700) == -1)
        return gf_err_errno(e, "%s/%s", v->r->state, path);
    int work = openat(v->r->state_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (work == -1)
        return gf_err_errno(e, "%s/%s", v->r->state, path);
    const struct take_from from = {.copy = it->fd, .work = work, .room = files_room(v->r)};
    int rc = take_bundle(v->r, h, &from, &taken, why, e);
    gf_bundle_items_remove(work);
    (void)close(work);
    (void)unlinkat(v->r->state_fd, path, AT_REMOVEDIR);
    if (rc == 0) {
        v->t->taken++;
        v->t->records += taken.records;
        if (taken.behind)
            tell_behind(v, h);
    }
    return rc;
}

static int verify_head(struct verify *v, const struct item *it, const struct gf_head *h,
                       struct gf_err *e) {
    enum ledger_seen seen = LEDGER_NEW;
    struct gf_err why;

    if (ledger_seen(v->r->ledger, &h->header, &h->digest, &seen, e) == -1)
        return -1;
    if (seen == LEDGER_REPLAY) {
        v->t->replays++;
        if (ledger_retell(v->r->ledger, &h->digest, e) == -1)
            return -1;
        return drop(v, it, e);
    }
    if (seen == LEDGER_FORK)
        return hold_fork(v, it, h, e);

    /* A payload that is not the signed one was damaged here or on the way, perhaps by somebody
     * else than the sender, who therefore hears nothing of it and sends it again. */
    if (gf_bundle_copy(it->fd, h, -1, NULL, NULL, &why) == -1)
        return refuse(v, it, NULL, &why, e);
    if (relay_verify_times(v->r, h, &why) == -1)
        return refuse(v, it, h, &why, e);
    int64_t seconds = 0;
    const struct quota_bundle b = {&h->header.from, &h->digest, h->header.payload_size,
                                   h->header.no_records};
    int over = quota_is_over(v->r, &b, v->r->now, &seconds, &why, e);
    if (over == 1) {
        v->t->over++;
        turn_person(v->t, "%s: %s; it waits here and is taken later", it->label, why.text);
    }
    if (over != 0)
        return over == 1 ? 0 : -1;
    int rc = open_and_take(v, it, h, &why, e);
    if (rc == 1)
        return refuse(v, it, h, &why, e);
    return rc == 0 ? drop(v, it, e) : -1;
}

static int verify_file(struct verify *v, const struct item *it, struct gf_err *e) {
    struct gf_check check = {0};
    struct own_keys_all own;
    struct gf_route route;
    struct gf_head head;
    struct gf_err why;

    if (gf_bundle_route(it->fd, &route, &why) == -1)
        return refuse(v, it, NULL, &why, e);
    keys_check(v->r, &own, &check);
    int known = enrol_cards_trust(&v->agents, &route.from, &check, e);
    if (known == -1)
        return -1;
    if (known == 0) {
        int rc = ledger_is_ended(v->r->ledger, &route.from, &why, e);
        if (rc == LEDGER_ENDED || rc == LEDGER_SUCCEEDED) {
            if (ledger_count_refused(v->r->ledger, &route.from, e) == -1)
                return -1;
            return rc == LEDGER_ENDED ? refuse(v, it, NULL, &why, e) : supersede(v, it, &why, e);
        }
        if (rc == LEDGER_GOES_ON)
            rc = ledger_is_declined(v->r->ledger, &route.from, e);
        if (rc == 0)
            return count_stranger(v, &route.from, e);
        v->t->not_ours++;
        return rc == 1 ? drop(v, it, e) : -1;
    }
    if (gf_bundle_head(it->fd, &check, &head, &why) == -1)
        return refuse(v, it, NULL, &why, e);
    int rc = verify_head(v, it, &head, e);
    gf_head_free(&head);
    return rc;
}

static int verify_named(struct verify *v, const char *folder, const char *name, struct gf_err *e) {
    struct item it = {.folder = folder, .name = name};

    (void)snprintf(it.label, sizeof it.label, "%s/%s", folder, name);
    it.fd = openat(v->r->state_fd, it.label, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (it.fd == -1)
        return gf_err_errno(e, "%s/%s", v->r->state, it.label);
    int rc = verify_file(v, &it, e);
    (void)close(it.fd);
    return rc;
}

static int verify_folder(struct verify *v, const char *folder, struct gf_err *e) {
    struct files_list list = {0};
    int rc = 0;

    if (files_list(v->r, folder, &list, e) == -1)
        return -1;
    for (size_t i = 0; rc == 0 && i < list.n; i++)
        rc = verify_named(v, folder, list.entries[i].name, e);
    free(list.entries);
    return rc;
}

/* One of incoming/ that is named; NULL: all. */
static int verify(struct relay *r, const char *name, struct turn *t, struct gf_err *e) {
    struct verify v = {.r = r, .t = t, .agents = {.r = r}};
    int rc;

    if (keys_renew(r, e) == -1)
        return -1;
    if (name != NULL)
        rc = verify_named(&v, "incoming", name, e);
    else if ((rc = verify_folder(&v, "pending", e)) == 0)
        rc = verify_folder(&v, "incoming", e);
    if (rc == 0)
        rc = name_strangers(&v, e);
    enrol_cards_free(&v.agents);
    strangers_free(&v.strangers);
    return rc;
}

int relay_verify(struct relay *r, struct turn *t, struct gf_err *e) {
    return verify(r, NULL, t, e);
}

int relay_verify_one(struct relay *r, const char *name, struct turn *t, struct gf_err *e) {
    return verify(r, name, t, e);
}
