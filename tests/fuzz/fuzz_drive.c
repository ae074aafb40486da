/*
 * fuzz_drive.c -- a drive made from bytes: what anybody can put there is listed, read and written
 * around, and nothing but plain files of ours is believed or touched.
 *
 * Each entry is a byte for folder and type, a byte for the length of the name, the name, and for
 * files a byte for the length of the content and the content.
 */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "drive/drive_internal.h"
#include "gapferry/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(x)                                                                                   \
    do {                                                                                           \
        if (!(x)) {                                                                                \
            (void)fprintf(stderr, "not so: %s\n", #x);                                             \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

static char root[64]; /* in memory, where the machine has such a place */
static int folders[3];

static void remove_all(int dir) {
    int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = fdopendir(fd);

    CHECK(stream != NULL);
    for (const struct dirent *entry = readdir(stream); entry != NULL; entry = readdir(stream))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            CHECK(unlinkat(dir, entry->d_name, entry->d_type == DT_DIR ? AT_REMOVEDIR : 0) == 0);
    (void)closedir(stream);
}

static void leave(void) {
    char path[PATH_MAX];

    for (int i = 0; i < 3; i++) {
        remove_all(folders[i]);
        (void)snprintf(path, sizeof(path), "%s/GAPFERRY/%s", root, gf_drive_folders[i]);
        (void)rmdir(path);
    }
    (void)snprintf(path, sizeof(path), "%s/GAPFERRY", root);
    (void)rmdir(path);
    (void)rmdir(root);
}

static void enter(void) {
    char path[PATH_MAX];

    (void)snprintf(root, sizeof(root), "/dev/shm/gapferry-fuzz-XXXXXX");
    if (mkdtemp(root) == NULL) {
        (void)snprintf(root, sizeof(root), "/tmp/gapferry-fuzz-XXXXXX");
        CHECK(mkdtemp(root) != NULL);
    }
    (void)snprintf(path, sizeof(path), "%s/GAPFERRY", root);
    CHECK(mkdir(path, 0755) == 0);
    for (int i = 0; i < 3; i++) {
        (void)snprintf(path, sizeof(path), "%s/GAPFERRY/%s", root, gf_drive_folders[i]);
        CHECK(mkdir(path, 0755) == 0);
        folders[i] = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        CHECK(folders[i] != -1);
    }
    (void)atexit(leave);
}

/* Take the next length and that many bytes. */
static size_t take(const uint8_t **data, size_t *size, const uint8_t **out) {
    size_t n = *size > 0 ? **data : 0;

    if (*size > 0) {
        ++*data;
        --*size;
    }
    n = n < *size ? n : *size;
    *out = *data;
    *data += n;
    *size -= n;
    return n;
}

static void make_file(int dir, const char *name, const uint8_t *content, size_t len, off_t size) {
    int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);

    if (fd == -1)
        return;
    CHECK(write(fd, content, len) == (ssize_t)len);
    if (size != 0)
        CHECK(ftruncate(fd, size) == 0);
    (void)close(fd);
}

/* Make one entry; names that no file system takes are let go. */
static void make_entry(const uint8_t **data, size_t *size) {
    const uint8_t *bytes = NULL;
    unsigned kind = *(*data)++;
    int dir = folders[kind % 3];
    char name[256];
    size_t n = 0;
    int rc = 0;

    --*size;
    n = take(data, size, &bytes);
    memcpy(name, bytes, n);
    name[n] = '\0';
    if (strchr(name, '/') != NULL) /* it would be made elsewhere */
        return;
    switch (kind / 3 % 8) {
    case 0:
        rc = symlinkat("/etc/passwd", dir, name);
        break;
    case 1:
        rc = mkfifoat(dir, name, 0644);
        break;
    case 2:
        rc = mkdirat(dir, name, 0755);
        break;
    case 3:
        make_file(dir, name, NULL, 0, (off_t)1 << 40);
        break;
    case 4:
        rc = linkat(dir, "a.gfb", dir, name, 0);
        break;
    default:
        n = take(data, size, &bytes);
        make_file(dir, name, bytes, n, 0);
    }
    (void)rc;
}

static size_t count(int dir) {
    int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = fdopendir(fd);
    size_t n = 0;

    CHECK(stream != NULL);
    while (readdir(stream) != NULL)
        n++;
    (void)closedir(stream);
    return n - 2;
}

/* Everything in a folder is counted once, and what is listed is a plain file of that size. */
static void check_folder(struct gf_drive *d, enum gf_folder folder) {
    size_t before = count(folders[folder]);
    struct gf_drive_list l;
    struct stat st;
    struct gf_err e;

    CHECK(gf_drive_scan(d, folder, 0, &l, &e) == 0);
    CHECK(l.n + l.foreign + l.incomplete + l.oversize == before && !l.cut);
    for (size_t i = 0; i < l.n; i++) {
        int fd = -1;

        CHECK(i == 0 || strcmp(l.entries[i - 1].name, l.entries[i].name) < 0);
        CHECK(gf_drive_is_name(l.entries[i].name, gf_drive_ending(folder)));
        CHECK(gf_drive_read(d, folder, l.entries[i].name, &fd, &e) == 0);
        CHECK(fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == l.entries[i].size);
        (void)close(fd);
    }
    gf_drive_list_free(&l);
}

/* Writing among all that succeeds, or says why and leaves nothing. */
static void check_writing(struct gf_drive *d, const uint8_t *data, size_t size) {
    const struct gf_drive_source source = {.text = (const char *)data, .size = (int64_t)size};
    size_t before = count(folders[0]);
    struct gf_err e = {.code = GF_OK};
    int was_there = -1;
    int fd = -1;

    /* Leftovers of our own may go, so that only a lower bound is known here. */
    if (gf_drive_put(d, GF_FOLDER_TO_RELAY, "a.gfb", &source, &was_there, &e) == -1) {
        CHECK(e.code == GF_E_CREATE && was_there == -1 && count(folders[0]) == before);
        return;
    }
    CHECK(count(folders[0]) <= before + 1);
    CHECK(gf_drive_read(d, GF_FOLDER_TO_RELAY, "a.gfb", &fd, &e) == 0);
    (void)close(fd);
    CHECK(gf_drive_remove(d, GF_FOLDER_TO_RELAY, "a.gfb", &e) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const uint8_t *all = data;
    size_t all_size = size < 4096 ? size : 4096;
    struct gf_drive *d = NULL;
    struct gf_card *cards = NULL;
    struct gf_err e;
    size_t n = 0, unreadable = 0;

    if (root[0] == '\0')
        enter();
    for (int i = 0; size > 0 && i < 64; i++)
        make_entry(&data, &size);
    CHECK(gf_drive_open(root, 0, &d, &e) == 0);
    for (int i = 0; i < 3; i++)
        check_folder(d, (enum gf_folder)i);
    CHECK(gf_drive_cards(d, &cards, &n, &unreadable, &e) == 0);
    free(cards);
    if (all_size > 0)
        check_writing(d, all, all_size);
    gf_drive_close(d);
    for (int i = 0; i < 3; i++)
        remove_all(folders[i]);
    return 0;
}
