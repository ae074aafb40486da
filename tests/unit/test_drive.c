/*
 * test_drive.c -- opening drives and reading them, however hostile what lies there is.
 */
#include "drive_testing.h"

#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

static void a_drive_without_our_folder_is_no_input(void **state) {
    struct stick *s = *state;
    assert_fails(gf_drive_open(s->path, 0, &s->d, &s->e), s->e, GF_E_NOINPUT,
                 "is this the right drive?");
    assert_null(s->d);
    assert_int_equal(count(s, ""), 0);
}

static void what_is_not_a_directory_is_no_drive(void **state) {
    struct stick *s = *state;
    put_file(s, "file", "x", 1);
    assert_int_equal(mkfifo(on(s, "fifo"), 0600), 0);
    assert_fails(gf_drive_open(on(s, "missing"), 1, &s->d, &s->e), s->e, GF_E_NOINPUT,
                 "is the drive mounted?");
    assert_fails(gf_drive_open(on(s, "file"), 1, &s->d, &s->e), s->e, GF_E_NOINPUT,
                 "not a directory");
    assert_fails(gf_drive_open(on(s, "fifo"), 1, &s->d, &s->e), s->e, GF_E_NOINPUT,
                 "not a directory");
    assert_fails(gf_drive_open("", 1, &s->d, &s->e), s->e, GF_E_NOINPUT, "no such directory");
}

static void making_a_drive_furnishes_it(void **state) {
    struct stick *s = *state;
    open_drive(s);
    assert_int_equal(count(s, ""), 1);
    assert_int_equal(count(s, "GAPFERRY"), 4);
    for (int i = 0; gf_drive_folders[i] != NULL; i++) {
        char name[64];
        (void)snprintf(name, sizeof(name), "GAPFERRY/%s", gf_drive_folders[i]);
        assert_int_equal(count(s, name), 0);
    }
    assert_false(gf_drive_read_only(s->d));
    assert_true(gf_drive_room(s->d) > 0);
    assert_string_equal(gf_drive_folders[GF_FOLDER_TO_RELAY], "to-relay");
    assert_string_equal(gf_drive_folders[GF_FOLDER_TO_SITE], "to-site");
    assert_string_equal(gf_drive_folders[GF_FOLDER_CARDS], "cards");
}

/* Notepad shows a text without CR as one line, and guesses at what is not ASCII. */
static void the_readme_can_be_read_on_any_desktop(void **state) {
    struct stick *s = *state;
    char text[8192] = "";
    int fd = -1;
    open_drive(s);
    fd = open(on(s, "GAPFERRY/README.txt"), O_RDONLY | O_CLOEXEC);
    assert_true(read(fd, text, sizeof(text) - 1) > 500);
    (void)close(fd);
    for (size_t i = 0; text[i] != '\0'; i++) {
        assert_true((text[i] >= ' ' && text[i] <= '~') || text[i] == '\r' || text[i] == '\n');
        if (text[i] == '\n')
            assert_true(i > 0 && text[i - 1] == '\r');
        if (text[i] == '\r')
            assert_int_equal(text[i + 1], '\n');
    }
    assert_non_null(strstr(text, "gapferry-relay sync"));
    assert_non_null(strstr(text, "encrypted and signed"));
    assert_non_null(strstr(text, "safe to remove"));
}

static void a_readme_that_is_there_stays(void **state) {
    struct stick *s = *state;
    open_drive(s);
    put_file(s, "GAPFERRY/README.txt", "call Ada", 8);
    open_drive(s);
    assert_true(holds(s, "GAPFERRY/README.txt", "call Ada", 8));

    /* Neither is a link followed by writing through it. */
    assert_int_equal(unlink(on(s, "GAPFERRY/README.txt")), 0);
    assert_int_equal(symlink("elsewhere", on(s, "GAPFERRY/README.txt")), 0);
    open_drive(s);
    assert_false(exists(s, "GAPFERRY/elsewhere"));
}

