/*
 * test_drive_write.c -- writing to drives that lie, lack something or hold something already.
 */
#include "drive_faulty.h"

#include <sys/file.h>

static void a_file_is_written_whole_and_alone(void **state) {
    static const size_t sizes[] = {0, 1, 262143, 262144, 262145, 1000000};
    struct stick *s = *state;
    struct stat st;
    open_drive(s);
    (void)umask(077);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        char *data = pattern(sizes[i]);
        char name[64];
        char path[128];
        int was = -1;
        (void)snprintf(name, sizeof(name), "%zu.gfb", sizes[i]);
        (void)snprintf(path, sizeof(path), RELAY "/%s", name);
        assert_int_equal(put_bundle(s, name, data, sizes[i], &was), 0);
        assert_int_equal(was, 0);
        assert_true(holds(s, path, data, sizes[i]));
        assert_int_equal(stat(on(s, path), &st), 0);
        assert_int_equal(st.st_mode & 07777, 0644); /* the other side is another user */
        assert_int_equal(count(s, RELAY), i + 1);
        free(data);
    }
    (void)umask(022);
}

static void the_source_is_read_from_its_start_wherever_it_stands(void **state) {
    struct stick *s = *state;
    int src = source_of("hello", 5);
    int was = -1;
    open_drive(s);
    assert_int_equal(lseek(src, 0, SEEK_CUR), 5);
    assert_int_equal(gf_drive_write(s->d, GF_FOLDER_TO_SITE, "a.gfb", src, 4, &was, &s->e), 0);
    assert_true(holds(s, "GAPFERRY/to-site/a.gfb", "hell", 4));
    assert_fails(gf_drive_write(s->d, GF_FOLDER_TO_SITE, "b.gfb", src, 6, &was, &s->e), s->e,
                 GF_E_SYSTEM, "became shorter");
    assert_fails(gf_drive_write(s->d, GF_FOLDER_TO_SITE, "b.gfb", -1, 5, &was, &s->e), s->e,
                 GF_E_SYSTEM, "cannot read what is to be written");
    assert_int_equal(count(s, "GAPFERRY/to-site"), 1);
    (void)close(src);
}

static void a_size_beyond_the_limit_is_refused(void **state) {
    struct stick *s = *state;
    int src = source_of("x", 1);
    int was = 0;
    open_drive(s);
    assert_fails(
        gf_drive_write(s->d, GF_FOLDER_TO_SITE, "a.gfb", src, GF_BUNDLE_MAX + 1, &was, &s->e), s->e,
        GF_E_LIMIT, "at most");
    assert_fails(gf_drive_write(s->d, GF_FOLDER_TO_SITE, "a.gfb", src, -1, &was, &s->e), s->e,
                 GF_E_LIMIT, "at most");
    assert_fails(
        gf_drive_write(s->d, GF_FOLDER_CARDS, "a.card", src, GF_CARD_FILE_MAX + 1, &was, &s->e),
        s->e, GF_E_LIMIT, "at most");
    (void)close(src);
}

/* FAT loses a renamed file whose own descriptor was not flushed again after the rename. */
static void the_calls_come_in_the_order_that_fat_needs(void **state) {
    struct stick *s = *state;
    int was = 0;
    open_faulty(s);
    f.log[0] = '\0';
    assert_int_equal(put_bundle(s, NAME, "hello", 5, &was), 0);
    assert_string_equal(f.log, "create fallocate write fsync rename fsync fsync-dir syncfs fadvise "
                               "pread ");
}

