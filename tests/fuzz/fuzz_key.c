/*
 * fuzz_key.c -- every text of a key: whatever is accepted is written back and accepted again as the
 * same key; a one-line form has one spelling only.
 */
#include <stdlib.h>
#include <string.h>

#include "gapferry/digest.h"
#include "gapferry/key.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(int ok) {
    if (!ok)
        abort();
}

static void sign_secret(const char *text, size_t len, struct gf_buf *t) {
    struct gf_sign_key *k = NULL, *again = NULL;
    struct gf_err e;
    if (gf_key_sign_parse(text, len, "input", &k, &e) != 0)
        return;
    gf_key_sign_text(k, t);
    demand(gf_key_sign_parse(t->data, t->len, "again", &again, &e) == 0);
    demand(memcmp(gf_key_sign_public(k), gf_key_sign_public(again),
                  sizeof(struct gf_sign_public)) == 0);
    gf_key_sign_free(k);
    gf_key_sign_free(again);
    gf_buf_clear(t);
}

static void seal_secret(const char *text, size_t len, struct gf_buf *t) {
    struct gf_seal_key *k = NULL, *again = NULL;
    struct gf_err e;
    if (gf_key_seal_parse(text, len, "input", &k, &e) != 0)
        return;
    gf_key_seal_text(k, 0, t);
    demand(gf_key_seal_parse(t->data, t->len, "again", &again, &e) == 0);
    demand(memcmp(gf_key_seal_public(k), gf_key_seal_public(again),
                  sizeof(struct gf_seal_public)) == 0);
    gf_key_seal_free(k);
    gf_key_seal_free(again);
    gf_buf_clear(t);
}

static void public_files(const char *text, size_t len, struct gf_buf *t) {
    struct gf_sign_public sign, sign2;
    struct gf_seal_public seal;
    struct gf_err e;
    if (gf_key_sign_public_parse(text, len, "input", &sign, &e) == 0) {
        gf_key_sign_public_text(&sign, t);
        demand(gf_key_sign_public_parse(t->data, t->len, "again", &sign2, &e) == 0);
        demand(memcmp(&sign, &sign2, sizeof(sign)) == 0);
        gf_buf_clear(t);
    }
    if (gf_key_seal_public_parse(text, len, "input", &seal, &e) == 0) {
        gf_key_seal_public_text(&seal, t);
        demand(t->len == len && memcmp(t->data, text, len) == 0);
        gf_buf_clear(t);
    }
}

static void public_lines(const char *text, size_t len) {
    struct gf_sign_public sign;
    struct gf_seal_public seal;
    char a[GF_SIGN_PUBLIC_TEXT], b[GF_SEAL_PUBLIC_TEXT];
    if (gf_key_sign_public_unline(text, len, &sign) == 0) {
        gf_key_sign_public_line(&sign, a);
        demand(len == strlen(a) && memcmp(a, text, len) == 0);
    }
    if (gf_key_seal_public_unline(text, len, &seal) == 0) {
        gf_key_seal_public_line(&seal, b);
        demand(len == strlen(b) && memcmp(b, text, len) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *text = (const char *)data;
    struct gf_buf t;
    struct gf_err e;
    if (gf_digest_start(&e) != 0)
        abort();
    gf_buf_init(&t, 65536);
    sign_secret(text, size, &t);
    seal_secret(text, size, &t);
    public_files(text, size, &t);
    public_lines(text, size);
    gf_buf_free(&t);
    return 0;
}
