/*
 * cmd_updates_list.c -- `updates list`: what this agent knows of updates.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/cmd_updates.h"

/* A line below a manifest; the longest word is "installed". */
#define ROW "  %-9s  "

struct listing {
    struct agent *a;
    struct out t;
    const char *product; /* only this one; NULL: all */
    int64_t shown;
};

/* ---- one manifest ---- */

/* The newest report of a version: "" if there is none. */
struct outcome {
    const char *version;
    char result[16];
    int64_t at;
};

static int find_outcome(void *arg, const struct store_installation *i, struct gf_err *e) {
    struct outcome *out = arg;

    (void)e;
    if (strcmp(i->version, out->version) != 0)
        return 0;
    (void)snprintf(out->result, sizeof out->result, "%s", i->installed ? "installed" : "failed");
    out->at = i->at;
    return 1;
}

/* How many parts of a missing artifact are here, of how many; 0 of 0: none. */
static int count_parts(struct agent *a, const struct update_artifact *artifact, size_t *n,
                       int64_t *of, struct gf_err *e) {
    struct store_part *parts = NULL;

    if (store_parts(a->store, &artifact->blake2b, &parts, n, e) == -1)
        return -1;
    *of = *n ? parts[0].count : 0;
    free(parts);
    return 0;
}

static int show_artifact(struct listing *l, const struct updates_known *k, size_t i,
                         struct gf_err *e) {
    const struct update_artifact *a = &k->update.artifacts[i];
    char hex[GF_HASH_TEXT];
    int64_t of = 0;
    size_t n = 0;

    if (!k->here[i] && count_parts(l->a, a, &n, &of, e) == -1)
        return -1;
    out_open(&l->t, NULL, '{');
    out_str(&l->t, "name", a->name);
    out_int(&l->t, "size", a->size);
    gf_text_hex(a->sha256.b, sizeof a->sha256.b, hex);
    out_str(&l->t, "sha256", hex);
    out_bool(&l->t, "here", k->here[i]);
    out_int(&l->t, "parts", (int64_t)n);
    out_int(&l->t, "parts_of", of);
    out_close(&l->t, '}');
    out_text(&l->t, ROW "%s, %lld bytes", k->here[i] ? "here" : "missing", a->name,
             (long long)a->size);
    if (n > 0)
        out_text(&l->t, ", %zu of %lld parts", n, (long long)of);
    out_text(&l->t, "\n");
    return 0;
}

static void show_state(struct listing *l, const struct updates_known *k) {
    char since[GF_TIME_TEXT], until[GF_TIME_TEXT];

    gf_text_time(k->update.expires, until);
    gf_text_time(k->since, since);
    if (k->ended)
        out_text(&l->t, ROW "on %s: ask again (updates check); what it names may be outdated\n",
                 "ended", until);
    if (k->stale)
        out_text(&l->t, ROW "it is the newest since %s: is somebody holding newer ones back?\n",
                 "stale", since);
}

static int show_valid(struct listing *l, const struct updates_known *k, struct gf_err *e) {
    struct outcome outcome = {.version = k->update.version};
    char at[GF_TIME_TEXT];

    if (store_update_reports(l->a->store, k->product, find_outcome, &outcome, e) == -1)
        return -1;
    out_str(&l->t, "version", k->update.version);
    out_time(&l->t, "issued", 1, k->update.issued);
    out_time(&l->t, "expires", 1, k->update.expires);
    out_bool(&l->t, "ended", k->ended);
    out_bool(&l->t, "stale", k->stale);
    out_int(&l->t, "missing", (int64_t)updates_missing(k));
    out_str(&l->t, "result", outcome.result[0] ? outcome.result : NULL);
    out_time(&l->t, "result_at", outcome.result[0] != '\0', outcome.at);
    gf_text_time(k->update.expires, at);
    out_text(&l->t, "%s %s (serial %lld, %s, %s), until %s\n", k->product, k->update.version,
             (long long)k->serial, k->channel, k->platform, at);
    show_state(l, k);
    if (outcome.result[0]) {
        gf_text_time(outcome.at, at);
        out_text(&l->t, ROW "reported on %s\n", outcome.result, at);
    }
    out_open(&l->t, "artifacts", '[');
    for (size_t i = 0; i < k->update.nartifacts; i++) {
        if (show_artifact(l, k, i, e) == -1)
            return -1;
    }
    out_close(&l->t, ']');
    return 0;
}

