/*
 * drive_faulty.h -- a drive that fails, lies, dawdles or lacks something, as it is told.
 */
#ifndef DRIVE_FAULTY_H
#define DRIVE_FAULTY_H

#include "drive_testing.h"

#include <ctype.h>

#define NAME   "5be10000000000000000000000000001.gfb"
#define BUNDLE RELAY "/" NAME
#define TEMP   RELAY "/gapferry-0123456789abcdef0123456789abcdef.part"

/*
 * What the drive is told: the call number `at` of those that are watched fails with `err`,
 * before it has any effect or `late`, after it.
 */
static struct {
    long calls, at;
    int err, late;
    const char *op;   /* which call failed */
    int data_fd;      /* the file being written */
    int meek;         /* every call moves little and is interrupted before */
    int lies;         /* pread() gives something else */
    int intruder;     /* so many times somebody else is faster with the name */
    const char *his;  /* what he writes; NULL: he removes it again at once */
    int sweeper;      /* so many times somebody else takes a new file for a leftover */
    int caseless;     /* names answer in any case, as with FAT */
    int old_kernel;   /* no openat2() */
    int no_noreplace; /* renameat2() knows no flag, as with FUSE */
    char log[4096];   /* the calls that write, in order */
} f;

/* Count a call and say whether it is the one to fail. */
static int hit(const char *op) {
    f.calls++;
    if (f.calls != f.at)
        return 0;
    f.op = op;
    errno = f.err;
    return 1;
}

static void note(const char *op) {
    size_t n = strlen(f.log);
    (void)snprintf(f.log + n, sizeof(f.log) - n, "%s ", op);
}

/* Run CALL unless this is the one to fail; then fail before or after it. */
#define MAY_FAIL(op, type, call)                                                                   \
    do {                                                                                           \
        type result;                                                                               \
        if (hit(op)) {                                                                             \
            if (f.late)                                                                            \
                (void)!(call);                                                                     \
            errno = f.err;                                                                         \
            return -1;                                                                             \
        }                                                                                          \
        result = (call);                                                                           \
        return result;                                                                             \
    } while (0)

static int interrupted(void) {
    static unsigned n;
    errno = EINTR;
    return f.meek && n++ % 2 == 0;
}

static int f_openat2(int dir, const char *name, const struct open_how *how) {
    int fd = -1;
    if (interrupted())
        return -1;
    if (hit((how->flags & O_CREAT) != 0 ? "create" : "open")) {
        if (f.late) {
            fd = gf_drive_kernel.openat2(dir, name, how);
            if (fd != -1)
                (void)close(fd);
        }
        errno = f.err;
        return -1;
    }
    if (f.old_kernel) {
        errno = ENOSYS;
        return -1;
    }
    fd = gf_drive_kernel.openat2(dir, name, how);
    if ((how->flags & O_CREAT) != 0) {
        note("create");
        f.data_fd = fd;
    }
    return fd;
}

static int f_openat(int dir, const char *name, int flags, mode_t mode) {
    assert_true((flags & O_NOFOLLOW) != 0);
    return interrupted() ? -1 : gf_drive_kernel.openat(dir, name, flags, mode);
}

/* A close that fails has closed. */
static int f_close(int fd) {
    int is_data = fd == f.data_fd;
    int failed = hit(is_data ? "close-data" : "close");
    int rc = close(fd);
    if (is_data)
        f.data_fd = -1;
    if (!failed)
        return rc;
    errno = f.err;
    return -1;
}

/* With `caseless`: the name as it lies there, in upper case or as it was asked for. */
static const char *as_stored(int dir, const char *name, char upper[256]) {
    struct stat st;
    size_t i = 0;
    if (!f.caseless)
        return name;
    for (; name[i] != '\0' && i < 255; i++)
        upper[i] = (char)toupper((unsigned char)name[i]);
    upper[i] = '\0';
    return fstatat(dir, upper, &st, AT_SYMLINK_NOFOLLOW) == 0 ? upper : name;
}

