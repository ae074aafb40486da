/*
 * update.c -- update manifests: verified first, then read.
 */
#include "common/update.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/signed.h"

static const struct signed_kind kind = {"manifest", "gapferry-update/1", GF_E_UPDATE,
                                        GF_DOCUMENT_MAX};

/* 1 if text is 1 or more of the characters that a version or an artifact's name may have: none of
 * them means anything to a shell, a URL or a file system. */
static int is_plain(const char *text) {
    const char all[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._+~-";

    return text[0] != '\0' && strspn(text, all) == strlen(text);
}

static int begins_plain(const char *text) {
    return text[0] != '.' && text[0] != '_' && text[0] != '+' && text[0] != '~' && text[0] != '-';
}

int update_is_version(const char *text) {
    return strlen(text) <= UPDATE_VERSION_MAX && is_plain(text) && begins_plain(text);
}

static void read_word(struct gf_json_obj *o, const char *name, char out[GF_WORD_MAX + 1]) {
    const char *word = "";

    if (gf_json_str(o, name, 1, GF_WORD_MAX, &word) &&
        !gf_text_is_word(word, strlen(word), GF_WORD_MAX))
        gf_json_fail(o, GF_E_UPDATE, "\"%s\" must be of [a-z0-9.-], a letter or digit first", name);
    memcpy(out, word, strlen(word) + 1);
}

static int read_artifact(struct gf_json_obj *o, struct update_artifact *a, struct gf_err *e) {
    const char *name = "";

    if (gf_json_str(o, "name", 1, UPDATE_NAME_MAX, &name) &&
        (!is_plain(name) || !begins_plain(name)))
        gf_json_fail(o, GF_E_UPDATE,
                     "\"name\" must be of [A-Za-z0-9._+~-], a letter or digit first: a plain name, "
                     "neither a path nor a URL");
    memcpy(a->name, name, strlen(name) + 1);
    gf_json_int(o, "size", 0, UPDATE_SIZE_MAX, &a->size);
    gf_json_hex(o, "sha256", a->sha256.b, sizeof a->sha256.b);
    gf_json_hex(o, "blake2b", a->blake2b.b, sizeof a->blake2b.b);
    return gf_json_end(o, e);
}

static int read_artifacts(struct gf_json_obj *o, struct update *u, struct gf_err *e) {
    struct gf_json_obj item;
    size_t n = 0;

    if (!gf_json_array(o, "artifacts", UPDATE_ARTIFACTS_MAX, &n))
        return 0; /* its error is the object's */
    u->artifacts = calloc(n ? n : 1, sizeof *u->artifacts);
    if (!u->artifacts)
        return gf_err_errno(e, "no memory for a manifest");
    for (size_t i = 0; i < n; i++) {
        struct update_artifact *a = &u->artifacts[i];
        gf_json_item_obj(o, "artifacts", i, &item);
        if (read_artifact(&item, a, e) == -1)
            return -1;
        for (size_t k = 0; k < i; k++) {
            if (strcasecmp(u->artifacts[k].name, a->name) == 0)
                return gf_err_set(e, GF_E_UPDATE,
                                  "manifest: two artifacts are called \"%s\", or differ in case "
                                  "only",
                                  a->name);
        }
        u->nartifacts++;
    }
    return 0;
}

static int read_object(struct gf_json_obj *o, struct update *u, struct gf_err *e) {
    const char *version = "";

    signed_check_format(&kind, o);
    if (o->err.code != GF_OK)
        return gf_json_end(o, e);
    read_word(o, "product", u->product);
    read_word(o, "channel", u->channel);
    read_word(o, "platform", u->platform);
    if (gf_json_str(o, "version", 1, UPDATE_VERSION_MAX, &version) && !update_is_version(version))
        gf_json_fail(o, GF_E_UPDATE,
                     "\"version\" must be of [A-Za-z0-9._+~-], a letter or digit first");
    memcpy(u->version, version, strlen(version) + 1);
    gf_json_int(o, "serial", 1, GF_JSON_INT_MAX, &u->serial);
    gf_json_time(o, "issued", &u->issued);
    gf_json_time(o, "expires", &u->expires);
    if (gf_json_has(o, "ext"))
        gf_json_any_obj(o, "ext");
    if (read_artifacts(o, u, e) == -1)
        return -1;
    if (u->expires <= u->issued)
        gf_json_fail(o, GF_E_UPDATE, "expires is not after issued");
    return gf_json_end(o, e);
}

static int read_root(struct gf_json *j, struct update *out, struct gf_err *e) {
    struct update u = {0};
    struct gf_json_obj o;

    gf_json_root(j, &o);
    int rc = read_object(&o, &u, e);
    if (rc == 0)
        *out = u;
    else
        update_free(&u);
    return rc;
}

int update_parse(const char *text, size_t len, const struct gf_sign_public *vendor,
                 struct update *out, struct gf_err *e) {
    struct gf_json *j = NULL;

    /* What no vendor has signed is not even parsed. */
    if (signed_open(&kind, text, len, vendor, &j, e) == -1)
        return -1;
    int rc = read_root(j, out, e);
    gf_json_free(j);
    return rc;
}

int update_read(const char *json, size_t len, struct update *out, struct gf_err *e) {
    struct gf_json *j = NULL;

    if (gf_json_parse(json, len, kind.what, kind.code, &j, e) == -1)
        return -1;
    int rc = read_root(j, out, e);
    gf_json_free(j);
    return rc;
}

/* ---- writing ---- */

static void put_hash(struct gf_buf *out, const char *name, const struct gf_hash *h) {
    char hex[GF_HASH_TEXT];

    gf_text_hex(h->b, sizeof h->b, hex);
    gf_json_put_text(out, name, hex);
}

int update_write(const struct update *u, struct gf_buf *out, struct gf_err *e) {
    char issued[GF_TIME_TEXT], expires[GF_TIME_TEXT];

    gf_text_time(u->issued, issued);
    gf_text_time(u->expires, expires);
    gf_buf_printf(out, "{\"format\": \"%s\"", kind.format);
    gf_json_put_text(out, "product", u->product);
    gf_json_put_text(out, "channel", u->channel);
    gf_json_put_text(out, "platform", u->platform);
    gf_json_put_text(out, "version", u->version);
    gf_buf_printf(out, ", \"serial\": %lld", (long long)u->serial);
    gf_json_put_text(out, "issued", issued);
    gf_json_put_text(out, "expires", expires);
    gf_buf_text(out, ", \"artifacts\": [");
    for (size_t i = 0; i < u->nartifacts; i++) {
        const struct update_artifact *a = &u->artifacts[i];
        gf_buf_printf(out, "%s{\"size\": %lld", i > 0 ? ", " : "", (long long)a->size);
        gf_json_put_text(out, "name", a->name);
        put_hash(out, "sha256", &a->sha256);
        put_hash(out, "blake2b", &a->blake2b);
        gf_buf_byte(out, '}');
    }
    gf_buf_text(out, "]}\n");
    return gf_buf_check(out, kind.what, e);
}

void update_free(struct update *u) {
    free(u->artifacts);
    *u = (struct update){0};
}

int update_same(const char *a, size_t alen, const char *b, size_t blen) {
    struct gf_document x, y;

    return gf_document_split(a, alen, GF_DOCUMENT_MAX, "manifest", &x, NULL) == 0 &&
           gf_document_split(b, blen, GF_DOCUMENT_MAX, "manifest", &y, NULL) == 0 &&
           x.json_len == y.json_len && memcmp(x.json, y.json, x.json_len) == 0;
}

const struct update_artifact *update_find(const struct update *u, const char *name) {
    for (size_t i = 0; i < u->nartifacts; i++) {
        if (strcmp(u->artifacts[i].name, name) == 0)
            return &u->artifacts[i];
    }
    return NULL;
}
