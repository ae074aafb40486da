/*
 * keygen_read.c -- what a Keygen file says, once it is verified and decrypted: a JSON:API document
 * of the licence or machine, with what belongs to it under "included".
 *
 * The document is the vendor's and grows with his server, so that members that we do not know are
 * passed over; those that we know must be what they should be.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/license/keygen.h"
#include "gapferry/json.h"

#define WHAT        "licence file"
#define WARN_DAYS   30
#define TTL_MAX     (1000LL * 366 * 86400) /* seconds: a thousand years are for ever */
#define TIME_LENGTH 19                     /* YYYY-MM-DDThh:mm:ss */

struct reading {
    struct license l;
    struct keygen k;
    const char *key, *fingerprint; /* as the caller knows them, or NULL */
    int suspended;
    int lenient; /* the vendor's policy lets the product run after the licence's end */
};

/* ---- single values ---- */

/* The first error of an object that may have members that we do not know. */
static int check(const struct gf_json_obj *o, struct gf_err *e) {
    if (o->err.code == GF_OK)
        return 0;
    *e = o->err;
    return -1;
}

/* A member that may be absent or null, as words; NULL then. */
static const char *words_of(struct gf_json_obj *o, const char *name, char words[GF_JSON_WORDS]) {
    const char *found, *value;

    for (size_t i = 0; gf_json_each_any(o, i, &found, &value, words); i++) {
        if (strcmp(found, name) == 0)
            return strcmp(value, "null") == 0 ? NULL : value;
    }
    return NULL;
}

/* Names are for people: one that is too long is cut between two characters. */
static void copy_cut(char *out, size_t room, const char *text) {
    size_t n = text ? strlen(text) : 0;

    if (n >= room)
        n = room - 1;
    while (n > 0 && text[n] && !gf_text_is_utf8(text, n))
        n--;
    if (n > 0)
        memcpy(out, text, n);
    out[n] = '\0';
}

static void copy_text(struct gf_json_obj *o, const char *name, char *out, size_t room) {
    char words[GF_JSON_WORDS];
    copy_cut(out, room, words_of(o, name, words));
}

/* An id is what others compare: it is taken whole or not at all. */
static void read_id(struct gf_json_obj *o, const char *name, char out[GF_WORD_MAX + 1]) {
    const char *id = "";

    if (gf_json_str(o, name, 1, GF_WORD_MAX, &id) && !gf_text_is_word(id, strlen(id), GF_WORD_MAX))
        gf_json_fail(o, GF_E_LICENSE, "\"%s\" must be of [a-z0-9.-]", name);
    memcpy(out, id, strlen(id) + 1);
}

/* RFC 3339 in UTC, with or without a fraction, which is dropped; 1 if there is one. */
static int read_time(struct gf_json_obj *o, const char *name, int64_t *out) {
    char words[GF_JSON_WORDS], whole[GF_TIME_TEXT];
    const char *text = words_of(o, name, words);
    size_t n = text ? strlen(text) : 0;

    if (!text)
        return 0;
    size_t digits = n > TIME_LENGTH + 1 && text[TIME_LENGTH] == '.'
                        ? strspn(text + TIME_LENGTH + 1, "0123456789")
                        : 0;
    size_t end = TIME_LENGTH + (digits ? digits + 1 : 0);
    (void)snprintf(whole, sizeof whole, "%.*sZ", TIME_LENGTH, text);
    if (n != end + 1 || text[end] != 'Z' || gf_text_untime(whole, strlen(whole), out) == -1) {
        gf_json_fail(o, GF_E_LICENSE, "\"%s\" must be a time of the form YYYY-MM-DDThh:mm:ss.sssZ",
                     name);
        return 0;
    }
    return 1;
}

/* ---- meta: when the file was made and how long it holds ---- */

static int read_meta(struct gf_json_obj *root, struct reading *r, struct gf_err *e) {
    char words[GF_JSON_WORDS];
    struct gf_json_obj meta;
    int64_t ttl = 0;

    if (!gf_json_obj(root, "meta", &meta))
        return check(root, e);
    if (!read_time(&meta, "issued", &r->l.issued))
        gf_json_fail(&meta, GF_E_LICENSE, "\"issued\" is missing");
    r->k.file_ends = read_time(&meta, "expiry", &r->k.file_end);
    if (words_of(&meta, "ttl", words) && gf_json_int(&meta, "ttl", 0, TTL_MAX, &ttl) &&
        !r->k.file_ends) {
        r->k.file_ends = 1;
        r->k.file_end = r->l.issued + ttl;
    }
    if (r->k.file_ends && r->k.file_end < r->l.issued)
        gf_json_fail(&meta, GF_E_LICENSE, "\"expiry\" is before \"issued\"");
    return check(&meta, e);
}

