/*
 * file.c -- bounded reading and complete writing of files on local directories.
 */
#include "gapferry/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What one system call is asked for at most: a round number below what Linux transfers at once. */
#define CALL_MAX ((size_t)1 << 30)

ssize_t gf_file_read(int fd, void *buf, size_t len) {
    size_t done = 0;
    while (done < len) {
        size_t ask = len - done < CALL_MAX ? len - done : CALL_MAX;
        ssize_t n = read(fd, (char *)buf + done, ask);
        if (n == 0)
            break;
        if (n > 0)
            done += (size_t)n;
        else if (errno != EINTR)
            return -1;
    }
    return (ssize_t)done;
}

ssize_t gf_file_read_at(int fd, void *buf, size_t len, int64_t offset) {
    size_t done = 0;
    while (done < len) {
        size_t ask = len - done < CALL_MAX ? len - done : CALL_MAX;
        ssize_t n = pread(fd, (char *)buf + done, ask, offset + (off_t)done);
        if (n == 0)
            break;
        if (n > 0)
            done += (size_t)n;
        else if (errno != EINTR)
            return -1;
    }
    return (ssize_t)done;
}

/* A write of nothing that reports no error would loop for ever; no file system should do it. */
static int wrote(ssize_t n, size_t *done) {
    if (n > 0) {
        *done += (size_t)n;
        return 0;
    }
    if (n == 0)
        errno = EIO;
    return n == -1 && errno == EINTR ? 0 : -1;
}

int gf_file_write(int fd, const void *buf, size_t len) {
    size_t done = 0;
    while (done < len) {
        size_t ask = len - done < CALL_MAX ? len - done : CALL_MAX;
        if (wrote(write(fd, (const char *)buf + done, ask), &done) == -1)
            return -1;
    }
    return 0;
}

int gf_file_write_at(int fd, const void *buf, size_t len, int64_t offset) {
    size_t done = 0;
    while (done < len) {
        size_t ask = len - done < CALL_MAX ? len - done : CALL_MAX;
        ssize_t n = pwrite(fd, (const char *)buf + done, ask, offset + (off_t)done);
        if (wrote(n, &done) == -1)
            return -1;
    }
    return 0;
}

/* Read what is left of a regular file into out. Its size is a hint only: it may change meanwhile.
 */
static int load_rest(int fd, int64_t size, struct gf_buf *out) {
    /* One byte more than expected, so that the first read sees the end. */
    size_t ask = (uint64_t)size < out->max ? (size_t)size + 1 : out->max;
    for (;;) {
        char beyond;
        size_t left = out->max - out->len;
        ask = ask < left ? ask : left;
        char *at = ask == 0 ? &beyond : gf_buf_grow(out, ask);
        if (at == NULL) {
            errno = ENOMEM;
            return -1;
        }
        ssize_t n = gf_file_read(fd, at, ask == 0 ? 1 : ask);
        if (n == -1)
            return -1;
        if (ask == 0) {
            out->failed = n != 0 ? 2 : 0;
            return 0;
        }
        out->len += (size_t)n;
        out->data[out->len] = '\0';
        if ((size_t)n < ask)
            return 0;
        ask = 65536;
    }
}

int gf_file_load(int dir, const char *path, size_t max, struct gf_buf *out, struct gf_err *e) {
    int rc = -1;
    struct stat st;

    gf_buf_init(out, max);
    /* O_NONBLOCK: opening a FIFO must not wait for somebody to write to it. */
    int fd = openat(dir, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd == -1) {
        if (errno == ELOOP)
            return gf_err_set(e, GF_E_NOINPUT,
                              "%s: is a symbolic link, which is not followed; name the file itself",
                              path);
        gf_err_errno(e, "%s: cannot open it", path);
        if (e != NULL && (errno == EACCES || errno == ENOTDIR || errno == ENXIO))
            e->code = GF_E_NOINPUT;
        return -1;
    }
    if (fstat(fd, &st) == -1) {
        gf_err_errno(e, "%s: cannot look at it", path);
        goto out;
    }
    if (!S_ISREG(st.st_mode)) {
        gf_err_set(e, GF_E_NOINPUT, "%s: not a regular file", path);
        goto out;
    }
    if ((uint64_t)st.st_size <= max && load_rest(fd, st.st_size, out) == -1) {
        gf_err_errno(e, "%s: cannot read it", path);
        goto out;
    }
    if ((uint64_t)st.st_size > max || out->failed) {
        gf_err_set(e, GF_E_LIMIT, "%s: larger than the %zu bytes that are allowed", path, max);
        goto out;
    }
    rc = 0;
out:
    if (rc == -1)
        gf_buf_free(out);
    (void)close(fd);
    return rc;
}

int gf_file_load_if_there(int dir, const char *path, size_t max, struct gf_buf *out,
                          struct gf_err *e) {
    if (gf_file_load(dir, path, max, out, e) == 0)
        return 1;
    return faccessat(dir, path, F_OK, AT_SYMLINK_NOFOLLOW) == -1 && errno == ENOENT ? 0 : -1;
}

int gf_file_split(int dir, const char *path, int *parent, char name[256], struct gf_err *e) {
    const char *slash = strrchr(path, '/');
    const char *last = slash != NULL ? slash + 1 : path;
    size_t len = strlen(last);
    char above[PATH_MAX] = ".";

    if (len == 0 || strcmp(last, ".") == 0 || strcmp(last, "..") == 0)
        return gf_err_set(e, GF_E_USAGE, "'%s' does not end in the name of a file", path);
    if (len > 255 || (slash != NULL && (size_t)(slash - path) >= sizeof above))
        return gf_err_set(e, GF_E_USAGE, "%s: the name is too long", path);
    if (slash != NULL) {
        size_t n = slash == path ? 1 : (size_t)(slash - path);
        memcpy(above, path, n);
        above[n] = '\0';
    }
    int fd = openat(dir, above, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd == -1) {
        gf_err_errno(e, "%s: cannot open the directory %s", path, above);
        if (e != NULL && (errno == ENOTDIR || errno == ELOOP))
            e->code = GF_E_NOINPUT;
        return -1;
    }
    memcpy(name, last, len + 1);
    *parent = fd;
    return 0;
}
