/* forge_age.c -- age files, stanza by stanza and chunk by chunk. */
#include <sodium.h>
#include <string.h>

#include "crypto/age_header.h"
#include "support/forge.h"

void forge_stanza(struct forge *f, struct gf_buf *out, const uint8_t pk[32]) {
    static const uint8_t no_nonce[12];
    uint8_t secret[32], share[32], shared[32], salt[64], key[32], body[32];

    forge_random(f, secret, sizeof secret);
    (void)crypto_scalarmult_base(share, secret);
    if (crypto_scalarmult(shared, secret, pk) != 0)
        forge_fail(f->name, "a key of low order");
    memcpy(salt, share, 32);
    memcpy(salt + 32, pk, 32);
    gf_age_header_hkdf(shared, sizeof shared, salt, sizeof salt, "age-encryption.org/v1/X25519",
                       key);
    (void)crypto_aead_chacha20poly1305_ietf_encrypt(body, NULL, f->file_key, sizeof f->file_key,
                                                    NULL, 0, NULL, no_nonce, key);
    gf_buf_text(out, "-> X25519 ");
    gf_text_base64(out, share, sizeof share, 0);
    gf_buf_byte(out, '\n');
    gf_text_base64(out, body, sizeof body, 0);
    gf_buf_byte(out, '\n');
}

void forge_make_stanzas(struct forge *f) {
    forge_random(f, f->file_key, sizeof f->file_key);
    forge_random(f, f->nonce, sizeof f->nonce);
    gf_buf_text(&f->age, "age-encryption.org/v1\n");
    forge_stanza(f, &f->age, f->to->card.seal.pk);
    for (size_t i = 0; i < f->header.nreaders; i++)
        forge_stanza(f, &f->age, f->readers[i]->card.seal.pk);
    gf_buf_text(&f->age, "---");
}

void forge_make_age(struct forge *f) {
    crypto_auth_hmacsha256_state s;
    uint8_t key[32], mac[32];

    gf_age_header_hkdf(f->file_key, sizeof f->file_key, (const uint8_t *)"", 0, "header", key);
    (void)crypto_auth_hmacsha256_init(&s, key, sizeof key);
    (void)crypto_auth_hmacsha256_update(&s, (const uint8_t *)f->age.data, f->age.len);
    (void)crypto_auth_hmacsha256_final(&s, mac);
    gf_buf_byte(&f->age, ' ');
    gf_text_base64(&f->age, mac, sizeof mac, 0);
    gf_buf_byte(&f->age, '\n');
    forge_add(&f->age, f->nonce, sizeof f->nonce);
    gf_age_header_hkdf(f->file_key, sizeof f->file_key, f->nonce, sizeof f->nonce, "payload",
                       f->chunk_key);
}

void forge_chunk(struct forge *f, uint64_t number, int last, const void *data, size_t len) {
    uint8_t nonce[12] = {0};
    uint8_t *out = (uint8_t *)gf_buf_grow(&f->age, len + GF_AGE_TAG);

    if (out == NULL)
        forge_fail(f->name, "no memory");
    for (int i = 0; i < 8; i++)
        nonce[10 - i] = (uint8_t)(number >> (8 * i));
    nonce[11] = last ? 1 : 0;
    (void)crypto_aead_chacha20poly1305_ietf_encrypt(out, NULL, data, len, NULL, 0, NULL, nonce,
                                                    f->chunk_key);
    f->age.len += len + GF_AGE_TAG;
}

void forge_make_payload(struct forge *f) {
    size_t at = 0;

    do {
        size_t len = f->plain.len - at < GF_AGE_CHUNK ? f->plain.len - at : GF_AGE_CHUNK;
        forge_chunk(f, f->chunks++, at + len == f->plain.len, f->plain.data + at, len);
        at += len;
    } while (at < f->plain.len);
}
