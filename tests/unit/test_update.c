/*
 * test_update.c -- update manifests: what is believed of one, and when bytes are an artifact.
 */
#include "crypto_tools.h"

#include <fcntl.h>
#include <unistd.h>

#include "common/signed.h"
#include "common/update.h"
#include "gapferry/file.h"
#include "gapferry/minisig.h"

static struct gf_sign_key *vendor, *stranger;

static int begin(void **state) {
    struct gf_err e;

    return tools_begin(state) != 0 || gf_key_sign_new(&vendor, &e) != 0 ||
                   gf_key_sign_new(&stranger, &e) != 0
               ? -1
               : 0;
}

static int end(void **state) {
    gf_key_sign_free(vendor);
    gf_key_sign_free(stranger);
    return tools_end(state);
}

/* Parse JSON that the vendor has signed. */
static int parse(const char *json, struct update *u, struct gf_err *e) {
    struct gf_buf b;

    gf_buf_init(&b, 1 << 20);
    gf_buf_printf(&b, "%s\n", json);
    size_t n = b.len;
    assert_int_equal(gf_minisig_sign(vendor, b.data, n, "u", "t", &b, e), 0);
    int rc = update_parse(b.data, b.len, gf_key_sign_public(vendor), u, e);
    gf_buf_free(&b);
    return rc;
}

static void assert_refused(const char *json, enum gf_code code, const char *text) {
    struct update u;
    struct gf_err e = {.code = GF_OK};

    if (parse(json, &u, &e) != -1)
        fail_msg("taken: %s", json);
    if (e.code != code || !strstr(e.text, text))
        fail_msg("%s: %s: %s", json, gf_err_name(e.code), e.text);
}

#define HEX64 "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define HEAD(product, version, serial, issued, expires)                                            \
    "{\"format\":\"gapferry-update/1\",\"product\":\"" product "\",\"channel\":\"stable\","        \
    "\"platform\":\"any\",\"version\":\"" version "\",\"serial\":" serial ",\"issued\":\"" issued  \
    "\",\"expires\":\"" expires "\""
#define GOOD HEAD("demo", "1.3.0", "7", "2026-01-02T03:04:05Z", "2027-01-02T03:04:05Z")
#define ARTIFACT(name, size)                                                                       \
    "{\"name\":\"" name "\",\"size\":" size ",\"sha256\":\"" HEX64 "\",\"blake2b\":\"" HEX64 "\"}"

static void everything_a_manifest_says_is_read(void **state) {
    struct update u;
    struct gf_err e;

    (void)state;
    assert_int_equal(parse(GOOD
                           ",\"artifacts\":[" ARTIFACT("demo-1.3.0.tar.zst", "123") "," ARTIFACT(
                               "NOTES", "0") "],\"ext\":{\"notes\":\"x\"}}",
                           &u, &e),
                     0);
    assert_string_equal(u.product, "demo");
    assert_string_equal(u.channel, "stable");
    assert_string_equal(u.platform, "any");
    assert_string_equal(u.version, "1.3.0");
    assert_int_equal(u.serial, 7);
    assert_int_equal(u.issued, 1767323045);
    assert_int_equal(u.expires, 1767323045 + 365 * 86400);
    assert_int_equal(u.nartifacts, 2);
    assert_int_equal(u.artifacts[0].size, 123);
    assert_int_equal(u.artifacts[1].sha256.b[31], 0xff);
    assert_ptr_equal(update_find(&u, "NOTES"), &u.artifacts[1]);
    assert_null(update_find(&u, "notes"));
    update_free(&u);
}

