/*
 * history_keep.c -- the bundles that left: kept as they were, so that the site can open them.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/floor.h"
#include "agent/history.h"
#include "common/log.h"
#include "gapferry/drive.h"
#include "gapferry/json.h"

#define DAY 86400

/* One file of a folder that is named like a bundle. */
struct kept {
    char name[GF_DRIVE_NAME];
    struct gf_id id;
    int64_t size;
    int64_t since; /* when it was made */
};

struct folder {
    struct kept *files;
    size_t n;
};

static int is_bundle(const char *name, struct gf_id *id) {
    return strlen(name) == GF_ID_TEXT - 1 + 4 && strcmp(name + GF_ID_TEXT - 1, ".gfb") == 0 &&
           gf_text_unhex(name, GF_ID_TEXT - 1, id->b, sizeof id->b) == 0;
}

static int oldest_first(const void *x, const void *y) {
    const struct kept *a = x, *b = y;

    if (a->since != b->since)
        return a->since < b->since ? -1 : 1;
    return strcmp(a->name, b->name);
}

static int add_file(struct folder *f, size_t *room, const struct kept *k, struct gf_err *e) {
    if (f->n == *room) {
        size_t more = *room ? 2 * *room : 64;
        struct kept *grown = reallocarray(f->files, more, sizeof *grown);
        if (!grown)
            return gf_err_errno(e, "no memory for a list of %zu bundles", more);
        f->files = grown;
        *room = more;
    }
    f->files[f->n++] = *k;
    return 0;
}

/* The bundles of an open folder, oldest first. free(out->files). */
static int list(int dir, const char *what, struct folder *out, struct gf_err *e) {
    int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd == -1 ? NULL : fdopendir(fd);
    struct folder f = {0};
    const struct dirent *x;
    size_t room = 0;
    struct stat st;
    int rc = 0;

    if (!d) {
        (void)gf_err_errno(e, "%s: cannot list it", what);
        if (fd != -1)
            (void)close(fd);
        return -1;
    }
    while (rc == 0 && (x = readdir(d)) != NULL) {
        struct kept k;
        if (!is_bundle(x->d_name, &k.id) ||
            fstatat(dir, x->d_name, &st, AT_SYMLINK_NOFOLLOW) == -1 || !S_ISREG(st.st_mode))
            continue;
        memcpy(k.name, x->d_name, strlen(x->d_name) + 1); /* is_bundle() knows its length */
        k.size = (int64_t)st.st_size;
        k.since = (int64_t)st.st_mtim.tv_sec;
        rc = add_file(&f, &room, &k, e);
    }
    (void)closedir(d);
    if (rc == -1) {
        free(f.files);
        return -1;
    }
    if (f.n > 0)
        qsort(f.files, f.n, sizeof *f.files, oldest_first);
    *out = f;
    return 0;
}

/* ---- what is kept ---- */

static int move_settled(struct agent *a, int outbox, int history, struct gf_err *e) {
    struct folder f = {0};
    int moved = 0;

    int rc = list(outbox, "outbox", &f, e);
    for (size_t i = 0; rc == 0 && i < f.n; i++) {
        struct store_bundle b;
        int known = store_bundle(a->store, &f.files[i].id, &b, e);

        if (known == -1)
            rc = -1;
        if (known != 1 || !b.settled || b.withdrawn)
            continue;
        if (renameat(outbox, b.file, history, b.file) == -1)
            rc = gf_err_errno(e, "%s/outbox/%s: cannot move it to " HISTORY_FOLDER, a->state,
                              b.file);
        moved = 1;
    }
    free(f.files);
    if (rc == 0 && moved && (fsync(history) == -1 || fsync(outbox) == -1))
        rc = gf_err_errno(e, "%s/" HISTORY_FOLDER, a->state);
    return rc;
}

static int remove_one(struct agent *a, int history, const struct kept *k, const char *why,
                      struct gf_err *e) {
    struct history_line h;

    history_begin(&h, a, "pruned");
    history_id(&h, "bundle", &k->id);
    history_text(&h, "why", why);
    if (history_end(&h, a, e) == -1)
        return -1;
    if (unlinkat(history, k->name, 0) == -1 && errno != ENOENT)
        return gf_err_errno(e, "%s/" HISTORY_FOLDER "/%s: cannot remove it", a->state, k->name);
    log_write(LOG_LEVEL_INFO, "history-pruned", {"file", k->name, 0}, {"why", why, 0});
    return 0;
}

