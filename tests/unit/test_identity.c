/*
 * test_identity.c -- directories that hold one's own keys and card.
 */
#include "crypto_tools.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "gapferry/card.h"

static struct gf_card wish(enum gf_role role) {
    struct gf_card c;

    memset(&c, 0, sizeof c);
    c.role = role;
    c.has_agent = role == GF_ROLE_AGENT;
    (void)snprintf(c.name, sizeof c.name, "site-a");
    c.created = 1700000000;
    return c;
}

/* A new directory `name`. */
static struct gf_card make(const char *name) {
    struct gf_card c = wish(GF_ROLE_AGENT);
    struct gf_err e;

    if (gf_identity_make(AT_FDCWD, name, &c, &e) == -1)
        fail_msg("%s", e.text);
    return c;
}

/* Loading must fail by this code, with this in the message. */
static void check_refused(const char *name, enum gf_code want, const char *says) {
    struct gf_identity id, empty;
    struct gf_err e = {GF_OK, ""};

    memset(&empty, 0, sizeof empty);
    assert_int_equal(gf_identity_load(AT_FDCWD, name, &id, &e), -1);
    if (e.code != want || strstr(e.text, says) == NULL || strstr(e.text, name) == NULL)
        fail_msg("%s: %s", gf_err_name(e.code), e.text);
    assert_null(id.sign);
    assert_null(id.seal);
    assert_null(id.card_text);
}

static mode_t mode_of(const char *path) {
    struct stat st;

    assert_int_equal(lstat(path, &st), 0);
    return st.st_mode;
}

static void what_was_made_is_loaded(void **state) {
    struct gf_card c = make("one");
    struct gf_identity id;
    struct gf_card again;
    struct gf_err e;
    (void)state;

    assert_int_equal(gf_identity_load(AT_FDCWD, "one", &id, &e), 0);
    assert_memory_equal(&id.card.identity, &c.identity, sizeof c.identity);
    assert_memory_equal(&id.card.sign, gf_key_sign_public(id.sign), sizeof c.sign);
    assert_memory_equal(&id.card.seal, gf_key_seal_public(id.seal), sizeof c.seal);
    assert_string_equal(id.card.name, "site-a");
    assert_int_equal(gf_card_parse(id.card_text, id.card_len, "card", &again, &e), 0);
    assert_int_equal(gf_card_load(AT_FDCWD, "one/card", &again, &e), 0);
    assert_memory_equal(&again.identity, &c.identity, sizeof c.identity);
    gf_identity_free(&id);
    gf_identity_free(&id);
}

static void the_files_are_private_where_they_must_be(void **state) {
    mode_t before = umask(0);
    (void)state;

    (void)make("modes");
    (void)umask(before);
    assert_int_equal(mode_of("modes"), S_IFDIR | 0700);
    assert_int_equal(mode_of("modes/sign.key"), S_IFREG | 0600);
    assert_int_equal(mode_of("modes/seal.key"), S_IFREG | 0600);
    assert_int_equal(mode_of("modes/sign.pub"), S_IFREG | 0644);
    assert_int_equal(mode_of("modes/seal.pub"), S_IFREG | 0644);
    assert_int_equal(mode_of("modes/card"), S_IFREG | 0644);
    assert_true(tools_run("test $(ls -A modes | wc -l) = 5"));
}

static void an_existing_name_is_left_alone(void **state) {
    struct gf_card c = wish(GF_ROLE_RELAY), before = c;
    struct gf_err e;
    (void)state;

    assert_int_equal(mkdir("dir", 0755), 0);
    tools_save("file", "x", 1);
    assert_int_equal(symlink("nowhere", "link"), 0);
    static const char *const taken[] = {"dir", "file", "link"};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(gf_identity_make(AT_FDCWD, taken[i], &c, &e), -1);
        assert_int_equal(e.code, GF_E_CREATE);
        assert_memory_equal(&c, &before, sizeof c);
    }
    assert_true(tools_run("test $(ls -A dir | wc -l) = 0 && test $(cat file) = x"));
}

static void a_failure_leaves_nothing_behind(void **state) {
    struct gf_card c = wish(GF_ROLE_RELAY);
    struct gf_err e;
    (void)state;

    assert_int_equal(mkdir("parent", 0700), 0);
    c.has_agent = 1; /* a relay has none, which is noticed when four files are written */
    assert_int_equal(gf_identity_make(AT_FDCWD, "parent/new", &c, &e), -1);
    assert_int_equal(e.code, GF_E_CARD);
    assert_true(tools_run("test $(ls -A parent | wc -l) = 0"));
    assert_int_equal(gf_identity_make(AT_FDCWD, "missing/new", &c, &e), -1);
    assert_int_equal(e.code, GF_E_NOINPUT);
}