static int f_statx(int dir, const char *name, int flags, unsigned mask, struct statx *st) {
    char upper[256];
    MAY_FAIL("statx", int, statx(dir, as_stored(dir, name, upper), flags, mask, st));
}

static int f_statvfs(int fd, struct statvfs *v) {
    MAY_FAIL("statvfs", int, fstatvfs(fd, v));
}

static int f_mkdirat(int dir, const char *name, mode_t mode) {
    MAY_FAIL("mkdirat", int, mkdirat(dir, name, mode));
}

static int f_fallocate(int fd, int mode, off_t from, off_t len) {
    note("fallocate");
    MAY_FAIL("fallocate", int, fallocate(fd, mode, from, len));
}

static ssize_t f_write(int fd, const void *data, size_t len) {
    if (interrupted())
        return -1;
    if (strstr(f.log, "write") == NULL)
        note("write");
    MAY_FAIL("write", ssize_t, write(fd, data, f.meek && len > 40000 ? 40000 : len));
}

static ssize_t f_pread(int fd, void *data, size_t len, off_t from) {
    ssize_t n = 0;
    if (interrupted())
        return -1;
    if (hit("pread"))
        return -1;
    if (strstr(f.log, "pread") == NULL)
        note("pread");
    n = pread(fd, data, f.meek && len > 50000 ? 50000 : len, from);
    if (f.lies && n > 0)
        ((char *)data)[n - 1] ^= 1;
    return n;
}

static int f_fsync(int fd) {
    note(fd == f.data_fd ? "fsync" : "fsync-dir");
    if (fd == f.data_fd && interrupted())
        return -1;
    MAY_FAIL(fd == f.data_fd ? "fsync" : "fsync-dir", int, fsync(fd));
}

static int f_syncfs(int fd) {
    note("syncfs");
    MAY_FAIL("syncfs", int, syncfs(fd));
}

static int f_fadvise(int fd, off_t from, off_t len, int advice) {
    note("fadvise");
    assert_int_equal(advice, POSIX_FADV_DONTNEED);
    MAY_FAIL("fadvise", int, gf_drive_kernel.fadvise(fd, from, len, advice));
}

static int f_renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags) {
    note("rename");
    if (f.no_noreplace && flags != 0) {
        errno = EINVAL;
        return -1;
    }
    if (f.intruder) {
        f.intruder--;
        if (f.his == NULL) {
            errno = EEXIST;
            return -1;
        }
        int fd = openat(to_dir, to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        assert_int_equal(write(fd, f.his, strlen(f.his)), strlen(f.his));
        assert_int_equal(close(fd), 0);
    }
    if (f.sweeper) {
        f.sweeper--;
        assert_int_equal(unlinkat(from_dir, from, 0), 0);
    }
    MAY_FAIL("rename", int, renameat2(from_dir, from, to_dir, to, flags));
}

static int f_unlinkat(int dir, const char *name, int flags) {
    char upper[256];
    note("unlink");
    MAY_FAIL("unlink", int, unlinkat(dir, as_stored(dir, name, upper), flags));
}

static const struct gf_drive_sys faulty = {
    .openat2 = f_openat2,
    .openat = f_openat,
    .close = f_close,
    .statx = f_statx,
    .statvfs = f_statvfs,
    .mkdirat = f_mkdirat,
    .fallocate = f_fallocate,
    .write = f_write,
    .pread = f_pread,
    .fsync = f_fsync,
    .syncfs = f_syncfs,
    .fadvise = f_fadvise,
    .renameat2 = f_renameat2,
    .unlinkat = f_unlinkat,
};

static void well_behaved(void) {
    memset(&f, 0, sizeof(f));
    f.data_fd = -1;
}

static void open_faulty(struct stick *s) {
    well_behaved();
    if (gf_drive_open_with(s->path, 1, &faulty, &s->d, &s->e) == -1)
        fail_msg("cannot open the drive: %s", s->e.text);
}

#endif
