/*
 * test_keygen.c -- Keygen's files: those of a vendor of our own, made here, and the two real ones
 * of ../shared/fixtures (GAPFERRY_FIXTURES), which are not part of this repository.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sodium.h>

#include "agent/license/keygen.h"
#include "gapferry/digest.h"
#include "gapferry/file.h"

static uint8_t pk[32], sk[64];
static struct gf_err e;

static int setup(void **state) {
    (void)state;
    return gf_digest_start(&e) == -1 || crypto_sign_keypair(pk, sk) != 0;
}

/* ---- making a file ---- */

static void seal(const char *json, const char *secret, struct gf_buf *enc) {
    uint8_t key[32], iv[12], tag[16], *sealed = malloc(strlen(json) + 1);

    assert_non_null(sealed);
    randombytes_buf(iv, sizeof iv);
    crypto_hash_sha256(key, (const uint8_t *)secret, strlen(secret));
    crypto_aead_aes256gcm_encrypt_detached(sealed, tag, NULL, (const uint8_t *)json, strlen(json),
                                           NULL, 0, NULL, iv, key);
    gf_text_base64(enc, sealed, strlen(json), 1);
    gf_buf_byte(enc, '.');
    gf_text_base64(enc, iv, sizeof iv, 1);
    gf_buf_byte(enc, '.');
    gf_text_base64(enc, tag, sizeof tag, 1);
    free(sealed);
}

/* An envelope around any text as enc, in lines of 60 characters. */
static void wrap(const char *enc, const char *alg, int machine, struct gf_buf *out) {
    struct gf_buf message, inner, text;
    uint8_t sig[64];

    gf_buf_init(&message, KEYGEN_FILE_MAX);
    gf_buf_printf(&message, "%s/", machine ? "machine" : "license");
    gf_buf_text(&message, enc);
    crypto_sign_detached(sig, NULL, (const uint8_t *)message.data, message.len, sk);
    gf_buf_init(&inner, KEYGEN_FILE_MAX);
    gf_buf_printf(&inner, "{\"enc\":\"");
    gf_buf_text(&inner, enc);
    gf_buf_text(&inner, "\",\"sig\":\"");
    gf_text_base64(&inner, sig, sizeof sig, 1);
    gf_buf_printf(&inner, "\",\"alg\":\"%s\"}", alg);
    gf_buf_init(&text, KEYGEN_FILE_MAX);
    gf_text_base64(&text, (const uint8_t *)inner.data, inner.len, 1);
    gf_buf_init(out, KEYGEN_FILE_MAX);
    gf_buf_printf(out, "-----BEGIN %s FILE-----\n", machine ? "MACHINE" : "LICENSE");
    for (size_t i = 0; i < text.len; i += 60)
        gf_buf_printf(out, "%.60s\n", text.data + i);
    gf_buf_printf(out, "-----END %s FILE-----\n", machine ? "MACHINE" : "LICENSE");
    assert_false(out->failed);
    gf_buf_free(&message);
    gf_buf_free(&inner);
    gf_buf_free(&text);
}

/* secret NULL: the base64 form. */
static void make(const char *json, const char *secret, int machine, struct gf_buf *out) {
    struct gf_buf enc;

    gf_buf_init(&enc, KEYGEN_FILE_MAX);
    if (secret)
        seal(json, secret, &enc);
    else
        gf_text_base64(&enc, (const uint8_t *)json, strlen(json), 1);
    wrap(enc.data, secret ? "aes-256-gcm+ed25519" : "base64+ed25519", machine, out);
    gf_buf_free(&enc);
}

#define PRODUCT "\"relationships\":{\"product\":{\"data\":{\"type\":\"products\",\"id\":\"p-1\"}}}"
#define LICENSE(attributes)                                                                        \
    "{\"data\":{\"id\":\"l-1\",\"type\":\"licenses\",\"attributes\":{" attributes "}," PRODUCT "}"
