/*
 * db_marker.c -- the count of a database's writers in a file beside it, to notice unclean ends.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/db_parts.h"

/* Two bytes of the file are locked, each by open file description, so that a process may open a
 * database twice: PRESENT is held shared by all who have it open, TURN by who reads or changes the
 * count. */
enum { PRESENT, TURN };

static int lock(int fd, int which, short type, int wait) {
    struct flock l = {.l_type = type, .l_whence = SEEK_SET, .l_start = which, .l_len = 1};
    int rc;

    do
        rc = fcntl(fd, wait ? F_OFD_SETLKW : F_OFD_SETLK, &l);
    while (rc == -1 && errno == EINTR);
    return rc;
}

/* -1: it says nothing that can be understood, as after a crash while it was made. */
static long count_of(int fd) {
    char text[16] = "";
    char *end;

    if (pread(fd, text, sizeof text - 1, 0) <= 0)
        return -1;
    long n = strtol(text, &end, 10);
    return end == text || *end != '\n' || n < 0 || n > 1000000000 ? -1 : n;
}

/* Always the same number of bytes: it is overwritten in place. */
static int set_count(int fd, long n) {
    char text[32];
    int len = snprintf(text, sizeof text, "%010ld\n", n);

    return pwrite(fd, text, (size_t)len, 0) == len ? 0 : -1;
}

int db_marker_enter(const struct db_place *p, int *fd, int *unclean, struct gf_err *e) {
    char name[sizeof p->name + 8];
    int f, alone;

    (void)snprintf(name, sizeof name, "%s-open", p->name);
    f = openat(p->dir, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (f == -1)
        return gf_err_errno(e, "%s-open: cannot open it", p->full);
    if (fchmod(f, 0600) == -1 || lock(f, TURN, F_WRLCK, 1) == -1) {
        (void)gf_err_errno(e, "%s-open: cannot lock it", p->full);
        (void)close(f);
        return -1;
    }
    alone = lock(f, PRESENT, F_WRLCK, 0) == 0;
    *unclean = alone && !p->is_new && count_of(f) != 0;
    *fd = f;
    return 0;
}

int db_marker_ready(int fd, int checked, const char *path, struct gf_err *e) {
    /* Who followed an unclean end is alone, so whoever is still counted has crashed. */
    if ((checked && set_count(fd, 0) == -1) || lock(fd, PRESENT, F_RDLCK, 1) == -1 ||
        lock(fd, TURN, F_UNLCK, 0) == -1)
        return gf_err_errno(e, "%s-open: cannot write it", path);
    return 0;
}

int db_marker_write(int fd, const char *path, struct gf_err *e) {
    long n;
    int rc = 0;

    if (lock(fd, TURN, F_WRLCK, 1) == -1)
        return gf_err_errno(e, "%s-open: cannot lock it", path);
    n = count_of(fd);
    if (set_count(fd, n < 0 ? 1 : n + 1) == -1 || fdatasync(fd) == -1)
        rc = gf_err_errno(e, "%s-open: cannot write it", path);
    (void)lock(fd, TURN, F_UNLCK, 0);
    return rc;
}

void db_marker_leave(int fd, int wrote, int clean) {
    if (fd == -1)
        return;
    if (wrote == clean && lock(fd, TURN, F_WRLCK, 1) == 0) {
        long n = count_of(fd);
        if (clean && n > 0)
            (void)set_count(fd, n - 1);
        else if (!clean && n == 0)
            (void)set_count(fd, 1);
    }
    (void)close(fd);
}
