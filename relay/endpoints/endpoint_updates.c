/*
 * endpoint_updates.c -- profile updates: an update check is answered with the manifest that lies in
 * the vendor's repository, once its signature was verified. What the manifest names is assigned to
 * the agent; relay/updates/fetch.c gets it.
 *
 * A manifest is fetched for all agents: for `refresh` seconds nobody is asked again, and then only
 * whether there is a newer one. It stands in the ledger, and is verified anew each time it leaves.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/endpoints/endpoint_repository.h"
#include "relay/updates/check.h"

#define MANIFEST_MAX  GF_DOCUMENT_MAX
#define SIGNATURE_MAX (UPDATE_FILE_MAX - GF_DOCUMENT_MAX)

/* One check on its way. */
struct asking {
    struct check check;
    struct gf_err bad; /* it cannot be answered, and why; code GF_OK: it can */
    struct ledger_place place;
    struct ledger_source known; /* of the place */
    int is_fresh;               /* that will do: nobody is asked */
    int is_signature;           /* the next request gets it */
    int assign;                 /* its artifacts go to the agent */
    struct ledger_source fresh; /* what came: JSON, then its signature; validators */
    char url[CHECK_URL_MAX + 1];
    char match[LEDGER_VALIDATOR_MAX + 32], since[LEDGER_VALIDATOR_MAX + 32];
};

/* ---- what is believed, and what travels back ---- */

/* May what came take the place of what is known? */
static int fits(const struct asking *a, const struct update *u, struct gf_err *e) {
    if (strcmp(u->product, a->place.product) != 0 || strcmp(u->channel, a->place.channel) != 0 ||
        strcmp(u->platform, a->place.platform) != 0)
        return gf_err_set(e, GF_E_UPDATE, "it is the manifest of %s, channel %s, platform %s",
                          u->product, u->channel, u->platform);
    if (u->serial < a->known.serial)
        return gf_err_set(e, GF_E_ROLLBACK, "it has serial %lld, and %lld was seen there",
                          (long long)u->serial, (long long)a->known.serial);
    if (u->serial == a->known.serial &&
        !update_same(a->known.text.data, a->known.text.len, a->fresh.text.data, a->fresh.text.len))
        return gf_err_set(e, GF_E_CONFLICT,
                          "there is another one with the same serial %lld and other content; ask "
                          "the vendor whether its key was stolen",
                          (long long)u->serial);
    return 0;
}

/* The answer that travels back. */
static int answer(struct endpoint_result *r, int64_t status, const struct gf_buf *text,
                  struct gf_err *e) {
    https_answer_free(&r->answer);
    r->answer = (struct https_answer){.stage = HTTPS_OK, .status = (long)status};
    gf_buf_init(&r->answer.headers, 256);
    gf_buf_init(&r->answer.body, UPDATE_FILE_MAX);
    if (text != NULL) {
        gf_buf_text(&r->answer.headers, "content-type: application/json\n");
        gf_buf_add(&r->answer.body, text->data, text->len);
    }
    r->status = status;
    r->verdict = ENDPOINT_DELIVERED;
    r->guarantee = GF_GUARANTEE_ONCE; /* reading has no effect that could double */
    return gf_buf_check(&r->answer.body, "an answer", e);
}

/* Where nothing can be used: told at each turn until the vendor has mended it. */
static int later(struct asking *a, struct endpoint_result *r, const char *why) {
    (void)snprintf(r->reason, sizeof r->reason, "%.150s/%.150s/%.150s.json: %s", a->place.product,
                   a->place.channel, a->place.platform, why);
    r->verdict = ENDPOINT_LATER;
    r->guarantee = GF_GUARANTEE_NONE;
    return 0;
}

/* The agent gets the manifest; or it has that version. */
static int give(struct endpoint_job *j, struct endpoint_result *r, const struct update *u,
                const struct gf_buf *text, struct gf_err *e) {
    struct asking *a = j->own;

    /* A node asks by way of its manager, which may have been given it for another one. */
    int given = ledger_was_given(j->endpoint->relay->ledger, &j->record->origin, a->known.row, e);
    if (given == -1)
        return -1;
    if (!given && strcmp(u->version, a->check.version) == 0)
        return answer(r, 204, NULL, e);
    /* Nothing is taken from a manifest that has ended, though the agent is to see it. */
    a->assign = u->expires > j->now;
    return answer(r, 200, text, e);
}

/* What the manifest names goes to the agent that gets it. */
static int note(struct endpoint_job *j, struct gf_err *e) {
    const struct endpoint_repository *own = j->endpoint->own;
    const struct asking *a = j->own;

    if (!a->assign)
        return 0;
    struct ledger *l = j->endpoint->relay->ledger;
    if (ledger_given(l, &j->record->origin, a->known.row, j->now, e) == -1)
        return -1;
    return ledger_give(l, &j->row->agent, a->known.row, &own->sizes, j->now, e);
}

