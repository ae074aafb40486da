/*
 * apply.c -- a response is verified in three steps, laid out in private, and handed to
 * apply_items.c as a whole.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "agent/apply_parts.h"
#include "agent/succession.h"
#include "gapferry/file.h"

#define ITEMS    "items" /* in STATE/inbox: where members are laid out; the lock makes it ours */
#define ROOM_MIN 65536   /* bytes that stay free beside a bundle */

/* Cards of relays only: what such a card signs is a response, gf_bundle_head() sees to that. */
int agent_check(struct agent *a, struct agent_check *out, struct gf_err *e) {
    struct agent_check c = {0};

    if (store_cards(a->store, GF_ROLE_RELAY, &c.cards, &c.n, e) == -1)
        return -1;
    c.refs = calloc(c.n ? c.n : 1, sizeof *c.refs);
    if (!c.refs) {
        free(c.cards);
        return gf_err_errno(e, "no memory for the relays' cards");
    }
    for (size_t i = 0; i < c.n; i++)
        c.refs[i] = &c.cards[i];
    c.check = (struct gf_check){.trusted = c.refs, .ntrusted = c.n, .has_now = 1, .now = a->now};
    *out = c;
    own_keys_all(&a->id, &a->former, &out->own);
    out->check.us = out->own.us;
    out->check.nus = out->own.n;
    return 0;
}

void agent_check_free(struct agent_check *c) {
    free(c->cards);
    free(c->refs);
    *c = (struct agent_check){0};
}

/* Where a response is laid out: STATE/inbox/items, emptied of what a crash has left. */
static int open_items(int inbox, struct gf_err *e) {
    int dir = openat(inbox, ITEMS, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (dir != -1) {
        gf_bundle_items_remove(dir);
        return dir;
    }
    if (mkdirat(inbox, ITEMS, 0700) == -1)
        return gf_err_errno(e, "inbox/" ITEMS ": cannot make it");
    dir = openat(inbox, ITEMS, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return dir != -1 ? dir : gf_err_errno(e, "inbox/" ITEMS ": cannot open it");
}

/* Bytes that a bundle and what is in it may take; 0 where there are none. */
static int64_t room_left(int dir) {
    struct statvfs v;

    if (fstatvfs(dir, &v) == -1 || v.f_frsize == 0 || v.f_blocks == 0)
        return INT64_MAX;
    if (v.f_bavail > (fsblkcnt_t)(INT64_MAX / (int64_t)v.f_frsize))
        return INT64_MAX;
    int64_t room = (int64_t)v.f_bavail * (int64_t)v.f_frsize - ROOM_MIN;
    return room > 0 ? room : 0;
}

static int need_room(const struct agent *a, int inbox, const struct gf_head *h, struct gf_err *e) {
    if (room_left(inbox) >= h->bundle_size)
        return 0;
    return gf_err_set(
        e, GF_E_CREATE,
        "%s/inbox: no room for a bundle of %lld bytes; make room there, then run this "
        "again",
        a->state, (long long)h->bundle_size);
}

/* Copy, decrypt, lay out; nothing of it counts before all of it is right. */
static int apply_verified(struct agent *a, int fd, const struct gf_head *h, int inbox,
                          struct apply_result *out, struct gf_err *e) {
    struct own_keys_all own;
    struct gf_items_options o = {.check_lines = 1};
    struct gf_contents contents = {0};
    int dir = -1;
    int rc = -1;

    own_keys_all(&a->id, &a->former, &own);
    int copy = gf_file_unnamed(inbox, e);
    if (copy == -1 || gf_bundle_copy(fd, h, copy, NULL, NULL, e) == -1)
        goto out;
    dir = open_items(inbox, e);
    if (dir == -1)
        goto out;
    int64_t room = room_left(inbox);
    o.room = room >= GF_ARCHIVE_MAX ? 0 : room > 0 ? room : 1;
    if (gf_bundle_open(copy, h, own.seal, own.n, &o, dir, &contents, e) == -1)
        goto out;
    rc = agent_apply_items(&(struct response){.a = a, .head = h, .contents = &contents, .dir = dir},
                           out, e);

out:
    if (dir != -1) {
        gf_bundle_items_remove(dir);
        (void)close(dir);
    }
    if (copy != -1)
        (void)close(copy);
    gf_contents_free(&contents);
    return rc;
}

static int apply_head(struct agent *a, int fd, const struct gf_head *h, struct apply_result *out,
                      struct gf_err *e) {
    int seen = store_is_applied(a->store, &h->header, &h->digest, e);
    if (seen == -1)
        return -1;
    if (seen == 2)
        return gf_err_set(e, GF_E_REPLAY,
                          "another response with its number %lld was applied before: was the relay "
                          "restored from a backup? Then its operator has to run `gapferry-relay "
                          "reconcile`. If not, its keys exist twice: keep this file as evidence",
                          (long long)h->header.seq);
    if (seen == 1) {
        out->seen_before = 1;
        return store_come_again(a->store, &h->header, e);
    }
    int inbox = agent_folder(a, "inbox", e);
    if (inbox == -1)
        return -1;
    int rc = need_room(a, inbox, h, e);
    if (rc == 0)
        rc = apply_verified(a, fd, h, inbox, out, e);
    (void)close(inbox);
    return rc;
}

int agent_apply(struct agent *a, int fd, struct apply_result *out, struct gf_err *e) {
    struct apply_result result = {0};
    struct agent_check c;
    struct gf_head head = {0};

    if (agent_check(a, &c, e) == -1)
        return -1;
    int rc = gf_bundle_head(fd, &c.check, &head, e);
    if (rc == 0) {
        result.sender = *head.sender;
        rc = apply_head(a, fd, &head, &result, e);
        gf_head_free(&head);
    } else if (e->code == GF_E_SENDER) {
        succession_explain(a, fd, e);
    }
    agent_check_free(&c);
    if (rc == 0)
        *out = result;
    return rc;
}
