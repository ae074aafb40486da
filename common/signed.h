/*
 * signed.h -- documents that a vendor signs (licences, update manifests): opened by the vendor's
 * key, and of a format that this program knows.
 */
#ifndef COMMON_SIGNED_H
#define COMMON_SIGNED_H

#include "gapferry/document.h"
#include "gapferry/json.h"

/* What one kind of document is. */
struct signed_kind {
    const char *what;   /* "licence", for messages */
    const char *format; /* "gapferry-license/1" */
    enum gf_code code;  /* of JSON that is not as it should be */
    size_t json_max;    /* bytes of JSON */
};

/* Split, verify by this key, and only then parse. *out: gf_json_free(). Errors: GF_E_SIGNATURE
 * naming the key, GF_E_JSON, GF_E_DOCUMENT, GF_E_MINISIG, GF_E_LIMIT, the kind's code. */
GF_MUST_CHECK int signed_open(const struct signed_kind *k, const char *text, size_t len,
                              const struct gf_sign_public *vendor, struct gf_json **out,
                              struct gf_err *e);

/* A document's signature may lie beside it, as minisign leaves it: where `text`, of the file `path`
 * below dir, ends in none, that of PATH.minisig is appended. 1: it has one now; 0: there is none
 * beside it; -1: GF_E_USAGE (the path is too long), and as gf_file_load(), which gets `max`. */
GF_MUST_CHECK int signed_join(int dir, const char *path, size_t max, struct gf_buf *text,
                              struct gf_err *e);

/* Fail the object unless its "format" is the kind's: GF_E_VERSION where that is another one of its
 * family. A newer document may have other fields, so this comes before them. */
void signed_check_format(const struct signed_kind *k, struct gf_json_obj *o);

#endif
