/*
 * record.h -- the lines of the .jsonl members: records, receipts, answers, refusals, notices.
 *
 * A line is one JSON object and LF, at most GF_LINE_MAX bytes. Bodies are byte-exact: `body` is a
 * JSON string whose decoded UTF-8 bytes are the body; what is not UTF-8 without NUL travels as
 * `body64` (base64 with padding); what is too long for a line as `file`, the path of a member
 * files/... of the same bundle. Exactly one of the three is present.
 *
 * Everything that parse functions put into a struct is owned by it (one allocation) and released
 * with the matching _free, which accepts an empty one. Errors of all parse functions: GF_E_RECORD,
 * GF_E_JSON, GF_E_LIMIT.
 */
#ifndef GAPFERRY_RECORD_H
#define GAPFERRY_RECORD_H

#include "gapferry/limits.h"
#include "gapferry/text.h"

enum gf_body_form {
    GF_BODY_TEXT, /* written as `body` if it is UTF-8 without NUL, else as `body64` */
    GF_BODY_FILE, /* data is the member path files/... */
};

struct gf_body {
    enum gf_body_form form;
    const char *data; /* NUL follows */
    size_t len;
};

/* What the agent knew of its clock when it accepted the record. */
enum gf_clock {
    GF_CLOCK_OK,      /* not below the time floor */
    GF_CLOCK_BEHIND,  /* below it: `created` is too early */
    GF_CLOCK_UNKNOWN, /* no clock to speak of */
};
extern const char *const gf_record_clocks[]; /* "ok" "behind" "unknown" */

struct gf_record {
    struct gf_id id; /* a UUID: v7, or v8 where it is derived */
    const char *channel;
    const char *product; /* NULL where the channel has none */
    struct gf_id origin; /* agent id */
    int64_t created;
    int has_expires;
    int64_t expires;
    enum gf_clock clock;
    const char *type; /* media type of the body */
    int answer;       /* 1: an answer is wanted */
    struct gf_body body;
    const char *ext; /* facts beside the body: the text of a JSON object without LF, at most
                        GF_EXT_MAX bytes; NULL: {}. Kept byte for byte */
    char *owned;     /* the parser's allocation */
};

enum gf_state { GF_STATE_RELAYED, GF_STATE_DELIVERED, GF_STATE_REJECTED, GF_STATE_EXPIRED };
extern const char *const gf_record_states[]; /* "relayed" "delivered" "rejected" "expired" */

enum gf_guarantee {
    GF_GUARANTEE_NONE, /* null: nothing was delivered */
    GF_GUARANTEE_ONCE, /* "effectively-once" */
    GF_GUARANTEE_LEAST /* "at-least-once" */
};

/* How the reason of a delivered record begins that lacks only what its endpoint has no form for:
 * nothing was refused, and nobody needs to see to it. */
#define GF_REASON_LEFT_OUT "left out: "

struct gf_receipt {
    struct gf_id record;
    struct gf_hash digest; /* BLAKE2b-256 of the body's bytes */
    enum gf_state state;
    const char *reason; /* NULL where none; UTF-8, at most GF_REASON_MAX bytes */
    enum gf_guarantee guarantee;
    int64_t at;
    char *owned;
};

struct gf_answer {
    struct gf_id record;
    int64_t status; /* as the endpoint gave it: 100 to 599; 0 for profiles without one */
    size_t nheaders;
    const char **headers; /* name, value, name, value ...: 2 * nheaders texts */
    struct gf_body body;
    char *owned;
};

struct gf_refusal {
    struct gf_id bundle;
    const char *code;   /* gf_err_name() */
    const char *reason; /* one line */
    int64_t at;
    char *owned;
};

struct gf_notice {
    const char *type; /* policy card revoke next-due time fork; others are shown and ignored */
    int64_t at;
    const char *data; /* text; what it means depends on the type */
    char *owned;
};

/* Parse line[0 .. len-1], without or with its LF. On failure *out is empty. */
GF_MUST_CHECK int gf_record_parse(const char *line, size_t len, struct gf_record *out,
                                  struct gf_err *e);
GF_MUST_CHECK int gf_receipt_parse(const char *line, size_t len, struct gf_receipt *out,
                                   struct gf_err *e);
GF_MUST_CHECK int gf_answer_parse(const char *line, size_t len, struct gf_answer *out,
                                  struct gf_err *e);
GF_MUST_CHECK int gf_refusal_parse(const char *line, size_t len, struct gf_refusal *out,
                                   struct gf_err *e);
GF_MUST_CHECK int gf_notice_parse(const char *line, size_t len, struct gf_notice *out,
                                  struct gf_err *e);

/* Append one line with its LF; GF_E_LIMIT if it would be longer than GF_LINE_MAX ("send it as a
 * file"), GF_E_RECORD if a field breaks a rule that the parser would refuse. */
GF_MUST_CHECK int gf_record_write(const struct gf_record *r, struct gf_buf *out, struct gf_err *e);
GF_MUST_CHECK int gf_receipt_write(const struct gf_receipt *r, struct gf_buf *out,
                                   struct gf_err *e);
GF_MUST_CHECK int gf_answer_write(const struct gf_answer *r, struct gf_buf *out, struct gf_err *e);
GF_MUST_CHECK int gf_refusal_write(const struct gf_refusal *r, struct gf_buf *out,
                                   struct gf_err *e);
GF_MUST_CHECK int gf_notice_write(const struct gf_notice *r, struct gf_buf *out, struct gf_err *e);

/*
 * The id under which a record is passed on by another agent than the one that made it:
 *
 *   BLAKE2b-128 of "gapferry-hop/1", the agent id (16 bytes) and the record id (16 bytes),
 *
 * with the six bits of version and variant set as in a UUID v8 (RFC 9562). The same for ever, so
 * that a record that is passed on twice is one.
 */
void gf_record_derive(const struct gf_id *agent, const struct gf_id *record, struct gf_id *out);

void gf_record_free(struct gf_record *r);
void gf_receipt_free(struct gf_receipt *r);
void gf_answer_free(struct gf_answer *a);
void gf_refusal_free(struct gf_refusal *r);
void gf_notice_free(struct gf_notice *n);

#endif