static int prune(struct agent *a, int history, struct gf_err *e) {
    int64_t most = HISTORY_MAX, total = 0, floor;
    struct folder f = {0};

    if (config_int(a->config, "agent", NULL, "history_max", 0, INT64_MAX / 2, &most, e) == -1 ||
        floor_get(a, &floor, e) == -1 || list(history, HISTORY_FOLDER, &f, e) == -1)
        return -1;
    for (size_t i = 0; i < f.n; i++)
        total += f.files[i].size;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < f.n; i++) {
        const struct kept *k = &f.files[i];

        /* A clock that is or was wrong proves no age. */
        int old = a->now - k->since > (int64_t)HISTORY_DAYS * DAY && k->since >= WHEN_FIRST &&
                  !when_is_ahead(a->now, floor);
        if (!old && total <= most)
            continue;
        rc = remove_one(a, history, k, old ? "kept for 400 days" : "no room within history_max", e);
        total -= k->size;
    }
    free(f.files);
    return rc;
}

int history_keep(struct agent *a, int outbox, struct gf_err *e) {
    int history = agent_folder(a, HISTORY_FOLDER, e);

    if (history == -1)
        return -1;
    int rc = move_settled(a, outbox, history, e);
    if (rc == 0)
        rc = prune(a, history, e);
    (void)close(history);
    return rc;
}

/* ---- looking at them ---- */

int history_open(struct agent *a, const struct gf_id *id, const char **place, struct gf_err *e) {
    static const char *const places[] = {HISTORY_FOLDER, "outbox"};
    char path[sizeof a->state + 128], name[GF_DRIVE_NAME];

    gf_drive_bundle_name(id, name);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        (void)snprintf(path, sizeof path, "%s/%s/%s", a->state, places[i], name);
        int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        if (fd != -1) {
            *place = places[i];
            return fd;
        }
        if (errno != ENOENT)
            return gf_err_errno(e, "%s", path);
    }
    return gf_err_set(e, GF_E_NOINPUT,
                      "%s: is kept neither in " HISTORY_FOLDER "/ nor in outbox/ of %s: what left "
                      "is kept for %d days, within history_max",
                      name, a->state, HISTORY_DAYS);
}

/* Is this still the bundle that we have made? */
static int is_intact(struct agent *a, int fd, struct gf_err *e) {
    struct own_keys_all own;
    struct gf_head head;

    own_keys_all(&a->id, &a->former, &own);
    const struct gf_check check = {.trusted = own.cards, .ntrusted = own.n};

    if (gf_bundle_head(fd, &check, &head, e) == -1)
        return -1;
    int rc = gf_bundle_copy(fd, &head, -1, NULL, NULL, e);
    gf_head_free(&head);
    return rc;
}

