/*
 * own_keys_rotate.c -- a new identity in the place of an old one, and the old ones.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/own_keys.h"

#define NEXT "keys.next"
#define OLD  "keys.old"
#define TRY  "keys.try" /* empty, for a moment */
#define SEEN 64         /* entries of keys.old that are looked at */

static int open_state(const char *state, struct gf_err *e) {
    int fd = open(state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    return fd != -1 ? fd : gf_err_errno(e, "%s", state);
}

/* The same for whoever looks and changes: each process that meets a rotation half done ends it, and
 * twice exchanged would be undone. The lock goes with the descriptor. */
static int open_locked(const char *state, struct gf_err *e) {
    int rc;
    int fd = open_state(state, e);

    if (fd == -1)
        return -1;
    while ((rc = flock(fd, LOCK_EX)) == -1 && errno == EINTR)
        ;
    if (rc == 0)
        return fd;
    (void)gf_err_errno(e, "%s: cannot lock it", state);
    (void)close(fd);
    return -1;
}

/* Remove an identity's directory; best effort. */
static void remove_keys(int dir, const char *name) {
    static const char *const files[] = {"sign.key", "seal.key", "sign.pub", "seal.pub", "card"};

    int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd == -1)
        return;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        (void)unlinkat(fd, files[i], 0);
    (void)close(fd);
    (void)unlinkat(dir, name, AT_REMOVEDIR);
}

/* ---- the switch ---- */

/* The card of the keys in a directory: 1, 0 there are none. */
static int card_of(int dir, const char *name, struct gf_card *out) {
    struct gf_identity id;
    struct gf_err no;

    if (gf_identity_load(dir, name, &id, &no) == -1)
        return 0;
    *out = id.card;
    gf_identity_free(&id);
    return 1;
}

static int is(const struct gf_hash *a, const struct gf_hash *b) {
    return memcmp(a->b, b->b, sizeof a->b) == 0;
}

/* Into a place that may hold the same keys already, from a backup. */
static int move_old(int dir, const char *path) {
    if (renameat(dir, NEXT, dir, path) == 0)
        return 0;
    if (errno != EEXIST && errno != ENOTEMPTY)
        return -1;
    remove_keys(dir, path);
    return renameat(dir, NEXT, dir, path);
}

