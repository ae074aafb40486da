/*
 * bundle.h -- write a bundle, and read one. docs/bundle-format.md has the bytes.
 *
 * Writing:   gf_writer_open   members in order: gf_writer_member, gf_writer_data ...
 *            gf_writer_finish gf_writer_free
 *
 * Reading is three steps with three privileges. Each uses only what the earlier ones proved, and
 * each may run in a process of its own:
 *
 *   1. gf_bundle_head, gf_bundle_copy   public keys only: shell, signature, header, digest
 *   2. gf_bundle_decrypt                the sealing key:  plaintext to a descriptor
 *   3. gf_bundle_items                  no keys:          members into a private directory
 *
 * Nothing is handed on before it is verified: what step 3 has written into the private directory
 * counts for nothing until it returns 0, and on failure it has removed it.
 */
#ifndef GAPFERRY_BUNDLE_H
#define GAPFERRY_BUNDLE_H

#include "gapferry/card.h"
#include "gapferry/contents.h"
#include "gapferry/header.h"

/* ---- writing ---- */

struct gf_pack {
    const struct gf_identity *identity; /* signs; must outlive the writer */
    enum gf_kind kind;
    const struct gf_card *to;
    const struct gf_card *const *readers; /* others who may open it; the writer's own card among
                                             them if it wants to keep that right */
    size_t nreaders;
    struct gf_id id;
    struct gf_id stream;
    int64_t seq;
    int has_prev;
    struct gf_hash prev;
    int has_created;
    int64_t created;
    int has_expires;
    int64_t expires;
    int level;   /* zstd level; 0 means 1 */
    int threads; /* 0: one for each core, at most 4 */
    /* What contents.json states beyond the members; borrowed until gf_writer_finish(). */
    const int64_t *voids;
    size_t nvoids;
    const struct gf_have *have;
    size_t nhave;
    const struct gf_want *want;
    size_t nwant;
    const char *ext; /* its `ext`: a JSON object; NULL: {} */
    int no_records;  /* 1: the header says that there are none, and the caller writes none */
};

struct gf_writer;

/* Begin a bundle in the empty file fd (borrowed; readable, writable, seekable, private until it is
 * finished). *p is copied, what it points to must outlive the writer. Errors: GF_E_USAGE (readers
 * doubled, or the addressee among them), GF_E_SYSTEM. */
GF_MUST_CHECK int gf_writer_open(int fd, const struct gf_pack *p, struct gf_writer **out,
                                 struct gf_err *e);

/*
 * Begin the next member of exactly `size` bytes. Members come in the order of enum gf_member; one
 * of size 0 is left out, except files. `name` is a file's real name: its member's name is made
 * from it ([a-z0-9.-], made unique) and written to member[] where that is not NULL. Errors:
 * GF_E_USAGE (order, kind, last member not complete), GF_E_LIMIT.
 */
GF_MUST_CHECK int gf_writer_member(struct gf_writer *w, enum gf_member m, const char *name,
                                   int64_t size, char *member, struct gf_err *e);

/* The same for one part of a file too large for a bundle; GF_E_USAGE if the part is none of `size`
 * bytes within its file. */
GF_MUST_CHECK int gf_writer_part(struct gf_writer *w, const char *name, int64_t size,
                                 const struct gf_part *part, char *member, struct gf_err *e);

/* The member's next bytes, as they are. Lines are not checked here: see record.h. */
GF_MUST_CHECK int gf_writer_data(struct gf_writer *w, const void *data, size_t len,
                                 struct gf_err *e);

/* The rest of the current member from a descriptor. GF_E_SYSTEM if it ends early ("changed while it
 * was read"). progress may be NULL: called now and then with the bytes so far. */
typedef void gf_progress(void *arg, int64_t done);
GF_MUST_CHECK int gf_writer_copy(struct gf_writer *w, int fd, gf_progress *progress, void *arg,
                                 struct gf_err *e);

