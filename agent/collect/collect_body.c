/*
 * collect_body.c -- bodies by their media type.
 */
#include "agent/collect/collect_body.h"

#include <string.h>
#include <strings.h>

#include "agent/agent.h"
#include "common/otlp_json.h"
#include "common/otlp_redact.h"

/* Bytes of names that a reply tells of. */
#define DROPPED_MAX 65536

typedef int take_fn(const struct collect_body *b, struct collect_kept *k, enum collect_no *no,
                    struct gf_err *e);

int collect_body_is(const char *type, const char *is) {
    size_t n = strcspn(type, "; \t");

    return strlen(is) == n && strncasecmp(type, is, n) == 0;
}

static int has_rule(const struct collect_body *b) {
    return b->allow != NULL && !redact_passes_all(b->allow);
}

static int refuse(enum collect_no *no, enum collect_no why) {
    *no = why;
    return -1;
}

static int keep_whole(const struct collect_body *b, struct collect_kept *k) {
    k->data = b->data;
    k->len = b->len;
    return 0;
}

/* The top-level fields that a rule names, as `gapferry-agent record` keeps them. */
static int take_json(const struct collect_body *b, struct collect_kept *k, enum collect_no *no,
                     struct gf_err *e) {
    if (!has_rule(b)) {
        if (redact_check(b->data, b->len, e) == -1)
            return refuse(no, COLLECT_NO_FORM);
        return keep_whole(b, k);
    }
    if (redact_json(b->data, b->len, b->allow, &k->room, &k->dropped, e) == -1)
        return refuse(no, e->code == GF_E_JSON     ? COLLECT_NO_FORM
                          : e->code == GF_E_CONFIG ? COLLECT_NO_RULE
                                                   : COLLECT_NO_MEMORY);
    if (k->dropped.len > 0 && k->room.len == 2) {
        (void)gf_err_set(e, GF_E_CONSENT, "the rule (allow) of the channel leaves nothing of it");
        return refuse(no, COLLECT_NO_RULE);
    }
    k->data = k->room.data != NULL ? k->room.data : "";
    k->len = k->room.len;
    return 0;
}

static int take_any(const struct collect_body *b, struct collect_kept *k, enum collect_no *no,
                    struct gf_err *e) {
    if (!has_rule(b))
        return keep_whole(b, k);
    (void)gf_err_set(e, GF_E_CONSENT,
                     "the channel has a rule (allow), which names fields of JSON: only "
                     "application/json comes in");
    return refuse(no, COLLECT_NO_TYPE);
}

/* No rule of ours can be applied to OTLP, so where there is one nothing of it comes in. */
static int is_forbidden(const struct collect_body *b, enum collect_no *no, struct gf_err *e) {
    if (!has_rule(b))
        return 0;
    (void)gf_err_set(e, GF_E_CONSENT,
                     "the channel has a rule (allow), which cannot be applied to OTLP; send to a "
                     "channel without one, or say allow = *");
    return refuse(no, COLLECT_NO_RULE);
}

typedef int redact_fn(const void *data, size_t len, const struct otlp_deny *deny,
                      struct gf_buf *out, struct otlp_redacted *redacted, struct otlp_facts *facts,
                      struct gf_err *e);

/* Attributes that may not leave are taken out; without a data point it says nothing. */
static int take_otlp(const struct collect_body *b, struct collect_kept *k, enum collect_no *no,
                     redact_fn *redact, struct gf_err *e) {
    struct otlp_redacted redacted = {.total = 0};
    struct otlp_facts facts;

    if (is_forbidden(b, no, e) != 0)
        return -1;
    int changed = redact(b->data, b->len, b->deny, &k->room, &redacted, &facts, e);
    if (changed == -1)
        return refuse(no, e->code == GF_E_SYSTEM ? COLLECT_NO_MEMORY : COLLECT_NO_FORM);
    k->empty = facts.points == 0;
    if (!changed)
        return keep_whole(b, k);
    k->data = k->room.data != NULL ? k->room.data : "";
    k->len = k->room.len;
    return 0;
}

static int redact_text(const void *data, size_t len, const struct otlp_deny *deny,
                       struct gf_buf *out, struct otlp_redacted *redacted, struct otlp_facts *facts,
                       struct gf_err *e) {
    return otlp_json_redact(data, len, deny, out, redacted, facts, e);
}

static int take_otlp_json(const struct collect_body *b, struct collect_kept *k, enum collect_no *no,
                          struct gf_err *e) {
    return take_otlp(b, k, no, redact_text, e);
}

static int take_otlp_protobuf(const struct collect_body *b, struct collect_kept *k,
                              enum collect_no *no, struct gf_err *e) {
    return take_otlp(b, k, no, otlp_redact, e);
}

/* The first row that fits counts. */
static const struct form {
    enum collect_path path;
    const char *type; /* NULL: any other */
    take_fn *take;
} forms[] = {
    {COLLECT_RECORDS, "application/json", take_json},
    {COLLECT_RECORDS, NULL, take_any},
    {COLLECT_METRICS, "application/json", take_otlp_json},
    {COLLECT_METRICS, "application/x-protobuf", take_otlp_protobuf},
};

int collect_body_take(const struct collect_body *b, struct collect_kept *out, enum collect_no *no,
                      struct gf_err *e) {
    *out = (struct collect_kept){.data = NULL};
    gf_buf_init(&out->room, b->len + 16);
    gf_buf_init(&out->dropped, DROPPED_MAX > b->len + 64 ? DROPPED_MAX : b->len + 64);
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (forms[i].path == b->path &&
            (forms[i].type == NULL || collect_body_is(b->type, forms[i].type)))
            return forms[i].take(b, out, no, e);
    }
    (void)gf_err_set(e, GF_E_RECORD, "metrics come as application/x-protobuf or application/json");
    return refuse(no, COLLECT_NO_TYPE);
}

void collect_body_free(struct collect_kept *k) {
    gf_buf_free(&k->room);
    gf_buf_free(&k->dropped);
}
