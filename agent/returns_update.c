/*
 * returns_update.c -- updates of nodes: what their manifests consist of is said, and the artifacts
 * are handed over, as links to those that this agent keeps.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/returns.h"
#include "agent/updates/updates.h"
#include "common/grid.h"

/* What one flush to the disk takes at most. */
#define GROUP 64

int returns_update_came(struct agent *a, const struct gf_id *node, const struct gf_hash *relay,
                        const char *text, size_t len, struct gf_err *e) {
    int64_t n = 0;

    if (updates_of_node(a, relay, text, len, &n, e) == -1)
        return -1;
    return n > 0 ? store_node_update(a->store, node, n, e) : 0;
}

/* ---- what a manifest consists of ---- */

struct telling {
    struct agent *a;
    struct spool *spool;
    struct gf_id nodes[GROUP];
    int64_t manifests[GROUP];
    size_t n;
};

static int put(struct telling *t, const struct gf_id *node, const struct update *u,
               struct gf_err *e) {
    const struct grid_return ret = {.word = GRID_UPDATE, .node = *node, .update = *u};
    struct gf_buf line;

    gf_buf_init(&line, (size_t)2 * GF_LINE_MAX);
    int rc = grid_return_write(&ret, &line, e);
    if (rc == 0)
        rc = spool_put(t->spool, line.data, line.len, e);
    gf_buf_free(&line);
    return rc;
}

static int add(void *arg, const struct store_node_manifest *m, struct gf_err *e) {
    struct telling *t = arg;
    struct update u = {0};
    struct gf_err why;
    int rc = 0;

    if (t->n == GROUP)
        return 1;
    t->nodes[t->n] = m->node;
    t->manifests[t->n++] = m->manifest;
    /* Verified anew: of a vendor who is not trusted any more nothing is said. */
    if (updates_read(t->a, m->text, m->len, &u, &why) == 0)
        rc = put(t, &m->node, &u, e);
    update_free(&u);
    return rc;
}

/* 1 something was told, 0 there was nothing left. */
static int tell_group(struct telling *t, struct gf_err *e) {
    t->n = 0;
    if (store_node_manifests(t->a->store, add, t, e) == -1 || spool_sync(t->spool, e) == -1)
        return -1;
    for (size_t i = 0; i < t->n; i++) {
        if (store_node_manifest_told(t->a->store, &t->nodes[i], t->manifests[i], e) == -1)
            return -1;
    }
    return t->n > 0;
}

/* ---- its artifacts ---- */

/* The relay of another user may read it by the group of the directory. */
static int share(int fd, int dir, struct gf_err *e) {
    struct stat d, f;
    mode_t mode;

    if (grid_file_mode(dir, &mode, e) == -1)
        return -1;
    if (fstat(dir, &d) == -1 || fstat(fd, &f) == -1 ||
        (mode != 0600 && f.st_gid != d.st_gid && fchown(fd, (uid_t)-1, d.st_gid) == -1) ||
        ((f.st_mode & 07777) != mode && fchmod(fd, mode) == -1))
        return gf_err_errno(e, GRID_RETURNS ": cannot share an artifact with the relay");
    return 0;
}

/* One more name for the file; a file that lies there may be another one, of the same digest once.
 */
static int link_file(int from, const char *name, int dir, const struct gf_hash *digest,
                     struct gf_err *e) {
    char hex[GRID_FILE];

    gf_text_hex(digest->b, sizeof digest->b, hex);
    (void)unlinkat(dir, hex, 0);
    if (linkat(from, name, dir, hex, 0) == -1 || fsync(dir) == -1)
        return gf_err_errno(e, GRID_RETURNS "/%s: cannot hand over %s", hex, name);
    return 0;
}

static int hand(struct agent *a, const struct updates_known *k, const struct store_node_file *f,
                int dir, struct gf_err *e) {
    const struct update_artifact *artifact = k->valid ? update_find(&k->update, f->name) : NULL;

    if (!artifact)
        return 0;
    int folder = updates_folder(a, k, 0, e);
    if (folder == -1)
        return e->code == GF_E_NOINPUT ? 0 : -1;
    int fd = openat(folder, f->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    int gone = fd == -1 && errno == ENOENT; /* `updates verify` finds out */
    int rc = gone ? 0 : -1;
    if (fd == -1 && !gone)
        (void)gf_err_errno(e, "updates/.../%s: cannot hand it over", f->name);
    if (fd != -1 && share(fd, dir, e) == 0 &&
        link_file(folder, f->name, dir, &artifact->blake2b, e) == 0)
        rc = store_node_file_handed(a->store, f, e);
    if (fd != -1)
        (void)close(fd);
    (void)close(folder);
    return rc;
}

static int hand_all(struct agent *a, int dir, struct gf_err *e) {
    struct updates_known *known = NULL;
    struct store_node_file *files = NULL;
    size_t nknown = 0, n = 0;

    if (store_node_files(a->store, &files, &n, e) == -1)
        return -1;
    int rc = n == 0 ? 0 : updates_known(a, &known, &nknown, e);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        for (size_t j = 0; rc == 0 && j < nknown; j++)
            if (known[j].n == files[i].manifest)
                rc = hand(a, &known[j], &files[i], dir, e);
    }
    updates_known_free(known, nknown);
    free(files);
    return rc;
}

int returns_update_tell(struct agent *a, struct spool *spool, int dir, int64_t *told,
                        struct gf_err *e) {
    struct telling t = {.a = a, .spool = spool};
    int rc;

    while ((rc = tell_group(&t, e)) == 1)
        *told += (int64_t)t.n;
    return rc == 0 ? hand_all(a, dir, e) : -1;
}
