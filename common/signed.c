/*
 * signed.c -- a vendor's documents: verified first, then parsed.
 */
#include "common/signed.h"

#include <stdio.h>
#include <string.h>

#include "gapferry/file.h"

int signed_open(const struct signed_kind *k, const char *text, size_t len,
                const struct gf_sign_public *vendor, struct gf_json **out, struct gf_err *e) {
    char line[GF_SIGN_PUBLIC_TEXT];
    struct gf_document d;

    if (gf_document_split(text, len, k->json_max, k->what, &d, e) == -1)
        return -1;
    if (gf_document_verify(&d, vendor, NULL, e) == -1) {
        gf_key_sign_public_line(vendor, line);
        return gf_err_set(e, GF_E_SIGNATURE,
                          "%s: not signed by the vendor key %s: it was changed, or it is somebody "
                          "else's",
                          k->what, line);
    }
    return gf_json_parse(d.json, d.json_len, k->what, k->code, out, e);
}

int signed_join(int dir, const char *path, size_t max, struct gf_buf *text, struct gf_err *e) {
    static const char begins[] = "\nuntrusted comment: ";
    char beside[4096];
    struct gf_buf sig;

    if (text->len > 0 && memmem(text->data, text->len, begins, sizeof begins - 1) != NULL)
        return 1;
    if ((size_t)snprintf(beside, sizeof beside, "%s.minisig", path) >= sizeof beside)
        return gf_err_set(e, GF_E_USAGE, "%s: its path is too long", path);
    int rc = gf_file_load_if_there(dir, beside, max, &sig, e);
    if (rc == 1) {
        gf_buf_add(text, sig.data, sig.len);
        rc = gf_buf_check(text, path, e) == -1 ? -1 : 1;
    }
    gf_buf_free(&sig);
    return rc;
}

void signed_check_format(const struct signed_kind *k, struct gf_json_obj *o) {
    const size_t family = (size_t)(strchr(k->format, '/') - k->format) + 1;
    const char *format = "";

    if (!gf_json_str(o, "format", 1, GF_WORD_MAX, &format) || strcmp(format, k->format) == 0)
        return;
    if (strncmp(format, k->format, family) == 0)
        gf_json_fail(o, GF_E_VERSION,
                     "made for a newer version: its format is '%s', this program knows %s; update "
                     "this program",
                     format, k->format);
    else
        gf_json_fail(o, k->code, "format must be %s", k->format);
}
