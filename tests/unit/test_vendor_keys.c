/*
 * test_vendor_keys.c -- common/vendor_keys: which files of [vendor "NAME"] are keys, and what is
 * said of those that are none.
 */
#include "unit/file_tools.h"

#include "common/vendor_keys.h"
#include "gapferry/digest.h"

static const struct config_key keys[] = {
    VENDOR_KEYS_LICENSE,
    VENDOR_KEYS_UPDATE,
    VENDOR_KEYS_CARD,
    {NULL, 0, NULL, NULL, NULL},
};

static struct config *config;
static struct vendor_key *list;
static size_t n;
static struct gf_err e;
static struct gf_sign_public acme;

/* Each @ of the text is the directory. */
static void configure(const char *pattern) {
    char path[600], text[4096] = "";

    for (const char *at = pattern; *at; at++) {
        size_t len = strlen(text);
        (void)snprintf(text + len, sizeof text - len, "%.*s", *at == '@' ? (int)sizeof root : 1,
                       *at == '@' ? root : at);
    }
    config_free(config);
    config = NULL;
    (void)unlinkat(dir, "a.conf", 0);
    (void)snprintf(path, sizeof path, "%s/a.conf", root);
    put("a.conf", text);
    if (config_load(path, keys, &config, &e) == -1)
        fail_msg("%s", e.text);
}

static void load(unsigned offered) {
    free(list);
    if (vendor_keys_load(config, offered, &list, &n, &e) == -1)
        fail_msg("%s", e.text);
}

static int begin(void **state) {
    struct gf_sign_key *k = NULL;
    struct gf_buf text;

    if (gf_digest_start(&e) == -1 || set_up(state) == -1 || gf_key_sign_new(&k, &e) == -1)
        return -1;
    acme = *gf_key_sign_public(k);
    gf_buf_init(&text, 4096);
    gf_key_sign_public_text(&acme, &text);
    put("acme.pub", text.data);
    text.len = 0;
    gf_key_sign_text(k, &text);
    put("acme.key", text.data);
    gf_buf_free(&text);
    gf_key_sign_free(k);
    return 0;
}

static int end(void **state) {
    free(list);
    config_free(config);
    list = NULL;
    config = NULL;
    return tear_down(state);
}

static void each_line_is_a_key_with_its_vendor_duty_and_place(void **state) {
    (void)state;
    configure("[vendor \"acme\"]\nlicense = @/acme.pub\ncard = @/acme.pub\n"
              "[vendor \"b.c\"]\nupdate = @/acme.pub\n");
    assert_int_equal(vendor_keys_check(config, VENDOR_KEYS_ALL, &e), 0);
    load(VENDOR_KEYS_ALL);
    assert_int_equal(n, 3);
    for (size_t i = 0; i < n; i++) {
        assert_true(list[i].usable);
        assert_memory_equal(&list[i].key, &acme, sizeof acme);
    }
    assert_string_equal(list[0].vendor, "acme");
    assert_int_equal(list[0].duty, VENDOR_LICENSE);
    assert_non_null(strstr(list[0].origin, "/a.conf:2"));
    assert_int_equal(list[1].duty, VENDOR_CARD);
    assert_non_null(strstr(list[1].origin, "/a.conf:3"));
    assert_string_equal(list[2].vendor, "b.c");
    assert_int_equal(list[2].duty, VENDOR_UPDATE);
}

static void a_duty_that_the_program_does_not_offer_is_not_read(void **state) {
    (void)state;
    configure("[vendor \"acme\"]\nlicense = @/acme.pub\ncard = @/acme.pub\n");
    load(1u << VENDOR_CARD);
    assert_int_equal(n, 1);
    assert_int_equal(list[0].duty, VENDOR_CARD);
}

static void a_key_that_cannot_be_used_does_not_hold_up_the_others(void **state) {
    (void)state;
    configure("[vendor \"a\"]\nlicense = @/missing.pub\nupdate = @/acme.pub\n");
    load(VENDOR_KEYS_ALL);
    assert_int_equal(n, 2);
    assert_false(list[0].usable);
    assert_int_equal(list[0].why.code, GF_E_CONFIG);
    assert_true(list[1].usable);
}

/* The text is refused with these words, and with file and line. */
static void assert_refused(const char *text, const char *words) {
    configure(text);
    assert_int_equal(vendor_keys_check(config, VENDOR_KEYS_ALL, &e), -1);
    assert_int_equal(e.code, GF_E_CONFIG);
    if (!strstr(e.text, words))
        fail_msg("\"%s\" does not say \"%s\"", e.text, words);
}

static void what_is_no_public_key_is_told_with_its_place(void **state) {
    (void)state;
    assert_refused("[vendor \"a\"]\ncard = @/missing.pub\n", "/a.conf:2: [vendor \"a\"] card = ");
    assert_refused("[vendor \"a\"]\ncard = @/missing.pub\n", "No such file");
    assert_refused("[vendor \"a\"]\ncard = @/acme.key\n", "not a minisign key file of this kind");
    assert_refused("[vendor \"a\"]\ncard = @\n", "not a regular file");
    assert_refused("[vendor \"a\"]\ncard = acme.pub\n", "must be an absolute path");
    assert_refused("[vendor \"Acme Inc\"]\ncard = @/acme.pub\n", "a vendor's name");
    assert_refused("[vendor \"a\"]\n", "names no key file");
    put("empty.pub", "");
    assert_refused("[vendor \"a\"]\ncard = @/empty.pub\n", "not a minisign key file");
}

static void a_key_file_that_everybody_may_write_is_refused(void **state) {
    (void)state;
    assert_int_equal(fchmodat(dir, "acme.pub", 0666, 0), 0);
    assert_refused("[vendor \"a\"]\ncard = @/acme.pub\n", "everybody may write it");
}

#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void) {
    const struct CMUnitTest tests[] = {
        T(each_line_is_a_key_with_its_vendor_duty_and_place),
        T(a_duty_that_the_program_does_not_offer_is_not_read),
        T(a_key_that_cannot_be_used_does_not_hold_up_the_others),
        T(what_is_no_public_key_is_told_with_its_place),
        T(a_key_file_that_everybody_may_write_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
