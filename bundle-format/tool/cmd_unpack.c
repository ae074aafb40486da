/*
 * cmd_unpack.c -- `unpack`: verify a bundle, decrypt it, and lay its members into a directory: all
 * of them or none.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/progress.h"
#include "gapferry/digest.h"
#include "gapferry/file.h"
#include "tool/places.h"
#include "tool/tool.h"

static const struct option_spec specs[] = {
    {"identity", 'i', "DIR", "who we are: the addressee or a reader; a directory made by keygen"},
    {"from", 'f', "CARD...",
     "a sender you trust: its card, or the directory of its identity; may be repeated"},
    {"directory", 'C', "DIR", "where the members go; is made if missing. Nothing is overwritten"},
    {"at", 0, "TIME",
     "judge expiry at this time instead of now: 2030-01-31 or 2030-01-31T12:00:00Z"},
    {"threads", 0, "N", "cores to use, 1 to 64; all, but at most 4, if not given"},
    COMMAND_OPTION_JSON,
    COMMAND_OPTION_HELP,
    COMMAND_OPTION_END,
};

/*
 * Everything happens in a private directory: inside DIR, or beside it where DIR does not exist yet.
 * It holds the copy of the bundle (a file without a name) and the directory `items`.
 */
struct unpack {
    const struct options *o;
    const char *path;      /* the bundle */
    const char *directory; /* as the user calls it */
    mode_t mask;
    int fd; /* the bundle */
    int threads;
    struct gf_identity identity;
    struct tool_cards from;
    struct gf_check check;
    struct gf_head head;
    int has_head;
    int dir;               /* DIR; -1: it does not exist yet */
    int parent;            /* where the private directory stands */
    char target[256];      /* name of DIR in it, where it does not exist yet */
    char private_name[32]; /* "": there is none */
    int private_dir;
    int items;
    struct guard *guard;
    struct gf_contents contents;
};

/* Remove the private directory with all in it. Other threads may still be writing there when a
 * signal ends us, so try again until it is gone. */
static void undo(void *arg) {
    struct unpack *u = arg;

    for (int tries = 0; tries < 200 && u->private_name[0]; tries++) {
        if (u->items != -1)
            gf_bundle_items_remove(u->items);
        if (u->private_dir != -1)
            (void)unlinkat(u->private_dir, "items", AT_REMOVEDIR);
        if (unlinkat(u->parent, u->private_name, AT_REMOVEDIR) == 0 || errno == ENOENT)
            u->private_name[0] = '\0';
        else
            (void)usleep(5000);
    }
}

static int read_options(struct unpack *u, struct gf_err *e) {
    const char *at = options_value(u->o, "at");

    if (tool_one_arg(u->o, "FILE", &u->path, e) == -1 ||
        tool_need(u->o, "identity", "the directory with our keys", e) == -1 ||
        tool_need(u->o, "from", "the card of a sender you trust", e) == -1 ||
        tool_need(u->o, "directory", "where the members go", e) == -1 ||
        tool_number(u->o, "threads", 64, &u->threads, e) == -1)
        return -1;
    u->directory = options_value(u->o, "directory");
    u->check.has_now = 1;
    u->check.now = tool_now();
    if (at && tool_time(at, "at", -1, &u->check.now, e) == -1)
        return -1;

    /* What we make has the modes that the user's umask leaves, as with other tools. */
    u->mask = umask(077);
    (void)umask(u->mask);
    return 0;
}

/* Step 1, first half: the head of the bundle. */
static int read_head(struct unpack *u, struct gf_err *e) {
    struct stat st;

    if (places_identity(options_value(u->o, "identity"), &u->identity, e) == -1 ||
        tool_cards(u->o, "from", &u->from, e) == -1)
        return -1;
    u->fd = tool_open(u->path, 1, &st, e);
    if (u->fd == -1)
        return -1;
    u->check.trusted = u->from.refs;
    u->check.ntrusted = u->from.n;
    u->check.us = &u->identity.card.identity;
    u->check.nus = 1;
    u->check.readers_too = 1;
    if (gf_bundle_head(u->fd, &u->check, &u->head, e) == -1)
        return gf_err_prefix(e, "%s", u->path);
    u->has_head = 1;
    return tool_card_at(u->head.sender, "the sender's card", u->check.now, e);
}

