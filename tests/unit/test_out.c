/*
 * test_out.c -- base/out: files that are whole or not there.
 */
#include "unit/file_tools.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "gapferry/text.h"

static void a_saved_file_is_whole_alone_and_has_its_mode(void **state) {
    struct gf_err e;

    (void)state;
    mode_t mask = umask(0077);
    assert_int_equal(gf_file_save_new(dir, "a", "hello", 5, 0644, &e), 0);
    (void)umask(0);
    assert_int_equal(gf_file_save_new(dir, "b", "", 0, 0600, &e), 0);
    (void)umask(mask);
    assert_holds("a", "hello");
    assert_holds("b", "");
    assert_int_equal(mode_of("a"), 0644);
    assert_int_equal(mode_of("b"), 0600);
    assert_int_equal(entries(), 2);
}

static void what_exists_is_never_overwritten(void **state) {
    struct gf_err e;

    (void)state;
    put("a", "old");
    assert_int_equal(symlinkat("nowhere", dir, "link"), 0);
    assert_int_equal(mkdirat(dir, "sub", 0700), 0);
    static const char *const names[] = {"a", "link", "sub"};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(gf_file_save_new(dir, names[i], "new", 3, 0644, &e), -1);
        assert_int_equal(e.code, GF_E_CREATE);
        assert_non_null(strstr(e.text, names[i]));
    }
    assert_holds("a", "old");
    assert_int_equal(entries(), 3);
}

static void saving_takes_the_place_of_what_has_the_name(void **state) {
    struct gf_err e;

    (void)state;
    put("a", "a longer one");
    assert_int_equal(symlinkat("a", dir, "link"), 0);
    static const char *const names[] = {"a", "link", "b"};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(gf_file_save(dir, names[i], "new", 3, 0640, &e), 0);
        assert_holds(names[i], "new");
        assert_int_equal(mode_of(names[i]), 0640);
    }
    assert_int_equal(entries(), 3);
    assert_int_equal(mkdirat(dir, "sub", 0700), 0);
    assert_int_equal(gf_file_save(dir, "sub", "new", 3, 0640, &e), -1);
    assert_int_equal(entries(), 4);
}

static void a_file_has_no_name_until_it_is_committed(void **state) {
    struct gf_out o;
    struct gf_err e;

    (void)state;
    assert_int_equal(gf_out_open(&o, dir, "a", &e), 0);
    assert_int_equal(gf_file_write(o.fd, "x", 1), 0);
    assert_int_equal(faccessat(dir, "a", F_OK, 0), -1);
    assert_int_equal(entries(), 1);
    assert_memory_equal(o.temp, ".a.", 3);
    assert_string_equal(o.temp + strlen(o.temp) - 5, ".part");
    assert_int_equal(mode_of(o.temp), 0600);
    gf_out_close(&o);
    assert_int_equal(entries(), 0);
    gf_out_close(&o); /* once more is fine */
}

static void commit_replaces_only_when_asked(void **state) {
    struct gf_out o;
    struct gf_err e;

    (void)state;
    put("a", "old");
    for (int replace = 0; replace < 2; replace++) {
        assert_int_equal(gf_out_open(&o, dir, "a", &e), 0);
        assert_int_equal(gf_file_write(o.fd, "new", 3), 0);
        assert_int_equal(gf_out_commit(&o, 0640, replace, &e), replace ? 0 : -1);
        gf_out_close(&o);
        assert_holds("a", replace ? "new" : "old");
        assert_int_equal(entries(), 1);
    }
    assert_int_equal(mode_of("a"), 0640);
}

static void a_directory_that_is_missing_is_no_input(void **state) {
    struct gf_out o;
    struct gf_err e;

    (void)state;
    put("plain", "x");
    assert_int_equal(gf_out_open(&o, dir, "none/a", &e), -1);
    assert_int_equal(e.code, GF_E_NOINPUT);
    gf_out_close(&o);
    assert_int_equal(gf_out_open(&o, dir, "plain/a", &e), -1);
    assert_int_equal(e.code, GF_E_NOINPUT);
    gf_out_close(&o);
}

