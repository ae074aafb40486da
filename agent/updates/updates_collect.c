/*
 * updates_collect.c -- files of responses become artifacts: when all parts of one are there, and
 * every byte of it was looked at.
 *
 * An artifact has its final name only when it is complete and flushed, and the store says that it
 * is here only after that. So a crash at any point leaves something that the next call goes on
 * with: updates_resume() makes it, with the next turn or visit.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/updates/updates.h"
#include "common/log.h"
#include "gapferry/file.h"

#define PART_NAME (GF_HASH_TEXT + 24)

struct work {
    struct agent *a;
    struct updates_known *known;
    size_t nknown;
    int parts; /* STATE/updates/parts, open */
    int64_t made;
};

static void part_name(const struct gf_hash *digest, int64_t index, char out[PART_NAME]) {
    char hex[GF_HASH_TEXT];

    gf_text_hex(digest->b, sizeof digest->b, hex);
    (void)snprintf(out, PART_NAME, "%s.%lld", hex, (long long)index);
}

/* Forget all parts of a file; refused -1: they are removed, else moved to that folder. */
static int drop(struct work *w, const struct store_part *parts, size_t n, int refused,
                struct gf_err *e) {
    char name[PART_NAME];

    if (n == 0)
        return 0;
    if (store_parts_drop(w->a->store, &parts[0].digest, e) == -1)
        return -1;
    for (size_t i = 0; i < n; i++) {
        part_name(&parts[i].digest, parts[i].index, name);
        if (refused == -1 || renameat(w->parts, name, refused, name) == -1)
            (void)unlinkat(w->parts, name, 0);
    }
    return 0;
}

/* ---- into its place ---- */

static int note(struct agent *a, const struct updates_known *k, const char *name,
                struct gf_err *e) {
    if (store_begin(a->store, e) == -1)
        return -1;
    int rc = store_update_set_here(a->store, k->n, name, 1, a->now, e);
    if (rc == 0)
        rc = store_update_solved(a->store, k->product, name, e);
    if (store_end(a->store, rc, e) == -1)
        return -1;
    log_write(LOG_LEVEL_NOTICE, "update-artifact", {"product", k->product, 0},
              {"serial", NULL, k->serial}, {"name", name, 0});
    return 0;
}

/* Copy files that make up an artifact into its place. fds are read in order. */
typedef int next_file(void *arg, size_t i, struct gf_err *e); /* a descriptor; -1 failed */

static int place(struct agent *a, const struct updates_known *k,
                 const struct update_artifact *artifact, const char *what, next_file *next,
                 void *arg, size_t n, struct gf_err *e) {
    struct gf_out o = {.fd = -1, .dir = -1};
    struct update_sum s;
    int dir = updates_folder(a, k, 1, e);
    int rc = dir == -1 ? -1 : gf_out_open(&o, dir, artifact->name, e);

    update_sum_begin(&s, artifact, what);
    for (size_t i = 0; i < n && rc == 0; i++) {
        int fd = next(arg, i, e);
        rc = fd == -1 ? -1 : update_sum_add(&s, fd, o.fd, e);
        if (fd != -1)
            (void)close(fd);
    }
    if (rc == 0)
        rc = update_sum_end(&s, e);
    if (rc == 0)
        rc = gf_out_commit(&o, 0600, 1, e);
    gf_out_close(&o);
    if (dir != -1)
        (void)close(dir);
    return rc == 0 ? note(a, k, artifact->name, e) : -1;
}

static int next_dup(void *arg, size_t i, struct gf_err *e) {
    int fd = fcntl(*(const int *)arg, F_DUPFD_CLOEXEC, 3);

    (void)i;
    return fd != -1 ? fd : gf_err_errno(e, "cannot open it again");
}

int updates_place(struct agent *a, const struct updates_known *k,
                  const struct update_artifact *artifact, int fd, const char *what,
                  struct gf_err *e) {
    /* A first look costs no room on the disk. */
    if (update_check(artifact, fd, -1, what, e) == -1)
        return -1;
    return place(a, k, artifact, what, next_dup, &fd, 1, e);
}

/* ---- of parts ---- */

struct joining {
    struct work *w;
    const struct store_part *parts;
};

