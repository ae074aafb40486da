/*
 * spool_read.c -- reading the files of a spool, whatever has become of them.
 */
#include "common/spool_parts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "gapferry/file.h"
#include "gapferry/limits.h"
#include "gapferry/text.h"

/* Bytes read in one go. */
#define WINDOW 65536

/* Times that a lock is asked for, and milliseconds between them. */
#define TRIES    50
#define PAUSE_MS 20

/* ---- the files ---- */

static int is_spool(const char *name) {
    struct gf_id id;

    return strlen(name) == SPOOL_NAME - 1 && strcmp(name + GF_UUID_TEXT - 1, ".spool") == 0 &&
           gf_text_unuuid(name, GF_UUID_TEXT - 1, &id) == 0;
}

static int by_name(const void *a, const void *b) {
    return strcmp(a, b);
}

/* The directory's entries through a descriptor of their own. */
static DIR *entries(int dir) {
    int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd == -1 ? NULL : fdopendir(fd);

    if (!d && fd != -1)
        (void)close(fd);
    return d;
}

int spool_list(int dir, char (**names)[SPOOL_NAME], size_t *n, struct gf_err *e) {
    char(*list)[SPOOL_NAME] = NULL;
    size_t len = 0;
    const struct dirent *entry;

    DIR *d = entries(dir);
    if (!d)
        return gf_err_errno(e, "the spool cannot be listed");
    while ((errno = 0, entry = readdir(d))) {
        if (!is_spool(entry->d_name))
            continue;
        if ((len & (len - 1)) == 0) {
            void *more = realloc(list, (len ? len * 2 : 1) * sizeof *list);
            if (!more)
                break;
            list = more;
        }
        memcpy(list[len++], entry->d_name, SPOOL_NAME);
    }
    int failed = errno;
    (void)closedir(d);
    if (failed != 0) {
        free(list);
        errno = failed;
        return gf_err_errno(e, "the spool cannot be listed");
    }
    if (len > 0)
        qsort(list, len, sizeof *list, by_name);
    *names = list;
    *n = len;
    return 0;
}

/* 1 locked, 0 somebody else has it, -1 failed. */
static int lock(int fd, int how) {
    static const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000L};

    for (int i = 0; i < TRIES; i++) {
        if (flock(fd, how | LOCK_NB) == 0)
            return 1;
        if (errno != EWOULDBLOCK && errno != EINTR)
            return -1;
        (void)nanosleep(&pause, NULL);
    }
    return 0;
}

int spool_reader_open(int dir, const char *name, int64_t at, struct spool_reader *r,
                      struct gf_err *e) {
    struct stat st;

    *r = (struct spool_reader){.fd = -1, .at = at, .base = at};
    gf_buf_init(&r->buf, WINDOW + SPOOL_HEAD + GF_LINE_MAX);
    (void)snprintf(r->name, sizeof r->name, "%s", name);
    r->fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (r->fd == -1 && errno == ELOOP)
        return gf_err_set(e, GF_E_NOINPUT, "%s: is a link", name);
    if (r->fd == -1 || fstat(r->fd, &st) == -1)
        return gf_err_errno(e, "%s: cannot read it", name);
    if (!S_ISREG(st.st_mode))
        return gf_err_set(e, GF_E_NOINPUT, "%s: is not a regular file", name);

    /* Under the lock no group is half there: what the file holds now is never taken back. */
    int locked = lock(r->fd, LOCK_SH);
    if (locked == 1 && fstat(r->fd, &st) == -1)
        locked = -1;
    if (locked == -1)
        return gf_err_errno(e, "%s", name);
    (void)flock(r->fd, LOCK_UN);
    if (st.st_size > SPOOL_READ_MAX)
        return gf_err_set(e, GF_E_LIMIT, "%s: larger than any file of a spool", name);
    r->size = st.st_size;
    return locked;
}

void spool_reader_close(struct spool_reader *r) {
    if (r->fd != -1)
        (void)close(r->fd);
    r->fd = -1;
    gf_buf_free(&r->buf);
}

/* ---- the entries ---- */

/* Have the bytes from `at` on in the buffer, at least `want` of them unless the file ends before;
 * *have is their number. */
static int look(struct spool_reader *r, int64_t at, size_t want, const char **bytes, size_t *have,
                struct gf_err *e) {
    size_t skip = (size_t)(at - r->base);

    if (at < r->base || skip > r->buf.len || r->buf.len - skip < want) {
        int64_t left = r->size - at;
        size_t len = want > WINDOW ? want : WINDOW;
        if ((int64_t)len > left)
            len = left > 0 ? (size_t)left : 0;
        gf_buf_clear(&r->buf);
        r->base = at;
        skip = 0;
        char *room = gf_buf_grow(&r->buf, len + 1);
        ssize_t got = room ? gf_file_read_at(r->fd, room, len, at) : -1;
        if (got == -1)
            return gf_err_errno(e, "%s: cannot read it", r->name);
        room[got] = '\0';
        r->buf.len = (size_t)got;
    }
    *bytes = r->buf.data + skip;
    *have = r->buf.len - skip;
    return 0;
}

