/*
 * db_place.c -- where a database may lie: a private directory on a local disk that keeps its word.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "common/db_parts.h"

/* File systems (statfs(2), linux/magic.h) without the locks, the order of writes or the renames
 * that a rollback journal rests upon. */
static const struct {
    unsigned long magic;
    const char *name;
} unfit[] = {
    {0x4d44, "FAT"},      {0x2011bab0, "exFAT"}, {0x5346544e, "NTFS"},   {0x7366746e, "NTFS"},
    {0x65735546, "FUSE"}, {0x6969, "NFS"},       {0xff534d42, "CIFS"},   {0x517b, "SMB"},
    {0xfe534d42, "SMB"},  {0x01021997, "9p"},    {0x5346414f, "AFS"},    {0x6b414653, "AFS"},
    {0x73757245, "Coda"}, {0x00c36400, "Ceph"},  {0x0bd00bd0, "Lustre"}, {0x47504653, "GPFS"},
    {0x01161970, "GFS2"}, {0x7461636f, "OCFS2"}, {0x786f4256, "vboxsf"}, {0xbacbacbc, "VMware's"},
    {0x15013346, "UDF"},  {0x9660, "ISO 9660"},
};

static int check_file_system(int dir, const char *path, struct gf_err *e) {
    struct statfs fs;

    if (fstatfs(dir, &fs) == -1)
        return gf_err_errno(e, "%s: cannot ask for its file system", path);
    for (size_t i = 0; i < sizeof unfit / sizeof *unfit; i++) {
        if (((unsigned long)fs.f_type & 0xffffffffUL) == unfit[i].magic)
            return gf_err_set(e, GF_E_CREATE,
                              "%s: a database cannot be trusted to a %s file system; put the state "
                              "directory on a local disk (ext4, xfs, btrfs)",
                              path, unfit[i].name);
    }
    return 0;
}

/* Who may write here could put another database, or a journal, in the place of ours. */
static int check_directory(int dir, const char *full, struct gf_err *e) {
    struct stat st;

    if (fstat(dir, &st) == -1)
        return gf_err_errno(e, "%s", full);
    if (st.st_uid != geteuid() && geteuid() != 0)
        return gf_err_set(e, GF_E_CONFIG,
                          "%s: belongs to user %lu, not to us (%lu); run as its owner", full,
                          (unsigned long)st.st_uid, (unsigned long)geteuid());
    /* Its group may pass through, to spools that it shares (common/grid.h). */
    if ((st.st_mode & 067) != 0)
        return gf_err_set(e, GF_E_CONFIG, "%s: is open to others (mode %03o); chmod 700 it", full,
                          (unsigned)st.st_mode & 0777);
    return 0;
}

int db_place_missing(const char *path, const char *how, struct gf_err *e) {
    return gf_err_set(e, GF_E_NOINPUT, "%s: the database is %s", path, how);
}

/* No descriptor of an existing database is opened and closed here: that would take away the locks
 * that this process holds on it through another connection. */
static int make_file(struct db_place *p, const char *path, enum db_how how, struct gf_err *e) {
    struct stat st;
    int fd = -1;

    errno = EEXIST;
    if (how == DB_MAKE)
        fd = openat(p->dir, p->name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

    if (fd != -1) {
        int rc = fchmod(fd, 0600);
        if (rc == -1)
            (void)gf_err_errno(e, "%s: cannot make it private", path);
        (void)close(fd);
        p->is_new = 1;
        return rc;
    }
    if (errno != EEXIST)
        return gf_err_errno(e, "%s: cannot make the database", path);
    if (fstatat(p->dir, p->name, &st, AT_SYMLINK_NOFOLLOW) == -1)
        return errno == ENOENT ? db_place_missing(path, "missing", e)
                               : gf_err_errno(e, "%s: cannot look at the database", path);
    if (!S_ISREG(st.st_mode))
        return gf_err_set(e, GF_E_CREATE,
                          "%s: is not a regular file; a database is never reached through a link",
                          path);
    if (st.st_size == 0 && how != DB_MAKE)
        return db_place_missing(path, "empty", e);
    if (how != DB_READ && (st.st_mode & 077) != 0 && fchmodat(p->dir, p->name, 0600, 0) == -1)
        return gf_err_errno(e, "%s: cannot make it private", path);
    return 0;
}

int db_place_open(const char *path, enum db_how how, struct db_place *out, struct gf_err *e) {
    struct db_place p = {.dir = -1};
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    char dir[PATH_MAX];
    char real[PATH_MAX];
    int rc = -1;

    *out = p;
    if (name[0] == '\0' || strlen(path) >= sizeof((struct db *)NULL)->path ||
        strlen(name) > sizeof p.name - sizeof "-journal")
        return gf_err_set(e, GF_E_CONFIG, "%s: no usable name for a database; choose a shorter one",
                          path);
    (void)snprintf(p.name, sizeof p.name, "%s", name);
    if (!slash)
        (void)snprintf(dir, sizeof dir, ".");
    else
        (void)snprintf(dir, sizeof dir, "%.*s", slash == path ? 1 : (int)(slash - path), path);

    /* SQLite is told to follow no link; one among the directories is the administrator's business,
     * so it is followed here. */
    if (!realpath(dir, real))
        return gf_err_errno(e, "%s", dir);
    size_t len = strlen(real);
    if (len + 1 + strlen(name) >= sizeof p.full)
        return gf_err_set(e, GF_E_CONFIG, "%s: lies too deep; choose a shorter path", real);
    memcpy(p.full, real, len);
    (void)snprintf(p.full + len, sizeof p.full - len, "%s%s", len > 1 ? "/" : "", name);
    p.dir = open(real, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (p.dir == -1)
        return gf_err_errno(e, "%s", real);
    if (check_directory(p.dir, real, e) == -1 || check_file_system(p.dir, path, e) == -1 ||
        make_file(&p, path, how, e) == -1)
        goto out;
    *out = p;
    p.dir = -1;
    rc = 0;
out:
    db_place_close(&p);
    return rc;
}

void db_place_close(struct db_place *p) {
    if (p->dir != -1)
        (void)close(p->dir);
    p->dir = -1;
}
