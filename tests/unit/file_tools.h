/*
 * file_tools.h -- a directory of its own for each test of files.
 */
#ifndef UNIT_FILE_TOOLS_H
#define UNIT_FILE_TOOLS_H

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "gapferry/file.h"

static char root[512];
static int dir;

/* Remove all it holds. */
static inline void empty_dir(int fd) {
    DIR *d = fdopendir(dup(fd));
    rewinddir(d);
    for (struct dirent *entry; (entry = readdir(d)) != NULL;) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (unlinkat(fd, entry->d_name, 0) == -1)
            (void)unlinkat(fd, entry->d_name, AT_REMOVEDIR);
    }
    closedir(d);
}

/* How many names the directory has. */
static inline int entries(void) {
    int n = 0;
    DIR *d = fdopendir(dup(dir));
    rewinddir(d);
    for (struct dirent *entry; (entry = readdir(d)) != NULL;)
        n += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(d);
    return n;
}

static inline int set_up(void **state) {
    (void)state;
    const char *tmp = getenv("TMPDIR");
    (void)snprintf(root, sizeof root, "%.400s/gf-file-XXXXXX", tmp != NULL ? tmp : "/tmp");
    if (mkdtemp(root) == NULL)
        return -1;
    dir = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return dir == -1 ? -1 : 0;
}

static inline int tear_down(void **state) {
    (void)state;
    empty_dir(dir);
    close(dir);
    return rmdir(root);
}

static inline void put(const char *name, const char *text) {
    struct gf_err e;
    assert_int_equal(gf_file_save_new(dir, name, text, strlen(text), 0644, &e), 0);
}

static inline void assert_holds(const char *name, const char *text) {
    struct gf_buf b;
    struct gf_err e;
    assert_int_equal(gf_file_load(dir, name, 100000, &b, &e), 0);
    assert_string_equal(b.data, text);
    gf_buf_free(&b);
}

static inline mode_t mode_of(const char *name) {
    struct stat st;
    assert_int_equal(fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW), 0);
    return st.st_mode & 07777;
}

#define FILE_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

#endif
