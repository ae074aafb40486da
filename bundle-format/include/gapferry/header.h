/*
 * header.h -- bundle.json, the signed header of a bundle.
 */
#ifndef GAPFERRY_HEADER_H
#define GAPFERRY_HEADER_H

#include "gapferry/limits.h"
#include "gapferry/text.h"

enum gf_kind { GF_KIND_REQUEST, GF_KIND_RESPONSE };

/* "request" "response", NULL at the end. */
extern const char *const gf_header_kinds[];

#define GF_HEADER_FORMAT "gapferry-bundle/1"

struct gf_header {
    size_t nneeds;
    char needs[GF_NEEDS_MAX][GF_NEED_NAME_MAX + 1];
    struct gf_id id;
    enum gf_kind kind;
    struct gf_hash from;
    struct gf_hash to;
    size_t nreaders;
    struct gf_hash readers[GF_READERS_MAX];
    struct gf_id stream;
    int64_t seq; /* 1 to 2^53 - 1 */
    int has_prev;
    struct gf_hash prev; /* gf_header_digest() of the stream's previous header */
    int has_created;
    int64_t created;
    int has_expires;
    int64_t expires;
    int64_t payload_size;
    struct gf_hash64 payload_digest;
    int no_records; /* 1: its writer says, in `ext`, that it carries no records */
};

/* Parse the bytes of bundle.json: one JSON object, then spaces, then one LF. Of `ext` all is
 * ignored but no_records.
 * Errors: GF_E_JSON, GF_E_HEADER, GF_E_VERSION (other format, or a need we do not know),
 * GF_E_LIMIT. Rules that concern one bundle alone are checked here: seq 1 has no prev (a later one
 * has none either where every number before it is void); readers are distinct and not the
 * addressee; expires is not before created. */
GF_MUST_CHECK int gf_header_parse(const char *text, size_t len, struct gf_header *out,
                                  struct gf_err *e);

/* Append bundle.json, padded with spaces to exactly `size` bytes with its LF (0: not padded).
 * GF_E_LIMIT if it does not fit. */
GF_MUST_CHECK int gf_header_write(const struct gf_header *h, size_t size, struct gf_buf *out,
                                  struct gf_err *e);

/* The size that holds this header whatever its payload's size will be. */
size_t gf_header_room(const struct gf_header *h);

/* What `prev` of the next header states, and what names this bundle for ever: BLAKE2b-256 of the
 * exact bytes of bundle.json. */
void gf_header_digest(const char *text, size_t len, struct gf_hash *out);

#endif
