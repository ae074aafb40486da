/*
 * asked.c -- licence requests of this agent, read again.
 */
#include "agent/license/asked.h"

#include <stdio.h>
#include <string.h>

#include "agent/license/license.h"
#include "gapferry/json.h"

#define REQUEST_MAX 65536

static void copy(char *out, size_t room, const char *text) {
    (void)snprintf(out, room, "%s", text ? text : "");
}

static int read_counts(struct gf_json_obj *o, struct asked *out, struct gf_err *e) {
    struct gf_json_obj counts;
    const char *name;
    int64_t value;
    size_t at = 0;

    gf_json_obj(o, "counts", &counts);
    for (size_t i = 0; gf_json_each_int(&counts, i, 0, GF_JSON_INT_MAX, &name, &value); i++) {
        int n = snprintf(out->counts + at, sizeof out->counts - at, "%s%s=%lld", at ? "\n" : "",
                         name, (long long)value);
        if (n < 0 || (size_t)n >= sizeof out->counts - at) {
            out->counts[at] = '\0'; /* what does not fit is asked for anew by whoever renews */
            break;
        }
        at += (size_t)n;
    }
    return gf_json_end(&counts, e);
}

/* The body of a request, which this agent has written. */
static int read_body(const char *body, size_t len, struct asked *out, struct gf_err *e) {
    const char *key = NULL, *version = NULL, *contact = NULL;
    struct gf_json *j = NULL;
    struct gf_json_obj o;

    if (gf_json_parse(body, len, "licence request", GF_E_LICENSE, &j, e) == -1)
        return -1;
    gf_json_root(j, &o);
    gf_json_str(&o, "key", 1, KEYGEN_TEXT_MAX, &key);
    gf_json_str_opt(&o, "version", 0, KEYGEN_TEXT_MAX, &version);
    gf_json_str_opt(&o, "contact", 0, KEYGEN_TEXT_MAX, &contact);
    copy(out->key, sizeof out->key, key);
    copy(out->version, sizeof out->version, version);
    copy(out->contact, sizeof out->contact, contact);
    int rc = read_counts(&o, out, e);
    if (rc == 0 && o.err.code != GF_OK) {
        *e = o.err;
        rc = -1;
    }
    gf_json_free(j);
    return rc;
}

/* 1 if it is a request. One that cannot be read (a version to come may write others) has no key and
 * is none to repeat. */
static int read_record(const struct store_record *r, struct asked *out, struct gf_err *e) {
    struct asked asked = {.product = ""};
    struct gf_err why = {.code = GF_OK};
    struct gf_record record;

    if (gf_record_parse(r->line, r->line_len, &record, e) == -1)
        return -1;
    int found = strcmp(record.type, LICENSE_REQUEST_TYPE) == 0 &&
                record.body.form == GF_BODY_TEXT && record.body.len <= REQUEST_MAX &&
                read_body(record.body.data, record.body.len, &asked, &why) == 0;
    if (!found)
        asked = (struct asked){.product = ""};
    copy(asked.product, sizeof asked.product, record.product);
    gf_record_free(&record);
    if (why.code == GF_E_SYSTEM) {
        *e = why;
        return -1;
    }
    *out = asked;
    return found;
}

struct looking {
    const char *product;
    struct asked *out;
    int found;
};

static int look(void *arg, const struct store_record *r, struct gf_err *e) {
    struct looking *l = arg;
    struct asked asked;

    if (l->product && (!r->product || strcmp(r->product, l->product) != 0))
        return 0;
    int found = read_record(r, &asked, e);
    if (found == -1)
        return -1;
    /* What was asked for last counts; a single record is told as far as it can be read. */
    if (found || !l->product)
        *l->out = asked;
    l->found = l->found || found;
    return 0;
}

struct looking_open {
    const struct license_wish *wish;
    struct gf_id *record;
    int64_t *since;
    int found;
};

static int is_same(const char *asked, const char *wished) {
    return strcmp(asked, wished ? wished : "") == 0;
}

static int look_open(void *arg, const struct store_record *r, struct gf_err *e) {
    struct looking_open *l = arg;
    const struct license_wish *w = l->wish;
    struct asked asked;

    if (r->state > STORE_DELIVERED || r->answered || (r->state == STORE_DELIVERED && r->reason) ||
        !r->product || strcmp(r->product, w->product) != 0)
        return 0;
    int found = read_record(r, &asked, e);
    if (found == 1 && is_same(asked.key, w->key) && is_same(asked.version, w->version) &&
        is_same(asked.contact, w->contact) && is_same(asked.counts, w->counts)) {
        *l->record = r->id;
        *l->since = r->created;
        l->found = 1;
    }
    return found == -1 ? -1 : 0;
}

int asked_open(struct agent *a, const struct license_wish *wish, struct gf_id *record,
               int64_t *since, struct gf_err *e) {
    struct looking_open l = {wish, record, since, 0};

    return store_walk(a->store, -1, "license", look_open, &l, e) == -1 ? -1 : l.found;
}

int asked_of(struct agent *a, const struct gf_id *record, struct asked *out, struct gf_err *e) {
    struct looking l = {NULL, out, 0};

    *out = (struct asked){.product = ""};
    return store_find(a->store, record, look, &l, e) == -1 ? -1 : l.found;
}

int asked_last(struct agent *a, const char *product, struct asked *out, struct gf_err *e) {
    struct looking l = {product, out, 0};

    *out = (struct asked){.product = ""};
    return store_walk(a->store, -1, "license", look, &l, e) == -1 ? -1 : l.found;
}
