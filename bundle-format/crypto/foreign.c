/*
 * foreign.c -- the two primitives of other vendors' licence files, from libsodium.
 */
#include "gapferry/foreign.h"

#include <sodium.h>
#include <string.h>

#include "crypto/foreign_cpu.h"

_Static_assert(GF_FOREIGN_KEY == crypto_sign_PUBLICKEYBYTES &&
                   GF_FOREIGN_SIG == crypto_sign_BYTES &&
                   GF_FOREIGN_IV == crypto_aead_aes256gcm_NPUBBYTES &&
                   GF_FOREIGN_TAG == crypto_aead_aes256gcm_ABYTES &&
                   crypto_hash_sha256_BYTES == crypto_aead_aes256gcm_KEYBYTES,
               "sizes are libsodium's");

int gf_foreign_verify(const uint8_t key[GF_FOREIGN_KEY], const void *msg, size_t len,
                      const uint8_t sig[GF_FOREIGN_SIG], struct gf_err *e) {
    if (crypto_sign_verify_detached(sig, msg, len, key) == 0)
        return 0;
    return gf_err_set(e, GF_E_SIGNATURE, "signature: not by this key over these bytes");
}

int gf_foreign_decrypt_if(int (*available)(void), const void *secret, size_t n,
                          const struct gf_foreign_sealed *sealed, uint8_t *out, struct gf_err *e) {
    uint8_t key[crypto_hash_sha256_BYTES];

    if (!available())
        return gf_err_set(e, GF_E_UNABLE,
                          "AES-256-GCM: this processor has no AES instructions, without which it "
                          "is not decrypted here");
    (void)crypto_hash_sha256(key, secret, n);
    int rc = crypto_aead_aes256gcm_decrypt_detached(out, NULL, sealed->data, sealed->len,
                                                    sealed->tag, NULL, 0, sealed->iv, key);
    sodium_memzero(key, sizeof key);
    if (rc == 0)
        return 0;
    memset(out, 0, sealed->len);
    return gf_err_set(e, GF_E_CHUNK,
                      "AES-256-GCM: the tag does not match: another secret, or changed bytes");
}

int gf_foreign_decrypt(const void *secret, size_t n, const struct gf_foreign_sealed *sealed,
                       uint8_t *out, struct gf_err *e) {
    return gf_foreign_decrypt_if(crypto_aead_aes256gcm_is_available, secret, n, sealed, out, e);
}
