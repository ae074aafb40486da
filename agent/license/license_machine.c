/*
 * license_machine.c -- what tells this machine from others, salted.
 *
 * Everything is read below one directory, so that tests can build a machine out of files. Paths
 * like sys/dev/block/8:1/../ are followed by the kernel: ".." of a link's target is the directory
 * that holds the target, which is how a partition leads to its disk.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/license/license.h"
#include "gapferry/digest.h"
#include "gapferry/file.h"

#define LABEL "gapferry-factor/1"

#define VALUE_MAX 256

/* Stacked block devices (encryption on volumes on an array) above a disk. */
#define STACK_MAX 6

struct machine {
    int root;
    const uint8_t *salt;
    struct license_factor *out;
    size_t n;
};

/* 1 if the value says only that somebody did not fill it in. */
static int is_filler(const char *value) {
    static const char *const fillers[] = {
        "none",
        "not specified",
        "not available",
        "not applicable",
        "default string",
        "system serial number",
        "n/a",
        "to be filled by o.e.m.",
        "unknown",
        "invalid",
        "uninitialized",
    };
    for (size_t i = 0; i < sizeof fillers / sizeof *fillers; i++) {
        if (strcasecmp(value, fillers[i]) == 0)
            return 1;
    }
    /* 0000-..., FFFF-...: one character again and again. */
    char first = '\0';
    for (; *value; value++) {
        if (strchr("-:. ", *value))
            continue;
        if (first && (*value | 0x20) != first)
            return 0;
        first = (char)(*value | 0x20);
    }
    return 1;
}

/* A file's first line without white space around it; 0 if there is nothing to tell. */
static int read_value(const struct machine *m, const char *path, char out[VALUE_MAX]) {
    int fd = openat(m->root, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd == -1)
        return 0;
    ssize_t got = gf_file_read(fd, out, VALUE_MAX - 1);
    (void)close(fd);
    size_t n = got > 0 ? (size_t)got : 0;
    out[n] = '\0';
    out[strcspn(out, "\n")] = '\0';
    size_t lead = strspn(out, " \t\r");
    n = strlen(out + lead);
    memmove(out, out + lead, n + 1);
    while (n > 0 && strchr(" \t\r", out[n - 1]))
        out[--n] = '\0';
    return n > 0 && !is_filler(out);
}

static void add(struct machine *m, const char *name, const char *value) {
    char text[sizeof LABEL + GF_WORD_MAX + VALUE_MAX + 4];
    struct license_factor *f = &m->out[m->n];

    if (m->n == LICENSE_FACTORS_MAX)
        return;
    *f = (struct license_factor){.name = ""};
    int n = snprintf(text, sizeof text, "%s\n%s\n%s", LABEL, name, value);
    gf_digest_keyed_256(m->salt, 16, text, (size_t)n, &f->digest);
    gf_digest_wipe(text, sizeof text);
    memcpy(f->name, name, strlen(name) + 1);
    m->n++;
}

/* One factor from the first of the files that tells something. */
static void add_file(struct machine *m, const char *name, const char *const *paths) {
    char value[VALUE_MAX];

    for (; *paths; paths++) {
        if (read_value(m, *paths, value)) {
            add(m, name, value);
            return;
        }
    }
}

/* The directory in sysfs of the device that holds "/": by number, or by name where the file system
 * has a number of its own (btrfs). Fields of proc(5)'s mountinfo: 3 numbers, 5 place, after " - "
 * type and source. */
