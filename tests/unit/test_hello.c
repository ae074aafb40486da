/*
 * test_hello.c -- hellos: who made one, for which question, and what else it says.
 */
#include "crypto_tools.h"

#include "format_testing.h"
#include "gapferry/hello.h"

#define NOW 1700000000

static struct gf_identity relay;
static const struct gf_hello_by by = {.id = &relay};
static uint8_t nonce[32];
static char json[GF_HELLO_MAX]; /* a hello without its signature */

static int begin(void **state) {
    struct gf_err e;
    struct gf_buf b;

    if (tools_begin(state) != 0 || gf_key_sign_new(&relay.sign, &e) != 0 ||
        gf_key_seal_new(&relay.seal, &e) != 0)
        return -1;
    relay.card.role = GF_ROLE_RELAY;
    relay.card.sign = *gf_key_sign_public(relay.sign);
    relay.card.seal = *gf_key_seal_public(relay.seal);
    gf_key_identity(&relay.card.sign, &relay.card.seal, &relay.card.identity);
    memset(nonce, 0xab, sizeof nonce);
    gf_buf_init(&b, GF_HELLO_MAX);
    if (gf_hello_make(&by, nonce, NOW, "0.1.0", &b, &e) != 0)
        return -1;
    memcpy(json, b.data, (size_t)(strstr(b.data, "untrusted comment: ") - b.data));
    gf_buf_free(&b);
    return 0;
}

static int end(void **state) {
    gf_key_sign_free(relay.sign);
    gf_key_seal_free(relay.seal);
    return tools_end(state);
}

/* The verdict on this text, signed by `key` with this trusted comment. */
static enum gf_code signed_by(const struct gf_sign_key *key, const char *comment, const char *text,
                              size_t len, struct gf_err *e) {
    struct gf_hello h;
    struct gf_buf b;

    gf_buf_init(&b, 65536);
    gf_buf_add(&b, text, len);
    assert_int_equal(gf_minisig_sign(key, text, len, "u", comment, &b, e), 0);
    int rc = gf_hello_verify(b.data, b.len, &relay.card, nonce, &h, e);
    gf_buf_free(&b);
    return rc == 0 ? GF_OK : e->code;
}

static enum gf_code signed_code(const char *text, size_t len, struct gf_err *e) {
    return signed_by(relay.sign, "gapferry-hello/1", text, len, e);
}

static void a_hello_comes_back_as_it_was_made(void **state) {
    struct gf_hello h;
    struct gf_err e;
    struct gf_buf b;
    (void)state;

    gf_buf_init(&b, GF_HELLO_MAX);
    assert_int_equal(gf_hello_make(&by, nonce, NOW, "1.2.3", &b, &e), 0);
    assert_int_equal(gf_hello_verify(b.data, b.len, &relay.card, nonce, &h, &e), 0);
    assert_int_equal(h.at, NOW);
    assert_string_equal(h.version, "1.2.3");
    gf_buf_free(&b);
}

static void a_hello_for_another_question_proves_nothing(void **state) {
    uint8_t other[32];
    struct gf_hello h;
    struct gf_err e;
    struct gf_buf b;
    (void)state;

    memcpy(other, nonce, sizeof other);
    other[31] ^= 1;
    gf_buf_init(&b, GF_HELLO_MAX);
    assert_int_equal(gf_hello_make(&by, other, NOW, "1", &b, &e), 0);
    assert_int_equal(gf_hello_verify(b.data, b.len, &relay.card, nonce, &h, &e), -1);
    assert_int_equal(e.code, GF_E_REPLAY);
    gf_buf_free(&b);
}

static void only_the_trusted_relay_says_hello(void **state) {
    struct gf_sign_key *other = NULL;
    struct gf_err e;
    (void)state;

    assert_int_equal(gf_key_sign_new(&other, &e), 0);
    assert_int_equal(signed_by(other, "gapferry-hello/1", json, strlen(json), &e), GF_E_SIGNATURE);
    assert_int_equal(signed_by(relay.sign, "gapferry-card/1", json, strlen(json), &e),
                     GF_E_DOCUMENT);
    gf_key_sign_free(other);
}

