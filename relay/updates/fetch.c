/*
 * fetch.c -- one artifact after the other; memory does not grow with their size.
 */
#include "relay/updates/fetch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "common/mono.h"
#include "gapferry/digest.h"
#include "relay/awaits.h"
#include "relay/endpoints/endpoint_repository.h"
#include "relay/files.h"
#include "relay/updates/artifacts.h"
#include "relay/updates/check.h"
#include "relay/updates/handed.h"

#define MIB      (1 << 20)
#define DEAD_MAX 16 /* endpoints that need not be asked again in this turn */

struct fetch {
    struct relay *r;
    struct turn *t;
    struct https *client;
    int (*stop)(void *arg);
    int64_t end_ms;
    struct ledger_artifact a; /* the one that is under way */
    struct endpoint p;        /* where it comes from */
    int fd;                   /* what of it is here */
    int64_t had;              /* bytes, before this turn */
    int64_t asked_s;          /* for how long its vendor asked to be left alone; 0: it did not */
    int full;                 /* 1: that there is no room was told */
    char dead[DEAD_MAX][GF_WORD_MAX + 1];
    size_t ndead;
};

/* Whatever else is to be done comes before a long download. */
static int is_over(void *arg) {
    const struct fetch *f = arg;
    struct gf_err ignored;

    return mono_ms() >= f->end_ms || f->stop(NULL) ||
           ledger_has_untried(f->r->ledger, &ignored) != 0;
}

static int is_dead(const struct fetch *f, const char *endpoint) {
    for (size_t i = 0; i < f->ndead; i++) {
        if (strcmp(f->dead[i], endpoint) == 0)
            return 1;
    }
    return 0;
}

/* ---- what becomes of an attempt ---- */

static int put_off(struct fetch *f, const char *reason, struct gf_err *e) {
    uint32_t random;

    gf_digest_random(&random, sizeof random);
    int64_t wait = endpoint_backoff(f->a.attempts + 1, random);
    if (wait < f->asked_s)
        wait = f->asked_s;
    if (!f->t->by_hand)
        awaits_tell_artifact(&f->a, reason, f->r->now, f->t);
    return ledger_artifact_later(f->r->ledger, f->a.row, reason, f->r->now + wait,
                                 f->asked_s > 0 ? f->r->now + f->asked_s : 0, e);
}

/* What came is another file: nothing of it is of use. */
static int begin_anew(struct fetch *f, const char *reason, struct gf_err *e) {
    artifacts_discard(f->r, &f->a.is.blake2b);
    return put_off(f, reason, e);
}

/* It has its name in artifacts/. */
static int arrived(struct fetch *f, struct gf_err *e) {
    log_write(LOG_LEVEL_NOTICE, "update-artifact", {"endpoint", f->a.endpoint, 0},
              {"name", f->a.is.name, 0}, {"bytes", NULL, f->a.is.size});
    return ledger_artifact_here(f->r->ledger, f->a.row, f->r->now, e);
}

static int accept_all(struct fetch *f, struct gf_err *e) {
    struct gf_err why;

    if (artifacts_accept(f->r, &f->a.is, f->fd, &why) == 0)
        return arrived(f, e);
    if (why.code == GF_E_UPDATE)
        return put_off(f, why.text, e);
    *e = why;
    return -1;
}

/* The vendor has it no more; perhaps nobody names it any more either. */
static int vanished(struct fetch *f, const char *reason, struct gf_err *e) {
    int dropped = ledger_artifact_drop(f->r->ledger, f->a.row, e);

    if (dropped == 1)
        log_write(LOG_LEVEL_NOTICE, "update-artifact-over", {"endpoint", f->a.endpoint, 0},
                  {"name", f->a.is.name, 0});
    return dropped == 0 ? put_off(f, reason, e) : dropped == 1 ? 0 : -1;
}