#define MACHINE(attributes)                                                                        \
    "{\"data\":{\"id\":\"m-1\",\"type\":\"machines\",\"attributes\":{" attributes                  \
    "},\"relationships\":{\"product\":{\"data\":{\"id\":\"p-1\"}},"                                \
    "\"license\":{\"data\":{\"id\":\"l-1\"}}}}"
#define META(rest) ",\"meta\":{\"issued\":\"2026-01-02T03:04:05.678Z\"," rest "}}"
#define FOREVER    META("\"expiry\":null,\"ttl\":null")

static int parse(const char *json, const char *secret, int machine, const char *key,
                 const char *fingerprint, struct license *l, struct keygen *k) {
    struct gf_buf b;

    make(json, secret, machine, &b);
    e = (struct gf_err){.code = GF_OK};
    int rc = keygen_parse(b.data, b.len, pk, key, fingerprint, l, k, &e);
    gf_buf_free(&b);
    return rc;
}

static void assert_refused(const char *json, int machine, const char *key, const char *fingerprint,
                           enum gf_code code, const char *text) {
    struct license l;
    struct keygen k;

    assert_int_equal(parse(json, NULL, machine, key, fingerprint, &l, &k), -1);
    if (e.code != code || !strstr(e.text, text))
        fail_msg("%s: %s: %s", json, gf_err_name(e.code), e.text);
}

/* ---- what a file says ---- */

static void everything_a_licence_file_says_is_read(void **state) {
    struct license l;
    struct keygen k;

    (void)state;
    assert_int_equal(
        parse(
            LICENSE("\"name\":\"Site\",\"key\":\"KEY-1\",\"expiry\":\"2027-01-01T00:00:00.000Z\","
                    "\"status\":\"ACTIVE\",\"suspended\":false,\"metadata\":{\"a\":\"b\\nc\","
                    "\"ratio\":0.5,\"n\":7,\"deep\":{\"x\":1}}") ",\"included\":["
                                                                 "{\"type\":\"products\",\"id\":"
                                                                 "\"p-1\",\"attributes\":{\"name\":"
                                                                 "\"Demo\"}},"
                                                                 "{\"type\":\"products\",\"id\":"
                                                                 "\"p-2\",\"attributes\":{\"name\":"
                                                                 "\"Other\"}},"
                                                                 "{\"type\":\"entitlements\","
                                                                 "\"id\":\"e-1\",\"attributes\":{"
                                                                 "\"code\":\"A\"}},"
                                                                 "{\"type\":\"new-things\",\"id\":"
                                                                 "\"x\"},"
                                                                 "{\"type\":\"entitlements\","
                                                                 "\"id\":\"e-2\",\"attributes\":{"
                                                                 "\"code\":\"B\\nC\"}},"
                                                                 "{\"type\":\"users\",\"id\":\"u-"
                                                                 "1\",\"attributes\":{\"fullName\":"
                                                                 "\"ACME\"}}]" FOREVER,
            NULL, 0, "KEY-1", NULL, &l, &k),
        0);
    assert_string_equal(l.id, "l-1");
    assert_string_equal(l.product, "p-1");
    assert_string_equal(l.licensee, "ACME");
    assert_int_equal(l.issued, 1767323045);
    assert_int_equal(l.has_expires, 1);
    assert_int_equal(l.expires, 1798761600);
    assert_int_equal(l.then, LICENSE_BLOCK);
    assert_int_equal(l.k, 0);
    assert_string_equal(l.features, "A\nB\\x0aC\n");
    assert_string_equal(k.product_name, "Demo");
    assert_string_equal(k.name, "Site");
    assert_string_equal(k.status, "ACTIVE");
    assert_string_equal(k.metadata, "a=b\\x0ac\nratio=0.5\nn=7\ndeep=...\n");
    assert_int_equal(k.file_ends, 0);
    assert_int_equal(k.machine, 0);
}

