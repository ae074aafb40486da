/*
 * test_drive_media.c -- drives as they are mounted: full, read-only, swapped, FAT and exFAT.
 *
 * Mounts need a mount namespace of their own, and FAT needs a driver (the kernel's, or fusefat and
 * exfat-fuse). What the machine cannot do is skipped, and said.
 */
#include "drive_faulty.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>

#define MIB ((size_t)1 << 20)

static const char *no_mounts; /* why this machine lets us mount nothing */

static int enter_namespace(void **state) {
    (void)state;
    if (unshare(CLONE_NEWNS) == -1 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1)
        no_mounts = strerror(errno);
    return 0;
}

#define NEEDS_MOUNTS()                                                                             \
    do {                                                                                           \
        if (no_mounts != NULL) {                                                                   \
            print_message("SKIPPED: %s: no mount namespace: %s\n", __func__, no_mounts);           \
            skip();                                                                                \
        }                                                                                          \
    } while (0)

static void mount_tmpfs(const char *path, const char *options) {
    if (mount("tmpfs", path, "tmpfs", 0, options) == -1)
        fail_msg("mount %s: %s", path, strerror(errno));
}

/* Run a command of the shell; 0 if it succeeded. */
static int run(const char *fmt, ...) GF_PRINTF(1, 2);
static int run(const char *fmt, ...) {
    char command[1024];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(command, sizeof(command), fmt, ap);
    va_end(ap);
    return system(command);
}

static int media_teardown(void **state) {
    struct stick *s = *state;
    gf_drive_close(s->d);
    s->d = NULL;
    while (no_mounts == NULL && umount2(s->path, MNT_DETACH) == 0)
        continue;
    (void)run("[ ! -e %s.img ] || { losetup -nO NAME -j %s.img | xargs -r losetup -d; rm %s.img; }",
              s->path, s->path, s->path);
    return stick_teardown(state);
}

static void file_systems_mounted_below_a_drive_are_not_entered(void **state) {
    struct stick *s = *state;
    struct gf_drive_list l;
    int was = 0;
    int fd = -1;
    NEEDS_MOUNTS();
    open_drive(s);
    mount_tmpfs(on(s, RELAY), "size=1m");
    put_file(s, BUNDLE, "x", 1);
    for (int old = 0; old < 2; old++) {
        gf_drive_close(s->d);
        s->d = NULL;
        open_faulty(s);
        f.old_kernel = old;
        assert_fails(gf_drive_scan(s->d, GF_FOLDER_TO_RELAY, 0, &l, &s->e), s->e, GF_E_DRIVE,
                     "another file system");
        assert_fails(gf_drive_read(s->d, GF_FOLDER_TO_RELAY, NAME, &fd, &s->e), s->e, GF_E_DRIVE,
                     "another file system");
        assert_fails(put_bundle(s, NAME, "y", 1, &was), s->e, GF_E_DRIVE, "another file system");
        assert_fails(gf_drive_remove(s->d, GF_FOLDER_TO_RELAY, NAME, &s->e), s->e, GF_E_DRIVE,
                     "another file system");
    }
    assert_true(holds(s, BUNDLE, "x", 1));
    assert_int_equal(umount2(on(s, RELAY), MNT_DETACH), 0);

    gf_drive_close(s->d);
    s->d = NULL;
    mount_tmpfs(on(s, "GAPFERRY"), "size=1m");
    assert_fails(gf_drive_open(s->path, 1, &s->d, &s->e), s->e, GF_E_DRIVE, "another file system");
    assert_int_equal(umount2(on(s, "GAPFERRY"), MNT_DETACH), 0);
}

static void a_file_mounted_over_an_entry_is_foreign(void **state) {
    struct stick *s = *state;
    struct gf_drive_list l;
    int fd = -1;
    NEEDS_MOUNTS();
    open_drive(s);
    put_file(s, BUNDLE, "x", 1);
    assert_int_equal(mount("/etc/passwd", on(s, BUNDLE), NULL, MS_BIND, NULL), 0);
    assert_int_equal(gf_drive_scan(s->d, GF_FOLDER_TO_RELAY, 0, &l, &s->e), 0);
    assert_int_equal(l.n, 0);
    assert_int_equal(l.foreign, 1);
    gf_drive_list_free(&l);
    assert_fails(gf_drive_read(s->d, GF_FOLDER_TO_RELAY, NAME, &fd, &s->e), s->e, GF_E_NOINPUT,
                 "left alone");
    assert_int_equal(umount2(on(s, BUNDLE), MNT_DETACH), 0);
}

