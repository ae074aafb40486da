/*
 * installed.c -- licences of this agent: may a document become one, and do those installed hold?
 */
#include "agent/license/installed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/command.h"
#include "agent/floor.h"
#include "agent/license/gone.h"
#include "agent/vendors.h"
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

/* A document that one vendor after the other is asked about. */
struct reading {
    const struct installed_file *file;
    struct license *out;
};

static int try_vendor(void *arg, const struct gf_sign_public *key, struct gf_err *e) {
    const struct reading *r = arg;

    return license_parse(r->file->text, r->file->len, key, r->out, e);
}

/* Ours or Keygen's, by whichever vendor has signed it. */
static int read_any(struct agent *a, const struct installed_file *f, struct installed_document *out,
                    int *elsewhere, struct gf_err *e) {
    if (keygen_is(f->text, f->len))
        return installed_keygen(a, f, out, elsewhere, e);
    struct installed_document d = {.is_keygen = 0};
    struct reading r = {f, &d.license};
    if (vendors_find(a, STORE_DUTY_LICENSE, try_vendor, &r, e) == -1)
        return -1;
    memcpy(d.scope, d.license.product, sizeof d.scope);
    *out = d;
    return 0;
}

/* The machine first: another site's licence answers another's request too, and that it is for
 * another machine says more. */
static int check_machine(struct agent *a, const struct license *l, int *elsewhere,
                         struct gf_err *e) {
    struct installed_machine m;

    if (installed_machine(a, &m, e) == -1)
        return -1;
    int64_t matching = license_matching(l, m.factors, m.n);
    if (matching >= l->k)
        return 0;
    *elsewhere = 1;
    return gf_err_set(e, GF_E_LICENSE,
                      "licence %s: is for another machine: %lld of its factors match, %lld must",
                      l->id, (long long)matching, (long long)l->k);
}

static int check_nonce(struct agent *a, const struct license *l, struct gf_err *e) {
    if (!l->has_nonce)
        return 0;
    int ours = store_has_nonce(a->store, l->product, &l->nonce, e);
    if (ours == -1)
        return -1;
    return ours ? 0
                : gf_err_set(e, GF_E_LICENSE,
                             "licence %s: answers a request that this agent has not made (its "
                             "nonce is not ours)",
                             l->id);
}

/* What was given up may run elsewhere now. */
static int check_gone(struct agent *a, const struct installed_document *d, struct gf_err *e) {
    char when[GF_TIME_TEXT];
    struct gf_buf list;
    int64_t at = 0;

    int gone = store_is_gone(a->store, d->license.id, d->scope, &at, e);
    if (gone == -1 || (gone == 0 && gone_load(a, &list, e) == -1))
        return -1;
    if (gone == 0) {
        gone = gone_has(&list, d->license.id, d->scope);
        gf_buf_free(&list);
        return !gone ? 0
                     : gf_err_set(e, GF_E_REPLAY,
                                  "licence %s: was deactivated on this machine, as "
                                  "%s/license.gone says, and is never accepted here again; ask "
                                  "the vendor for another one",
                                  d->license.id, a->state);
    }
    gf_text_time(at, when);
    return gf_err_set(e, GF_E_REPLAY,
                      "licence %s: was deactivated on this machine on %s and is never accepted "
                      "here again; ask the vendor for another one",
                      d->license.id, when);
}

int installed_read(struct agent *a, const char *text, size_t len, const char *product,
                   const struct installed_secret *secret, struct installed_document *out,
                   int *elsewhere, struct gf_err *e) {
    const struct installed_file f = {text, len, product, secret, 0};
    struct installed_document d;

    *elsewhere = 0;
    if (read_any(a, &f, &d, elsewhere, e) == -1)
        return -1;
    if (product && strcmp(d.license.product, product) != 0)
        return gf_err_set(e, GF_E_LICENSE, "licence %s: is for product %s, and %s was asked for",
                          d.license.id, d.license.product, product);
    if (check_machine(a, &d.license, elsewhere, e) == -1 || check_nonce(a, &d.license, e) == -1 ||
        check_gone(a, &d, e) == -1)
        return -1;
    *out = d;
    return 0;
}

/* ---- installing ---- */

static int put_all(struct agent *a, const struct installed_document *d, const char *text,
                   size_t len, struct gf_err *e) {
    const struct license *l = &d->license;
    struct gf_buf secret;

    if (store_put_license(a->store, l->product, text, len, a->now, e) == -1 ||
        floor_raise(a, l->issued, e) == -1)
        return -1;
    if (!d->is_keygen)
        return 0;
    gf_buf_init(&secret, 4096);
    installed_keygen_pack(&d->secret, &secret);
    int rc = gf_buf_check(&secret, "what opens the licence", e);
    if (rc == 0)
        rc = store_put_license_secret(a->store, l->product, secret.data, secret.len, e);
    gf_buf_free(&secret);
    return rc;
}

int installed_put(struct agent *a, const struct installed_document *d, const char *text, size_t len,
                  struct gf_err *e) {
    if (store_begin(a->store, e) == -1)
        return -1;
    return store_end(a->store, put_all(a, d, text, len, e), e);
}

/* ---- what is installed ---- */

/* The secret that is kept beside a licence; an empty one where there is none. */
static int load_secret(struct agent *a, const char *product, struct installed_secret *out,
                       struct gf_err *e) {
    struct gf_buf b;

    *out = (struct installed_secret){.key = ""};
    int found = store_get_license_secret(a->store, product, &b, e);
    int rc = found == 1 ? installed_keygen_unpack(b.data ? b.data : "", b.len, out, e) : found;
    gf_buf_free(&b);
    return rc;
}

