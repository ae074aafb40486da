/*
 * file.h -- bounded and durable file operations on local directories. Drives have rules of their
 * own: drive.h.
 */
#ifndef GAPFERRY_FILE_H
#define GAPFERRY_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "gapferry/buf.h"

/* Read up to len bytes, fewer only at the end of the file; EINTR is retried. The number of bytes,
 * or -1 with errno. The second form reads at an offset. */
GF_MUST_CHECK ssize_t gf_file_read(int fd, void *buf, size_t len);
GF_MUST_CHECK ssize_t gf_file_read_at(int fd, void *buf, size_t len, int64_t offset);

/* Write all of it; 0, or -1 with errno. */
GF_MUST_CHECK int gf_file_write(int fd, const void *buf, size_t len);
GF_MUST_CHECK int gf_file_write_at(int fd, const void *buf, size_t len, int64_t offset);

/*
 * Read a whole small file below dir (AT_FDCWD for the working directory) into out, which is
 * initialised here with its ceiling max. A link at the end of the path is refused, and so is what
 * is not a regular file. Errors: GF_E_NOINPUT, GF_E_LIMIT, GF_E_SYSTEM; the path is in the text.
 */
GF_MUST_CHECK int gf_file_load(int dir, const char *path, size_t max, struct gf_buf *out,
                               struct gf_err *e);

/* The same of a file that need not be there: 1 loaded, 0 nothing of this name is there (*out is
 * empty then), -1. What may not be looked at, a link, and what is not a regular file are there. */
GF_MUST_CHECK int gf_file_load_if_there(int dir, const char *path, size_t max, struct gf_buf *out,
                                        struct gf_err *e);

/* Make a file of these bytes, durable and all or nothing, in the place of what has its name.
 * Errors: those of gf_out_open(); GF_E_CREATE also where there is no room. */
GF_MUST_CHECK int gf_file_save(int dir, const char *path, const void *data, size_t len, mode_t mode,
                               struct gf_err *e);
/* The same, unless it is a file of exactly these bytes already. */
GF_MUST_CHECK int gf_file_save_changed(int dir, const char *path, const void *data, size_t len,
                                       mode_t mode, struct gf_err *e);
/* The same for a new one; GF_E_CREATE if something of its name exists. */
GF_MUST_CHECK int gf_file_save_new(int dir, const char *path, const void *data, size_t len,
                                   mode_t mode, struct gf_err *e);

/*
 * A file that gets its name only when it is complete.
 *
 *   gf_out_open()    makes a private file (0600) in the directory of `path`
 *   ... write to o.fd ...
 *   gf_out_commit()  flush, mode, rename to `path`, flush the directory
 *   gf_out_close()   always; removes what was not committed
 */
struct gf_out {
    int fd;         /* open for reading and writing; -1 when closed */
    int dir;        /* the directory */
    char name[256]; /* final name in it */
    char temp[280]; /* temporary name in it; "" once committed */
};

/* Errors: GF_E_CREATE, GF_E_NOINPUT (no such directory), GF_E_SYSTEM. *o is safe to close always.
 */
GF_MUST_CHECK int gf_out_open(struct gf_out *o, int dir, const char *path, struct gf_err *e);

/* replace: 0 refuses to overwrite (GF_E_CREATE), 1 replaces. */
GF_MUST_CHECK int gf_out_commit(struct gf_out *o, mode_t mode, int replace, struct gf_err *e);
void gf_out_close(struct gf_out *o);

/* A file without a name, for reading and writing, in directory dir; -1 and *e on failure. */
GF_MUST_CHECK int gf_file_unnamed(int dir, struct gf_err *e);

/* Split PATH into its directory (opened) and last component (copied); "" and "." are refused. */
GF_MUST_CHECK int gf_file_split(int dir, const char *path, int *parent, char name[256],
                                struct gf_err *e);

#endif