static int give_known(struct endpoint_job *j, struct endpoint_result *r, struct gf_err *e) {
    struct asking *a = j->own;
    struct gf_err why;
    struct update u;

    if (endpoint_repository_verify(j->endpoint, &a->known.text, &u, &why) == -1)
        return later(a, r, why.text);
    int rc = give(j, r, &u, &a->known.text, e);
    update_free(&u);
    return rc;
}

/* ---- one check ---- */

/* What is known of the place for this platform. */
static int go_to(struct endpoint_job *j, const char *platform, struct gf_err *e) {
    const struct endpoint_repository *own = j->endpoint->own;
    struct ledger *l = j->endpoint->relay->ledger;
    struct asking *a = j->own;

    ledger_source_free(&a->known);
    ledger_source_free(&a->fresh);
    gf_buf_init(&a->fresh.text, UPDATE_FILE_MAX);
    a->fresh.etag[0] = a->fresh.modified[0] = '\0';
    a->is_signature = 0;
    a->place.platform = platform;
    if (ledger_source(l, &a->place, &a->known, e) == -1)
        return -1;
    a->is_fresh =
        a->known.row > 0 && a->known.asked <= j->now && j->now - a->known.asked < own->refresh;
    /* Where nothing was ever found the address may be wrong, and mended meanwhile. */
    int proven = a->is_fresh && a->known.absent ? ledger_source_proven(l, j->endpoint->name, e) : 1;
    a->is_fresh = a->is_fresh && proven == 1;
    return proven == -1 ? -1 : 0;
}

static int begin(struct endpoint_job *j, struct gf_err *e) {
    struct asking *a = calloc(1, sizeof *a);

    if (a == NULL)
        return gf_err_set(e, GF_E_SYSTEM, "no memory for an update check");
    j->own = a;
    if (check_read(j->record, &a->check, &a->bad) == -1)
        return 0;
    a->bad.code = GF_OK;
    if (a->check.channel[0] == '\0')
        (void)snprintf(a->check.channel, sizeof a->check.channel, "%s",
                       endpoint_value(j->endpoint->relay->config, j->endpoint->name, "release"));
    a->place = (struct ledger_place){
        .endpoint = j->endpoint->name, .product = a->check.product, .channel = a->check.channel};
    return go_to(j, a->check.platform, e);
}

/* Only a newer one, where one is known. */
static void ask_for_news(struct asking *a, struct endpoint_request *q) {
    if (a->known.serial == 0 || a->known.absent)
        return;
    if (a->known.etag[0] != '\0') {
        (void)snprintf(a->match, sizeof a->match, "If-None-Match: %s", a->known.etag);
        endpoint_header(q, a->match);
    } else if (a->known.modified[0] != '\0') {
        (void)snprintf(a->since, sizeof a->since, "If-Modified-Since: %s", a->known.modified);
        endpoint_header(q, a->since);
    }
}

static int next(struct endpoint_job *j, struct endpoint_request *q, struct gf_err *e) {
    if (j->own == NULL && begin(j, e) == -1)
        return -1;
    struct asking *a = j->own;
    q->local = a->bad.code != GF_OK || a->is_fresh;
    if (q->local)
        return 0;
    if (check_url(j->endpoint->http.url, a->place.product, a->place.channel, a->place.platform,
                  a->is_signature, a->url, e) == -1)
        return -1;
    q->http.url = a->url;
    q->http.answer_max = a->is_signature ? SIGNATURE_MAX : MANIFEST_MAX;
    endpoint_headers_own(q, j->endpoint);
    if (!a->is_signature)
        ask_for_news(a, q);
    return 0;
}

/* The vendor has none for this platform: what fits every one will do. */
static int go_on(struct endpoint_job *j, struct endpoint_result *r, struct gf_err *e) {
    struct asking *a = j->own;

    if (strcmp(a->place.platform, UPDATE_ANY) != 0) {
        r->verdict = ENDPOINT_MORE;
        return go_to(j, UPDATE_ANY, e);
    }
    int proven = ledger_source_proven(j->endpoint->relay->ledger, j->endpoint->name, e);
    if (proven == -1)
        return -1;
    (void)snprintf(r->reason, sizeof r->reason, "%.200s has no manifest of %s for %s, channel %s%s",
                   j->endpoint->http.url, a->check.product, a->check.platform, a->check.channel,
                   proven ? "" : ", nor was any other ever found there: is url right?");
    r->verdict = proven ? ENDPOINT_REJECTED : ENDPOINT_HELD;
    r->guarantee = GF_GUARANTEE_NONE;
    return 0;
}

