/*
 * place.c -- what a directory is that somebody calls a drive.
 */
#include "common/place.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define HOME "GAPFERRY"

static int is_dir(const char *dir, const char *below) {
    char path[PATH_MAX + 64];
    struct stat st;

    (void)snprintf(path, sizeof path, "%s/%s", dir, below);
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* 1 if path is a folder that a visit has made. A drive may have that name, too. */
static int is_home(const char *path) {
    const char *name = strrchr(path, '/');

    return name != NULL && strcmp(name + 1, HOME) == 0 && is_dir(path, "to-relay") &&
           is_dir(path, "to-site") && !is_dir(path, HOME);
}

/* GF_E_USAGE if path or a directory above it is such a folder. */
static int check_within(const char *dir, char path[PATH_MAX], struct gf_err *e) {
    for (;;) {
        char *end = strrchr(path, '/');
        if (is_home(path)) {
            *end = '\0';
            return gf_err_set(e, GF_E_USAGE,
                              "%s: this is the folder %s itself, or lies in it; name the drive, "
                              "which is its parent: %s",
                              dir, HOME, *path != '\0' ? path : "/");
        }
        if (end == NULL || end == path)
            return 0;
        *end = '\0';
    }
}

int place_look(const char *dir, const char *state, struct place *out, struct gf_err *e) {
    char path[PATH_MAX];
    struct stat here, other;

    *out = (struct place){0, 0};
    if (realpath(dir, path) == NULL || stat(path, &here) == -1 || !S_ISDIR(here.st_mode))
        return 0;
    out->is_new = !is_dir(path, HOME);
    out->is_own_disk = (stat(state, &other) == 0 && other.st_dev == here.st_dev) ||
                       (stat("/", &other) == 0 && other.st_dev == here.st_dev);
    return check_within(dir, path, e);
}

void place_tell(const struct place *p, const char *dir, int read_only, struct out *t) {
    out_bool(t, "new_drive", p->is_new && !read_only);
    out_bool(t, "own_disk", p->is_own_disk);
    if (p->is_new && !read_only)
        out_text(t, "new drive: " HOME " was made here\n");
    if (p->is_own_disk) {
        out_text(t, "note: ");
        out_safe(t, dir);
        out_text(t, " is on this machine's own disk (no drive is mounted there?)\n");
    }
}
