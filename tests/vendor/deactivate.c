/*
 * deactivate.c -- proofs that a licence does not run any more where it ran.
 */
#include <string.h>

#include "gapferry/document.h"
#include "gapferry/json.h"
#include "vendor.h"

#define FORMAT "gapferry-deactivation/1"

int deactivate_is(const char *text, size_t len) {
    static const char begins[] = "{\"format\": \"" FORMAT "\"";
    return len >= sizeof begins - 1 && memcmp(text, begins, sizeof begins - 1) == 0;
}

/* Its members; what we do not need must have the right form all the same. */
static void read_members(struct gf_json_obj *o, const char **sign, const char **license) {
    const char *format = "", *text = "";
    uint8_t id[16];
    int64_t at;

    if (gf_json_str(o, "format", 1, GF_WORD_MAX, &format) && strcmp(format, FORMAT) != 0)
        gf_json_fail(o, GF_E_LICENSE, "format must be " FORMAT);
    gf_json_hex(o, "agent", id, sizeof id);
    gf_json_str(o, "sign", 1, GF_WORD_MAX, sign);
    gf_json_str(o, "product", 1, GF_WORD_MAX, &text);
    gf_json_str(o, "license", 1, 2 * GF_WORD_MAX, license);
    gf_json_str_opt(o, "machine", 1, GF_WORD_MAX, &text);
    gf_json_time(o, "issued", &at);
    gf_json_time(o, "at", &at);
    gf_json_hex(o, "nonce", id, sizeof id);
    gf_json_any_obj(o, "ext");
}

int deactivate_read(const char *text, size_t len, char license[GF_WORD_MAX * 2 + 1],
                    struct gf_err *e) {
    const char *sign = "", *id = "";
    struct gf_sign_public key;
    struct gf_json *j = NULL;
    struct gf_document d;
    struct gf_json_obj o;

    if (gf_document_split(text, len, 8192, "proof", &d, e) == -1 ||
        gf_json_parse(d.json, d.json_len, "proof", GF_E_LICENSE, &j, e) == -1)
        return -1;
    gf_json_root(j, &o);
    read_members(&o, &sign, &id);
    int rc = gf_json_end(&o, e);
    if (rc == 0 && gf_key_sign_public_unline(sign, strlen(sign), &key) == -1)
        rc = gf_err_set(e, GF_E_LICENSE, "proof: \"sign\" is no public key");
    if (rc == 0)
        rc = gf_document_verify(&d, &key, NULL, e);
    if (rc == 0)
        memcpy(license, id, strlen(id) + 1);
    gf_json_free(j);
    return rc;
}