/* An older database was put back: what was given up since is installed again. */
static void mark_gone(const struct agent *a, const struct gf_buf *gone, struct installed *l) {
    const char *id = l->document.license.id;
    char self[COMMAND_SELF];

    l->gone = gone_has(gone, id, l->document.scope);
    if (!l->gone)
        return;
    l->valid = 0;
    (void)snprintf(l->why, sizeof l->why,
                   "licence %s was deactivated on this machine, as license.gone says, which "
                   "agent.db is older than; ask the vendor for another one. If its vendor was "
                   "not told yet: %s license deactivate --product %s",
                   id, command_self(a, self), l->product);
}

struct collecting {
    struct agent *a;
    struct installed_machine machine;
    struct gf_buf gone;
    int64_t floor;
    struct installed *list;
    size_t n;
};

static int collect(void *arg, const char *product, const char *text, size_t len, int64_t since,
                   struct gf_err *e) {
    struct collecting *c = arg;
    struct gf_err why = {.code = GF_OK};
    struct installed_secret secret;
    int elsewhere;

    struct installed *more = reallocarray(c->list, c->n + 1, sizeof *more);
    if (!more)
        return gf_err_errno(e, "no memory for the licences");
    c->list = more;
    struct installed *l = &more[c->n++];
    *l = (struct installed){.since = since, .valid = 1};
    (void)snprintf(l->product, sizeof l->product, "%s", product);
    if (load_secret(c->a, product, &secret, e) == -1)
        return -1;
    const struct installed_file f = {text, len, product, &secret, 1};
    if (read_any(c->a, &f, &l->document, &elsewhere, &why) == -1) {
        if (why.code == GF_E_SYSTEM || why.code == GF_E_DAMAGED) {
            *e = why;
            return -1;
        }
        l->valid = 0;
        (void)snprintf(l->why, sizeof l->why, "%s", why.text);
        return 0;
    }
    license_judge(&l->document.license, c->machine.factors, c->machine.n, c->a->now, c->floor,
                  &l->verdict);
    mark_gone(c->a, &c->gone, l);
    return 0;
}

int installed_all(struct agent *a, struct installed **out, size_t *n, struct gf_err *e) {
    struct collecting c = {.a = a};

    if (installed_machine(a, &c.machine, e) == -1 || floor_get(a, &c.floor, e) == -1 ||
        gone_load(a, &c.gone, e) == -1)
        return -1;
    int rc = store_licenses(a->store, collect, &c, e);
    gf_buf_free(&c.gone);
    if (rc == -1) {
        free(c.list);
        return -1;
    }
    *out = c.list;
    *n = c.n;
    return 0;
}

int installed_one(struct agent *a, const char *product, struct installed *out, struct gf_err *e) {
    struct installed *list = NULL;
    size_t n = 0;
    int found = 0;

    if (installed_all(a, &list, &n, e) == -1)
        return -1;
    for (size_t i = 0; i < n && !found; i++) {
        if (strcmp(list[i].product, product) == 0) {
            *out = list[i];
            found = 1;
        }
    }
    free(list);
    return found;
}

int installed_is_newer(struct agent *a, const char *product, int64_t issued, struct gf_err *e) {
    struct installed *one = malloc(sizeof *one);

    if (!one)
        return gf_err_errno(e, "no memory for a licence");
    int found = installed_one(a, product, one, e);
    if (found == 1)
        found = one->valid && one->document.license.issued > issued;
    free(one);
    return found;
}

struct comparing {
    const char *product, *text;
    size_t len;
    int same;
};

static int compare(void *arg, const char *product, const char *text, size_t len, int64_t since,
                   struct gf_err *e) {
    struct comparing *c = arg;

    (void)since, (void)e;
    c->same = c->same || (strcmp(product, c->product) == 0 && len == c->len &&
                          memcmp(text, c->text, len) == 0);
    return c->same;
}

int installed_has(struct agent *a, const char *product, const char *text, size_t len,
                  struct gf_err *e) {
    struct comparing c = {product, text, len, 0};
    return store_licenses(a->store, compare, &c, e) == -1 ? -1 : c.same;
}

void installed_words(const struct installed *l, char out[INSTALLED_WORDS]) {
    const struct license_verdict *v = &l->verdict;
    char end[GF_TIME_TEXT];
    const size_t room = INSTALLED_WORDS;

    gf_text_time(l->document.license.expires, end);
    if (!l->valid) {
        (void)snprintf(out, room, "INVALID");
        return;
    }
    switch (v->fact) {
    case LICENSE_VALID:
        if (l->document.license.has_expires)
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
                       (long long)l->document.license.grace_days);
        break;
    case LICENSE_ENDED:
        (void)snprintf(out, room, "ended on %s", end);
        break;
    case LICENSE_ELSEWHERE:
        (void)snprintf(out, room, "for another machine: %lld of its factors match, %lld must",
                       (long long)v->matching, (long long)l->document.license.k);
        break;
    case LICENSE_CLOCK:
        (void)snprintf(out, room,
                       "the clock is in doubt: it stands %lld days before a time that is "
                       "proven",
                       (long long)v->days);
        break;
    case LICENSE_NONE:
    case LICENSE_FACTS:
        (void)snprintf(out, room, "none");
        break;
    }
}