static int find_root_device(const struct machine *m, char *path, size_t room) {
    char line[4096], number[32], place[8], source[256];
    int fd = openat(m->root, "proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
    FILE *f = fd == -1 ? NULL : fdopen(fd, "r");
    int found = 0;
    struct stat st;

    if (!f) {
        if (fd != -1)
            (void)close(fd);
        return 0;
    }
    while (fgets(line, sizeof line, f)) {
        if (sscanf(line, "%*s %*s %31s %*s %7s ", number, place) != 2 || strcmp(place, "/") != 0)
            continue;
        /* Later lines lie over earlier ones. */
        (void)snprintf(path, room, "sys/dev/block/%s", number);
        found = fstatat(m->root, path, &st, 0) == 0;
        const char *rest = strstr(line, " - ");
        if (found || !rest || sscanf(rest, " - %*s %255s", source) != 1 ||
            strncmp(source, "/dev/", 5) != 0 || strchr(source + 5, '/'))
            continue;
        (void)snprintf(path, room, "sys/class/block/%s", source + 5);
        found = fstatat(m->root, path, &st, 0) == 0;
    }
    (void)fclose(f);
    return found;
}

/* The first name in a directory, by order of the alphabet, that `fits`; 0 if there is none. */
static int first_in(const struct machine *m, const char *path, char out[64],
                    int (*fits)(const struct machine *m, const char *name)) {
    int fd = openat(m->root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd == -1 ? NULL : fdopendir(fd);
    int found = 0;

    if (!d) {
        if (fd != -1)
            (void)close(fd);
        return 0;
    }
    for (struct dirent *entry; (entry = readdir(d));) {
        const char *name = entry->d_name;
        if (name[0] == '.' || strlen(name) >= 64 || (found && strcmp(name, out) > 0) ||
            (fits && !fits(m, name)))
            continue;
        memcpy(out, name, strlen(name) + 1);
        found = 1;
    }
    (void)closedir(d);
    return found;
}

/* The disk below the root file system: through volumes and encryption down, from a partition up. */
static void add_disk(struct machine *m) {
    char path[1024], below[64], file[1200], value[VALUE_MAX];
    struct stat st;

    if (!find_root_device(m, path, sizeof path))
        return;
    for (int i = 0; i < STACK_MAX; i++) {
        size_t n = strlen(path);
        (void)snprintf(path + n, sizeof path - n, "/slaves");
        if (!first_in(m, path, below, NULL)) {
            path[n] = '\0';
            break;
        }
        n = strlen(path);
        (void)snprintf(path + n, sizeof path - n, "/%s", below);
    }
    (void)snprintf(file, sizeof file, "%s/partition", path);
    const char *up = fstatat(m->root, file, &st, 0) == 0 ? "/.." : "";

    static const char *const files[] = {"wwid", "device/wwid", "serial", "device/serial",
                                        "device/cid"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        (void)snprintf(file, sizeof file, "%s%s/%s", path, up, files[i]);
        if (read_value(m, file, value)) {
            add(m, "disk", value);
            return;
        }
    }
}

/* A card of this machine: it has a device behind it, and an address that was not made up. */
static int is_physical(const struct machine *m, const char *name) {
    char path[160], value[VALUE_MAX];
    struct stat st;

    (void)snprintf(path, sizeof path, "sys/class/net/%s/device", name);
    if (fstatat(m->root, path, &st, 0) == -1)
        return 0;
    (void)snprintf(path, sizeof path, "sys/class/net/%s/addr_assign_type", name);
    int fd = openat(m->root, path, O_RDONLY | O_CLOEXEC);
    if (fd != -1) {
        char type = '0';
        (void)!gf_file_read(fd, &type, 1);
        (void)close(fd);
        if (type != '0')
            return 0;
    }
    (void)snprintf(path, sizeof path, "sys/class/net/%s/address", name);
    return read_value(m, path, value);
}

static void add_nic(struct machine *m) {
    char path[160], name[64], value[VALUE_MAX];

    if (!first_in(m, "sys/class/net", name, is_physical))
        return;
    (void)snprintf(path, sizeof path, "sys/class/net/%s/address", name);
    if (read_value(m, path, value))
        add(m, "nic", value);
}

int license_machine(const char *root, const uint8_t salt[16],
                    struct license_factor out[LICENSE_FACTORS_MAX], size_t *n, struct gf_err *e) {
    static const char *const machine_id[] = {"etc/machine-id", "var/lib/dbus/machine-id", NULL};
    static const char *const system_id[] = {"sys/class/dmi/id/product_uuid", NULL};
    static const char *const board[] = {"sys/class/dmi/id/board_serial", NULL};
    struct machine m = {.salt = salt, .out = out};

    m.root = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (m.root == -1)
        return gf_err_errno(e, "%s: cannot look for this machine's factors", root);
    add_file(&m, "machine-id", machine_id);
    add_file(&m, "system", system_id);
    add_file(&m, "board", board);
    add_disk(&m);
    add_nic(&m);
    (void)close(m.root);
    *n = m.n;
    return 0;
}
