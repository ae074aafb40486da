/*
 * cmd_license_show.c -- one licence, as members of a JSON object and as lines for people.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/cmd_license.h"

/* ---- lists in a licence: names, or name=number, one a line ---- */

static void put_names(struct out *t, const char *name, const char *lines) {
    char item[KEYGEN_TEXT_MAX + 1];

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

/* ---- what Keygen's files say beside ---- */

static void put_keygen(struct out *t, const struct installed *i) {
    const struct keygen *k = &i->document.keygen;
    char name[sizeof k->metadata];

    out_open(t, "keygen", '{');
    out_str(t, "file", k->machine ? "machine" : "license");
    out_str(t, "product_id", i->document.scope);
    out_str(t, "product_name", k->product_name[0] ? k->product_name : NULL);
    out_str(t, "name", k->name[0] ? k->name : NULL);
    out_str(t, "status", k->status[0] ? k->status : NULL);
    out_str(t, "machine", k->machine ? k->machine_id : NULL);
    out_str(t, "fingerprint", k->machine ? k->fingerprint : NULL);
    out_time(t, "file_expires", k->file_ends, k->file_end);
    out_time(t, "licence_expires", k->licence_ends, k->licence_end);
    out_open(t, "metadata", '{');
    for (const char *at = k->metadata; *at;) {
        size_t n = strcspn(at, "="), line = strcspn(at, "\n");
        (void)snprintf(name, sizeof name, "%.*s", (int)line, at);
        name[n] = '\0';
        out_str(t, name, name + n + 1);
        at += line + (at[line] == '\n');
    }
    out_close(t, '}');
    out_close(t, '}');
}

static void show_end(struct out *t, const char *label, int has, int64_t at) {
    char end[GF_TIME_TEXT];

    gf_text_time(at, end);
    out_text(t, "  %-12s%s\n", label, has ? end : "no end");
}

static void show_keygen(struct out *t, const struct installed *i) {
    const struct keygen *k = &i->document.keygen;

    out_text(t, "  %-12s", "form");
    out_text(t, "Keygen %s file, ", k->machine ? "machine" : "licence");
    out_safe(t, k->product_name[0] ? k->product_name : i->document.scope);
    out_text(t, "\n");
    show_end(t, "file", k->file_ends, k->file_end);
    show_end(t, "licence end", k->licence_ends, k->licence_end);
    if (k->machine) {
        out_text(t, "  %-12s", "fingerprint");
        out_safe(t, k->fingerprint);
        out_text(t, "%s%s\n", i->document.secret.factor[0] ? ", the digest of factor " : "",
                 i->document.secret.factor);
    }
    show_list(t, "metadata", k->metadata);
}

/* ---- one licence ---- */

void cmd_license_put(struct out *t, const struct installed *i) {
    const struct license *l = &i->document.license;
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
    out_str(t, "form", i->document.is_keygen ? "keygen" : "gapferry");
    if (i->document.is_keygen)
        put_keygen(t, i);
}

void cmd_license_show(struct out *t, const struct installed *i) {
    const struct license *l = &i->document.license;
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
    if (i->document.is_keygen)
        show_keygen(t, i);
}