static void a_full_drive_says_how_much_is_missing_and_stays_clean(void **state) {
    struct stick *s = *state;
    char *data = pattern(3 * MIB);
    int was = -1;
    int fd = -1;
    NEEDS_MOUNTS();
    mount_tmpfs(s->path, "size=2m");
    open_drive(s);
    assert_true(gf_drive_room(s->d) > (int64_t)MIB && gf_drive_room(s->d) <= (int64_t)(2 * MIB));
    assert_fails(put_bundle(s, NAME, data, 3 * MIB, &was), s->e, GF_E_CREATE, " KiB more are");
    /* 3 MiB and the slack of 256 KiB do not fit into what README.txt has left of 2 MiB. */
    assert_in_range(strtol(strstr(s->e.text, "full: ") + 6, NULL, 10), 1024 + 256, 1024 + 256 + 64);
    assert_int_equal(count(s, RELAY), 0);
    assert_int_equal(put_bundle(s, NAME, data, MIB, &was), 0);

    /* A full drive in use opens, so that reading can empty it. */
    fd = open(on(s, "filler"), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    assert_int_equal(unlink(on(s, "GAPFERRY/README.txt")), 0);
    while (write(fd, data, 4096) > 0)
        continue;
    (void)close(fd);
    assert_int_equal(rmdir(on(s, "GAPFERRY/to-site")), 0);
    open_drive(s);
    assert_fails(put_bundle(s, "b.gfb", data, MIB, &was), s->e, GF_E_CREATE, "full");
    assert_int_equal(count(s, RELAY), 1);
    assert_false(exists(s, "GAPFERRY/README.txt"));
    assert_int_equal(unlink(on(s, "filler")), 0);
    assert_int_equal(gf_drive_remove(s->d, GF_FOLDER_TO_RELAY, NAME, &s->e), 0);
    assert_int_equal(put_bundle(s, "b.gfb", data, MIB, &was), 0);
    free(data);
}

static int unknown_statvfs(int fd, struct statvfs *v) {
    (void)fd;
    memset(v, 0, sizeof(*v));
    return 0;
}

static int no_fallocate(int fd, int mode, off_t from, off_t len) {
    (void)fd;
    (void)mode;
    (void)from;
    (void)len;
    errno = EOPNOTSUPP;
    return -1;
}

static void a_drive_that_hides_its_room_fills_up_without_leftovers(void **state) {
    struct gf_drive_sys sys = gf_drive_kernel;
    struct stick *s = *state;
    char *data = pattern(3 * MIB);
    int was = -1;
    NEEDS_MOUNTS();
    mount_tmpfs(s->path, "size=2m");
    sys.statvfs = unknown_statvfs;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(gf_drive_open_with(s->path, 1, &sys, &s->d, &s->e), 0);
        assert_int_equal(gf_drive_room(s->d), -1);
        assert_fails(put_bundle(s, NAME, data, 3 * MIB, &was), s->e, GF_E_CREATE,
                     "the drive is full");
        assert_int_equal(count(s, RELAY), 0);
        gf_drive_close(s->d);
        s->d = NULL;
        sys.fallocate = no_fallocate;
    }
    free(data);
}

static void a_drive_without_room_for_one_more_name_is_full(void **state) {
    struct stick *s = *state;
    int was = -1;
    NEEDS_MOUNTS();
    mount_tmpfs(s->path, "nr_inodes=7");
    open_drive(s);
    put_file(s, "last", "x", 1);
    assert_fails(put_bundle(s, NAME, "x", 1, &was), s->e, GF_E_CREATE, "the drive is full");
    assert_int_equal(count(s, RELAY), 0);
}

static void a_fresh_drive_without_any_room_is_refused(void **state) {
    struct stick *s = *state;
    NEEDS_MOUNTS();
    mount_tmpfs(s->path, "size=64k");
    assert_fails(gf_drive_open(s->path, 1, &s->d, &s->e), s->e, GF_E_CREATE, "full");
    assert_null(s->d);
}

static void leftovers_make_room_before_the_room_is_measured(void **state) {
    struct stick *s = *state;
    char *data = pattern(2 * MIB);
    int was = -1;
    NEEDS_MOUNTS();
    mount_tmpfs(s->path, "size=3m");
    open_drive(s);
    put_file(s, TEMP, data, 2 * MIB);
    assert_int_equal(put_bundle(s, NAME, data, 2 * MIB, &was), 0);
    assert_int_equal(count(s, RELAY), 1);
    free(data);
}

