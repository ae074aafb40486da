/*
 * drive_write.c -- the writing side: a file is on the drive when it came back from it.
 *
 * fsync, rename, fsync of the same descriptor again, fsync of the directory, syncfs: FAT's rename
 * writes a new directory entry that knows neither the size nor the clusters until the file itself
 * is flushed once more. What was written is then read again past the cache, because drives with a
 * faked capacity accept everything.
 *
 * A flush that failed is never repeated: the kernel may have dropped the bytes and would report
 * success. The file is removed, and the next attempt makes a new one.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "drive/drive_internal.h"
#include "gapferry/digest.h"
#include "gapferry/file.h"
#include "gapferry/limits.h"

#define CHUNK ((size_t)256 << 10) /* bytes copied or compared at a time */

/* Bytes that a file takes beyond its own: its last cluster and one for a longer directory, at
 * exFAT's usual 128 KiB each. */
#define SLACK (256 << 10)

#define TEMP_BEGIN "gapferry-"
#define TEMP_HEX   32
#define TEMP_END   ".part"

/* One file on its way to the drive. */
struct put {
    struct gf_drive *d;
    int dir; /* where to */
    const char *name;
    const struct gf_drive_source *src;
    char what[GF_ERR_TEXT]; /* the path, for messages */
    char temp[GF_DRIVE_NAME];
    const char *mess; /* what is to be removed if this fails, NULL: nothing */
    int beaten;       /* 1: it failed because of another program that writes here, too */
    char *buf;        /* two chunks */
};

/* Fill buf with bytes of the source; all of them, for it was as long as that when this began. */
static int source_read(const struct put *p, char *buf, size_t len, int64_t at, struct gf_err *e) {
    ssize_t n = 0;

    if (p->src->text != NULL) {
        memcpy(buf, p->src->text + at, len);
        return 0;
    }
    n = gf_file_read_at(p->src->fd, buf, len, at);
    if (n == -1) {
        (void)gf_err_errno(e, "%s: cannot read what is to be written", p->what);
        if (e != NULL)
            e->code = GF_E_SYSTEM;
        return -1;
    }
    if ((size_t)n != len)
        return gf_err_set(e, GF_E_SYSTEM,
                          "%s: what is to be written became shorter meanwhile: run this again",
                          p->what);
    return 0;
}

static int write_all(const struct gf_drive *d, int fd, const char *buf, size_t len) {
    while (len > 0) {
        ssize_t n = d->sys->write(fd, buf, len);

        if (n == -1 && errno == EINTR)
            continue;
        if (n == 0)
            errno = EIO;
        if (n <= 0)
            return -1;
        buf += n;
        len -= (size_t)n;
    }
    return 0;
}

/* Fewer than len only at the end of the file; -1 with errno. */
static ssize_t read_all(const struct gf_drive *d, int fd, char *buf, size_t len, int64_t at) {
    size_t got = 0;

    while (got < len) {
        ssize_t n = d->sys->pread(fd, buf + got, len - got, at + (int64_t)got);

        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1)
            return -1;
        if (n == 0)
            break;
        got += (size_t)n;
    }
    return (ssize_t)got;
}

static size_t chunk_at(const struct put *p, int64_t at) {
    int64_t left = p->src->size - at;

    return left < (int64_t)CHUNK ? (size_t)left : CHUNK;
}

/* *same: the file fd on the drive is what the source is, byte by byte. */
static int compare(const struct put *p, int fd, int *same, struct gf_err *e) {
    char *theirs = p->buf + CHUNK;
    struct statx st;
    size_t len = 0;

    if (gf_drive_look(p->d, fd, "", &st) == -1)
        return gf_drive_unread(e, "%s: cannot read it back", p->what);
    *same = 0;
    if (st.stx_size != (uint64_t)p->src->size)
        return 0;
    for (int64_t at = 0; at < p->src->size; at += (int64_t)len) {
        ssize_t n = 0;

        len = chunk_at(p, at);
        if (source_read(p, p->buf, len, at, e) == -1)
            return -1;
        n = read_all(p->d, fd, theirs, len, at);
        if (n == -1)
            return gf_drive_unread(e, "%s: cannot read it back", p->what);
        if ((size_t)n != len || memcmp(p->buf, theirs, len) != 0)
            return 0;
    }
    *same = 1;
    return 0;
}