static void a_manifest_that_breaks_a_rule_is_refused_with_words(void **state) {
    static const char *const names[] = {
        "../x", "/etc/passwd", "a/b", "a\\\\b", ".hidden", "-rf",
        "a b",  "http://x",    "a:b", "",       "a\\n",    "caf\\u00e9",
    };
    char json[2048];

    (void)state;
    assert_refused("{}", GF_E_UPDATE, "\"format\" is missing");
    assert_refused("{\"format\":\"gapferry-update/2\"}", GF_E_VERSION, "newer version");
    assert_refused("{\"format\":\"gapferry-license/1\"}", GF_E_UPDATE, "format must be");
    assert_refused(GOOD "}", GF_E_UPDATE, "\"artifacts\" is missing");
    assert_refused(GOOD ",\"artifacts\":[],\"url\":\"x\"}", GF_E_UPDATE, "\"url\" is no member");
    assert_refused(GOOD ",\"artifacts\":[{}]}", GF_E_UPDATE, "\"name\" is missing");
    assert_refused(GOOD ",\"artifacts\":[" ARTIFACT("a", "-1") "]}", GF_E_UPDATE, "\"size\"");
    assert_refused(GOOD ",\"artifacts\":[" ARTIFACT("a", "1099511627777") "]}", GF_E_UPDATE,
                   "\"size\"");
    assert_refused(GOOD ",\"artifacts\":[" ARTIFACT("a", "1e3") "]}", GF_E_JSON, "");
    assert_refused(GOOD ",\"artifacts\":[" ARTIFACT("a", "1") "," ARTIFACT("A", "1") "]}",
                   GF_E_UPDATE, "differ in case only");
    assert_refused(
        HEAD("Demo", "1", "1", "2026-01-02T03:04:05Z", "2027-01-02T03:04:05Z") ",\"artifacts\":[]}",
        GF_E_UPDATE, "\"product\" must be");
    assert_refused(HEAD("demo", "1 2", "1", "2026-01-02T03:04:05Z",
                        "2027-01-02T03:04:05Z") ",\"artifacts\":[]}",
                   GF_E_UPDATE, "\"version\" must be");
    assert_refused(
        HEAD("demo", "1", "0", "2026-01-02T03:04:05Z", "2027-01-02T03:04:05Z") ",\"artifacts\":[]}",
        GF_E_UPDATE, "\"serial\"");
    assert_refused(
        HEAD("demo", "1", "1", "2027-01-02T03:04:05Z", "2026-01-02T03:04:05Z") ",\"artifacts\":[]}",
        GF_E_UPDATE, "expires is not after issued");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        (void)snprintf(json, sizeof json,
                       GOOD ",\"artifacts\":[{\"name\":\"%s\",\"size\":1,\"sha256\":\"" HEX64
                            "\",\"blake2b\":\"" HEX64 "\"}]}",
                       names[i]);
        assert_refused(json, GF_E_UPDATE, "\"name\"");
    }
}

static void what_no_vendor_has_signed_is_not_parsed(void **state) {
    struct gf_buf b;
    struct update u;
    struct gf_err e;

    (void)state;
    gf_buf_init(&b, 1 << 20);
    gf_buf_text(&b, "this is no JSON\n");
    size_t n = b.len;
    assert_int_equal(gf_minisig_sign(stranger, b.data, n, "u", "t", &b, &e), 0);
    assert_int_equal(update_parse(b.data, b.len, gf_key_sign_public(vendor), &u, &e), -1);
    assert_int_equal(e.code, GF_E_SIGNATURE);
    gf_buf_free(&b);
}

static void another_signature_does_not_make_another_manifest(void **state) {
    const char json[] = "{}\n";
    struct gf_buf a, b;
    struct gf_err e;

    (void)state;
    gf_buf_init(&a, 1 << 20);
    gf_buf_init(&b, 1 << 20);
    gf_buf_text(&a, json);
    gf_buf_text(&b, json);
    assert_int_equal(gf_minisig_sign(vendor, json, 3, "u", "t", &a, &e), 0);
    assert_int_equal(gf_minisig_sign(stranger, json, 3, "u", "other", &b, &e), 0);
    assert_int_equal(update_same(a.data, a.len, b.data, b.len), 1);
    b.data[1] = ' ';
    assert_int_equal(update_same(a.data, a.len, b.data, b.len), 0);
    gf_buf_free(&a);
    gf_buf_free(&b);
}

/* ---- artifacts ---- */

enum { SIZE = 600001 };
static uint8_t bytes[SIZE + 1];

static struct update_artifact artifact_of(size_t len) {
    struct update_artifact a = {.name = "a", .size = (int64_t)len};
    struct gf_digest_sha256 s;

    gf_digest_sha256_begin(&s);
    gf_digest_sha256_add(&s, bytes, len);
    gf_digest_sha256_end(&s, &a.sha256);
    gf_digest_256(bytes, len, &a.blake2b);
    return a;
}

static int check(const struct update_artifact *a, const char *file, int out, struct gf_err *e) {
    int fd = open(file, O_RDONLY | O_CLOEXEC);

    assert_int_not_equal(fd, -1);
    int rc = update_check(a, fd, out, file, e);
    (void)close(fd);
    return rc;
}

static int join(const char *path, const char *text, size_t len, struct gf_buf *b,
                struct gf_err *e) {
    gf_buf_init(b, 100);
    gf_buf_add(b, text, len);
    return signed_join(AT_FDCWD, path, 100, b, e);
}

static void save(const char *path, const char *text) {
    struct gf_err e;

    assert_int_equal(gf_file_save(AT_FDCWD, path, text, strlen(text), 0600, &e), 0);
}

