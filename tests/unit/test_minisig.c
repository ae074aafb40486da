/*
 * test_minisig.c -- signatures, ours and those of minisign.
 */
#include "crypto_tools.h"
#include "gapferry/minisig.h"

static const size_t sizes[] = {0, 1, 127, 128, 65535, 65536, 1048577};
#define SIZES (sizeof(sizes) / sizeof(sizes[0]))

static uint8_t message[1048577];

static struct gf_sign_key *new_key(void) {
    struct gf_sign_key *k = NULL;
    struct gf_err e;
    assert_int_equal(gf_key_sign_new(&k, &e), 0);
    return k;
}

static void sign(const struct gf_sign_key *k, size_t len, struct gf_buf *out) {
    struct gf_err e;
    gf_buf_init(out, 65536);
    assert_int_equal(gf_minisig_sign(k, message, len, "made here", "about: this", out, &e), 0);
}

static enum gf_code parse_code(const char *text, size_t len) {
    struct gf_minisig m;
    struct gf_err e;
    size_t used;
    return gf_minisig_parse(text, len, &m, &used, &e) == 0 ? GF_OK : e.code;
}

/* Parse, demand that nothing is left over, verify. */
static enum gf_code verify_code(const struct gf_buf *t, const struct gf_sign_public *k,
                                const void *msg, size_t len) {
    struct gf_minisig m;
    struct gf_err e;
    size_t used;
    if (gf_minisig_parse(t->data, t->len, &m, &used, &e) != 0)
        return e.code;
    assert_int_equal(used, t->len);
    return gf_minisig_verify(&m, k, msg, len, &e) == 0 ? GF_OK : e.code;
}

static void a_signature_of_ours_verifies_and_says_what_it_was_given(void **state) {
    struct gf_sign_key *k = new_key();
    struct gf_minisig m;
    struct gf_buf t;
    struct gf_err e;
    size_t used;
    (void)state;
    sign(k, 100, &t);
    gf_buf_text(&t, "behind it");
    assert_int_equal(gf_minisig_parse(t.data, t.len, &m, &used, &e), 0);
    assert_int_equal(used, t.len - 9);
    assert_int_equal(m.trusted_len, 11);
    assert_memory_equal(m.trusted, "about: this", 11);
    assert_memory_equal(m.keynum, gf_key_sign_public(k)->keynum, 8);
    assert_int_equal(gf_minisig_verify(&m, gf_key_sign_public(k), message, 100, &e), 0);
    assert_memory_equal(t.data, "untrusted comment: made here\n", 29);
    gf_buf_free(&t);
    gf_key_sign_free(k);
}

static void minisign_accepts_our_signatures_of_every_size(void **state) {
    struct gf_sign_key *k = new_key();
    struct gf_buf t, said;
    (void)state;
    tools_need("minisign");
    gf_buf_init(&t, 4096);
    gf_key_sign_public_text(gf_key_sign_public(k), &t);
    tools_save("our.pub", t.data, t.len);
    gf_buf_free(&t);
    for (size_t i = 0; i < SIZES; i++) {
        sign(k, sizes[i], &t);
        tools_save("m", message, sizes[i]);
        tools_save("m.minisig", t.data, t.len);
        assert_true(tools_run("minisign -V -H -p our.pub -m m"));
        tools_load("said", &said);
        assert_non_null(strstr(said.data, "Trusted comment: about: this\n"));
        gf_buf_free(&said);
        gf_buf_free(&t);
    }
    gf_key_sign_free(k);
}

static void we_accept_minisigns_default_signatures_and_refuse_legacy_ones(void **state) {
    struct gf_sign_public pub;
    struct gf_buf t;
    struct gf_err e;
    (void)state;
    tools_need("minisign");
    assert_true(tools_run("minisign -G -W -f -s their.key -p their.pub"));
    tools_load("their.pub", &t);
    assert_int_equal(gf_key_sign_public_parse(t.data, t.len, "their.pub", &pub, &e), 0);
    gf_buf_free(&t);
    for (size_t i = 0; i < SIZES; i++) {
        tools_save("m", message, sizes[i]);
        assert_true(tools_run("minisign -S -s their.key -m m"));
        tools_load("m.minisig", &t);
        assert_int_equal(verify_code(&t, &pub, message, sizes[i]), GF_OK);
        gf_buf_free(&t);
        assert_true(tools_run("minisign -S -l -s their.key -m m"));
        tools_load("m.minisig", &t);
        assert_int_equal(verify_code(&t, &pub, message, sizes[i]), GF_E_MINISIG);
        gf_buf_free(&t);
    }
    assert_true(tools_run("minisign -S -s their.key -m m -c 'für dich' -t 'Größe: 1'"));
    tools_load("m.minisig", &t);
    assert_int_equal(verify_code(&t, &pub, message, sizes[SIZES - 1]), GF_OK);
    gf_buf_free(&t);
}

