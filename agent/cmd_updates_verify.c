/*
 * cmd_updates_verify.c -- `updates verify` and `updates import`: what a person has in hands,
 * without any trip.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/cmd_updates.h"
#include "gapferry/file.h"

#define ENTRIES_MAX 10000 /* of a directory are looked at */

int cmd_updates_is_manifest(int dir, const char *path) {
    char head[4096];

    int fd = cmd_updates_open(dir, path, path, NULL);
    if (fd == -1)
        return 0;
    ssize_t n = gf_file_read(fd, head, sizeof head);
    (void)close(fd);
    return n > 0 && head[0] == '{' && memmem(head, (size_t)n, "\"gapferry-update/", 17);
}

/* A manifest in hands: where it lies, what it says. */
struct hand {
    const char *path;
    int dir; /* where its artifacts lie */
    char name[256];
    struct gf_buf text;
    struct update update;
};

static int hand_open(struct agent *a, int dir, const char *path, struct hand *h, struct gf_err *e) {
    *h = (struct hand){.path = path, .dir = -1};
    gf_buf_init(&h->text, 0);
    if (COMMAND_REACH(gf_file_split(dir, path, &h->dir, h->name, e)) == -1)
        return -1;
    if (COMMAND_REACH(updates_load_file(h->dir, h->name, &h->text, e)) == -1)
        return -1;
    if (updates_read(a, h->text.data ? h->text.data : "", h->text.len, &h->update, e) == -1)
        return gf_err_prefix(e, "%s", path);
    return 0;
}

static void hand_close(struct hand *h) {
    if (h->dir != -1)
        (void)close(h->dir);
    gf_buf_free(&h->text);
    update_free(&h->update);
}

/* ---- verify ---- */

struct verifying {
    struct agent *a;
    struct out t;
    int status; /* of the first thing that is wrong */
};

static void tell(struct verifying *v, const char *name, int rc, const struct gf_err *why) {
    out_open(&v->t, NULL, '{');
    out_str(&v->t, "name", name);
    out_str(&v->t, "result", rc == 0 ? "good" : gf_err_name(why->code));
    out_str(&v->t, "why", rc == 0 ? NULL : why->text);
    out_close(&v->t, '}');
    if (rc == 0) {
        out_safe(&v->t, name);
        out_text(&v->t, ": good\n");
    } else {
        out_safe(&v->t, why->text);
        out_text(&v->t, "\n");
        if (v->status == GF_EXIT_DONE)
            v->status = (int)gf_err_exit(why->code);
    }
}

static void check_file(struct verifying *v, const struct update_artifact *artifact, int dir,
                       const char *path) {
    struct gf_err why;

    int fd = cmd_updates_open(dir, path, path, &why);
    int rc = fd == -1 ? -1 : update_check(artifact, fd, -1, path, &why);
    if (fd != -1)
        (void)close(fd);
    tell(v, path, rc, &why);
}

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* Files that were named, each against the artifact of its name. */
static void check_named(struct verifying *v, const struct options *o, size_t from,
                        const struct update *const *updates, size_t n) {
    const char *path;

    for (size_t i = from; (path = options_arg(o, i)) != NULL; i++) {
        const struct update_artifact *artifact = NULL;
        struct gf_err why;
        for (size_t k = 0; k < n && !artifact; k++)
            artifact = update_find(updates[k], base_name(path));
        if (artifact) {
            check_file(v, artifact, AT_FDCWD, path);
            continue;
        }
        (void)gf_err_set(&why, GF_E_UPDATE, "%s: the manifest names no such artifact", path);
        tell(v, path, -1, &why);
    }
}