static void a_signature_that_lies_beside_a_document_is_joined_to_it(void **state) {
    static const char has[] = "{\0}\nuntrusted comment: x\n";
    char large[100];
    struct gf_buf b;
    struct gf_err e;

    (void)state;
    assert_int_equal(join("j.json", "{}\n", 3, &b, &e), 0);
    assert_int_equal(b.len, 3);
    gf_buf_free(&b);
    save("j.json.minisig", "untrusted comment: y\n");
    assert_int_equal(join("j.json", "{}\n", 3, &b, &e), 1);
    assert_string_equal(b.data, "{}\nuntrusted comment: y\n");
    gf_buf_free(&b);
    /* One that it has is found behind any byte. */
    assert_int_equal(join("j.json", has, sizeof has - 1, &b, &e), 1);
    assert_int_equal(b.len, sizeof has - 1);
    gf_buf_free(&b);
    /* What is there and cannot be taken is told. */
    memset(large, 'x', sizeof large - 1);
    large[sizeof large - 1] = '\0';
    save("j.json.minisig", large);
    assert_int_equal(join("j.json", "{}\n", 3, &b, &e), -1);
    assert_int_equal(e.code, GF_E_LIMIT);
    gf_buf_free(&b);
    assert_int_equal(symlink("j.json.minisig", "k.json.minisig"), 0);
    assert_int_equal(join("k.json", "{}\n", 3, &b, &e), -1);
    assert_int_equal(e.code, GF_E_NOINPUT);
    assert_non_null(strstr(e.text, "k.json.minisig"));
    gf_buf_free(&b);
}

static void bytes_are_an_artifact_only_by_size_and_both_digests(void **state) {
    struct update_artifact a, wrong;
    struct gf_err e;

    (void)state;
    tools_fill(bytes, sizeof bytes);
    tools_save("right", bytes, SIZE);
    tools_save("longer", bytes, SIZE + 1);
    tools_save("shorter", bytes, SIZE - 1);
    bytes[SIZE / 2] ^= 1;
    tools_save("changed", bytes, SIZE);
    bytes[SIZE / 2] ^= 1;
    a = artifact_of(SIZE);
    int out = open("copy", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_int_equal(check(&a, "right", out, &e), 0);
    assert_int_equal(lseek(out, 0, SEEK_END), SIZE);
    (void)close(out);
    assert_int_equal(check(&a, "copy", -1, &e), 0);
    assert_int_equal(check(&a, "changed", -1, &e), -1);
    assert_non_null(strstr(e.text, "SHA-256"));
    assert_int_equal(check(&a, "shorter", -1, &e), -1);
    assert_non_null(strstr(e.text, "shorter"));
    /* Either digest alone is not enough. */
    wrong = a;
    wrong.sha256.b[0] ^= 1;
    assert_int_equal(check(&wrong, "right", -1, &e), -1);
    wrong = a;
    wrong.blake2b.b[0] ^= 1;
    assert_int_equal(check(&wrong, "right", -1, &e), -1);
    assert_int_equal(e.code, GF_E_UPDATE);
}

/* Nothing of it may be read or copied. */
static void what_is_longer_than_said_is_not_read_at_all(void **state) {
    struct update_artifact a;
    struct gf_err e;

    (void)state;
    a = artifact_of(SIZE);
    int out = open("nothing", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_int_equal(check(&a, "longer", out, &e), -1);
    assert_non_null(strstr(e.text, "longer than the 600001 bytes"));
    assert_int_equal(lseek(out, 0, SEEK_END), 0);
    (void)close(out);
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(update_check(&a, fds[0], -1, "pipe", &e), -1);
    assert_non_null(strstr(e.text, "no regular file"));
    (void)close(fds[0]);
    (void)close(fds[1]);
}

static void parts_in_a_row_are_the_whole(void **state) {
    struct update_artifact a = artifact_of(SIZE);
    struct update_sum s;
    struct gf_err e;

    (void)state;
    tools_save("one", bytes, 400000);
    tools_save("two", bytes + 400000, SIZE - 400000);
    int one = open("one", O_RDONLY), two = open("two", O_RDONLY);
    update_sum_begin(&s, &a, "a");
    assert_int_equal(update_sum_add(&s, one, -1, &e), 0);
    assert_int_equal(update_sum_add(&s, two, -1, &e), 0);
    assert_int_equal(update_sum_end(&s, &e), 0);
    update_sum_begin(&s, &a, "a");
    assert_int_equal(update_sum_add(&s, two, -1, &e), 0);
    assert_int_equal(update_sum_add(&s, one, -1, &e), 0);
    assert_int_equal(update_sum_end(&s, &e), -1);
    update_sum_begin(&s, &a, "a");
    assert_int_equal(update_sum_add(&s, one, -1, &e), 0);
    assert_int_equal(update_sum_end(&s, &e), -1);
    assert_int_equal(update_sum_add(&s, one, -1, &e), -1);
    (void)close(one);
    (void)close(two);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_a_manifest_says_is_read),
        cmocka_unit_test(a_manifest_that_breaks_a_rule_is_refused_with_words),
        cmocka_unit_test(what_no_vendor_has_signed_is_not_parsed),
        cmocka_unit_test(another_signature_does_not_make_another_manifest),
        cmocka_unit_test(a_signature_that_lies_beside_a_document_is_joined_to_it),
        cmocka_unit_test(bytes_are_an_artifact_only_by_size_and_both_digests),
        cmocka_unit_test(what_is_longer_than_said_is_not_read_at_all),
        cmocka_unit_test(parts_in_a_row_are_the_whole),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
