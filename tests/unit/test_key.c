/*
 * test_key.c -- key files, ours and those of minisign and age-keygen.
 */
#include "crypto_tools.h"

static struct gf_sign_key *new_sign(void) {
    struct gf_sign_key *k = NULL;
    struct gf_err e;
    assert_int_equal(gf_key_sign_new(&k, &e), 0);
    return k;
}

static struct gf_seal_key *new_seal(void) {
    struct gf_seal_key *k = NULL;
    struct gf_err e;
    assert_int_equal(gf_key_seal_new(&k, &e), 0);
    return k;
}

/* The code that parsing a secret key's text gives. */
static enum gf_code sign_code(const char *text, size_t len, struct gf_err *e) {
    struct gf_sign_key *k = NULL;
    if (gf_key_sign_parse(text, len, "sign.key", &k, e) == 0) {
        gf_key_sign_free(k);
        return GF_OK;
    }
    assert_null(k);
    return e->code;
}

static enum gf_code seal_code(const char *text, size_t len) {
    struct gf_seal_key *k = NULL;
    struct gf_err e;
    if (gf_key_seal_parse(text, len, "seal.key", &k, &e) == 0) {
        gf_key_seal_free(k);
        return GF_OK;
    }
    assert_null(k);
    return e.code;
}

static enum gf_code sign_public_code(const char *text, size_t len) {
    struct gf_sign_public k;
    struct gf_err e;
    return gf_key_sign_public_parse(text, len, "sign.pub", &k, &e) == 0 ? GF_OK : e.code;
}

static enum gf_code seal_public_code(const char *text, size_t len) {
    struct gf_seal_public k;
    struct gf_err e;
    return gf_key_seal_public_parse(text, len, "seal.pub", &k, &e) == 0 ? GF_OK : e.code;
}

static void the_identity_is_the_known_digest_of_both_keys_alone(void **state) {
    struct gf_sign_public sign = {.keynum = {1, 2, 3}};
    struct gf_seal_public seal;
    struct gf_hash h;
    char text[GF_HASH_TEXT];
    (void)state;
    memset(sign.pk, 1, sizeof(sign.pk));
    memset(seal.pk, 2, sizeof(seal.pk));
    for (int i = 0; i < 2; i++) {
        gf_key_identity(&sign, &seal, &h);
        gf_text_hex(h.b, sizeof(h.b), text);
        assert_string_equal(text,
                            "5452b839340f52e6f928f6719702907bec1242e65b8cf595a8e78e599422724e");
        sign.keynum[0] = 99;
    }
}

static void key_texts_come_back_as_the_same_keys(void **state) {
    struct gf_sign_key *a = new_sign(), *a2 = NULL;
    struct gf_seal_key *b = new_seal(), *b2 = NULL;
    struct gf_sign_public ap;
    struct gf_seal_public bp;
    struct gf_buf t;
    struct gf_err e;
    (void)state;
    gf_buf_init(&t, 4096);
    gf_key_sign_text(a, &t);
    assert_int_equal(gf_key_sign_parse(t.data, t.len, "k", &a2, &e), 0);
    assert_memory_equal(gf_key_sign_public(a), gf_key_sign_public(a2), sizeof(ap));
    gf_buf_clear(&t);
    gf_key_sign_public_text(gf_key_sign_public(a), &t);
    assert_int_equal(gf_key_sign_public_parse(t.data, t.len, "k", &ap, &e), 0);
    assert_memory_equal(gf_key_sign_public(a), &ap, sizeof(ap));
    gf_buf_clear(&t);
    gf_key_seal_text(b, 1700000000, &t);
    assert_non_null(strstr(t.data, "# created: 2023-11-14T22:13:20Z\n"));
    assert_int_equal(gf_key_seal_parse(t.data, t.len, "k", &b2, &e), 0);
    assert_memory_equal(gf_key_seal_public(b), gf_key_seal_public(b2), sizeof(bp));
    gf_buf_clear(&t);
    gf_key_seal_public_text(gf_key_seal_public(b), &t);
    assert_int_equal(gf_key_seal_public_parse(t.data, t.len, "k", &bp, &e), 0);
    assert_memory_equal(gf_key_seal_public(b), &bp, sizeof(bp));
    gf_buf_free(&t);
    gf_key_sign_free(a);
    gf_key_sign_free(a2);
    gf_key_seal_free(b);
    gf_key_seal_free(b2);
    gf_key_sign_free(NULL);
    gf_key_seal_free(NULL);
}

