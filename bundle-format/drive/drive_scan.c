/*
 * drive_scan.c -- what lies in the folders: list them, open and remove entries.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "drive/drive_internal.h"
#include "gapferry/digest.h"
#include "gapferry/limits.h"

int gf_drive_check_name(enum gf_folder folder, const char *name, struct gf_err *e) {
    if (gf_drive_is_name(name, gf_drive_ending(folder)))
        return 0;
    return gf_err_set(e, GF_E_USAGE,
                      "%s: not the name of a file in %s: those are a to z, 0 to 9 and '-', at most "
                      "48, and %s",
                      name, gf_drive_folders[folder], gf_drive_ending(folder));
}

DIR *gf_drive_stream(const struct gf_drive *d, int dir) {
    int fd = gf_drive_beneath(d, dir, ".", O_RDONLY | O_DIRECTORY, 0);
    DIR *stream = fd == -1 ? NULL : fdopendir(fd);

    if (stream == NULL && fd != -1)
        (void)d->sys->close(fd);
    return stream;
}

int gf_drive_is_spelled(const struct gf_drive *d, int dir, const char *name) {
    char upper[GF_DRIVE_NAME];
    const struct dirent *entry = NULL;
    DIR *stream = NULL;
    struct statx st;
    int found = 0;
    size_t n = strlen(name);

    if (n >= sizeof(upper))
        return 0;
    for (size_t i = 0; i <= n; i++)
        upper[i] = (char)toupper((unsigned char)name[i]);
    if (gf_drive_look(d, dir, upper, &st) == -1 && errno == ENOENT)
        return 1; /* case matters here, so the name that was found is the name */

    stream = gf_drive_stream(d, dir);
    if (stream == NULL)
        return -1;
    errno = 0;
    for (int seen = 0; !found && seen < GF_DRIVE_ENTRIES_MAX; seen++) {
        entry = readdir(stream);
        if (entry == NULL)
            break;
        found = strcmp(entry->d_name, name) == 0;
    }
    if (!found && entry == NULL && errno != 0)
        found = -1;
    (void)closedir(stream);
    return found;
}

#define LIKELY_BLOCKS 3 /* any bundle has more */

/* One scan under way. */
struct scan {
    const struct gf_drive *d;
    int dir;
    const char *folder;
    const char *ending;
    int64_t size_max; /* bytes */
    size_t room;      /* entries that are allocated */
    struct gf_drive_list list;
};

static int append(struct scan *s, const char *name, int64_t size, struct gf_err *e) {
    struct gf_drive_list *l = &s->list;

    if (l->n == s->room) {
        size_t room = s->room == 0 ? 64 : 2 * s->room;
        struct gf_drive_entry *p = realloc(l->entries, room * sizeof(*p));

        if (p == NULL)
            return gf_err_errno(e, "%s: cannot list the folder %s", s->d->path, s->folder);
        l->entries = p;
        s->room = room;
    }
    memset(&l->entries[l->n], 0, sizeof(l->entries[l->n]));
    memcpy(l->entries[l->n].name, name, strlen(name));
    l->entries[l->n].size = size;
    l->n++;
    return 0;
}

/* Count or list one entry. Only what has a name of ours is looked at at all. */
static int take(struct scan *s, const char *name, struct gf_err *e) {
    int is_part = gf_drive_is_name(name, ".part");
    struct statx st;

    if (!is_part && !gf_drive_is_name(name, s->ending)) {
        s->list.foreign++;
        return 0;
    }
    if (gf_drive_look(s->d, s->dir, name, &st) == -1) {
        if (errno == ENOENT) /* somebody removed it meanwhile */
            return 0;
        return gf_drive_unread(e, "%s/GAPFERRY/%s/%s", s->d->path, s->folder, name);
    }
    if (!gf_drive_is_file(&st))
        s->list.foreign++;
    else if (is_part)
        s->list.incomplete++;
    else if (st.stx_size > (uint64_t)s->size_max)
        s->list.oversize++;
    else
        return append(s, name, (int64_t)st.stx_size, e);
    return 0;
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const struct gf_drive_entry *)a)->name,
                  ((const struct gf_drive_entry *)b)->name);
}

static int is_hex(const char *s, size_t n) {
    return strspn(s, "0123456789abcdef") >= n;
}

