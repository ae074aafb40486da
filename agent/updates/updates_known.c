/*
 * updates_known.c -- what this agent knows of updates: manifests, whether they still hold, and
 * which of their artifacts are here.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/updates/updates.h"

struct collecting {
    struct agent *a;
    struct updates_known *list;
    size_t n, room;
};

static void copy_word(char out[GF_WORD_MAX + 1], const char *text) {
    (void)snprintf(out, GF_WORD_MAX + 1, "%s", text);
}

/* Rows come newest first within their product, channel and platform. */
static void rank(struct updates_known *k, const struct updates_known *before) {
    const int follows = before && strcmp(before->product, k->product) == 0 &&
                        strcmp(before->channel, k->channel) == 0 &&
                        strcmp(before->platform, k->platform) == 0;

    k->age = follows ? before->age + 1 : 0;
    k->newest = k->age == 0;
}

static int collect(void *arg, const struct store_update *s, struct gf_err *e) {
    struct collecting *c = arg;

    if (c->n == c->room) {
        size_t room = c->room ? 2 * c->room : 8;
        struct updates_known *more = reallocarray(c->list, room, sizeof *more);
        if (!more)
            return gf_err_errno(e, "no memory for the updates");
        c->list = more;
        c->room = room;
    }
    struct updates_known *k = &c->list[c->n];
    *k = (struct updates_known){
        .n = s->n, .serial = s->serial, .since = s->since, .confirmed = s->confirmed};
    copy_word(k->product, s->product);
    copy_word(k->channel, s->channel);
    copy_word(k->platform, s->platform);
    if (s->relay) {
        k->has_relay = 1;
        k->relay = *s->relay;
    }
    rank(k, c->n ? &c->list[c->n - 1] : NULL);
    k->text = malloc(s->len + 1);
    if (!k->text)
        return gf_err_errno(e, "no memory for the updates");
    memcpy(k->text, s->text, s->len);
    k->text[s->len] = '\0';
    k->len = s->len;
    c->n++;
    return 0;
}

/* Verified anew each time: a vendor who is not trusted any more has no say. */
static int judge(struct agent *a, struct updates_known *k, int64_t stale_after, struct gf_err *e) {
    struct gf_err why;

    if (updates_read(a, k->text, k->len, &k->update, &why) == -1) {
        if (why.code == GF_E_SYSTEM || why.code == GF_E_BUSY || why.code == GF_E_DAMAGED) {
            *e = why;
            return -1;
        }
        (void)snprintf(k->why, sizeof k->why, "%s", why.text);
        return 0;
    }
    k->valid = 1;
    k->ended = updates_ended(a, &k->update, e);
    k->stale = k->newest && stale_after > 0 && a->now - k->since > stale_after;
    k->here = calloc(k->update.nartifacts ? k->update.nartifacts : 1, sizeof *k->here);
    if (!k->here)
        return gf_err_errno(e, "no memory for the updates");
    for (size_t i = 0; i < k->update.nartifacts && k->ended != -1; i++) {
        k->here[i] = store_update_is_here(a->store, k->n, k->update.artifacts[i].name, e);
        if (k->here[i] == -1)
            return -1;
    }
    return k->ended == -1 ? -1 : 0;
}

int updates_known(struct agent *a, struct updates_known **out, size_t *n, struct gf_err *e) {
    struct collecting c = {.a = a};
    int64_t stale_after = 0;

    int rc = config_span(a->config, "channel", UPDATES_CHANNEL, "stale_after", &stale_after, e);
    if (rc != -1)
        rc = store_update_walk(a->store, collect, &c, e);
    for (size_t i = 0; i < c.n && rc != -1; i++)
        rc = judge(a, &c.list[i], stale_after, e);
    if (rc == -1) {
        updates_known_free(c.list, c.n);
        return -1;
    }
    *out = c.list;
    *n = c.n;
    return 0;
}

void updates_known_free(struct updates_known *k, size_t n) {
    for (size_t i = 0; i < n; i++) {
        free(k[i].text);
        free(k[i].here);
        update_free(&k[i].update);
    }
    free(k);
}

