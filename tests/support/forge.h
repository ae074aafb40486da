/*
 * forge.h -- bundles made stage by stage, so that any part of one can be made wrong while all that
 * stands above it (MAC, digest, signature, shell) is right again.
 *
 *   forge_begin(&f, world, "a-name");
 *   forge_to(&f, FORGE_HEADER);           everything up to bundle.json is made
 *   ... change f.json ...
 *   forge_to(&f, FORGE_SHELL);            the rest is made from it
 *   f.file is the bundle                  forge_free(&f)
 *
 * Nothing is random: keys come from fixed seeds, a bundle's own secrets from its name. A forge is
 * for tests: it ends the program when it is used wrongly.
 */
#ifndef SUPPORT_FORGE_H
#define SUPPORT_FORGE_H

#include "gapferry/bundle.h"

/* What each stage makes, of what the stages before it have made. */
enum forge_stage {
    FORGE_NOTHING,
    FORGE_CONTENTS,  /* contents: the text of contents.json, of header and members */
    FORGE_ARCHIVE,   /* archive: a ustar archive of members and contents */
    FORGE_FRAMES,    /* plain: zstd frames of archive */
    FORGE_STANZAS,   /* age: the age header up to and with its "---" */
    FORGE_AGE,       /* age: its MAC and the nonce added */
    FORGE_PAYLOAD,   /* age: the chunks added */
    FORGE_HEADER,    /* json: bundle.json, of header and age */
    FORGE_SIGNED,    /* sig: the parts of a signature of json */
    FORGE_SIGNATURE, /* minisig: its text */
    FORGE_SHELL      /* file: the bundle */
};

/* Everybody there is. Secret keys are public here: these are for tests. */
#define FORGE_OFFICERS 16
struct forge_world {
    struct gf_identity site;     /* an agent that is trusted: sends requests, gets responses */
    struct gf_identity other;    /* another trusted agent */
    struct gf_identity twin;     /* a trusted agent whose minisign key number is that of `site` */
    struct gf_identity relay;    /* a trusted relay: gets requests, sends responses */
    struct gf_identity stranger; /* an agent that nobody trusts */
    struct gf_identity officers[FORGE_OFFICERS]; /* they may read */
    const struct gf_card *trusted[4];
};

#define FORGE_CREATED 1767225600LL /* 2026-01-01T00:00:00Z */
#define FORGE_NOW     1767312000LL /* a day later: the reader's clock */
#define FORGE_EXPIRES 1798761600LL /* 2027-01-01T00:00:00Z */
#define FORGE_ROOM    (16 << 20)   /* bytes that a reader here allows the members to take */

void forge_world_make(struct forge_world *w);
void forge_world_free(struct forge_world *w);

/* An identity whose keys come from a seed text; keynum of another identity where it is not NULL. */
void forge_identity(const char *seed, enum gf_role role, const struct gf_sign_public *keynum,
                    struct gf_identity *out);

#define FORGE_MEMBERS 8
struct forge_member {
    const char *path; /* in the archive */
    const char *name; /* a file's real name, or NULL */
    struct gf_buf data;
};

struct forge_signature {
    char algorithm[3];
    uint8_t keynum[8];
    uint8_t sig[64];
    uint8_t global[64];
    char untrusted[256];
    char trusted[512];
};

struct forge {
    const char *name;
    struct forge_world *world;
    enum forge_stage done;
    uint64_t drawn;

    const struct gf_identity *from; /* whose keys sign; header.from is its identity at first */
    const struct gf_identity *to;   /* first stanza */
    const struct gf_identity *readers[FORGE_OFFICERS]; /* the other stanzas */
    struct gf_header header;                           /* nreaders here counts `readers` too */
    size_t header_size;                                /* pad bundle.json to this; 0: not */
    size_t nmembers;
    struct forge_member members[FORGE_MEMBERS];

    struct gf_buf contents;
    struct gf_buf archive;
    struct gf_buf plain;
    struct gf_buf age;
    struct gf_buf json;
    struct forge_signature sig;
    struct gf_buf minisig;
    struct gf_buf file;

    uint8_t file_key[16];
    uint8_t nonce[16];
    uint8_t chunk_key[32];
    uint64_t chunks; /* made so far */
};

/* Begin a request from `site` to `relay` with one record, or a response the other way with one
 * receipt. */
