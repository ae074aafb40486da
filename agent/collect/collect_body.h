/*
 * collect_body.h -- the body of a request becomes the body of a record: by its media type it is
 * checked, redacted by the rule of its channel, and looked at for what is worth knowing of it.
 *
 * This is the one place that knows of forms; whoever adds one adds a row to its table.
 */
#ifndef COLLECT_COLLECT_BODY_H
#define COLLECT_COLLECT_BODY_H

#include "common/otlp_deny.h"
#include "gapferry/buf.h"

/* What a request may be for. */
enum collect_path {
    COLLECT_RECORDS, /* any media type; JSON is redacted, and where there is a rule nothing else
                        comes in */
    COLLECT_METRICS, /* OTLP: application/json or application/x-protobuf */
};

/* Why not, where a body does not come in. */
enum collect_no {
    COLLECT_NO_TYPE,  /* 415: not in this form */
    COLLECT_NO_FORM,  /* 400: it is not what its type says */
    COLLECT_NO_RULE,  /* 403: the rule of the channel lets nothing of it pass, or cannot be applied
                         to it */
    COLLECT_NO_MEMORY /* 503 */
};

struct collect_body {
    enum collect_path path;
    const char *type;             /* its media type */
    const char *allow;            /* the rule: as collect_channel has it */
    const struct otlp_deny *deny; /* for OTLP */
    const char *data;
    size_t len;
};

/* What became of it. data is the request's own, or `room`'s where something was taken out. */
struct collect_kept {
    const char *data;
    size_t len;
    int empty; /* 1: it says nothing, and no record is made of it */
    struct gf_buf room;
    struct gf_buf dropped; /* names of what was taken out, separated by ", " */
};

/* 0, or -1 with *no and words in *e. Release *out in any case. */
GF_MUST_CHECK int collect_body_take(const struct collect_body *b, struct collect_kept *out,
                                    enum collect_no *no, struct gf_err *e);
void collect_body_free(struct collect_kept *k);

/* 1 if the media type, without its parameters, is this one. */
int collect_body_is(const char *type, const char *is);

#endif
