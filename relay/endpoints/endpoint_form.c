/*
 * endpoint_form.c -- profile form: the top-level fields of a JSON record as a form (the URL
 * standard's application/x-www-form-urlencoded), in one POST or in several, one after another.
 *
 *   url     where; several, parted by blanks: the first POST goes to the first one, and so on
 *   fields  FIELD or FIELD=NAME IN THE FORM, parted by blanks; ";" begins the next POST. Without it
 *           all fields go under their own names
 *
 * With one url all POSTs go there; with one group of fields each url gets it. A field that a record
 * does not have, or that is null, is left out; objects and arrays go as the JSON that they are.
 */
#include <stdlib.h>
#include <string.h>

#include "relay/endpoints/endpoint.h"
#include "relay/endpoints/endpoint_fields.h"

#define STEPS_MAX 16
#define BODY_MAX  (16 << 20) /* bytes of a form */

/* Values parted by these characters, in place; NULL at the end. More than STEPS_MAX: -1. */
struct plan {
    char *urls, *fields;          /* memory */
    char *url[STEPS_MAX];         /* of each POST */
    const char *group[STEPS_MAX]; /* its fields; NULL: all */
    int n;
};

static int cut(char *text, const char *at, char **out) {
    char *save = NULL;
    int n = 0;

    for (char *w = strtok_r(text, at, &save); w != NULL; w = strtok_r(NULL, at, &save)) {
        if (n == STEPS_MAX)
            return -1;
        out[n++] = w;
    }
    return n;
}

static void plan_free(struct plan *p) {
    free(p->urls);
    free(p->fields);
}

/* What is POSTed where. *key names the setting that is wrong. */
static int plan_make(const struct config *c, const char *name, struct plan *p, const char **key,
                     struct gf_err *e) {
    const char *url = endpoint_value(c, name, "url");
    const char *fields = endpoint_value(c, name, "fields");
    char *groups[STEPS_MAX];
    int ngroups = 0;

    *p = (struct plan){.urls = strdup(url), .fields = strdup(fields != NULL ? fields : "")};
    if (p->urls == NULL || p->fields == NULL) {
        plan_free(p);
        return gf_err_set(e, GF_E_SYSTEM, "no memory for an endpoint");
    }
    int nurls = cut(p->urls, " \t", p->url);
    if (fields != NULL)
        ngroups = cut(p->fields, ";", groups);
    *key = nurls < 1 ? "url" : "fields";
    p->n = nurls > ngroups ? nurls : ngroups;
    if (nurls < 1 || ngroups == -1 || (fields != NULL && ngroups == 0)) {
        (void)gf_err_set(e, GF_E_CONFIG, "1 to %d of them", STEPS_MAX);
        goto fail;
    }
    if (nurls > 1 && ngroups > 1 && nurls != ngroups) {
        (void)gf_err_set(e, GF_E_CONFIG,
                         "%d groups for %d places in url; one of them, or as many as of the other",
                         ngroups, nurls);
        goto fail;
    }
    for (int i = 0; i < p->n; i++) {
        p->url[i] = p->url[nurls == 1 ? 0 : i];
        p->group[i] = ngroups == 0 ? NULL : groups[ngroups == 1 ? 0 : i];
    }
    return 0;
fail:
    plan_free(p);
    return -1;
}

static int check(const struct config *c, const char *name, struct gf_err *e) {
    const char *key = "url";
    struct gf_err why;
    struct plan p;

    if (plan_make(c, name, &p, &key, &why) == -1)
        return endpoint_wrong(c, name, key, why.text, e);
    plan_free(&p);
    return 0;
}

static int open_section(struct endpoint *p, struct gf_err *e) {
    struct plan *plan = calloc(1, sizeof *plan);
    const char *key;

    if (plan == NULL)
        return gf_err_set(e, GF_E_SYSTEM, "no memory for an endpoint");
    if (plan_make(p->relay->config, p->name, plan, &key, e) == -1) {
        free(plan);
        return -1;
    }
    p->own = plan;
    return 0;
}