/* ---- the licence's own attributes ---- */

static int read_metadata(struct gf_json_obj *attributes, struct reading *r, struct gf_err *e) {
    char words[GF_JSON_WORDS];
    const char *name, *value;
    struct gf_json_obj o;
    struct gf_buf lines;

    if (!gf_json_has(attributes, "metadata") || !gf_json_obj_opt(attributes, "metadata", &o))
        return check(attributes, e);
    gf_buf_init(&lines, sizeof r->k.metadata - 1);
    for (size_t i = 0; gf_json_each_any(&o, i, &name, &value, words); i++) {
        size_t before = lines.len;
        /* One a line: escaped where it would be two. */
        gf_text_safe(&lines, name, strlen(name));
        gf_buf_byte(&lines, '=');
        gf_text_safe(&lines, value, strlen(value));
        gf_buf_byte(&lines, '\n');
        if (lines.failed) {
            /* It is shown to people; what does not fit is not worth refusing a licence. */
            lines.failed = 0;
            lines.len = before;
            break;
        }
    }
    if (lines.len > 0)
        memcpy(r->k.metadata, lines.data, lines.len);
    r->k.metadata[lines.len] = '\0';
    gf_buf_free(&lines);
    return 0;
}

static int read_license(struct gf_json_obj *resource, struct reading *r, struct gf_err *e) {
    char words[GF_JSON_WORDS];
    struct gf_json_obj o;

    if (!gf_json_obj(resource, "attributes", &o))
        return check(resource, e);
    copy_text(&o, "name", r->k.name, sizeof r->k.name);
    copy_text(&o, "status", r->k.status, sizeof r->k.status);
    r->k.licence_ends = read_time(&o, "expiry", &r->k.licence_end);
    const char *suspended = words_of(&o, "suspended", words);
    r->suspended = suspended && strcmp(suspended, "true") == 0;
    const char *key = words_of(&o, "key", words);
    if (r->key && key && strcmp(key, r->key) != 0)
        gf_json_fail(&o, GF_E_LICENSE, "is of another licence key than the one that was given");
    return check(&o, e) == -1 ? -1 : read_metadata(&o, r, e);
}

static int read_machine(struct gf_json_obj *resource, struct reading *r, struct gf_err *e) {
    struct gf_json_obj o;
    const char *fingerprint = "";

    if (!gf_json_obj(resource, "attributes", &o))
        return check(resource, e);
    if (gf_json_str(&o, "fingerprint", 1, KEYGEN_TEXT_MAX, &fingerprint) && r->fingerprint &&
        strcmp(fingerprint, r->fingerprint) != 0)
        gf_json_fail(&o, GF_E_LICENSE, "is for the machine with another fingerprint");
    memcpy(r->k.fingerprint, fingerprint, strlen(fingerprint) + 1);
    return check(&o, e);
}

/* relationships.NAME.data.id of a resource. */
static int read_relation(struct gf_json_obj *resource, const char *name, char out[GF_WORD_MAX + 1],
                         struct gf_err *e) {
    struct gf_json_obj relations, relation, data;

    gf_json_obj(resource, "relationships", &relations);
    gf_json_obj(&relations, name, &relation);
    gf_json_obj(&relation, "data", &data);
    read_id(&data, "id", out);
    return check(resource, e) == -1 || check(&relations, e) == -1 || check(&relation, e) == -1
               ? -1
               : check(&data, e);
}

/* ---- data: what the file is about ---- */

static int read_data(struct gf_json_obj *root, struct reading *r, struct gf_err *e) {
    struct gf_json_obj data;
    const char *type = "";

    if (!gf_json_obj(root, "data", &data))
        return check(root, e);
    const char *wanted = r->k.machine ? "machines" : "licenses";
    if (gf_json_str(&data, "type", 1, GF_WORD_MAX, &type) && strcmp(type, wanted) != 0)
        gf_json_fail(&data, GF_E_LICENSE, "\"type\" must be %s", wanted);
    read_id(&data, "id", r->k.machine ? r->k.machine_id : r->l.id);
    if (check(&data, e) == -1 || read_relation(&data, "product", r->l.product, e) == -1)
        return -1;
    if (!r->k.machine)
        return read_license(&data, r, e);
    return read_relation(&data, "license", r->l.id, e) == -1 ? -1 : read_machine(&data, r, e);
}

/* ---- included: what belongs to it ---- */

