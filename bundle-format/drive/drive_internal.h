/*
 * drive_internal.h -- what the files of drive/ share, and the seam at which tests make a drive
 * fail.
 */
#ifndef DRIVE_INTERNAL_H
#define DRIVE_INTERNAL_H

#include <dirent.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/types.h>

#include "gapferry/drive.h"

/*
 * The system calls by which a drive is touched, with the kernel's own meaning and errno. Drives lie
 * and fail in ways that no file system here offers; tests pass a table of their own.
 */
struct gf_drive_sys {
    int (*openat2)(int dir, const char *name, const struct open_how *how);
    int (*openat)(int dir, const char *name, int flags, mode_t mode);
    int (*close)(int fd);
    int (*statx)(int dir, const char *name, int flags, unsigned mask, struct statx *st);
    int (*statvfs)(int fd, struct statvfs *v);
    int (*mkdirat)(int dir, const char *name, mode_t mode);
    int (*fallocate)(int fd, int mode, off_t from, off_t len);
    ssize_t (*write)(int fd, const void *data, size_t len);
    ssize_t (*pread)(int fd, void *data, size_t len, off_t from);
    int (*fsync)(int fd);
    int (*syncfs)(int fd);
    int (*fadvise)(int fd, off_t from, off_t len, int advice); /* -1 and errno, unlike POSIX's */
    int (*renameat2)(int from_dir, const char *from, int to_dir, const char *to, unsigned flags);
    int (*unlinkat)(int dir, const char *name, int flags);
};

extern const struct gf_drive_sys gf_drive_kernel;

/* Where files are written: the three folders, and GAPFERRY/ itself for README.txt. */
#define GF_DRIVE_PLACES 4
#define GF_DRIVE_HOME   3

struct gf_drive {
    const struct gf_drive_sys *sys;
    char *path;                 /* as the caller named it, for messages */
    char *real;                 /* absolute: the place at which the drive must still lie */
    int root;                   /* the drive's root directory */
    int home;                   /* GAPFERRY/ */
    struct statx is;            /* of root, when it was opened: device and mount */
    int swept[GF_DRIVE_PLACES]; /* 1: leftovers of interrupted writers were removed there */
};

/* gf_drive_open() with a table of system calls, which must outlive the drive. */
GF_MUST_CHECK int gf_drive_open_with(const char *path, int make, const struct gf_drive_sys *sys,
                                     struct gf_drive **out, struct gf_err *e);

/* Open one component of a path below dir, which is on the drive: no link, no other file system, and
 * without waiting for what is not a file. A descriptor, or -1 with errno. */
GF_MUST_CHECK int gf_drive_beneath(const struct gf_drive *d, int dir, const char *name, int flags,
                                   mode_t mode);

/* Look at name in dir without following it; "" for dir itself. 0, or -1 with errno. */
GF_MUST_CHECK int gf_drive_look(const struct gf_drive *d, int dir, const char *name,
                                struct statx *st);

/* 1 if it is a regular file of one name on the drive's own file system. */
int gf_drive_is_file(const struct statx *st);

/* 1 if name is [a-z0-9-]{1,48} and the ending. */
int gf_drive_is_name(const char *name, const char *ending);

/* The ending of a folder's files, with its dot, and the largest of them. */
const char *gf_drive_ending(enum gf_folder folder);
int64_t gf_drive_size_max(enum gf_folder folder);

/*
 * Open a folder after making sure that the drive still lies where it lay; make: create it where it
 * is missing, else *fd is -1 then.
 */
GF_MUST_CHECK int gf_drive_folder(const struct gf_drive *d, enum gf_folder folder, int make,
                                  int *fd, struct gf_err *e);

/* Flush a directory; file systems that have no such operation are forgiven. 0, or -1 with errno. */
GF_MUST_CHECK int gf_drive_flush(const struct gf_drive *d, int dir);

/* GF_E_USAGE unless the folder's files may have this name: programs make names from ids and
 * fingerprints, so another one is a mistake of theirs. */
GF_MUST_CHECK int gf_drive_check_name(enum gf_folder folder, const char *name, struct gf_err *e);

/* The entries of dir from the first one on; NULL with errno. dir stays the caller's. */
DIR *gf_drive_stream(const struct gf_drive *d, int dir);

/*
 * 1 if the directory lists exactly this name, which exists. 0 if it only answers to it: FAT does so
 * to a name in other case, and a file so named is not ours to compare or remove. -1 with errno.
 */
GF_MUST_CHECK int gf_drive_is_spelled(const struct gf_drive *d, int dir, const char *name);

/* Put errno into words for somebody who holds the drive; the text in front names the file. Like
 * gf_err_errno(). */
int gf_drive_unread(struct gf_err *e, const char *fmt, ...) GF_PRINTF(2, 3);
int gf_drive_unwritten(struct gf_err *e, const char *fmt, ...) GF_PRINTF(2, 3);

/* What is written: memory, or a file from its start where text is NULL. */
struct gf_drive_source {
    const char *text;
    int fd;
    int64_t size; /* bytes */
    int any;      /* 1: whatever has the name already will do */
};

/* The recipe of gf_drive_write() for a directory of the drive; place: a folder or GF_DRIVE_HOME.
 * Another program that writes the same file at the same moment is no failure. */
GF_MUST_CHECK int gf_drive_put(struct gf_drive *d, int place, const char *name,
                               const struct gf_drive_source *src, int *was_there, struct gf_err *e);

/* Write README.txt where there is none. */
GF_MUST_CHECK int gf_drive_put_readme(struct gf_drive *d, struct gf_err *e);

#endif
