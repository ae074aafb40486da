/*
 * sync_out.c -- requests to a drive: every bundle that is not settled, byte for byte as it lies in
 * the outbox; those that the relay has told us it has are taken away.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/history.h"
#include "agent/sync.h"
#include "common/command.h"
#include "common/log.h"
#include "common/progress.h"

/* 1 if a file of this name lies there. */
static int lies_there(struct sync *x, const char *name) {
    int fd = -1;

    if (COMMAND_REACH(gf_drive_read(x->drive, GF_FOLDER_TO_RELAY, name, &fd, NULL)) == -1)
        return 0;
    (void)close(fd);
    return 1;
}

/* Write a bundle to the drive. A file of its name that differs is our own bundle, damaged, for
 * nobody else knows its id: it makes way. */
static int put(struct sync *x, int fd, const char *name, int64_t size, int *was_there,
               struct gf_err *e) {
    if (COMMAND_REACH(gf_drive_write(x->drive, GF_FOLDER_TO_RELAY, name, fd, size, was_there, e)) ==
        0)
        return 0;
    if (e->code != GF_E_CREATE || !lies_there(x, name) ||
        COMMAND_REACH(gf_drive_remove(x->drive, GF_FOLDER_TO_RELAY, name, e)) == -1 ||
        COMMAND_REACH(gf_drive_write(x->drive, GF_FOLDER_TO_RELAY, name, fd, size, was_there, e)) ==
            -1)
        return -1;
    x->r.replaced++;
    return 0;
}

/* 1 if this file is a bundle of ours that was settled; 0 if not, -1. */
static int find_settled(struct sync *x, const char *name, struct store_bundle *b,
                        struct gf_err *e) {
    struct gf_id id;

    if (strlen(name) != 2 * sizeof id.b + strlen(".gfb") ||
        gf_text_unhex(name, 2 * sizeof id.b, id.b, sizeof id.b) == -1)
        return 0;
    int known = store_bundle(x->a->store, &id, b, e);
    return known == 1 ? b->settled : known;
}

/* A settled one that lies there still. One that carried only `have` is settled by being written, so
 * that it has to stay for the relay, and to stay whole: the relay leaves a damaged one where it is.
 * What is not kept any more cannot be mended. */
static void tidy_one(struct sync *x, const struct store_bundle *b) {
    const char *place;
    struct gf_err e;
    struct stat st;
    int was_there;

    if (b->records > 0 || b->withdrawn) {
        if (COMMAND_REACH(gf_drive_remove(x->drive, GF_FOLDER_TO_RELAY, b->file, &e)) == -1)
            sync_drive_trouble(x, NULL, &e);
        else
            x->r.removed++;
        return;
    }
    int fd = history_open(x->a, &b->id, &place, NULL);
    if (fd == -1)
        return;
    if (fstat(fd, &st) == 0 && put(x, fd, b->file, (int64_t)st.st_size, &was_there, &e) == -1)
        sync_drive_trouble(x, NULL, &e);
    (void)close(fd);
}

/* First of all, for it makes room. */
static void tidy(struct sync *x) {
    struct gf_drive_list list = {0};
    struct store_bundle b;
    struct gf_err e;

    if (COMMAND_REACH(gf_drive_scan(x->drive, GF_FOLDER_TO_RELAY, 0, &list, &e)) == -1) {
        sync_drive_trouble(x, NULL, &e);
        return;
    }
    for (size_t i = 0; i < list.n; i++) {
        int settled = find_settled(x, list.entries[i].name, &b, &e);

        if (settled == -1) {
            sync_trouble(x, NULL, &e);
            break;
        }
        if (settled)
            tidy_one(x, &b);
    }
    gf_drive_list_free(&list);
}

/* That it left, and with what; one that lay there already has left before. */
static int note_written(struct sync *x, const struct store_bundle *b, int was_there,
                        struct gf_err *e) {
    struct history_line h;

    if (store_written(x->a->store, &b->id, x->a->now, e) == -1)
        return -1;
    if (was_there)
        return 0;
    history_begin(&h, x->a, "left");
    history_id(&h, "bundle", &b->id);
    history_hash(&h, "digest", &b->digest);
    history_hash(&h, "to", &b->relay);
    history_number(&h, "records", b->records);
    history_text(&h, "courier", "drive");
    history_text(&h, "place", x->o->dir);
    return history_end(&h, x->a, e);
}

/* 0, or -1 with *e: the outbox's failure is ours, the drive's is the drive's. */
static int write_one(struct sync *x, int outbox, const struct store_bundle *b, int64_t size) {
    struct gf_err e;
    int was_there = 0;

    int fd = openat(outbox, b->file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd == -1) {
        (void)gf_err_errno(&e, "%s/outbox/%s", x->a->state, b->file);
        sync_trouble(x, NULL, &e);
        return -1;
    }
    int rc = put(x, fd, b->file, size, &was_there, &e);
    (void)close(fd);
    if (rc == -1) {
        sync_drive_trouble(x, NULL, &e);
        return -1;
    }
    if (store_begin(x->a->store, &e) == -1 ||
        store_end(x->a->store, note_written(x, b, was_there, &e), &e) == -1) {
        sync_trouble(x, NULL, &e);
        return -1;
    }
    x->r.written += !was_there;
    x->r.there += was_there;
    x->r.records += b->records;
    x->r.told += !was_there && b->records == 0;
    log_write(LOG_LEVEL_INFO, "bundle-written", {"file", b->file, 0}, {"records", NULL, b->records},
              {"was_there", was_there ? "yes" : "no", 0});
    return 0;
}

static int64_t size_of(int outbox, const char *file) {
    struct stat st;

    return fstatat(outbox, file, &st, AT_SYMLINK_NOFOLLOW) == 0 ? (int64_t)st.st_size : 0;
}

/* A bundle that does not fit does not hold back a smaller one; a drive that fails does. */
static void write_all(struct sync *x, int outbox, const struct store_bundle *list, size_t n) {
    int64_t total = 0;
    int64_t done = 0;

    for (size_t i = 0; i < n; i++)
        total += size_of(outbox, list[i].file);
    struct progress *bar = progress_new("writing", total);
    for (size_t i = 0; i < n; i++) {
        int64_t size = size_of(outbox, list[i].file);

        if (!x->r.safe || write_one(x, outbox, &list[i], size) == -1)
            x->r.cut++;
        done += size;
        progress_at(bar, done);
    }
    progress_free(bar);
}

void sync_out(struct sync *x) {
    struct store_bundle *list = NULL;
    int outbox = -1;
    struct gf_err e;
    size_t n = 0;

    if (!x->r.read_only) {
        outbox = agent_folder(x->a, "outbox", &e);
        if (outbox == -1)
            sync_trouble(x, NULL, &e);
        tidy(x);
    }
    if (store_unsettled(x->a->store, &list, &n, &e) == -1)
        sync_trouble(x, NULL, &e);
    else if (outbox != -1)
        write_all(x, outbox, list, n);
    else
        x->r.cut = (int64_t)n;
    if (x->r.read_only && n > 0)
        x->r.status = command_graver(x->r.status, GF_EXIT_AWAITED);
    if (outbox != -1)
        (void)close(outbox);
    free(list);
}
