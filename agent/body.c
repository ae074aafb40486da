/*
 * body.c -- bodies by their media type.
 */
#include "agent/body.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "agent/agent.h"
#include "agent/body_cut.h"
#include "agent/body_lines.h"
#include "common/influx_line.h"
#include "common/otlp_facts.h"
#include "common/otlp_json.h"
#include "common/otlp_redact.h"
#include "gapferry/limits.h"

/* Bytes of names that a reply tells of, and of what did not come in. */
#define DROPPED_MAX 65536
#define PARTIAL_MAX 4096

typedef int take_fn(const struct body *b, struct body_kept *k, enum body_no *no, struct gf_err *e);

int body_is(const char *type, const char *is) {
    size_t n = strcspn(type, "; \t");

    return strlen(is) == n && strncasecmp(type, is, n) == 0;
}

static int has_rule(const struct body *b) {
    return b->allow != NULL && !redact_passes_all(b->allow);
}

static int refuse(enum body_no *no, enum body_no why) {
    *no = why;
    return -1;
}

static int keep_whole(const struct body *b, struct body_kept *k) {
    k->data = b->data;
    k->len = b->len;
    return 0;
}

static enum body_no no_of(const struct gf_err *e) {
    switch ((int)e->code) {
    case GF_E_JSON:
    case GF_E_RECORD:
        return BODY_NO_FORM;
    case GF_E_CONFIG:
        return BODY_NO_RULE;
    default:
        return BODY_NO_MEMORY;
    }
}

/* What says at the top of JSON that it is OTLP. */
static const char metrics_names[] = "resourceMetrics,resource_metrics";

/* 1 if JSON says so; what is no JSON is OTLP if it says so anywhere, for others may read it. */
static int names_metrics(const char *data, size_t len) {
    struct gf_err e;
    int has = 0;

    if (redact_look(data, len, metrics_names, &has, &e) == 0)
        return has;
    return memmem(data, len, "resourceMetrics", 15) != NULL ||
           memmem(data, len, "resource_metrics", 16) != NULL;
}

typedef int redact_fn(const void *data, size_t len, const struct otlp_deny *deny,
                      struct gf_buf *out, struct otlp_redacted *redacted, struct otlp_facts *facts,
                      struct gf_err *e);

/* Attributes that may not leave are taken out of what k holds. */
static int deny(const struct body *b, struct body_kept *k, redact_fn *redact, enum body_no *no,
                struct gf_err *e) {
    struct otlp_redacted redacted = {.total = 0};
    struct gf_buf left;

    gf_buf_init(&left, k->len + 16);
    int changed = redact(k->data, k->len, b->deny, &left, &redacted, &k->facts, e);
    if (changed == -1) {
        gf_buf_free(&left);
        return refuse(no, no_of(e));
    }
    k->metrics = 1;
    k->denied = redacted.total;
    otlp_redacted_names(&redacted, &k->dropped);
    if (changed) {
        gf_buf_free(&k->room);
        k->room = left;
        k->data = left.data != NULL ? left.data : "";
        k->len = left.len;
    }
    return 0;
}

static int redact_text(const void *data, size_t len, const struct otlp_deny *denied,
                       struct gf_buf *out, struct otlp_redacted *redacted, struct otlp_facts *facts,
                       struct gf_err *e) {
    return otlp_json_redact(data, len, denied, out, redacted, facts, e);
}

/* The top-level fields that a rule names, and then what it may be beside JSON. */
static int take_fields(const struct body *b, struct body_kept *k, enum body_no *no,
                       struct gf_err *e) {
    (void)keep_whole(b, k);
    if (has_rule(b)) {
        if (redact_json(b->data, b->len, b->allow, &k->room, &k->dropped, e) == -1)
            return refuse(no, no_of(e));
        k->data = k->room.data != NULL ? k->room.data : "";
        k->len = k->room.len;
    }
    if (!body_is(b->type, "application/json") || !names_metrics(k->data, k->len))
        return 0;
    return deny(b, k, redact_text, no, e);
}

static int take_json(const struct body *b, struct body_kept *k, enum body_no *no,
                     struct gf_err *e) {
    int has = 0;

    if (!has_rule(b)) {
        if (redact_look(b->data, b->len, metrics_names, &has, e) == -1)
            return refuse(no, BODY_NO_FORM);
        (void)keep_whole(b, k);
        return has ? deny(b, k, redact_text, no, e) : 0;
    }
    if (take_fields(b, k, no, e) == -1)
        return -1;
    if (k->dropped.len > 0 && k->len == 2) {
        (void)gf_err_set(e, GF_E_CONSENT, "the rule (allow) of the channel leaves nothing of it");
        return refuse(no, BODY_NO_RULE);
    }
    return 0;
}

static int take_any(const struct body *b, struct body_kept *k, enum body_no *no, struct gf_err *e) {
    if (!has_rule(b))
        return keep_whole(b, k);
    (void)gf_err_set(e, GF_E_CONSENT,
                     "the channel has a rule (allow), which names fields of JSON: only "
                     "application/json comes in");
    return refuse(no, BODY_NO_TYPE);
}

