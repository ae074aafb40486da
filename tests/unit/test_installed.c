/*
 * test_installed.c -- licences of an agent: what may become one, in which order, what was given up,
 * and Keygen's files on this machine and another.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sodium.h>

#include "agent/floor.h"
#include "agent/license/asked.h"
#include "agent/license/gone.h"
#include "agent/license/installed.h"
#include "agent/license/proof.h"
#include "gapferry/json.h"
#include "support/kit.h"
#include "support/site.h"

static struct gf_err e;
static struct gf_sign_key *vendor;
static uint8_t pk[32], sk[64];

static int begin(void **state) {
    return kit_setup(state) != 0 || gf_key_sign_new(&vendor, &e) != 0 ||
           crypto_sign_keypair(pk, sk) != 0;
}

static int finish(void **state) {
    gf_key_sign_free(vendor);
    return kit_teardown(state);
}

static int setup(void **state) {
    struct site *s = calloc(1, sizeof *s);
    struct store_vendor v = {.name = "v", .duties = STORE_DUTY_LICENSE};

    site_make(s, 1);
    v.key = *gf_key_sign_public(vendor);
    assert_int_equal(store_trust_vendor(s->a.store, &v, "u", &e), 0);
    *state = s;
    return 0;
}

static int teardown(void **state) {
    site_free(*state);
    free(*state);
    return 0;
}

/* ---- documents ---- */

#define OURS(id, issued)                                                                           \
    "{\"format\":\"gapferry-license/1\",\"id\":\"" id                                              \
    "\",\"product\":\"demo\",\"issued\":\"" issued "\"}"

static void sign(const char *json, struct gf_buf *b) {
    gf_buf_init(b, 1 << 20);
    gf_buf_printf(b, "%s\n", json);
    size_t n = b->len;
    assert_int_equal(gf_minisig_sign(vendor, b->data, n, "u", "t", b, &e), 0);
}

/* A file in Keygen's base64 form. */
static void make_keygen(const char *json, int machine, struct gf_buf *out) {
    struct gf_buf enc, message, inner;
    uint8_t sig[64];

    gf_buf_init(&enc, 65536);
    gf_text_base64(&enc, (const uint8_t *)json, strlen(json), 1);
    gf_buf_init(&message, 65536);
    gf_buf_printf(&message, "%s/%s", machine ? "machine" : "license", enc.data);
    crypto_sign_detached(sig, NULL, (const uint8_t *)message.data, message.len, sk);
    gf_buf_init(&inner, 65536);
    gf_buf_printf(&inner, "{\"enc\":\"%s\",\"sig\":\"", enc.data);
    gf_text_base64(&inner, sig, sizeof sig, 1);
    gf_buf_text(&inner, "\",\"alg\":\"base64+ed25519\"}");
    gf_buf_init(out, 65536);
    gf_buf_printf(out, "-----BEGIN %s FILE-----\n", machine ? "MACHINE" : "LICENSE");
    gf_text_base64(out, (const uint8_t *)inner.data, inner.len, 1);
    gf_buf_printf(out, "\n-----END %s FILE-----\n", machine ? "MACHINE" : "LICENSE");
    gf_buf_free(&enc);
    gf_buf_free(&message);
    gf_buf_free(&inner);
}

#define KEYGEN_TAIL                                                                                \
    "\"relationships\":{\"product\":{\"data\":{\"id\":\"p-1\"}},\"license\":{\"data\":{\"id\":"    \
    "\"l-1\"}}}},\"meta\":{\"issued\":\"2025-12-01T00:00:00Z\",\"expiry\":null,\"ttl\":null}}"

static void make_machine(const char *fingerprint, struct gf_buf *out) {
    char json[1024];

    (void)snprintf(json, sizeof json,
                   "{\"data\":{\"id\":\"m-1\",\"type\":\"machines\",\"attributes\":{"
                   "\"fingerprint\":\"%s\"}," KEYGEN_TAIL,
                   fingerprint);
    make_keygen(json, 1, out);
}

