/*
 * drives.c -- mounts as the kernel lists them, their names, and who may visit them by itself.
 */
#include "agent/drives.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/command.h"
#include "gapferry/file.h"

#define MOUNTINFO     "/proc/self/mountinfo"
#define MOUNTINFO_MAX (4 << 20)
#define UDEV_DATA     "/run/udev/data"
#define UDEV_MAX      65536
#define UUID_LINE     "E:ID_FS_UUID="

/* One field up to a space, its octal escapes (\040 and the like) resolved; the next field, or NULL
 * at the end of the line or where it does not fit. */
static const char *field(const char *at, const char *end, char *out, size_t size) {
    size_t n = 0;

    while (at < end && *at != ' ') {
        char c = *at++;
        if (c == '\\' && end - at >= 3 && at[0] >= '0' && at[0] <= '3' && at[1] >= '0' &&
            at[1] <= '7' && at[2] >= '0' && at[2] <= '7') {
            c = (char)((at[0] - '0') * 64 + (at[1] - '0') * 8 + (at[2] - '0'));
            at += 3;
        }
        if (n + 1 >= size || c == '\0')
            return NULL;
        out[n++] = c;
    }
    out[n] = '\0';
    return at < end ? at + 1 : NULL;
}

/* What udev has noted of a block device. */
static void find_uuid(const char *udev, const char *device, char out[DRIVES_NAME]) {
    char path[PATH_MAX];
    struct gf_buf text;
    struct gf_err e;

    out[0] = '\0';
    if (device[strspn(device, "0123456789:")] != '\0')
        return;
    (void)snprintf(path, sizeof path, "%s/b%s", udev, device);
    if (gf_file_load(AT_FDCWD, path, UDEV_MAX, &text, &e) == 0 && text.len > 0) {
        const char *line = text.data;
        while (line && strncmp(line, UUID_LINE, strlen(UUID_LINE)) != 0)
            line = (line = strchr(line, '\n')) ? line + 1 : NULL;
        if (line) {
            size_t len = strcspn(line + strlen(UUID_LINE), "\n");
            if (len > 0 && len < 128)
                (void)snprintf(out, DRIVES_NAME, "UUID=%.*s", (int)len, line + strlen(UUID_LINE));
        }
    }
    gf_buf_free(&text);
}

/* 36 35 98:0 /mnt1 /mnt2 rw,noatime ...: id, parent, device, root, where. */
static int read_line(const char *line, const char *end, const char *udev,
                     struct drives_mount *out) {
    char number[24], device[32], skipped[PATH_MAX];

    const char *at = field(line, end, number, sizeof number);
    if (at)
        at = field(at, end, skipped, sizeof skipped);
    if (at)
        at = field(at, end, device, sizeof device);
    if (at)
        at = field(at, end, skipped, sizeof skipped);
    if (!at || !field(at, end, out->path, sizeof out->path) || out->path[0] != '/')
        return -1;
    char *stop;
    errno = 0;
    out->id = strtoll(number, &stop, 10);
    if (errno != 0 || stop == number || *stop != '\0')
        return -1;
    find_uuid(udev, device, out->uuid);
    return 0;
}

int drives_parse(const char *text, size_t len, const char *udev, drives_each *fn, void *arg,
                 struct gf_err *e) {
    const char *stop = text + len;

    for (const char *line = text; line < stop;) {
        const char *end = memchr(line, '\n', (size_t)(stop - line));
        struct drives_mount m;

        if (!end)
            end = stop;
        if (read_line(line, end, udev, &m) == 0 && fn(arg, &m, e) == -1)
            return -1;
        line = end + 1;
    }
    return 0;
}

int drives_walk(drives_each *fn, void *arg, struct gf_err *e) {
    struct gf_buf text;
    char *to;

    /* Files of /proc have no size, so that gf_file_load() does not fit. */
    int fd = open(MOUNTINFO, O_RDONLY | O_CLOEXEC);
    if (fd == -1)
        return gf_err_errno(e, MOUNTINFO);
    gf_buf_init(&text, MOUNTINFO_MAX);
    ssize_t n = 1;
    while (n > 0 && (to = gf_buf_grow(&text, 65536)) != NULL) {
        n = gf_file_read(fd, to, 65536);
        if (n > 0)
            text.len += (size_t)n;
    }
    (void)close(fd);
    int rc = n == -1 ? gf_err_errno(e, MOUNTINFO) : gf_buf_check(&text, MOUNTINFO, e);
    if (rc == 0 && text.len > 0)
        rc = drives_parse(text.data, text.len, UDEV_DATA, fn, arg, e);
    gf_buf_free(&text);
    return rc;
}

/* ---- names ---- */

struct finding {
    char path[PATH_MAX];
    struct drives_mount found;
    size_t best;
};

/* The mount that a directory lies on has the longest path above it. */
static int nearer(void *arg, const struct drives_mount *m, struct gf_err *e) {
    struct finding *f = arg;
    size_t len = strlen(m->path);

    (void)e;
    if (len == 1)
        len = 0; /* "/" */
    if (strncmp(f->path, m->path, len) == 0 && (f->path[len] == '/' || f->path[len] == '\0') &&
        len >= f->best) {
        f->best = len;
        f->found = *m;
    }
    return 0;
}

int drives_note(struct agent *a, const char *dir, struct gf_err *e) {
    struct finding f = {.best = 0};
    char user[65];

    if (!realpath(dir, f.path))
        return gf_err_errno(e, "%s", dir);
    if (strlen(f.path) >= DRIVES_NAME)
        return 0; /* nobody can list it */
    command_user(user);
    if (store_drive_synced(a->store, f.path, user, a->now, e) == -1 ||
        drives_walk(nearer, &f, e) == -1)
        return -1;
    /* The name of the file system is the drive's only if the drive is all of it. */
    if (strcmp(f.found.path, f.path) != 0 || f.found.uuid[0] == '\0')
        return 0;
    return store_drive_synced(a->store, f.found.uuid, user, a->now, e);
}

/* 1 if a name is among those of a list separated by commas. */
static int is_listed(const char *list, const char *name) {
    size_t n = strlen(name);

    while (n > 0 && *list) {
        list += strspn(list, " \t,");
        size_t len = strcspn(list, ",");
        const char *next = list + len;
        while (len > 0 && (list[len - 1] == ' ' || list[len - 1] == '\t'))
            len--;
        if (len == n && memcmp(list, name, n) == 0)
            return 1;
        list = next;
    }
    return 0;
}

int drives_is_auto(struct agent *a, const struct drives_mount *m, int *unknown, struct gf_err *e) {
    const char *list = config_get(a->config, "agent", NULL, "auto_drives");

    *unknown = 0;
    if (!list)
        return 0;
    const char *name = is_listed(list, m->uuid)   ? m->uuid
                       : is_listed(list, m->path) ? m->path
                                                  : NULL;
    if (!name)
        return 0;
    int known = store_drive_known(a->store, name, e);
    *unknown = known == 0;
    return known;
}
