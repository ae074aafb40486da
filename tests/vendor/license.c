/*
 * license.c -- licence requests, and the signed licences that they get.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gapferry/digest.h"
#include "gapferry/document.h"
#include "gapferry/json.h"
#include "vendor.h"

#define FACTORS_MAX 16
#define REQUEST_MAX 65536

struct wish {
    const char *product, *version, *key, *contact;
    struct gf_id nonce;
    size_t nfactors;
    const char *names[FACTORS_MAX], *digests[FACTORS_MAX];
    const char *renews, *why, *proof; /* NULL: a first licence */
};

static void read_factors(struct gf_json_obj *o, struct wish *w) {
    const char *name, *hex;
    struct gf_hash h;

    for (size_t i = 0; gf_json_each_str(o, i, &name, &hex); i++) {
        if (i == FACTORS_MAX || !gf_text_is_word(name, strlen(name), GF_WORD_MAX) ||
            gf_text_unhex(hex, strlen(hex), h.b, sizeof h.b) == -1) {
            gf_json_fail(o, GF_E_LICENSE, "at most %d factors, each 64 hex digits", FACTORS_MAX);
            return;
        }
        w->names[i] = name;
        w->digests[i] = hex;
        w->nfactors = i + 1;
    }
}

/* The licence that the new one takes the place of. */
static int read_renews(struct gf_json_obj *o, struct wish *w, struct gf_err *e) {
    static const char *const whys[] = {"renewal", "repair", "transfer", NULL};
    struct gf_json_obj renews;
    int why = 0;

    if (!gf_json_has(o, "renews"))
        return 0;
    gf_json_obj(o, "renews", &renews);
    gf_json_str(&renews, "license", 1, 2 * GF_WORD_MAX, &w->renews);
    if (gf_json_enum(&renews, "why", whys, &why))
        w->why = whys[why];
    gf_json_str_opt(&renews, "proof", 1, 8192, &w->proof);
    return gf_json_end(&renews, e);
}

static int read_wish(struct gf_json *j, struct wish *w, struct gf_err *e) {
    struct gf_json_obj o, fingerprint, counts;
    const char *format = "", *name;
    int64_t value;

    gf_json_root(j, &o);
    if (gf_json_str(&o, "format", 1, 64, &format) &&
        strcmp(format, "gapferry-license-request/1") != 0)
        gf_json_fail(&o, GF_E_LICENSE, "format must be gapferry-license-request/1");
    if (gf_json_str(&o, "product", 1, GF_WORD_MAX, &w->product) &&
        !gf_text_is_word(w->product, strlen(w->product), GF_WORD_MAX))
        gf_json_fail(&o, GF_E_LICENSE, "product must be of [a-z0-9.-]");
    gf_json_str_opt(&o, "version", 0, 256, &w->version);
    gf_json_str(&o, "key", 1, 256, &w->key);
    gf_json_str_opt(&o, "contact", 0, 256, &w->contact);
    gf_json_hex(&o, "nonce", w->nonce.b, sizeof w->nonce.b);
    if (gf_json_has(&o, "ext"))
        gf_json_any_obj(&o, "ext");
    gf_json_obj(&o, "counts", &counts);
    for (size_t i = 0; gf_json_each_int(&counts, i, 0, GF_JSON_INT_MAX, &name, &value); i++)
        continue;
    gf_json_obj(&o, "fingerprint", &fingerprint);
    read_factors(&fingerprint, w);
    if (gf_json_end(&counts, e) == -1 || gf_json_end(&fingerprint, e) == -1 ||
        read_renews(&o, w, e) == -1)
        return -1;
    return gf_json_end(&o, e);
}

static int is_known(const struct license_terms *t, const char *key) {
    for (const char *const *k = t->known; k != NULL && *k != NULL; k++) {
        if (strcmp(*k, key) == 0)
            return 1;
    }
    return strcmp(key, "AAAA-BBBB") == 0 || (strncmp(key, "KEY-", 4) == 0 && key[4] != '\0');
}

/* The name of a licence: the same key and nonce give the same one. */
static void name_it(const struct wish *w, char out[GF_ID_TEXT]) {
    struct gf_buf b;
    struct gf_id id;

    gf_buf_init(&b, 4096);
    gf_buf_text(&b, w->key);
    gf_buf_byte(&b, '\n');
    gf_buf_add(&b, w->nonce.b, sizeof w->nonce.b);
    gf_digest_128(b.data != NULL ? b.data : "", b.len, &id);
    gf_buf_free(&b);
    gf_text_hex(id.b, sizeof id.b, out);
}

static void put_fingerprint(const struct wish *w, struct gf_buf *b) {
    if (w->nfactors == 0) {
        gf_buf_text(b, "null");
        return;
    }
    /* A third of the factors may change: 1 of 1, 2 of 2, 2 of 3, 3 of 4, 4 of 5. */
    gf_buf_printf(b, "{\"k\": %zu, \"factors\": {", w->nfactors - w->nfactors / 3);
    for (size_t i = 0; i < w->nfactors; i++) {
        gf_buf_text(b, i > 0 ? ", " : "");
        gf_json_put_str(b, w->names[i], strlen(w->names[i]));
        gf_buf_printf(b, ": \"%s\"", w->digests[i]);
    }
    gf_buf_text(b, "}}");
}

