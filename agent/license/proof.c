/*
 * proof.c -- deactivation proofs.
 */
#include "agent/license/proof.h"

#include <string.h>

#include "gapferry/digest.h"
#include "gapferry/json.h"

#define FORMAT "gapferry-deactivation/1"

static void put_text(struct gf_buf *b, const char *name, const char *text) {
    gf_buf_printf(b, ", \"%s\": ", name);
    if (text[0])
        gf_json_put_str(b, text, strlen(text));
    else
        gf_buf_text(b, "null");
}

static void put_time(struct gf_buf *b, const char *name, int64_t at) {
    char text[GF_TIME_TEXT];

    gf_text_time(at, text);
    put_text(b, name, text);
}

/* By the key of now first, then by those before it, as many as a document may have. */
static int sign(const struct agent *a, const struct gf_buf *json, struct gf_buf *out,
                struct gf_err *e) {
    int rc = gf_document_sign(a->id.sign, json->data, json->len, FORMAT, out, e);

    for (size_t i = 0; rc == 0 && i < a->former.n && i + 1 < GF_DOCUMENT_SIGS_MAX; i++)
        rc = gf_document_sign(a->former.list[i].sign, json->data, json->len, FORMAT, out, e);
    return rc;
}

int proof_make(const struct agent *a, const struct installed_document *d, struct gf_buf *out,
               struct gf_err *e) {
    char agent[GF_ID_TEXT], nonce[GF_ID_TEXT], key[GF_SIGN_PUBLIC_TEXT];
    struct gf_buf json;
    struct gf_id random;

    gf_digest_random(random.b, sizeof random.b);
    gf_text_hex(random.b, sizeof random.b, nonce);
    gf_text_hex(a->id.card.agent.b, sizeof a->id.card.agent.b, agent);
    gf_key_sign_public_line(gf_key_sign_public(a->id.sign), key);
    gf_buf_init(&json, LICENSE_PROOF_MAX);
    gf_buf_printf(&json, "{\"format\": \"" FORMAT "\", \"agent\": \"%s\"", agent);
    put_text(&json, "sign", key);
    put_text(&json, "product", d->scope);
    put_text(&json, "license", d->license.id);
    put_text(&json, "machine", d->is_keygen ? d->keygen.machine_id : "");
    put_time(&json, "issued", d->license.issued);
    put_time(&json, "at", a->now);
    put_text(&json, "nonce", nonce);
    gf_buf_text(&json, ", \"ext\": {}}\n");
    int rc = gf_buf_check(&json, "deactivation proof", e);
    if (rc == 0) {
        gf_buf_add(out, json.data, json.len);
        rc = sign(a, &json, out, e);
    }
    gf_buf_free(&json);
    return rc;
}
