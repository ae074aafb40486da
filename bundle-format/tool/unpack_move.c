/*
 * unpack_move.c -- verified members from the private directory to their place.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tool/tool.h"

/* The i-th of all members; the last is contents.json, so that where it is, all are. */
static const char *path_of(const struct gf_contents *c, size_t i) {
    return i < c->nmembers ? c->members[i].member : gf_contents_names[GF_MEMBER_CONTENTS];
}

static int has_files(const struct gf_contents *c) {
    return c->nmembers > 0 && strncmp(c->members[c->nmembers - 1].member, "files/", 6) == 0;
}

int unpack_beaten(const char *path, struct gf_err *e) {
    return gf_err_set(e, GF_E_CREATE,
                      "%s: another program puts files there at the same time, and unpack never "
                      "overwrites; nothing of this bundle was left there; choose another directory "
                      "with -C",
                      path);
}

int unpack_check(const struct gf_contents *c, int dir, const char *path, struct gf_err *e) {
    struct stat st;

    if (has_files(c) && fstatat(dir, "files", &st, AT_SYMLINK_NOFOLLOW) == 0 &&
        !S_ISDIR(st.st_mode))
        return gf_err_set(e, GF_E_CREATE, "%s/files: is no directory; choose another place with -C",
                          path);
    for (size_t i = 0; i <= c->nmembers; i++) {
        if (fstatat(dir, path_of(c, i), &st, AT_SYMLINK_NOFOLLOW) == 0)
            return gf_err_set(e, GF_E_CREATE,
                              "%s/%s: exists, and unpack never overwrites; choose another "
                              "directory with -C",
                              path, path_of(c, i));
        if (errno != ENOENT)
            return gf_err_errno(e, "%s/%s", path, path_of(c, i));
    }
    return 0;
}

/* Flush a directory; some file systems cannot, and have nothing to flush then. */
static int flush_dir(int dir) {
    return fsync(dir) == 0 || errno == EINVAL || errno == EOPNOTSUPP ? 0 : -1;
}

static int flush_one(int items, const char *path, mode_t mode, struct gf_err *e) {
    int fd = openat(items, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

    if (fd == -1)
        return gf_err_errno(e, "%s: cannot open what was unpacked", path);
    int rc = fchmod(fd, mode) == 0 || errno == EPERM ? fsync(fd) : -1;
    if (rc == -1)
        (void)gf_err_errno(e, "%s: cannot complete it", path);
    (void)close(fd);
    return rc;
}

int unpack_flush(const struct gf_contents *c, int items, mode_t mask, struct gf_err *e) {
    for (size_t i = 0; i <= c->nmembers; i++) {
        if (flush_one(items, path_of(c, i), 0666 & ~mask, e) == -1)
            return -1;
    }
    if (has_files(c)) {
        int fd = openat(items, "files", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd == -1)
            return gf_err_errno(e, "files: cannot open what was unpacked");
        int rc = fchmod(fd, 0777 & ~mask) == 0 || errno == EPERM ? flush_dir(fd) : -1;
        if (rc == -1)
            (void)gf_err_errno(e, "files: cannot complete it");
        (void)close(fd);
        if (rc == -1)
            return -1;
    }
    return flush_dir(items) == 0 ? 0 : gf_err_errno(e, "cannot flush the private directory");
}

/* Rename, never over something. File systems that cannot do both in one step (some FUSE drivers)
 * are asked first; unpack_check() has looked before. */
static int move_one(int from, int to, const char *path) {
    if (renameat2(from, path, to, path, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP)
        return -1;
    if (faccessat(to, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
        errno = EEXIST;
        return -1;
    }
    return renameat(from, path, to, path);
}

/* Make files/ where it is missing, and flush both directories at the end. */
static int flush_place(const struct gf_contents *c, int dir) {
    int rc = 0;

    if (has_files(c)) {
        int fd = openat(dir, "files", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd == -1)
            return -1;
        rc = flush_dir(fd);
        (void)close(fd);
    }
    return rc == 0 ? flush_dir(dir) : -1;
}

int unpack_move(const struct gf_contents *c, int items, int dir, const char *path, mode_t mask,
                struct gf_err *e) {
    int made_files = 0;
    size_t moved = 0;

    if (unpack_check(c, dir, path, e) == -1)
        return -1;
    if (has_files(c)) {
        made_files = mkdirat(dir, "files", 0777 & ~mask) == 0;
        if (!made_files && errno != EEXIST)
            return gf_err_errno(e, "%s/files: cannot make this directory", path);
    }
    for (; moved <= c->nmembers; moved++) {
        if (move_one(items, dir, path_of(c, moved)) == -1) {
            if (errno == EEXIST || errno == ENOENT)
                (void)unpack_beaten(path, e);
            else
                (void)gf_err_errno(e, "%s/%s: cannot give it its name", path, path_of(c, moved));
            goto undo;
        }
    }
    if (flush_place(c, dir) == 0)
        return 0;
    (void)gf_err_errno(e, "%s: cannot flush it", path);

undo:
    while (moved-- > 0)
        (void)unlinkat(dir, path_of(c, moved), 0);
    if (made_files)
        (void)unlinkat(dir, "files", AT_REMOVEDIR);
    return -1;
}
