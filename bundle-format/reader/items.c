/* items.c -- reading, step 3: members into a private directory, and whether they are what was
 * announced. No keys in here. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/archive.h"
#include "gapferry/bundle.h"
#include "gapferry/file.h"
#include "reader/check.h"
#include "reader/frames.h"

/* A member as it was found. */
struct found {
    char path[sizeof "files/" + GF_MEMBER_NAME_MAX];
    int64_t size;
};

struct items {
    const struct gf_items_options *o;
    int dir;
    struct gf_frames *frames;
    struct gf_archive_in *archive;
    struct found *found;
    size_t nfound;
    size_t room;
    int last_kind; /* of the members so far; -1: none yet */
    int64_t done;  /* bytes of members written */
    struct gf_refs refs;
    struct gf_buf contents; /* contents.json, once it has come */
};

static int get_frame(void *arg, const void **data, size_t *len, struct gf_err *e) {
    struct items *it = arg;
    return gf_frames_next(it->frames, data, len, e);
}

/* ---- one member ---- */

/* Its place: a name that is expected, in order, once. */
static int place(struct items *it, const char *path, int64_t size, int *kind, struct gf_err *e) {
    *kind = gf_contents_member_of(path);
    if (*kind == -1)
        return gf_err_set(e, GF_E_ARCHIVE, "a member named '%.80s' does not belong in a bundle",
                          path);
    if (it->last_kind == GF_MEMBER_CONTENTS)
        return gf_err_set(e, GF_E_ARCHIVE, "contents.json is not the last member: '%s' follows it",
                          path);
    if (*kind < it->last_kind || (*kind == it->last_kind && *kind != GF_MEMBER_FILE))
        return gf_err_set(e, GF_E_ARCHIVE, "member '%s' is doubled or out of order", path);
    if (*kind == GF_MEMBER_CONTENTS && size > GF_CONTENTS_MAX)
        return gf_err_set(e, GF_E_LIMIT, "contents.json is %lld bytes long; %d are allowed",
                          (long long)size, GF_CONTENTS_MAX);
    /* Two things may be too small: the format, which is the bundle's fault, and the room. */
    int64_t left = GF_ARCHIVE_MAX - it->done;
    if (size > left)
        return gf_err_set(e, GF_E_LIMIT, "member '%s' is %lld bytes long; %lld are allowed here",
                          path, (long long)size, (long long)left);
    left = it->o->room - it->done;
    if (it->o->room > 0 && size > left)
        return gf_err_set(e, GF_E_CREATE, "member '%s' is %lld bytes long; there is room for %lld",
                          path, (long long)size, (long long)left);
    it->last_kind = *kind;
    return 0;
}

static int remember(struct items *it, const char *path, int64_t size, struct gf_err *e) {
    if (it->nfound == GF_MEMBERS_MAX)
        return gf_err_set(e, GF_E_LIMIT, "more than %d members", GF_MEMBERS_MAX);
    if (it->nfound == it->room) {
        size_t room = it->room == 0 ? 16 : 2 * it->room;
        struct found *more = realloc(it->found, room * sizeof *more);
        if (more == NULL)
            return gf_err_errno(e, "no memory for the list of members");
        it->found = more;
        it->room = room;
    }
    struct found *f = &it->found[it->nfound++];
    memcpy(f->path, path, strlen(path) + 1);
    f->size = size;
    return 0;
}

/* Its file in the private directory. The path is one that gf_contents_member_of() knows, so it has
 * no component but files/. */
static int create(struct items *it, const char *path, int kind, struct gf_err *e) {
    if (kind == GF_MEMBER_FILE && mkdirat(it->dir, "files", 0700) == -1 && errno != EEXIST)
        return gf_err_errno(e, "cannot make the directory 'files'");
    int fd = openat(it->dir, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd == -1 && errno == EEXIST)
        return gf_err_set(e, GF_E_ARCHIVE, "member '%s' is doubled", path);
    if (fd == -1)
        return gf_err_errno(e, "cannot make '%s'", path);
    return fd;
}

/* Its bytes: to its file (-1: none); lines are checked and contents.json is kept besides. */
static int spill(struct items *it, int fd, const char *path, int kind, int64_t size,
                 struct gf_err *e) {
    struct gf_check_lines lines;
    int has_lines = it->o->check_lines && kind < GF_MEMBER_FILE;
    int64_t got = 0;
    int rc = -1;

    gf_check_begin(&lines, kind < GF_MEMBER_FILE ? (enum gf_member)kind : GF_MEMBER_RECORDS,
                   &it->refs, it->o);
    for (;;) {
        const void *data = NULL;
        size_t len = 0;
        if (gf_archive_in_data(it->archive, &data, &len, e) == -1)
            goto out;
        if (len == 0)
            break;
        if (fd != -1 && gf_file_write(fd, data, len) == -1) {
            (void)gf_err_errno(e, "cannot write '%s'", path);
            goto out;
        }
        if (has_lines && gf_check_data(&lines, data, len, e) == -1)
            goto out;
        if (kind == GF_MEMBER_CONTENTS)
            gf_buf_add(&it->contents, data, len);
        got += (int64_t)len;
        it->done += (int64_t)len;
        if (it->o->progress != NULL)
            it->o->progress(it->o->arg, it->done);
    }
    if (got != size) {
        (void)gf_err_set(e, GF_E_ARCHIVE, "member '%s' is %lld bytes long, but states %lld", path,
                         (long long)got, (long long)size);
        goto out;
    }
    rc = has_lines ? gf_check_end(&lines, e) : 0;
out:
    gf_check_free(&lines);
    return rc;
}