size_t updates_missing(const struct updates_known *k) {
    size_t missing = 0;

    for (size_t i = 0; i < k->update.nartifacts; i++)
        missing += !k->here[i];
    return missing;
}

/* Go down into a folder, made where that is asked for; `from` is closed. */
static int step(int from, const char *name, int make, struct gf_err *e) {
    if (from == -1)
        return -1;
    if (make && mkdirat(from, name, 0700) == -1 && errno != EEXIST) {
        (void)gf_err_errno(e, "updates/.../%s: cannot make it", name);
        (void)close(from);
        return -1;
    }
    int fd = openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd == -1)
        (void)gf_err_errno(e, "updates/.../%s: cannot open it", name);
    /* What is put below must be found again after a power cut. */
    if (make)
        (void)fsync(from);
    (void)close(from);
    return fd;
}

int updates_folder(struct agent *a, const struct updates_known *k, int make, struct gf_err *e) {
    char serial[24];

    (void)snprintf(serial, sizeof serial, "%lld", (long long)k->serial);
    int fd = agent_folder(a, "updates", e);
    fd = step(fd, k->product, make, e);
    fd = step(fd, k->channel, make, e);
    fd = step(fd, k->platform, make, e);
    return step(fd, serial, make, e);
}

/* ---- what is wanted ---- */

/* Indexes that are missing of a file some parts of which are here; none are listed where all are
 * missing. 1; 0: all are here, and wait to be joined. */
static int list_missing(struct agent *a, struct gf_want *w, struct gf_err *e) {
    struct store_part *parts = NULL;
    size_t n = 0;

    if (store_parts(a->store, &w->digest, &parts, &n, e) == -1)
        return -1;
    int64_t count = n ? parts[0].count : 0;
    int missing = n == 0 || (int64_t)n < count;
    if (missing && count > 1 && count <= UPDATES_PARTS_MAX) {
        w->parts = calloc((size_t)count, sizeof *w->parts);
        if (!w->parts) {
            free(parts);
            return gf_err_errno(e, "no memory for what is wanted");
        }
        size_t at = 0;
        for (int64_t i = 0; i < count; i++) {
            if (at < n && parts[at].index == i)
                at++;
            else
                w->parts[w->nparts++] = i;
        }
    }
    free(parts);
    return missing;
}

static int want_of(struct agent *a, const struct updates_known *k, struct gf_want *list, size_t *n,
                   struct gf_err *e) {
    for (size_t i = 0; i < k->update.nartifacts && *n < GF_WANT_MAX; i++) {
        struct gf_want *w = &list[*n];
        int again = 0;
        if (k->here[i])
            continue;
        for (size_t j = 0; j < *n; j++)
            again = again || memcmp(list[j].digest.b, k->update.artifacts[i].blake2b.b,
                                    sizeof list[j].digest.b) == 0;
        if (again)
            continue;
        *w = (struct gf_want){.digest = k->update.artifacts[i].blake2b};
        int missing = list_missing(a, w, e);
        if (missing == -1)
            return -1;
        *n += (size_t)missing;
    }
    return 0;
}

int updates_want(struct agent *a, const struct gf_hash *relay, struct gf_want **out, size_t *n,
                 struct gf_err *e) {
    struct updates_known *known = NULL;
    struct gf_want *list;
    size_t nknown = 0, count = 0;
    int rc = 0;

    if (updates_known(a, &known, &nknown, e) == -1)
        return -1;
    list = calloc(GF_WANT_MAX, sizeof *list);
    if (!list)
        rc = gf_err_errno(e, "no memory for what is wanted");
    for (size_t i = 0; i < nknown && rc == 0; i++) {
        const struct updates_known *k = &known[i];
        if (k->newest && k->valid && !k->ended && k->has_relay &&
            memcmp(k->relay.b, relay->b, sizeof relay->b) == 0)
            rc = want_of(a, k, list, &count, e);
    }
    updates_known_free(known, nknown);
    if (rc == -1) {
        updates_want_free(list, count);
        return -1;
    }
    *out = list;
    *n = count;
    return 0;
}

void updates_want_free(struct gf_want *want, size_t n) {
    for (size_t i = 0; i < n; i++)
        free(want[i].parts);
    free(want);
}
