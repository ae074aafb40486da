/*
 * reply.c -- reading a relay's JSON.
 */
#include "agent/link/reply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gapferry/json.h"
#include "gapferry/limits.h"

static const char *const states[] = {"seen", "taken", NULL};

static int read_responses(struct gf_json_obj *o, struct reply *r, struct gf_err *e) {
    size_t n = 0;

    if (gf_json_array(o, "responses", REPLY_RESPONSES_MAX, &n) == 0)
        return 0; /* the reader has the error */
    r->responses = calloc(n > 0 ? n : 1, sizeof *r->responses);
    if (r->responses == NULL)
        return gf_err_errno(e, "the relay's reply");
    for (size_t i = 0; i < n; i++) {
        struct gf_json_obj x;
        gf_json_item_obj(o, "responses", i, &x);
        gf_json_hex(&x, "id", r->responses[i].id.b, sizeof r->responses[i].id.b);
        gf_json_int(&x, "size", 1, GF_BUNDLE_MAX, &r->responses[i].size);
        if (x.err.code != GF_OK) {
            *e = x.err;
            return -1;
        }
    }
    r->n = n;
    return 0;
}

int reply_parse(const char *text, size_t len, const struct gf_id *bundle, struct reply *out,
                struct gf_err *e) {
    struct reply r = {0};
    struct gf_json *j = NULL;
    struct gf_json_obj o;
    struct gf_id id;
    int rc = -1;

    if (gf_json_parse(text, len, "the relay's reply", GF_E_HEADER, &j, e) == -1)
        return -1;
    gf_json_root(j, &o);
    if (gf_json_hex(&o, "bundle", id.b, sizeof id.b) == 1 &&
        memcmp(id.b, bundle->b, sizeof id.b) != 0)
        gf_json_fail(&o, GF_E_HEADER, "it is about another bundle");
    gf_json_enum(&o, "state", states, &r.taken);
    if (read_responses(&o, &r, e) == 0) {
        if (o.err.code == GF_OK)
            rc = 0;
        else
            *e = o.err;
    }
    gf_json_free(j);
    if (rc == 0)
        *out = r;
    else
        reply_free(&r);
    return rc;
}

void reply_free(struct reply *r) {
    free(r->responses);
    *r = (struct reply){0};
}

void reply_error(const char *text, size_t len, char out[256]) {
    struct gf_json *j = NULL;
    struct gf_json_obj o, x;
    const char *code = NULL, *words = NULL;
    struct gf_err e;

    out[0] = '\0';
    if (gf_json_parse(text, len, "the relay's reply", GF_E_HEADER, &j, &e) == -1)
        return;
    gf_json_root(j, &o);
    gf_json_obj(&o, "error", &x);
    if (gf_json_str(&x, "code", 1, 64, &code) == 1 && gf_json_str(&x, "text", 0, 4096, &words) == 1)
        (void)snprintf(out, 256, "%s: %s", code, words);
    gf_json_free(j);
}