/* Being interrupted is no failure of the flush, so this alone is tried again. */
static int flush_file(const struct gf_drive *d, int fd) {
    int rc = -1;

    do
        rc = d->sys->fsync(fd);
    while (rc == -1 && errno == EINTR);
    return rc;
}

/* A file that has its name: flush it (again), its directory and the drive, and make the kernel
 * forget what it holds of the file, so that the next look is at the drive. */
static int settle(const struct put *p, int fd, struct gf_err *e) {
    const struct gf_drive *d = p->d;

    if (flush_file(d, fd) == -1 || gf_drive_flush(d, p->dir) == -1 || d->sys->syncfs(fd) == -1 ||
        d->sys->fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) == -1)
        return gf_drive_unwritten(e, "%s: cannot flush it to the drive", p->what);
    return 0;
}

/* What has the name already? *there: our very bytes, and safely so: whoever wrote them may have
 * been interrupted before flushing. */
static int check_present(const struct put *p, int *there, struct gf_err *e) {
    struct statx st;
    int spelled = 0;
    int same = 0;
    int rc = -1;
    int fd = -1;

    if (gf_drive_look(p->d, p->dir, p->name, &st) == -1) {
        if (errno != ENOENT)
            return gf_drive_unread(e, "%s: cannot look for it", p->what);
        *there = 0;
        return 0;
    }
    if (p->src->any) {
        *there = 1;
        return 0;
    }
    spelled = gf_drive_is_file(&st) ? gf_drive_is_spelled(p->d, p->dir, p->name) : 0;
    if (spelled == -1)
        return gf_drive_unread(e, "%s: cannot look for it", p->what);
    if (!spelled)
        return gf_err_set(e, GF_E_CREATE,
                          "%s: something that is not ours has this name: rename it, then run this "
                          "again",
                          p->what);

    fd = gf_drive_beneath(p->d, p->dir, p->name, O_RDONLY, 0);
    if (fd == -1) {
        gf_drive_unread(e, "%s: cannot compare it", p->what);
        goto out;
    }
    if (!gf_drive_read_only(p->d) && settle(p, fd, e) == -1)
        goto out;
    if (compare(p, fd, &same, e) == -1)
        goto out;
    if (!same) {
        gf_err_set(e, GF_E_CREATE,
                   "%s: another file has this name already and is left as it is: move it away, "
                   "then run this again",
                   p->what);
        goto out;
    }
    *there = 1;
    rc = 0;

out:
    if (fd != -1)
        (void)p->d->sys->close(fd);
    return rc;
}

/* 1 if this is a temporary name of ours. */
static int is_temp(const char *name) {
    size_t begin = sizeof(TEMP_BEGIN) - 1;

    return strncmp(name, TEMP_BEGIN, begin) == 0 &&
           strspn(name + begin, "0123456789abcdef") == TEMP_HEX &&
           strcmp(name + begin + TEMP_HEX, TEMP_END) == 0;
}

static void sweep_one(const struct gf_drive *d, int dir, const char *name) {
    struct statx st;
    int fd = -1;

    if (gf_drive_look(d, dir, name, &st) == -1 || !gf_drive_is_file(&st))
        return;
    fd = gf_drive_beneath(d, dir, name, O_RDWR, 0);
    if (fd == -1)
        return;
    /* A writer that is still alive holds its lock. Where there are no locks there is no telling,
     * and two writers on one drive are rare: the other one fails and says so. */
    if (flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
        (void)d->sys->unlinkat(dir, name, 0);
    (void)d->sys->close(fd);
}

/* Give back the room that interrupted writers took. Whatever goes wrong here goes wrong again, and
 * is told, when the file itself is written. */
static void sweep(const struct gf_drive *d, int dir) {
    const struct dirent *entry = NULL;
    DIR *stream = gf_drive_stream(d, dir);

    if (stream == NULL)
        return;
    for (int seen = 0; seen < GF_DRIVE_ENTRIES_MAX; seen++) {
        entry = readdir(stream);
        if (entry == NULL)
            break;
        if (is_temp(entry->d_name))
            sweep_one(d, dir, entry->d_name);
    }
    (void)closedir(stream);
}

static int check_room(const struct put *p, struct gf_err *e) {
    int64_t room = gf_drive_room(p->d);
    int64_t need = p->src->size + SLACK;

    if (room == -1 || room >= need)
        return 0;
    return gf_err_set(e, GF_E_CREATE,
                      "%s: the drive is full: %" PRId64 " KiB more are needed: remove something "
                      "from it, or take another",
                      p->what, (need - room + 1023) / 1024);
}

/* Take the room in one piece before the first byte, without filling it with zeros as the C library
 * would. Empty files and file systems that cannot do this lose nothing. */
static int reserve(const struct put *p, int fd) {
    if (p->d->sys->fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, p->src->size) == 0)
        return 0;
    return errno == EOPNOTSUPP || errno == EINVAL || errno == ENOSYS || errno == EPERM ? 0 : -1;
}

