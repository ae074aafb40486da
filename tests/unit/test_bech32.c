/*
 * test_bech32.c -- bech32.c against BIP 173 and against every small change.
 */
#include "crypto/bech32.h"
#include "crypto_tools.h"

/* From BIP 173's list of valid texts: the values 0 to 31, which are 20 bytes. */
static const char counting[] = "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw";
static const uint8_t counted[20] = {0x00, 0x44, 0x32, 0x14, 0xc7, 0x42, 0x54, 0xb6, 0x35, 0xcf,
                                    0x84, 0x65, 0x3a, 0x56, 0xd7, 0xc6, 0x75, 0xbe, 0x77, 0xdf};

static void the_texts_of_bip_173_are_read_and_written(void **state) {
    uint8_t out[20];
    char text[64];
    (void)state;
    assert_int_equal(gf_bech32_decode("abcdef", counting, strlen(counting), out, 20), 0);
    assert_memory_equal(out, counted, 20);
    gf_bech32_encode("abcdef", counted, 20, text);
    assert_string_equal(text, counting);
    assert_int_equal(gf_bech32_decode("A", "A12UEL5L", 8, out, 0), 0);
    assert_int_equal(gf_bech32_decode("a", "a12uel5l", 8, out, 0), 0);
    gf_bech32_encode("A", out, 0, text);
    assert_string_equal(text, "A12UEL5L");
}

static void every_length_comes_back(void **state) {
    uint8_t in[40], out[40];
    char text[96];
    (void)state;
    tools_fill(in, sizeof(in));
    for (size_t len = 0; len <= sizeof(in); len++) {
        gf_bech32_encode("AGE-SECRET-KEY-", in, len, text);
        assert_int_equal(strlen(text), GF_BECH32_SIZE(15, len));
        assert_int_equal(gf_bech32_decode("AGE-SECRET-KEY-", text, strlen(text), out, len), 0);
        assert_memory_equal(in, out, len);
    }
}

static void every_single_change_of_a_character_is_refused(void **state) {
    char text[64];
    uint8_t out[20];
    size_t n = strlen(counting), tried = 0;
    (void)state;
    for (size_t i = 0; i < n; i++) {
        for (int c = 0; c < 256; c++) {
            memcpy(text, counting, n);
            if ((char)c == text[i])
                continue;
            text[i] = (char)c;
            assert_int_equal(gf_bech32_decode("abcdef", text, n, out, 20), -1);
            tried++;
        }
    }
    assert_int_equal(tried, n * 255);
}

static void the_other_case_another_prefix_and_other_lengths_are_refused(void **state) {
    char upper[64];
    uint8_t out[32];
    size_t n = strlen(counting);
    (void)state;
    for (size_t i = 0; i <= n; i++)
        upper[i] =
            (char)(counting[i] >= 'a' && counting[i] <= 'z' ? counting[i] - 32 : counting[i]);
    assert_int_equal(gf_bech32_decode("abcdef", upper, n, out, 20), -1);
    assert_int_equal(gf_bech32_decode("ABCDEF", upper, n, out, 20), 0);
    assert_int_equal(gf_bech32_decode("abcdeg", counting, n, out, 20), -1);
    assert_int_equal(gf_bech32_decode("abcdef", counting, n - 1, out, 20), -1);
    assert_int_equal(gf_bech32_decode("abcdef", counting, n, out, 19), -1);
    assert_int_equal(gf_bech32_decode("abcdef", counting, n, out, 21), -1);
    assert_int_equal(gf_bech32_decode("abcdef", "", 0, out, 20), -1);
}

/* A second, plain calculation of the checksum, to make texts that only break another rule. */
static uint32_t polymod(const uint8_t *values, size_t n) {
    uint32_t sum = 1;
    for (size_t i = 0; i < n; i++) {
        uint32_t top = sum >> 25;
        sum = (sum & 0x1ffffff) << 5 ^ values[i];
        sum ^= top & 1 ? 0x3b6a57b2 : 0;
        sum ^= top & 2 ? 0x26508e6d : 0;
        sum ^= top & 4 ? 0x1ea119fa : 0;
        sum ^= top & 8 ? 0x3d4233dd : 0;
        sum ^= top & 16 ? 0x2a1462b3 : 0;
    }
    return sum;
}

static void unused_bits_that_are_set_are_refused_under_a_right_checksum(void **state) {
    static const char letters[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    (void)state;
    /* One byte is two characters with two unused bits. */
    for (uint8_t unused = 0; unused < 4; unused++) {
        uint8_t values[] = {'a' >> 5, 0, 'a' & 31, 1, unused, 0, 0, 0, 0, 0, 0}, out[1];
        uint32_t sum = polymod(values, sizeof(values)) ^ 1;
        char text[16] = {'a', '1', letters[1], letters[unused]};
        for (int i = 0; i < 6; i++)
            text[4 + i] = letters[sum >> (5 * (5 - i)) & 31];
        assert_int_equal(gf_bech32_decode("a", text, 10, out, 1), unused == 0 ? 0 : -1);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_texts_of_bip_173_are_read_and_written),
        cmocka_unit_test(every_length_comes_back),
        cmocka_unit_test(every_single_change_of_a_character_is_refused),
        cmocka_unit_test(the_other_case_another_prefix_and_other_lengths_are_refused),
        cmocka_unit_test(unused_bits_that_are_set_are_refused_under_a_right_checksum),
    };
    return cmocka_run_group_tests(tests, tools_begin, tools_end);
}