static void an_identical_file_is_not_written_again_but_flushed(void **state) {
    struct stick *s = *state;
    struct stat before, after;
    int was = -1;
    open_faulty(s);
    put_file(s, BUNDLE, "hello", 5);
    assert_int_equal(stat(on(s, BUNDLE), &before), 0);
    f.log[0] = '\0';
    assert_int_equal(put_bundle(s, NAME, "hello", 5, &was), 0);
    assert_int_equal(was, 1);
    assert_int_equal(stat(on(s, BUNDLE), &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    assert_int_equal(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
    assert_string_equal(f.log, "fsync-dir fsync-dir syncfs fadvise pread ");
}

static void a_file_that_differs_is_left_as_it_is(void **state) {
    static const char *const others[] = {"hellO", "hell", "hello!", ""};
    struct stick *s = *state;
    int was = -1;
    open_drive(s);
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
        put_file(s, BUNDLE, others[i], strlen(others[i]));
        assert_fails(put_bundle(s, NAME, "hello", 5, &was), s->e, GF_E_CREATE, "move it away");
        assert_true(holds(s, BUNDLE, others[i], strlen(others[i])));
        assert_int_equal(count(s, RELAY), 1);
    }
    assert_int_equal(was, -1);
}

static void what_is_no_file_of_ours_is_not_written_through(void **state) {
    struct stick *s = *state;
    int was = -1;
    open_drive(s);
    put_file(s, "victim", "hello", 5);
    for (int i = 0; i < 4; i++) {
        if (i == 0)
            assert_int_equal(symlink("../../victim", on(s, BUNDLE)), 0);
        if (i == 1)
            assert_int_equal(link(on(s, "victim"), on(s, BUNDLE)), 0);
        if (i == 2)
            assert_int_equal(mkfifo(on(s, BUNDLE), 0644), 0);
        if (i == 3)
            assert_int_equal(mkdir(on(s, BUNDLE), 0755), 0);
        assert_fails(put_bundle(s, NAME, "hello", 5, &was), s->e, GF_E_CREATE, "not ours");
        assert_int_equal(remove(on(s, BUNDLE)), 0);
    }
    assert_true(holds(s, "victim", "hello", 5));
}

static void a_missing_folder_is_made_anew(void **state) {
    struct stick *s = *state;
    int was = -1;
    open_drive(s);
    assert_int_equal(rmdir(on(s, RELAY)), 0);
    assert_int_equal(put_bundle(s, NAME, "hello", 5, &was), 0);
    assert_true(holds(s, BUNDLE, "hello", 5));
}

static void leftovers_of_ours_go_and_those_in_use_or_foreign_stay(void **state) {
    struct stick *s = *state;
    int was = 0;
    int fd = -1;
    open_drive(s);
    put_file(s, TEMP, "x", 1);
    put_file(s, RELAY "/gapferry-1123456789abcdef0123456789abcdef.part", "x", 1);
    put_file(s, RELAY "/gapferry-0123456789abcdef0123456789abcdeF.part", "x", 1);
    put_file(s, RELAY "/gapferry-0123456789abcdef0123456789abcdef0.part", "x", 1);
    put_file(s, RELAY "/movie.part", "x", 1);
    assert_int_equal(symlink("x", on(s, RELAY "/gapferry-2123456789abcdef0123456789abcdef.part")),
                     0);
    fd = open(on(s, RELAY "/gapferry-1123456789abcdef0123456789abcdef.part"), O_RDWR | O_CLOEXEC);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    assert_int_equal(put_bundle(s, NAME, "hello", 5, &was), 0);
    assert_false(exists(s, TEMP));
    assert_int_equal(count(s, RELAY), 6);

    (void)close(fd);
    open_drive(s);
    assert_int_equal(put_bundle(s, "b.gfb", "hello", 5, &was), 0);
    assert_int_equal(count(s, RELAY), 6);
}

static void a_drive_that_gives_back_something_else_is_to_be_replaced(void **state) {
    struct stick *s = *state;
    int was = -1;
    open_faulty(s);
    f.lies = 1;
    assert_fails(put_bundle(s, NAME, "hello", 5, &was), s->e, GF_E_DRIVE, "replace the drive");
    assert_int_equal(was, -1);
    assert_int_equal(count(s, RELAY), 0);
    f.lies = 0;
    assert_int_equal(put_bundle(s, NAME, "hello", 5, &was), 0);
}

static void short_and_interrupted_calls_lose_nothing(void **state) {
    struct stick *s = *state;
    const size_t len = 700000;
    char *data = pattern(len);
    int was = -1;
    open_faulty(s);
    f.meek = 1;
    assert_int_equal(put_bundle(s, NAME, data, len, &was), 0);
    assert_true(holds(s, BUNDLE, data, len));
    assert_int_equal(put_bundle(s, NAME, data, len, &was), 0);
    assert_int_equal(was, 1);
    free(data);
}

static void file_systems_without_noreplace_are_served_and_nothing_is_replaced(void **state) {
    struct stick *s = *state;
    int was = -1;
    open_faulty(s);
    f.no_noreplace = 1;
    assert_int_equal(put_bundle(s, NAME, "hello", 5, &was), 0);
    assert_true(holds(s, BUNDLE, "hello", 5));
    assert_fails(put_bundle(s, NAME, "other", 5, &was), s->e, GF_E_CREATE, "move it away");
}

static void kernels_without_openat2_refuse_links_as_well(void **state) {
    struct stick *s = *state;
    struct gf_drive_list l;
    int was = -1;
    int fd = -1;
    open_faulty(s);
    f.old_kernel = 1;
    assert_int_equal(put_bundle(s, NAME, "hello", 5, &was), 0);
    assert_int_equal(gf_drive_read(s->d, GF_FOLDER_TO_RELAY, NAME, &fd, &s->e), 0);
    (void)close(fd);
    assert_int_equal(rename(on(s, RELAY), on(s, "real")), 0);
    assert_int_equal(symlink("../real", on(s, RELAY)), 0);
    assert_fails(gf_drive_scan(s->d, GF_FOLDER_TO_RELAY, 0, &l, &s->e), s->e, GF_E_DRIVE,
                 "none is followed");
}

static void file_systems_that_cannot_reserve_room_are_forgiven(void **state) {
    static const int errs[] = {EOPNOTSUPP, EINVAL, ENOSYS, EPERM};
    struct stick *s = *state;
    int was = -1;
    open_faulty(s);
    for (size_t i = 0; i < sizeof(errs) / sizeof(*errs); i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "%zu.gfb", i);
        for (f.at = 1, f.op = ""; strcmp(f.op, "fallocate") != 0; f.at++) {
            f.calls = 0;
            f.err = errs[i];
            assert_true(f.at < 100);
            if (put_bundle(s, name, "hello", 5, &was) == 0 && strcmp(f.op, "fallocate") != 0)
                assert_int_equal(gf_drive_remove(s->d, GF_FOLDER_TO_RELAY, name, &s->e), 0);
        }
        f.at = 0;
        assert_int_equal(put_bundle(s, name, "hello", 5, &was), 0);
        assert_int_equal(was, 1);
    }
}

static void a_file_that_somebody_else_makes_meanwhile_is_not_replaced(void **state) {
    struct stick *s = *state;
    int was = -1;
    open_faulty(s);
    f.intruder = 1;
    f.his = "";
    assert_fails(put_bundle(s, NAME, "hello", 5, &was), s->e, GF_E_CREATE, "another file");
    assert_true(holds(s, BUNDLE, "", 0));
    assert_int_equal(count(s, RELAY), 1);
}

/* Two programs visit the drive at the same moment. */
static void a_file_that_another_program_has_just_made_alike_is_done(void **state) {
    struct stick *s = *state;
    int was = -1;
    open_faulty(s);
    f.intruder = 1;
    f.his = "hello";
    assert_int_equal(put_bundle(s, NAME, "hello", 5, &was), 0);
    assert_int_equal(was, 1);
    assert_true(holds(s, BUNDLE, "hello", 5));
    assert_int_equal(count(s, RELAY), 1);
}

static void a_readme_that_another_program_has_just_made_is_done(void **state) {
    struct stick *s = *state;
    open_faulty(s);
    assert_int_equal(unlink(on(s, "GAPFERRY/README.txt")), 0);
    f.intruder = 1;
    f.his = "call Ada";
    assert_int_equal(gf_drive_put_readme(s->d, &s->e), 0);
    assert_true(holds(s, "GAPFERRY/README.txt", "call Ada", 8));
}

static void a_file_lost_to_another_program_is_written_once_more(void **state) {
    struct stick *s = *state;
    int was = -1;
    open_faulty(s);
    f.intruder = 1;
    assert_int_equal(put_bundle(s, NAME, "hello", 5, &was), 0);
    assert_int_equal(was, 0);
    assert_int_equal(unlink(on(s, BUNDLE)), 0);
    f.sweeper = 1;
    assert_int_equal(put_bundle(s, NAME, "hello", 5, &was), 0);
    assert_true(holds(s, BUNDLE, "hello", 5));
    assert_int_equal(unlink(on(s, BUNDLE)), 0);
    f.sweeper = 2;
    assert_fails(put_bundle(s, NAME, "hello", 5, &was), s->e, GF_E_CREATE, "another program");
    assert_int_equal(count(s, RELAY), 0);
}

/* FAT answers to a name in any case; what only differs in case from ours was not made by us. */
static void a_file_whose_name_differs_in_case_is_neither_compared_nor_removed(void **state) {
    struct stick *s = *state;
    struct gf_drive_list l;
    int was = -1;
    open_faulty(s);
    f.caseless = 1;
    put_file(s, RELAY "/ABC.GFB", "hello", 5);
    assert_fails(put_bundle(s, "abc.gfb", "hello", 5, &was), s->e, GF_E_CREATE, "not ours");
    assert_int_equal(gf_drive_remove(s->d, GF_FOLDER_TO_RELAY, "abc.gfb", &s->e), 0);
    assert_true(holds(s, RELAY "/ABC.GFB", "hello", 5));
    assert_int_equal(gf_drive_scan(s->d, GF_FOLDER_TO_RELAY, 0, &l, &s->e), 0);
    assert_int_equal(l.n, 0);
    assert_int_equal(l.foreign, 1);
    gf_drive_list_free(&l);
}

static void removing_is_flushed_and_a_missing_file_is_fine(void **state) {
    struct stick *s = *state;
    open_faulty(s);
    put_file(s, BUNDLE, "x", 1);
    f.log[0] = '\0';
    assert_int_equal(gf_drive_remove(s->d, GF_FOLDER_TO_RELAY, NAME, &s->e), 0);
    assert_string_equal(f.log, "unlink fsync-dir syncfs ");
    assert_int_equal(count(s, RELAY), 0);
    assert_int_equal(gf_drive_remove(s->d, GF_FOLDER_TO_RELAY, NAME, &s->e), 0);
    assert_int_equal(rmdir(on(s, RELAY)), 0);
    assert_int_equal(gf_drive_remove(s->d, GF_FOLDER_TO_RELAY, NAME, &s->e), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        drive_test(a_file_is_written_whole_and_alone),
        drive_test(the_source_is_read_from_its_start_wherever_it_stands),
        drive_test(a_size_beyond_the_limit_is_refused),
        drive_test(the_calls_come_in_the_order_that_fat_needs),
        drive_test(an_identical_file_is_not_written_again_but_flushed),
        drive_test(a_file_that_differs_is_left_as_it_is),
        drive_test(what_is_no_file_of_ours_is_not_written_through),
        drive_test(a_missing_folder_is_made_anew),
        drive_test(leftovers_of_ours_go_and_those_in_use_or_foreign_stay),
        drive_test(a_drive_that_gives_back_something_else_is_to_be_replaced),
        drive_test(short_and_interrupted_calls_lose_nothing),
        drive_test(file_systems_without_noreplace_are_served_and_nothing_is_replaced),
        drive_test(kernels_without_openat2_refuse_links_as_well),
        drive_test(file_systems_that_cannot_reserve_room_are_forgiven),
        drive_test(a_file_that_somebody_else_makes_meanwhile_is_not_replaced),
        drive_test(a_file_that_another_program_has_just_made_alike_is_done),
        drive_test(a_readme_that_another_program_has_just_made_is_done),
        drive_test(a_file_lost_to_another_program_is_written_once_more),
        drive_test(a_file_whose_name_differs_in_case_is_neither_compared_nor_removed),
        drive_test(removing_is_flushed_and_a_missing_file_is_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
