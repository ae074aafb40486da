/*
 * test_own_keys.c -- new keys in the place of old ones: by many at a time, cut off at each point,
 * and where the file system does not help.
 */
#include "crypto_tools.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/own_keys.h"
#include "gapferry/file.h"

#define NOW       1700000000
#define ROUNDS    20
#define PROCESSES 8

/* ---- a file system that is told what it can ---- */

static int no_exchange; /* an errno: RENAME_EXCHANGE fails with it */
static int cut_off;     /* 1: nothing is renamed after an exchange: the process was killed */
static int exchanged;   /* so many times */

/* NOLINTBEGIN: the C library's names of parameters are reserved */
int renameat2(int from, const char *a, int to, const char *b, unsigned flags) {
    if (flags == RENAME_EXCHANGE && no_exchange != 0) {
        errno = no_exchange;
        return -1;
    }
    exchanged += flags == RENAME_EXCHANGE;
    return (int)syscall(SYS_renameat2, from, a, to, b, flags);
}

int renameat(int from, const char *a, int to, const char *b) {
    if (cut_off && exchanged > 1) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(SYS_renameat2, from, a, to, b, 0U);
}
/* NOLINTEND */

/* ---- keys ---- */

/* The working directory holds keys/, loaded. */
static struct gf_identity begin(void) {
    struct gf_card c = {.role = GF_ROLE_AGENT, .has_agent = 1, .created = NOW};
    struct gf_identity id;
    struct gf_err e;

    assert_int_equal(gf_identity_make(AT_FDCWD, "keys", &c, &e), 0);
    assert_int_equal(gf_identity_load(AT_FDCWD, "keys", &id, &e), 0);
    no_exchange = cut_off = exchanged = 0;
    return id;
}

static struct gf_card next_of(const struct gf_identity *id) {
    struct gf_card c;
    struct gf_err e;

    if (own_keys_next(".", id, NOW, &c, &e) == -1)
        fail_msg("%s", e.text);
    return c;
}

static int is_in(const char *path, const struct gf_hash *want) {
    struct gf_identity id;
    struct gf_err e;

    if (gf_identity_load(AT_FDCWD, path, &id, &e) == -1)
        return 0;
    int same = memcmp(&id.card.identity, want, sizeof *want) == 0;
    gf_identity_free(&id);
    return same;
}

static int is_old(const struct gf_hash *want) {
    char path[32 + GF_HASH_TEXT] = "keys.old/";

    gf_text_hex(want->b, sizeof want->b, path + strlen(path));
    return is_in(path, want);
}

static int is_there(const char *path) {
    struct stat st;

    return lstat(path, &st) == 0;
}

/* The switch ends in an error, with all but the last step done. */
static void cut_off_behind_the_exchange(const struct gf_hash *to) {
    struct gf_err e;

    cut_off = 1;
    assert_int_equal(own_keys_switch(".", to, &e), -1);
    cut_off = 0;
    assert_true(is_in("keys", to));
    assert_true(is_there("keys.next"));
}

/* ---- claims ---- */

static void many_processes_that_switch_at_a_time_switch_once(void **state) {
    struct gf_identity id = begin();
    struct gf_err e;
    (void)state;

    for (int round = 0; round < ROUNDS; round++) {
        const struct gf_hash before = id.card.identity;
        const struct gf_card next = next_of(&id);
        int status, failed = 0, go[2];

        /* All wait for the pipe to close, and begin together. */
        assert_int_equal(pipe(go), 0);
        for (int i = 0; i < PROCESSES; i++) {
            if (fork() == 0) {
                char c;
                (void)close(go[1]);
                (void)!read(go[0], &c, 1);
                _exit(own_keys_switch(".", &next.identity, &e) != 0);
            }
        }
        (void)close(go[0]);
        (void)close(go[1]);
        for (int i = 0; i < PROCESSES; i++)
            failed += wait(&status) == -1 || status != 0;
        assert_int_equal(failed, 0);
        assert_true(is_in("keys", &next.identity));
        assert_true(is_old(&before));
        assert_false(is_there("keys.next"));
        gf_identity_free(&id);
        assert_int_equal(gf_identity_load(AT_FDCWD, "keys", &id, &e), 0);
    }
    gf_identity_free(&id);
}

