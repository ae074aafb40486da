/*
 * outbox.c -- what lies there to be carried.
 */
#include "agent/link/outbox.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gapferry/bundle.h"

#define ENTRIES_MAX GF_DRIVE_ENTRIES_MAX

static int look_at(int dir, const char *name, struct outbox_file *out) {
    struct stat st;

    if (strlen(name) != OUTBOX_NAME - 1 || strcmp(name + GF_ID_TEXT - 1, ".gfb") != 0 ||
        gf_text_unhex(name, GF_ID_TEXT - 1, out->id.b, sizeof out->id.b) == -1 ||
        fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == -1 || !S_ISREG(st.st_mode) ||
        st.st_size < 1 || st.st_size > GF_BUNDLE_MAX)
        return -1;
    out->dir = dir;
    memcpy(out->name, name, OUTBOX_NAME);
    out->size = (int64_t)st.st_size;
    out->mtime = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
    return 0;
}

static int by_time(const void *a, const void *b) {
    const struct outbox_file *x = a, *y = b;
    int names = strcmp(x->name, y->name);

    return x->mtime != y->mtime ? (x->mtime > y->mtime) - (x->mtime < y->mtime) : names;
}

/* Where there is no room the file takes the place of the oldest, if it is newer. */
static void keep(struct outbox_list *l, const struct outbox_file *f) {
    size_t oldest = 0;

    if (l->n < OUTBOX_MAX) {
        l->list[l->n++] = *f;
        return;
    }
    for (size_t i = 1; i < l->n; i++) {
        if (by_time(&l->list[i], &l->list[oldest]) < 0)
            oldest = i;
    }
    if (by_time(f, &l->list[oldest]) > 0)
        l->list[oldest] = *f;
}

int outbox_add(struct outbox_list *l, int dir, struct gf_err *e) {
    if (l->list == NULL)
        l->list = calloc(OUTBOX_MAX, sizeof *l->list);
    if (l->list == NULL)
        return gf_err_errno(e, "outbox");
    int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd == -1 ? NULL : fdopendir(fd);
    if (d == NULL) {
        (void)gf_err_errno(e, "outbox: cannot list it");
        if (fd != -1)
            (void)close(fd);
        return -1;
    }
    const struct dirent *x;
    for (int i = 0; i < ENTRIES_MAX && (x = readdir(d)) != NULL; i++) {
        struct outbox_file f;
        if (look_at(dir, x->d_name, &f) == 0)
            keep(l, &f);
    }
    (void)closedir(d);
    qsort(l->list, l->n, sizeof *l->list, by_time);
    return 0;
}

void outbox_free(struct outbox_list *l) {
    free(l->list);
    *l = (struct outbox_list){0};
}

static int is_one_of(const struct gf_hash *x, const struct gf_hash *list, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (memcmp(x->b, list[i].b, sizeof x->b) == 0)
            return 1;
    }
    return 0;
}

int outbox_open(const struct outbox_file *f, const struct gf_hash *from, const struct gf_hash *to,
                size_t nto) {
    struct gf_route route;
    int fd = openat(f->dir, f->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

    if (fd == -1)
        return -1;
    if (gf_bundle_route(fd, &route, NULL) == 0 &&
        (from == NULL || memcmp(route.from.b, from->b, sizeof from->b) == 0) &&
        is_one_of(&route.to, to, nto) && memcmp(route.id.b, f->id.b, sizeof f->id.b) == 0 &&
        route.bundle_size == f->size)
        return fd;
    (void)close(fd);
    return -1;
}