static void a_machine_file_names_machine_and_licence(void **state) {
    struct license l;
    struct keygen k;

    (void)state;
    assert_int_equal(
        parse(MACHINE("\"fingerprint\":\"fp\"") ",\"included\":[{\"type\":\"licenses\",\"id\":"
                                                "\"l-1\",\"attributes\":{\"name\":\"Site\","
                                                "\"key\":\"K\",\"expiry\":null}}]" FOREVER,
              "Kfp", 1, "K", "fp", &l, &k),
        0);
    assert_string_equal(l.id, "l-1");
    assert_string_equal(k.machine_id, "m-1");
    assert_string_equal(k.fingerprint, "fp");
    assert_string_equal(k.name, "Site");
    assert_string_equal(l.licensee, "Site");
    assert_int_equal(l.has_expires, 0);
}

static void of_two_ends_the_earlier_one_counts(void **state) {
    static const struct {
        const char *json;
        int64_t expires; /* 0: none */
        enum license_then then;
    } rows[] = {
#define ISSUED 1767323045LL
        {LICENSE("\"expiry\":null") FOREVER, 0, LICENSE_BLOCK},
        {LICENSE("\"name\":\"without\"") FOREVER, 0, LICENSE_BLOCK},
        {LICENSE("\"expiry\":null") META("\"expiry\":\"2026-02-02T03:04:05Z\",\"ttl\":3600"),
         1770001445, LICENSE_BLOCK},
        {LICENSE("\"expiry\":null") META("\"expiry\":null,\"ttl\":3600"), ISSUED + 3600,
         LICENSE_BLOCK},
        {LICENSE("\"expiry\":\"2026-01-03T00:00:00Z\"") META("\"ttl\":864000"), 1767398400,
         LICENSE_BLOCK},
        {LICENSE("\"expiry\":\"2027-01-03T00:00:00Z\"") META("\"ttl\":864000"), ISSUED + 864000,
         LICENSE_BLOCK},
        {LICENSE("\"expiry\":\"2025-01-03T00:00:00Z\"") FOREVER, 1735862400, LICENSE_BLOCK},
#define LENIENT                                                                                    \
    ",\"included\":[{\"type\":\"policies\",\"id\":\"x\",\"attributes\":{\"expirationStrategy\":"   \
    "\"MAINTAIN_ACCESS\"}}]"
        {LICENSE("\"expiry\":\"2026-01-03T00:00:00Z\"") LENIENT FOREVER, 1767398400, LICENSE_WARN},
        {LICENSE("\"expiry\":\"2026-01-03T00:00:00Z\"") LENIENT META("\"ttl\":864000"),
         ISSUED + 864000, LICENSE_BLOCK},
    };
    struct license l;
    struct keygen k;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (parse(rows[i].json, NULL, 0, NULL, NULL, &l, &k) == -1)
            fail_msg("row %zu: %s", i, e.text);
        if (l.has_expires != (rows[i].expires != 0) ||
            (l.has_expires && l.expires != rows[i].expires) || l.then != rows[i].then)
            fail_msg("row %zu: %lld, %d", i, (long long)l.expires, l.then);
    }
}