/* Many keys, since minisign writes a key's number without the zeros in front of it. */
static void minisign_reads_our_key_and_finds_our_public_file(void **state) {
    (void)state;
    tools_need("minisign");
    for (int i = 0; i < 64; i++) {
        struct gf_sign_key *k = new_sign();
        struct gf_buf t, theirs;
        gf_buf_init(&t, 4096);
        gf_key_sign_text(k, &t);
        tools_save("sign.key", t.data, t.len);
        gf_buf_clear(&t);
        gf_key_sign_public_text(gf_key_sign_public(k), &t);
        assert_true(tools_run("rm -f their.pub; minisign -R -s sign.key -p their.pub"));
        tools_load("their.pub", &theirs);
        assert_int_equal(theirs.len, t.len);
        assert_memory_equal(theirs.data, t.data, t.len);
        gf_buf_free(&theirs);
        gf_buf_free(&t);
        gf_key_sign_free(k);
    }
}

static void we_read_minisigns_keys_and_refuse_those_with_a_password(void **state) {
    struct gf_sign_key *k = NULL;
    struct gf_sign_public pub;
    struct gf_buf secret, public;
    struct gf_err e;
    (void)state;
    tools_need("minisign");
    assert_true(tools_run("minisign -G -W -f -s a.key -p a.pub"));
    tools_load("a.key", &secret);
    tools_load("a.pub", &public);
    assert_int_equal(gf_key_sign_parse(secret.data, secret.len, "a.key", &k, &e), 0);
    assert_int_equal(gf_key_sign_public_parse(public.data, public.len, "a.pub", &pub, &e), 0);
    assert_memory_equal(gf_key_sign_public(k), &pub, sizeof(pub));
    gf_buf_free(&secret);

    /* The remedy that the refusal names: put a password on, be refused, take it off. */
    assert_true(tools_run("printf 'pw\\npw\\n' | minisign -C -s a.key"));
    tools_load("a.key", &secret);
    assert_int_equal(sign_code(secret.data, secret.len, &e), GF_E_KEY);
    assert_non_null(strstr(e.text, "a password"));
    assert_non_null(strstr(e.text, "minisign -C -W -s"));
    gf_buf_free(&secret);
    assert_true(tools_run("printf 'pw\\n' | minisign -C -W -s a.key"));
    tools_load("a.key", &secret);
    gf_key_sign_free(k);
    assert_int_equal(gf_key_sign_parse(secret.data, secret.len, "a.key", &k, &e), 0);
    assert_memory_equal(gf_key_sign_public(k), &pub, sizeof(pub));
    gf_buf_free(&secret);
    gf_buf_free(&public);
    gf_key_sign_free(k);
}

static void age_keygen_reads_our_key_and_we_read_its(void **state) {
    struct gf_seal_key *k = new_seal();
    struct gf_seal_public pub;
    struct gf_buf t, theirs;
    struct gf_err e;
    (void)state;
    tools_need("age-keygen");
    gf_buf_init(&t, 4096);
    gf_key_seal_text(k, 0, &t);
    tools_save("seal.key", t.data, t.len);
    gf_buf_clear(&t);
    gf_key_seal_public_text(gf_key_seal_public(k), &t);
    assert_true(tools_run("age-keygen -y -o their.age.pub seal.key"));
    tools_load("their.age.pub", &theirs);
    assert_int_equal(theirs.len, t.len);
    assert_memory_equal(theirs.data, t.data, t.len);
    gf_buf_free(&theirs);
    gf_buf_free(&t);
    gf_key_seal_free(k);

    assert_true(tools_run("age-keygen -o b.key && age-keygen -y -o b.pub b.key"));
    tools_load("b.key", &t);
    tools_load("b.pub", &theirs);
    assert_int_equal(gf_key_seal_parse(t.data, t.len, "b.key", &k, &e), 0);
    assert_int_equal(gf_key_seal_public_parse(theirs.data, theirs.len, "b.pub", &pub, &e), 0);
    assert_memory_equal(gf_key_seal_public(k), &pub, sizeof(pub));
    gf_buf_free(&t);
    gf_buf_free(&theirs);
    gf_key_seal_free(k);
}

/* Our own secret key file with another second line. */
static void sign_file(const uint8_t b[158], struct gf_buf *out) {
    gf_buf_clear(out);
    gf_buf_text(out, "untrusted comment: minisign encrypted secret key\n");
    gf_text_base64(out, b, 158, 1);
    gf_buf_byte(out, '\n');
}

