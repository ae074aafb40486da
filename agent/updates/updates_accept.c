/*
 * updates_accept.c -- manifests: whose they are, whether they may become known, and the answer to a
 * check.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/command.h"
#include "agent/floor.h"
#include "agent/updates/updates.h"
#include "agent/vendors.h"
#include "common/log.h"
#include "common/signed.h"
#include "gapferry/file.h"

/* A manifest that one vendor after the other is asked about. */
struct reading {
    const char *text;
    size_t len;
    struct update *out;
};

static int try_vendor(void *arg, const struct gf_sign_public *key, struct gf_err *e) {
    const struct reading *r = arg;

    return update_parse(r->text, r->len, key, r->out, e);
}

int updates_read(struct agent *a, const char *text, size_t len, struct update *out,
                 struct gf_err *e) {
    struct reading r = {text, len, out};

    return vendors_find(a, STORE_DUTY_UPDATE, try_vendor, &r, e);
}

/* ---- rules ---- */

static int fits(const struct update *u, const struct store_update_check *c, struct gf_err *e) {
    if (strcmp(u->product, c->product) != 0)
        return gf_err_set(e, GF_E_NOT_FOR_US,
                          "manifest: is of product %s, and %s was asked for; it is not used",
                          u->product, c->product);
    if (c->channel[0] && strcmp(u->channel, c->channel) != 0)
        return gf_err_set(e, GF_E_NOT_FOR_US,
                          "manifest: is of %s's channel %s, and %s was asked for; it is not used",
                          u->product, u->channel, c->channel);
    if (strcmp(u->platform, UPDATE_ANY) != 0 && strcmp(u->platform, c->platform) != 0)
        return gf_err_set(e, GF_E_NOT_FOR_US,
                          "manifest: is of %s for %s, and %s was asked for; it is not used",
                          u->product, u->platform, c->platform);
    return 0;
}

struct judging {
    const struct update *u;
    const char *text;
    size_t len;
    int64_t known;
    int64_t newest; /* serial */
};

static int compare(void *arg, const struct store_update *s, struct gf_err *e) {
    struct judging *j = arg;

    if (strcmp(s->product, j->u->product) != 0 || strcmp(s->channel, j->u->channel) != 0 ||
        strcmp(s->platform, j->u->platform) != 0)
        return 0;
    if (s->serial > j->newest)
        j->newest = s->serial;
    if (s->serial != j->u->serial)
        return 0;
    if (!update_same(s->text, s->len, j->text, j->len))
        return gf_err_set(e, GF_E_CONFLICT,
                          "manifest: there is another one of %s with the same serial %lld and "
                          "other content; the first stays, the second is not used: ask the vendor "
                          "whether its key was stolen",
                          s->product, (long long)s->serial);
    j->known = s->n;
    return 0;
}

int updates_judge(struct agent *a, const struct update *u, const char *text, size_t len,
                  const struct store_update_check *check, int64_t *known, struct gf_err *e) {
    struct judging j = {.u = u, .text = text, .len = len};

    if ((check && fits(u, check, e) == -1) || store_update_walk(a->store, compare, &j, e) == -1)
        return -1;
    if (u->serial < j.newest)
        return gf_err_set(e, GF_E_ROLLBACK,
                          "manifest: is older than one that came before: version %s of %s has "
                          "serial %lld, and %lld was seen; it is not used",
                          u->version, u->product, (long long)u->serial, (long long)j.newest);
    *known = j.known;
    return 0;
}

static int remember(struct agent *a, const struct update *u, const char *text, size_t len,
                    int64_t *n, const struct gf_hash *relay, struct gf_err *e) {
    const struct store_update s = {.product = u->product,
                                   .channel = u->channel,
                                   .platform = u->platform,
                                   .serial = u->serial,
                                   .relay = relay,
                                   .text = text,
                                   .len = len,
                                   .since = a->now,
                                   .confirmed = a->now};

    if (*n == 0 ? store_update_put(a->store, &s, n, e) == -1
                : store_update_confirm(a->store, *n, a->now, e) == -1)
        return -1;
    if (store_update_solved(a->store, u->product, "manifest", e) == -1)
        return -1;
    return floor_raise(a, u->issued, e);
}

int updates_remember(struct agent *a, const struct update *u, const char *text, size_t len,
                     int64_t *n, const struct gf_hash *relay, struct gf_err *e) {
    if (store_begin(a->store, e) == -1)
        return -1;
    return store_end(a->store, remember(a, u, text, len, n, relay, e), e);
}

int updates_ended(struct agent *a, const struct update *u, struct gf_err *e) {
    int64_t floor;

    if (floor_get(a, &floor, e) == -1)
        return -1;
    return u->expires <= (a->now > floor ? a->now : floor);
}

/* ---- files ---- */