/* Write contents.json, complete and sign the header. Does not flush: the file is the caller's. The
 * header and its digest (the next one's `prev`) are set where not NULL. */
GF_MUST_CHECK int gf_writer_finish(struct gf_writer *w, struct gf_header *header,
                                   struct gf_hash *digest, struct gf_err *e);

/* Release all, at any time; accepts NULL. */
void gf_writer_free(struct gf_writer *w);

/* ---- reading, step 1: public keys only ---- */

/* What the reader holds against a bundle; all borrowed. */
struct gf_check {
    const struct gf_card *const *trusted; /* senders we know */
    size_t ntrusted;
    const struct gf_hash
        *us; /* our identities: addressee, or reader; none: anybody's bundle will do */
    size_t nus;
    int readers_too;  /* 1: being a reader is enough (unpack), 0: only the addressee (apply) */
    int has_now;      /* 1: refuse what has expired at `now` */
    int64_t now;      /* seconds */
    int64_t size_max; /* bytes of the whole bundle; 0: GF_BUNDLE_MAX */
};

/* A verified head. Belongs to the caller; no release needed but gf_head_free(). */
struct gf_head {
    struct gf_header header;
    struct gf_hash digest;        /* of bundle.json */
    const struct gf_card *sender; /* borrowed from gf_check; NULL from gf_bundle_peek() */
    int is_reader;                /* we may open it, but it is not addressed to us */
    int64_t bundle_size;          /* bytes of the whole file, as the shell requires */
    int64_t payload_offset;       /* bytes */
    char *bytes;                  /* the file's first payload_offset bytes */
};

/* What routing reads: the fixed fields of the signature's trusted comment. */
struct gf_route {
    struct gf_id id;
    struct gf_hash from;
    struct gf_hash to;
    int64_t bundle_size; /* bytes of the whole file, as the shell requires */
};

/* Shell and fixed fields only, without any key and without a parser: nothing in *out may be
 * believed. It tells for whom to keep a stranger's bundle. Errors: GF_E_NOINPUT, GF_E_SHELL,
 * GF_E_LIMIT, GF_E_MINISIG. */
GF_MUST_CHECK int gf_bundle_route(int fd, struct gf_route *out, struct gf_err *e);

/* How long a bundle is by what its shell says, from its first GF_HEAD_MAX bytes; -1 if they are no
 * shell. For who reads a stream whose length nobody has told; nothing of it is checked. */
int64_t gf_bundle_length(const void *head, size_t len);

/*
 * Read the head of the bundle on fd (a regular file, or anything pread() works on; size is fstat's)
 * into memory and verify it there: canonical shell and exact length, routing by the fixed fields of
 * the trusted comment, signature by the trusted card that FROM names, then the header's own rules.
 * Errors, in this order: GF_E_NOINPUT, GF_E_SHELL, GF_E_LIMIT, GF_E_MINISIG, GF_E_NOT_FOR_US,
 * GF_E_SENDER, GF_E_SIGNATURE, GF_E_JSON, GF_E_VERSION, GF_E_HEADER, GF_E_EXPIRED.
 */
GF_MUST_CHECK int gf_bundle_head(int fd, const struct gf_check *c, struct gf_head *out,
                                 struct gf_err *e);

/* The same without any key: nothing in *out may be believed (`inspect`, and showing an unknown
 * sender). The shell and all forms are checked, no signature. */
GF_MUST_CHECK int gf_bundle_peek(int fd, struct gf_head *out, struct gf_err *e);

void gf_head_free(struct gf_head *h);

/*
 * Check the payload's digest while copying the bundle from fd to copy (an empty private file; the
 * head is written from memory, not read again). copy -1: check only. Errors: GF_E_DIGEST,
 * GF_E_SHELL (cut, or the end blocks are not zero), GF_E_SYSTEM, GF_E_CREATE.
 */
GF_MUST_CHECK int gf_bundle_copy(int fd, const struct gf_head *h, int copy, gf_progress *progress,
                                 void *arg, struct gf_err *e);

