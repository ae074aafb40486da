/*
 * files.c -- the folders of the state directory.
 */
#include "relay/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/log.h"
#include "gapferry/bundle.h"
#include "gapferry/digest.h"
#include "gapferry/file.h"

const char *const files_folders[] = {"incoming", "uploads",   "pending", "quarantine", "work",
                                     "files",    "artifacts", "outbox",  "brought",    NULL};

int files_make(int state, struct gf_err *e) {
    for (size_t i = 0; files_folders[i] != NULL; i++) {
        if (mkdirat(state, files_folders[i], 0700) == -1 && errno != EEXIST)
            return gf_err_errno(e, "cannot make the folder %s", files_folders[i]);
    }
    return 0;
}

/* ---- looking ---- */

static DIR *open_folder(int at, const char *folder) {
    int fd = openat(at, folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *d = fd == -1 ? NULL : fdopendir(fd);

    if (d == NULL && fd != -1)
        (void)close(fd);
    return d;
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const struct files_entry *)a)->name, ((const struct files_entry *)b)->name);
}

static int add(struct files_list *l, const char *name, int64_t size) {
    if ((l->n & (l->n - 1)) == 0) {
        struct files_entry *more =
            realloc(l->entries, (l->n == 0 ? 1 : 2 * l->n) * sizeof *l->entries);
        if (more == NULL)
            return -1;
        l->entries = more;
    }
    (void)snprintf(l->entries[l->n].name, sizeof l->entries->name, "%s", name);
    l->entries[l->n].size = size;
    l->n++;
    l->total += size;
    return 0;
}

int files_list(const struct relay *r, const char *folder, struct files_list *out,
               struct gf_err *e) {
    struct files_list l = {0};
    struct stat st;

    DIR *d = open_folder(r->state_fd, folder);
    if (d == NULL)
        return gf_err_errno(e, "%s/%s", r->state, folder);
    for (struct dirent *x = NULL; (x = readdir(d)) != NULL;) {
        if (x->d_name[0] == '.' || fstatat(dirfd(d), x->d_name, &st, AT_SYMLINK_NOFOLLOW) == -1 ||
            !S_ISREG(st.st_mode))
            continue;
        if (add(&l, x->d_name, (int64_t)st.st_size) == -1) {
            (void)closedir(d);
            free(l.entries);
            return gf_err_set(e, GF_E_SYSTEM, "no memory to list %s/%s", r->state, folder);
        }
    }
    (void)closedir(d);
    if (l.n > 1)
        qsort(l.entries, l.n, sizeof *l.entries, by_name);
    *out = l;
    return 0;
}

