/*
 * contents.h -- contents.json, the last member of every bundle: what is inside, and a repetition
 * of the header that binds the ciphertext to the sender who signed it.
 */
#ifndef GAPFERRY_CONTENTS_H
#define GAPFERRY_CONTENTS_H

#include "gapferry/header.h"

/* The members a bundle can have, in the order in which they stand in the archive. */
enum gf_member {
    GF_MEMBER_RECORDS,  /* records.jsonl    request */
    GF_MEMBER_RECEIPTS, /* receipts.jsonl   response */
    GF_MEMBER_ANSWERS,  /* answers.jsonl    response */
    GF_MEMBER_REFUSALS, /* refusals.jsonl   response */
    GF_MEMBER_NOTICES,  /* notices.jsonl    response */
    GF_MEMBER_FILE,     /* files/...        both */
    GF_MEMBER_CONTENTS, /* contents.json    both, last */
};

/* "records.jsonl" ...; "files/" for GF_MEMBER_FILE. */
extern const char *const gf_contents_names[];

/* One part of a file too large for a bundle (bundle-format.md, "Parts"). */
struct gf_part {
    int64_t index; /* from 0 */
    int64_t count; /* 2 or more */
    int64_t offset;
    int64_t whole;         /* bytes of the whole file */
    struct gf_hash digest; /* BLAKE2b-256 of the whole file */
};

struct gf_contents_member {
    char member[sizeof "files/" + GF_MEMBER_NAME_MAX]; /* path in the archive */
    char *name;   /* real name of a file, as data: never a path; NULL for .jsonl members */
    int64_t size; /* bytes */
    int is_part;
    struct gf_part part;
};

/* What the writer has applied of one of the addressee's streams. */
struct gf_have {
    struct gf_id stream;
    int64_t upto; /* every seq from 1 to this one; 0: none */
    size_t nalso;
    int64_t *also; /* and these beyond it, rising */
};

/* Parts still missed of a file that is being collected. */
struct gf_want {
    struct gf_hash digest; /* of the whole file */
    size_t nparts;
    int64_t *parts; /* indexes, rising; none: all */
};

struct gf_contents {
    struct gf_id id;
    enum gf_kind kind;
    struct gf_hash from;
    struct gf_hash to;
    struct gf_id stream;
    int64_t seq;
    size_t nmembers;
    struct gf_contents_member *members; /* in archive order, contents.json not among them */
    size_t nvoids;
    int64_t *voids; /* numbers of this stream that will never come, rising */
    size_t nhave;   /* requests only */
    struct gf_have *have;
    size_t nwant; /* requests only */
    struct gf_want *want;
    const char *ext; /* for writing: a JSON object, borrowed; NULL: {}. Not set by parsing, see
                        lost.h for what may stand there */
};

/* Parse contents.json. Errors: GF_E_CONTENTS, GF_E_JSON, GF_E_LIMIT. Free with
 * gf_contents_free(). Everything is owned by *out, which is empty on failure. */
GF_MUST_CHECK int gf_contents_parse(const char *text, size_t len, struct gf_contents *out,
                                    struct gf_err *e);

/* Append contents.json, ending in LF. */
void gf_contents_write(const struct gf_contents *c, struct gf_buf *out);

/* GF_E_BINDING if contents and header disagree about id, kind, from, to, stream or seq. */
GF_MUST_CHECK int gf_contents_bind(const struct gf_contents *c, const struct gf_header *h,
                                   struct gf_err *e);

/* Which member a path of the archive is; -1 if it is none (a name from the wrong alphabet too). */
int gf_contents_member_of(const char *path);

/* Release all; an empty one is fine. */
void gf_contents_free(struct gf_contents *c);

#endif
