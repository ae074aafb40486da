/*
 * seal.h -- the writer's pipeline: archive bytes in, the payload's bytes at an offset of a file.
 *
 *   add ──► frames (compress) ──► blocks of chunks (encrypt, write) ──► digest, in order
 *
 * Compressing, encrypting and writing are jobs of a pool; filling, putting together and the digest
 * are the owner's, in order. Memory: for each thread, and two beside, a frame (2 MiB and zstd's
 * own) and a block (half a MiB).
 */
#ifndef WRITER_SEAL_H
#define WRITER_SEAL_H

#include "base/pool.h"
#include "crypto/age.h"
#include "gapferry/digest.h"

struct gf_seal;

struct gf_seal_options {
    int fd;                             /* borrowed */
    int64_t offset;                     /* where the payload begins in it */
    const struct gf_age_stream *stream; /* borrowed */
    const struct gf_buf *head;          /* age header and nonce; borrowed for the call */
    int level;                          /* zstd */
    int threads;                        /* 0: as many as useful */
};

GF_MUST_CHECK int gf_seal_new(const struct gf_seal_options *o, struct gf_seal **out,
                              struct gf_err *e);

/* The next bytes of the archive. */
GF_MUST_CHECK int gf_seal_add(struct gf_seal *s, const void *data, size_t len, struct gf_err *e);

/* No more bytes: the payload is whole. *size is its length in bytes. */
GF_MUST_CHECK int gf_seal_finish(struct gf_seal *s, int64_t *size, struct gf_hash64 *digest,
                                 struct gf_err *e);

void gf_seal_free(struct gf_seal *s);

#endif