static int show(struct listing *l, const struct updates_known *k, struct gf_err *e) {
    int rc = 0;

    l->shown++;
    out_open(&l->t, NULL, '{');
    out_str(&l->t, "product", k->product);
    out_str(&l->t, "channel", k->channel);
    out_str(&l->t, "platform", k->platform);
    out_int(&l->t, "serial", k->serial);
    out_bool(&l->t, "newest", k->newest);
    out_time(&l->t, "since", 1, k->since);
    out_time(&l->t, "confirmed", 1, k->confirmed);
    out_bool(&l->t, "valid", k->valid);
    out_str(&l->t, "why", k->valid ? NULL : k->why);
    if (k->valid) {
        rc = show_valid(l, k, e);
    } else {
        out_text(&l->t, "%s, serial %lld (%s, %s)\n" ROW, k->product, (long long)k->serial,
                 k->channel, k->platform, "INVALID");
        out_safe(&l->t, k->why);
        out_text(&l->t, "\n");
    }
    out_close(&l->t, '}');
    return rc;
}

/* ---- what went wrong, what is asked ---- */

static int show_problem(void *arg, const struct store_problem *p, struct gf_err *e) {
    struct listing *l = arg;
    char first[GF_TIME_TEXT], last[GF_TIME_TEXT];

    (void)e;
    if (l->product && strcmp(p->product, l->product) != 0)
        return 0;
    gf_text_time(p->first, first);
    gf_text_time(p->last, last);
    out_open(&l->t, NULL, '{');
    out_str(&l->t, "product", p->product);
    out_str(&l->t, "subject", p->subject);
    out_str(&l->t, "code", p->code);
    out_str(&l->t, "why", p->why);
    out_time(&l->t, "first", 1, p->first);
    out_time(&l->t, "last", 1, p->last);
    out_int(&l->t, "times", p->times);
    out_close(&l->t, '}');
    out_text(&l->t, "PROBLEM with %s since %s", p->product, first);
    if (p->times > 1)
        out_text(&l->t, ", last on %s (%lld times)", last, (long long)p->times);
    out_text(&l->t, ": ");
    out_safe(&l->t, p->why);
    out_text(&l->t, "\n");
    return 0;
}

/* Checks that still wait, or whose answer cannot be used. */
static int show_request(void *arg, const struct store_record *r, struct gf_err *e) {
    struct listing *l = arg;
    char id[GF_UUID_TEXT], since[GF_TIME_TEXT];

    (void)e;
    if (!r->wants_answer || (l->product && (!r->product || strcmp(r->product, l->product) != 0)))
        return 0;
    gf_text_uuid(&r->id, id);
    gf_text_time(r->state_since, since);
    out_open(&l->t, NULL, '{');
    out_str(&l->t, "record", id);
    out_str(&l->t, "product", r->product);
    out_str(&l->t, "state", store_states[r->state]);
    out_time(&l->t, "since", 1, r->state_since);
    out_bool(&l->t, "answered", r->answered);
    out_str(&l->t, "reason", r->reason);
    out_close(&l->t, '}');
    if (!l->t.json && !r->answered && !r->reason)
        out_text(&l->t, "check %s for %s: %s since %s\n", id, r->product ? r->product : "?",
                 store_states[r->state], since);
    out_flush(&l->t);
    return 0;
}

static int list(struct listing *l, const struct updates_known *known, size_t n, int all,
                struct gf_err *e) {
    char self[COMMAND_SELF];
    int rc = 0;

    out_open(&l->t, "updates", '[');
    for (size_t i = 0; i < n && rc == 0; i++) {
        if ((all || known[i].newest) && (!l->product || strcmp(known[i].product, l->product) == 0))
            rc = show(l, &known[i], e);
    }
    out_close(&l->t, ']');
    if (l->shown == 0)
        out_text(&l->t, "no update is known%s%s; ask for one: %s updates check --product %s\n",
                 l->product ? " of " : "", l->product ? l->product : "", command_self(l->a, self),
                 l->product ? l->product : "PRODUCT");
    out_open(&l->t, "problems", '[');
    if (rc == 0)
        rc = store_update_problems(l->a->store, show_problem, l, e);
    out_close(&l->t, ']');
    out_open(&l->t, "checks", '[');
    if (rc == 0)
        rc = store_walk(l->a->store, -1, UPDATES_CHANNEL, show_request, l, e);
    out_close(&l->t, ']');
    return rc;
}

int cmd_updates_list(struct agent *a, const struct options *o, struct gf_err *e) {
    struct listing l = {.a = a, .product = options_value(o, "product")};
    struct updates_known *known = NULL;
    size_t n = 0;

    if (updates_known(a, &known, &n, e) == -1)
        return -1;
    out_begin(&l.t, o);
    int rc = list(&l, known, n, options_count(o, "all") > 0, e);
    updates_known_free(known, n);
    if (rc == 0)
        rc = out_end(&l.t, e);
    out_free(&l.t);
    return rc;
}
