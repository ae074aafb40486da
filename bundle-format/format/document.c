/*
 * document.c -- signed documents: JSON bytes, then minisign signatures over exactly these.
 */
#include "gapferry/document.h"

#include <string.h>

#include "gapferry/json.h"

#define SIGNATURE_BEGINS "untrusted comment: "

/* Constant, because nobody can check it: what counts is in the trusted comment. */
#define UNTRUSTED "signature of a gapferry document"

/* Bytes of JSON before the first signature; len if there is none. */
static size_t json_length(const char *text, size_t len) {
    static const char begins[] = SIGNATURE_BEGINS;
    const size_t n = sizeof begins - 1;
    const char *hit;

    if (len >= n && memcmp(text, begins, n) == 0)
        return 0;
    hit = memmem(text, len, "\n" SIGNATURE_BEGINS, n + 1);
    return hit != NULL ? (size_t)(hit - text) + 1 : len;
}

int gf_document_split(const char *text, size_t len, size_t json_max, const char *what,
                      struct gf_document *out, struct gf_err *e) {
    struct gf_document d;
    size_t at = json_length(text, len);

    memset(&d, 0, sizeof d);
    if (at == len)
        return gf_err_set(e, GF_E_DOCUMENT,
                          "%s: has no signature; a signed document is its text and then a "
                          "minisign signature of that",
                          what);
    if (at == 0)
        return gf_err_set(e, GF_E_DOCUMENT, "%s: is only a signature; the document is missing",
                          what);
    if (at > json_max)
        return gf_err_set(e, GF_E_LIMIT, "%s: longer than %zu bytes without its signatures", what,
                          json_max);
    d.json = text;
    d.json_len = at;

    /* Nothing but signatures may follow. */
    while (at < len) {
        size_t used = 0;

        if (d.nsigs == GF_DOCUMENT_SIGS_MAX)
            return gf_err_set(e, GF_E_DOCUMENT, "%s: more than %d signatures, or text after them",
                              what, GF_DOCUMENT_SIGS_MAX);
        if (gf_minisig_parse(text + at, len - at, &d.sigs[d.nsigs], &used, e) == -1)
            return gf_err_prefix(e, "%s: signature %zu", what, d.nsigs + 1);
        at += used;
        d.nsigs++;
    }
    *out = d;
    return 0;
}

int gf_document_verify(const struct gf_document *d, const struct gf_sign_public *key, size_t *which,
                       struct gf_err *e) {
    char line[GF_SIGN_PUBLIC_TEXT];

    /* Two signatures may carry the same key id, which is only a hint, so that each is tried. */
    for (size_t i = 0; i < d->nsigs; i++) {
        if (gf_minisig_verify(&d->sigs[i], key, d->json, d->json_len, NULL) == -1)
            continue;
        if (which != NULL)
            *which = i;
        return 0;
    }
    gf_key_sign_public_line(key, line);
    return gf_err_set(e, GF_E_SIGNATURE,
                      "document: no valid signature by the key %s: it was changed, or signed by "
                      "somebody else",
                      line);
}

/* 0 if it is a JSON object that names this format. */
static int names_format(const char *json, size_t len, const char *format) {
    struct gf_json *j = NULL;
    struct gf_json_obj o;
    const char *value = "";
    int found;

    if (gf_json_parse(json, len, "document", GF_E_DOCUMENT, &j, NULL) == -1)
        return -1;
    gf_json_root(j, &o);
    found = gf_json_str(&o, "format", 1, GF_WORD_MAX, &value) == 1 && strcmp(value, format) == 0;
    gf_json_free(j);
    return found ? 0 : -1;
}

int gf_document_sign(const struct gf_sign_key *key, const char *json, size_t len,
                     const char *format, struct gf_buf *out, struct gf_err *e) {
    if (len > GF_DOCUMENT_MAX)
        return gf_err_set(e, GF_E_LIMIT, "document: longer than %d bytes", GF_DOCUMENT_MAX);
    if (len == 0 || json[len - 1] != '\n' || names_format(json, len, format) == -1)
        return gf_err_set(e, GF_E_BUG,
                          "document: our keys sign only strict JSON of format %s that ends in LF",
                          format);
    return gf_minisig_sign(key, json, len, UNTRUSTED, format, out, e);
}
