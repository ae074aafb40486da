/*
 * store_lock.c -- one import or export at a time: DIR/lock is held with flock(2), which ends with
 * the process, and its text tells others who holds it.
 */
#include "agent/store/store_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "gapferry/file.h"

#define LOCK "lock"

/* Tell who holds the lock. The holder may be about to write its text, or to end. */
static int busy(const struct store *s, int fd, struct gf_err *e) {
    char text[256];
    ssize_t n = gf_file_read_at(fd, text, sizeof text - 1, 0);

    if (n > 0 && text[n - 1] == '\n')
        n--;
    if (n <= 0)
        return gf_err_set(e, GF_E_BUSY,
                          "%s/" LOCK ": another process holds it; run this again when it has ended",
                          s->path);
    return gf_err_set(e, GF_E_BUSY,
                      "%s/" LOCK ": held by %.*s; one import or export at a time: run this again "
                      "when it has ended",
                      s->path, (int)n, text);
}

int store_lock(struct store *s, const char *command, struct gf_err *e) {
    char since[GF_TIME_TEXT];
    char text[256];
    int len;

    if (s->lock != -1)
        return gf_err_set(e, GF_E_BUG, "%s/" LOCK ": this process holds it already", s->path);
    int fd = openat(s->dir, LOCK, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd == -1)
        return gf_err_errno(e, "%s/" LOCK ": cannot open it", s->path);
    if (flock(fd, LOCK_EX | LOCK_NB) == -1) {
        if (errno == EWOULDBLOCK)
            (void)busy(s, fd, e);
        else
            (void)gf_err_errno(e, "%s/" LOCK ": cannot lock it", s->path);
        (void)close(fd);
        return -1;
    }

    /* The text is for people; without it the lock holds all the same. */
    gf_text_time((int64_t)time(NULL), since);
    len = snprintf(text, sizeof text, "process %jd (%.100s) since %s\n", (intmax_t)getpid(),
                   command, since);
    if (ftruncate(fd, 0) == 0)
        (void)!gf_file_write_at(fd, text, (size_t)len, 0);
    s->lock = fd;
    return 0;
}

void store_unlock(struct store *s) {
    if (s->lock == -1)
        return;
    (void)!ftruncate(s->lock, 0);
    (void)close(s->lock);
    s->lock = -1;
}