static void what_breaks_a_rule_is_refused(void **state) {
    (void)state;
    assert_refused("[]", 0, NULL, NULL, GF_E_LICENSE, "not a JSON object");
    assert_refused("{\"meta\":{}}", 0, NULL, NULL, GF_E_LICENSE, "\"issued\" is missing");
    assert_refused("{\"a\":1,\"a\":1}", 0, NULL, NULL, GF_E_JSON, "");
    assert_refused(LICENSE("\"expiry\":\"2027-01-01\"") FOREVER, 0, NULL, NULL, GF_E_LICENSE,
                   "\"expiry\" must be a time");
    assert_refused(LICENSE("\"expiry\":\"2027-01-01T00:00:00+02:00\"") FOREVER, 0, NULL, NULL,
                   GF_E_LICENSE, "\"expiry\" must be a time");
    assert_refused(LICENSE("") META("\"expiry\":\"2025-01-01T00:00:00Z\""), 0, NULL, NULL,
                   GF_E_LICENSE, "before \"issued\"");
    assert_refused(LICENSE("") META("\"ttl\":-1"), 0, NULL, NULL, GF_E_LICENSE, "\"ttl\" must be");
    assert_refused(LICENSE("") META("\"ttl\":0.5"), 0, NULL, NULL, GF_E_LICENSE, "\"ttl\" must be");
    assert_refused(LICENSE("\"suspended\":true") FOREVER, 0, NULL, NULL, GF_E_LICENSE,
                   "its vendor has suspended it");
    assert_refused(LICENSE("\"key\":\"OTHER\"") FOREVER, 0, "KEY", NULL, GF_E_LICENSE,
                   "another licence key");
    assert_refused(MACHINE("\"fingerprint\":\"fp\"") FOREVER, 1, NULL, "other", GF_E_LICENSE,
                   "another fingerprint");
    assert_refused(LICENSE("") FOREVER, 1, NULL, NULL, GF_E_LICENSE, "\"type\" must be machines");
    assert_refused("{\"data\":{\"id\":\"../x\",\"type\":\"licenses\"}" FOREVER, 0, NULL, NULL,
                   GF_E_LICENSE, "\"id\" must be of");
    assert_refused("{\"data\":{\"id\":\"x\",\"type\":\"licenses\",\"attributes\":{}}" FOREVER, 0,
                   NULL, NULL, GF_E_LICENSE, "\"relationships\" is missing");
    assert_refused(LICENSE("") ",\"included\":[1]" FOREVER, 0, NULL, NULL, GF_E_LICENSE,
                   "must be an object");
}

/* ---- the envelope ---- */

static void an_encrypted_file_opens_with_its_key_alone(void **state) {
    static const char json[] = LICENSE("\"key\":\"K\"") FOREVER;
    struct license l;
    struct keygen k;

    (void)state;
    if (!crypto_aead_aes256gcm_is_available())
        skip();
    assert_int_equal(parse(json, "K", 0, "K", NULL, &l, &k), 0);
    assert_int_equal(parse(json, "K", 0, "k", NULL, &l, &k), -1);
    assert_int_equal(e.code, GF_E_UNWRAP);
    assert_non_null(strstr(e.text, "does not open with this licence key:"));
    assert_int_equal(parse(json, "K", 0, NULL, NULL, &l, &k), -1);
    assert_non_null(strstr(e.text, "it opens with --key LICENSEKEY"));
    assert_int_equal(parse(MACHINE("\"fingerprint\":\"fp\"") FOREVER, "Kfp", 1, "K", NULL, &l, &k),
                     -1);
    assert_non_null(strstr(e.text, "--fingerprint"));
    assert_int_equal(parse(MACHINE("\"fingerprint\":\"fp\"") FOREVER, "Kfp", 1, "K", "xx", &l, &k),
                     -1);
    assert_non_null(strstr(e.text, "licence key and fingerprint"));
}

static void only_the_vendor_that_was_asked_for_is_believed(void **state) {
    uint8_t other[32], secret[64];
    struct license l;
    struct gf_buf b;

    (void)state;
    crypto_sign_keypair(other, secret);
    make(LICENSE("") FOREVER, NULL, 0, &b);
    assert_int_equal(keygen_parse(b.data, b.len, other, NULL, NULL, &l, NULL, &e), -1);
    assert_int_equal(e.code, GF_E_SIGNATURE);
    assert_int_equal(keygen_parse(b.data, b.len, pk, NULL, NULL, &l, NULL, &e), 0);

    /* A licence file is no machine file, although its content is signed. */
    char *at;
    while ((at = strstr(b.data, "LICENSE")) != NULL)
        memcpy(at, "MACHINE", 7);
    assert_int_equal(keygen_parse(b.data, b.len, pk, NULL, NULL, &l, NULL, &e), -1);
    assert_int_equal(e.code, GF_E_SIGNATURE);
    gf_buf_free(&b);
}

