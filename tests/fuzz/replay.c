/*
 * replay.c -- a plain main for a fuzz target: feeds it every file below the directories given, and
 * every truncation of the small ones, so that any compiler runs the seeds as a test.
 */
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define CUT_MAX 4096 /* bytes of a file that is also fed cut short at every length */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char **paths;
static size_t path_count;

static int add_path(const char *path, const struct stat *st, int type) {
    (void)st;
    if (type == FTW_D)
        return 0;
    if (type != FTW_F)
        return -1;
    char **more = realloc(paths, (path_count + 1) * sizeof *paths);
    if (more == NULL)
        return -1;
    paths = more;
    paths[path_count] = strdup(path);
    return paths[path_count++] == NULL ? -1 : 0;
}

static int compare_paths(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Feed bytes from an allocation of exactly their size, so that a sanitizer sees a read beyond. */
static int feed(const uint8_t *data, size_t size) {
    uint8_t *copy = malloc(size > 0 ? size : 1);
    if (copy == NULL)
        return -1;
    memcpy(copy, data, size);
    (void)LLVMFuzzerTestOneInput(copy, size);
    free(copy);
    return 0;
}

static int feed_file(const char *path) {
    int rc = -1;
    uint8_t *data = NULL;
    FILE *f = fopen(path, "rb");
    if (f == NULL || fseek(f, 0, SEEK_END) == -1)
        goto out;
    long size = ftell(f);
    if (size < 0 || fseek(f, 0, SEEK_SET) == -1)
        goto out;
    data = malloc((size_t)size + 1);
    if (data == NULL || fread(data, 1, (size_t)size, f) != (size_t)size)
        goto out;
    if (feed(data, (size_t)size) == -1)
        goto out;
    for (size_t cut = 0; size <= CUT_MAX && cut < (size_t)size; cut++)
        if (feed(data, cut) == -1)
            goto out;
    rc = 0;
out:
    free(data);
    if (f != NULL)
        (void)fclose(f);
    return rc;
}

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        if (ftw(argv[i], add_path, 16) != 0) {
            fprintf(stderr, "%s: cannot list it\n", argv[i]);
            return 1;
        }
    }
    /* A test that has nothing to feed would pass for ever. */
    if (path_count == 0) {
        fprintf(stderr, "usage: %s DIRECTORY..., each with files below it\n", argv[0]);
        return 1;
    }
    qsort(paths, path_count, sizeof *paths, compare_paths);
    for (size_t i = 0; i < path_count; i++) {
        if (feed_file(paths[i]) == -1) {
            fprintf(stderr, "%s: cannot read it\n", paths[i]);
            return 1;
        }
        free(paths[i]);
    }
    free(paths);
    printf("%zu files\n", path_count);
    return 0;
}
