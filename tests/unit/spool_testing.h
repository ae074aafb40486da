/*
 * spool_testing.h -- a spool of the test's own, and what comes out of its files.
 */
#ifndef SPOOL_TESTING_H
#define SPOOL_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/spool.h"
#include "gapferry/digest.h"
#include "gapferry/limits.h"

static struct gf_err e;
static char dir[64]; /* a spool of the test's own */
static int dirfd_;

static inline int setup(void **state) {
    (void)state;
    assert_int_equal(gf_digest_start(&e), 0);
    (void)snprintf(dir, sizeof dir, "/tmp/gapferry-spool-XXXXXX");
    assert_non_null(mkdtemp(dir));
    dirfd_ = open(dir, O_RDONLY | O_DIRECTORY);
    assert_true(dirfd_ != -1);
    return 0;
}

static inline int teardown(void **state) {
    char command[128];
    (void)state;

    (void)close(dirfd_);
    (void)snprintf(command, sizeof command, "rm -rf %s", dir);
    return system(command) == 0 ? 0 : -1;
}

static inline void put(struct spool *s, const char *line) {
    assert_int_equal(spool_put(s, line, strlen(line), &e), 0);
}

static inline struct spool *writer(int64_t file_max) {
    struct spool *s;

    assert_int_equal(spool_open(dir, file_max, &s, &e), 0);
    return s;
}

static inline size_t files(void) {
    char(*names)[SPOOL_NAME];
    size_t n;

    assert_int_equal(spool_list(dirfd_, &names, &n, &e), 0);
    free(names);
    return n;
}

static inline void nth(size_t i, char out[SPOOL_NAME]) {
    char(*names)[SPOOL_NAME];
    size_t n;

    assert_int_equal(spool_list(dirfd_, &names, &n, &e), 0);
    assert_true(i < n);
    memcpy(out, names[i], SPOOL_NAME);
    free(names);
}

/* What a file gives from a cursor on: its lines joined, how many stretches of damage, the cursor.
 */
struct content {
    struct gf_buf lines;
    size_t damaged;
    size_t damage_bytes;
    int64_t at;
};

static inline void read_on(struct spool_reader *r, struct content *c) {
    const char *data;
    size_t len;
    int found;

    gf_buf_init(&c->lines, 64 << 20);
    c->damaged = c->damage_bytes = 0;
    while ((found = spool_next(r, &data, &len, &e)) != SPOOL_END) {
        assert_int_not_equal(found, -1);
        if (found == SPOOL_LINE)
            gf_buf_add(&c->lines, data, len);
        else
            c->damaged++, c->damage_bytes += len;
    }
    gf_buf_text(&c->lines, "");
    assert_int_equal(gf_buf_check(&c->lines, "lines", &e), 0);
    c->at = r->at;
}

static inline void read_file(const char *name, int64_t at, struct content *c) {
    struct spool_reader r;

    assert_int_equal(spool_reader_open(dirfd_, name, at, &r, &e), 1);
    read_on(&r, c);
    spool_reader_close(&r);
}

/* A spool file with these bytes. */
#define MADE "01890a5d-ac96-774b-bcce-b302099a8057.spool"
static inline void make(const void *bytes, size_t len) {
    int fd = openat(dirfd_, MADE, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_true(fd != -1);
    assert_int_equal(write(fd, bytes, len), (ssize_t)len);
    (void)close(fd);
}

/* Three entries, and where each ends. */
static inline size_t three(struct gf_buf *b, size_t ends[3]) {
    static const char *const lines[] = {"{\"n\":1}\n", "{\"n\":22}\n", "{\"n\":333}\n"};

    gf_buf_init(b, 4096);
    for (size_t i = 0; i < 3; i++) {
        spool_entry(b, lines[i], strlen(lines[i]));
        ends[i] = b->len;
    }
    return b->len;
}

#endif