static int take_member(struct items *it, const char *name, int64_t size, struct gf_err *e) {
    char path[sizeof "files/" + GF_MEMBER_NAME_MAX];
    int kind = 0;

    if (place(it, name, size, &kind, e) == -1)
        return -1;
    /* libarchive lends the name only until the next call. */
    memcpy(path, name, strlen(name) + 1);
    if (kind != GF_MEMBER_CONTENTS && remember(it, path, size, e) == -1)
        return -1;
    int handed_on = kind == GF_MEMBER_RECORDS && it->o->record != NULL;
    int fd = handed_on ? -1 : create(it, path, kind, e);
    if (fd == -1 && !handed_on)
        return -1;
    int rc = spill(it, fd, path, kind, size, e);
    if (fd != -1 && close(fd) == -1 && rc == 0)
        rc = gf_err_errno(e, "cannot write '%s'", path);
    return rc;
}

/* ---- all of them ---- */

static int take_all(struct items *it, struct gf_err *e) {
    const char *name = NULL;
    int64_t size = 0;
    int rc = 0;

    while ((rc = gf_archive_in_next(it->archive, &name, &size, e)) == 1) {
        if (take_member(it, name, size, e) == -1)
            return -1;
    }
    if (rc == -1 || gf_archive_in_end(it->archive, e) == -1)
        return -1;
    if (it->last_kind != GF_MEMBER_CONTENTS)
        return gf_err_set(e, GF_E_ARCHIVE, "contents.json is missing");
    return gf_buf_check(&it->contents, "contents.json", e);
}

static int by_path(const void *a, const void *b) {
    return strcmp(((const struct found *)a)->path, ((const struct found *)b)->path);
}

/* Every file that a line refers to is there. Sorts the list of members: call it last. */
static int check_refs(struct items *it, struct gf_err *e) {
    struct found key;

    if (it->nfound > 0)
        qsort(it->found, it->nfound, sizeof *it->found, by_path);
    for (size_t i = 0; i < it->refs.n; i++) {
        memcpy(key.path, it->refs.paths[i], sizeof key.path);
        if (it->nfound == 0 || bsearch(&key, it->found, it->nfound, sizeof key, by_path) == NULL)
            return gf_err_set(e, GF_E_RECORD, "a line refers to '%s', which is not in the bundle",
                              key.path);
    }
    return 0;
}

/* contents.json is the sender's own list: it must be that of the members, in order. */
static int compare(struct items *it, const struct gf_contents *c, struct gf_err *e) {
    if (c->nmembers != it->nfound)
        return gf_err_set(e, GF_E_CONTENTS, "contents.json lists %zu members; there are %zu",
                          c->nmembers, it->nfound);
    for (size_t i = 0; i < c->nmembers; i++) {
        const struct gf_contents_member *m = &c->members[i];
        const struct found *f = &it->found[i];
        if (strcmp(m->member, f->path) != 0)
            return gf_err_set(e, GF_E_CONTENTS, "contents.json lists '%s' where '%s' is", m->member,
                              f->path);
        if (m->size != f->size)
            return gf_err_set(e, GF_E_CONTENTS, "contents.json gives '%s' %lld bytes; it has %lld",
                              m->member, (long long)m->size, (long long)f->size);
    }
    return check_refs(it, e);
}

int gf_bundle_items(int plain_fd, const struct gf_header *h, const struct gf_items_options *o,
                    int dir, struct gf_contents *out, struct gf_err *e) {
    struct items it = {.o = o, .dir = dir, .last_kind = -1};
    struct gf_contents c = {0};
    int rc = -1;

    gf_buf_init(&it.contents, GF_CONTENTS_MAX);
    if (gf_frames_new(plain_fd, GF_ARCHIVE_MAX, o->threads, &it.frames, e) == -1 ||
        gf_archive_in_new(get_frame, &it, &it.archive, e) == -1 || take_all(&it, e) == -1)
        goto out;

    /* The buffers go before the list comes, so that their memory does not add up. */
    gf_archive_in_free(it.archive);
    gf_frames_free(it.frames);
    it.archive = NULL;
    it.frames = NULL;
    if (gf_contents_parse(it.contents.data, it.contents.len, &c, e) == -1 ||
        gf_contents_bind(&c, h, e) == -1 || compare(&it, &c, e) == -1)
        goto out;
    *out = c;
    memset(&c, 0, sizeof c);
    rc = 0;
out:
    gf_archive_in_free(it.archive);
    gf_frames_free(it.frames);
    gf_buf_free(&it.contents);
    gf_contents_free(&c);
    free(it.found);
    free(it.refs.paths);
    if (rc == -1)
        gf_bundle_items_remove(dir);
    return rc;
}

/* Remove the regular files of a directory. */
static void empty(int dir) {
    int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = copy == -1 ? NULL : fdopendir(copy);

    if (d == NULL) {
        if (copy != -1)
            (void)close(copy);
        return;
    }
    for (struct dirent *entry = NULL; (entry = readdir(d)) != NULL;) {
        (void)unlinkat(dir, entry->d_name, 0);
    }
    (void)closedir(d);
}

void gf_bundle_items_remove(int dir) {
    int files = openat(dir, "files", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (files != -1) {
        empty(files);
        (void)close(files);
        (void)unlinkat(dir, "files", AT_REMOVEDIR);
    }
    empty(dir);
}