void forge_begin(struct forge *f, struct forge_world *w, const char *name, enum gf_kind kind);

/* Run the stages that have not been run, up to and with `stage`. */
void forge_to(struct forge *f, enum forge_stage stage);

void forge_free(struct forge *f);

/* The bundle's own random bytes: the same for the same name. */
void forge_random(struct forge *f, void *out, size_t len);

/* Ends the program, saying what was wrong. */
_Noreturn void forge_fail(const char *name, const char *what);

/* ---- texts and bytes ---- */

/* Replace the whole; replace the one occurrence of a text; put in, take out bytes. */
void forge_set(struct gf_buf *b, const void *data, size_t len);
void forge_edit(struct gf_buf *b, const char *find, const char *put);
void forge_insert(struct gf_buf *b, size_t at, const void *data, size_t len);
void forge_remove(struct gf_buf *b, size_t at, size_t len);
void forge_add(struct gf_buf *b, const void *data, size_t len);
void forge_fill(struct gf_buf *b, uint8_t byte, size_t len);

/* ---- members ---- */

/* Add a member; its bytes are copied. */
struct forge_member *forge_member(struct forge *f, const char *path, const char *name,
                                  const void *data, size_t len);

/* Take all out again. */
void forge_no_members(struct forge *f);

/* The good lines that members begin with. */
extern const char forge_record[];
extern const char forge_receipt[];
extern const char forge_answer[];
extern const char forge_refusal[];
extern const char forge_notice[];

/* ---- archives (forge_tar.c) ---- */

/* A header of a plain file, the kind of this type, its data with padding, and the end. */
void forge_tar_header(struct gf_buf *out, const char *name, char type, int64_t size);
void forge_tar_data(struct gf_buf *out, const void *data, size_t len);
void forge_tar_end(struct gf_buf *out);

/* Put a text into a header block and make its checksum right again; make it right again only. */
void forge_tar_put(struct gf_buf *b, size_t block, size_t at, const void *data, size_t len);
void forge_tar_sum(uint8_t block[512]);

/* A pax extended header with one record "KEY=VALUE". */
void forge_tar_pax(struct gf_buf *out, char type, const char *key, const char *value);

/* ---- frames (forge_frame.c) ---- */

struct forge_frame {
    int no_size;     /* state no content size */
    int size_bytes;  /* 1, 2, 4 or 8 of them; 0: as few as fit */
    uint64_t size;   /* state this size where it is not 0 */
    int window;      /* not 0: this window descriptor instead of a single segment */
    int dictionary;  /* not 0: this dictionary id */
    int reserved;    /* 1: the reserved bit is set */
    int no_checksum; /* leave it out */
    int raw;         /* store bytes as they are: no runs */
    int block_type;  /* of the first block where it is not 0 */
};

/* One frame with this content: stored bytes and runs, no real compression, so that the bytes do not
 * depend on a version of zstd. */
void forge_frame(struct gf_buf *out, const void *data, size_t len, const struct forge_frame *o);

/* A frame of `blocks` runs of `each` zeros, that states `size`. */
void forge_frame_bomb(struct gf_buf *out, uint64_t size, size_t blocks, size_t each);

/* ---- age (forge_age.c) ---- */

/* One X25519 stanza for this key. */
void forge_stanza(struct forge *f, struct gf_buf *out, const uint8_t pk[32]);

/* One chunk of plaintext, sealed with this number and mark, at the end of f->age. */
void forge_chunk(struct forge *f, uint64_t number, int last, const void *data, size_t len);

/* The stages of age.c's kind. */
void forge_make_stanzas(struct forge *f);
void forge_make_age(struct forge *f);
void forge_make_payload(struct forge *f);

/* ---- signatures and shell (forge_sign.c) ---- */

/* Sign json with these keys into f->sig; the trusted comment is taken as it stands there. */
void forge_sign(struct forge *f, const struct gf_identity *by);

/* The trusted comment's signature only: of f->sig.sig and f->sig.trusted. */
void forge_sign_global(struct forge *f, const struct gf_identity *by);

void forge_make_signed(struct forge *f);
void forge_make_signature(struct forge *f);
void forge_make_shell(struct forge *f);

/* Where member 0, 1 or 2 has its header block in f->file; its bytes follow. */
size_t forge_block(const struct forge *f, int member);

#endif
