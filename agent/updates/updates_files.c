/*
 * updates_files.c -- files of a response that may be artifacts, or parts of them: flushed and
 * digested before anything is decided, moved aside within the transaction that decides.
 *
 * Nothing here makes an artifact: that is updates_collect.c's, which looks at every byte again.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/updates/updates.h"
#include "common/log.h"
#include "gapferry/file.h"

#define STEP (256 << 10)

struct file {
    const struct gf_contents_member *member; /* borrowed */
    struct store_part part;
    int used; /* it is the body of an answer */
};

struct updates_files {
    int dir; /* borrowed: where the members are */
    size_t n;
    struct file *files;
};

/* A whole file is named by its digest, as parts are by their sender. */
static int digest_whole(int fd, const char *what, struct gf_hash *out, struct gf_err *e) {
    struct gf_digest d;
    char *buf = malloc(STEP);
    ssize_t n = 0;

    if (!buf)
        return gf_err_errno(e, "%s", what);
    gf_digest_begin_256(&d);
    for (int64_t at = 0; (n = gf_file_read_at(fd, buf, STEP, at)) > 0; at += n)
        gf_digest_add(&d, buf, (size_t)n);
    free(buf);
    if (n == -1)
        return gf_err_errno(e, "%s: cannot read what was just unpacked", what);
    gf_digest_end_256(&d, out);
    return 0;
}

static int open_file(struct agent *a, int dir, struct file *f, struct gf_err *e) {
    const struct gf_contents_member *m = f->member;

    f->part = (struct store_part){.digest = m->part.digest,
                                  .index = m->part.index,
                                  .count = m->part.count,
                                  .offset = m->part.offset,
                                  .size = m->size,
                                  .whole = m->part.whole,
                                  .at = a->now};
    int fd = openat(dir, m->member, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd == -1)
        return gf_err_errno(e, "%s: cannot read what was just unpacked", m->member);
    int rc = fsync(fd) == -1 ? gf_err_errno(e, "%s: cannot flush it", m->member) : 0;
    if (rc == 0 && !m->is_part) {
        f->part.count = 1;
        f->part.whole = m->size;
        rc = digest_whole(fd, m->member, &f->part.digest, e);
    }
    (void)close(fd);
    return rc;
}

int updates_files_open(struct agent *a, const struct gf_contents *c, int dir,
                       struct updates_files **out, struct gf_err *e) {
    struct updates_files *f = calloc(1, sizeof *f);

    if (f)
        f->files = calloc(c->nmembers ? c->nmembers : 1, sizeof *f->files);
    if (!f || !f->files) {
        free(f);
        return gf_err_errno(e, "no memory for the files of a response");
    }
    f->dir = dir;
    for (size_t i = 0; i < c->nmembers; i++) {
        if (gf_contents_member_of(c->members[i].member) != GF_MEMBER_FILE)
            continue;
        f->files[f->n].member = &c->members[i];
        if (open_file(a, dir, &f->files[f->n], e) == -1) {
            updates_files_free(f);
            return -1;
        }
        f->n++;
    }
    *out = f;
    return 0;
}

int64_t updates_files_count(const struct updates_files *f) {
    return (int64_t)f->n;
}

void updates_files_used(struct updates_files *f, const char *member) {
    for (size_t i = 0; i < f->n; i++)
        f->files[i].used |= strcmp(f->files[i].member->member, member) == 0;
}

void updates_files_free(struct updates_files *f) {
    if (f)
        free(f->files);
    free(f);
}

/* ---- what each is ---- */

struct taking {
    struct agent *a;
    struct updates_files *f;
    struct updates_known *known;
    size_t nknown;
    int parts;         /* STATE/updates/parts, open */
    int64_t unclaimed; /* bytes there that no manifest names */
    int64_t taken;
};

/* The newest manifests' artifact of this digest, or of this name. */
static const struct update_artifact *claim(const struct taking *t, const struct gf_hash *digest,
                                           const char *name, const struct updates_known **by) {
    for (size_t i = 0; i < t->nknown; i++) {
        const struct updates_known *k = &t->known[i];
        for (size_t j = 0; k->newest && j < k->update.nartifacts; j++) {
            const struct update_artifact *a = &k->update.artifacts[j];
            if (digest ? memcmp(a->blake2b.b, digest->b, sizeof digest->b) == 0
                       : name && strcmp(a->name, name) == 0) {
                *by = k;
                return a;
            }
        }
    }
    return NULL;
}

/* Remember why a file was refused, and keep it, one for each name, to be looked at. */
static int refuse(struct taking *t, const struct file *f, const struct updates_known *k,
                  const char *name, const struct gf_err *why, struct gf_err *e) {
    char kept[UPDATE_NAME_MAX + 32];

    log_write(LOG_LEVEL_WARNING, "update-artifact-refused", {"product", k->product, 0},
              {"name", name, 0}, {"why", why->text, 0});
    if (store_update_problem(t->a->store, k->product, name, why, t->a->now, e) == -1)
        return -1;
    int dir = agent_folder(t->a, "refused", NULL);
    if (dir != -1) {
        (void)snprintf(kept, sizeof kept, "%lld.%s", (long long)k->serial, name);
        (void)renameat(t->f->dir, f->member->member, dir, kept);
        (void)close(dir);
    }
    return 0;
}