static void a_signing_key_with_any_byte_changed_is_refused(void **state) {
    struct gf_sign_key *k = new_sign();
    struct gf_buf t;
    struct gf_err e;
    uint8_t b[158];
    size_t got, comment = strlen("untrusted comment: minisign encrypted secret key\n");
    (void)state;
    gf_buf_init(&t, 4096);
    gf_key_sign_text(k, &t);
    assert_int_equal(gf_text_unbase64(t.data + comment, 212, 1, b, sizeof(b), &got), 0);
    for (size_t i = 0; i < sizeof(b); i++) {
        /* Salt and cost of a password that is not there mean nothing. */
        int ignored = i >= 6 && i < 54;
        b[i] ^= 1;
        sign_file(b, &t);
        assert_int_equal(sign_code(t.data, t.len, &e), ignored ? GF_OK : GF_E_KEY);
        b[i] ^= 1;
    }

    /* Without a checksum the public half still has to belong to the secret. */
    memset(b + 126, 0, 32);
    sign_file(b, &t);
    assert_int_equal(sign_code(t.data, t.len, &e), GF_OK);
    for (size_t i = 62; i < 126; i++) {
        b[i] ^= 0x40;
        sign_file(b, &t);
        assert_int_equal(sign_code(t.data, t.len, &e), GF_E_KEY);
        b[i] ^= 0x40;
    }
    gf_buf_free(&t);
    gf_key_sign_free(k);
}

/* Each way to spoil the frame of a file of lines: cut anywhere, CRLF, something behind it. */
static void spoil(const struct gf_buf *good, enum gf_code (*parse)(const char *, size_t)) {
    struct gf_buf t;
    gf_buf_init(&t, 4096);
    assert_int_equal(parse(good->data, good->len), GF_OK);
    for (size_t n = 0; n < good->len; n++)
        assert_int_equal(parse(good->data, n), GF_E_KEY);
    for (size_t i = 0; i < good->len; i++) {
        if (good->data[i] == '\n')
            gf_buf_byte(&t, '\r');
        gf_buf_byte(&t, good->data[i]);
    }
    assert_int_equal(parse(t.data, t.len), GF_E_KEY);
    gf_buf_clear(&t);
    gf_buf_add(&t, good->data, good->len);
    gf_buf_add(&t, good->data, good->len);
    assert_int_equal(parse(t.data, t.len), GF_E_KEY);
    gf_buf_clear(&t);
    gf_buf_add(&t, good->data, good->len);
    gf_buf_byte(&t, '\n');
    assert_int_equal(parse(t.data, t.len), GF_E_KEY);
    gf_buf_clear(&t);
    gf_buf_add(&t, good->data, good->len);
    gf_buf_byte(&t, '\0');
    assert_int_equal(parse(t.data, t.len), GF_E_KEY);
    gf_buf_free(&t);
}

static enum gf_code sign_code_alone(const char *text, size_t len) {
    struct gf_err e;
    return sign_code(text, len, &e);
}

static void cut_files_crlf_and_anything_behind_are_refused_in_all_four_kinds(void **state) {
    struct gf_sign_key *a = new_sign();
    struct gf_seal_key *b = new_seal();
    struct gf_buf t;
    (void)state;
    gf_buf_init(&t, 4096);
    gf_key_sign_text(a, &t);
    spoil(&t, sign_code_alone);
    gf_buf_clear(&t);
    gf_key_sign_public_text(gf_key_sign_public(a), &t);
    spoil(&t, sign_public_code);
    gf_buf_clear(&t);
    gf_key_seal_text(b, 0, &t);
    spoil(&t, seal_code);
    gf_buf_clear(&t);
    gf_key_seal_public_text(gf_key_seal_public(b), &t);
    spoil(&t, seal_public_code);
    gf_buf_free(&t);
    gf_key_sign_free(a);
    gf_key_seal_free(b);
}

