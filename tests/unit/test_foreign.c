/*
 * test_foreign.c -- plain Ed25519 and AES-256-GCM, against the examples of their standards and
 * against libsodium's own writing side.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "crypto/foreign_cpu.h"
#include "gapferry/digest.h"
#include "gapferry/text.h"

static struct gf_err e;

static int setup(void **state) {
    (void)state;
    return gf_digest_start(&e);
}

static void unhex(const char *text, uint8_t *out, size_t len) {
    assert_int_equal(gf_text_unhex(text, strlen(text), out, len), 0);
}

/* RFC 8032, section 7.1, test 2. */
static void a_signature_of_the_standard_is_right_and_no_other(void **state) {
    uint8_t key[32], sig[64];
    const uint8_t msg[1] = {0x72};

    (void)state;
    unhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", key, 32);
    unhex("92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
          "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
          sig, 64);
    assert_int_equal(gf_foreign_verify(key, msg, 1, sig, &e), 0);
    assert_int_equal(gf_foreign_verify(key, msg, 0, sig, &e), -1);
    assert_int_equal(e.code, GF_E_SIGNATURE);
    sig[3] ^= 1;
    assert_int_equal(gf_foreign_verify(key, msg, 1, sig, &e), -1);
    sig[3] ^= 1;
    key[0] ^= 1;
    assert_int_equal(gf_foreign_verify(key, msg, 1, sig, &e), -1);
}

static void a_key_of_low_order_signs_nothing(void **state) {
    const uint8_t key[32] = {1}, sig[64] = {1};

    (void)state;
    assert_int_equal(gf_foreign_verify(key, "x", 1, sig, &e), -1);
}

static void what_was_encrypted_under_a_secret_is_read_with_it_alone(void **state) {
    static const char text[] = "{\"data\":{}}";
    uint8_t key[32], data[sizeof text], out[sizeof text], zeros[sizeof text] = {0};
    struct gf_foreign_sealed s = {data, sizeof text, {1, 2, 3}, {0}};

    (void)state;
    if (!crypto_aead_aes256gcm_is_available())
        skip();
    crypto_hash_sha256(key, (const uint8_t *)"secret", 6);
    crypto_aead_aes256gcm_encrypt_detached(data, s.tag, NULL, (const uint8_t *)text, sizeof text,
                                           NULL, 0, NULL, s.iv, key);
    assert_int_equal(gf_foreign_decrypt("secret", 6, &s, out, &e), 0);
    assert_memory_equal(out, text, sizeof text);
    memset(out, 7, sizeof out);
    assert_int_equal(gf_foreign_decrypt("secreT", 6, &s, out, &e), -1);
    assert_int_equal(e.code, GF_E_CHUNK);
    assert_memory_equal(out, zeros, sizeof out);
    s.tag[15] ^= 1;
    assert_int_equal(gf_foreign_decrypt("secret", 6, &s, out, &e), -1);
    s.tag[15] ^= 1;
    data[0] ^= 1;
    assert_int_equal(gf_foreign_decrypt("secret", 6, &s, out, &e), -1);
    data[0] ^= 1;

    /* In place. */
    assert_int_equal(gf_foreign_decrypt("secret", 6, &s, data, &e), 0);
    assert_memory_equal(data, text, sizeof text);
}

static int no(void) {
    return 0;
}

static void a_processor_without_aes_is_told_as_such(void **state) {
    const struct gf_foreign_sealed s = {(const uint8_t *)"abcd", 4, {0}, {0}};
    uint8_t out[4];

    (void)state;
    assert_int_equal(gf_foreign_decrypt_if(no, "s", 1, &s, out, &e), -1);
    assert_int_equal(e.code, GF_E_UNABLE);
    assert_int_equal(gf_err_exit(e.code), GF_EXIT_LICENSE_INVALID);
    assert_non_null(strstr(e.text, "no AES instructions"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signature_of_the_standard_is_right_and_no_other),
        cmocka_unit_test(a_key_of_low_order_signs_nothing),
        cmocka_unit_test(what_was_encrypted_under_a_secret_is_read_with_it_alone),
        cmocka_unit_test(a_processor_without_aes_is_told_as_such),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
