/*
 * endpoint_template.c -- a JSON body with holes that are filled from the record.
 */
#include "relay/endpoints/endpoint_template.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "gapferry/file.h"
#include "gapferry/json.h"
#include "relay/endpoints/endpoint_fields.h"

#define OURS         "gapferry."
#define NAME_MAX_LEN 128

struct hole {
    size_t at, end; /* of the braces, in the text */
    int within;     /* 1: it stands in a string */
    char name[NAME_MAX_LEN + 1];
};

struct endpoint_template {
    struct gf_buf text;
    struct hole holes[ENDPOINT_TEMPLATE_HOLES];
    size_t n;
    int wants_fields; /* 1: it names a field of the body */
};

static const char *const facts[] = {"agent", "origin",  "record", "channel", "product",
                                    "type",  "created", "key",    "body",    NULL};

/* ---- reading ---- */

static int is_fact(const char *name) {
    for (size_t i = 0; facts[i] != NULL; i++) {
        if (strcmp(facts[i], name) == 0)
            return 1;
    }
    return 0;
}

/* The hole that begins at text[at]; its end, or 0 and *e. */
static size_t read_hole(const char *text, size_t len, size_t at, struct hole *h, struct gf_err *e) {
    const char *from = text + at + 2;
    const char *end = memmem(from, len - at - 2, "}}", 2);

    if (end == NULL || memchr(from, '\n', (size_t)(end - from)) != NULL) {
        (void)gf_err_set(e, GF_E_CONFIG, "a hole {{ that does not end with }} on its line");
        return 0;
    }
    size_t n = (size_t)(end - from);
    while (n > 0 && *from == ' ') {
        from++;
        n--;
    }
    while (n > 0 && from[n - 1] == ' ')
        n--;
    if (n == 0 || n > NAME_MAX_LEN) {
        (void)gf_err_set(e, GF_E_CONFIG, "a hole {{}} names a field, in at most %d bytes",
                         NAME_MAX_LEN);
        return 0;
    }
    memcpy(h->name, from, n);
    h->name[n] = '\0';
    if (strncmp(h->name, OURS, sizeof OURS - 1) == 0 && !is_fact(h->name + sizeof OURS - 1)) {
        (void)gf_err_set(
            e, GF_E_CONFIG,
            "{{%s}}: there are agent, origin, record, channel, product, type, created, "
            "key and body",
            h->name);
        return 0;
    }
    h->at = at;
    h->end = (size_t)(end + 2 - text);
    return h->end;
}

static int find_holes(struct endpoint_template *t, struct gf_err *e) {
    const char *text = t->text.data;
    int within = 0;

    for (size_t i = 0; i < t->text.len;) {
        if (text[i] == '{' && text[i + 1] == '{') {
            if (t->n == ENDPOINT_TEMPLATE_HOLES)
                return gf_err_set(e, GF_E_CONFIG, "more than %d holes", ENDPOINT_TEMPLATE_HOLES);
            struct hole *h = &t->holes[t->n];
            h->within = within;
            i = read_hole(text, t->text.len, i, h, e);
            if (i == 0)
                return -1;
            t->wants_fields |= strncmp(h->name, OURS, sizeof OURS - 1) != 0;
            t->n++;
            continue;
        }
        within ^= text[i] == '"';
        i += within && text[i] == '\\' ? 2 : 1;
    }
    return 0;
}

/* With every hole filled by the least that it can be it must be JSON; then it is with all else. */
static int check_filled(const struct endpoint_template *t, struct gf_err *e) {
    struct gf_buf b;
    struct gf_err why;
    size_t at = 0;

    gf_buf_init(&b, (size_t)2 * ENDPOINT_TEMPLATE_MAX);
    for (size_t i = 0; i < t->n; i++) {
        gf_buf_add(&b, t->text.data + at, t->holes[i].at - at);
        gf_buf_text(&b, t->holes[i].within ? "" : "null");
        at = t->holes[i].end;
    }
    gf_buf_add(&b, t->text.data + at, t->text.len - at);
    int rc = gf_buf_check(&b, "a template", e);
    if (rc == 0 && gf_json_check_foreign(b.data, b.len, "with its holes filled", &why) == -1)
        rc = gf_err_set(e, GF_E_CONFIG, "%s", why.text);
    gf_buf_free(&b);
    return rc;
}

int endpoint_template_parse(const char *text, size_t len, struct endpoint_template **out,
                            struct gf_err *e) {
    struct endpoint_template *t = calloc(1, sizeof *t);

    if (t == NULL)
        return gf_err_set(e, GF_E_SYSTEM, "no memory for a template");
    gf_buf_init(&t->text, ENDPOINT_TEMPLATE_MAX);
    gf_buf_add(&t->text, text, len);
    if (gf_buf_check(&t->text, "a template", e) == -1 ||
        (len == 0 && gf_err_set(e, GF_E_CONFIG, "is empty") == -1) || find_holes(t, e) == -1 ||
        check_filled(t, e) == -1) {
        endpoint_template_free(t);
        return -1;
    }
    *out = t;
    return 0;
}

