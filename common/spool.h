/*
 * spool.h -- records on their way from one of our programs to another, in files that survive kill
 * -9 and power cuts: intake/ of the agent, and the returns spool.
 *
 * A spool is a directory. Each writer makes files of its own in it, UUID.spool (version 7, so that
 * names sort by time), and only ever appends. A file is a row of entries; an entry is
 *
 *   LENGTH CRC LINE
 *
 * LENGTH: 8 lower-case hex digits, the bytes of LINE with its LF; CRC: 8 more, CRC-32C (RFC 3720,
 * section 12.1) of LINE; one space after each; LINE: 1 to GF_LINE_MAX bytes without NUL, whose only
 * LF is the last byte. So `cut -c19-` shows what a file holds.
 *
 * What follows the last LF of a file is an entry whose writer was stopped: it was never promised to
 * anybody and is ignored. Any other bytes that are no entry are damage, which is reported and
 * skipped up to the next whole entry.
 *
 * Files have mode 0600; where the group of the directory may write to it, 0640, so that a reader
 * of that group (the directory has its setgid bit then) can do its part.
 *
 * A writer locks its file (flock) while it appends, a reader while it looks how far the file goes
 * and while it removes it. Errors: GF_E_CREATE, GF_E_SYSTEM, GF_E_NOINPUT (no such directory).
 */
#ifndef COMMON_SPOOL_H
#define COMMON_SPOOL_H

#include <stddef.h>
#include <stdint.h>

#include "gapferry/buf.h"

/* Bytes of a file after which its writer begins another one, at most; and of one group. */
#define SPOOL_FILE_MAX (8LL << 20)

/* Bytes beyond which a file is none that a writer of ours has made. */
#define SPOOL_READ_MAX (64LL << 20)

#define SPOOL_NAME 43 /* UUID.spool and NUL */

/* CRC-32C of bytes. */
uint32_t spool_crc(const void *data, size_t len);
/* The same without the processor's instruction for it: for tests. */
uint32_t spool_crc_plain(const void *data, size_t len);

/* Append one entry to b, whatever the line is; for tests and for the writer. */
void spool_entry(struct gf_buf *b, const char *line, size_t len);

/* ---- writing ---- */

struct spool;

/* Write to this directory, beginning another file beyond file_max bytes (at most
 * SPOOL_FILE_MAX). Nothing is made before the first spool_sync(). */
GF_MUST_CHECK int spool_open(const char *dir, int64_t file_max, struct spool **out,
                             struct gf_err *e);
/* What was not synced is forgotten. NULL is fine. */
void spool_close(struct spool *s);

/* Add a line (with its LF) to the group that the next spool_sync() writes. GF_E_LIMIT if it is
 * longer than GF_LINE_MAX, GF_E_USAGE if it is not one line, GF_E_LIMIT if the group is larger than
 * SPOOL_FILE_MAX: sync first. */
GF_MUST_CHECK int spool_put(struct spool *s, const char *line, size_t len, struct gf_err *e);

/* Make the group durable, in the directory that was opened and is still found under its path:
 * GF_E_SYSTEM if it is not. On failure none of it is there, and it is forgotten: the caller tells
 * whoever waits for it. */
GF_MUST_CHECK int spool_sync(struct spool *s, struct gf_err *e);

/* ---- reading ---- */

/* The names of the files of a spool, sorted; one allocation, free(). Other names are left alone. */
GF_MUST_CHECK int spool_list(int dir, char (**names)[SPOOL_NAME], size_t *n, struct gf_err *e);

struct spool_reader {
    int fd;
    char name[SPOOL_NAME];
    int64_t size; /* how far it goes */
    int64_t at;   /* the cursor: behind what was handed out last */
    struct gf_buf buf;
    int64_t base; /* where buf begins in the file */
};

/* Open a file of the spool at a cursor (0: its beginning). A link or anything but a regular file is
 * GF_E_NOINPUT, one beyond SPOOL_READ_MAX GF_E_LIMIT. 1 open, 0 if its writer holds it for more
 * than a second. Close it in any case. */
GF_MUST_CHECK int spool_reader_open(int dir, const char *name, int64_t at, struct spool_reader *r,
                                    struct gf_err *e);
void spool_reader_close(struct spool_reader *r);

enum spool_found { SPOOL_END, SPOOL_LINE, SPOOL_DAMAGE };

/* The next line (with its LF), or a stretch of damage (at most GF_LINE_MAX bytes of it), borrowed
 * until the next call; SPOOL_END where nothing whole follows; -1 failed. */
GF_MUST_CHECK int spool_next(struct spool_reader *r, const char **data, size_t *len,
                             struct gf_err *e);

/* Remove the file if no whole entry lies behind the cursor and nobody writes to it now: 1 removed,
 * 0 kept. Durable. Once the cursor itself is durable. */
GF_MUST_CHECK int spool_remove(struct spool_reader *r, int dir, struct gf_err *e);

#endif
