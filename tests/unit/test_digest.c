/*
 * test_digest.c -- digest.c against published values.
 */
#include "crypto_tools.h"

static const char abc_256[] = "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319";
static const char abc_512[] = /* RFC 7693, appendix A */
    "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
    "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923";

static void blake2b_256_of_abc_is_the_known_one(void **state) {
    struct gf_hash h;
    char text[GF_HASH_TEXT];
    (void)state;
    gf_digest_256("abc", 3, &h);
    gf_text_hex(h.b, sizeof(h.b), text);
    assert_string_equal(text, abc_256);
}

static void blake2b_128_is_a_digest_of_its_own_and_not_a_cut_one(void **state) {
    struct gf_id id;
    char text[GF_ID_TEXT];
    (void)state;
    gf_digest_128("abc", 3, &id); /* as `printf abc | b2sum -l 128` says */
    gf_text_hex(id.b, sizeof(id.b), text);
    assert_string_equal(text, "cf4ab791c62b8d2b2109c90275287816");
    assert_memory_not_equal(text, abc_256, 32);
}

static void blake2b_512_of_abc_is_that_of_the_rfc_however_it_is_cut(void **state) {
    (void)state;
    for (size_t cut = 0; cut <= 3; cut++) {
        struct gf_digest d;
        struct gf_hash64 h;
        char text[GF_HASH64_TEXT];
        gf_digest_begin(&d);
        gf_digest_add(&d, "abc", cut);
        gf_digest_add(&d, &"abc"[cut], 3 - cut);
        gf_digest_end(&d, &h);
        gf_text_hex(h.b, sizeof(h.b), text);
        assert_string_equal(text, abc_512);
    }
}

static void b2sum_finds_the_same_digest(void **state) {
    enum { SIZE = 300001 };
    static uint8_t data[SIZE];
    struct gf_digest d;
    struct gf_hash64 h;
    struct gf_buf said;
    char text[GF_HASH64_TEXT];
    (void)state;
    tools_need("b2sum");
    tools_fill(data, SIZE);
    tools_save("data", data, SIZE);
    gf_digest_begin(&d);
    for (size_t at = 0; at < SIZE; at += 4099)
        gf_digest_add(&d, data + at, SIZE - at < 4099 ? SIZE - at : 4099);
    gf_digest_end(&d, &h);
    gf_text_hex(h.b, sizeof(h.b), text);
    assert_true(tools_run("b2sum data"));
    tools_load("said", &said);
    assert_true(said.len > 128);
    assert_memory_equal(said.data, text, 128);
    gf_buf_free(&said);
}

static void sha256sum_and_b2sum_find_what_the_steps_find(void **state) {
    enum { SIZE = 300001 };
    static uint8_t data[SIZE];
    struct gf_digest_sha256 s;
    struct gf_digest d;
    struct gf_hash sha, b2, at_once;
    struct gf_buf said;
    char text[GF_HASH_TEXT];

    (void)state;
    tools_need("sha256sum");
    tools_fill(data, SIZE);
    tools_save("steps", data, SIZE);
    gf_digest_sha256_begin(&s);
    gf_digest_begin_256(&d);
    for (size_t at = 0; at < SIZE; at += 4099) {
        const size_t n = SIZE - at < 4099 ? SIZE - at : 4099;
        gf_digest_sha256_add(&s, data + at, n);
        gf_digest_add(&d, data + at, n);
    }
    gf_digest_sha256_end(&s, &sha);
    gf_digest_end_256(&d, &b2);
    gf_digest_256(data, SIZE, &at_once);
    assert_memory_equal(b2.b, at_once.b, sizeof b2.b);
    assert_true(tools_run("sha256sum steps"));
    tools_load("said", &said);
    gf_text_hex(sha.b, sizeof sha.b, text);
    assert_memory_equal(said.data, text, 64);
    gf_buf_free(&said);
    assert_true(tools_run("b2sum -l 256 steps"));
    tools_load("said", &said);
    gf_text_hex(b2.b, sizeof b2.b, text);
    assert_memory_equal(said.data, text, 64);
    gf_buf_free(&said);
}

static void random_bytes_differ_and_fill_the_whole_buffer(void **state) {
    uint8_t a[64] = {0}, b[64] = {0}, none[32] = {0};
    (void)state;
    gf_digest_random(a, sizeof(a));
    gf_digest_random(b, sizeof(b));
    assert_memory_not_equal(a, b, sizeof(a));
    assert_memory_not_equal(a, none, 32);
    assert_memory_not_equal(a + 32, none, 32);
}

static void equal_sees_a_difference_in_any_byte_and_wipe_leaves_zeros(void **state) {
    uint8_t a[32], b[32], none[32] = {0};
    (void)state;
    tools_fill(a, sizeof(a));
    for (size_t i = 0; i < sizeof(a); i++) {
        memcpy(b, a, sizeof(a));
        assert_int_equal(gf_digest_equal(a, b, sizeof(a)), 1);
        b[i] ^= 0x80;
        assert_int_equal(gf_digest_equal(a, b, sizeof(a)), 0);
    }
    gf_digest_wipe(a, sizeof(a));
    assert_memory_equal(a, none, sizeof(a));
    gf_digest_wipe(NULL, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blake2b_256_of_abc_is_the_known_one),
        cmocka_unit_test(blake2b_128_is_a_digest_of_its_own_and_not_a_cut_one),
        cmocka_unit_test(blake2b_512_of_abc_is_that_of_the_rfc_however_it_is_cut),
        cmocka_unit_test(b2sum_finds_the_same_digest),
        cmocka_unit_test(sha256sum_and_b2sum_find_what_the_steps_find),
        cmocka_unit_test(random_bytes_differ_and_fill_the_whole_buffer),
        cmocka_unit_test(equal_sees_a_difference_in_any_byte_and_wipe_leaves_zeros),
    };
    return cmocka_run_group_tests(tests, tools_begin, tools_end);
}