int history_verify_files(struct agent *a, struct history_verdict *v, struct gf_err *e) {
    struct folder f = {0};
    struct gf_err why;

    int history = agent_folder(a, HISTORY_FOLDER, e);
    if (history == -1)
        return -1;
    int rc = list(history, HISTORY_FOLDER, &f, e);
    for (size_t i = 0; rc == 0 && i < f.n; i++) {
        int fd = openat(history, f.files[i].name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        int good = fd != -1 && is_intact(a, fd, &why) == 0;

        v->kept++;
        if (!good && v->bad_files++ == 0)
            (void)snprintf(v->first_bad, sizeof v->first_bad, "%s", f.files[i].name);
        if (fd != -1)
            (void)close(fd);
    }
    free(f.files);
    (void)close(history);
    return rc;
}

/* ---- those that are gone ---- */

struct ids {
    struct gf_id *list;
    size_t n, room;
};

static int add_id(struct ids *x, const struct gf_id *id, struct gf_err *e) {
    if (x->n == x->room) {
        size_t more = x->room ? 2 * x->room : 64;
        struct gf_id *grown = reallocarray(x->list, more, sizeof *grown);
        if (!grown)
            return gf_err_errno(e, "no memory for a list of %zu bundles", more);
        x->list = grown;
        x->room = more;
    }
    x->list[x->n++] = *id;
    return 0;
}

static int compare_ids(const void *x, const void *y) {
    return memcmp(x, y, sizeof(struct gf_id));
}

static void sort_ids(struct ids *x) {
    if (x->n > 0)
        qsort(x->list, x->n, sizeof *x->list, compare_ids);
}

static int has(const struct ids *x, const struct gf_id *id) {
    return x->n > 0 && bsearch(id, x->list, x->n, sizeof *x->list, compare_ids) != NULL;
}

/* The bundles of one event's lines. */
struct picking {
    const char *event;
    struct ids ids;
};

static int pick(void *arg, const struct store_event *v, struct gf_err *e) {
    const char *event = NULL, *bundle = NULL;
    struct picking *x = arg;
    struct gf_json_obj o;
    struct gf_json *j;
    struct gf_id id;
    int rc = 0;

    if (!memmem(v->line, v->len, x->event, strlen(x->event)))
        return 0;
    /* A line that is no JSON breaks the chain, and is told as that. */
    if (gf_json_parse(v->line, v->len, "a line of the history", GF_E_DAMAGED, &j, NULL) == -1)
        return 0;
    gf_json_root(j, &o);
    gf_json_str(&o, "event", 1, 64, &event);
    gf_json_str(&o, "bundle", GF_ID_TEXT - 1, GF_ID_TEXT - 1, &bundle);
    if (event && bundle && strcmp(event, x->event) == 0 &&
        gf_text_unhex(bundle, GF_ID_TEXT - 1, id.b, sizeof id.b) == 0)
        rc = add_id(&x->ids, &id, e);
    gf_json_free(j);
    return rc;
}

static int list_folder(struct agent *a, const char *name, struct ids *out, struct gf_err *e) {
    int fd = agent_folder(a, name, e);
    if (fd == -1)
        return -1;
    DIR *d = fdopendir(fd);
    const struct dirent *f;
    struct gf_id id;
    int rc = 0;

    if (!d) {
        (void)gf_err_errno(e, "%s/%s: cannot list it", a->state, name);
        (void)close(fd);
        return -1;
    }
    while (rc == 0 && (f = readdir(d)) != NULL) {
        if (is_bundle(f->d_name, &id))
            rc = add_id(out, &id, e);
    }
    (void)closedir(d);
    return rc;
}

static int judge_lost(struct agent *a, const struct gf_id *id, struct history_verdict *v,
                      struct gf_err *e) {
    struct store_bundle b;

    int known = store_bundle(a->store, id, &b, e);
    if (known != 1)
        return known;
    if (!b.settled || b.withdrawn || a->now - b.created >= (int64_t)HISTORY_DAYS * DAY)
        return 0;
    if (v->lost++ == 0)
        (void)snprintf(v->first_lost, sizeof v->first_lost, "%s", b.file);
    return 0;
}

/* Folders in the order in which bundles move, and prunings last: another command may be at work. */
int history_verify_lost(struct agent *a, struct history_verdict *v, struct gf_err *e) {
    struct picking left = {.event = "left"}, pruned = {.event = "pruned"};
    struct ids kept = {0};
    int rc = -1;

    if (store_history_walk(a->store, 1, pick, &left, e) == -1 ||
        list_folder(a, "outbox", &kept, e) == -1 ||
        list_folder(a, HISTORY_FOLDER, &kept, e) == -1 ||
        store_history_walk(a->store, 1, pick, &pruned, e) == -1)
        goto out;
    sort_ids(&left.ids);
    sort_ids(&kept);
    sort_ids(&pruned.ids);
    rc = 0;
    for (size_t i = 0; rc == 0 && i < left.ids.n; i++) {
        const struct gf_id *id = &left.ids.list[i];
        int again = i > 0 && compare_ids(id, id - 1) == 0;
        if (!again && !has(&kept, id) && !has(&pruned.ids, id))
            rc = judge_lost(a, id, v, e);
    }
out:
    free(left.ids.list);
    free(kept.list);
    free(pruned.ids.list);
    return rc;
}