static void trust_keygen(struct site *s) {
    struct store_vendor v = {.name = "k", .duties = STORE_DUTY_KEYGEN};

    memcpy(v.key.pk, pk, sizeof pk);
    assert_int_equal(store_trust_vendor(s->a.store, &v, "u", &e), 0);
}

static int read_it(struct site *s, const struct gf_buf *b, const char *product,
                   const struct installed_secret *secret, struct installed_document *d,
                   int *elsewhere) {
    e = (struct gf_err){.code = GF_OK};
    return installed_read(&s->a, b->data, b->len, product, secret, d, elsewhere, &e);
}

static void install(struct site *s, const struct gf_buf *b) {
    struct installed_document d;
    int elsewhere;

    if (read_it(s, b, NULL, NULL, &d, &elsewhere) == -1)
        fail_msg("%s", e.text);
    assert_int_equal(installed_put(&s->a, &d, b->data, b->len, &e), 0);
}

/* ---- order, replay, giving up ---- */

static void an_installed_licence_raises_the_floor_and_knows_its_order(void **state) {
    struct site *s = *state;
    struct gf_buf b;
    int64_t floor;

    sign(OURS("L-1", "2031-01-01T00:00:00Z"), &b);
    install(s, &b);
    assert_int_equal(floor_get(&s->a, &floor, &e), 0);
    assert_int_equal(floor, 1924992000);
    assert_int_equal(installed_is_newer(&s->a, "demo", 1924992000 - 1, &e), 1);
    assert_int_equal(installed_is_newer(&s->a, "demo", 1924992000, &e), 0);
    assert_int_equal(installed_is_newer(&s->a, "other", 0, &e), 0);
    assert_int_equal(installed_has(&s->a, "demo", b.data, b.len, &e), 1);
    assert_int_equal(installed_has(&s->a, "demo", b.data, b.len - 1, &e), 0);
    assert_int_equal(installed_has(&s->a, "other", b.data, b.len, &e), 0);
    gf_buf_free(&b);
}

static void what_was_given_up_is_never_accepted_again(void **state) {
    struct site *s = *state;
    struct installed_document d;
    struct installed one;
    struct gf_buf b, same_id;
    int elsewhere;
    const struct store_gone gone = {
        .id = "L-1", .product = "demo", .installed_as = "demo", .user = "u", .at = SITE_NOW};

    sign(OURS("L-1", "2025-01-01T00:00:00Z"), &b);
    install(s, &b);
    assert_int_equal(store_end_license(s->a.store, &gone, &e), 0);
    assert_int_equal(installed_one(&s->a, "demo", &one, &e), 0);
    assert_int_equal(read_it(s, &b, NULL, NULL, &d, &elsewhere), -1);
    assert_int_equal(e.code, GF_E_REPLAY);
    assert_non_null(strstr(e.text, "deactivated on this machine on 2026-01-01T00:00:00Z"));

    /* Nor a later one with its id, also after a restart; another one is. */
    site_reopen(s);
    sign(OURS("L-1", "2026-05-01T00:00:00Z"), &same_id);
    assert_int_equal(read_it(s, &same_id, NULL, NULL, &d, &elsewhere), -1);
    assert_int_equal(e.code, GF_E_REPLAY);
    gf_buf_free(&b);
    gf_buf_free(&same_id);
    sign(OURS("L-2", "2025-01-01T00:00:00Z"), &b);
    install(s, &b);
    gf_buf_free(&b);
}