static void without_make_nothing_is_written(void **state) {
    struct stick *s = *state;
    struct gf_drive_list l;
    assert_int_equal(mkdir(on(s, "GAPFERRY"), 0755), 0);
    assert_int_equal(gf_drive_open(s->path, 0, &s->d, &s->e), 0);
    assert_int_equal(gf_drive_scan(s->d, GF_FOLDER_TO_SITE, 0, &l, &s->e), 0);
    assert_int_equal(l.n + l.foreign + l.incomplete + l.oversize + (size_t)l.cut, 0);
    assert_null(l.entries);
    gf_drive_list_free(&l);
    assert_int_equal(count(s, "GAPFERRY"), 0);
}

static void a_link_instead_of_our_folder_is_not_followed(void **state) {
    struct stick *s = *state;
    assert_int_equal(mkdir(on(s, "real"), 0755), 0);
    assert_int_equal(symlink("real", on(s, "GAPFERRY")), 0);
    assert_fails(gf_drive_open(s->path, 1, &s->d, &s->e), s->e, GF_E_DRIVE, "none is followed");
    assert_int_equal(unlink(on(s, "GAPFERRY")), 0);
    put_file(s, "GAPFERRY", "x", 1);
    assert_fails(gf_drive_open(s->path, 1, &s->d, &s->e), s->e, GF_E_DRIVE, "none is followed");
    assert_int_equal(count(s, "real"), 0);
}

static void a_link_or_file_instead_of_a_folder_is_refused(void **state) {
    struct stick *s = *state;
    struct gf_drive_list l;
    int was = 0;
    int fd = -1;
    open_drive(s);
    assert_int_equal(rmdir(on(s, RELAY)), 0);
    assert_int_equal(mkdir(on(s, "real"), 0755), 0);
    for (int as_file = 0; as_file < 2; as_file++) {
        if (as_file)
            put_file(s, RELAY, "x", 1);
        else
            assert_int_equal(symlink("../real", on(s, RELAY)), 0);
        open_drive(s);
        assert_fails(gf_drive_scan(s->d, GF_FOLDER_TO_RELAY, 0, &l, &s->e), s->e, GF_E_DRIVE,
                     "to-relay");
        assert_fails(gf_drive_read(s->d, GF_FOLDER_TO_RELAY, "a.gfb", &fd, &s->e), s->e, GF_E_DRIVE,
                     "to-relay");
        assert_fails(put_bundle(s, "a.gfb", "x", 1, &was), s->e, GF_E_DRIVE, "to-relay");
        assert_fails(gf_drive_remove(s->d, GF_FOLDER_TO_RELAY, "a.gfb", &s->e), s->e, GF_E_DRIVE,
                     "to-relay");
        assert_int_equal(unlink(on(s, RELAY)), 0);
    }
    assert_int_equal(count(s, "real"), 0);
}

static void only_our_names_are_listed_and_sorted(void **state) {
    static const char *const ours[] = {
        "-.gfb", "0.gfb", "a-b.gfb", "a.gfb",
        "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz.gfb" /* 48 */};
    static const char *const others[] = {
        ".gfb",
        "A.gfb",
        "a.GFB",
        "a.gfb.exe",
        "a.card",
        "autorun.inf",
        "a b.gfb",
        "a_b.gfb",
        "a.b.gfb",
        "a\n.gfb",
        "a\033[2J.gfb",
        "\xc3\xa4.gfb",
        "\xff\xfe.gfb",
        "a.gfb ",
        "gfb",
        "...",
        "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz.gfb" /* 49 */};
    const size_t n = sizeof(ours) / sizeof(*ours);
    struct stick *s = *state;
    struct gf_drive_list l;
    char name[128];
    open_drive(s);
    for (size_t k = 0; k < n; k++) {
        size_t i = (3 * k + 1) % n;
        (void)snprintf(name, sizeof(name), RELAY "/%s", ours[i]);
        put_file(s, name, "12345", i);
    }
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
        (void)snprintf(name, sizeof(name), RELAY "/%s", others[i]);
        put_file(s, name, "x", 1);
    }
    assert_int_equal(gf_drive_scan(s->d, GF_FOLDER_TO_RELAY, 0, &l, &s->e), 0);
    assert_int_equal(l.n, n);
    for (size_t i = 0; i < n; i++) {
        assert_string_equal(l.entries[i].name, ours[i]);
        assert_int_equal(l.entries[i].size, i);
    }
    assert_int_equal(l.foreign, sizeof(others) / sizeof(*others));
    assert_int_equal(l.incomplete, 0);
    assert_int_equal(l.cut, 0);
    gf_drive_list_free(&l);
    assert_int_equal(count(s, RELAY), n + sizeof(others) / sizeof(*others));
}

