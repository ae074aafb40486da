/*
 * worker_upload.c -- files that are handed over open: uploads under way, and responses to read.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gapferry/file.h"
#include "relay/listener/worker.h"

/* ---- uploads ---- */

void worker_upload_drop(struct worker *w, struct worker_upload *u) {
    (void)unlinkat(w->r->state_fd, u->path, 0);
    *u = w->uploads[--w->nuploads];
}

/* GF_E_BUSY, GF_E_LIMIT or GF_E_CREATE where this one has to wait. */
static int find_room(struct worker *w, const struct wire_ask *a, struct gf_err *why) {
    int64_t promised = 0;
    size_t own = 0;

    for (size_t i = 0; i < w->nuploads; i++) {
        promised += w->uploads[i].size;
        own += memcmp(&w->uploads[i].identity, &a->identity, sizeof a->identity) == 0;
    }
    if (own >= WORKER_SENDER_MAX)
        return gf_err_set(why, GF_E_LIMIT, "this sender has %zu bundles under way already", own);
    if (w->nuploads == WORKER_UPLOADS_MAX)
        return gf_err_set(why, GF_E_BUSY, "too many bundles are under way");
    if (files_room(w->r) - promised < a->size)
        return gf_err_set(why, GF_E_CREATE, "the relay's disk is full");
    return 0;
}

int worker_upload_new(struct worker *w, const struct wire_ask *a, const char *courier,
                      struct gf_err *why) {
    struct worker_upload *u = &w->uploads[w->nuploads];

    if (find_room(w, a, why) == -1)
        return -1;
    *u = (struct worker_upload){.tag = a->tag,
                                .what = courier != NULL ? a->what : 0,
                                .identity = a->identity,
                                .digest = a->digest,
                                .size = a->size};
    (void)snprintf(u->courier, sizeof u->courier, "%s", courier != NULL ? courier : "");
    (void)snprintf(u->path, sizeof u->path, "uploads/%ld-%llu", (long)getpid(),
                   (unsigned long long)++w->uploaded);
    int fd =
        openat(w->r->state_fd, u->path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd == -1) {
        (void)gf_err_errno(why, "%s/%s", w->r->state, u->path);
        why->code = GF_E_SYSTEM;
        return -1;
    }
    w->nuploads++;
    return fd;
}

void worker_upload_refuse(struct worker *w, uint64_t tag, const struct gf_err *why) {
    if (why->code == GF_E_SYSTEM)
        worker_say_trouble(w, tag, why);
    else
        worker_say_error(w, tag, why->code == GF_E_LIMIT ? WIRE_MANY : WIRE_LATER, why,
                         why->code == GF_E_CREATE ? 300 : 10);
}

/* It has all its bytes, and nobody can write to it any more: a lease for reading is given only
 * where no descriptor is open for writing. */
static int is_closed(struct worker *w, const struct worker_upload *u, struct gf_err *why) {
    struct stat st;

    int fd = openat(w->r->state_fd, u->path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd == -1 || fstat(fd, &st) == -1) {
        (void)gf_err_errno(why, "%s/%s", w->r->state, u->path);
        if (fd != -1)
            (void)close(fd);
        return 0;
    }
    int ok = st.st_size == u->size && fcntl(fd, F_SETLEASE, F_RDLCK) == 0;
    (void)fcntl(fd, F_SETLEASE, F_UNLCK);
    (void)close(fd);
    if (!ok)
        (void)gf_err_set(why, GF_E_SYSTEM, "%s/%s: is not complete, or not closed", w->r->state,
                         u->path);
    return ok;
}

struct worker_upload *worker_upload_done(struct worker *w, uint64_t tag, int by_page,
                                         struct gf_err *why) {
    for (size_t i = 0; i < w->nuploads; i++) {
        struct worker_upload *u = &w->uploads[i];
        if (u->tag != tag || (u->what != 0) != by_page)
            continue;
        if (is_closed(w, u, why))
            return u;
        worker_upload_drop(w, u);
        return NULL;
    }
    (void)gf_err_set(why, GF_E_BUG, "the listener names no upload");
    return NULL;
}

/* ---- responses and reasons ---- */

int worker_fetch(struct worker *w, const struct wire_ask *a) {
    struct wire_say s = {.answer = WIRE_YES, .tag = a->tag};
    char path[80] = "outbox/";
    struct gf_err why;
    struct stat st;

    gf_drive_bundle_name(&a->id, path + strlen(path));
    int fd = openat(w->r->state_fd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd == -1 && errno == ENOENT) {
        worker_say_plain(w, a->tag, WIRE_NO);
        return 0;
    }
    int is_there = fd != -1 && fstat(fd, &st) == 0;
    if (!is_there) {
        (void)gf_err_errno(&why, "%s/%s", w->r->state, path);
        worker_say_trouble(w, a->tag, &why);
    } else {
        s.size = (int64_t)st.st_size;
        worker_say(w, &s, NULL, fd);
    }
    if (fd != -1)
        (void)close(fd);
    return is_there;
}

/* Why a file lies in quarantine, without the time at the line's beginning. */
int worker_read_why(struct worker *w, const char *name, struct gf_err *why) {
    char path[80];
    struct gf_buf b;
    int rc = -1;

    (void)snprintf(path, sizeof path, "quarantine/%s.why", name);
    if (gf_file_load(w->r->state_fd, path, 4096, &b, NULL) == 0 && b.len > GF_TIME_TEXT) {
        const char *text = b.data + GF_TIME_TEXT;
        int is_fork = strncmp(text, "fork:", 5) == 0;
        (void)gf_err_set(why, is_fork ? GF_E_REPLAY : GF_E_DIGEST, "%.*s", (int)strcspn(text, "\n"),
                         text);
        rc = 0;
    }
    gf_buf_free(&b);
    return rc;
}