static void a_sealing_key_file_holds_one_identity_and_any_comments(void **state) {
    static const char one[] =
        "AGE-SECRET-KEY-1HCYY9UZKM2TS67YRVE72EQK0T0FG5MAYJA0CMRCMHUQACZZWHDYS9PFK7C\n";
    static const char two[] =
        "AGE-SECRET-KEY-1ZD9NNPRC7CYYMGFZU0Y0U47M24EQ33MD9G3KQSHZ9HH7NSAFEFHQRXN6MQ\n";
    char text[512];
    (void)state;
#define CODE_OF(...) (snprintf(text, sizeof(text), __VA_ARGS__), seal_code(text, strlen(text)))
    assert_int_equal(CODE_OF("%s", one), GF_OK);
    assert_int_equal(CODE_OF("# mine\n#\n%s# the end\n", one), GF_OK);
    assert_int_equal(CODE_OF("%s%s", one, one), GF_E_KEY);
    assert_int_equal(CODE_OF("# mine\n"), GF_E_KEY);
    assert_int_equal(CODE_OF("\n%s", one), GF_E_KEY);
    assert_int_equal(CODE_OF(" %s", one), GF_E_KEY);
    assert_int_equal(CODE_OF("# \033[2J\n%s", one), GF_E_KEY);
    assert_int_equal(CODE_OF("age1%s", one), GF_E_KEY);
    assert_int_equal(CODE_OF("%s%s", two, one), GF_E_KEY);
    assert_int_equal(CODE_OF("# public key: age1r85t4p55rawf926e8duxs5wr6vzadu2dmp03kjftwc4wl9gz0c"
                             "us3s9sfd\n%s",
                             two),
                     GF_OK);
    assert_int_equal(CODE_OF("# public key: age1r85t4p55rawf926e8duxs5wr6vzadu2dmp03kjftwc4wl9gz0c"
                             "us3s9sfd\n%s",
                             one),
                     GF_E_KEY);
#undef CODE_OF
}

static void one_line_forms_have_one_spelling(void **state) {
    struct gf_sign_key *a = new_sign();
    struct gf_seal_key *b = new_seal();
    struct gf_sign_public ap;
    struct gf_seal_public bp;
    char s[GF_SIGN_PUBLIC_TEXT], l[GF_SEAL_PUBLIC_TEXT];
    (void)state;
    gf_key_sign_public_line(gf_key_sign_public(a), s);
    gf_key_seal_public_line(gf_key_seal_public(b), l);
    assert_int_equal(strlen(s), GF_SIGN_PUBLIC_TEXT - 1);
    assert_int_equal(strlen(l), GF_SEAL_PUBLIC_TEXT - 1);
    assert_int_equal(gf_key_sign_public_unline(s, strlen(s), &ap), 0);
    assert_memory_equal(&ap, gf_key_sign_public(a), sizeof(ap));
    assert_int_equal(gf_key_seal_public_unline(l, strlen(l), &bp), 0);
    assert_memory_equal(&bp, gf_key_seal_public(b), sizeof(bp));
    assert_int_equal(gf_key_sign_public_unline(s, strlen(s) - 1, &ap), -1);
    assert_int_equal(gf_key_seal_public_unline(l, strlen(l) - 1, &bp), -1);
    s[0] = 'S'; /* another algorithm */
    assert_int_equal(gf_key_sign_public_unline(s, strlen(s), &ap), -1);
    l[0] = 'A';
    assert_int_equal(gf_key_seal_public_unline(l, strlen(l), &bp), -1);
    gf_key_sign_free(a);
    gf_key_seal_free(b);
}

static void sealing_keys_of_low_order_or_with_a_second_spelling_are_refused(void **state) {
    /* Little-endian u: 0, 1, p - 1, the two of order 8, p, p + 1; then 9 + 2^255 and 9 + p. */
    static const char *const bad[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0900000000000000000000000000000000000000000000000000000000000080",
        "f6ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    };
    struct gf_seal_public k, out;
    char line[GF_SEAL_PUBLIC_TEXT];
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(gf_text_unhex(bad[i], 64, k.pk, 32), 0);
        gf_key_seal_public_line(&k, line);
        assert_int_equal(gf_key_seal_public_unline(line, strlen(line), &out), -1);
    }
    assert_int_equal(gf_text_unhex("09", 2, k.pk, 1), 0);
    memset(k.pk + 1, 0, 31);
    gf_key_seal_public_line(&k, line);
    assert_int_equal(gf_key_seal_public_unline(line, strlen(line), &out), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_identity_is_the_known_digest_of_both_keys_alone),
        cmocka_unit_test(key_texts_come_back_as_the_same_keys),
        cmocka_unit_test(minisign_reads_our_key_and_finds_our_public_file),
        cmocka_unit_test(we_read_minisigns_keys_and_refuse_those_with_a_password),
        cmocka_unit_test(age_keygen_reads_our_key_and_we_read_its),
        cmocka_unit_test(a_signing_key_with_any_byte_changed_is_refused),
        cmocka_unit_test(cut_files_crlf_and_anything_behind_are_refused_in_all_four_kinds),
        cmocka_unit_test(a_sealing_key_file_holds_one_identity_and_any_comments),
        cmocka_unit_test(one_line_forms_have_one_spelling),
        cmocka_unit_test(sealing_keys_of_low_order_or_with_a_second_spelling_are_refused),
    };
    return cmocka_run_group_tests(tests, tools_begin, tools_end);
}