/* It broke off, or was cut off: what is here is the beginning of what the vendor has. */
static int go_on_later(struct fetch *f, const struct https_answer *answer, const char *reason,
                       struct gf_err *e) {
    char etag[LEDGER_VALIDATOR_MAX + 1];

    endpoint_repository_validator(answer, "etag", etag);
    if (etag[0] != '"')
        etag[0] = '\0'; /* a weak one is no promise about bytes */
    if (fsync(f->fd) == -1)
        return gf_err_errno(e, "%s/artifacts: cannot flush", f->r->state);
    if (answer->sunk > 0 && answer->sunk != f->had) { /* more of it, or of another one */
        f->a.attempts = 0;
        if (ledger_artifact_begun(f->r->ledger, f->a.row, etag, e) == -1)
            return -1;
    }
    if (!is_over(f))
        return put_off(f, reason, e);
    int64_t here = answer->sunk > 0 ? answer->sunk : f->had;
    int64_t whole = f->a.is.size / MIB + 1;
    turn_wait(f->t, "artifact \"%s\" of %s: %lld of %lld MiB were fetched; the next turn goes on",
              f->a.is.name, f->a.place, (long long)here / MIB, (long long)whole);
    return ledger_artifact_set_cut(f->r->ledger, f->a.row, e);
}

static int judge(struct fetch *f, struct https_answer *answer, struct gf_err *e) {
    struct endpoint_result res = {.status = answer->status, .answer = *answer};
    const int came = answer->status == 200 || answer->status == 206;
    /* A page about a failure may be longer than the artifact, and says all the same what it is. */
    const int said = answer->stage == HTTPS_OK || answer->cut;
    char words[200];

    if (answer->stage == HTTPS_OK && came && answer->sunk == f->a.is.size)
        return accept_all(f, e);
    (void)snprintf(words, sizeof words, "it is %s than the %lld bytes that its manifest says",
                   answer->cut ? "longer" : "shorter", (long long)f->a.is.size);
    if (said && came)
        return begin_anew(f, words, e);
    if (!said && answer->stage != HTTPS_PROXY)
        res.status = 0;
    if (endpoint_http_explain(&res, e) == -1)
        return -1;
    if (said && answer->status == 416)
        return begin_anew(f, res.reason, e);
    if (said && (answer->status == 404 || answer->status == 410))
        return vanished(f, res.reason, e);
    if (said && (answer->status == 429 || answer->status == 503) && answer->retry_after_s > 0)
        f->asked_s = answer->retry_after_s;
    if (((answer->stage != HTTPS_OK && !answer->sent) || f->asked_s > 0) && f->ndead < DEAD_MAX)
        memcpy(f->dead[f->ndead++], f->a.endpoint, sizeof f->a.endpoint);
    return go_on_later(f, answer, res.reason, e);
}

/* ---- one artifact ---- */

static int request(struct fetch *f, struct gf_err *e) {
    struct endpoint_request q = {.http = f->p.http};
    char url[CHECK_URL_MAX + 1], range[LEDGER_VALIDATOR_MAX + 16];
    struct https_answer answer;

    if (check_artifact_url(f->p.http.url, f->a.place, f->a.is.name, url, e) == -1)
        return -1;
    endpoint_headers_own(&q, &f->p);
    /* If what the vendor has is another file by now, all of it is to come. */
    if (f->had > 0 && f->a.etag[0] != '\0') {
        (void)snprintf(range, sizeof range, "If-Range: %s", f->a.etag);
        endpoint_header(&q, range);
    }
    q.http.url = url;
    q.http.method = "GET";
    q.http.headers = q.headers;
    q.http.sink = &f->fd;
    q.http.resume = f->had;
    q.http.answer_max = (size_t)f->a.is.size;
    q.http.total_ms = f->end_ms - mono_ms() > 0 ? f->end_ms - mono_ms() : 1;
    q.http.stop = is_over;
    q.http.stop_arg = f;
    if (https_request(f->client, &q.http, &answer, e) == -1)
        return -1;
    int rc = judge(f, &answer, e);
    https_answer_free(&answer);
    return rc;
}

static int fetch_open(struct fetch *f, struct gf_err *e) {
    int rc = 0;

    f->fd = artifacts_begin(f->r, &f->a.is, &f->had, e);
    if (f->fd == -1)
        return -1;
    if (files_need(f->r, f->a.is.size - f->had, e) == -1)
        rc = -1;
    else if (f->had == f->a.is.size)
        rc = accept_all(f, e);
    else
        rc = request(f, e);
    (void)close(f->fd);
    return rc;
}