/* Is the manifest itself what it should be, beyond its signature? */
static int check_manifest(struct verifying *v, const struct hand *h, int expired,
                          struct gf_err *e) {
    char ended[GF_TIME_TEXT];
    struct gf_err why;
    int64_t known;

    int rc = updates_judge(v->a, &h->update, h->text.data, h->text.len, NULL, &known, &why);
    if (rc == -1 && why.code != GF_E_ROLLBACK && why.code != GF_E_CONFLICT) {
        *e = why;
        return -1;
    }
    if (rc == 0) {
        int is = updates_ended(v->a, &h->update, e);
        if (is == -1)
            return -1;
        gf_text_time(h->update.expires, ended);
        if (is && !expired)
            rc = gf_err_set(&why, GF_E_EXPIRED,
                            "manifest: ended on %s; if it is to be used all the same: --expired",
                            ended);
    }
    if (rc == -1)
        (void)gf_err_prefix(&why, "%s", h->path);
    tell(v, h->path, rc, &why);
    return 0;
}

static int verify_manifest(struct verifying *v, const struct options *o, const char *path,
                           size_t from, struct gf_err *e) {
    const struct update *update;
    struct hand h;

    int rc = hand_open(v->a, AT_FDCWD, path, &h, e);
    if (rc == 0) {
        out_str(&v->t, "product", h.update.product);
        out_str(&v->t, "version", h.update.version);
        out_int(&v->t, "serial", h.update.serial);
        out_open(&v->t, "files", '[');
        rc = check_manifest(v, &h, options_count(o, "expired") > 0, e);
        update = &h.update;
        if (options_arg(o, from))
            check_named(v, o, from, &update, 1);
        for (size_t i = 0; !options_arg(o, from) && i < h.update.nartifacts; i++)
            check_file(v, &h.update.artifacts[i], h.dir, h.update.artifacts[i].name);
        out_close(&v->t, ']');
    }
    hand_close(&h);
    return rc;
}

/* An artifact that has changed here is wanted again. */
static int check_here(struct verifying *v, const struct updates_known *k, size_t i,
                      struct gf_err *e) {
    const struct update_artifact *artifact = &k->update.artifacts[i];
    struct gf_err why;

    int dir = updates_folder(v->a, k, 0, &why);
    int fd = dir == -1 ? -1 : cmd_updates_open(dir, artifact->name, artifact->name, &why);
    int rc = fd == -1 ? -1 : update_check(artifact, fd, -1, artifact->name, &why);
    if (fd != -1)
        (void)close(fd);
    if (dir != -1)
        (void)close(dir);
    tell(v, artifact->name, rc, &why);
    if (rc == 0 || (why.code != GF_E_UPDATE && why.code != GF_E_NOINPUT))
        return 0;
    if (store_update_set_here(v->a->store, k->n, artifact->name, 0, v->a->now, e) == -1)
        return -1;
    return store_update_problem(v->a->store, k->product, artifact->name, &why, v->a->now, e);
}

/* Against what is known here: the files named, or all that is kept. */
static int verify_known(struct verifying *v, const struct options *o, struct gf_err *e) {
    struct updates_known *known = NULL;
    size_t n = 0, nvalid = 0;
    int rc = 0;

    if (updates_known(v->a, &known, &n, e) == -1)
        return -1;
    const struct update **updates = calloc(n ? n : 1, sizeof *updates);
    if (!updates)
        rc = gf_err_errno(e, "no memory for the updates");
    out_open(&v->t, "files", '[');
    for (size_t i = 0; i < n && rc == 0; i++) {
        if (known[i].valid && known[i].newest)
            updates[nvalid++] = &known[i].update;
        for (size_t k = 0; !options_arg(o, 1) && rc == 0 && k < known[i].update.nartifacts; k++) {
            if (known[i].here[k])
                rc = check_here(v, &known[i], k, e);
        }
    }
    if (rc == 0)
        check_named(v, o, 1, updates, nvalid);
    out_close(&v->t, ']');
    free(updates);
    updates_known_free(known, n);
    return rc;
}

