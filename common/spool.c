/*
 * spool.c -- the form of an entry, and writing entries.
 */
#include "common/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/spool_parts.h"
#include "gapferry/digest.h"
#include "gapferry/file.h"
#include "gapferry/limits.h"
#include "gapferry/text.h"

struct spool {
    char path[PATH_MAX]; /* of the directory */
    int dir;
    int fd; /* the file being written, or -1 */
    char name[SPOOL_NAME];
    int64_t ms; /* in its name: each of ours sorts behind the one before */
    int64_t file_max;
    struct gf_buf group;
};

/* Eight hex digits, and a space where the text ended. */
static void put_number(char *out, uint32_t n) {
    const uint8_t bytes[4] = {(uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8),
                              (uint8_t)n};

    gf_text_hex(bytes, sizeof bytes, out);
    out[8] = ' ';
}

void spool_entry(struct gf_buf *b, const char *line, size_t len) {
    char head[SPOOL_HEAD];

    put_number(head, (uint32_t)len);
    put_number(head + 9, spool_crc(line, len));
    gf_buf_add(b, head, sizeof head);
    gf_buf_add(b, line, len);
}

int spool_open(const char *dir, int64_t file_max, struct spool **out, struct gf_err *e) {
    struct spool *s = calloc(1, sizeof *s);

    if (!s)
        return gf_err_errno(e, "%s", dir);
    s->fd = -1;
    s->file_max = file_max < SPOOL_FILE_MAX ? file_max : SPOOL_FILE_MAX;
    (void)snprintf(s->path, sizeof s->path, "%s", dir);
    gf_buf_init(&s->group, SPOOL_FILE_MAX + SPOOL_HEAD + GF_LINE_MAX);
    s->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (s->dir == -1) {
        (void)gf_err_errno(e, "%s: cannot open this spool", dir);
        spool_close(s);
        return -1;
    }
    *out = s;
    return 0;
}

static void close_file(struct spool *s) {
    if (s->fd != -1)
        (void)close(s->fd);
    s->fd = -1;
}

void spool_close(struct spool *s) {
    if (!s)
        return;
    close_file(s);
    if (s->dir != -1)
        (void)close(s->dir);
    gf_buf_free(&s->group);
    free(s);
}

int spool_put(struct spool *s, const char *line, size_t len, struct gf_err *e) {
    if (len > GF_LINE_MAX)
        return gf_err_set(e, GF_E_LIMIT, "%s: a line of %zu bytes; at most %d fit", s->path, len,
                          GF_LINE_MAX);
    if (len < 1 || memchr(line, '\n', len) != line + len - 1 || memchr(line, '\0', len))
        return gf_err_set(e, GF_E_USAGE, "%s: this is not one line of text", s->path);
    if (s->group.len >= SPOOL_FILE_MAX)
        return gf_err_set(e, GF_E_LIMIT, "%s: too much at once; write what is there first",
                          s->path);
    spool_entry(&s->group, line, len);
    return gf_buf_check(&s->group, s->path, e);
}

/* A file of our own, under a name that nobody has had before: a reader's cursor for a file that is
 * gone must not fit it. */
static int new_file(struct spool *s, struct gf_err *e) {
    char uuid[GF_UUID_TEXT];
    struct timespec now;
    uint8_t random[10];
    struct stat st;
    struct gf_id id;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    gf_digest_random(random, sizeof random);
    int64_t ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    s->ms = ms > s->ms ? ms : s->ms + 1;
    gf_text_uuid7(s->ms, random, &id);
    gf_text_uuid(&id, uuid);
    (void)snprintf(s->name, sizeof s->name, "%s.spool", uuid);
    s->fd = openat(s->dir, s->name, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
    if (s->fd == -1)
        return gf_err_errno(e, "%s/%s: cannot make this file", s->path, s->name);
    /* A directory that its group may write to is shared with a reader of that group. */
    if (fstat(s->dir, &st) == -1 || ((st.st_mode & S_IWGRP) != 0 && fchmod(s->fd, 0640) == -1) ||
        fsync(s->dir) == -1)
        return gf_err_errno(e, "%s", s->path);
    return 0;
}

/* Readers look by name: what goes into a directory that was moved away, or over which another one
 * was mounted, is found by nobody. */
static int check_dir(const struct spool *s, struct gf_err *e) {
    struct stat ours, named;

    if (fstat(s->dir, &ours) == 0 && stat(s->path, &named) == 0 && ours.st_dev == named.st_dev &&
        ours.st_ino == named.st_ino)
        return 0;
    return gf_err_set(e, GF_E_SYSTEM,
                      "%s: gone, or another directory than at the start: put the first one back, "
                      "or start this program again",
                      s->path);
}

/* Our file, locked, with room in it; *st is what it is. The reader may have taken the last one
 * away, since it was read to its end. */
static int lock_file(struct spool *s, struct stat *st, struct gf_err *e) {
    for (;;) {
        if (s->fd == -1 && new_file(s, e) == -1)
            return -1;
        int rc;
        while ((rc = flock(s->fd, LOCK_EX)) == -1 && errno == EINTR)
            ;
        if (rc == -1 || fstat(s->fd, st) == -1)
            return gf_err_errno(e, "%s/%s", s->path, s->name);
        if (st->st_nlink > 0 && st->st_size < s->file_max)
            return 0;
        close_file(s);
    }
}

int spool_sync(struct spool *s, struct gf_err *e) {
    struct stat st = {.st_size = 0};
    int rc = 0;

    if (s->group.len == 0)
        return 0;
    if (check_dir(s, e) == -1 || lock_file(s, &st, e) == -1) {
        rc = -1;
    } else if (gf_file_write(s->fd, s->group.data, s->group.len) == -1 || fdatasync(s->fd) == -1) {
        /* After a failed flush nobody knows what the disk holds: take the group back, and never
         * touch this file again. */
        rc = gf_err_errno(e, "%s/%s: cannot write", s->path, s->name);
        if (ftruncate(s->fd, st.st_size) == -1)
            rc = gf_err_errno(e, "%s/%s: cannot write, nor take back what is half there", s->path,
                              s->name);
    } else {
        (void)flock(s->fd, LOCK_UN);
    }
    if (rc == -1)
        close_file(s);
    gf_buf_clear(&s->group);
    return rc;
}
