/*
 * artifacts.c -- the folder of artifacts. A file has its final name only when every byte of it was
 * compared with its manifest and flushed.
 */
#include "relay/updates/artifacts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "relay/files.h"
#include "relay/ledger/ledger_updates.h"

#define FOLDER "artifacts"
#define PATH   (sizeof FOLDER "/.part" + GF_HASH_TEXT)

static void path_of(const struct gf_hash *digest, const char *suffix, char out[PATH]) {
    char hex[GF_HASH_TEXT];

    gf_text_hex(digest->b, sizeof digest->b, hex);
    (void)snprintf(out, PATH, FOLDER "/%s%s", hex, suffix);
}

int artifacts_open(const struct relay *r, const struct gf_hash *digest, int64_t size,
                   struct gf_err *e) {
    char path[PATH];
    struct stat st;

    path_of(digest, "", path);
    int fd = openat(r->state_fd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd == -1 && errno != ENOENT)
        return gf_err_errno(e, "%s/%s", r->state, path);
    if (fd != -1 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == size)
        return fd;
    if (fd != -1)
        (void)close(fd);
    return gf_err_set(e, GF_E_NOINPUT, "%s/%s: is gone, or not as long as it was", r->state, path);
}

int artifacts_begin(const struct relay *r, const struct update_artifact *a, int64_t *have,
                    struct gf_err *e) {
    char path[PATH];
    struct stat st;

    path_of(&a->blake2b, ".part", path);
    int fd = openat(r->state_fd, path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd == -1 || fstat(fd, &st) == -1)
        goto fail;
    if (st.st_size > a->size) {
        if (ftruncate(fd, 0) == -1)
            goto fail;
        st.st_size = 0;
    }
    if (lseek(fd, st.st_size, SEEK_SET) == -1)
        goto fail;
    *have = st.st_size;
    return fd;
fail:
    (void)gf_err_errno(e, "%s/%s", r->state, path);
    if (fd != -1)
        (void)close(fd);
    return -1;
}

void artifacts_discard(const struct relay *r, const struct gf_hash *digest) {
    char path[PATH];

    path_of(digest, ".part", path);
    (void)unlinkat(r->state_fd, path, 0);
}

int artifacts_keep(const struct relay *r, const struct update_artifact *a, int fd,
                   struct gf_err *e) {
    char part[PATH], path[PATH];

    path_of(&a->blake2b, ".part", part);
    path_of(&a->blake2b, "", path);
    if (fsync(fd) == -1 || renameat(r->state_fd, part, r->state_fd, path) == -1)
        return gf_err_errno(e, "%s/%s", r->state, path);
    return files_sync(r, FOLDER, e);
}

int artifacts_accept(const struct relay *r, const struct update_artifact *a, int fd,
                     struct gf_err *e) {
    if (update_check(a, fd, -1, a->name, e) == 0)
        return artifacts_keep(r, a, fd, e);
    if (e->code == GF_E_UPDATE)
        artifacts_discard(r, &a->blake2b);
    return -1;
}

/* 1 if a file of the folder is needed, 0 if not, -1. */
static int is_needed(struct relay *r, const char *name, struct gf_err *e) {
    struct gf_hash digest;

    if (gf_text_unhex(name, strcspn(name, "."), digest.b, sizeof digest.b) == -1)
        return 0;
    return ledger_artifact_is_needed(r->ledger, &digest, r->now, e);
}

int artifacts_prune(struct relay *r, struct gf_err *e) {
    struct files_list list;
    int rc = 0;

    if (ledger_artifacts_forget(r->ledger, r->now, e) == -1 ||
        files_list(r, FOLDER, &list, e) == -1)
        return -1;
    for (size_t i = 0; rc != -1 && i < list.n; i++) {
        char path[300];
        rc = is_needed(r, list.entries[i].name, e);
        (void)snprintf(path, sizeof path, FOLDER "/%s", list.entries[i].name);
        if (rc == 0)
            (void)unlinkat(r->state_fd, path, 0);
    }
    free(list.entries);
    return rc == -1 ? -1 : 0;
}
