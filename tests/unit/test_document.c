/*
 * test_document.c -- signed documents, ours and those of minisign and cat.
 */
#include "crypto_tools.h"

#include "gapferry/document.h"

#define FORMAT "gapferry-test/1"
#define JSON   "{\"format\":\"" FORMAT "\",\"n\":1}\n"

static struct gf_sign_key *new_key(void) {
    struct gf_sign_key *k = NULL;
    struct gf_err e;

    assert_int_equal(gf_key_sign_new(&k, &e), 0);
    return k;
}

static enum gf_code split_code(const char *text, size_t len, size_t json_max) {
    struct gf_document d;
    struct gf_err e;

    if (gf_document_split(text, len, json_max, "x.json", &d, &e) == 0)
        return GF_OK;
    assert_non_null(strstr(e.text, "x.json"));
    return e.code;
}

/* JSON and one signature for each key. */
static void make(struct gf_buf *b, const char *json, const struct gf_sign_key *const *keys,
                 size_t n) {
    struct gf_err e;

    gf_buf_init(b, 65536);
    gf_buf_text(b, json);
    for (size_t i = 0; i < n; i++)
        if (gf_document_sign(keys[i], json, strlen(json), FORMAT, b, &e) == -1)
            fail_msg("%s", e.text);
}

static void each_signer_of_a_document_verifies(void **state) {
    struct gf_sign_key *k[4] = {new_key(), new_key(), new_key(), new_key()};
    struct gf_document d;
    struct gf_err e;
    struct gf_buf b;
    size_t which = 99;
    (void)state;

    for (size_t n = 1; n <= GF_DOCUMENT_SIGS_MAX; n++) {
        make(&b, JSON, (const struct gf_sign_key *const *)k, n);
        assert_int_equal(gf_document_split(b.data, b.len, GF_DOCUMENT_MAX, "x", &d, &e), 0);
        assert_int_equal(d.nsigs, n);
        assert_int_equal(d.json_len, strlen(JSON));
        assert_memory_equal(d.json, JSON, d.json_len);
        assert_memory_equal(d.sigs[0].trusted, FORMAT, strlen(FORMAT));
        for (size_t i = 0; i < n; i++) {
            assert_int_equal(gf_document_verify(&d, gf_key_sign_public(k[i]), &which, &e), 0);
            assert_int_equal(which, i);
        }
        assert_int_equal(gf_document_verify(&d, gf_key_sign_public(k[3]), NULL, &e), -1);
        assert_int_equal(e.code, GF_E_SIGNATURE);
        gf_buf_free(&b);
    }
    make(&b, JSON, (const struct gf_sign_key *const *)k, 4);
    assert_int_equal(split_code(b.data, b.len, GF_DOCUMENT_MAX), GF_E_DOCUMENT);
    gf_buf_free(&b);
    for (size_t i = 0; i < 4; i++)
        gf_key_sign_free(k[i]);
}

static void a_changed_byte_of_the_json_breaks_the_signature(void **state) {
    struct gf_sign_key *k = new_key();
    const struct gf_sign_key *keys[] = {k};
    struct gf_document d;
    struct gf_err e;
    struct gf_buf b;
    (void)state;

    make(&b, JSON, keys, 1);
    for (size_t i = 0; i < strlen(JSON); i++) {
        b.data[i] ^= 1;
        if (gf_document_split(b.data, b.len, GF_DOCUMENT_MAX, "x", &d, &e) == 0) {
            assert_int_equal(gf_document_verify(&d, gf_key_sign_public(k), NULL, &e), -1);
            assert_int_equal(e.code, GF_E_SIGNATURE);
        }
        b.data[i] ^= 1;
    }
    gf_buf_free(&b);
    gf_key_sign_free(k);
}

static void only_json_then_whole_signatures_are_a_document(void **state) {
    struct gf_sign_key *k = new_key();
    const struct gf_sign_key *keys[] = {k};
    struct gf_buf b;
    size_t json = strlen(JSON);
    (void)state;

    make(&b, JSON, keys, 1);
    assert_int_equal(split_code(b.data, b.len, json), GF_OK);
    assert_int_equal(split_code(b.data, b.len, json - 1), GF_E_LIMIT);
    assert_int_equal(split_code(b.data, json, GF_DOCUMENT_MAX), GF_E_DOCUMENT);
    assert_int_equal(split_code(b.data, 0, GF_DOCUMENT_MAX), GF_E_DOCUMENT);
    assert_int_equal(split_code("\n", 1, GF_DOCUMENT_MAX), GF_E_DOCUMENT);
    assert_int_equal(split_code(b.data + json, b.len - json, GF_DOCUMENT_MAX), GF_E_DOCUMENT);
    for (size_t n = json + 1; n < b.len; n++)
        assert_int_not_equal(split_code(b.data, n, GF_DOCUMENT_MAX), GF_OK);

    /* Anything behind it. */
    gf_buf_byte(&b, '\n');
    assert_int_equal(split_code(b.data, b.len, GF_DOCUMENT_MAX), GF_E_MINISIG);
    gf_buf_free(&b);

    /* A JSON without its LF joins the signature's first line, which then is not found. */
    gf_buf_init(&b, 4096);
    gf_buf_text(&b, "{}untrusted comment: a\n");
    assert_int_equal(split_code(b.data, b.len, GF_DOCUMENT_MAX), GF_E_DOCUMENT);
    gf_buf_free(&b);
    gf_key_sign_free(k);
}