static void any_changed_byte_is_noticed(void **state) {
    struct license l, first;
    struct gf_buf b;

    (void)state;
    make(LICENSE("\"name\":\"x\"") FOREVER, NULL, 0, &b);
    assert_int_equal(keygen_parse(b.data, b.len, pk, NULL, NULL, &first, NULL, &e), 0);
    for (size_t i = 0; i < b.len; i++) {
        char was = b.data[i];
        b.data[i] = was == 'Q' ? 'R' : 'Q';
        if (keygen_parse(b.data, b.len, pk, NULL, NULL, &l, NULL, &e) == 0)
            fail_msg("byte %zu", i);
        b.data[i] = was;
        if (i % 7 == 0 && keygen_parse(b.data, i, pk, NULL, NULL, &l, NULL, &e) == 0)
            fail_msg("cut at %zu", i);
    }
    gf_buf_free(&b);
}

static void an_envelope_of_another_form_is_refused(void **state) {
    static const struct {
        const char *inner;
        enum gf_code code;
    } rows[] = {
        {"", GF_E_DOCUMENT},
        {"{}", GF_E_DOCUMENT},
        {"{\"enc\":\"a\",\"sig\":\"b\"}", GF_E_DOCUMENT},
        {"{\"enc\":\"a\",\"enc\":\"b\",\"sig\":\"b\"}", GF_E_DOCUMENT},
        {"{\"enc\":\"a\\n\",\"sig\":\"b\",\"alg\":\"base64+ed25519\"}", GF_E_DOCUMENT},
        {"{\"enc\":\"a\",\"sig\":\"b\",\"alg\":\"base64+ed25519\"} x", GF_E_DOCUMENT},
        {"{\"enc\":\"a\",\"sig\":\"b\",\"alg\":\"base64+ed25519\",\"x\":\"\"}", GF_E_DOCUMENT},
        {"{\"enc\":\"a\",\"sig\":\"b\",\"alg\":\"base64+ed25519\"}", GF_E_DOCUMENT},
        {"{\"enc\":\"a\",\"sig\":\"b\",\"alg\":\"base64+rsa-sha256\"}", GF_E_VERSION},
        {" {\t\"alg\" : \"rsa-pss-sha256\" ,\r\n\"sig\": \"\", \"enc\":\"\"} \n", GF_E_VERSION},
    };
    struct license l;
    struct gf_buf b;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        gf_buf_init(&b, 4096);
        gf_buf_text(&b, "-----BEGIN LICENSE FILE-----\r\n");
        gf_text_base64(&b, (const uint8_t *)rows[i].inner, strlen(rows[i].inner), 1);
        gf_buf_text(&b, "\r\n-----END LICENSE FILE-----\r\n\n");
        assert_int_equal(keygen_parse(b.data, b.len, pk, NULL, NULL, &l, NULL, &e), -1);
        if (e.code != rows[i].code)
            fail_msg("row %zu: %s: %s", i, gf_err_name(e.code), e.text);
        gf_buf_free(&b);
    }
    wrap("!!!", "base64+ed25519", 0, &b);
    assert_int_equal(keygen_parse(b.data, b.len, pk, NULL, NULL, &l, NULL, &e), -1);
    assert_int_equal(e.code, GF_E_LICENSE);
    gf_buf_free(&b);
    wrap("YQ==.YQ==", "aes-256-gcm+ed25519", 0, &b);
    assert_int_equal(keygen_parse(b.data, b.len, pk, "K", NULL, &l, NULL, &e), -1);
    assert_int_equal(e.code, GF_E_LICENSE);
    gf_buf_free(&b);
}

/* ---- the real files ---- */

#define REAL_VENDOR "e8601e48b69383ba520245fd07971e983d06d22c4257cfd82304601479cee788"