static void nothing_is_parsed_before_the_signature_holds(void **state) {
    static const char text[] = "{\"not json\n";
    struct gf_sign_key *other = NULL;
    struct gf_err e;
    (void)state;

    assert_int_equal(gf_key_sign_new(&other, &e), 0);
    assert_int_equal(signed_by(other, "gapferry-hello/1", text, strlen(text), &e), GF_E_SIGNATURE);
    assert_int_equal(signed_code(text, strlen(text), &e), GF_E_JSON);
    gf_key_sign_free(other);
}

static void a_hello_obeys_its_rules_even_if_well_signed(void **state) {
    static const struct edit edits[] = {
        {"gapferry-hello/1", "gapferry-hello/2", GF_E_VERSION},
        {"\"format\":\"gapferry-hello/1\",\"nonce\"", "\"format\":\"gapferry-hello/2\",\"new\"",
         GF_E_VERSION},
        {"gapferry-hello/1", "gapferry-card/1", GF_E_DOCUMENT},
        {"\"format\":\"gapferry-hello/1\",", "", GF_E_DOCUMENT},
        {"\"nonce\":\"ab", "\"nonce\":\"AB", GF_E_DOCUMENT},
        {"\"nonce\":\"ab", "\"nonce\":\"ac", GF_E_REPLAY},
        {"\"nonce\":\"abab", "\"nonce\":\"ab", GF_E_DOCUMENT},
        {"\"at\":\"2023-11-14T22:13:20Z\"", "\"at\":null", GF_E_DOCUMENT},
        {"\"version\":\"0.1.0\"", "\"version\":\"\"", GF_E_DOCUMENT},
        {"\"version\":\"0.1.0\"", "\"version\":\"\\u001b[2J\"", GF_E_DOCUMENT},
        {"\"version\":\"0.1.0\"", "\"version\":\"" H64 "\"", GF_OK},
        {"\"version\":\"0.1.0\"", "\"version\":\"" H64 "a\"", GF_E_DOCUMENT},
        {",\"former\":[]", "", GF_E_DOCUMENT},
        {",\"former\":[]", ",\"former\":[\"ab\"]", GF_E_DOCUMENT},
        {",\"former\":[]", ",\"former\":[\"" H64 "\",\"" H64 "\"]", GF_OK},
        {",\"former\":[]", ",\"former\":[\"" H64 "\",\"" H64 "\",\"" H64 "\"]", GF_E_DOCUMENT},
        {",\"ext\":{}", "", GF_E_DOCUMENT},
        {",\"ext\":{}", ",\"ext\":{\"a\":1}", GF_OK},
        {",\"ext\":{}", ",\"ext\":{},\"x\":1", GF_E_DOCUMENT},
        {",\"ext\":{}", ",\"ext\":{},\"ext\":{}", GF_E_JSON},
    };
    (void)state;
    CHECK_EDITS(signed_code, json, edits);
}

static void a_hello_in_another_relays_name_is_refused(void **state) {
    char mine[GF_HASH_TEXT], other[GF_HASH_TEXT];
    struct gf_err e;
    (void)state;

    gf_text_hex(relay.card.identity.b, 32, mine);
    memcpy(other, mine, sizeof other);
    other[0] = mine[0] == '0' ? '1' : '0';
    check_edit(signed_code, json, mine, other, GF_E_DOCUMENT);
    assert_int_equal(signed_code(json, strlen(json), &e), GF_OK);
}

/* Made with new keys in its place. */
static int make_identity(struct gf_identity *id, struct gf_err *e) {
    memset(id, 0, sizeof *id);
    if (gf_key_sign_new(&id->sign, e) != 0 || gf_key_seal_new(&id->seal, e) != 0)
        return -1;
    id->card.role = GF_ROLE_RELAY;
    id->card.sign = *gf_key_sign_public(id->sign);
    id->card.seal = *gf_key_seal_public(id->seal);
    gf_key_identity(&id->card.sign, &id->card.seal, &id->card.identity);
    return 0;
}