static void close_section(struct endpoint *p) {
    struct plan *plan = p->own;

    if (plan != NULL)
        plan_free(plan);
    free(plan);
    p->own = NULL;
}

/* ---- one record ---- */

struct form {
    struct endpoint_fields fields;
    struct gf_buf body;
};

static void put_encoded(struct gf_buf *out, const char *text, size_t len) {
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
            c == '*' || c == '-' || c == '.' || c == '_') {
            gf_buf_byte(out, (char)c);
        } else if (c == ' ') {
            gf_buf_byte(out, '+');
        } else {
            gf_buf_byte(out, '%');
            gf_buf_byte(out, digits[c >> 4]);
            gf_buf_byte(out, digits[c & 15]);
        }
    }
}

static void put_field(struct gf_buf *out, const char *name, size_t name_len,
                      const struct endpoint_field *f) {
    if (f == NULL || (f->raw_len == 4 && memcmp(f->raw, "null", 4) == 0))
        return;
    if (out->len > 0)
        gf_buf_byte(out, '&');
    put_encoded(out, name, name_len);
    gf_buf_byte(out, '=');
    put_encoded(out, f->value, f->len);
}

static void put_group(struct form *f, const char *group) {
    char name[512];

    for (const char *at = group; *at != '\0';) {
        size_t n = strcspn(at, " \t");
        const char *as = memchr(at, '=', n);
        size_t own = as != NULL ? (size_t)(as - at) : n;
        if (own > 0 && own < sizeof name) {
            memcpy(name, at, own);
            name[own] = '\0';
            put_field(&f->body, as != NULL ? as + 1 : at, as != NULL ? n - own - 1 : n,
                      endpoint_fields_find(&f->fields, name));
        }
        at += n;
        at += strspn(at, " \t");
    }
}

static int next(struct endpoint_job *j, struct endpoint_request *q, struct gf_err *e) {
    const struct plan *plan = j->endpoint->own;
    struct form *f = j->own;

    if (f == NULL) {
        f = calloc(1, sizeof *f);
        if (f == NULL)
            return gf_err_set(e, GF_E_SYSTEM, "no memory for a form");
        j->own = f;
        gf_buf_init(&f->body, BODY_MAX);
        if (endpoint_fields_read(j->record->body.data, j->record->body.len, &f->fields, e) == -1)
            return gf_err_prefix(e, "profile form sends the fields of a JSON object");
    }
    gf_buf_clear(&f->body);
    const char *group = plan->group[j->step];
    if (group != NULL)
        put_group(f, group);
    for (size_t i = 0; group == NULL && i < f->fields.n; i++)
        put_field(&f->body, f->fields.field[i].name, strlen(f->fields.field[i].name),
                  &f->fields.field[i]);
    if (gf_buf_check(&f->body, "the form", e) == -1)
        return -1;
    endpoint_headers(q, j, "application/x-www-form-urlencoded");
    q->http.url = plan->url[j->step];
    q->http.method = "POST";
    q->http.body = f->body.data;
    q->http.body_len = f->body.len;
    return 0;
}

static int judge(struct endpoint_job *j, struct endpoint_result *r, struct gf_err *e) {
    const struct plan *plan = j->endpoint->own;

    if (endpoint_http_judge(j, r, e) == -1)
        return -1;
    if (r->verdict == ENDPOINT_DELIVERED && j->step + 1 < plan->n)
        r->verdict = ENDPOINT_MORE;
    return 0;
}

static void end(struct endpoint_job *j) {
    struct form *f = j->own;

    if (f != NULL) {
        endpoint_fields_free(&f->fields);
        gf_buf_free(&f->body);
    }
    free(f);
    j->own = NULL;
}

static const char *const keys[] = {ENDPOINT_KEYS_COMMON, ENDPOINT_KEYS_HTTP, "fields",
                                   "success_text", NULL};

const struct endpoint_profile endpoint_form = {.name = "form",
                                               .keys = keys,
                                               .urls = STEPS_MAX,
                                               .check = check,
                                               .open = open_section,
                                               .close = close_section,
                                               .next = next,
                                               .judge = judge,
                                               .end = end};