static void names_up_to_255_bytes_fit(void **state) {
    char name[300];
    struct gf_err e;

    (void)state;
    memset(name, 'n', sizeof name);
    name[255] = '\0';
    put(name, "x");
    assert_holds(name, "x");
    /* Where the temporary name is cut no character may be. */
    for (size_t shift = 0; shift < 4; shift++) {
        memset(name, 'm', 255);
        for (size_t i = shift; i + 3 <= 255; i += 3)
            memcpy(name + i, "\xe2\x82\xac", 3);
        struct gf_out o;
        assert_int_equal(gf_out_open(&o, dir, name, &e), 0);
        assert_true(gf_text_is_utf8(o.temp, strlen(o.temp)));
        gf_out_close(&o);
    }
    name[255] = 'n';
    name[256] = '\0';
    assert_int_equal(gf_file_save_new(dir, name, "x", 1, 0644, &e), -1);
    assert_int_equal(e.code, GF_E_USAGE);
    assert_int_equal(entries(), 1);
}

static void an_unnamed_file_leaves_no_name(void **state) {
    struct stat st;
    struct gf_err e;

    (void)state;
    int fd = gf_file_unnamed(dir, &e);
    assert_true(fd >= 0);
    assert_int_equal(entries(), 0);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_nlink, 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    close(fd);
    assert_int_equal(gf_file_unnamed(-5, &e), -1);
}

/*
 * Faults: system calls that fail in a child, by a seccomp filter.
 */
struct fault {
    unsigned number; /* of the system call */
    unsigned arg;    /* which must have one of the bits of mask, unless mask is 0 */
    unsigned mask;
    unsigned error;
};

static int install(const struct fault *faults, size_t n) {
    struct sock_filter f[64];
    unsigned short len = 0;

    for (size_t i = 0; i < n; i++) {
        unsigned low = (unsigned)(offsetof(struct seccomp_data, args) + 8 * faults[i].arg);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        low += 4;
#endif
        f[len++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                                                offsetof(struct seccomp_data, nr));
        if (faults[i].mask != 0) {
            f[len++] =
                (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, faults[i].number, 0, 3);
            f[len++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, low);
            f[len++] =
                (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, faults[i].mask, 0, 1);
        } else {
            f[len++] =
                (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, faults[i].number, 0, 1);
        }
        f[len++] =
            (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | faults[i].error);
    }
    f[len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog program = {.len = len, .filter = f};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
        return -1;
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0);
}

/* In a child with these faults: what action returns, 0 to 100; 101 if filters are not to be had. */
static int with_faults(const struct fault *faults, size_t n, int (*action)(void)) {
    int status;
    pid_t child = fork();
    if (child == 0)
        _exit(install(faults, n) == -1 ? 101 : action());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 101)
        skip();
    return WEXITSTATUS(status);
}

static int save_a(void) {
    struct gf_err e = {.code = GF_OK};
    return gf_file_save_new(dir, "a", "new", 3, 0644, &e) == 0 ? 0 : (int)e.code;
}

static int replace_a(void) {
    struct gf_err e = {.code = GF_OK};
    return gf_file_save(dir, "a", "new", 3, 0644, &e) == 0 ? 0 : (int)e.code;
}

static int save_secret(void) {
    struct gf_err e = {.code = GF_OK};
    return gf_file_save_new(dir, "a", "new", 3, 0400, &e) == 0 ? 0 : (int)e.code;
}

static int make_unnamed(void) {
    struct gf_err e = {.code = GF_OK};
    int fd = gf_file_unnamed(dir, &e);
    struct stat st;
    return fd >= 0 && fstat(fd, &st) == 0 && st.st_nlink == 0 && entries() == 0 ? 0 : 1;
}