static void who_knows_a_key_before_can_verify_it_as_far_as_two_rotations_go(void **state) {
    struct gf_identity next, former[3];
    struct gf_hello h;
    struct gf_err e;
    struct gf_buf b;
    (void)state;

    assert_int_equal(make_identity(&next, &e), 0);
    assert_int_equal(make_identity(&former[0], &e), 0);
    former[1] = relay;
    assert_int_equal(make_identity(&former[2], &e), 0);
    const struct gf_hello_by rotated = {.id = &next, .former = former, .nformer = 3};
    gf_buf_init(&b, GF_HELLO_MAX);
    assert_int_equal(gf_hello_make(&rotated, nonce, NOW, "1", &b, &e), 0);
    assert_int_equal(gf_hello_verify(b.data, b.len, &next.card, nonce, &h, &e), 0);
    assert_int_equal(h.has_successor, 0);
    assert_int_equal(gf_hello_verify(b.data, b.len, &relay.card, nonce, &h, &e), 0);
    assert_int_equal(h.has_successor, 1);
    assert_int_equal(gf_hello_verify(b.data, b.len, &former[2].card, nonce, &h, &e), -1);
    assert_int_equal(e.code, GF_E_SIGNATURE);
    gf_buf_free(&b);

    /* A key that is not named has signed for another identity. */
    const struct gf_hello_by stranger = {
        .id = &(struct gf_identity){.sign = relay.sign, .card = next.card}};
    gf_buf_init(&b, GF_HELLO_MAX);
    assert_int_equal(gf_hello_make(&stranger, nonce, NOW, "1", &b, &e), 0);
    assert_int_equal(gf_hello_verify(b.data, b.len, &relay.card, nonce, &h, &e), -1);
    assert_int_equal(e.code, GF_E_DOCUMENT);
    gf_buf_free(&b);
    gf_identity_free(&next);
    gf_identity_free(&former[0]);
    gf_identity_free(&former[2]);
}

static void a_long_text_is_no_hello(void **state) {
    char *large = calloc(1, GF_HELLO_MAX + 1);
    struct gf_hello h;
    struct gf_err e;
    (void)state;

    assert_non_null(large);
    memset(large, ' ', GF_HELLO_MAX + 1);
    assert_int_equal(gf_hello_verify(large, GF_HELLO_MAX + 1, &relay.card, nonce, &h, &e), -1);
    assert_int_equal(e.code, GF_E_LIMIT);
    assert_int_equal(gf_hello_verify(large, GF_HELLO_MAX, &relay.card, nonce, &h, &e), -1);
    assert_int_equal(e.code, GF_E_DOCUMENT);
    free(large);
}

static void what_could_not_be_read_is_not_made(void **state) {
    struct gf_err e;
    struct gf_buf b;
    (void)state;

    gf_buf_init(&b, GF_HELLO_MAX);
    assert_int_equal(gf_hello_make(&by, nonce, NOW, "", &b, &e), -1);
    assert_int_equal(e.code, GF_E_USAGE);
    assert_int_equal(gf_hello_make(&by, nonce, NOW, "a\nb", &b, &e), -1);
    assert_int_equal(gf_hello_make(&by, nonce, -1, "1", &b, &e), -1);
    assert_int_equal(e.code, GF_E_USAGE);
    assert_int_equal(b.len, 0);
    gf_buf_free(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hello_comes_back_as_it_was_made),
        cmocka_unit_test(a_hello_for_another_question_proves_nothing),
        cmocka_unit_test(only_the_trusted_relay_says_hello),
        cmocka_unit_test(nothing_is_parsed_before_the_signature_holds),
        cmocka_unit_test(a_hello_obeys_its_rules_even_if_well_signed),
        cmocka_unit_test(a_hello_in_another_relays_name_is_refused),
        cmocka_unit_test(who_knows_a_key_before_can_verify_it_as_far_as_two_rotations_go),
        cmocka_unit_test(a_long_text_is_no_hello),
        cmocka_unit_test(what_could_not_be_read_is_not_made),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
