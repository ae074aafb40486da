/*
 * archive.h -- the inner archive: a pax archive of regular files, written and read with libarchive
 * through callbacks, never by path. (Ours: libarchive's own header is <archive.h>.)
 *
 * Members have mode 0600, owner 0, time 0, and names so short and sizes so small that no pax
 * extension is ever needed: the length of an archive follows from its members' sizes.
 */
#ifndef FORMAT_ARCHIVE_H
#define FORMAT_ARCHIVE_H

#include <stddef.h>
#include <stdint.h>

#include "gapferry/err.h"

/* Bytes one member adds to an archive, and bytes of the end. */
int64_t gf_archive_member_size(int64_t size);
#define GF_ARCHIVE_END   1024
#define GF_ARCHIVE_BLOCK 512

/* The one form of a member's header, which is how libarchive spells it (bundle-format.md 8.2). */
void gf_archive_block(const char *name, int64_t size, uint8_t out[GF_ARCHIVE_BLOCK]);

/* ---- writing ---- */

struct gf_archive_out;

/* Take bytes; 0, or -1 with *e. */
typedef int gf_archive_put(void *arg, const void *data, size_t len, struct gf_err *e);

GF_MUST_CHECK int gf_archive_out_new(gf_archive_put *put, void *arg, struct gf_archive_out **out,
                                     struct gf_err *e);
/* Begin a member; its data must follow, exactly `size` bytes in all. */
GF_MUST_CHECK int gf_archive_out_member(struct gf_archive_out *o, const char *name, int64_t size,
                                        struct gf_err *e);
GF_MUST_CHECK int gf_archive_out_data(struct gf_archive_out *o, const void *data, size_t len,
                                      struct gf_err *e);
/* Write the end. */
GF_MUST_CHECK int gf_archive_out_end(struct gf_archive_out *o, struct gf_err *e);
void gf_archive_out_free(struct gf_archive_out *o);

/* ---- reading ---- */

struct gf_archive_in;

/* Lend the next bytes until the next call; *len 0 is the end. 0, or -1 with *e. */
typedef int gf_archive_get(void *arg, const void **data, size_t *len, struct gf_err *e);

GF_MUST_CHECK int gf_archive_in_new(gf_archive_get *get, void *arg, struct gf_archive_in **out,
                                    struct gf_err *e);
/* The next member: 1, *name (borrowed until the next call) and *size; 0 at the end. Anything but a
 * regular file, its header the very bytes of gf_archive_block(), is GF_E_ARCHIVE. */
GF_MUST_CHECK int gf_archive_in_next(struct gf_archive_in *i, const char **name, int64_t *size,
                                     struct gf_err *e);
/* The member's next bytes, borrowed; *len 0 at its end. */
GF_MUST_CHECK int gf_archive_in_data(struct gf_archive_in *i, const void **data, size_t *len,
                                     struct gf_err *e);
/* After the end: nothing but the zeros of the end may have been in the stream. */
GF_MUST_CHECK int gf_archive_in_end(struct gf_archive_in *i, struct gf_err *e);
void gf_archive_in_free(struct gf_archive_in *i);

#endif
