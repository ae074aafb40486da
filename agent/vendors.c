/*
 * vendors.c -- the keys of vendors, from the store and from the configuration, and the search of
 * the one that has signed.
 */
#include "agent/vendors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/command.h"
#include "common/vendor_keys.h"

const enum store_duty vendors_bits[VENDOR_DUTIES] = {STORE_DUTY_LICENSE, STORE_DUTY_UPDATE,
                                                     STORE_DUTY_CARD};

void vendors_words(int duties, char out[VENDORS_WORDS]) {
    size_t len = 0;

    out[0] = '\0';
    for (size_t i = 0; i < VENDOR_DUTIES; i++) {
        if (duties & (int)vendors_bits[i])
            len += (size_t)snprintf(out + len, VENDORS_WORDS - len, "%s%s", len ? ", " : "",
                                    vendor_keys_duties[i]);
    }
    if (duties & STORE_DUTY_KEYGEN)
        (void)snprintf(out + len, VENDORS_WORDS - len, "%slicense in Keygen's form",
                       len ? ", " : "");
}

/* ---- all of them ---- */

static struct vendor of_store(const struct store_vendor *s) {
    struct vendor v = {.key = s->key, .duties = s->duties, .since = s->since};

    memcpy(v.name, s->name, sizeof v.name);
    return v;
}

static struct vendor of_config(const struct vendor_key *k) {
    struct vendor v = {
        .key = k->key, .duties = (int)vendors_bits[k->duty], .path = k->path, .where = k->origin};

    (void)snprintf(v.name, sizeof v.name, "%s", k->vendor);
    if (!k->usable)
        memcpy(v.why, k->why.text, sizeof v.why);
    return v;
}

int vendors_all(struct agent *a, struct vendor **out, size_t *n, struct gf_err *e) {
    struct store_vendor *pinned = NULL;
    struct vendor_key *keys = NULL;
    size_t npinned = 0, nkeys = 0;
    int rc = -1;

    if (store_vendors(a->store, &pinned, &npinned, e) == -1)
        return -1;
    if (vendor_keys_load(a->config, VENDOR_KEYS_ALL, &keys, &nkeys, e) == 0) {
        struct vendor *list = calloc(npinned + nkeys + 1, sizeof *list);
        if (!list)
            (void)gf_err_errno(e, "no memory for %zu vendors", npinned + nkeys);
        for (size_t i = 0; list && i < npinned; i++)
            list[i] = of_store(&pinned[i]);
        for (size_t i = 0; list && i < nkeys; i++)
            list[npinned + i] = of_config(&keys[i]);
        if (list) {
            *out = list;
            *n = npinned + nkeys;
            rc = 0;
        }
    }
    free(pinned);
    free(keys);
    return rc;
}

int vendors_any(struct agent *a, int duties, struct gf_err *e) {
    struct vendor *list = NULL;
    size_t n = 0;
    int found = 0;

    if (vendors_all(a, &list, &n, e) == -1)
        return -1;
    for (size_t i = 0; i < n; i++)
        found = found || (!list[i].why[0] && (list[i].duties & duties));
    free(list);
    return found;
}

/* ---- who has signed ---- */

/* The words for what a vendor signs. */
static const struct duty_words {
    enum store_duty duty;
    const char *one, *many, *option;
} words[] = {
    {STORE_DUTY_LICENSE, "licence", "licences", "license"},
    {STORE_DUTY_UPDATE, "manifest", "updates", "update"},
};

static const struct duty_words *words_of(enum store_duty duty) {
    return &words[duty == words[0].duty ? 0 : 1];
}

int vendors_each(const struct vendor *list, size_t n, enum store_duty duty, vendors_try *fn,
                 void *arg, size_t *tried, struct gf_err *e) {
    int rc = -1;

    *tried = 0;
    *e = (struct gf_err){.code = GF_E_SIGNATURE};
    for (size_t i = 0; i < n && rc == -1 && e->code == GF_E_SIGNATURE; i++) {
        if ((list[i].duties & (int)duty) && !list[i].why[0]) {
            ++*tried;
            rc = fn(arg, &list[i].key, e);
        }
    }
    return rc;
}

/* Nobody whose key can be read has signed; somebody whose key cannot may have. */
static int fail_unreadable(const struct vendor *list, size_t n, enum store_duty duty,
                           struct gf_err *e) {
    for (size_t i = 0; i < n; i++) {
        if ((list[i].duties & (int)duty) && list[i].why[0])
            return gf_err_set(e, GF_E_CONFIG, "%s", list[i].why);
    }
    return 0;
}

int vendors_find(struct agent *a, enum store_duty duty, vendors_try *fn, void *arg,
                 struct gf_err *e) {
    const struct duty_words *w = words_of(duty);
    struct vendor *list = NULL;
    char self[COMMAND_SELF];
    size_t n = 0, tried = 0;

    if (vendors_all(a, &list, &n, e) == -1)
        return -1;
    int rc = vendors_each(list, n, duty, fn, arg, &tried, e);
    int unsigned_by_all = rc == -1 && e->code == GF_E_SIGNATURE;
    if (unsigned_by_all && fail_unreadable(list, n, duty, e) == -1)
        unsigned_by_all = 0;
    free(list);
    if (unsigned_by_all && tried == 0)
        return gf_err_set(e, GF_E_SENDER,
                          "no vendor is trusted with %s yet: %s trust VENDOR.pub --duty %s",
                          w->many, command_self(a, self), w->option);
    if (unsigned_by_all && tried > 1)
        return gf_err_set(e, GF_E_SIGNATURE,
                          "%s: signed by none of the %zu vendor keys that are trusted with %s: it "
                          "was changed, or it is somebody else's",
                          w->one, tried, w->many);
    return rc;
}

void vendors_warn(const struct agent *a, enum store_duty duty) {
    const struct duty_words *w = words_of(duty);
    char self[COMMAND_SELF];

    (void)fflush(stdout);
    (void)fprintf(stderr,
                  COMMAND_PROGRAM ": no vendor is trusted with %s yet; before the answer comes: %s "
                                  "trust VENDOR.pub --duty %s\n",
                  w->many, command_self(a, self), w->option);
}