static void a_switch_that_was_cut_off_behind_the_exchange_is_ended(void **state) {
    struct gf_identity id = begin();
    const struct gf_card next = next_of(&id);
    struct gf_err e;
    (void)state;

    cut_off_behind_the_exchange(&next.identity);
    assert_int_equal(own_keys_tidy(".", &e), 0);
    assert_true(is_in("keys", &next.identity));
    assert_true(is_old(&id.card.identity));
    assert_false(is_there("keys.next"));
    assert_int_equal(own_keys_tidy(".", &e), 0);
    gf_identity_free(&id);
}

static void the_same_keys_in_keys_old_already_are_no_obstacle(void **state) {
    struct gf_identity id = begin();
    const struct gf_card next = next_of(&id);
    char path[32 + GF_HASH_TEXT] = "cp -a keys.next keys.old/";
    struct gf_err e;
    (void)state;

    cut_off_behind_the_exchange(&next.identity);
    gf_text_hex(id.card.identity.b, sizeof id.card.identity.b, path + strlen(path));
    (void)mkdir("keys.old", 0700);
    assert_int_equal(system(path), 0);
    assert_int_equal(own_keys_tidy(".", &e), 0);
    assert_true(is_old(&id.card.identity));
    assert_false(is_there("keys.next"));
    gf_identity_free(&id);
}

static void another_rotation_does_not_delete_what_was_not_put_away(void **state) {
    struct gf_identity id = begin(), second;
    const struct gf_card next = next_of(&id);
    struct gf_err e;
    (void)state;

    cut_off_behind_the_exchange(&next.identity);
    assert_int_equal(gf_identity_load(AT_FDCWD, "keys", &second, &e), 0);
    const struct gf_card third = next_of(&second);
    assert_true(is_old(&id.card.identity));
    assert_true(is_in("keys.next", &third.identity));
    gf_identity_free(&id);
    gf_identity_free(&second);
}

static void a_successor_that_waits_is_not_put_away(void **state) {
    struct gf_identity id = begin();
    const struct gf_card next = next_of(&id);
    struct gf_err e;
    (void)state;

    assert_int_equal(own_keys_tidy(".", &e), 0);
    /* What another process does that has met this rotation later than it was ended. */
    assert_int_equal(own_keys_switch(".", &id.card.identity, &e), 0);
    assert_true(is_in("keys.next", &next.identity));
    assert_false(is_there("keys.old"));
    assert_int_equal(own_keys_switch(".", &next.identity, &e), 0);
    gf_identity_free(&id);
}

static void the_newest_earlier_keys_stay_and_no_others(void **state) {
    struct own_keys_former former = {.n = 0};
    struct gf_identity id = begin();
    struct gf_hash before[8];
    struct gf_err e;
    (void)state;

    for (size_t i = 0; i < 8; i++) {
        const struct gf_card next = next_of(&id);
        before[i] = id.card.identity;
        assert_int_equal(own_keys_switch(".", &next.identity, &e), 0);
        gf_identity_free(&id);
        assert_int_equal(gf_identity_load(AT_FDCWD, "keys", &id, &e), 0);
        assert_int_equal(own_keys_former_load(".", &former, &e), 0);
    }
    assert_int_equal(former.n, OWN_KEYS_FORMER_MAX);
    for (size_t i = 0; i < OWN_KEYS_FORMER_MAX; i++)
        assert_memory_equal(&former.list[i].card.identity, &before[7 - i], sizeof before[0]);
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(is_old(&before[i]), i >= 8 - OWN_KEYS_FORMER_MAX);
    own_keys_former_free(&former);
    gf_identity_free(&id);
}