int cmd_updates_verify(struct agent *a, const struct options *o, int *status, struct gf_err *e) {
    struct verifying v = {.a = a, .status = GF_EXIT_DONE};
    const char *manifest = options_value(o, "manifest");
    const char *first = options_arg(o, 1);
    int rc;

    out_begin(&v.t, o);
    if (manifest)
        rc = verify_manifest(&v, o, manifest, 1, e);
    else if (first && cmd_updates_is_manifest(AT_FDCWD, first))
        rc = verify_manifest(&v, o, first, 2, e);
    else
        rc = verify_known(&v, o, e);
    if (rc == 0)
        rc = out_end(&v.t, e);
    out_free(&v.t);
    if (rc == 0)
        *status = v.status;
    return rc;
}

/* ---- import ---- */

/* The one manifest in a directory. */
static int find_manifest(const char *path, char name[4096], struct gf_err *e) {
    struct dirent *entry;
    char found[256] = "";
    int entries = 0, rc = 0;

    int dir = COMMAND_REACH(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    DIR *d = dir == -1 ? NULL : fdopendir(dir);
    if (!d) {
        (void)gf_err_errno(e, "%s", path);
        if (dir != -1)
            (void)close(dir);
        return -1;
    }
    while (rc == 0 && (entry = readdir(d)) && ++entries <= ENTRIES_MAX) {
        if (entry->d_name[0] == '.' || !cmd_updates_is_manifest(dirfd(d), entry->d_name))
            continue;
        if (found[0])
            rc =
                gf_err_set(e, GF_E_USAGE, "%s: there are several manifests (%s, %s); say which one",
                           path, found, entry->d_name);
        (void)snprintf(found, sizeof found, "%s", entry->d_name);
    }
    (void)closedir(d);
    if (rc == 0 && !found[0])
        rc = gf_err_set(e, GF_E_NOINPUT,
                        "%s: there is no update manifest (JSON of format gapferry-update/1)", path);
    if (rc == 0 && (size_t)snprintf(name, 4096, "%s/%s", path, found) >= 4096)
        rc = gf_err_set(e, GF_E_USAGE, "%s: its path is too long", path);
    return rc;
}

/* The artifacts that lie beside the manifest, as far as they are right. */
static int import_artifacts(struct verifying *v, const struct hand *h,
                            const struct updates_known *k, struct gf_err *e) {
    for (size_t i = 0; i < k->update.nartifacts; i++) {
        const struct update_artifact *artifact = &k->update.artifacts[i];
        struct gf_err why;
        if (k->here[i])
            continue;
        int fd = cmd_updates_open(h->dir, artifact->name, artifact->name, &why);
        if (fd == -1 && why.code == GF_E_NOINPUT && faccessat(h->dir, artifact->name, F_OK, 0) != 0)
            continue; /* not on this disc: what is missing is counted in the end */
        int rc = fd == -1 ? -1 : updates_place(v->a, k, artifact, fd, artifact->name, &why);
        if (fd != -1)
            (void)close(fd);
        if (rc == -1 && why.code != GF_E_UPDATE && why.code != GF_E_NOINPUT) {
            *e = why;
            return -1;
        }
        tell(v, artifact->name, rc, &why);
        if (rc == -1 &&
            store_update_problem(v->a->store, k->product, artifact->name, &why, v->a->now, e) == -1)
            return -1;
    }
    return 0;
}

static int find_known(struct agent *a, const struct update *u, struct updates_known **known,
                      size_t *n, const struct updates_known **out, struct gf_err *e) {
    if (updates_known(a, known, n, e) == -1)
        return -1;
    for (size_t i = 0; i < *n; i++) {
        const struct updates_known *k = &(*known)[i];
        if (k->valid && k->serial == u->serial && strcmp(k->product, u->product) == 0 &&
            strcmp(k->channel, u->channel) == 0 && strcmp(k->platform, u->platform) == 0)
            *out = k;
    }
    return 0;
}

/* How it stands now: complete, ended. */
static int sum_up(struct verifying *v, const struct hand *h, struct gf_err *e) {
    struct updates_known *known = NULL;
    const struct updates_known *k = NULL;
    size_t n = 0;

    if (find_known(v->a, &h->update, &known, &n, &k, e) == -1)
        return -1;
    size_t missing = k ? updates_missing(k) : 0;
    out_str(&v->t, "product", h->update.product);
    out_str(&v->t, "version", h->update.version);
    out_int(&v->t, "serial", h->update.serial);
    out_int(&v->t, "missing", (int64_t)missing);
    out_bool(&v->t, "ended", k && k->ended);
    out_text(&v->t, "%s %s (serial %lld): ", h->update.product, h->update.version,
             (long long)h->update.serial);
    if (h->update.nartifacts == 1)
        out_text(&v->t, "its artifact is %s\n", missing == 0 ? "here" : "missing");
    else if (missing == 0)
        out_text(&v->t, "all %zu artifacts are here\n", h->update.nartifacts);
    else
        out_text(&v->t, "%zu of %zu artifacts are missing\n", missing, h->update.nartifacts);
    if (k && k->ended)
        out_text(&v->t, "Its manifest has ended: there may be a newer one.\n");
    if (v->status == GF_EXIT_DONE && k && k->ended)
        v->status = GF_EXIT_EXPIRED;
    if (v->status == GF_EXIT_DONE && missing > 0)
        v->status = GF_EXIT_AWAITED;
    updates_known_free(known, n);
    return 0;
}

static int import_hand(struct verifying *v, const struct hand *h, struct gf_err *e) {
    struct updates_known *known = NULL;
    const struct updates_known *k = NULL;
    int64_t row, made;
    size_t n = 0;

    if (updates_judge(v->a, &h->update, h->text.data, h->text.len, NULL, &row, e) == -1) {
        if (e->code == GF_E_ROLLBACK || e->code == GF_E_CONFLICT) {
            struct gf_err more;
            if (store_update_problem(v->a->store, h->update.product, "manifest", e, v->a->now,
                                     &more) == -1)
                *e = more;
        }
        return gf_err_prefix(e, "%s", h->path);
    }
    if (updates_remember(v->a, &h->update, h->text.data, h->text.len, &row, NULL, e) == -1 ||
        find_known(v->a, &h->update, &known, &n, &k, e) == -1)
        return -1;
    out_open(&v->t, "files", '[');
    int rc = k ? import_artifacts(v, h, k, e) : 0;
    out_close(&v->t, ']');
    updates_known_free(known, n);
    if (rc == 0)
        rc = updates_collect(v->a, &made, e);
    return rc == 0 ? sum_up(v, h, e) : -1;
}

static int import_path(struct verifying *v, const char *path, struct gf_err *e) {
    char manifest[4096];
    struct stat st;
    struct hand h;

    if (command_there(path, e,
                      "name the vendor's manifest, or the directory where its disc is mounted") ==
        -1)
        return -1;
    if (COMMAND_REACH(stat(path, &st)) == 0 && S_ISDIR(st.st_mode)) {
        if (find_manifest(path, manifest, e) == -1)
            return -1;
        path = manifest;
    }
    int rc = hand_open(v->a, AT_FDCWD, path, &h, e);
    if (rc == 0)
        rc = import_hand(v, &h, e);
    hand_close(&h);
    return rc;
}

int cmd_updates_import(struct agent *a, const struct options *o, int *status, struct gf_err *e) {
    struct verifying v = {.a = a, .status = GF_EXIT_DONE};

    if (agent_lock(a, "updates import", e) == -1)
        return -1;
    out_begin(&v.t, o);
    int rc = import_path(&v, options_arg(o, 1), e);
    store_unlock(a->store);
    if (rc == 0)
        rc = out_end(&v.t, e);
    out_free(&v.t);
    if (rc == 0)
        *status = v.status;
    return rc;
}
