/*
 * outbox.c -- STATE/outbox against what the store knows: a crash between the two is mended here.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/history.h"
#include "agent/restore.h"
#include "common/log.h"
#include "gapferry/drive.h"

int agent_folder(const struct agent *a, const char *name, struct gf_err *e) {
    char path[sizeof a->state + 32];

    (void)snprintf(path, sizeof path, "%s/%s", a->state, name);
    if (mkdir(path, 0700) == -1 && errno != EEXIST)
        return gf_err_errno(e, "%s: cannot make it", path);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd == -1)
        return gf_err_errno(e, "%s: cannot open it", path);
    return fd;
}

static int ends_in(const char *name, const char *suffix) {
    size_t len = strlen(name), n = strlen(suffix);

    return len > n && strcmp(name + len - n, suffix) == 0;
}

int64_t agent_folder_count(const struct agent *a, const char *name, const char *suffix) {
    char path[sizeof a->state + 32];
    const struct dirent *x;
    int64_t n = 0;

    (void)snprintf(path, sizeof path, "%s/%s", a->state, name);
    DIR *d = opendir(path);
    while (d && (x = readdir(d)) != NULL)
        n += x->d_name[0] != '.' &&
             (suffix ? ends_in(x->d_name, suffix) : !ends_in(x->d_name, ".why"));
    if (d)
        (void)closedir(d);
    return n;
}

/* 1 if it is named like a bundle, or like one that was being written: those are ours to remove. */
static int is_ours(const char *name, struct gf_id *id) {
    size_t len = strlen(name);

    *id = (struct gf_id){0};
    if (name[0] == '.')
        return ends_in(name, ".part");
    return len == GF_ID_TEXT - 1 + 4 && ends_in(name, ".gfb") &&
           gf_text_unhex(name, GF_ID_TEXT - 1, id->b, sizeof id->b) == 0;
}

/* Is this file of a bundle that is, or was, carried? What was withdrawn does not stay. */
static int is_wanted(struct agent *a, const char *name, const struct gf_id *id, struct gf_err *e) {
    struct store_bundle b;

    if (name[0] == '.')
        return 0;
    int known = store_bundle(a->store, id, &b, e);
    return known == 1 ? !b.withdrawn : known;
}

static int remove_strays(struct agent *a, DIR *d, struct gf_err *e) {
    const struct dirent *x;
    struct gf_id id;
    int rc = 0;

    while (rc != -1 && (x = readdir(d)) != NULL) {
        if (!is_ours(x->d_name, &id))
            continue;
        rc = is_wanted(a, x->d_name, &id, e);
        if (rc != 0)
            continue;
        if (x->d_name[0] != '.' && restore_check_stray(a, dirfd(d), x->d_name, e) == -1)
            return -1;
        if (unlinkat(dirfd(d), x->d_name, 0) == -1 && errno != ENOENT)
            return gf_err_errno(e, "%s/outbox/%s: cannot remove it", a->state, x->d_name);
        log_write(LOG_LEVEL_NOTICE, "outbox-removed", {"file", x->d_name, 0},
                  {"why", "no bundle that is carried", 0});
    }
    return rc == -1 ? -1 : 0;
}

/* Only a file that is certainly not there is missing: a disk that cannot be read is another matter.
 */
static int is_missing(int outbox, const char *file) {
    struct stat st;

    return fstatat(outbox, file, &st, AT_SYMLINK_NOFOLLOW) == -1 && errno == ENOENT;
}

static int requeue_lost(struct agent *a, int outbox, int64_t *again, struct gf_err *e) {
    struct store_bundle *list = NULL;
    size_t n = 0;
    int rc = store_unsettled(a->store, &list, &n, e);

    for (size_t i = 0; i < n && rc == 0; i++) {
        int64_t records = 0;

        if (!is_missing(outbox, list[i].file))
            continue;
        rc = store_withdraw(a->store, &list[i].id, a->now, &records, e);
        *again += records;
        if (rc == 0)
            log_write(LOG_LEVEL_WARNING, "bundle-lost", {"file", list[i].file, 0},
                      {"why", "gone from the outbox", 0}, {"queued_again", NULL, records});
    }
    free(list);
    return rc;
}

int agent_outbox_mend(struct agent *a, int outbox, int64_t *again, struct gf_err *e) {
    int fd = openat(outbox, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd == -1 ? NULL : fdopendir(fd);

    if (!d) {
        (void)gf_err_errno(e, "%s/outbox: cannot list it", a->state);
        if (fd != -1)
            (void)close(fd);
        return -1;
    }
    int64_t records = 0;
    int rc = remove_strays(a, d, e);
    (void)closedir(d);
    if (rc == 0)
        rc = history_keep(a, outbox, e);
    if (rc == 0)
        rc = requeue_lost(a, outbox, &records, e);
    if (rc == 0)
        *again = records;
    return rc;
}
