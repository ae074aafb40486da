/*
 * cmd_updates_status.c -- what `status` says of updates.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/cmd_updates.h"

#define LINES_MAX 5 /* of text; --json has all */

struct telling {
    struct out *t;
    int64_t lines;
    int64_t problems;
};

/* The newest report of a version. */
struct result {
    const char *version;
    int known, installed;
};

static int find_result(void *arg, const struct store_installation *i, struct gf_err *e) {
    struct result *r = arg;

    (void)e;
    if (strcmp(i->version, r->version) != 0)
        return 0;
    r->known = 1;
    r->installed = i->installed;
    return 1;
}

/* How it stands, the gravest first, in a few words. */
static const char *words_of(const struct updates_known *k, const struct result *r, char words[96]) {
    const size_t missing = updates_missing(k);

    if (!k->valid)
        return "its vendor is not trusted any more";
    if (k->ended)
        return "its manifest has ended: ask again (updates check)";
    if (k->stale)
        return "the newest for too long: is somebody holding newer ones back?";
    if (r->known)
        return r->installed ? "installed" : "its installation failed";
    if (missing == 0)
        return "here, to be installed (updates fetch)";
    (void)snprintf(words, 96, "%zu of %zu artifacts are still to come", missing,
                   k->update.nartifacts);
    return words;
}

static int tell(struct agent *a, struct telling *x, const struct updates_known *k,
                struct gf_err *e) {
    struct result r = {.version = k->valid ? k->update.version : ""};
    char words[96];

    if (store_update_reports(a->store, k->product, find_result, &r, e) == -1)
        return -1;
    const char *state = words_of(k, &r, words);
    out_open(x->t, NULL, '{');
    out_str(x->t, "product", k->product);
    out_str(x->t, "channel", k->channel);
    out_str(x->t, "platform", k->platform);
    out_int(x->t, "serial", k->serial);
    out_str(x->t, "version", k->valid ? k->update.version : NULL);
    out_int(x->t, "missing", k->valid ? (int64_t)updates_missing(k) : 0);
    out_bool(x->t, "ended", k->ended);
    out_bool(x->t, "stale", k->stale);
    out_str(x->t, "state", state);
    out_close(x->t, '}');
    if (x->lines++ < LINES_MAX)
        out_text(x->t, "update     %s %s: %s\n", k->product, r.version, state);
    return 0;
}

static int count_problem(void *arg, const struct store_problem *p, struct gf_err *e) {
    struct telling *x = arg;

    (void)e;
    if (x->problems++ == 0) {
        out_text(x->t, "update     PROBLEM with %s: ", p->product);
        out_safe(x->t, p->why);
        out_text(x->t, "\n");
    }
    return 0;
}

int cmd_updates_status(struct agent *a, struct out *t, struct gf_err *e) {
    struct telling x = {.t = t};
    struct updates_known *known = NULL;
    size_t n = 0;
    int rc = 0;

    if (updates_known(a, &known, &n, e) == -1)
        return -1;
    out_open(t, "updates", '[');
    for (size_t i = 0; i < n && rc == 0; i++) {
        if (known[i].newest)
            rc = tell(a, &x, &known[i], e);
    }
    out_close(t, ']');
    updates_known_free(known, n);
    if (rc == 0 && x.lines > LINES_MAX)
        out_text(t, "           and %lld more (updates list)\n", (long long)(x.lines - LINES_MAX));
    if (rc == 0)
        rc = store_update_problems(a->store, count_problem, &x, e);
    out_int(t, "update_problems", x.problems);
    if (x.problems > 1)
        out_text(t, "           and %lld more (updates list)\n", (long long)(x.problems - 1));
    return rc;
}
