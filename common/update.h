/*
 * update.h -- update manifests (signed documents of format gapferry-update/1) and the artifacts
 * that they name. Pure: no store, no clock, no folder of its own.
 */
#ifndef COMMON_UPDATE_H
#define COMMON_UPDATE_H

#include "gapferry/digest.h"
#include "gapferry/document.h"
#include "gapferry/text.h"

#define UPDATE_ARTIFACTS_MAX 256
#define UPDATE_NAME_MAX      128                       /* bytes of an artifact's name */
#define UPDATE_VERSION_MAX   64                        /* bytes of a version */
#define UPDATE_SIZE_MAX      (1LL << 40)               /* bytes of one artifact */
#define UPDATE_ANY           "any"                     /* the platform of what fits every one */
#define UPDATE_FILE_MAX      (GF_DOCUMENT_MAX + 65536) /* bytes of a manifest with its signatures */

struct update_artifact {
    char name[UPDATE_NAME_MAX + 1];
    int64_t size; /* bytes */
    struct gf_hash sha256;
    struct gf_hash blake2b; /* BLAKE2b-256, `b2sum -l 256`: it names parts, too */
};

struct update {
    char product[GF_WORD_MAX + 1];
    char
        channel[GF_WORD_MAX + 1]; /* "stable" ...: what a product's versions follow each other in */
    char platform[GF_WORD_MAX + 1]; /* UPDATE_ANY, or what the vendor calls one */
    char version[UPDATE_VERSION_MAX + 1];
    int64_t serial; /* from 1; rises within product, channel and platform */
    int64_t issued;
    int64_t expires;
    size_t nartifacts;
    struct update_artifact *artifacts;
};

/*
 * Verify a manifest against one vendor key and then parse it. Errors: GF_E_SIGNATURE, GF_E_UPDATE,
 * GF_E_JSON, GF_E_DOCUMENT, GF_E_MINISIG, GF_E_VERSION, GF_E_LIMIT. Its JSON, strict and closed:
 *
 *   {"format": "gapferry-update/1", "product": "demo", "channel": "stable", "platform": "any",
 *    "version": "1.3.0", "serial": 7, "issued": TIME, "expires": TIME,
 *    "artifacts": [{"name": "demo-1.3.0.tar.zst", "size": 123456, "sha256": 64 HEX DIGITS,
 *                   "blake2b": 64 HEX DIGITS}, ...], "ext": {}}
 *
 * product, channel, platform: words of [a-z0-9.-]. version: [A-Za-z0-9._+~-]. A name is neither a
 * path nor a URL: [A-Za-z0-9._+~-], a letter or digit first, no two alike even where case does not
 * count. Everything but "ext" must be there.
 */
GF_MUST_CHECK int update_parse(const char *text, size_t len, const struct gf_sign_public *vendor,
                               struct update *out, struct gf_err *e);
/* The same of JSON that whoever hands it on has verified: without signatures, on one line with its
 * LF. */
GF_MUST_CHECK int update_read(const char *json, size_t len, struct update *out, struct gf_err *e);
/* Append that line. */
GF_MUST_CHECK int update_write(const struct update *u, struct gf_buf *out, struct gf_err *e);
void update_free(struct update *u); /* an empty one is fine */

/* 1 if a text is a version as above. */
int update_is_version(const char *text);

/* 1 if two manifests (their texts) say the same, byte for byte; signatures do not count. */
int update_same(const char *a, size_t alen, const char *b, size_t blen);

/* The artifact of this name, NULL if there is none. */
const struct update_artifact *update_find(const struct update *u, const char *name);

/*
 * Is the regular file fd, from its beginning, exactly this artifact? What is longer or shorter is
 * refused unread, and no byte beyond the artifact's size is ever read. out_fd: where to copy it to;
 * -1: only check. Errors: GF_E_UPDATE, GF_E_SYSTEM, GF_E_CREATE; `what` names the file.
 */
GF_MUST_CHECK int update_check(const struct update_artifact *a, int fd, int out_fd,
                               const char *what, struct gf_err *e);

/* The same for bytes that lie in several files, one behind the other: begin, add each, end. */
struct update_sum {
    struct gf_digest blake2b; /* first, for it is aligned most */
    struct gf_digest_sha256 sha256;
    const struct update_artifact *artifact; /* borrowed */
    const char *what;                       /* borrowed */
    int64_t left;                           /* bytes that may come still */
};
void update_sum_begin(struct update_sum *s, const struct update_artifact *a, const char *what);
GF_MUST_CHECK int update_sum_add(struct update_sum *s, int fd, int out_fd, struct gf_err *e);
GF_MUST_CHECK int update_sum_end(struct update_sum *s, struct gf_err *e);

#endif