/* Where keys.next holds what the keys of now replace, it goes where old ones are. */
static int put_away(int dir, const char *state, struct gf_err *e) {
    char path[sizeof OLD + GF_HASH_TEXT + 1] = OLD "/";
    struct gf_card now, next;

    if (!card_of(dir, NEXT, &next) || !card_of(dir, "keys", &now) || !now.has_replaces ||
        !is(&now.replaces, &next.identity))
        return 0;
    gf_text_hex(next.identity.b, sizeof next.identity.b, path + strlen(path));
    if (mkdirat(dir, OLD, 0700) == -1 && errno != EEXIST)
        return gf_err_errno(e, "%s/" OLD, state);
    if (move_old(dir, path) == -1)
        return gf_err_errno(e, "%s/%s", state, path);
    int old = openat(dir, OLD, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int rc =
        old == -1 || fsync(old) == -1 || fsync(dir) == -1 ? gf_err_errno(e, "%s/" OLD, state) : 0;
    if (old != -1)
        (void)close(old);
    return rc;
}

int own_keys_switch(const char *state, const struct gf_hash *to, struct gf_err *e) {
    struct gf_card now, next;
    int rc = 0;
    int dir = open_locked(state, e);

    if (dir == -1)
        return -1;
    if (!card_of(dir, "keys", &now) || !is(&now.identity, to)) {
        if (!card_of(dir, NEXT, &next) || !is(&next.identity, to))
            rc = gf_err_set(e, GF_E_NOINPUT, "%s/" NEXT ": is not the identity that is expected",
                            state);
        else if (renameat2(dir, NEXT, dir, "keys", RENAME_EXCHANGE) == -1 || fsync(dir) == -1)
            rc = gf_err_errno(e, "%s/keys", state);
    }
    if (rc == 0)
        rc = put_away(dir, state, e);
    (void)close(dir);
    return rc;
}

int own_keys_tidy(const char *state, struct gf_err *e) {
    char next[600];

    /* Each command asks, and mostly there is nothing to lock for. */
    if (snprintf(next, sizeof next, "%s/" NEXT, state) >= (int)sizeof next)
        return gf_err_set(e, GF_E_USAGE, "%s: this path is too long", state);
    if (access(next, F_OK) == -1)
        return 0;
    int dir = open_locked(state, e);
    if (dir == -1)
        return -1;
    int rc = put_away(dir, state, e);
    (void)close(dir);
    return rc;
}

/* ---- a successor ---- */

/* Two empty directories change places. Who finds out only when all is decided has keys that fit
 * nothing. */
static int can_exchange(int dir, const char *state, struct gf_err *e) {
    (void)unlinkat(dir, TRY, AT_REMOVEDIR);
    if (mkdirat(dir, NEXT, 0700) == -1 || mkdirat(dir, TRY, 0700) == -1)
        return gf_err_errno(e, "%s: cannot make a directory", state);
    int rc = renameat2(dir, NEXT, dir, TRY, RENAME_EXCHANGE);
    if (rc == -1 && (errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP))
        (void)gf_err_set(
            e, GF_E_CREATE,
            "%s: its file system cannot exchange two directories (RENAME_EXCHANGE), "
            "so that new keys could not take effect at once; nothing was changed. Move "
            "%s to another file system (ext4, xfs, btrfs) and run this again",
            state, state);
    else if (rc == -1)
        (void)gf_err_errno(e, "%s: cannot exchange two directories", state);
    (void)unlinkat(dir, TRY, AT_REMOVEDIR);
    (void)unlinkat(dir, NEXT, AT_REMOVEDIR);
    return rc;
}

int own_keys_next(const char *state, const struct gf_identity *before, int64_t now,
                  struct gf_card *out, struct gf_err *e) {
    struct gf_card c = {.created = now};
    int dir = open_locked(state, e);

    if (dir == -1)
        return -1;
    /* A successor is never older than what it succeeds, whatever the clock says. */
    if (c.created <= before->card.created)
        c.created = before->card.created + 1;
    int rc = put_away(dir, state, e);
    if (rc == 0) {
        remove_keys(dir, NEXT);
        rc = can_exchange(dir, state, e);
    }
    if (rc == 0)
        rc = gf_identity_succeed(dir, NEXT, before, &c, e);
    (void)close(dir);
    if (rc == 0)
        *out = c;
    return rc;
}

/* ---- earlier ones ---- */

static int is_newer(const struct gf_identity *a, const struct gf_identity *b) {
    return a->card.created > b->card.created;
}

/* Keep the newest, in order; the rest is released, and removed from the disk. */
static void keep(struct own_keys_former *f, struct gf_identity *id, int dir, const char *name) {
    char hex[GF_HASH_TEXT];
    size_t at = 0;

    while (at < f->n && is_newer(&f->list[at], id))
        at++;
    if (at == OWN_KEYS_FORMER_MAX) {
        gf_identity_free(id);
        remove_keys(dir, name);
        return;
    }
    if (f->n == OWN_KEYS_FORMER_MAX) {
        struct gf_identity *oldest = &f->list[--f->n];
        gf_text_hex(oldest->card.identity.b, sizeof oldest->card.identity.b, hex);
        remove_keys(dir, hex);
        gf_identity_free(oldest);
    }
    memmove(&f->list[at + 1], &f->list[at], (f->n - at) * sizeof f->list[0]);
    f->list[at] = *id;
    f->n++;
}

int own_keys_former_load(const char *state, struct own_keys_former *out, struct gf_err *e) {
    const struct dirent *x;
    struct gf_err no;

    own_keys_former_free(out);
    int dir = open_state(state, e);
    if (dir == -1)
        return -1;
    int fd = openat(dir, OLD, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    (void)close(dir);
    if (fd == -1)
        return errno == ENOENT ? 0 : gf_err_errno(e, "%s/" OLD, state);
    DIR *d = fdopendir(fd);
    if (d == NULL) {
        (void)close(fd);
        return gf_err_errno(e, "%s/" OLD, state);
    }
    for (int i = 0; i < SEEN && (x = readdir(d)) != NULL; i++) {
        struct gf_identity id;
        if (strlen(x->d_name) == GF_HASH_TEXT - 1 &&
            gf_identity_load(dirfd(d), x->d_name, &id, &no) == 0)
            keep(out, &id, dirfd(d), x->d_name);
    }
    (void)closedir(d);
    return 0;
}

void own_keys_all(const struct gf_identity *now, const struct own_keys_former *former,
                  struct own_keys_all *out) {
    *out = (struct own_keys_all){.n = 1 + former->n};
    for (size_t i = 0; i < out->n; i++) {
        const struct gf_identity *id = i == 0 ? now : &former->list[i - 1];
        out->ids[i] = id;
        out->seal[i] = id->seal;
        out->cards[i] = &id->card;
        out->us[i] = id->card.identity;
    }
}

void own_keys_former_free(struct own_keys_former *f) {
    for (size_t i = 0; i < f->n; i++)
        gf_identity_free(&f->list[i]);
    *f = (struct own_keys_former){.n = 0};
}