/* May these bytes be (part of) this artifact? */
static int fits(const struct file *f, const struct update_artifact *a, struct gf_err *why) {
    if (f->part.whole != a->size)
        return gf_err_set(why, GF_E_UPDATE,
                          "%s: is %s than its manifest says (%lld bytes, not %lld); it is not used",
                          a->name, f->part.whole > a->size ? "longer" : "shorter",
                          (long long)f->part.whole, (long long)a->size);
    if (f->part.count > UPDATES_PARTS_MAX)
        return gf_err_set(why, GF_E_LIMIT, "%s: comes in %lld parts, %d are the most", a->name,
                          (long long)f->part.count, UPDATES_PARTS_MAX);
    return 0;
}

static int put(struct taking *t, const struct file *f, struct gf_err *e) {
    char name[GF_HASH_TEXT + 24], hex[GF_HASH_TEXT];

    int new = store_part_put(t->a->store, &f->part, e);
    if (new != 1)
        return new;
    gf_text_hex(f->part.digest.b, sizeof f->part.digest.b, hex);
    (void)snprintf(name, sizeof name, "%s.%lld", hex, (long long)f->part.index);
    if (renameat(t->f->dir, f->member->member, t->parts, name) == -1)
        return gf_err_errno(e, "%s/updates/parts/%s: cannot put it there", t->a->state, name);
    t->taken++;
    return 0;
}

static int take(struct taking *t, const struct file *f, struct gf_err *e) {
    const char *name = f->member->name;
    const struct updates_known *k = NULL;
    struct gf_err why;

    const struct update_artifact *a = claim(t, &f->part.digest, NULL, &k);
    if (a) {
        if (fits(f, a, &why) == -1)
            return refuse(t, f, k, a->name, &why, e);
        int here = store_update_is_here(t->a->store, k->n, a->name, e);
        return here == 0 ? put(t, f, e) : here == -1 ? -1 : 0;
    }
    /* It has the name of an artifact, and is another file: changed, or of another manifest. */
    a = claim(t, NULL, name, &k);
    if (a) {
        if (fits(f, a, &why) == 0)
            (void)gf_err_set(&why, GF_E_UPDATE,
                             "%s: is not what the manifest with serial %lld names: its BLAKE2b is "
                             "another; it was changed, or belongs to another manifest",
                             a->name, (long long)k->serial);
        return refuse(t, f, k, a->name, &why, e);
    }
    /* Its manifest may be on another drive still. */
    if (t->unclaimed + f->part.size > UPDATES_UNCLAIMED_MAX || f->part.count > UPDATES_PARTS_MAX) {
        log_write(LOG_LEVEL_WARNING, "update-file-dropped", {"name", name, 0},
                  {"bytes", NULL, f->part.size},
                  {"why", "no manifest names it, and there is no room for more of these", 0});
        return 0;
    }
    t->unclaimed += f->part.size;
    log_write(LOG_LEVEL_NOTICE, "update-file-unclaimed", {"name", name, 0},
              {"bytes", NULL, f->part.size});
    return put(t, f, e);
}

static int sum_unclaimed(struct taking *t, struct gf_err *e) {
    const struct updates_known *k;
    struct store_part *parts = NULL;
    size_t n = 0;

    if (store_parts(t->a->store, NULL, &parts, &n, e) == -1)
        return -1;
    for (size_t i = 0; i < n; i++) {
        if (!claim(t, &parts[i].digest, NULL, &k))
            t->unclaimed += parts[i].size;
    }
    free(parts);
    return 0;
}

static int open_parts(struct agent *a, struct gf_err *e) {
    int updates = agent_folder(a, "updates", e);

    if (updates == -1)
        return -1;
    (void)close(updates);
    return agent_folder(a, "updates/parts", e);
}

int updates_files_take(struct agent *a, struct updates_files *f, int64_t *taken, struct gf_err *e) {
    struct taking t = {.a = a, .f = f, .parts = -1};
    int any = 0;
    int rc = -1;

    for (size_t i = 0; i < f->n; i++)
        any = any || !f->files[i].used;
    if (!any) {
        *taken = 0;
        return 0;
    }
    if (updates_known(a, &t.known, &t.nknown, e) == -1)
        return -1;
    t.parts = open_parts(a, e);
    if (t.parts != -1)
        rc = sum_unclaimed(&t, e);
    for (size_t i = 0; i < f->n && rc == 0; i++) {
        if (!f->files[i].used)
            rc = take(&t, &f->files[i], e);
    }
    if (rc == 0 && fsync(t.parts) == -1)
        rc = gf_err_errno(e, "%s/updates/parts: cannot flush it", a->state);
    if (t.parts != -1)
        (void)close(t.parts);
    updates_known_free(t.known, t.nknown);
    if (rc == 0)
        *taken = t.taken;
    return rc;
}