static void a_changed_message_comment_or_signature_never_verifies(void **state) {
    struct gf_sign_key *k = new_key();
    struct gf_buf t;
    size_t comment_end = strlen("untrusted comment: made here\n");
    (void)state;
    sign(k, 64, &t);
    assert_int_equal(verify_code(&t, gf_key_sign_public(k), message, 64), GF_OK);
    assert_int_equal(verify_code(&t, gf_key_sign_public(k), message, 63), GF_E_SIGNATURE);
    assert_int_equal(verify_code(&t, gf_key_sign_public(k), message + 1, 64), GF_E_SIGNATURE);

    /* Any other character anywhere; only the untrusted comment is free. */
    for (size_t i = 0; i < t.len; i++) {
        char was = t.data[i];
        size_t prefix = strlen("untrusted comment: ");
        struct gf_minisig m;
        struct gf_err e;
        size_t used;
        int ok;
        t.data[i] = (char)(was == 'A' ? 'B' : 'A');
        ok = gf_minisig_parse(t.data, t.len, &m, &used, &e) == 0 &&
             gf_minisig_verify(&m, gf_key_sign_public(k), message, 64, &e) == 0;
        assert_int_equal(ok, i >= prefix && i < comment_end - 1);
        t.data[i] = was;
    }
    gf_buf_free(&t);
    gf_key_sign_free(k);
}

/* Build a signature text out of parts. */
static void compose(const struct gf_minisig *m, const char *trusted, struct gf_buf *out) {
    uint8_t b[74] = {'E', 'D'};
    memcpy(b + 2, m->keynum, 8);
    memcpy(b + 10, m->sig, 64);
    gf_buf_init(out, 65536);
    gf_buf_text(out, "untrusted comment: x\n");
    gf_text_base64(out, b, sizeof(b), 1);
    gf_buf_printf(out, "\ntrusted comment: %s\n", trusted);
    gf_text_base64(out, m->global, 64, 1);
    gf_buf_byte(out, '\n');
}

static void a_changed_trusted_comment_and_a_swapped_global_signature_are_refused(void **state) {
    struct gf_sign_key *k = new_key();
    struct gf_minisig a, b, mixed;
    struct gf_buf ta, tb, t;
    struct gf_err e;
    size_t used;
    (void)state;
    sign(k, 64, &ta);
    sign(k, 65, &tb);
    assert_int_equal(gf_minisig_parse(ta.data, ta.len, &a, &used, &e), 0);
    assert_int_equal(gf_minisig_parse(tb.data, tb.len, &b, &used, &e), 0);
    compose(&a, "about: this", &t);
    assert_int_equal(verify_code(&t, gf_key_sign_public(k), message, 64), GF_OK);
    gf_buf_free(&t);
    compose(&a, "about: that", &t);
    assert_int_equal(verify_code(&t, gf_key_sign_public(k), message, 64), GF_E_SIGNATURE);
    gf_buf_free(&t);
    mixed = a;
    memcpy(mixed.global, b.global, 64); /* same comment, but over the other signature */
    compose(&mixed, "about: this", &t);
    assert_int_equal(verify_code(&t, gf_key_sign_public(k), message, 64), GF_E_SIGNATURE);
    gf_buf_free(&t);
    mixed = a;
    memcpy(mixed.global, a.sig, 64);
    compose(&mixed, "about: this", &t);
    assert_int_equal(verify_code(&t, gf_key_sign_public(k), message, 64), GF_E_SIGNATURE);
    gf_buf_free(&t);
    gf_buf_free(&ta);
    gf_buf_free(&tb);
    gf_key_sign_free(k);
}

/* S + L is another spelling of the same scalar; it would be a second valid signature. */
static void add_group_order(uint8_t s[32]) {
    static const uint8_t order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58,
                                      0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
                                      0,    0,    0,    0,    0,    0,    0,    0,
                                      0,    0,    0,    0,    0,    0,    0,    0x10};
    unsigned carry = 0;
    for (int i = 0; i < 32; i++) {
        carry += (unsigned)s[i] + order[i];
        s[i] = (uint8_t)carry;
        carry >>= 8;
    }
    assert_int_equal(carry, 0);
}