static void a_read_only_drive_is_read_and_nothing_is_removed(void **state) {
    struct stick *s = *state;
    struct gf_drive_list l;
    int was = -1;
    int fd = -1;
    NEEDS_MOUNTS();
    mount_tmpfs(s->path, "size=1m");
    assert_int_equal(mount(NULL, s->path, NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
    assert_fails(gf_drive_open(s->path, 1, &s->d, &s->e), s->e, GF_E_CREATE, "cannot be written");
    assert_int_equal(mount(NULL, s->path, NULL, MS_REMOUNT, NULL), 0);
    open_drive(s);
    assert_int_equal(put_bundle(s, NAME, "hello", 5, &was), 0);
    assert_int_equal(rmdir(on(s, "GAPFERRY/to-site")), 0);
    gf_drive_close(s->d);
    s->d = NULL;
    assert_int_equal(mount(NULL, s->path, NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);

    open_drive(s);
    assert_true(gf_drive_read_only(s->d));
    assert_int_equal(gf_drive_scan(s->d, GF_FOLDER_TO_RELAY, 0, &l, &s->e), 0);
    assert_int_equal(l.n, 1);
    gf_drive_list_free(&l);
    assert_int_equal(gf_drive_scan(s->d, GF_FOLDER_TO_SITE, 0, &l, &s->e), 0);
    assert_int_equal(l.n, 0);
    gf_drive_list_free(&l);
    assert_int_equal(gf_drive_read(s->d, GF_FOLDER_TO_RELAY, NAME, &fd, &s->e), 0);
    (void)close(fd);
    assert_int_equal(put_bundle(s, NAME, "hello", 5, &was), 0);
    assert_int_equal(was, 1);
    assert_fails(put_bundle(s, "b.gfb", "hello", 5, &was), s->e, GF_E_CREATE, "cannot be written");
    assert_fails(gf_drive_remove(s->d, GF_FOLDER_TO_RELAY, NAME, &s->e), s->e, GF_E_CREATE,
                 "cannot be written");
    assert_true(holds(s, BUNDLE, "hello", 5));
}

/* Two partitions in turn can have one device number, and a bind mount always has. */
static void another_mount_of_the_same_device_is_noticed(void **state) {
    struct stick *s = *state;
    int was = -1;
    NEEDS_MOUNTS();
    open_drive(s);
    assert_int_equal(mount(s->path, s->path, NULL, MS_BIND, NULL), 0);
    assert_fails(put_bundle(s, NAME, "x", 1, &was), s->e, GF_E_DRIVE, "run this again");
    assert_int_equal(count(s, RELAY), 0);
}

static void another_drive_in_the_same_place_is_noticed(void **state) {
    struct stick *s = *state;
    struct gf_drive_list l;
    int was = -1;
    int fd = -1;
    NEEDS_MOUNTS();
    mount_tmpfs(s->path, "size=1m");
    open_drive(s);
    for (int i = 0; i < 2; i++) {
        /* Another one on top; then none at all, the first one being held by us alone. */
        if (i == 0) {
            mount_tmpfs(s->path, "size=1m");
        } else {
            assert_int_equal(umount2(s->path, MNT_DETACH), 0);
            assert_int_equal(umount2(s->path, MNT_DETACH), 0);
        }
        assert_fails(put_bundle(s, NAME, "x", 1, &was), s->e, GF_E_DRIVE, "run this again");
        assert_fails(gf_drive_scan(s->d, GF_FOLDER_TO_RELAY, 0, &l, &s->e), s->e, GF_E_DRIVE,
                     "run this again");
        assert_fails(gf_drive_read(s->d, GF_FOLDER_TO_RELAY, NAME, &fd, &s->e), s->e, GF_E_DRIVE,
                     "run this again");
        assert_fails(gf_drive_remove(s->d, GF_FOLDER_TO_RELAY, NAME, &s->e), s->e, GF_E_DRIVE,
                     "run this again");
        assert_int_equal(count(s, ""), 0);
    }
}

/* What must be true on any drive that people buy: no case, no modes, no links, odd errors. */
static void use_fat(struct stick *s) {
    const size_t len = 700000;
    char *data = pattern(len);
    struct gf_drive_list l;
    int was = -1;
    int fd = -1;
    open_drive(s);
    assert_int_equal(put_bundle(s, NAME, data, len, &was), 0);
    assert_int_equal(was, 0);
    assert_true(holds(s, BUNDLE, data, len));
    assert_int_equal(put_bundle(s, NAME, data, len, &was), 0);
    assert_int_equal(was, 1);
    assert_fails(put_bundle(s, NAME, data, len - 1, &was), s->e, GF_E_CREATE, "move it away");

    /* A file that differs in case answers to our name, but is not ours. */
    put_file(s, RELAY "/ABC.GFB", "hello", 5);
    assert_fails(put_bundle(s, "abc.gfb", "hello", 5, &was), s->e, GF_E_CREATE, "not ours");
    assert_int_equal(gf_drive_remove(s->d, GF_FOLDER_TO_RELAY, "abc.gfb", &s->e), 0);
    assert_int_equal(gf_drive_scan(s->d, GF_FOLDER_TO_RELAY, 0, &l, &s->e), 0);
    assert_int_equal(l.n, 1);
    assert_int_equal(l.foreign, 1);
    assert_string_equal(l.entries[0].name, NAME);
    assert_int_equal(l.entries[0].size, len);
    gf_drive_list_free(&l);

    put_file(s, TEMP, "x", 1);
    open_drive(s);
    assert_int_equal(put_bundle(s, "b.gfb", "hello", 5, &was), 0);
    assert_int_equal(count(s, RELAY), 3);
    assert_int_equal(gf_drive_read(s->d, GF_FOLDER_TO_RELAY, "b.gfb", &fd, &s->e), 0);
    (void)close(fd);
    assert_int_equal(gf_drive_remove(s->d, GF_FOLDER_TO_RELAY, NAME, &s->e), 0);
    assert_int_equal(count(s, RELAY), 2);
    free(data);

    /* It fills up: the 8 MiB that are left do not hold another 16. */
    data = pattern(16 * MIB);
    assert_int_equal(put_bundle(s, "c.gfb", data, 8 * MIB, &was), 0);
    was = -1;
    assert_fails(put_bundle(s, "d.gfb", data, 16 * MIB, &was), s->e, GF_E_CREATE, "full");
    assert_int_equal(count(s, RELAY), 3);
    free(data);
}

/* Make an image, mount it at the drive and use it; media_teardown() takes it away. */
static void with_image(struct stick *s, const char *make, const char *const mounts[]) {
    char image[80];
    char loop[64] = "";
    FILE *pipe = NULL;
    size_t i = 0;
    char command[256];
    int mounted = 0;
    (void)snprintf(image, sizeof(image), "%s.img", s->path);
    if (run("truncate -s 16M %s && %s %s >/dev/null 2>&1", image, make, image) != 0) {
        print_message("SKIPPED: %s is not there\n", make);
        skip();
    }
    (void)snprintf(command, sizeof(command), "losetup -f --show %s 2>/dev/null", image);
    pipe = popen(command, "re");
    if (pipe != NULL && fgets(loop, sizeof(loop), pipe) != NULL)
        loop[strcspn(loop, "\n")] = '\0';
    if (pipe != NULL)
        (void)pclose(pipe);
    for (i = 0; mounts[i] != NULL && !mounted; i++)
        mounted = run("exec >/dev/null 2>&1; IMAGE=%s LOOP=%s DIR=%s; %s", image, loop, s->path,
                      mounts[i]) == 0;
    if (mounted) {
        print_message("mounted with: %s\n", mounts[i - 1]);
        use_fat(s);
    } else {
        print_message("SKIPPED: no driver mounts what %s makes\n", make);
        skip();
    }
}

static void fat_drives_work(void **state) {
    static const char *const mounts[] = {"mount -t vfat $LOOP $DIR", "fusefat -o rw+ $IMAGE $DIR",
                                         NULL};
    NEEDS_MOUNTS();
    with_image(*state, "mkfs.vfat", mounts);
}

static void exfat_drives_work(void **state) {
    static const char *const mounts[] = {"mount -t exfat $LOOP $DIR", "mount.exfat-fuse $LOOP $DIR",
                                         NULL};
    NEEDS_MOUNTS();
    with_image(*state, "mkfs.exfat", mounts);
}

#define media_test(f) cmocka_unit_test_setup_teardown(f, stick_setup, media_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        media_test(file_systems_mounted_below_a_drive_are_not_entered),
        media_test(a_file_mounted_over_an_entry_is_foreign),
        media_test(a_full_drive_says_how_much_is_missing_and_stays_clean),
        media_test(a_drive_that_hides_its_room_fills_up_without_leftovers),
        media_test(a_drive_without_room_for_one_more_name_is_full),
        media_test(a_fresh_drive_without_any_room_is_refused),
        media_test(leftovers_make_room_before_the_room_is_measured),
        media_test(a_read_only_drive_is_read_and_nothing_is_removed),
        media_test(another_mount_of_the_same_device_is_noticed),
        media_test(another_drive_in_the_same_place_is_noticed),
        media_test(fat_drives_work),
        media_test(exfat_drives_work),
    };
    return cmocka_run_group_tests(tests, enter_namespace, NULL);
}