static void a_file_system_that_cannot_exchange_is_told_before_anything_is_made(void **state) {
    static const int errors[] = {EINVAL, ENOSYS, EOPNOTSUPP};
    struct gf_identity id = begin();
    struct gf_card c;
    struct gf_err e;
    (void)state;

    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        no_exchange = errors[i];
        assert_int_equal(own_keys_next(".", &id, NOW, &c, &e), -1);
        assert_int_equal(e.code, GF_E_CREATE);
        assert_non_null(strstr(e.text, "nothing was changed"));
        assert_true(is_in("keys", &id.card.identity));
        assert_false(is_there("keys.next"));
        assert_false(is_there("keys.try"));
    }
    gf_identity_free(&id);
}

/* A successor's card has two signatures from the beginning. */
static void a_vendors_signature_is_one_more_than_that_of_the_keys_before(void **state) {
    struct gf_identity id = begin(), now = {0};
    struct gf_sign_key *vendor = NULL;
    struct gf_buf plain, signed_;
    struct gf_card there, next = next_of(&id);
    struct gf_err e;
    (void)state;

    assert_int_equal(own_keys_switch(".", &next.identity, &e), 0);
    assert_int_equal(gf_identity_load(AT_FDCWD, "keys", &now, &e), 0);
    assert_int_equal(now.card.cosigned, 1);
    assert_int_equal(own_keys_install(".", &now, "keys/card", &e), -1);
    assert_int_equal(e.code, GF_E_CARD);

    assert_int_equal(gf_key_sign_new(&vendor, &e), 0);
    gf_buf_init(&signed_, GF_CARD_FILE_MAX);
    gf_buf_init(&plain, GF_CARD_FILE_MAX);
    /* Signed by the vendor in the place of the keys before. */
    assert_int_equal(gf_card_write(&now.card, 0, now.sign, &plain, &e), 0);
    assert_int_equal(gf_card_cosign(plain.data, plain.len, vendor, &signed_, &e), 0);
    assert_int_equal(gf_file_save_new(AT_FDCWD, "cut", signed_.data, signed_.len, 0600, &e), 0);
    assert_int_equal(own_keys_install(".", &now, "cut", &e), -1);
    assert_int_equal(e.code, GF_E_CARD);

    gf_buf_clear(&signed_);
    assert_int_equal(gf_card_parse(now.card_text, now.card_len, "card", &there, &e), 0);
    assert_int_equal(gf_card_cosign(now.card_text, now.card_len, vendor, &signed_, &e), 0);
    assert_int_equal(gf_file_save_new(AT_FDCWD, "signed", signed_.data, signed_.len, 0600, &e), 0);
    assert_int_equal(own_keys_install(".", &now, "signed", &e), 0);
    /* What lies on a drive without it is another form of it. */
    assert_int_equal(own_keys_differs(&now, 0, &there), 1);
    gf_key_sign_free(vendor);
    gf_buf_free(&plain);
    gf_buf_free(&signed_);
    gf_identity_free(&now);
    gf_identity_free(&id);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(many_processes_that_switch_at_a_time_switch_once,
                                        tools_begin, tools_end),
        cmocka_unit_test_setup_teardown(a_switch_that_was_cut_off_behind_the_exchange_is_ended,
                                        tools_begin, tools_end),
        cmocka_unit_test_setup_teardown(the_same_keys_in_keys_old_already_are_no_obstacle,
                                        tools_begin, tools_end),
        cmocka_unit_test_setup_teardown(another_rotation_does_not_delete_what_was_not_put_away,
                                        tools_begin, tools_end),
        cmocka_unit_test_setup_teardown(
            a_vendors_signature_is_one_more_than_that_of_the_keys_before, tools_begin, tools_end),
        cmocka_unit_test_setup_teardown(the_newest_earlier_keys_stay_and_no_others, tools_begin,
                                        tools_end),
        cmocka_unit_test_setup_teardown(a_successor_that_waits_is_not_put_away, tools_begin,
                                        tools_end),
        cmocka_unit_test_setup_teardown(
            a_file_system_that_cannot_exchange_is_told_before_anything_is_made, tools_begin,
            tools_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