int files_sender(const struct relay *r, const char *folder, const char *name, struct gf_hash *out) {
    struct gf_route route;
    struct gf_err ignored;
    char path[300];

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    int fd = openat(r->state_fd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    int rc = fd == -1 ? -1 : gf_bundle_route(fd, &route, &ignored);
    if (fd != -1)
        (void)close(fd);
    if (rc == 0)
        *out = route.from;
    return rc == 0;
}

/* A directory of work/, as unpacking leaves it. */
static void remove_work(int work, const char *name) {
    int dir = openat(work, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (dir == -1) {
        (void)unlinkat(work, name, 0);
        return;
    }
    gf_bundle_items_remove(dir);
    (void)close(dir);
    (void)unlinkat(work, name, AT_REMOVEDIR);
}

int files_tidy(const struct relay *r, struct gf_err *e) {
    if (files_make(r->state_fd, e) == -1)
        return gf_err_prefix(e, "%s", r->state);
    for (size_t i = 0; files_folders[i] != NULL; i++) {
        int is_work = strcmp(files_folders[i], "work") == 0;
        DIR *d = open_folder(r->state_fd, files_folders[i]);
        if (d == NULL)
            return gf_err_errno(e, "%s/%s", r->state, files_folders[i]);
        for (struct dirent *x = NULL; (x = readdir(d)) != NULL;) {
            if (strcmp(x->d_name, ".") == 0 || strcmp(x->d_name, "..") == 0)
                continue;
            if (is_work)
                remove_work(dirfd(d), x->d_name);
            else if (x->d_name[0] == '.')
                (void)unlinkat(dirfd(d), x->d_name, 0);
        }
        (void)closedir(d);
    }
    return 0;
}

/* ---- names and room ---- */

void files_name(const struct gf_hash *digest, char out[FILES_NAME]) {
    gf_text_hex(digest->b, 16, out);
    memcpy(out + 32, ".gfb", sizeof ".gfb");
}

int files_name_of(int fd, char out[FILES_NAME], struct gf_err *e) {
    struct gf_hash digest;
    char *head = malloc(GF_HEAD_MAX);

    if (head == NULL)
        return gf_err_set(e, GF_E_SYSTEM, "no memory to name a bundle");
    ssize_t n = gf_file_read_at(fd, head, GF_HEAD_MAX, 0);
    if (n == -1) {
        free(head);
        return gf_err_errno(e, "cannot read it");
    }
    gf_digest_256(head, (size_t)n, &digest);
    free(head);
    files_name(&digest, out);
    return 0;
}

int files_has(const struct relay *r, const char *folder, const char *name) {
    char path[300];
    struct stat st;

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    return fstatat(r->state_fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Bytes beyond those that are kept free; negative: so many of these are filled. */
static int64_t beyond_reserve(const struct relay *r) {
    struct statvfs v;

    if (fstatvfs(r->state_fd, &v) == -1 || v.f_frsize == 0 || v.f_blocks == 0 ||
        v.f_bavail > (fsblkcnt_t)(INT64_MAX / (int64_t)v.f_frsize))
        return INT64_MAX;
    int64_t reserve = FILES_RESERVE;
    struct gf_err ignored;
    if (r->config != NULL &&
        config_size(r->config, "relay", NULL, "keep_free", &reserve, &ignored) == -1)
        reserve = FILES_RESERVE;
    return (int64_t)v.f_bavail * (int64_t)v.f_frsize - reserve;
}

int64_t files_room(const struct relay *r) {
    int64_t room = beyond_reserve(r);

    return room > 0 ? room : 0;
}

int files_need(const struct relay *r, int64_t size, struct gf_err *e) {
    int64_t room = beyond_reserve(r);

    if (room >= size)
        return 0;
    return gf_err_set(
        e, GF_E_CREATE,
        "%s: %lld MiB more are needed on this disk, of which some is kept free (keep_free); "
        "make room and run sync again",
        r->state, (long long)(size - room) / (1 << 20) + 1);
}

/* ---- copies and moves ---- */

static int copy(int fd, int64_t size, int to, struct gf_err *e) {
    char block[65536];

    for (int64_t at = 0; at < size;) {
        size_t want = size - at < (int64_t)sizeof block ? (size_t)(size - at) : sizeof block;
        ssize_t n = gf_file_read_at(fd, block, want, at);
        if (n == -1)
            return gf_err_errno(e, "cannot read it");
        if (n == 0)
            return 0;
        if (gf_file_write(to, block, (size_t)n) == -1)
            return gf_err_errno(e, "cannot copy it");
        at += n;
    }
    return 0;
}

/* Listing the folder for each file would make many files cost the square of their number. */
static int count(const struct relay *r, const char *folder, struct files_quota *q,
                 struct gf_err *e) {
    struct files_list have;

    if (q->known)
        return 0;
    if (files_list(r, folder, &have, e) == -1)
        return -1;
    free(have.entries);
    *q = (struct files_quota){1, have.n, have.total};
    return 0;
}

int files_keep(const struct relay *r, struct files_quota *q, const struct files_copy *c,
               struct gf_err *e) {
    char path[300];
    struct gf_out o;
    int rc = -1;

    if (files_has(r, c->folder, c->name))
        return 1;
    if (count(r, c->folder, q, e) == -1)
        return -1;
    if (c->size > FILES_COPY_MAX || q->total + c->size > FILES_QUOTA_MAX || q->n >= FILES_KEEP_MAX)
        return 0;
    if (files_need(r, c->size, e) == -1)
        return -1;
    (void)snprintf(path, sizeof path, "%s/%s", c->folder, c->name);
    if (gf_out_open(&o, r->state_fd, path, e) == -1)
        return -1;
    if (copy(c->fd, c->size, o.fd, e) == 0 && gf_out_commit(&o, 0600, 1, e) == 0) {
        rc = 1;
        q->n++;
        q->total += c->size;
    }
    gf_out_close(&o);
    return rc;
}

/* A file of quarantine/ and when it came. */
struct aged {
    const char *name;
    int64_t at, size;
};

static int by_age(const void *a, const void *b) {
    const int64_t x = ((const struct aged *)a)->at, y = ((const struct aged *)b)->at;

    return x < y ? -1 : x > y;
}

int files_trim(const struct relay *r, struct gf_err *e) {
    struct files_list list = {0};
    struct aged *aged = NULL;
    size_t gone = 0;
    int rc = -1;

    if (files_list(r, "quarantine", &list, e) == -1)
        return -1;
    if (list.n <= FILES_QUARANTINE_MAX && list.total <= FILES_QUARANTINE_SIZE) {
        rc = 0;
        goto out;
    }
    aged = calloc(list.n, sizeof *aged);
    if (aged == NULL) {
        (void)gf_err_set(e, GF_E_SYSTEM, "no memory for the files of quarantine");
        goto out;
    }
    for (size_t i = 0; i < list.n; i++) {
        char path[300];
        struct stat st = {0};
        (void)snprintf(path, sizeof path, "quarantine/%s", list.entries[i].name);
        (void)fstatat(r->state_fd, path, &st, AT_SYMLINK_NOFOLLOW);
        aged[i] = (struct aged){list.entries[i].name, (int64_t)st.st_mtime, list.entries[i].size};
    }
    qsort(aged, list.n, sizeof *aged, by_age);
    for (int64_t total = list.total;
         list.n - gone > FILES_QUARANTINE_MAX || total > FILES_QUARANTINE_SIZE;
         total -= aged[gone++].size) {
        char path[300];
        (void)snprintf(path, sizeof path, "quarantine/%s", aged[gone].name);
        (void)unlinkat(r->state_fd, path, 0);
    }
    log_write(LOG_LEVEL_WARNING, "quarantine-trimmed", {"removed", NULL, (int64_t)gone},
              {"why", "more than are kept; the oldest went", 0});
    rc = 0;
out:
    free(aged);
    free(list.entries);
    return rc;
}

int files_sync(const struct relay *r, const char *folder, struct gf_err *e) {
    int fd = openat(r->state_fd, folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int rc = fd == -1 || fsync(fd) == -1 ? gf_err_errno(e, "%s/%s", r->state, folder) : 0;

    if (fd != -1)
        (void)close(fd);
    return rc;
}

int files_why(const struct relay *r, const char *name, const char *why, struct gf_err *e) {
    char path[300];
    char at[GF_TIME_TEXT];
    struct gf_out o;
    int rc = -1;

    gf_text_time(r->now, at);
    (void)snprintf(path, sizeof path, "quarantine/%s.why", name);
    if (gf_out_open(&o, r->state_fd, path, e) == -1)
        return -1;
    if (dprintf(o.fd, "%s %s\n", at, why) < 0)
        (void)gf_err_errno(e, "%s/%s", r->state, path);
    else
        rc = gf_out_commit(&o, 0600, 1, e);
    gf_out_close(&o);
    return rc;
}

int files_quarantine(const struct relay *r, const char *folder, const char *name, const char *why,
                     struct gf_err *e) {
    char from[300];
    char to[300];

    if (files_why(r, name, why, e) == -1)
        return -1;
    (void)snprintf(from, sizeof from, "%s/%s", folder, name);
    (void)snprintf(to, sizeof to, "quarantine/%s", name);
    if (renameat(r->state_fd, from, r->state_fd, to) == -1)
        return gf_err_errno(e, "%s/%s: cannot move it to quarantine", r->state, from);
    return files_sync(r, "quarantine", e);
}