static int judge_local(struct endpoint_job *j, struct endpoint_result *r, struct gf_err *e) {
    struct asking *a = j->own;

    if (a->bad.code == GF_E_NOT_FOR_US)
        (void)snprintf(r->reason, sizeof r->reason,
                       "%.200s: profile updates takes checks only; add an endpoint of this channel "
                       "with type = and another profile",
                       a->bad.text);
    else
        (void)snprintf(r->reason, sizeof r->reason, "%s", a->bad.text);
    r->guarantee = GF_GUARANTEE_NONE;
    r->verdict = a->bad.code == GF_E_NOT_FOR_US ? ENDPOINT_HELD : ENDPOINT_REJECTED;
    r->alone = a->bad.code != GF_OK;
    if (a->bad.code != GF_OK)
        return 0;
    return a->known.absent ? go_on(j, r, e) : give_known(j, r, e);
}

static int judge_manifest(struct endpoint_job *j, struct endpoint_result *r, struct gf_err *e) {
    struct ledger *l = j->endpoint->relay->ledger;
    struct asking *a = j->own;
    long status = r->answer.status;

    if (status == 304 && a->known.serial > 0)
        return ledger_source_asked(l, &a->place, 0, j->now, e) == -1 ? -1 : give_known(j, r, e);
    if (status == 404 || status == 410)
        return ledger_source_asked(l, &a->place, 1, j->now, e) == -1 ? -1 : go_on(j, r, e);
    if (status != 200)
        return later(a, r, "an answer of another status than 200");
    gf_buf_add(&a->fresh.text, r->answer.body.data != NULL ? r->answer.body.data : "",
               r->answer.body.len);
    endpoint_repository_validator(&r->answer, "etag", a->fresh.etag);
    endpoint_repository_validator(&r->answer, "last-modified", a->fresh.modified);
    a->is_signature = 1;
    r->verdict = ENDPOINT_MORE;
    return 0;
}

static int judge_signature(struct endpoint_job *j, struct endpoint_result *r, struct gf_err *e) {
    struct asking *a = j->own;
    struct gf_err why;
    struct update u = {0};

    if (r->answer.status != 200)
        return later(a, r, "its signature, of the same name and .minisig, is not there");
    gf_buf_add(&a->fresh.text, r->answer.body.data != NULL ? r->answer.body.data : "",
               r->answer.body.len);
    if (gf_buf_check(&a->fresh.text, "a manifest", e) == -1)
        return -1;
    if (endpoint_repository_verify(j->endpoint, &a->fresh.text, &u, &why) == -1)
        return later(a, r, why.text);
    struct ledger *l = j->endpoint->relay->ledger;
    int rc = fits(a, &u, &why);
    if (rc == 0)
        rc = ledger_source_put(l, &a->place, &u, &a->fresh, j->now, &why);
    if (rc == -1 && why.code != GF_E_UPDATE && why.code != GF_E_ROLLBACK &&
        why.code != GF_E_CONFLICT) {
        *e = why;
    } else if (rc == -1) {
        rc = later(a, r, why.text);
    } else {
        endpoint_repository_tell(j->endpoint, &u);
        ledger_source_free(&a->known);
        rc = ledger_source(l, &a->place, &a->known, e) == -1 ? -1
                                                             : give(j, r, &u, &a->fresh.text, e);
    }
    update_free(&u);
    return rc;
}

static int judge(struct endpoint_job *j, struct endpoint_result *r, struct gf_err *e) {
    struct asking *a = j->own;

    if (a->bad.code != GF_OK || a->is_fresh)
        return judge_local(j, r, e);
    if (r->answer.cut && r->status / 100 == 2)
        return later(a, r, "it is longer than any manifest may be");
    /* What profile http holds is to be mended by the operator here, too, but for what is not there.
     */
    if (endpoint_http_judge(j, r, e) == -1)
        return -1;
    if ((r->answer.stage != HTTPS_OK && !r->answer.cut) ||
        (r->verdict == ENDPOINT_HELD && r->status != 404 && r->status != 304) || r->status >= 500 ||
        r->status == 429)
        return 0;
    return a->is_signature ? judge_signature(j, r, e) : judge_manifest(j, r, e);
}

static void end(struct endpoint_job *j) {
    struct asking *a = j->own;

    if (a != NULL) {
        ledger_source_free(&a->known);
        ledger_source_free(&a->fresh);
    }
    free(a);
    j->own = NULL;
}

static const char *const keys[] = {
    ENDPOINT_KEYS_COMMON, ENDPOINT_KEYS_HTTP, "vendor", "release", "refresh", "artifact_max", NULL};

const struct endpoint_profile endpoint_updates = {.name = "updates",
                                                  .keys = keys,
                                                  .natural = 1,
                                                  .asks = 1,
                                                  .check = endpoint_repository_check,
                                                  .open = endpoint_repository_open,
                                                  .close = endpoint_repository_close,
                                                  .next = next,
                                                  .judge = judge,
                                                  .note = note,
                                                  .end = end};