/* Copy the source into a file with a name of its own. *out stays open. */
static int write_temp(struct put *p, int *out, struct gf_err *e) {
    uint8_t random[TEMP_HEX / 2];
    char hex[TEMP_HEX + 1];
    size_t len = 0;
    int rc = -1;
    int fd = -1;

    gf_digest_random(random, sizeof(random));
    gf_text_hex(random, sizeof(random), hex);
    (void)snprintf(p->temp, sizeof(p->temp), TEMP_BEGIN "%s" TEMP_END, hex);
    fd = gf_drive_beneath(p->d, p->dir, p->temp, O_WRONLY | O_CREAT | O_EXCL, 0644);
    p->mess = p->temp; /* also after a failure, which may have come too late */
    if (fd == -1)
        return gf_drive_unwritten(e, "%s: cannot make the file", p->what);

    /* The lock tells sweep() that the file is in use. The mode is for the other side, where another
     * user reads it, whatever mask this one has; the content is sealed. FAT knows neither. */
    (void)flock(fd, LOCK_EX | LOCK_NB);
    (void)fchmod(fd, 0644);
    if (reserve(p, fd) == -1) {
        gf_drive_unwritten(e, "%s: cannot write it", p->what);
        goto out;
    }
    for (int64_t at = 0; at < p->src->size; at += (int64_t)len) {
        len = chunk_at(p, at);
        if (source_read(p, p->buf, len, at, e) == -1)
            goto out;
        if (write_all(p->d, fd, p->buf, len) == -1) {
            gf_drive_unwritten(e, "%s: cannot write it", p->what);
            goto out;
        }
    }
    if (flush_file(p->d, fd) == -1) {
        gf_drive_unwritten(e, "%s: cannot flush it to the drive", p->what);
        goto out;
    }
    *out = fd;
    fd = -1;
    rc = 0;

out:
    if (fd != -1)
        (void)p->d->sys->close(fd);
    return rc;
}

/* Give the file its name, never another file's. FUSE drivers know no RENAME_NOREPLACE; names are
 * random or a digest, so that looking first is enough there. */
static int rename_temp(struct put *p, int fd, struct gf_err *e) {
    const struct gf_drive_sys *sys = p->d->sys;
    int rc = sys->renameat2(p->dir, p->temp, p->dir, p->name, RENAME_NOREPLACE);
    struct statx st, ours;
    int err = 0;

    if (rc == -1 && (errno == EINVAL || errno == ENOSYS)) {
        if (gf_drive_look(p->d, p->dir, p->name, &st) == 0)
            errno = EEXIST;
        else if (errno == ENOENT)
            rc = sys->renameat2(p->dir, p->temp, p->dir, p->name, 0);
    }
    if (rc == 0) {
        p->mess = p->name;
        return 0;
    }
    err = errno;
    /* A drive that fails may have renamed all the same. */
    if (gf_drive_look(p->d, fd, "", &ours) == 0 && gf_drive_look(p->d, p->dir, p->name, &st) == 0 &&
        st.stx_ino == ours.stx_ino)
        p->mess = p->name;
    /* The name was taken meanwhile, or our file was swept away before it was locked. */
    if (p->mess == p->temp)
        p->beaten = err == EEXIST || (err == ENOENT && gf_drive_look(p->d, fd, "", &ours) == 0 &&
                                      ours.stx_nlink == 0);
    if (p->beaten)
        return gf_err_set(e, GF_E_CREATE,
                          "%s: another program writes here at the same time: run this again when "
                          "it is done",
                          p->what);
    errno = err;
    return gf_drive_unwritten(e, "%s: cannot name the file", p->what);
}