/* ---- from the manager's own agent ---- */

/* A copy, for what was verified must not change any more. It is verified while it is copied. */
static int copy(struct fetch *f, int from, struct gf_err *e) {
    struct gf_err why;

    artifacts_discard(f->r, &f->a.is.blake2b);
    f->fd = artifacts_begin(f->r, &f->a.is, &f->had, e);
    if (f->fd == -1)
        return -1;
    int rc = files_need(f->r, f->a.is.size, e);
    if (rc == 0 && update_check(&f->a.is, from, f->fd, f->a.is.name, &why) == -1) {
        *e = why;
        rc = why.code == GF_E_UPDATE ? begin_anew(f, why.text, e) : -1;
    } else if (rc == 0) {
        rc = artifacts_keep(f->r, &f->a.is, f->fd, e) == -1 ? -1 : arrived(f, e);
    }
    (void)close(f->fd);
    if (rc == 0)
        handed_remove(f->r, f->a.endpoint, &f->a.is);
    return rc;
}

/* It is there once the agent has it. */
static int take_over(struct fetch *f, struct gf_err *e) {
    int from = -1;
    int rc = handed_open(f->r, f->a.endpoint, &f->a.is, &from, e);

    if (rc == 1) {
        rc = copy(f, from, e);
        (void)close(from);
    }
    return rc;
}

/* The profile of the section, as long as it is one that artifacts come from; else NULL. */
static const struct endpoint_profile *find_profile(const struct fetch *f) {
    const struct endpoint_profile *p = NULL;
    const char *name;

    for (size_t i = 0; p == NULL && (name = config_name(f->r->config, "endpoint", i)) != NULL; i++)
        p = strcmp(name, f->a.endpoint) == 0 ? endpoint_profile_of(f->r->config, name) : NULL;
    return p == &endpoint_updates || p == &endpoint_agent ? p : NULL;
}

static int fetch_one(struct fetch *f, struct gf_err *e) {
    const struct endpoint_profile *profile = find_profile(f);

    f->asked_s = 0;
    if (profile == NULL)
        return put_off(f, "there is no endpoint of this name and profile updates or agent any more",
                       e);
    if (profile == &endpoint_agent)
        return take_over(f, e);
    if (endpoint_open(&f->p, f->r, f->a.endpoint, e) == -1)
        return -1;
    int rc = fetch_open(f, e);
    endpoint_close(&f->p);
    return rc;
}

/* One, where its endpoint can be asked. */
static void try_one(struct fetch *f) {
    struct gf_err why;

    if (is_dead(f, f->a.endpoint) || fetch_one(f, &why) == 0)
        return;
    /* Want of room, or a fault of ours: the others go on being tried. That there is no room is told
     * once. */
    if (why.code != GF_E_CREATE || !f->full)
        turn_fault(f->t, f->a.is.name, &why, "the artifact is fetched by a later turn");
    f->full |= why.code == GF_E_CREATE;
}

/* Those behind the one at which an earlier turn was cut off, then the others. */
static int try_all(struct fetch *f, struct gf_err *e) {
    int64_t cut, after;
    int rc;

    if (ledger_artifact_cut(f->r->ledger, &cut, e) == -1)
        return -1;
    after = cut;
    for (int round = 0; round < 2; round++, after = 0) {
        while (!is_over(f) &&
               (rc = ledger_artifact_due(f->r->ledger, f->r->now, after, &f->a, e)) != 0) {
            if (rc == -1)
                return -1;
            if (round == 1 && f->a.row > cut)
                break;
            try_one(f);
            after = f->a.row;
        }
    }
    return 0;
}

int fetch_artifacts(struct relay *r, int64_t wait_s, int (*stop)(void *arg), struct turn *t,
                    struct gf_err *e) {
    struct fetch f = {.r = r, .t = t, .stop = stop, .end_ms = mono_ms() + wait_s * 1000};
    int rc = ledger_artifact_due(r->ledger, r->now, 0, &f.a, e);

    if (rc != 1)
        return rc;
    if (https_new(&f.client, e) == -1)
        return -1;
    rc = try_all(&f, e);
    https_free(f.client);
    return rc;
}
