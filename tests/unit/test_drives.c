/* test_drives.c -- which mounts are drives that may be visited without being asked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sys/stat.h>
#include <unistd.h>

#include "agent/drives.h"
#include "support/kit.h"
#include "support/site.h"

static struct drives_mount seen[8];
static size_t nseen;

static int note(void *arg, const struct drives_mount *m, struct gf_err *e) {
    (void)arg;
    (void)e;
    if (nseen < 8)
        seen[nseen++] = *m;
    return 0;
}

static void parse(const char *text, const char *udev) {
    struct gf_err e;

    nseen = 0;
    assert_int_equal(drives_parse(text, strlen(text), udev, note, NULL, &e), 0);
}

static void a_line_gives_path_and_number_of_the_mount(void **state) {
    (void)state;
    parse("36 35 98:0 /mnt1 /media/usb rw,noatime master:1 - vfat /dev/sdb1 rw\n"
          "40 35 8:2 / / rw - ext4 /dev/sda2 rw\n",
          "/nonexistent");
    assert_int_equal(nseen, 2);
    assert_string_equal(seen[0].path, "/media/usb");
    assert_int_equal(seen[0].id, 36);
    assert_string_equal(seen[0].uuid, "");
    assert_string_equal(seen[1].path, "/");
}

static void octal_escapes_of_a_path_are_resolved(void **state) {
    (void)state;
    parse("36 35 98:0 / /media/my\\040stick\\134x rw - vfat /dev/sdb1 rw\n", "/nonexistent");
    assert_string_equal(seen[0].path, "/media/my stick\\x");
}

static void malformed_lines_are_skipped(void **state) {
    (void)state;
    parse("\nnonsense\n36\n36 35 98:0 /\nxx 35 98:0 / /a rw - x y z\n36 35 98:0 / relative rw - x "
          "y z\n"
          "37 35 98:1 / /good rw - x y z\n36 35",
          "/nonexistent");
    assert_int_equal(nseen, 1);
    assert_string_equal(seen[0].path, "/good");
}

static void the_uuid_is_what_udev_has_noted(void **state) {
    struct site *s = *state;
    char file[160];

    (void)snprintf(file, sizeof file, "%s/b98:0", s->root);
    FILE *f = fopen(file, "w");
    assert_non_null(f);
    (void)fputs("S:disk/by-label/STICK\nE:ID_FS_TYPE=vfat\nE:ID_FS_UUID=1234-ABCD\nE:X=1\n", f);
    assert_int_equal(fclose(f), 0);
    parse("36 35 98:0 / /media/usb rw - vfat /dev/sdb1 rw\n", s->root);
    assert_string_equal(seen[0].uuid, "UUID=1234-ABCD");
}

static void configure(struct site *s, const char *list) {
    struct gf_err e;
    FILE *f = fopen(s->a.config_path, "w");

    assert_non_null(f);
    (void)fprintf(f, "[agent]\nauto_drives = %s\n", list);
    assert_int_equal(fclose(f), 0);
    config_free(s->a.config);
    assert_int_equal(config_load(s->a.config_path, agent_keys, &s->a.config, &e), 0);
}

static void only_a_drive_that_is_listed_and_was_synced_by_hand_is_visited(void **state) {
    struct site *s = *state;
    struct drives_mount m = {.path = "/media/usb", .uuid = "UUID=1234-ABCD"};
    struct gf_err e;
    int unknown = -1;

    configure(s, "/media/other, UUID=1234-ABCD");
    assert_int_equal(drives_is_auto(&s->a, &m, &unknown, &e), 0);
    assert_int_equal(unknown, 1);
    assert_int_equal(store_drive_synced(s->a.store, "UUID=1234-ABCD", "me", 1, &e), 0);
    assert_int_equal(drives_is_auto(&s->a, &m, &unknown, &e), 1);
    assert_int_equal(unknown, 0);

    configure(s, "UUID=1234-ABC, UUID=1234-ABCDE");
    assert_int_equal(drives_is_auto(&s->a, &m, &unknown, &e), 0);
    assert_int_equal(unknown, 0);
}

static void syncing_by_hand_remembers_the_path(void **state) {
    struct site *s = *state;
    struct gf_err e;

    assert_int_equal(store_drive_known(s->a.store, s->root, &e), 0);
    assert_int_equal(drives_note(&s->a, s->root, &e), 0);
    assert_int_equal(store_drive_known(s->a.store, s->root, &e), 1);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, site_setup, site_teardown)
    const struct CMUnitTest tests[] = {
        T(a_line_gives_path_and_number_of_the_mount),
        T(octal_escapes_of_a_path_are_resolved),
        T(malformed_lines_are_skipped),
        T(the_uuid_is_what_udev_has_noted),
        T(only_a_drive_that_is_listed_and_was_synced_by_hand_is_visited),
        T(syncing_by_hand_remembers_the_path),
    };
    return cmocka_run_group_tests(tests, kit_setup, kit_teardown);
}