static int hex8(const char *text, uint32_t *out) {
    uint8_t b[4];

    if (gf_text_unhex(text, 8, b, sizeof b) == -1)
        return -1;
    *out = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
    return 0;
}

/* 1 and *line if a whole entry begins at `at`, 0 if none does. */
static int entry_at(struct spool_reader *r, int64_t at, const char **line, size_t *len,
                    struct gf_err *e) {
    uint32_t length, crc;
    const char *b = NULL;
    size_t have = 0;

    if (look(r, at, SPOOL_HEAD, &b, &have, e) == -1)
        return -1;
    if (have < SPOOL_HEAD || hex8(b, &length) == -1 || b[8] != ' ' || hex8(b + 9, &crc) == -1 ||
        b[17] != ' ' || length < 1 || length > GF_LINE_MAX)
        return 0;

    /* Before more is read for it: a line that ends too early is none, however long it says it is.
     */
    const char *lf = memchr(b + SPOOL_HEAD, '\n', have - SPOOL_HEAD);
    if (lf && lf - b < (ptrdiff_t)(SPOOL_HEAD + length - 1))
        return 0;
    if (look(r, at, SPOOL_HEAD + length, &b, &have, e) == -1)
        return -1;
    b += SPOOL_HEAD;
    if (have < SPOOL_HEAD + length || memchr(b, '\n', length) != b + length - 1 ||
        memchr(b, '\0', length) || spool_crc(b, length) != crc)
        return 0;
    *line = b;
    *len = length;
    return 1;
}

/* The end of the damage that begins at `from`: where the next entry begins, else behind the last LF
 * of the file; `from` itself if there is no LF, so that this is a torn tail. At most `max` bytes
 * further on. Lines are where entries begin, whatever else is broken. */
static int damage_end(struct spool_reader *r, int64_t from, int64_t max, int64_t *end,
                      struct gf_err *e) {
    int64_t at = from, last = from;

    while (at < r->size && last - from < max) {
        const char *b = NULL, *line;
        size_t have = 0, len;

        if (look(r, at, 1, &b, &have, e) == -1)
            return -1;
        if (have == 0)
            break;
        const char *lf = memchr(b, '\n', have);
        if (!lf) {
            at += (int64_t)have;
            /* Nothing but garbage so far: what ends in an LF later on is damage up to there. */
            continue;
        }
        at += lf - b + 1;
        last = at;
        int found = entry_at(r, at, &line, &len, e);
        if (found == -1)
            return -1;
        if (found == 1)
            break;
    }
    *end = last - from > max ? from + max : last;
    return 0;
}

int spool_next(struct spool_reader *r, const char **data, size_t *len, struct gf_err *e) {
    int64_t end;
    size_t have;

    int found = entry_at(r, r->at, data, len, e);
    if (found == -1)
        return -1;
    if (found == 1) {
        r->at += SPOOL_HEAD + (int64_t)*len;
        return SPOOL_LINE;
    }
    if (damage_end(r, r->at, GF_LINE_MAX, &end, e) == -1)
        return -1;
    if (end == r->at)
        return SPOOL_END;
    if (look(r, r->at, (size_t)(end - r->at), data, &have, e) == -1)
        return -1;
    *len = have < (size_t)(end - r->at) ? have : (size_t)(end - r->at);
    r->at = end;
    return SPOOL_DAMAGE;
}

int spool_remove(struct spool_reader *r, int dir, struct gf_err *e) {
    struct stat st = {.st_size = 0};
    int64_t end;

    int locked = lock(r->fd, LOCK_EX);
    if (locked == 1 && fstat(r->fd, &st) == -1)
        locked = -1;
    if (locked == -1)
        return gf_err_errno(e, "%s", r->name);
    if (locked == 0)
        return 0;

    /* Its writer may have added to it since; what is there now is all, and may end in a tail. */
    int rc = 0;
    if (st.st_size == r->size) {
        rc = damage_end(r, r->at, 1, &end, e);
        if (rc == 0 && end == r->at) {
            if (unlinkat(dir, r->name, 0) == -1 || fsync(dir) == -1)
                rc = gf_err_errno(e, "%s: cannot remove it", r->name);
            else
                rc = 1;
        }
    }
    (void)flock(r->fd, LOCK_UN);
    return rc;
}