/* The database was put back from a backup; whoever hides the list as well has not won. */
static void a_list_of_what_was_given_up_that_cannot_be_read_is_no_missing_one(void **state) {
    const struct store_gone gone = {
        .id = "L-1", .product = "demo", .installed_as = "demo", .user = "u", .at = SITE_NOW};
    struct site *s = *state;
    struct installed_document d;
    struct installed one;
    char path[600], elsewhere_path[600];
    struct gf_buf b;
    int elsewhere;

    sign(OURS("L-1", "2025-01-01T00:00:00Z"), &b);
    install(s, &b);
    assert_int_equal(gone_save(&s->a, &e), 0); /* there was no list, and nothing to put on it */
    assert_int_equal(store_end_license(s->a.store, &gone, &e), 0);
    assert_int_equal(gone_save(&s->a, &e), 0);
    (void)snprintf(path, sizeof path, "%s/license.gone", s->a.state);
    (void)snprintf(elsewhere_path, sizeof elsewhere_path, "%s/elsewhere", s->a.state);
    assert_int_equal(rename(path, elsewhere_path), 0);
    assert_int_equal(symlink("elsewhere", path), 0);
    assert_int_equal(gone_save(&s->a, &e), -1);
    assert_int_equal(e.code, GF_E_NOINPUT);

    /* Another database, as old as the licence. */
    assert_int_equal(store_put_license(s->a.store, "demo", b.data, b.len, SITE_NOW, &e), 0);
    assert_int_equal(installed_one(&s->a, "demo", &one, &e), -1);
    assert_int_equal(rename(elsewhere_path, path), 0);
    assert_int_equal(installed_one(&s->a, "demo", &one, &e), 1);
    assert_int_equal(one.gone, 1);
    assert_int_equal(one.valid, 0);
    assert_int_equal(read_it(s, &b, NULL, NULL, &d, &elsewhere), -1);
    assert_int_equal(e.code, GF_E_REPLAY);
    gf_buf_free(&b);
}

static void a_proof_is_a_document_that_the_agents_key_has_signed(void **state) {
    struct site *s = *state;
    struct installed_document d = {.scope = "demo", .license = {.id = "L-1", .issued = 1}};
    char line[GF_SIGN_PUBLIC_TEXT];
    struct gf_document doc;
    struct gf_json_obj o;
    struct gf_json *j = NULL;
    const char *text = "";
    struct gf_buf b;

    gf_buf_init(&b, 65536);
    assert_int_equal(proof_make(&s->a, &d, &b, &e), 0);
    assert_int_equal(gf_document_split(b.data, b.len, 8192, "proof", &doc, &e), 0);
    assert_int_equal(gf_document_verify(&doc, gf_key_sign_public(s->a.id.sign), NULL, &e), 0);
    assert_int_equal(gf_json_parse(doc.json, doc.json_len, "proof", GF_E_LICENSE, &j, &e), 0);
    gf_json_root(j, &o);
    gf_key_sign_public_line(gf_key_sign_public(s->a.id.sign), line);
    assert_int_equal(gf_json_str(&o, "sign", 1, 100, &text), 1);
    assert_string_equal(text, line);
    assert_int_equal(gf_json_str(&o, "license", 1, 100, &text), 1);
    assert_string_equal(text, "L-1");
    gf_json_free(j);
    gf_buf_free(&b);
}

/* The vendor knows the key of the request; that of now may be the third one since. */
static void a_proof_is_signed_by_the_keys_before_too(void **state) {
    struct site *s = *state;
    struct installed_document d = {.scope = "demo", .license = {.id = "L-1", .issued = 1}};
    struct gf_sign_key *keys[3] = {NULL};
    struct gf_document doc;
    struct gf_buf b;

    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(gf_key_sign_new(&keys[i], &e), 0);
        s->a.former.list[i] = (struct gf_identity){.sign = keys[i]};
    }
    s->a.former.n = 3;
    gf_buf_init(&b, LICENSE_PROOF_MAX);
    assert_int_equal(proof_make(&s->a, &d, &b, &e), 0);
    s->a.former.n = 0;
    assert_int_equal(gf_document_split(b.data, b.len, 8192, "proof", &doc, &e), 0);
    size_t which = 9;
    assert_int_equal(gf_document_verify(&doc, gf_key_sign_public(s->a.id.sign), &which, &e), 0);
    assert_int_equal(which, 0);
    assert_int_equal(gf_document_verify(&doc, gf_key_sign_public(keys[0]), NULL, &e), 0);
    assert_int_equal(gf_document_verify(&doc, gf_key_sign_public(keys[1]), NULL, &e), 0);
    assert_int_equal(gf_document_verify(&doc, gf_key_sign_public(keys[2]), NULL, &e), -1);
    for (size_t i = 0; i < 3; i++)
        gf_key_sign_free(keys[i]);
    gf_buf_free(&b);
}

