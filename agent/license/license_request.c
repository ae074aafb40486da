/*
 * license_request.c -- the body of a licence request.
 */
#include <string.h>

#include "agent/license/license.h"
#include "gapferry/json.h"

/* Bytes of each text that a person gives. */
#define TEXT_MAX 256

#define REQUEST_MAX 65536

/* What goes into the request must be one line of text that anybody can show. */
static int check_text(const char *what, const char *text, struct gf_err *e) {
    size_t n = text ? strlen(text) : 1;

    if (n == 0 || n > TEXT_MAX)
        return gf_err_set(e, GF_E_USAGE, "%s: must be 1 to %d bytes", what, TEXT_MAX);
    if (!text)
        return 0;
    if (!gf_text_is_utf8(text, n))
        return gf_err_set(e, GF_E_USAGE, "%s: must be UTF-8", what);
    for (size_t i = 0; i < n; i++) {
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            return gf_err_set(e, GF_E_USAGE, "%s: may have no control character", what);
    }
    return 0;
}

/* 1 if the name stands in the lines before `upto`. */
static int is_there(const char *lines, const char *upto, const char *name, size_t n) {
    for (const char *at = lines; at < upto; at += strcspn(at, "\n") + 1) {
        if (strncmp(at, name, n) == 0 && at[n] == '=')
            return 1;
    }
    return 0;
}

/* "name=number" lines as members. */
static int put_counts(struct gf_buf *b, const char *counts, struct gf_err *e) {
    for (const char *at = counts; at && *at;) {
        size_t line = strcspn(at, "\n"), name = strcspn(at, "=");
        size_t digits = name < line ? strspn(at + name + 1, "0123456789") : 0;
        if (name >= line || !gf_text_is_word(at, name, GF_WORD_MAX) || digits == 0 || digits > 15 ||
            (digits > 1 && at[name + 1] == '0') || name + 1 + digits != line)
            return gf_err_set(e, GF_E_USAGE,
                              "count \"%.*s\": must be NAME=NUMBER, the name of [a-z0-9.-]",
                              (int)(line < 80 ? line : 80), at);
        if (is_there(counts, at, at, name))
            return gf_err_set(e, GF_E_USAGE, "count \"%.*s\": was given twice", (int)name, at);
        gf_buf_text(b, at == counts ? "" : ", ");
        gf_json_put_str(b, at, name);
        gf_buf_text(b, ": ");
        gf_buf_add(b, at + name + 1, digits);
        at += line + (at[line] == '\n');
    }
    return 0;
}

/* What the new licence takes the place of. */
static int put_renews(struct gf_buf *b, const struct license_wish *w, struct gf_err *e) {
    size_t n = w->proof ? strlen(w->proof) : 0;

    if (check_text("license", w->renews, e) == -1)
        return -1;
    if (n > LICENSE_PROOF_MAX || !gf_text_is_utf8(w->proof ? w->proof : "", n))
        return gf_err_set(e, GF_E_USAGE, "proof: must be UTF-8 of at most %d bytes",
                          LICENSE_PROOF_MAX);
    gf_buf_text(b, ", \"renews\": {\"license\": ");
    gf_json_put_str(b, w->renews, strlen(w->renews));
    gf_json_put_text(b, "why", w->why);
    gf_json_put_text(b, "proof", w->proof);
    gf_buf_byte(b, '}');
    return 0;
}

int license_request(const struct license_wish *w, const struct license_factor *machine, size_t n,
                    struct gf_buf *out, struct gf_err *e) {
    char hex[GF_HASH_TEXT];
    struct gf_buf b;

    if (!w->product || !gf_text_is_word(w->product, strlen(w->product), GF_WORD_MAX))
        return gf_err_set(e, GF_E_USAGE,
                          "product: must be 1 to %d characters of [a-z0-9.-], a letter or digit "
                          "first",
                          GF_WORD_MAX);
    if (check_text("key", w->key ? w->key : "", e) == -1 ||
        check_text("version", w->version, e) == -1 || check_text("contact", w->contact, e) == -1)
        return -1;

    gf_buf_init(&b, REQUEST_MAX);
    gf_buf_text(&b, "{\"format\": \"gapferry-license-request/1\"");
    gf_json_put_text(&b, "product", w->product);
    gf_json_put_text(&b, "version", w->version);
    gf_json_put_text(&b, "key", w->key);
    gf_json_put_text(&b, "contact", w->contact);
    gf_buf_text(&b, ", \"counts\": {");
    int rc = put_counts(&b, w->counts, e);
    gf_text_hex(w->nonce.b, sizeof w->nonce.b, hex);
    gf_buf_printf(&b, "}, \"nonce\": \"%s\", \"fingerprint\": {", hex);
    for (size_t i = 0; i < n; i++) {
        gf_text_hex(machine[i].digest.b, sizeof machine[i].digest.b, hex);
        gf_buf_printf(&b, "%s\"%s\": \"%s\"", i ? ", " : "", machine[i].name, hex);
    }
    gf_buf_byte(&b, '}');
    if (rc == 0 && w->renews)
        rc = put_renews(&b, w, e);
    gf_buf_text(&b, ", \"ext\": {");
    if (w->sign) {
        gf_buf_text(&b, "\"sign\": ");
        gf_json_put_str(&b, w->sign, strlen(w->sign));
    }
    gf_buf_text(&b, "}}");
    if (rc == 0)
        rc = gf_buf_check(&b, "licence request", e);
    if (rc == 0) {
        gf_buf_add(out, b.data, b.len);
        rc = gf_buf_check(out, "licence request", e);
    }
    gf_buf_free(&b);
    return rc;
}
