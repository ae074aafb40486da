/*
 * site.h -- an agent in a directory of its own, and what a relay would answer it. On top of kit.h;
 * everything fails the test that calls it.
 */
#ifndef SUPPORT_SITE_H
#define SUPPORT_SITE_H

#include "agent/agent.h"

#define SITE_NOW 1767225600LL /* 2026-01-01T00:00:00Z */

/* An agent with the identity kit_site; trusts kit_relay if asked to; metrics are granted. */
struct site {
    struct agent a;
    char root[96]; /* for files of the test, e.g. a drive */
};
void site_make(struct site *s, int trusts);
void site_free(struct site *s);

/* The same as cmocka's set-up and tear-down of one test: *state is a struct site that trusts
 * kit_relay. */
int site_setup(void **state);
int site_teardown(void **state);

/* Read this configuration from now on. */
void site_configure(struct site *s, const char *text);

/* As after a restart of the program. */
void site_reopen(struct site *s);

void site_trust(struct site *s, const struct gf_identity *relay);
void site_consent(struct site *s, const char *channel, enum store_consent c);

/* Accept a record; its id. The body's text is borrowed. */
struct gf_id site_add(struct site *s, const char *channel, const char *body, int answer);

/* A record as the store has it, its texts copied; fails if it is not there. */
struct site_record {
    enum store_state state;
    int answered;
    int wants_answer;
    char reason[128];
    char guarantee[32];
};
struct site_record site_find(struct site *s, const struct gf_id *id);
enum store_state site_state(struct site *s, const struct gf_id *id);
int site_has(struct site *s, const struct gf_id *id);

/* store_exported() with these records, in order of acceptance. */
int site_exported(struct site *s, const struct gf_header *h, const struct gf_hash *digest,
                  const struct gf_id *records, size_t n, int64_t now, struct gf_err *e);

/* The unsettled bundles: how many, and the i-th. */
size_t site_unsettled(struct site *s);
struct store_bundle site_bundle(struct site *s, size_t i);

/* agent_export() must work. */
struct export_result site_export(struct site *s);

/* Read a bundle of the outbox as kit_relay would: its header and contents (gf_contents_free()), and
 * the ids of its records in order (free()). */
struct site_request {
    struct gf_header header;
    struct gf_hash digest;
    struct gf_contents contents;
    struct gf_id *ids;
    size_t n;
    int dir; /* with the members */
};
void site_read(struct site *s, const struct store_bundle *b, struct site_request *out);
void site_request_free(struct site_request *r);

/* ---- what the relay answers ---- */

struct reply {
    const struct gf_identity *from; /* kit_relay at first */
    const struct gf_card *to;       /* kit_site's at first */
    struct gf_id stream;
    int64_t seq;
    int has_expires;
    int64_t expires;
    enum gf_kind kind; /* response at first */
    const int64_t *voids;
    size_t nvoids;
    struct gf_buf receipts, answers, refusals, notices;
    struct reply_file {
        const char *name; /* real name; borrowed, as are the bytes */
        const void *data;
        size_t len;
        struct gf_part part; /* count 0: a whole file */
    } files[8];
    size_t nfiles;
    struct gf_hash digest; /* of its header, once it was sealed */
    struct gf_header header;
};

/* Stream: one that is the same for all replies of a test program. */
void reply_begin(struct reply *r, int64_t seq);
void reply_receipt(struct reply *r, const struct gf_id *record, const char *body,
                   enum gf_state state, const char *reason);
void reply_answer(struct reply *r, const struct gf_id *record, int64_t status, const char *body);
void reply_refusal(struct reply *r, const struct gf_id *bundle);
void reply_fork(struct reply *r, const struct gf_id *bundle); /* refused as that */
void reply_notice(struct reply *r, const char *type, const char *data);
void reply_notice_at(struct reply *r, int64_t at, const char *type, const char *data);
/* An answer whose body is a file of the bundle ("files/..."). */
void reply_answer_file(struct reply *r, const struct gf_id *record, const char *member);
/* A file; a part of one: bytes from `offset` to the next part's, of `whole`. */
void reply_file(struct reply *r, const char *name, const void *data, size_t len);
void reply_part(struct reply *r, const char *name, const void *whole, const struct gf_part *part,
                size_t len);
/* Seal it into an unnamed file, and forget its lines. */
int reply_seal(struct reply *r);
/* Seal, apply, close; 0 or -1 with *e. */
int reply_apply(struct reply *r, struct site *s, struct apply_result *out, struct gf_err *e);

/* A response with this receipt alone, which must be applied; what it did. */
struct apply_result site_receipt(struct site *s, int64_t seq, const struct gf_id *record,
                                 const char *body, enum gf_state state, const char *reason);

/* Copy the file fd to a new file. */
void site_save(int fd, const char *path);

#endif