/* ---- Keygen ---- */

static void a_keygen_file_needs_a_vendor_pinned_for_its_form(void **state) {
    static const char json[] = "{\"data\":{\"id\":\"l-1\",\"type\":\"licenses\",\"attributes\":{}"
                               "," KEYGEN_TAIL;
    struct site *s = *state;
    struct installed_document d;
    struct store_vendor v = {.name = "k", .duties = STORE_DUTY_LICENSE | STORE_DUTY_UPDATE};
    struct gf_buf b;
    int elsewhere;

    make_keygen(json, 0, &b);
    memcpy(v.key.pk, pk, sizeof pk);
    assert_int_equal(store_trust_vendor(s->a.store, &v, "u", &e), 0);
    assert_int_equal(read_it(s, &b, NULL, NULL, &d, &elsewhere), -1);
    assert_int_equal(e.code, GF_E_SENDER);
    assert_non_null(strstr(e.text, "trust --keygen PUBLICKEY"));
    trust_keygen(s);
    assert_int_equal(read_it(s, &b, NULL, NULL, &d, &elsewhere), 0);
    assert_string_equal(d.license.product, "p-1");

    /* People may call its product as they like. */
    assert_int_equal(read_it(s, &b, "demo", NULL, &d, &elsewhere), 0);
    assert_string_equal(d.license.product, "demo");
    assert_string_equal(d.scope, "p-1");
    gf_buf_free(&b);
}

static void a_key_without_the_duty_signs_no_licence(void **state) {
    struct site *s = *state;
    struct installed_document d;
    struct gf_sign_key *other = NULL;
    struct store_vendor v = {.name = "w", .duties = STORE_DUTY_UPDATE | STORE_DUTY_CARD};
    struct gf_buf b;
    int elsewhere;

    assert_int_equal(gf_key_sign_new(&other, &e), 0);
    v.key = *gf_key_sign_public(other);
    assert_int_equal(store_trust_vendor(s->a.store, &v, "u", &e), 0);
    gf_buf_init(&b, 65536);
    gf_buf_text(&b, OURS("L-1", "2025-01-01T00:00:00Z") "\n");
    size_t n = b.len;
    assert_int_equal(gf_minisig_sign(other, b.data, n, "u", "t", &b, &e), 0);
    assert_int_equal(read_it(s, &b, NULL, NULL, &d, &elsewhere), -1);
    assert_int_equal(e.code, GF_E_SIGNATURE);
    v.duties = STORE_DUTY_LICENSE;
    assert_int_equal(store_trust_vendor(s->a.store, &v, "u", &e), 0);
    assert_int_equal(read_it(s, &b, NULL, NULL, &d, &elsewhere), 0);
    gf_key_sign_free(other);
    gf_buf_free(&b);
}

static void a_machine_file_is_for_the_machine_of_its_fingerprint(void **state) {
    struct site *s = *state;
    struct installed_secret secret = {.fingerprint = "theirs"};
    struct installed_document d;
    struct gf_buf b;
    int elsewhere;

    trust_keygen(s);
    make_machine("theirs", &b);
    assert_int_equal(read_it(s, &b, NULL, NULL, &d, &elsewhere), -1);
    assert_int_equal(elsewhere, 1);
    assert_non_null(strstr(e.text, "fingerprint theirs; if that is this one"));
    assert_int_equal(read_it(s, &b, NULL, &secret, &d, &elsewhere), 0);
    assert_int_equal(d.license.k, 0);
    memcpy(secret.fingerprint, "other", 6);
    assert_int_equal(read_it(s, &b, NULL, &secret, &d, &elsewhere), -1);
    assert_int_equal(elsewhere, 1);
    gf_buf_free(&b);
}