static void cards_have_an_ending_of_their_own(void **state) {
    struct stick *s = *state;
    struct gf_drive_list l;
    open_drive(s);
    put_file(s, "GAPFERRY/cards/a.card", "x", 1);
    put_file(s, "GAPFERRY/cards/a.gfb", "x", 1);
    assert_int_equal(gf_drive_scan(s->d, GF_FOLDER_CARDS, 0, &l, &s->e), 0);
    assert_int_equal(l.n, 1);
    assert_int_equal(l.foreign, 1);
    gf_drive_list_free(&l);
}

/* Opening any of these for reading would wait, have an effect, or read what is not on the drive. */
static void what_is_no_plain_file_is_foreign_and_never_opened(void **state) {
    struct stick *s = *state;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct gf_drive_list l;
    size_t n = 0;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    open_drive(s);
    put_file(s, RELAY "/real.gfb", "x", 1);
    assert_int_equal(symlink("/etc/passwd", on(s, RELAY "/l1.gfb")), 0);
    assert_int_equal(symlink("real.gfb", on(s, RELAY "/l2.gfb")), 0);
    assert_int_equal(symlink("nowhere", on(s, RELAY "/l3.gfb")), 0);
    assert_int_equal(mkfifo(on(s, RELAY "/fifo.gfb"), 0644), 0);
    assert_int_equal(mkfifo(on(s, RELAY "/fifo.part"), 0644), 0);
    assert_int_equal(mkdir(on(s, RELAY "/dir.gfb"), 0755), 0);
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", on(s, RELAY "/sock.gfb"));
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    (void)close(fd);
    put_file(s, "other", "x", 1);
    assert_int_equal(link(on(s, "other"), on(s, RELAY "/hard.gfb")), 0);
    n = 8;
    if (mknod(on(s, RELAY "/null.gfb"), S_IFCHR | 0644, makedev(1, 3)) == 0)
        n++;
    else
        print_message("NOT TESTED: a device (mknod: %s)\n", strerror(errno));

    assert_int_equal(gf_drive_scan(s->d, GF_FOLDER_TO_RELAY, 0, &l, &s->e), 0);
    assert_int_equal(l.n, 1);
    assert_string_equal(l.entries[0].name, "real.gfb");
    assert_int_equal(l.foreign, n);
    assert_int_equal(l.incomplete, 0);
    gf_drive_list_free(&l);

    static const char *const names[] = {"l1.gfb",  "l2.gfb",   "l3.gfb",   "fifo.gfb",
                                        "dir.gfb", "sock.gfb", "hard.gfb", "null.gfb"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names) - (n == 8 ? 1 : 0); i++) {
        fd = -7;
        assert_fails(gf_drive_read(s->d, GF_FOLDER_TO_RELAY, names[i], &fd, &s->e), s->e,
                     GF_E_NOINPUT, "left alone");
        assert_int_equal(fd, -7);
        assert_fails(gf_drive_remove(s->d, GF_FOLDER_TO_RELAY, names[i], &s->e), s->e, GF_E_DRIVE,
                     "left alone");
    }
    assert_int_equal(count(s, RELAY), n + 1);
}