static void the_second_spelling_of_a_signature_is_refused(void **state) {
    struct gf_sign_key *k = new_key();
    struct gf_minisig m;
    struct gf_buf t;
    struct gf_err e;
    size_t used;
    (void)state;
    sign(k, 64, &t);
    assert_int_equal(gf_minisig_parse(t.data, t.len, &m, &used, &e), 0);
    add_group_order(m.global + 32);
    assert_int_equal(gf_minisig_verify(&m, gf_key_sign_public(k), message, 64, &e), -1);
    assert_int_equal(e.code, GF_E_SIGNATURE);
    assert_int_equal(gf_minisig_parse(t.data, t.len, &m, &used, &e), 0);
    add_group_order(m.sig + 32);
    assert_int_equal(gf_minisig_verify(&m, gf_key_sign_public(k), message, 64, &e), -1);
    assert_int_equal(e.code, GF_E_SIGNATURE);
    gf_buf_free(&t);
    gf_key_sign_free(k);
}

static void another_key_with_the_same_number_and_our_key_with_another_are_refused(void **state) {
    struct gf_sign_key *k = new_key(), *other = new_key();
    struct gf_sign_public pub = *gf_key_sign_public(other);
    struct gf_buf t;
    (void)state;
    sign(k, 64, &t);
    assert_int_equal(verify_code(&t, &pub, message, 64), GF_E_SIGNATURE);
    memcpy(pub.keynum, gf_key_sign_public(k)->keynum, 8);
    assert_int_equal(verify_code(&t, &pub, message, 64), GF_E_SIGNATURE);
    pub = *gf_key_sign_public(k);
    pub.keynum[7] ^= 1;
    assert_int_equal(verify_code(&t, &pub, message, 64), GF_E_SIGNATURE);
    memset(pub.pk, 0, sizeof(pub.pk)); /* a point of low order, for which forgeries exist */
    pub.keynum[7] ^= 1;
    assert_int_equal(verify_code(&t, &pub, message, 64), GF_E_SIGNATURE);
    gf_buf_free(&t);
    gf_key_sign_free(k);
    gf_key_sign_free(other);
}

static void crlf_a_missing_line_feed_and_every_cut_are_refused(void **state) {
    struct gf_sign_key *k = new_key();
    struct gf_buf t, crlf;
    (void)state;
    sign(k, 64, &t);
    for (size_t n = 0; n < t.len; n++)
        assert_int_equal(parse_code(t.data, n), GF_E_MINISIG);
    for (size_t line = 0; line < 4; line++) {
        size_t seen = 0;
        gf_buf_init(&crlf, 4096);
        for (size_t i = 0; i < t.len; i++) {
            if (t.data[i] == '\n' && seen++ == line)
                gf_buf_byte(&crlf, '\r');
            gf_buf_byte(&crlf, t.data[i]);
        }
        assert_int_equal(parse_code(crlf.data, crlf.len), GF_E_MINISIG);
        gf_buf_free(&crlf);
    }
    gf_buf_free(&t);
    gf_key_sign_free(k);
}

static void an_extra_line_before_or_within_is_refused_and_one_behind_is_not_used(void **state) {
    struct gf_sign_key *k = new_key();
    struct gf_minisig m;
    struct gf_buf t, more;
    struct gf_err e;
    size_t used;
    (void)state;
    sign(k, 64, &t);
    for (size_t at = 0; at <= t.len; at++) {
        if (at > 0 && t.data[at - 1] != '\n')
            continue;
        gf_buf_init(&more, 4096);
        gf_buf_add(&more, t.data, at);
        gf_buf_text(&more, "\n");
        gf_buf_add(&more, t.data + at, t.len - at);
        if (at < t.len) {
            assert_int_equal(parse_code(more.data, more.len), GF_E_MINISIG);
        } else {
            assert_int_equal(gf_minisig_parse(more.data, more.len, &m, &used, &e), 0);
            assert_int_equal(used, t.len);
        }
        gf_buf_free(&more);
    }
    gf_buf_free(&t);
    gf_key_sign_free(k);
}

static void comments_are_held_to_text_and_to_what_minisign_reads(void **state) {
    struct gf_sign_key *k = new_key();
    struct gf_buf t;
    struct gf_err e;
    static char longest[8300];
    static const char *const bad[] = {"a\nb", "a\rb", "\033[2J", "\x7f", "\xff", "\xc2\x85"};
    (void)state;
    gf_buf_init(&t, 65536);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(gf_minisig_sign(k, "m", 1, bad[i], "x", &t, &e), -1);
        assert_int_equal(e.code, GF_E_USAGE);
        assert_int_equal(gf_minisig_sign(k, "m", 1, "x", bad[i], &t, &e), -1);
        assert_int_equal(e.code, GF_E_USAGE);
    }
    assert_int_equal(t.len, 0);
    assert_int_equal(gf_minisig_sign(k, "m", 1, "", "tab\tand \xc2\xa0", &t, &e), 0);
    assert_int_equal(verify_code(&t, gf_key_sign_public(k), "m", 1), GF_OK);

    /* The longest lines that minisign reads, and one byte more. */
    memset(longest, 'a', sizeof(longest) - 1);
    longest[8173] = '\0';
    gf_buf_clear(&t);
    assert_int_equal(gf_minisig_sign(k, "m", 1, longest + 8173 - 1003, longest, &t, &e), 0);
    assert_int_equal(verify_code(&t, gf_key_sign_public(k), "m", 1), GF_OK);
    assert_int_equal(gf_minisig_sign(k, "m", 1, longest + 8173 - 1004, "x", &t, &e), -1);
    assert_int_equal(e.code, GF_E_USAGE);
    longest[8173] = 'a';
    longest[8174] = '\0';
    assert_int_equal(gf_minisig_sign(k, "m", 1, "x", longest, &t, &e), -1);
    assert_int_equal(e.code, GF_E_USAGE);
    gf_buf_free(&t);
    gf_key_sign_free(k);
}

