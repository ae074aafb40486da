/* test_reader.c -- the three steps of reading, and what changes between them. The many ways to
 * be wrong are in tests/vectors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "gapferry/file.h"
#include "support/kit.h"
#include "support/threads.h"

static void a_reader_opens_but_is_not_the_addressee(void **state) {
    struct gf_pack p = kit_request();
    struct gf_contents c = {0};
    struct gf_err e = {0};
    struct gf_head h = {0};
    int fd = kit_pack(&p, kit_data, 100, NULL);
    int dir = kit_new_dir();
    const struct gf_card *trusted[] = {&kit_site.card};
    struct gf_check check = {.trusted = trusted,
                             .ntrusted = 1,
                             .us = &kit_site.card.identity,
                             .nus = 1,
                             .readers_too = 1};

    (void)state;
    assert_int_equal(kit_read(fd, &kit_site, 0, dir, &c, &e), 0);
    gf_contents_free(&c);
    assert_int_equal(gf_bundle_head(fd, &check, &h, &e), 0);
    assert_int_equal(h.is_reader, 1);
    gf_head_free(&h);
    check.readers_too = 0;
    assert_int_equal(gf_bundle_head(fd, &check, &h, &e), -1);
    assert_int_equal(e.code, GF_E_NOT_FOR_US);
    check.us = &kit_other.card.identity;
    check.readers_too = 1;
    assert_int_equal(gf_bundle_head(fd, &check, &h, &e), -1);
    assert_int_equal(e.code, GF_E_NOT_FOR_US);
    (void)close(dir);
    (void)close(fd);
}

static void a_payload_changed_after_the_head_was_read_is_noticed(void **state) {
    const struct gf_card *trusted[] = {&kit_site.card};
    const struct gf_check check = {.trusted = trusted, .ntrusted = 1};
    struct gf_pack p = kit_request();
    struct gf_head h = {0};
    struct gf_err e = {0};
    int fd = kit_pack(&p, kit_data, 2000000, NULL);
    int copy = memfd_create("copy", 0);

    (void)state;
    assert_int_equal(gf_bundle_head(fd, &check, &h, &e), 0);
    assert_int_equal(gf_bundle_copy(fd, &h, -1, NULL, NULL, &e), 0);
    assert_int_equal(pwrite(fd, "X", 1, h.payload_offset + 1000000), 1);
    assert_int_equal(gf_bundle_copy(fd, &h, copy, NULL, NULL, &e), -1);
    assert_int_equal(e.code, GF_E_DIGEST);
    assert_int_equal(ftruncate(fd, h.bundle_size - 1), 0);
    assert_int_equal(gf_bundle_copy(fd, &h, -1, NULL, NULL, &e), -1);
    gf_head_free(&h);
    (void)close(copy);
    (void)close(fd);
}

/* Bytes of the head that changed on the drive after verification do not reach the copy. */
static void the_copy_has_the_head_that_was_verified(void **state) {
    const struct gf_card *trusted[] = {&kit_site.card};
    const struct gf_check check = {.trusted = trusted, .ntrusted = 1};
    struct gf_pack p = kit_request();
    struct gf_head h = {0};
    struct gf_head again = {0};
    struct gf_err e = {0};
    int fd = kit_pack(&p, kit_data, 3000, NULL);
    int copy = memfd_create("copy", 0);

    (void)state;
    assert_int_equal(gf_bundle_head(fd, &check, &h, &e), 0);
    assert_int_equal(pwrite(fd, "X", 1, 600), 1);
    assert_int_equal(gf_bundle_copy(fd, &h, copy, NULL, NULL, &e), 0);
    assert_int_equal(gf_bundle_head(copy, &check, &again, &e), 0);
    gf_head_free(&again);
    gf_head_free(&h);
    (void)close(copy);
    (void)close(fd);
}

static void a_quota_is_checked_before_anything_else_is_read(void **state) {
    const struct gf_card *trusted[] = {&kit_site.card};
    struct gf_check check = {.trusted = trusted, .ntrusted = 1, .size_max = 4096};
    struct gf_pack p = kit_request();
    struct gf_head h = {0};
    struct gf_err e = {0};
    int fd = kit_pack(&p, kit_data, 10000, NULL);

    (void)state;
    assert_int_equal(gf_bundle_head(fd, &check, &h, &e), -1);
    assert_int_equal(e.code, GF_E_LIMIT);
    (void)close(fd);
}

