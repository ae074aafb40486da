/* forge_sign.c -- signatures and the outer shell. */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "crypto/key_secret.h"
#include "format/shell.h"
#include "support/forge.h"

void forge_sign_global(struct forge *f, const struct gf_identity *by) {
    uint8_t text[64 + sizeof f->sig.trusted];
    size_t len = strlen(f->sig.trusted);

    memcpy(text, f->sig.sig, 64);
    memcpy(text + 64, f->sig.trusted, len);
    (void)crypto_sign_detached(f->sig.global, NULL, text, 64 + len, by->sign->secret);
}

void forge_sign(struct forge *f, const struct gf_identity *by) {
    uint8_t hash[64];

    memcpy(f->sig.algorithm, "ED", 3);
    memcpy(f->sig.keynum, by->sign->public.keynum, sizeof f->sig.keynum);
    (void)crypto_generichash(hash, sizeof hash, (const uint8_t *)f->json.data, f->json.len, NULL,
                             0);
    (void)crypto_sign_detached(f->sig.sig, NULL, hash, sizeof hash, by->sign->secret);
    forge_sign_global(f, by);
}

void forge_make_signed(struct forge *f) {
    const struct gf_shell_route route = {f->header.id, f->header.from, f->header.to};
    char comment[GF_SHELL_TRUSTED_LENGTH + 1];

    gf_shell_comment(&route, comment);
    (void)snprintf(f->sig.trusted, sizeof f->sig.trusted, "%s", comment);
    (void)snprintf(f->sig.untrusted, sizeof f->sig.untrusted, "%s", GF_SHELL_UNTRUSTED);
    forge_sign(f, f->from);
}

void forge_make_signature(struct forge *f) {
    const struct forge_signature *s = &f->sig;
    uint8_t line[74];

    memcpy(line, s->algorithm, 2);
    memcpy(line + 2, s->keynum, 8);
    memcpy(line + 10, s->sig, 64);
    gf_buf_printf(&f->minisig, "untrusted comment: %s\n", s->untrusted);
    gf_text_base64(&f->minisig, line, sizeof line, 1);
    gf_buf_printf(&f->minisig, "\ntrusted comment: %s\n", s->trusted);
    gf_text_base64(&f->minisig, s->global, sizeof s->global, 1);
    gf_buf_byte(&f->minisig, '\n');
}

static void put_member(struct gf_buf *out, enum gf_shell_member m, const struct gf_buf *data) {
    uint8_t block[GF_SHELL_BLOCK];

    gf_shell_block(m, (int64_t)data->len, block);
    forge_add(out, block, sizeof block);
    forge_tar_data(out, data->data, data->len);
}

void forge_make_shell(struct forge *f) {
    put_member(&f->file, GF_SHELL_HEADER, &f->json);
    put_member(&f->file, GF_SHELL_SIGNATURE, &f->minisig);
    put_member(&f->file, GF_SHELL_PAYLOAD, &f->age);
    forge_fill(&f->file, 0, GF_SHELL_END);
}

size_t forge_block(const struct forge *f, int member) {
    size_t at = 0;

    if (member > 0)
        at += GF_SHELL_BLOCK + (size_t)gf_shell_pad((int64_t)f->json.len);
    if (member > 1)
        at += GF_SHELL_BLOCK + (size_t)gf_shell_pad((int64_t)f->minisig.len);
    return at;
}