int updates_load_file(int dir, const char *path, struct gf_buf *text, struct gf_err *e) {
    const char *name = strrchr(path, '/');

    if (gf_file_load(dir, path, UPDATE_FILE_MAX, text, e) == -1)
        return -1;
    int rc = signed_join(dir, path, UPDATE_FILE_MAX, text, e);
    if (rc == 0)
        return gf_err_set(e, GF_E_NOINPUT,
                          "%s: holds no signature, and beside it there is no %s.minisig; the "
                          "vendor has that file: bring it, too",
                          path, name ? name + 1 : path);
    return rc == 1 ? 0 : -1;
}

/* ---- the answer to a check ---- */

/* 1 if a failure says something of the manifest, 0 if it is ours: memory, disk, database. */
static int is_verdict(enum gf_code code) {
    return code != GF_E_SYSTEM && code != GF_E_CREATE && code != GF_E_DAMAGED &&
           code != GF_E_BUSY && code != GF_E_BUG;
}

/* Nothing that came is lost: what was refused for want of a vendor's key can be imported once that
 * is there. Where it cannot be kept it is refused all the same. */
static int keep_refused(struct agent *a, const struct gf_id *record, const char *text, size_t len,
                        char name[GF_UUID_TEXT + 16]) {
    char id[GF_UUID_TEXT];

    gf_text_uuid(record, id);
    (void)snprintf(name, GF_UUID_TEXT + 16, "%s.update", id);
    int dir = agent_folder(a, "refused", NULL);
    if (dir == -1)
        return 0;
    int kept = gf_file_save_new(dir, name, text, len, 0600, NULL) == 0 ||
               faccessat(dir, name, F_OK, 0) == 0;
    (void)close(dir);
    return kept;
}

static int refuse(struct agent *a, const struct store_update_check *c, const struct gf_id *record,
                  const char *text, size_t len, const struct gf_err *why,
                  char refused[UPDATES_WORDS], struct gf_err *e) {
    char name[GF_UUID_TEXT + 16];

    if (len > 0 && keep_refused(a, record, text, len, name))
        (void)snprintf(refused, UPDATES_WORDS, "%.400s; it is kept as %.256s/refused/%s", why->text,
                       a->state, name);
    else
        (void)snprintf(refused, UPDATES_WORDS, "%s", why->text);
    return store_update_problem(a->store, c->product, "manifest", why, a->now, e);
}

/* c NULL: it is a node's. *n is the manifest's row. */
static int take(struct agent *a, const struct store_update_check *c, const struct gf_hash *relay,
                const char *text, size_t len, int64_t *n, struct gf_err *e) {
    int64_t known = 0;
    struct update u;

    if (updates_read(a, text, len, &u, e) == -1)
        return -1;
    int rc = updates_judge(a, &u, text, len, c, &known, e);
    *n = known;
    if (rc == 0)
        rc = updates_remember(a, &u, text, len, n, relay, e);
    int ended = rc == 0 ? updates_ended(a, &u, e) : 0;
    if (ended == -1)
        rc = -1;
    if (rc == 0)
        log_write(ended ? LOG_LEVEL_WARNING : LOG_LEVEL_NOTICE,
                  ended ? "update-manifest-ended" : "update-manifest", {"product", u.product, 0},
                  {"version", u.version, 0}, {"serial", NULL, u.serial},
                  {"new", known == 0 ? "yes" : "no", 0});
    update_free(&u);
    return rc;
}

int agent_update_answer(struct agent *a, const struct gf_hash *relay,
                        const struct gf_answer *answer, const char *text, size_t len,
                        char refused[UPDATES_WORDS], struct gf_err *e) {
    struct store_update_check check;
    struct gf_err why;
    int64_t n = 0;

    refused[0] = '\0';
    int found = store_update_check(a->store, &answer->record, &check, e);
    if (found != 1) {
        (void)snprintf(refused, UPDATES_WORDS, "it answers no update check of this agent");
        return found;
    }
    /* "Nothing to tell" is unsigned, so it changes nothing: least of all how fresh a manifest is.
     */
    if (answer->status == 204)
        return 0;
    if (answer->status != 0 && (answer->status < 200 || answer->status > 299)) {
        (void)gf_err_set(&why, GF_E_UPDATE,
                         "the vendor's answer is no manifest: its status is %lld, which says that "
                         "the request failed",
                         (long long)answer->status);
        return refuse(a, &check, &answer->record, "", 0, &why, refused, e);
    }
    if (take(a, &check, relay, text, len, &n, &why) == 0)
        return 0;
    if (!is_verdict(why.code)) {
        *e = why;
        return -1;
    }
    return refuse(a, &check, &answer->record, text, len, &why, refused, e);
}

int updates_of_node(struct agent *a, const struct gf_hash *relay, const char *text, size_t len,
                    int64_t *n, struct gf_err *e) {
    struct gf_err why;

    if (take(a, NULL, relay, text, len, n, &why) == 0)
        return 0;
    if (!is_verdict(why.code)) {
        *e = why;
        return -1;
    }
    *n = 0;
    log_write(LOG_LEVEL_WARNING, "node-update-without-artifacts", {"why", why.text, 0});
    return 0;
}