static void the_json_is_not_looked_into(void **state) {
    struct gf_sign_key *k = new_key();
    struct gf_document d;
    struct gf_err e;
    struct gf_buf b;
    (void)state;

    gf_buf_init(&b, 4096);
    gf_buf_add(&b, "\0\xff}{\r\n", 6);
    assert_int_equal(gf_minisig_sign(k, b.data, b.len, "u", "t", &b, &e), 0);
    assert_int_equal(gf_document_split(b.data, b.len, 6, "x", &d, &e), 0);
    assert_int_equal(d.json_len, 6);
    assert_int_equal(gf_document_verify(&d, gf_key_sign_public(k), NULL, &e), 0);
    gf_buf_free(&b);
    gf_key_sign_free(k);
}

static void our_keys_sign_nothing_but_json_of_the_named_format(void **state) {
    static const char *const refused[] = {
        "",
        "\n",
        "{\"format\":\"" FORMAT "\"}", /* no LF */
        "{\"format\":\"gapferry-other/1\"}\n",
        "{\"format\":1}\n",
        "{\"a\":1}\n",
        "[\"" FORMAT "\"]\n",
        "{\"format\":\"" FORMAT "\",\"format\":\"" FORMAT "\"}\n",
        "{\"x\":{\"format\":\"" FORMAT "\"}}\n",
        "{\"format\":\"" FORMAT "\"}\nuntrusted comment: x\n",
        FORMAT "\n",
    };
    struct gf_sign_key *k = new_key();
    struct gf_err e;
    struct gf_buf b;
    char *large = malloc(GF_DOCUMENT_MAX + 1);
    (void)state;

    gf_buf_init(&b, 4096);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        assert_int_equal(gf_document_sign(k, refused[i], strlen(refused[i]), FORMAT, &b, &e), -1);
        assert_int_equal(e.code, GF_E_BUG);
        assert_int_equal(b.len, 0);
    }
    assert_non_null(large);
    memset(large, ' ', GF_DOCUMENT_MAX + 1);
    memcpy(large, JSON, strlen(JSON) - 1);
    large[GF_DOCUMENT_MAX] = '\n';
    assert_int_equal(gf_document_sign(k, large, GF_DOCUMENT_MAX + 1, FORMAT, &b, &e), -1);
    assert_int_equal(e.code, GF_E_LIMIT);
    free(large);
    gf_buf_free(&b);
    gf_key_sign_free(k);
}

static void cat_and_minisign_make_a_document(void **state) {
    struct gf_sign_public key;
    struct gf_document d;
    struct gf_err e;
    struct gf_buf pub, doc;
    (void)state;

    tools_need("minisign");
    tools_save("x.json", JSON, strlen(JSON));
    assert_true(tools_run("minisign -G -W -p a.pub -s a.key && minisign -G -W -p b.pub -s b.key"));
    assert_true(tools_run("minisign -S -s b.key -m x.json -t other && mv x.json.minisig second"));
    assert_true(tools_run("minisign -S -s a.key -m x.json -t 'a licence'"));
    assert_true(tools_run("cat x.json x.json.minisig second > x.doc"));

    tools_load("x.doc", &doc);
    tools_load("a.pub", &pub);
    assert_int_equal(gf_key_sign_public_parse(pub.data, pub.len, "a.pub", &key, &e), 0);
    assert_int_equal(gf_document_split(doc.data, doc.len, GF_DOCUMENT_MAX, "x.doc", &d, &e), 0);
    assert_int_equal(d.nsigs, 2);
    assert_int_equal(gf_document_verify(&d, &key, NULL, &e), 0);
    gf_buf_free(&pub);
    gf_buf_free(&doc);
}

static void minisign_accepts_a_document_of_ours(void **state) {
    struct gf_sign_key *k = new_key();
    const struct gf_sign_key *keys[] = {k};
    struct gf_buf doc, pub;
    (void)state;

    tools_need("minisign");
    make(&doc, JSON, keys, 1);
    gf_buf_init(&pub, 4096);
    gf_key_sign_public_text(gf_key_sign_public(k), &pub);
    tools_save("our.pub", pub.data, pub.len);
    tools_save("our.json", doc.data, strlen(JSON));
    tools_save("our.json.minisig", doc.data + strlen(JSON), doc.len - strlen(JSON));
    assert_true(tools_run("minisign -V -p our.pub -m our.json && grep -q '^Trusted comment: " FORMAT
                          "$' said"));
    gf_buf_free(&doc);
    gf_buf_free(&pub);
    gf_key_sign_free(k);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_signer_of_a_document_verifies),
        cmocka_unit_test(a_changed_byte_of_the_json_breaks_the_signature),
        cmocka_unit_test(only_json_then_whole_signatures_are_a_document),
        cmocka_unit_test(the_json_is_not_looked_into),
        cmocka_unit_test(our_keys_sign_nothing_but_json_of_the_named_format),
        cmocka_unit_test(cat_and_minisign_make_a_document),
        cmocka_unit_test(minisign_accepts_a_document_of_ours),
    };

    return cmocka_run_group_tests(tests, tools_begin, tools_end);
}