/* No rule of ours can be applied to such a form, so where there is one nothing of it comes in. */
static int is_forbidden(const struct body *b, const char *form, enum body_no *no,
                        struct gf_err *e) {
    if (!has_rule(b))
        return 0;
    (void)gf_err_set(e, GF_E_RECORD,
                     "the channel has a rule (allow), which cannot be applied to %s; send to a "
                     "channel without one, or say allow = *",
                     form);
    return refuse(no, BODY_NO_RULE);
}

/* Without a data point a request says nothing. */
static int take_otlp(const struct body *b, struct body_kept *k, enum body_no *no, redact_fn *redact,
                     struct gf_err *e) {
    if (is_forbidden(b, "OTLP", no, e) != 0)
        return -1;
    (void)keep_whole(b, k);
    if (deny(b, k, redact, no, e) == -1)
        return -1;
    k->empty = b->path == BODY_METRICS && k->facts.points == 0;
    return 0;
}

static int take_otlp_json(const struct body *b, struct body_kept *k, enum body_no *no,
                          struct gf_err *e) {
    return take_otlp(b, k, no, redact_text, e);
}

static int take_otlp_protobuf(const struct body *b, struct body_kept *k, enum body_no *no,
                              struct gf_err *e) {
    if (take_otlp(b, k, no, otlp_redact, e) == 0)
        return 0;
    if (b->path != BODY_METRICS && *no == BODY_NO_FORM)
        return gf_err_prefix(e, "application/x-protobuf is an OpenTelemetry request here, other "
                                "protobuf has another type");
    return -1;
}

static int take_lines(const struct body *b, struct body_kept *k, enum body_no *no,
                      struct gf_err *e) {
    if (is_forbidden(b, "lines", no, e) != 0)
        return -1;
    return body_lines_take(b, k, no, e);
}

/* The first row that fits counts. */
static const struct form {
    enum body_path path;
    const char *type; /* NULL: any other */
    take_fn *take;
} forms[] = {
    {BODY_RECORDS, "application/json", take_json},
    {BODY_RECORDS, "application/x-protobuf", take_otlp_protobuf},
    {BODY_RECORDS, INFLUX_LINE_TYPE, take_lines},
    {BODY_RECORDS, NULL, take_any},
    {BODY_METRICS, "application/json", take_otlp_json},
    {BODY_METRICS, "application/x-protobuf", take_otlp_protobuf},
    {BODY_LINES, NULL, take_lines},
    {BODY_OWN, "application/x-protobuf", take_otlp_protobuf},
    {BODY_OWN, INFLUX_LINE_TYPE, take_lines},
    {BODY_OWN, NULL, take_fields},
};

int body_take(const struct body *b, struct body_kept *out, enum body_no *no, struct gf_err *e) {
    *out = (struct body_kept){.data = NULL};
    gf_buf_init(&out->room, b->len + 16);
    gf_buf_init(&out->partial, PARTIAL_MAX);
    gf_buf_init(&out->dropped, DROPPED_MAX > b->len + 64 ? DROPPED_MAX : b->len + 64);
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (forms[i].path == b->path && (forms[i].type == NULL || body_is(b->type, forms[i].type)))
            return forms[i].take(b, out, no, e);
    }
    (void)gf_err_set(e, GF_E_RECORD, "metrics come as application/x-protobuf or application/json");
    return refuse(no, BODY_NO_TYPE);
}

void body_free(struct body_kept *k) {
    gf_buf_free(&k->room);
    gf_buf_free(&k->dropped);
    gf_buf_free(&k->partial);
    free(k->ends);
}

/* The end of the part that begins at `at`. */
static size_t end_of(const struct body_kept *k, size_t at) {
    for (size_t i = 0; i < k->nends; i++)
        if (k->ends[i] > at)
            return k->ends[i];
    return k->len;
}

void body_part(const struct body_kept *k, size_t at, struct body_kept *out) {
    int rc = 0;

    *out = (struct body_kept){.data = k->data + at,
                              .len = k->len - at,
                              .type = k->type,
                              .metrics = k->metrics,
                              .facts = k->facts};
    if (k->nends > 0)
        out->len = end_of(k, at) - at;
    else if (k->cuttable)
        out->len = influx_line_cut(out->data, out->len, GF_LINE_MAX - BODY_CUT_HEAD);
    /* Of a part other facts are true; none rather than wrong ones. */
    if (k->nends > 0)
        rc = otlp_check(out->data, out->len, &out->facts, NULL);
    else if (out->len < k->len)
        rc = influx_line_check(out->data, out->len, INFLUX_LINE_NS, &out->facts, NULL);
    if (rc == -1)
        out->metrics = 0;
}

const char *body_ext(const struct body_kept *k, struct gf_buf *room) {
    if (!k->metrics)
        return NULL;
    gf_buf_clear(room);
    gf_buf_byte(room, '{');
    otlp_facts_put(&k->facts, room);
    gf_buf_byte(room, '}');
    return room->failed ? NULL : room->data;
}
