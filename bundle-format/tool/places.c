/*
 * places.c -- wrong places, and what to do about them.
 */
#include "tool/places.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int places_output(struct gf_err *e) {
    const struct gf_err was = *e;

    if (e->code == GF_E_NOINPUT)
        (void)gf_err_set(e, GF_E_CREATE, "%s; make the directory first", was.text);
    return -1;
}

int places_done(const char *path, struct gf_err *e) {
    const struct gf_err was = *e;

    return gf_err_set(e, was.code, "%s; but the work is done: %s is complete", was.text, path);
}

int places_identity(const char *dir, struct gf_identity *out, struct gf_err *e) {
    static const char remedy[] = "name the directory made by keygen";
    struct stat st;

    *out = (struct gf_identity){0};
    if (stat(dir, &st) == 0 && !S_ISDIR(st.st_mode))
        return gf_err_set(e, GF_E_NOINPUT, "%s: is not a directory; %s", dir, remedy);
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd == -1 || faccessat(fd, ".", X_OK, 0) == -1) {
        (void)gf_err_set(e, GF_E_NOINPUT, "%s: cannot enter it: %s; %s", dir,
                         strerrordesc_np(errno), remedy);
        if (fd != -1)
            (void)close(fd);
        return -1;
    }
    (void)close(fd);

    if (gf_identity_load(AT_FDCWD, dir, out, e) == 0)
        return 0;
    /* A key file that is missing, or that only somebody else may read. */
    const struct gf_err was = *e;
    if (e->code == GF_E_NOINPUT || e->code == GF_E_CREATE)
        (void)gf_err_set(e, GF_E_NOINPUT, "%s; %s", was.text, remedy);
    return -1;
}