/* A text whose comments are so long; the signatures in it are of any value. */
static enum gf_code code_of_lengths(size_t untrusted, size_t trusted) {
    static char a[9000], b[9000];
    struct gf_minisig m = {.trusted = "x"};
    struct gf_buf t, whole;
    enum gf_code code;
    memset(a, 'a', sizeof(a));
    memset(b, 'b', sizeof(b));
    a[untrusted] = b[trusted] = '\0';
    compose(&m, b, &t);
    gf_buf_init(&whole, 65536);
    gf_buf_printf(&whole, "untrusted comment: %s\n", a);
    gf_buf_text(&whole, t.data + strlen("untrusted comment: x\n"));
    code = parse_code(whole.data, whole.len);
    gf_buf_free(&t);
    gf_buf_free(&whole);
    return code;
}

static void longer_comments_are_beyond_the_limit_when_read(void **state) {
    (void)state;
    assert_int_equal(code_of_lengths(1003, 8173), GF_OK);
    assert_int_equal(code_of_lengths(1004, 8173), GF_E_LIMIT);
    assert_int_equal(code_of_lengths(1003, 8174), GF_E_LIMIT);
}

static void minisign_reads_our_longest_comments(void **state) {
    struct gf_sign_key *k = new_key();
    struct gf_buf t;
    struct gf_err e;
    static char longest[8174];
    (void)state;
    tools_need("minisign");
    memset(longest, 'a', sizeof(longest) - 1);
    gf_buf_init(&t, 65536);
    gf_key_sign_public_text(gf_key_sign_public(k), &t);
    tools_save("our.pub", t.data, t.len);
    gf_buf_clear(&t);
    assert_int_equal(gf_minisig_sign(k, "m", 1, longest + 8173 - 1003, longest, &t, &e), 0);
    tools_save("m", "m", 1);
    tools_save("m.minisig", t.data, t.len);
    assert_true(tools_run("minisign -V -p our.pub -m m"));
    gf_buf_free(&t);
    gf_key_sign_free(k);
}

static void a_full_buffer_keeps_its_length(void **state) {
    struct gf_sign_key *k = new_key();
    struct gf_buf t;
    struct gf_err e;
    (void)state;
    gf_buf_init(&t, 100);
    gf_buf_text(&t, "before");
    assert_int_equal(gf_minisig_sign(k, "m", 1, "x", "y", &t, &e), -1);
    assert_int_equal(e.code, GF_E_LIMIT);
    assert_int_equal(t.len, 6);
    gf_buf_free(&t);
    gf_key_sign_free(k);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signature_of_ours_verifies_and_says_what_it_was_given),
        cmocka_unit_test(minisign_accepts_our_signatures_of_every_size),
        cmocka_unit_test(we_accept_minisigns_default_signatures_and_refuse_legacy_ones),
        cmocka_unit_test(a_changed_message_comment_or_signature_never_verifies),
        cmocka_unit_test(a_changed_trusted_comment_and_a_swapped_global_signature_are_refused),
        cmocka_unit_test(the_second_spelling_of_a_signature_is_refused),
        cmocka_unit_test(another_key_with_the_same_number_and_our_key_with_another_are_refused),
        cmocka_unit_test(crlf_a_missing_line_feed_and_every_cut_are_refused),
        cmocka_unit_test(an_extra_line_before_or_within_is_refused_and_one_behind_is_not_used),
        cmocka_unit_test(comments_are_held_to_text_and_to_what_minisign_reads),
        cmocka_unit_test(longer_comments_are_beyond_the_limit_when_read),
        cmocka_unit_test(minisign_reads_our_longest_comments),
        cmocka_unit_test(a_full_buffer_keeps_its_length),
    };
    tools_fill(message, sizeof(message));
    return cmocka_run_group_tests(tests, tools_begin, tools_end);
}