static void parts_are_counted_as_incomplete(void **state) {
    struct stick *s = *state;
    struct gf_drive_list l;
    open_drive(s);
    put_file(s, RELAY "/gapferry-0123456789abcdef0123456789abcdef.part", "x", 1);
    put_file(s, RELAY "/x.part", "x", 1);
    put_file(s, RELAY "/X.part", "x", 1);
    assert_int_equal(gf_drive_scan(s->d, GF_FOLDER_TO_RELAY, 0, &l, &s->e), 0);
    assert_int_equal(l.n, 0);
    assert_int_equal(l.incomplete, 2);
    assert_int_equal(l.foreign, 1);
    gf_drive_list_free(&l);
    assert_int_equal(count(s, RELAY), 3);
}

static void what_is_too_large_is_counted_apart(void **state) {
    struct stick *s = *state;
    struct gf_drive_list l;
    open_drive(s);
    put_file(s, RELAY "/a.gfb", "1234", 4);
    put_file(s, RELAY "/b.gfb", "12345", 5);
    put_file(s, RELAY "/huge.gfb", "", 0);
    assert_int_equal(truncate(on(s, RELAY "/huge.gfb"), 1LL << 40), 0);
    assert_int_equal(gf_drive_scan(s->d, GF_FOLDER_TO_RELAY, 0, &l, &s->e), 0);
    assert_int_equal(l.n, 2);
    assert_int_equal(l.oversize, 1);
    gf_drive_list_free(&l);
    assert_int_equal(gf_drive_scan(s->d, GF_FOLDER_TO_RELAY, 4, &l, &s->e), 0);
    assert_int_equal(l.n, 1);
    assert_int_equal(l.oversize, 2);
    gf_drive_list_free(&l);

    assert_int_equal(truncate(on(s, RELAY "/huge.gfb"), GF_BUNDLE_MAX), 0);
    assert_int_equal(gf_drive_scan(s->d, GF_FOLDER_TO_RELAY, 0, &l, &s->e), 0);
    assert_int_equal(l.n, 3);
    gf_drive_list_free(&l);
    put_file(s, "GAPFERRY/cards/a.card", "", 0);
    assert_int_equal(truncate(on(s, "GAPFERRY/cards/a.card"), GF_CARD_FILE_MAX + 1), 0);
    assert_int_equal(gf_drive_scan(s->d, GF_FOLDER_CARDS, 0, &l, &s->e), 0);
    assert_int_equal(l.oversize, 1);
    gf_drive_list_free(&l);
}

static void thousands_of_foreign_files_do_not_hide_ours(void **state) {
    struct stick *s = *state;
    struct gf_drive_list l;
    char name[64];
    open_drive(s);
    for (int i = 0; i < 20000; i++) {
        (void)snprintf(name, sizeof(name), RELAY "/DSC%05d.JPG", i);
        put_file(s, name, "", 0);
    }
    put_file(s, RELAY "/a.gfb", "x", 1);
    assert_int_equal(gf_drive_scan(s->d, GF_FOLDER_TO_RELAY, 0, &l, &s->e), 0);
    assert_int_equal(l.n, 1);
    assert_int_equal(l.foreign, 20000);
    assert_int_equal(l.cut, 0);
    gf_drive_list_free(&l);
}