/* An attribute of a resource, "" where it has none. */
static void read_attribute(struct gf_json_obj *resource, const char *name, char *out, size_t room) {
    struct gf_json_obj o;

    out[0] = '\0';
    if (gf_json_has(resource, "attributes") && gf_json_obj_opt(resource, "attributes", &o))
        copy_text(&o, name, out, room);
}

static int add_entitlement(struct gf_json_obj *resource, struct reading *r, struct gf_err *e) {
    size_t have = strlen(r->l.features);
    char code[KEYGEN_TEXT_MAX + 1];
    struct gf_buf safe;

    read_attribute(resource, "code", code, sizeof code);
    gf_buf_init(&safe, sizeof r->l.features - 1 - have);
    gf_text_safe(&safe, code, strlen(code));
    gf_buf_byte(&safe, '\n');
    int fits = !safe.failed;
    if (fits)
        memcpy(r->l.features + have, safe.data, safe.len + 1);
    gf_buf_free(&safe);
    return fits ? 0
                : gf_err_set(e, GF_E_LICENSE, WHAT ": its entitlements are longer than %zu bytes",
                             sizeof r->l.features - 1);
}

static int read_resource(struct gf_json_obj *o, struct reading *r, struct gf_err *e) {
    const char *type = "", *id = "";
    char strategy[GF_WORD_MAX + 1];

    gf_json_str(o, "type", 1, GF_WORD_MAX, &type);
    gf_json_str(o, "id", 1, KEYGEN_TEXT_MAX, &id);
    if (check(o, e) == -1)
        return -1;
    if (strcmp(type, "entitlements") == 0)
        return add_entitlement(o, r, e);
    if (strcmp(type, "licenses") == 0 && strcmp(id, r->l.id) == 0 && r->k.machine)
        return read_license(o, r, e);
    if (strcmp(type, "products") == 0 && strcmp(id, r->l.product) == 0)
        read_attribute(o, "name", r->k.product_name, sizeof r->k.product_name);
    if (strcmp(type, "policies") == 0) {
        read_attribute(o, "expirationStrategy", strategy, sizeof strategy);
        r->lenient =
            strcmp(strategy, "MAINTAIN_ACCESS") == 0 || strcmp(strategy, "ALLOW_ACCESS") == 0;
    }
    if (strcmp(type, "users") == 0)
        read_attribute(o, "fullName", r->l.licensee, sizeof r->l.licensee);
    return 0;
}

static int read_included(struct gf_json_obj *root, struct reading *r, struct gf_err *e) {
    struct gf_json_obj resource;
    size_t n = 0;

    if (!gf_json_has(root, "included"))
        return 0;
    gf_json_array(root, "included", GF_JSON_ELEMENTS_MAX, &n);
    for (size_t i = 0; i < n; i++) {
        if (!gf_json_item_obj(root, "included", i, &resource))
            return check(root, e);
        if (read_resource(&resource, r, e) == -1)
            return -1;
    }
    return check(root, e);
}

/* ---- all of it ---- */

/* Two ends: the file's is hard, the licence's what the vendor's policy makes of it. */
static void decide(struct reading *r) {
    const struct keygen *k = &r->k;

    r->l.warn_days = WARN_DAYS;
    r->l.then = LICENSE_BLOCK;
    r->l.has_expires = k->file_ends || k->licence_ends;
    r->l.expires = k->file_ends ? k->file_end : k->licence_end;
    if (k->licence_ends && k->file_ends && !r->lenient && k->licence_end < k->file_end)
        r->l.expires = k->licence_end;
    if (r->lenient && !k->file_ends)
        r->l.then = LICENSE_WARN;
    if (!r->l.licensee[0])
        copy_cut(r->l.licensee, sizeof r->l.licensee, k->name);
}

int keygen_read(const char *json, size_t len, int machine, const char *key, const char *fingerprint,
                struct license *out, struct keygen *more, struct gf_err *e) {
    struct reading r = {.k.machine = machine, .key = key, .fingerprint = fingerprint};
    struct gf_json *j = NULL;
    struct gf_json_obj root;

    if (gf_json_parse_foreign(json, len, WHAT, GF_E_LICENSE, &j, e) == -1)
        return -1;
    gf_json_root(j, &root);
    int rc = read_meta(&root, &r, e);
    if (rc == 0)
        rc = read_data(&root, &r, e);
    if (rc == 0)
        rc = read_included(&root, &r, e);
    gf_json_free(j);
    if (rc == 0 && r.suspended)
        rc = gf_err_set(e, GF_E_LICENSE, "licence %s: its vendor has suspended it", r.l.id);
    if (rc == -1)
        return -1;
    decide(&r);
    *out = r.l;
    *more = r.k;
    return 0;
}
