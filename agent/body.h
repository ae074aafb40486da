/*
 * body.h -- what somebody has for a record becomes its body: by its media type it is checked,
 * redacted by the rules of its channel, and looked at for what is worth knowing of it. For all ways
 * in: gapferry-collect, and the agent's own.
 *
 * This is the one place that knows of forms; whoever adds one adds a row to its table.
 */
#ifndef AGENT_BODY_H
#define AGENT_BODY_H

#include "common/otlp.h"
#include "common/otlp_deny.h"
#include "gapferry/buf.h"

/* What a request may be for. */
enum body_path {
    BODY_RECORDS, /* any media type; JSON is redacted, and where there is a rule nothing else
                     comes in */
    BODY_METRICS, /* OTLP: application/json or application/x-protobuf */
    BODY_LINES,   /* lines of the Influx line protocol, whatever type they are said to have */
    BODY_QUERY,   /* of a client of InfluxDB: never a record */
};

/* Why not, where a body does not come in. */
enum body_no {
    BODY_NO_TYPE,  /* 415: not in this form */
    BODY_NO_FORM,  /* 400: it is not what its type says */
    BODY_NO_RULE,  /* 403: the rule of the channel lets nothing of it pass, or cannot be applied
                      to it */
    BODY_NO_MEMORY /* 503 */
};

struct body {
    enum body_path path;
    const char *type;             /* its media type */
    const char *allow;            /* the rule: as collect_channel has it */
    const struct otlp_deny *deny; /* for OTLP and lines */
    const char *data;
    size_t len;
    uint64_t unit, arrived; /* of lines: nanoseconds that their times count; when they came */
};

/* What became of it. data is the request's own, or `room`'s where something was taken out. */
struct body_kept {
    const char *data;
    size_t len;
    int empty;               /* 1: it says nothing, and no record is made of it */
    int metrics;             /* 1: it holds metrics, and these are */
    struct otlp_facts facts; /* the facts about them */
    struct gf_buf room;
    struct gf_buf dropped; /* names of what was taken out, separated by ", " */
    struct gf_buf partial; /* of BODY_LINES: what of it did not come in, in words; empty: nothing */
    int cuttable;          /* 1: several records may hold it */
};

/* 0, or -1 with *no and words in *e. Release *out in any case. */
GF_MUST_CHECK int body_take(const struct body *b, struct body_kept *out, enum body_no *no,
                            struct gf_err *e);
void body_free(struct body_kept *k);

/* What one record holds of it, from byte `at` on: all of it, but of one that is cuttable no more
 * than fits into a line. *out borrows. */
void body_part(const struct body_kept *k, size_t at, struct body_kept *out);

/* The `ext` of the record, in `room`, which is emptied first; NULL: there is nothing to say. */
const char *body_ext(const struct body_kept *k, struct gf_buf *room);

/* 1 if the media type, without its parameters, is this one. */
int body_is(const char *type, const char *is);

#endif
