/*
 * drive.c -- open a drive, stay on it, and say in plain words what is wrong with it.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "drive/drive_internal.h"
#include "gapferry/limits.h"

#define HOME "GAPFERRY"

/* Device, type, size and links; the mount, where the kernel knows it (5.8). */
#define LOOK_MASK (STATX_BASIC_STATS | STATX_MNT_ID)

const char *const gf_drive_folders[] = {"to-relay", "to-site", "cards", NULL};

static int sys_openat2(int dir, const char *name, const struct open_how *how) {
    return (int)syscall(SYS_openat2, dir, name, how, sizeof(*how));
}

static int sys_openat(int dir, const char *name, int flags, mode_t mode) {
    return openat(dir, name, flags, mode);
}

static int sys_fadvise(int fd, off_t from, off_t len, int advice) {
    int err = posix_fadvise(fd, from, len, advice);

    if (err == 0)
        return 0;
    errno = err;
    return -1;
}

const struct gf_drive_sys gf_drive_kernel = {
    .openat2 = sys_openat2,
    .openat = sys_openat,
    .close = close,
    .statx = statx,
    .statvfs = fstatvfs,
    .mkdirat = mkdirat,
    .fallocate = fallocate,
    .write = write,
    .pread = pread,
    .fsync = fsync,
    .syncfs = syncfs,
    .fadvise = sys_fadvise,
    .renameat2 = renameat2,
    .unlinkat = unlinkat,
};

/* 1 if this is how a drive fails that is no longer there, or soon will not be. */
static int is_gone(int err) {
    return err == EIO || err == ENODEV || err == ENXIO || err == ENOMEDIUM || err == ESTALE ||
           err == ENOTCONN || err == ESHUTDOWN;
}

/* The text of errno after "WHAT: WORDS", under the code that the situation calls for. */
static int explain(struct gf_err *e, enum gf_code code, const char *what, const char *words) {
    (void)gf_err_errno(e, "%s: %s", what, words);
    if (e != NULL)
        e->code = code;
    return -1;
}

/* The explanations that reading and writing have in common; 1 if there was one. */
static int explain_both(struct gf_err *e, int err, const char *what) {
    if (is_gone(err)) {
        (void)explain(e, GF_E_SYSTEM, what,
                      "the drive was pulled out or is failing: put it back and run this again");
        return 1;
    }
    if (err == ELOOP || err == EXDEV || err == ENOTDIR) {
        (void)explain(e, GF_E_DRIVE, what,
                      "a link, a file or another file system is in the way, and none is followed: "
                      "look at it, and remove or rename it");
        return 1;
    }
    return 0;
}

int gf_drive_unread(struct gf_err *e, const char *fmt, ...) {
    int err = errno;
    char what[GF_ERR_TEXT];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(what, sizeof(what), fmt, ap);
    va_end(ap);
    errno = err;

    if (explain_both(e, err, what))
        return -1;
    if (err == EACCES || err == EPERM)
        return explain(e, GF_E_NOINPUT, what,
                       "this user may not read it: run this as root (sudo), or mount the drive for "
                       "this user");
    return gf_err_errno(e, "%s", what);
}

int gf_drive_unwritten(struct gf_err *e, const char *fmt, ...) {
    int err = errno;
    char what[GF_ERR_TEXT];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(what, sizeof(what), fmt, ap);
    va_end(ap);
    errno = err;

    if (explain_both(e, err, what))
        return -1;
    switch (err) {
    case ENOSPC:
    case EDQUOT:
        return explain(e, GF_E_CREATE, what,
                       "the drive is full: remove something from it, or take another");
    case EROFS:
        return explain(e, GF_E_CREATE, what,
                       "the drive cannot be written: turn its lock off, mount it for writing, or "
                       "take another");
    case EACCES:
        return explain(e, GF_E_CREATE, what,
                       "this user may not write there: run this as root (sudo), or mount the drive "
                       "for this user");
    /* FAT and exFAT drivers give these for a damaged directory or a name that they do not take,
     * and any file system does for a directory that was removed; "no such file" helps nobody who
     * is making one. */
    case ENOENT:
    case EINVAL:
    case EPERM:
    case ENAMETOOLONG:
        return explain(e, GF_E_CREATE, what,
                       "the drive's file system refuses the file: put the drive back if it was "
                       "pulled out, else check it for errors or take another");
    default:
        return gf_err_errno(e, "%s", what);
    }
}

int gf_drive_look(const struct gf_drive *d, int dir, const char *name, struct statx *st) {
    int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | (*name == '\0' ? AT_EMPTY_PATH : 0);

    memset(st, 0, sizeof(*st));
    return d->sys->statx(dir, name, flags, LOOK_MASK, st);
}