/* Open the file anew and compare it with its source. */
static int read_back(const struct put *p, struct gf_err *e) {
    int fd = gf_drive_beneath(p->d, p->dir, p->name, O_RDONLY, 0);
    int same = 0;
    int rc = -1;

    if (fd == -1)
        return gf_drive_unread(e, "%s: cannot read it back", p->what);
    rc = compare(p, fd, &same, e);
    (void)p->d->sys->close(fd);
    if (rc == 0 && !same)
        return gf_err_set(
            e, GF_E_DRIVE,
            "%s: what came back from the drive is not what was written to it: replace "
            "the drive",
            p->what);
    return rc;
}

static int write_new(struct put *p, struct gf_err *e) {
    int fd = -1;
    int rc = -1;

    if (check_room(p, e) == -1 || write_temp(p, &fd, e) == -1)
        goto out;
    rc = rename_temp(p, fd, e);
    if (rc == 0)
        rc = settle(p, fd, e);
    if (p->d->sys->close(fd) == -1 && rc == 0)
        rc = gf_drive_unwritten(e, "%s: cannot write it", p->what);
    if (rc == 0)
        rc = read_back(p, e);

out:
    if (rc == -1 && p->mess != NULL)
        (void)p->d->sys->unlinkat(p->dir, p->mess, 0);
    return rc;
}

/* Open the directory that `place` stands for, and write its path in front of the name. */
static int open_place(struct put *p, int place, struct gf_err *e) {
    const struct gf_drive *d = p->d;

    if (place == GF_DRIVE_HOME) {
        (void)snprintf(p->what, sizeof(p->what), "%s/GAPFERRY/%s", d->path, p->name);
        p->dir = gf_drive_beneath(d, d->home, ".", O_RDONLY | O_DIRECTORY, 0);
        return p->dir != -1 ? 0 : gf_drive_unread(e, "%s: cannot open its folder", p->what);
    }
    (void)snprintf(p->what, sizeof(p->what), "%s/GAPFERRY/%s/%s", d->path, gf_drive_folders[place],
                   p->name);
    return gf_drive_folder(d, (enum gf_folder)place, 1, &p->dir, e);
}

int gf_drive_put(struct gf_drive *d, int place, const char *name, const struct gf_drive_source *src,
                 int *was_there, struct gf_err *e) {
    struct put p = {.d = d, .dir = -1, .name = name, .src = src};
    int there = 0;
    int rc = -1;

    if (open_place(&p, place, e) == -1)
        return -1;
    p.buf = malloc(2 * CHUNK);
    if (p.buf == NULL) {
        gf_err_errno(e, "%s", p.what);
        goto out;
    }
    /* Two programs may visit one drive at the same moment, and both write its README.txt, or a
     * card. Whoever comes second looks again; what the first one made is then there. */
    for (int tries = 2;; tries--) {
        if (check_present(&p, &there, e) == -1)
            goto out;
        if (there)
            break;
        if (!d->swept[place])
            sweep(d, p.dir);
        d->swept[place] = 1;
        p.beaten = 0;
        p.mess = NULL;
        if (write_new(&p, e) == 0)
            break;
        if (!p.beaten || tries == 1)
            goto out;
    }
    *was_there = there;
    rc = 0;

out:
    free(p.buf);
    (void)d->sys->close(p.dir);
    return rc;
}

int gf_drive_write(struct gf_drive *d, enum gf_folder folder, const char *name, int src,
                   int64_t size, int *was_there, struct gf_err *e) {
    const struct gf_drive_source source = {.fd = src, .size = size};

    if (gf_drive_check_name(folder, name, e) == -1)
        return -1;
    if (size < 0 || size > gf_drive_size_max(folder))
        return gf_err_set(e, GF_E_LIMIT, "%s: %" PRId64 " bytes; a file in %s has at most %" PRId64,
                          name, size, gf_drive_folders[folder], gf_drive_size_max(folder));
    return gf_drive_put(d, (int)folder, name, &source, was_there, e);
}
