/*
 * cmd_license_facts.c -- `license status` and `license check`: what holds, and what the vendor
 * wants of it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/cmd_license.h"
#include "agent/license/installed.h"

/* ---- lists in a licence: names, or name=number, one a line ---- */

static void put_names(struct out *t, const char *name, const char *lines) {
    char item[GF_WORD_MAX + 1];

    out_open(t, name, '[');
    for (const char *at = lines; *at;) {
        size_t n = strcspn(at, "\n");
        (void)snprintf(item, sizeof item, "%.*s", (int)n, at);
        out_str(t, NULL, item);
        at += n + (at[n] == '\n');
    }
    out_close(t, ']');
}

static void put_counts(struct out *t, const char *name, const char *lines) {
    char item[GF_JSON_NAME_MAX + 1];

    out_open(t, name, '{');
    for (const char *at = lines; *at;) {
        size_t n = strcspn(at, "="), line = strcspn(at, "\n");
        (void)snprintf(item, sizeof item, "%.*s", (int)n, at);
        out_int(t, item, strtoll(at + n + 1, NULL, 10));
        at += line + (at[line] == '\n');
    }
    out_close(t, '}');
}

/* The same for people, in one line. */
static void show_list(struct out *t, const char *label, const char *lines) {
    if (t->json || !*lines)
        return;
    out_text(t, "  %-12s", label);
    for (const char *at = lines; *at;) {
        size_t n = strcspn(at, "\n");
        gf_text_safe(&t->b, at, n);
        at += n + (at[n] == '\n');
        out_text(t, *at ? ", " : "\n");
    }
}

/* ---- one licence ---- */

static void put_license(struct out *t, const struct installed *i) {
    const struct license *l = &i->license;
    const struct license_verdict *v = &i->verdict;

    out_str(t, "product", i->product);
    out_time(t, "installed", 1, i->since);
    out_str(t, "fact", i->valid ? license_facts[v->fact] : "invalid");
    out_bool(t, "may_run", i->valid && v->may_run);
    out_str(t, "reason", i->valid ? NULL : i->why);
    if (!i->valid)
        return;
    out_str(t, "id", l->id);
    out_str(t, "licensee", l->licensee);
    out_time(t, "issued", 1, l->issued);
    out_time(t, "expires", l->has_expires, l->expires);
    out_int(t, "days", v->days);
    out_int(t, "factors_needed", l->k);
    out_int(t, "factors_matching", v->matching);
    out_int(t, "warn_days", l->warn_days);
    out_int(t, "grace_days", l->grace_days);
    out_str(t, "then", l->then == LICENSE_BLOCK ? "block" : "warn");
    put_names(t, "features", l->features);
    put_counts(t, "counts", l->counts);
}

static void show_license(struct out *t, const struct installed *i) {
    const struct license *l = &i->license;
    char words[INSTALLED_WORDS];

    installed_words(i, words);
    out_text(t, "%s: %s\n", i->product, words);
    if (!i->valid) {
        out_text(t, "  reason      %s\n", i->why);
        return;
    }
    out_text(t, "  licence     ");
    out_safe(t, l->id);
    if (l->licensee[0]) {
        out_text(t, ", for ");
        out_safe(t, l->licensee);
    }
    out_text(t, "\n");
    if (l->k > 0)
        out_text(t, "  machine     %lld of its %zu factors match, %lld must\n",
                 (long long)i->verdict.matching, l->nfactors, (long long)l->k);
    else
        out_text(t, "  machine     any\n");
    out_text(t, "  policy      %lld days of grace, then %s\n", (long long)l->grace_days,
             l->then == LICENSE_BLOCK ? "block" : "warn");
    show_list(t, "features", l->features);
    show_list(t, "counts", l->counts);
}

/* ---- requests ---- */

static int show_request(void *arg, const struct store_record *r, struct gf_err *e) {
    struct out *t = arg;
    char id[GF_UUID_TEXT], since[GF_TIME_TEXT];

    (void)e;
    gf_text_uuid(&r->id, id);
    gf_text_time(r->state_since, since);
    out_open(t, NULL, '{');
    out_str(t, "record", id);
    out_str(t, "product", r->product);
    out_str(t, "state", store_states[r->state]);
    out_time(t, "since", 1, r->state_since);
    out_bool(t, "answered", r->answered);
    out_str(t, "reason", r->reason);
    out_close(t, '}');
    if (!t->json && (!r->answered || r->reason)) {
        out_text(t, "request %s for %s: %s since %s\n", id, r->product ? r->product : "?",
                 store_states[r->state], since);
        if (r->reason) {
            out_text(t, "  reason      ");
            out_safe(t, r->reason);
            out_text(t, "\n");
        }
    }
    out_flush(t);
    return 0;
}