static void one_go_takes_so_many_and_says_that_there_are_more(void **state) {
    struct stick *s = *state;
    struct gf_drive_list l;
    char name[64];
    open_drive(s);
    for (int i = 0; i < GF_DRIVE_BUNDLES_MAX + 10; i++) {
        (void)snprintf(name, sizeof(name), RELAY "/%08d.gfb",
                       1009 * i % (GF_DRIVE_BUNDLES_MAX + 10));
        put_file(s, name, "", 0);
    }
    for (int i = GF_DRIVE_CARDS_MAX; i >= 0; i--) {
        (void)snprintf(name, sizeof(name), "GAPFERRY/cards/%08d.card", i);
        put_file(s, name, "", 0);
    }
    assert_int_equal(gf_drive_scan(s->d, GF_FOLDER_TO_RELAY, 0, &l, &s->e), 0);
    assert_int_equal(l.cut, 1);
    assert_int_equal(l.n, GF_DRIVE_BUNDLES_MAX);
    for (size_t i = 1; i < l.n; i++)
        assert_true(strcmp(l.entries[i - 1].name, l.entries[i].name) < 0);
    gf_drive_list_free(&l);
    assert_int_equal(gf_drive_scan(s->d, GF_FOLDER_CARDS, 0, &l, &s->e), 0);
    assert_int_equal(l.cut, 1);
    assert_int_equal(l.n, GF_DRIVE_CARDS_MAX);
    gf_drive_list_free(&l);
}

static void an_endless_directory_is_left_after_the_cap(void **state) {
    struct stick *s = *state;
    struct gf_drive_list l;
    char name[32];
    int dir = -1;
    open_drive(s);
    dir = open(on(s, RELAY), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int i = 0; i < GF_DRIVE_ENTRIES_MAX + 5; i++) {
        (void)snprintf(name, sizeof(name), "%d", i);
        assert_int_equal(mknodat(dir, name, S_IFREG | 0600, 0), 0);
    }
    assert_int_equal(gf_drive_scan(s->d, GF_FOLDER_TO_RELAY, 0, &l, &s->e), 0);
    assert_int_equal(l.foreign, GF_DRIVE_ENTRIES_MAX);
    assert_int_equal(l.cut, 1);
    gf_drive_list_free(&l);
    assert_int_equal(unlinkat(dir, "4", 0), 0);
    for (int i = 5; i < 10; i++) {
        (void)snprintf(name, sizeof(name), "%d", i);
        assert_int_equal(unlinkat(dir, name, 0), 0);
    }
    assert_int_equal(gf_drive_scan(s->d, GF_FOLDER_TO_RELAY, 0, &l, &s->e), 0);
    assert_int_equal(l.cut, 0);
    gf_drive_list_free(&l);
    (void)close(dir);
}

static void an_entry_opens_for_reading_only_and_blocks_as_files_do(void **state) {
    struct stick *s = *state;
    char text[8] = "";
    int fd = -1;
    open_drive(s);
    put_file(s, RELAY "/a.gfb", "hello", 5);
    assert_int_equal(gf_drive_read(s->d, GF_FOLDER_TO_RELAY, "a.gfb", &fd, &s->e), 0);
    assert_int_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
    assert_int_equal(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
    assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    assert_int_equal(read(fd, text, sizeof(text)), 5);
    assert_string_equal(text, "hello");
    (void)close(fd);
}

static void names_that_are_not_ours_are_a_mistake_of_the_caller(void **state) {
    static const char *const names[] = {
        "",      ".",      "..",     "../a.gfb", "/etc/passwd", "a/b.gfb",     "to-relay",
        "A.gfb", "a.card", "a.gfb/", ".gfb",     "README.txt",  "a\n\033.gfb", "a.part"};
    struct stick *s = *state;
    int src = source_of("x", 1);
    int fd = -1;
    open_drive(s);
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        assert_fails(gf_drive_read(s->d, GF_FOLDER_TO_RELAY, names[i], &fd, &s->e), s->e,
                     GF_E_USAGE, "at most 48");
        assert_fails(gf_drive_write(s->d, GF_FOLDER_TO_RELAY, names[i], src, 1, &fd, &s->e), s->e,
                     GF_E_USAGE, "at most 48");
        assert_fails(gf_drive_remove(s->d, GF_FOLDER_TO_RELAY, names[i], &s->e), s->e, GF_E_USAGE,
                     "at most 48");
    }
    assert_int_equal(fd, -1);
    (void)close(src);
}

