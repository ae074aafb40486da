/*
 * installed.c -- licences of this agent: may a document become one, and do those installed hold?
 */
#include "agent/license/installed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/command.h"
#include "agent/floor.h"
#include "gapferry/digest.h"

#define SALT_SIZE 16

int installed_machine(struct agent *a, struct installed_machine *out, struct gf_err *e) {
    uint8_t salt[SALT_SIZE];
    struct gf_buf b;

    /* Another salt would make every licence another machine's: it is made once and stays. */
    int found = store_get_fact(a->store, "license-salt", &b, e);
    if (found == 1 && b.len == sizeof salt) {
        memcpy(salt, b.data, sizeof salt);
    } else if (found == 1) {
        found =
            gf_err_set(e, GF_E_DAMAGED, "%s/agent.db: the salt of licences is damaged", a->state);
    } else if (found == 0) {
        gf_digest_random(salt, sizeof salt);
        found = store_put_fact(a->store, "license-salt", salt, sizeof salt, e);
    }
    gf_buf_free(&b);
    int rc = found == -1 ? -1 : license_machine("/", salt, out->factors, &out->n, e);
    gf_digest_wipe(salt, sizeof salt);
    return rc;
}

/* The document by whichever vendor has signed it. What a vendor has signed is final: its errors
 * are those of the licence, not of the search. */
static int read_signed(struct agent *a, const char *text, size_t len, struct license *out,
                       struct gf_err *e) {
    struct store_vendor *vendors = NULL;
    char self[COMMAND_SELF];
    size_t n = 0, tried = 0;
    int rc = -1;

    if (store_vendors(a->store, &vendors, &n, e) == -1)
        return -1;
    e->code = GF_E_SIGNATURE;
    for (size_t i = 0; i < n && rc == -1 && e->code == GF_E_SIGNATURE; i++) {
        if (vendors[i].duties & STORE_DUTY_LICENSE) {
            tried++;
            rc = license_parse(text, len, &vendors[i].key, out, e);
        }
    }
    free(vendors);
    if (tried == 0)
        return gf_err_set(
            e, GF_E_SENDER,
            "no vendor is trusted with licences yet: %s trust VENDOR.pub --duty license",
            command_self(a, self));
    if (rc == -1 && e->code == GF_E_SIGNATURE && tried > 1)
        return gf_err_set(e, GF_E_SIGNATURE,
                          "licence: signed by none of the %zu vendors that are trusted with "
                          "licences: it was changed, or it is somebody else's",
                          tried);
    return rc;
}

int installed_read(struct agent *a, const char *text, size_t len, const char *product,
                   struct license *out, int *elsewhere, struct gf_err *e) {
    struct installed_machine m;
    struct license l;

    *elsewhere = 0;
    if (read_signed(a, text, len, &l, e) == -1)
        return -1;
    if (product && strcmp(l.product, product) != 0)
        return gf_err_set(e, GF_E_LICENSE, "licence %s: is for product %s, and %s was asked for",
                          l.id, l.product, product);
    /* The machine first: another site's licence answers another's request too, and that it is for
     * another machine says more. */
    if (installed_machine(a, &m, e) == -1)
        return -1;
    int64_t matching = license_matching(&l, m.factors, m.n);
    if (matching < l.k) {
        *elsewhere = 1;
        return gf_err_set(
            e, GF_E_LICENSE,
            "licence %s: is for another machine: %lld of its factors match, %lld must", l.id,
            (long long)matching, (long long)l.k);
    }
    if (l.has_nonce) {
        int ours = store_has_nonce(a->store, l.product, &l.nonce, e);
        if (ours != 1)
            return ours == -1 ? -1
                              : gf_err_set(e, GF_E_LICENSE,
                                           "licence %s: answers a request that this agent has not "
                                           "made (its nonce is not ours)",
                                           l.id);
    }
    *out = l;
    return 0;
}

int installed_put(struct agent *a, const struct license *l, const char *text, size_t len,
                  struct gf_err *e) {
    if (store_begin(a->store, e) == -1)
        return -1;
    int rc = store_put_license(a->store, l->product, text, len, a->now, e);
    if (rc == 0)
        rc = floor_raise(a, l->issued, e);
    return store_end(a->store, rc, e);
}

struct collecting {
    struct agent *a;
    struct installed_machine machine;
    struct installed *list;
    size_t n;
};

static int collect(void *arg, const char *product, const char *text, size_t len, int64_t since,
                   struct gf_err *e) {
    struct collecting *c = arg;
    struct gf_err why = {.code = GF_OK};

    struct installed *more = reallocarray(c->list, c->n + 1, sizeof *more);
    if (!more)
        return gf_err_errno(e, "no memory for the licences");
    c->list = more;
    struct installed *l = &more[c->n++];
    *l = (struct installed){.since = since, .valid = 1};
    (void)snprintf(l->product, sizeof l->product, "%s", product);
    if (read_signed(c->a, text, len, &l->license, &why) == -1) {
        if (why.code == GF_E_SYSTEM || why.code == GF_E_DAMAGED) {
            *e = why;
            return -1;
        }
        l->valid = 0;
        (void)snprintf(l->why, sizeof l->why, "%s", why.text);
        return 0;
    }
    license_judge(&l->license, c->machine.factors, c->machine.n, c->a->now, &l->verdict);
    return 0;
}

int installed_all(struct agent *a, struct installed **out, size_t *n, struct gf_err *e) {
    struct collecting c = {.a = a};

    if (installed_machine(a, &c.machine, e) == -1 ||
        store_licenses(a->store, collect, &c, e) == -1) {
        free(c.list);
        return -1;
    }
    *out = c.list;
    *n = c.n;
    return 0;
}

void installed_words(const struct installed *l, char out[INSTALLED_WORDS]) {
    const struct license_verdict *v = &l->verdict;
    char end[GF_TIME_TEXT];
    const size_t room = INSTALLED_WORDS;

    gf_text_time(l->license.expires, end);
    if (!l->valid) {
        (void)snprintf(out, room, "INVALID");
        return;
    }
    switch (v->fact) {
    case LICENSE_VALID:
        if (l->license.has_expires)
            (void)snprintf(out, room, "valid until %s", end);
        else
            (void)snprintf(out, room, "valid, without end");
        break;
    case LICENSE_EXPIRING:
        (void)snprintf(out, room, "valid until %s, %lld days left: renew it", end,
                       (long long)v->days);
        break;
    case LICENSE_GRACE:
        (void)snprintf(out, room, "ended on %s, in its %lld days of grace: renew it", end,
                       (long long)l->license.grace_days);
        break;
    case LICENSE_ENDED:
        (void)snprintf(out, room, "ended on %s", end);
        break;
    case LICENSE_ELSEWHERE:
        (void)snprintf(out, room, "for another machine: %lld of its factors match, %lld must",
                       (long long)v->matching, (long long)l->license.k);
        break;
    case LICENSE_CLOCK:
        (void)snprintf(out, room, "the clock is in doubt: %lld days before the licence was issued",
                       (long long)v->days);
        break;
    case LICENSE_NONE:
    case LICENSE_FACTS:
        (void)snprintf(out, room, "none");
        break;
    }
}