int endpoint_template_load(const char *path, struct endpoint_template **out, struct gf_err *e) {
    struct gf_buf b;

    if (gf_file_load(AT_FDCWD, path, ENDPOINT_TEMPLATE_MAX, &b, e) == -1)
        return -1;
    int rc = endpoint_template_parse(b.data != NULL ? b.data : "", b.len, out, e);
    gf_buf_free(&b);
    return rc == -1 ? gf_err_prefix(e, "%s", path) : 0;
}

void endpoint_template_free(struct endpoint_template *t) {
    if (t == NULL)
        return;
    gf_buf_free(&t->text);
    free(t);
}

/* ---- filling ---- */

/* Text as a JSON string, or, within one, as a part of it. */
static void put_text(struct gf_buf *out, const char *text, size_t len, int within) {
    struct gf_buf b;

    if (!within) {
        gf_json_put_str(out, text, len);
        return;
    }
    gf_buf_init(&b, 6 * len + 2);
    gf_json_put_str(&b, text, len);
    if (b.failed)
        out->failed = b.failed;
    else
        gf_buf_add(out, b.data + 1, b.len - 2);
    gf_buf_free(&b);
}

static void put_field(struct gf_buf *out, const struct endpoint_field *f, int within) {
    if (f == NULL || (within && f->raw_len == 4 && memcmp(f->raw, "null", 4) == 0)) {
        if (!within)
            gf_buf_text(out, "null");
    } else if (!within) {
        gf_buf_add(out, f->raw, f->raw_len);
    } else if (f->raw[0] == '"') {
        gf_buf_add(out, f->raw + 1, f->raw_len - 2);
    } else {
        put_text(out, f->raw, f->raw_len, 1);
    }
}

static int put_body(struct gf_buf *out, const struct gf_body *body, int within, struct gf_err *e) {
    struct gf_err why;

    if (!gf_text_is_utf8(body->data, body->len))
        return gf_err_set(e, GF_E_JSON, "{{gapferry.body}}: the body is not UTF-8");
    if (!within && gf_json_check_foreign(body->data, body->len, "the body", &why) == 0)
        gf_buf_add(out, body->data, body->len);
    else
        put_text(out, body->data, body->len, within);
    return 0;
}

static int put_fact(struct gf_buf *out, const struct endpoint_job *j, const struct hole *h,
                    struct gf_err *e) {
    char agent[GF_ID_TEXT], origin[GF_ID_TEXT], uuid[GF_UUID_TEXT], key[33], created[GF_TIME_TEXT];
    const struct gf_record *r = j->record;
    const char *name = h->name + sizeof OURS - 1;

    gf_text_hex(j->row->agent.b, sizeof j->row->agent.b, agent);
    gf_text_hex(r->origin.b, sizeof r->origin.b, origin);
    gf_text_uuid(&r->id, uuid);
    gf_text_time(r->created, created);
    endpoint_key(&j->row->agent, &r->id, key);
    const char *const values[] = {agent,      origin,  uuid,    r->channel,
                                  r->product, r->type, created, key};
    size_t i = 0;
    while (facts[i] != NULL && strcmp(facts[i], name) != 0)
        i++;
    if (i == sizeof values / sizeof *values)
        return put_body(out, &r->body, h->within, e);
    if (values[i] != NULL)
        put_text(out, values[i], strlen(values[i]), h->within);
    else if (!h->within)
        gf_buf_text(out, "null");
    return 0;
}

int endpoint_template_fill(const struct endpoint_template *t, const struct endpoint_job *j,
                           struct gf_buf *out, struct gf_err *e) {
    struct endpoint_fields *fields = NULL;
    size_t at = 0;
    int rc = 0;

    if (t->wants_fields) {
        fields = calloc(1, sizeof *fields);
        if (fields == NULL)
            return gf_err_set(e, GF_E_SYSTEM, "no memory for a template");
        rc = endpoint_fields_read(j->record->body.data, j->record->body.len, fields, e);
        if (rc == -1)
            (void)gf_err_prefix(e, "the template wants fields of a JSON object");
    }
    for (size_t i = 0; rc == 0 && i < t->n; i++) {
        const struct hole *h = &t->holes[i];
        gf_buf_add(out, t->text.data + at, h->at - at);
        if (strncmp(h->name, OURS, sizeof OURS - 1) == 0)
            rc = put_fact(out, j, h, e);
        else
            put_field(out, endpoint_fields_find(fields, h->name), h->within);
        at = h->end;
    }
    gf_buf_add(out, t->text.data + at, t->text.len - at);
    if (fields != NULL)
        endpoint_fields_free(fields);
    free(fields);
    return rc == 0 ? gf_buf_check(out, "the filled template", e) : -1;
}
