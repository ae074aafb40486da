/*
 * out.c -- files that get their name only when they are complete, and files without a name.
 */
#include "gapferry/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/utf8.h"
#include "gapferry/text.h"

#define TEMP_MAX   255 /* bytes of a file name on Linux */
#define RANDOM_LEN 8   /* bytes of the random part; twice as many digits */

/* Bytes of name that fit a temporary name; a longer one is cut between two characters, because
 * some file systems take only whole ones. */
static size_t stem_length(const char *name) {
    size_t max = TEMP_MAX - strlen("..") - 2 * RANDOM_LEN - strlen(".part");
    size_t len = strlen(name);
    if (len <= max)
        return len;
    for (len = max; len > 0 && ((uint8_t)name[len] & 0xC0) == 0x80;)
        len--;
    return len > 0 ? len : max;
}

/* Make a private file with a name of its own, ".NAME.RANDOM.part", in dir. The descriptor, or -1
 * with errno. A name that exists (a leftover, an attack) is never opened. */
static int make_temp(int dir, const char *name, char temp[TEMP_MAX + 1]) {
    for (int tries = 0; tries < 16; tries++) {
        uint8_t random[RANDOM_LEN];
        char digits[2 * RANDOM_LEN + 1];
        if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
            return -1;
        gf_text_hex(random, sizeof random, digits);
        (void)snprintf(temp, TEMP_MAX + 1, ".%.*s.%s.part", (int)stem_length(name), name, digits);

        int fd = openat(dir, temp, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd != -1 || errno != EEXIST)
            return fd;
    }
    return -1;
}

int gf_out_open(struct gf_out *o, int dir, const char *path, struct gf_err *e) {
    char name[256], temp[TEMP_MAX + 1];
    int parent = -1;

    *o = (struct gf_out){.fd = -1, .dir = -1};
    if (gf_file_split(dir, path, &parent, name, e) == -1)
        return -1;
    int fd = make_temp(parent, name, temp);
    if (fd == -1) {
        gf_err_errno(e, "%s: cannot create a file beside it", path);
        (void)close(parent);
        return -1;
    }
    o->fd = fd;
    o->dir = parent;
    memcpy(o->name, name, strlen(name) + 1);
    memcpy(o->temp, temp, strlen(temp) + 1);
    return 0;
}

/* Give it its mode. File systems without modes (FAT) refuse; that is fine for a file that others
 * may read anyway, and not for one that must stay private. */
static int set_mode(int fd, mode_t mode) {
    struct stat st;
    if (fstat(fd, &st) == -1)
        return -1;
    if ((st.st_mode & 07777) == mode || fchmod(fd, mode) == 0)
        return 0;
    int modeless = errno == EPERM || errno == EOPNOTSUPP || errno == ENOSYS;
    return modeless && (mode & 0044) != 0 ? 0 : -1;
}

/* Give it its name unless that exists. Where the kernel cannot do so in one step a hard link does
 * the same; where there are none either (some FUSE drivers) looking first is the best there is. */
static int name_new(const struct gf_out *o) {
    if (renameat2(o->dir, o->temp, o->dir, o->name, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP)
        return -1;
    if (linkat(o->dir, o->temp, o->dir, o->name, 0) == 0) {
        (void)unlinkat(o->dir, o->temp, 0);
        return 0;
    }
    if (errno == EEXIST)
        return -1;
    if (faccessat(o->dir, o->name, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
        errno = EEXIST;
        return -1;
    }
    return renameat(o->dir, o->temp, o->dir, o->name);
}

/* Flush a directory. Some file systems cannot and say so; they have nothing to flush then. */
static int sync_dir(int dir) {
    return fsync(dir) == 0 || errno == EINVAL || errno == EOPNOTSUPP ? 0 : -1;
}

int gf_out_commit(struct gf_out *o, mode_t mode, int replace, struct gf_err *e) {
    if (fsync(o->fd) == -1 || set_mode(o->fd, mode) == -1)
        return gf_err_errno(e, "%s: cannot complete it", o->name);

    int named = replace ? renameat(o->dir, o->temp, o->dir, o->name) : name_new(o);
    if (named == -1) {
        if (errno == EEXIST)
            return gf_err_set(e, GF_E_CREATE, "%s: exists already and is not overwritten", o->name);
        return gf_err_errno(e, "%s: cannot give it its name", o->name);
    }
    o->temp[0] = '\0';

    /* Again by the same descriptor: some file systems write back late, and report here what went
     * wrong since. What replaced an older file stays: it is complete, and the older one is gone. */
    if (fsync(o->fd) == -1 || sync_dir(o->dir) == -1) {
        gf_err_errno(e, "%s: cannot flush it", o->name);
        if (!replace)
            (void)unlinkat(o->dir, o->name, 0);
        return -1;
    }
    return 0;
}

void gf_out_close(struct gf_out *o) {
    if (o->fd != -1)
        (void)close(o->fd);
    if (o->dir != -1) {
        if (o->temp[0] != '\0')
            (void)unlinkat(o->dir, o->temp, 0);
        (void)close(o->dir);
    }
    *o = (struct gf_out){.fd = -1, .dir = -1};
}

static int save(int dir, const char *path, const void *data, size_t len, mode_t mode, int replace,
                struct gf_err *e) {
    int rc = -1;
    struct gf_out o;

    if (gf_out_open(&o, dir, path, e) == -1)
        return -1;
    if (gf_file_write(o.fd, data, len) == -1) {
        gf_err_errno(e, "%s: cannot write it", path);
        goto out;
    }
    rc = gf_out_commit(&o, mode, replace, e);
out:
    gf_out_close(&o);
    return rc;
}

int gf_file_save(int dir, const char *path, const void *data, size_t len, mode_t mode,
                 struct gf_err *e) {
    return save(dir, path, data, len, mode, 1, e);
}

int gf_file_save_changed(int dir, const char *path, const void *data, size_t len, mode_t mode,
                         struct gf_err *e) {
    struct gf_err ignored;
    struct gf_buf there;

    int same = gf_file_load(dir, path, len, &there, &ignored) == 0 && there.len == len &&
               (len == 0 || memcmp(there.data, data, len) == 0);
    gf_buf_free(&there);
    return same ? 0 : gf_file_save(dir, path, data, len, mode, e);
}

int gf_file_save_new(int dir, const char *path, const void *data, size_t len, mode_t mode,
                     struct gf_err *e) {
    return save(dir, path, data, len, mode, 0, e);
}

int gf_file_unnamed(int dir, struct gf_err *e) {
    char temp[TEMP_MAX + 1];

    int fd = openat(dir, ".", O_TMPFILE | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
    if (fd == -1 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {
        fd = make_temp(dir, "gapferry", temp);
        if (fd != -1 && unlinkat(dir, temp, 0) == -1) {
            gf_err_errno(e, "cannot make a temporary file without a name");
            (void)close(fd);
            return -1;
        }
    }
    if (fd == -1)
        return gf_err_errno(e, "cannot make a temporary file");
    return fd;
}
