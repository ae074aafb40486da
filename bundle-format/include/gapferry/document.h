/*
 * document.h -- signed documents: licences, update manifests, cards, hellos, proofs.
 *
 * A document is strict JSON ending in LF, followed by one to GF_DOCUMENT_SIGS_MAX standard minisign
 * signature texts over exactly the JSON bytes with that LF, so that `cat x.json x.json.minisig`
 * makes one. The first line that starts with "untrusted comment: " ends the JSON.
 */
#ifndef GAPFERRY_DOCUMENT_H
#define GAPFERRY_DOCUMENT_H

#include "gapferry/minisig.h"

struct gf_document {
    const char *json; /* borrowed from the text; json[json_len - 1] is LF */
    size_t json_len;
    size_t nsigs;
    struct gf_minisig sigs[GF_DOCUMENT_SIGS_MAX];
};

/* Split a text into JSON bytes and signatures without looking into the JSON. At most json_max bytes
 * of JSON. Errors: GF_E_DOCUMENT, GF_E_MINISIG, GF_E_LIMIT; `what` names the file in messages. */
GF_MUST_CHECK int gf_document_split(const char *text, size_t len, size_t json_max, const char *what,
                                    struct gf_document *out, struct gf_err *e);

/* 0 if one of the signatures is by this key; the first one's index goes to *which where it is not
 * NULL. Errors: GF_E_SIGNATURE. */
GF_MUST_CHECK int gf_document_verify(const struct gf_document *d, const struct gf_sign_public *key,
                                     size_t *which, struct gf_err *e);

/*
 * Sign json[0 .. len-1]: it must end in LF, be strict JSON and have the member "format" with
 * exactly this value (no oracle for raw bytes: GF_E_BUG otherwise). Appends the signature text
 * only. The trusted comment is `format`.
 */
GF_MUST_CHECK int gf_document_sign(const struct gf_sign_key *key, const char *json, size_t len,
                                   const char *format, struct gf_buf *out, struct gf_err *e);

#endif
