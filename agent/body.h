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

/*
 * How it comes in. A record of type application/x-protobuf holds OTLP, whichever way it comes: what
 * is none does not come in, since nobody could say what leaves with it; other protobuf has other
 * types. So does one of type application/json with a member resourceMetrics.
 */
enum body_path {
    BODY_RECORDS, /* any media type; JSON is redacted, and where there is a rule nothing else
                     comes in */
    BODY_METRICS, /* OTLP: application/json or application/x-protobuf */
    BODY_LINES,   /* lines of the Influx line protocol, whatever type they are said to have */
    BODY_OWN,     /* by the agent's own hands: any media type; where there is a rule it has to be a
                     JSON object, else it is not looked at. The rule may leave nothing, "{}" */
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
    /* Of lines: what their times count, in nanoseconds, on BODY_LINES (elsewhere 1); and the time
     * of those that name none, in nanoseconds since 1970. */
    uint64_t unit, arrived;
};

/* What became of it. data is the request's own, or `room`'s where something was taken out. */
struct body_kept {
    const char *data;
    size_t len;
    const char *type;        /* what its type has become; NULL: what it was */
    int empty;               /* 1: it says nothing, and no record is made of it */
    int metrics;             /* 1: it holds metrics, and these are */
    struct otlp_facts facts; /* the facts about them */
    uint64_t denied;         /* attributes that the deny-list has taken out */
    struct gf_buf room;
    struct gf_buf dropped; /* names of what was taken out, by either, separated by ", " */
    struct gf_buf partial; /* what of it did not come in, in words; empty: nothing */
    int cuttable;          /* 1: several records may hold it */
    size_t *ends, nends;   /* where the parts end that body_cut() made of it */
    uint64_t refused;      /* points that none of them has */
};

/* 0, or -1 with *no and words in *e: GF_E_JSON where the rule needs an object or the type says
 * JSON, GF_E_RECORD where it is no OTLP, or of a form that no rule can be applied to, GF_E_CONSENT
 * where the rule leaves nothing; GF_E_CONFIG, GF_E_SYSTEM. Release *out in any case. */
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
