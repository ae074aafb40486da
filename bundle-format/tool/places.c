/*
 * places.c -- wrong places, and what to do about them.
 */
#include "tool/places.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int places_output(struct gf_err *e) {
    const struct gf_err was = *e;

    if (e->code == GF_E_NOINPUT)
        (void)gf_err_set(e, GF_E_CREATE, "%s; make the directory first", was.text);
    return -1;
}

int places_done(const char *path, struct gf_err *e) {
    const struct gf_err was = *e;

    return gf_err_set(e, was.code, "%s; but the work is done: %s is complete", was.text, path);
}

int places_identity(const char *dir, struct gf_identity *out, struct gf_err *e) {
    static const char remedy[] = "name the directory made by keygen";
    struct stat st;

    *out = (struct gf_identity){0};
    if (stat(dir, &st) == 0 && !S_ISDIR(st.st_mode))
        return gf_err_set(e, GF_E_NOINPUT, "%s: is not a directory; %s", dir, remedy);
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd == -1 || faccessat(fd, ".", X_OK, 0) == -1) {
        (void)gf_err_set(e, GF_E_NOINPUT, "%s: cannot enter it: %s; %s", dir,
                         strerrordesc_np(errno), remedy);
        if (fd != -1)
            (void)close(fd);
        return -1;
    }
    (void)close(fd);

    if (gf_identity_load(AT_FDCWD, dir, out, e) == 0)
        return 0;
    /* A key file that is missing, or that only somebody else may read. */
    const struct gf_err was = *e;
    if (e->code == GF_E_NOINPUT || e->code == GF_E_CREATE)
        (void)gf_err_set(e, GF_E_NOINPUT, "%s; %s", was.text, remedy);
    return -1;
}

/* ---- what was left ---- */

#define LEFT_PREFIX ".gapferry-"
#define LEFT_DIGITS 16
#define LEFT_AGE    86400
#define LEFT_DEPTH  4 /* identity/FILE, items/files/FILE */

static int is_left(const char *name) {
    const size_t n = strlen(LEFT_PREFIX);

    return strncmp(name, LEFT_PREFIX, n) == 0 && strlen(name) == n + LEFT_DIGITS &&
           strspn(name + n, "0123456789abcdef") == LEFT_DIGITS;
}

/* A directory below `at`, of this user, that nothing was put into since: opened; else -1. */
static int open_old(int at, const char *name, int64_t before) {
    struct stat st;
    int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd != -1 && (fstat(fd, &st) == -1 || st.st_uid != geteuid() || st.st_mtime >= before)) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

void places_empty(int at, const char *name, int depth) {
    int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *d = fd == -1 ? NULL : fdopendir(fd);

    if (!d) {
        if (fd != -1)
            (void)close(fd);
        return;
    }
    for (struct dirent *x = NULL; (x = readdir(d)) != NULL;) {
        if (strcmp(x->d_name, ".") == 0 || strcmp(x->d_name, "..") == 0)
            continue;
        if (unlinkat(fd, x->d_name, 0) == -1 && depth > 0) {
            places_empty(fd, x->d_name, depth - 1);
            (void)unlinkat(fd, x->d_name, AT_REMOVEDIR);
        }
    }
    (void)closedir(d);
}

/* 1 if nothing in it is young, however deep. */
static int is_old(int at, const char *name, int64_t before, int depth) {
    int fd = depth > 0 ? open_old(at, name, before) : -1;
    DIR *d = fd == -1 ? NULL : fdopendir(fd);
    struct stat st;
    int old = d != NULL;

    if (!d && fd != -1)
        (void)close(fd);
    for (struct dirent *x = NULL; old && (x = readdir(d)) != NULL;) {
        if (strcmp(x->d_name, ".") == 0 || strcmp(x->d_name, "..") == 0)
            continue;
        old = fstatat(dirfd(d), x->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
              (S_ISDIR(st.st_mode) ? is_old(dirfd(d), x->d_name, before, depth - 1)
                                   : st.st_mtime < before);
    }
    if (d)
        (void)closedir(d);
    return old;
}

void places_tidy(int dir, int64_t now) {
    int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd == -1 ? NULL : fdopendir(fd);

    if (!d) {
        if (fd != -1)
            (void)close(fd);
        return;
    }
    for (struct dirent *x = NULL; (x = readdir(d)) != NULL;) {
        if (!is_left(x->d_name) || !is_old(fd, x->d_name, now - LEFT_AGE, LEFT_DEPTH))
            continue;
        places_empty(fd, x->d_name, LEFT_DEPTH - 1);
        (void)unlinkat(fd, x->d_name, AT_REMOVEDIR);
    }
    (void)closedir(d);
}