int gf_drive_is_file(const struct statx *st) {
    /* A second name may stand for a file that is none of the drive's business; FAT and exFAT have
     * no hard links, so nothing honest is lost. */
    return S_ISREG(st->stx_mode) && st->stx_nlink <= 1 &&
           (st->stx_attributes & STATX_ATTR_MOUNT_ROOT) == 0;
}

static int is_same_device(const struct statx *a, const struct statx *b) {
    return a->stx_dev_major == b->stx_dev_major && a->stx_dev_minor == b->stx_dev_minor;
}

/* openat2() for kernels that lack it: a single component, no link, and the same device. */
static int beneath_by_hand(const struct gf_drive *d, int dir, const char *name, int flags,
                           mode_t mode) {
    struct statx st;
    int err = 0;
    int fd = -1;

    do
        fd = d->sys->openat(dir, name, flags, mode);
    while (fd == -1 && errno == EINTR);
    if (fd == -1 || (flags & O_EXCL) != 0) /* what is new is where its directory is */
        return fd;

    if (gf_drive_look(d, fd, "", &st) == -1)
        err = errno;
    else if (!is_same_device(&st, &d->is))
        err = EXDEV;
    if (err == 0)
        return fd;
    (void)d->sys->close(fd);
    errno = err;
    return -1;
}

int gf_drive_beneath(const struct gf_drive *d, int dir, const char *name, int flags, mode_t mode) {
    struct open_how how = {0};
    int fd = -1;

    flags |= O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    how.flags = (unsigned)flags;
    how.mode = mode;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV;
    do
        fd = d->sys->openat2(dir, name, &how);
    while (fd == -1 && errno == EINTR);

    /* EPERM is what a filter of system calls from before openat2() may say to it. */
    if (fd == -1 && (errno == ENOSYS || errno == EPERM))
        return beneath_by_hand(d, dir, name, flags, mode);
    return fd;
}

int gf_drive_flush(const struct gf_drive *d, int dir) {
    if (d->sys->fsync(dir) == 0 || errno == EINVAL || errno == EOPNOTSUPP)
        return 0;
    return -1;
}

const char *gf_drive_ending(enum gf_folder folder) {
    return folder == GF_FOLDER_CARDS ? ".card" : ".gfb";
}

int64_t gf_drive_size_max(enum gf_folder folder) {
    return folder == GF_FOLDER_CARDS ? GF_CARD_FILE_MAX : GF_BUNDLE_MAX;
}

int gf_drive_is_name(const char *name, const char *ending) {
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");

    return n >= 1 && n <= 48 && strcmp(name + n, ending) == 0;
}

/* The drive must still be the one that was opened: another one under the same path would get what
 * was decided by looking at the first. */
static int check_still_there(const struct gf_drive *d, struct gf_err *e) {
    struct statx now;

    memset(&now, 0, sizeof(now));
    if (d->sys->statx(AT_FDCWD, d->real, 0, LOOK_MASK, &now) == -1)
        return explain(e, GF_E_SYSTEM, d->path,
                       "the drive was pulled out or is failing: put it back and run this again");
    if (!is_same_device(&now, &d->is) ||
        ((now.stx_mask & d->is.stx_mask & STATX_MNT_ID) != 0 && now.stx_mnt_id != d->is.stx_mnt_id))
        return gf_err_set(e, GF_E_DRIVE,
                          "%s: this is not the drive any more that was there at the start: it was "
                          "pulled out or another one was put in; run this again",
                          d->path);
    return 0;
}

/* Make a directory in dir unless it is there. */
static int make_dir(const struct gf_drive *d, int dir, const char *name, struct gf_err *e) {
    if (d->sys->mkdirat(dir, name, 0755) == -1) {
        if (errno == EEXIST)
            return 0;
        return gf_drive_unwritten(e, "%s: cannot make the folder %s", d->path, name);
    }
    if (gf_drive_flush(d, dir) == -1)
        return gf_drive_unwritten(e, "%s: cannot make the folder %s", d->path, name);
    return 0;
}

int gf_drive_folder(const struct gf_drive *d, enum gf_folder folder, int make, int *fd,
                    struct gf_err *e) {
    const char *name = gf_drive_folders[folder];
    int found = -1;

    if (check_still_there(d, e) == -1)
        return -1;
    found = gf_drive_beneath(d, d->home, name, O_RDONLY | O_DIRECTORY, 0);
    if (found == -1 && errno == ENOENT && make) {
        if (make_dir(d, d->home, name, e) == -1)
            return -1;
        found = gf_drive_beneath(d, d->home, name, O_RDONLY | O_DIRECTORY, 0);
    }
    if (found == -1 && (errno != ENOENT || make))
        return gf_drive_unread(e, "%s/" HOME "/%s: cannot open the folder", d->path, name);
    *fd = found;
    return 0;
}