static int real(const char *name, const char *key, const char *fingerprint, struct license *l,
                struct keygen *k) {
    const char *home = getenv("GAPFERRY_FIXTURES");
    uint8_t vendor[32];
    char path[512];
    struct gf_buf b;

    (void)snprintf(path, sizeof path, "%s/keygen/%s", home && *home ? home : "../shared/fixtures",
                   name);
    if (gf_file_load(AT_FDCWD, path, KEYGEN_FILE_MAX, &b, &e) == -1) {
        print_message("SKIPPED: %s is not there, no real file was read\n", path);
        gf_buf_free(&b);
        skip();
    }
    assert_int_equal(gf_text_unhex(REAL_VENDOR, 64, vendor, sizeof vendor), 0);
    int rc = keygen_parse(b.data, b.len, vendor, key, fingerprint, l, k, &e);
    gf_buf_free(&b);
    return rc;
}

static void the_real_licence_file_is_read(void **state) {
    struct license_verdict v;
    struct license l;
    struct keygen k;

    (void)state;
    if (real("license.lic", "E1FBA2-5488D8-8AC81A-53157E-01939A-V3", NULL, &l, &k) == -1)
        fail_msg("%s", e.text);
    assert_string_equal(l.id, "9a750d04-7cd3-4cea-9cb0-d177cf11db98");
    assert_string_equal(l.product, "3bf34475-dfb4-42d8-a763-a2c89507f16d");
    assert_string_equal(k.product_name, "C++ Examples");
    assert_string_equal(l.features,
                        "FEATURE_ENTITLEMENT_C\nFEATURE_ENTITLEMENT_B\nFEATURE_ENTITLEMENT_A\n");
    assert_string_equal(k.metadata, "foo=bar\n");
    assert_int_equal(k.file_ends, 0);
    assert_int_equal(k.licence_ends, 1);

    /* It was valid until its licence ended. */
    license_judge(&l, NULL, 0, l.issued, 0, &v);
    assert_int_equal(v.fact, LICENSE_VALID);
    license_judge(&l, NULL, 0, 1735689599, 0, &v);
    assert_int_equal(v.fact, LICENSE_EXPIRING);
    license_judge(&l, NULL, 0, 1735689600, 0, &v);
    assert_int_equal(v.fact, LICENSE_ENDED);
    assert_int_equal(v.may_run, 0);

    assert_int_equal(real("license.lic", "E1FBA2-5488D8-8AC81A-53157E-01939A-V4", NULL, &l, &k),
                     -1);
    assert_int_equal(e.code, GF_E_UNWRAP);
}

static void the_real_machine_file_is_read_and_has_ended(void **state) {
    struct license_verdict v;
    struct license l;
    struct keygen k;

    (void)state;
    if (real("machine.lic", "B10760-1B177D-656D1F-C03298-9AF89E-V3",
             "198e9fe586114844f6a4eaca5069b41a7ed43fb5a2df84892b69826d64573e39", &l, &k) == -1)
        fail_msg("%s", e.text);
    assert_string_equal(k.machine_id, "7bd04666-20c5-48a0-8a76-91501ac91bd8");
    assert_string_equal(l.id, "7bb84d91-919e-4bf6-8b58-bc204c3797a7");
    assert_string_equal(k.name, "Python Example");
    assert_int_equal(k.licence_ends, 0);
    assert_int_equal(l.expires, 1661696543);
    license_judge(&l, NULL, 0, l.expires - 1, 0, &v);
    assert_int_equal(v.fact, LICENSE_EXPIRING);
    license_judge(&l, NULL, 0, l.expires, 0, &v);
    assert_int_equal(v.fact, LICENSE_ENDED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_a_licence_file_says_is_read),
        cmocka_unit_test(a_machine_file_names_machine_and_licence),
        cmocka_unit_test(of_two_ends_the_earlier_one_counts),
        cmocka_unit_test(what_breaks_a_rule_is_refused),
        cmocka_unit_test(an_encrypted_file_opens_with_its_key_alone),
        cmocka_unit_test(only_the_vendor_that_was_asked_for_is_believed),
        cmocka_unit_test(any_changed_byte_is_noticed),
        cmocka_unit_test(an_envelope_of_another_form_is_refused),
        cmocka_unit_test(the_real_licence_file_is_read),
        cmocka_unit_test(the_real_machine_file_is_read_and_has_ended),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