static void a_fingerprint_that_is_a_factor_binds_to_the_machine(void **state) {
    struct site *s = *state;
    struct installed_machine m;
    struct installed_document d;
    struct installed one;
    struct gf_buf b, salt;
    char hex[GF_HASH_TEXT];
    int elsewhere;

    trust_keygen(s);
    assert_int_equal(installed_machine(&s->a, &m, &e), 0);
    if (m.n == 0) {
        print_message("SKIPPED: this machine has no factor, no file was bound to one\n");
        skip();
    }
    gf_text_hex(m.factors[0].digest.b, sizeof m.factors[0].digest.b, hex);
    make_machine(hex, &b);
    assert_int_equal(read_it(s, &b, NULL, NULL, &d, &elsewhere), 0);
    assert_string_equal(d.secret.factor, m.factors[0].name);
    assert_int_equal(d.license.k, 1);
    assert_int_equal(installed_put(&s->a, &d, b.data, b.len, &e), 0);
    assert_int_equal(installed_one(&s->a, "p-1", &one, &e), 1);
    assert_int_equal(one.valid, 1);
    assert_int_equal(one.verdict.matching, 1);

    /* Another machine: what was installed says so, and does not fail to open. */
    assert_int_equal(store_get_fact(s->a.store, "license-salt", &salt, &e), 1);
    salt.data[0] ^= 1;
    assert_int_equal(store_put_fact(s->a.store, "license-salt", salt.data, salt.len, &e), 0);
    assert_int_equal(installed_one(&s->a, "p-1", &one, &e), 1);
    assert_int_equal(one.valid, 1);
    assert_int_equal(one.verdict.fact, LICENSE_ELSEWHERE);
    assert_int_equal(read_it(s, &b, NULL, NULL, &d, &elsewhere), -1);
    assert_int_equal(elsewhere, 1);
    gf_buf_free(&salt);
    gf_buf_free(&b);
}

static void what_opens_a_file_is_kept_as_it_is(void **state) {
    static const char *const bad[] = {"", "a\nb\n", "a\nb\nc", "a\nb\nc\nd\n"};
    const struct installed_secret s = {.key = "K-1", .fingerprint = "", .factor = "nic"};
    struct installed_secret got;
    struct gf_buf b;

    (void)state;
    gf_buf_init(&b, 4096);
    installed_keygen_pack(&s, &b);
    assert_int_equal(installed_keygen_unpack(b.data, b.len, &got, &e), 0);
    assert_string_equal(got.key, "K-1");
    assert_string_equal(got.fingerprint, "");
    assert_string_equal(got.factor, "nic");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(installed_keygen_unpack(bad[i], strlen(bad[i]), &got, &e), -1);
    gf_buf_free(&b);
}

/* ---- what was asked for ---- */

static void the_newest_request_for_a_product_is_asked_again(void **state) {
    struct site *s = *state;
    struct asked asked;

    assert_int_equal(asked_last(&s->a, "demo", &asked, &e), 0);
    assert_string_equal(asked.key, "");
    struct gf_id id = site_add(s, "license", "{\"no\":\"request\"}", 1);
    assert_int_equal(asked_of(&s->a, &id, &asked, &e), 0);
    assert_string_equal(asked.key, "");
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(an_installed_licence_raises_the_floor_and_knows_its_order),
        T(what_was_given_up_is_never_accepted_again),
        T(a_list_of_what_was_given_up_that_cannot_be_read_is_no_missing_one),
        T(a_proof_is_a_document_that_the_agents_key_has_signed),
        T(a_proof_is_signed_by_the_keys_before_too),
        T(a_keygen_file_needs_a_vendor_pinned_for_its_form),
        T(a_key_without_the_duty_signs_no_licence),
        T(a_machine_file_is_for_the_machine_of_its_fingerprint),
        T(a_fingerprint_that_is_a_factor_binds_to_the_machine),
        cmocka_unit_test(what_opens_a_file_is_kept_as_it_is),
        T(the_newest_request_for_a_product_is_asked_again),
    };
    return cmocka_run_group_tests(tests, begin, finish);
}