static int next_part(void *arg, size_t i, struct gf_err *e) {
    const struct joining *j = arg;
    char name[PART_NAME];

    part_name(&j->parts[i].digest, j->parts[i].index, name);
    int fd = openat(j->w->parts, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    return fd != -1 ? fd
                    : gf_err_set(e, GF_E_UPDATE, "updates/parts/%s: is gone; it is asked for again",
                                 name);
}

/* 1 all there and one behind the other, 0 some are missing, -1 they contradict each other. */
static int join(const struct update_artifact *a, const struct store_part *parts, size_t n,
                struct gf_err *why) {
    int64_t at = 0;

    for (size_t i = 0; i < n; i++) {
        if (parts[i].count != parts[0].count || parts[i].whole != a->size ||
            (i > 0 && parts[i].offset < parts[i - 1].offset + parts[i - 1].size))
            return gf_err_set(why, GF_E_UPDATE,
                              "%s: its parts contradict each other; they are not used, and are "
                              "asked for again",
                              a->name);
    }
    if (n == 0 || (int64_t)n < parts[0].count)
        return 0;
    for (size_t i = 0; i < n; at += parts[i++].size) {
        if (parts[i].offset != at)
            return gf_err_set(why, GF_E_UPDATE,
                              "%s: its parts leave a gap at byte %lld; they are not used, and are "
                              "asked for again",
                              a->name, (long long)at);
    }
    return 1;
}

/* What was collected is not the artifact: remember why, and begin anew. */
static int reject(struct work *w, const struct updates_known *k, const char *name,
                  const struct store_part *parts, size_t n, const struct gf_err *why,
                  struct gf_err *e) {
    int refused = agent_folder(w->a, "refused", NULL);

    log_write(LOG_LEVEL_WARNING, "update-artifact-refused", {"product", k->product, 0},
              {"name", name, 0}, {"why", why->text, 0});
    int rc = store_update_problem(w->a->store, k->product, name, why, w->a->now, e);
    if (rc == 0)
        rc = drop(w, parts, n, refused, e);
    if (refused != -1)
        (void)close(refused);
    return rc;
}

/* 1 if an older manifest has the very same file here: a manifest that is issued anew costs no
 * second trip. */
static int reuse(struct work *w, const struct updates_known *k, const struct update_artifact *a,
                 struct gf_err *e) {
    struct gf_err why;

    for (size_t i = 0; i < w->nknown; i++) {
        const struct updates_known *old = &w->known[i];
        const struct update_artifact *b = old->valid ? update_find(&old->update, a->name) : NULL;
        if (!b || old == k || !old->here[b - old->update.artifacts] || b->size != a->size ||
            memcmp(b->blake2b.b, a->blake2b.b, sizeof b->blake2b.b) != 0)
            continue;
        int dir = updates_folder(w->a, old, 0, &why);
        int fd = dir == -1 ? -1 : openat(dir, b->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        int rc = fd == -1 ? 0 : 1;
        if (fd != -1 && updates_place(w->a, k, a, fd, a->name, &why) == -1) {
            rc = why.code == GF_E_UPDATE ? 0 : -1;
            *e = why;
        }
        if (fd != -1)
            (void)close(fd);
        if (dir != -1)
            (void)close(dir);
        if (rc != 0)
            return rc;
    }
    return 0;
}

static int make(struct work *w, struct updates_known *k, size_t which, struct gf_err *e) {
    const struct update_artifact *a = &k->update.artifacts[which];
    struct store_part *parts = NULL;
    struct gf_err why;
    size_t n = 0;

    if (store_parts(w->a->store, &a->blake2b, &parts, &n, e) == -1)
        return -1;
    int ready = join(a, parts, n, &why);
    if (ready == 1)
        ready = place(w->a, k, a, a->name, next_part, &(struct joining){w, parts}, n, &why) == -1
                    ? -1
                    : 1;
    int rc = 0;
    if (ready == -1 && why.code != GF_E_UPDATE) {
        *e = why;
        rc = -1;
    } else if (ready == -1) {
        rc = reject(w, k, a->name, parts, n, &why, e);
    } else if (ready == 1) {
        rc = drop(w, parts, n, -1, e);
    } else {
        ready = reuse(w, k, a, e);
        rc = ready == -1 ? -1 : 0;
    }
    if (rc == 0 && ready == 1) {
        k->here[which] = 1;
        w->made++;
    }
    free(parts);
    return rc;
}

/* ---- what is not needed any more ---- */

static int prune_one(struct work *w, struct updates_known *k, struct gf_err *e) {
    struct gf_err why;
    int dir = updates_folder(w->a, k, 0, &why);

    for (size_t i = 0; i < k->update.nartifacts; i++) {
        const char *name = k->update.artifacts[i].name;
        if (!k->here[i])
            continue;
        if (store_update_set_here(w->a->store, k->n, name, 0, w->a->now, e) == -1) {
            if (dir != -1)
                (void)close(dir);
            return -1;
        }
        k->here[i] = 0;
        if (dir != -1)
            (void)unlinkat(dir, name, 0);
    }
    if (dir != -1)
        (void)close(dir);
    return 0;
}

/* The newest and the one before stay; older ones go once the newest is complete. */
static int prune(struct work *w, struct gf_err *e) {
    const struct updates_known *newest = NULL;

    for (size_t i = 0; i < w->nknown; i++) {
        struct updates_known *k = &w->known[i];
        if (k->newest)
            newest = k;
        if (k->age >= 2 && k->valid && newest && newest->valid && updates_missing(newest) == 0 &&
            prune_one(w, k, e) == -1)
            return -1;
    }
    return 0;
}

static int is_claimed(const struct work *w, const struct gf_hash *digest) {
    for (size_t i = 0; i < w->nknown; i++) {
        const struct updates_known *k = &w->known[i];
        for (size_t j = 0; k->newest && j < k->update.nartifacts; j++) {
            if (!k->here[j] &&
                memcmp(k->update.artifacts[j].blake2b.b, digest->b, sizeof digest->b) == 0)
                return 1;
        }
    }
    return 0;
}

/* Files that no newest manifest names go after a while. */
static int forget_unclaimed(struct work *w, struct gf_err *e) {
    struct store_part *parts = NULL;
    size_t n = 0, run;
    int rc = 0;

    if (store_parts(w->a->store, NULL, &parts, &n, e) == -1)
        return -1;
    for (size_t i = 0; i < n && rc == 0; i += run) {
        int64_t last = 0;
        for (run = 0; i + run < n && memcmp(parts[i + run].digest.b, parts[i].digest.b,
                                            sizeof parts[i].digest.b) == 0;
             run++)
            last = parts[i + run].at > last ? parts[i + run].at : last;
        if (last < w->a->now - UPDATES_UNCLAIMED_AGE && !is_claimed(w, &parts[i].digest))
            rc = drop(w, &parts[i], run, -1, e);
    }
    free(parts);
    return rc;
}

/* A crash may leave files in parts/ that the store does not know. */
static int sweep(struct work *w, struct gf_err *e) {
    struct store_part *parts = NULL;
    struct dirent *entry;
    char name[PART_NAME];
    size_t n = 0;

    if (store_parts(w->a->store, NULL, &parts, &n, e) == -1)
        return -1;
    int fd = openat(w->parts, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd == -1 ? NULL : fdopendir(fd);
    while (d && (entry = readdir(d))) {
        size_t i = 0;
        for (; i < n; i++) {
            part_name(&parts[i].digest, parts[i].index, name);
            if (strcmp(name, entry->d_name) == 0)
                break;
        }
        if (i == n && entry->d_name[0] != '.')
            (void)unlinkat(w->parts, entry->d_name, 0);
    }
    if (d)
        (void)closedir(d);
    free(parts);
    return 0;
}

/* ---- all of it ---- */

static int make_all(struct work *w, struct gf_err *e) {
    for (size_t i = 0; i < w->nknown; i++) {
        struct updates_known *k = &w->known[i];
        for (size_t j = 0; k->newest && k->valid && j < k->update.nartifacts; j++) {
            if (!k->here[j] && make(w, k, j, e) == -1)
                return -1;
        }
    }
    return 0;
}

int updates_collect(struct agent *a, int64_t *made, struct gf_err *e) {
    struct work w = {.a = a, .parts = -1};
    int updates = agent_folder(a, "updates", e);
    int rc = -1;

    if (updates == -1)
        return -1;
    (void)close(updates);
    w.parts = agent_folder(a, "updates/parts", e);
    if (w.parts != -1 && updates_known(a, &w.known, &w.nknown, e) == 0)
        rc = make_all(&w, e);
    if (rc == 0 && (prune(&w, e) == -1 || forget_unclaimed(&w, e) == -1 || sweep(&w, e) == -1))
        rc = -1;
    updates_known_free(w.known, w.nknown);
    if (w.parts != -1)
        (void)close(w.parts);
    if (rc == 0)
        *made = w.made;
    return rc;
}

void updates_complete(struct agent *a) {
    struct gf_err why;
    int64_t made;

    if (updates_collect(a, &made, &why) == -1)
        log_write(LOG_LEVEL_ERROR, "update-artifacts", {"why", why.text, 0});
}

int updates_resume(struct agent *a, struct gf_err *e) {
    struct store_part *parts = NULL;
    int64_t made, run = 0;
    int whole = 0;
    size_t n = 0;

    if (store_parts(a->store, NULL, &parts, &n, e) == -1)
        return -1;
    /* They come by digest: as many of one as it has are the whole file. */
    for (size_t i = 0; i < n && !whole; i++) {
        int same =
            i > 0 && memcmp(&parts[i].digest, &parts[i - 1].digest, sizeof parts->digest) == 0;
        run = same ? run + 1 : 1;
        whole = run >= parts[i].count;
    }
    free(parts);
    return whole ? updates_collect(a, &made, e) : 0;
}