static const struct fault no_flags = {SYS_renameat2, 4, ~0U, EINVAL};
static const struct fault no_links = {SYS_linkat, 0, 0, EPERM};

static void without_exclusive_rename_nothing_is_overwritten_either(void **state) {
    const struct fault faults[] = {no_flags, no_links};

    (void)state;
    for (size_t n = 1; n <= 2; n++) {
        assert_int_equal(with_faults(faults, n, save_a), 0);
        assert_holds("a", "new");
        assert_int_equal(entries(), 1);
        empty_dir(dir);
        put("a", "old");
        assert_int_equal(with_faults(faults, n, save_a), GF_E_CREATE);
        assert_holds("a", "old");
        assert_int_equal(entries(), 1);
        empty_dir(dir);
    }
}

static void a_failure_leaves_nothing_behind(void **state) {
    static const struct {
        struct fault fault;
        int code;
    } cases[] = {
        {{SYS_fsync, 0, 0, EIO}, GF_E_SYSTEM},
        {{SYS_fsync, 0, 0, ENOSPC}, GF_E_CREATE},
        {{SYS_write, 0, 0, ENOSPC}, GF_E_CREATE},
        {{SYS_fchmod, 0, 0, EIO}, GF_E_SYSTEM},
        {{SYS_renameat2, 4, 1, EROFS}, GF_E_CREATE},
        {{SYS_getrandom, 0, 0, ENOSYS}, GF_E_SYSTEM},
        {{SYS_openat, 2, O_EXCL, EDQUOT}, GF_E_CREATE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(with_faults(&cases[i].fault, 1, save_a), cases[i].code);
        assert_int_equal(entries(), 0);
    }
}

static void what_cannot_be_replaced_stays_whole(void **state) {
    static const struct fault faults[] = {
        {SYS_write, 0, 0, ENOSPC}, {SYS_fsync, 0, 0, ENOSPC}, {SYS_renameat, 0, 0, EROFS}};

    (void)state;
    put("a", "old");
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        assert_int_equal(with_faults(&faults[i], 1, replace_a), GF_E_CREATE);
        assert_holds("a", "old");
        assert_int_equal(entries(), 1);
    }
}

static void a_file_system_without_modes_takes_only_what_is_public(void **state) {
    const struct fault no_modes = {SYS_fchmod, 0, 0, EPERM};

    (void)state;
    assert_int_equal(with_faults(&no_modes, 1, save_a), 0);
    assert_int_equal(entries(), 1);
    empty_dir(dir);
    assert_int_equal(with_faults(&no_modes, 1, save_secret), GF_E_SYSTEM);
    assert_int_equal(entries(), 0);
}

static void without_unnamed_files_a_name_is_taken_away(void **state) {
    const struct fault no_tmpfile = {SYS_openat, 2, O_TMPFILE & ~O_DIRECTORY, EOPNOTSUPP};

    (void)state;
    assert_int_equal(with_faults(&no_tmpfile, 1, make_unnamed), 0);
    assert_int_equal(entries(), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FILE_TEST(a_saved_file_is_whole_alone_and_has_its_mode),
        FILE_TEST(what_exists_is_never_overwritten),
        FILE_TEST(saving_takes_the_place_of_what_has_the_name),
        FILE_TEST(a_file_has_no_name_until_it_is_committed),
        FILE_TEST(commit_replaces_only_when_asked),
        FILE_TEST(a_directory_that_is_missing_is_no_input),
        FILE_TEST(names_up_to_255_bytes_fit),
        FILE_TEST(an_unnamed_file_leaves_no_name),
        FILE_TEST(without_exclusive_rename_nothing_is_overwritten_either),
        FILE_TEST(a_failure_leaves_nothing_behind),
        FILE_TEST(what_cannot_be_replaced_stays_whole),
        FILE_TEST(a_file_system_without_modes_takes_only_what_is_public),
        FILE_TEST(without_unnamed_files_a_name_is_taken_away),
    };
    return cmocka_run_group_tests_name("out", tests, NULL, NULL);
}