/* Could this be what our writers put here? A bundle is named by its id and is a whole number of
 * blocks; a card is named by its fingerprint. Other names are read as well, but they do not come
 * first. */
static int is_likely(const struct gf_drive_entry *x, const char *ending) {
    static const size_t groups[] = {4, 9, 14, 19};
    size_t len = strlen(x->name) - strlen(ending);

    if (strcmp(ending, ".gfb") == 0)
        return len == GF_ID_TEXT - 1 && is_hex(x->name, len) && x->size % 512 == 0 &&
               x->size > LIKELY_BLOCKS * 512;
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        if (len <= groups[i] || x->name[groups[i]] != '-')
            return 0;
    }
    return len == GF_FINGERPRINT_TEXT - 1 && x->size > 0;
}

static void swap(struct gf_drive_entry *a, struct gf_drive_entry *b) {
    const struct gf_drive_entry kept = *a;

    *a = *b;
    *b = kept;
}

/* Put `take` entries of n, chosen by nobody, to the front. */
static void choose(struct gf_drive_entry *list, size_t n, size_t take) {
    uint32_t random[256];

    for (size_t i = 0; i < take && i < n; i++) {
        if (i % 256 == 0)
            gf_digest_random(random, sizeof random);
        swap(&list[i], &list[i + random[i % 256] % (n - i)]);
    }
}

/* Cut to what one go takes. Whoever holds the drive for a moment can fill it with files that are
 * nothing: what is likely comes first, and of equals those that chance picks, so that nothing is
 * kept out for ever. */
static void cut(struct gf_drive_list *l, const char *ending, size_t most) {
    size_t likely = 0;

    for (size_t i = 0; i < l->n; i++) {
        if (is_likely(&l->entries[i], ending))
            swap(&l->entries[i], &l->entries[likely++]);
    }
    if (likely >= most)
        choose(l->entries, likely, most);
    else
        choose(l->entries + likely, l->n - likely, most - likely);
    l->n = most;
    l->cut = 1;
    qsort(l->entries, l->n, sizeof(*l->entries), by_name);
}

/* Sort, let a damaged directory name each file once only, and cut to what one go takes. The cut
 * comes last so that it does not depend on the order on the drive. */
static void tidy(struct gf_drive_list *l, const char *ending, size_t most) {
    size_t n = 0;

    if (l->n == 0)
        return;
    qsort(l->entries, l->n, sizeof(*l->entries), by_name);
    for (size_t i = 0; i < l->n; i++) {
        if (n > 0 && by_name(&l->entries[i], &l->entries[n - 1]) == 0)
            l->foreign++;
        else
            l->entries[n++] = l->entries[i];
    }
    l->n = n;
    if (n > most)
        cut(l, ending, most);
}

/* Take the directory's entries until it ends or GF_DRIVE_ENTRIES_MAX were seen. */
static int take_all(struct scan *s, DIR *dir, struct gf_err *e) {
    const struct dirent *entry = NULL;

    for (size_t seen = 0;;) {
        errno = 0;
        entry = readdir(dir);
        if (entry == NULL && errno != 0)
            return gf_drive_unread(e, "%s/GAPFERRY/%s: cannot list the folder", s->d->path,
                                   s->folder);
        if (entry == NULL)
            return 0;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (seen == GF_DRIVE_ENTRIES_MAX) {
            s->list.cut = 1;
            return 0;
        }
        seen++;
        if (take(s, entry->d_name, e) == -1)
            return -1;
    }
}

int gf_drive_scan(struct gf_drive *d, enum gf_folder folder, int64_t size_max,
                  struct gf_drive_list *out, struct gf_err *e) {
    struct scan s = {.d = d, .dir = -1, .folder = gf_drive_folders[folder]};
    DIR *dir = NULL;
    int rc = -1;

    s.ending = gf_drive_ending(folder);
    s.size_max = size_max > 0 ? size_max : gf_drive_size_max(folder);
    if (gf_drive_folder(d, folder, 0, &s.dir, e) == -1)
        return -1;
    if (s.dir != -1) {
        dir = fdopendir(s.dir);
        if (dir == NULL) {
            gf_drive_unread(e, "%s/GAPFERRY/%s: cannot list the folder", d->path, s.folder);
            (void)d->sys->close(s.dir);
            goto out;
        }
        if (take_all(&s, dir, e) == -1)
            goto out;
        tidy(&s.list, s.ending,
             folder == GF_FOLDER_CARDS ? GF_DRIVE_CARDS_MAX : GF_DRIVE_BUNDLES_MAX);
    }
    *out = s.list;
    memset(&s.list, 0, sizeof(s.list));
    rc = 0;

out:
    if (dir != NULL)
        (void)closedir(dir);
    gf_drive_list_free(&s.list);
    return rc;
}