/* The root is the caller's word, so links on the way to it are followed. */
static int open_root(struct gf_drive *d, const char *path, struct gf_err *e) {
    d->path = strdup(path);
    d->real = realpath(path, NULL);
    if (d->path == NULL || (d->real == NULL && errno == ENOMEM))
        return gf_err_errno(e, "%s", path);
    if (d->real != NULL)
        d->root = open(d->real, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (d->root == -1 && errno == ENOENT)
        return gf_err_set(e, GF_E_NOINPUT, "%s: there is no such directory: is the drive mounted?",
                          path);
    if (d->root == -1 && errno == ENOTDIR)
        return gf_err_set(e, GF_E_NOINPUT,
                          "%s: not a directory: name the one at which the drive is mounted", path);
    if (d->root == -1 || gf_drive_look(d, d->root, "", &d->is) == -1)
        return gf_drive_unread(e, "%s: cannot open the drive", path);
    return 0;
}

/* Open GAPFERRY/, after making it where that was asked for; *made: it is new. */
static int open_home(struct gf_drive *d, int make, int *made, struct gf_err *e) {
    d->home = gf_drive_beneath(d, d->root, HOME, O_RDONLY | O_DIRECTORY, 0);
    if (d->home == -1 && errno == ENOENT) {
        if (!make)
            return gf_err_set(e, GF_E_NOINPUT,
                              "%s: there is no folder " HOME " on it: is this the right drive?",
                              d->path);
        if (make_dir(d, d->root, HOME, e) == -1)
            return -1;
        *made = 1;
        d->home = gf_drive_beneath(d, d->root, HOME, O_RDONLY | O_DIRECTORY, 0);
    }
    if (d->home == -1)
        return gf_drive_unread(e, "%s/" HOME ": cannot open the folder", d->path);
    return 0;
}

/* Make what a courier expects to see. */
static int furnish(struct gf_drive *d, struct gf_err *e) {
    for (int i = 0; gf_drive_folders[i] != NULL; i++)
        if (make_dir(d, d->home, gf_drive_folders[i], e) == -1)
            return -1;
    return gf_drive_put_readme(d, e);
}

int gf_drive_open_with(const char *path, int make, const struct gf_drive_sys *sys,
                       struct gf_drive **out, struct gf_err *e) {
    struct gf_drive *d = calloc(1, sizeof(*d));
    struct gf_err why;
    int made = 0;
    int rc = -1;

    if (d == NULL)
        return gf_err_errno(e, "%s", path);
    d->sys = sys;
    d->root = d->home = -1;
    if (open_root(d, path, e) == -1 || open_home(d, make, &made, e) == -1)
        goto out;

    /* A drive in use that is full or locked can still be read, which may be all that is wanted, and
     * a full one is emptied by reading. Whoever writes later is told. */
    if (make && !gf_drive_read_only(d) && furnish(d, &why) == -1 &&
        (made || why.code != GF_E_CREATE)) {
        (void)gf_err_set(e, why.code, "%s", why.text);
        goto out;
    }
    *out = d;
    d = NULL;
    rc = 0;

out:
    gf_drive_close(d);
    return rc;
}

int gf_drive_open(const char *path, int make, struct gf_drive **out, struct gf_err *e) {
    return gf_drive_open_with(path, make, &gf_drive_kernel, out, e);
}

void gf_drive_close(struct gf_drive *d) {
    if (d == NULL)
        return;
    if (d->home != -1)
        (void)d->sys->close(d->home);
    if (d->root != -1)
        (void)close(d->root);
    free(d->path);
    free(d->real);
    free(d);
}

int gf_drive_read_only(const struct gf_drive *d) {
    struct statvfs v;

    if (d->sys->statvfs(d->home, &v) == 0 && (v.f_flag & ST_RDONLY) != 0)
        return 1;
    return faccessat(d->home, ".", W_OK, AT_EACCESS) == -1 && errno == EROFS;
}

int64_t gf_drive_room(const struct gf_drive *d) {
    struct statvfs v;
    uint64_t unit = 0;

    /* Some file systems in user space say nothing, which looks like a drive without a block. */
    if (d->sys->statvfs(d->home, &v) == -1 || v.f_blocks == 0)
        return -1;
    unit = v.f_frsize != 0 ? v.f_frsize : v.f_bsize;
    if (unit != 0 && v.f_bavail > (uint64_t)INT64_MAX / unit)
        return INT64_MAX;
    return (int64_t)(v.f_bavail * unit);
}
