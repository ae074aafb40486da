/*
 * test_token.c -- enrolment tokens: one form that is printed, many in which it is typed.
 */
#include "crypto_tools.h"

#include "gapferry/token.h"

/* 16 bytes from 0 to 15 and the first 22 bits of Python's
 * hashlib.blake2b(b"gapferry-token/1" + bytes(range(16)), digest_size=32), in base32. */
#define KNOWN "AAAQE-AYEAU-DAOCA-JBIFQ-YDIOB-4PHV4"

static void a_token_is_printed_with_its_checksum(void **state) {
    uint8_t token[GF_TOKEN_SIZE];
    char text[GF_TOKEN_TEXT];
    (void)state;

    for (size_t i = 0; i < sizeof token; i++)
        token[i] = (uint8_t)i;
    gf_token_write(token, text);
    assert_string_equal(text, KNOWN);
}

static void a_token_may_be_typed_as_people_type(void **state) {
    uint8_t token[GF_TOKEN_SIZE], back[GF_TOKEN_SIZE];
    char text[GF_TOKEN_TEXT], typed[2 * GF_TOKEN_TEXT];
    struct gf_err e;
    (void)state;

    for (int round = 0; round < 1000; round++) {
        size_t n = 0;
        gf_digest_random(token, sizeof token);
        gf_token_write(token, text);
        assert_int_equal(strlen(text), GF_TOKEN_TEXT - 1);
        for (const char *c = text; *c; c++) {
            char is = *c == 'O' ? '0' : *c == 'I' ? '1' : *c == 'B' ? '8' : *c;
            if (*c == '-')
                typed[n++] = ' ';
            else
                typed[n++] = is >= 'A' && is <= 'Z' ? (char)(is - 'A' + 'a') : is;
        }
        typed[n] = '\0';
        assert_int_equal(gf_token_parse(text, back, &e), 0);
        assert_memory_equal(token, back, sizeof back);
        assert_int_equal(gf_token_parse(typed, back, &e), 0);
        assert_memory_equal(token, back, sizeof back);
    }
}

/* Two digits that were swapped, and each digit that was read as another one. */
static void what_is_mistyped_is_noticed_and_not_repeated(void **state) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    uint8_t token[GF_TOKEN_SIZE];
    char text[GF_TOKEN_TEXT];
    struct gf_err e;
    (void)state;

    for (size_t i = 0; i < sizeof KNOWN - 1; i++) {
        for (size_t k = 0; KNOWN[i] != '-' && k < sizeof digits - 1; k++) {
            memcpy(text, KNOWN, sizeof text);
            text[i] = digits[k];
            if (text[i] == KNOWN[i])
                continue;
            memset(token, 7, sizeof token);
            assert_int_equal(gf_token_parse(text, token, &e), -1);
            assert_int_equal(e.code, GF_E_USAGE);
            assert_null(strstr(e.text, "AAAQE"));
            assert_int_equal(token[0] == 7 && token[15] == 7, 1);
        }
        memcpy(text, KNOWN, sizeof text);
        if (i + 1 == sizeof KNOWN - 1 || text[i] == '-' || text[i + 1] == '-' ||
            text[i] == text[i + 1])
            continue;
        char first = text[i];
        text[i] = text[i + 1];
        text[i + 1] = first;
        assert_int_equal(gf_token_parse(text, token, &e), -1);
    }
}

static void what_is_no_token_is_refused(void **state) {
    static const char *const wrong[] = {"",
                                        "-",
                                        "AAAQE",
                                        KNOWN "A",
                                        KNOWN "\n",
                                        "ABCD-EFGH-IJKL-MNOP-QRST",
                                        "AAAQE_AYEAU_DAOCA_JBIFQ_YDIOB_4AAAA"};
    uint8_t token[GF_TOKEN_SIZE];
    struct gf_err e;
    (void)state;

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(gf_token_parse(wrong[i], token, &e), -1);
        assert_int_equal(e.code, GF_E_USAGE);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_is_printed_with_its_checksum),
        cmocka_unit_test(a_token_may_be_typed_as_people_type),
        cmocka_unit_test(what_is_mistyped_is_noticed_and_not_repeated),
        cmocka_unit_test(what_is_no_token_is_refused),
    };
    return cmocka_run_group_tests(tests, tools_begin, tools_end);
}