static void a_file_that_vanished_is_no_input(void **state) {
    struct stick *s = *state;
    int fd = -1;
    open_drive(s);
    assert_fails(gf_drive_read(s->d, GF_FOLDER_TO_RELAY, "a.gfb", &fd, &s->e), s->e, GF_E_NOINPUT,
                 "a.gfb");
    assert_int_equal(rmdir(on(s, RELAY)), 0);
    assert_fails(gf_drive_read(s->d, GF_FOLDER_TO_RELAY, "a.gfb", &fd, &s->e), s->e, GF_E_NOINPUT,
                 "a.gfb");
}

static void a_drive_that_is_gone_says_so_in_plain_words(void **state) {
    struct stick *s = *state;
    char moved[80];
    struct gf_drive_list l;
    int was = 0;
    open_drive(s);
    (void)snprintf(moved, sizeof(moved), "%s-moved", s->path);
    assert_int_equal(rename(s->path, moved), 0);
    assert_fails(gf_drive_scan(s->d, GF_FOLDER_TO_RELAY, 0, &l, &s->e), s->e, GF_E_SYSTEM,
                 "put it back and run this again");
    assert_fails(put_bundle(s, "a.gfb", "x", 1, &was), s->e, GF_E_SYSTEM,
                 "put it back and run this again");
    assert_int_equal(rename(moved, s->path), 0);
    assert_int_equal(put_bundle(s, "a.gfb", "x", 1, &was), 0);
}

static void errors_may_be_of_no_interest(void **state) {
    struct stick *s = *state;
    int fd = -1;
    assert_int_equal(gf_drive_open(s->path, 0, &s->d, NULL), -1);
    open_drive(s);
    assert_int_equal(gf_drive_read(s->d, GF_FOLDER_TO_RELAY, "a.gfb", &fd, NULL), -1);
    gf_drive_close(NULL);
}

static void a_bundle_is_named_for_its_id(void **state) {
    struct gf_id id = {{0x5b, 0xe1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff}};
    char name[GF_DRIVE_NAME];
    (void)state;
    gf_drive_bundle_name(&id, name);
    assert_string_equal(name, "5be100000000000000000000000000ff.gfb");
    assert_true(gf_drive_is_name(name, ".gfb"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        drive_test(a_drive_without_our_folder_is_no_input),
        drive_test(what_is_not_a_directory_is_no_drive),
        drive_test(making_a_drive_furnishes_it),
        drive_test(the_readme_can_be_read_on_any_desktop),
        drive_test(a_readme_that_is_there_stays),
        drive_test(without_make_nothing_is_written),
        drive_test(a_link_instead_of_our_folder_is_not_followed),
        drive_test(a_link_or_file_instead_of_a_folder_is_refused),
        drive_test(only_our_names_are_listed_and_sorted),
        drive_test(cards_have_an_ending_of_their_own),
        drive_test(what_is_no_plain_file_is_foreign_and_never_opened),
        drive_test(parts_are_counted_as_incomplete),
        drive_test(what_is_too_large_is_counted_apart),
        drive_test(thousands_of_foreign_files_do_not_hide_ours),
        drive_test(one_go_takes_so_many_and_says_that_there_are_more),
        drive_test(an_endless_directory_is_left_after_the_cap),
        drive_test(an_entry_opens_for_reading_only_and_blocks_as_files_do),
        drive_test(names_that_are_not_ours_are_a_mistake_of_the_caller),
        drive_test(a_file_that_vanished_is_no_input),
        drive_test(a_drive_that_is_gone_says_so_in_plain_words),
        drive_test(errors_may_be_of_no_interest),
        cmocka_unit_test(a_bundle_is_named_for_its_id),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