/* ---- step 2: the sealing key ---- */

/*
 * Decrypt the payload of a verified copy to out_fd (a pipe, or a private file). The age header must
 * have exactly 1 + readers X25519 stanzas and no others. Plaintext comes out chunk by chunk, each
 * authentic; the whole is complete only when this returns 0. Errors: GF_E_AGE, GF_E_UNWRAP,
 * GF_E_HMAC, GF_E_CHUNK, GF_E_SYSTEM.
 */
GF_MUST_CHECK int gf_bundle_decrypt(int copy, const struct gf_head *h,
                                    const struct gf_seal_key *const *keys, size_t nkeys, int out_fd,
                                    struct gf_err *e);

/*
 * The same beside step 3: a thread decrypts into a pipe, whose other end somebody reads meanwhile.
 * pipe_fd is taken over and closed when all is written, or on failure. copy, *h and the keys must
 * stay until the end. A payload that any pipe holds is decrypted at once, without a thread. The
 * thread takes no signals; the process ignores SIGPIPE, or its reader stays. Errors: GF_E_SYSTEM
 * (no thread, no memory); what fails later is told at the end.
 */
struct gf_bundle_decrypting;
GF_MUST_CHECK int gf_bundle_decrypt_begin(int copy, const struct gf_head *h,
                                          const struct gf_seal_key *const *keys, size_t nkeys,
                                          int pipe_fd, struct gf_bundle_decrypting **out,
                                          struct gf_err *e);
/* Wait for it, and release it; the pipe was read to its end by then, or is closed. rc and *e say
 * what reading came to: that is returned where decryption did not fail, or failed only because
 * nobody read any more. Else -1 with its own error (those of gf_bundle_decrypt()), which is the
 * cause of whatever the reader met. */
GF_MUST_CHECK int gf_bundle_decrypt_end(struct gf_bundle_decrypting *d, int rc, struct gf_err *e);

/* ---- step 3: no keys ---- */

struct gf_record;

struct gf_items_options {
    int check_lines; /* 1: every line of the .jsonl members must parse (record.h) */
    int64_t room;    /* bytes the members may take at most (GF_E_CREATE); 0: GF_ARCHIVE_MAX */
    int threads;     /* 0: one for each core, at most 4 */
    gf_progress *progress;
    void *arg;
    /* Where not NULL: gets each record that was checked (so check_lines must be 1) with its exact
     * line, with LF; both are borrowed. records.jsonl is not written then. -1 and *e to end. */
    int (*record)(void *record_arg, const struct gf_record *r, const char *line, size_t len,
                  struct gf_err *e);
    void *record_arg;
};

/*
 * Read frames and archive from plain_fd (from where it stands to its end) and write the members
 * into the empty directory dir (open, private): records.jsonl, files/..., contents.json. Only
 * regular members with expected names, in order, contents.json last and equal to the members and to
 * the header. On failure everything written is removed. Errors: GF_E_FRAME, GF_E_ARCHIVE,
 * GF_E_CONTENTS, GF_E_BINDING, GF_E_JSON, GF_E_RECORD, GF_E_LIMIT, GF_E_SYSTEM, GF_E_CREATE. The
 * files are not flushed. *out is owned by the caller: gf_contents_free().
 */
GF_MUST_CHECK int gf_bundle_items(int plain_fd, const struct gf_header *h,
                                  const struct gf_items_options *o, int dir,
                                  struct gf_contents *out, struct gf_err *e);

/* Remove what gf_bundle_items() wrote, from its directory; best effort. */
void gf_bundle_items_remove(int dir);

/* Steps 2 and 3 together, in one process and at the same time. */
GF_MUST_CHECK int gf_bundle_open(int copy, const struct gf_head *h,
                                 const struct gf_seal_key *const *keys, size_t nkeys,
                                 const struct gf_items_options *o, int dir, struct gf_contents *out,
                                 struct gf_err *e);

#endif