/* DIR, or the directory in which it will be made. */
static int open_place(struct unpack *u, struct gf_err *e) {
    char path[4096];
    size_t len = strlen(u->directory);

    u->dir = open(u->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (u->dir != -1) {
        u->parent = u->dir;
        return 0;
    }
    if (errno == ENOTDIR)
        return gf_err_set(e, GF_E_CREATE, "%s: is no directory", u->directory);
    if (errno != ENOENT)
        return gf_err_errno(e, "%s", u->directory);
    while (len > 1 && u->directory[len - 1] == '/')
        len--;
    if (snprintf(path, sizeof path, "%.*s", (int)len, u->directory) >= (int)sizeof path)
        return gf_err_set(e, GF_E_USAGE, "%s: this path is too long", u->directory);
    return gf_file_split(AT_FDCWD, path, &u->parent, u->target, e);
}

static int make_private(struct unpack *u, struct gf_err *e) {
    uint8_t random[8];
    char name[sizeof u->private_name];
    char digits[2 * sizeof random + 1];

    if (open_place(u, e) == -1)
        return places_output(e);
    if (guard_new(undo, u, &u->guard, e) == -1)
        return -1;
    places_tidy(u->parent, tool_now());
    gf_digest_random(random, sizeof random);
    gf_text_hex(random, sizeof random, digits);
    (void)snprintf(name, sizeof name, ".gapferry-%s", digits);

    guard_hold(u->guard);
    int rc = mkdirat(u->parent, name, 0700);
    if (rc == 0) {
        memcpy(u->private_name, name, sizeof name);
        u->private_dir = openat(u->parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (u->private_dir == -1 || mkdirat(u->private_dir, "items", 0700) == -1)
            rc = -1;
        else
            u->items =
                openat(u->private_dir, "items", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    }
    if (rc == -1 || u->items == -1) {
        (void)gf_err_errno(e, "%s: cannot make a private directory there", u->directory);
        rc = places_output(e);
    }
    guard_release(u->guard);
    return rc;
}

/* Bytes free where we write; a large number where that cannot be known. */
static int64_t room_left(const struct unpack *u) {
    struct statvfs v;

    if (fstatvfs(u->private_dir, &v) == -1 || v.f_frsize == 0 || v.f_blocks == 0)
        return INT64_MAX;
    if (v.f_bavail > (fsblkcnt_t)(INT64_MAX / (int64_t)v.f_frsize))
        return INT64_MAX;
    return (int64_t)v.f_bavail * (int64_t)v.f_frsize;
}

static int need_room(const struct unpack *u, struct gf_err *e) {
    char need[PROGRESS_BYTES_TEXT];
    char have[PROGRESS_BYTES_TEXT];

    if (room_left(u) >= u->head.bundle_size)
        return 0;
    progress_bytes(u->head.bundle_size, need);
    progress_bytes(room_left(u), have);
    return gf_err_set(e, GF_E_CREATE,
                      "%s: %s are free, and more than %s are needed; make room, or choose another "
                      "place with -C",
                      u->directory, have, need);
}

/* Step 1, second half, and steps 2 and 3: everything into the private directory. */
static int open_bundle(struct unpack *u, struct gf_err *e) {
    const struct gf_seal_key *keys[] = {u->identity.seal};
    struct gf_items_options items = {.check_lines = 1, .threads = u->threads};

    if (need_room(u, e) == -1)
        return -1;
    int copy = gf_file_unnamed(u->private_dir, e);
    if (copy == -1)
        return gf_err_prefix(e, "%s", u->directory);
    struct progress *bar = progress_new("verifying", u->head.bundle_size);
    int rc = gf_bundle_copy(u->fd, &u->head, copy, progress_at, bar, e);
    progress_free(bar);

    int64_t room = room_left(u);
    if (rc == 0) {
        bar = progress_new("unpacking", 0);
        items.room = room >= GF_ARCHIVE_MAX ? 0 : room > 0 ? room : 1;
        items.progress = progress_at;
        items.arg = bar;
        rc = gf_bundle_open(copy, &u->head, keys, 1, &items, u->items, &u->contents, e);
        progress_free(bar);
    }
    (void)close(copy);
    if (rc == 0)
        return 0;
    const struct gf_err was = *e;
    if (e->code == GF_E_CREATE)
        return gf_err_set(e, GF_E_CREATE, "%s: %s; make room, or choose another place with -C",
                          u->directory, was.text);
    return gf_err_prefix(e, "%s", u->path);
}

/* From here on it is short: nothing is left to be checked or read. A signal waits. */
static int give_names(struct unpack *u, struct gf_err *e) {
    int rc = -1;

    if (unpack_flush(&u->contents, u->items, u->mask, e) == -1)
        return gf_err_prefix(e, "%s", u->directory);
    guard_hold(u->guard);
    if (u->dir != -1) {
        rc = unpack_move(&u->contents, u->items, u->dir, u->directory, u->mask, e);
    } else {
        (void)fchmod(u->items, 0777 & ~u->mask);
        rc = renameat2(u->private_dir, "items", u->parent, u->target, RENAME_NOREPLACE);
        if (rc == -1 && (errno == EINVAL || errno == ENOSYS))
            rc = renameat(u->private_dir, "items", u->parent, u->target);
        if (rc == -1) {
            if (errno == EEXIST || errno == ENOTEMPTY)
                (void)unpack_beaten(u->directory, e);
            else
                (void)gf_err_errno(e, "%s: cannot give it its name", u->directory);
        } else {
            /* It is no longer ours to remove. */
            (void)close(u->items);
            u->items = -1;
            (void)fsync(u->parent);
        }
    }
    guard_release(u->guard);
    return rc;
}

static int print(const struct unpack *u, struct gf_err *e) {
    struct gf_contents_member *m = u->contents.members;
    struct tool_out t;

    tool_out_begin(&t, u->o, "");
    tool_out_foreign(&t, "bundle", "file", u->path);
    tool_out_foreign(&t, "into", "directory", u->directory);
    tool_out_text(&t, "opened as", "as", u->head.is_reader ? "reader" : "addressee");
    tool_out_card(&t, "sender", "sender", u->head.sender);
    if (t.o.json) {
        tool_out_header(&t, &u->head.header);
    } else {
        tool_out_hex(&t, "id", NULL, u->head.header.id.b, sizeof u->head.header.id.b);
        tool_out_text(&t, "kind", NULL, gf_header_kinds[u->head.header.kind]);
    }
    tool_out_members(&t, m, u->contents.nmembers);
    if (tool_out_end(&t, e) == -1)
        return places_done(u->directory, e);
    tool_next("look at contents.json there: it has the real names of the files");
    return 0;
}

static void release(struct unpack *u) {
    if (u->guard) {
        guard_hold(u->guard);
        undo(u);
        guard_release(u->guard);
    }
    guard_free(u->guard);
    if (u->items != -1)
        (void)close(u->items);
    if (u->private_dir != -1)
        (void)close(u->private_dir);
    if (u->parent != -1 && u->parent != u->dir)
        (void)close(u->parent);
    if (u->dir != -1)
        (void)close(u->dir);
    if (u->fd != -1)
        (void)close(u->fd);
    if (u->has_head)
        gf_head_free(&u->head);
    gf_contents_free(&u->contents);
    tool_cards_free(&u->from);
    gf_identity_free(&u->identity);
}

static int run(const struct options *o, struct gf_err *e) {
    struct unpack u = {.o = o, .fd = -1, .dir = -1, .parent = -1, .private_dir = -1, .items = -1};

    int rc = read_options(&u, e);
    if (rc == 0)
        rc = read_head(&u, e);
    if (rc == 0)
        rc = make_private(&u, e);
    if (rc == 0)
        rc = open_bundle(&u, e);
    if (rc == 0)
        rc = give_names(&u, e);
    if (rc == 0)
        rc = print(&u, e);
    release(&u);
    return rc;
}

const struct tool_command cmd_unpack = {
    "unpack",
    "--identity DIR --from CARD -C DIR [OPTION]... FILE",
    "verify a bundle and lay out what is in it",
    "Verify a bundle, decrypt it as its addressee or as one of its readers, check everything in "
    "it, "
    "and only then lay it into DIR: contents.json, lines (records.jsonl, or receipts, answers, "
    "refusals, notices) and files/. All or nothing: a failure leaves no file behind.",
    specs,
    "Example:\n  gapferry-bundle unpack -i keys/relay-1 -f cards/site-a.card a.gfb -C out\n",
    run,
};