static void what_a_killed_maker_has_left_is_removed_and_nothing_else(void **state) {
    (void)state;

    assert_true(tools_run("mkdir -p kept/.identity-0123456789abcdef kept/.identity-notes "
                          "kept/.identity-00000000000000ff"));
    assert_true(tools_run("cd kept; echo s >.identity-0123456789abcdef/sign.key; "
                          "echo s >.identity-0123456789abcdef/.seal.key.00ff.part; "
                          "echo mine >.identity-notes/sign.key; ln -s .identity-notes "
                          ".identity-00000000000000aa"));
    /* One that somebody fills just now. */
    int fd = open("kept/.identity-00000000000000ff", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(fd != -1);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    (void)make("kept/new");
    assert_true(tools_run("cd kept && test \"$(ls -A | tr '\\n' ' ')\" = "
                          "'.identity-00000000000000aa .identity-00000000000000ff .identity-notes "
                          "new ' && test -s .identity-notes/sign.key"));
    (void)close(fd);
}

static void loose_secrets_are_refused_with_the_remedy(void **state) {
    static const char *const secrets[] = {"loose/sign.key", "loose/seal.key"};
    static const mode_t modes[] = {0640, 0604, 0660, 0644, 0602};
    struct gf_identity id;
    struct gf_err e;
    (void)state;

    (void)make("loose");
    for (size_t i = 0; i < 2; i++) {
        for (size_t k = 0; k < sizeof modes / sizeof *modes; k++) {
            assert_int_equal(chmod(secrets[i], modes[k]), 0);
            check_refused("loose", GF_E_KEY, "chmod 600");
            check_refused("loose", GF_E_KEY, secrets[i]);
        }
        assert_int_equal(chmod(secrets[i], 0400), 0);
    }
    assert_int_equal(gf_identity_load(AT_FDCWD, "loose", &id, &e), 0);
    gf_identity_free(&id);
}

static void links_and_devices_are_refused(void **state) {
    (void)state;

    (void)make("links");
    assert_true(tools_run("mv links/sign.key elsewhere && ln -s ../elsewhere links/sign.key"));
    check_refused("links", GF_E_KEY, "regular file");
    assert_true(tools_run("rm links/sign.key && mkfifo -m 600 links/sign.key"));
    check_refused("links", GF_E_KEY, "regular file");
    assert_true(tools_run("mv -f elsewhere links/sign.key"));
    assert_true(tools_run("mv links/card elsewhere && ln -s ../elsewhere links/card"));
    check_refused("links", GF_E_NOINPUT, "card");
}

static void another_ones_card_or_key_is_refused(void **state) {
    (void)state;

    (void)make("mine");
    (void)make("other");
    assert_true(tools_run("cp -r mine m1 && cp other/card m1/card"));
    check_refused("m1", GF_E_KEY, "not the card of");
    assert_true(tools_run("cp -r mine m2 && cp other/seal.key m2/seal.key"));
    check_refused("m2", GF_E_KEY, "not the card of");
    assert_true(tools_run("cp -r mine m3 && cp other/sign.key m3/sign.key"));
    check_refused("m3", GF_E_KEY, "not the card of");
}

static void missing_and_broken_files_are_named(void **state) {
    (void)state;

    (void)make("whole");
    check_refused("no-such-directory", GF_E_NOINPUT, "no-such");
    assert_true(tools_run("cp -r whole b1 && rm b1/seal.key"));
    check_refused("b1", GF_E_NOINPUT, "seal.key");
    assert_true(tools_run("cp -r whole b2 && rm b2/card"));
    check_refused("b2", GF_E_NOINPUT, "card");
    assert_true(tools_run("cp -r whole b3 && : > b3/sign.key"));
    check_refused("b3", GF_E_KEY, "sign.key");
    assert_true(tools_run("cp -r whole b4 && : > b4/card"));
    check_refused("b4", GF_E_KEY, "card");
    assert_true(tools_run("cp -r whole b5 && sed -i s/site-a/site-b/ b5/card"));
    check_refused("b5", GF_E_SIGNATURE, "card");
    assert_true(tools_run("cp -r whole b6 && head -c 5000 /dev/zero > b6/seal.key"));
    check_refused("b6", GF_E_LIMIT, "seal.key");
}

static void the_tools_use_the_files_as_they_are(void **state) {
    (void)state;

    tools_need("minisign");
    tools_need("age-keygen");
    (void)make("tools");
    assert_true(tools_run("echo hi > m && minisign -S -s tools/sign.key -m m"));
    assert_true(tools_run("minisign -V -p tools/sign.pub -m m"));
    assert_true(tools_run("age-keygen -y tools/seal.key | cmp - tools/seal.pub"));
    assert_true(tools_run("age -R tools/seal.pub m | age -d -i tools/seal.key | cmp - m"));
    /* The card is a document that minisign can check. */
    assert_true(tools_run("sed '/^untrusted comment: /,$d' tools/card > c &&"
                          "sed -n '/^untrusted comment: /,$p' tools/card > c.minisig &&"
                          "minisign -V -p tools/sign.pub -m c"));
}

static void a_successor_is_signed_by_both_and_tells_no_name(void **state) {
    struct gf_card c = make("before"), next = {.created = 1700000500};
    struct gf_identity before, id;
    struct gf_err e;
    (void)state;

    assert_int_equal(gf_identity_load(AT_FDCWD, "before", &before, &e), 0);
    assert_int_equal(gf_identity_succeed(AT_FDCWD, "after", &before, &next, &e), 0);
    assert_int_equal(gf_identity_load(AT_FDCWD, "after", &id, &e), 0);
    assert_memory_equal(&id.card.identity, &next.identity, sizeof next.identity);
    assert_memory_not_equal(&id.card.identity, &c.identity, sizeof c.identity);
    assert_int_equal(id.card.has_replaces, 1);
    assert_memory_equal(&id.card.replaces, &c.identity, sizeof c.identity);
    assert_memory_equal(&id.card.agent, &c.agent, sizeof c.agent);
    assert_int_equal(id.card.created, 1700000500);
    assert_string_equal(id.card.name, "");
    assert_int_equal(gf_card_signed_by(id.card_text, id.card_len, &c.sign), 1);
    assert_int_equal(gf_card_signed_by(id.card_text, id.card_len, &id.card.sign), 1);
    gf_identity_free(&before);
    gf_identity_free(&id);
}

static void a_card_is_replaced_by_one_of_the_same_keys_only(void **state) {
    struct gf_card one = make("card-one"), two = make("card-two");
    struct gf_identity id, other;
    struct gf_err e;
    struct gf_buf b;
    (void)state;

    assert_int_equal(gf_identity_load(AT_FDCWD, "card-one", &id, &e), 0);
    assert_int_equal(gf_identity_load(AT_FDCWD, "card-two", &other, &e), 0);
    assert_int_equal(
        gf_identity_save_card(AT_FDCWD, "card-one", other.card_text, other.card_len, &e), -1);
    assert_int_equal(e.code, GF_E_KEY);
    gf_buf_init(&b, GF_CARD_FILE_MAX);
    one.has_token_mac = 1;
    memset(&one.token_mac, 3, sizeof one.token_mac);
    assert_int_equal(gf_card_write(&one, 1, id.sign, &b, &e), 0);
    assert_int_equal(gf_identity_save_card(AT_FDCWD, "card-one", b.data, b.len, &e), 0);
    gf_buf_free(&b);
    gf_identity_free(&id);
    assert_int_equal(gf_identity_load(AT_FDCWD, "card-one", &id, &e), 0);
    assert_int_equal(id.card.has_token_mac, 1);
    assert_memory_equal(&id.card.identity, &one.identity, sizeof one.identity);
    assert_memory_not_equal(&two.identity, &one.identity, sizeof one.identity);
    assert_int_equal(mode_of("card-one/card") & 07777, 0644);
    gf_identity_free(&id);
    gf_identity_free(&other);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_made_is_loaded),
        cmocka_unit_test(the_files_are_private_where_they_must_be),
        cmocka_unit_test(an_existing_name_is_left_alone),
        cmocka_unit_test(a_failure_leaves_nothing_behind),
        cmocka_unit_test(what_a_killed_maker_has_left_is_removed_and_nothing_else),
        cmocka_unit_test(loose_secrets_are_refused_with_the_remedy),
        cmocka_unit_test(links_and_devices_are_refused),
        cmocka_unit_test(another_ones_card_or_key_is_refused),
        cmocka_unit_test(missing_and_broken_files_are_named),
        cmocka_unit_test(a_successor_is_signed_by_both_and_tells_no_name),
        cmocka_unit_test(a_card_is_replaced_by_one_of_the_same_keys_only),
        cmocka_unit_test(the_tools_use_the_files_as_they_are),
    };

    return cmocka_run_group_tests(tests, tools_begin, tools_end);
}