static int keeps_id(const struct wish *w) {
    return w->renews != NULL && strcmp(w->why, "transfer") != 0;
}

/* NULL if the licence may take the place of the one that it names, else why not. */
static const char *refuse_renewal(const struct license_terms *t, const struct wish *w) {
    char license[GF_WORD_MAX * 2 + 1];
    struct gf_err e;

    if (w->renews == NULL)
        return NULL;
    int gone = t->is_gone != NULL && t->is_gone(t->arg, w->renews);
    if (keeps_id(w))
        return gone ? "This licence was deactivated. Ask for a transfer.\n" : NULL;
    if (gone ||
        (w->proof != NULL && deactivate_read(w->proof, strlen(w->proof), license, &e) == 0 &&
         strcmp(license, w->renews) == 0))
        return NULL;
    return "Nothing proves that this licence was deactivated where it ran.\n";
}

static int issue(const struct license_terms *t, const struct wish *w, struct gf_buf *out,
                 struct gf_err *e) {
    char hex[GF_ID_TEXT], id[32], nonce[GF_ID_TEXT], issued[GF_TIME_TEXT], expires[GF_TIME_TEXT];
    const char *licensee = w->contact != NULL ? w->contact : "";

    name_it(w, hex);
    (void)snprintf(id, sizeof id, "lic-%.16s", hex);
    gf_text_hex(w->nonce.b, sizeof w->nonce.b, nonce);
    gf_text_time(t->now, issued);
    gf_text_time(t->now + (int64_t)t->days * 86400, expires);
    /* A licence that is renewed or repaired stays the same; one that moves is another one. */
    const char *name = keeps_id(w) ? w->renews : id;
    gf_buf_text(out, "{\"format\": \"gapferry-license/1\", \"id\": ");
    gf_json_put_str(out, name, strlen(name));
    gf_buf_text(out, ", \"product\": ");
    gf_json_put_str(out, w->product, strlen(w->product));
    gf_buf_text(out, ", \"licensee\": ");
    gf_json_put_str(out, licensee, strlen(licensee));
    gf_buf_printf(out, ", \"issued\": \"%s\", \"expires\": ", issued);
    gf_buf_printf(out, t->days > 0 ? "\"%s\"" : "null%.0s", expires);
    gf_buf_printf(out, ", \"nonce\": \"%s\", \"fingerprint\": ", nonce);
    put_fingerprint(w, out);
    gf_buf_printf(out,
                  ", \"features\": [\"reports\", \"support\"], \"counts\": {\"users\": 250}, "
                  "\"policy\": {\"warn_days\": 30, \"grace_days\": 14, \"then\": \"%s\"}, "
                  "\"ext\": {}}\n",
                  t->then);
    if (gf_buf_check(out, "licence", e) == -1)
        return -1;
    size_t len = out->len;
    char *json = strndup(out->data, len); /* out moves while it is signed */
    int rc = json == NULL ? gf_err_set(e, GF_E_SYSTEM, "out of memory")
                          : gf_document_sign(t->key, json, len, "gapferry-license/1", out, e);
    free(json);
    return rc;
}

static int deactivate(const char *body, size_t len, struct gf_buf *out) {
    char license[GF_WORD_MAX * 2 + 1];
    struct gf_err e;

    if (deactivate_read(body, len, license, &e) == -1) {
        gf_buf_printf(out, "This proves nothing: %s\n", e.text);
        return 400;
    }
    gf_buf_printf(out, LICENSE_GONE, license);
    return 200;
}

int license_answer(const struct license_terms *t, const char *body, size_t len,
                   struct gf_buf *out) {
    struct gf_json *j = NULL;
    struct wish w = {0};
    struct gf_err e;
    const char *why;
    int status = 200;

    if (deactivate_is(body, len))
        return deactivate(body, len, out);
    if (len > REQUEST_MAX) {
        gf_buf_text(out, "A licence request is at most 64 KiB long.\n");
        return 413;
    }
    if (gf_json_parse(body, len, "licence request", GF_E_LICENSE, &j, &e) == -1 ||
        read_wish(j, &w, &e) == -1) {
        gf_buf_printf(out, "This is no licence request: %s\n", e.text);
        status = 400;
    } else if (!is_known(t, w.key)) {
        gf_buf_text(out, "This licence key is not known here. Check it for slips, or write to "
                         "sales@vendor.example.\n");
        status = 422;
    } else if ((why = refuse_renewal(t, &w)) != NULL) {
        gf_buf_text(out, why);
        status = 422;
    } else if (issue(t, &w, out, &e) == -1) {
        gf_buf_clear(out);
        gf_buf_printf(out, "%s\n", e.text);
        status = 500;
    }
    gf_json_free(j);
    return status;
}
