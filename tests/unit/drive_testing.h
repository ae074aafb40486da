/*
 * drive_testing.h -- what the tests of drive/ share: a directory that stands for a drive, files to
 * put on it, and questions about what lies there.
 */
#ifndef DRIVE_TESTING_H
#define DRIVE_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "drive/drive_internal.h"
#include "gapferry/limits.h"

#define RELAY "GAPFERRY/to-relay"

/* A test's own drive: a new directory, gone when the test ends. */
struct stick {
    char path[64];
    struct gf_drive *d;
    struct gf_err e;
};

static inline int stick_setup(void **state) {
    /* In memory where that can be: a hundred thousand files and as many flushes take long. */
    static const char *const places[] = {"/dev/shm/gapferry-drive-XXXXXX",
                                         "/tmp/gapferry-drive-XXXXXX"};
    struct stick *s = calloc(1, sizeof(*s));
    if (s == NULL)
        return -1;
    for (size_t i = 0; i < 2; i++) {
        memcpy(s->path, places[i], strlen(places[i]) + 1);
        if (mkdtemp(s->path) != NULL) {
            *state = s;
            return 0;
        }
    }
    free(s);
    return -1;
}

static inline int stick_remove_one(const char *path, const struct stat *st, int type,
                                   struct FTW *at) {
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

static inline int stick_teardown(void **state) {
    struct stick *s = *state;
    gf_drive_close(s->d);
    (void)nftw(s->path, stick_remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
    free(s);
    return 0;
}

/* The path of something below the drive; four may be in use at once. */
static inline const char *on(const struct stick *s, const char *name) {
    static char paths[4][PATH_MAX];
    static unsigned next;
    char *path = paths[next++ % 4];
    (void)snprintf(path, PATH_MAX, "%s/%s", s->path, name);
    return path;
}

static inline void open_drive(struct stick *s) {
    gf_drive_close(s->d);
    s->d = NULL;
    if (gf_drive_open(s->path, 1, &s->d, &s->e) == -1)
        fail_msg("cannot open the drive: %s", s->e.text);
}

static inline void put_file(const struct stick *s, const char *name, const void *data, size_t len) {
    int fd = open(on(s, name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert_int_not_equal(fd, -1);
    assert_int_equal(write(fd, data, len), len);
    assert_int_equal(close(fd), 0);
}

static inline int exists(const struct stick *s, const char *name) {
    struct stat st;
    return lstat(on(s, name), &st) == 0;
}

/* 1 if the file has exactly these bytes. */
static inline int holds(const struct stick *s, const char *name, const void *data, size_t len) {
    char *got = malloc(len + 1);
    int fd = open(on(s, name), O_RDONLY | O_CLOEXEC);
    size_t n = 0;
    ssize_t r = 0;
    int same = 0;
    assert_non_null(got);
    if (fd != -1) {
        while (n < len + 1 && (r = read(fd, got + n, len + 1 - n)) > 0)
            n += (size_t)r;
        same = n == len && memcmp(got, data, len) == 0;
        (void)close(fd);
    }
    free(got);
    return same;
}

/* Entries of a directory of the drive, all of them. */
static inline size_t count(const struct stick *s, const char *name) {
    DIR *dir = opendir(on(s, name));
    size_t n = 0;
    assert_non_null(dir);
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir))
        n += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    (void)closedir(dir);
    return n;
}

/* A file with these bytes, elsewhere than on the drive. */
static inline int source_of(const void *data, size_t len) {
    int fd = memfd_create("source", MFD_CLOEXEC);
    assert_int_not_equal(fd, -1);
    assert_int_equal(write(fd, data, len), len);
    return fd;
}

/* len bytes in which no two chunks are alike; free() them. */
static inline char *pattern(size_t len) {
    char *p = malloc(len + 1);
    uint32_t x = 1;
    assert_non_null(p);
    for (size_t i = 0; i < len; i++) {
        x = x * 1664525u + 1013904223u;
        p[i] = (char)(x >> 24);
    }
    return p;
}

/* Write a file into to-relay/ and say how it went. */
static inline int put_bundle(struct stick *s, const char *name, const void *data, size_t len,
                             int *was_there) {
    int src = source_of(data, len);
    int rc = gf_drive_write(s->d, GF_FOLDER_TO_RELAY, name, src, (int64_t)len, was_there, &s->e);
    (void)close(src);
    return rc;
}

/* The call fails with this code, and its text has these words. */
#define assert_fails(call, err, want, words)                                                       \
    do {                                                                                           \
        assert_int_equal((call), -1);                                                              \
        if ((err).code != (want) || strstr((err).text, (words)) == NULL)                           \
            fail_msg("failed with %s (%s), not %s with \"%s\"", gf_err_name((err).code),           \
                     (err).text, gf_err_name(want), (words));                                      \
    } while (0)

#define drive_test(f) cmocka_unit_test_setup_teardown(f, stick_setup, stick_teardown)

#endif
