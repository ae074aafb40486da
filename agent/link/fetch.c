/*
 * fetch.c -- the HTTPS courier's way back: responses into STATE/inbox.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "agent/link/round.h"
#include "common/log.h"
#include "gapferry/bundle.h"
#include "gapferry/file.h"

#define SPARE        (64LL << 20) /* bytes that the disk keeps for the agent's own work */
#define KEPT_MAX     (8LL << 30)  /* bytes of responses that wait, or could not be used */
#define BYTES_A_S    16384
#define TOTAL_MIN_MS 60000

/* 1 if it came here before: it waits, was applied, or was found to be bad. */
static int is_here(const struct round *x, const struct gf_id *id, const char *name) {
    char path[700];

    if (marks_find(&x->fetched, id) != NULL || faccessat(x->inbox, name, F_OK, 0) == 0)
        return 1;
    (void)snprintf(path, sizeof path, "%s/quarantine/%s", x->p->state, name);
    return access(path, F_OK) == 0;
}

/* Bytes of the files of a folder of the state directory. */
static int64_t sum(const struct round *x, const char *folder) {
    char path[600];
    const struct dirent *entry;
    struct stat st;
    int64_t n = 0;

    (void)snprintf(path, sizeof path, "%s/%s", x->p->state, folder);
    DIR *d = opendir(path);
    while (d != NULL && (entry = readdir(d)) != NULL) {
        if (fstatat(dirfd(d), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode))
            n += st.st_size;
    }
    if (d != NULL)
        (void)closedir(d);
    return n;
}

/* held: bytes of responses that are here already. */
static int has_room(struct round *x, int64_t held, int64_t size) {
    struct statvfs v;

    /* Whatever a relay sends, it does not fill the disk. */
    if (held + size > KEPT_MAX) {
        (void)snprintf(x->r.person, sizeof x->r.person,
                       "nothing is fetched: inbox/ and quarantine/ hold %lld GiB of responses that "
                       "wait or could not be used: see gapferry-agent status",
                       (long long)(KEPT_MAX >> 30));
        return 0;
    }
    if (fstatvfs(x->inbox, &v) == -1 || (int64_t)v.f_bavail * (int64_t)v.f_frsize >= size + SPARE)
        return 1;
    (void)snprintf(x->r.person, sizeof x->r.person,
                   "a response of %lld bytes waits at the relay, and the disk has no room for it: "
                   "make room",
                   (long long)size);
    return 0;
}

/* A body that is not what was told: left where it is; the next visit tries again. */
static void distrust(struct round *x, const char *what, const char *why) {
    x->over = 1;
    (void)snprintf(x->r.evidence, sizeof x->r.evidence, "%.100s: %.300s; not kept", what, why);
    (void)snprintf(x->r.person, sizeof x->r.person, "%.100s: %.300s; not kept", what, why);
}

/* Complete, and by its shell the bundle of that id? */
static int fits(struct round *x, const char *what, const struct reply_response *w, int fd,
                const struct https_answer *a) {
    struct gf_route route;
    struct gf_err why;
    char words[128];

    if (a->sunk != w->size) {
        (void)snprintf(words, sizeof words, "%lld bytes came, %lld were told", (long long)a->sunk,
                       (long long)w->size);
        distrust(x, what, words);
        return 0;
    }
    if (gf_bundle_route(fd, &route, &why) == -1) {
        distrust(x, what, why.text);
        return 0;
    }
    if (memcmp(route.id.b, w->id.b, sizeof w->id.b) != 0) {
        distrust(x, what, "it is another bundle");
        return 0;
    }
    return 1;
}

static int keep(struct round *x, const struct reply_response *w, const char *name,
                struct gf_out *file, struct gf_err *e) {
    char at[GF_TIME_TEXT];

    if (gf_out_commit(file, 0600, 1, e) == -1)
        return -1;
    x->r.fetched++;
    log_write(LOG_LEVEL_INFO, "response-fetched", {"relay", x->peer->name, 0}, {"file", name, 0},
              {"bytes", NULL, w->size});
    gf_text_time((int64_t)time(NULL), at);
    return marks_add(&x->fetched, &w->id, at, e);
}

static int fetch_into(struct round *x, const struct reply_response *w, const char *name,
                      struct gf_out *file, struct gf_err *e) {
    char url[PROBE_URL], id[GF_ID_TEXT], path[64], what[96];
    struct https_answer a;
    int rc = 0;

    gf_text_hex(w->id.b, sizeof w->id.b, id);
    (void)snprintf(path, sizeof path, "/v1/responses/%s", id);
    (void)snprintf(what, sizeof what, "GET %s", path);
    probe_url(x->peer, path, url);
    const struct https_options o = {.url = url,
                                    .method = "GET",
                                    .ca_file = x->peer->ca_file,
                                    .proxy = x->peer->proxy,
                                    .total_ms = TOTAL_MIN_MS,
                                    .pace = BYTES_A_S,
                                    .answer_max = (size_t)w->size,
                                    .sink = &file->fd,
                                    .stop = x->client->stop,
                                    .stop_arg = x->client->stop_arg};
    if (https_request(x->client->https, &o, &a, e) == -1)
        return -1;
    if (a.stage == HTTPS_BROKEN && a.cut)
        distrust(x, what, "more bytes came than were told");
    else if (a.stage == HTTPS_OK && a.status == 404)
        x->r.awaited = 1; /* it was taken back between the two requests: ask again soon */
    else if (a.stage != HTTPS_OK || a.status != 200)
        round_trouble(x, what, &a);
    else if (fits(x, what, w, file->fd, &a))
        rc = keep(x, w, name, file, e);
    https_answer_free(&a);
    return rc;
}

static int fetch(struct round *x, const struct reply_response *w, int64_t *held, struct gf_err *e) {
    const int64_t before = x->r.fetched;
    char id[GF_ID_TEXT], name[OUTBOX_NAME];
    struct gf_out file;

    gf_text_hex(w->id.b, sizeof w->id.b, id);
    (void)snprintf(name, sizeof name, "%s.gfb", id);
    if (is_here(x, &w->id, name) || !has_room(x, *held, w->size))
        return 0;
    if (gf_out_open(&file, x->inbox, name, e) == -1)
        return -1;
    int rc = fetch_into(x, w, name, &file, e);
    gf_out_close(&file);
    *held += x->r.fetched > before ? w->size : 0;
    return rc;
}

int fetch_all(struct round *x, const struct reply *reply, struct gf_err *e) {
    int64_t held = reply->n > 0 ? sum(x, "inbox") + sum(x, "quarantine") : 0;

    for (size_t i = 0; i < reply->n && !x->over; i++) {
        if (fetch(x, &reply->responses[i], &held, e) == -1)
            return -1;
    }
    return 0;
}
