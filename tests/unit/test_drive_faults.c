/*
 * test_drive_faults.c -- every call by which a drive is touched fails in its turn.
 */
#include "drive_faulty.h"

/* 1 if the recipe may go on after this call has failed. */
static int is_forgiven(const char *op, int err) {
    return strcmp(op, "close") == 0 || strcmp(op, "statvfs") == 0 ||
           (strcmp(op, "fallocate") == 0 && err == EINVAL) ||
           (strcmp(op, "fsync-dir") == 0 && err == EINVAL) ||
           (strcmp(op, "rename") == 0 && err == EINVAL);
}

/* What a person must be told, and under which code. */
static void check_words(struct stick *s, int err) {
    if (err == EIO || err == ENODEV) {
        assert_int_equal(s->e.code, GF_E_SYSTEM);
        assert_non_null(strstr(s->e.text, "put it back and run this again"));
    } else if (err == EMFILE) {
        assert_int_equal(s->e.code, GF_E_SYSTEM);
    } else if (f.late && strcmp(f.op, "rename") == 0 && err == EINVAL) {
        assert_int_equal(s->e.code, GF_E_CREATE);
    } else if (strcmp(f.op, "create") == 0 || strcmp(f.op, "write") == 0 ||
               strncmp(f.op, "fsync", 5) == 0 || strcmp(f.op, "rename") == 0) {
        assert_int_equal(s->e.code, GF_E_CREATE);
        assert_non_null(strstr(s->e.text, err == ENOSPC  ? "the drive is full"
                                          : err == EROFS ? "cannot be written"
                                                         : "put the drive back"));
    } else {
        assert_int_not_equal(s->e.code, GF_OK);
        assert_int_not_equal(s->e.code, GF_E_BUG);
    }
    assert_non_null(strstr(s->e.text, s->path));
}

/* Every call of the recipe fails in its turn, with no effect or after it. */
static void wherever_writing_fails_nothing_is_left_and_a_second_try_succeeds(void **state) {
    static const int errs[] = {EIO, ENODEV, ENOSPC, EROFS, ENOENT, EINVAL, EMFILE};
    static const char *const must[] = {"create", "open",    "statx",  "fallocate",
                                       "write",  "fsync",   "rename", "fsync-dir",
                                       "syncfs", "fadvise", "pread",  "close-data"};
    const size_t n = sizeof(must) / sizeof(*must);
    struct stick *s = *state;
    const size_t len = 300000;
    char *data = pattern(len);
    int was = 0;
    open_faulty(s);
    assert_int_equal(put_bundle(s, "first.gfb", data, len, &was), 0);
    for (size_t i = 0; i < 2 * sizeof(errs) / sizeof(*errs); i++) {
        int seen[sizeof(must) / sizeof(*must)] = {0};
        for (long at = 1;; at++) {
            int rc = 0;
            well_behaved();
            f.at = at;
            f.err = errs[i / 2];
            f.late = (int)(i % 2);
            was = -1;
            rc = put_bundle(s, NAME, data, len, &was);
            if (f.op == NULL)
                break;
            for (size_t k = 0; k < n; k++)
                if (rc == -1 && strcmp(f.op, must[k]) == 0)
                    seen[k] = 1;
            f.at = 0;
            if (rc == 0) {
                /* ENOENT is an answer where something is looked for: it is free, or to be made. */
                if (!is_forgiven(f.op, f.err) &&
                    !(f.err == ENOENT && (strcmp(f.op, "statx") == 0 || strcmp(f.op, "open") == 0)))
                    fail_msg("%s failed with %s, and nobody was told", f.op, strerror(f.err));
                assert_true(holds(s, BUNDLE, data, len));
            } else {
                if (is_forgiven(f.op, f.err) && !f.late)
                    fail_msg("%s failed with %s, which is no failure", f.op, strerror(f.err));
                check_words(s, f.err);
                if (count(s, RELAY) != 1)
                    fail_msg("%s failed with %s (%d), and a file was left", f.op, strerror(f.err),
                             f.late);
                assert_int_equal(was, -1);
                assert_int_equal(put_bundle(s, NAME, data, len, &was), 0);
                assert_int_equal(was, 0);
            }
            assert_int_equal(unlink(on(s, BUNDLE)), 0);
        }
        assert_int_equal(unlink(on(s, BUNDLE)), 0);
        for (size_t k = 0; k < n; k++)
            if (!seen[k] && !is_forgiven(must[k], errs[i / 2]))
                fail_msg("%s never failed with %s", must[k], strerror(errs[i / 2]));
    }
    free(data);
}