static void no_room_for_the_members_leaves_nothing_behind(void **state) {
    const struct gf_card *trusted[] = {&kit_site.card};
    const struct gf_check check = {.trusted = trusted, .ntrusted = 1};
    const struct gf_items_options o = {.room = 2000};
    const struct gf_seal_key *keys[] = {kit_relay.seal};
    struct gf_pack p = kit_request();
    struct gf_contents c = {0};
    struct gf_head h = {0};
    struct gf_err e = {0};
    int fd = kit_pack(&p, kit_data, 3000000, NULL);
    int dir = kit_new_dir();

    (void)state;
    assert_int_equal(gf_bundle_head(fd, &check, &h, &e), 0);
    assert_int_equal(gf_bundle_open(fd, &h, keys, 1, &o, dir, &c, &e), -1);
    assert_int_equal(e.code, GF_E_CREATE);
    assert_int_equal(kit_entries(dir), 0);
    gf_head_free(&h);
    (void)close(dir);
    (void)close(fd);
}

static void without_a_thread_nothing_is_opened_and_nothing_left_open(void **state) {
    const struct gf_card *trusted[] = {&kit_site.card};
    const struct gf_check check = {.trusted = trusted, .ntrusted = 1};
    const struct gf_items_options o = {.threads = 1};
    const struct gf_seal_key *keys[] = {kit_relay.seal};
    struct gf_pack p = kit_request();
    struct gf_contents c = {0};
    struct gf_head h = {0};
    struct gf_err e = {0};
    int fd = kit_pack(&p, kit_data, 100000, NULL);
    int dir = kit_new_dir(), fds = open("/proc/self/fd", O_RDONLY | O_DIRECTORY);
    size_t size = 0, before = kit_entries(fds);

    (void)state;
    assert_int_equal(gf_bundle_head(fd, &check, &h, &e), 0);
    assert_int_equal(threads_forbid(1, &size), 0);
    assert_int_equal(gf_bundle_open(fd, &h, keys, 1, &o, dir, &c, &e), -1);
    assert_int_equal(threads_forbid(0, &size), 0);
    assert_int_equal(e.code, GF_E_SYSTEM);
    assert_int_equal(kit_entries(dir), 0);
    assert_int_equal(kit_entries(fds), before);
    assert_int_equal(gf_bundle_open(fd, &h, keys, 1, &o, dir, &c, &e), 0);
    gf_contents_free(&c);
    gf_head_free(&h);
    (void)close(fds);
    (void)close(dir);
    (void)close(fd);
}

static void the_wrong_key_opens_nothing(void **state) {
    const struct gf_card *trusted[] = {&kit_site.card};
    const struct gf_check check = {.trusted = trusted, .ntrusted = 1};
    const struct gf_items_options o = {0};
    const struct gf_seal_key *keys[] = {kit_other.seal};
    struct gf_pack p = kit_request();
    struct gf_contents c = {0};
    struct gf_head h = {0};
    struct gf_err e = {0};
    int fd = kit_pack(&p, kit_data, 3000, NULL);
    int dir = kit_new_dir();

    (void)state;
    assert_int_equal(gf_bundle_head(fd, &check, &h, &e), 0);
    assert_int_equal(gf_bundle_open(fd, &h, keys, 1, &o, dir, &c, &e), -1);
    assert_int_equal(e.code, GF_E_UNWRAP);
    assert_int_equal(kit_entries(dir), 0);
    gf_head_free(&h);
    (void)close(dir);
    (void)close(fd);
}

static void peeking_shows_the_header_without_any_key(void **state) {
    struct gf_pack p = kit_request();
    struct gf_header header;
    struct gf_head h = {0};
    struct gf_err e = {0};
    int fd = kit_pack(&p, kit_data, 3000, &header);

    (void)state;
    assert_int_equal(gf_bundle_peek(fd, &h, &e), 0);
    assert_null(h.sender);
    assert_memory_equal(&h.header.id, &p.id, sizeof p.id);
    assert_int_equal(h.header.payload_size, header.payload_size);
    gf_head_free(&h);
    (void)close(fd);
}

static void a_directory_is_not_a_bundle(void **state) {
    struct gf_head h = {0};
    struct gf_err e = {0};

    (void)state;
    assert_int_equal(gf_bundle_peek(kit_root_fd, &h, &e), -1);
    assert_int_equal(e.code, GF_E_NOINPUT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reader_opens_but_is_not_the_addressee),
        cmocka_unit_test(a_payload_changed_after_the_head_was_read_is_noticed),
        cmocka_unit_test(the_copy_has_the_head_that_was_verified),
        cmocka_unit_test(a_quota_is_checked_before_anything_else_is_read),
        cmocka_unit_test(no_room_for_the_members_leaves_nothing_behind),
        cmocka_unit_test(without_a_thread_nothing_is_opened_and_nothing_left_open),
        cmocka_unit_test(the_wrong_key_opens_nothing),
        cmocka_unit_test(peeking_shows_the_header_without_any_key),
        cmocka_unit_test(a_directory_is_not_a_bundle),
    };
    return cmocka_run_group_tests(tests, kit_setup, kit_teardown);
}