int cmd_license_status(struct agent *a, const struct options *o, struct gf_err *e) {
    struct installed *list = NULL;
    struct out t;
    size_t n = 0;

    if (installed_all(a, &list, &n, e) == -1)
        return -1;
    out_begin(&t, o);
    out_open(&t, "licences", '[');
    for (size_t i = 0; i < n; i++) {
        out_open(&t, NULL, '{');
        put_license(&t, &list[i]);
        out_close(&t, '}');
        show_license(&t, &list[i]);
    }
    out_close(&t, ']');
    free(list);
    if (n == 0)
        out_text(&t, "no licence is installed\n");
    out_open(&t, "requests", '[');
    int rc = store_walk(a->store, -1, "license", show_request, &t, e);
    out_close(&t, ']');
    if (rc == 0)
        rc = out_end(&t, e);
    out_free(&t);
    return rc;
}

/* ---- check ---- */

/* How the newest request for a product stands: told where there is no licence. */
struct newest {
    const char *product;
    char state[16];
    char reason[GF_REASON_MAX + 1];
};

static int note_newest(void *arg, const struct store_record *r, struct gf_err *e) {
    struct newest *n = arg;

    (void)e;
    if (n->product && (!r->product || strcmp(r->product, n->product) != 0))
        return 0;
    (void)snprintf(n->state, sizeof n->state, "%s", store_states[r->state]);
    (void)snprintf(n->reason, sizeof n->reason, "%s", r->reason ? r->reason : "");
    return 0;
}

static int check_none(struct agent *a, struct out *t, const char *product, struct gf_err *e) {
    struct newest newest = {.product = product};
    char self[COMMAND_SELF];

    if (store_walk(a->store, -1, "license", note_newest, &newest, e) == -1)
        return -1;
    out_str(t, "product", product);
    out_str(t, "fact", license_facts[LICENSE_NONE]);
    out_bool(t, "may_run", 0);
    out_str(t, "request", newest.state[0] ? newest.state : NULL);
    out_str(t, "reason", newest.reason[0] ? newest.reason : NULL);
    out_text(t, "%s%sno licence is installed; ", product ? product : "", product ? ": " : "");
    if (!newest.state[0]) {
        out_text(t, "ask for one: %s license request --product %s --key KEY\n",
                 command_self(a, self), product ? product : "PRODUCT");
        return 0;
    }
    out_text(t, "its request is %s", newest.state);
    if (newest.reason[0]) {
        out_text(t, ": ");
        out_safe(t, newest.reason);
    }
    out_text(t, "\n");
    return 0;
}

/* The licence that was asked for, NULL if there is none; -1 if it is not clear which. */
static int choose(const struct installed *list, size_t n, const char *product,
                  const struct installed **out, struct gf_err *e) {
    *out = NULL;
    if (!product && n > 1)
        return gf_err_set(e, GF_E_USAGE,
                          "license check: %zu licences are installed; say which one: --product "
                          "PRODUCT",
                          n);
    for (size_t i = 0; i < n; i++) {
        if (!product || strcmp(list[i].product, product) == 0)
            *out = &list[i];
    }
    return 0;
}

int cmd_license_check(struct agent *a, const struct options *o, int *status, struct gf_err *e) {
    const char *product = options_value(o, "product");
    const struct installed *one;
    struct installed *list = NULL;
    char words[INSTALLED_WORDS];
    struct out t;
    size_t n = 0;

    if (installed_all(a, &list, &n, e) == -1)
        return -1;
    out_begin(&t, o);
    int rc = choose(list, n, product, &one, e);
    if (rc == 0 && !one) {
        *status = GF_EXIT_LICENSE_NONE;
        rc = check_none(a, &t, product, e);
    } else if (rc == 0) {
        *status = one->valid ? license_exit(one->verdict.fact) : GF_EXIT_LICENSE_INVALID;
        put_license(&t, one);
        installed_words(one, words);
        out_text(&t, "%s: %s%s%s\n", one->product, words, one->valid ? "" : ": ",
                 one->valid ? "" : one->why);
        if (one->valid && one->verdict.may_run) {
            if (*status != 0)
                out_text(&t, "Its vendor's policy lets the product run.\n");
            if (!options_count(o, "strict"))
                *status = GF_EXIT_DONE;
        }
    }
    if (rc == 0)
        rc = out_end(&t, e);
    out_free(&t);
    free(list);
    return rc;
}