/* A flush that failed must not be tried again on the same file: it would succeed. */
static void after_a_failed_flush_nothing_is_flushed_again(void **state) {
    struct stick *s = *state;
    int was = 0;
    int failed = 0;
    open_faulty(s);
    assert_int_equal(put_bundle(s, "first.gfb", "x", 1, &was), 0);
    for (long at = 1;; at++) {
        const char *p = NULL;
        well_behaved();
        f.at = at;
        f.err = EIO;
        if (put_bundle(s, NAME, "hello", 5, &was) == 0 && f.op == NULL)
            break;
        if (f.op != NULL && strcmp(f.op, "fsync") == 0) {
            p = strrchr(f.log, 'f');
            assert_non_null(p);
            assert_string_equal(p, "fsync unlink ");
            failed++;
        }
        (void)unlink(on(s, BUNDLE));
    }
    assert_int_equal(failed, 2);
}

static void wherever_making_a_drive_fails_a_second_try_succeeds(void **state) {
    static const int errs[] = {EIO, ENOSPC, EROFS, EACCES};
    struct stick *s = *state;
    for (size_t i = 0; i < sizeof(errs) / sizeof(*errs); i++) {
        for (long at = 1;; at++) {
            int rc = 0;
            well_behaved();
            f.at = at;
            f.err = errs[i];
            s->d = NULL;
            rc = gf_drive_open_with(s->path, 1, &faulty, &s->d, &s->e);
            if (rc == -1)
                assert_null(s->d);
            gf_drive_close(s->d);
            if (f.op == NULL)
                break;
            f.at = 0;
            assert_int_equal(gf_drive_open_with(s->path, 1, &faulty, &s->d, &s->e), 0);
            assert_int_equal(count(s, "GAPFERRY"), 4);
            gf_drive_close(s->d);
            s->d = NULL;
            (void)nftw(on(s, "GAPFERRY"), stick_remove_one, 8, FTW_DEPTH | FTW_PHYS);
        }
        s->d = NULL;
    }
}

static void wherever_removing_fails_it_is_told_and_can_be_repeated(void **state) {
    struct stick *s = *state;
    open_faulty(s);
    for (long at = 1;; at++) {
        int rc = 0;
        put_file(s, BUNDLE, "x", 1);
        well_behaved();
        f.at = at;
        f.err = EIO;
        rc = gf_drive_remove(s->d, GF_FOLDER_TO_RELAY, NAME, &s->e);
        if (f.op == NULL)
            break;
        if (rc == -1)
            assert_non_null(strstr(s->e.text, "put it back"));
        else
            assert_false(exists(s, BUNDLE));
        f.at = 0;
        assert_int_equal(gf_drive_remove(s->d, GF_FOLDER_TO_RELAY, NAME, &s->e), 0);
        assert_false(exists(s, BUNDLE));
    }
}

static void wherever_reading_fails_it_is_told(void **state) {
    struct stick *s = *state;
    struct gf_drive_list l;
    int fd = -1;
    open_faulty(s);
    put_file(s, BUNDLE, "x", 1);
    for (long at = 1;; at++) {
        well_behaved();
        f.at = at;
        f.err = EIO;
        if (gf_drive_scan(s->d, GF_FOLDER_TO_RELAY, 0, &l, &s->e) == 0) {
            assert_null(f.op);
            gf_drive_list_free(&l);
            break;
        }
        check_words(s, EIO);
    }
    for (long at = 1;; at++) {
        well_behaved();
        f.at = at;
        f.err = EIO;
        if (gf_drive_read(s->d, GF_FOLDER_TO_RELAY, NAME, &fd, &s->e) == 0) {
            (void)close(fd);
            assert_true(f.op == NULL || strcmp(f.op, "close") == 0);
            if (f.op == NULL)
                break;
        } else {
            check_words(s, EIO);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        drive_test(wherever_writing_fails_nothing_is_left_and_a_second_try_succeeds),
        drive_test(after_a_failed_flush_nothing_is_flushed_again),
        drive_test(wherever_making_a_drive_fails_a_second_try_succeeds),
        drive_test(wherever_removing_fails_it_is_told_and_can_be_repeated),
        drive_test(wherever_reading_fails_it_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