void gf_drive_list_free(struct gf_drive_list *l) {
    free(l->entries);
    memset(l, 0, sizeof(*l));
}

/* Open name in dir for reading if it is a file; it is looked at first because opening a device can
 * have effects, and again afterwards because the name may stand for something else by then. */
static int open_entry(const struct gf_drive *d, int dir, const char *what, const char *name,
                      struct gf_err *e) {
    struct statx st;
    int flags = 0;
    int fd = -1;
    int rc = -1;

    if (gf_drive_look(d, dir, name, &st) == -1) {
        gf_drive_unread(e, "%s", what);
        goto out;
    }
    if (gf_drive_is_file(&st)) {
        fd = gf_drive_beneath(d, dir, name, O_RDONLY, 0);
        if (fd == -1 || gf_drive_look(d, fd, "", &st) == -1) {
            gf_drive_unread(e, "%s", what);
            goto out;
        }
    }
    if (!gf_drive_is_file(&st)) {
        gf_err_set(e, GF_E_NOINPUT,
                   "%s: not a regular file with one name: links and devices are left alone", what);
        goto out;
    }
    flags = fcntl(fd, F_GETFL);
    if (flags == -1 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) == -1) {
        gf_err_errno(e, "%s", what);
        goto out;
    }
    rc = fd;
    fd = -1;

out:
    if (fd != -1)
        (void)d->sys->close(fd);
    return rc;
}

int gf_drive_read(struct gf_drive *d, enum gf_folder folder, const char *name, int *fd,
                  struct gf_err *e) {
    char what[GF_ERR_TEXT];
    int found = -1;
    int dir = -1;

    if (gf_drive_check_name(folder, name, e) == -1)
        return -1;
    (void)snprintf(what, sizeof(what), "%s/GAPFERRY/%s/%s", d->path, gf_drive_folders[folder],
                   name);
    if (gf_drive_folder(d, folder, 0, &dir, e) == -1)
        return -1;
    if (dir == -1)
        return gf_err_set(e, GF_E_NOINPUT, "%s: there is no such folder", what);
    found = open_entry(d, dir, what, name, e);
    (void)d->sys->close(dir);
    if (found == -1)
        return -1;
    *fd = found;
    return 0;
}

int gf_drive_remove(struct gf_drive *d, enum gf_folder folder, const char *name, struct gf_err *e) {
    struct statx st;
    int spelled = 0;
    int rc = -1;
    int dir = -1;

    if (gf_drive_check_name(folder, name, e) == -1)
        return -1;
    if (gf_drive_folder(d, folder, 0, &dir, e) == -1)
        return -1;
    if (dir == -1)
        return 0;
    if (gf_drive_look(d, dir, name, &st) == -1) {
        rc = errno == ENOENT ? 0 : gf_drive_unread(e, "%s: cannot look for %s", d->path, name);
        goto out;
    }
    if (!gf_drive_is_file(&st)) {
        gf_err_set(e, GF_E_DRIVE, "%s/GAPFERRY/%s/%s: not a file of ours: it is left alone",
                   d->path, gf_drive_folders[folder], name);
        goto out;
    }
    spelled = gf_drive_is_spelled(d, dir, name);
    if (spelled == -1)
        gf_drive_unread(e, "%s: cannot look for %s", d->path, name);
    if (spelled != 1) {
        rc = spelled;
        goto out;
    }
    if ((d->sys->unlinkat(dir, name, 0) == -1 && errno != ENOENT) || gf_drive_flush(d, dir) == -1 ||
        d->sys->syncfs(dir) == -1) {
        gf_drive_unwritten(e, "%s: cannot remove %s", d->path, name);
        goto out;
    }
    rc = 0;

out:
    (void)d->sys->close(dir);
    return rc;
}
